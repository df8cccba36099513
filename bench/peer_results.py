"""What other optimizers make of a model: valid results that are graphs of their own, for bench/results.py --peers."""
import hashlib
import os
import subprocess
import sys
import pathlib

import onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/judge"))
import compare  # noqa: E402

SECONDS = 300


def names(python):
    listed = subprocess.run([python, ROOT / "bench/run_peer.py", "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [tuple(line.split()) for line in listed.splitlines()]


def made(python, peer, model, folder):
    """The peer's result; None when it makes none. What an earlier run made is taken."""
    result = folder / f"{model.stem}.{peer}.onnx"
    failed = result.with_suffix(".failed")
    if not result.exists() and not failed.exists():
        command = [python, ROOT / "bench/run_peer.py", peer, model, result]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=SECONDS, check=False,
                                  env=os.environ | {"OMP_NUM_THREADS": "1"})
            why = done.stderr if done.returncode else None
        except subprocess.TimeoutExpired:
            why = b"no end"
        if why is not None:
            result.unlink(missing_ok=True)
            failed.write_bytes(why)
    return result if result.exists() else None


def fingerprint(path):
    """The same for two models that differ in names, documentation and value_info alone."""
    model = onnx.load(path)
    digest = hashlib.sha256()

    def constant(tensor):
        copy = onnx.TensorProto()
        copy.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor)))
        return copy.SerializeToString(deterministic=True)

    def graph(part, outer):
        known = dict(outer)
        for value in part.input:
            known[value.name] = f"input {len(known)}"
        for tensor in part.initializer:
            known[tensor.name] = hashlib.sha256(constant(tensor)).hexdigest()
        for node in part.node:
            inner = []
            for attribute in sorted(node.attribute, key=lambda a: a.name):
                if attribute.type == onnx.AttributeProto.GRAPH:
                    inner.append(attribute.name + graph(attribute.g, known))
                elif attribute.type == onnx.AttributeProto.TENSOR:
                    inner.append(attribute.name + hashlib.sha256(constant(attribute.t)).hexdigest())
                else:
                    inner.append(attribute.SerializeToString(deterministic=True).hex())
            text = f"{node.domain} {node.op_type} {[known.get(i, '') for i in node.input]} {inner}"
            if node.op_type == "Constant":  # an initializer by another name
                tensor = next((a.t for a in node.attribute if a.name == "value"), None)
                text = None if tensor is None else hashlib.sha256(constant(tensor)).hexdigest()
                known[node.output[0]] = text or f"{inner}"
                continue
            for index, output in enumerate(node.output):
                known[output] = hashlib.sha256(f"{text} {index}".encode()).hexdigest()
        return str([known.get(value.name) for value in part.output])

    digest.update(graph(model.graph, {}).encode())
    return digest.hexdigest()


def judged(original, path):
    """'ok', or why the result does not count."""
    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError:
        return "not ONNX"
    if {node.domain for node in onnx.load(path, load_external_data=False).graph.node} - {"", "ai.onnx", "ai.onnx.ml"}:
        return "operators of its own"
    try:
        verdict = original.compare(path)[0]
    except Exception:  # the runtime refuses it
        return "does not load"
    return "ok" if verdict == "ok" else "differs"


def results_of(python, model, folder):
    """({peers: path}, {peer: why it has none}): results that compute what the model does in ONNX's own operators; equal graphs once, the model's own never."""
    original = compare.Original(model, compare.shapes_of(model))
    seen, found, without = {fingerprint(model): None}, {}, {}
    for peer, _ in names(python):
        path = made(python, peer, model, folder)
        if not path:
            without[peer] = "failed"
            continue
        verdict = judged(original, path)
        if verdict != "ok":
            without[peer] = verdict
            continue
        key = fingerprint(path)
        if key not in seen:
            seen[key] = peer
            found[peer] = path
        elif seen[key]:
            found[peer + ", " + seen[key]] = found.pop(seen[key])
            seen[key] = peer + ", " + seen[key]
        else:
            without[peer] = "unchanged"
    return found, without
