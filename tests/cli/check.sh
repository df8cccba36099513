# onnxopt check: every defect is told and located; valid models pass
show() { sed -E 's/, [0-9.]+ m?s$/, N ms/'; }
check() {
  local code=0
  "$ONNXOPT" check "$@" 2>err || code=$?
  show <err
  echo "= $code"
}
cp "$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt" ok.onnxtxt
cat >bad.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17, "my.domain" : 1, "ai.onnx" : 16]>
bad (float[2, 3] x, bool c) => (float[2, 4] y, int64[N] z)
<float[5] nothing> {
  a = Relu<alpha = 1.0>(x)
  b = Add(x)
  d = my.domain.Foo(x)
  e = other.Foo(x)
  f = Concat(x, x)
  g = Nosuch(x)
  h = Gemm(x, c)
  i = If(c) <then_branch = t () => (float[2, 3] t) { t = Neg(x) }, else_branch = e () => (float[2, 3] x, float[2, 3] u) { u = Abs(x) x = Exp(x) }>
  y = Neg(x)
  z = Cast<to = 1>(x)
  k = Upsample<mode = "nearest">(x, x)
}
END
cat >late.onnxtxt <<'END'
<ir_version: 3, opset_import: ["" : 17]>
late (float[2] x) => (float[2] y)
<float[1] w = {1}> {
  y = Add(a, w)
  a = Neg(x)
}
END
cat >values.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
values (float[2, 3] x) => (float[2, 4] y) {
  s = Shape(x)
  y = ConstantOfShape(s)
}
END
check ok.onnxtxt
check bad.onnxtxt
check --limit 2 bad.onnxtxt
check --no-infer bad.onnxtxt | grep -c -E 'check-(type|shape|subgraph)' || true
check late.onnxtxt ok.onnxtxt
check values.onnxtxt
check --strict -q values.onnxtxt
check nowhere.onnx
check
check --limit many ok.onnxtxt
"$ONNXOPT" check --message-format=json late.onnxtxt ok.onnxtxt 2>json || true
python3 - <<'END'
import json
lines = [json.loads(line) for line in open("json")]
print([(l["type"], l.get("code"), l.get("valid")) for l in lines])
print({k: lines[0].get(k) for k in ("severity", "file", "graph", "node", "op", "value")}, lines[-1]["exit_code"])
END
