#!/usr/bin/env python3
"""Judges `onnxopt check` by onnx.checker.check_model(full_check=True): the two verdicts on every model must be the same, or ours stricter for a
reason that is listed here.

usage: check_cases.py valid FOLDER...      models as they are: every *.onnx below the folders
       check_cases.py refused CASES.tar.zst   the cases of the recorded shape-inference tests
--at-least N: how many models must be judged. The program is $ONNXOPT.
"""
import argparse, json, os, pathlib, subprocess, sys, tempfile
import onnx

# Codes of ours with which a model may be refused that onnx accepts, and why.
STRICTER = {
    "load-tensor-size": "more data than the dimensions ask for",
}
# Models that onnx refuses and we accept, by a part of the name, and why.
LAXER = {
    "test_mvn/": "onnx expands MeanVarianceNormalization without the default of its attribute, and refuses what it has made",
}


def theirs(path):
    """None when onnx accepts the model, else why not."""
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as e:  # whatever it raises, it refuses
        return str(e).strip().replace("\n", " ") or type(e).__name__
    return None


def ours(paths):
    """For each path the list of (code, severity, message)."""
    found = {str(p): [] for p in paths}
    valid = {}
    paths = [str(p) for p in paths]
    for start in range(0, len(paths), 200):
        batch = paths[start : start + 200]
        r = subprocess.run([os.environ["ONNXOPT"], "check", "--message-format=json", *batch], capture_output=True, text=True, timeout=600)
        if r.returncode not in (0, 3):
            sys.exit(f"exit code {r.returncode}: {r.stderr[-2000:]}")
        last = []
        for line in map(json.loads, r.stderr.splitlines()):
            if line["type"] == "diagnostic":
                last.append((line.get("code"), line["severity"], line["message"]))
            elif line["type"] == "check":
                found[line["file"]], valid[line["file"]], last = last, line["valid"], []
    return found, valid


def stricter(defects):
    return all(code in STRICTER for code, severity, _ in defects if severity == "error")


def compare(paths, verbose):
    found, valid = ours(paths)
    counts = {"both accept": 0, "both refuse": 0, "stricter with a reason": 0, "laxer with a reason": 0, "WRONGLY REFUSED": 0, "WRONGLY ACCEPTED": 0}
    for path in map(str, paths):
        refusal = theirs(path)
        if valid[path] == (refusal is None):
            kind = "both accept" if valid[path] else "both refuse"
        elif valid[path]:
            kind = "laxer with a reason" if any(part in path for part in LAXER) else "WRONGLY ACCEPTED"
        else:
            kind = "stricter with a reason" if stricter(found[path]) else "WRONGLY REFUSED"
        counts[kind] += 1
        if verbose or kind.isupper():
            print(f"{kind}: {path}\n  onnx: {(refusal or 'accepts')[:300]}")
            for code, severity, message in found[path][:5]:
                print(f"  ours: {severity} {code}: {message}")
    return counts


def models_below(folders):
    return sorted(p for folder in folders for p in pathlib.Path(folder).rglob("*.onnx"))


def unpacked_cases(archive, folder):
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", folder], check=True)
    return sorted(pathlib.Path(folder).rglob("input.onnx"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["valid", "refused"])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--at-least", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    arg = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if arg.kind == "valid":
            paths = models_below(arg.folders)
        else:
            paths = unpacked_cases(arg.folders[0], scratch)
        counts = compare(paths, arg.verbose)
    print(f"{len(paths)} models: " + ", ".join(f"{n} {kind}" for kind, n in counts.items() if n))
    bad = counts["WRONGLY REFUSED"] + counts["WRONGLY ACCEPTED"]
    sys.exit(bad > 0 or len(paths) < arg.at_least)


if __name__ == "__main__":
    main()
