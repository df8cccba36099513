#!/usr/bin/env python3
"""Judges inference by cases recorded from ONNX's own shape-inference tests: folders with input.onnx, expected.onnx and case.json,
or a .tar.zst of them.

usage: shape_cases.py INFER_CASES FOLDER [--list] [--at-least N]
A result passes when it is equal to or more precise than what is expected (a number or an expression where ONNX has a symbol; symbols compare
up to renaming), or when it refuses what must be refused.
"""
import argparse, json, os, subprocess, sys, tempfile
import onnx


# Expectations that contradict ONNX's own specification, by the end of the case's name: what is given instead, and why that is right.
WRONG = {
    "test_stft_reals__0": ("output: dim 2 is 3 for 5", "onnx infers with onesided = 0, the schema's default is 1: 5 // 2 + 1 bins"),
    "test_stft_reals__1": ("output: dim 2 is 3 for 5", "as above"),
    "test_slice_with_input_shape_axes__0": ("y: dim 0 is ? for 1", "steps are unknown: with -1 the axis would be empty"),
}


def kind(t):
    return t.WhichOneof("value") if t is not None else None


def compare_type(want, got, names, where):
    """None, or what is wrong."""
    k = kind(want)
    if k is None:
        return None
    if kind(got) != k:
        return f"{where}: {k} expected, got {kind(got)}"
    w, g = getattr(want, k), getattr(got, k)
    if k in ("sequence_type", "optional_type"):
        return compare_type(w.elem_type, g.elem_type, names, where)
    if k == "map_type":
        if w.key_type and w.key_type != g.key_type:
            return f"{where}: key type {g.key_type} for {w.key_type}"
        return compare_type(w.value_type, g.value_type, names, where)
    if k not in ("tensor_type", "sparse_tensor_type"):
        return None
    if w.elem_type and w.elem_type != g.elem_type:
        return f"{where}: element type {g.elem_type} for {w.elem_type}"
    if not w.HasField("shape"):
        return None
    if not g.HasField("shape"):
        return f"{where}: no shape"
    if len(w.shape.dim) != len(g.shape.dim):
        return f"{where}: rank {len(g.shape.dim)} for {len(w.shape.dim)}"
    for i, (a, b) in enumerate(zip(w.shape.dim, g.shape.dim)):
        d = a.WhichOneof("value")
        if d == "dim_value" and not (b.WhichOneof("value") == "dim_value" and a.dim_value == b.dim_value):
            return f"{where}: dim {i} is {b.dim_value or b.dim_param or '?'} for {a.dim_value}"
        if d == "dim_param":
            e = b.WhichOneof("value")
            fresh = a.dim_param.startswith("unk__")
            if e is None and not fresh:
                return f"{where}: dim {i} is ? for {a.dim_param}"
            if e and names.setdefault(a.dim_param, (e, getattr(b, e))) != (e, getattr(b, e)) and e == "dim_param":
                return f"{where}: dim {i} is {getattr(b, e)} for {a.dim_param}, which was {names[a.dim_param][1]}"
    return None


def types(graph, inputs=True):
    return {v.name: v.type for v in [*graph.value_info, *graph.output] if v.HasField("type")}


def judge(tool, folder, out):
    case = json.load(open(os.path.join(folder, "case.json")))
    opts = case.get("opts", {})
    args = [tool] + ["--strict"] * bool(opts.get("strict_mode") or opts.get("check_type")) + ["--data-prop"] * bool(opts.get("data_prop"))
    try:
        r = subprocess.run(args + [os.path.join(folder, "input.onnx"), out], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "took more than 20 s"
    if case.get("error"):
        return None if r.returncode in (1, 3) else f"must be refused: {case['error'].strip().splitlines()[-1][:120]}"
    if r.returncode:
        return f"exit code {r.returncode}: {r.stderr.strip().splitlines()[-1][:160] if r.stderr.strip() else ''}"
    want, got = onnx.load(os.path.join(folder, "expected.onnx")), onnx.load(out)
    ours, names = types(got.graph), {}
    ours.update({v.name: v.type for v in got.graph.input if v.name not in ours})
    for name, t in types(want.graph).items():
        if name not in ours:
            if kind(t):
                return f"{name}: nothing inferred"
            continue
        wrong = compare_type(t, ours[name], names, name)
        if wrong:
            return wrong
    return None


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("tool"), ap.add_argument("folder")
    ap.add_argument("--list", action="store_true", help="print every failing case")
    ap.add_argument("--at-least", type=int, default=None, help="how many cases must pass; all when not given")
    arg = ap.parse_args()
    unpacked = tempfile.TemporaryDirectory()
    if os.path.isfile(arg.folder):
        subprocess.run(["tar", "--zstd", "-xf", arg.folder, "-C", unpacked.name], check=True)
        arg.folder = unpacked.name
    cases = sorted(os.path.dirname(os.path.join(d, f)) for d, _, fs in os.walk(arg.folder) for f in fs if f == "case.json")
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for folder in cases:
            wrong = judge(arg.tool, folder, os.path.join(scratch, "out.onnx"))
            known = next((w for end, w in WRONG.items() if folder.endswith("__" + end)), None)
            if known:
                wrong = None if wrong == known[0] else f"expected the difference \"{known[0]}\", got {wrong}"
            failed += wrong is not None
            if wrong and arg.list:
                print(f"FAIL {os.path.basename(folder)}: {wrong}")
    passed = len(cases) - failed
    print(f"{passed} passed, {failed} failed")
    sys.exit(passed < (len(cases) if arg.at_least is None else arg.at_least) or not cases)
