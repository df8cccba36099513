"""The operator table against PyPI's onnx: what the C parser makes of ir/ops.def must be what onnx.defs says, for every row and field.
Algebraic traits, which onnx.defs does not know, are tried on onnx's reference evaluator.

usage: python ops_table.py TEST_SCHEMA     the unit test program, which prints the parsed table with --dump
"""
import collections
import json
import subprocess
import sys

import numpy as np
import onnx
import onnx.defs
from onnx.reference import ReferenceEvaluator

TRAITS = ("PURE RANDOM TRAINING_RANDOM COMMUTATIVE ELEMENTWISE MOVEMENT CONTROL INVOLUTION IDEMPOTENT DEPRECATED EXPERIMENTAL "
          "FUNCTION_BODY CONTEXT_BODY WIDENS").split()
ELEMS = {name.lower(): number for name, number in onnx.TensorProto.DataType.items()}
# Order of enum oo_type_form.
FORMS = ["", "seq(", "optional(", "optional(seq(", "map(int64, ", "map(string, ", "seq(map(int64, ", "seq(map(string, "]


def masks(types):
    """ONNX's type strings as one mask of element types for each form."""
    result = [0] * len(FORMS)
    for text in types:
        bare = text.rstrip(")")
        form = max((form for form in FORMS if bare.startswith(form)), key=len)
        elem = bare[len(form):].removeprefix("tensor(")
        inner = elem if "map" in form else f"tensor({elem})"
        assert form + inner + ")" * form.count("(") == text, text
        result[FORMS.index(form)] |= 1 << ELEMS[elem]
    return result


def formals(schema, items, low, high):
    constraints = {c.type_param_str: masks(c.allowed_type_strs) for c in schema.type_constraints}
    out = []
    for item in items:
        name, kind = item.type_str, item.option.name
        out.append([item.name, name if name in constraints else "", constraints.get(name) or masks([name]), int(kind == "Optional"),
                    int(kind == "Variadic"), int(not item.is_homogeneous)])
    return {"arity": [low, 2**32 - 1 if high == 2**31 - 1 else high], "list": out}


def plain(value):
    """An attribute's value in the form of the dump."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return value.hex()
    return value if isinstance(value, int) else [plain(item) for item in value]


def attribute(name, a):
    default = a.default_value if a.default_value and a.default_value.type else None
    value = None if default is None else plain(onnx.helper.get_attribute_value(default))
    return [name, a.type.value, int(a.required), value]


def expected(schema):
    return {
        "domain": schema.domain, "name": schema.name, "since": schema.since_version,
        "latest": onnx.defs.C.schema_version_map()[schema.domain][1],
        "inputs": formals(schema, schema.inputs, schema.min_input, schema.max_input),
        "outputs": formals(schema, schema.outputs, schema.min_output, schema.max_output),
        "attributes": [attribute(name, a) for name, a in sorted(schema.attributes.items())],
        "constraints": [[c.type_param_str, masks(c.allowed_type_strs)] for c in schema.type_constraints],
    }


def same_hex(row):
    """C's %a and Python's hex() write the same number differently."""
    def fix(value):
        if isinstance(value, list):
            return [fix(item) for item in value]
        return float.fromhex(value).hex() if isinstance(value, str) and value.lstrip("-").startswith("0x") else value
    return row | {"attributes": [fix(a) for a in row["attributes"]]}


def known_traits(schema):
    """Traits that follow from onnx.defs."""
    return {
        "DEPRECATED": schema.deprecated, "EXPERIMENTAL": schema.support_level.name == "EXPERIMENTAL",
        "FUNCTION_BODY": schema.has_function, "CONTEXT_BODY": schema.has_context_dependent_function,
        "CONTROL": any(a.type.name in ("GRAPH", "GRAPHS") for a in schema.attributes.values()),
    }


# ---- traits by experiment: newest version of each operator, tensors of 2 x 6 random elements ----
ATTRIBUTES = {"Cast": {"to": onnx.TensorProto.INT32}, "BitCast": {"to": onnx.TensorProto.INT32}, "BitShift": {"direction": "LEFT"},
              "RegexFullMatch": {"pattern": "a.*"}, "LabelEncoder": {"keys_floats": [0.0, 1.0], "values_floats": [2.0, 3.0]}}
EXTRA = {"Reshape": [np.array([0, 3, -1])], "Expand": [np.array([4, 2, 6])], "Trilu": [np.array(1)],
         "Clip": [np.float32(-0.5), np.float32(0.5)], "CastLike": [np.zeros(1, np.float16)]}
# Not in the reference evaluator of this onnx, or older than any opset it runs.
NOT_RUN = {"CategoryMapper"}


def samples(schema, rng):
    """Random inputs of the first type that this can make for the operator's data inputs."""
    constraint = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    makers = {"tensor(float)": lambda: rng.normal(size=(2, 6)).astype(np.float32),
              "tensor(int32)": lambda: rng.integers(-9, 9, (2, 6)).astype(np.int32),
              "tensor(uint8)": lambda: rng.integers(0, 7, (2, 6)).astype(np.uint8),
              "tensor(bool)": lambda: rng.integers(0, 2, (2, 6)).astype(bool),
              "tensor(string)": lambda: rng.choice(["a", "ab", "b", ""], (2, 6)).astype(object)}
    chosen, out = {}, []
    required = [i for i in schema.inputs if i.option.name != "Optional"]
    if schema.name in EXTRA:
        required = required[:1]
    for formal in required:
        kind = chosen.setdefault(formal.type_str, next(k for k in makers if k in constraint[formal.type_str]))
        out += [makers[kind]() for _ in range(3 if formal.option.name == "Variadic" else 1)]
    return out + EXTRA.get(schema.name, [])


