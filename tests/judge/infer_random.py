#!/usr/bin/env python3
"""Judges inference on random nodes: for every operator and version of onnx.defs, models of one node with random types, ranks, dimensions (numbers,
symbols, 0 and 1, nothing), attributes and constant inputs.

usage: infer_random.py INFER_CASES ONNXOPT [--rounds N] [--seed N] [--op NAME]
Where onnx.shape_inference (strict, with data propagation) accepts the model, what INFER_CASES infers must be equal or more precise. Where `onnxopt
run` runs it, the outputs must have the inferred types and shapes, with symbols replaced by the sizes that the run had.
"""
import argparse, os, random, re, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

import onnx
import onnx.defs
from onnx import TensorProto, helper, shape_inference

from shape_cases import compare_type

# Where onnx itself is wrong, or says what its text does not: (operator, what a failure's text holds): why.
WRONG = [
    ("RMSNormalization", "element type"),  # the result is of the type parameter of the scale, onnx gives it the input's
    ("LinearClassifier", "y1: dim 1"),  # the classes are as many as labels; onnx counts intercepts
    ("Squeeze-1", "rank"),  # onnx takes axes that are not sorted for fewer
    ("SplitToSequence-24", "rank"),  # keepdims = 0 without a split removes the axis, as in version 11
    ("ConvTranspose", "rank"),  # onnx takes output_shape, which has the spatial axes, for the whole shape
]
# Sliding windows: onnx rounds towards zero where no window fits (an input of 0 elements), and has other rules for ceil_mode in each version.
WINDOWS = ("MaxPool-", "AveragePool-", "LpPool-", "Conv-", "ConvInteger-", "QLinearConv-", "DeformConv-")
SKIPPED = {"If", "Loop", "Scan", "SequenceMap", "Gradient", "ImageDecoder"}
SIZES = {"A": 2, "B": 3, "C": 1}
ELEMS = {f"tensor({name})": number for name, number in {
    "float": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "string": 8, "bool": 9, "float16": 10, "double": 11,
    "uint32": 12, "uint64": 13, "complex64": 14, "complex128": 15, "bfloat16": 16}.items()}


