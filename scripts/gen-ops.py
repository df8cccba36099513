#!/usr/bin/env python3
"""Writes ir/ops.def, the operator table, from the schemas of PyPI's onnx. For maintainers: the build does not run it.

usage: python scripts/gen-ops.py [OPS [BODIES]]     ir/ops.def and passes/bodies.txt; a Python with onnx, e.g. the one scripts/make-venv makes

What onnx.defs knows is taken from there. What it does not know, the algebraic traits, stands in the lists below. A new onnx that brings
operators with unknown randomness, types or defaults ends this script with a message, so that nobody has to remember to look.
"""
import math
import os
import re
import sys

import numpy
import onnx
import onnx.defs
import onnx.printer

# ---- traits that onnx.defs does not know: operator -> first version that has the trait, where "" is the default domain ----


def since(names, version=1):
    return {name: version for name in names.split()}


# Different results each time they run.
RANDOM = since("Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike")
# Random only when told to train: by training_mode, before version 7 by is_test=0. Versions 7 and 10 always infer.
TRAINING_RANDOM = {("Dropout", version) for version in (1, 6, 12, 13, 22)}
# onnx.defs does not vouch for these: Dropout's older relatives, a function body with an If, bodies it has not looked into.
DETERMINISTIC_AFTER_ALL = {
    ("AffineGrid", 20), ("Dropout", 7), ("Dropout", 10),
    ("CausalConvWithState", 27), ("DepthToSpace", 28), ("LinearAttention", 27), ("SpaceToDepth", 28),
}
# Not functions of their inputs: Gradient differentiates the graph around it, which it names in attributes.
IMPURE = since("Gradient")
# Before version 7 the second input was stretched to the first (broadcast=1), so the two had different roles.
COMMUTATIVE = since("Add Mul And Or Xor Equal", 7) | since("BitwiseAnd BitwiseOr BitwiseXor Max Min Sum Mean")
# Numpy broadcasting of all inputs, then each element by itself. Before version 7 broadcasting was not numpy's.
ELEMENTWISE = (
    since("Add Sub Mul Div Pow And Or Xor Equal Greater Less PRelu", 7)
    | since("GreaterOrEqual LessOrEqual Mod BitShift BitwiseAnd BitwiseOr BitwiseXor Where StringConcat Max Min Sum Mean")
    | since("Abs Neg Sign Reciprocal Sqrt Exp Log Erf Ceil Floor Round Not BitwiseNot IsNaN IsInf Identity Cast BitCast Clip")
    | since("Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh")
    | since("Relu LeakyRelu ThresholdedRelu Elu Selu Celu Gelu Sigmoid HardSigmoid HardSwish Swish Mish Softplus Softsign Shrink")
    | since("RegexFullMatch Binarizer CategoryMapper LabelEncoder")
)
# Every output element is an input element of the same type, or a filler (Pad's value, Trilu's and MaxUnpool's 0).
MOVEMENT = since(
    "Reshape Flatten Squeeze Unsqueeze Identity Transpose Expand Tile Concat Split Slice Gather GatherElements GatherND "
    "Compress ReverseSequence DepthToSpace SpaceToDepth Pad CenterCropPad Trilu TensorScatter Scatter MaxUnpool"
)
# These move data until version 16 gave them a reduction.
MOVEMENT_BEFORE = {"ScatterElements": 16, "ScatterND": 16}
# f(f(x)) = x, bit for bit. Reciprocal is not: it rounds.
INVOLUTION = since("Neg Not BitwiseNot Identity")
# f(f(x)) = f(x), bit for bit, with equal attributes and equal further inputs.
IDEMPOTENT = since("Relu ThresholdedRelu Abs Ceil Floor Round Sign Identity Clip Cast CastLike BitCast Expand Reshape Trilu")

