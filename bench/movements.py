#!/usr/bin/env python3
"""How many Transposes move data, and how many bytes they move: original models, what onnxopt makes of them, and what others do.

usage: movements.py [--onnxopt FILE] [--level -O2] [--peers FOLDER] [--corpus FOLDER]... [--work FOLDER] [--bytes] [NAME PREFIX...]
For every model that has Transposes, with a size of 16 for every dimension that is not known; a Transpose that only moves axes of size 1 moves
nothing and is not counted. Bodies of Loop, If and Scan count once. ONNX Runtime is asked for its basic level, whose result is ONNX again; MiB
moved stand behind each count. The last column tells where another has fewer Transposes or bytes; exits 1 when one has no more of both and fewer of one.
The others are run as bench/run_peer.py says, with the Python of bench/make-peers.
"""
import argparse
import math
import os
import pathlib
import subprocess
import sys

import onnx
from onnx import helper, shape_inference

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ["onnxruntime", "onnxslim"]
SOME_SIZE = 16


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def types_of(graph, outer):
    types = dict(outer)
    for value in [*graph.input, *graph.value_info, *graph.output]:
        if value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"):
            kind = value.type.tensor_type
            types[value.name] = (kind.elem_type, [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim])
    for tensor in graph.initializer:
        types[tensor.name] = (tensor.data_type, list(tensor.dims))
    return types


def moves(perm, dims):
    order = [p for p in perm if dims[p] != 1]
    return order != sorted(order)


def transposes(graph, outer):
    """(bytes) of each Transpose that moves any; None where nothing is known of its operand."""
    types = types_of(graph, outer)
    for node in graph.node:
        for attr in node.attribute:
            for sub in [attr.g] if attr.type == onnx.AttributeProto.GRAPH else attr.graphs:
                yield from transposes(sub, types)
        if node.op_type != "Transpose" or node.domain not in ("", "ai.onnx"):
            continue
        perm = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
        elem, dims = types.get(node.input[0], (1, None))
        if dims is None and node.output[0] in types and perm:  # of the result, then
            elem, result = types[node.output[0]]
            dims = [result[perm.index(i)] for i in range(len(perm))]
        dims = dims if dims is not None else [None] * len(perm or [0, 0])
        perm = perm or list(range(len(dims)))[::-1]
        if moves(perm, dims):
            try:
                width = helper.tensor_dtype_to_np_dtype(elem).itemsize
            except KeyError:
                width = 4
            yield width * math.prod(SOME_SIZE if d is None else d for d in dims)


def measure(path, onnxopt, work):
    """(Transposes that move data, bytes), with the types that our own inference finds."""
    typed = work / "typed.onnx"
    if subprocess.run([onnxopt, "-p", "infer-shapes", str(path), "-o", str(typed)], capture_output=True).returncode:
        typed = path
    model = onnx.load(typed, load_external_data=False)
    found = list(transposes(model.graph, {}))
    return len(found), sum(found)


def cell(found):
    return "" if found is None else f"{found[0]}, {found[1] / 2**20:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxopt", type=pathlib.Path, default=ROOT / "build/release/onnxopt")
    parser.add_argument("--level", default="-O2")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / "build/peers", help="environment that bench/make-peers made")
    parser.add_argument("--corpus", type=pathlib.Path, action="append")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    arg.work.mkdir(parents=True, exist_ok=True)
    python = arg.peers / "bin/python"
    peers = PEERS if python.exists() else []
    row("model (Transposes that move data, MiB moved)", "original", f"onnxopt {arg.level}", *peers, "")
    row(*["---"] * (4 + len(peers)))
    missed, total = 0, [[0, 0.0] for _ in range(2 + len(peers))]
    for path in sorted(p for folder in arg.corpus or [ROOT / "build/corpus", ROOT / "build/wheels"] for p in folder.glob("*.onnx")):
        if arg.names and not path.name.startswith(tuple(arg.names)):
            continue
        was = measure(path, arg.onnxopt, arg.work)
        if not was[0]:
            continue
        out = arg.work / "moved.onnx"
        out.unlink(missing_ok=True)
        subprocess.run([arg.onnxopt, arg.level, str(path), "-o", str(out)], check=True, capture_output=True)
        found = [was, measure(out, arg.onnxopt, arg.work)]
        for peer in peers:
            out.unlink(missing_ok=True)
            failed = subprocess.run([python, ROOT / "bench/run_peer.py", peer, str(path), str(out)], capture_output=True,
                                    env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode or not out.exists()
            found.append(None if failed else measure(out, arg.onnxopt, arg.work))
        others = [f for k, f in enumerate(found) if k != 1 and f]
        worse = [what for k, what in enumerate(("Transposes", "bytes")) if found[1][k] > min(f[k] for f in others)]
        missed += any(f != found[1] and f[0] <= found[1][0] and f[1] <= found[1][1] for f in others)
        for sum_, one in zip(total, found):
            sum_[0], sum_[1] = sum_[0] + (one or (0, 0))[0], sum_[1] + (one or (0, 0))[1]
        row(path.stem, *map(cell, found), "more " + " and ".join(worse) if worse else "")
    row("all", *map(cell, total), "")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
