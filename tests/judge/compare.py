#!/usr/bin/env python3
"""Judge: do two ONNX models compute the same function?  ONNX Runtime, all graph optimizations off, seeded inputs.

usage: compare.py A.onnx B.onnx [--feeds feeds.json] [--seeds N] [--dim NAME=N,N..]... [--tolerance T]
Needs PyPI: onnx, onnxruntime, numpy.  Prints one line and exits 0 (same) or 1 (different, invalid, interface changed).

A float output passes when max|a-b| <= tolerance * max(max|a|, 1e-2); other outputs must be equal.  Tolerance: 1e-3.
Sequences, maps and optionals are compared item by item.
feeds.json maps a model's base name to {input: shape}; a dimension it leaves out gets DIM below. NAME#2: shapes for a second look.
--dim gives sizes to a named dimension (or to every unnamed one: --dim ?=1,3); each combination is run.
A size on which A itself does not run proves nothing and is skipped; when A runs on none, that is the verdict.
"""
import argparse
import itertools
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime as rt

DTYPE = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "int64": np.int64, "int32": np.int32,
    "int16": np.int16, "int8": np.int8, "uint64": np.uint64, "uint32": np.uint32, "uint16": np.uint16,
    "uint8": np.uint8, "bool": np.bool_, "string": np.object_,
}
DIM = {"batch": 2, "batch_size": 2, "seq": 16, "N": 1}
FEEDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "feeds.json")
RARE = ("bfloat16", "float8", "float4", "int4", "uint4", "int2", "uint2")


class Different(Exception):
    """Two outputs differ in a way that has no size: type, shape, NaNs, integers."""


def count_nodes(graph):
    """Operators of a graph and of its subgraphs; Constant nodes are data, not work, and are not counted."""
    total = 0
    for node in graph.node:
        total += node.op_type != "Constant"
        for attr in node.attribute:
            total += count_nodes(attr.g) if attr.type == onnx.AttributeProto.GRAPH else 0
            total += sum(count_nodes(g) for g in attr.graphs)
    return total


def nodes(path):
    model = onnx.load(path, load_external_data=False)
    return count_nodes(model.graph) + sum(sum(n.op_type != "Constant" for n in f.node) for f in model.functions)


def session(path, level=rt.GraphOptimizationLevel.ORT_DISABLE_ALL):
    opts = rt.SessionOptions()
    opts.log_severity_level, opts.graph_optimization_level, opts.intra_op_num_threads = 4, level, 1
    return rt.InferenceSession(str(path), opts, providers=["CPUExecutionProvider"])


def dimension(k, d, rank, sizes):
    if isinstance(d, int) and d >= 0:
        return d
    if d is not None and str(d) in sizes:
        return sizes[str(d)]
    if "?" in sizes:
        return sizes["?"]
    if "second" in sizes:  # another size than the usual one
        return 3 if k == 0 else (24 if rank < 4 else 192)
    return DIM.get(str(d), 2 if k == 0 else (16 if rank < 4 else 224))


def tensor(name, element, shape, rng):
    if element == "string":
        return np.full(shape, "a", dtype=object)
    kind = DTYPE[element]
    if name == "sr":
        return np.array(16000, kind)
    if np.issubdtype(kind, np.floating):
        return rng.standard_normal(shape).astype(kind)
    if kind is np.bool_ or "mask" in name:
        return np.ones(shape, kind)
    return rng.integers(0, 100, shape).astype(kind)


def rare_tensor(element, shape, rng):
    """An element type that numpy lacks: ONNX Runtime takes it as raw bytes. Small whole numbers are exact in each."""
    from onnx import helper, numpy_helper
    code = onnx.TensorProto.DataType.Value(element.upper())
    values = helper.make_tensor("x", code, shape, rng.integers(0, 2, int(np.prod(shape))).tolist())
    array = numpy_helper.to_array(values)
    view = array.view(np.uint16 if array.dtype.itemsize == 2 else np.uint8)
    return rt.OrtValue.ortvalue_from_numpy_with_onnx_type(np.ascontiguousarray(view), code)


def feed(i, shapes, sizes, rng):
    """One input: 'tensor(float)', 'seq(tensor(float))', 'optional(...)'."""
    layers = i.type.replace(")", "").split("(")
    element = layers[-1]
    if layers[-2] == "map":
        raise ValueError(f"input {i.name}: no random values for {i.type}")
    dims = i.shape if i.shape is not None else [2, 3]
    shape = shapes.get(i.name) or [dimension(k, d, len(dims), sizes) for k, d in enumerate(dims)]

    def one():
        return rare_tensor(element, shape, rng) if element.startswith(RARE) else tensor(i.name, element, shape, rng)
    return [one() for _ in range(3)] if "seq" in layers else one()


def feeds(sess, shapes, seed, sizes=None):
    rng = np.random.default_rng(seed)
    return {i.name: feed(i, shapes, sizes or {}, rng) for i in sess.get_inputs()}


def run(sess, inputs):
    rare = any(isinstance(v, rt.OrtValue) for v in inputs.values())
    if not rare and not any(word in o.type for o in sess.get_outputs() for word in RARE):
        return sess.run(None, inputs)
    values = {k: v if isinstance(v, rt.OrtValue) else rt.OrtValue.ortvalue_from_numpy(v) for k, v in inputs.items()}
    results = sess.run_with_ort_values(None, values)
    return [raw(r) if any(word in o.type for word in RARE) else r.numpy() for r, o in zip(results, sess.get_outputs())]


