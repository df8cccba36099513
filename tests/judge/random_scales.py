"""Random models for fold-scales: a producer with constant weights, operators that pass a factor on, and a multiplication."""
import numpy as np
from onnx import TensorProto, helper

from random_models import Case, constant, info, model_of

BREAKERS = ["used-twice", "output", "not-linear", "zero", "overridable", "computed-addend", "negative-relu"]


class Chain:
    """Grows a graph from the value "x"; shape is that of the last value."""

    def __init__(self, rng):
        self.rng, self.nodes, self.constants, self.inputs = rng, [], [], []
        self.last, self.shape = "x", None

    def weights(self, *shape):
        name = f"w{len(self.constants)}"
        self.constants.append(constant(name, (self.rng.standard_normal(shape) + 0.1).astype(np.float32)))
        return name

    def ints(self, numbers):
        name = f"i{len(self.constants)}"
        self.constants.append(constant(name, np.array(numbers, np.int64)))
        return name

    def op(self, kind, *inputs, **attrs):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=f"n{len(self.nodes)}", **attrs))
        self.last = out

    # Producers: each takes "x" and says what shape it has, and which axis of the result has numbers of its own.
    def matmul(self):
        k, n = self.rng.integers(1, 5, 2)
        self.op("MatMul", "x", self.weights(k, n))
        self.shape = [2, 3, int(n)]
        return [2, 3, int(k)], 2

    def matmul_left(self):
        m, k = self.rng.integers(2, 5, 2)
        self.op("MatMul", self.weights(m, k), "x")
        self.shape = [2, int(m), 3]
        return [2, int(k), 3], 1

    def gemm(self):
        k, n = (int(v) for v in self.rng.integers(1, 5, 2))
        trans = int(self.rng.integers(2))
        bias = [self.weights(n)] if self.rng.integers(2) else []
        self.op("Gemm", "x", self.weights(*((n, k) if trans else (k, n))), *bias, transB=trans, alpha=float(self.rng.choice([1, 0.5])),
                beta=float(self.rng.choice([1, 2])))
        self.shape = [3, n]
        return [3, k], 1

    def conv(self):
        group = int(self.rng.choice([1, 2]))
        c, m = group * int(self.rng.integers(1, 3)), group * int(self.rng.integers(1, 4))
        bias = [self.weights(m)] if self.rng.integers(2) else []
        self.op("Conv", "x", self.weights(m, c // group, 2, 2), *bias, group=group)
        self.shape = [2, m, 3, 3]
        return [2, c, 4, 4], 1

    def conv_transpose(self):
        group = int(self.rng.choice([1, 2]))
        c, m = group * int(self.rng.integers(1, 3)), group * int(self.rng.integers(1, 4))
        bias = [self.weights(m)] if self.rng.integers(2) else []
        self.op("ConvTranspose", "x", self.weights(c, m // group, 2, 2), *bias, group=group)
        self.shape = [2, m, 4, 4]
        return [2, c, 3, 3], 1

    def layer_norm(self):
        n = int(self.rng.integers(2, 5))
        bias = [self.weights(n)] if self.rng.integers(2) else []
        self.op("LayerNormalization", "x", self.weights(n), *bias)
        self.shape = [2, 3, n]
        return [2, 3, n], 2

    # Operators on the way.
    def along(self, positive, fires):
        kinds = ["Reshape", "Transpose", "Add", "Sub", "SubFrom", "Neg", "ReduceMean", "Slice"] + ["Relu", "ReduceMax"] * positive + ["Mul", "Div"] * fires
        kind = self.rng.choice(kinds)
        rank = len(self.shape)
        if kind == "Reshape":
            self.shape = [-(-int(np.prod(self.shape)) // 1)]
            self.op("Reshape", self.last, self.ints([-1]))
        elif kind == "Transpose":
            perm = [int(p) for p in self.rng.permutation(rank)]
            self.op("Transpose", self.last, perm=perm)
            self.shape = [self.shape[p] for p in perm]
        elif kind in ("Add", "Mul", "Div", "Sub"):
            operand = self.weights(*[int(self.rng.choice([1, d])) for d in self.shape])
            self.op(kind, self.last, operand)
        elif kind == "SubFrom":
            self.op("Sub", self.weights(self.shape[-1]), self.last)
        elif kind == "ReduceMean":
            self.op("ReduceMean", self.last, axes=[rank - 1], keepdims=1)
            self.shape[-1] = 1
        elif kind == "ReduceMax":
            self.op("ReduceMax", self.last, axes=[rank - 1], keepdims=1)
            self.shape[-1] = 1
        elif kind == "Slice":
            self.op("Slice", self.last, self.ints([0]), self.ints([1]), self.ints([0]))
            self.shape[0] = 1
        else:
            self.op(kind, self.last)


    def move(self, axis, outputs):
        """Moves the axis that has numbers of its own, cuts it in two or splits a part off; where it is now."""
        kind, size = self.rng.choice(["Transpose", "Reshape", "Split"]), self.shape[axis]
        if kind == "Transpose":
            perm = [int(p) for p in self.rng.permutation(len(self.shape))]
            self.op("Transpose", self.last, perm=perm)
            self.shape = [self.shape[p] for p in perm]
            return perm.index(axis)
        if kind == "Reshape":
            first = int(self.rng.choice([d for d in range(1, size + 1) if size % d == 0]))
            self.shape[axis:axis + 1] = [first, size // first]
            self.op("Reshape", self.last, self.ints(self.shape))
            return axis + int(self.rng.integers(2))
        if size > 1 and not any(o.name == "rest" for o in outputs):
            part, first = int(self.rng.integers(1, size)), self.rng.integers(2)
            out = f"v{len(self.nodes)}"
            sizes, names = ([part, size - part], [out, "rest"]) if first else ([size - part, part], ["rest", out])
            self.nodes.append(helper.make_node("Split", [self.last, self.ints(sizes)], names, name=f"n{len(self.nodes)}", axis=axis))
            outputs.append(info("rest", self.shape[:axis] + [size - part] + self.shape[axis + 1:]))
            self.last, self.shape[axis] = out, part
        return axis


def break_it(chain, what, outputs):
    if what == "used-twice":
        chain.nodes.append(helper.make_node("Exp", [chain.last], ["other"]))
        outputs.append(info("other", chain.shape))
    elif what == "output":
        outputs.append(info(chain.last, chain.shape))
    elif what == "not-linear":
        chain.op("Tanh", chain.last)
    elif what == "computed-addend":
        chain.inputs.append(info("z", [1]))
        chain.op("Add", chain.last, "z")
    elif what == "negative-relu":
        chain.op("Relu", chain.last)


def scales(rng):
    chain, outputs = Chain(rng), []
    broken = str(rng.choice(BREAKERS)) if rng.integers(3) == 0 else None
    x_shape, axis = getattr(chain, str(rng.choice(["matmul", "matmul_left", "gemm", "conv", "conv_transpose", "layer_norm"])))()
    vector = rng.integers(2) == 0
    k = float(rng.choice([0.5, 0.125, 3.0, 0.3])) * (-1 if broken == "negative-relu" or rng.integers(3) == 0 else 1)
    if not vector:
        for _ in range(rng.integers(0, 4)):
            chain.along(k > 0, broken is None)
    for _ in range(rng.integers(0, 4) if vector else 0):
        axis = chain.move(axis, outputs)
    if broken:
        break_it(chain, broken, outputs)
    numbers = np.array(k, np.float32)
    if vector:
        n = chain.shape[axis]
        shape = [n] + [1] * (len(chain.shape) - 1 - axis)
        numbers = (np.float32(k) * (1 + np.arange(n, dtype=np.float32))).reshape(shape)
    if broken == "zero":
        numbers = numbers * np.float32(0)
    kind = "Mul" if broken == "zero" else str(rng.choice(["Mul", "Div"]))
    chain.constants.append(constant("k", numbers))
    inputs = ["k", chain.last] if kind == "Mul" and rng.integers(2) else [chain.last, "k"]
    if broken == "overridable":
        chain.inputs += [info(t.name, list(t.dims)) for t in chain.constants if t.data_type == TensorProto.FLOAT]
    chain.nodes.append(helper.make_node(kind, inputs, ["y"], name="scale"))
    graph = helper.make_graph(chain.nodes, "g", [info("x", x_shape)] + chain.inputs, outputs + [info("y", chain.shape)], chain.constants)
    return Case(model_of(graph, 17), broken is None, tolerance=2e-5, what=broken or "plain")


PASSES = {"fold-scales": scales}