# Versions that mean what the version before means, for every node that one allows, and allow more: further element types, negative axes,
# attributes whose default is the old behaviour. Taken from ONNX's change notes; that the signatures allow it is checked below.
SHAPED = "19 21 23 24 25"
WIDENS = {
    "Add Div Mul Sub": "13 14", "Abs Ceil Exp Expand Floor GatherElements LRN Log Neg NonZero Reciprocal Sigmoid Sign Sqrt Tanh Tile": "13",
    "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Bernoulli Conv ConvTranspose DeformConv Det Elu EyeLike GlobalAveragePool "
    "GlobalLpPool GlobalMaxPool GridSample HardSigmoid HardSwish InstanceNormalization LpNormalization MaxRoiPool Mish "
    "Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike Round Selu Softplus Softsign ThresholdedRelu": "22",
    "ArgMax ArgMin": "11 12 13", "BatchNormalization": "15", "Cast": "9 13 19 21 23 24 25 28", "CastLike": "19 21 23 24 25", "Celu": "28",
    "Clip GatherND": "12 13", "Compress Hardmax LogSoftmax NonMaxSuppression OneHot Softmax Split": "11", "Concat Gather Slice": "11 13",
    "Constant": "9 12 13 19 21 23 24 25", "ConstantOfShape": "20 21 23 24 25", "CumSum": "14", "DepthToSpace SpaceToDepth": "13",
    "Dropout": "13 22", "Equal": "11 13 19", "Flatten": "9 11 13 21 23 24 25", "GRU LSTM RNN": "14 22", "Gemm Greater Less MatMul": "9 13",
    "GreaterOrEqual LeakyRelu LessOrEqual Where": "16", "Identity": "13 14 16 " + SHAPED, "If Loop": "13 16 " + SHAPED, "IsInf": "20",
    "IsNaN": "13 20", "Max Min": "8 12 13", "MaxPool": "12 22", "Mean Sum": "8 13", "Mod": "13 28", "MeanVarianceNormalization": "13",
    "NegativeLogLikelihoodLoss": "13 22", "OptionalGetElement": "18", "PRelu": "9 16", "Pad": "13 " + SHAPED, "Pow": "12 13 15",
    "DequantizeLinear QuantizeLinear": "13 19 21 23 24 25 28", "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceProd": "11 13",
    "ReduceSumSquare": "11 13", "ReduceSum": "11", "ReduceMax ReduceMin": "11 12 13 20", "Relu": "13 14", "Reshape": "13 14 " + SHAPED,
    "Range": "27", "RoiAlign": "22", "Scan": "11 16 " + SHAPED, "ScatterElements ScatterND": "13 16 18", "Shape": "13 15 " + SHAPED, "Size": "13 " + SHAPED,
    "SoftmaxCrossEntropyLoss": "13", "SplitToSequence": "24", "Squeeze Unsqueeze": "11 21 23 24 25", "TopK": "11 24", "Transpose": "13 21 23 24 25",
}
WIDENING = {(name, int(version)) for names, versions in WIDENS.items() for name in names.split() for version in versions.split()}

# ---- element types ----
ELEMS = [name.lower() for name, number in sorted(onnx.TensorProto.DataType.items(), key=lambda item: item[1])][1:]
INTS = "uint8 int8 uint16 int16 int32 int64 uint32 uint64".split()
FLOATS = "float float16 double".split()
FLOAT8 = "float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz".split()
IR3 = INTS + FLOATS + "string bool complex64 complex128".split()
# Names for sets that rows share; "irN" are all types of that IR version. A set is written with the largest that fits, then the rest.
GROUPS = {
    "floats": FLOATS,
    "floats_bf": FLOATS + ["bfloat16"],
    "float8": FLOAT8,
    "ints": INTS,
    "wide": FLOATS + "int32 int64 uint32 uint64".split(),
    "wide_bf": FLOATS + "int32 int64 uint32 uint64 bfloat16".split(),
    "num": INTS + FLOATS,
    "num_bf": INTS + FLOATS + ["bfloat16"],
    "ir3": IR3,
    "ir4": IR3 + ["bfloat16"],
    "ir9": IR3 + ["bfloat16"] + FLOAT8,
    "ir10": IR3 + ["bfloat16"] + FLOAT8 + ["uint4", "int4"],
    "ir11": IR3 + ["bfloat16"] + FLOAT8 + ["uint4", "int4", "float4e2m1"],
    "ir12": IR3 + ["bfloat16"] + FLOAT8 + ["uint4", "int4", "float4e2m1", "float8e8m0"],
    "ir13": IR3 + ["bfloat16"] + FLOAT8 + ["uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2"],
    "ir14": ELEMS,
}
BY_SIZE = sorted(GROUPS, key=lambda name: (-len(GROUPS[name]), name))
DOMAINS = {"": "ONNX", "ai.onnx.ml": "ML", "ai.onnx.preview": "PREVIEW", "ai.onnx.preview.training": "TRAINING"}

