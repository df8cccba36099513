"""Random small models for the passes that evaluate; see random_models.py. The operators are exact in float, so results are equal bit by bit."""
import numpy as np
import onnx
from onnx import TensorProto, helper

from random_models import Case, Graph, annotate, annotated, info, reads

EXACT_UNARY = ["Neg", "Abs", "Relu", "Floor", "Ceil", "Sign"]
EXACT_BINARY = ["Add", "Mul", "Sub", "Max", "Min"]
# Stay although their inputs are constant.
STAYS = {"RandomNormalLike", "DequantizeLinear", "Identity", "Constant"}


def inner_graphs(node):
    return [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]


def holds(node, what):
    return node.op_type in what or any(holds(inner, what) for g in inner_graphs(node) for inner in g.node)


def is_folded(node):
    return not node.domain and not holds(node, STAYS - {"Identity", "Constant"}) and node.op_type not in STAYS


def left_over(graph, constants, noted):
    """Nodes that depend on constants alone and could be folded."""
    constants = constants | {t.name for t in graph.initializer} - noted - {i.name for i in graph.input}
    found = []
    for node in graph.node:
        inner = {o for g in inner_graphs(node) for n in g.node for o in n.output} | {t.name for g in inner_graphs(node) for t in g.initializer}
        whole = all(name in constants or name in inner for name in reads(node))
        if whole and (is_folded(node) or node.op_type in ("Identity", "Constant")):
            constants |= set(node.output)
            if is_folded(node) and not set(node.output) & noted:
                found.append(node.name or node.op_type)
        elif not whole or not is_folded(node):
            for g in inner_graphs(node):
                found += left_over(g, constants, noted)
    return found


class Folds(Graph):
    """A graph that mixes values that are constant, that look so, and that are not."""

    def __init__(self, rng, share):
        super().__init__(rng)
        self.fixed, self.share = [], share
        self.inputs.append(info("u", [3]))

    def pick(self):
        if self.fixed and self.rng.random() < self.share:
            return str(self.rng.choice(self.fixed))
        return super().pick()

    def weights(self):
        name = self.constant((self.rng.integers(-40, 40, 3) / 4).astype(np.float32), overridable=not self.rng.integers(6))
        self.values.append(name)
        if name not in {i.name for i in self.inputs}:
            self.fixed.append(name)

    def node(self, op, inputs, outputs=None, usable=1, **attrs):
        out = super().node(op, inputs, outputs, usable, **attrs)
        if all(i in self.fixed for i in inputs) and op in EXACT_UNARY + EXACT_BINARY + ["Identity"]:
            self.fixed += self.nodes[-1].output[:usable]
        return out

    def narrowed(self):
        half = super().node("Cast", [self.pick()], usable=0, to=TensorProto.FLOAT16)
        return super().node("Cast", [half], to=TensorProto.FLOAT)

    def moved(self):
        both = super().node("Concat", [self.pick(), self.pick()], usable=0, axis=0)
        where = [self.constant(np.int64([v])) for v in (1, 4)]
        return super().node("Slice", [both, *where])

    def split(self):
        both = super().node("Concat", [self.pick(), self.pick()], usable=0, axis=0)
        names = [self.fresh(), self.fresh() + "b"]
        return super().node("Split", [both], names, usable=2, axis=0)

    def quantized(self):
        scale, zero = self.constant(np.float32(0.25)), self.constant(np.uint8(128))
        small = super().node("QuantizeLinear", [self.pick(), scale, zero], usable=0)
        return super().node("DequantizeLinear", [small, scale, zero])

    def branching(self, then_ops, else_ops, a, b):
        out = self.fresh()
        condition = self.constant(np.array(bool(self.rng.integers(2)))) if self.rng.integers(3) == 0 else "k"
        return super().node("If", [condition], [out], then_branch=self.branch(out + "_t", then_ops, a),
                            else_branch=self.branch(out + "_e", else_ops, b))

    def random(self):
        return super().node("RandomNormalLike", [self.pick()], seed=1.0)

    def unary(self):
        return self.node(str(self.rng.choice(EXACT_UNARY)), [self.pick()])

    def binary(self):
        return self.node(str(self.rng.choice(EXACT_BINARY)), [self.pick(), self.pick()])

    def step(self):
        what = int(self.rng.integers(24))
        if what < 4:
            self.weights()
        elif what == 4:
            self.random()
        elif what in (5, 6):
            ops = [str(o) for o in self.rng.choice(EXACT_UNARY + ["Identity"], int(self.rng.integers(1, 4)))]
            self.branching(ops, ["Neg", "Abs"], self.pick(), self.pick())
        elif what == 7:
            self.node("Identity", [self.pick()])
        else:
            (self.narrowed, self.moved, self.split, self.quantized, self.unary, self.binary)[what % 6]()


def everything_used(g):
    read = {name for node in g.nodes for name in reads(node)}
    return [o for n in g.nodes for o in n.output if o not in read]


def folds(rng):
    g = Folds(rng, float(rng.choice([0.0, 0.5, 0.8])))
    g.weights()
    for _ in range(int(rng.integers(3, 30))):
        g.step()
    g.node("Add", ["x", "u"])
    model = g.model(everything_used(g))
    if not rng.integers(4):
        annotate(model, str(rng.choice([o for n in g.nodes for o in n.output if n.op_type != "If"] + [t.name for t in g.initializers])))
    noted = annotated(model) | ({"q_scale"} if annotated(model) else set())
    random = any(holds(n, {"RandomNormalLike"}) for n in g.nodes)

    def check(after):
        left = left_over(after.graph, set(), noted)
        return f"{left[0]} depends on constants alone" if left else None
    return Case(model, bool(left_over(model.graph, set(), noted)), check, runs=not random)


PASSES = {"fold-constants": folds}
