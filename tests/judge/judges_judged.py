#!/usr/bin/env python3
"""The judges themselves are judged: each must accept what is the same and name what is not.

usage: judges_judged.py
Needs no onnxopt: the rewrites, good and bad, are made here with PyPI's onnx.
"""
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import adversarial
import compare
import judge_lib
import same_message

FAILED = []


def expect(what, true):
    print(f"{'ok' if true else 'WRONG'}: {what}")
    if not true:
        FAILED.append(what)


def base_model():
    """y = Relu(x W + b), s = a sequence of y, with a public integer output as well."""
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(4, 3) / 7, "W")
    bias = helper.make_tensor("b", TensorProto.FLOAT, [3], [0.5, float("nan"), -1.0])
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["m"], name="mm"),
        helper.make_node("Add", ["m", "W0"], ["a"]),
        helper.make_node("Relu", ["a"], ["y"]),
        helper.make_node("Shape", ["y"], ["n"]),
        helper.make_node("SequenceConstruct", ["y", "m"], ["s"]),
    ]
    nodes[2].doc_string = ""  # present, though empty
    row = numpy_helper.from_array(np.ones(3, np.float32), "W0")
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3]),
         helper.make_tensor_value_info("n", TensorProto.INT64, [2]),
         helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)], [weight, bias, row])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.metadata_props.add(key="k", value="v")
    return model


def judge_messages(folder):
    a = folder / "a.onnx"
    onnx.save(base_model(), a)

    def judged(name, change, raw=None):
        model = base_model()
        change(model)
        b = folder / "b.onnx"
        b.write_bytes(model.SerializeToString() + (raw or b""))
        found = same_message.difference(a, b)
        expect(f"same_message: {name}: {found}", (found is None) == (name == "a copy"))

    judged("a copy", lambda m: None)
    judged("a renamed node", lambda m: setattr(m.graph.node[0], "name", "other"))
    judged("one bit of a weight", lambda m: setattr(m.graph.initializer[0], "raw_data",
                                                      b"\1" + m.graph.initializer[0].raw_data[1:]))
    judged("a value in float_data", lambda m: m.graph.initializer[1].float_data.__setitem__(0, 0.25))
    judged("a present empty string made absent", lambda m: m.graph.node[2].ClearField("doc_string"))
    judged("a dropped initializer", lambda m: m.graph.initializer.pop())
    judged("nodes in another order", lambda m: m.graph.node.insert(0, m.graph.node.pop(1)))
    judged("metadata", lambda m: m.metadata_props.pop())
    judged("an unknown field", lambda m: None, raw=bytes([0xC2, 0x3E, 3]) + b"abc")  # field 1000, three bytes


def judge_external(folder):
    big = numpy_helper.from_array(np.arange(4096, dtype=np.float32), "W")
    graph = helper.make_graph([helper.make_node("Identity", ["W"], ["y"])], "g", [],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4096])], [big])
    for name in ("p", "q"):
        (folder / name).mkdir()
        onnx.save_model(helper.make_model(graph), folder / name / "m.onnx", save_as_external_data=True, location="w.bin",
                        size_threshold=16)
    p, q = folder / "p/m.onnx", folder / "q/m.onnx"
    expect("same_message: equal external data", same_message.difference(p, q) is None)
    data = bytearray((folder / "q/w.bin").read_bytes())
    data[5000] ^= 1
    (folder / "q/w.bin").write_bytes(data)
    expect("same_message: one bit of external data", same_message.difference(p, q) is not None)


