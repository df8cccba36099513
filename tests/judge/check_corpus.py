#!/usr/bin/env python3
"""Judge: `--check=2` calls no model of the corpus wrong after pipelines that other judges found right.

usage: check_corpus.py -p PIPELINE|-p-O2 [-p ...] [-x PIPELINE|-x-O1 [-x ...]] [--seconds N] [MODEL NAME PREFIX...]
After a pipeline of -x all numbers must be equal.
Models are taken from small to large until N seconds have passed (default 600): those left out are counted, not judged. Exits 1 when one is called
wrong, when nothing of it was checked, or when fewer than half of the models were reached.
"""
import argparse
import subprocess
import sys
import time

import judge_lib


def words(line):
    """The verdict in one word, from the note that --check leaves."""
    if "there is nothing to check" in line:
        return "unchanged"
    return "tie" if "ties" in line else "rounding" if "rounding" in line else "agrees"


def judge(job):
    pipeline, exact, model, deadline = job
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    passes = judge_lib.pipeline(pipeline)
    limits = ["--check-rtol", "0", "--check-atol", "0"] if exact else []
    command = [judge_lib.ONNXOPT, "-n", "--check=2", *limits, *passes, model]
    started = time.monotonic()
    try:
        run = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=max(left, 1), check=False)
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in run.stderr.decode(errors="replace").splitlines() if "nothing written" not in line]
    seconds = f"{time.monotonic() - started:.1f}"
    said = lines[0].split(": ", 1)[-1] if lines else "nothing"
    good = run.returncode == 0 and not any("warning: " in line or "error: " in line for line in lines)
    good = good and (not exact or "there is nothing to check" in said or "all numbers are equal" in said)
    return model.stem, seconds, words(said) if good else said[-200:], "ok" if good else f"exit {run.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", dest="pipelines", action="append", default=[])
    parser.add_argument("-x", dest="exact", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    models = sorted(judge_lib.models([judge_lib.CORPUS], arg.names), key=lambda path: path.stat().st_size)
    deadline = time.monotonic() + arg.seconds
    pipelines = [(p, False) for p in arg.pipelines] + [(p, True) for p in arg.exact]
    jobs = [(pipeline, exact, model, deadline) for model in models for pipeline, exact in pipelines]
    rows = list(judge_lib.each(judge, jobs))
    done = [row for row in rows if row]
    judge_lib.table(done, ("model", "seconds", "result", "verdict"))
    bad = [row for row in done if row[-1] != "ok"]
    kinds = {kind: sum(row[2] == kind for row in done) for kind in ("agrees", "rounding", "tie", "unchanged")}
    print(f"check: {len(done) - len(bad)} of {len(done)} checks ok ({', '.join(f'{n} {kind}' for kind, n in kinds.items())}), "
          f"{len(rows) - len(done)} not reached in {arg.seconds:g} s")
    sys.exit(bool(bad) or len(done) * 2 < len(rows))


if __name__ == "__main__":
    main()
