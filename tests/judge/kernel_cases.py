#!/usr/bin/env python3
"""Judge: operators where onnx's own cases are few, on cases made here, with ONNX Runtime's or numpy's results as the expected ones:
casts of what does not fit, Einsum, transforms and windows, strings, sequences, loops and scans, reductions, losses.

usage: kernel_cases.py EVAL_SUITE [--only NAME] [--keep FOLDER]
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from onnx import helper, parser as text_parser

import judge_lib
from ml_cases import as_text, message_of

F32 = numpy.float32


def kind_of(array):
    return onnx.TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)


def one_node(operator, inputs, attributes, opset=20, outputs=1):
    names = ["" if value is None else f"x{k}" for k, value in enumerate(inputs)]
    node = helper.make_node(operator, names, [f"y{k}" for k in range(outputs)], **attributes)
    infos = [helper.make_tensor_value_info(n, kind_of(v), v.shape) for n, v in zip(names, inputs) if v is not None]
    graph = helper.make_graph([node], "g", infos, [onnx.ValueInfoProto(name=f"y{k}") for k in range(outputs)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def runtime(model, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {info.name: value for info, value in zip(model.graph.input, [v for v in inputs if v is not None])})


# ---- cases: (name, model, inputs, results or None = ONNX Runtime's) ----
def einsum_cases(rng):
    shapes = {"a": (2,), "b": (3,), "c": (4,), "d": (5,)}
    sizes = {k: v[0] for k, v in shapes.items()} | {"i": 6}
    forms = ("ab,bc->ac", "ab,bc", "ab->ba", "ab", "ba", "ii->i", "ii", "iib->b", "a,b->ab", "ab,ab->", "abc,cd,d->ab", "ab,ac,ad->bcd", "aBc->cBa", " a b , b c -> a c ",
             "ab,c->b", "a,a,a->a", "ab,cb,cd->ad", "iab,ib->ia", "ab->", ",ab->ab", "abcd,dcba->", "ii,ii->i")
    for k, form in enumerate(forms):
        terms = form.replace(" ", "").split("->")[0].split(",")
        for kind in (F32, numpy.float64, numpy.int32, numpy.int64):
            inputs = [rng.integers(-4, 5, [sizes[x.lower()] for x in term]).astype(kind) for term in terms]
            result = numpy.einsum(form.replace(" ", ""), *inputs)
            yield f"einsum_{k}_{numpy.dtype(kind).name}", one_node("Einsum", inputs, {"equation": form}, 12), inputs, [numpy.asarray(result, kind)]
    dots = (("...ab,...bc->...ac", (2, 3, 4), (2, 4, 5)), ("...ab,bc", (7, 2, 3, 4), (4, 5)), ("a...,a->...", (3, 2, 2), (3,)), ("...a,...a->...", (2, 1, 4), (3, 4)),
            ("...,...", (2, 3), (3,)), ("...->...", (2, 3), None), ("a...b->b...a", (2, 3, 4), None), ("...a->a...", (2, 3, 4), None), ("ab,...b->...a", (1, 4), (5, 4)))
    for k, (form, *shapes) in enumerate(dots):
        inputs = [rng.normal(size=s).astype(F32) for s in shapes if s]
        yield f"einsum_dots_{k}", one_node("Einsum", inputs, {"equation": form}, 12), inputs, [numpy.einsum(form, *inputs)]
    inputs = [numpy.zeros((2, 0), F32), numpy.zeros((0, 3), F32)]
    yield "einsum_empty", one_node("Einsum", inputs, {"equation": "ab,bc->ac"}, 12), inputs, [numpy.zeros((2, 3), F32)]


def transform_cases(rng):
    """numpy transforms in double; single precision must agree with that."""
    def parts(z):
        return numpy.stack([z.real, z.imag], -1)

    for n in (1, 2, 3, 5, 8, 17, 24, 25, 31, 64, 97, 100, 251, 256, 1000, 1023, 4099):
        z = rng.normal(size=(2, n)) + 1j * rng.normal(size=(2, n))
        for inverse in (0, 1):
            expected = numpy.fft.ifft(z) if inverse else numpy.fft.fft(z)
            yield f"dft_{n}_{inverse}", one_node("DFT", [parts(z)], {"axis": 1, "inverse": inverse}, 17), [parts(z)], [parts(expected)]
        real = rng.normal(size=(2, n, 1)).astype(F32)
        yield f"dft_real_{n}", one_node("DFT", [real], {"axis": 1, "onesided": 1}, 17), [real], [parts(numpy.fft.rfft(real[..., 0])).astype(F32)]
        if n > 1:
            half = numpy.fft.rfft(real[..., 0].astype(numpy.float64))
            length, axis = numpy.array(n), numpy.array(-2)
            inputs = [parts(half), length, axis]
            yield f"dft_back_{n}", one_node("DFT", inputs, {"onesided": 1, "inverse": 1}), inputs, [numpy.fft.irfft(half, n)[..., None]]
    cube = rng.normal(size=(2, 6, 5, 2))
    z = cube[..., 0] + 1j * cube[..., 1]
    for axis in (0, 1, 2, -2, -4):
        for length in (None, 3, 9):
            inputs = [cube, None if length is None else numpy.array(length), numpy.array(axis)]
            at = axis if axis >= 0 else axis + 4
            yield f"dft_axis_{at}_{axis}_{length}", one_node("DFT", inputs, {}), inputs, [parts(numpy.fft.fft(z, length, at))]
    inputs = [parts(half := numpy.fft.rfft(rng.normal(size=(3, 10))))]
    yield "dft_back_default", one_node("DFT", inputs, {"onesided": 1, "inverse": 1}), inputs, [numpy.fft.irfft(half)[..., None]]
    signal = rng.normal(size=(2, 50, 1))
    for step, length in ((7, 16), (5, 11), (50, 50)):
        for onesided in (0, 1):
            window = rng.random(length)
            frames = numpy.stack([signal[:, k * step:k * step + length, 0] for k in range((50 - length) // step + 1)], 1)
            transform = numpy.fft.rfft if onesided else numpy.fft.fft
            for name, w, given in (("window", window, None), ("length", None, numpy.array(length)), ("both", window, numpy.array(length))):
                inputs = [signal, numpy.array(step), w, given]
                expected = [parts(transform(frames * (1 if w is None else w)))]
                yield f"stft_{step}_{length}_{onesided}_{name}", one_node("STFT", inputs, {"onesided": onesided}, 17), inputs, expected
    z = rng.normal(size=(1, 20, 2))
    frames = numpy.stack([z[:, k:k + 8, 0] + 1j * z[:, k:k + 8, 1] for k in range(0, 13, 4)], 1)
    inputs = [z, numpy.array(4), None, numpy.array(8)]
    yield "stft_complex", one_node("STFT", inputs, {"onesided": 0}, 17), inputs, [parts(numpy.fft.fft(frames))]


WINDOWS = {"HannWindow": (0.5, 0.5, 0), "HammingWindow": (25 / 46, 21 / 46, 0), "BlackmanWindow": (0.42, 0.5, 0.08)}


def window_cases(_):
    for operator, (a, b, d) in WINDOWS.items():
        for size in (1, 2, 10, 11):
            for periodic in (0, 1):
                if size == 1 and not periodic:
                    continue
                inputs, angle = [numpy.array(size)], 2 * numpy.pi * numpy.arange(size) / (size - 1 + periodic)
                exact = a - b * numpy.cos(angle) + d * numpy.cos(2 * angle)
                for kind, results in ((1, None), (11, [exact]), (6, [exact.astype(numpy.int32)])):
                    model = one_node(operator, inputs, {"periodic": periodic, "output_datatype": kind}, 17)
                    yield f"{operator}_{size}_{periodic}_{kind}", model, inputs, results
    inputs = [numpy.array(v) for v in (8, 64, 16000)] + [numpy.array(v, F32) for v in (20.0, 4000.0)]
    for kind in (1, 11):
        yield f"mel_{kind}", one_node("MelWeightMatrix", inputs, {"output_datatype": kind}, 17), inputs, None


def string_cases(_):
    words = as_text("a,b,,c", ",", "", "abc", " x  y\tz ", "x,")
    for maxsplit in (None, 0, 1, 2, 10):
        for delimiter in (None, ",", "bc", " "):
            attributes = {} if maxsplit is None else {"maxsplit": maxsplit}
            attributes |= {} if delimiter is None else {"delimiter": delimiter}
            lists = [w.split(delimiter, -1 if maxsplit is None else maxsplit) for w in words]
            longest = max(map(len, lists))
            padded = numpy.array([part + [""] * (longest - len(part)) for part in lists], dtype=object)
            results = [padded, numpy.array([len(part) for part in lists])]
            yield f"split_{maxsplit}_{delimiter and ord(delimiter[0])}", one_node("StringSplit", [words], attributes, outputs=2), [words], results
    words = as_text("abc", "ABC", "äÖü", "", "x\ny", "a", "ab\n")
    for pattern in ("[a-c]+", "(?i)abc", ".*", "a|ab|abc", "", "\\pL{3}", "ab$", "x.y"):
        yield f"regex_{sum(map(ord, pattern))}", one_node("RegexFullMatch", [words], {"pattern": pattern}), [words], None
    words = as_text("Monday", "tuesday", "WEDNESDAY", "Änderung")
    for change in ("NONE", "LOWER", "UPPER"):
        for sensitive in (0, 1):
            attributes = {"case_change_action": change, "is_case_sensitive": sensitive, "stopwords": ["monday", "WEDNESDAY"], "locale": "C.UTF-8"}
            yield f"normalizer_{change}_{sensitive}", one_node("StringNormalizer", [words], attributes, 10), [words], None
    numbers = numpy.array([[1, 1, 3, 3, 3, 7], [8, 6, 7, 5, 6, 8]])
    pool = {"ngram_counts": [0, 4], "ngram_indexes": [3, 0, 1, 2, 6, 5, 4], "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7]}
    weights = [0.5, 2.0, 3.0, 4.0, 0.25, 1.5, 7.0]
    for mode in ("TF", "IDF", "TFIDF"):
        for shortest, longest, skips in ((1, 1, 0), (1, 2, 0), (2, 2, 3), (1, 2, 5)):
            attributes = {**pool, "mode": mode, "min_gram_length": shortest, "max_gram_length": longest, "max_skip_count": skips}
            for name, more in (("", {}), ("_weights", {"weights": weights})):
                yield f"tfidf_{mode}_{shortest}_{longest}_{skips}{name}", one_node("TfIdfVectorizer", [numbers], {**attributes, **more}, 9), [numbers], None
    attributes = {"ngram_counts": [0, 2, 4], "ngram_indexes": [0, 1, 2, 3], "pool_strings": ["a", "b", "a", "b", "b", "c", "a"], "mode": "TF",
                  "min_gram_length": 1, "max_gram_length": 3, "max_skip_count": 1}
    inputs = [as_text("a", "b", "b", "c", "a", "x", "b", "c", "a")]
    yield "tfidf_strings", one_node("TfIdfVectorizer", inputs, attributes, 9), inputs, None


def reduction_cases(rng):
    operators = ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp")
    for name in operators:
        for kind in (F32, numpy.float64, numpy.int32, numpy.int64):
            if name in ("LogSum", "LogSumExp") and kind not in (F32, numpy.float64):
                continue
            x = rng.integers(1, 3, (2, 3, 4)).astype(kind)
            for axes in ([], [0], [1, -1], [0, 1, 2]):
                for keep in (0, 1):
                    inputs = [x, numpy.array(axes, dtype=numpy.int64)]
                    yield f"reduce_{name}_{numpy.dtype(kind).name}_{len(axes)}_{keep}", one_node(f"Reduce{name}", inputs, {"keepdims": keep}, 18), inputs, None
            if kind is F32:
                yield f"reduce_{name}_noop", one_node(f"Reduce{name}", [x], {"noop_with_empty_axes": 1}, 18), [x], None
                yield f"reduce_{name}_1", one_node(f"Reduce{name}", [x], {"axes": [2, 0]}, 11), [x], None
                yield f"reduce_{name}_scalar", one_node(f"Reduce{name}", [x[0, 0, 0]], {}, 18), [numpy.array(x[0, 0, 0])], None
    for name, value in (("Sum", 0), ("Prod", 1), ("Max", -numpy.inf), ("Min", numpy.inf), ("LogSum", -numpy.inf), ("L2", 0)):
        inputs = [numpy.zeros((2, 0, 3), F32), numpy.array([1])]
        yield f"reduce_{name}_nothing", one_node(f"Reduce{name}", inputs, {}, 18), inputs, [numpy.full((2, 1, 3), value, F32)]
    x = rng.normal(size=(2, 3, 4)).astype(F32)
    for operator in ("Softmax", "LogSoftmax", "Hardmax"):
        for opset in (7, 11, 13):
            for axis in (0, 1, 2, -1):
                if axis >= 0 or opset > 7:
                    yield f"{operator}_{opset}_{axis}", one_node(operator, [x], {"axis": axis}, opset), [x], None
            yield f"{operator}_{opset}", one_node(operator, [x], {}, opset), [x], None
    ties = numpy.array([[2, 2, 1], [1, 3, 3]], F32)
    for operator in ("ArgMax", "ArgMin"):
        for last in (0, 1):
            for axis in (0, 1, -1):
                yield f"{operator}_{last}_{axis}", one_node(operator, [ties], {"axis": axis, "select_last_index": last}, 13), [ties], None


def loss_cases(rng):
    for shape in ((5, 3), (2, 3, 4), (2, 3, 2, 2)):
        scores = rng.normal(size=shape).astype(F32)
        labels = rng.integers(0, 3, (shape[0], *shape[2:]))
        weights = rng.random(3).astype(F32)
        for reduction in ("none", "sum", "mean"):
            for name, more in (("", {}), ("_ignore", {"ignore_index": 1}), ("_outside", {"ignore_index": -1})):
                marked = numpy.where(labels == 2, -1, labels) if name == "_outside" else labels
                for weighted in (False, True):
                    inputs = [scores, marked] + [weights] * weighted
                    tag = f"{len(shape)}_{reduction}{name}_{weighted}"
                    yield f"nll_{tag}", one_node("NegativeLogLikelihoodLoss", inputs, {"reduction": reduction, **more}, 13), inputs, None
                    model = one_node("SoftmaxCrossEntropyLoss", inputs, {"reduction": reduction, **more}, 13, 2)
                    yield f"sce_{tag}", model, inputs, None


def parsed(text, opset):
    return text_parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> {text}')


def flow_cases(rng):
    x = rng.normal(size=(3, 4)).astype(F32)
    chain = """g (float[3, 4] x) => (float[N, M] y) {
        axis = Constant <value_int = %d> ()
        s = SplitToSequence <axis = 0, keepdims = %d> (x)
        t = SequenceErase (s, one)
        u = SequenceInsert (t, first, minus)
        y = ConcatFromSequence <axis = %d, new_axis = %d> (u)
    }"""
    head = "one = Constant <value_int = 1> () minus = Constant <value_int = -1> () zero = Constant <value_int = 0> () first = SequenceAt (s, zero)"
    for keep, axis, new in ((1, 0, 0), (1, -1, 0), (0, 0, 1), (0, -1, 1), (1, 1, 1)):
        text = (chain % (0, keep, axis, new)).replace("t = SequenceErase", head + "\n        t = SequenceErase").replace("float[N, M] y", "float[] y" if False else "float y")
        yield f"sequence_{keep}_{axis}_{new}", parsed(text, 17), [x], None
    loop = """g (int64 n, bool go, float[4] x) => (y, z) {
        y, z = Loop (n, go, x) <body = b (int64 i, bool c, float[4] s) => (bool d, float[4] t, float[4] o) {
            f = Cast <to = 1> (i) t = Add (s, f) o = Mul (t, x) three = Constant <value_int = 3> () d = Less (i, three) }>
    }"""
    for n in (0, 1, 3, 9):
        for go in (False, True):
            yield f"loop_{n}_{go}", parsed(loop, 17), [numpy.array(n), numpy.array(go), x[0]], None
    nested = """g (int64 n, float[4] x) => (y) {
        t = Constant <value = bool {1}> ()
        y = Loop (n, t, x) <body = b (int64 i, bool c, float[4] s) => (bool d, float[4] r) {
            d = Identity (c)
            r = Loop (i, c, s) <body = b2 (int64 j, bool c2, float[4] s2) => (bool d2, float[4] r2) { d2 = Identity (c2) q = Add (s2, x) r2 = Add (q, s) }>
        }>
    }"""
    yield "loop_nested", parsed(nested, 17), [numpy.array(4), x[0]], None
    branch = """g (bool p, float[4] x, float[4] w) => (y) {
        y = If (p) <then_branch = a () => (float[4] r) { r = Add (x, w) }, else_branch = b () => (float[4] r2) { r2 = Mul (x, w) }>
    }"""
    for p in (False, True):
        yield f"if_{p}", parsed(branch, 17), [numpy.array(p), x[0], x[1]], None
    scan = """g (float[%s] s, float[%s] a, float[%s] b) => (r, o, p) {
        r, o, p = Scan <num_scan_inputs = 2, %s body = b (float[4] s0, float[4] a0, float[4] b0) => (float[4] s1, float[4] o0, float[4] p0) {
            m = Mul (a0, b0) s1 = Add (s0, m) o0 = Identity (s1) p0 = Sub (s0, a0) }> (s, a, b)
    }"""
    forms = (("", (3, 4), (3, 4)), ("scan_input_axes = [1, -2],", (4, 3), (3, 4)), ("scan_input_directions = [1, 0],", (3, 4), (3, 4)),
             ("scan_output_axes = [1, -1],", (3, 4), (3, 4)), ("scan_output_directions = [1, 0],", (3, 4), (3, 4)))
    for k, (attributes, one, two) in enumerate(forms):
        text = scan % ("4", ", ".join(map(str, one)), ", ".join(map(str, two)), attributes)
        yield f"scan_{k}", parsed(text, 16), [rng.normal(size=s).astype(F32) for s in ((4,), one, two)], None
    # ONNX leaves open what stands behind the end of a short sequence: the evaluator puts zeros, as ONNX Runtime does.
    text = """g (int64[2] n, float[2, 4] s, float[2, 5, 4] a) => (r, o) {
        r, o = Scan <num_scan_inputs = 1, %s body = b (float[4] s0, float[4] a0) => (float[4] s1, float[4] o0) { s1 = Add (s0, a0) o0 = Mul (s1, a0) }> (n, s, a)
    }"""
    for k, attributes in enumerate(("", "directions = [1],")):
        inputs = [numpy.array([3, 5]), rng.normal(size=(2, 4)).astype(F32), rng.normal(size=(2, 5, 4)).astype(F32)]
        yield f"scan_8_{k}", parsed(text % attributes, 8), inputs, None


def cast_cases(_):
    """NaN and what does not fit. Not uint32: ONNX Runtime and numpy give single elements another answer than those of a vector."""
    values = [numpy.nan, numpy.inf, -numpy.inf, 3e9, -3e9, 1e10, 1.5e19, 1e20, -1e20, -1.9, 300.5, -200, 70000]
    for source in (F32, numpy.float64):
        for target in (numpy.int8, numpy.uint8, numpy.int16, numpy.uint16, numpy.int32, numpy.int64, numpy.uint64):
            inputs = [numpy.array(values, source)]
            name = f"cast_{numpy.dtype(source).name}_{numpy.dtype(target).name}"
            yield name, one_node("Cast", inputs, {"to": helper.np_dtype_to_tensor_dtype(numpy.dtype(target))}, 13), inputs, None


def all_cases():
    for make in (cast_cases, einsum_cases, transform_cases, window_cases, string_cases, reduction_cases, loss_cases, flow_cases):
        yield from make(numpy.random.default_rng(20240518))


# ---- running ----
def write(folder, model, inputs, results):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    for info, value in zip(model.graph.output, results):
        info.type.CopyFrom(helper.make_tensor_type_proto(kind_of(value), value.shape))
    onnx.save(model, folder / "model.onnx")
    for name, values in (("input", [v for v in inputs if v is not None]), ("output", results)):
        for k, value in enumerate(values):
            (data / f"{name}_{k}.pb").write_bytes(message_of(value).SerializeToString())
    double = all(v.dtype == numpy.float64 for v in results)
    (folder / "data.json").write_text(json.dumps({"rtol": 1e-9, "atol": 1e-11} if double else {"rtol": 1e-4, "atol": 1e-5}))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("eval_suite")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--keep", type=pathlib.Path)
    arg = arguments.parse_args()
    folder = arg.keep or judge_lib.scratch("kernel-cases")
    refused = 0
    for name, model, inputs, results in all_cases():
        if arg.only not in name:
            continue
        try:
            results = runtime(model, inputs) if results is None else results
        except Exception as error:  # pylint: disable=broad-except
            print(f"{name}: ONNX Runtime refuses it: {str(error).splitlines()[0][:160]}")
            refused += 1
            continue
        write(folder / name, model, inputs, [numpy.asarray(r) for r in results])
    return subprocess.run([arg.eval_suite, "-v", str(folder)], check=False).returncode or int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
