# merge-blocks on random blocks: what comes out computes what went in.
python3 - <<'PY'
import itertools, random
random.seed(7)
for n in range(24):
    rank = random.randint(3, 5)
    channel = random.choice([1, rank - 1, 0])
    free = [a for a in range(rank) if a != channel]
    axes = sorted(random.sample(free, min(len(free), random.choice([1, 2, 2, 2, 3]))))
    square = random.choice([2, 2, 3])
    steps = [4] if len(axes) == 1 else [square if random.random() < 0.7 else 2 for _ in axes]
    dims = [random.randint(1, 3) for _ in range(rank)]
    for a, s in zip(axes, steps):
        dims[a] = s * random.randint(1, 2)
    names = [str(d) for d in dims]
    if 0 in free and 0 not in axes and random.random() < 0.5:
        names[0] = "N"
    order = axes[:]
    random.shuffle(order)
    digits = list(itertools.product(*[range(steps[axes.index(a)]) for a in order]))
    if random.random() < 0.2:
        random.shuffle(digits)
    consts, body = [], []
    for i, digit in enumerate(digits):
        spell = order[:]
        random.shuffle(spell)
        start = [digit[order.index(a)] for a in spell]
        end = [random.choice([dims[a], 9223372036854775807]) for a in spell]
        axis = [random.choice([a, a - rank]) for a in spell]
        step = [steps[axes.index(a)] for a in spell]
        for name, data in (("s", start), ("e", end), ("a", axis), ("t", step)):
            consts.append("int64[%d] %s%d = {%s}" % (len(data), name, i, ", ".join(map(str, data))))
        body.append("    p%d = Slice(x, s%d, e%d, a%d, t%d)" % (i, i, i, i, i))
    body.append("    y = Concat<axis = %d>(%s)" % (random.choice([channel, channel - rank]), ", ".join("p%d" % i for i in range(len(digits)))))
    with open("m%d.onnxtxt" % n, "w") as f:
        f.write('<ir_version: 8, opset_import: ["" : %d]>\nmain (%s[%s] x) => (y)\n<%s>\n{\n%s\n}\n' % (
            random.choice([10, 13, 17]), random.choice(["float", "double", "int32"]), ", ".join(names), ", ".join(consts), "\n".join(body)))
PY
fired=0
for model in m*.onnxtxt; do
  "$ONNXOPT" -p merge-blocks,dce --check=2 "$model" -o out.onnxtxt 2> err || { cat err; exit 1; }
  grep -q Slice out.onnxtxt || fired=$((fired + 1))
done
[ "$fired" -ge 16 ] || { echo "only $fired models have become smaller"; exit 1; }
