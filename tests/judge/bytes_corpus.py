#!/usr/bin/env python3
"""Judge: -Os on every model of the corpus and of wheels. No result is larger than the original or than that of -O2, --strip adds nothing, onnx's checker is as content as with the
original, and ONNX Runtime computes the same (compare.py). Prints a table of bytes; exits 1 on any failure.

usage: bytes_corpus.py [--seeds N] [MODEL NAME PREFIX...]
"""
import argparse
import functools
import shutil
import sys

import onnx

import compare
import judge_lib
from pipelines_corpus import TIES


def why_wrong(model, small, seeds):
    was, now = judge_lib.validity(model)[0], judge_lib.validity(small)
    if judge_lib.VALIDITY[now[0]] < judge_lib.VALIDITY[was]:
        return f"was {was}, became {now[0]}: {now[1]}"
    change = judge_lib.interface_change(*(onnx.load(path, load_external_data=False) for path in (model, small)))
    if change or model.stem in TIES:
        return change
    verdict, _ = compare.Original(model, compare.shapes_of(model), seeds).compare(small)
    return None if verdict == "ok" else verdict


def judge(seeds, folder, model):
    outs = {level: folder / f"{model.stem}{level.replace(' ', '')}.onnx" for level in ("-O2", "-Os", "-Os --strip")}
    wrong = None
    for level, out in outs.items():
        wrong = wrong or judge_lib.onnxopt(*level.split(), model, "-o", out)
    if wrong:
        return model.stem, "", "", "", "", wrong
    before, usual, small, least = (path.stat().st_size for path in (model, *outs.values()))
    if small > before or small > usual or least > small:
        wrong = "larger"
    try:
        wrong = wrong or why_wrong(model, outs["-Os"], seeds)
    except Exception as error:  # what onnx or ONNX Runtime cannot read is wrong
        wrong = judge_lib.last_line(error)
    if not wrong:
        for out in outs.values():
            out.unlink()
    return model.stem, before, usual, small, least, wrong or "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    folder = judge_lib.scratch("bytes")
    models = judge_lib.models([judge_lib.CORPUS, judge_lib.WHEELS], arg.names)
    rows = list(judge_lib.each(functools.partial(judge, arg.seeds, folder), models))
    judge_lib.table(rows, ("model", "bytes", "-O2", "-Os", "-Os --strip", "verdict"))
    bad = [row for row in rows if row[-1] != "ok"]
    print(f"bytes: {len(rows) - len(bad)} of {len(rows)} models ok")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad) or not rows)


if __name__ == "__main__":
    main()
