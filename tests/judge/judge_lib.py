"""What the judges share: where things are, running onnxopt, comparing messages, small reports."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

import onnx
from google.protobuf import unknown_fields

ROOT = pathlib.Path(__file__).resolve().parents[2]
ONNXOPT = os.environ.get("ONNXOPT") or str(ROOT / "build/dev/onnxopt")
CORPUS = pathlib.Path(os.environ.get("CORPUS") or ROOT / "build/corpus")
WHEELS = pathlib.Path(os.environ.get("WHEELS") or ROOT / "build/wheels")
BUILD = pathlib.Path(os.environ.get("ONNXOPT_BUILD_DIR") or ROOT / "build/dev")
JOBS = 2


def scratch(name):
    """A fresh folder below the build folder; it is left there when a judge fails, to be looked at."""
    base = BUILD / "scratch"
    base.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=name + ".", dir=base))


def onnxopt(*args, timeout=300):
    """Runs onnxopt; None when it did its work, else one line about how it failed."""
    command = [ONNXOPT, *map(str, args)]
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return f"no end after {timeout} s"
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if run.returncode == 0:
        return None
    last = (run.stderr.decode(errors="replace").strip().splitlines() or ["nothing on stderr"])[-1]
    return f"exit {run.returncode}: {last[:300]}"


def pipeline(text):
    """A pipeline, or a level as -O2, as arguments of onnxopt."""
    return [text] if text.startswith("-O") else ["-p", text]


def models(folders, names=()):
    """The .onnx files of the folders, by name; names selects by prefix."""
    found = sorted(p for folder in folders if folder.is_dir() for p in folder.glob("*.onnx"))
    chosen = [p for p in found if not names or any(p.name.startswith(n) for n in names)]
    if not chosen:
        sys.exit(f"no models in {', '.join(map(str, folders))}: run scripts/unpack-corpus first")
    return chosen


def each(function, items, processes=True):
    """function over the items, two at a time, results in order."""
    pool = concurrent.futures.ProcessPoolExecutor if processes else concurrent.futures.ThreadPoolExecutor
    with pool(JOBS) as executor:
        yield from executor.map(function, items)


def table(rows, heads):
    widths = [max(len(str(row[k])) for row in [heads, *rows]) for k in range(len(heads))]
    for row in [heads, *rows]:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


def tensors(message):
    """Every TensorProto of a message, wherever it lies, with its path."""
    def walk(part, path):
        if part.DESCRIPTOR.name == "TensorProto":
            yield path, part
            return
        for field, value in part.ListFields():
            if field.message_type is None:
                continue
            if field.is_repeated:
                for k, item in enumerate(value):
                    yield from walk(item, f"{path}.{field.name}[{k}]")
            else:
                yield from walk(value, f"{path}.{field.name}")
    return walk(message, "model")


def validity(path):
    """What onnx's checker says: 'full', 'plain' (the full check fails) or 'invalid'."""
    try:
        onnx.checker.check_model(str(path), full_check=True)
        return "full", ""
    except Exception as error:  # the checker throws several unrelated types
        why = last_line(error)
    try:
        onnx.checker.check_model(str(path))
        return "plain", why
    except Exception as error:
        return "invalid", last_line(error)


def last_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]


VALIDITY = {"invalid": 0, "plain": 1, "full": 2}


def public_inputs(model):
    """A caller's inputs: before IR version 4 every initializer had to be listed among the inputs too."""
    initializers = {t.name for t in model.graph.initializer} | {t.values.name for t in model.graph.sparse_initializer}
    return [v for v in model.graph.input if model.ir_version >= 4 or v.name not in initializers]


def interface_change(before, after):
    """What a caller of the model would notice before running it, or None."""
    pairs = [
        ("inputs", public_inputs(before), public_inputs(after)),
        ("outputs", list(before.graph.output), list(after.graph.output)),
        ("metadata", list(before.metadata_props), list(after.metadata_props)),
        ("opset imports", list(before.opset_import), list(after.opset_import)),
    ]
    for what, a, b in pairs:
        if [m.SerializeToString(deterministic=True) for m in a] != [m.SerializeToString(deterministic=True) for m in b]:
            return f"{what} changed"
    for what in ("ir_version", "producer_name", "producer_version", "domain", "model_version", "doc_string"):
        if getattr(before, what) != getattr(after, what):
            return f"{what} changed"
    if before.graph.name != after.graph.name:
        return "the graph's name changed"
    return None


def scalar_equal(a, b):
    return a == b or (isinstance(a, float) and a != a and b != b)


def unknown(message):
    return [(f.field_number, f.wire_type, str(f.data)) for f in unknown_fields.UnknownFieldSet(message)]


def message_difference(a, b, path="model"):
    """The path of the first field in which two messages differ, or None. Presence and unknown fields count."""
    if unknown(a) != unknown(b):
        return f"{path}: unknown fields differ"
    fields_a, fields_b = a.ListFields(), b.ListFields()
    names_a, names_b = [f.name for f, _ in fields_a], [f.name for f, _ in fields_b]
    if names_a != names_b:
        only = sorted(set(names_a) ^ set(names_b))[0]
        return f"{path}.{only}: only in the {'first' if only in names_a else 'second'}"
    for (field, x), (_, y) in zip(fields_a, fields_b):
        here = f"{path}.{field.name}"
        found = field_difference(field, x, y, here)
        if found:
            return found
    return None


def field_difference(field, x, y, path):
    if not field.is_repeated:
        if field.message_type is not None:
            return message_difference(x, y, path)
        return None if scalar_equal(x, y) else f"{path}: {str(x)[:60]!r} became {str(y)[:60]!r}"
    if len(x) != len(y):
        return f"{path}: {len(x)} became {len(y)} items"
    if field.message_type is None and list(x) == list(y):
        return None
    for k, (p, q) in enumerate(zip(x, y)):
        if field.message_type is not None:
            found = message_difference(p, q, f"{path}[{k}]")
            if found:
                return found
        elif not scalar_equal(p, q):
            return f"{path}[{k}]: {str(p)[:60]!r} became {str(q)[:60]!r}"
    return None
