# what --external-threshold understands: a tensor of 4096 bytes is moved out or not
{ printf '<ir_version: 8, opset_import: ["" : 17]>\ng (float[1024] x) => (float[1024] y) <float[1024] w = {1'; printf ', %s' {2..1024}; printf '}> {\n  y = Add(x, w)\n}\n'; } >model.onnxtxt
for size in 4096 4K 4k 4KB 4KiB 4096B 4097 5K 1M 1GB; do
  "$ONNXOPT" -q -O0 model.onnxtxt -o out.onnx --external-threshold "$size"
  echo "$size $(ls *.data 2>/dev/null)"
  rm -f *.data
done
"$ONNXOPT" -q -O0 model.onnxtxt -o out.onnx --external=split --external-file weights.bin
ls
"$ONNXOPT" -q -O0 out.onnx -o whole.onnx --external=inline
stat -c %s weights.bin
[ "$(stat -c %s whole.onnx)" -gt 4096 ]
