#!/usr/bin/env python3
"""Judge: every model of the corpus, and each that a PyPI wheel carried, is drawn: `onnxopt MODEL -p PIPELINE --review DIR`.

usage: pictures.py [-p PIPELINE] [--seconds S] [--megabytes M] [MODEL NAME PREFIX...]
The three SVG files must be well-formed, have every operator (before, after) as a box, ids that are unique and links that lead
somewhere; each must be laid out within S seconds and each process stay within M megabytes. A second run must give
the same bytes for the smaller models. Prints a table; exits 1 on any failure.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import onnx

import judge_lib

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
TITLE = "{http://www.w3.org/1999/xlink}title"
PICTURES = ("before", "after", "diff")
SMALL = 300  # boxes up to which the run is repeated
# Short enough not to be shortened.
NAMES = ('<b>x</b>', '"quoted"', "'", "a&b", "&lt;", "&amp;lt;", "&#65;", "\\N\\G", "\\", "\\\\", "\\n", "javascript:0", "]]>",
         "<!--", "{a|b}", "%s%n", "\u00e4\u4e2d", "`*_|", " ")


def operators(graph_or_function):
    """Operators that are drawn: all but Constant, subgraphs included."""
    count = 0
    for node in graph_or_function.node:
        count += not (node.op_type == "Constant" and node.domain in ("", "ai.onnx"))
        for attribute in node.attribute:
            for graph in [attribute.g] * attribute.HasField("g") + list(attribute.graphs):
                count += operators(graph)
    return count


def count_operators(path):
    model = onnx.load(path, load_external_data=False)
    return operators(model.graph) + sum(operators(f) for f in model.functions)


def look_at(path):
    """(boxes of operators, stubs, None or what is wrong) of one SVG file."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError) as error:
        return 0, 0, f"{path.name}: {error}"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    if len(ids) != len(set(ids)):
        return 0, 0, f"{path.name}: an id stands twice"
    known = set(ids)
    for link in (e.get(HREF) for e in root.iter(SVG + "a")):
        if link is not None and not (link.startswith("#") and link[1:] in known):
            return 0, 0, f"{path.name}: the link {link[:60]!r} leads nowhere"
    classes = [(e.get("class") or "").split() for e in root.iter(SVG + "g")]
    boxes = [c for c in classes if c[:1] == ["node"]]
    return sum("op" in c for c in boxes), sum("stub" in c for c in boxes), None


def review(model, pipeline, out, folder, limit):
    """(seconds, peak megabytes, None or what is wrong) of a run."""
    command = [judge_lib.ONNXOPT, str(model), "-p", pipeline, "-o", str(out), "--review", str(folder)]
    begin = time.monotonic()
    child = subprocess.Popen(["timeout", str(4 * limit), *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begin
    why = (errors.decode(errors="replace").strip().splitlines() or ["nothing on stderr"])[-1]
    return seconds, usage.ru_maxrss / 1024, None if child.returncode == 0 else f"exit {child.returncode}: {why[:200]}"


def slowest(folder):
    """Seconds that the layout of the slowest picture took: its .dot is written just before, its .svg just after."""
    return max((folder / f"{n}.svg").stat().st_mtime - (folder / f"{n}.dot").stat().st_mtime for n in PICTURES)


def check(model, out, folder, pictures):
    for name, path in (("before", model), ("after", out)):
        wanted = count_operators(path)
        if pictures[name][0] != wanted:
            return f"{name}.svg has {pictures[name][0]} of {wanted} operators"
    if not (folder / "summary.md").read_text(encoding="utf-8").startswith("# "):
        return "summary.md has no title"
    return None


def differs(folder, again):
    for path in sorted(folder.iterdir()):
        if path.read_bytes() != (again / path.name).read_bytes():
            return f"{path.name} differs from run to run"
    return None


def judge(options, scratch, model, run):
    out, folder, again = scratch / f"{model.stem}.onnx", scratch / model.stem, scratch / f"{model.stem}.again"
    seconds, peak, wrong = run
    pictures = {}
    for name in PICTURES:
        pictures[name] = (0, 0, None) if wrong else look_at(folder / f"{name}.svg")
        wrong = wrong or pictures[name][2]
    wrong = wrong or check(model, out, folder, pictures)
    longest = 0 if wrong else slowest(folder)
    if longest > options.seconds:
        wrong = f"a picture took {longest:.1f} s"
    if not wrong and peak > options.megabytes:
        wrong = f"{peak:.0f} MB are too much"
    if not wrong and pictures["before"][0] <= SMALL:
        wrong = review(model, options.pipeline, out, again, options.seconds)[2] or differs(folder, again)
    size = 0 if wrong else (folder / "before.svg").stat().st_size
    return (model.stem, *(pictures[n][0] for n in PICTURES), pictures["before"][1], f"{size / 1e6:.2f}",
            f"{longest:.2f}", f"{seconds:.2f}", f"{peak:.0f}", wrong or "ok")


def hostile(scratch, options):
    """Names that mean something to Graphviz, XML or a browser must be there literally. None or what is wrong."""
    for number, name in enumerate(NAMES):
        x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [name]) for n in ("x" + name, "y" + name))
        node = onnx.helper.make_node("Relu", ["x" + name], ["y" + name], name="n" + name)
        model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [x], [y]), opset_imports=[onnx.helper.make_opsetid("", 17)])
        path, folder = scratch / f"hostile{number}.onnx", scratch / f"hostile{number}"
        onnx.save(model, path)
        wrong = review(path, options.pipeline, scratch / "hostile.out.onnx", folder, options.seconds)[2]
        for picture in () if wrong else PICTURES[:2]:
            wrong = wrong or look_at(folder / f"{picture}.svg")[2] or missing(folder / f"{picture}.svg", name)
        if wrong:
            return f"the name {name!r}: {wrong}"
    return None


def missing(path, name):
    root = ElementTree.parse(path).getroot()
    texts = [e.text or "" for e in root.iter(SVG + "text")]
    titles = [e.get(TITLE) or "" for e in root.iter(SVG + "a")]
    for stem in "xny":
        if not any(stem + name in t for t in texts) or not any(stem + name in t for t in titles):
            return f"{path.name} does not say {stem + name!r}"
    if not any(f"float[{name}]" in t for t in texts):
        return f"{path.name} does not name the dimension"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", dest="pipeline", default="fuse-conv-bn,dce")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--megabytes", type=float, default=1024)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    scratch = judge_lib.scratch("pictures")
    models = judge_lib.models([judge_lib.CORPUS, judge_lib.WHEELS], options.names)
    # All runs come first: a child counts the memory of the process that it was forked from, and reading models makes this one big.
    def run(m):
        return review(m, options.pipeline, scratch / f"{m.stem}.onnx", scratch / m.stem, options.seconds)
    runs = list(judge_lib.each(run, models, processes=False))
    rows = [judge(options, scratch, model, run) for model, run in zip(models, runs)]
    judge_lib.table(rows, ("model", *PICTURES, "stubs", "MB", "slowest s", "review s", "peak MB", "verdict"))
    bad = [row for row in rows if row[-1] != "ok"]
    print(f"pictures: {len(rows) - len(bad)} of {len(rows)} models ok")
    wrong = hostile(scratch, options)
    print(wrong or f"pictures: {len(NAMES)} hostile names stand literally")
    if not bad and not wrong:
        shutil.rmtree(scratch)
    sys.exit(bool(bad or wrong))


if __name__ == "__main__":
    main()
