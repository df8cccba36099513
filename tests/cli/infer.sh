# onnxopt infer: the table, JSON, what is written, fixed inputs, and what was baked from the old shape
cat >m.onnxtxt <<'M'
<ir_version: 8, opset_import: ["" : 13]>
main (float[1,3,8,8] x, float[N,4] q) => (float[1,192] y, int64[2,m] n)
<int64[2] t = {1, 192}, int64[2] u = {1, -1}, float[1,3,8,8] r, int64[1] i = {0}>
{
    r = Relu(x)
    y = Reshape(r, t)
    p = GlobalAveragePool(r)
    z = Reshape(p, u)
    s = Shape(q)
    b = Gather(s, i)
    n = NonZero(q)
    c = my.F(z)
}
M
sed -i 's/"" : 13/"" : 13, "my" : 1/' m.onnxtxt
"$ONNXOPT" infer -q m.onnxtxt
"$ONNXOPT" infer -q m.onnxtxt --unresolved
"$ONNXOPT" infer -q m.onnxtxt --json | sed -E 's/"seconds":[0-9.e-]+/"seconds":S/'
"$ONNXOPT" infer -q m.onnxtxt --dim N=5 --json | grep '"name":"b"'
"$ONNXOPT" infer -q m.onnxtxt -o - --dim N=5 >binary && cmp -s <(head -c 2 binary) <(printf '\010\010') && echo "a binary model on stdout"
sed 's/{1, 192}/{-1, 192}/' m.onnxtxt >free.onnxtxt
"$ONNXOPT" infer -q free.onnxtxt --input-shape x:B,3,8,8 -o out.onnxtxt 2>/dev/null | sed -n 2,5p
cat out.onnxtxt
"$ONNXOPT" -q -O0 free.onnxtxt --overwrite-input-shape x:2,3,8,8 --dim N=3 --emit-shapes -o - --emit=text 2>/dev/null | sed -n 5p
"$ONNXOPT" -p dce free.onnxtxt --dim N=3 --emit-shapes --print-pipeline
"$ONNXOPT" infer -q x.onnxtxt 2>&1 || echo "exit $?"
for arguments in "--input-shape x:4,3,8,8" "--input-shape x:3,8,8" "--input-shape 1,2" "--input-shape z:1" "--input-shape x:1,-1" "--dim K=3" "--dim N" "--dim N=-1"; do
  "$ONNXOPT" infer -q m.onnxtxt $arguments >nothing 2>err || echo "exit $?"
  sed -E 's/^[^ ]* //' err
  [ ! -s nothing ] || echo "something was printed"
done
code=0
"$ONNXOPT" -q -O0 m.onnxtxt --input-shape x:4,3,8,8 -o never.onnx 2>/dev/null || code=$?
echo "exit $code"
[ ! -e never.onnx ] || echo "a broken model was written"
printf '<ir_version: 8, opset_import: ["" : 13]>\nmain (float[2] a, float[3] b) => (c) { c = Add(a, b) }\n' >clash.onnxtxt
"$ONNXOPT" infer -q clash.onnxtxt 2>/dev/null
"$ONNXOPT" infer -q clash.onnxtxt --strict 2>/dev/null || echo "exit $?"
