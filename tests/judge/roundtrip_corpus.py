#!/usr/bin/env python3
"""Judge: each model of the corpus, and each that a PyPI wheel carried, goes through onnxopt without a pass; the written
message must be the one that was read, field by field.

usage: roundtrip_corpus.py [MODEL NAME PREFIX...]
"""
import shutil
import sys

import judge_lib
import same_message

OUT = None


def judge(model):
    result = OUT / model.name
    found = judge_lib.onnxopt(model, "-O0", "-o", result) or same_message.difference(model, result)
    if not found:
        result.unlink()
    return model.stem, found


def main():
    global OUT
    OUT = judge_lib.scratch("roundtrip")
    models = judge_lib.models([judge_lib.CORPUS, judge_lib.WHEELS], sys.argv[1:])
    bad = [(n, f) for n, f in judge_lib.each(judge, models, processes=False) if f]
    for name, found in bad:
        print(f"{name}: {found}")
    print(f"round trip: {len(models) - len(bad)} of {len(models)} models ok")
    if not bad:
        shutil.rmtree(OUT)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
