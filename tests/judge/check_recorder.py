"""A pytest plugin: whatever ONNX's tests give to its checker is written as a model into $CHECK_RECORD, each distinct one once. Parts of models
(graphs, nodes, attributes, tensors, functions) are put into a model that says nothing else.

check_cases.py runs it over ONNX's own tests, which PyPI's source archive carries (scripts/fetch-onnx-tests)."""
import hashlib, os, pathlib, subprocess
import onnx
from onnx import checker

FOLDER = pathlib.Path(os.environ["CHECK_RECORD"])
NEWEST = {"": onnx.defs.onnx_opset_version()}
LARGEST = 1 << 20
seen = set()


def keep(kind, content, files=None):
    """A folder with model.onnx, or a copy of the folder `files` that holds the model."""
    if content is None or len(content) > LARGEST:
        return
    key = hashlib.sha256(content + str(files and sorted(os.listdir(files))).encode()).hexdigest()[:12]
    if key in seen:
        return
    seen.add(key)
    target = FOLDER / f"{len(seen):04}-{kind}-{key}"
    if files is None:
        target.mkdir(parents=True)
        (target / "model.onnx").write_bytes(content)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", str(files), str(target)], check=True)  # links stay links


def model_of(context):
    imports = dict(context.opset_imports) if context is not None else NEWEST
    model = onnx.ModelProto(ir_version=context.ir_version if context is not None else onnx.IR_VERSION)
    for domain, version in imports.items():
        model.opset_import.add(domain=domain, version=version)
    model.graph.name = "recorded"
    return model


def of_graph(data, context=None, *rest):
    model = model_of(context)
    model.graph.ParseFromString(data)
    return model


def of_node(data, context=None, *rest):
    model = model_of(context)
    node = onnx.NodeProto.FromString(data)
    if model.ir_version < 8:
        model.graph.node.append(node)
        return model
    function = model.functions.add(name="recorded", domain="recorded", input=sorted({i for i in node.input if i}), output=[o for o in node.output if o])
    function.opset_import.extend(model.opset_import)
    function.node.append(node)
    return model


def of_attribute(data, context=None, *rest):
    node = onnx.NodeProto(op_type="Any", domain="recorded", output=["y"], attribute=[onnx.AttributeProto.FromString(data)])
    model = of_node(node.SerializeToString(), context)
    for imports in (model.opset_import, *[f.opset_import for f in model.functions]):
        imports.add(domain="recorded", version=1)
    return model


def of_tensor(data, context=None, *rest):
    model = model_of(context)
    tensor = model.graph.initializer.add()
    tensor.ParseFromString(data)
    tensor.name = tensor.name or "recorded"
    return model


def of_sparse_tensor(data, context=None, *rest):
    model = model_of(context)
    sparse = model.graph.sparse_initializer.add()
    sparse.ParseFromString(data)
    if sparse.HasField("values"):
        sparse.values.name = sparse.values.name or "recorded"
    return model


def of_value_info(data, context=None, *rest):
    model = model_of(context)
    model.graph.input.add().ParseFromString(data)
    return model


def of_function(data, context=None, *rest):
    model = model_of(context)
    model.functions.add().ParseFromString(data)
    return model


class Recorder:
    """Stands for the compiled module that onnx.checker calls."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        function = getattr(self.inner, name)
        wrap = globals().get("of_" + name.removeprefix("check_"))
        if name == "check_model":
            wrap = onnx.ModelProto.FromString
        if name != "check_model_path" and (not name.startswith("check_") or wrap is None):
            return function

        def recorded(data, *rest):
            try:
                if name == "check_model_path":
                    path = pathlib.Path(data)
                    size = sum(p.stat().st_size for p in path.parent.iterdir() if p.is_file()) if path.is_file() else LARGEST
                    if size < LARGEST:
                        keep("path", path.read_bytes(), path.parent)
                else:
                    keep(name.removeprefix("check_"), data if name == "check_model" else wrap(data, *rest[:1]).SerializeToString())
            except Exception as e:  # the test itself must go on as if nobody watched
                print("not recorded:", name, e)
            return function(data, *rest)

        return recorded


def pytest_configure(config):
    checker.C = Recorder(checker.C)
