#!/usr/bin/env python3
"""A model of more than 2 GiB: reads one message of 2.3 GiB, whose tensors must move out, and writes it with external data; needs 8 GB of disk.

usage: over_2gib.py ONNXOPT [FOLDER]       FOLDER: where the files go for a while, default the system's temporary folder
Prints time and peak memory; fails unless the checker accepts the result, its numbers are right, and keeping it in one file is refused.

The model is made and checked in processes of their own (over_2gib.py make|check FILE): Linux counts the memory of the process that
starts a program into the program's peak.
"""
import os
import subprocess
import sys
import tempfile
import time

COUNT, SIZE = 23, 100 << 20


def varint(n):
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def data(i):
    import numpy as np
    return (np.arange(SIZE // 4, dtype=np.uint32) % 1000 + i).astype(np.float32)


def write_model(path):
    """PyPI's protobuf cannot write such a message, so the tensors' bytes are put behind their headers by hand."""
    from onnx import TensorProto, helper
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


def check(path):
    import numpy as np
    import onnx
    from onnx import external_data_helper, numpy_helper
    onnx.checker.check_model(path)
    model = onnx.load(path, load_external_data=False)
    for i in (0, COUNT - 1):
        t = next(t for t in model.graph.initializer if t.name == f"w{i}")
        external_data_helper.load_external_data_for_tensor(t, os.path.dirname(path))
        assert np.array_equal(numpy_helper.to_array(t), data(i))


def in_a_process(what, path):
    subprocess.run([sys.executable, __file__, what, path], check=True)


def main(tool, folder):
    source, out, inline = (os.path.join(folder, name) for name in ("big.onnx", "out.onnx", "inline.onnx"))
    in_a_process("make", source)
    code, seconds, mib, message = run(tool, "-O0", source, "-o", out)
    print(f"{os.path.getsize(source) / 2**30:.2f} GiB: {seconds:.1f} s, {mib:.1f} MiB resident, exit code {code}; {message}")
    assert code == 0
    in_a_process("check", out)
    code, _, _, message = run(tool, "-O0", "--external=inline", out, "-o", inline)
    assert code == 1 and not os.path.exists(inline), message
    print("checker and numbers ok; one file is refused:", message)


if __name__ == "__main__":
    if sys.argv[1] in ("make", "check"):
        {"make": write_model, "check": check}[sys.argv[1]](sys.argv[2])
    else:
        with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as scratch:
            main(os.path.abspath(sys.argv[1]), scratch)
