#!/usr/bin/env python3
"""Judge: `onnxopt run` computes every model of the corpus on its own random inputs, and ONNX Runtime computes the same on them.

usage: run_corpus.py [--error X] [MODEL NAME PREFIX...]
An output's error is its largest difference over its largest number; at most X (default 1e-4). A model that is further off must agree once it is given
ONNX Runtime's choices (TopK, ArgMax, ArgMin), and what these are made from must agree too: then it is a tie, and the error is that of this run.
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
import ties

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


def evaluate(model, out, *options):
    command = [judge_lib.ONNXOPT, "run", "-q", model, "-o", out, *options]
    run = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    if run.returncode:
        raise RuntimeError((run.stderr.decode(errors="replace").strip().splitlines() or ["?"])[-1][-160:])


def worst_error(out, wanted):
    worst = 0.0
    for k, want in enumerate(wanted):
        found = error_of(load(out / f"output_{k}.pb"), want) if isinstance(want, numpy.ndarray) else 0.0
        if isinstance(found, str):
            raise RuntimeError(f"output {k}: {found}")
        worst = max(worst, found)
    return worst


def error_with_choices(folder, model, feeds, inputs):
    """The worst error when both go on with ONNX Runtime's choices, that of what is chosen from included; None when nothing is chosen."""
    message = onnx.load(model)
    opened, names = ties.opened(message)
    if not names:
        return None
    path = folder / f"{model.stem}.opened.onnx"
    onnx.save(opened, path)
    runtime = session(path)
    values = dict(zip([info.name for info in runtime.get_outputs()], runtime.run(None, feeds)))
    out = folder / f"{model.stem}.opened"
    evaluate(path, out, *given(inputs, message))
    sources = {node.input[0] for node in ties.choices(message)}
    worst = 0.0
    for k, info in enumerate(runtime.get_outputs()):
        if info.name in sources:
            found = error_of(load(out / f"output_{k}.pb"), values[info.name])
            worst = max(worst, numpy.inf if isinstance(found, str) else found)
    decided = ties.decided(message, values)
    path = folder / f"{model.stem}.decided.onnx"
    onnx.save(decided, path)
    files = folder / f"{model.stem}.choices"
    files.mkdir(exist_ok=True)
    options = given(inputs, message)
    for k, info in enumerate(decided.graph.input[len(message.graph.input):]):
        (files / f"{k}.pb").write_bytes(numpy_helper.from_array(values[info.name]).SerializeToString())
        options.append(f"--input={info.name}={files / f'{k}.pb'}")
    out = folder / f"{model.stem}.decided"
    evaluate(path, out, *options)
    return max(worst, worst_error(out, [values[info.name] for info in message.graph.output]))


def given(inputs, message):
    found = [(info.name, inputs / f"input_{k}.pb") for k, info in enumerate(message.graph.input)]
    return [f"--input={name}={path}" for name, path in found if path.exists()]


def judge(folder, limit, model):
    out = folder / model.stem
    started = time.perf_counter()
    evaluate(model, out, "--save-inputs", *dims_of(model))
    own = time.perf_counter() - started
    runtime = session(model)
    infos = onnx.load(model, load_external_data=False).graph.input
    feeds = {info.name: load(out / f"input_{k}.pb") for k, info in enumerate(infos) if (out / f"input_{k}.pb").exists()}
    started = time.perf_counter()
    wanted = runtime.run(None, feeds)
    other = time.perf_counter() - started
    worst = worst_error(out, wanted)
    chosen = error_with_choices(folder, model, feeds, out) if worst > limit else None
    verdict = "ok" if worst <= limit else "ok, a tie" if chosen is not None and chosen <= limit else "differs"
    error = worst if chosen is None else chosen
    if verdict != "differs":
        for path in folder.glob(f"{model.stem}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return model.stem, f"{own:.2f}", f"{other:.2f}", f"{error:.1e}", verdict


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
    bad = [row for row in rows if not row[-1].startswith("ok")]
    print(f"run: {len(rows) - len(bad)} of {len(rows)} models ok")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
