cp "$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt" model.onnxtxt
"$ONNXOPT" -q model.onnxtxt
mkdir a.b && "$ONNXOPT" -q -O0 model.opt.onnx a.b/net.onnx
"$ONNXOPT" -q a.b/net.onnx
"$ONNXOPT" -q --emit=text a.b/net.onnx
cp model.opt.onnx a.b/noending
"$ONNXOPT" -q a.b/noending
"$ONNXOPT" -q a.b/net.onnx other.onnxtxt
head -c 1 other.onnxtxt
"$ONNXOPT" -q -n a.b/net.onnx -o never.onnx
# the output may be the input
"$ONNXOPT" -q a.b/net.onnx -o a.b/net.onnx
find . -type f | sort
