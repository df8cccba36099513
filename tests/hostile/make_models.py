"""Writes models to try a loader with: small good ones, and ones that must be refused.

usage: make_models.py FOLDER [--large]
FOLDER/good/*.onnx      valid, and together they use nearly everything that the format has; each may be loaded, rewritten and written
FOLDER/bad/*.onnx       to be refused; FOLDER/bad/cases lists each file with the code of the message it must cause
FOLDER/large/*.onnx     valid or not, made to be slow: hundreds of thousands of one thing (--large only)
"""
import os
import struct
import sys

from onnx_wire import *  # noqa: F403

IN, OUT = [info("x")], [info("y")]
RELU = node("Relu", ["x"], ["y"])


def plain(nodes=(RELU,), initializers=(), outputs=OUT, inside=b"", **kwargs):
    return model(graph(nodes, IN, outputs, initializers, more=inside), **kwargs)


# ---- good ----
def conv_bn():
    weights = struct.pack("<72f", *[0.25 * (i % 7) - 0.5 for i in range(72)])
    batch = [floats(n, *[0.5 + 0.25 * i for i in range(4)]) for n in ("scale", "shift", "mean", "var")]
    nodes = [node("Conv", ["x", "w"], ["c"], a_ints("kernel_shape", 3, 3), a_int("group", 1), name="conv"),
             node("BatchNormalization", ["c", "scale", "shift", "mean", "var"], ["b"], a_float("epsilon", 1e-3), name="bn"),
             node("Dropout", ["b"], ["d"]), node("Relu", ["d"], ["r"]), node("Identity", ["r"], ["y"])]
    image, result = info("x", FLOAT, ["N", 2, 8, 8]), info("y", FLOAT, ["N", 4, 6, 6])
    infos = run(13, info("c", FLOAT, ["N", 4, 6, 6])) + run(16, prop("k", "v"))
    return model(graph(nodes, [image], [result], [tensor("w", [4, 2, 3, 3], FLOAT, weights), *batch], more=infos))


def branches():
    inner = graph([node("Add", ["x", "k"], ["t1"]), node("Identity", ["t1"], ["t2"])], outputs=[info("t2")], initializers=[floats("k", 1, 2)], name="then")
    other = graph([node("Neg", ["late"], ["e1"])], outputs=[info("e1")], name="else")
    body = graph([node("Identity", ["go"], ["on"]), node("Add", ["v", "x"], ["v2"]), node("If", ["go"], ["u"], a_graph("then_branch", inner), a_graph("else_branch", other))],
                 [info("i", INT64, []), info("go", BOOL, []), info("v")], [info("on", BOOL, []), info("v2"), info("u")], name="body")
    nodes = [node("Loop", ["n", "c", "x"], ["last", "all"], a_graph("body", body), name="loop"), node("Neg", ["x"], ["late"]),
             node("If", ["c"], ["y"], a_graph("then_branch", graph([], outputs=[info("last")])), a_graph("else_branch", other.replace(b"e1", b"e2")))]
    constants = [tensor("n", [], INT64, struct.pack("<q", 3)), tensor("c", [], BOOL, b"\x01")]
    return model(graph(nodes, IN, OUT, constants))


def functions():
    inside = [node("LeakyRelu", ["a"], ["t"], a_reference("alpha", A_FLOAT, "slope")), node("g", ["t"], ["b"], domain="local")]
    local = [function("f", ["a"], ["b"], inside, attributes=["slope"], defaults=[a_int("unused", 1)]),
             function("g", ["a"], ["b"], [node("Identity", ["a"], ["b"])]),
             function("g", ["a"], ["b"], [node("Identity", ["a"], ["i"]), node("Neg", ["i"], ["b"])], overload="other"),
             function("never", [], ["b"], [node("Constant", [], ["b"], a_tensor("value", floats("", 1, 2)))])]
    nodes = [node("f", ["x"], ["p"], a_float("slope", 0.5), domain="local"), node("g", ["p"], ["q"], domain="local", more=run(8, "other")),
             node("Mystery", ["q", ""], ["y", ""], a_text("how", "so"), domain="com.example")]
    return plain(nodes, opsets=(opset(), opset(1, "local"), opset(1, "com.example")), more=each(25, local))


