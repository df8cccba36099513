#!/usr/bin/env python3
"""Prints the rows of CASTS in tests/unit/test_cast.c: for every small element type a hash of what onnx's own Cast gives for all 65,536 values of
a 16-bit type, or for all codes of the small type. `--values FROM TO SATURATE ROUND` prints the values themselves, to find a difference.

NaN inputs are left out where the result has no NaN; all NaNs of a result count as one; of FLOAT8E8M0, negative inputs are left out (ONNX leaves
them open)."""
import sys

import ml_dtypes
import numpy as np
from onnx import TensorProto
from onnx.helper import tensor_dtype_to_np_dtype
from onnx.reference.ops.op_cast import cast_to

FLOATS = ["FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT4E2M1", "FLOAT6E2M3", "FLOAT6E3M2", "FLOAT8E8M0"]
CODES = {"FLOAT4E2M1": 16, "FLOAT6E2M3": 64, "FLOAT6E3M2": 64}
INTS = ["INT4", "UINT4", "INT2", "UINT2"]


def dtype(name):
    return np.dtype(tensor_dtype_to_np_dtype(getattr(TensorProto, name)))


def inputs(source, target):
    if source in FLOATS:
        return np.arange(CODES.get(source, 256), dtype=np.uint8).view(dtype(source))
    x = np.arange(65536, dtype=np.uint16).view(dtype(source))
    if source != "INT16":
        x = x[~np.isnan(x.astype(np.float32))]
    return x[x >= 0] if target == "FLOAT8E8M0" else x


def results(source, target, saturate, rounding):
    """As small integers, NaN as one of them."""
    x = inputs(source, target)
    with np.errstate(all="ignore"):
        y = np.asarray(cast_to(x, getattr(TensorProto, target), bool(saturate), rounding))
    if target in INTS:
        return x, y.astype(np.int8).view(np.uint8).astype(np.uint32)
    bits = y.view(np.uint32 if target == "FLOAT" else np.uint8).astype(np.uint32)
    return x, np.where(np.isnan(y.astype(np.float32)), 0xFFFFFFFF, bits).astype(np.uint32)


def fnv(values):
    h = 14695981039346656037
    for v in values.tolist():
        h = (h ^ v) * 1099511628211 % 2**64
    return h


def rows():
    for small in FLOATS:
        yield small, "FLOAT", 1, "up"
        for source in ["FLOAT16", "BFLOAT16", "INT16"]:
            if small == "FLOAT8E8M0":
                for rounding in ["up", "down", "nearest"]:
                    yield source, small, 1, rounding
            else:
                for saturate in [1, 0] if small.startswith("FLOAT8") else [1]:
                    yield source, small, saturate, "up"
    for small in INTS:
        yield "INT16", small, 1, "up"


def main():
    if sys.argv[1:2] == ["--values"]:
        source, target, saturate, rounding = sys.argv[2:6]
        for x, y in zip(*results(source, target, int(saturate), rounding)):
            print(x, hex(y))
        return
    print(f"/* ml_dtypes {ml_dtypes.__version__} */")
    for source, target, saturate, rounding in rows():
        value = fnv(results(source, target, saturate, rounding)[1])
        print(f'    {{OO_{source}, OO_{target}, {saturate}, "{rounding}", UINT64_C(0x{value:016x})}},')


main()
