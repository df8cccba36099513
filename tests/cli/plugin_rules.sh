# a plugin's rules and guard
cat >m.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
main (float[2,512] a, float[2,511] b, float[N] c) => (float[2,512] x, float[2,511] y, float[N] z)
{ p = Sigmoid(a) x = Mul(a, p) q = Sigmoid(b) y = Mul(q, b) r = Sigmoid(c) z = Mul(r, c) }
END
p=$ONNXOPT_BUILD_DIR/plugins/onnxopt-swish-rules.so
chmod go-w "$p"
"$ONNXOPT" --load "$p" -p 'rules{group=swish}' -q --remarks --emit=text m.onnxtxt -o -
"$ONNXOPT" --load "$p" --list-rules | grep -o '^example-swish *swish' | tr -s ' '
"$ONNXOPT" passes prove --load "$p" | tr -s ' '