def unknown(where):
    return run(1000, "UNKNOWN-" + where)


def packed(field, numbers):
    return run(field, b"".join(varint(n) for n in numbers))


def everything():
    typed = [tensor("i32", [40], INT32, more=packed(5, range(40))), tensor("i64", [3], INT64, more=packed(7, [1, -2, 3])),
             tensor("f64", [9], DOUBLE, more=run(10, struct.pack("<9d", *range(9)))), tensor("u64", [2], UINT64, more=packed(11, [1, 1 << 63])),
             tensor("f32", [20], FLOAT, more=run(4, struct.pack("<20f", *range(20)))), tensor("half", [2], FLOAT16, more=packed(5, [0x3C00, 0x4000])),
             tensor("text", [2], STRING, more=run(6, "a") + run(6, b"\xff\x00")), tensor("part", [2], FLOAT, bytes(8), more=run(3, num(1, 0) + num(2, 2))),
             tensor("marked", [2], FLOAT, bytes(8), more=unknown("tensor") + run(16, prop("m", "n")) + run(12, "doc")), external("far", [2], "far.bin")]
    sparse = run(1, tensor("s", [2], FLOAT, struct.pack("<2f", 1, 2))) + run(2, tensor("", [2], INT64, struct.pack("<2q", 1, 5))) + num(3, 8)
    note = run(1, "y") + run(2, prop("SCALE_TENSOR", "f32")) + unknown("annotation")
    device = run(1, "cfg") + run(2, run(1, "x") + num(2, 0) + run(4, num(1, 0) + run(2, num(1, 2) + num(3, 2)))) + num(3, 1)
    kinds = [run(4, run(1, tensor_type(FLOAT, ["n"]))), run(5, num(1, INT64) + run(2, tensor_type(STRING, []))), run(9, run(1, run(4, run(1, tensor_type(FLOAT, []))))),
             run(8, num(1, FLOAT) + run(2, b"")), run(7, run(1, "d") + run(2, "o")), run(6, "BATCH")]
    inputs = [info("x"), *(run(1, f"in{i}") + run(2, kind) for i, kind in enumerate(kinds))]
    nodes = [node("Add", ["x", "x"], ["a"], name="add", more=run(6, "doc") + run(9, prop("k", "v")) + run(10, device) + unknown("node")),
             node("Odd", ["a"], ["y"], attr("o", 3, num(3, 1)), run(1, "no_type") + num(3, 5), a_text("s", b"\x00\xff"), attr("l", 7, b""), a_int("u", 1) + unknown("attribute"), domain="d")]
    more = run(13, info("a") + unknown("info")) + run(14, note) + run(15, sparse) + unknown("graph")
    training = run(1, graph([node("Constant", [], ["z"], a_tensor("value", floats("", 1, 2)))], outputs=[info("z")], name="init")) + run(3, prop("f32", "z")) + unknown("training")
    tail = run(2, "producer") + run(3, "1") + run(4, "dom") + num(5, 7) + run(6, "doc") + run(14, prop("a", "b")) + run(14, run(1, "no value"))
    tail += run(20, training) + run(26, run(1, "cfg") + num(2, 2) + run(3, "gpu")) + unknown("model")
    return model(graph(nodes, inputs, OUT, typed, more=more), ir_version=11, opsets=(opset(21), opset(1, "d")), more=tail)


def repeated():
    def constant(name, *numbers):
        return node("Constant", [], [name], a_tensor("value", floats("", *numbers)))
    nodes = [constant("a", 1, 2), constant("b", 1, 2), node("Mul", ["x", "a"], ["m1"]), node("Mul", ["b", "x"], ["m2"]), node("Add", ["m1", "i1"], ["s1"]),
             node("Add", ["m2", "i2"], ["s2"]), node("Identity", ["s1"], ["j"]), node("Identity", ["s2"], ["z"]), node("Sub", ["j", "s2"], ["y"]), node("Neg", ["y"], ["dead"]),
             node("RandomNormalLike", ["x"], ["r1"]), node("RandomNormalLike", ["x"], ["r2"]), node("Add", ["r1", "r2"], ["w"])]
    return plain(nodes, [floats("i1", *range(32)), floats("i2", *range(32))], [info("y"), info("z"), info("w")])


