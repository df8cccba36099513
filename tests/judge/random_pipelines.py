#!/usr/bin/env python3
"""Judge: random whole models through the optimization levels, compared by ONNX Runtime too.

usage: random_pipelines.py PROGRAM MOTIFS [--count N] [--seed S] [--keep]
PROGRAM (tests/random_pipelines.c) makes the models, compares what each level gives by the evaluator and leaves both; then ONNX Runtime, optimizations
off, runs them where it can. Its own rounding differs from operator to operator, so floating-point outputs may differ by 1e-3 of their scale;
where they differ by more, or in integers, the outputs of the original with inputs that are a little off (1e-5 of each number) tell whether the
model only enlarges rounding errors.
"""
import argparse
import collections
import functools
import os
import pathlib
import pickle
import re
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
# In how many runs of a level, seven for each of 500 models, a pass must change the model at least: about half of what it did when this was written.
EXPECTED = {
    "cse": 900, "dce": 1500, "dedup-initializers": 1300, "drop-outputs": 150, "eliminate-dropout": 200, "eliminate-identity": 1400,
    "fold-constants": 1500, "fold-scales": 100, "fold-shapes": 700, "fuse-conv-bn": 80, "generate-constants": 1, "hoist-common": 150,
    "hoist-invariants": 500, "inline-functions": 900, "inline-if": 400, "inline-loop": 350, "lift-split": 3, "merge-blocks": 20,
    "merge-if": 200, "merge-products": 3, "merge-repeats": 40, "merge-slices": 50, "merge-views": 350, "refute-branch": 50,
    "rules": 1300, "simplify-if": 180, "simplify-loop": 400, "transposes": 100, "unpack-sequences": 120, "unstack": 15,
}


def level_passes():
    """Of any level."""
    found = set()
    for level in ("-O1", "-O2", "-O3", "-Os"):
        text = subprocess.run([judge_lib.ONNXOPT, "--print-pipeline", level], stdout=subprocess.PIPE, text=True, check=True).stdout
        found |= set(re.findall(r"[a-z][a-z-]*", re.sub(r"\{[^}]*\}", "", text))) - {"fix"}
    return found


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


def unset(model, path, inputs):
    """Outputs that hang on a MatMulInteger over no columns: ONNX Runtime 1.32 does not write its result, which is zeros."""
    over = [node.input[0] for node in model.graph.node if node.op_type == "MatMulInteger"]
    if not over:
        return set()
    wider = onnx.ModelProto.FromString(model.SerializeToString())
    wider.graph.output.extend(onnx.ValueInfoProto(name=name) for name in set(over) - {o.name for o in model.graph.output})
    onnx.save(wider, path.with_suffix(".wider"))
    wider = compare.session(path.with_suffix(".wider"))
    shapes = {o.name: np.shape(x) for o, x in zip(wider.get_outputs(), compare.run(wider, inputs))}
    hang = {out for node in model.graph.node if node.op_type == "MatMulInteger" and shapes[node.input[0]][-1:] == (0,) for out in node.output}
    for node in model.graph.node:
        inner = [n for a in node.attribute for n in a.g.node]
        if hang & {name for n in [node, *inner] for name in n.input}:
            hang.update(node.output)
    return hang


def judge_level(first, inputs, expected, path, left_out):
    got = compare.run(session(path), inputs)
    for k, (output, x, y) in enumerate(zip(first.get_outputs(), expected, got)):
        if output.name in left_out:
            continue
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
        left_out = unset(model, path, inputs)
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
            why = judge_level(first, inputs, expected, result, left_out)
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
    lines = run.stdout.strip().splitlines()
    fired = [line.split()[1:] for line in lines[-2:-1] if line.startswith("passes")]
    return ran, wrong, lines[-1:], {name: int(count) for name, count in (pair.split("=") for pair in sum(fired, []))}


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
    ran, bad, fired = 0, 0, collections.Counter()
    for could, wrong, last, passes in judge_lib.each(functools.partial(judge_part, arg.program, arg.motifs, folder), parts):
        ran += could
        bad += len(wrong)
        fired.update(passes)
        print("\n".join(wrong + (last if arg.keep else [])), end="\n" if wrong or arg.keep else "", flush=True)
    print(f"random pipelines: {arg.count} models, ONNX Runtime ran {ran} of them; {bad} wrong")
    print("changed at a level by", ", ".join(f"{name}: {fired[name]}" for name in sorted(fired)))
    idle = [f"{name} ({fired[name]} of {least})" for name, least in EXPECTED.items() if fired[name] * 500 < least * arg.count]
    idle += [name for name in level_passes() - EXPECTED.keys()]
    if idle and arg.count >= 500:
        print(f"hardly tried: {', '.join(idle)}")
    if not bad and not arg.keep:
        shutil.rmtree(folder)
    sys.exit(bool(bad) or ran * 8 < arg.count or (bool(idle) and arg.count >= 500))


if __name__ == "__main__":
    main()
