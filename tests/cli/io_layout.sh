# --io-layout: inputs and outputs in another order, checked against the model as it was
cat > m.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
m (float[N,3,8,8] image, float[2] k) => (float[N,3,8,8] sum, float[2] z)
<float[3,1,1] s = {1.0, 2.0, 3.0}>
{ a = Mul(image, s) sum = Relu(a) z = Neg(k) }
END
"$ONNXOPT" -q --io-layout image=nhwc --io-layout sum=0,2,3,1 m.onnxtxt --emit=text -o - | sed -n '/^m/,$p'
"$ONNXOPT" --io-layout image=nhwc --check m.onnxtxt -o out.onnx 2>&1 | grep -o "the outputs agree on 3 of 3 input sets"
"$ONNXOPT" --io-layout image=nhwc --print-pipeline -O0; echo
for bad in image k=nhwc none=nhwc image=0,1 image=0,1,2,2 image=up s=nhwc; do
    "$ONNXOPT" -q --io-layout $bad m.onnxtxt -o bad.onnx || echo "exit $?"
done
"$ONNXOPT" -q --check-each --io-layout image=nhwc m.onnxtxt -o bad.onnx || echo "exit $?"
[ ! -e bad.onnx ]
