#!/usr/bin/env python3
"""Judge: the operators of ai.onnx.ml on cases made here, with ONNX Runtime's results as the expected ones.

usage: ml_cases.py EVAL_SUITE [--only NAME] [--keep FOLDER]

Where ONNX Runtime and the evaluator differ on purpose there is no case:
- TreeEnsembleClassifier with two classes that both have votes: ONNX Runtime answers 1 when the second score is above 0, else 0, whatever the
  labels are; ONNX says "top class", which is what the evaluator gives. Two base values with two classes: it drops one of the scores.
- TreeEnsembleRegressor: it leaves the base value of a target away in rows where no leaf votes for that target.
- PROBIT where one score makes two: it reads what it has just written.
- TreeEnsemble: it takes post_transform 1 for LOGISTIC and 2 for SOFTMAX; ONNX has them the other way round. It gets them swapped here.
- Types that it has no kernels for: those are made as float, and the evaluator must give the same for the other type.
- Maps that its Python binding cannot be fed: those have results written by hand.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import judge_lib

DOMAIN = "ai.onnx.ml"
FLOATS, INTS = (numpy.float32, numpy.float64), (numpy.int64, numpy.int32)
TRANSFORMS = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")
F32 = numpy.float32


# ---- models ----
def value_type(value):
    """The TypeProto of an array, or of a dictionary."""
    if isinstance(value, dict):
        key, item = next(iter(value.items()))
        inner = helper.make_tensor_type_proto(scalar(item).data_type, [])
        return helper.make_map_type_proto(onnx.TensorProto.STRING if isinstance(key, str) else onnx.TensorProto.INT64, inner)
    kind = onnx.TensorProto.STRING if value.dtype == object else helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_type_proto(kind, value.shape)


def scalar(item):
    if isinstance(item, str):
        return numpy_helper.from_array(numpy.array(item, dtype=object))
    return numpy_helper.from_array(numpy.asarray(item, dtype=numpy.int64 if isinstance(item, int) else F32))


def map_message(value):
    message = onnx.MapProto()
    keys = list(value)
    if isinstance(keys[0], str):
        message.key_type = onnx.TensorProto.STRING
        message.string_keys.extend(k.encode() for k in keys)
    else:
        message.key_type = onnx.TensorProto.INT64
        message.keys.extend(keys)
    message.values.elem_type = onnx.SequenceProto.TENSOR
    message.values.tensor_values.extend(scalar(v) for v in value.values())
    return message


def message_of(value):
    if isinstance(value, dict):
        return map_message(value)
    if isinstance(value, list):
        sequence = onnx.SequenceProto()
        sequence.elem_type = onnx.SequenceProto.MAP
        sequence.map_values.extend(map_message({k: float(v) for k, v in item.items()}) for item in value)
        return sequence
    array = numpy.asarray(value)
    return numpy_helper.from_array(array.astype(object) if array.dtype.kind in "OUS" else array)


def make_model(operator, inputs, attributes, version):
    outputs = {"LinearClassifier": 2, "SVMClassifier": 2, "TreeEnsembleClassifier": 2}.get(operator, 1)
    names, results = [f"x{k}" for k in range(len(inputs))], [f"y{k}" for k in range(outputs)]
    node = helper.make_node(operator, names, results, domain=DOMAIN, **attributes)
    infos = [helper.make_value_info(name, value_type(value)) for name, value in zip(names, inputs)]
    graph = helper.make_graph([node], "g", infos, [onnx.ValueInfoProto(name=name) for name in results])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, version)], ir_version=10)


def run(model, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {f"x{k}": value for k, value in enumerate(inputs)})


def declare_outputs(model, results):
    for info, value in zip(model.graph.output, results):
        if isinstance(value, list):
            key = onnx.TensorProto.STRING if isinstance(next(iter(value[0])), str) else onnx.TensorProto.INT64
            inner = helper.make_map_type_proto(key, helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, []))
            info.type.CopyFrom(helper.make_sequence_type_proto(inner))
        else:
            info.type.CopyFrom(value_type(numpy.asarray(value)))


# ---- cases: (name, operator, inputs, attributes, version[, inputs for ONNX Runtime[, attributes for it]]); or with `Expected` results ----
class Expected(list):
    """Results written by hand."""


def rows(rng, kind, shape=(7, 4)):
    values = rng.normal(0, 2, shape)
    return (values if kind in FLOATS else numpy.round(values)).astype(kind)


def as_text(*words):
    return numpy.array(words, dtype=object)


def feature_cases(rng):
    for kind in FLOATS + INTS:
        x, name = rows(rng, kind), numpy.dtype(kind).name
        seen = None if kind is F32 else [x.astype(F32)]
        yield f"binarizer_{name}", "Binarizer", [x], {"threshold": 0.5}, 1, [x.astype(F32)]
        for norm in ("MAX", "L1", "L2"):
            yield f"normalizer_{norm}_{name}", "Normalizer", [x], {"norm": norm}, 1
        yield f"scaler_{name}", "Scaler", [x], {"offset": [0.5, 1, 2, 3], "scale": [2, 0.5, 1, -1]}, 1
        yield f"scaler_one_{name}", "Scaler", [x], {"offset": [0.5], "scale": [2.0]}, 1
        holes = x.copy()
        holes[1, 2] = holes[3, 0] = 7
        if kind in FLOATS:
            yield f"imputer_{name}", "Imputer", [holes], {"imputed_value_floats": [1.5, 2, 3, 4], "replaced_value_float": 7.0}, 1, [holes.astype(F32)]
            holes[2, 2] = numpy.nan
            yield f"imputer_nan_{name}", "Imputer", [holes], {"imputed_value_floats": [1.5], "replaced_value_float": numpy.nan}, 1, [holes.astype(F32)]
        else:
            yield f"imputer_{name}", "Imputer", [holes], {"imputed_value_int64s": [9, 8, 6, 5], "replaced_value_int64": 7}, 1, [holes.astype(numpy.int64)]
        yield f"one_hot_{name}", "OneHotEncoder", [x], {"cats_int64s": [-2, 0, 1, 3]}, 1, seen
        parts = [x, rows(rng, kind, (7,))[:, None], rows(rng, kind, (7, 3))]
        yield f"feature_vectorizer_{name}", "FeatureVectorizer", parts, {"inputdimensions": [4, 1, 3]}, 1
    yield "feature_vectorizer_cut", "FeatureVectorizer", [rows(rng, F32), rows(rng, F32, (7, 3))], {"inputdimensions": [2, 5]}, 1
    yield "feature_vectorizer_vector", "FeatureVectorizer", [rows(rng, F32, (3,)), rows(rng, F32, (2,))], {"inputdimensions": [3, 2]}, 1
    yield "normalizer_zeros", "Normalizer", [numpy.zeros((2, 3), F32)], {"norm": "L1"}, 1
    yield "normalizer_vector", "Normalizer", [rows(rng, F32, (5,))], {"norm": "L2"}, 1
    yield "scaler_vector", "Scaler", [rows(rng, F32, (3,))], {"offset": [1.0, 2, 3], "scale": [2.0, 1, 0.5]}, 1
    yield "one_hot_string", "OneHotEncoder", [as_text("b", "x", "a")], {"cats_strings": ["a", "b", "c"]}, 1
    for kind in (F32, numpy.int64):
        yield f"array_feature_extractor_{numpy.dtype(kind).name}", "ArrayFeatureExtractor", [rows(rng, kind), numpy.array([3, 0, 3])], {}, 1
    yield "array_feature_extractor_vector", "ArrayFeatureExtractor", [rows(rng, F32, (4,)), numpy.array([[2, 1]])], {}, 1


def label_cases(rng):
    words = as_text("cat", "dog", "", "fish", "cat")
    numbers = numpy.array([[3, 1], [4, -7]])
    yield "category_to_int", "CategoryMapper", [words], {"cats_strings": ["cat", "fish"], "cats_int64s": [4, 9], "default_int64": -3}, 1
    yield "category_to_string", "CategoryMapper", [numbers], {"cats_strings": ["cat", "fish"], "cats_int64s": [4, 3]}, 1
    yield "label_1_to_int", "LabelEncoder", [words], {"classes_strings": ["fish", "cat"]}, 1
    yield "label_1_to_string", "LabelEncoder", [numbers], {"classes_strings": ["p", "q", "r", "s", "t"], "default_string": "none"}, 1
    keys = {"strings": ["cat", "fish"], "int64s": [4, 3], "floats": [0.5, -1.25]}
    inputs = {"strings": words, "int64s": numbers, "floats": numpy.array([0.5, 0.25, -1.25], F32)}
    for source in keys:
        for target in keys:
            pairs = {f"keys_{source}": keys[source], f"values_{target}": keys[target]}
            for version in (2, 4):
                if source == "floats" or target == "floats" or source != target or version == 4:
                    yield f"label_{version}_{source}_{target}", "LabelEncoder", [inputs[source]], pairs, version
    yield "label_4_nan", "LabelEncoder", [numpy.array([numpy.nan, 1], F32)], {"keys_floats": [numpy.nan, 2.0], "values_strings": ["nan", "two"]}, 4
    yield "label_4_double", "LabelEncoder", [numpy.array([0.1, 0.5])], {
        "keys_tensor": numpy_helper.from_array(numpy.array([0.1, 0.2])), "values_tensor": numpy_helper.from_array(numpy.array([3.0, 4.0])),
        "default_tensor": numpy_helper.from_array(numpy.array([-1.5]))}, 4
    yield "label_4_int16", "LabelEncoder", [as_text("a", "z")], {
        "keys_tensor": numpy_helper.from_array(as_text("a", "b")), "values_tensor": numpy_helper.from_array(numpy.array([3, 4], numpy.int16)),
        "default_tensor": numpy_helper.from_array(numpy.array([7], numpy.int16))}, 4
    many = rng.integers(-500, 500, 300)
    yield "label_2_many", "LabelEncoder", [many], {"keys_int64s": list(range(0, 400, 3)), "values_floats": [float(k) / 7 for k in range(0, 400, 3)]}, 2


def map_cases(rng):
    floats, texts = {5: 1.5, -2: 2.25, 3: -7.75}, {2: "4", 0: "-12"}
    for to in ("TO_FLOAT", "TO_STRING", "TO_INT64"):
        yield f"cast_map_{to}", "CastMap", [floats], {"cast_to": to}, 1
        yield f"cast_map_sparse_{to}", "CastMap", [{3: 1.5, 1: 2.0}], {"cast_to": to, "map_form": "SPARSE", "max_map": 5}, 1
        yield f"cast_map_cut_{to}", "CastMap", [{0: 1.5, 9: 2.0}], {"cast_to": to, "map_form": "SPARSE", "max_map": 2}, 1
    for to, result in (("TO_FLOAT", numpy.array([[-12, 4]], F32)), ("TO_STRING", as_text("-12", "4")[None]), ("TO_INT64", numpy.array([[-12, 4]]))):
        yield f"cast_map_strings_{to}", "CastMap", [texts], {"cast_to": to}, 1, Expected([result])
    yield "dict_string_float", "DictVectorizer", [{"a": 1.5, "z": 2.0, "c": 0.5}], {"string_vocabulary": ["c", "b", "a"]}, 1
    yield "dict_string_int", "DictVectorizer", [{"a": 1, "z": 2}], {"string_vocabulary": ["z", "b", "a"]}, 1, Expected([numpy.array([[2, 0, 1]])])
    yield "dict_int_float", "DictVectorizer", [floats], {"int64_vocabulary": [3, 4, 5]}, 1
    yield "dict_int_string", "DictVectorizer", [{1: "x", 2: "y"}], {"int64_vocabulary": [2, 7]}, 1, Expected([as_text("y", "")[None]])
    scores = rows(rng, F32, (3, 3))
    yield "zip_map_int", "ZipMap", [scores], {"classlabels_int64s": [10, -20, 30]}, 1
    yield "zip_map_string", "ZipMap", [scores], {"classlabels_strings": ["b", "c", "a"]}, 1
    yield "zip_map_vector", "ZipMap", [scores[0]], {"classlabels_int64s": [1, 2, 3]}, 1


def linear_cases(rng):
    for kind in FLOATS + INTS:
        x, name = rows(rng, kind), numpy.dtype(kind).name
        coefficients = rng.normal(0, 1, 12).round(3).tolist()
        for transform in TRANSFORMS:
            common = {"coefficients": coefficients, "post_transform": transform}
            yield f"linear_classifier_{transform}_{name}", "LinearClassifier", [x], {**common, "intercepts": [0.1, 0.2, -0.3], "classlabels_ints": [4, 2, 9]}, 1
            if kind is F32:
                yield f"linear_regressor_{transform}", "LinearRegressor", [x], {**common, "intercepts": [0.1, 0.2, -0.3], "targets": 3}, 1
        yield f"linear_regressor_{name}", "LinearRegressor", [x], {"coefficients": coefficients[:4]}, 1, [x.astype(F32)]
    x = rows(rng, F32)
    for transform in TRANSFORMS:
        one = {"coefficients": [0.3, -0.2, 0.1, 0.5], "intercepts": [0.1], "post_transform": transform}
        yield f"linear_one_{transform}", "LinearClassifier", [x], one, 1
        if transform != "PROBIT":
            yield f"linear_pair_{transform}", "LinearClassifier", [x], {**one, "classlabels_strings": ["no", "yes"]}, 1
        yield f"linear_regressor_one_{transform}", "LinearRegressor", [x], one, 1
    yield "linear_vector", "LinearClassifier", [x[0]], {"coefficients": [0.1] * 8, "intercepts": [0.1, 0.2], "classlabels_strings": ["a", "b"]}, 1


def vector_cases(rng):
    """Support vector machines: made up, not trained."""
    for classes in (2, 3, 4):
        per_class = rng.integers(1, 4, classes)
        count, pairs, features = int(per_class.sum()), classes * (classes - 1) // 2, 4
        base = {"classlabels_ints": [7 * k for k in range(classes)], "vectors_per_class": per_class.tolist(),
                "support_vectors": rng.normal(0, 1, count * features).round(3).tolist(),
                "coefficients": rng.normal(0, 1, (classes - 1) * count).round(3).tolist(), "rho": rng.normal(0, 0.3, pairs).round(3).tolist()}
        proba = {"prob_a": rng.normal(-1, 0.3, pairs).round(3).tolist(), "prob_b": rng.normal(0, 0.3, pairs).round(3).tolist()}
        x = rows(rng, F32, (9, features)) / 2
        for kernel, params in (("LINEAR", [0.0, 0, 0]), ("POLY", [0.5, 0.25, 3.0]), ("RBF", [0.4, 0, 0]), ("SIGMOID", [0.3, 0.1, 0])):
            kind = {**base, "kernel_type": kernel, "kernel_params": params}
            yield f"svc_{classes}_{kernel}", "SVMClassifier", [x], kind, 1
            yield f"svc_{classes}_{kernel}_proba", "SVMClassifier", [x], {**kind, **proba}, 1
        for transform in TRANSFORMS[1:]:
            kind = {**base, "kernel_params": [0.0, 0, 0], "post_transform": transform}
            if classes > 2 or transform != "PROBIT":
                yield f"svc_{classes}_{transform}", "SVMClassifier", [x], kind, 1
            yield f"svc_{classes}_{transform}_proba", "SVMClassifier", [x], {**kind, **proba}, 1
        linear = {"coefficients": rng.normal(0, 1, classes * features).round(3).tolist(), "rho": [0.2] * classes, "kernel_params": [0.0, 0, 0],
                  "classlabels_strings": [f"c{k}" for k in range(classes)]}
        for transform in TRANSFORMS:
            yield f"svm_linear_{classes}_{transform}", "SVMClassifier", [x], {**linear, "post_transform": transform}, 1
        if classes == 3:
            for kind in FLOATS[1:] + INTS:
                yield f"svc_{numpy.dtype(kind).name}", "SVMClassifier", [rows(rng, kind)], {**base, "kernel_params": [0.0, 0, 0]}, 1
    positive = {"coefficients": [0.1, 0.2, 0.1, 0.05, 0.2, 0.1, 0.1, 0.1], "rho": [0.1], "kernel_params": [0.0, 0, 0], "classlabels_ints": [3, 5]}
    yield "svm_linear_positive", "SVMClassifier", [rows(rng, F32)], positive, 1
    x = rows(rng, F32)
    for one_class in (0, 1):
        for kernel, params in (("LINEAR", [0.0, 0, 0]), ("POLY", [0.1, 0.25, 2.0]), ("RBF", [0.1, 0, 0]), ("SIGMOID", [0.3, 0.1, 0])):
            yield f"svr_{kernel}_{one_class}", "SVMRegressor", [x], {
                "n_supports": 3, "support_vectors": rng.normal(0, 1, 12).round(3).tolist(), "coefficients": [0.5, -1.0, 0.25], "rho": [0.3],
                "kernel_type": kernel, "kernel_params": params, "one_class": one_class}, 1
        yield f"svr_linear_{one_class}", "SVMRegressor", [x], {"coefficients": [0.5, -1.0, 0.25, 2.0], "rho": [0.3], "kernel_params": [0.0, 0, 0], "one_class": one_class}, 1


# ---- trees ----
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def grow(rng, trees, depth, features, mode):
    """Full trees: attributes of the nodes, and (tree, node) of the leaves."""
    nodes, leaves = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")}, []
    for tree in range(trees):
        last = 2 ** (depth + 1) - 1
        for k in range(last):
            leaf = 2 * k + 1 >= last
            if leaf:
                leaves.append((tree, k))
            row = (tree, k, 0 if leaf else int(rng.integers(features)), 0.0 if leaf else float(rng.integers(-4, 5)) / 2,
                   "LEAF" if leaf else mode or MODES[rng.integers(6)], 0 if leaf else 2 * k + 1, 0 if leaf else 2 * k + 2, int(rng.integers(2)))
            for name, item in zip(nodes, row):
                nodes[name].append(item)
    return {f"nodes_{name}": items for name, items in nodes.items()}, leaves


def votes(rng, leaves, targets, prefix, positive=False):
    table = [(tree, node, target, abs(w) if positive else w) for tree, node in leaves for target, w in zip(targets, rng.normal(0, 1, len(targets)).round(3).tolist())]
    return {f"{prefix}_treeids": [t[0] for t in table], f"{prefix}_nodeids": [t[1] for t in table], f"{prefix}_ids": [t[2] for t in table],
            f"{prefix}_weights": [t[3] for t in table]}


def as_tensors(attributes, prefix):
    moved = dict(attributes)
    for name in ("nodes_values", f"{prefix}_weights", "base_values"):
        if name in moved:
            moved[f"{name}_as_tensor"] = numpy_helper.from_array(numpy.array(moved.pop(name)))
    return moved


def tree_inputs(rng, kind):
    x = (rng.integers(-5, 6, (23, 3)) / 2).astype(kind)
    if kind in FLOATS:
        x[3, 1] = x[7, 0] = numpy.nan
    return x


def tree_cases(rng):
    for kind in FLOATS + INTS:
        x, name = tree_inputs(rng, kind), numpy.dtype(kind).name
        seen = [x.astype(F32)] if kind in INTS else None
        for mode in MODES + (None,):
            nodes, leaves = grow(rng, 3, 3, 3, mode)
            yield f"tree_regressor_{mode}_{name}", "TreeEnsembleRegressor", [x], {**nodes, **votes(rng, leaves, [0], "target"), "n_targets": 1}, 3, seen
    x = tree_inputs(rng, F32)
    for transform in TRANSFORMS:
        for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
            nodes, leaves = grow(rng, 3, 2, 3, None)
            common = {**nodes, "post_transform": transform, "aggregate_function": aggregate}
            yield f"tree_one_{transform}_{aggregate}", "TreeEnsembleRegressor", [x], {**common, **votes(rng, leaves, [0], "target"), "n_targets": 1, "base_values": [0.5]}, 1
            yield f"tree_three_{transform}_{aggregate}", "TreeEnsembleRegressor", [x], {
                **common, **votes(rng, leaves, [0, 1, 2], "target"), "n_targets": 3, "base_values": [0.5, -0.5, 1.0]}, 1
        nodes, leaves = grow(rng, 3, 3, 3, None)
        common = {**nodes, "post_transform": transform}
        for classes in (3, 5):
            many = {**common, **votes(rng, leaves, list(range(classes)), "class"), "classlabels_strings": [f"c{k}" for k in range(classes)]}
            yield f"tree_classes_{classes}_{transform}", "TreeEnsembleClassifier", [x], many, 1
            yield f"tree_classes_{classes}_{transform}_base", "TreeEnsembleClassifier", [x], {**many, "base_values": rng.normal(0, 1, classes).round(2).tolist()}, 1
        for positive in (False, True):
            sign = "positive" if positive else "mixed"
            two = {**common, "classlabels_int64s": [5, 8]}
            if transform != "PROBIT":
                yield f"tree_first_of_two_{sign}_{transform}", "TreeEnsembleClassifier", [x], {**two, **votes(rng, leaves, [0], "class", positive)}, 1
                yield f"tree_first_of_two_{sign}_{transform}_base", "TreeEnsembleClassifier", [x], {**two, **votes(rng, leaves, [0], "class", positive), "base_values": [0.25]}, 1
            yield f"tree_second_of_two_{sign}_{transform}", "TreeEnsembleClassifier", [x], {**two, **votes(rng, leaves, [1], "class", positive)}, 1
            yield f"tree_single_{sign}_{transform}", "TreeEnsembleClassifier", [x], {**common, "classlabels_int64s": [5], **votes(rng, leaves, [0], "class", positive)}, 1
    nodes, leaves = grow(rng, 4, 4, 3, None)
    double = tree_inputs(rng, numpy.float64)
    regressor = {**nodes, **votes(rng, leaves, [0, 1], "target"), "n_targets": 2, "base_values": [0.125, 3.0]}
    classifier = {**nodes, **votes(rng, leaves, [0, 1, 2], "class"), "classlabels_int64s": [1, 2, 3]}
    yield "tree_regressor_tensors", "TreeEnsembleRegressor", [double], as_tensors(regressor, "target"), 3
    yield "tree_classifier_tensors", "TreeEnsembleClassifier", [double], as_tensors(classifier, "class"), 3
    yield "tree_sparse_votes", "TreeEnsembleClassifier", [x], {**nodes, **votes(rng, leaves[::2], [1, 2], "class"), "classlabels_int64s": [1, 2, 3]}, 3


def positions(rng, kind, depth, trees, member):
    """Attributes of TreeEnsemble: full trees, every inner node with two branches."""
    inner = 2 ** depth - 1
    nodes = {k: [] for k in ("featureids", "truenodeids", "falsenodeids", "trueleafs", "falseleafs", "missing_value_tracks_true")}
    modes, splits, sets, targets, weights = [], [], [], [], []
    for tree in range(trees):
        for k in range(inner):
            leaf, base = 2 * k + 1 >= inner, tree * inner
            yes, no = (len(targets), len(targets) + 1) if leaf else (base + 2 * k + 1, base + 2 * k + 2)
            if leaf:
                targets += rng.integers(2, size=2).tolist()
                weights += rng.normal(0, 1, 2).round(3).tolist()
            for name, item in zip(nodes, (int(rng.integers(3)), yes, no, int(leaf), int(leaf), int(rng.integers(2)))):
                nodes[name].append(item)
            modes.append(6 if member and rng.random() < 0.4 else int(rng.integers(6)))
            splits.append(float(rng.integers(-4, 5)) / 2)
            if modes[-1] == 6:
                sets += sorted({float(v) for v in rng.integers(1, 6, 3)}) + [numpy.nan]  # ONNX Runtime takes whole numbers only
    attributes = {f"nodes_{name}": items for name, items in nodes.items()}
    attributes |= {"leaf_targetids": targets, "n_targets": 2, "tree_roots": [t * inner for t in range(trees)],
                   "nodes_modes": numpy_helper.from_array(numpy.array(modes, numpy.uint8)),
                   "nodes_splits": numpy_helper.from_array(numpy.array(splits, kind)), "leaf_weights": numpy_helper.from_array(numpy.array(weights, kind))}
    if sets:
        attributes["membership_values"] = numpy_helper.from_array(numpy.array(sets, kind))
    return attributes


def ensemble_cases(rng):
    for kind in FLOATS:
        x, name = tree_inputs(rng, kind), numpy.dtype(kind).name
        for member in (False, True):
            yield f"ensemble_{name}_{'member' if member else 'plain'}", "TreeEnsemble", [x], positions(rng, kind, 3, 4, member), 5
    x = tree_inputs(rng, F32)
    for aggregate in range(4):
        yield f"ensemble_aggregate_{aggregate}", "TreeEnsemble", [x], {**positions(rng, F32, 2, 5, False), "aggregate_function": aggregate}, 5
    for transform, theirs in ((1, 2), (2, 1), (3, 3), (4, 4)):
        attributes = positions(rng, F32, 2, 5, False)
        yield (f"ensemble_transform_{transform}{'_PROBIT' * (transform == 4)}", "TreeEnsemble", [x], {**attributes, "post_transform": transform}, 5, None,
               {**attributes, "post_transform": theirs})


def all_cases():
    for make in (feature_cases, label_cases, map_cases, linear_cases, vector_cases, tree_cases, ensemble_cases):
        yield from make(numpy.random.default_rng(20240517))


# ---- running ----
def results_of(operator, inputs, seen, attributes, version):
    """What ONNX Runtime gives for the inputs `seen`, in the type that the real inputs ask for."""
    results = run(make_model(operator, seen, attributes, version), seen)
    return [results[0].astype(inputs[0].dtype)] if operator in ("Binarizer", "Imputer") else results


def write(folder, model, inputs, results):
    """PROBIT is computed as float there: beside 0 it is off by more than elsewhere."""
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    for name, values in (("input", inputs), ("output", results)):
        for k, value in enumerate(values):
            (data / f"{name}_{k}.pb").write_bytes(message_of(value).SerializeToString())
    tolerance = {"rtol": 1e-3, "atol": 2e-4 if "PROBIT" in folder.name else 1e-6}
    (folder / "data.json").write_text(json.dumps(tolerance))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval_suite")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=pathlib.Path)
    arg = parser.parse_args()
    folder = arg.keep or judge_lib.scratch("ml-cases")
    refused = []
    for case in all_cases():
        name, operator, inputs, attributes, version = case[:5]
        seen, theirs = (*case[5:], None, None)[:2]
        if arg.only not in name:
            continue
        model = make_model(operator, inputs, attributes, version)
        try:
            results = seen if isinstance(seen, Expected) else results_of(operator, inputs, seen or inputs, theirs or attributes, version)
        except Exception as error:  # pylint: disable=broad-except
            refused.append(f"{name}: ONNX Runtime refuses it: {str(error).splitlines()[0][:160]}")
            continue
        declare_outputs(model, results)
        write(folder / name, model, inputs, results)
    for line in refused:
        print(line)
    code = subprocess.run([arg.eval_suite, "-v", str(folder)], check=False).returncode
    return 1 if code or refused else 0


if __name__ == "__main__":
    sys.exit(main())