GOOD = (conv_bn, branches, functions, everything, repeated)


# ---- bad ----
def nested(depth, innermost=node("Neg", ["x"], ["y"]), name=lambda i: ""):
    content = graph([innermost], outputs=OUT)
    for i in range(depth):
        around = node("If", ["x"], ["y"], a_graph("then_branch", content), name=name(i))
        content = graph([around], IN if i + 1 == depth else (), OUT)
    return model(content)


def nested_type(depth):
    kind = tensor_type(FLOAT, [])
    for _ in range(depth):
        kind = run(4, run(1, kind))
    return kind


def call(name):
    return node(name, ["x"], ["y"], domain="local")


def with_functions(*local):
    return plain([call("f")], opsets=(opset(), opset(1, "local")), more=each(25, local))


def init(content, nodes=(node("Add", ["x", "w"], ["y"]),)):
    return plain(nodes, [content])


def in_node(content):
    return plain([node("Relu", ["x"], ["y"], content)])


def bad_structure():
    subgraph = graph([node("Neg", ["y"], ["t"])], outputs=[info("t")])
    yield "cycle", "load-cycle", plain([node("Add", ["x", "y"], ["a"]), node("Neg", ["a"], ["y"])])
    yield "cycle_of_one", "load-cycle", plain([node("Neg", ["y"], ["y"])])
    yield "cycle_through_subgraph", "load-cycle", plain([node("If", ["x"], ["y"], a_graph("then_branch", subgraph))])
    yield "duplicate_output", "load-duplicate-name", plain([RELU, RELU])
    yield "duplicate_in_one_node", "load-duplicate-name", plain([node("Split", ["x"], ["y", "y"])])
    yield "duplicate_input", "load-duplicate-name", model(graph([RELU], IN * 2, OUT))
    yield "duplicate_initializer", "load-duplicate-name", plain([RELU], [floats("w", 1), floats("w", 1)])
    yield "duplicate_of_input", "load-duplicate-name", plain([node("Neg", ["x"], ["x"])])
    yield "missing_input", "load-unknown-value", plain([node("Relu", ["nowhere"], ["y"])])
    yield "missing_output", "load-unknown-value", plain([node("Relu", ["x"], ["z"])])
    yield "inner_name_outside", "load-unknown-value", plain([node("If", ["x"], ["y"], a_graph("then_branch", subgraph)), node("Neg", ["t"], ["z"])])
    yield "empty_names", "load-no-name", model(graph([RELU], [info("")], OUT))
    yield "nameless_initializer", "load-no-name", plain([RELU], [floats("", 1)])
    yield "nameless_attribute", "load-no-name", in_node(a_int("", 1))
    yield "no_operator", "load-no-operator", plain([node("", ["x"], ["y"])])
    yield "nul_in_operator", "load-malformed", plain([node("Relu\0x", ["x"], ["y"])])
    yield "nul_in_domain", "load-malformed", plain([node("Relu", ["x"], ["y"], domain="\0")])
    yield "no_graph", "load-no-graph", num(1, 8) + run(8, opset())
    yield "two_graphs", "load-no-graph", plain() + run(7, graph([RELU], IN, OUT))
    yield "recursion", "load-recursion", with_functions(function("f", ["x"], ["y"], [call("f")]))
    yield "recursion_of_three", "load-recursion", with_functions(*(function(a, ["x"], ["y"], [call(b)]) for a, b in ("fg", "gh", "hf")))
    yield "recursion_in_subgraph", "load-recursion", with_functions(
        function("f", ["x"], ["y"], [node("If", ["x"], ["y"], a_graph("then_branch", graph([node("f", ["x"], ["t"], domain="local")], outputs=[info("t")])))]))
    yield "duplicate_function", "load-duplicate-name", with_functions(*[function("f", ["x"], ["y"], [RELU])] * 2)
    yield "function_without_output", "load-unknown-value", with_functions(function("f", ["x"], ["y"], []))
    yield "function_captures", "load-unknown-value", plain([RELU, node("f", ["x"], ["z"], domain="local")], more=run(25, function("f", ["a"], ["b"], [node("Neg", ["x"], ["b"])])))


