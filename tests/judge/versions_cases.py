#!/usr/bin/env python3
"""passes/versions.def against ONNX Runtime: onnx's node tests, run at older versions of their operators too.

usage: versions_cases.py SOURCE_DIR

A node test holds one operator at some version. Where versions.def says SAME from an older version on, and onnx's checker takes the model with the
older operator set, ONNX Runtime must give the same there. Cases that it does not run at both prove nothing; their number is printed.
"""
import collections
import pathlib
import re
import sys
import warnings

import numpy as np
import onnx
import onnxruntime as ort
from onnx import defs, numpy_helper
from onnx.backend.test.loader import load_model_tests

warnings.simplefilter("ignore")
FEWEST = 300  # comparisons


def run(model, feeds):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)


def same(a, b):
    if isinstance(a, list) or isinstance(b, list):
        return isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    return bool(np.allclose(a.astype(np.float64), b.astype(np.float64), rtol=1e-5, atol=1e-6, equal_nan=True))


def older_models(model, node, opset, rows, versions):
    """The same model at each older version from which versions.def says SAME."""
    since = max(v for v in versions if v <= opset)
    for older in sorted((v for v in versions if v < since), reverse=True):
        if (node.op_type, since) not in rows:
            return
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        copy.opset_import[0].version = since - 1
        yield since - 1, copy
        since = older


def main():
    text = pathlib.Path(sys.argv[1], "passes", "versions.def").read_text()
    rows = {(op, int(since)) for op, since in re.findall(r"^SAME\((\w+), (\d+)\)$", text, re.M)}
    versions = collections.defaultdict(set)
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            versions[schema.name].add(schema.since_version)
    bad, compared, not_run, seen = [], 0, 0, set()
    for case in load_model_tests(kind="node"):
        model = case.model
        if len(model.graph.node) != 1 or model.functions or len(model.opset_import) != 1 or model.opset_import[0].domain or not case.data_sets:
            continue
        node = model.graph.node[0]
        opset = model.opset_import[0].version
        schema = defs.get_schema(node.op_type, opset, "") if node.op_type in versions else None
        if not schema or schema.node_determinism == defs.OpSchema.NodeDeterminism.NonDeterministic:
            continue
        names = [i.name for i in model.graph.input]
        try:
            feeds = {n: numpy_helper.to_array(x) if isinstance(x, onnx.TensorProto) else x for n, x in zip(names, case.data_sets[0][0])}
            wanted = run(model, feeds)
        except Exception:
            not_run += 1
            continue
        for older, copy in older_models(model, node, opset, rows, versions[node.op_type]):
            try:
                onnx.checker.check_model(copy, full_check=True)
                got = run(copy, feeds)
            except Exception:
                not_run += 1
                continue
            compared += 1
            seen.add(node.op_type)
            if not all(same(a, b) for a, b in zip(wanted, got)):
                bad.append(f"{case.name}: {node.op_type} is another at opset {older} than at {opset}")
    print("\n".join(bad))
    print(f"{compared} comparisons of {len(seen)} operators, {not_run} cases were not run, {len(bad)} differ")
    sys.exit(bool(bad) or compared < FEWEST)


if __name__ == "__main__":
    main()