class Maker:
    def __init__(self, schema, rng):
        self.schema, self.rng = schema, rng
        self.inputs, self.inits, self.types, self.names = [], [], {}, []
        self.rank, self.dims = 0, []

    def dim(self):
        return self.rng.choice([0, 1, 1, 2, 3, 4, "A", "B", "C", None])

    def shape(self, rank):
        return [self.dim() for _ in range(rank)]

    def elem(self, formal):
        """An element type for a formal input, the same for one type parameter; None when it takes no plain tensor."""
        if formal.type_str in self.types and formal.is_homogeneous:
            return self.types[formal.type_str]
        allowed = [ELEMS[t] for t in formal.types if t in ELEMS]
        if not allowed:
            return None
        common = [e for e in allowed if e in (1, 7, 6, 9)]
        self.types[formal.type_str] = chosen = self.rng.choice(common if common and self.rng.random() < 0.8 else allowed)
        return chosen

    def numbers(self, name, elem, values, rank=1):
        tensor = helper.make_tensor(name, elem, [len(values)] if rank else [], values)
        self.inits.append(tensor)

    def constant(self, name, formal, elem):
        """Constant contents by the formal's name; False when it says nothing."""
        rng, rank = self.rng, max(self.rank, 1)
        if elem not in (6, 7) or rng.random() < 0.15:
            return False
        n = rng.randint(1, rank)
        values = {
            "shape": lambda: rng.choice([[-1], [0, -1], [1, -1, 1], [2, 3], [rng.randint(0, 4)]]),
            "axes": lambda: [a - self.rank if rng.random() < 0.3 else a for a in rng.sample(range(rank), n)],
            "starts": lambda: [rng.randint(-3, 3) for _ in range(n)], "ends": lambda: [rng.choice([-1, 1, 2, 5, 2**31 - 1]) for _ in range(n)],
            "steps": lambda: [rng.choice([1, 1, 2, -1]) for _ in range(n)], "repeats": lambda: [rng.randint(0, 3) for _ in range(self.rank)],
            "pads": lambda: [rng.randint(0, 2) for _ in range(2 * self.rank)], "split": lambda: [1, 1],
            "sizes": lambda: [rng.randint(1, 5) for _ in range(self.rank)], "indices": lambda: [rng.randint(-1, 1) for _ in range(n)],
            "k": lambda: [rng.randint(0, 2)], "K": lambda: [rng.randint(0, 2)], "output_shape": lambda: [rng.randint(1, 4) for _ in range(self.rank)],
        }
        scalars = {"axis", "depth", "start", "limit", "delta", "dft_length", "frame_step", "frame_length", "size", "max_trip_count", "position"}
        if formal.name in values:
            self.numbers(name, elem, values[formal.name]())
        elif formal.name in scalars:
            self.numbers(name, elem, [rng.randint(-1, 3)], rank=0)
        else:
            return False
        return True

    def add_input(self, index, formal):
        elem = self.elem(formal)
        if elem is None:
            return False
        name = f"x{len(self.names)}"
        self.names.append(name)
        if index and self.constant(name, formal, elem):
            return True
        if index == 0:
            self.rank = self.rng.choice([0, 1, 2, 2, 3, 3, 4, 4, 5])
            self.dims = self.shape(self.rank)
            shape = self.dims
        else:
            same = [1 if self.rng.random() < 0.2 else d for d in self.dims]
            shape = self.rng.choice([same, same, same[1:], self.dims[-1:] * 2, self.shape(self.rng.randint(0, 3)), self.dims[1:2]])
        if self.rng.random() < 0.06:
            shape = None
        self.inputs.append(helper.make_tensor_value_info(name, elem, shape))
        return True

    def attribute(self, attr):
        rng, t, n = self.rng, attr.type, max(self.rank - 2, 1)
        kinds = onnx.defs.OpSchema.AttrType
        if t == kinds.INT:
            if attr.name in ("to", "dtype", "output_dtype"):
                return rng.choice([1, 7, 6, 9, 10, 11])
            if "axis" in attr.name:
                return rng.randint(-self.rank, max(self.rank - 1, 0))
            return rng.randint(1, 2) if attr.name in ("group", "blocksize", "hidden_size") else rng.randint(0, 1)
        if t == kinds.FLOAT:
            return rng.choice([0.0, 0.5, 1.0, 2.0])
        if t == kinds.INTS:
            if attr.name == "perm":
                return rng.sample(range(self.rank), self.rank)
            if attr.name == "axes":
                return rng.sample(range(max(self.rank, 1)), rng.randint(1, max(self.rank, 1)))
            if attr.name == "pads":
                return [rng.randint(0, 2) for _ in range(2 * (self.rank if self.schema.name == "Pad" else n))]
            return [rng.randint(1, 3) for _ in range(n)]
        if t == kinds.STRING:
            words = {"auto_pad": ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"], "direction": ["forward", "reverse", "bidirectional"],
                     "reduction": ["none", "sum", "mean"], "equation": ["ij,jk->ik", "ij->ji", "...i->...", "i,j->ij"],
                     "mode": ["linear", "nearest", "constant", "DCR"]}
            return rng.choice(words[attr.name]) if attr.name in words else None
        if t == kinds.FLOATS:
            return [float(rng.randint(0, 3)) for _ in range(rng.randint(1, 4))]
        if t == kinds.STRINGS:
            return rng.sample(["a", "b", "cd"], rng.randint(1, 3))
        if t == kinds.TENSOR and rng.random() < 0.7:
            return helper.make_tensor("t", rng.choice([1, 7]), [1], [rng.randint(0, 2)])
        return None

    def model(self):
        s, rng = self.schema, self.rng
        count = rng.randint(s.min_input, min(s.max_input, max(len(s.inputs), s.min_input) + 1)) if s.max_input else 0
        for i in range(count):
            formal = s.inputs[min(i, len(s.inputs) - 1)]
            if i >= s.min_input and formal.option == onnx.defs.OpSchema.FormalParameterOption.Optional and rng.random() < 0.4:
                self.names.append("")
            elif not self.add_input(i, formal):
                return None
        attrs = {}
        for name, attr in s.attributes.items():
            if s.name == "Constant" and attrs:
                continue
            if attr.required or rng.random() < 0.4:
                value = self.attribute(attr)
                if value is not None and value != []:
                    attrs[name] = value
        outputs = rng.randint(s.min_output, min(s.max_output, max(len(s.outputs), s.min_output) + 1))
        if attrs.get("auto_pad", "NOTSET") != "NOTSET":
            attrs.pop("pads", None)
        node = helper.make_node(s.name, self.names, [f"y{i}" for i in range(outputs)], domain=s.domain, **attrs)
        graph = helper.make_graph([node], "random", self.inputs, [onnx.ValueInfoProto(name=f"y{i}") for i in range(outputs)], self.inits)
        opsets = [helper.make_opsetid(s.domain, s.since_version)]
        if s.domain:
            opsets.append(helper.make_opsetid("", 21))
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def forget_negative(kind):
    """Takes out dimensions below 0: onnx writes them where a node has no result, such as Expand to -1."""
    if kind.WhichOneof("value") == "tensor_type":
        for dim in kind.tensor_type.shape.dim:
            if dim.dim_value < 0:
                dim.Clear()


