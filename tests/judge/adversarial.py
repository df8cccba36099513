#!/usr/bin/env python3
"""Judge: micro models on which released optimizers went wrong, or were suspected to.

usage: adversarial.py -p PIPELINE [-p PIPELINE...] [CASE...]     -p-O2 is a level
adversarial.tar.zst holds them in the layout of ONNX's test data: model.onnx, test_data_set_0/{input,output}_K.pb. The
outputs are the original's; a result must give them bit for bit, or within 1e-5 of their scale where it is floating.
Where the operators are random the values are free, but no random node may disappear: two draws are not one.
Two of the cases are names only: their models could not be made. They count as cases without a model.
"""
import argparse
import functools
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import numpy_helper

import compare
import judge_lib

RANDOM = {"cse-bernoulli": "Bernoulli", "cse-randomnormallike": "RandomNormalLike", "cse-dropout-training": "Dropout"}
TOLERANCE = 1e-5


def unpack(folder):
    archive = judge_lib.ROOT / "tests/judge/adversarial.tar.zst"
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", folder], check=True)
    return sorted(p for p in (folder / "adversarial").iterdir() if p.is_dir())


def read_tensors(case, kind):
    data = case / "test_data_set_0"
    return [numpy_helper.to_array(onnx.load_tensor(data / f"{kind}_{k}.pb")) for k in range(len(list(data.glob(f"{kind}_*.pb"))))]


def count(model, op):
    return sum(n.op_type == op for n in model.graph.node)


def outputs_differ(case, out, model):
    inputs = {v.name: x for v, x in zip(model.graph.input, read_tensors(case, "input"))}
    expected = read_tensors(case, "output")
    got = compare.run(compare.session(out), inputs)
    if len(expected) != len(got):
        return f"{len(expected)} outputs became {len(got)}"
    for value, x, y in zip(model.graph.output, expected, got):
        y = np.asarray(y)
        if x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes():
            continue
        if x.shape == y.shape and not np.array_equal(np.signbit(x[x == 0]), np.signbit(y[x == 0])):
            return f"{value.name}: the sign of a zero changed"
        try:
            error = compare.error_of(value.name, x, y)
        except compare.Different as difference:
            return str(difference)
        if error > TOLERANCE:
            return f"{value.name}: error/scale {error:.2e}"
    return None


def judge_one(case, pipeline, out):
    path = case / "model.onnx"
    failure = judge_lib.onnxopt(*judge_lib.pipeline(pipeline), path, "-o", out)
    if failure:
        return failure
    before, after = onnx.load(path), onnx.load(out)
    change = judge_lib.interface_change(before, after)
    if change:
        return change
    (was, _), (now, why) = judge_lib.validity(path), judge_lib.validity(out)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return f"was {was}, became {now}: {why}"
    if case.name in RANDOM:
        op = RANDOM[case.name]
        return None if count(after, op) == count(before, op) else f"{count(before, op)} {op} became {count(after, op)}"
    return outputs_differ(case, out, before)


def judge(pipelines, case):
    found = []
    for k, pipeline in enumerate(pipelines):
        try:
            wrong = judge_one(case, pipeline, case / f"{k}.onnx")
        except Exception as error:  # what onnx or ONNX Runtime cannot read is wrong
            wrong = judge_lib.last_line(error)
        if wrong:
            found.append(f"{case.name}, pipeline {k + 1}: {wrong}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", dest="pipelines", action="append", required=True)
    parser.add_argument("cases", nargs="*")
    arg = parser.parse_args()
    folder = judge_lib.scratch("adversarial")
    cases = [c for c in unpack(folder) if not arg.cases or c.name in arg.cases]
    empty = [c.name for c in cases if not (c / "model.onnx").exists()]
    cases = [c for c in cases if c.name not in empty]
    if not cases:
        sys.exit("no such case")
    bad = [line for lines in judge_lib.each(functools.partial(judge, arg.pipelines), cases) for line in lines]
    for k, pipeline in enumerate(arg.pipelines):
        print(f"pipeline {k + 1}: {pipeline}")
    print("\n".join(bad))
    runs = len(cases) * len(arg.pipelines)
    print(f"adversarial: {runs - len(bad)} of {runs} runs ok, {len(cases)} cases; without a model: {', '.join(empty) or 'none'}")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
