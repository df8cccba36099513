"""Random small models for the first passes: each generator says whether its pass must change the model, and has a check of the
result by reasoning of its own (liveness, value numbers, expected weights)."""
import functools

import numpy as np
import onnx
from ml_dtypes import bfloat16
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12, np.dtype(np.float16): 5e-3, np.dtype(bfloat16): 4e-3}


def ir_version(opset):
    return 10 if opset >= 21 else 8


def model_of(graph, opset=17, domains=()):
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version(opset))


def info(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array, order="C"), name)


def annotate(model, name):
    """Names the value in a quantization annotation: then it must stay as it is, and so must the scale."""
    model.graph.initializer.append(constant("q_scale", np.float32([0.5, 0.25, 4])))
    note = model.graph.quantization_annotation.add(tensor_name=name)
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="q_scale")


def annotated(model):
    return {note.tensor_name for note in model.graph.quantization_annotation}


class Case:
    """A model, whether the pass must change it (None: it may), and a check of the result that returns None or what is wrong."""

    def __init__(self, model, fires, check=lambda after: None, tolerance=0.0, runs=True, what=""):
        self.model, self.fires, self.check = model, fires, check
        self.tolerance, self.runs, self.what, self.fired, self.least = tolerance, runs, what, False, 1e-30


# ---- fuse-conv-bn ----
NOT_FUSED = {"conv-output", "used-twice", "training", "overridable", "computed-scale", "bad-variance", "overflow", "vanish",
             "not-spatial", "custom-domain", "captured", "annotated"}


def conv_scenario(rng, opset, kind):
    names = ["plain"] * 12 + ["shared", "twice-bn"] * 2 + ["conv-output", "used-twice", "overridable", "computed-scale"]
    names += ["bad-variance", "custom-domain", "captured", "annotated"]
    names += ["training"] if opset >= 14 else []
    names += ["not-spatial"] * 6 if opset < 9 else []
    names += ["overflow", "vanish", "extreme"] if kind == np.float32 else []
    return str(rng.choice(names))


def conv_numbers(rng, kind, scenario, w_shape, channels):
    """Weights, conv bias and the four parameters; sizes keep 16-bit results normal."""
    sign = lambda n: rng.choice([-1.0, 1.0], n)
    w = rng.uniform(0.1, 1, w_shape) * sign(w_shape)
    b = rng.uniform(0, 0.1, channels)
    scale = rng.uniform(0.5, 2, channels) * sign(channels)
    shift = rng.uniform(1, 2, channels)
    mean = rng.uniform(-0.1, 0.1, channels)
    var = rng.uniform(0.8, 1.5, channels)
    if scenario == "bad-variance":
        var[rng.integers(channels)] = -1
    if scenario in ("overflow", "extreme"):
        w *= 1e37
        scale *= 1e3 if scenario == "overflow" else 1e-30
    if scenario == "vanish":
        w *= 1e-20
        scale *= 1e-25
    return [a.astype(kind) for a in (w, b, scale, shift, mean, var)]