def less_precise(expected, inferred):
    """None, or what onnx infers and we do not."""
    ours, names = {v.name: v.type for v in inferred.graph.output}, {}
    for out in expected.graph.output:
        forget_negative(out.type)
        wrong = compare_type(out.type, ours[out.name], names, out.name)
        if wrong:
            return wrong
    return None


def evaluate(text, sizes):
    """The value of a dimension's text under an assignment, None when it has a symbol without one."""
    code = re.sub(r"floor\(([^()]*)/([^()]*)\)", r"((\1)//(\2))", text)
    while "floor(" in code:
        new = re.sub(r"floor\(((?:[^()]|\([^()]*\))*)/((?:[^()]|\([^()]*\))*)\)", r"((\1)//(\2))", code)
        if new == code:
            return None
        code = new
    try:
        return eval(code, {"min": min, "max": max, "__builtins__": {}}, sizes)
    except (NameError, SyntaxError, ZeroDivisionError, TypeError):
        return None


def contradiction(inferred, folder, model):
    """What the evaluator's outputs say against the inferred types; None when nothing."""
    sizes = dict(SIZES)
    for i, info in enumerate(model.graph.input):
        path = os.path.join(folder, f"input_{i}.pb")
        tensor = onnx.load_tensor(path)
        for k, dim in enumerate(info.type.tensor_type.shape.dim if info.type.tensor_type.HasField("shape") else []):
            if not dim.WhichOneof("value"):
                sizes[f"{info.name}_dim_{k}"] = tensor.dims[k]
            elif dim.dim_param:
                sizes[dim.dim_param] = tensor.dims[k]
    for i, out in enumerate(inferred.graph.output):
        path = os.path.join(folder, f"output_{i}.pb")
        if not os.path.exists(path) or out.type.WhichOneof("value") not in (None, "tensor_type"):
            continue
        got, said = onnx.load_tensor(path), out.type.tensor_type
        if said.elem_type and said.elem_type != got.data_type:
            return f"{out.name}: said to have element type {said.elem_type}, has {got.data_type}"
        if not said.HasField("shape"):
            continue
        if len(said.shape.dim) != len(got.dims):
            return f"{out.name}: said to have rank {len(said.shape.dim)}, has {len(got.dims)}"
        for k, dim in enumerate(said.shape.dim):
            want = dim.dim_value if dim.WhichOneof("value") == "dim_value" else evaluate(dim.dim_param, sizes) if dim.dim_param else None
            if want is not None and want != got.dims[k]:
                return f"{out.name}: said to have {want} ({dim.dim_param}) at axis {k}, has {got.dims[k]}"
    return None


