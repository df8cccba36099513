"$ONNXOPT" --verfy=each model.onnx
