#!/usr/bin/env python3
"""Judge: what ONNX Runtime fuses into one kernel in the original, it fuses in the result too, unless the result has an operator that says as much.

usage: kept_fusions.py [--level -O2] [--show] [NAME...]
Each case is a part as exporters write it, between products by constant weights that would like to take in factors and sums, with constants of ones
and zeros as in fresh models and with others. The runtime writes down what its optimizer makes of original and result: the kernel that the case names
must be in both. Ten of the patterns stand in models of the corpus. --show prints the operators that are left.
"""
import argparse
import collections
import shutil
import sys

import numpy as np
import onnx
import onnx.parser
import onnxruntime as rt
from onnx import numpy_helper

import judge_lib

WIDE = 16
BEFORE, AFTER = "a = MatMul(h, V) x = Add(a, c)", "z = MatMul(y, W)"
GELU = "d = {} e = Erf(d) u = Add(e, one)"
TANH = "d = Tanh(i) u = Add(d, one)"
CUBE = "p = Pow(x, three) q = Mul(p, k) j = Add(x, q) i = Mul(j, r)"
DEVIATION = "m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) p = Pow(d, two) v = ReduceMean<axes = [-1]>(p) t = Add(v, eps) s = Sqrt(t) n = Div(d, s)"
RMS = "p = Pow(x, two) v = ReduceMean{}(x2) t = Add(v, eps) s = Sqrt(t) n = Div(x, s)".replace("x2", "p")
CASES = [  # name, opset, the kernel that must stay, nodes from x to y
    ("gelu-divided", 17, "Gelu", GELU.format("Div(x, root)") + " f = Mul(x, u) y = Mul(f, half)"),
    ("gelu-of-half", 17, "Gelu", GELU.format("Div(x, root)") + " f = Mul(x, half) y = Mul(f, u)"),
    ("gelu-tanh", 17, "FastGelu", CUBE + " " + TANH + " f = Mul(x, half) y = Mul(f, u)"),
    ("gelu-tanh-product", 17, "FastGelu", "p = Mul(x, k) q = Mul(x, p) j = Add(q, one) g = Mul(x, r) i = Mul(g, j) " + TANH + " f = Mul(x, half) y = Mul(f, u)"),
    ("quick-gelu", 17, "QuickGelu", "d = Mul(x, quick) e = Sigmoid(d) y = Mul(x, e)"),
    ("silu", 17, "QuickGelu", "e = Sigmoid(x) y = Mul(x, e)"),
    ("layer-norm", 13, "LayerNormalization", DEVIATION + " o = Mul(n, scale) y = Add(o, shift)"),
    ("layer-norm-17", 17, "LayerNormalization", DEVIATION + " o = Mul(n, scale) y = Add(o, shift)"),
    ("skip-layer-norm", 17, "SkipLayerNormalization", "o = Add(x, h) y = LayerNormalization(o, scale, shift)"),
    ("rms-norm", 13, "SimplifiedLayerNormalization", RMS.format("<axes = [-1]>") + " y = Mul(n, scale)"),
    ("rms-norm-18", 18, "SimplifiedLayerNormalization", RMS.format("").replace("(p)", "(p, last)") + " y = Mul(n, scale)"),
    ("rms-norm-turned", 18, "SimplifiedLayerNormalization", RMS.format("").replace("(p)", "(p, last)") + " y = Mul(scale, n)"),
    ("bias-softmax", 13, "Softmax", "y = Softmax<axis = -1>(x)"),
    ("scaled-product", 13, "FusedMatMul", "t = Transpose<perm = [0, 2, 1]>(x) p = MatMul(x, t) q = Div(p, four) s = Softmax<axis = -1>(q) y = MatMul(s, h)"),
    ("matmul-of-transposed", 13, "FusedMatMul", "t = Transpose<perm = [0, 2, 1]>(x) p = MatMul(h, t) y = MatMul(p, h)"),
]
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "half": 0.5, "root": 2 ** 0.5, "reciprocal": 0.5 ** 0.5, "k": 0.044715, "r": 0.7978845608028654,
           "quick": 1.702, "eps": 1e-5, "zero": 0, "six": 6, "step": 0.05}
