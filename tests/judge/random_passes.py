#!/usr/bin/env python3
"""Judge: passes on random small models, where it must fire and where it must not.

usage: random_passes.py [--count N] [--seed S] [PASS...]
random_models.py and random_folds.py make a model and say what must come out. Then: onnx's checker accepts the result, the interface is
the same, ONNX Runtime computes the same, and a second run of the pass changes nothing.
"""
import argparse
import functools
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper

import judge_lib
import random_folds
import random_layouts
import random_models
import random_scales
import random_views

PASSES = random_models.PASSES | random_folds.PASSES | random_scales.PASSES | random_views.PASSES | random_layouts.PASSES


def outputs_of(model, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)


def feeds_of(model, rng, sizes=(1, 2, 3, 5)):
    """Symbolic dimensions get one of the sizes each."""
    constants = {t.name for t in model.graph.initializer}
    feeds, symbols = {}, {}
    for value in model.graph.input:
        kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        shape = [symbols.setdefault(d.dim_param, int(rng.choice(sizes))) if d.dim_param else d.dim_value
                 for d in value.type.tensor_type.shape.dim]
        if value.name not in constants or rng.integers(2):
            feeds[value.name] = (rng.standard_normal(shape) * 2).astype(kind) if kind != bool else np.array(bool(rng.integers(2)))
    return feeds


def same_numbers(before, after, tolerance, seed, least=1e-30):
    """What differs. Errors are relative to the largest number, or to `least` where sums cancel out."""
    for k in range(2):
        feeds = feeds_of(before, np.random.default_rng([seed, k]), (1, 2, 3, 5) if k == 0 else (0, 1, 4))
        try:
            wanted = outputs_of(before, feeds)
        except Exception:
            if all(f.size for f in feeds.values()):
                raise
            continue  # not every model takes an empty tensor
        for name, a, b in zip((o.name for o in before.graph.output), wanted, outputs_of(after, feeds)):
            if a.shape != b.shape or a.dtype != b.dtype:
                return f"{name}: {a.dtype}{a.shape} became {b.dtype}{b.shape}"
            if tolerance == 0 or a.dtype.kind not in "f":
                if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f") or not np.array_equal(np.signbit(a), np.signbit(b)):
                    return f"{name} differs"
                continue
            a, b = a.astype(np.float64), b.astype(np.float64)
            finite = np.isfinite(a)
            if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
                return f"{name} has other infinities"
            error = np.max(np.abs(np.where(finite, a, 0) - np.where(finite, b, 0)), initial=0) / max(np.max(np.abs(a), initial=0, where=finite), least)
            if not error <= tolerance:
                return f"{name} is off by {error:.2e} of its scale"
    return None


def judge_files(name, case, seed, folder):
    source, first, second = (folder / f"{name}.{seed}.{k}.onnx" for k in range(3))
    onnx.save(case.model, source)
    was, why = judge_lib.validity(source)
    if was == "invalid":
        return f"the generator made an invalid model: {why}"
    failure = judge_lib.onnxopt("-p", name, source, "-o", first) or judge_lib.onnxopt("-p", name, first, "-o", second)
    if failure:
        return failure
    after, again = onnx.load(first), onnx.load(second)
    change = judge_lib.message_difference(case.model, after)
    case.fired = bool(change)
    if case.fires is not None and case.fired != case.fires:
        return f"it must not fire, but {change}" if change else "it did not fire"
    if judge_lib.message_difference(after, again):
        return f"a second run changed {judge_lib.message_difference(after, again)}"
    now, why = judge_lib.validity(first)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return f"was {was}, became {now}: {why}"
    wrong = judge_lib.interface_change(case.model, after) or case.check(after)
    if wrong or not case.runs or not change:
        return wrong
    wrong = same_numbers(case.model, after, case.tolerance, seed, case.least)
    if not wrong:
        for path in (source, first, second):
            path.unlink()
    return wrong


def judge(folder, job):
    name, seed = job
    case = PASSES[name](np.random.default_rng([seed, *name.encode()]))
    try:
        wrong = judge_files(name, case, seed, folder)
    except Exception as error:  # what onnx or ONNX Runtime refuse is wrong
        wrong = judge_lib.last_line(error)
    return name, seed, case.fires, case.what, wrong, case.fired


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="models a pass")
    parser.add_argument("--seed", type=int, default=0, help="of the first model; a failure prints its own")
    parser.add_argument("passes", nargs="*", choices=[[], *PASSES])
    arg = parser.parse_args()
    folder = judge_lib.scratch("random-passes")
    jobs = [(p, arg.seed + k) for p in arg.passes or PASSES for k in range(arg.count)]
    results = list(judge_lib.each(functools.partial(judge, folder), jobs))
    for name, seed, _, what, wrong, _ in results:
        if wrong:
            print(f"{name} --seed {seed} --count 1 ({what}): {wrong}")
    rows = []
    for name in arg.passes or PASSES:
        own = [r for r in results if r[0] == name]
        rows.append((name, len(own), sum(r[2] is True for r in own), sum(r[2] is False for r in own), sum(r[5] for r in own), sum(bool(r[4]) for r in own)))
    judge_lib.table(rows, ("pass", "models", "must fire", "must not", "fired", "wrong"))
    bad = sum(row[-1] for row in rows)
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
