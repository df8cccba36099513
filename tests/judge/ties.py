"""Whether two runtimes differ only in choices between numbers that are as good as equal: the one takes the choices of the other, and then agrees."""
import onnx
from onnx import helper

CHOICES = ("TopK", "ArgMax", "ArgMin")


def choices(model):
    return [node for node in model.graph.node if node.op_type in CHOICES and not node.domain]


def opened(model):
    """The model with what each choice is made from, and what is chosen, as outputs; and their names."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inferred = {v.name: v for v in onnx.shape_inference.infer_shapes(model).graph.value_info}
    public = {v.name for v in [*model.graph.input, *model.graph.output]}
    names = []
    for node in choices(model):
        for name in [node.input[0], *filter(None, node.output)]:
            if name not in names and name not in public:
                names.append(name)
                copy.graph.output.append(inferred.get(name, onnx.ValueInfoProto(name=name)))
    return copy, names


def decided(model, values):
    """The model with the choices taken out: their outputs are inputs. `values` has arrays for them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    gone = {node.output[0] for node in choices(model)}
    kept = [node for node in copy.graph.node if not node.output or node.output[0] not in gone]
    del copy.graph.node[:]
    copy.graph.node.extend(kept)
    for node in choices(model):
        for name in filter(None, node.output):
            array = values[name]
            copy.graph.input.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
    return copy
