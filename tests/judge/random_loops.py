#!/usr/bin/env python3
"""Judge: the passes over control flow on random models of nested If, Loop and Scan.

usage: random_loops.py [--count N] [--seed S]
Each model goes through every such pass and through -O1, -O2 and -O3. The result must be valid, have the same interface, and compute under
ONNX Runtime, bit by bit, what the model computed on several inputs, some of which make loops turn no time at all or nodes fail; the
evaluator must compute the same of it; and a second run must change nothing. Every pass must change as many models as EXPECTED says.
"""
import argparse
import collections
import functools
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import judge_lib

VECTOR, ROWS, NUMBER, TRUTH = "vector", "rows", "number", "truth"
TYPES = {VECTOR: (TensorProto.FLOAT, [3]), ROWS: (TensorProto.FLOAT, [None, 3]), NUMBER: (TensorProto.INT64, []), TRUTH: (TensorProto.BOOL, [])}
# How many of 150 models a pass must change: half of what it did when this was written.
EXPECTED = {"drop-outputs": 55, "simplify-if": 55, "refute-branch": 25, "hoist-common": 50, "simplify-loop": 50, "inline-loop": 35, "inline-loop{unroll=4}": 45,
            "hoist-invariants": 50, "merge-if": 35}
PASSES = list(EXPECTED)
PIPELINES = [["-p", p] for p in PASSES] + [["-O1"], ["-O2"], ["-O3"]]
UNARY = ["Neg", "Abs", "Floor", "Sign", "Relu"]  # exact, and never far from small numbers
BINARY = ["Add", "Sub", "Max", "Min", "Mul"]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


class Scope:
    """Values that nodes of one graph may use, by type; those of graphs around are among them."""

    def __init__(self, outer=None):
        self.nodes, self.initializers = [], []
        self.values = {t: list(outer.values[t]) if outer else [] for t in TYPES}
        self.own = {t: [] for t in TYPES}

    def add(self, kind, name):
        self.values[kind].append(name)
        self.own[kind].append(name)
        return name


