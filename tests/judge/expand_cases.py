#!/usr/bin/env python3
"""Judge: expand-functions on every recorded node case whose model has an operator with a body.

usage: expand_cases.py CASES EVAL_SUITE [--only TEXT]... [--at-least N] [-v]
CASES is the folder that dump_node_tests.py writes. Each model is expanded, one level deep. Then
- onnx's checker accepts the result, and no operator with a body is left but for a reason that the pass gives;
- the nodes are those that onnx's own inliner makes of the model (names apart);
- inference knows no less of the node's results than of the body's;
- the evaluator gives the recorded outputs, and so does ONNX Runtime where it runs the model (onnx's reference evaluator where not).
Prints a table by operator; exits 1 on any failure or when fewer than N cases were expanded.
"""
import argparse
import collections
import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnx.inliner
import onnxruntime
from onnx import AttributeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import judge_lib

# Draws are other draws; and onnx's reference evaluator stacks what a Loop collects in bfloat16 as (2, 1).
DIFFERS = {"test_bernoulli_double", "test_bernoulli_seed", "test_range_bfloat16_type_positive_delta"}


@functools.cache
def schema_of(domain, op, opset):
    try:
        return onnx.defs.get_schema(op, opset, domain)
    except onnx.defs.SchemaError:
        return None


def opsets(model):
    return {o.domain: o.version for o in model.opset_import}


def with_bodies(model):
    """(domain, operator) of the nodes that are defined by others."""
    versions, found = opsets(model), []
    for node in model.graph.node:
        schema = schema_of(node.domain, node.op_type, versions.get(node.domain, 0))
        if schema and (schema.has_function or schema.has_context_dependent_function):
            found.append((node.domain, node.op_type))
    return found


