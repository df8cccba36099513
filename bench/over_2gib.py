#!/usr/bin/env python3
"""A model of more than 2 GiB: reads one message of 2.3 GiB, whose tensors must move out, and writes it with external data; needs 8 GB of disk.

usage: over_2gib.py ONNXOPT [FOLDER]       FOLDER: where the files go for a while, default the system's temporary folder
Prints time and peak memory; fails unless the checker accepts the result, its numbers are right, and keeping it in one file is refused.
"""
import os, subprocess, sys, tempfile, time
import numpy as np
import onnx
from onnx import TensorProto, external_data_helper, helper, numpy_helper

COUNT, SIZE = 23, 100 << 20


def varint(n):
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def data(i):
    return (np.arange(SIZE // 4, dtype=np.uint32) % 1000 + i).astype(np.float32)


def write_model(path):
    """PyPI's protobuf cannot write such a message, so the tensors' bytes are put behind their headers by hand."""
    names = ["x", *(f"y{i}" for i in range(COUNT))]
    nodes = [helper.make_node("Add", [names[i], f"w{i}"], [names[i + 1]]) for i in range(COUNT)]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [SIZE // 4]) for n in (names[0], names[-1])]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    heads = []
    for i in range(COUNT):
        t = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[SIZE // 4]).SerializeToString() + varint(9 << 3 | 2) + varint(SIZE)
        heads.append(varint(5 << 3 | 2) + varint(len(t) + SIZE) + t)
    with open(path, "wb") as f:
        f.write(model.SerializeToString() + varint(7 << 3 | 2) + varint(len(graph) + sum(len(h) + SIZE for h in heads)) + graph)
        for i, head in enumerate(heads):
            f.write(head + data(i).tobytes())


def run(*command):
    start = time.time()
    p = subprocess.Popen(command, stderr=subprocess.PIPE)
    message = p.stderr.read().decode()
    _, status, usage = os.wait4(p.pid, 0)
    return os.waitstatus_to_exitcode(status), time.time() - start, usage.ru_maxrss / 1024, message.strip()


def main(tool, folder):
    source, out = os.path.join(folder, "big.onnx"), os.path.join(folder, "out.onnx")
    write_model(source)
    code, seconds, mib, message = run(tool, source, "-o", out)
    print(f"{os.path.getsize(source) / 2**30:.2f} GiB: {seconds:.1f} s, {mib:.1f} MiB resident, exit code {code}; {message}")
    assert code == 0
    onnx.checker.check_model(out)
    model = onnx.load(out, load_external_data=False)
    for i in (0, COUNT - 1):
        t = next(t for t in model.graph.initializer if t.name == f"w{i}")
        external_data_helper.load_external_data_for_tensor(t, folder)
        assert np.array_equal(numpy_helper.to_array(t), data(i))
    code, _, _, message = run(tool, "-O0", "--external=inline", out, "-o", os.path.join(folder, "inline.onnx"))
    assert code == 1 and not os.path.exists(os.path.join(folder, "inline.onnx")), message
    print("checker and numbers ok; one file is refused:", message)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as scratch:
        main(os.path.abspath(sys.argv[1]), scratch)
