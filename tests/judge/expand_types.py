#!/usr/bin/env python3
"""Judge: an operator and its body give the same on random inputs, for every operator that ONNX defines by others and every element type.

usage: expand_types.py [--seed S] [--only OP]... [--at-least N] [-v]
Each case is a model of one node at the newest opset with inputs of one type, special values among them. The evaluator runs it before and
after expand-functions (as deep as it goes); types and shapes must be equal, numbers close for their type. Prints a table by operator; exits
1 on any difference.
"""
import argparse
import collections
import itertools
import re
import shutil
import subprocess
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import judge_lib

KIND = {name: helper.tensor_dtype_to_np_dtype(getattr(TensorProto, name.upper())) for name in
        "float float16 bfloat16 double int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()}
FLOATS = ["float", "float16", "bfloat16", "double"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
# Relative to the largest finite result: what reassociation may cost in the type.
CLOSE = {"float": 2e-5, "float16": 1e-2, "bfloat16": 8e-2, "double": 2e-5}


class Maker:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def numbers(self, kind, shape, special=False, low=-3.0, high=3.0):
        dtype = KIND[kind]
        if kind == "bool":
            return self.rng.integers(0, 2, shape).astype(bool)
        if kind in INTS:
            least = 0 if kind.startswith("u") else -5
            return self.rng.integers(least, 6, shape).astype(dtype)
        array = self.rng.uniform(low, high, shape)
        if special and array.size >= 6:
            flat = array.reshape(-1)
            flat[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-3]
        return array.astype(np.float32).astype(dtype)


def unary(op, kinds=FLOATS, **attributes):
    def make(m, kind, special):
        return op, attributes, [m.numbers(kind, (3, 4), special)]
    return kinds, make


def binary(op, kinds, **attributes):
    def make(m, kind, special):
        return op, attributes, [m.numbers(kind, (3, 4), special), m.numbers(kind, (4,), False)]
    return kinds, make


def shaped(op, kinds, shapes, special_allowed=True, extra=(), outputs=1, domain="", **attributes):
    """Inputs of these shapes in the type under test, then the extra arrays; None is an input left out."""
    def make(m, kind, special):
        inputs = [None if s is None else m.numbers(kind, s, special and special_allowed and k == 0) for k, s in enumerate(shapes)]
        return op, attributes, inputs + [e(m, kind) if callable(e) else e for e in extra], outputs, domain
    return kinds, make


def i64(*values):
    return np.array(values, np.int64)


def cases():
    out = [unary(op) for op in "Celu Elu Gelu HardSigmoid HardSwish LeakyRelu Mish Selu Softplus Softsign Swish ThresholdedRelu".split()]
    out += [unary("Elu", alpha=0.3), unary("Gelu", approximate="tanh"), unary("Celu", alpha=0.7), unary("Shrink", FLOATS[:2] + ["double"], lambd=0.7, bias=0.2),
            unary("Relu", FLOATS + INTS[:4]), unary("Swish", alpha=0.4)]
    out += [binary(op, FLOATS + INTS) for op in ("GreaterOrEqual", "LessOrEqual")]
    out += [binary("PRelu", FLOATS + ["int32", "int64", "uint32", "uint64"]), shaped("SwiGLU", FLOATS, [(3, 4), (3, 4)])]
    numbers = FLOATS + INTS
    scalar = lambda value: lambda m, kind: np.array(value).astype(KIND[kind])
    out += [shaped("Clip", numbers, [(3, 4)], extra=[scalar(1), scalar(2)]), shaped("Clip", numbers, [(3, 4)], extra=[scalar(1)]),
            shaped("Clip", numbers, [(3, 4), None], extra=[scalar(1)]), shaped("Clip", numbers, [(3, 4)])]
    for op in ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"):
        kinds = FLOATS if "Log" in op else FLOATS + ["int32", "int64", "uint32", "uint64"]
        out += [shaped(op, kinds, [(2, 3, 4)], extra=[i64(1)]), shaped(op, kinds, [(2, 3, 4)], keepdims=0), shaped(op, kinds, [(2, 3, 4)], extra=[i64(-1, 0)]),
                shaped(op, kinds, [(2, 0, 4)], extra=[i64(1)]), shaped(op, kinds, [(2, 3, 4)], extra=[i64()], noop_with_empty_axes=1)]
    out += [shaped(op, FLOATS, [(2, 3, 4)], axis=axis) for op in ("Softmax", "LogSoftmax") for axis in (-1, 0, 1)]
    out += [shaped("LayerNormalization", FLOATS, [(2, 3, 4), (4,), (4,)], False), shaped("LayerNormalization", FLOATS, [(2, 3, 4), (3, 4)], False, axis=1, outputs=3),
            shaped("RMSNormalization", FLOATS, [(2, 3, 4), (4,)], False), shaped("RMSNormalization", FLOATS, [(2, 3, 4), (3, 4)], False, axis=1),
            shaped("GroupNormalization", FLOATS, [(2, 6, 4), (6,), (6,)], False, num_groups=3),
            shaped("MeanVarianceNormalization", FLOATS, [(2, 3, 4, 5)], False), shaped("MeanVarianceNormalization", FLOATS, [(2, 3, 4)], False, axes=[0, 2])]
    for op in ("BlackmanWindow", "HammingWindow", "HannWindow"):
        out += [(["int32", "int64"], lambda m, kind, special, op=op, p=p, t=t: (op, {"periodic": p, "output_datatype": t}, [np.array(9, KIND[kind])]))
                for p in (0, 1) for t in (1, 11, 10)]
    out += [shaped("DynamicQuantizeLinear", ["float"], [(3, 4)], False, outputs=3)]
    out += [(FLOATS + ["int16", "int32", "int64"], lambda m, kind, special, a=a: ("Range", {}, [np.array(v).astype(KIND[kind]) for v in a]))
            for a in ((0, 5, 1), (10, 3, -2), (3, 3, 1), (1, 9, 3))]
    anything = FLOATS + INTS + ["bool"]
    out += [shaped("CenterCropPad", anything, [(5, 6, 3)], extra=[i64(3, 9, 3)]), shaped("CenterCropPad", anything, [(5, 6, 3)], extra=[i64(8, 2)], axes=[0, 2])]
    out += [shaped(op, anything, [shape], blocksize=2, mode=mode) for op, shape in (("DepthToSpace", (1, 8, 2, 3)), ("SpaceToDepth", (1, 2, 4, 6))) for mode in ("DCR", "CRD")]
    out += [(FLOATS + INTS + ["bool"], lambda m, kind, special, to=to: ("CastLike", {}, [m.numbers(kind, (3, 4)), np.zeros(1, KIND[to])]))
            for to in FLOATS + INTS + ["bool"]]
    target = np.array([[1, 0, 2, 1], [2, 2, 0, 1]], np.int64)
    for reduction, ignore, weights, op in itertools.product(("mean", "sum", "none"), (None, 2), (False, True), ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")):
        attributes = {"reduction": reduction} | ({} if ignore is None else {"ignore_index": ignore})
        extra = [target] + ([lambda m, kind: m.numbers(kind, (3,), low=0.1, high=1)] if weights else [])
        out.append(shaped(op, FLOATS, [(2, 3, 4)], False, extra=extra, **attributes))
    out += [shaped("AffineGrid", FLOATS, [(2, 2, 3)], False, extra=[i64(2, 3, 4, 5)], align_corners=a) for a in (0, 1)]
    out += [shaped("AffineGrid", FLOATS, [(2, 3, 4)], False, extra=[i64(2, 3, 4, 5, 6)], align_corners=a) for a in (0, 1)]
    ids = np.array([[0, 2, 1, 3], [4, 1, 2, 0]], np.int64)
    for i in (0, 1):
        out += [shaped("RotaryEmbedding", FLOATS, [(2, 3, 4, 8), (5, 4), (5, 4)], False, extra=[ids], interleaved=i),
                shaped("RotaryEmbedding", FLOATS, [(2, 4, 24), (2, 4, 4), (2, 4, 4)], False, interleaved=i, num_heads=3),
                shaped("RotaryEmbedding", FLOATS, [(2, 3, 4, 8), (2, 4, 2), (2, 4, 2)], False, interleaved=i, rotary_embedding_dim=4)]
    mask = np.array([[1, 1, 0, 1, 1], [1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]], bool)
    q, k, v = (2, 4, 4, 8), (2, 2, 5, 8), (2, 2, 5, 6)
    past = [(2, 2, 3, 8), (2, 2, 3, 6)]
    for attributes in ({}, {"is_causal": 1}, {"softcap": 2.0}, {"scale": 0.3}, {"left_window_size": 1}, {"right_window_size": 1, "left_window_size": 2}):
        out.append(shaped("Attention", FLOATS, [q, k, v], False, **attributes))
    out += [shaped("Attention", FLOATS, [q, k, v], False, extra=[mask]), shaped("Attention", FLOATS, [q, k, v, (4, 5)], False),
            shaped("Attention", FLOATS, [(2, 4, 32), (2, 5, 16), (2, 5, 12)], False, q_num_heads=4, kv_num_heads=2),
            shaped("Attention", FLOATS, [q, k, v, None, *past], False, outputs=3, is_causal=1),
            shaped("Attention", FLOATS, [q, k, v, None, None, None], False, extra=[i64(3, 5)])]
    out += [shaped("Attention", FLOATS, [q, k, v, (4, 5)], False, outputs=4, qk_matmul_output_mode=mode, softcap=1.5) for mode in range(4)]
    halves = FLOATS[:3]
    for rule in ("linear", "gated", "delta", "gated_delta"):
        for q_heads, k_heads in ((2, 2), (4, 2)):
            shapes = [(2, 3, 4 * q_heads), (2, 3, 4 * k_heads), (2, 3, 5 * k_heads), (2, k_heads, 4, 5)]
            shapes += [(2, 3, 4 * k_heads) if "gated" in rule else None, (2, 3, k_heads) if "delta" in rule else None]
            out.append(shaped("LinearAttention", halves, shapes, False, outputs=2, update_rule=rule, q_num_heads=q_heads, kv_num_heads=k_heads))
    for activation in ("none", "silu"):
        out += [shaped("CausalConvWithState", halves, [(2, 4, 7), (4, 1, 3)], False, outputs=2, activation=activation),
                shaped("CausalConvWithState", halves, [(2, 4, 7), (4, 1, 3), (4,), (2, 4, 2)], False, outputs=2, activation=activation)]
    out += [shaped("FlexAttention", FLOATS, [q, k, v], False, domain="ai.onnx.preview"),
            shaped("FlexAttention", FLOATS, [q, k, v], False, domain="ai.onnx.preview", scale=0.4, softmax_precision=1)]
    return out


def model_of(op, attributes, inputs, outputs=1, domain=""):
    while inputs and inputs[-1] is None:
        inputs = inputs[:-1]
    names = ["" if a is None else f"i{k}" for k, a in enumerate(inputs)]
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in zip(names, inputs) if n]
    node = helper.make_node(op, names, [f"o{k}" for k in range(outputs)], domain=domain, **attributes)
    opset = onnx.defs.onnx_opset_version()
    imports = [helper.make_opsetid("", min(opset, 28))] + ([helper.make_opsetid(domain, 1)] if domain else [])
    graph = helper.make_graph([node], "g", infos, [helper.make_tensor_value_info(f"o{k}", TensorProto.UNDEFINED, None) for k in range(outputs)])
    model = helper.make_model(graph, opset_imports=imports, ir_version=onnx.IR_VERSION)
    return onnx.shape_inference.infer_shapes(model, strict_mode=False), [(n, a) for n, a in zip(names, inputs) if n]


def run(model, folder, out):
    command = [judge_lib.ONNXOPT, "run", str(model), "--output", str(out)]
    for path in sorted(folder.glob("*.pb")):
        command += ["--input", f"{path.stem}={path}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if result.returncode:
        return result.stderr.strip()[-200:]
    return [numpy_helper.to_array(onnx.TensorProto.FromString(p.read_bytes())) for p in sorted(out.glob("output_*.pb"))]


def difference(a, b):
    for k, (x, y) in enumerate(zip(a, b)):
        if x.dtype != y.dtype or x.shape != y.shape:
            return f"output {k}: {x.dtype}{x.shape} became {y.dtype}{y.shape}"
        if x.dtype.kind in "biu":
            if not np.array_equal(x, y):
                return f"output {k}: {x.reshape(-1)[:8]} became {y.reshape(-1)[:8]}"
            continue
        kind = next(n for n, d in KIND.items() if d == x.dtype)
        x, y = x.astype(np.float64), y.astype(np.float64)
        finite = np.isfinite(x) & np.isfinite(y)
        if not np.array_equal(np.where(finite, 0, x), np.where(finite, 0, y), equal_nan=True):
            return f"output {k}: {x.reshape(-1)[:8]} became {y.reshape(-1)[:8]}"
        scale = np.max(np.abs(x[finite]), initial=1e-3)
        error = np.max(np.abs(x[finite] - y[finite]), initial=0)
        if error > CLOSE[kind] * scale:
            return f"output {k}: off by {error:.2e} of {scale:.2e}"
    return None


def judge(folder, job):
    number, (kinds, make), kind, special, seed = job
    made = make(Maker([seed, number]), kind, special)
    op = made[0]
    model, inputs = model_of(*made)
    own = folder / f"{number}.{kind}.{int(special)}"
    (own / "in").mkdir(parents=True)
    for name, array in inputs:
        (own / "in" / f"{name}.pb").write_bytes(numpy_helper.from_array(array, name).SerializeToString())
    onnx.save(model, own / "model.onnx")
    command = [judge_lib.ONNXOPT, "-p", f"expand-functions{{ops={op},depth=0}}", str(own / "model.onnx"), "-o", str(own / "expanded.onnx"), "--remarks=missed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    missed = re.findall(r"remark: expand-functions: (.*)", done.stderr)
    if done.returncode:
        return op, kind, "failed", done.stderr.strip()[-200:], own
    if op in [n.op_type for n in onnx.load(own / "expanded.onnx").graph.node]:
        return op, kind, "stays", (missed or ["without a reason"])[0], own
    before, after = run(own / "model.onnx", own / "in", own / "a"), run(own / "expanded.onnx", own / "in", own / "b")
    if isinstance(before, str) or isinstance(after, str):
        return op, kind, "failed", f"run: {before if isinstance(before, str) else after}", own
    wrong = difference(before, after)
    return op, kind, "failed" if wrong else "same", wrong or "", own


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--at-least", type=int, default=0, help="cases that must have been expanded")
    parser.add_argument("-v", action="store_true")
    arg = parser.parse_args()
    folder = judge_lib.scratch("expand-types")
    jobs = [(n, case, kind, special, arg.seed) for n, case in enumerate(cases()) for kind in case[0] for special in (False, True)]
    jobs = [j for j in jobs if not arg.only or j[1][1](Maker(0), j[2], False)[0] in arg.only]
    jobs = [j for j in jobs if not j[3] or j[2] in FLOATS]
    counts, bad = collections.defaultdict(collections.Counter), 0
    for op, kind, verdict, why, own in judge_lib.each(lambda j: judge(folder, j), jobs, processes=False):
        counts[op][verdict] += 1
        bad += verdict == "failed"
        if verdict == "failed" or arg.v and verdict != "same":
            print(f"{op} {kind}: {verdict}: {why}   {own.name}")
    judge_lib.table([(op, *(c[k] for k in ("same", "stays", "failed"))) for op, c in sorted(counts.items())], ("operator", "same", "stays", "failed"))
    total = sum(c["same"] for c in counts.values())
    print(f"expand-types: {total} of {len(jobs)} the same, {bad} wrong")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad) or total < arg.at_least)


if __name__ == "__main__":
    main()
