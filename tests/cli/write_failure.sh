m="$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt"
try() {
  local code=0
  "$ONNXOPT" "$m" "$@" 2>err || code=$?
  echo "$code $(sed 's/.*error: //' err)"
}
try -o nowhere/out.onnx
mkdir folder
try -o folder
try -o /dev/full
"$ONNXOPT" "$m" --emit=text -o - >/dev/full 2>err || echo "$? $(cat err)"
"$ONNXOPT" --list-passes >/dev/full 2>err || echo "$? $(cat err)"
try --dump-dir nowhere/dumps
try --dot nowhere/graph.dot -n
find . -type f
