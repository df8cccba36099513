#!/usr/bin/env python3
"""What onnxopt costs: against `cp` of the same file, in memory, against other optimizers, and as the graph grows.

usage: cost.py [--onnxopt FILE] [--corpus FOLDER] [--work FOLDER] [--runs 9] [--pipeline P] [--peers FOLDER] [--json FILE]
                 [--quick] [MODEL.onnx...]
Prints Markdown, the tables of docs/benchmarks.md. Targets: wall time at most 1.5 x cp + 10 ms; peak memory at most
24 MiB + 4 KiB a node; time against nodes, 1k to 1M, as a power of at most 1.1. Medians; the commands take turns, so that a
slow moment hits all of them. Exits 1 when a target is missed.

The other optimizers come from the environment that bench/make-peers makes; each runs three times, or once when it is slow.

Run it with the judges' Python: onnx makes and counts the models, in processes of their own. This one stays small, because
Linux counts the memory of the process that starts a program into the program's peak: 12 MiB or so is the least it can see.
"""
import argparse
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
SLOW, PATIENCE = 5, 300  # seconds: a peer that takes longer runs once; one that takes even longer is stopped
SPREAD = ["sk_mlp", "nn_unet.ts11", "nn_transformer.dyn", "hf_bert.ts17", "tv_shufflenet_v2_x0_5.ts11", "hf_llama.dyn",
          "tv_ssdlite320_mobilenet_v3_large.ts17", "tv_mobilenet_v2.ts11", "timm_repvgg_a0.ts17", "tv_resnet50.ts11", "tv_swin_t.dyn"]


class Failed(Exception):
    pass


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
        raise Failed(f"failed: {' '.join(command)}\n{log.read_text(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss * 1024


def summary(results):
    return statistics.median(s for s, _ in results), max(m for _, m in results)


def measure(commands, out, runs):
    """{name: (median seconds, peak bytes)}; one round over all commands comes first and is not counted."""
    seen = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            result = once(command, out)
            if turn:
                seen[name].append(result)
    return {name: summary(results) for name, results in seen.items()}


def python(*command):
    return subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.PIPE).stdout


def count_nodes(model):
    return int(python("-c", "import onnx,sys\n"
                      "count=lambda g: sum(1+sum(count(a.g) for a in n.attribute if a.type==5) for n in g.node)\n"
                      "print(count(onnx.load(sys.argv[1],load_external_data=False).graph))", model))


def make(nodes, weights, work):
    model = work / f"chain_{nodes}_{weights}.onnx"
    if not model.exists():
        python(HERE / "make_chain.py", nodes, model, "--weights", weights)
    return model


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |", flush=True)


def head(*cells):
    print()
    row(*cells)
    row(*("---" for _ in cells))


def ms(seconds):
    return f"{seconds * 1e3:.1f}"


# ---- against cp ----
def cost_of_models(models, arg, report):
    good = True
    head("model", "MB", "nodes", "cp ms", "-O0 ms", f"{arg.pipeline} ms", "limit ms", "peak MiB", "limit MiB", "")
    for model in models:
        out = arg.work / "out.onnx"
        result = measure({"cp": ["cp", str(model), str(out)], "O0": [arg.onnxopt, "-O0", str(model), "-o", str(out)],
                          "passes": [arg.onnxopt, "-p", arg.pipeline, str(model), "-o", str(out)]}, out, arg.runs)
        nodes, size = count_nodes(model), model.stat().st_size
        limit, memory_limit = TIME_FACTOR * result["cp"][0] + TIME_EXTRA, MEMORY_BASE + MEMORY_PER_NODE * nodes
        peak = max(result["O0"][1], result["passes"][1])
        fits = max(result["O0"][0], result["passes"][0]) <= limit and peak <= memory_limit
        good &= fits
        row(model.stem, f"{size / 1e6:.1f}", nodes, *(ms(result[k][0]) for k in ("cp", "O0", "passes")), ms(limit),
            f"{peak / (1 << 20):.1f}", f"{memory_limit / (1 << 20):.0f}", "" if fits else "missed")
        report["models"].append({"model": model.stem, "bytes": size, "nodes": nodes, "limit_ms": limit * 1e3, "fits": fits,
                                 "ms": {k: s * 1e3 for k, (s, _) in result.items()},
                                 "peak_bytes": {k: p for k, (_, p) in result.items()}})
    return good


# ---- against other optimizers ----
def run_peer(command, out):
    try:
        results = [once(command, out)]
        while results[0][0] < SLOW and len(results) < 3:
            results.append(once(command, out))
        return summary(results)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return None


