#!/usr/bin/env python3
"""Judge: inline-functions on random models with local functions.

usage: inline_cases.py [--count N] [--seed S]
Functions call each other, refer to their attributes (with defaults, with values of the call, with neither), in inner graphs too, pass
inputs on, omit optional inputs, have overloads and other opsets than the model. After the pass no function is left; onnx's checker is content, the
interface is the same, ONNX Runtime (or the evaluator) computes the same bits, and the nodes are those of onnx's own inliner where that can be asked.
"""
import argparse
import functools
import shutil
import sys

import numpy as np
import onnx
import onnx.inliner
from onnx import TensorProto, helper, numpy_helper

import judge_lib
from expand_cases import canonical, first_difference
from expand_types import run
from random_passes import feeds_of, outputs_of

UNARY = ["Neg", "Abs", "Sign", "Floor", "Relu"]
BINARY = ["Add", "Mul", "Sub", "Max"]
OPSET = 17


class Body:
    """Nodes of a function or of the main graph, over values of shape [3]."""

    def __init__(self, rng, inputs, attributes, callees, tag):
        self.rng, self.values, self.attributes, self.callees, self.tag = rng, list(inputs), attributes, callees, tag
        self.nodes, self.count, self.inner = [], 0, False

    def fresh(self):
        self.count += 1
        return f"v{self.count}" if not self.inner and not self.rng.integers(3) else f"{self.tag}{self.count}"

    def pick(self):
        return str(self.rng.choice(self.values[-8:]))

    def add(self, op, inputs, outputs=1, **attrs):
        names = [self.fresh() for _ in range(outputs)]
        node = helper.make_node(op, inputs, names, name=f"{self.tag}_{len(self.nodes)}" if self.rng.integers(2) else "", **attrs)
        self.nodes.append(node)
        self.values += [n for n in names if n]
        return node

    def referring(self):
        """An operator with an attribute that refers to one of the function's."""
        node = self.add("LeakyRelu", [self.pick()])
        reference = onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name=str(self.rng.choice(self.attributes)))
        node.attribute.append(reference)

    def branching(self):
        sides = []
        for side in ("then", "else"):
            inner = Body(self.rng, self.values, self.attributes, [], f"{self.tag}{self.count}{side}")
            inner.inner = True
            for _ in range(int(self.rng.integers(1, 3))):
                inner.referring() if self.attributes and self.rng.integers(2) else inner.add(str(self.rng.choice(UNARY)), [inner.pick()])
            out = inner.nodes[-1].output[0]
            sides.append(helper.make_graph(inner.nodes, side, [], [helper.make_tensor_value_info(out, TensorProto.FLOAT, [3])]))
        self.add("If", ["cond"], then_branch=sides[0], else_branch=sides[1])

    def call(self):
        f = self.callees[int(self.rng.integers(len(self.callees)))]
        given = len(f.input) - int(self.rng.integers(0, f.optional + 1)) if f.optional else len(f.input)
        inputs = ["cond"] + [self.pick() for _ in f.input[1:given]]
        attrs = {name: float(self.rng.integers(1, 5)) / 4 for name in [*f.attribute, *(a.name for a in f.attribute_proto)] if self.rng.integers(2)}
        node = self.add(f.name, inputs, len(f.output), domain="local", **attrs)
        if f.overload:
            node.overload = f.overload

    def grow(self, steps):
        for _ in range(steps):
            what = int(self.rng.integers(8))
            if what < 3 and self.callees:
                self.call()
            elif what == 3 and self.attributes:
                self.referring()
            elif what == 4:
                self.branching()
            elif what == 5:
                self.add(str(self.rng.choice(UNARY)), [self.pick()])
            else:
                self.add(str(self.rng.choice(BINARY)), [self.pick(), self.pick()])


class Function:
    """A FunctionProto and how many of its last inputs may be omitted."""

    def __init__(self, proto, optional):
        self.proto, self.optional = proto, optional

    def __getattr__(self, name):
        return getattr(self.proto, name)


def function(rng, index, callees):
    inputs = ["cond", *(f"x{k}" for k in range(int(rng.integers(1, 4))))]
    optional = int(rng.integers(0, 3)) if not rng.integers(3) else 0
    plain, default = ["a"][:int(rng.integers(2))], ["b"][:int(rng.integers(2))]
    body = Body(rng, inputs[1:], plain + default, callees, f"f{index}n")
    body.grow(int(rng.integers(0, 6)))
    bounds = ["low", "high"][:optional]
    if bounds:
        scalars = []
        body.nodes.append(helper.make_node("Clip", [body.pick(), *bounds], ["clipped"]))
        body.values.append("clipped")
        inputs += bounds
        scalars += bounds
    outputs = list(dict.fromkeys(str(v) for v in rng.choice(body.values, int(rng.integers(1, 4)))))
    overload = "other" if index % 3 == 2 else ""
    proto = helper.make_function("local", f"f{index - 1 if overload else index}", inputs, outputs, body.nodes,
                                 [helper.make_opsetid("", OPSET - int(rng.integers(2))), helper.make_opsetid("local", 1)], attributes=plain,
                                 attribute_protos=[helper.make_attribute("b", 0.125)] if default else [], overload=overload)
    return Function(proto, optional)