def folded(w, k, transposed, group):
    w = w.astype(np.float64)
    if not transposed:
        return w * k.reshape(-1, *[1] * (w.ndim - 1))
    rows = w.reshape(group, w.shape[0] // group, *w.shape[1:])
    return (rows * k.reshape(group, 1, -1, *[1] * (w.ndim - 2))).reshape(w.shape)


def check_weights(expected, tolerance, after):
    """The largest deviation of the new weights and bias from those computed by numpy in double."""
    have = {t.name: numpy_helper.to_array(t) for t in after.graph.initializer}
    conv = next(n for n in after.graph.node if n.output[0] in expected)
    for k, want in zip((1, 2), expected[conv.output[0]]):
        got = have[conv.input[k]].astype(np.float64)
        scale = max(np.max(np.abs(want)), 1e-30 if k == 1 else 1)  # a bias may be a small difference of terms near 1
        error = np.max(np.abs(got - want)) / scale
        if got.shape != want.shape or not error <= tolerance:
            return f"input {k} of the convolution is off by {error:.2e}"
    return None


def conv_bn(rng):
    opset = int(rng.integers(7, 23))
    kind = [np.float32, np.float32, np.float64, np.float16, bfloat16][int(rng.integers(5))]
    opset = max(opset, 22) if kind is bfloat16 else opset  # where Conv knows the type
    scenario = conv_scenario(rng, opset, kind)
    transposed, spatial, group = bool(rng.integers(2)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    cin, cout = int(rng.integers(1, 4)) * group, int(rng.integers(1, 4)) * group
    kernel = [int(k) for k in rng.integers(1, 4, spatial)]
    w_shape = [cin, cout // group, *kernel] if transposed else [cout, cin // group, *kernel]
    w, b, scale, shift, mean, var = conv_numbers(rng, kind, scenario, w_shape, cout)
    bias = str(rng.choice(["none", "empty", "given"]))
    epsilon = float(rng.choice([1e-5, 1e-3]))
    elem = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    wide = kind in (np.float16, bfloat16) and opset >= 15 and rng.integers(2)  # parameters of a wider type
    params = [p.astype(np.float32) if wide else p for p in (scale, shift, mean, var)]

    inputs = ["x", "W"] + {"none": [], "empty": [""], "given": ["B"]}[bias]
    pads = [int(p) for p in rng.integers(0, 2, 2 * spatial)] if not transposed else [0] * 2 * spatial
    attrs = dict(group=group, pads=pads, strides=[int(s) for s in rng.integers(1, 3, spatial)])
    op = "ConvTranspose" if transposed else "Conv"
    bn = dict(epsilon=epsilon)
    bn |= {"spatial": 0} if scenario == "not-spatial" else {}
    bn |= {"training_mode": 1} if scenario == "training" else {}
    domain = "my" if scenario == "custom-domain" else ""
    extra = ["rm", "rv"] if scenario == "training" else []
    nodes = [helper.make_node(op, inputs, ["c"], name="conv", **attrs),
             helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["y", *extra], name="bn", domain=domain, **bn)]
    initializers = [constant(n, a) for n, a in zip("WBsbmv", (w, b, *params)) if n != "B" or bias == "given"]
    shape = [None] * (spatial + 2)
    outputs, graph_inputs = ["y"], [info("x", [2, cin] + [6] * spatial, elem)]
    if scenario == "conv-output":
        outputs.append("c")
    elif scenario == "used-twice":
        nodes.append(helper.make_node("Add", ["c", "y"], ["z"]))
        outputs.append("z")
    elif scenario == "shared":
        nodes.append(helper.make_node(op, inputs, ["other"], **attrs))
        outputs.append("other")
    elif scenario == "twice-bn":
        nodes[1].output[0] = "first"
        nodes.append(helper.make_node("BatchNormalization", ["first", "s", "b", "m", "v"], ["y"], **bn))
    elif scenario == "overridable":
        graph_inputs.append(info("W", w_shape, elem))
    elif scenario == "computed-scale":
        initializers = [t for t in initializers if t.name != "s"]
        graph_inputs.append(info("s", [cout], helper.np_dtype_to_tensor_dtype(params[0].dtype)))
    elif scenario == "captured":
        branches = [helper.make_graph([helper.make_node(o, [v], [o])], o, [], [info(o, shape, elem)])
                    for o, v in (("Neg", "c"), ("Abs", "y"))]
        graph_inputs.append(info("k", [], TensorProto.BOOL))
        nodes.append(helper.make_node("If", ["k"], ["z"], then_branch=branches[0], else_branch=branches[1]))
        outputs.append("z")
    for n, t in zip(("B", "W"), (b, w)):
        assert np.isfinite(t).all(), n
    graph = helper.make_graph(nodes, "g", graph_inputs, [info(o, shape, elem) for o in outputs], initializers)
    model = model_of(graph, opset, ["my"] if domain else [])

    if scenario == "annotated":
        annotate(model, str(rng.choice(["c", "y", "W", "s"])))

    s, t, m, v = (p.astype(np.float64) for p in params)
    k = s / np.sqrt(v + np.float64(np.float32(epsilon))) if scenario != "bad-variance" else s
    b64 = b.astype(np.float64) if bias == "given" else np.zeros(cout)
    new_w, new_b = folded(w, k, transposed, group), (b64 - m) * k + t
    if scenario == "twice-bn":
        new_w, new_b = folded(new_w, k, transposed, group), (new_b - m) * k + t
    fires = scenario not in NOT_FUSED
    roundings = 3.5 if scenario == "twice-bn" else 1  # the second folding scales what the first one rounded
    check = functools.partial(check_weights, {"y": (new_w, new_b)}, roundings * TOLERANCE[np.dtype(kind)]) if fires else lambda after: None

    def check_all(after):
        left = sum(n.op_type == "BatchNormalization" for n in after.graph.node)
        return f"{left} BatchNormalizations are left" if fires and left else check(after)
    runs = kind not in (np.float64, bfloat16)  # ONNX Runtime has no such Conv: the weights are judged
    return Case(model, fires, check_all, TOLERANCE[np.dtype(kind)], runs,
                f"{scenario} {op} opset {opset} {np.dtype(kind)} bias {bias} group {group} spatial {spatial}")


# ---- random graphs of elementwise operators on float[3] ----
UNARY = ["Neg", "Abs", "Exp", "Sin", "Relu", "Floor"]
BINARY = ["Add", "Mul", "Sub", "Max"]


class Graph:
    """Nodes over values of shape [3], grown at random."""

    def __init__(self, rng):
        self.rng, self.nodes, self.made, self.initializers = rng, [], [], []
        self.values = ["x", "z"]
        self.inputs = [info("x", [3]), info("z", [3]), info("k", [], TensorProto.BOOL)]

    def fresh(self, prefix="v"):
        return f"{prefix}{len(self.nodes)}_{len(self.initializers)}"

    def pick(self):
        return str(self.rng.choice(self.values[-12:] if self.rng.integers(4) else self.values))

    def node(self, op, inputs, outputs=None, usable=1, **attrs):
        outputs = outputs or [self.fresh()]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=f"n{len(self.nodes)}", **attrs))
        self.values += outputs[:usable]
        return outputs[0]

    def constant(self, array, overridable=False):
        name = self.fresh("w")
        self.initializers.append(constant(name, array))
        if overridable:
            self.inputs.append(info(name, list(array.shape), helper.np_dtype_to_tensor_dtype(array.dtype)))
        return name

    def elementwise(self):
        if self.rng.integers(2):
            return self.node(str(self.rng.choice(UNARY)), [self.pick()])
        return self.node(str(self.rng.choice(BINARY)), [self.pick(), self.pick()])

    def branch(self, name, ops, value):
        """A chain of unary operators with names of its own; returns a graph."""
        nodes, last = [], value
        for k, op in enumerate(ops):
            nodes.append(helper.make_node(op, [last], [f"{name}_{k}"]))
            last = f"{name}_{k}"
        return helper.make_graph(nodes, name, [], [info(last, [3])])

    def branching(self, then_ops, else_ops, a, b):
        out = self.fresh()
        return self.node("If", ["k"], [out], then_branch=self.branch(out + "_t", then_ops, a),
                         else_branch=self.branch(out + "_e", else_ops, b))

    def model(self, outputs, domains=()):
        graph = helper.make_graph(self.nodes, "g", self.inputs, [info(o, [3]) for o in outputs], self.initializers)
        return model_of(graph, 17, domains)


