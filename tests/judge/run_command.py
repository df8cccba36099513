#!/usr/bin/env python3
"""Judge: what `onnxopt run` reads and writes, seen by numpy and onnx.

usage: run_command.py CASES
CASES is the folder that dump_node_tests.py wrote. Arrays of every type, rank and order go through an Identity as .npy; types that NumPy has not
go through as messages and come out widened; outputs of node tests are written as the message that their type asks for.
"""
import pathlib
import shutil
import sys

import numpy
import onnx
from onnx import TensorProto as T, helper, numpy_helper

import judge_lib

TYPES = {T.FLOAT: "f4", T.DOUBLE: "f8", T.FLOAT16: "f2", T.INT8: "i1", T.INT16: "i2", T.INT32: "i4", T.INT64: "i8", T.UINT8: "u1", T.UINT16: "u2",
         T.UINT32: "u4", T.UINT64: "u8", T.BOOL: "?", T.COMPLEX64: "c8", T.COMPLEX128: "c16"}
WIDENED = {T.BFLOAT16: "f4", T.FLOAT8E4M3FN: "f4", T.FLOAT8E4M3FNUZ: "f4", T.FLOAT8E5M2: "f4", T.FLOAT8E5M2FNUZ: "f4", T.FLOAT4E2M1: "f4",
           T.INT4: "i1", T.UINT4: "u1", T.INT2: "i1", T.UINT2: "u1"}
SHAPES = [(), (1,), (5,), (2, 3), (3, 1, 4), (0, 2), (2, 3, 4, 5)]
CASES = ["test_identity_sequence", "test_identity_opt", "test_split_to_sequence_1", "test_sequence_insert_at_back", "test_optional_get_element_sequence",
         "test_optional_has_element_empty_optional_input", "test_add", "test_string_concat"]


def identity(path, elem):
    value = helper.make_tensor_value_info("x", elem, None), helper.make_tensor_value_info("y", elem, None)
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value[0]], [value[1]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)]), path)


def npy_round(out, elem, code, shape, order, version):
    array = numpy.random.default_rng(len(shape)).integers(0, 2 if code == "?" else 100, size=shape).astype(code)
    given = numpy.asfortranarray(array) if order == "F" else array
    with open(out / "in.npy", "wb") as file:
        numpy.lib.format.write_array(file, given, version=version)
    identity(out / "m.onnx", elem)
    failure = judge_lib.onnxopt("run", "-q", out / "m.onnx", "--input", f"x={out / 'in.npy'}", "-o", out, "--npy")
    if failure:
        return failure
    got = numpy.load(out / "output_0.npy")
    return None if got.dtype == array.dtype and got.shape == array.shape and (got == array).all() else f"{got.dtype}{got.shape} came out"


def widened(out, elem, code):
    array = numpy.arange(-2 if code != "u1" else 0, 2).astype(helper.tensor_dtype_to_np_dtype(elem))
    (out / "in.pb").write_bytes(numpy_helper.from_array(array).SerializeToString())
    identity(out / "m.onnx", elem)
    for given in ("in.pb", "again.npy"):
        failure = judge_lib.onnxopt("run", "-q", out / "m.onnx", "--input", f"x={out / given}", "-o", out, "--npy")
        if failure:
            return failure
        got = numpy.load(out / "output_0.npy")
        if got.dtype != numpy.dtype(code) or (got != array.astype(code)).any():
            return f"{got} came out of {array}"
        shutil.copy(out / "output_0.npy", out / "again.npy")
    return None


def load(path, kind):
    message = {"sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}.get(kind, T)()
    message.ParseFromString(path.read_bytes())
    return message


def plain(message):
    if isinstance(message, onnx.SequenceProto):
        return [plain(v) for v in [*message.tensor_values, *message.sequence_values]]
    if isinstance(message, onnx.OptionalProto):
        fields = [f for f, _ in message.ListFields() if f.message_type is not None]
        return plain(getattr(message, fields[0].name)) if fields else None
    array = numpy_helper.to_array(message)
    return array.dtype.name, array.shape, array.tolist()


def case(out, folder):
    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"
    failure = judge_lib.onnxopt("run", "-q", folder / "model.onnx", "--test-data", data, "-o", out)
    if failure:
        return failure
    for k, info in enumerate(model.graph.output):
        kind = info.type.WhichOneof("value")
        got, want = load(out / f"output_{k}.pb", kind), load(data / f"output_{k}.pb", kind)
        if plain(got) != plain(want):
            return f"output {k}: {plain(got)} instead of {plain(want)}"
        if kind != "tensor_type" and got.elem_type != want.elem_type:
            return f"output {k}: elem_type {got.elem_type} instead of {want.elem_type}"
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cases = pathlib.Path(sys.argv[1]) / "node"
    out = judge_lib.scratch("run-command")
    jobs = [(f"{code}{list(shape)} {order}", npy_round, (elem, code, shape, order, (1, 0))) for elem, code in TYPES.items() for shape in SHAPES
            for order in ("CF" if shape else "C")]
    jobs += [(f"version {version}", npy_round, (T.FLOAT, "f4", (2, 3), "C", (version, 0))) for version in (2, 3)]
    jobs += [(T.DataType.Name(elem), widened, (elem, code)) for elem, code in WIDENED.items()]
    jobs += [(name, case, (cases / name,)) for name in CASES]
    bad = 0
    for name, job, args in jobs:
        found = job(out, *args)
        if found:
            print(f"{name}: {found}")
            bad += 1
    print(f"run: {len(jobs) - bad} of {len(jobs)} ok")
    if not bad:
        shutil.rmtree(out)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
