#!/usr/bin/env python3
"""Writes a model of about N nodes as exporters write them: layers of transformers with their arithmetic on shapes, and blocks of convolutions.

usage: make_blocks.py N OUT.onnx
A quarter of the nodes are inverted residuals (Conv, BatchNormalization, HardSwish in parts, squeeze and excitation), the others layers of
attention: targets of Reshape from Shape, Gather, Unsqueeze and Concat, LayerNormalization and Gelu in parts, scales, Identities, Casts.
Every block has weights of its own; they are small, so that nodes cost what is measured.
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, CHANNELS = 8, 2, 4


class Writer:
    def __init__(self):
        self.nodes, self.tensors, self.rng, self.block = [], [], np.random.default_rng(1), 0

    def const(self, *shape, value=None):
        name = f"w{len(self.tensors)}"
        data = np.asarray(value) if value is not None else self.rng.uniform(0.1, 0.3, shape).astype(np.float32)
        self.tensors.append(numpy_helper.from_array(data, name))
        return name

    def number(self, value, kind=np.float32):
        return self.node("Constant", [], value=numpy_helper.from_array(np.asarray(value, kind)))

    def node(self, op, inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"/block.{self.block}/{op}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    # ---- attention ----
    def size(self, x, axis):
        return self.node("Unsqueeze", [self.node("Gather", [self.node("Shape", [x]), self.number(axis, np.int64)], axis=0), self.number([0], np.int64)])

    def target(self, x, *rest):
        return self.node("Concat", [self.size(x, 0), self.size(x, 1)] + [self.number([r], np.int64) for r in rest], axis=0)

    def linear(self, x, inputs, outputs):
        return self.node("Add", [self.const(outputs), self.node("MatMul", [x, self.const(inputs, outputs)])])

    def heads(self, x, perm):
        x = self.linear(x, WIDTH, WIDTH)
        return self.node("Transpose", [self.node("Reshape", [x, self.target(x, HEADS, WIDTH // HEADS)])], perm=perm)

    def normed(self, x):
        c = self.node("Sub", [x, self.node("ReduceMean", [x], axes=[-1])])
        v = self.node("ReduceMean", [self.node("Pow", [c, self.number(2.0)])], axes=[-1])
        d = self.node("Div", [c, self.node("Sqrt", [self.node("Add", [v, self.number(1e-5)])])])
        return self.node("Add", [self.node("Mul", [d, self.const(WIDTH)]), self.const(WIDTH)])

    def gelu(self, x):
        e = self.node("Erf", [self.node("Div", [x, self.number(2 ** 0.5)])])
        return self.node("Mul", [self.node("Mul", [x, self.node("Add", [e, self.number(1.0)])]), self.number(0.5)])

    def attention(self, x, mask):
        q, k, v = (self.heads(x, perm) for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]))
        root = self.node("Sqrt", [self.node("Cast", [self.number(WIDTH // HEADS, np.int64)], to=TensorProto.FLOAT)])
        scores = self.node("Add", [self.node("MatMul", [self.node("Div", [q, root]), k]), mask])
        y = self.node("Transpose", [self.node("MatMul", [self.node("Softmax", [scores], axis=-1), v])], perm=[0, 2, 1, 3])
        y = self.linear(self.node("Reshape", [y, self.target(y, WIDTH)]), WIDTH, WIDTH)
        x = self.normed(self.node("Add", [self.node("Identity", [y]), x]))
        y = self.linear(self.gelu(self.linear(x, WIDTH, 2 * WIDTH)), 2 * WIDTH, WIDTH)
        self.block += 1
        return self.normed(self.node("Add", [y, x]))

    # ---- convolutions ----
    def conv(self, x, inputs, outputs, kernel, group=1):
        c = self.node("Conv", [x, self.const(outputs, inputs // group, kernel, kernel)], group=group, kernel_shape=[kernel, kernel],
                      pads=[kernel // 2] * 4)
        return self.node("BatchNormalization", [c] + [self.const(outputs) for _ in range(4)], epsilon=1e-5)

    def hard_swish(self, x):
        c = self.node("Clip", [self.node("Add", [x, self.number(3.0)]), self.number(0.0), self.number(6.0)])
        return self.node("Mul", [x, self.node("Div", [c, self.number(6.0)])])

    def residual(self, x):
        y = self.hard_swish(self.conv(x, CHANNELS, 2 * CHANNELS, 1))
        y = self.hard_swish(self.conv(y, 2 * CHANNELS, 2 * CHANNELS, 3, 2 * CHANNELS))
        s = self.node("GlobalAveragePool", [y])
        s = self.node("Relu", [self.node("Conv", [s, self.const(CHANNELS, 2 * CHANNELS, 1, 1), self.const(CHANNELS)])])
        s = self.node("Sigmoid", [self.node("Conv", [s, self.const(2 * CHANNELS, CHANNELS, 1, 1), self.const(2 * CHANNELS)])])
        self.block += 1
        return self.node("Add", [self.conv(self.node("Mul", [y, s]), 2 * CHANNELS, CHANNELS, 1), x])


def make(count):
    w = Writer()
    x, y = "tokens", "image"
    mask = w.node("Mul", [w.node("Sub", [w.number(1.0), w.node("Cast", ["mask"], to=TensorProto.FLOAT)]), w.number(-1e4)])
    while sum(n.op_type != "Constant" for n in w.nodes) < count:
        x = w.attention(x, mask)
        y = w.residual(y)
    graph = helper.make_graph(
        w.nodes, "blocks",
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "seq", WIDTH]),
         helper.make_tensor_value_info("mask", TensorProto.INT64, ["batch", 1, 1, "seq"]),
         helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", CHANNELS, 16, 16])],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["batch", "seq", WIDTH]),
         helper.make_tensor_value_info(y, TensorProto.FLOAT, ["batch", CHANNELS, 16, 16])], w.tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nodes", type=int)
    parser.add_argument("out")
    arg = parser.parse_args()
    onnx.save(make(arg.nodes), arg.out)


if __name__ == "__main__":
    main()