class Main(Body):
    def call(self):
        super().call()
        f = next(f for f in self.callees if (f.name, f.overload) == (self.nodes[-1].op_type, self.nodes[-1].overload))
        if f.optional:  # the bounds of Clip are scalars
            given = len(self.nodes[-1].input) - (len(f.input) - f.optional)
            for k in range(given):
                self.nodes[-1].input[len(f.input) - f.optional + k] = ("lo", "hi")[k]


def model_of(rng):
    functions = []
    for index in range(int(rng.integers(1, 6))):
        functions.append(function(rng, index, [f for f in functions if not f.optional]))
    main = Main(rng, ["x", "z"], [], functions, "m")
    main.grow(int(rng.integers(2, 8)))
    main.call()
    made = [o for n in main.nodes for o in n.output]
    outputs = sorted({str(o) for o in rng.choice(made, int(rng.integers(1, 4)))} | {main.nodes[-1].output[0]})
    info = lambda name, shape, kind=TensorProto.FLOAT: helper.make_tensor_value_info(name, kind, shape)
    graph = helper.make_graph(main.nodes, "g", [info("x", [3]), info("z", [3]), info("lo", []), info("hi", []), info("cond", [], TensorProto.BOOL)],
                              [info(o, [3]) for o in outputs])
    return helper.make_model(graph, functions=[f.proto for f in functions], ir_version=10,
                             opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("local", 1)])


def with_defaults(model):
    """The model with the defaults of its functions' attributes written into the calls: onnx's inliner forgets them."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    defaults = {(f.name, f.overload): f.attribute_proto for f in out.functions}
    for nodes in (out.graph.node, *(f.node for f in out.functions)):
        for node in nodes:
            have = {a.name for a in node.attribute}
            if node.domain == "local":
                node.attribute.extend(a for a in defaults[node.op_type, node.overload] if a.name not in have)
    return out


def simplified(path, out):
    failure = judge_lib.onnxopt("-p", "fix(eliminate-identity,dce)", path, "-o", out)
    return failure, None if failure else canonical(onnx.load(out))


def results(source, before, after, feeds, folder):
    """Of both by ONNX Runtime; where that cannot load the original (a function that does not use one of its inputs, say), of that by onnxopt's
    evaluator, which does not inline. The operators are exact, so the bits are the same."""
    ours = outputs_of(after, feeds)
    try:
        return "ort", outputs_of(before, feeds), ours
    except Exception:
        (folder / "in").mkdir(parents=True, exist_ok=True)
        for name, array in feeds.items():
            (folder / "in" / f"{name}.pb").write_bytes(numpy_helper.from_array(array, name).SerializeToString())
        theirs = run(source, folder / "in", folder / "out")
        return "onnxopt", theirs if isinstance(theirs, list) else [theirs] * len(ours), ours


def judge_files(seed, folder):
    source, first, second, theirs, plain = (folder / f"{seed}.{k}.onnx" for k in range(5))
    model = model_of(np.random.default_rng(seed))
    onnx.save(model, source)
    was, why = judge_lib.validity(source)
    if was == "invalid":
        return f"the generator made an invalid model: {why}"
    failure = judge_lib.onnxopt("-p", "inline-functions,dce", source, "-o", first)
    if failure:
        return failure
    after = onnx.load(first)
    if after.functions:
        return f"{len(after.functions)} functions are left"
    now, why = judge_lib.validity(first)
    if judge_lib.VALIDITY[now] < judge_lib.VALIDITY[was]:
        return f"was {was}, became {now}: {why}"
    wrong = judge_lib.interface_change(model, after)
    if wrong:
        return wrong
    for k in range(2):
        feeds = {name: np.asarray(a) for name, a in feeds_of(model, np.random.default_rng([seed, k])).items()}
        who, before, now = results(source, model, after, feeds, folder / str(seed))
        for name, a, b in zip((o.name for o in model.graph.output), before, now):
            if isinstance(a, str) or a.tobytes() != b.tobytes():
                return f"{name} differs ({who}): {a} {b}"
    try:
        onnx.save(onnx.inliner.inline_local_functions(with_defaults(model)), theirs)
    except RuntimeError:
        return None
    if any(n.domain == "local" for n in onnx.load(theirs).graph.node):
        return None  # it leaves functions of another opset
    failure, a = simplified(first, second)
    invalid, b = simplified(theirs, plain)  # it forgets outputs that are inputs passed on
    return failure or (None if invalid or a == b else first_difference(a, b))


def judge(folder, seed):
    try:
        return seed, judge_files(seed, folder)
    except Exception as error:  # what onnx or ONNX Runtime refuse is wrong
        return seed, judge_lib.last_line(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    arg = parser.parse_args()
    folder = judge_lib.scratch("inline-cases")
    results = list(judge_lib.each(functools.partial(judge, folder), range(arg.seed, arg.seed + arg.count)))
    bad = [(seed, wrong) for seed, wrong in results if wrong]
    for seed, wrong in bad:
        print(f"--seed {seed} --count 1: {wrong}")
    print(f"inline-cases: {len(results) - len(bad)} of {len(results)} right")
    if not bad:
        shutil.rmtree(folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
