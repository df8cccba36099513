#!/usr/bin/env python3
"""What ONNX Runtime makes of fusions: the parts against the operator that onnxopt -O3 makes of them.

usage: fusions.py ONNXOPT [NAME]               NAME: only the cases whose name has this text
Prints for each case what came out, and the CPU time of one run, parts and fused, on one thread, with ONNX Runtime's optimizations off and on.
CPU time of the process, the smaller of many short samples taken in turns: other work on the machine hardly matters. A ratio above 1 is a gain.
Needs PyPI's onnx, onnxruntime and numpy.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as ort

NORM = "m = ReduceMean(x, last) d = Sub(x, m) q = Mul(d, d) v = ReduceMean(q, last) e = Add(v, eps) s = Sqrt(e) n = Div(d, s)"
RMS = "q = Pow(x, two) v = ReduceMean(q, last) e = Add(v, eps) s = Sqrt(e) r = Reciprocal(s) n = Mul(x, r) y = Mul(n, w)"
CHANNELS = "float[32,1,1] {} = {{" + ", ".join(str(0.5 + i / 32) for i in range(32)) + "}}"
CASES = [  # name, opset, signature and constants, nodes
    (f"layer normalization {n}x{c}", 18, f"(float[1,{n},{c}] x, float[{c}] w, float[{c}] b) => (float[1,{n},{c}] y) <int64[1] last = {{-1}}, float eps = {{1e-5}}>",
     NORM + " k = Mul(n, w) y = Add(k, b)") for n, c in ((1, 64), (128, 64), (128, 768))
] + [
    ("layer normalization 17", 17, "(float[1,128,768] x, float[768] w, float[768] b) => (float[1,128,768] y) <float eps = {1e-5}, float two = {2}>",
     "m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) q = Pow(d, two) v = ReduceMean<axes = [-1]>(q) e = Add(v, eps) s = Sqrt(e) n = Div(d, s)"
     " k = Mul(n, w) y = Add(k, b)"),
    ("layer normalization without scale", 18, "(float[4,128,96] x) => (float[4,128,96] n) <int64[1] last = {-1}, float eps = {1e-5}>", NORM),
    ("layer normalization of float16", 18, "(float16[1,128,768] x, float16[768] w, float16[768] b) => (float16[1,128,768] y) <int64[1] last = {-1}, float16 eps = {5145}>",
     NORM + " k = Mul(n, w) y = Add(k, b)"),
    ("layer normalization in float", 18, "(float16[1,128,768] h, float16[768] w, float16[768] b) => (float16[1,128,768] y) <int64[1] last = {-1}, float eps = {1e-5}>",
     "x = Cast<to = 1>(h) " + NORM + " c = Cast<to = 10>(n) k = Mul(c, w) y = Add(k, b)"),
    ("rms normalization 1x64", 23, "(float[1,1,64] x, float[64] w) => (float[1,1,64] y) <float two = {2}, int64[1] last = {-1}, float eps = {1e-5}>", RMS),
    ("rms normalization 128x768", 23, "(float[1,128,768] x, float[768] w) => (float[1,128,768] y) <float two = {2}, int64[1] last = {-1}, float eps = {1e-5}>", RMS),
    ("rms normalization in float", 23,
     "(float16[1,128,768] h, float16[768] w) => (float16[1,128,768] y) <float two = {2}, int64[1] last = {-1}, float eps = {1e-5}>",
     "x = Cast<to = 1>(h) q = Pow(x, two) v = ReduceMean(q, last) e = Add(v, eps) s = Sqrt(e) r = Reciprocal(s) n = Mul(x, r) c = Cast<to = 10>(n)"
     " y = Mul(c, w)"),
    ("instance normalization", 18,
     "(float[2,32,28,28] x) => (float[2,32,28,28] y) <int64[2] last = {2, 3}, float eps = {1e-5}, " + CHANNELS.format("w") + ", " + CHANNELS.format("b") + ">",
     NORM + " k = Mul(n, w) y = Add(k, b)"),
    ("group normalization (level 3)", 21,
     "(float[2,32,28,28] x) => (float[2,32,28,28] y) <int64[3] g = {0, 8, -1}, int64[4] o = {2, 32, 28, 28}, float[8] one = {1,1,1,1,1,1,1,1},"
     " float[8] zero = {0,0,0,0,0,0,0,0}, " + CHANNELS.format("w") + ", " + CHANNELS.format("b") + ">",
     "r = Reshape(x, g) i = InstanceNormalization(r, one, zero) z = Reshape(i, o) k = Mul(z, w) y = Add(k, b)"),
] + [
    (f"gelu {name}", 20, f"({elem}[128,768] x) => ({elem}[128,768] y) <{elem} r = {{{r}}}, {elem} one = {{{one}}}, {elem} half = {{{half}}}>",
     "a = Div(x, r) b = Erf(a) c = Add(b, one) d = Mul(x, c) y = Mul(d, half)")
    for name, elem, r, one, half in (("by erf", "float", 1.4142135, 1, 0.5), ("of float16", "float16", 15784, 15360, 14336))
] + [
    ("gelu by tanh", 20,
     "(float[128,768] x) => (float[128,768] y) <float k = {0.044715}, float r = {0.7978845608}, float one = {1}, float half = {0.5}, float three = {3}>",
     "p = Pow(x, three) a = Mul(p, k) b = Add(x, a) c = Mul(b, r) d = Tanh(c) e = Add(d, one) f = Mul(x, half) y = Mul(f, e)"),
    ("hard sigmoid", 14, "(float[128,768] x) => (float[128,768] y) <float three = {3}, float zero = {0}, float six = {6}>",
     "a = Add(x, three) b = Clip(a, zero, six) y = Div(b, six)"),
    ("hard swish", 14, "(float[128,768] x) => (float[128,768] y) <float three = {3}, float zero = {0}, float six = {6}>",
     "a = Add(x, three) b = Clip(a, zero, six) c = Mul(x, b) y = Div(c, six)"),
    ("mish", 18, "(float[128,768] x) => (float[128,768] y)", "a = Softplus(x) b = Tanh(a) y = Mul(x, b)"),
    ("softplus (level 3)", 18, "(float[128,768] x) => (float[128,768] y) <float one = {1}>", "a = Exp(x) b = Add(a, one) y = Log(b)"),
    ("swish (level 3)", 24, "(float[128,768] x) => (float[128,768] y)", "a = Sigmoid(x) y = Mul(x, a)"),
    ("swish with alpha (level 3)", 24, "(float[128,768] x) => (float[128,768] y) <float c = {1.702}>", "z = Mul(x, c) a = Sigmoid(z) y = Mul(x, a)"),
    ("softmax", 18, "(float[128,768] x) => (float[128,768] y) <int64[1] last = {-1}>",
     "m = ReduceMax(x, last) d = Sub(x, m) e = Exp(d) s = ReduceSum(e, last) y = Div(e, s)"),
    ("log softmax", 18, "(float[128,768] x) => (float[128,768] y)", "a = Softmax(x) y = Log(a)"),
    ("log softmax of sum", 18, "(float[128,768] x) => (float[128,768] y) <int64[1] last = {-1}>", "s = ReduceLogSumExp(x, last) y = Sub(x, s)"),
    ("leaky relu", 16, "(float[128,768] x) => (float[128,768] y) <float a = {0.1}>", "m = Mul(x, a) y = Max(x, m)"),
    ("elu", 16, "(float[128,768] x) => (float[128,768] y) <float zero = {0}, float one = {1}>",
     "c = Greater(x, zero) e = Exp(x) n = Sub(e, one) y = Where(c, x, n)"),
    ("prelu (level 3)", 16, "(float[128,768] x, float[768] s) => (float[128,768] y)", "n = Neg(x) r = Relu(n) m = Mul(r, s) p = Relu(x) y = Sub(p, m)"),
    ("softsign", 16, "(float[128,768] x) => (float[128,768] y) <float one = {1}>", "a = Abs(x) b = Add(a, one) y = Div(x, b)"),
    ("sum of squares (level 3)", 18, "(float[128,768] x) => (float[128,1] y) <int64[1] last = {-1}>", "q = Mul(x, x) y = ReduceSum(q, last)"),
    ("sum of absolutes (level 3)", 18, "(float[128,768] x) => (float[128,1] y) <int64[1] last = {-1}>", "q = Abs(x) y = ReduceSum(q, last)"),
    ("root of sum of squares (level 3)", 18, "(float[128,768] x) => (float[128,1] y) <int64[1] last = {-1}>", "q = Mul(x, x) s = ReduceSum(q, last) y = Sqrt(s)"),
    ("root of sum of squares, first axis (level 3)", 18, "(float[128,768] x) => (float[1,768] y) <int64[1] last = {0}>", "q = Mul(x, x) s = ReduceSum(q, last) y = Sqrt(s)"),
    ("logarithm of sum of powers (level 3)", 18, "(float[128,768] x) => (float[128,1] y) <int64[1] last = {-1}>", "q = Exp(x) s = ReduceSum(q, last) y = Log(s)"),
    ("logarithm of sum (level 3)", 18, "(float[128,768] z) => (float[128,1] y) <int64[1] last = {-1}>", "x = Sigmoid(z) s = ReduceSum(x, last) y = Log(s)"),
] + [
    (f"rotary {h} heads, {n} x {d}", 23,
     f"(float[1,{h},{n},{d}] x, float[1,{n},{d // 2}] f) => (float[1,{h},{n},{d}] y) <int64[1] one = {{1}}, int64[1] zero = {{0}}, int64[1] half = {{{d // 2}}},"
     f" int64[1] all = {{9223372036854775807}}, int64[1] last = {{3}}>",
     "a = Concat<axis = -1>(f, f) c = Cos(a) s = Sin(a) cu = Unsqueeze(c, one) su = Unsqueeze(s, one) p = Mul(x, cu) l = Slice(x, zero, half, last)"
     " r = Slice(x, half, all, last) n = Neg(r) t = Concat<axis = -1>(n, l) q = Mul(t, su) y = Add(p, q)") for h, n, d in ((4, 1, 32), (12, 128, 64))
] + [
    (f"attention {h} heads, {n} to {t}{' masked' if mask else ''} (level 3)", 23,
     f"(float[1,{h},{n},{d}] q, float[1,{h},{d},{t}] k, float[1,{h},{t},{d}] v, float[1,1,{n},{t}] m) => (float[1,{h},{n},{d}] y) <float c = {{{d ** -0.5}}}>",
     "a = MatMul(q, k) b = Mul(a, c) " + ("z = Add(b, m) s = Softmax(z)" if mask else "z = Identity(m) s = Softmax(b)") + " y = MatMul(s, v)")
    for h, n, t, d in ((4, 16, 128, 32), (12, 128, 128, 64), (12, 1, 128, 64)) for mask in (False, True)
]


def session(model, optimized):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def feeds(model):
    rng = np.random.default_rng(1)
    out = {}
    for i in model.graph.input:
        shape = [d.dim_value for d in i.type.tensor_type.shape.dim]
        out[i.name] = rng.standard_normal(shape).astype(onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type))
    return out


def check(parts, fused, name):
    """A fusion that is wrong need not be measured."""
    data = feeds(parts)
    a, b = (session(m, False).run(None, data)[0].astype(np.float64) for m in (parts, fused))
    limit = 2e-5 if next(iter(data.values())).dtype == np.float32 else 1e-2
    if not np.allclose(a, b, rtol=limit, atol=limit * np.max(np.abs(a))):
        sys.exit(f"{name}: the results differ by {np.max(np.abs(a - b))}")


def seconds(one, data, runs):
    start = time.process_time()
    for _ in range(runs):
        one.run(None, data)
    return (time.process_time() - start) / runs


def compare(parts, fused, optimized):
    pair = [session(m, optimized) for m in (parts, fused)]
    data = feeds(parts)
    runs = max(3, int(0.01 / max(1e-6, min(seconds(s, data, 3) for s in pair))))
    best = [min(seconds(s, data, runs) for _ in range(2)) for s in pair]
    for _ in range(30):
        best = [min(b, seconds(s, data, runs)) for b, s in zip(best, pair)]
    return best


def main():
    onnxopt = sys.argv[1]
    print(f"{'case':36s} {'becomes':44s} {'off: parts, fused, ratio':28s} on")
    for name, opset, signature, nodes in CASES:
        if len(sys.argv) > 2 and sys.argv[2] not in name:
            continue
        parts = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]> g {signature} {{ {nodes} }}')
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "m.onnx")
            onnx.save(parts, path)
            subprocess.run([onnxopt, "-q", "-O3", path, "-o", f"{path}.out"], check=True)
            fused = onnx.load(f"{path}.out")
        check(parts, fused, name)
        times = [compare(parts, fused, optimized) for optimized in (False, True)]
        shown = [f"{a * 1e6:8.1f} {b * 1e6:8.1f} us {a / b:6.2f}" for a, b in times]
        print(f"{name:36s} {' '.join(n.op_type for n in fused.graph.node)[:44]:44s} {shown[0]:28s} {shown[1]}", flush=True)


if __name__ == "__main__":
    main()
