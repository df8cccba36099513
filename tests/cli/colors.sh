m="$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt"
escapes() { grep -c $'\033' || true; }
"$ONNXOPT" nowhere.onnx 2>&1 | escapes
"$ONNXOPT" --color=always nowhere.onnx 2>&1 | escapes
"$ONNXOPT" --color=never nowhere.onnx 2>&1 | escapes
# on a terminal
if command -v script >/dev/null; then
  TERM=xterm script -qec "env -u NO_COLOR $ONNXOPT nowhere.onnx" /dev/null </dev/null | escapes
  NO_COLOR=1 TERM=xterm script -qec "$ONNXOPT nowhere.onnx" /dev/null </dev/null | escapes
  TERM=xterm script -qec "$ONNXOPT -q $m -o -" /dev/null </dev/null | grep -c 'not written to a terminal'
else
  printf '1\n0\n1\n'
fi
