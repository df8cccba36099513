# onnxopt diff: structure, text, numbers, and how it refuses
cat >a.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17], producer_name: "one">
g (float[N, 4] x, float[4] w) => (float[N, 4] y, float[N, 4] z) <float[4] k = {1, 2, 3, 4}> {
  a = Mul(x, w)
  b = Add(a, k)
  y = Relu(b)
  z = Sub(a, b)
}
END
sed 's/"" : 17/"" : 18/; s/"one"/"two"/; s/z = Sub(a, b)/z = Sub(b, a)/; s/y = Relu(b)/c = Neg(b) d = Neg(c) y = Relu(d)/' a.onnxtxt >b.onnxtxt
sed 's/float\[4\] w/float[N, 4] w/; s/, float\[N, 4\] z)/)/; s/z = /q = /' a.onnxtxt >c.onnxtxt
"$ONNXOPT" diff a.onnxtxt a.onnxtxt
"$ONNXOPT" diff a.onnxtxt b.onnxtxt --text
"$ONNXOPT" diff a.onnxtxt c.onnxtxt
sed 's/z = Sub(a, b)/z = Sub(b, a)/' a.onnxtxt >d.onnxtxt
"$ONNXOPT" diff a.onnxtxt d.onnxtxt
try() {
  local code=0
  "$ONNXOPT" diff "$@" >nothing 2>err || code=$?
  echo "$code" && sed -E 's/by up to .*\[/... [/' err
}
try a.onnxtxt a.onnxtxt --numeric
try a.onnxtxt d.onnxtxt --numeric=2
"$ONNXOPT" run -q d.check-failed/model.onnx --test-data d.check-failed/test_data_set_0
try a.onnxtxt c.onnxtxt --numeric
try a.onnxtxt b.onnxtxt --numeric --dim N=5 --dump-dir parts
ls -R parts
sed 's/y = Relu(b)/t = Shape(b) r = ReduceMax<keepdims = 0>(t) y = Relu(b) o = Concat<axis = 1>(r, r)/' a.onnxtxt >bad.onnxtxt
try bad.onnxtxt bad.onnxtxt --numeric
try a.onnxtxt a.onnxtxt --numeric --dim M=5
try a.onnxtxt
try a.onnxtxt b.onnxtxt c.onnxtxt
try a.onnxtxt missing.onnx
try a.onnxtxt b.onnxtxt --numeric=0
try a.onnxtxt b.onnxtxt --rtol=x

# the check of a pipeline: the same words
"$ONNXOPT" a.onnxtxt -p dce -n --check 2>&1 | head -n 1
sed 's/b = Add(a, k)/b = Add(a, k) i = Identity(b)/; s/Relu(b)/Relu(i)/' a.onnxtxt >e.onnxtxt
for check in --check --check=2 --check-n=2 --check-each; do "$ONNXOPT" e.onnxtxt -p eliminate-identity -n "$check" 2>&1 | head -n 1; done
"$ONNXOPT" e.onnxtxt out.onnx 4 2>&1 | head -n 1
code=0; "$ONNXOPT" bad.onnxtxt -p dce -n --check >log 2>&1 || code=$?
echo "$code" && head -n 1 log
sed 's/y = Relu(b)/t = Shape(b) r = ReduceMax<keepdims = 0>(t) y = Relu(b) o = Concat<axis = 1>(r, r)/; s/b = Add(a, k)/b = Add(a, k) i = Identity(o)/; s/float\[N, 4\] z)/float[N, 4] z, int64[M] o)/' a.onnxtxt >f.onnxtxt
code=0; "$ONNXOPT" f.onnxtxt -p dce -o f.onnx --check >log 2>&1 || code=$?
echo "$code" && head -n 1 log
[ ! -e f.onnx ] || echo "it was written"

# JSON, for programs
"$ONNXOPT" diff a.onnxtxt d.onnxtxt --numeric --message-format=json 2>&1 >nothing | grep '"type":"compare"' || true
"$ONNXOPT" e.onnxtxt -p eliminate-identity -n --check --message-format=json 2>&1 | grep '"type":"compare"'