HEADER = r"""/* The operator table: one row per (domain, operator, version) of ONNX. Written by scripts/gen-ops.py from onnx @VERSION@; not edited.
 *
 * DOMAIN(short name, name in models, highest version that this table knows)
 * TYPES(name, element types)
 * OP(domain, operator, since version, inputs, outputs, attributes, type constraints, traits)
 *     sorted by domain in the order of the DOMAIN rows, then by operator and version. Unknown macros are defined empty below.
 *
 * inputs, outputs: items separated by a space, in order.
 *     item    = name ':' type [suffix]
 *     type    = name of a type constraint, or one type of the language below
 *     suffix  = '?'  optional: may be omitted
 *               '+'  variadic, one or more; last in the list
 *               '*'  variadic, none or more; last in the list
 *               '~'  after '+' or '*': the types may differ from each other
 * attributes: items separated by a space, sorted by name.
 *     item    = name ':' kind ['!']     '!' says required; without it the attribute may be absent and has no default
 *             | name '=' default
 *     kind    = int float string tensor graph sparse_tensor type_proto, or the plural with s
 *     default = 12 (int) | 0.01f (float: the shortest text that reads back to the same bits) | NOTSET or 'a string' (string; quoted
 *               unless a C identifier, no escapes) | [1,2] (plural, never empty, no blanks)
 * type constraints: items separated by a space, in ONNX's order.
 *     item    = name '=' types
 *     types   = type { '|' type }
 *     type    = element type                a tensor of it, named as in ONNX: float, int64, float8e4m3fn
 *             | '@' name                    each of a TYPES row
 *             | seq(types)                  sequences of tensors or of maps
 *             | optional(types)             optional tensors or sequences of tensors
 *             | map(int64,types)            maps from int64 or string to the element types
 *             | map(string,types)
 * traits: enum oo_trait of ir/schema.h without OO_TRAIT_. */
#ifndef DOMAIN
#define DOMAIN(short_name, name, latest)
#endif
#ifndef TYPES
#define TYPES(name, types)
#endif
#ifndef OP
#define OP(domain, name, since, inputs, outputs, attributes, constraints, traits)
#endif
"""
FOOTER = """
#undef DOMAIN
#undef TYPES
#undef OP
"""


def fail(message):
    sys.exit(f"gen-ops: {message}")


def elem_set(elems):
    """Element types as text: named groups, largest first, then what is left."""
    left, items = set(elems), []
    for name in BY_SIZE:
        if left >= set(GROUPS[name]):
            items.append("@" + name)
            left -= set(GROUPS[name])
    return "|".join(items + [elem for elem in ELEMS if elem in left])


WRAPPERS = ["{}", "seq({})", "optional({})", "optional(seq({}))", "map(int64,{})", "map(string,{})", "seq(map(int64,{}))",
            "seq(map(string,{}))"]


def types_text(types):
    """ONNX's type strings, e.g. tensor(float) and seq(tensor(float)), in the language of the header."""
    kinds = {wrapper: [] for wrapper in WRAPPERS}
    for text in types:
        text = re.sub(r"tensor\((\w+)\)", r"\1", text.replace(" ", ""))
        match = re.fullmatch(r"((?:optional\(|seq\(|map\((?:int64|string),)*)(\w+)(\)*)", text)
        if not match or match[2] not in ELEMS or match[1] + "{}" + match[3] not in kinds:
            fail(f"type {text}")
        kinds[match[1] + "{}" + match[3]].append(match[2])
    return "|".join(wrapper.format(elem_set(elems)) for wrapper, elems in kinds.items() if elems)


def formal_text(schema, formals):
    constraints = {c.type_param_str for c in schema.type_constraints}
    items = []
    for formal in formals:
        kind = formal.option.name
        suffix = {"Single": "", "Optional": "?", "Variadic": "*" if formal.min_arity == 0 else "+"}[kind]
        if kind == "Variadic" and (formal.min_arity > 1 or formal is not formals[-1] and formal.name != formals[-1].name):
            fail(f"{schema.name}: variadic {formal.name}")
        if not formal.is_homogeneous:
            if kind != "Variadic":
                fail(f"{schema.name}: {formal.name} is heterogeneous")
            suffix += "~"
        if not re.fullmatch(r"[\w.]+", formal.name):
            fail(f"{schema.name}: the name {formal.name!r}")
        type_text = formal.type_str if formal.type_str in constraints else types_text([formal.type_str])
        items.append(f"{formal.name}:{type_text}{suffix}")
    return " ".join(items)


