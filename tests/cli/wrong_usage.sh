# each is refused with code 2 and one line
try() {
  local code=0
  "$ONNXOPT" "$@" 2>err || code=$?
  [ "$code" = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -q '\[usage\]$' err || echo "not refused rightly ($code): $*"
  sed 's/^onnxopt: error: //' err
}
try
try --bogus
try -x m.onnx
try --verify=maybe m.onnx
try -O4 m.onnx
try --fuel=many m.onnx
try --fuel -1 m.onnx
try --fuel 99999999999999999999 m.onnx
try --external-threshold=10X m.onnx
try --external-threshold=99999999999T m.onnx
try --external-file=../data m.onnx
try --remarks=failed m.onnx
try --dry-run=yes m.onnx
try -o
try --output= m.onnx
try -p dce -O1 m.onnx
try -p dce -p cse m.onnx
try a.onnx b.onnx c.onnx
try a.onnx b.onnx -o c.onnx
try --disable=dce,ccse m.onnx
try ""