def raw(value):
    """The bytes of a tensor of a type that numpy lacks, as integers."""
    import ctypes
    count = value.tensor_size_in_bytes()
    data = (ctypes.c_uint8 * count).from_address(value.data_ptr())
    return np.frombuffer(bytes(data), np.uint8)


def error_of(name, x, y):
    """Error over output scale of two outputs; raises Different."""
    if type(x) is not type(y):
        raise Different(f"{name}: {type(x).__name__} became {type(y).__name__}")
    if isinstance(x, (list, tuple)):
        if len(x) != len(y):
            raise Different(f"{name}: {len(x)} items became {len(y)}")
        return max((error_of(f"{name}[{k}]", p, q) for k, (p, q) in enumerate(zip(x, y))), default=0.0)
    if isinstance(x, dict):
        if list(x) != list(y):
            raise Different(f"{name}: keys differ")
        return max((error_of(f"{name}[{k!r}]", x[k], y[k]) for k in x), default=0.0)
    if x is None:
        return 0.0
    return array_error(name, np.asarray(x), np.asarray(y))


def array_error(name, x, y):
    if x.shape != y.shape or x.dtype != y.dtype:
        raise Different(f"{name}: {x.dtype}{list(x.shape)} became {y.dtype}{list(y.shape)}")
    if x.dtype.kind not in "fc":
        if not np.array_equal(x, y):
            raise Different(f"{name}: {x.dtype} values differ in {np.mean(x != y):.2%}")
        return 0.0
    if not np.array_equal(np.isnan(x), np.isnan(y)):
        raise Different(f"{name}: NaNs differ")
    infinite = np.isinf(x) | np.isinf(y)
    if not np.array_equal(x[infinite], y[infinite]):
        raise Different(f"{name}: infinities differ")
    x, y = (np.where(infinite | np.isnan(v), 0, v).astype(np.complex128 if v.dtype.kind == "c" else np.float64) for v in (x, y))
    return float(np.max(np.abs(x - y), initial=0) / max(np.max(np.abs(x), initial=0), 1e-2))


def combinations(dims):
    """[{'batch': 1, 'seq': 8}, ...] from {'batch': [1, 4], 'seq': [8]}."""
    return [dict(zip(dims, values)) for values in itertools.product(*dims.values())]


class Original:
    """A model that others are compared with: its outputs are computed once. `second`: other shapes, on which it is run as well if it can be."""

    def __init__(self, path, shapes=None, seeds=1, dims=None, second=None):
        self.session = session(path)
        self.outputs = [(o.name, o.type) for o in self.session.get_outputs()]
        self.inputs = {i.name: i.type for i in self.session.get_inputs()}
        self.runs, self.failure, self.sizes = [], None, 0
        for sizes in combinations(dims or {}):
            self.run(shapes or {}, seeds, sizes)
        if second is not None and self.is_dynamic():
            self.run(second, seeds, {"second": True})

    def is_dynamic(self):
        return any(not isinstance(d, int) or d < 0 for i in self.session.get_inputs() for d in i.shape or [])

    def run(self, shapes, seeds, sizes):
        before = len(self.runs)
        for seed in range(seeds):
            values = feeds(self.session, shapes, seed, sizes)
            try:
                self.runs.append((values, run(self.session, values)))
            except Exception as error:  # this size proves nothing
                self.failure = str(error).strip().splitlines()[-1][:160]
        self.sizes += len(self.runs) > before

    def compare(self, path, tolerance=1e-3):
        """(verdict, worst error over output scale); the verdict is 'ok' or says what differs."""
        if not self.runs:
            return f"the original does not run: {self.failure}", None
        other = session(path)
        if self.outputs != [(o.name, o.type) for o in other.get_outputs()]:
            return "outputs' names or types differ", None
        if {i.name: i.type for i in other.get_inputs()} != self.inputs:
            return "inputs' names or types differ", None
        worst = 0.0
        for values, expected in self.runs:
            got = run(other, values)
            for (name, _), x, y in zip(self.outputs, expected, got):
                try:
                    worst = max(worst, error_of(name, x, y))
                except Different as difference:
                    return str(difference), None
        return ("ok" if worst <= tolerance else "outputs differ"), worst


def compare(a, b, shapes=None, seeds=1, dims=None, tolerance=1e-3):
    return Original(a, shapes, seeds, dims).compare(b, tolerance)


def shapes_of(path, feeds_file=FEEDS, second=False):
    """What feeds.json says of a model; `second`: the other shapes, of NAME#2."""
    with open(feeds_file, encoding="utf-8") as file:
        return json.load(file).get(os.path.basename(path).removesuffix(".onnx") + ("#2" if second else ""), {})


def dim_option(text):
    name, _, sizes = text.partition("=")
    return name, [int(size) for size in sizes.split(",")]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("a")
    ap.add_argument("b")
    ap.add_argument("--feeds", default=FEEDS)
    ap.add_argument("--seeds", type=int, default=1)
    ap.add_argument("--dim", type=dim_option, action="append", default=[], metavar="NAME=N,N..")
    ap.add_argument("--tolerance", type=float, default=1e-3)
    arg = ap.parse_args()
    counts = ""
    try:
        verdict, worst = compare(arg.a, arg.b, shapes_of(arg.a, arg.feeds), arg.seeds, dict(arg.dim), arg.tolerance)
        counts = f"  nodes {nodes(arg.a)} -> {nodes(arg.b)}"
    except Exception as error:  # an invalid model is a verdict too
        verdict, worst = "invalid: " + (str(error).strip().splitlines() or ["?"])[-1][:160], None
    print(f"{verdict}  error/scale={worst}{counts}")
    sys.exit(verdict != "ok")


if __name__ == "__main__":
    main()