def bad_sizes():
    yield "dims_overflow", "load-tensor-dims", init(tensor("w", [1 << 62, 4]))
    yield "dims_overflow_slowly", "load-tensor-dims", init(tensor("w", [3] * 60))
    yield "dims_negative", "load-tensor-dims", init(tensor("w", [-1]))
    yield "dims_negative_with_zero", "load-tensor-dims", init(tensor("w", [0, -5]))
    yield "quadrillion", "load-tensor-size", init(tensor("w", [10**15], FLOAT, bytes(100)))
    yield "quadrillion_of_nothing", "load-tensor-size", init(tensor("w", [10**15]))
    yield "raw_too_short", "load-tensor-size", init(tensor("w", [100], FLOAT, bytes(399)))
    yield "raw_too_long", "load-tensor-size", init(tensor("w", [1], FLOAT, bytes(100)))
    yield "half_a_float", "load-malformed", init(tensor("w", [1], FLOAT, more=run(4, bytes(6))))
    yield "half_a_float_cut", "load-tensor-size", init(tensor("w", [1], INT32, more=run(4, bytes(66))))
    yield "endless_number", "load-tensor-size", init(tensor("w", [64], INT64, more=run(7, bytes(64) + b"\x80")))
    yield "data_twice", "load-tensor-data", init(tensor("w", [2], FLOAT, bytes(8), more=packed(7, [1, 2])))
    yield "cut_data_twice", "load-tensor-data", init(tensor("w", [32], FLOAT, bytes(128), more=run(4, bytes(128)[:4])))
    yield "in_attribute", "load-tensor-size", in_node(a_tensor("value", tensor("", [5], FLOAT, bytes(80))))
    yield "in_sparse", "load-tensor-size", plain(inside=run(15, run(1, tensor("s", [9], FLOAT, bytes(80))) + num(3, 8)))
    yield "nested_10000", "load-malformed", nested(10000)
    yield "nested_90", "load-malformed", nested(90)
    yield "type_10000", "load-malformed", model(graph([RELU], [*IN, run(1, "t") + run(2, nested_type(10000))], OUT))
    yield "opsets", "load-too-large", plain(opsets=[opset()] * 1001)


