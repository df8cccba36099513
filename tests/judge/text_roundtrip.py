#!/usr/bin/env python3
"""Judge: models become text, and the text becomes a model again. onnx.parser must take the text, and what it reads, as well as
what onnxopt reads back from it, must be the model up to what docs/text-format.md says the syntax cannot say.

usage: text_roundtrip.py [--limit BYTES] [MODEL NAME PREFIX...]
The models of onnx's node tests, and those of the corpus up to --limit bytes (default 4 MiB: a number of text takes more room
than one of the file).
"""
import argparse
import re
import shutil
import sys

import numpy
import onnx
import onnx.parser

import judge_lib
import node_tests

OUT = None
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
T = onnx.TensorProto
TYPE_WORDS = {T.DataType.Name(v).lower() for v in T.DataType.values()} | {"seq", "map", "optional", "sparse_tensor", "opaque"}
FLOAT_WORDS = {"nan", "inf", "infinity"}
REALS = {T.FLOAT: "<u4", T.COMPLEX64: "<u4", T.DOUBLE: "<u8", T.COMPLEX128: "<u8"}
TYPED = {
    "int32_data": {T.INT8: "<i1", T.UINT8: "<u1", T.INT16: "<i2", T.UINT16: "<u2", T.INT32: "<i4", T.BOOL: "<u1",
                   T.FLOAT16: "<u2", T.BFLOAT16: "<u2"},  # every other type travels as bytes
    "int64_data": {T.INT64: "<i8"},
    "uint64_data": {T.UINT64: "<u8", T.UINT32: "<u4"},
    "float_data": {T.FLOAT: "<f4", T.COMPLEX64: "<f4"},
    "double_data": {T.DOUBLE: "<f8", T.COMPLEX128: "<f8"},
}


# ---- a message without what the text cannot say, and in one of the forms that mean the same ----
def raw_bytes(tensor):
    if tensor.raw_data:
        return tensor.raw_data
    for field, types in TYPED.items():
        if len(getattr(tensor, field)):
            kind = numpy.dtype(types.get(tensor.data_type, "u1"))
            return numpy.array(getattr(tensor, field)).astype(kind).tobytes()
    return b""


def plain_nans(tensor, data):
    """Text says that a number is NaN and its sign, not its payload."""
    kind = REALS.get(tensor.data_type)
    if not kind:
        return data
    bits = numpy.frombuffer(data, kind).copy()
    sign, infinity, quiet = (0x80000000, 0x7F800000, 0x7FC00000) if kind == "<u4" else (1 << 63, 0x7FF << 52, 0xFFF << 51)
    is_nan = (bits & ~numpy.array(sign, kind)) > infinity
    bits[is_nan] = (bits[is_nan] & numpy.array(sign, kind)) | numpy.array(quiet, kind)
    return bits.tobytes()


def tensor(message, named):
    text_only = [bytes(s) for s in message.string_data]
    data = plain_nans(message, raw_bytes(message))
    keep = T(data_type=message.data_type, dims=message.dims, string_data=text_only)
    if named or (NAME.match(message.name) and message.name not in TYPE_WORDS):
        keep.name = message.name
    if message.data_location == T.EXTERNAL:
        keep.data_location = T.EXTERNAL
        keep.external_data.extend(message.external_data)
    elif data:
        keep.raw_data = data
    message.CopyFrom(keep)


def subgraph_name(name):
    word = re.sub(r"[^A-Za-z0-9_]", "_", name.encode().decode("latin1"))
    odd = not name or name in TYPE_WORDS or name.lower() in FLOAT_WORDS or word[0].isdigit()
    return "_" + word if odd else word


def attribute(message):
    message.ClearField("doc_string")
    if message.HasField("t"):
        tensor(message.t, False)
    if message.HasField("g"):
        graph(message.g, True)
    for t in message.tensors:
        tensor(t, False)
    for g in message.graphs:
        graph(g, True)
    if message.type == onnx.AttributeProto.SPARSE_TENSOR:
        raise ValueError("sparse attributes have no text")


