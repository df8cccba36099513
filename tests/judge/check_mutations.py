"""Valid models, each broken in one way: for check_cases.py. The bases are the first node test of every operator and a few models made here."""
import copy, pathlib
import numpy, onnx
from onnx import AttributeProto as A, TensorProto as T, helper, numpy_helper

OTHER = {T.FLOAT: T.INT64, T.INT64: T.FLOAT, T.BOOL: T.FLOAT}


# ---- bases ----
def initializers():
    """Every kind of constant data."""
    raw = numpy_helper.from_array(numpy.ones((2, 3), numpy.float32), "raw")
    listed = helper.make_tensor("listed", T.INT64, [3], [1, 2, 3])
    half = helper.make_tensor("half", T.FLOAT16, [2], [1.0, 2.0])
    texts = helper.make_tensor("texts", T.STRING, [2], [b"a", b"b"])
    nodes = [helper.make_node("Add", ["x", "raw"], ["y"]), helper.make_node("Identity", ["listed"], ["z"]), helper.make_node("Identity", ["texts"], ["t"]),
             helper.make_node("Identity", ["half"], ["h"])]
    outputs = [helper.make_tensor_value_info("y", T.FLOAT, [2, 3]), helper.make_tensor_value_info("z", T.INT64, [3]),
               helper.make_tensor_value_info("t", T.STRING, [2]), helper.make_tensor_value_info("h", T.FLOAT16, [2])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, [2, 3])], outputs, [raw, listed, half, texts])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def functions():
    return onnx.parser.parse_model("""
        <ir_version: 10, opset_import: ["" : 20, "local" : 1]>
        main (float[N, 4] x) => (float[N, 4] y) { h = local.outer<alpha = 0.5>(x) y = local.inner(h) }
        <opset_import: ["" : 20, "local" : 1], domain: "local">
        outer <alpha> (a) => (b) { c = local.inner(a) b = Elu<alpha : float = @alpha>(c) }
        <opset_import: ["" : 20], domain: "local">
        inner (a) => (b) { t = Neg(a) b = Relu(t) }""")


