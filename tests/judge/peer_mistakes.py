#!/usr/bin/env python3
"""Judge: what released optimizers were caught at, each mistake as a model of ours; every level must give what the original gives.

usage: peer_mistakes.py [CASE...]
The original and the result run in ONNX Runtime, optimizations off (or, where it lacks an operator, in onnx's reference evaluator), on the
inputs of the table. -O1 must give the same bits (any NaN is as good as another), the others within 1e-5 of an output's scale with equal
NaNs, infinities and signs of zeros. The interface stays, and the result is as valid as the original.
"""
import functools
import re
import shutil
import sys

import numpy as np
import onnx
import onnx.parser
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import compare
import judge_lib
from peer_mistakes_table import CASES

TOLERANCE = 1e-5
LEVELS = ("-O1", "-O2", "-O3", "-Os")


def model_of(case):
    head = f'<ir_version: {case.get("ir", 8)}, opset_import: ["" : {case.get("opset", 17)}{case.get("imports", "")}]>\n'
    model = onnx.parser.parse_model(head + case["text"])
    weights = case.get("weights", {})
    for name, array in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    kept = [v for v in model.graph.input if v.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    for name in case.get("defaults", ()):  # initializers that a caller may override
        tensor = next(t for t in model.graph.initializer if t.name == name)
        model.graph.input.append(helper.make_tensor_value_info(name, tensor.data_type, list(tensor.dims)))
    for value in model.graph.input:
        if value.name in case.get("unranked", ()):
            value.type.tensor_type.ClearField("shape")
    return model


class Reference:
    """onnx's reference evaluator as compare.session is."""

    def __init__(self, path):
        self.evaluator = ReferenceEvaluator(str(path))

    def run(self, _, inputs):
        return self.evaluator.run(None, inputs)


def runner(path, reference):
    try:
        return Reference(path) if reference else compare.session(path)
    except Exception as error:
        if "NOT_IMPLEMENTED" not in str(error):
            raise
        return Reference(path)


def count(model, op):
    def inside(nodes):
        return sum((n.op_type == op) + sum(inside(a.g.node) for a in n.attribute) for n in nodes)
    return inside(model.graph.node)


def difference(name, x, y, exact):
    if isinstance(x, (list, tuple)):
        found = [difference(f"{name}[{k}]", p, q, exact) for k, (p, q) in enumerate(zip(x, y))]
        return next((f for f in found if f), None if len(x) == len(y) else f"{name}: {len(x)} items became {len(y)}")
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype != y.dtype or x.shape != y.shape:
        return f"{name}: {x.dtype}{list(x.shape)} became {y.dtype}{list(y.shape)}"
    if x.dtype.kind == "f" and not np.array_equal(np.signbit(x[x == 0]), np.signbit(y[x == 0])):
        return f"{name}: the sign of a zero changed"
    if exact:
        return None if np.array_equal(x, y, equal_nan=x.dtype.kind == "f") else f"{name} differs"
    try:
        error = compare.array_error(name, x, y)
    except compare.Different as different:
        return str(different)
    return f"{name}: error/scale {error:.1e}" if error > TOLERANCE else None


def judge_level(case, model, folder, level):
    source, out = folder / f"{case['name']}.onnx", folder / f"{case['name']}{level}.onnx"
    failure = judge_lib.onnxopt(level, source, "-o", out)
    if failure:
        return failure
    after = onnx.load(out)
    (was, _), (now, why) = judge_lib.validity(source), judge_lib.validity(out)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return f"was {was}, became {now}: {why}"
    change = judge_lib.interface_change(model, after)
    if change:
        return change
    for op, wanted in case.get("keeps", {}).items():
        if count(after, op) != wanted:
            return f"{count(after, op)} {op} are left of {wanted}"
    if "keeps" in case:
        return None
    first, second = (runner(path, case.get("reference")) for path in (source, out))
    for feeds in case["feeds"]:
        names = [o.name for o in model.graph.output]
        for name, x, y in zip(names, first.run(None, feeds), second.run(None, feeds)):
            wrong = difference(name, x, y, level == "-O1" and not case.get("folds"))
            if wrong:
                return wrong
    return None


def judge(folder, index):
    case, found = CASES[index], []
    try:
        model = model_of(case)
        onnx.save(model, folder / f"{case['name']}.onnx")
    except Exception as error:
        return [f"{case['name']}: {re.sub(chr(10), ' ', str(error))[:300]}"]
    for level in LEVELS:
        try:
            wrong = judge_level(case, model, folder, level)
        except Exception as error:  # what onnx or ONNX Runtime refuse is wrong
            wrong = judge_lib.last_line(error)
        if wrong:
            found.append(f"{case['name']} {level}: {wrong}")
    return found


def main():
    folder = judge_lib.scratch("peer-mistakes")
    chosen = [k for k, case in enumerate(CASES) if not sys.argv[1:] or case["name"] in sys.argv[1:]]
    if not chosen:
        sys.exit("no such case")
    bad = [line for lines in judge_lib.each(functools.partial(judge, folder), chosen) for line in lines]
    print("\n".join(bad), end="\n" if bad else "")
    print(f"peer mistakes: {len(chosen) * len(LEVELS) - len(bad)} of {len(chosen) * len(LEVELS)} runs ok, {len(chosen)} cases of "
          f"{len({m for k in chosen for m in CASES[k]['of']})} mistakes")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
