#!/usr/bin/env python3
"""Judges `onnxopt check` by onnx.checker.check_model(full_check=True): the two verdicts on every model must be the same, or ours stricter for a
reason that is listed here.

usage: check_cases.py valid FOLDER...      models as they are: every *.onnx below the folders
       check_cases.py refused CASES.tar.zst   the cases of the recorded shape-inference tests
       check_cases.py recorded FOLDER      what ONNX's own tests give to its checker; FOLDER is made by scripts/fetch-onnx-tests
       check_cases.py mutated CASES        small models (of what dump_node_tests.py made, and others), each broken in one way
--at-least N: how many models must be judged. The program is $ONNXOPT.
"""
import argparse, json, os, pathlib, re, shutil, subprocess, sys, tempfile
import onnx
import check_mutations

# Why a model may be refused that onnx accepts: code, operator and a part of the message ("" = any), and the reason.
STRICTER = {
    ("load-tensor-size", "", ""): "more data than the dimensions ask for; 4 and 2 bits in int32_data, of which onnx counts fewer than its own reader needs",
    ("check-shape", "STFT", ""): "onnx infers with onesided = 0, where the schema's default is 1: the declared shape is not what comes out",
    ("check-shape", "CenterCropPad", ""): "onnx infers no rank: a scalar cannot become a matrix",
}
# The same for models that were broken on purpose: of those that are meant to be whole, none needs these.
STRICTER_OF_BROKEN = {
    **STRICTER,
    ("check-arity", "", "variadic"): "an omitted input among variadic ones; onnx refuses only the first",
    ("check-arity", "Adagrad", "groups of"): "onnx counts for Adam and Momentum only",
    ("check-attribute", "", "refers to"): "a reference outside of a function, to what the function does not declare, or with a value",
    ("check-attribute", "", "the operator wants"): "numbers that the operator's definition rules out, where onnx only looks at the shape that follows",
    ("check-call", "", ""): "onnx does not compare calls with functions",
    ("check-opset", "", "does not exist"): "onnx looks at versions only when it looks up an operator",
    ("check-operator", "", ""): "ai.onnx.preview is ONNX's own domain, too",
    ("check-shape", "", ""): "contradictions that follow from the operator's definition; onnx infers less",
    ("check-subgraph", "", ""): "onnx takes a subgraph without outputs for one that it has not inferred",
    ("load-attribute", "", ""): "an attribute with a graph or tensor and a type that does not exist",
}
# Models that onnx refuses and we accept, by a part of the name, and why.
LAXER = {
    "operator_0/functions.onnx": "what an operator gives that is not ONNX's is not known, and no defect; onnx misses its type further on",
    "operator_2/functions.onnx": "the same",
    "test_mvn": "onnx expands MeanVarianceNormalization without the default of its attribute, and refuses what it has made",
}


CRASHED = "onnx crashed"


def refusal_of(path):
    """None when onnx accepts the model, else why not."""
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as e:  # whatever it raises, it refuses
        return str(e).strip().replace("\n", " ") or type(e).__name__
    return None


def theirs(paths):
    """For each path its refusal. In a child process: some broken models end onnx itself, and then the next child goes on behind them."""
    answers = []
    while len(answers) < len(paths):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with os.fdopen(writer, "w") as out:
                for path in paths[len(answers) :]:
                    print(json.dumps(refusal_of(path)), file=out, flush=True)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as lines:
            answers += [json.loads(line) for line in lines]
        os.waitpid(child, 0)
        if len(answers) < len(paths):
            answers.append(CRASHED)
    return answers


def ours(paths):
    """For each path the list of (code, severity, message, operator)."""
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
                last.append((line.get("code"), line["severity"], line["message"], line.get("op", "")))
            elif line["type"] == "check":
                found[line["file"]], valid[line["file"]], last = last, line["valid"], []
    return found, valid


def stricter(defects, reasons):
    return all(any(code == c and part in message and o in ("", op) for c, o, part in reasons) for code, severity, message, op in defects if severity == "error")


def compare(paths, verbose, reasons=STRICTER):
    found, valid = ours(paths)
    counts = {"both accept": 0, "both refuse": 0, "stricter with a reason": 0, "laxer with a reason": 0, "WRONGLY REFUSED": 0, "WRONGLY ACCEPTED": 0, "onnx crashed": 0}
    paths = [str(p) for p in paths]
    for path, refusal in zip(paths, theirs(paths)):
        if refusal == CRASHED:
            kind = CRASHED
        elif valid[path] == (refusal is None):
            kind = "both accept" if valid[path] else "both refuse"
        elif valid[path]:
            kind = "laxer with a reason" if any(part in path for part in LAXER) else "WRONGLY ACCEPTED"
        else:
            kind = "stricter with a reason" if stricter(found[path], reasons) else "WRONGLY REFUSED"
        counts[kind] += 1
        if verbose or kind.isupper():
            print(f"{kind}: {path}\n  onnx: {(refusal or 'accepts')[:300]}")
            for code, severity, message, _ in found[path][:5]:
                print(f"  ours: {severity} {code}: {message}")
    return counts


def models_below(folders):
    return sorted(p for folder in folders for p in pathlib.Path(folder).rglob("*.onnx"))


SKIPPED = 77


def recorded(folder):
    """Runs ONNX's tests once with a recorder in place of its checker (check_recorder.py)."""
    target, stamp = folder / "recorded", folder / "recorded" / ".done"
    if not (folder / "tests").is_dir():
        print("ONNX's tests were not fetched: nothing is judged")
        sys.exit(SKIPPED)
    if not stamp.exists():
        shutil.rmtree(target, ignore_errors=True)
        tests = [p for p in sorted(folder.glob("tests/python/**/*_test.py")) if "check" in p.read_text()]
        tests = [p for p in tests if not re.search("reference|backend|sphinx", p.name)]  # slow, and of other things
        path = os.pathsep.join([str(folder / "site"), str(pathlib.Path(__file__).parent)])
        command = [sys.executable, "-m", "pytest", "-q", "-p", "check_recorder", "-p", "no:cacheprovider", "--rootdir", folder, *tests]
        r = subprocess.run(command, env={**os.environ, "PYTHONPATH": path, "CHECK_RECORD": str(target)}, capture_output=True, text=True)
        print(r.stdout.strip().splitlines()[-1])
        if r.returncode:
            sys.exit(r.stdout[-3000:] + r.stderr[-1000:])
        stamp.touch()
    return models_below([target])


def unpacked_cases(archive, folder):
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", folder], check=True)
    return sorted(pathlib.Path(folder).rglob("input.onnx"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["valid", "refused", "recorded", "mutated"])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--at-least", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    arg = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if arg.kind == "valid":
            paths = models_below(arg.folders)
        elif arg.kind == "recorded":
            paths = recorded(pathlib.Path(arg.folders[0]).absolute())
        elif arg.kind == "mutated":
            paths = check_mutations.write(pathlib.Path(scratch), pathlib.Path(arg.folders[0]))
        else:
            paths = unpacked_cases(arg.folders[0], scratch)
        counts = compare(paths, arg.verbose, STRICTER_OF_BROKEN if arg.kind == "mutated" else STRICTER)
    print(f"{len(paths)} models: " + ", ".join(f"{n} {kind}" for kind, n in counts.items() if n))
    bad = counts["WRONGLY REFUSED"] + counts["WRONGLY ACCEPTED"]
    sys.exit(bad > 0 or len(paths) < arg.at_least)


if __name__ == "__main__":
    main()
