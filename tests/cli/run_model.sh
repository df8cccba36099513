# onnxopt run: what it prints, what it writes, how it refuses
cp "$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt" m.onnxtxt
m=m.onnxtxt
"$ONNXOPT" run -q "$m"
"$ONNXOPT" run -q "$m" --seed 0
[ "$("$ONNXOPT" run -q "$m" --seed 1)" != "$("$ONNXOPT" run -q "$m")" ] || echo "the seed changes nothing"
"$ONNXOPT" run -q "$m" -o out --save-inputs --npy
ls out
head -c 64 out/output_0.npy | tail -c 54; echo
"$ONNXOPT" run -q "$m" -o set --save-inputs
"$ONNXOPT" run -q "$m" --test-data set
"$ONNXOPT" run -q "$m" --input x=out/input_0.npy -o again
cmp set/output_0.pb again/output_0.pb
cp set/input_0.pb set/output_0.pb
code=0; "$ONNXOPT" run "$m" --test-data set >differs 2>&1 || code=$?
echo "$code: $(sed -E 's/.*(output 0 differs: [0-9]+ of 6).*/\1/' differs)"
"$ONNXOPT" run -q "$m" --profile | sed -nE 's/^ *[0-9.]+ ms +[0-9.]+% +([0-9]+)  ([A-Z][A-Za-z]+) +([^ ].*)?$/\1 \2 \3/p' | sort | uniq -c | tr -s ' '
"$ONNXOPT" run -q "$m" --profile=json | sed -E 's/[0-9.e-]+([,}])/N\1/g; s/.*("type":"profile").*("op":"Neg").*/\1 \2/'
"$ONNXOPT" run --help | head -n 1

# refused, each with one line
try() {
  local code=0
  "$ONNXOPT" run "$@" >nothing 2>err || code=$?
  [ ! -s nothing ] || echo "something was printed: $*"
  echo "$code $(sed -E 's,.*error: ,,' err | head -n 1)"
}
try
try "$m" other
try "$m" --input x
try "$m" --input y=out/input_0.npy
try "$m" --input x=missing.pb
try "$m" --input x="$m"
head -c 100 out/input_0.npy >cut.npy
try "$m" --input x=cut.npy
printf '\010\003\020\001\042\014\000\000\000\000\000\000\000\000\000\000\000\000' >three.pb
try "$m" --input x=three.pb
try "$m" --dim N=3
try "$m" --dim N
try "$m" --seed x
try "$m" --npy
try "$m" -O2
try missing.onnx
try "$m" -o "$m"
