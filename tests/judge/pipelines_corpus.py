#!/usr/bin/env python3
"""Judge: pipelines on every model of the corpus and of the fetched wheels.

usage: pipelines_corpus.py -p PIPELINE [-p PIPELINE...] [--seeds N] [MODEL NAME PREFIX...]
For each result: onnx's checker is as content as with the original, ONNX Runtime computes the same (compare.py), and
inputs, outputs, metadata and opset imports are what they were. Prints node counts; exits 1 on any failure.
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


def judge_one(model, original, was, pipeline, out):
    """(nodes after, worst error, None or what is wrong) of one pipeline on one model."""
    failure = judge_lib.onnxopt("-p", pipeline, model, "-o", out)
    if failure:
        return "", "", failure
    count = compare.nodes(out)
    now, why = judge_lib.validity(out)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return count, "", f"was {was}, became {now}: {why}"
    messages = [onnx.load(path, load_external_data=False) for path in (model, out)]
    change = judge_lib.interface_change(*messages)
    if change or original is None:
        return count, "not judged", change
    verdict, worst = original.compare(out)
    return count, "" if worst is None else f"{worst:.1e}", None if verdict == "ok" else verdict


def judge(pipelines, seeds, folder, model):
    rows = []
    was, _ = judge_lib.validity(model)
    original = None if model.stem in TIES else compare.Original(model, compare.shapes_of(model), seeds)
    before = compare.nodes(model)
    for k, pipeline in enumerate(pipelines):
        out = folder / f"{model.stem}.{k}.onnx"
        try:
            after, worst, wrong = judge_one(model, original, was, pipeline, out)
        except Exception as error:  # what onnx or ONNX Runtime cannot read is wrong
            after, worst, wrong = "", "", judge_lib.last_line(error)
        if not wrong:
            out.unlink()
        rows.append((model.stem, k + 1, before, after, was, worst, wrong or "ok"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", dest="pipelines", action="append", required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    folder = judge_lib.scratch("pipelines")
    models = judge_lib.models([judge_lib.CORPUS, judge_lib.WHEELS], arg.names)
    work = functools.partial(judge, arg.pipelines, arg.seeds, folder)
    rows = [row for rows in judge_lib.each(work, models) for row in rows]
    for k, pipeline in enumerate(arg.pipelines):
        print(f"pipeline {k + 1}: {pipeline}")
    judge_lib.table(rows, ("model", "pipeline", "nodes", "after", "checker", "error", "verdict"))
    bad = [row for row in rows if row[-1] != "ok"]
    print(f"pipelines: {len(rows) - len(bad)} of {len(rows)} runs ok, {len(models)} models")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
