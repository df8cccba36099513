#!/usr/bin/env python3
"""What a level costs: time and memory on every model of the corpus, and against nodes of graphs as exporters write them.

usage: levels.py [--onnxopt FILE] [--level -O2] [--corpus FOLDER] [--work FOLDER] [--runs 5] [--json FILE] [--all] [NAME PREFIX...]
Prints Markdown, the tables of docs/benchmarks.md. Targets: at most 60 ms at the median of the models, at most 500 ms for any of up to
5,000 nodes; time against nodes, 1k to 100k of bench/make_blocks.py, as a power of at most 1.1, also over the last decade. Exits 1 when one
is missed. Wall time is a median of the runs, processor time the least. --all prints a row for each model, not only for the slowest.

Run it with the judges' Python; on a machine that does other work under `chrt -f 10`.
"""
import argparse
import os
import pathlib
import resource
import statistics
import sys

import cost

MEDIAN, WORST, NODES, EXPONENT = 0.060, 0.500, 5000, 1.1
SLOWEST = 8
SIZES = [1000, 10_000, 100_000]


def processor_seconds(usage):
    return usage.ru_utime + usage.ru_stime


def run(arg, model):
    """(median wall seconds, least processor seconds, peak bytes); the first run is not counted."""
    out = arg.work / "out.onnx"
    walls, busy, peak = [], [], 0
    for turn in range(arg.runs + 1):
        before = processor_seconds(resource.getrusage(resource.RUSAGE_CHILDREN))
        seconds, memory = cost.once([arg.onnxopt, *arg.level.split(), str(model), "-o", str(out)], out)
        if turn:
            walls.append(seconds)
            busy.append(processor_seconds(resource.getrusage(resource.RUSAGE_CHILDREN)) - before)
            peak = max(peak, memory)
    return statistics.median(walls), min(busy), peak


def models(arg, report):
    rows = []
    for model in sorted(arg.corpus.glob("*.onnx")):
        if arg.names and not model.stem.startswith(tuple(arg.names)):
            continue
        wall, busy, peak = run(arg, model)
        rows.append((wall, busy, peak, model.stem, cost.count_nodes(model), model.stat().st_size))
    if not rows:
        sys.exit(f"no model in {arg.corpus}: run scripts/unpack-corpus first")
    cost.head("model", "MB", "nodes", "ms", "processor ms", "peak MiB")
    shown = rows if arg.all else sorted(rows, reverse=True)[:SLOWEST]
    for wall, busy, peak, name, nodes, size in shown:
        cost.row(name, f"{size / 1e6:.1f}", nodes, cost.ms(wall), cost.ms(busy), f"{peak / (1 << 20):.1f}")
    median, worst = statistics.median(r[0] for r in rows), max((r[0] for r in rows if r[4] <= NODES), default=0)
    print(f"\n{len(rows)} models: {cost.ms(median)} ms at the median, at most {cost.ms(MEDIAN)}; {cost.ms(worst)} ms at worst for up to {NODES:,} nodes, "
          f"at most {cost.ms(WORST)}.")
    report["models"] = [dict(zip(("wall", "processor", "peak", "model", "nodes", "bytes"), r)) for r in rows]
    return median <= MEDIAN and worst <= WORST


def growth(arg, report):
    cost.head("nodes", "ms", "processor ms", "microseconds a node", "peak MiB")
    points = []
    for nodes in SIZES:
        model = arg.work / f"blocks_{nodes}.onnx"
        if not model.exists():
            cost.python(cost.HERE / "make_blocks.py", nodes, model)
        wall, busy, peak = run(arg, model)
        points.append((nodes, wall))
        report["growth"].append({"nodes": nodes, "wall": wall, "processor": busy, "peak": peak})
        cost.row(f"{nodes:,}", cost.ms(wall), cost.ms(busy), f"{busy / nodes * 1e6:.1f}", f"{peak / (1 << 20):.0f}")
    over_all, last = cost.slope(points), cost.slope(points[-2:])
    print(f"\nExponent {over_all:.2f} over all, {last:.2f} over the last decade; at most {EXPONENT}.")
    return max(over_all, last) <= EXPONENT


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxopt", default=str(cost.ROOT / "build/release/onnxopt"))
    parser.add_argument("--level", default="-O2")
    parser.add_argument("--corpus", type=pathlib.Path, default=cost.ROOT / "build/corpus")
    parser.add_argument("--work", type=pathlib.Path, default=cost.ROOT / "build/bench")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("names", nargs="*")
    arg = parser.parse_args()
    arg.work.mkdir(parents=True, exist_ok=True)
    report = {"level": arg.level, "load": os.getloadavg(), "growth": []}
    print(f"onnxopt {arg.level}, {os.cpu_count()} processors, load {report['load'][0]:.1f} at the start.")
    try:
        good = models(arg, report)
        good &= growth(arg, report)
    except cost.Failed as failure:
        sys.exit(str(failure))
    cost.finish(good, report, arg.json)


if __name__ == "__main__":
    main()