def judge_functions(folder):
    a = folder / "a.onnx"
    onnx.save(base_model(), a)

    def judged(name, change, dims=None, same=False):
        model = base_model()
        change(model)
        b = folder / "b.onnx"
        onnx.save(model, b)
        try:
            verdict = compare.compare(a, b, dims=dims, seeds=2)[0]
        except Exception as error:
            verdict = "invalid: " + judge_lib.last_line(error)
        expect(f"compare: {name}: {verdict}", (verdict == "ok") == same)

    def add_on_the_other_side(model):
        add = model.graph.node[1]
        add.input[:] = [add.input[1], add.input[0]]

    def batch_of_two_only(model):
        model.graph.initializer.append(numpy_helper.from_array(np.array([2, 3], np.int64), "two"))
        relu = model.graph.node[2]
        relu.op_type, relu.input[:] = "Reshape", ["r", "two"]
        model.graph.node.insert(2, helper.make_node("Relu", ["a"], ["r"]))

    judged("operands swapped", add_on_the_other_side, same=True)
    judged("another operator", lambda m: setattr(m.graph.node[2], "op_type", "Sigmoid"))
    judged("outputs in another order", lambda m: m.graph.output.insert(0, m.graph.output.pop(1)))
    judged("a missing producer", lambda m: m.graph.node.pop(0))
    judged("a specialised batch, seen at size 2", batch_of_two_only, same=True)
    judged("a specialised batch, seen at sizes 1 to 3", batch_of_two_only, dims={"batch": [1, 2, 3]})
    judged("a sequence in another order", lambda m: m.graph.node[4].input.__setitem__(slice(0, 2), ["m", "y"]))

    expect("interface: a copy", judge_lib.interface_change(base_model(), base_model()) is None)
    for name, change in (("an input", lambda m: setattr(m.graph.input[0], "name", "z")),
                         ("an output's shape", lambda m: m.graph.output[0].type.tensor_type.ClearField("shape")),
                         ("metadata", lambda m: m.metadata_props.pop()),
                         ("the opset", lambda m: setattr(m.opset_import[0], "version", 18))):
        model = base_model()
        change(model)
        expect(f"interface: {name}", judge_lib.interface_change(base_model(), model) is not None)


def judge_adversarial(folder):
    """Three wrong rewrites that released optimizers made must be seen."""
    cases = {c.name: c for c in adversarial.unpack(folder)}
    expect("adversarial: 74 cases", len(cases) == 74)

    def rewritten(name, change):
        model = onnx.load(cases[name] / "model.onnx")
        change(model)
        onnx.save(model, folder / "c.onnx")
        original = onnx.load(cases[name] / "model.onnx")
        return judge_lib.interface_change(original, model) or adversarial.outputs_differ(cases[name], folder / "c.onnx", original)

    expect("adversarial: an untouched model", rewritten("int-div-mul", lambda m: None) is None)

    def to_identity(model):
        """x / c * c is not x for integers."""
        last = model.graph.node[-1]
        last.op_type, last.input[:] = "Identity", [model.graph.input[0].name]
    expect("adversarial: int-div-mul made an Identity", rewritten("int-div-mul", to_identity) is not None)

    def one_zero(model):
        """0 and -0 are equal and not the same."""
        tensors = model.graph.initializer
        first = numpy_helper.to_array(tensors[0])
        tensors[1].CopyFrom(numpy_helper.from_array(first, tensors[1].name))
    expect("adversarial: dedupe-negzero with one zero", rewritten("dedupe-negzero", one_zero) is not None)


def judge_command_line(folder):
    """Exit codes: what ctest sees."""
    a, b = folder / "a.onnx", folder / "b.onnx"
    onnx.save(base_model(), a)
    other = base_model()
    other.graph.node[2].op_type = "Sigmoid"
    onnx.save(other, b)
    (folder / "empty.onnx").write_bytes(b"\xff")
    here = judge_lib.ROOT / "tests/judge"
    for script in ("compare.py", "same_message.py"):
        for second, code in ((a, 0), (b, 1), (folder / "empty.onnx", 1)):
            run = subprocess.run([sys.executable, here / script, a, second], stdout=subprocess.PIPE, check=False)
            expect(f"{script} {second.name} exits {code}", run.returncode == code)


def main():
    folder = judge_lib.scratch("judges")
    for judge in (judge_messages, judge_external, judge_functions, judge_adversarial, judge_command_line):
        judge(folder)
    print(f"judges: {len(FAILED)} wrong")
    shutil.rmtree(folder)
    sys.exit(bool(FAILED))


if __name__ == "__main__":
    main()
