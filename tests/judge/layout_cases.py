#!/usr/bin/env python3
"""Judge: layouts on every convolutional model of the corpus. After -O2, convert-layout moves it to channels last and back, by functions and by nodes of a
runtime's domain, and --io-layout moves its images and brings them back. ONNX Runtime computes the same at each station that it can run, onnx's checker is as
content as with the model of -O2, and what came back has no Transpose more than the original (or than -O2 left, where that is more).

usage: layout_cases.py [MODEL NAME PREFIX...]
"""
import argparse
import collections
import functools
import shutil
import sys

import numpy as np
import onnx

import compare
import judge_lib
from pipelines_corpus import TIES

DOMAIN = "com.ms.internal.nhwc"
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def count(path):
    return sum(node.op_type == "Transpose" for node in onnx.load(path, load_external_data=False).graph.node)


def images(model):
    """Names of the float inputs and outputs of rank 4."""
    values = [*judge_lib.public_inputs(model), *model.graph.output]
    names = [v.name for v in values if len(v.type.tensor_type.shape.dim) == 4]
    return [name for name, times in collections.Counter(names).items() if times == 1]


def run_moved(path, values, expected, names, outputs):
    """What differs when the model takes and gives these images with channels last; None when nothing does."""
    session = compare.session(path)
    moved = {k: np.ascontiguousarray(v.transpose(TO_LAST)) if k in names else v for k, v in values.items()}
    worst = 0.0
    for name, x, y in zip(outputs, expected, compare.run(session, moved)):
        worst = max(worst, compare.error_of(name, x, y.transpose(TO_FIRST) if name in names else y))
    return None if worst <= 1e-3 else f"{path.name}: off by {worst:.1e}"


def stations(model, folder):
    """Paths by name; a line about what failed instead of None."""
    path = {k: folder / f"{model.stem}.{k}.onnx" for k in ("base", "functions", "back", "domain", "domain-back", "moved", "moved-back")}
    names = images(onnx.load(model, load_external_data=False))
    there = [word for name in names for word in ("--io-layout", f"{name}=nhwc")]
    home = [word for name in names for word in ("--io-layout", f"{name}=nchw")]
    steps = [(["-O2"], model, "base"),
             (["-p", "convert-layout"], path["base"], "functions"),
             (["-p", "convert-layout{to=nchw},dce"], path["functions"], "back"),
             (["-p", f"convert-layout{{domain={DOMAIN}}}"], path["base"], "domain"),
             (["-p", f"convert-layout{{to=nchw,domain={DOMAIN}}}"], path["domain"], "domain-back"),
             (["-O2", *there], model, "moved"),
             (["-O2", *home], path["moved"], "moved-back")]
    for arguments, source, name in steps:
        failure = judge_lib.onnxopt(*arguments, source, "-o", path[name])
        if failure:
            return path, names, f"{name}: {failure}"
    return path, names, None


def why_wrong(model, path, names):
    base = max(count(path["base"]), count(model))
    for name in ("back", "domain-back", "moved-back"):
        if count(path[name]) > base:
            return f"{name}: {count(path[name])} Transposes, not {base}"
    was = judge_lib.validity(path["base"])[0]
    for name in ("functions", "back", "domain-back", "moved", "moved-back"):
        now, why = judge_lib.validity(path[name])
        if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
            return f"{name}: was {was}, became {now}: {why}"
    if model.stem in TIES:
        return None
    original = compare.Original(path["base"], compare.shapes_of(model))
    for name in ("functions", "back", "domain-back", "moved-back"):
        verdict, _ = original.compare(path[name])
        if verdict != "ok":
            return f"{name}: {verdict}"
    values, expected = original.runs[0]
    return run_moved(path["moved"], values, expected, names, [name for name, _ in original.outputs])


def judge(folder, model):
    path, names, wrong = stations(model, folder)
    try:
        wrong = wrong or why_wrong(model, path, names)
    except Exception as error:  # what onnx or ONNX Runtime cannot read is wrong
        wrong = judge_lib.last_line(error)
    counts = [count(p) if p.exists() else "" for p in path.values()]
    if not wrong:
        for p in path.values():
            p.unlink()
    return model.stem, *counts, wrong or "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    models = judge_lib.models([judge_lib.CORPUS], arg.names)
    models = [m for m in models if any(n.op_type in ("Conv", "ConvTranspose") for n in onnx.load(m, load_external_data=False).graph.node)]
    folder = judge_lib.scratch("layout-cases")
    rows = list(judge_lib.each(functools.partial(judge, folder), models))
    judge_lib.table(rows, ("Transposes of", "-O2", "functions", "back", "domain", "back", "moved io", "back", "verdict"))
    bad = sum(row[-1] != "ok" for row in rows)
    print(f"layouts: {len(rows) - bad} of {len(rows)} models ok")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
