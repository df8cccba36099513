"""ONNX models byte by byte, from Python's standard library alone: also the ones that no library would write."""
import struct

FLOAT, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT64 = 1, 6, 7, 8, 9, 10, 11, 13
NUMBER, BYTES = 0, 2
A_FLOAT, A_INT, A_STRING, A_TENSOR, A_GRAPH, A_FLOATS, A_INTS = 1, 2, 3, 4, 5, 6, 7


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(field, wire):
    return varint(field << 3 | wire)


def num(field, number):
    return tag(field, NUMBER) + varint(number)


def run(field, content):
    """A text, bytes or message."""
    content = content.encode() if isinstance(content, str) else content
    return tag(field, BYTES) + varint(len(content)) + content


def real(field, number):
    return tag(field, 5) + struct.pack("<f", number)


def each(field, items):
    return b"".join(run(field, item) for item in items)


def prop(key, value):
    return run(1, key) + run(2, value)


def tensor(name, dims, elem=FLOAT, raw=None, more=b""):
    data = run(9, raw) if raw is not None else b""
    return b"".join(num(1, d) for d in dims) + num(2, elem) + run(8, name) + data + more


def floats(name, *numbers, dims=None):
    return tensor(name, [len(numbers)] if dims is None else dims, FLOAT, struct.pack(f"<{len(numbers)}f", *numbers))


def external(name, dims, location, **entries):
    more = run(13, prop("location", location)) + b"".join(run(13, prop(k, str(v))) for k, v in entries.items())
    return tensor(name, dims, more=more + num(14, 1))


def tensor_type(elem, dims):
    shape = b"".join(run(1, num(1, d) if isinstance(d, int) else run(2, d)) for d in dims)
    return run(1, num(1, elem) + run(2, shape))


def info(name, elem=FLOAT, dims=(2,)):
    return run(1, name) + run(2, tensor_type(elem, dims))


def attr(name, kind, content):
    return run(1, name) + content + num(20, kind)


def a_int(name, number):
    return attr(name, A_INT, num(3, number))


def a_ints(name, *numbers):
    return attr(name, A_INTS, b"".join(num(8, n) for n in numbers))


def a_float(name, number):
    return attr(name, A_FLOAT, real(2, number))


def a_text(name, text):
    return attr(name, A_STRING, run(4, text))


def a_tensor(name, content):
    return attr(name, A_TENSOR, run(5, content))


def a_graph(name, content):
    return attr(name, A_GRAPH, run(6, content))


def a_reference(name, kind, source):
    return run(1, name) + num(20, kind) + run(21, source)


def node(op, inputs, outputs, *attrs, name="", domain=None, more=b""):
    head = each(1, inputs) + each(2, outputs) + (run(3, name) if name else b"") + run(4, op) + each(5, attrs)
    return head + (run(7, domain) if domain is not None else b"") + more


def graph(nodes, inputs=(), outputs=(), initializers=(), name="g", more=b""):
    return each(1, nodes) + run(2, name) + each(5, initializers) + each(11, inputs) + each(12, outputs) + more


def opset(version=17, domain=""):
    return run(1, domain) + num(2, version)


def model(content, *, ir_version=8, opsets=(opset(),), more=b""):
    return num(1, ir_version) + run(7, content) + each(8, opsets) + more


def function(name, inputs, outputs, nodes, *, domain="local", overload=None, attributes=(), defaults=(), more=b""):
    head = run(1, name) + each(4, inputs) + each(5, outputs) + each(6, attributes) + each(7, nodes)
    head += each(9, (opset(), opset(1, domain))) + run(10, domain) + each(11, defaults)
    return head + (run(13, overload) if overload is not None else b"") + more
