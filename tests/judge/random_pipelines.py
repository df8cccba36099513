#!/usr/bin/env python3
"""Judge: random whole models through the optimization levels, compared by ONNX Runtime too.

usage: random_pipelines.py PROGRAM MOTIFS [--count N] [--seed S] [--keep]
PROGRAM (tests/random_pipelines.c) makes the models, compares what each level gives by the evaluator and leaves both; then ONNX Runtime, optimizations
off, runs them where it can. Its own rounding differs from operator to operator, so floating-point outputs may differ by 1e-3 of their scale;
where they differ by more, or in integers, the outputs of the original with inputs that are a little off (1e-5 of each number) tell whether the
model only enlarges rounding errors.
"""
import argparse
import functools
import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import numpy_helper

import compare
import judge_lib

TOLERANCE = 1e-3
LEVELS = ("O1", "O2e", "O3e", "Ose", "O2", "O3", "Os")


def read_inputs(session, folder, model):
    values = {}
    for k, info in enumerate(model.graph.input):
        tensor = onnx.load_tensor(folder / f"{k}.pb")
        array = numpy_helper.to_array(tensor)
        if array.dtype.kind == "V" or array.dtype.name not in np.sctypeDict:
            view = array.view(np.uint16 if array.dtype.itemsize == 2 else np.uint8)
            array = compare.rt.OrtValue.ortvalue_from_numpy_with_onnx_type(np.ascontiguousarray(view), tensor.data_type)
        elif array.dtype.kind == "S":
            array = array.astype(object)
        values[info.name] = array
    wanted = {i.name for i in session.get_inputs()} | {i.name for i in session.get_overridable_initializers()}
    return {k: v for k, v in values.items() if k in wanted}


def is_wild(model, folder):
    """Whether there are infinities, NaNs or huge numbers: there its kernels and the evaluator that folds constants differ (Clip without limits)."""
    paths = (folder / f"{k}.pb" for k in range(len(model.graph.input)))
    arrays = [numpy_helper.to_array(t) for t in [*map(onnx.load_tensor, paths), *model.graph.initializer]]
    return any(a.dtype.kind == "f" and a.size and not np.all(np.abs(a.astype(np.float64)) < 1e4) for a in arrays)


def shaken(inputs, sign):
    return {k: np.asarray(v * (1 + sign * 1e-5), v.dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in inputs.items()}


def error(name, x, y):
    try:
        return compare.error_of(name, x, y), ""
    except compare.Different as difference:
        return float("inf"), str(difference)


def unsteady(first, inputs, k):
    """Whether output k of the original jumps where the inputs hardly move."""
    for sign in (1, -1):
        moved = compare.run(first, shaken(inputs, sign))
        if error("", compare.run(first, inputs)[k], moved[k])[0] > TOLERANCE / 10:
            return True
    return False


def bodies(model):
    """Graphs of which ONNX Runtime 1.32 leaves outputs unset: a body of Scan that hands an input on, a body of Scan or a branch that gives one value
    twice. onnx's text and its reference evaluator allow both."""
    for node in nodes(model):
        if node.op_type in ("Scan", "If"):
            yield from (a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)


def session(path):
    """Of the model with an Identity wherever it would be misread."""
    model = onnx.load(path)
    mended = 0
    for body in bodies(model):
        seen = {i.name for i in body.input}
        for output in body.output:
            if output.name in seen:
                mended += 1
                name = f"handed_on_{mended}_{output.name}"
                body.node.add(op_type="Identity", input=[output.name], output=[name])
                output.name = name
            seen.add(output.name)
    if not mended:
        return compare.session(path)
    onnx.save(model, path.with_suffix(".mended"))
    return compare.session(path.with_suffix(".mended"))


def judge_level(first, inputs, expected, path):
    got = compare.run(session(path), inputs)
    for k, (output, x, y) in enumerate(zip(first.get_outputs(), expected, got)):
        worst, why = error(output.name, x, y)
        if worst > TOLERANCE and not unsteady(first, inputs, k):
            return why or f"{output.name}: error/scale {worst:.1e}"
    return None


def judge_apart(folder, seed):
    """judge_seed in a process of its own: ONNX Runtime crashes on some models."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "wb") as out:
            def tell(result):
                pickle.dump(result, out)
                out.flush()
            tell(judge_seed(folder, seed, tell))
        os._exit(0)
    os.close(writer)
    answer = (False, [])
    with os.fdopen(reader, "rb") as told:
        while True:
            try:
                answer = pickle.load(told)
            except EOFError:
                break
    os.waitpid(child, 0)
    return answer


def judge_seed(folder, seed, tell):
    """(whether ONNX Runtime ran the original, [what is wrong]); told also before the results run, should one crash."""
    path = folder / f"{seed}.onnx"
    try:
        model = onnx.load(path)
        first = session(path)
        if is_wild(model, folder / f"{seed}.inputs"):
            return False, []
        inputs = read_inputs(first, folder / f"{seed}.inputs", model)
        expected = compare.run(first, inputs)
        if any(n.op_type.startswith(("Random", "Bernoulli", "Multinomial")) or n.op_type == "Dropout" for n in nodes(model)):
            return False, []
    except Exception:  # it has not every operator and type
        return False, []
    tell((True, [f"seed {seed}: ONNX Runtime crashes on a result"]))
    wrong = []
    for level in LEVELS:
        result = folder / f"{seed}.{level}.onnx"
        if not result.exists():
            continue
        try:
            why = judge_level(first, inputs, expected, result)
        except Exception as failure:  # the original ran
            why = None if "NOT_IMPLEMENTED" in str(failure) else judge_lib.last_line(failure)
        if why:
            wrong.append(f"seed {seed}, {level}: {why}")
    return True, wrong


def nodes(model):
    def walk(list_of_nodes):
        for node in list_of_nodes:
            yield node
            for attribute in node.attribute:
                yield from walk(attribute.g.node)
    yield from walk(model.graph.node)
    for function in model.functions:
        yield from walk(function.node)


def judge_part(program, motifs, folder, part):
    first, count = part
    run = subprocess.run([program, "--motifs", motifs, "--write", folder, str(first), str(count)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors="replace", check=False)
    wrong = [] if run.returncode == 0 else [run.stdout.strip()]
    ran = 0
    for seed in range(first, first + count):
        if (folder / f"{seed}.onnx").exists():
            could, found = judge_apart(folder, seed)
            ran += could
            wrong += found
    return ran, wrong, run.stdout.strip().splitlines()[-1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("motifs")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="the models stay in the build folder")
    arg = parser.parse_args()
    folder = judge_lib.scratch("random-pipelines")
    step = 25
    parts = [(first, min(step, arg.seed + arg.count - first)) for first in range(arg.seed, arg.seed + arg.count, step)]
    ran, bad = 0, 0
    for could, wrong, last in judge_lib.each(functools.partial(judge_part, arg.program, arg.motifs, folder), parts):
        ran += could
        bad += len(wrong)
        print("\n".join(wrong + (last if arg.keep else [])), end="\n" if wrong or arg.keep else "", flush=True)
    print(f"random pipelines: {arg.count} models, ONNX Runtime ran {ran} of them; {bad} wrong")
    if not bad and not arg.keep:
        shutil.rmtree(folder)
    sys.exit(bool(bad) or ran * 8 < arg.count)


if __name__ == "__main__":
    main()
