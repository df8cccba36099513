"$ONNXOPT" nowhere.onnx; ls