IMAGES = [
    ("conv-relu", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) y = Relu(o)"),
    ("conv-bias-relu", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K) e = Add(o, b4) y = Relu(e)"),
    ("conv-add-relu", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) e = Add(o, x) y = Relu(e)"),
    ("conv-clip", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) y = Clip(o, zero, six)"),
    ("conv-bn-relu", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K) n = BatchNormalization(o, bias, bias, bias, ones) y = Relu(n)"),
    ("conv-hard-sigmoid", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) y = HardSigmoid(o)"),
    ("conv-leaky-relu", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) y = LeakyRelu(o)"),
    ("conv-sigmoid", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) y = Sigmoid(o)"),
    ("conv-tanh", 13, "Conv|FusedConv", "o = Conv<pads = [1, 1, 1, 1]>(x, K, bias) y = Tanh(o)"),
    ("quantized-conv", 13, "QLinearConv", "d = DequantizeLinear(x8, step, z8) l = DequantizeLinear(K8, step, zi) o = Conv<pads = [1, 1, 1, 1]>(d, l) q = QuantizeLinear(o, step, z8) y = DequantizeLinear(q, step, z8)"),
]




def constants(fresh):
    rng = np.random.default_rng(1)
    made = {name: np.array(number, np.float32) for name, number in NUMBERS.items()}
    made |= {name: rng.normal(0, 0.3, (WIDE, WIDE)).astype(np.float32) for name in ("V", "W")}
    vectors = {"c": (0, rng.normal(0, 1, WIDE)), "scale": (1, rng.uniform(0.5, 2, WIDE)), "shift": (0, rng.normal(0, 1, WIDE))}
    made |= {name: (np.full(WIDE, plain) if fresh else other).astype(np.float32) for name, (plain, other) in vectors.items()}
    made["last"] = np.array([-1], np.int64)
    made["K"] = rng.normal(0, 0.3, (4, 4, 3, 3)).astype(np.float32)
    made["bias"], made["ones"] = rng.normal(0, 1, 4).astype(np.float32), np.ones(4, np.float32)
    made["b4"] = rng.normal(0, 1, (1, 4, 1, 1)).astype(np.float32)
    made["K8"], made["z8"], made["zi"] = rng.integers(-99, 99, (4, 4, 3, 3), np.int8), np.array(7, np.uint8), np.array(0, np.int8)
    return made


def model_of(name, opset, nodes, image, fresh):
    signature = "(uint8[1,4,8,8] x8)" if "x8" in nodes else f"(float[1,4,8,8] x)" if image else "(float[2,8,16] h)"
    body = nodes if image else f"{BEFORE} {nodes} {AFTER}"
    shape = "[1,4,8,8] y" if image else "[2,8,16] z"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> g {signature} => (float{shape}) {{ {body} }}')
    used = {value for node in model.graph.node for value in node.input}
    model.graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in constants(fresh).items() if key in used)
    onnx.checker.check_model(model, full_check=True)
    return model


def kernels(path, work):
    """{operator: how often} in what the runtime's optimizer makes of the model."""
    options = rt.SessionOptions()
    options.log_severity_level, options.optimized_model_filepath = 4, str(work / "optimized.onnx")
    options.graph_optimization_level = rt.GraphOptimizationLevel.ORT_ENABLE_ALL
    rt.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return collections.Counter(node.op_type for node in onnx.load(work / "optimized.onnx").graph.node)


def judge(case, image, fresh, level, work, show):
    name, opset, kernel, nodes = case
    before, after = work / f"{name}.onnx", work / f"{name}.result.onnx"
    onnx.save(model_of(name, opset, nodes, image, fresh), before)
    failure = judge_lib.onnxopt(level, before, "-o", after)
    if failure:
        return failure
    was, now = kernels(before, work), kernels(after, work)
    if show:
        print(f"{name}{' fresh' if fresh else ''}: {dict(was)} -> {dict(now)}")
    names = kernel.split("|")
    if not sum(was[k] for k in names):
        return f"the runtime makes no {kernel} of the original"
    if sum(now[k] for k in names) < sum(was[k] for k in names):
        return f"{kernel} is lost: {dict(now)}"
    return f"{sum(was.values())} kernels became {sum(now.values())}" if sum(now.values()) > sum(was.values()) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", default="-O2")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    work = judge_lib.scratch("kept-fusions")
    failures = count = 0
    for case, image in [(c, False) for c in CASES] + [(c, True) for c in IMAGES]:
        if arg.names and not case[0].startswith(tuple(arg.names)):
            continue
        for fresh in (False, True):
            count += 1
            failure = judge(case, image, fresh, arg.level, work, arg.show)
            if failure:
                failures += 1
                print(f"FAIL {case[0]}{' fresh' if fresh else ''}: {failure}")
    print(f"{count} cases, {failures} failed")
    if failures:
        sys.exit(1)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
