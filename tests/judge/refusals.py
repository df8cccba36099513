#!/usr/bin/env python3
"""Judge: what refute-branch takes for an error is one, for ONNX Runtime and for the evaluator.

usage: refusals.py
Every operator of its table gets inputs of ranks that it is said to refuse, and of the rank that it takes.
"""
import re
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import judge_lib

HIDDEN = {"LSTM": 8, "GRU": 6, "RNN": 2}  # rows of the weights for two hidden units


def weights(op, spatial):
    if op in HIDDEN:
        return {"w": [1, HIDDEN[op], 3], "r": [1, HIDDEN[op], 2]}
    return {"w": [3, 3] + [1] * spatial}


def shapes(op):
    """(shape of the input, spatial axes of the weights, whether it is taken)."""
    if op in HIDDEN:
        return [([1] * (rank - 1) + [3], 0, rank == 3) for rank in range(1, 7)]
    return [([1, 3, 2, 2, 2][:rank], spatial, rank == spatial + 2) for spatial in (1, 2) for rank in range(1, 6)]


def model_of(op, spatial, rank):
    attrs = {"hidden_size": 2} if op in HIDDEN else {}
    initializers = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights(op, spatial).items()]
    node = helper.make_node(op, ["x", *(t.name for t in initializers)], ["y"], **attrs)
    anything = helper.make_tensor_value_info("given", TensorProto.FLOAT, None)
    nodes = [helper.make_node("Identity", ["given"], ["x"]), node]
    graph = helper.make_graph(nodes, "g", [anything], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def runs_in_runtime(model, x):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, 4
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"given": x})
    except Exception:  # ONNX Runtime has a class for each kind of failure
        return False
    return True


def main():
    source = (judge_lib.ROOT / "passes/refute_branch.c").read_text()
    table = re.search(r"demands\[\] = \{(.*?)\};", source, re.S).group(1)
    ops = re.findall(r'\{"(\w+)", (\d)\}', table)
    folder, bad, seen = judge_lib.scratch("refusals"), 0, 0
    for op, _ in ops:
        for shape, spatial, taken in shapes(op):
            model, x = model_of(op, spatial, len(shape)), np.ones(shape, np.float32)
            onnx.save(model, folder / "m.onnx")
            np.save(folder / "x.npy", x)
            evaluated = judge_lib.onnxopt("run", "-q", folder / "m.onnx", "--input", f"given={folder / 'x.npy'}", "-o", folder) is None
            seen += 1
            if not runs_in_runtime(model, x) == evaluated == taken:
                print(f"{op} with an input of shape {shape}: taken should be {taken}; ONNX Runtime {runs_in_runtime(model, x)}, evaluator {evaluated}")
                bad += 1
    print(f"refusals: {seen - bad} of {seen} as the pass takes them, {len(ops)} operators")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad or not ops))


if __name__ == "__main__":
    main()
