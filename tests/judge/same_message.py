#!/usr/bin/env python3
"""Judge: do two files hold the same ModelProto, field by field, unknown fields and presence included?

usage: same_message.py A.onnx B.onnx [--moved]
Prints the path of the first field that differs. Exits 0 (same) or 1.
The bytes of external data must be equal too; --moved lets their file names and offsets differ.
"""
import argparse
import os
import sys

import onnx

import judge_lib


def external_bytes(tensor, folder):
    entries = {e.key: e.value for e in tensor.external_data}
    with open(os.path.join(folder, entries["location"]), "rb") as file:
        file.seek(int(entries.get("offset", 0)))
        return file.read(int(entries["length"])) if "length" in entries else file.read()


def difference(path_a, path_b, moved=False):
    """None when the two files hold the same model, else where they first differ."""
    a, b = (onnx.load(path, load_external_data=False) for path in (path_a, path_b))
    pairs = list(zip(judge_lib.tensors(a), judge_lib.tensors(b)))
    for (where, x), (_, y) in pairs:
        if x.data_location != onnx.TensorProto.EXTERNAL or y.data_location != onnx.TensorProto.EXTERNAL:
            continue
        if external_bytes(x, os.path.dirname(path_a)) != external_bytes(y, os.path.dirname(path_b)):
            return f"{where}: external data differ"
        if moved:
            x.ClearField("external_data")
            y.ClearField("external_data")
    return judge_lib.message_difference(a, b)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--moved", action="store_true", help="external data may lie elsewhere")
    arg = parser.parse_args()
    try:
        found = difference(arg.a, arg.b, arg.moved)
    except Exception as error:  # an unreadable file is a verdict too
        found = "unreadable: " + judge_lib.last_line(error)
    print(found or "same")
    sys.exit(found is not None)


if __name__ == "__main__":
    main()
