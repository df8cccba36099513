#!/usr/bin/env python3
"""Judge: products, convolutions, pools, normalization and recurrent cells, on random cases made here, with ONNX Runtime's results as the
expected ones (attention has cases enough in onnx itself).

usage: nn_cases.py EVAL_SUITE [--only NAME] [--keep FOLDER] [--count N]

Attributes are drawn at random; what ONNX Runtime refuses (a window that does not fit, a type it has no kernel for) is no case. Where the two
differ on purpose there is none either:
- pools with ceil_mode and auto_pad: ONNX Runtime's sizes depend on the version of its provider.
- Recurrent cells whose state grows beyond 100: ONNX Runtime's Softplus overflows.
- sequence_lens of 0: what Y_h is then, nobody says.
- Pools and ConvTranspose with auto_pad SAME and a kernel smaller than the stride: the padding would be negative. Pools of ONNX Runtime refuse
  that or crop, its Conv and the evaluator take no padding then.
float16 is made as float, for which ONNX Runtime has kernels: the evaluator must give the same, rounded once.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from onnx import helper

import judge_lib
from kernel_cases import runtime, write

F32, F64 = numpy.float32, numpy.float64
ACTIVATIONS = ("Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus")


def node(operator, inputs, attributes, opset, outputs=1):
    """A model of one node; inputs that are None are omitted, all others are graph inputs."""
    names = ["" if value is None else f"x{k}" for k, value in enumerate(inputs)]
    while not names[-1]:
        names.pop()
    made = helper.make_node(operator, names, [f"y{k}" for k in range(outputs)], **attributes)
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in zip(names, inputs) if v is not None]
    graph = helper.make_graph([made], "g", infos, [onnx.ValueInfoProto(name=f"y{k}") for k in range(outputs)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def pick(rng, *choices):
    return choices[rng.integers(len(choices))]


def numbers(rng, shape, kind=F32):
    if numpy.dtype(kind).kind in "iu":
        info = numpy.iinfo(kind)
        low, high = (info.min, info.max) if info.bits == 8 else (-20 if info.min else 0, 20)
        return rng.integers(low, high, shape, endpoint=True).astype(kind)
    return rng.normal(size=shape).astype(kind)


def weights(rng, shape, kind):
    """int8 in seven bits: without VNNI instructions ONNX Runtime's products of uint8 and int8 saturate sums of two at 16 bits."""
    return numbers(rng, shape, kind) // (2 if kind is numpy.int8 else 1)