def node(message):
    for field in ("doc_string", "metadata_props", "device_configurations"):
        message.ClearField(field)
    for a in message.attribute:
        attribute(a)


def info(message):
    message.ClearField("doc_string")
    message.ClearField("metadata_props")


def graph(message, inner=False):
    for field in ("doc_string", "metadata_props", "quantization_annotation"):
        message.ClearField(field)
    if message.sparse_initializer:
        raise ValueError("sparse initializers have no text")
    if inner:
        message.name = subgraph_name(message.name)
    for t in message.initializer:
        tensor(t, True)
    for n in message.node:
        node(n)
    for v in [*message.input, *message.output, *message.value_info]:
        info(v)


def forget_empty(message):
    """An empty text is the same as none; denotations have no text."""
    for field, value in message.ListFields():
        if field.name == "denotation" or (field.type in (field.TYPE_STRING, field.TYPE_BYTES) and not field.is_repeated and not value):
            if field.name not in ("s", "dim_param"):
                message.ClearField(field.name)
        elif field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                forget_empty(item)


def sayable(model):
    model = onnx.ModelProto.FromString(model.SerializeToString())
    model.DiscardUnknownFields()
    for field in ("training_info", "configuration"):
        model.ClearField(field)
    graph(model.graph)
    for f in model.functions:
        f.ClearField("metadata_props")
        for a in f.attribute_proto:
            attribute(a)
        for n in f.node:
            node(n)
        for v in f.value_info:
            info(v)
    forget_empty(model)
    return model


# ---- the two readers of the text ----
def own_difference(path, want):
    text, back = OUT / (path.name + ".onnxtxt"), OUT / (path.name + ".back.onnx")
    found = judge_lib.onnxopt(path, "-O0", "--emit=text", "-o", text) or judge_lib.onnxopt(text, "-O0", "-o", back)
    if not found:
        got = sayable(onnx.load(back, load_external_data=False))
        found = judge_lib.message_difference(want, got)
        again = OUT / (path.name + ".again.onnxtxt")
        found = found or judge_lib.onnxopt(back, "-O0", "--emit=text", "-o", again)
        if not found and again.read_bytes() != text.read_bytes():
            found = f"printed again, the text differs: see {again}"
        again.unlink(missing_ok=True)
        back.unlink()
    return found, text


def peer_difference(text, want):
    content = text.read_bytes()
    try:
        content = content.decode()
    except UnicodeDecodeError:
        return None  # onnx.parser takes no such text: a limit of its Python side
    if "\0" in content:
        return None  # the same
    try:
        got = sayable(onnx.parser.parse_model(content))
    except Exception as error:
        return "onnx.parser: " + str(error).replace("\\n", " | ")[-300:]
    found = judge_lib.message_difference(want, got)
    return found and "onnx.parser reads another model: " + found


def judge(path):
    try:
        want = sayable(onnx.load(path, load_external_data=False))
    except ValueError as error:
        return path.stem, None, str(error)
    found, text = own_difference(path, want)
    found = found or peer_difference(text, want)
    if not found:
        text.unlink()
    return path.stem, found, None


def main():
    global OUT
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--limit", type=int, default=4 << 20)
    arg = parser.parse_args()
    OUT = judge_lib.scratch("text")
    nodes = node_tests.dump(judge_lib.BUILD / "node-tests")
    corpus = [p for p in sorted(judge_lib.CORPUS.glob("*.onnx")) if p.stat().st_size <= arg.limit]
    items = [p for p in nodes + corpus if not arg.names or any(p.name.startswith(n) for n in arg.names)]
    bad = skipped = 0
    for name, found, skip in judge_lib.each(judge, items, processes=True):
        skipped += skip is not None
        bad += found is not None
        if found or skip:
            print(f"{name}: {found or 'not judged: ' + skip}")
    print(f"text: {len(items) - bad - skipped} of {len(items)} models ok, {skipped} not judged")
    if not bad:
        shutil.rmtree(OUT)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