def reads(node):
    """Names that a node uses, captures included (inner names are unique)."""
    names = [n for n in node.input if n]
    for attr in node.attribute:
        for inner in attr.g.node if attr.type == onnx.AttributeProto.GRAPH else []:
            names += reads(inner)
        names += [o.name for o in attr.g.output] if attr.type == onnx.AttributeProto.GRAPH else []
    return names


# ---- dce ----
def dead_code(rng):
    g = Graph(rng)
    all_used = not rng.integers(3)
    for _ in range(int(rng.integers(4, 40))):
        what = int(rng.integers(8)) if not all_used else int(rng.choice([0, 3, 4, 5]))
        if what == 0:
            g.branching(["Neg"] * int(rng.integers(1, 3)), ["Abs"], g.pick(), g.pick())
        elif what == 1:
            g.values.append(g.constant(rng.standard_normal(3).astype(np.float32), overridable=not rng.integers(4)))
        elif what == 2:
            g.node("RandomNormalLike", [g.pick()], [g.fresh("r")], usable=0)
        elif what == 3:
            g.node("Dropout", [g.pick()], [g.fresh(), g.fresh("mask")])
        else:
            g.elementwise()
    made = [o for n in g.nodes for o in n.output if o.startswith("v")]
    if not made:
        made = [g.node("Neg", ["x"])]
    outputs = sorted({str(o) for o in rng.choice(made, int(rng.integers(1, 3)))})
    if all_used:
        read = {name for node in g.nodes for name in reads(node)}
        outputs = [o for o in made if o not in read]
    model = g.model(outputs)
    if not rng.integers(4):
        annotate(model, str(rng.choice(made)))
    needed, live = set(outputs) | annotated(model), []
    for node in reversed(g.nodes):
        if needed & set(node.output):
            needed |= set(reads(node))
            live.append(node.name)
    public = {i.name for i in g.inputs}
    named = {"q_scale"} if annotated(model) else set()
    kept = {t.name for t in model.graph.initializer if t.name in needed or t.name in public | named}
    fires = len(live) < len(g.nodes) or len(kept) < len(model.graph.initializer)

    def check(after):
        if [n.name for n in after.graph.node] != live[::-1]:
            return "live nodes differ"
        return None if {t.name for t in after.graph.initializer} == kept else "live initializers differ"
    return Case(model, fires, check)


