"""Random models for merge-views: chains of operators that only move data, over sizes that are numbers or symbols."""
import numpy as np
from onnx import TensorProto, helper

from random_models import Case, constant, info, model_of

SYMBOLS = {"N": 0, "M": 1}


class Views:
    """A size is a pair (symbols, number), their product; `x` is [N, M, ...numbers]."""

    def __init__(self, rng):
        self.rng, self.nodes, self.constants = rng, [], []
        nsymbols = int(rng.choice([0, 1, 1, 2]))
        self.input = [((s,), 1) for s in list(SYMBOLS)[:nsymbols]]
        self.input += [((), int(n)) for n in rng.choice([1, 2, 3, 4, 6], int(rng.integers(1, 4)))]
        order = rng.permutation(len(self.input))
        self.input = [self.input[i] for i in order]
        self.dims, self.last, self.shared = list(self.input), "x", []

    def ints(self, numbers):
        name = f"i{len(self.constants)}"
        self.constants.append(constant(name, np.array(numbers, np.int64)))
        return name

    def op(self, kind, *inputs, **attrs):
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=f"n{len(self.nodes)}", **attrs))
        return out

    def regrouped(self):
        """Some neighbours merged, some numbers split."""
        dims = list(self.dims)
        for _ in range(int(self.rng.integers(1, 4))):
            if len(dims) > 1 and self.rng.integers(2):
                i = int(self.rng.integers(len(dims) - 1))
                a, b = dims[i:i + 2]
                dims[i:i + 2] = [(tuple(sorted(a[0] + b[0])), a[1] * b[1])]
            elif dims:
                i = int(self.rng.integers(len(dims)))
                symbols, number = dims[i]
                factors = [f for f in (1, 2, 3) if number % f == 0]
                f = int(self.rng.choice(factors))
                first, second = (symbols, number // f), ((), f)
                if self.rng.integers(2) and not symbols:
                    first, second = second, first
                dims[i:i + 1] = [first, second]
        return dims if len(dims) <= 6 else self.dims

    def computed(self, dims):
        """The target as the model would compute it."""
        shape = self.op("Shape", "x")
        parts = []
        for symbols, number in dims:
            part = self.ints([number])
            for s in symbols:
                at = next(i for i, d in enumerate(self.input) if d[0] == (s,))
                size = self.op("Gather", shape, self.ints([at]), axis=0)
                part = self.op("Mul", part, size)
            parts.append(part)
        return self.op("Concat", *parts, axis=0) if parts else self.ints([])

    # A computed 0 is a size and not "copy": only so the model is right for empty tensors.

    def target(self, dims):
        out, open_ = [], False
        for i, d in enumerate(dims):
            if not d[0]:
                out.append(d[1])
            elif i < len(self.dims) and self.dims[i] == d and self.rng.integers(3):
                out.append(0)
            elif not open_:
                open_ = True
                out.append(-1)
            else:
                return self.computed(dims)
        return self.ints(out) if self.rng.integers(3) else self.computed(dims)

    def reshape(self):
        dims = self.regrouped()
        target = self.target(dims)
        computed = target.startswith("v")
        self.last = self.op("Reshape", self.last, target, **({"allowzero": 1} if computed else {}))
        self.dims = dims

    def step(self):
        kind = str(self.rng.choice(["Reshape", "Reshape", "Transpose", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Share"]))
        ones = [i for i, d in enumerate(self.dims) if d == ((), 1)]
        if kind == "Reshape":
            self.reshape()
        elif kind == "Transpose" and self.dims:
            perm = [int(p) for p in self.rng.permutation(len(self.dims))]
            default = not self.rng.integers(4)
            perm = perm if not default else list(range(len(self.dims)))[::-1]
            self.last = self.op("Transpose", self.last, **({} if default else {"perm": perm}))
            self.dims = [self.dims[p] for p in perm]
        elif kind == "Squeeze" and ones:
            i = int(self.rng.choice(ones))
            self.last = self.op("Squeeze", self.last, self.ints([i - len(self.dims) * int(self.rng.integers(2))]))
            del self.dims[i]
        elif kind == "Unsqueeze" and len(self.dims) < 6:
            i = int(self.rng.integers(len(self.dims) + 1))
            self.last = self.op("Unsqueeze", self.last, self.ints([i]))
            self.dims.insert(i, ((), 1))
        elif kind == "Flatten" and len(self.dims) > 1:
            axis = int(self.rng.integers(1, len(self.dims)))
            self.last = self.op("Flatten", self.last, axis=axis)
            product = lambda part: (tuple(sorted(s for d in part for s in d[0])), int(np.prod([d[1] for d in part])))
            self.dims = [product(self.dims[:axis]), product(self.dims[axis:])]
        elif kind == "Identity":
            self.last = self.op("Identity", self.last)
        elif kind == "Share" and self.last != "x" and len(self.shared) < 2:
            self.shared.append((self.last, len(self.dims)))


def views(rng):
    v = Views(rng)
    for _ in range(int(rng.integers(2, 7))):
        v.step()
    v.nodes.append(helper.make_node("Neg", [v.last], ["y"], name="end") if rng.integers(2) else helper.make_node("Identity", [v.last], ["y"]))
    outputs = [info("y", [f"y{i}" for i in range(len(v.dims))])]
    for k, (name, rank) in enumerate(v.shared):
        v.nodes.append(helper.make_node("Abs", [name], [f"z{k}"]))
        outputs.append(info(f"z{k}", [f"z{k}_{i}" for i in range(rank)]))
    shape = [d[0][0] if d[0] else d[1] for d in v.input]
    graph = helper.make_graph(v.nodes, "g", [info("x", shape, TensorProto.FLOAT)], outputs, v.constants)
    return Case(model_of(graph, 17), None)


PASSES = {"merge-views": views}
