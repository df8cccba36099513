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
        times = [compare(parts, fused, optimized) for optimized in (False, True)]
        shown = [f"{a * 1e6:8.1f} {b * 1e6:8.1f} us {a / b:6.2f}" for a, b in times]
        print(f"{name:36s} {' '.join(n.op_type for n in fused.graph.node)[:44]:44s} {shown[0]:28s} {shown[1]}", flush=True)


if __name__ == "__main__":
    main()