def control():
    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        main (float[2] x, bool c, int64 n) => (float[2] y, float[2] z, float[M, 2] s) {
            u = Neg(x)
            y = If(c) <then_branch = a () => (float[2] p) { p = Abs(u) }, else_branch = b () => (float[2] q) { q = Exp(x) }>
            z, s = Loop(n, c, u) <body = l (int64 i, bool go, float[2] v) => (bool on, float[2] w, float[2] k) { on = Identity(go) w = Add(v, x) k = Identity(w) }>
        }""")


def sparse():
    model = initializers()
    values = helper.make_tensor("s", T.FLOAT, [2], [1.0, 2.0])
    indices = helper.make_tensor("at", T.INT64, [2], [1, 5])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2, 3]))
    return model


def chain():
    return onnx.parser.parse_model("""
        <ir_version: 7, opset_import: ["" : 13]>
        main (float[2, 3, 8, 8] x, float[4, 3, 3, 3] w) => (float[2, 4] y) {
            a = Conv<pads = [1, 1, 1, 1]>(x, w)
            b = Relu(a)
            c = GlobalAveragePool(b)
            y = Flatten(c)
        }""")


MADE = {"initializers": initializers, "functions": functions, "control": control, "sparse": sparse, "chain": chain}


def bases(folder):
    for name, make in MADE.items():
        yield name, make()
    seen = set()
    for path in sorted((folder / "node").glob("*/model.onnx")):
        model = onnx.load(path)
        operators = {(n.domain, n.op_type) for n in model.graph.node}
        if len(model.graph.node) == 1 and not operators <= seen and model.ByteSize() < 100000:
            seen |= operators
            yield path.parent.name, model


# ---- mutations: each changes the model in place and says whether there was anything to change ----
MUTATIONS = []


def mutation(function):
    MUTATIONS.append(function)
    return function


def every(function):
    """A mutation that may be done in several places: `function(model)` gives calls that do one each."""
    for index in range(4):
        def at(model, index=index):
            places = list(function(model))
            if index >= len(places):
                return False
            places[index]()
            return True
        at.__name__ = f"{function.__name__}_{index}"
        MUTATIONS.append(at)
    return function


def all_nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_nodes(attribute.g)


def nodes_of(model):
    return [n for n in all_nodes(model.graph)] + [n for f in model.functions for n in f.node]


def subgraphs(model):
    return [a.g for n in nodes_of(model) for a in n.attribute if a.HasField("g")]


def assign(message, field, value):
    return lambda: setattr(message, field, value)


def put(container, index, value):
    def do():
        container[index] = value
    return do


@every
def node_without_last_input(m): return [n.input.pop for n in nodes_of(m) if n.input]
@every
def node_without_last_output(m): return [n.output.pop for n in nodes_of(m) if n.output]
@every
def node_with_more_inputs(m): return [lambda n=n: n.input.append(n.input[0]) for n in nodes_of(m) if n.input]
@every
def node_with_more_outputs(m): return [lambda n=n: n.output.append("more") for n in nodes_of(m)]
@every
def input_omitted(m): return [put(n.input, i, "") for n in nodes_of(m) for i in range(len(n.input))]
@every
def output_omitted(m): return [put(n.output, i, "") for n in nodes_of(m) for i in range(len(n.output))]
@every
def input_of_no_name(m): return [put(n.input, i, "nowhere") for n in nodes_of(m) for i in range(len(n.input))]
@every
def own_output_as_input(m): return [put(n.input, 0, n.output[0]) for n in nodes_of(m) if n.input and n.output]
@every
def output_named_as_input(m): return [put(n.output, 0, m.graph.input[0].name) for n in nodes_of(m) if n.output and m.graph.input]
@every
def outputs_of_one_name(m): return [put(n.output, 1, n.output[0]) for n in nodes_of(m) if len(n.output) > 1]
@every
def no_such_operator(m): return [assign(n, "op_type", "Nosuch") for n in nodes_of(m)]
@every
def other_operator(m): return [assign(n, "op_type", "Softmax" if n.op_type != "Softmax" else "MatMul") for n in nodes_of(m)]
@every
def no_operator(m): return [assign(n, "op_type", "") for n in nodes_of(m)]
@every
def foreign_domain(m): return [assign(n, "domain", "nobody") for n in nodes_of(m)]
@every
def long_domain(m): return [assign(n, "domain", "ai.onnx") for n in nodes_of(m) if not n.domain]
@every
def ml_domain(m): return [assign(n, "domain", "ai.onnx.ml") for n in nodes_of(m) if not n.domain]
@every
def attribute_gone(m): return [lambda n=n, i=i: n.attribute.__delitem__(i) for n in nodes_of(m) for i in range(len(n.attribute))]
@every
def attribute_unknown(m): return [lambda n=n: n.attribute.append(helper.make_attribute("nobodys", 1)) for n in nodes_of(m)]
@every
def attribute_private(m): return [lambda n=n: n.attribute.append(helper.make_attribute("__own", 1)) for n in nodes_of(m)]
@every
def attribute_twice(m): return [lambda n=n, a=a: n.attribute.append(copy.deepcopy(a)) for n in nodes_of(m) for a in n.attribute]
@every
def attribute_of_other_type(m):
    return [lambda a=a: a.CopyFrom(helper.make_attribute(a.name, "text" if a.type != A.STRING else 1.5)) for n in nodes_of(m) for a in n.attribute]
@every
def attribute_lists(m):
    return [lambda a=a: a.CopyFrom(helper.make_attribute(a.name, [helper.get_attribute_value(a)])) for n in nodes_of(m) for a in n.attribute
            if a.type in (A.INT, A.FLOAT, A.STRING) and not a.ref_attr_name]
@every
def attribute_without_type(m): return [lambda a=a: a.ClearField("type") for n in nodes_of(m) for a in n.attribute]
@every
def attribute_of_no_type(m): return [assign(a, "type", A.UNDEFINED) for n in nodes_of(m) for a in n.attribute]
@every
def attribute_with_two_values(m): return [assign(a, "s", b"x") for n in nodes_of(m) for a in n.attribute if a.type in (A.INT, A.FLOAT, A.INTS)]
@every
def attribute_of_declared_type_only(m): return [assign(a, "type", A.FLOATS) for n in nodes_of(m) for a in n.attribute if a.type in (A.INT, A.STRING)]
@every
def attribute_without_value(m): return [lambda a=a: a.CopyFrom(A(name=a.name, type=a.type)) for n in nodes_of(m) for a in n.attribute]
@every
def attribute_refers(m): return [lambda a=a: a.CopyFrom(A(name=a.name, type=a.type, ref_attr_name="other")) for n in nodes_of(m) for a in n.attribute]
@every
def attribute_refers_and_holds(m): return [assign(a, "ref_attr_name", "other") for n in nodes_of(m) for a in n.attribute if not a.ref_attr_name]
@every
def attribute_negative(m): return [assign(a, "i", -7) for n in nodes_of(m) for a in n.attribute if a.type == A.INT]
@every
def attribute_unnamed(m): return [assign(a, "name", "") for n in nodes_of(m) for a in n.attribute]


def tensors(infos):
    return [i for i in infos if i.type.HasField("tensor_type")]


@every
def input_of_other_type(m): return [assign(i.type.tensor_type, "elem_type", OTHER.get(i.type.tensor_type.elem_type, T.FLOAT)) for i in tensors(m.graph.input)]
@every
def input_of_strings(m): return [assign(i.type.tensor_type, "elem_type", T.STRING) for i in tensors(m.graph.input)]
@every
def input_of_more_dimensions(m): return [lambda i=i: i.type.tensor_type.shape.dim.add(dim_value=3) for i in tensors(m.graph.input)]
@every
def input_as_scalar(m): return [lambda i=i: i.type.tensor_type.shape.ClearField("dim") for i in tensors(m.graph.input)]
@every
def input_as_sequence(m): return [lambda i=i: i.type.CopyFrom(helper.make_sequence_type_proto(copy.deepcopy(i.type))) for i in tensors(m.graph.input)]
@every
def input_of_other_size(m): return [assign(i.type.tensor_type.shape.dim[0], "dim_value", 7) for i in tensors(m.graph.input) if i.type.tensor_type.shape.dim]
@every
def input_of_symbols(m):
    return [lambda i=i: [setattr(d, "dim_param", f"s{k}") for k, d in enumerate(i.type.tensor_type.shape.dim)] for i in tensors(m.graph.input)]
@every
def input_without_shape(m): return [lambda i=i: i.type.tensor_type.ClearField("shape") for i in tensors(m.graph.input)]
@every
def input_without_element_type(m): return [lambda i=i: i.type.tensor_type.ClearField("elem_type") for i in tensors(m.graph.input)]
@every
def input_of_undefined_type(m): return [assign(i.type.tensor_type, "elem_type", 0) for i in tensors(m.graph.input)]
@every
def input_without_type(m): return [lambda i=i: i.ClearField("type") for i in m.graph.input]
@every
def input_gone(m): return [lambda k=k: m.graph.input.__delitem__(k) for k in range(len(m.graph.input))]
@every
def input_twice(m): return [lambda i=i: m.graph.input.append(copy.deepcopy(i)) for i in m.graph.input]
@every
def output_of_other_type(m): return [assign(i.type.tensor_type, "elem_type", OTHER.get(i.type.tensor_type.elem_type, T.FLOAT)) for i in tensors(m.graph.output)]
@every
def output_of_more_dimensions(m): return [lambda i=i: i.type.tensor_type.shape.dim.add(dim_value=3) for i in tensors(m.graph.output)]
@every
def output_of_other_size(m): return [assign(i.type.tensor_type.shape.dim[-1], "dim_value", 77) for i in tensors(m.graph.output) if i.type.tensor_type.shape.dim]
@every
def output_of_no_name(m): return [assign(i, "name", "nowhere") for i in m.graph.output]
@every
def output_unnamed(m): return [assign(i, "name", "") for i in m.graph.output]
@every
def output_without_type(m): return [lambda i=i: i.ClearField("type") for i in m.graph.output]
@every
def output_as_optional(m): return [lambda i=i: i.type.CopyFrom(helper.make_optional_type_proto(copy.deepcopy(i.type))) for i in tensors(m.graph.output)]
@every
def output_twice(m): return [lambda i=i: m.graph.output.append(copy.deepcopy(i)) for i in m.graph.output]


@mutation
def graph_unnamed(m): m.graph.name = ""; return True
@mutation
def ir_version_gone(m): m.ClearField("ir_version"); return True
@mutation
def ir_version_0(m): m.ir_version = 0; return True
@mutation
def ir_version_2(m): m.ir_version = 2; return True
@mutation
def ir_version_3(m): m.ir_version = 3; return True
@mutation
def ir_version_99(m): m.ir_version = 99; return True
@mutation
def opset_0(m): m.opset_import[0].version = 0; return True
@mutation
def opset_1(m): m.opset_import[0].version = 1; return True
@mutation
def opset_6(m): m.opset_import[0].version = 6; return True
@mutation
def opset_newest(m): m.opset_import[0].version = onnx.defs.onnx_opset_version(); return True
@mutation
def opset_99(m): m.opset_import[0].version = 99; return True
@mutation
def opset_huge(m): m.opset_import[0].version = 1 << 40; return True
@mutation
def opset_negative(m): m.opset_import[0].version = -3; return True
@mutation
def opset_gone(m): del m.opset_import[:]; return True
@mutation
def opset_spelled_out(m): m.opset_import[0].domain = "ai.onnx"; return m.opset_import[0].domain != ""
@mutation
def opset_twice(m): m.opset_import.add(domain=m.opset_import[0].domain, version=m.opset_import[0].version); return True
@mutation
def metadata_twice(m): helper.set_model_props(m, {"k": "1"}); m.metadata_props.add(key="k", value="2"); return True
@mutation
def nodes_reversed(m):
    nodes = list(m.graph.node)[::-1]
    del m.graph.node[:]
    m.graph.node.extend(nodes)
    return len(nodes) > 1
@mutation
def nodes_none(m): del m.graph.node[:]; return True
@mutation
def node_twice(m): m.graph.node.append(copy.deepcopy(m.graph.node[0])); return True
@mutation
def node_empty(m): m.graph.node.add(op_type="Relu"); return True
@mutation
def value_info_wrong(m): m.graph.value_info.add(name=m.graph.node[0].output[0]).type.tensor_type.elem_type = T.STRING; return bool(m.graph.node[0].output[0])
@mutation
def value_info_of_nothing(m): m.graph.value_info.append(helper.make_tensor_value_info("nothing", T.FLOAT, [1])); return True


# ---- constant data ----
@every
def initializer_shorter(m): return [assign(t, "raw_data", t.raw_data[:-1]) for t in m.graph.initializer if t.raw_data]
@every
def initializer_longer(m): return [assign(t, "raw_data", t.raw_data + b"0") for t in m.graph.initializer if t.raw_data]
@every
def initializer_empty(m): return [lambda t=t: [t.ClearField(f) for f in ("raw_data", "int64_data", "int32_data", "string_data")] for t in m.graph.initializer]
@every
def initializer_of_other_type(m): return [assign(t, "data_type", OTHER.get(t.data_type, T.FLOAT)) for t in m.graph.initializer]
@every
def initializer_without_type(m): return [lambda t=t: t.ClearField("data_type") for t in m.graph.initializer]
@every
def initializer_of_no_type(m): return [assign(t, "data_type", 99) for t in m.graph.initializer]
@every
def initializer_of_other_size(m): return [lambda t=t: t.dims.append(2) for t in m.graph.initializer]
@every
def initializer_negative(m): return [put(t.dims, 0, -t.dims[0]) for t in m.graph.initializer]
@every
def initializer_with_two_fields(m): return [lambda t=t: t.float_data.extend([1.0] * 6) for t in m.graph.initializer]
@every
def initializer_unnamed(m): return [assign(t, "name", "") for t in m.graph.initializer]
@every
def initializer_twice(m): return [lambda t=t: m.graph.initializer.append(copy.deepcopy(t)) for t in m.graph.initializer]
@every
def initializer_gone(m): return [lambda k=k: m.graph.initializer.__delitem__(k) for k in range(len(m.graph.initializer))]
@every
def initializer_elsewhere(m):
    def move(t):
        t.ClearField("raw_data")
        t.data_location = T.EXTERNAL
        t.external_data.add(key="location", value="missing.bin")
    return [lambda t=t: move(t) for t in m.graph.initializer if t.raw_data]
@every
def initializer_nowhere(m):
    def move(t):
        t.ClearField("raw_data")
        t.data_location = T.EXTERNAL
    return [lambda t=t: move(t) for t in m.graph.initializer if t.raw_data]
@every
def initializer_outside(m):
    def move(t):
        t.ClearField("raw_data")
        t.data_location = T.EXTERNAL
        t.external_data.add(key="location", value="../secret")
    return [lambda t=t: move(t) for t in m.graph.initializer if t.raw_data]
@every
def sparse_unordered(m): return [lambda s=s: s.indices.int64_data.reverse() for s in m.graph.sparse_initializer]
@every
def sparse_out_of_range(m): return [put(s.indices.int64_data, 1, 6) for s in m.graph.sparse_initializer]
@every
def sparse_without_values(m): return [lambda s=s: s.ClearField("values") for s in m.graph.sparse_initializer]
@every
def sparse_without_indices(m): return [lambda s=s: s.ClearField("indices") for s in m.graph.sparse_initializer]
@every
def sparse_without_dimensions(m): return [lambda s=s: s.ClearField("dims") for s in m.graph.sparse_initializer]
@every
def sparse_of_other_rank(m): return [lambda s=s: s.values.dims.append(1) for s in m.graph.sparse_initializer]
@every
def sparse_of_floats(m): return [assign(s.indices, "data_type", T.FLOAT) for s in m.graph.sparse_initializer]
@every
def sparse_named_as_dense(m): return [assign(s.values, "name", m.graph.initializer[0].name) for s in m.graph.sparse_initializer]


# ---- subgraphs and functions ----
@every
def subgraph_unnamed(m): return [assign(g, "name", "") for g in subgraphs(m)]
@every
def subgraph_with_more_inputs(m): return [lambda g=g: g.input.append(helper.make_tensor_value_info("more", T.FLOAT, [1])) for g in subgraphs(m)]
@every
def subgraph_with_fewer_inputs(m): return [g.input.pop for g in subgraphs(m) if g.input]
@every
def subgraph_with_more_outputs(m): return [lambda g=g: g.output.append(copy.deepcopy(g.output[0])) for g in subgraphs(m) if g.output]
@every
def subgraph_with_fewer_outputs(m): return [g.output.pop for g in subgraphs(m) if g.output]
@every
def subgraph_output_from_outside(m): return [assign(g.output[0], "name", m.graph.input[0].name) for g in subgraphs(m) if g.output and m.graph.input]
@every
def subgraph_output_of_other_type(m):
    return [assign(i.type.tensor_type, "elem_type", OTHER.get(i.type.tensor_type.elem_type, T.FLOAT)) for g in subgraphs(m) for i in tensors(g.output)]
@every
def subgraph_input_of_other_type(m):
    return [assign(i.type.tensor_type, "elem_type", OTHER.get(i.type.tensor_type.elem_type, T.FLOAT)) for g in subgraphs(m) for i in tensors(g.input)]
@every
def subgraph_hides(m): return [put(g.node[0].output, 0, m.graph.input[0].name) for g in subgraphs(m) if g.node and m.graph.input]
@every
def subgraph_of_untyped_outputs(m): return [lambda i=i: i.ClearField("type") for g in subgraphs(m) for i in g.output]
@every
def function_unnamed(m): return [assign(f, "name", "") for f in m.functions]
@every
def function_without_domain(m): return [lambda f=f: f.ClearField("domain") for f in m.functions]
@every
def function_twice(m): return [lambda f=f: m.functions.append(copy.deepcopy(f)) for f in m.functions]
@every
def function_without_imports(m): return [lambda f=f: f.ClearField("opset_import") for f in m.functions]
@every
def function_of_other_opset(m): return [assign(f.opset_import[0], "version", 5) for f in m.functions]
@every
def function_input_twice(m): return [lambda f=f: f.input.append(f.input[0]) for f in m.functions]
@every
def function_output_twice(m): return [lambda f=f: f.output.append(f.output[0]) for f in m.functions]
@every
def function_output_of_no_name(m): return [put(f.output, 0, "nowhere") for f in m.functions]
@every
def function_attribute_twice(m): return [lambda f=f: f.attribute.extend(["alpha", "alpha"]) for f in m.functions]
@every
def function_without_attributes(m): return [lambda f=f: f.ClearField("attribute") for f in m.functions]
@every
def function_that_calls_itself(m): return [assign(n, "op_type", f.name) for f in m.functions for n in f.node if n.domain == f.domain]
@every
def function_uses_outer_value(m): return [put(f.node[0].input, 0, "x") for f in m.functions]
@every
def function_of_unknown_operator(m): return [assign(f.node[0], "op_type", "Nosuch") for f in m.functions]


def write(scratch, cases):
    """All mutants below `scratch`; their paths."""
    paths = []
    for name, model in bases(cases):
        for mutate in MUTATIONS:
            mutant = copy.deepcopy(model)
            if not mutate(mutant) or mutant.SerializeToString() == model.SerializeToString():
                continue
            path = scratch / f"{mutate.__name__}" / f"{name}.onnx"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(mutant.SerializeToString())
            paths.append(path)
    return sorted(paths)