def explicit(model):
    """The model with the defaults of its operators with bodies written out: onnx's inliner leaves out what the node does not say."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    versions = opsets(out)
    for node in out.graph.node:
        schema = schema_of(node.domain, node.op_type, versions.get(node.domain, 0))
        have = {a.name for a in node.attribute}
        for name, row in schema.attributes.items() if schema else ():
            if name not in have and row.default_value and row.default_value.type:
                node.attribute.append(row.default_value)
    return out


# ---- the same nodes ----
def canonical_attribute(attribute, scope, versions):
    if attribute.type == AttributeProto.GRAPH:
        return canonical_graph(attribute.g, dict(scope), versions)
    if attribute.type == AttributeProto.TENSOR:
        array = numpy_helper.to_array(attribute.t)
        return attribute.t.data_type, array.shape, array.tobytes()
    value = helper.get_attribute_value(attribute)
    return tuple(value) if isinstance(value, (list, tuple)) or hasattr(value, "append") else value


def canonical_node(node, scope, versions):
    schema = schema_of(node.domain, node.op_type, versions[node.domain])
    attributes = []
    for a in sorted(node.attribute, key=lambda a: a.name):
        row = schema.attributes.get(a.name)
        default = row.default_value if row and row.default_value and row.default_value.type else None
        value = canonical_attribute(a, scope, versions)
        if default is None or value != canonical_attribute(default, scope, versions):
            attributes.append((a.name, value))
    inputs = [scope.get(name, name) for name in node.input]
    while inputs and inputs[-1] == "":
        inputs.pop()
    for name in node.output:
        if name:
            scope[name] = len(scope)
    return node.op_type, tuple(inputs), sum(bool(n) for n in node.output), tuple(attributes)


def canonical_graph(graph, scope, versions):
    for value in graph.input:
        scope[value.name] = len(scope)
    nodes = tuple(canonical_node(node, scope, versions) for node in graph.node)
    return nodes, tuple(scope.get(o.name, o.name) for o in graph.output)


def canonical(model):
    scope = {"": ""}
    for tensor in model.graph.initializer:
        scope[tensor.name] = len(scope)
    return canonical_graph(model.graph, scope, {"": 0} | opsets(model))


def first_difference(ours, theirs):
    for k, (a, b) in enumerate(zip(ours[0], theirs[0])):
        if a != b:
            return f"node {k} is {str(a)[:150]}, onnx has {str(b)[:150]}"
    return f"{len(ours[0])} nodes, onnx has {len(theirs[0])}" if len(ours[0]) != len(theirs[0]) else f"outputs {ours[1]}, onnx has {theirs[1]}"


def same_nodes(model, bodies, after):
    if any(a.type == AttributeProto.GRAPH for n in model.graph.node for a in n.attribute):
        return None  # constants of the graphs that the node holds become constants of another kind
    try:
        theirs = onnx.inliner.inline_selected_functions(explicit(model), bodies, inline_schema_functions=True)
    except RuntimeError:  # it stops at inputs that are left out
        return None
    a, b = canonical(after), canonical(theirs)
    return None if a == b else first_difference(a, b)


# ---- the same types ----
def inferred(path, names):
    """(element type, number of known dimensions) of the values, by inference alone."""
    run = subprocess.run([judge_lib.ONNXOPT, "infer", "--forget", "--json", str(path)], capture_output=True, text=True, check=False, timeout=120)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    found = {r["name"]: r for r in rows if r["type"] == "value" and r["graph"] == "main"}
    return [(found.get(n, {}).get("dtype"), sum(d is not None for d in found.get(n, {}).get("shape") or [])) for n in names]


def less_known(before, after, names):
    for name, a, b in zip(names, inferred(before, names), inferred(after, names)):
        if a[0] != b[0] or a[1] < b[1]:
            return f"inference: {name} is {a[0]} with {a[1]} known dimensions, by the body {b[0]} with {b[1]}"
    return None


# ---- the same results ----
def feeds_of(model, folder):
    feeds = {}
    for k, value in enumerate(model.graph.input):
        path = folder / f"input_{k}.pb"
        if not path.exists() or not value.type.HasField("tensor_type"):
            return None
        feeds[value.name] = numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))
    return feeds


def run_outside(model, feeds):
    try:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return "ort", session.run(None, feeds)
    except Exception:  # an operator or a type that it lacks
        return "reference", ReferenceEvaluator(model).run(None, feeds)


def differs_outside(model, folder, tolerance):
    data = folder / "test_data_set_0"
    feeds = feeds_of(model, data)
    if feeds is None or not all(o.type.HasField("tensor_type") for o in model.graph.output):
        return "", None
    try:
        who, outputs = run_outside(model, feeds)
    except Exception:
        return "nobody", None
    for k, got in enumerate(outputs):
        path = data / f"output_{k}.pb"
        if not path.exists():
            break
        want = numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))
        got = np.asarray(got)
        if got.shape != want.shape or got.dtype != want.dtype:
            return who, f"{who}: output {k} is {got.dtype}{got.shape}, recorded {want.dtype}{want.shape}"
        if want.dtype.kind in "OSU" or want.dtype.kind == "b":
            same = np.array_equal(got, want)
        else:
            same = np.allclose(got.astype(np.float64), want.astype(np.float64), tolerance["rtol"], tolerance["atol"], equal_nan=True)
        if not same:
            return who, f"{who}: output {k} differs from what is recorded"
    return who, None


# ---- one case ----
def expand(case, out):
    command = [judge_lib.ONNXOPT, "-p", "expand-functions{ops=" + "+".join(sorted({op for _, op in with_bodies(case[1])})) + "}",
               str(case[0] / "model.onnx"), "-o", str(out / "model.onnx"), "--remarks=missed"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return "no end", []
    missed = re.findall(r"remark: expand-functions: (.*)", run.stderr)
    return (run.returncode and run.stderr.strip()[-300:]), missed


def judge(target, folder):
    model = onnx.load(folder / "model.onnx")
    bodies = with_bodies(model)
    out = target / folder.name
    out.mkdir()
    failure, missed = expand((folder, model), out)
    ops = "+".join(sorted({op for _, op in bodies}))
    if failure:
        return folder.name, ops, "failed", "", failure
    after = onnx.load(out / "model.onnx")
    left = [n for n in after.graph.node for b in bodies if (n.domain, n.op_type) == b]
    if missed:
        shutil.rmtree(out)
        return folder.name, ops, "stays", "", missed[0]
    if left and not any(op in ("CastLike",) for _, op in bodies):
        return folder.name, ops, "failed", "", "it stayed without a reason"
    was, now = judge_lib.validity(folder / "model.onnx")[0], judge_lib.validity(out / "model.onnx")
    if judge_lib.VALIDITY[now[0]] < judge_lib.VALIDITY[was]:
        return folder.name, ops, "failed", "", f"was {was}, became {now[0]}: {now[1]}"
    wrong = same_nodes(model, bodies, after) or less_known(folder / "model.onnx", out / "model.onnx", [o.name for o in model.graph.output])
    tolerance = {"rtol": 1e-3, "atol": 1e-7}
    if (folder / "data.json").exists():
        tolerance |= json.loads((folder / "data.json").read_text())
        shutil.copy(folder / "data.json", out)
    for data in folder.glob("test_data_set_*"):
        (out / data.name).symlink_to(data)
    who, differs = differs_outside(after, folder, tolerance)
    return folder.name, ops, "failed" if wrong or differs else "expanded", who, wrong or differs or ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=pathlib.Path)
    parser.add_argument("suite")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--at-least", type=int, default=0)
    parser.add_argument("-v", action="store_true")
    arg = parser.parse_args()
    target = judge_lib.scratch("expanded")
    folders = [f.parent for f in sorted(arg.cases.resolve().glob("node/*/model.onnx")) if not arg.only or any(t in f.parent.name for t in arg.only)]
    chosen = [f for f in folders if not f.name.endswith("_expanded") and with_bodies(onnx.load(f / "model.onnx"))]
    rows = list(judge_lib.each(functools.partial(judge, target), chosen))
    run = subprocess.run([arg.suite, str(target)], capture_output=True, text=True, check=False)
    failed = dict(re.findall(r"^(?:FAIL\w*|failed):? (\S+?):? (.*)$", run.stdout, re.M))
    counts = collections.defaultdict(collections.Counter)
    bad = 0
    for name, ops, verdict, who, why in rows:
        own = next((w for n, w in failed.items() if n.split("/")[-1].rstrip(":") == name), None)
        if own and verdict == "expanded":
            verdict, why = "failed", f"evaluator: {own}"
        if verdict == "failed" and name in DIFFERS:
            verdict = "differs"
        counts[ops][verdict] += 1
        counts[ops][who] += 1
        bad += verdict == "failed"
        if verdict == "failed" or arg.v:
            print(f"{name}: {verdict}: {why}")
    judge_lib.table([(ops, *(c[k] for k in ("expanded", "stays", "differs", "failed", "ort", "reference"))) for ops, c in sorted(counts.items())],
                    ("operator", "expanded", "stays", "differs", "failed", "ort", "reference"))
    total = sum(c["expanded"] for c in counts.values())
    print(f"expand-cases: {total} expanded of {len(rows)}, {bad} wrong; evaluator: {run.stdout.strip().splitlines()[-1] if run.stdout.strip() else run.stderr}")
    if not bad:
        shutil.rmtree(target)
    sys.exit(bool(bad) or total < arg.at_least)


if __name__ == "__main__":
    main()