def cost_of_peers(models, arg, report):
    peer_python = arg.peers / "bin/python"
    if not peer_python.exists():
        print(f"\nNo other optimizers: {arg.peers} is not there, bench/make-peers makes it.")
        return
    listed = subprocess.run([peer_python, HERE / "run_peer.py", "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout
    peers = [line.split() for line in listed.splitlines()]
    head("model (ms, MiB)", "onnxopt -O2", *(f"{name} {version}" for name, version in peers))
    for model in models:
        out, cells = arg.work / "out.onnx", {}
        cells["onnxopt"] = run_peer([arg.onnxopt, "-O2", str(model), "-o", str(out)], out)
        for name, _ in peers:
            cells[name] = run_peer(["timeout", str(PATIENCE), str(peer_python), str(HERE / "run_peer.py"), name, str(model), str(out)], out)
        row(model.stem, *(f"{c[0] * 1e3:.0f}, {c[1] / (1 << 20):.0f}" if c else "failed" for c in cells.values()))
        report["peers"].append({"model": model.stem, **{k: c and {"ms": c[0] * 1e3, "peak_bytes": c[1]} for k, c in cells.items()}})


# ---- against nodes ----
def slope(points):
    """Least squares of log t over log n."""
    xs, ys = [math.log(n) for n, _ in points], [math.log(t) for _, t in points]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def growth(arg, report):
    """Time against nodes. Starting the program flattens the small end, so the last decade has to keep the bound too."""
    sizes = [1000, 10_000, 100_000] + ([] if arg.quick else [1_000_000])
    out, times = arg.work / "out.onnx", {}
    head("nodes", f"{arg.pipeline} ms", "peak MiB", "limit MiB", "")
    for nodes in sizes:
        model = make(nodes, 0, arg.work)
        commands = {"passes": [arg.onnxopt, "-p", arg.pipeline, str(model), "-o", str(out)]}
        seconds, peak = measure(commands, out, arg.runs if nodes < 1_000_000 else min(arg.runs, 3))["passes"]
        times[nodes], limit = seconds, MEMORY_BASE + MEMORY_PER_NODE * nodes
        report["growth"].append({"nodes": nodes, "ms": seconds * 1e3, "peak_bytes": peak, "fits": peak <= limit})
        row(f"{nodes:,}", f"{seconds * 1e3:.1f}", f"{peak / (1 << 20):.0f}", f"{limit / (1 << 20):.0f}", "" if peak <= limit else "missed")
    points = list(times.items())
    report["exponent"], report["exponent_of_last_decade"] = slope(points), slope(points[-2:])
    print(f"\nExponent {report['exponent']:.2f} over all, {report['exponent_of_last_decade']:.2f} over the last decade; at most {EXPONENT}.")
    return max(report["exponent"], report["exponent_of_last_decade"]) <= EXPONENT and all(r["fits"] for r in report["growth"])


def finish(good, report, file):
    """Keeps the report where asked, says whether every target is met, and ends the program."""
    if file:
        file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print("\nEvery target is met." if good else "\nA target is missed.")
    sys.exit(not good)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnxopt", default=str(ROOT / "build/release/onnxopt"))
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/corpus")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--peers", type=pathlib.Path, default=ROOT / "build/peers", help="their Python environment")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--pipeline", default="fuse-conv-bn,dce")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="no model of a million nodes, no other optimizers")
    parser.add_argument("models", type=pathlib.Path, nargs="*")
    arg = parser.parse_args()
    arg.work.mkdir(parents=True, exist_ok=True)
    report = {"pipeline": arg.pipeline, "runs": arg.runs, "load": os.getloadavg(), "models": [], "peers": [], "growth": []}
    models = arg.models or [arg.corpus / f"{name}.onnx" for name in SPREAD] + [make(1000, 352, arg.work)]
    missing = [str(m) for m in models if not m.exists()]
    if missing:
        sys.exit(f"no {missing[0]}: run scripts/unpack-corpus first")
    print(f"Medians of {arg.runs}, {os.cpu_count()} processors, load {report['load'][0]:.1f} at the start.")
    try:
        good = cost_of_models(models, arg, report)
        good &= bool(arg.models) or growth(arg, report)
    except Failed as failure:
        sys.exit(str(failure))
    if not arg.quick:
        cost_of_peers(models, arg, report)
    finish(good, report, arg.json)


if __name__ == "__main__":
    main()
