#!/usr/bin/env python3
"""What a sweep of rules costs: 300 generated rules over a chain of N nodes, none of which fires.

usage: rule_sweep.py ONNXOPT [N] [RULES]       N nodes (100000), RULES rules (300)
Each rule is three operators deep and has a guard. Prints microseconds a node, the median of five runs; exits 1 above 3. Inference of types, which
the first pass of a run pays for, is taken out: a pass that needs types too runs first.
"""
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile

UNARY = ["Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Sqrt", "Floor", "Ceil", "Softplus", "Erf", "Sin", "Cos", "HardSwish", "Sign", "Round"]
BINARY = ["Add", "Mul", "Sub", "Div"]
LIMIT = 3.0


def chain(n, rng):
    lines = ['<ir_version: 8, opset_import: ["" : 17]>', "main (float[N,8] x0) => (float[N,8] y)", "<float[8] c = {1, 2, 3, 4, 5, 6, 7, 8}> {"]
    for i in range(n):
        call = f"{rng.choice(UNARY)}(x{i})" if rng.random() < 0.5 else f"{rng.choice(BINARY)}(x{i}, c)"
        lines.append(f"  x{i + 1} = {call}")
    return "\n".join(lines + [f"  y = Tanh(x{n})", "}"])


def rules(count, rng):
    def call(inner, k):
        op = rng.choice(UNARY + BINARY)
        return f"{op}({inner})" if op in UNARY else f"{op}({inner}, const k{k})"
    return "\n".join(f"rule r{i} {{ y = {call(call(call('x', 0), 1), 2)}  where rank(x) == 7  =>  y = Relu(x) }}" for i in range(count))


def main():
    onnxopt = sys.argv[1]
    nodes = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        model, text = pathlib.Path(folder, "chain.onnxtxt"), pathlib.Path(folder, "bench.rules")
        model.write_text(chain(nodes, rng))
        text.write_text(rules(count, rng))
        pipeline = f'rules{{only=no-such-rule}},rules{{file="{text}" level=3}}'
        times = []
        for _ in range(5):
            out = subprocess.run([onnxopt, "-n", "--time", "--verify=off", "-p", pipeline, str(model)], capture_output=True, text=True, check=True).stderr
            times.append([float(t) for t in re.findall(r"^ *([0-9.]+) ms.*rules$", out, re.M)][1])
    each = statistics.median(times) * 1e3 / nodes
    print(f"{count} rules, {nodes} nodes: {each:.2f} microseconds a node a sweep (at most {LIMIT})")
    sys.exit(each > LIMIT)


main()
