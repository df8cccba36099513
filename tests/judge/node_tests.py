#!/usr/bin/env python3
"""Judge: every node-test model of PyPI's onnx goes through onnxopt without a pass and must come out as the same message.

usage: node_tests.py [--pipeline P] [--only NAME]
--pipeline P runs passes instead: the result must be as valid as the original and keep its interface.
"""
import argparse
import functools
import shutil
import sys
import warnings

import onnx

import judge_lib
import same_message


def dump(folder):
    """All models of onnx.backend.test as folder/NAME.onnx; written once for a version of onnx."""
    stamp = folder / f".{onnx.__version__}"
    if not stamp.exists():
        from onnx.backend.test.case.node import collect_testcases
        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some cases divide by zero on purpose
            for case in collect_testcases(None):
                onnx.save(case.model, folder / f"{case.name}.onnx")
        stamp.touch()
    return sorted(folder.glob("*.onnx"))


def binary(model, out):
    result = out / model.name
    return judge_lib.onnxopt(model, "-O0", "-o", result) or same_message.difference(model, result)


def passes(model, out, pipeline):
    result = out / model.name
    failure = judge_lib.onnxopt("-p", pipeline, model, "-o", result)
    if failure:
        return failure
    (was, _), (now, why) = judge_lib.validity(model), judge_lib.validity(result)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return f"was {was}, became {now}: {why}"
    return judge_lib.interface_change(onnx.load(model), onnx.load(result))


def verdict(judge, out, model):
    found = judge(model, out)
    if not found:
        (out / model.name).unlink()
    return model.stem, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline")
    parser.add_argument("--only", default="")
    arg = parser.parse_args()
    models = [m for m in dump(judge_lib.BUILD / "node-tests") if arg.only in m.stem]
    if not models:
        sys.exit(f"no node test is called {arg.only}")
    out = judge_lib.scratch("node-tests")
    judge = functools.partial(passes, pipeline=arg.pipeline) if arg.pipeline else binary
    bad = [(n, f) for n, f in judge_lib.each(functools.partial(verdict, judge, out), models) if f]
    for name, found in bad[:40]:
        print(f"{name}: {found}")
    print(f"node tests: {len(models) - len(bad)} of {len(models)} ok" + (f"; what came out is in {out}" if bad else ""))
    if not bad:
        shutil.rmtree(out)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
