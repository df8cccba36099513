#!/usr/bin/env python3
"""Judge: `onnxopt run` computes every model of the corpus on its own random inputs, and ONNX Runtime computes the same on them.

usage: run_corpus.py [--error X] [MODEL NAME PREFIX...]
An output's error is its largest difference over its largest number; at most X (default 1e-4).
"""
import argparse
import functools
import pathlib
import shutil
import subprocess
import sys
import time

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

import compare
import judge_lib

# Equal scores among random boxes may come out in any order.
TIES = {"tv_ssdlite320_mobilenet_v3_large.ts17"}


def load(path):
    message = onnx.TensorProto()
    message.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(message)


def dims_of(model):
    """--input is not needed where a symbol's usual size fits; feeds.json says which inputs need another."""
    shapes = compare.shapes_of(model)
    return [f"--dim={info}={size}" for info, size in symbols(model, shapes)]


def symbols(model, shapes):
    sizes = {}
    for info in onnx.load(model, load_external_data=False).graph.input:
        for dim, size in zip(info.type.tensor_type.shape.dim, shapes.get(info.name, [])):
            if dim.HasField("dim_param"):
                sizes.setdefault(dim.dim_param, size)
    return sizes.items()


def session(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def error_of(got, want):
    if isinstance(want, (list, dict)):
        return 0.0  # sequences and maps are compared by shape of the run only
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}"
    if want.dtype.kind not in "fc":
        return float((got != want).mean()) if want.size else 0.0
    if (numpy.isnan(got) != numpy.isnan(want)).any():
        return "NaN elsewhere"
    scale = numpy.nanmax(numpy.abs(want), initial=0) or 1
    return float(numpy.nanmax(numpy.abs(got - want), initial=0) / scale)


def judge(folder, limit, model):
    out = folder / model.stem
    command = [judge_lib.ONNXOPT, "run", "-q", model, "-o", out, "--save-inputs", *dims_of(model)]
    started = time.perf_counter()
    run = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    own = time.perf_counter() - started
    if run.returncode:
        return model.stem, "", "", "", (run.stderr.decode(errors="replace").strip().splitlines() or ["?"])[-1][-160:]
    runtime = session(model)
    infos = onnx.load(model, load_external_data=False).graph.input
    feeds = {info.name: load(out / f"input_{k}.pb") for k, info in enumerate(infos) if (out / f"input_{k}.pb").exists()}
    started = time.perf_counter()
    wanted = runtime.run(None, feeds)
    other = time.perf_counter() - started
    worst = 0.0
    for k, want in enumerate(wanted):
        found = error_of(load(out / f"output_{k}.pb"), want) if isinstance(want, numpy.ndarray) else 0.0
        if isinstance(found, str):
            return model.stem, f"{own:.2f}", f"{other:.2f}", "", f"output {k}: {found}"
        worst = max(worst, found)
    shutil.rmtree(out)
    return model.stem, f"{own:.2f}", f"{other:.2f}", f"{worst:.1e}", "ok" if worst <= limit or model.stem in TIES else "differs"


def guarded(folder, limit, model):
    try:
        return judge(folder, limit, model)
    except Exception as error:  # what ONNX Runtime cannot read or run is to be seen
        return model.stem, "", "", "", judge_lib.last_line(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--error", type=float, default=1e-4)
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    folder = judge_lib.scratch("run-corpus")
    models = judge_lib.models([judge_lib.CORPUS], arg.names)
    rows = list(judge_lib.each(functools.partial(guarded, pathlib.Path(folder), arg.error), models))
    judge_lib.table(rows, ("model", "seconds", "ONNX Runtime", "error", "verdict"))
    bad = [row for row in rows if row[-1] != "ok"]
    print(f"run: {len(rows) - len(bad)} of {len(rows)} models ok")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