def window(rng, rank, pool):
    """Random kernel and its attributes."""
    kernel = [int(k) for k in rng.integers(1, 4, rank)]
    attributes = {"kernel_shape": kernel, "strides": [int(s) for s in rng.integers(1, 4, rank)], "dilations": [int(d) for d in rng.integers(1, 3, rank)]}
    pad = pick(rng, "NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    if pad == "NOTSET":
        most = [k if pool else k + 1 for k in kernel] * 2
        attributes["pads"] = [int(rng.integers(0, m)) for m in most]
    else:
        attributes["auto_pad"] = pad
        if pad != "VALID":
            attributes["dilations"] = [1] * rank
    return kernel, {k: v for k, v in attributes.items() if k == "kernel_shape" or k == "pads" or rng.random() < 0.8}


def conv(rng):
    rank, group, kind = int(rng.integers(1, 4)), int(rng.integers(1, 4)), pick(rng, F32, F32, F64)
    per_in, per_out = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    kernel, attributes = window(rng, rank, False)
    spatial = [int(n) for n in rng.integers(5, 12, rank)]
    bias = pick(rng, None, numbers(rng, [group * per_out], kind))
    inputs = [numbers(rng, [2, group * per_in, *spatial], kind), numbers(rng, [group * per_out, per_in, *kernel], kind), bias]
    return node("Conv", inputs, attributes | {"group": group}, pick(rng, 7, 11, 22)), inputs


def conv_integer(rng):
    rank, kinds = int(rng.integers(1, 3)), (numpy.uint8, pick(rng, numpy.uint8, numpy.int8))
    kernel, attributes = window(rng, rank, False)
    inputs = [numbers(rng, [1, 3, *rng.integers(5, 9, rank)], kinds[0]), weights(rng, [4, 3, *kernel], kinds[1]), pick(rng, None, numbers(rng, [], kinds[0])), None]
    inputs[3] = pick(rng, None, numbers(rng, [], kinds[1]))
    return node("ConvInteger", inputs, attributes, 10), inputs


def qlinear_conv(rng):
    x_kind = pick(rng, numpy.uint8, numpy.int8)
    w_kind = numpy.int8 if x_kind is numpy.int8 else pick(rng, numpy.uint8, numpy.int8)
    kernel, attributes = window(rng, 2, False)
    by_channel, group = bool(rng.integers(2)), pick(rng, 1, 2)
    w_scale = (rng.random([4] if by_channel else []) * 0.02 + 0.001).astype(F32)
    w_zero = numpy.zeros([4] if by_channel else [], w_kind) if w_kind is numpy.int8 else numbers(rng, [], w_kind) + numpy.zeros(w_scale.shape, w_kind)
    inputs = [numbers(rng, [1, 2 * group, 7, 8], x_kind), F32(0.02), numbers(rng, [], x_kind), weights(rng, [4, 2, *kernel], w_kind), w_scale, w_zero.astype(w_kind),
              F32(0.05), numbers(rng, [], x_kind), pick(rng, None, rng.integers(-500, 500, [4]).astype(numpy.int32))]
    inputs = [None if value is None else numpy.asarray(value) for value in inputs]
    return node("QLinearConv", inputs, attributes | {"group": group}, 10), inputs


def conv_transpose(rng):
    rank, group, kind = int(rng.integers(1, 4)), int(rng.integers(1, 3)), F32
    kernel, attributes = window(rng, rank, True)
    spatial = [int(n) for n in rng.integers(3, 7, rank)]
    strides = attributes.get("strides", [1] * rank)
    if "auto_pad" in attributes and any(k < s for k, s in zip(kernel, strides)):
        del attributes["auto_pad"]
    if rng.random() < 0.3 and "auto_pad" not in attributes:
        attributes["output_padding"] = [int(rng.integers(0, s)) for s in strides]
    if rng.random() < 0.2:
        attributes.pop("pads", None)
        attributes["output_shape"] = [n * s + int(rng.integers(0, 2)) for n, s in zip(spatial, strides)]
    per_out = int(rng.integers(1, 4))
    inputs = [numbers(rng, [2, group * 2, *spatial], kind), numbers(rng, [group * 2, per_out, *kernel], kind), pick(rng, None, numbers(rng, [group * per_out], kind))]
    return node("ConvTranspose", inputs, attributes | {"group": group}, pick(rng, 7, 11, 22)), inputs


def deform_conv(rng):
    group, offsets, kernel = pick(rng, 1, 2), pick(rng, 1, 2), [int(k) for k in rng.integers(1, 4, 2)]
    stride, dilation, pads = ([int(n) for n in rng.integers(low, high, count)] for low, high, count in ((1, 3, 2), (1, 3, 2), (0, 2, 4)))
    size = [8, 9]
    out = [(n + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilation[i] - 1) // stride[i] + 1 for i, n in enumerate(size)]
    taps = kernel[0] * kernel[1]
    inputs = [numbers(rng, [2, 4, *size]), numbers(rng, [6, 4 // group, *kernel]), numbers(rng, [2, offsets * taps * 2, *out]), pick(rng, None, numbers(rng, [6])), None]
    inputs[4] = pick(rng, None, rng.random([2, offsets * taps, *out]).astype(F32))
    attributes = {"strides": stride, "dilations": dilation, "pads": pads, "group": group, "offset_group": offsets}
    return node("DeformConv", inputs, attributes, pick(rng, 19, 22)), inputs


def pool(rng):
    rank, operator = int(rng.integers(1, 4)), pick(rng, "MaxPool", "MaxPool", "AveragePool", "LpPool")
    kernel, attributes = window(rng, rank, True)
    if any(k < s for k, s in zip(kernel, attributes.get("strides", kernel))):
        attributes.pop("auto_pad", None)
    if operator == "LpPool":
        attributes["p"] = int(rng.integers(1, 4))
        if any(attributes.get("pads", [])):
            attributes["pads"] = [0] * (2 * rank)
    elif rng.random() < 0.5 and "auto_pad" not in attributes:
        attributes["ceil_mode"] = 1
    if operator == "AveragePool":
        attributes["count_include_pad"] = int(rng.integers(2))
    indices = operator == "MaxPool" and rng.random() < 0.5
    if indices:
        attributes["storage_order"] = int(rng.integers(2))
    kind = pick(rng, F32, F64, numpy.int8, numpy.uint8) if operator == "MaxPool" and not indices else F32
    inputs = [numbers(rng, [2, 3, *rng.integers(5, 12, rank)], kind)]
    return node(operator, inputs, attributes, pick(rng, 19, 22) if operator == "AveragePool" else 18 if operator == "LpPool" else 12, 2 if indices else 1), inputs


def global_pool(rng):
    operator = pick(rng, "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
    attributes = {"p": int(rng.integers(1, 4))} if operator == "GlobalLpPool" else {}
    inputs = [numbers(rng, [2, 3, *rng.integers(1, 7, rng.integers(1, 4))])]
    return node(operator, inputs, attributes, 2), inputs


def regions(rng, count, batch):
    start = rng.random([count, 2]) * 8
    return numpy.concatenate([start, start + rng.random([count, 2]) * 9], 1).astype(F32), rng.integers(0, batch, [count])


def roi_align(rng):
    rois, images = regions(rng, 4, 2)
    attributes = {"mode": pick(rng, "avg", "max"), "output_height": int(rng.integers(1, 4)), "output_width": int(rng.integers(1, 4)),
                  "sampling_ratio": int(rng.integers(0, 4)), "spatial_scale": pick(rng, 1.0, 0.5)}
    opset = pick(rng, 10, 16)
    if opset == 16:
        attributes["coordinate_transformation_mode"] = pick(rng, "half_pixel", "output_half_pixel")
    inputs = [numpy.abs(numbers(rng, [2, 3, 10, 11])), rois, images]
    return node("RoiAlign", inputs, attributes, opset), inputs


def max_roi_pool(rng):
    rois, images = regions(rng, 4, 2)
    inputs = [numbers(rng, [2, 3, 10, 11]), numpy.concatenate([images[:, None].astype(F32), rois], 1)]
    return node("MaxRoiPool", inputs, {"pooled_shape": [int(n) for n in rng.integers(1, 4, 2)], "spatial_scale": pick(rng, 1.0, 0.5)}, 7), inputs


def matmul(rng):
    kind = pick(rng, F32, F64, numpy.int32, numpy.int64, numpy.uint32, numpy.uint64)
    m, k, n = (int(v) for v in rng.integers(1, 6, 3))
    a, b = [m, k], [k, n]
    batch = [int(v) for v in rng.integers(1, 4, rng.integers(0, 3))]
    a = pick(rng, [k], a, batch + a, [1] * len(batch) + a, [pick(rng, 1, v) for v in batch] + a)
    b = pick(rng, [k], b, batch + b, [pick(rng, 1, v) for v in batch] + b)
    inputs = [numbers(rng, a, kind), numbers(rng, b, kind)]
    return node("MatMul", inputs, {}, 13), inputs


def gemm(rng):
    kind, (m, k, n) = pick(rng, F32, F32, F64), (int(v) for v in rng.integers(1, 6, 3))
    ta, tb = int(rng.integers(2)), int(rng.integers(2))
    c = pick(rng, None, [], [1], [n], [1, n], [m, 1], [m, n])
    inputs = [numbers(rng, [k, m] if ta else [m, k], kind), numbers(rng, [n, k] if tb else [k, n], kind), None if c is None else numbers(rng, c, kind)]
    return node("Gemm", inputs, {"transA": ta, "transB": tb, "alpha": pick(rng, 1.0, 0.5), "beta": pick(rng, 1.0, 2.0, 0.0)}, pick(rng, 11, 13)), inputs


def matmul_integer(rng):
    m, k, n = 3, int(rng.integers(1, 6)), 4
    kinds, batch = (numpy.uint8, pick(rng, numpy.uint8, numpy.int8)), pick(rng, [], [2])
    inputs = [numbers(rng, batch + [m, k], kinds[0]), weights(rng, batch + [k, n], kinds[1]), pick(rng, None, numbers(rng, [], kinds[0])), None]
    inputs[3] = pick(rng, None, numbers(rng, [], kinds[1]), numbers(rng, [1, n] if batch else [n], kinds[1]) if not batch else None)
    return node("MatMulInteger", inputs, {}, 10), inputs


def qlinear_matmul(rng):
    kind, b_kind = numpy.uint8, pick(rng, numpy.uint8, numpy.int8)
    by_column = bool(rng.integers(2))
    b_scale = (rng.random([4] if by_column else []) * 0.02 + 0.001).astype(F32)
    inputs = [numbers(rng, [3, 5], kind), F32(0.02), numbers(rng, [], kind), weights(rng, [5, 4], b_kind), b_scale, numbers(rng, b_scale.shape, b_kind), F32(0.05),
              numbers(rng, [], kind)]
    inputs = [numpy.asarray(value) for value in inputs]
    return node("QLinearMatMul", inputs, {}, 10), inputs


def normalization(rng):
    shape = [2, 4, *(int(n) for n in rng.integers(2, 5, rng.integers(1, 3)))]
    x, epsilon = numbers(rng, shape, F32), {"epsilon": pick(rng, 1e-5, 0.1)}
    channel = [numbers(rng, [4]), numbers(rng, [4])]
    kind = int(rng.integers(8))
    if kind == 0:
        axis = int(rng.integers(0, len(shape)))
        scale = pick(rng, shape[axis:], shape[-1:], [1] * len(shape[axis:]))
        inputs = [x, numbers(rng, scale), pick(rng, None, numbers(rng, scale))]
        return node("LayerNormalization", inputs, epsilon | {"axis": pick(rng, axis, axis - len(shape))}, 17, 1), inputs
    if kind == 1:
        inputs = [x, *channel]
        return node("InstanceNormalization", inputs, epsilon, 6), inputs
    if kind == 2:
        inputs = [x, numbers(rng, [4]), numbers(rng, [4])]
        return node("GroupNormalization", inputs, epsilon | {"num_groups": pick(rng, 1, 2, 4)}, 21), inputs
    if kind == 3:
        inputs = [x, *channel, numbers(rng, [4]), numpy.abs(numbers(rng, [4]))]
        return node("BatchNormalization", inputs, epsilon, pick(rng, 7, 9, 14, 15)), inputs
    if kind == 4:
        inputs = [x]
        return node("LpNormalization", inputs, {"p": pick(rng, 1, 2), "axis": int(rng.integers(-len(shape), len(shape)))}, 1), inputs
    if kind == 5:
        inputs = [numbers(rng, [2, 5, 3, 3])]
        return node("LRN", inputs, {"size": pick(rng, 1, 3, 5), "alpha": 0.3, "beta": 0.6, "bias": 1.5}, 13), inputs
    if kind == 6:
        inputs = [numbers(rng, [2, 5, 3, 3])]
        return node("MeanVarianceNormalization", inputs, {"axes": pick(rng, [0, 2, 3], [1], [0, 1, 2, 3], [2, 3])}, 13), inputs
    inputs = [x, numbers(rng, shape[-1:])]
    return node("RMSNormalization", inputs, epsilon, 23), inputs


def recurrent(rng):
    operator, gates, each = pick(rng, ("RNN", 1, 1), ("GRU", 3, 2), ("LSTM", 4, 3))
    direction = pick(rng, "forward", "reverse", "bidirectional")
    d, length, batch, size, hidden = 2 if direction == "bidirectional" else 1, 4, 3, 5, int(rng.integers(1, 5))
    attributes = {"direction": direction, "hidden_size": hidden}
    if rng.random() < 0.4:
        names = [pick(rng, *ACTIVATIONS) for _ in range(each * d)]
        takes_alpha = [n for n in names if n in ("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu")]
        takes_beta = [n for n in names if n in ("Affine", "ScaledTanh", "HardSigmoid")]
        lists = {"activation_alpha": takes_alpha, "activation_beta": takes_beta}
        attributes |= {"activations": names} | {k: [float(x) for x in rng.random(len(v)) + 0.1] for k, v in lists.items() if v}
    if rng.random() < 0.3:
        attributes["clip"] = 0.7
    if operator == "GRU":
        attributes["linear_before_reset"] = int(rng.integers(2))
    if operator == "LSTM" and rng.random() < 0.3:
        attributes["input_forget"] = 1
    inputs = [numbers(rng, [length, batch, size]), numbers(rng, [d, gates * hidden, size]), numbers(rng, [d, gates * hidden, hidden]),
              pick(rng, None, numbers(rng, [d, 2 * gates * hidden])), pick(rng, None, rng.integers(1, length, [batch], endpoint=True).astype(numpy.int32)),
              pick(rng, None, numbers(rng, [d, batch, hidden]))]
    if operator == "LSTM":
        inputs += [pick(rng, None, numbers(rng, [d, batch, hidden])), pick(rng, None, numbers(rng, [d, 3 * hidden]))]
    return node(operator, inputs, attributes, pick(rng, 7, 14), 3 if operator == "LSTM" else 2), inputs


def rotary(rng):
    heads, size, length = 2, 8, 5
    part = pick(rng, 0, 4)
    turned = (part or size) // 2
    x = pick(rng, numbers(rng, [2, heads, length, size]), numbers(rng, [2, length, heads * size]))
    positions = pick(rng, None, rng.integers(0, 9, [2, length]))
    caches = [numbers(rng, [2, length, turned] if positions is None else [9, turned]) for _ in range(2)]
    inputs = [x, *caches, positions]
    attributes = {"interleaved": int(rng.integers(2)), "rotary_embedding_dim": part} | ({"num_heads": heads} if x.ndim == 3 or part else {})
    return node("RotaryEmbedding", inputs, attributes, 23), inputs


MAKERS = {conv: 120, conv_integer: 30, qlinear_conv: 60, conv_transpose: 100, deform_conv: 40, pool: 160, global_pool: 20, roi_align: 40, max_roi_pool: 20,
          matmul: 80, gemm: 40, matmul_integer: 30, qlinear_matmul: 20, normalization: 120, recurrent: 200, rotary: 30}


HALVES = (conv, conv_transpose, pool, global_pool, matmul, gemm, recurrent)


def halved(model, inputs):
    """The same model and inputs in float16, and the inputs as floats again; None when not all are floats."""
    given = [value for value in inputs if value is not None]
    if not all(value.dtype == F32 or value.dtype == numpy.int32 for value in given):
        return None
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for info in made.graph.input:
        if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    small = [None if value is None else value.astype(numpy.float16) if value.dtype == F32 else value for value in inputs]
    return made, small, [None if value is None else value.astype(F32) if value.dtype == numpy.float16 else value for value in small]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("eval_suite")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--keep", type=pathlib.Path)
    arguments.add_argument("--count", type=float, default=1, help="times as many cases")
    arg = arguments.parse_args()
    onnxruntime.set_default_logger_severity(4)
    folder = arg.keep or judge_lib.scratch("nn-cases")
    made = dict.fromkeys((maker.__name__ for maker in MAKERS), 0)
    for seed, (maker, count) in enumerate(MAKERS.items()):
        rng = numpy.random.default_rng(seed)
        for k in range(int(count * arg.count)):
            model, inputs = maker(rng)
            name = f"{maker.__name__}_{k}"
            if arg.only not in name:
                continue
            half = halved(model, inputs) if maker in HALVES and k % 5 == 0 else None
            try:
                results = runtime(model, half[2] if half else inputs)
            except Exception as error:  # pylint: disable=broad-except
                if arg.only:
                    print(f"{name}: {str(error).splitlines()[0][:200]}")
                continue
            if maker is recurrent and not all(numpy.abs(r).max() < 100 for r in results):
                continue
            made[maker.__name__] += 1
            if half:
                model, inputs, _ = half
                results = [r.astype(numpy.float16) if r.dtype == F32 else r for r in results]
            write(folder / name, model, inputs, [numpy.asarray(r) for r in results])
    print(", ".join(f"{name} {count}" for name, count in made.items()))
    thin = [maker.__name__ for maker, count in MAKERS.items() if made[maker.__name__] < count * arg.count / 3] if not arg.only else []
    if thin:
        print("ONNX Runtime refused most cases of", ", ".join(thin))
    return subprocess.run([arg.eval_suite, "-v", str(folder)], check=False).returncode or int(bool(thin))


if __name__ == "__main__":
    sys.exit(main())
