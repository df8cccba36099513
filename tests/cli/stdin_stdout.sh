m="$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt"
"$ONNXOPT" - <"$m" >out.onnx
"$ONNXOPT" -O0 out.onnx --emit=text -o -
# through a pipe on both sides, and from a file that is no regular one
cat out.onnx | "$ONNXOPT" -q -O0 - | cmp - out.onnx
"$ONNXOPT" -q -O0 <(cat out.onnx) -o - | cmp - out.onnx
ls
