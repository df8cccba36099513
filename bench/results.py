#!/usr/bin/env python3
"""How fast what onnxopt writes runs and loads in ONNX Runtime, against the original: one thread, everything in one run.

usage: results.py [--onnxopt FILE] [--level -O2] [--corpus FOLDER] [--work FOLDER] [--seconds 2] [--json FILE] [--profile] [--peers PYTHON] [NAME PREFIX...]
Prints a Markdown table: how many times as fast as the original the result computes, with ONNX Runtime's own optimizations off and all
on, and how many times as fast a session is made of it (off, on). Original and result take turns, so that a slow moment hits both; times
are medians, and how many times as fast is the median over the turns. Targets: geometric means of at least 1.33 (off), 1.17 (on) and
2 (loading, as the runtime does it unasked: all on), no model that computes at less than 0.95. Exits 1 when one is missed. Where memory happens to lie matters, so each
measurement makes its sessions anew three times; a model below 0.95 is measured once more, three times as long, before it counts.

--peers PYTHON, the interpreter of what bench/make-peers makes, prints a second table: the best other optimizer for each model, with optimizations off
and on. Its result must compute what the original does, in ONNX's own operators; results that are the same graph are measured once, those that are
the original not at all. All take turns in one run; where another one is ahead, it and ours are measured once more, three times as long.

--profile prints where the time of each model goes by operator, original against result, with optimizations off and on.
On a machine that does other work: `chrt -f 10 build/venv/bin/python bench/results.py`.
"""
import argparse
import collections
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/judge"))
import compare  # noqa: E402
import peer_results  # noqa: E402
import onnxruntime as rt  # noqa: E402

TARGETS = {"off": 1.33, "on": 1.17, "load on": 2.0}
SHOWN = ["off", "on", "load off", "load on"]
WORST = 0.95
SESSIONS = 3
LEVELS = {"off": rt.GraphOptimizationLevel.ORT_DISABLE_ALL, "on": rt.GraphOptimizationLevel.ORT_ENABLE_ALL}
FEWEST, MOST = 7, 1000  # turns with the same sessions


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def ms(seconds):
    return f"{seconds * 1e3:.2f}"


def geomean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values))


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def take_turns(works, seconds):
    """[[seconds of each work]...]: they take turns for about so long; a first round is not counted."""
    rounds = max(FEWEST, min(MOST, int(seconds / sum(timed(work) for work in works))))
    turns = []
    for turn in range(rounds):
        order = range(len(works)) if turn % 2 else reversed(range(len(works)))
        took = {k: timed(works[k]) for k in order}
        turns.append([took[k] for k in range(len(works))])
    return turns


def summary(turns):
    """Median seconds of the first two works, and how many times as fast as the first the second is, and each other one."""
    gains = [statistics.median(turn[0] / turn[k] for turn in turns) for k in range(len(turns[0]))]
    return {"was": statistics.median(t[0] for t in turns), "now": statistics.median(t[1] for t in turns), "gain": gains[1], "others": gains[2:]}


def session(path, level, profile=None):
    options = rt.SessionOptions()
    options.log_severity_level, options.graph_optimization_level = 4, LEVELS[level]
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
    return rt.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs_of(paths):
    feeds = compare.feeds(session(paths[0], "off"), compare.shapes_of(paths[0]), 0)
    return [{i.name: feeds[i.name] for i in session(path, "off").get_inputs()} for path in paths]


def computing(paths, level, seconds):
    turns, inputs = [], inputs_of(paths)
    for _ in range(SESSIONS):
        sessions = [session(path, level) for path in paths]
        turns += take_turns([lambda s=s, f=f: s.run(None, f) for s, f in zip(sessions, inputs)], seconds / SESSIONS)
    return summary(turns)


def measure(paths, seconds):
    results = {level: computing(paths, level, seconds) for level in LEVELS}
    for level in LEVELS:
        if results[level]["gain"] < WORST:
            results[level] = computing(paths, level, 3 * seconds)
        results["load " + level] = summary(take_turns([lambda p=p: session(p, level) for p in paths], seconds / 2))
    return results


# ---- other optimizers ----
def best_of(paths, others, level, seconds):
    """(our gain, the best other one's, whose): {name: path} others in the same run as original and result."""
    if not others:
        return None
    names = list(others)
    found = computing([*paths, *others.values()], level, seconds)
    gain, best = max(zip(found["others"], names))
    if gain <= found["gain"]:
        return found["gain"], gain, best
    again = computing([*paths, others[best]], level, 3 * seconds)
    return again["gain"], again["others"][0], best


