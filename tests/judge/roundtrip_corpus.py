#!/usr/bin/env python3
"""Judge: each model of the corpus, each that a PyPI wheel carried, and some made here with every kind of metadata, of types and of attributes
in every form that the wire allows, go through onnxopt without a pass; the written message must be the one that was read, field by field.

usage: roundtrip_corpus.py [MODEL NAME PREFIX...]
"""
import shutil
import sys

from onnx import StringStringEntryProto, TensorProto, helper

import judge_lib
import same_message

OUT = None


def entries(unknown):
    """Entries as writers may make them, from fields 1 and 2 in their wire form; with `unknown` also ones with more fields."""
    key, value, long = b"\x0a\x01k", b"\x12\x01v", b"\x12\xb0\x02" + b"long" * 76
    made = [b"", key, value, key + value, value + key, key + long, b"\x0a\x00\x12\x00", key + value + b"\x12\x02v2" + b"\x0a\x02k2"]
    made += [key + value + b"\x1a\x01x", b"\x20\x05" + key] if unknown else []
    return [StringStringEntryProto.FromString(e) for e in made]


def add_entries(message, unknown):
    message.metadata_props.extend(entries(unknown))
    message.metadata_props.add(key="a", value="twice")  # see make_metadata
    return message


def make_metadata(path, unknown):
    weights = helper.make_tensor("w", TensorProto.FLOAT, [100], [0.5] * 100)
    infos = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [100]) for n in "xyz"}
    then = helper.make_graph([add_entries(helper.make_node("Relu", ["x"], ["a"], name="inner"), unknown)], "then", [],
                             [helper.make_tensor_value_info("a", TensorProto.FLOAT, [100])])
    other = helper.make_graph([helper.make_node("Constant", [], ["b"], value=weights)], "else", [],
                              [helper.make_tensor_value_info("b", TensorProto.FLOAT, [100])])
    nodes = [helper.make_node("Constant", [], ["c"], value=add_entries(weights, unknown)), helper.make_node("Add", ["x", "c"], ["y"]),
             helper.make_node("If", ["cond"], ["d"], then_branch=then, else_branch=other), helper.make_node("Add", ["y", "d"], ["z"])]
    nodes = [add_entries(n, unknown) for n in nodes]
    graph = helper.make_graph(nodes, "g", [add_entries(infos["x"], unknown), helper.make_tensor_value_info("cond", TensorProto.BOOL, [])],
                              [add_entries(infos["z"], unknown)], [add_entries(weights, unknown)],
                              value_info=[add_entries(infos["y"], unknown)])
    model = add_entries(helper.make_model(add_entries(graph, unknown), opset_imports=[helper.make_opsetid("", 17)]), unknown)
    # A key that occurs twice, which Python would not write: the second is the one that counts.
    path.write_bytes(model.SerializeToString().replace(b"\x12\x05twice", b"\x0a\x01c\x12\x02vv"))
    return path


def varint(number):
    number &= (1 << 64) - 1
    low = bytes()
    while number >= 128:
        low += bytes([number & 127 | 128])
        number >>= 7
    return low + bytes([number])


def field(number, content):
    """A field as it stands on the wire: bytes, or an integer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def types():
    value, symbol, negative, note, odd = field(1, 5), field(2, b"N"), field(1, -3), field(3, b"BATCH"), field(9, 7)
    dims = [b"", value, symbol, field(2, b""), negative, note, value + note, note + symbol, value + symbol, symbol + value, value + value, value + odd,
            field(1, 1 << 62), symbol + field(9, b"odd")]
    elem, float16 = field(1, 1), field(1, 10)
    shapes = [b""] + [field(1, d) for d in dims] + [b"".join(field(1, d) for d in dims), field(1, value) + odd]
    tensors = [b"", elem, field(1, -1), field(1, 1 << 40), elem + float16, elem + odd] + [elem + field(2, s) for s in shapes] + [field(2, b"") + elem]
    plain, sparse = [field(1, t) for t in tensors], [field(8, t) for t in tensors[:8]]
    name = field(6, b"IMAGE")
    inner = field(1, plain[-1])
    others = [field(4, inner), field(9, inner), field(5, field(1, 7) + field(2, plain[1])), field(7, field(1, b"d") + field(2, b"n")), field(4, b"")]
    return [b"", name] + plain + sparse + others + [name + plain[1], plain[1] + name, field(4, inner) + name, plain[1] + field(19, 7), others[0] + plain[1]]


def attributes():
    one, text = field(3, 1), field(4, b"text")
    number = varint(2 << 3 | 5) + b"\0\0\x80\x3f"
    packed = field(8, varint(1) + varint(-2) + varint(300))
    ints = field(8, 1) + field(8, -2) + field(8, 1 << 62)
    values = [(2, one), (2, one + field(3, -7)), (3, text), (3, field(4, b"")), (3, field(4, b"long" * 100)), (7, ints), (7, packed), (7, ints + packed),
              (7, b""), (1, number), (2, one + text), (2, b""), (99, one), (2, one + field(18, 3)), (8, field(9, b"a") + field(9, b""))]
    made = [field(1, b"a") + field(20, kind) + value for kind, value in values] + [field(20, kind) + value + field(1, b"a") for kind, value in values]
    return made + [field(1, b"a") + one, field(1, b"a") + field(13, b"doc") + one, field(1, b"a") + field(20, 2) + field(20, 7) + ints]


def make_forms(path):
    graph = field(2, b"g") + field(11, field(1, b"x")) + field(12, field(1, b"y0"))
    for i, attribute in enumerate(attributes()):
        node = [field(1, b"x"), field(2, f"y{i}".encode()), field(4, b"Odd"), field(7, b"test"), field(5, attribute)]
        graph += field(1, b"".join(node if i % 2 else reversed(node)))
    for i, kind in enumerate(types()):
        graph += field(13, (field(3, b"doc") if i % 3 == 0 else b"") + field(2, kind) + field(1, f"y{i % 20}".encode()))
    path.write_bytes(field(1, 10) + field(8, field(2, 17)) + field(8, field(1, b"test") + field(2, 1)) + field(7, graph))
    return path


def judge(model):
    result = OUT / f"{model.stem}.out.onnx"
    found = judge_lib.onnxopt(model, "-O0", "-o", result) or same_message.difference(model, result)
    if not found:
        result.unlink()
    return model.stem, found


def main():
    global OUT
    OUT = judge_lib.scratch("roundtrip")
    models = judge_lib.models([judge_lib.CORPUS, judge_lib.WHEELS], sys.argv[1:])
    models += [make_metadata(OUT / "plain_metadata.in.onnx", False), make_metadata(OUT / "odd_metadata.in.onnx", True),
               make_forms(OUT / "forms.in.onnx")]
    bad = [(n, f) for n, f in judge_lib.each(judge, models, processes=False) if f]
    for name, found in bad:
        print(f"{name}: {found}")
    print(f"round trip: {len(models) - len(bad)} of {len(models)} models ok")
    if not bad:
        shutil.rmtree(OUT)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
