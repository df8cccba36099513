# docs/passes.md and its drawings are what the program, docs/passes/ and the golden tests say; cmake --build --preset dev -t update-docs makes them
python3 "$ONNXOPT_SOURCE_DIR/scripts/gen-passes-doc.py" --check "$ONNXOPT"