# ---- eliminate-identity ----
def justified(graph, noted):
    """Whether each remaining Identity keeps a public name that nothing else can carry, or an annotation."""
    outputs = {o.name for o in graph.output}
    made = {o for n in graph.node for o in n.output}
    for node in graph.node:
        if node.op_type == "Identity" and not node.domain:
            source = node.input[0]
            if noted & ({node.output[0]} | (outputs & {node.output[0]} and {source})):
                continue
            if node.output[0] not in outputs or (source in made and source not in outputs):
                return False
        for attr in node.attribute:
            if attr.type == onnx.AttributeProto.GRAPH and not justified(attr.g, noted):
                return False
    return True


def identities(rng):
    g = Graph(rng)
    g.values.append(g.constant(rng.standard_normal(3).astype(np.float32)))
    none_inside = not rng.integers(4)
    for _ in range(int(rng.integers(3, 25))):
        what = int(rng.integers(6)) if not none_inside else 5
        if what <= 2:
            g.node("Identity", [g.pick()])
        elif what == 3:
            ops = [str(o) for o in rng.choice(["Identity", "Neg"], int(rng.integers(1, 4)))]
            g.branching(ops, ["Identity", "Abs", "Identity"], g.pick(), g.pick())
        else:
            g.elementwise()
    if none_inside:
        g.node("Identity", ["x"], ["public"], usable=0)
    made = [n.output[0] for n in g.nodes]
    model = g.model(sorted({str(o) for o in rng.choice(made, int(rng.integers(1, 5)))} | {"public"} & set(made)))
    if not rng.integers(4):
        annotate(model, str(rng.choice(made)))
    noted = annotated(model)
    check = lambda after: None if justified(after.graph, noted) else "an Identity is left"
    return Case(model, not justified(model.graph, noted), check)