class Generator:
    def __init__(self, rng):
        self.rng, self.names = rng, 0

    def chance(self, n):
        return not self.rng.integers(n)

    def name(self, stem="v"):
        self.names += 1
        return f"{stem}{self.names}"

    def choose(self, items):
        return items[int(self.rng.integers(len(items)))]

    def pick(self, scope, kind):
        """A value, of late ones more often."""
        values = scope.values[kind]
        return values[-1 - int(self.rng.integers(min(len(values), 6)))] if not self.chance(4) else self.choose(values)

    def emit(self, scope, op, inputs, kind, **attrs):
        out = self.name()
        scope.nodes.append(helper.make_node(op, inputs, [out], name=self.name("n"), **attrs))
        return scope.add(kind, out)

    def constant(self, scope, array, kind):
        out = self.name("c")
        if self.chance(2):
            scope.initializers.append(numpy_helper.from_array(np.asarray(array), out))
        else:
            scope.nodes.append(helper.make_node("Constant", [], [out], value=numpy_helper.from_array(np.asarray(array))))
        return scope.add(kind, out)

    # ---- single nodes ----
    def truth(self, scope):
        what = int(self.rng.integers(5))
        if what == 0:
            return self.emit(scope, "Not", [self.pick(scope, TRUTH)], TRUTH)
        if what <= 2:
            return self.emit(scope, self.choose(["And", "Or", "Xor"]), [self.pick(scope, TRUTH), self.pick(scope, TRUTH)], TRUTH)
        if what == 3:
            return self.constant(scope, np.array(bool(self.rng.integers(2))), TRUTH)
        return self.emit(scope, "Less", [self.pick(scope, NUMBER), self.pick(scope, NUMBER)], TRUTH)

    def number(self, scope):
        if self.chance(2):
            return self.constant(scope, np.int64(self.rng.integers(4)), NUMBER)
        return self.emit(scope, self.choose(["Add", "Sub", "Min", "Max"]), [self.pick(scope, NUMBER), self.pick(scope, NUMBER)], NUMBER)

    def vector(self, scope):
        what = int(self.rng.integers(8))
        if what == 0:
            return self.constant(scope, self.rng.integers(-2, 3, 3).astype(np.float32), VECTOR)
        if what == 1:  # fails where the index is out of range
            return self.emit(scope, "Gather", [self.pick(scope, ROWS), self.pick(scope, NUMBER)], VECTOR, axis=0)
        if what == 2:
            return self.emit(scope, "Where", [self.pick(scope, TRUTH), self.pick(scope, VECTOR), self.pick(scope, VECTOR)], VECTOR)
        if what <= 4:
            return self.emit(scope, self.choose(UNARY), [self.pick(scope, VECTOR)], VECTOR)
        if what == 5:
            return self.emit(scope, "Identity", [self.pick(scope, VECTOR)], VECTOR)
        return self.emit(scope, self.choose(BINARY), [self.pick(scope, VECTOR), self.pick(scope, VECTOR)], VECTOR)

    # ---- branches that lead to an error ----
    def node(self, scope, op, inputs, **attrs):
        """A value of another type than scopes hold."""
        scope.nodes.append(helper.make_node(op, inputs, [self.name()], name=self.name("n"), **attrs))
        return scope.nodes[-1].output[0]

    def array(self, scope, array):
        scope.initializers.append(numpy_helper.from_array(array, self.name("c")))
        return scope.initializers[-1].name

    def wants_three(self, scope, value):
        """An operator that takes three dimensions alone."""
        op, small = self.choose(["Conv", "ConvTranspose", *GATES]), lambda *shape: self.array(scope, self.rng.integers(-1, 2, shape).astype(np.float32))
        if op not in GATES:
            return self.node(scope, op, [value, small(1, 1, 1)])
        rows = 3 * GATES[op]
        activations = ["Relu"] * {"RNN": 1, "GRU": 2, "LSTM": 3}[op]
        return self.node(scope, op, [value, small(1, rows, 3), small(1, rows, 3)], hidden_size=3, activations=activations)

    def add_refutable(self, scope):
        """An If of which one branch leads to an error, as exporters write what torch calls squeeze."""
        wide = self.node(scope, "Unsqueeze", [self.pick(scope, VECTOR), self.array(scope, np.int64([0, 1]))])
        graphs = []
        for right in (True, False):
            inner = Scope(scope)
            axes = [] if right else [self.array(inner, np.int64([0]))]
            out = self.node(inner, self.choose(UNARY if right else ["Squeeze", "Unsqueeze"]), [wide, *axes])
            info = helper.make_tensor_value_info(out, TensorProto.FLOAT, None)
            graphs.append(helper.make_graph(inner.nodes, self.name("branch"), [], [info], inner.initializers))
        if self.chance(2):
            graphs.reverse()
        condition = self.choose(["k", "l"]) if self.chance(2) else self.pick(scope, TRUTH)
        value = self.node(scope, "If", [condition], then_branch=graphs[0], else_branch=graphs[1])
        for _ in range(int(self.rng.integers(3))):
            value = self.node(scope, self.choose(UNARY), [value])
        self.emit(scope, "Reshape", [self.wants_three(scope, value), self.array(scope, np.int64([3]))], VECTOR)

    # ---- graphs ----
    def graph(self, stem, scope, inputs, outputs):
        infos = [[helper.make_tensor_value_info(n, *TYPES[k]) for n, k in ends] for ends in (inputs, outputs)]
        return helper.make_graph(scope.nodes, self.name(stem), *infos, scope.initializers)

    def result(self, scope, kind):
        """A value that a subgraph may return: runtimes want it to be made inside, and to be returned once."""
        own = [v for v in scope.own[kind]]
        if own and not self.chance(4):
            value = self.choose(own)
            scope.own[kind].remove(value)
            return value
        return self.emit_last(scope, kind)

    def emit_last(self, scope, kind):
        out = self.emit(scope, "Identity", [self.pick(scope, kind)], kind)
        scope.own[kind].remove(out)
        return out

    def copy(self, scope, nodes, renamed):
        """The same nodes under other names, as far as their inputs are visible."""
        for node in nodes:
            twin = onnx.NodeProto.FromString(node.SerializeToString())
            if any(a.type == onnx.AttributeProto.GRAPH for a in twin.attribute) or self.chance(6):
                continue
            inputs = [renamed.get(i, i) for i in twin.input]
            if not all(i in v for i in inputs for v in [sum(scope.values.values(), [])]):
                continue
            del twin.input[:], twin.output[:]
            twin.input.extend(inputs)
            twin.output.append(self.name())
            twin.name = self.name("n")
            renamed[node.output[0]] = twin.output[0]
            scope.nodes.append(twin)
            yield node.output[0], twin.output[0]

    def branch(self, outer, kinds, depth, like=None):
        scope = Scope(outer)
        if like and not self.chance(3):
            kind_of = {v: k for k in TYPES for v in like.values[k]}
            for old, new in self.copy(scope, like.nodes, {}):
                if old in kind_of:
                    scope.add(kind_of[old], new)
        self.grow(scope, int(self.rng.integers(0, 5)), depth)
        results = [(self.result(scope, k), k) for k in kinds]
        return scope, self.graph("branch", scope, [], results)

    def add_if(self, scope, depth, condition=None):
        kinds = [self.choose([VECTOR, VECTOR, NUMBER, TRUTH]) for _ in range(1 + int(self.rng.integers(3)))]
        first, then_graph = self.branch(scope, kinds, depth)
        _, else_graph = self.branch(scope, kinds, depth, first)
        outs = [self.name() for _ in kinds]
        condition = condition or (self.choose(["k", "l"]) if self.chance(2) else self.pick(scope, TRUTH))
        scope.nodes.append(helper.make_node("If", [condition], outs, name=self.name("n"), then_branch=then_graph, else_branch=else_graph))
        for out, kind in zip(outs, kinds):
            scope.add(kind, out)
        if self.chance(3):  # another one on the same condition, with something between
            self.vector(scope)
            self.add_if(scope, depth, condition)

    def condition(self, scope, own, depth):
        """What a loop's body says of going on."""
        if depth == 0 or self.chance(2):
            return self.emit_last_of(scope, own)
        if self.chance(2):
            value = self.constant(scope, np.array(not self.chance(4)), TRUTH)
        else:
            value = self.truth(scope)
        scope.own[TRUTH] = [v for v in scope.own[TRUTH] if v != value]
        return value

    def emit_last_of(self, scope, value):
        out = self.emit(scope, "Identity", [value], TRUTH)
        scope.own[TRUTH].remove(out)
        return out

    def add_loop(self, scope, depth):
        kinds = [self.choose([VECTOR, VECTOR, NUMBER]) for _ in range(int(self.rng.integers(4)))]
        slices = int(self.rng.integers(0 if kinds else 1, 3))
        body, ends = Scope(scope), [(self.name("i"), NUMBER), (self.name("go"), TRUTH)] + [(self.name("s"), k) for k in kinds]
        for value, kind in ends:
            body.values[kind].append(value)
        self.grow(body, int(self.rng.integers(1, 6)), depth)
        go = self.condition(body, ends[1][0], depth)
        results = [(go, TRUTH)]
        for value, kind in ends[2:]:
            if self.chance(4):  # handed on unchanged
                out = self.emit(body, "Identity", [value], kind)
                body.own[kind].remove(out)
                results.append((out, kind))
            else:
                results.append((self.result(body, kind), kind))
        results += [(self.result(body, VECTOR), VECTOR) for _ in range(slices)]
        count = self.choose(["", self.constant(scope, np.int64(self.rng.integers(4)), NUMBER), self.pick(scope, NUMBER), "n"])
        first = self.choose(["", self.pick(scope, TRUTH), self.constant(scope, np.array(not self.chance(5)), TRUTH)])
        if not count:
            count = self.constant(scope, np.int64(self.rng.integers(4)), NUMBER)
        count = self.emit(scope, "Min", [count, "most"], NUMBER) if count != "n" and count not in self.small(scope) else count
        outs = [self.name() for _ in range(len(kinds) + slices)]
        scope.nodes.append(helper.make_node("Loop", [count, first, *(self.pick(scope, k) for k in kinds)], outs, name=self.name("n"),
                                            body=self.graph("body", body, ends, results)))
        for out, kind in zip(outs, kinds + [ROWS] * slices):
            scope.add(kind, out)

    @staticmethod
    def small(scope):
        return {t.name for t in scope.initializers} | {n.output[0] for n in scope.nodes if n.op_type == "Constant"}

    def add_scan(self, scope, depth):
        kinds = [self.choose([VECTOR, NUMBER]) for _ in range(int(self.rng.integers(3)))]
        scanned = self.rng.integers(1, 3)
        slices = int(self.rng.integers(0 if kinds else 1, 3))
        rows = self.pick(scope, ROWS)
        body = Scope(scope)
        ends = [(self.name("s"), k) for k in kinds] + [(self.name("row"), VECTOR) for _ in range(scanned)]
        for value, kind in ends:
            body.values[kind].append(value)
        self.grow(body, int(self.rng.integers(1, 5)), depth)
        results = [(self.result(body, k), k) for k in kinds + [VECTOR] * slices]
        outs = [self.name() for _ in results]
        attrs = {"scan_output_directions": [int(self.rng.integers(2)) for _ in range(slices)]} if slices and self.chance(2) else {}
        attrs |= {"scan_input_directions": [int(self.rng.integers(2)) for _ in range(scanned)]} if self.chance(2) else {}
        scope.nodes.append(helper.make_node("Scan", [*(self.pick(scope, k) for k in kinds), *[rows] * scanned], outs, name=self.name("n"),
                                            num_scan_inputs=int(scanned), body=self.graph("body", body, ends, results), **attrs))
        for out, kind in zip(outs, kinds + [ROWS] * slices):
            scope.add(kind, out)

    def grow(self, scope, n, depth):
        for _ in range(n):
            what = int(self.rng.integers(12))
            if what < 3 and depth:
                [self.add_if, self.add_loop, self.add_loop if self.chance(3) else self.add_scan][what](scope, depth - 1)
            else:
                [self.vector, self.vector, self.vector, self.number, self.truth][int(self.rng.integers(5))](scope)

    def model(self):
        scope = Scope()
        inputs = [("x", VECTOR), ("z", VECTOR), ("m", ROWS), ("n", NUMBER), ("i", NUMBER), ("k", TRUTH), ("l", TRUTH)]
        for value, kind in inputs:
            scope.values[kind].append(value)
        scope.initializers.append(numpy_helper.from_array(np.int64(3), "most"))
        for what in (self.add_if, self.add_loop):
            what(scope, 2)
        if self.chance(2):
            self.add_refutable(scope)
        self.grow(scope, int(self.rng.integers(3, 9)), 2)
        made = [(v, k) for k in TYPES for v in scope.own[k]]
        made = [made[int(i)] for i in sorted(self.rng.permutation(len(made))[: 1 + int(self.rng.integers(4))])]
        graph = helper.make_graph(scope.nodes, "g", [helper.make_tensor_value_info(v, *TYPES[k]) for v, k in inputs],
                                  [helper.make_tensor_value_info(v, *TYPES[k]) for v, k in made], scope.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


# ---- judging ----
def feeds_of(rng):
    vector = lambda *shape: rng.integers(-3, 4, shape).astype(np.float32)
    numbers = lambda choices: np.array(choices[int(rng.integers(len(choices)))], np.int64)
    return {"x": vector(3), "z": vector(3), "m": vector(int(rng.integers(1, 4)), 3), "n": numbers([0, 0, 1, 2, 3]), "i": numbers([0, 0, 1, 2, 7, -1]),
            "k": np.array(bool(rng.integers(2))), "l": np.array(bool(rng.integers(2)))}


def session(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(of, feeds):
    """Outputs, or None where the model fails."""
    try:
        return of.run(None, feeds)
    except Exception:  # ONNX Runtime has a class for each kind of failure
        return None


def same(wanted, got):
    return all(a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(wanted, got))


def evaluate(path, feeds, folder):
    """What the evaluator computes; a text when it fails."""
    args = []
    for name, value in feeds.items():
        np.save(folder / f"{name}.npy", value)
        args += ["--input", f"{name}={folder / name}.npy"]
    failure = judge_lib.onnxopt("run", "-q", path, *args, "-o", folder, "--npy")
    return failure or [np.load(folder / f"output_{k}.npy") for k in range(len(onnx.load(path).graph.output))]


def judge_one(model, wanted, pipeline, folder, source, path):
    failure = judge_lib.onnxopt(*pipeline, source, "-o", path) or judge_lib.onnxopt(*pipeline, path, "-o", folder / "again.onnx")
    if failure:
        return failure, False
    after, again = onnx.load(path), onnx.load(folder / "again.onnx")
    if judge_lib.message_difference(after, again):
        return f"a second run changed {judge_lib.message_difference(after, again)}", True
    if not judge_lib.message_difference(model, after):
        return None, False
    now, why = judge_lib.validity(path)
    wrong = judge_lib.interface_change(model, after) or (f"it became {now}: {why}" if now != "full" else None)
    if wrong:
        return wrong, True
    after_session = session(after)
    for feeds, outputs in wanted:
        got = run(after_session, feeds)
        if got is None or not same(outputs, got):
            return f"{'it fails' if got is None else 'other results'} on {({k: v.tolist() for k, v in feeds.items()})}", True
    feeds, outputs = wanted[0]
    evaluated = evaluate(path, feeds, folder)
    if isinstance(evaluated, str):
        return f"the evaluator: {evaluated}", True
    return None if same(outputs, evaluated) else "the evaluator computes something else of it", True


def judge(folder, seed):
    rng = np.random.default_rng([seed, 4])
    model = Generator(rng).model()
    own = folder / str(seed)
    own.mkdir()
    source = own / "model.onnx"
    onnx.save(model, source)
    was, why = judge_lib.validity(source)
    if was != "full":
        return seed, f"the generator made a model that is {was}: {why}", []
    before = session(model)
    runs = [(feeds, run(before, feeds)) for feeds in (feeds_of(rng) for _ in range(12))]
    wanted = [(feeds, outputs) for feeds, outputs in runs if outputs is not None]
    if not wanted:
        shutil.rmtree(own)
        return seed, None, None
    changed = []
    for pipeline in PIPELINES:
        wrong, differs = judge_one(model, wanted, pipeline, own, source, own / f"{pipeline[-1].strip('-').split('{')[0]}.onnx")
        if wrong:
            return seed, f"{' '.join(pipeline)}: {wrong} ({own})", changed
        changed += [pipeline[-1]] if differs else []
    shutil.rmtree(own)
    return seed, None, changed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150, help="models")
    parser.add_argument("--seed", type=int, default=0, help="of the first model; a failure prints its own")
    arg = parser.parse_args()
    folder = judge_lib.scratch("random-loops")
    changed, bad, ran = collections.Counter(), 0, 0
    for seed, wrong, passes in judge_lib.each(functools.partial(judge, folder), range(arg.seed, arg.seed + arg.count)):
        if wrong:
            print(f"--seed {seed} --count 1: {wrong}")
            bad += 1
        ran += passes is not None
        changed.update(passes or [])
    idle = [p for p in PASSES if changed[p] * 150 < EXPECTED[p] * arg.count and arg.count >= 150]
    print(f"{ran} of {arg.count} models run, {bad} wrong; changed by {', '.join(f'{p[-1]}: {changed[p[-1]]}' for p in PIPELINES)}")
    if idle:
        print(f"hardly tried: {', '.join(idle)}")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad or idle))


if __name__ == "__main__":
    main()
