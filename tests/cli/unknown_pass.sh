"$ONNXOPT" -p dec model.onnx
