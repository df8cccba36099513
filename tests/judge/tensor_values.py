"""Decoding of tensor data against onnx.numpy_helper: every element type in every field that ONNX allows for it.

usage: python tensor_values.py TEST_TENSOR     the unit test program, which prints the initializers of a model with --dump
"""
import math
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from judge_lib import scratch

# Where each type may live besides raw_data, and how many bits an element takes there.
FIELDS = {
    "float_data": ["FLOAT", "COMPLEX64"],
    "double_data": ["DOUBLE", "COMPLEX128"],
    "int64_data": ["INT64"],
    "uint64_data": ["UINT32", "UINT64"],
    "int32_data": ["INT32", "INT16", "INT8", "UINT16", "UINT8", "BOOL", "FLOAT16", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ",
                   "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4", "INT4", "FLOAT4E2M1", "FLOAT8E8M0", "UINT2", "INT2",
                   "FLOAT6E2M3", "FLOAT6E3M2"],
}
SMALL = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2, "INT2": 2, "FLOAT6E2M3": 6, "FLOAT6E3M2": 6}
ALSO = {"float_data": np.float32, "double_data": np.float64, "int64_data": np.int64}
SHAPES = [(), (1,), (7,), (3, 5), (0, 4), (2, 0), (64, 33)]


def packed(array, name):
    """raw_data of an array, made here: onnx's own packing is not asked."""
    bits = SMALL.get(name)
    if not bits:
        return array.astype(array.dtype.newbyteorder("<")).tobytes() if array.dtype.kind in "iufcb" else array.tobytes()
    codes = array.view(np.uint8).ravel() & ((1 << bits) - 1)
    stream = sum(int(code) << (bits * k) for k, code in enumerate(codes))
    return stream.to_bytes((bits * len(codes) + 7) // 8, "little")


def codes_of(raw, count, bits):
    stream = int.from_bytes(raw, "little")
    return [stream >> (bits * k) & ((1 << bits) - 1) for k in range(count)]


def random_raw(rng, name, count):
    if name == "BOOL":
        return rng.integers(0, 2, count, dtype=np.uint8).tobytes()
    bits = SMALL.get(name) or helper.tensor_dtype_to_np_dtype(getattr(TensorProto, name)).itemsize * 8
    raw = bytearray(rng.bytes((count * bits + 7) // 8))
    if raw and count * bits % 8:
        raw[-1] &= (1 << (count * bits % 8)) - 1  # nothing behind the last element
    return bytes(raw)


def in_field(name, shape, field, raw):
    tensor = TensorProto(data_type=getattr(TensorProto, name), dims=shape)
    if field == "raw_data":
        tensor.raw_data = raw
    elif field in ALSO:
        getattr(tensor, field).extend(np.frombuffer(raw, ALSO[field]).tolist())
    elif field == "uint64_data":
        tensor.uint64_data.extend(np.frombuffer(raw, np.uint32 if name == "UINT32" else np.uint64).tolist())
    elif name.startswith("FLOAT6"):
        tensor.int32_data.extend(codes_of(raw, math.prod(shape), 6))
    else:
        width = {"INT32": np.int32, "INT16": np.int16, "INT8": np.int8, "UINT16": np.uint16, "FLOAT16": np.uint16,
                 "BFLOAT16": np.uint16}.get(name, np.uint8)
        tensor.int32_data.extend(np.frombuffer(raw, width).tolist())
    return tensor


def build():
    rng = np.random.default_rng(1)
    tensors, skipped = [], set()
    names = sorted({name for field in FIELDS.values() for name in field})
    for name in names:
        for shape in SHAPES:
            raw = random_raw(rng, name, math.prod(shape))
            for field in ["raw_data"] + [f for f, known in FIELDS.items() if name in known]:
                tensor = in_field(name, shape, field, raw)
                tensor.name = f"{name}.{field}.{'x'.join(map(str, shape))}"
                try:
                    numpy_helper.to_array(tensor)
                except (TypeError, ValueError, KeyError):  # what this numpy_helper does not know
                    skipped.add(f"{name}.{field}")
                    continue
                tensors.append(tensor)
    strings = TensorProto(data_type=TensorProto.STRING, dims=[3], name="STRING.string_data.3")
    strings.string_data.extend([b"", b"a\0b", "\u20ac".encode()])
    return tensors + [strings], skipped


def number(value):
    return math.nan if "nan" in value else float.fromhex(value)


def differs(tensor, elem, dims, raw, numbers):
    name = TensorProto.DataType.Name(tensor.data_type)
    if int(elem) != tensor.data_type or [int(d) for d in dims.split(",") if d] != list(tensor.dims):
        return f"type {elem}, dimensions {dims}"
    if name == "STRING":
        return None if raw == ",".join(s.hex() for s in tensor.string_data) else f"strings {raw}"
    array = numpy_helper.to_array(tensor)
    if raw != packed(array, name).hex():
        return f"bytes {raw[:60]}, expected {packed(array, name).hex()[:60]}"
    if not numbers:
        return None if array.size == 0 or name.startswith(("COMPLEX", "FLOAT8", "FLOAT6", "FLOAT4")) or name in SMALL else "no doubles"
    with np.errstate(invalid="ignore"):  # signalling NaNs
        expected = array.astype(np.float64).ravel()
    got = np.array([number(n) for n in numbers.split(",")])
    return None if np.array_equal(got, expected, equal_nan=True) else f"doubles {numbers[:60]}, expected {expected[:3]}"


def main():
    tensors, skipped = build()
    graph = helper.make_graph([], "g", [], [], initializer=tensors)
    path = scratch("tensor_values") / "model.onnx"
    onnx.save(helper.make_model(graph, ir_version=13), path)
    run = subprocess.run([sys.argv[1], "--dump", str(path)], stdout=subprocess.PIPE, check=False)
    if run.returncode:
        sys.exit("the model was not read")
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in run.stdout.decode().splitlines()}
    wrong = 0
    for tensor in tensors:
        problem = differs(tensor, *lines[tensor.name]) if tensor.name in lines else "missing"
        if problem:
            wrong += 1
            print(f"{tensor.name}: {problem}")
    if skipped:
        print("not known to numpy_helper:", ", ".join(sorted(skipped)))
    print(f"{len(tensors)} tensors, {wrong} wrong")
    sys.exit(1 if wrong else 0)


main()