def run(schema, inputs):
    node = onnx.helper.make_node(schema.name, [f"x{i}" for i in range(len(inputs))], ["y"], domain=schema.domain,
                                 **ATTRIBUTES.get(schema.name, {}))
    types = [onnx.helper.np_dtype_to_tensor_dtype(np.asarray(x).dtype) for x in inputs]
    infos = [onnx.helper.make_tensor_value_info(f"x{i}", t, np.shape(x)) for i, (x, t) in enumerate(zip(inputs, types))]
    graph = onnx.helper.make_graph([node], "g", infos, [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.UNDEFINED, None)])
    imports = [onnx.helper.make_opsetid(schema.domain, schema.since_version)]
    model = onnx.helper.make_model(graph, opset_imports=imports)
    return ReferenceEvaluator(model).run(None, {f"x{i}": np.asarray(x) for i, x in enumerate(inputs)})[0]


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and (a.tobytes() == b.tobytes() if a.dtype != object else (a == b).all())


def experiment(trait, schema, rng):
    """None when the trait holds on a sample, else what went wrong."""
    x = samples(schema, rng)
    if trait == "COMMUTATIVE":
        once, again = run(schema, x), run(schema, [x[1], x[0]] + x[2:])
    elif trait == "ELEMENTWISE":
        order = rng.permutation(6)
        once, again = run(schema, x)[:, order], run(schema, [v[:, order] if np.ndim(v) else v for v in x])
    else:
        once = run(schema, x)
        again = run(schema, [once] + x[1:])
        once = x[0] if trait == "INVOLUTION" else once
    return None if same(np.asarray(once), np.asarray(again)) else "does not hold"


def main():
    lines = subprocess.run([sys.argv[1], "--dump"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [same_hex(json.loads(line)) for line in lines]
    table = {(row["domain"], row["name"], row["since"]): row for row in rows}
    schemas = {(s.domain, s.name, s.since_version): s for s in onnx.defs.get_all_schemas_with_history()}
    problems = [f"only in one of table and onnx: {key}" for key in sorted(table.keys() ^ schemas.keys())]
    if len(table) != len(rows):
        problems.append("a row stands twice")
    newest = {}
    for key in sorted(table.keys() & schemas.keys()):
        row, schema = table[key], schemas[key]
        wanted = expected(schema)
        problems += [f"{key} {field}: table {row[field]} onnx {wanted[field]}" for field in wanted if row[field] != wanted[field]]
        has = {trait for bit, trait in enumerate(TRAITS) if row["traits"] >> bit & 1}
        problems += [f"{key}: trait {trait} should be {value}" for trait, value in known_traits(schema).items() if value != (trait in has)]
        if has & {"PURE"} and has & {"RANDOM", "TRAINING_RANDOM", "CONTROL"}:
            problems.append(f"{key}: pure and not pure")
        newest[key[:2]] = (schema, has)
    tried = collections.Counter()
    rng = np.random.default_rng(1)
    np.seterr(all="ignore")
    for schema, has in newest.values():
        for trait in sorted(has & {"COMMUTATIVE", "ELEMENTWISE", "INVOLUTION", "IDEMPOTENT"}):
            if schema.name in NOT_RUN:
                continue
            if wrong := experiment(trait, schema, rng):
                problems.append(f"{schema.name}: {trait} {wrong}")
            tried[trait] += 1
    print(f"{len(table)} rows compared with onnx {onnx.__version__}; traits tried: {dict(tried)}; {len(problems)} problems")
    print("\n".join(problems[:50]))
    sys.exit(bool(problems))


main()
