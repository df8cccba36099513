# --strip: what exporters say of nodes goes, and the model computes the same
m="$CORPUS/hf_distilbert.dyn.onnx"
said() { grep -aoF "$2" "$1" | wc -l; }
size() { stat -c %s "$1"; }
"$ONNXOPT" -q -O0 "$m" -o all.onnx
"$ONNXOPT" -q -O0 --strip "$m" -o stripped.onnx
[ "$(said all.onnx pkg.torch)" -gt 1000 ]
[ "$(said stripped.onnx pkg.torch)" -lt 10 ]
[ "$(size stripped.onnx)" -lt $(($(size all.onnx) * 3 / 4)) ]
"$ONNXOPT" diff -q --numeric=1 all.onnx stripped.onnx | grep -c "^[-+]" || true
"$ONNXOPT" -q -O0 --strip=names stripped.onnx -o nameless.onnx
[ "$(said stripped.onnx node_MatMul)" -gt 10 ]
said nameless.onnx node_MatMul
"$ONNXOPT" --print-pipeline -O0 --strip=docs,shapes --emit-shapes; echo
! "$ONNXOPT" -n --strip=doc "$m"