# ---- eliminate-dropout ----
def dropout(rng):
    opset = int(rng.integers(7, 23))
    modes = ["inference", "mask-used", "mask-unused", "annotated"] + (["false", "true", "input", "overridable"] if opset >= 12 else [])
    mode = str(rng.choice(modes))
    g = Graph(rng)
    g.elementwise()
    inputs, attrs = [g.pick()], {}
    if opset >= 12:
        ratio = g.constant(np.array(0.4, np.float32)) if rng.integers(2) else ""
        inputs += [ratio] if ratio or mode in ("false", "true", "input", "overridable") else []
        attrs |= {"seed": 5} if rng.integers(2) else {}
        if mode in ("false", "true", "overridable"):
            inputs.append(g.constant(np.array(mode == "true"), overridable=mode == "overridable"))
        elif mode == "input":
            g.inputs.append(info("t", [], TensorProto.BOOL))
            inputs.append("t")
    elif rng.integers(2):
        attrs["ratio"] = 0.25
    masked = mode.startswith("mask")
    drop = g.node("Dropout", inputs, ["d", "mask"] if masked else ["d"], **attrs)
    last = drop if rng.integers(2) else g.node("Neg", [drop])
    model = g.model([last])
    model.opset_import[0].version, model.ir_version = opset, ir_version(opset)
    if mode == "mask-used":
        model.graph.output.append(info("mask", [3], TensorProto.BOOL if opset >= 10 else FLOAT))
    elif mode == "annotated":
        annotate(model, "d")
    fires = mode in ("inference", "mask-unused", "false")

    def check(after):
        left = sum(n.op_type == "Dropout" for n in after.graph.node)
        return None if left == (not fires) else f"{left} Dropouts are left"
    return Case(model, fires, check, runs=fires, what=f"{mode} opset {opset}")


# ---- cse ----
COMMUTATIVE = {"Add", "Mul"}


def value_numbers(model):
    """Classes of equal nodes: {class: [outputs]}, computed from operator, attributes and classes of inputs."""
    number = {t.name: ("const", t.data_type, tuple(t.dims), numpy_helper.to_array(t).tobytes()) for t in model.graph.initializer}
    classes = {}

    def shape_of(graph):
        local, out = {}, []
        for k, node in enumerate(graph.node):
            out.append((node.op_type, tuple(local.get(i) or number.get(i, i) for i in node.input)))
            local |= {o: ("inner", k) for o in node.output}
        return tuple(out)
    for k, node in enumerate(model.graph.node):
        ins = [number.get(i, i) for i in node.input]
        ins = sorted(ins, key=repr) if node.op_type in COMMUTATIVE else ins
        attrs = tuple(sorted((a.name, shape_of(a.g) if a.type == onnx.AttributeProto.GRAPH else a.SerializeToString())
                             for a in node.attribute))
        key = (node.domain, node.op_type, tuple(ins), attrs)
        if node.op_type.startswith("Random") or annotated(model) & set(node.output):
            key = ("own", k)
        number |= {o: (hash(key), j) for j, o in enumerate(node.output)}
        classes.setdefault(key, []).append(node.output[0])
    return classes


def common(rng):
    g = Graph(rng)
    pool = [np.float32([1, 2, 3]), np.float32([0.0, 0.0, 0.0]), np.float32([0.0, -0.0, 0.0]), np.float32([np.nan, 1, 2])]
    g.values += [g.constant(pool[int(rng.integers(len(pool)))]) for _ in range(6)]
    names = [v for v in g.values if v.startswith("w")]
    for old, k in zip(names, range(len(names))):  # initializers get names of their own
        g.values[g.values.index(old)] = g.initializers[k].name = f"w{k}"
    random = False
    for _ in range(int(rng.integers(4, 40))):
        what = int(rng.integers(10))
        if what == 0:
            g.branching(["Cos"] * int(rng.integers(1, 3)), ["Tan"], g.pick(), g.pick())
        elif what == 1 and not rng.integers(4):
            random |= bool(g.node("RandomNormalLike", [g.pick()]))
        elif what == 2:
            g.node("LeakyRelu", [g.pick()], alpha=float(rng.choice([0.0, -0.0, 0.5])))
        elif what == 3 and g.nodes:
            old = g.nodes[int(rng.integers(len(g.nodes)))]
            copy = onnx.NodeProto.FromString(old.SerializeToString())
            if copy.op_type != "If":
                copy.output[0], copy.name = g.fresh(), f"n{len(g.nodes)}"
                copy.input[:] = copy.input[::-1] if rng.integers(2) else copy.input
                g.nodes.append(copy)
                g.values.append(copy.output[0])
        else:
            g.elementwise()
    made = [n.output[0] for n in g.nodes]
    outputs = sorted({str(o) for o in rng.choice(made, int(rng.integers(1, 6)))})
    model = g.model(outputs)
    if not rng.integers(4):
        annotate(model, str(rng.choice(made)))
    count = sum(max(1, sum(o in outputs for o in members)) for members in value_numbers(model).values())

    def check(after):
        return None if len(after.graph.node) == count else f"{len(after.graph.node)} nodes are left, {count} expected"
    return Case(model, count < len(g.nodes), check, runs=not random)


