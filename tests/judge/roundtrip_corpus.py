#!/usr/bin/env python3
"""Judge: each model of the corpus, each that a PyPI wheel carried, and one made here with every kind of metadata, goes through onnxopt
without a pass; the written message must be the one that was read, field by field.

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
    models += [make_metadata(OUT / "plain_metadata.in.onnx", False), make_metadata(OUT / "odd_metadata.in.onnx", True)]
    bad = [(n, f) for n, f in judge_lib.each(judge, models, processes=False) if f]
    for name, found in bad:
        print(f"{name}: {found}")
    print(f"round trip: {len(models) - len(bad)} of {len(models)} models ok")
    if not bad:
        shutil.rmtree(OUT)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
