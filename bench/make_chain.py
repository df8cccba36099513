#!/usr/bin/env python3
"""Writes a model of about N nodes: residual blocks of Conv (1x1), BatchNormalization, Relu, Add, each with its own constants.

usage: make_chain.py N OUT.onnx [--weights MIB]
--weights adds that many MiB of weights in initializers of 4 MiB, so that a model may be large without having many nodes.

One block is made by PyPI's onnx with a number in its names that has a fixed width; the others are its bytes with the
number replaced. Concatenated messages are one message in protobuf, so a million nodes take seconds.
"""
import argparse
import random

import onnx
from onnx import TensorProto, helper

CHANNELS = 4
WIDTH = 8
THIS, LAST = "#" * WIDTH, "@" * WIDTH


def block():
    """(bytes of four nodes, bytes of their six constants) of the block THIS, which follows LAST."""
    names = {what: f"{what}{THIS}" for what in ("W", "scale", "B", "mean", "var", "bias")}
    nodes = [
        helper.make_node("Conv", [f"y{LAST}", names["W"], names["bias"]], [f"c{THIS}"], name=f"conv{THIS}"),
        helper.make_node("BatchNormalization", [f"c{THIS}"] + [names[k] for k in ("scale", "B", "mean", "var")],
                         [f"n{THIS}"], name=f"bn{THIS}", epsilon=1e-5),
        helper.make_node("Relu", [f"n{THIS}"], [f"r{THIS}"], name=f"relu{THIS}"),
        helper.make_node("Add", [f"r{THIS}", f"y{LAST}"], [f"y{THIS}"], name=f"add{THIS}"),
    ]
    rng = random.Random(1)
    tensors = []
    for what, name in names.items():
        shape = [CHANNELS, CHANNELS, 1, 1] if what == "W" else [CHANNELS]
        values = [rng.uniform(0.1, 0.3) for _ in range(CHANNELS ** (2 if what == "W" else 1))]
        tensors.append(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(
            helper.make_tensor(name, TensorProto.FLOAT, shape, values)), name))
    return onnx.GraphProto(node=nodes).SerializeToString(), onnx.GraphProto(initializer=tensors).SerializeToString()


def numbered(template, count):
    for k in range(1, count + 1):
        yield template.replace(THIS.encode(), b"%0*d" % (WIDTH, k)).replace(LAST.encode(), b"%0*d" % (WIDTH, k - 1))


def weights(mib):
    """Graph parts that hold 4 MiB each: a table and a Gather that makes one of its rows an output."""
    data = random.Random(2).randbytes(4 << 20)
    for k in range(mib // 4):
        table = TensorProto(name=f"table{k}", data_type=TensorProto.INT32, dims=[1024, 1024], raw_data=data)
        yield onnx.GraphProto(
            node=[helper.make_node("Gather", [f"table{k}", "row"], [f"row{k}"], name=f"gather{k}")],
            initializer=[table], output=[helper.make_tensor_value_info(f"row{k}", TensorProto.INT32, [1024])]).SerializeToString()


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nodes", type=int)
    parser.add_argument("out")
    parser.add_argument("--weights", type=int, default=0, metavar="MIB")
    arg = parser.parse_args()
    blocks = max(arg.nodes // 4, 1)
    nodes, constants = block()
    shape = [1, CHANNELS, 8, 8]
    ends = onnx.GraphProto(
        name="chain", input=[helper.make_tensor_value_info("y" + "0" * WIDTH, TensorProto.FLOAT, shape)],
        output=[helper.make_tensor_value_info(f"y{blocks:0{WIDTH}}", TensorProto.FLOAT, shape)])
    if arg.weights:
        ends.input.append(helper.make_tensor_value_info("row", TensorProto.INT64, []))
    parts = [ends.SerializeToString(), *numbered(nodes, blocks), *numbered(constants, blocks), *weights(arg.weights)]
    rest = onnx.ModelProto(ir_version=8, producer_name="make_chain", opset_import=[helper.make_opsetid("", 17)])
    with open(arg.out, "wb") as file:
        file.write(rest.SerializeToString())
        file.write(b"\x3a" + varint(sum(map(len, parts))))  # ModelProto.graph is field 7
        file.writelines(parts)


if __name__ == "__main__":
    main()
