"""Random small models for the passes that evaluate; see random_models.py. The operators are exact in float, so results are equal bit by bit."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

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


# ---- inline-if ----
def constant_conditions(graph, constants):
    """Ifs whose condition is a constant."""
    constants = constants | {t.name for t in graph.initializer} - {i.name for i in graph.input}
    found = 0
    for node in graph.node:
        found += node.op_type == "If" and node.input[0] in constants
        found += sum(constant_conditions(g, constants) for g in inner_graphs(node))
    return found


def branches(rng):
    g = Folds(rng, 0.2)
    g.weights()
    for _ in range(int(rng.integers(1, 8))):
        if rng.integers(2):
            g.unary()
            continue
        ops = [[str(o) for o in rng.choice(EXACT_UNARY + ["Identity"], int(rng.integers(1, 4)))] for _ in range(2)]
        out = g.branching(*ops, g.pick(), g.pick())
        inner = g.nodes[-1].attribute[int(rng.integers(2))].g
        if rng.integers(2):  # a branch with a constant of its own, and perhaps one If more
            own = numpy_helper.from_array(np.float32([1, 2, -3]), out + "_own")
            inner.initializer.append(own)
            inner.node.append(helper.make_node("Mul", [inner.output[0].name, own.name], [out + "_scaled"]))
            inner.output[0].name = out + "_scaled"
        if rng.integers(3) == 0:
            condition = g.constant(np.array(bool(rng.integers(2)))) if rng.integers(2) else "k"
            deep = [g.branch(f"{out}_{side}{side}", ["Neg"], inner.output[0].name) for side in "ab"]
            inner.node.append(helper.make_node("If", [condition], [out + "_deep"], then_branch=deep[0], else_branch=deep[1]))
            inner.output[0].name = out + "_deep"
    g.node("Add", ["x", "u"])
    model = g.model(everything_used(g))
    count = constant_conditions(model.graph, set())
    check = lambda after: "an If with a constant condition is left" if constant_conditions(after.graph, set()) else None
    return Case(model, count > 0, check)


# ---- fold-shapes ----
class Sizes:
    """A graph over x[N, a, M, b] and m[M] whose shapes are computed by nodes, in the ways of several exporters."""

    def __init__(self, rng):
        self.rng, self.nodes, self.initializers = rng, [], []
        self.fixed = [int(d) for d in rng.choice([1, 2, 3, 4, 6], 2)]
        self.dims = ["N", self.fixed[0], "M", self.fixed[1]]
        self.opset = int(rng.choice([13, 15, 17, 21]))
        self.outputs = []

    def make(self, op, inputs, **attrs):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [out], name=f"n{len(self.nodes)}", **attrs))
        return out

    def ints(self, values):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def reshape(self, value, target):
        zeros = {"allowzero": int(self.rng.integers(2))} if self.opset >= 14 and self.rng.integers(2) else {}
        return self.make("Reshape", [value, target], **zeros)

    def size(self, axis, of="x"):
        """One size as a vector of one element."""
        way = int(self.rng.integers(4))
        if way == 0 and self.opset >= 15:
            return self.make("Shape", [of], start=axis, end=axis + 1)
        shape = self.make("Shape", [of])
        if way == 1:
            return self.make("Slice", [shape, self.ints([axis]), self.ints([axis + 1])])
        if way == 2:
            return self.make("Gather", [shape, self.ints([axis])])
        scalar = self.make("Gather", [shape, self.ints(axis)])
        return self.make("Unsqueeze", [scalar, self.ints([0])])

    def vector(self, parts):
        return self.make("Concat", [self.size(p) if isinstance(p, int) else p for p in parts], axis=0)

    def keep(self, name, rank):
        self.outputs.append(info(name, [f"{name}_{k}" for k in range(rank)]))

    def model(self):
        inputs = [info("x", self.dims), info("m", ["M"]), info("t", [2], TensorProto.INT64)]
        graph = helper.make_graph(self.nodes, "g", inputs, self.outputs, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10 if self.opset >= 21 else 8)


def ops_of(model):
    return [n.op_type for n in model.graph.node]


def reshape_copies(s):
    s.keep(s.reshape("x", s.vector([0, 1, 2, s.ints([1]), 3])), 5)
    return ["Reshape"]


def reshape_rest(s):
    rows = s.make("Mul", [s.size(0), s.size(2)])
    moved = s.make("Transpose", ["x"], perm=[0, 2, 1, 3])
    s.keep(s.reshape(moved, s.vector([rows, s.ints([s.fixed[0] * s.fixed[1]])])), 2)
    return ["Transpose", "Reshape"]


def reshape_two_unknown(s):
    wide = s.make("Mul", [s.size(2), s.ints([s.fixed[0]])])
    s.keep(s.reshape("x", s.vector([0, wide, s.ints([s.fixed[1]])])), 3)
    return None  # a copied 0 and a -1 do not go together: the chain may get shorter only


def expand_same(s):
    s.keep(s.make("Neg", [s.make("Expand", ["x", s.make("Shape", ["x"])])]), 4)
    return ["Neg"]


def expand_more(s):
    lifted = s.make("Unsqueeze", ["x", s.ints([2])])
    target = s.vector([0, 1, s.ints([4]), 2, 3])
    s.keep(s.make("Expand", [lifted, target]), 5)
    return ["Unsqueeze", "Expand"]


def slice_all(s):
    s.keep(s.make("Abs", [s.make("Slice", ["x", s.ints([0]), s.size(2), s.ints([2])])]), 4)
    return ["Abs"]


def slice_tail(s):
    s.keep(s.make("Slice", ["x", s.ints([1]), s.size(0), s.ints([0]), s.ints([1])]), 4)
    return ["Slice"]


def known_sizes(s):
    product = s.make("Mul", [s.size(1), s.size(3)])
    s.keep(s.make("Tile", ["m", product]), 1)
    return ["Tile" if s.fixed[0] * s.fixed[1] > 1 else "Identity"]


def rank_test(s):
    rank = s.make("Size", [s.make("Shape", ["x"])])
    four = s.make("Equal", [rank, s.ints(4)])
    s.keep(s.make("Where", [four, "x", s.make("Neg", ["x"])]), 4)
    return ["Neg", "Where"]


def masked_target(s):
    """The way of torch: -1 in a target of Expand means the input's own dimension."""
    n = s.ints([4])
    ones = s.make("ConstantOfShape", [n], value=helper.make_tensor("v", TensorProto.INT64, [1], [1]))
    wanted = s.vector([s.ints([-1, 1, -1]), s.ints([1])])
    target = s.make("Where", [s.make("Equal", [wanted, s.ints([-1])]), ones, wanted])
    s.keep(s.make("Expand", ["x", target]), 4)
    return None