def scalar_text(value):
    if isinstance(value, bytes):
        text = value.decode("ascii")
        if re.search(r"['\"\\]|[^ -~]", text):
            fail(f"default {text!r}")
        return text if re.fullmatch(r"[A-Za-z_]\w*", text) else f"'{text}'"
    if isinstance(value, float):
        if not math.isfinite(value):
            fail(f"default {value}")
        text = str(numpy.float32(value))
        assert numpy.float32(text).tobytes() == numpy.float32(value).tobytes()
        return text + "f"
    return str(value)


def attribute_text(name, attribute):
    kind = attribute.type.name.lower()
    default = attribute.default_value
    if default is None or default.type == onnx.AttributeProto.UNDEFINED:
        return f"{name}:{kind}" + ("!" if attribute.required else "")
    if attribute.required or default.type != int(attribute.type.value):
        fail(f"attribute {name}: default of another type, or of a required attribute")
    value = onnx.helper.get_attribute_value(default)
    if kind in ("int", "float", "string"):
        return f"{name}={scalar_text(value)}"
    if kind in ("ints", "floats", "strings") and len(value):
        return f"{name}=[" + ",".join(map(scalar_text, value)) + "]"
    fail(f"attribute {name}: default of type {kind}")


def traits_text(schema):
    name, version, traits = schema.name, schema.since_version, []
    control = any(a.type.name in ("GRAPH", "GRAPHS") for a in schema.attributes.values())
    random, training = name in RANDOM, (name, version) in TRAINING_RANDOM
    vouched = schema.node_determinism.name == "Deterministic"
    if not vouched and not (control or random or training or (name, version) in DETERMINISTIC_AFTER_ALL):
        # SequenceMap's body is an attribute, so `control` covers it too.
        fail(f"{name} {version} is nondeterministic: which list does it belong to?")

    def add(trait, condition):
        if condition:
            traits.append(trait)

    add("PURE", not (control or random or training or name in IMPURE))
    add("RANDOM", random)
    add("TRAINING_RANDOM", training)
    for trait, table in (("COMMUTATIVE", COMMUTATIVE), ("ELEMENTWISE", ELEMENTWISE), ("MOVEMENT", MOVEMENT),
                         ("INVOLUTION", INVOLUTION), ("IDEMPOTENT", IDEMPOTENT)):
        add(trait, version >= table.get(name, sys.maxsize)
            or trait == "MOVEMENT" and version < MOVEMENT_BEFORE.get(name, 0))
    add("WIDENS", (name, version) in WIDENING)
    add("CONTROL", control)
    add("DEPRECATED", schema.deprecated)
    add("EXPERIMENTAL", schema.support_level.name == "EXPERIMENTAL")
    add("FUNCTION_BODY", schema.has_function)
    add("CONTEXT_BODY", schema.has_context_dependent_function)
    return " | ".join(traits) or "0"


def row(schema):
    constraint_names = [c.type_param_str for c in schema.type_constraints]
    if set(constraint_names) & set(ELEMS) or len(set(constraint_names)) != len(constraint_names):
        fail(f"{schema.name}: constraint names {constraint_names}")
    attributes = " ".join(attribute_text(name, schema.attributes[name]) for name in sorted(schema.attributes))
    constraints = " ".join(f"{c.type_param_str}={types_text(c.allowed_type_strs)}" for c in schema.type_constraints)
    return (f"OP({DOMAINS[schema.domain]}, {schema.name}, {schema.since_version}, \"{formal_text(schema, schema.inputs)}\", "
            f"\"{formal_text(schema, schema.outputs)}\", \"{attributes}\", \"{constraints}\", {traits_text(schema)})")


def widens(old, new):
    """Whether every node of the old version fits the new one, and its attributes have the defaults they had."""
    def formals(items):
        return [(f.option.name, f.is_homogeneous, f.min_arity) for f in items]

    def attributes(schema):
        return {name: (a.type, a.required, a.default_value.SerializeToString()) for name, a in schema.attributes.items()}

    def types(schema, formal):
        return {t for c in schema.type_constraints if c.type_param_str == formal.type_str for t in c.allowed_type_strs} or {formal.type_str}

    before, after = attributes(old), attributes(new)
    pairs = [*zip(old.inputs, new.inputs), *zip(old.outputs, new.outputs)]
    return (formals(old.inputs) == formals(new.inputs) and formals(old.outputs) == formals(new.outputs)
            and all(after.get(name) == a for name, a in before.items())
            and not any(a[1] for name, a in after.items() if name not in before)
            and all(types(old, a) <= types(new, b) for a, b in pairs))