# ---- dedup-initializers ----
def initializers(rng):
    g = Graph(rng)
    pool = [np.float32([1, 2, 3]), np.float32([0.0, 0.0, 0.0]), np.float32([0.0, -0.0, 0.0]), np.float32([np.nan, 1, 2]),
            np.float32([[1, 2, 3]]), np.int32([1, 2, 3]), np.float64([1, 2, 3]), np.float16([1, 2, 3])]
    key = lambda a: (str(a.dtype), a.shape, a.tobytes())
    left, outputs = {}, []
    different = not rng.integers(4)
    order = rng.permutation(len(pool)) if different else rng.integers(len(pool), size=int(rng.integers(2, 12)))
    for k in order:
        array = pool[int(k)]
        overridable = not rng.integers(5)
        name = g.constant(array, overridable)
        cast = g.node("Cast", [name], to=FLOAT)
        flat = cast if array.ndim == 1 else g.node("Reshape", [cast, g.constant(np.int64([3]))])
        g.node("Add", [flat, g.pick()])
        public = array.dtype == np.float32 and array.ndim == 1 and not rng.integers(6)
        outputs += [name] if public and not overridable else []
        left.setdefault(key(array), []).append("input" if overridable else "output" if public else "plain")
    reshapes = sum(t.data_type == TensorProto.INT64 for t in g.initializers)
    left[("int64",)] = ["plain"] * reshapes
    expected = 0
    for kinds in left.values():
        public, fixed, plain = kinds.count("output"), kinds.count("input"), kinds.count("plain")
        expected += fixed + public + (plain > 0 and public == 0)
    branches, inner = [], 0
    for side in ("t", "e"):
        array = pool[int(rng.integers(4))]
        array = np.float32([7, 8, len(branches)]) if different else array
        copies = 1 if different else int(rng.integers(1, 3))
        own = [constant(f"{side}{c}", array) for c in range(copies)]
        nodes = [helper.make_node("Sum", ["x", *(t.name for t in own)], [side + "_out"])]
        branches.append(helper.make_graph(nodes, side, [], [info(side + "_out", [3])], own))
        outer = {"plain", "output"} & set(left.get(key(array), []))
        inner += 0 if outer else 1
    g.node("If", ["k"], then_branch=branches[0], else_branch=branches[1])
    model = g.model([g.nodes[-1].output[0], g.nodes[-2].output[0], *outputs])
    if not rng.integers(4):
        model.graph.initializer.append(constant("copy", pool[0]))
        annotate(model, "copy")
        expected += 2

    def counted(m):
        here = len(m.graph.initializer)
        return here, sum(len(a.g.initializer) for n in m.graph.node for a in n.attribute if a.name.endswith("_branch"))

    def check(after):
        return None if counted(after) == (expected, inner) else f"initializers {counted(after)}, expected {(expected, inner)}"
    return Case(model, counted(model) != (expected, inner), check)


PASSES = {"dce": dead_code, "eliminate-identity": identities, "eliminate-dropout": dropout, "cse": common,
          "dedup-initializers": initializers, "fuse-conv-bn": conv_bn}