def print_peers(results):
    print()
    row("model", *(cell for level in LEVELS for cell in (f"{level}: onnxopt", "best other", "which")), "without a result of their own")
    row(*["---"] * (2 + 3 * len(LEVELS)))
    for name, one in results.items():
        cells = (one["peers"][level] or ("", "", "") for level in LEVELS)
        row(name, *(cell if isinstance(cell, str) else f"{cell:.2f}" for triple in cells for cell in triple),
            ", ".join(f"{peer} ({why})" for peer, why in one["without"].items() if why != "unchanged"))
    changed = [one["peers"] for one in results.values() if one["peers"]["off"]]
    means = (geomean([one[level][k] for one in changed]) for level in LEVELS for k in (0, 1))
    cells = [f"**{mean:.3f}**" for mean in means]
    row(f"**geometric mean of {len(changed)}**", cells[0], cells[1], "", cells[2], cells[3], "", "")


# ---- where the time goes ----
def by_operator(path, feeds, level, work):
    """{operator: (ms, nodes)} of one run, the median of 20."""
    run = session(path, level, work / "profile")
    for _ in range(20):
        run.run(None, feeds)
    file = pathlib.Path(run.end_profiling())
    events = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    times = collections.defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            times[event["args"]["op_name"], event["args"].get("node_index")].append(event["dur"] / 1e3)
    total = collections.defaultdict(lambda: [0.0, 0])
    for (operator, _), durations in times.items():
        total[operator][0] += statistics.median(durations)
        total[operator][1] += 1
    return total


def print_profile(paths, work):
    for level in LEVELS:
        was, now = (by_operator(path, feeds, level, work) for path, feeds in zip(paths, inputs_of(paths)))
        print(f"\n{paths[0].stem}, optimizations {level}\n")
        row("operator", "ms", "nodes", "ms after", "nodes after")
        row(*["---"] * 5)
        for operator in sorted(set(was) | set(now), key=lambda o: -max(was[o][0], now[o][0])):
            row(operator, f"{was[operator][0]:.3f}", was[operator][1], f"{now[operator][0]:.3f}", now[operator][1])


def conclude(results):
    means = {kind: geomean([r[kind]["gain"] for r in results.values()]) for kind in SHOWN}
    row("**geometric mean**", *(cell for kind in SHOWN for cell in ("", "", f"**{means[kind]:.2f}**")))
    print()
    missed = [f"{kind}: {means[kind]:.3f}, at least {target}" for kind, target in TARGETS.items() if means[kind] < target]
    missed += [f"{name} {level}: {r[level]['gain']:.2f}, at least {WORST}"
               for name, r in results.items() for level in LEVELS if r[level]["gain"] < WORST]
    for line in missed:
        print(f"Missed: {line}")
    if not missed:
        print("Every target is met.")
    return not missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxopt", default=str(ROOT / "build/release/onnxopt"))
    parser.add_argument("--level", default="-O2", help="options of onnxopt, one text")
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--seconds", type=float, default=2, help="for each measurement of a model, half of it for loading")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    arg.work.mkdir(parents=True, exist_ok=True)
    models = [m for m in sorted(arg.corpus.glob("*.onnx")) if not arg.names or m.stem.startswith(tuple(arg.names))]
    if not models:
        sys.exit(f"no model in {arg.corpus}: run scripts/unpack-corpus first")
    if not arg.profile:
        print(f"{len(models)} models, onnxopt {arg.level}, ONNX Runtime {rt.__version__}, load {os.getloadavg()[0]:.1f} at the start.\n")
        row("model", *(cell for kind in SHOWN for cell in (f"{kind} ms", "after", "times")))
        row(*["---"] * (1 + 3 * len(SHOWN)))
    results = {}
    for model in models:
        result = arg.work / f"{model.stem}.result.onnx"
        subprocess.run([arg.onnxopt, *arg.level.split(), str(model), "-o", str(result)], check=True, stderr=subprocess.DEVNULL)
        paths = [model, result]
        if arg.profile:
            print_profile(paths, arg.work)
        else:
            one = results[model.stem] = measure(paths, arg.seconds)
            if arg.peers:
                others, one["without"] = peer_results.results_of(arg.peers, model, arg.work)
                one["peers"] = {level: best_of(paths, others, level, arg.seconds) for level in LEVELS}
            row(model.stem, *(cell for k in SHOWN for cell in (ms(one[k]["was"]), ms(one[k]["now"]), f"{one[k]['gain']:.2f}")))
        result.unlink()
    if arg.profile:
        return
    good = conclude(results)
    if arg.peers:
        print_peers(results)
    if arg.json:
        arg.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.exit(not good)


if __name__ == "__main__":
    main()
