#!/usr/bin/env python3
"""Judge: what a failed --check leaves is what it says, by ONNX Runtime.

usage: check_reproducer.py [MODEL NAME PREFIX...]
tests/plugin/wrong_passes.c is built and run over models of the corpus with --check and with --check-each. Each must fail with exit code 4 and name
the wrong pass; --check-each names one of its wrong rules. In the folder that is left, model.onnx and rewritten.onnx have the same inputs, ONNX
Runtime computes output_K.pb from input_K.pb with model.onnx, and something else (or nothing) with rewritten.onnx.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

import judge_lib

# model, pass, what is wrong in it, and whether the part must be one node
CASES = [
    ("tv_resnet18.ts11", "big-epsilon", "big-epsilon", True),
    ("nn_unet.ts11", "big-epsilon", "big-epsilon", True),
    ("nn_transformer.dyn", "big-epsilon", "big-epsilon", True),
    ("sk_mlp", "swap-operands", "swap-difference", True),
    ("sk_pca_ridge", "swap-operands", "swap-difference", True),
    ("timm_poolformer_s12.dyn", "swap-operands", "swap-difference", True),
    ("nn_unet.ts11", "break-relu", "break-relu", True),
    ("tv_squeezenet1_1.ts11", "break-relu", "break-relu", True),
]


def build(folder):
    plugin = folder / "wrong.so"
    source = judge_lib.ROOT / "tests/plugin/wrong_passes.c"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-I", judge_lib.ROOT / "include", source,
                    "-o", plugin], check=True)
    plugin.chmod(0o755)
    return plugin


def load(path):
    message = onnx.TensorProto()
    message.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(message)


def run(model, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return session.run(None, {k.name: v for k, v in zip(session.get_inputs(), feeds)})


def error_of(got, want):
    if got.shape != want.shape or got.dtype != want.dtype:
        return numpy.inf
    scale = numpy.nanmax(numpy.abs(want), initial=0) or 1
    return float(numpy.nanmax(numpy.abs(got - want), initial=0) / scale)


def judge_folder(folder, one_node):
    before, after = folder / "model.onnx", folder / "rewritten.onnx"
    models = [onnx.load(before), onnx.load(after)]
    if [i.name for i in models[0].graph.input] != [i.name for i in models[1].graph.input]:
        return "the inputs differ"
    if one_node and len(models[0].graph.node) != 1:
        return f"{len(models[0].graph.node)} nodes"
    onnx.checker.check_model(models[0])
    data = folder / "test_data_set_0"
    feeds = [load(data / f"input_{k}.pb") for k in range(len(models[0].graph.input))]
    want = load(data / "output_0.pb")
    right = error_of(run(before, feeds)[0], want)
    if not right <= 2e-5:
        return f"ONNX Runtime is {right:.1e} off on model.onnx"
    try:
        wrong = error_of(run(after, feeds)[0], want)
    except Exception:  # what it refuses does not compute the same
        return None
    return None if wrong > 2e-5 else f"ONNX Runtime sees no error in rewritten.onnx ({wrong:.1e})"


def judge(plugin, folder, model, name, rule, one_node, option):
    out = folder / f"{model.stem}.{name}{option}"
    command = [judge_lib.ONNXOPT, "--load", plugin, "-p", f"dce,{name}", option, "--verify=off", model, "-o", out / "written.onnx", "--dump-dir", out]
    process = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600, check=False)
    said = process.stderr.decode(errors="replace")
    if process.returncode != 4:
        return f"exit {process.returncode}: {said[-200:]}"
    if (out / "written.onnx").exists():
        return "the wrong model was written"
    named = f"{name}: " if name == rule else f"{name}/{rule}: "
    code = "[check-rewrite]" if option == "--check-each" else "[check-first]"
    if not any(named in line and code in line for line in said.splitlines()):
        return f"{rule} is not named: {said[-300:]}"
    return judge_folder(out / "check-failed", one_node)


def main():
    folder = pathlib.Path(judge_lib.scratch("check-reproducer"))
    plugin = build(folder)
    rows = []
    for stem, name, rule, one_node in CASES:
        if sys.argv[1:] and not any(stem.startswith(prefix) for prefix in sys.argv[1:]):
            continue
        for option in ("--check", "--check-each"):
            try:
                why = judge(plugin, folder, judge_lib.CORPUS / f"{stem}.onnx", name, rule, one_node, option)
            except Exception as error:
                why = judge_lib.last_line(error)
            rows.append((stem, name, option, why or "ok"))
    judge_lib.table(rows, ("model", "pass", "option", "verdict"))
    bad = [row for row in rows if row[-1] != "ok"]
    print(f"reproducers: {len(rows) - len(bad)} of {len(rows)} ok")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad) or not rows)


if __name__ == "__main__":
    main()