def bad_bytes():
    whole = plain([RELU], [floats("w", *range(40))])
    yield "longer_than_file", "load-malformed", num(1, 8) + tag(7, BYTES) + varint(1 << 40) + b"abc"
    yield "longest", "load-malformed", num(1, 8) + tag(7, BYTES) + varint((1 << 64) - 1)
    yield "inner_longer_than_outer", "load-malformed", num(1, 8) + run(7, tag(1, BYTES) + varint(100) + RELU) + run(8, opset())
    yield "number_of_11_bytes", "load-malformed", tag(1, NUMBER) + b"\xff" * 10 + b"\x01"
    yield "tag_0", "load-malformed", b"\x00\x00" + whole
    yield "group", "load-malformed", tag(1000, 3) + whole
    yield "field_too_large", "load-malformed", varint(1 << 35) + b"\x00" + whole
    yield "cut_in_half", "load-malformed", whole[: len(whole) // 2]
    yield "wrong_wire_graph", "load-malformed", num(7, 5)
    yield "wrong_wire_version", "load-malformed", run(1, "eight") + run(7, graph([RELU], IN, OUT))
    yield "wrong_wire_node", "load-malformed", plain([num(1, 5) + RELU])
    yield "wrong_wire_deep", "load-malformed", in_node(attr("a", A_GRAPH, run(6, run(1, num(4, 1)))))
    yield "wrong_wire_heavy", "load-malformed", init(tensor("w", [40], FLOAT, bytes(160), more=num(12, 5)))
    yield "graph_in_list", "load-malformed", plain(inside=num(1, 5))
    yield "attribute_twice_graph", "load-malformed", in_node(a_graph("g", graph([])) + run(6, graph([])))
    yield "reserved_field", "load-malformed", init(tensor("w", [1], FLOAT, bytes(4), more=num(19999, 1)))
    yield "reserved_field_first", "load-malformed", init(num(19999, 1) + tensor("w", [40], FLOAT, bytes(160)))
    yield "reserved_field_inside", "load-malformed", in_node(a_tensor("t", num(19999, 7) + floats("", 1)))
    yield "reserved_field_sparse", "load-malformed", plain(inside=run(15, run(1, num(19999, 1) + floats("s", 1)) + num(3, 8)))
    yield "tensor_and_graph", "load-attribute", in_node(attr("a", A_TENSOR, run(5, floats("", 1)) + run(6, graph([]))))
    yield "wrong_kind", "load-attribute", in_node(attr("a", A_INT, run(5, floats("", 1))))
    yield "unknown_kind", "load-attribute", in_node(attr("a", 77, run(6, graph([]))))
    yield "text", "load-malformed", b"This is not a model, it is a sentence.\n"
    yield "html", "text-syntax", b"<!DOCTYPE html><html></html>\n"
    yield "pickle", "load-malformed", b"\x80\x02}q\x00."
    yield "zip", "load-malformed", b"PK\x03\x04" + bytes(30)
    yield "zeros", "load-malformed", bytes(1000)
    yield "ones", "load-malformed", b"\xff" * 1000
    yield "empty", "load-empty", b""


def bad_external():
    for name, location in {"absolute": "/etc/hostname", "parent": "../outside.bin", "middle": "sub/../../outside.bin", "backslash": "..\\outside.bin",
                           "empty": "", "link_out": "link_out.bin", "link_folder": "link_folder/hostname", "nul": "inside.bin\0x", "pipe": "pipe",
                           "folder_itself": ".", "dots": "..", "device": "/dev/zero"}.items():
        yield "external_" + name, "load-external-path", init(external("w", [2], location))
    yield "external_directory", "load-external-path", init(external("w", [2], "sub"))
    yield "external_short", "load-external-range", init(external("w", [2000], "inside.bin"))
    yield "external_offset", "load-external-range", init(external("w", [2], "inside.bin", offset=1 << 62))
    yield "external_offset_wraps", "load-external-range", init(external("w", [2], "inside.bin", offset=(1 << 64) - 4))
    yield "external_no_number", "load-external-range", init(external("w", [2], "inside.bin", offset="0x10"))
    yield "external_negative", "load-external-range", init(external("w", [2], "inside.bin", offset=-8))
    yield "external_length", "load-tensor-size", init(external("w", [2], "inside.bin", length=9))
    yield "external_and_inside", "load-tensor-data", init(external("w", [2], "inside.bin") + run(9, bytes(8)))
    yield "external_in_attribute", "load-external-path", in_node(a_tensor("value", external("", [2], "../outside.bin")))


# Accepted, though odd: exit code 0.
def odd():
    yield "external_inside", init(external("w", [2], "inside.bin"))
    yield "external_link_inside", init(external("w", [2], "link_inside.bin"))
    yield "external_missing", init(external("w", [2], "gone.bin"))
    yield "external_missing_huge", plain([node("Conv", ["x", "w"], ["c"]), node("BatchNormalization", ["c", "v", "v", "v", "v"], ["y"])],
                                         [external("w", [10**12, 1, 1], "gone.bin"), external("v", [10**12], "gone.bin")])
    yield "nested_80", nested(80)
    yield "unknown_fields", everything()
    yield "field_19999_of_node", plain([RELU + run(19999, "UNKNOWN-reserved")])
    yield "backwards", plain([node("Neg", [f"v{i + 1}"], [f"v{i}" if i else "y"]) for i in range(999)] + [node("Neg", ["x"], ["v999"])])


# ---- large ----
def chain(n, op):
    return [op(i, "x" if i == 0 else f"v{i - 1}", f"v{i}" if i + 1 < n else "y") for i in range(n)]


def large():
    n = 100000
    yield "operators", plain(chain(n, lambda i, a, b: node(f"Op{i}", [a], [b], domain="d")))
    yield "domains", plain(chain(n, lambda i, a, b: node("Op", [a], [b], domain=f"d{i}")))
    yield "overloads", plain(chain(n, lambda i, a, b: node("f", [a], [b], domain="local", more=run(8, str(i)))),
                             more=each(25, (function("f", ["a"], ["b"], [node("Neg", ["a"], ["b"])], overload=str(i)) for i in range(n))))
    yield "calls_in_a_row", with_functions(function("f", ["x"], ["y"], [call("f0")]), *(function(f"f{i}", ["x"], ["y"], [call(f"f{i + 1}")]) for i in range(n)),
                                           function(f"f{n}", ["x"], ["y"], [RELU]))
    inner = graph([node("Neg", ["t"], ["u"]), node("Neg", ["x"], ["t"])], outputs=[info("u")])
    yield "unsorted_branches", plain(chain(n, lambda i, a, b: node("If", [a], [b], a_graph("then_branch", inner))))
    yield "outputs", plain([node("Neg", ["x"], [f"n{i}"]) for i in range(n)] + [node("Identity", [f"n{i}"], [f"y{i}"]) for i in range(n)], outputs=[info(f"y{i}") for i in range(n)])
    yield "backwards", plain(chain(n, lambda i, a, b: node("Neg", [a], [b]))[::-1])
    yield "one_value", plain([node("Concat", ["x"] * (10 * n), ["y"], a_int("axis", 0))])
    yield "one_name", plain([RELU], [floats("w", 1)] * (10 * n))
    yield "opsets", plain(opsets=[opset()] * (10 * n))
    yield "attributes", plain([node("Relu", ["x"], ["y"], *(a_int(f"a{i}", i) for i in range(10 * n)))])
    yield "equal_samples", plain([node("Sum", ["x"] + [f"w{i}" for i in range(5000)], ["y"])],
                                 [tensor(f"w{i}", [3000], FLOAT, bytes(6000) + struct.pack("<i", i) + bytes(5996)) for i in range(5000)])
    yield "absent_data", plain([node("Sum", ["x"] + [f"w{i}" for i in range(n // 5)], ["y"])], [external(f"w{i}", [4], "gone.bin") for i in range(n // 5)])
    yield "long_names_deep", nested(75, node("Neg", ["nowhere"], ["y"]), name=lambda i: chr(97 + i % 26) * 1000000)
    yield "heavy_and_deep", nested(75, node("Constant", [], ["y"], a_tensor("value", floats("", *range(100))), a_text("s", bytes(30 << 20))))
    many = [node("Neg", ["a"], ["v0"]), *(node("Neg", [f"v{i}"], [f"v{i + 1}"]) for i in range(2 * n)), node("Neg", ["v1"], ["b"])]
    yield "large_function", plain([node("f", ["x"], [f"y{i}"], domain="local") for i in range(n)] + [RELU], opsets=(opset(), opset(1, "local")), more=run(25, function("f", ["a"], ["b"], many)))
    letters = [a_int(f"a{i}", i) for i in range(n)]
    yield "attributes_reversed", plain([node("Relu", ["x"], ["y"], *letters), node("Relu", ["x"], ["z"], *letters[::-1])])
    yield "inputs", model(graph([node("Sum", [f"x{i}" for i in range(n)], ["y"])], [info(f"x{i}") for i in range(n)], OUT))


def write(folder, name, content):
    with open(os.path.join(folder, name + ".onnx"), "wb") as file:
        file.write(content)


def main():
    root = sys.argv[1]
    folders = {kind: os.path.join(root, kind) for kind in ("good", "bad", "odd", "large")}
    for folder in folders.values():
        os.makedirs(folder, exist_ok=True)
    for make in GOOD:
        write(folders["good"], make.__name__, make())
    with open(os.path.join(folders["bad"], "cases"), "w", encoding="utf-8") as cases:
        for group in (bad_structure, bad_sizes, bad_bytes, bad_external):
            for name, code, content in group():
                write(folders["bad"], name, content)
                print(name, code, file=cases)
    for name, content in odd():
        write(folders["odd"], name, content)
    if "--large" in sys.argv:
        for name, content in large():
            write(folders["large"], name, content)


if __name__ == "__main__":
    main()
