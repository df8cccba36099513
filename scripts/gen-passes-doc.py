#!/usr/bin/env python3
"""Writes docs/passes.md: every pass and every rule, from the program's tables, docs/passes/*.md, and golden tests.

usage: scripts/gen-passes-doc.py [--check] [--redraw] ONNXOPT

--check   writes nothing; exit code 1 when the page or a drawing is not what would be written
--redraw  draws anew also what was drawn from the same test before

docs/passes/NAME.md holds what people write of a pass: lines "results:", "opsets:" and "drawing:" (a test of tests/golden/NAME; behind it
"before after" where nodes do not change and the difference shows nothing), an empty line, and text without headings of the first two levels. A
drawing is made again when the test that it shows changes.
"""
import argparse
import difflib
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
PAGE = TOP / "docs" / "passes.md"
TEXTS = TOP / "docs" / "passes"
IMAGES = TOP / "docs" / "images" / "passes"
GOLDEN = TOP / "tests" / "golden"
UPDATE = "cmake --build --preset dev -t update-docs"
KEYS = ("results", "opsets", "drawing")


class Stale(Exception):
    """What a person has to do."""


def ask(program, *options):
    done = subprocess.run([program, *options], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def read_text(name):
    """The facts and the prose of a pass."""
    path = TEXTS / f"{name}.md"
    if not path.exists():
        raise Stale(f"pass {name} has no docs/passes/{name}.md: write it as docs/passes/dce.md is written, then run: {UPDATE}")
    head, _, body = path.read_text().partition("\n\n")
    facts = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if set(facts) != set(KEYS):
        raise Stale(f"docs/passes/{name}.md must begin with lines {', '.join(KEYS)}, and an empty line")
    if re.search(r"^##? ", body, re.M):
        raise Stale(f"docs/passes/{name}.md: headings of the first two levels are the page's")
    return facts, body.strip("\n")


# ---- tests ----
def fired_in(program, path):
    """What each rule did in a golden test: {rule: message}."""
    pipeline, model = read_golden(path)
    done = subprocess.run([program, "-n", "-p", pipeline, "--remarks=passed", "--message-format=json", "-"], input=model, capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    fired = {}
    for message in messages:
        if message["type"] == "remark" and message.get("pass") == "rules":
            fired.setdefault(message["rule"], message["message"])
    return fired


def tests_of_rules(program):
    """For each rule the test that shows it with the fewest others: {rule: (file name, message)}."""
    found = {}
    for path in sorted((GOLDEN / "rules").glob("*.onnxtxt")):
        fired = fired_in(program, path)
        for rule, message in fired.items():
            if rule not in found or len(fired) < found[rule][0]:
                found[rule] = (len(fired), path.name, message)
    return {rule: (name, message) for rule, (_, name, message) in found.items()}


# ---- drawings ----
def read_golden(path):
    """Pipeline and model of a golden test."""
    text = path.read_text()
    before = text.split("\n# =>", 1)[0]
    pipeline = re.search(r"^# passes: (.*)$", before, re.M)
    if not pipeline:
        raise Stale(f"{path.relative_to(TOP)} names no passes")
    return pipeline[1], before + "\n"


def slim(svg):
    """Without what an image in a page does not show: comments, titles, tooltips."""
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    svg = re.sub(r"<title>.*?</title>\n?", "", svg, flags=re.S)
    svg = re.sub(r'<g id="a_[^>]*><a [^>]*>\n?(.*?)</a>\n</g>\n', r"\1", svg, flags=re.S)
    return re.sub(r"<!DOCTYPE.*?>\n", "", svg, flags=re.S)


class Drawings:
    """Draws tests, unless the image in place is one of the same test; with `check` only tells which are not."""

    def __init__(self, program, check, redraw):
        self.program, self.check, self.redraw = program, check, redraw
        self.names, self.stale = set(), []

    def add(self, name, golden, ways):
        """Paths of the images from docs/: "diff" is before and after laid over each other."""
        pipeline, model = read_golden(golden)
        mark = f"<!-- {golden.relative_to(TOP)} {hashlib.sha256((pipeline + model).encode()).hexdigest()[:16]} -->\n"
        paths = {way: IMAGES / (f"{name}.svg" if way == "diff" else f"{name}-{way}.svg") for way in ways}
        self.names |= {path.name for path in paths.values()}
        stale = {way: path for way, path in paths.items() if self.redraw or not path.exists() or not path.read_text().endswith(mark)}
        self.stale += [str(path.relative_to(TOP)) for path in stale.values()]
        if stale and not self.check:
            self.draw(stale, name, pipeline, model, mark)
        return [path.relative_to(PAGE.parent).as_posix() for path in paths.values()]

    def draw(self, paths, name, pipeline, model, mark):
        IMAGES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / name).write_text(model)
            subprocess.run([self.program, "-q", "-n", "-p", pipeline, "--review", "review", name], cwd=folder, check=True)
            for way, path in paths.items():
                path.write_text(slim((pathlib.Path(folder) / "review" / f"{way}.svg").read_text()) + mark)

    def remove_others(self):
        for path in IMAGES.glob("*.svg"):
            if path.name not in self.names:
                self.stale.append(f"{path.relative_to(TOP)} (nobody's)")
                if not self.check:
                    path.unlink()


# ---- the page ----
def level_of(entry):
    return f"-O{entry['level']}" if "level" in entry else "asked for"


def elsewhere(name, aliases):
    """A line that says what other optimizers call a pass or a rule."""
    calls = {}
    for alias in aliases:
        if name in alias["ours"]:
            for tool in alias["tools"]:
                calls.setdefault(tool, []).append(f"`{alias['name']}`")
    return [f"*Elsewhere*: {'; '.join(tool + ' ' + ', '.join(names) for tool, names in calls.items())}", ""] if calls else []


def pass_section(entry, facts, body, images, aliases):
    out = [f"## {entry['name']}", "", f"{entry['summary']}.", ""]
    out += [f"*Level*: {level_of(entry)} · *opsets*: {facts['opsets']} · *results*: {facts['results']}" + (
        " (left out by `--exact`)" if entry["inexact"] else ""), ""]
    out += elsewhere(entry["name"], aliases)
    out += [body, ""]
    if entry["options"]:
        out += ["| option | default | meaning |", "|---|---|---|"]
        for option in entry["options"]:
            default = f"`{option['default']}`" if option["default"] else ""
            meaning = option["help"].replace("|", "\\|")
            out.append(f"| `{option['name']}` | {default} | {meaning} |")
        out.append("")
    golden = f"../tests/golden/{entry['name']}/{test_of(facts)}.onnxtxt"
    return out + [f"On [a test of its own]({golden}):", "", *(f"![{entry['name']}]({image})" for image in images), ""]


def test_of(facts):
    return facts["drawing"].split()[0]


def ways_of(facts):
    return facts["drawing"].split()[1:] or ["diff"]


def opsets_of(rule):
    if "first_opset" not in rule:
        return "no opset"
    if "last_opset" in rule:
        return f"opset {rule['first_opset']} to {rule['last_opset']}"
    return "every opset" if rule["first_opset"] == 1 else f"opset {rule['first_opset']} and later"


def rule_section(rule, tests, aliases):
    facts = ["inexact" if rule["inexact"] else "exact", f"-O{rule['level']}", opsets_of(rule)]
    if "target" in rule:
        facts.append(f"`--target {rule['target']}` only")
    out = [f"### {rule['name']}", "", " · ".join(facts), ""] + elsewhere(rule["name"], aliases)
    if rule["doc"]:
        out += [rule["doc"], ""]
    out += ["```", *rule["text"].rstrip("\n").split("\n"), "```", ""]
    if rule["name"] in tests:
        name, message = tests[rule["name"]]
        out += [f"In [its test](../tests/golden/rules/{name}): {message}.", ""]
    return out


def anchor(name):
    return f"[`{name}`](#{name})"


def aliases_section(aliases):
    out = [(TEXTS / "_aliases.md").read_text().strip("\n"), ""]
    for tools in dict.fromkeys(tuple(alias["tools"]) for alias in aliases):
        own = [alias for alias in aliases if tuple(alias["tools"]) == tools]
        out += [f"## Names of {' and '.join(tools)}", "", "| name | here | |", "|---|---|---|"]
        for alias in own:
            if alias["kind"] == "ours":
                out.append(f"| `{alias['name']}` | {', '.join(anchor(name) for name in alias['ours'])} | {alias['note']} |")
        for kind, text in (("needless", "nothing to do"), ("refused", "not offered")):
            for note in dict.fromkeys(alias["note"] for alias in own if alias["kind"] == kind):
                names = ", ".join(f"`{alias['name']}`" for alias in own if alias["kind"] == kind and alias["note"] == note)
                out.append(f"| {names} | {text} | {note} |")
        out.append("")
    return out


def page(passes, rules, aliases, tests, drawings):
    out = ["# The passes", "", f"<!-- Written by scripts/gen-passes-doc.py; what people write is in docs/passes/. To renew: {UPDATE} -->", ""]
    out += [(TEXTS / "_intro.md").read_text().strip("\n"), ""]
    out += ["| pass | what it does | level | opsets | results |", "|---|---|---|---|---|"]
    texts = {entry["name"]: read_text(entry["name"]) for entry in passes}
    for entry in passes:
        facts, _ = texts[entry["name"]]
        out.append(f"| {anchor(entry['name'])} | {entry['summary']} | {level_of(entry)} | {facts['opsets']} | {facts['results']} |")
    out.append("")
    for entry in passes:
        facts, body = texts[entry["name"]]
        golden = GOLDEN / entry["name"] / f"{test_of(facts)}.onnxtxt"
        if not golden.exists():
            raise Stale(f"docs/passes/{entry['name']}.md asks for a drawing of {golden.relative_to(TOP)}, which does not exist")
        out += pass_section(entry, facts, body, drawings.add(entry["name"], golden, ways_of(facts)), aliases)
    out += [(TEXTS / "_rules.md").read_text().strip("\n"), ""]
    groups = sorted({rule["group"] for rule in rules})
    for group in groups:
        out += [f"## Rules: {group}", ""]
        for rule in rules:
            if rule["group"] == group:
                out += rule_section(rule, tests, aliases)
    out += aliases_section(aliases)
    return "\n".join(out).rstrip("\n") + "\n"


def check_page(text):
    old = PAGE.read_text() if PAGE.exists() else ""
    lines = list(difflib.unified_diff(old.splitlines(), text.splitlines(), "docs/passes.md", "what it must be", n=0, lineterm=""))
    for line in lines[:40]:
        print(line)
    return not lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--redraw", action="store_true")
    parser.add_argument("onnxopt")
    args = parser.parse_args()
    args.onnxopt = str(pathlib.Path(args.onnxopt).resolve())
    passes = [entry for entry in ask(args.onnxopt, "--list-passes=json") if entry["origin"] == "built-in"]
    rules = [rule for rule in ask(args.onnxopt, "--list-rules=json") if rule["origin"] == "built-in"]
    aliases = ask(args.onnxopt, "--list-passes=aliases-json")
    strangers = {path.stem for path in TEXTS.glob("*.md")} - {entry["name"] for entry in passes} - {"_intro", "_rules", "_aliases"}
    if strangers:
        raise Stale(f"docs/passes/: no pass is called {', '.join(sorted(strangers))}")
    drawings = Drawings(args.onnxopt, args.check, args.redraw)
    text = page(passes, rules, aliases, tests_of_rules(args.onnxopt), drawings)
    drawings.remove_others()
    if not args.check:
        PAGE.write_text(text)
        print(f"docs/passes.md; drawn: {', '.join(drawings.stale) or 'nothing'}")
        return 0
    good = check_page(text)
    for path in drawings.stale:
        print(f"{path}: is not of its test as it is now")
    if good and not drawings.stale:
        return 0
    print(f"docs/passes.md is not what the program, docs/passes/ and the tests say. Renew it with:\n    {UPDATE}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stale as why:
        print(why)
        sys.exit(1)