def check_lists(schemas):
    """A list that names an operator ONNX does not have, or no longer has, is a slip."""
    names = {schema.name for schema in schemas}
    for table in (RANDOM, IMPURE, COMMUTATIVE, ELEMENTWISE, MOVEMENT, MOVEMENT_BEFORE, INVOLUTION, IDEMPOTENT):
        if unknown := set(table) - names:
            fail(f"no such operators: {sorted(unknown)}")
    pairs = {(schema.name, schema.since_version) for schema in schemas}
    if unknown := (TRAINING_RANDOM | DETERMINISTIC_AFTER_ALL | WIDENING) - pairs:
        fail(f"no such versions: {sorted(unknown)}")
    for name, version in WIDENING:
        new, old = (onnx.defs.get_schema(name, v, "") for v in (version, version - 1))
        if not widens(old, new):
            fail(f"{name} {version} cannot mean what {old.since_version} means: its signature has changed")


BODIES_HEADER = """# The bodies of the operators that ONNX defines by other operators, whatever the node. Written by scripts/gen-ops.py from onnx @VERSION@;
# not edited. passes/bodies.h says what the lines mean.
"""
# Types for which the body is less exact than the operator: it computes in float.
IN_FLOAT = {
    ("ReduceL2", 18): "elem(data) == double || elem(data) == int32 || elem(data) == uint32 || elem(data) == int64 || elem(data) == uint64",
    ("Range", 11): "elem(start) == double || elem(start) == int32 || elem(start) == int64",
}
# Bodies that lose much where the operator does not, as ONNX writes them.
SQUARES = "takes the variance as a difference of squares"
ONLY_NAMED = {
    "MeanVarianceNormalization": ("", SQUARES), "Softplus": ("", "overflows above 88"), "ReduceLogSumExp": ("", "overflows and underflows"),
    "Range": ("", "adds up its steps"), "ReduceL2": ("elem(data) == float16", "overflows above 256"),
}


def bodies(schemas):
    """The bodies in ONNX's textual syntax, without their heads, which follow from the schemas."""
    for schema in schemas:
        for opset in schema.function_opset_versions:
            function = onnx.FunctionProto()
            function.ParseFromString(schema.get_function_with_opset_version(opset))
            if [o.domain for o in function.opset_import] != [""] or list(function.input) != [i.name for i in schema.inputs] \
                    or list(function.output) != [o.name for o in schema.outputs]:
                fail(f"{schema.name} {schema.since_version}: the body's head is not what its schema says")
            text = onnx.printer.to_text(function)
            lines = [f"%body {schema.name} {schema.since_version} {opset}"]
            if types := IN_FLOAT.get((schema.name, schema.since_version)):
                lines += [f"%if {types}", "%refuse its body computes in float", "%end"]
            condition, reason = ONLY_NAMED.get(schema.name, ("", ""))
            if reason:
                lines += [f"%if {condition}", f"%named {reason}", "%end"] if condition else [f"%named {reason}"]
            yield "\n".join(lines + [re.sub(r"^  ", "", line) for line in text[text.index("\n{") + 3:text.rindex("}")].splitlines()])


def main():
    schemas = onnx.defs.get_all_schemas_with_history()
    if unknown := {schema.domain for schema in schemas} - set(DOMAINS):
        fail(f"unknown domains {unknown}")
    check_lists(schemas)
    order = list(DOMAINS)
    schemas.sort(key=lambda schema: (order.index(schema.domain), schema.name, schema.since_version))
    versions = onnx.defs.C.schema_version_map()
    lines = [HEADER.replace("@VERSION@", onnx.__version__)]
    lines += [f'DOMAIN({short}, "{name}", {versions[name][1]})' for name, short in DOMAINS.items()] + [""]
    lines += [f'TYPES({name}, "{"|".join(e for e in ELEMS if e in elems)}")' for name, elems in GROUPS.items()] + [""]
    lines += [row(schema) for schema in schemas] + [FOOTER.rstrip("\n")]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = sys.argv[1:] + [os.path.join(root, "ir", "ops.def"), os.path.join(root, "passes", "bodies.txt")][len(sys.argv) - 1:]
    with open(files[0], "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")
    with open(files[1], "w", encoding="ascii") as out:
        out.write(BODIES_HEADER.replace("@VERSION@", onnx.__version__) + "\n" + "\n".join(bodies(schemas)) + "\n")


main()
