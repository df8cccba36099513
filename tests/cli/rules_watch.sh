# why a rule did not fire, what fired, --exact, and rules that undo each other
cat >m.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
main (float[2,3] x, float[] u, float[3,4] v, float[4] b) => (float[] y, float[2,4] z)
{ [first] p = MatMul(u, v) [second] y = Add(p, b) [third] q = MatMul(x, v) [fourth] z = Add(q, b) }
END
"$ONNXOPT" -q -p 'rules{group=fusions}' --remarks m.onnxtxt --emit=text -o -
"$ONNXOPT" -q -p 'rules{only=fuse-matmul-add}' --exact m.onnxtxt --emit=text -o - | grep -c Gemm || true
"$ONNXOPT" -q -p 'rules{exact only=fuse-matmul-add}' m.onnxtxt --emit=text -o - | grep -c Gemm || true
cat >loop.rules <<'END'
rule one { y = Relu(x)  =>  y = Abs(x) }
rule two { y = Abs(x)  =>  y = Relu(x) }
END
cat >l.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
main (float[N] x) => (float[N] y) { y = Relu(x) }
END
! "$ONNXOPT" -q --rules loop.rules l.onnxtxt -o l.onnx
[ ! -e l.onnx ]
