#!/usr/bin/env python3
"""passes/versions.def against PyPI's onnx: what is called the same must at least look the same in onnx.defs.

usage: versions_table.py SOURCE_DIR

SAME, SAME_IF and SAID: every attribute is still there with its type and default, and what is new need not be said; every input and output is still
there, what is new is optional, and no element type went. MOVED: the same, but for the attributes that forms.def says are inputs. Rows are sorted,
and of the versions from 8 to 25 every one has a row or is in DIFFERENT, with the reason.
"""
import collections
import pathlib
import re
import sys

from onnx import defs

OLDEST, NEWEST = 8, 25
DIFFERENT = {
    ("Attention", 24): "not looked at", ("Attention", 25): "not looked at", ("ConvTranspose", 11): "only without auto_pad",
    ("DFT", 20): "axis became an input, which forms.def does not say", ("GridSample", 20): "other words for the modes",
    ("GroupNormalization", 21): "scale and bias for each channel", ("MaxUnpool", 11): "not looked at", ("NonMaxSuppression", 11): "not looked at",
    ("OneHot", 11): "negative indices count from the end", ("Resize", 11): "coordinates", ("RoiAlign", 16): "half a pixel",
    ("Scan", 9): "no batch dimension", ("Scatter", 11): "deprecated", ("Upsample", 10): "deprecated",
}
# What a condition of SAME_IF makes up for.
MADE_UP = {"is_spatial": {"-spatial"}, "one_output": {"outputs", "types of outputs"}, "last_axis": {"axis"}, "of_floats": {"types of inputs", "types of outputs"}}


def default(attribute):
    return attribute.default_value.SerializeToString() if attribute.default_value is not None else b""


def differences(old, new, moved):
    found = set()
    if new.deprecated:
        found.add("deprecated")
    for name, a in old.attributes.items():
        b = new.attributes.get(name)
        if name in moved:
            continue
        if not b:
            found.add(f"-{name}")
        elif a.type != b.type or default(a) != default(b) or (b.required and not a.required):
            found.add(name)
    found |= {f"+{name}" for name, b in new.attributes.items() if name not in old.attributes and b.required}
    for what, olds, news in (("inputs", old.inputs, new.inputs), ("outputs", old.outputs, new.outputs)):
        if len(news) < len(olds):
            found.add(what)
        for i, b in enumerate(news):
            if i < len(olds):
                if not set(olds[i].types) <= set(b.types):
                    found.add(f"types of {what}")
                if olds[i].option != b.option and b.option.name != "Optional":
                    found.add(f"option of {what}")
            elif b.option.name != "Optional" and not (moved and what == "inputs"):
                found.add(f"new {what}")
    return found


def main():
    source = pathlib.Path(sys.argv[1], "passes")
    text = (source / "versions.def").read_text()
    rows = re.findall(r"^(SAME|MOVED|SAME_IF|SAID)\((\w+), (\d+)(?:, (\w+)(?:, \w+)?)?\)$", text, re.M)
    forms = collections.defaultdict(set)
    for op, since, attribute in re.findall(r"^FORM\((\w+), (\d+), \d+, (\w+),", (source / "forms.def").read_text(), re.M):
        forms[op, int(since)].add(attribute)
    history = collections.defaultdict(dict)
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            history[schema.name][schema.since_version] = schema
    bad = []
    keys = [(op, int(since)) for _, op, since, _ in rows]
    if keys != sorted(set(keys)):
        bad.append("rows are not sorted, or one stands twice")
    for kind, op, since, condition in rows:
        since = int(since)
        older = [v for v in history[op] if v < since]
        if since not in history[op] or not older:
            bad.append(f"{op} has no version {since} with one before it")
            continue
        moved = forms[op, since] if kind == "MOVED" else set()
        if (kind == "MOVED") != bool(moved):
            bad.append(f"{op} {since}: forms.def does not say what moved")
        found = differences(history[op][max(older)], history[op][since], moved) - MADE_UP.get(condition, set())
        if found:
            bad.append(f"{op} {since}: {', '.join(sorted(found))}")
    for op, versions in sorted(history.items()):
        for since in sorted(versions)[1:]:
            if OLDEST <= since <= NEWEST and (op, since) not in keys and (op, since) not in DIFFERENT:
                bad.append(f"{op} {since} has no row")
    print("\n".join(bad) if bad else f"{len(rows)} rows hold")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