def data_dependent(s):
    first = s.make("Slice", ["t", s.ints([0]), s.ints([1])])
    s.keep(s.make("Tile", ["m", s.make("Min", [s.make("Abs", [first]), s.ints([3])])]), 1)
    return ["Slice", "Abs", "Min", "Tile"]


def new_axis(s):
    """A size that the operand has not."""
    s.keep(s.make("Expand", ["m", s.vector([0, s.ints([1])])]), 2)
    return None


def equal_twice(s):
    first, second = (s.make("Mul", [s.size(a), s.size(b)]) for a, b in ((0, 2), (2, 0)))
    for size in (first, second):
        s.keep(s.make("ConstantOfShape", [size]), 1)
    return None


def known_type(s):
    """A constant of another or of the same type, brought to that of x."""
    same = bool(s.rng.integers(2))
    s.initializers.append(numpy_helper.from_array(np.array(0.75, np.float32 if same else np.float64), "scale"))
    like = s.make("CastLike", ["scale", "x"]) if s.opset >= 15 else s.make("Cast", ["scale"], to=TensorProto.FLOAT)
    s.keep(s.make("Mul", ["x", like]), 4)
    return ["Mul"] if same and s.opset >= 15 else ["Cast", "Mul"]


SCENARIOS = [reshape_copies, reshape_rest, reshape_two_unknown, expand_same, expand_more, slice_all, slice_tail, known_sizes, rank_test,
             masked_target, data_dependent, new_axis, equal_twice, known_type]
STAYS_AS_IT_IS = {data_dependent}


def sizes(rng):
    s = Sizes(rng)
    chosen = [SCENARIOS[int(k)] for k in rng.choice(len(SCENARIOS), int(rng.integers(1, 4)), replace=False)]
    left = [scenario(s) for scenario in chosen]
    model = s.model()
    sure = all(ops is not None for ops in left)
    cast = STAYS_AS_IT_IS | ({known_type} if s.opset < 15 else set())
    fires = None if not sure else not set(chosen) <= cast

    def check(after):
        if len(ops_of(after)) > len(ops_of(model)):
            return f"{len(ops_of(model))} nodes became {len(ops_of(after))}"
        if not sure or fires is False:
            return None
        wanted = sorted(op for ops in left for op in ops)
        return None if sorted(ops_of(after)) == wanted else f"{sorted(ops_of(after))} are left, not {wanted}"
    return Case(model, fires, check, what="+".join(f.__name__ for f in chosen) + f" opset {s.opset}")


PASSES = {"fold-constants": folds, "inline-if": branches, "fold-shapes": sizes}
