#!/usr/bin/env python3
"""What onnxopt costs: against `cp` of the same file, in memory, and as the graph grows.

usage: cost.py [--onnxopt FILE] [--corpus FOLDER] [--work FOLDER] [--runs 9] [--pipeline P] [--json FILE] [--quick]
                 [MODEL.onnx...]
Targets: wall time at most 1.5 x cp + 10 ms; peak memory at most 24 MiB + 4 KiB a node; time against nodes, 1k to 1M, as
a power of at most 1.1. Medians; the commands take turns, so that a slow moment hits all of them. Exits 1 when a target
is missed. Peers (onnxsim, onnxslim) take part when this Python can import them.

Run it with the judges' Python: onnx makes and counts the models, in processes of their own. This one stays small, because
Linux counts the memory of the process that starts a program into the program's peak: 12 MiB or so is the least it can see.
"""
import argparse
import importlib.util
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TIME_FACTOR, TIME_EXTRA = 1.5, 0.010
MEMORY_BASE, MEMORY_PER_NODE = 24 << 20, 4 << 10
EXPONENT = 1.1
SPREAD = ["sk_mlp", "nn_unet.ts11", "hf_bert.ts17", "tv_shufflenet_v2_x0_5.ts11", "tv_mobilenet_v2.ts11",
          "timm_repvgg_a0.ts17", "tv_resnet50.ts11", "tv_swin_t.dyn"]


def once(command, out):
    """(seconds, peak bytes) of one run; the file it writes is removed first."""
    for file in (out, out.with_suffix(".onnx.data")):
        file.unlink(missing_ok=True)
    start = time.perf_counter()
    log = out.with_name("messages.log")
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)])
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}\n{log.read_text(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss * 1024


def measure(commands, out, runs):
    """{name: (median seconds, peak bytes)}; one round over all commands comes first and is not counted."""
    seen = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            result = once(command, out)
            if turn:
                seen[name].append(result)
    return {name: (statistics.median(s for s, _ in r), max(m for _, m in r)) for name, r in seen.items()}


def count_nodes(model):
    code = ("import onnx,sys\n"
            "count=lambda g: sum(1+sum(count(a.g) for a in n.attribute if a.type==5) for n in g.node)\n"
            "print(count(onnx.load(sys.argv[1],load_external_data=False).graph))")
    return int(subprocess.run([sys.executable, "-c", code, str(model)], check=True, stdout=subprocess.PIPE).stdout)


def peers(model, out):
    found = {}
    if importlib.util.find_spec("onnxsim"):
        found["onnxsim"] = [sys.executable, "-m", "onnxsim", str(model), str(out)]
    if importlib.util.find_spec("onnxslim"):
        found["onnxslim"] = [sys.executable, "-m", "onnxslim", str(model), str(out)]
    return found


def make(nodes, weights, work):
    model = work / f"chain_{nodes}_{weights}.onnx"
    if not model.exists():
        subprocess.run([sys.executable, HERE / "make_chain.py", str(nodes), str(model), "--weights", str(weights)], check=True)
    return model


def cost_of_models(models, arg, report):
    print(f"{'model':34} {'MB':>7} {'nodes':>8} {'cp ms':>8} {'-O0 ms':>8} {'passes ms':>9} {'limit ms':>8} {'peak MiB':>8} {'limit':>6}")
    good = True
    for model in models:
        out = arg.work / "out.onnx"
        commands = {"cp": ["cp", str(model), str(out)], "O0": [arg.onnxopt, "-O0", str(model), "-o", str(out)],
                    "passes": [arg.onnxopt, "-p", arg.pipeline, str(model), "-o", str(out)]}
        result = measure(commands, out, arg.runs)
        result |= measure(peers(model, out), out, 1 if arg.quick else min(arg.runs, 3))
        nodes, size = count_nodes(model), model.stat().st_size
        limit = TIME_FACTOR * result["cp"][0] + TIME_EXTRA
        memory_limit = MEMORY_BASE + MEMORY_PER_NODE * nodes
        peak = max(result["O0"][1], result["passes"][1])
        fits = max(result["O0"][0], result["passes"][0]) <= limit and peak <= memory_limit
        good &= fits
        ms = {name: seconds * 1e3 for name, (seconds, _) in result.items()}
        others = "".join(f"  {name} {ms[name]:.0f} ms {result[name][1] >> 20} MiB" for name in result if name.startswith("onnxs"))
        print(f"{model.stem[:34]:34} {size / 1e6:7.1f} {nodes:8} {ms['cp']:8.2f} {ms['O0']:8.2f} {ms['passes']:9.2f} {limit * 1e3:8.2f}"
              f" {peak / (1 << 20):8.1f} {memory_limit / (1 << 20):6.0f}{'' if fits else '  MISSED'}{others}", flush=True)
        report["models"].append({"model": model.stem, "bytes": size, "nodes": nodes, "limit_ms": limit * 1e3, "ms": ms,
                                 "peak_bytes": {name: peak for name, (_, peak) in result.items()}, "fits": fits})
    return good


def slope(points):
    """Least squares of log t over log n."""
    xs, ys = [math.log(n) for n, _ in points], [math.log(t) for _, t in points]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def growth(arg, report):
    """Time against nodes. Starting the program flattens the small end, so the last decade has to keep the bound too."""
    sizes = [1000, 10_000, 100_000] + ([] if arg.quick else [1_000_000])
    out, times = arg.work / "out.onnx", {}
    for nodes in sizes:
        model = make(nodes, 0, arg.work)
        commands = {"passes": [arg.onnxopt, "-p", arg.pipeline, str(model), "-o", str(out)]}
        seconds, peak = measure(commands, out, arg.runs if nodes < 1_000_000 else min(arg.runs, 3))["passes"]
        times[nodes] = seconds
        fits = peak <= MEMORY_BASE + MEMORY_PER_NODE * nodes
        report["growth"].append({"nodes": nodes, "ms": seconds * 1e3, "peak_bytes": peak, "fits": fits})
        print(f"{nodes:9} nodes {seconds * 1e3:10.2f} ms {peak / (1 << 20):9.1f} MiB{'' if fits else '  MISSED'}", flush=True)
    points = list(times.items())
    report["exponent"] = slope(points)
    report["exponent_of_last_decade"] = slope(points[-2:])
    print(f"exponent {report['exponent']:.3f} over all, {report['exponent_of_last_decade']:.3f} over the last decade; at most {EXPONENT}")
    return max(report["exponent"], report["exponent_of_last_decade"]) <= EXPONENT and all(row["fits"] for row in report["growth"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxopt", default=str(ROOT / "build/release/onnxopt"))
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--pipeline", default="fuse-conv-bn,dce")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="no model of a million nodes, peers once")
    parser.add_argument("models", type=pathlib.Path, nargs="*")
    arg = parser.parse_args()
    arg.work.mkdir(parents=True, exist_ok=True)
    report = {"pipeline": arg.pipeline, "runs": arg.runs, "models": [], "growth": []}
    models = arg.models or [arg.corpus / f"{name}.onnx" for name in SPREAD] + [make(1000, 352, arg.work)]
    missing = [str(m) for m in models if not m.exists()]
    if missing:
        sys.exit(f"no {missing[0]}: run scripts/unpack-corpus first")
    good = cost_of_models(models, arg, report)
    if not arg.models:
        good &= growth(arg, report)
    if arg.json:
        arg.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print("every target is met" if good else "a target is missed")
    sys.exit(not good)


if __name__ == "__main__":
    main()