def make(job):
    """(name, model) or None."""
    schema, seed = job
    rng = random.Random(f"{schema.domain}/{schema.name}/{schema.since_version}/{seed}")
    model = Maker(schema, rng).model()
    return None if model is None else (f"{schema.name}-{schema.since_version}-{seed}", model)


def infer(arguments, folder, made):
    """Exit codes of inference by name; many models a process, since starting one takes longer than a model."""
    codes = {}
    for start in range(0, len(made), 200):
        part = made[start:start + 200]
        pairs = []
        for name, model in part:
            onnx.save(model, os.path.join(folder, name + ".onnx"))
            pairs += [os.path.join(folder, name + ".onnx"), os.path.join(folder, name + ".out.onnx")]
        done = subprocess.run([arguments.infer_cases, "--data-prop", *pairs], capture_output=True, text=True)
        found = done.stdout.split()
        for k, (name, _) in enumerate(part):
            codes[name] = found[k] if k < len(found) else str(done.returncode or -1)
        if done.returncode:
            print(f"infer_cases: exit code {done.returncode} at {part[len(found)][0] if len(found) < len(part) else '?'}")
    return codes


def judge(job):
    """(what was compared, failure or None)"""
    arguments, folder, name, model, code, run_too = job
    base = os.path.join(folder, name)
    if code not in ("0", "told0"):
        return "", f"{name}: infer_cases: exit code {code}"
    inferred = onnx.load(base + ".out.onnx")
    kinds, failure = "", None
    try:
        expected = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        kinds = "onnx "
        failure = None if code == "told0" else less_precise(expected, inferred)  # what we refuse and onnx lets pass is no valid node
    except Exception:  # onnx refuses, or has no inference for it
        pass
    if not failure and run_too:
        dims = {d.dim_param for i in model.graph.input for d in i.type.tensor_type.shape.dim}
        run = subprocess.run([arguments.onnxopt, "run", "-q", base + ".onnx", "-o", base, "--save-inputs",
                              *(f"--dim={k}={v}" for k, v in SIZES.items() if k in dims)], capture_output=True, text=True)
        if run.returncode < 0 or run.returncode > 4:
            failure = f"onnxopt run: exit code {run.returncode}: {run.stderr.strip()[-300:]}"
        elif run.returncode == 0 and code == "0":
            kinds += "run"
            failure = contradiction(inferred, base, model)
    if failure and name.startswith(WINDOWS) and (re.search(r"dim \d is \? for [01]$", failure) or "ceil_mode" in str(model)):
        failure = None
    if failure and any(name.startswith(op + "-") and part in failure for op, part in WRONG):
        failure = None
    return kinds, failure and f"{name}: {failure}\n{onnx.printer.to_text(model.graph)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("infer_cases")
    parser.add_argument("onnxopt")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--op")
    arguments = parser.parse_args()
    schemas = [s for s in onnx.defs.get_all_schemas_with_history() if not s.deprecated and s.name not in SKIPPED and (not arguments.op or s.name == arguments.op)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        rounds = range(arguments.seed, arguments.seed + arguments.rounds)
        made = [m for m in (make((s, seed)) for s in schemas for seed in rounds) if m]
        codes = infer(arguments, folder, made)
        jobs = [(arguments, folder, name, model, codes[name], arguments.op or int(name.rsplit("-", 1)[1]) % 4 == 0) for name, model in made]
        results = list(pool.map(judge, jobs))
    failures = [f for _, f in results if f]
    against_onnx = sum("onnx" in (k or "") for k, _ in results)
    against_runs = sum("run" in (k or "") for k, _ in results)
    for failure in failures[:40]:
        print(failure)
    print(f"{len(results)} random nodes of {len(schemas)} schemas: {against_onnx} compared with onnx, {against_runs} with the evaluator, {len(failures)} failed")
    return 1 if failures or against_onnx < len(results) // 8 or against_runs < len(results) // 40 else 0


if __name__ == "__main__":
    sys.exit(main())
