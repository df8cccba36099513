# each is refused with code 3, one located line (and a caret in text), and no output
try() {
  local code=0
  "$ONNXOPT" "$@" -o out.onnx 2>err || code=$?
  [ "$code" = 3 ] && grep -cE '^[^ ].*: error: .*\[[a-z-]+\]$' err | grep -qx 1 || echo "not refused rightly ($code): $*"
  [ ! -e out.onnx ] || echo "an output was written: $*"
  cat err
}
mkdir folder
try folder
: >empty.onnx
try empty.onnx
echo 'hello world' >words.onnx
try words.onnx
try words.onnx <words.onnx
head -c 100 /dev/zero >zeros.onnx
try zeros.onnx
printf '<ir_version: 8, opset_import: ["" : 17]>\ng (float[2] x) => (float[2] y) {\n  y = Relu(z)\n}\n' >text.onnx
try text.onnx
try - <text.onnx
printf '\001\002' >binary.onnxtxt
try binary.onnxtxt
try - <empty.onnx
printf '\n\033[31m\002' >escape.onnxtxt
try escape.onnxtxt
grep -q $'\033' err && echo "an escape sequence reaches the terminal"
rm -f words.onnx; mkfifo pipe; (echo hello >pipe) & try pipe
