#!/usr/bin/env python3
"""Runs one other optimizer as its documentation says: reads IN.onnx, writes OUT.onnx.

usage: run_peer.py PEER IN.onnx OUT.onnx
       run_peer.py --list        peers that this Python can import, each with its version
"""
import importlib.metadata
import importlib.util
import sys


def onnxoptimizer(source, target):
    import onnx
    import onnxoptimizer as peer
    onnx.save(peer.optimize(onnx.load(source)), target)


def onnxscript(source, target):
    import onnx
    import onnxscript.optimizer as peer
    onnx.save(peer.optimize(onnx.load(source)), target)


def onnxruntime(source, target):
    import onnxruntime as peer
    options = peer.SessionOptions()
    options.graph_optimization_level = peer.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = target
    options.log_severity_level = 3
    peer.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def onnxsim(source, target):
    import onnx
    import onnxsim as peer
    model, fine = peer.simplify(onnx.load(source))
    assert fine, "onnxsim's own check of its result failed"
    onnx.save(model, target)


def onnxslim(source, target):
    import onnxslim as peer
    peer.slim(source, target)


PEERS = {f.__name__: f for f in (onnxoptimizer, onnxsim, onnxslim, onnxscript, onnxruntime)}

if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        for name in PEERS:
            if importlib.util.find_spec(name):
                print(name, importlib.metadata.version(name))
    elif len(sys.argv) == 4 and sys.argv[1] in PEERS:
        PEERS[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(__doc__)
