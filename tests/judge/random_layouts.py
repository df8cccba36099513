"""Random models for transposes: operators that work in any order of their axes, between Transposes, so that some of these may go."""
import numpy as np
from onnx import TensorProto, helper

from random_models import Case, constant, info, model_of

PERMS = {2: [(1, 0)], 3: [(0, 2, 1), (1, 0, 2), (2, 0, 1)], 4: [(0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 1, 3), (0, 1, 3, 2)],
         5: [(0, 2, 3, 4, 1), (0, 4, 1, 2, 3)]}
UNARY = ["Relu", "Neg", "Abs", "Sigmoid", "Tanh", "Sin", "Floor", "Softsign"]
BINARY = ["Add", "Mul", "Sub", "Max", "Min", "PRelu"]
STEPS = ["transpose"] * 8 + ["unary"] * 3 + ["binary"] * 3 + ["with_constant"] * 3 + [
    "low_rank", "where", "concat", "split", "slice", "pad", "reduce", "arg", "squeeze", "unsqueeze", "softmax", "gather", "expand", "tile", "top_k",
    "cum_sum", "shape", "mat_mul", "layer_norm", "cast", "quantize", "resize", "gather_elements", "dropout"]


class Layouts:
    """Values are (name, dims); a size is a number or "N"."""

    def __init__(self, rng):
        self.rng, self.nodes, self.constants, self.tolerance = rng, [], [], 0.0
        self.opset = int(rng.choice([11, 13, 17, 18, 21]))
        rank = int(rng.choice([2, 3, 4, 4, 4, 5]))
        self.input = [int(n) for n in rng.choice([1, 2, 3, 4], rank)]
        if rng.integers(2):
            self.input[0] = "N"
        self.values = [("x", self.input)]

    # ---- parts ----
    def pick(self, ok=lambda dims: True):
        """The newest value mostly, so that chains grow; None when none will do."""
        fitting = [v for v in self.values if ok(v[1])]
        if not fitting:
            return None
        return fitting[-1] if self.rng.integers(4) else fitting[int(self.rng.integers(len(fitting)))]

    def const(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(constant(name, np.asarray(array)))
        return name

    def ints(self, numbers):
        return self.const(np.array(numbers, np.int64))

    def op(self, kind, inputs, outputs=1, **attrs):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"n{len(self.nodes)}", **attrs))
        return names

    def add(self, name, dims):
        self.values.append((name, list(dims)))

    def axis(self, dims, ok=lambda n: True):
        fitting = [i for i, n in enumerate(dims) if ok(n)]
        return int(self.rng.choice(fitting)) if fitting else None

    def sign(self, axis, dims):
        return axis - len(dims) * int(self.rng.integers(2))

    def axes_op(self, kind, since, name, axes, **attrs):
        """Axes as an attribute, or as an input from `since` on."""
        if self.opset < since:
            return self.op(kind, [name], axes=axes, **attrs)[0]
        return self.op(kind, [name, self.ints(axes)], **attrs)[0]

    # ---- steps; each takes a value and its dimensions ----
    def transpose(self, x, dims):
        if len(dims) < 2:
            return
        perms = PERMS.get(len(dims), [])
        perm = list(perms[int(self.rng.integers(len(perms)))]) if perms and self.rng.integers(8) else [int(p) for p in self.rng.permutation(len(dims))]
        default = perm == list(range(len(dims)))[::-1] and self.rng.integers(2)
        self.add(self.op("Transpose", [x], **({} if default else {"perm": perm}))[0], [dims[p] for p in perm])

    def unary(self, x, dims):
        self.add(self.op(str(self.rng.choice(UNARY)), [x])[0], dims)

    def binary(self, x, dims):
        other = self.pick(lambda d: d == dims)
        pair = [x, other[0]]
        if self.rng.integers(2):
            pair.reverse()
        self.add(self.op(str(self.rng.choice(BINARY)), pair)[0], dims)

    def with_constant(self, x, dims):
        keep = int(self.rng.integers(len(dims) + 1))
        own = [1 if n == "N" or self.rng.integers(3) == 0 else n for n in dims[len(dims) - keep:]]
        c = self.const(self.rng.standard_normal(own).astype(np.float32))
        self.add(self.op(str(self.rng.choice(BINARY[:5])), [x, c] if self.rng.integers(2) else [c, x])[0], dims)

    def low_rank(self, x, dims):
        other = self.pick(lambda d: len(d) < len(dims) and d == dims[len(dims) - len(d):])
        if other:
            self.add(self.op("Add", [x, other[0]])[0], dims)

    def where(self, x, dims):
        own = [1 if n == "N" else n for n in dims]
        self.add(self.op("Where", [self.const(self.rng.integers(2, size=own).astype(bool)), x, self.const(np.float32(0.5))])[0], dims)

    def concat(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N")
        if axis is None:
            return
        other = self.pick(lambda d: len(d) == len(dims) and all(a == b or i == axis and b != "N" for i, (a, b) in enumerate(zip(dims, d))))
        if dims[axis] + other[1][axis] <= 12:
            self.add(self.op("Concat", [x, other[0]], axis=self.sign(axis, dims))[0], dims[:axis] + [dims[axis] + other[1][axis]] + dims[axis + 1:])

    def split(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N" and n > 1)
        if axis is None:
            return
        sizes = [1, dims[axis] - 1]
        parts = self.op("Split", [x], 2, axis=axis, split=sizes) if self.opset < 13 else self.op("Split", [x, self.ints(sizes)], 2, axis=axis)
        for name, size in zip(parts, sizes):
            self.add(name, dims[:axis] + [size] + dims[axis + 1:])

    def slice(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N" and n > 1)
        if axis is None:
            return
        self.add(self.op("Slice", [x, self.ints([1]), self.ints([dims[axis]]), self.ints([self.sign(axis, dims)])])[0],
                 dims[:axis] + [dims[axis] - 1] + dims[axis + 1:])

    def pad(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N" and n < 6)
        if axis is None:
            return
        out = dims[:axis] + [dims[axis] + 3] + dims[axis + 1:]
        if self.opset >= 18 and self.rng.integers(2):
            self.add(self.op("Pad", [x, self.ints([1, 2]), "", self.ints([self.sign(axis, dims)])])[0], out)
            return
        pads = [0] * (2 * len(dims))
        pads[axis], pads[axis + len(dims)] = 1, 2
        self.add(self.op("Pad", [x, self.ints(pads)])[0], out)

    def reduced(self, dims, axes, keep):
        return [1 if i in axes else n for i, n in enumerate(dims) if keep or i not in axes]

    def reduce(self, x, dims):
        kind, since = [("ReduceMax", 18), ("ReduceMin", 18), ("ReduceMean", 18), ("ReduceSum", 13)][int(self.rng.integers(4))]
        if kind in ("ReduceMean", "ReduceSum"):
            self.tolerance = max(self.tolerance, 1e-5)
        axes = sorted({int(a) for a in self.rng.choice(len(dims), int(self.rng.integers(1, 3)))})
        keep = int(self.rng.integers(2))
        self.add(self.axes_op(kind, since, x, axes, keepdims=keep), self.reduced(dims, axes, keep))

    def arg(self, x, dims):
        axis, keep = self.axis(dims), int(self.rng.integers(2))
        name = self.op(str(self.rng.choice(["ArgMax", "ArgMin"])), [x], axis=self.sign(axis, dims), keepdims=keep)[0]
        self.add(self.op("Cast", [name], to=TensorProto.FLOAT)[0], self.reduced(dims, [axis], keep))

    def squeeze(self, x, dims):
        axis = self.axis(dims, lambda n: n == 1)
        if axis is not None:
            self.add(self.axes_op("Squeeze", 13, x, [self.sign(axis, dims)]), dims[:axis] + dims[axis + 1:])

    def unsqueeze(self, x, dims):
        if len(dims) < 5:
            axis = int(self.rng.integers(len(dims) + 1))
            self.add(self.axes_op("Unsqueeze", 13, x, [axis]), dims[:axis] + [1] + dims[axis:])

    def softmax(self, x, dims):
        self.tolerance = max(self.tolerance, 1e-5)
        self.add(self.op(str(self.rng.choice(["Softmax", "LogSoftmax"])), [x], axis=self.sign(self.axis(dims), dims))[0], dims)

    def gather(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N")
        if axis is None:
            return
        rank = int(self.rng.integers(2))
        indices = self.rng.integers(-dims[axis], dims[axis], size=[2][:rank])
        self.add(self.op("Gather", [x, self.ints(indices)], axis=self.sign(axis, dims))[0], dims[:axis] + [2][:rank] + dims[axis + 1:])

    def gather_elements(self, x, dims):
        if "N" in dims:
            return
        axis = self.axis(dims)
        indices = self.rng.integers(0, dims[axis], size=dims)
        self.add(self.op("GatherElements", [x, self.ints(indices)], axis=self.sign(axis, dims))[0], dims)

    def expand(self, x, dims):
        keep = int(self.rng.integers(len(dims) + 1))
        to = [1 if n == "N" else 2 if n == 1 and self.rng.integers(2) else n for n in dims][len(dims) - keep:]
        out = [n if i < len(dims) - keep or n != 1 else to[i - (len(dims) - keep)] for i, n in enumerate(dims)]
        self.add(self.op("Expand", [x, self.ints(to)])[0], out)

    def tile(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N" and n < 4)
        if axis is not None:
            times = [2 if i == axis else 1 for i in range(len(dims))]
            self.add(self.op("Tile", [x, self.ints(times)])[0], [n if n == "N" else n * t for n, t in zip(dims, times)])

    def top_k(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N" and n > 1)
        if axis is not None:
            self.add(self.op("TopK", [x, self.ints([dims[axis] - 1])], 2, axis=axis)[0], dims[:axis] + [dims[axis] - 1] + dims[axis + 1:])

    def cum_sum(self, x, dims):
        self.add(self.op("CumSum", [x, self.const(np.array(self.sign(self.axis(dims), dims), np.int64))], reverse=int(self.rng.integers(2)))[0], dims)

    def shape(self, x, dims):
        part = {"start": 1} if self.opset >= 15 and len(dims) > 1 and self.rng.integers(2) else {}
        name = self.op("Cast", self.op("Shape", [x], **part), to=TensorProto.FLOAT)[0]
        self.add(name, [len(dims) - len(part)])

    def mat_mul(self, x, dims):
        if dims[-1] != "N" and len(dims) > 1:
            self.tolerance = max(self.tolerance, 1e-5)
            self.add(self.op("MatMul", [x, self.const(self.rng.standard_normal((dims[-1], 3)).astype(np.float32))])[0], dims[:-1] + [3])

    def layer_norm(self, x, dims):
        if self.opset >= 17 and dims[-1] != "N":
            self.tolerance = max(self.tolerance, 1e-4)
            self.add(self.op("LayerNormalization", [x, self.const(np.ones(dims[-1], np.float32))], epsilon=0.1)[0], dims)

    def cast(self, x, dims):
        self.add(self.op("Cast", self.op("Cast", [x], to=TensorProto.FLOAT16), to=TensorProto.FLOAT)[0], dims)

    def quantize(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N")
        if axis is None or self.opset < 13:
            return
        pair = [self.const(self.rng.uniform(0.1, 1, dims[axis]).astype(np.float32)), self.const(np.full(dims[axis], 128, np.uint8))]
        q = self.op("QuantizeLinear", [x, *pair], axis=self.sign(axis, dims))[0]
        self.add(self.op("DequantizeLinear", [q, *pair], axis=axis)[0], dims)

    def resize(self, x, dims):
        axis = self.axis(dims, lambda n: n != "N" and n < 4)
        if axis is not None and len(dims) == 4:
            scales = np.float32([2 if i == axis else 1 for i in range(4)])
            roi = [self.const(np.zeros(0, np.float32))] if self.opset < 13 else [""]
            self.add(self.op("Resize", [x, *roi, self.const(scales)], coordinate_transformation_mode="asymmetric", nearest_mode="floor")[0],
                     [n if i != axis else 2 * n for i, n in enumerate(dims)])

    def dropout(self, x, dims):
        self.add(self.op("Dropout", [x])[0], dims)


def layouts(rng):
    made = Layouts(rng)
    for _ in range(int(rng.integers(4, 14))):
        value = made.pick(lambda dims: len(dims) > 0)
        getattr(made, str(rng.choice(STEPS)))(*value)
    results = [made.values[-1]] + [v for v in made.values[1:-1] if rng.integers(6) == 0][:2]
    nodes, outputs = list(made.nodes), []
    for k, (name, dims) in enumerate(results):
        nodes.append(helper.make_node(str(rng.choice(["Neg", "Identity"])), [name], [f"y{k}"], name=f"end{k}"))
        outputs.append(info(f"y{k}", [n if isinstance(n, int) else f"y{k}_{i}" for i, n in enumerate(dims)]))
    graph = helper.make_graph(nodes, "g", [info("x", made.input)], outputs, made.constants)
    case = Case(model_of(graph, made.opset), None, tolerance=made.tolerance)
    case.least = 1e-2
    return case


PASSES = {"transposes": layouts}
