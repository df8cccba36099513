#!/usr/bin/env python3
"""How long choosing layouts takes: generated graphs of N nodes, thousands of them Transposes.

usage: layouts.py [--onnxopt FILE] [--nodes 10000] [--runs 5] [--work FOLDER]
For each kind of graph: Transposes before and after the pass `transposes`, and its time (the smallest of the runs, as --time prints it). Exits 1 when
one takes more than 200 ms. On a machine that does other work: `chrt -f 10 build/venv/bin/python bench/layouts.py`.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 200.0
TO, BACK = (0, 2, 3, 1), (0, 3, 1, 2)
OTHERS = [(0, 2, 1, 3), (0, 1, 3, 2), (2, 0, 3, 1), (1, 0, 2, 3), (3, 2, 1, 0), TO, BACK]
SIZES = (8, 8, 8, 8)  # equal, so that tensors of any order fit each other


class Writer:
    def __init__(self, seed):
        self.nodes, self.rng = [], np.random.default_rng(seed)

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"n{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def transpose(self, x, perm):
        return self.node("Transpose", x, perm=perm)

    def fixed(self, x):
        return self.node("Trilu", x)

    # ---- kinds of graphs, each grown by one step ----
    def chain(self, x):
        x = self.transpose(x, TO)
        for _ in range(int(self.rng.integers(1, 6))):
            x = self.node("Relu", x)
        x = self.transpose(x, BACK)
        return self.fixed(x) if self.rng.integers(3) == 0 else x

    def residual(self, x):
        a = self.transpose(x, TO)
        b = self.node("Mul", self.node("Sigmoid", a), a)
        c = self.transpose(b, BACK)
        d = self.fixed(c) if self.rng.integers(4) == 0 else self.node("Tanh", c)
        return self.transpose(self.node("Add", self.transpose(d, TO), b), BACK)

    def concat(self, x):
        parts = self.node("Split", self.transpose(x, TO), outputs=4, axis=3, num_outputs=4)
        parts = [self.fixed(p) if self.rng.integers(8) == 0 else self.node("Relu", p) for p in parts]
        return self.transpose(self.node("Concat", *parts, axis=3), BACK)

    def orders(self, x):
        """Many orders of one tensor meet."""
        perms = [OTHERS[int(i)] for i in self.rng.choice(len(OTHERS), 3, replace=False)]
        parts = [self.node("Relu", self.transpose(x, p)) for p in perms]
        if self.rng.integers(3) == 0:
            parts[0] = self.fixed(parts[0])
        return self.node("Add", self.node("Add", parts[0], parts[1]), parts[2])

    def fan(self, x):
        """One tensor that everybody wants in an order of his own."""
        y = self.node("Relu", self.transpose(self.tensor, OTHERS[int(self.rng.integers(len(OTHERS)))]))
        return self.node("Add", x, y)

    def mixed(self, x):
        return getattr(self, str(self.rng.choice(["chain", "residual", "concat", "orders"])))(x)


def model(kind, count):
    w = Writer(1)
    w.tensor = "x"
    x = "x"
    while len(w.nodes) < count:
        x = getattr(w, kind)(x)
    graph = helper.make_graph([*w.nodes, helper.make_node("Trilu", [x], ["y"])], "layouts", [helper.make_tensor_value_info("x", TensorProto.FLOAT, SIZES)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, SIZES)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxopt", type=pathlib.Path, default=ROOT / "build/release/onnxopt")
    parser.add_argument("--nodes", type=int, default=10000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench")
    arg = parser.parse_args()
    arg.work.mkdir(parents=True, exist_ok=True)
    print("| graph | nodes | Transposes | after | MiB moved | after | ms |\n| --- | --- | --- | --- | --- | --- | --- |")
    slow = False
    for kind in ("chain", "residual", "concat", "orders", "fan", "mixed"):
        path = arg.work / f"layouts_{kind}.onnx"
        made = model(kind, arg.nodes)
        onnx.save(made, path)
        times = []
        for _ in range(arg.runs):
            told = subprocess.run([arg.onnxopt, "-p", "transposes", "--stats", "--time", "-n", path], check=True, capture_output=True, text=True).stderr
            times.append(float(re.search(r"^ *([\d.]+) ms .* transposes$", told, re.M)[1]))
        (was, n), (now, left) = ((int(a) / 2**20, int(b)) for a, b in re.findall(r"(\d+)  bytes moved by (\d+) Transposes", told))
        print(f"| {kind} | {len(made.graph.node)} | {n} | {left} | {was:.1f} | {now:.1f} | {min(times):.0f} |", flush=True)
        slow |= min(times) > LIMIT
    sys.exit(slow)


if __name__ == "__main__":
    main()
