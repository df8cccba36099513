"$ONNXOPT" -p "dce,fix(cse" model.onnx
