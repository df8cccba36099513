#!/usr/bin/env python3
"""Judge: pipelines on every model of the corpus and of the fetched wheels.

usage: pipelines_corpus.py -p PIPELINE|-p-O2 [-p ...] [--seeds N] [--sizes N] [--again] [MODEL NAME PREFIX...]
For each result: onnx's full check is as content as with the original; ONNX Runtime computes the same (compare.py) with one or two sizes of every
dynamic dimension and N seeds each; names, types and dynamic dimensions of inputs and outputs, metadata and opset imports are what they were.
--again: the pipeline changes nothing of its own result. Prints node counts; exits 1 on any failure.
"""
import argparse
import functools
import shutil
import sys

import onnx

import compare
import judge_lib

# Equal scores among random boxes may come out in any order; only validity and interface are judged.
TIES = {"tv_ssdlite320_mobilenet_v3_large.ts17"}


def changes_again(pipeline, out):
    """What a second run changes, or None."""
    second = out.with_suffix(".again.onnx")
    failure = judge_lib.onnxopt(*judge_lib.pipeline(pipeline), out, "-o", second)
    if failure:
        return failure
    change = judge_lib.message_difference(*(onnx.load(path, load_external_data=False) for path in (out, second)))
    if not change:
        second.unlink()
    return change and f"a second run changes it: {change}"


def judge_one(model, original, was, pipeline, out, again):
    """(nodes after, worst error, None or what is wrong) of one pipeline on one model."""
    failure = judge_lib.onnxopt(*judge_lib.pipeline(pipeline), model, "-o", out)
    if failure:
        return "", "", failure
    count = compare.nodes(out)
    now, why = judge_lib.validity(out)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return count, "", f"was {was}, became {now}: {why}"
    messages = [onnx.load(path, load_external_data=False) for path in (model, out)]
    change = judge_lib.interface_change(*messages) or (again and changes_again(pipeline, out)) or None
    if change or original is None:
        return count, "not judged", change
    verdict, worst = original.compare(out)
    return count, "" if worst is None else f"{worst:.1e}", None if verdict == "ok" else verdict


def judge(arg, folder, model):
    rows = []
    was, _ = judge_lib.validity(model)
    second = compare.shapes_of(model, second=True) if arg.sizes > 1 else None
    original = None if model.stem in TIES else compare.Original(model, compare.shapes_of(model), arg.seeds, second=second)
    runs = f"{len(original.runs)}/{original.sizes}" if original else "none"
    before = compare.nodes(model)
    for k, pipeline in enumerate(arg.pipelines):
        out = folder / f"{model.stem}.{k}.onnx"
        try:
            after, worst, wrong = judge_one(model, original, was, pipeline, out, arg.again)
        except Exception as error:  # what onnx or ONNX Runtime cannot read is wrong
            after, worst, wrong = "", "", judge_lib.last_line(error)
        if not wrong:
            out.unlink()
        rows.append((model.stem, k + 1, before, after, was, runs, worst, wrong or "ok"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", dest="pipelines", action="append", required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sizes", type=int, default=1, choices=(1, 2))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    folder = judge_lib.scratch("pipelines")
    models = judge_lib.models([judge_lib.CORPUS, judge_lib.WHEELS], arg.names)
    work = functools.partial(judge, arg, folder)
    rows = [row for rows in judge_lib.each(work, models) for row in rows]
    for k, pipeline in enumerate(arg.pipelines):
        print(f"pipeline {k + 1}: {pipeline}")
    judge_lib.table(rows, ("model", "pipeline", "nodes", "after", "checker", "runs/sizes", "error", "verdict"))
    bad = [row for row in rows if row[-1] != "ok"]
    print(f"pipelines: {len(rows) - len(bad)} of {len(rows)} runs ok, {len(models)} models")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
