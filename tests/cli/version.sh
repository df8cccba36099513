"$ONNXOPT" --version
