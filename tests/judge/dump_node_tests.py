#!/usr/bin/env python3
"""Writes the cases of PyPI's onnx.backend.test as folders: KIND/CASE/model.onnx, test_data_set_0/input_K.pb and output_K.pb, for eval_suite.

usage: dump_node_tests.py FOLDER [--only NAME]

KIND is node, pytorch-converted, pytorch-operator, simple or light. The node cases are made in memory; the others ship in the wheel. Data is
TensorProto, SequenceProto, OptionalProto, as the type of the graph's input or output asks. The light models get the inputs that onnx's own
runner gives them. Tolerances other than rtol 1e-3, atol 1e-7 stand in data.json. FOLDER is left alone when it is of this onnx already.
"""
import argparse
import json
import pathlib
import shutil
import warnings

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

DATA = pathlib.Path(onnx.__file__).parent / "backend/test/data"
USUAL = {"rtol": 1e-3, "atol": 1e-7}
SEQUENCE, OPTIONAL = onnx.SequenceProto, onnx.OptionalProto


def tensor(value, elem_type):
    if isinstance(value, onnx.TensorProto):
        message = value
    else:
        array = numpy.asarray(value, dtype=object if elem_type == onnx.TensorProto.STRING else None)
        if array.dtype.kind in "US":
            array = array.astype(object)
        message = numpy_helper.from_array(array)
    if message.data_type != elem_type:
        raise ValueError(f"data of type {message.data_type} for a value of type {elem_type}")
    return message


def sequence(values, inner):
    message = SEQUENCE()
    kind = inner.WhichOneof("value")
    if kind == "tensor_type":
        message.elem_type = SEQUENCE.TENSOR
        message.tensor_values.extend(tensor(v, inner.tensor_type.elem_type) for v in values)
    elif kind == "sequence_type":
        message.elem_type = SEQUENCE.SEQUENCE
        message.sequence_values.extend(sequence(v, inner.sequence_type.elem_type) for v in values)
    else:
        raise ValueError(f"a sequence of {kind}")
    return message


def optional(value, inner):
    message = OPTIONAL()
    kind = inner.WhichOneof("value")
    message.elem_type = OPTIONAL.TENSOR if kind == "tensor_type" else OPTIONAL.SEQUENCE
    if isinstance(value, list) and kind == "tensor_type":
        value = value[0] if value else None
    if value is not None:
        message_value = encoded(value, inner)
        (message.tensor_value if kind == "tensor_type" else message.sequence_value).CopyFrom(message_value)
    return message


def encoded(value, kind):
    """A datum as the message for values of this TypeProto."""
    if isinstance(value, (SEQUENCE, OPTIONAL)):
        return value
    which = kind.WhichOneof("value")
    if which == "optional_type":
        return optional(value, kind.optional_type.elem_type)
    if which == "sequence_type":
        return sequence(value, kind.sequence_type.elem_type)
    return tensor(value, kind.tensor_type.elem_type)


def write(folder, model, inputs, outputs, tolerance):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    for name, values, infos in (("input", inputs, model.graph.input), ("output", outputs, model.graph.output)):
        for k, value in enumerate(values):
            (data / f"{name}_{k}.pb").write_bytes(encoded(value, infos[k].type).SerializeToString())
    if tolerance != USUAL:
        (folder / "data.json").write_text(json.dumps(tolerance))


def dump_node(folder, only):
    for case in collect_testcases(None):
        if only in case.name:
            inputs, outputs = case.data_sets[0]
            write(folder / case.name, case.model, inputs, outputs, {"rtol": case.rtol, "atol": case.atol})


def dump_light(folder, only):
    for about in sorted((DATA / "real").glob("*/data.json")):
        facts = json.loads(about.read_text())
        if only not in about.parent.name:
            continue
        path = DATA / "light" / pathlib.Path(facts["url"]).name
        model = onnx.load(path)
        constants = {i.name for i in model.graph.initializer}
        inputs = []
        for info in model.graph.input:
            shape = tuple(d.dim_value if d.HasField("dim_value") else 1 for d in info.type.tensor_type.shape.dim)
            count = int(numpy.prod(shape))
            if info.name not in constants:
                inputs.append((numpy.arange(count).reshape(shape) / count).astype(numpy.float32))
        outputs = [onnx.load_tensor(path.with_name(f"{path.stem}_output_{k}.pb")) for k in range(len(model.graph.output))]
        write(folder / about.parent.name, model, inputs, outputs, {k: facts[k] for k in USUAL})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", default="")
    arg = parser.parse_args()
    stamp = arg.folder / f".{onnx.__version__}"
    if stamp.exists():
        return
    shutil.rmtree(arg.folder, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some cases divide by zero on purpose
        dump_node(arg.folder / "node", arg.only)
    for kind in ("pytorch-converted", "pytorch-operator", "simple"):
        for case in sorted((DATA / kind).iterdir()):
            if arg.only in case.name and (case / "model.onnx").exists():
                shutil.copytree(case, arg.folder / kind / case.name)
    dump_light(arg.folder / "light", arg.only)
    if not arg.only:
        stamp.touch()
    for kind in sorted(k for k in arg.folder.iterdir() if k.is_dir()):
        print(f"{kind.name}: {sum(1 for _ in kind.iterdir())}")


if __name__ == "__main__":
    main()
