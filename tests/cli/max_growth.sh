# Many results that are small each, of constants that a next round finds: what folding adds stays within the limit altogether.
model() {
    echo '<ir_version: 8, opset_import: ["" : 18]>'
    echo 'main (float[N] x) => (float[8192] y0'
    for i in $(seq 1 11); do echo ", float[8192] y$i"; done
    echo ') <int64[1] size = {4096}, int64[1] two = {2}, float[1] zero = {0}> {'
    for i in $(seq 0 11); do
        echo "s$i = ConstantOfShape <value = float[1] {$i.5}> (size)"
        echo "t$i = Tile(s$i, two)" # 32 KiB
        echo "y$i = Neg(t$i)"
    done
    echo 'unused = Relu(x) }'
}
model > many.onnxtxt
"$ONNXOPT" -q -O0 many.onnxtxt -o many.onnx
before=$(stat -c %s many.onnx)
grown() {
    "$ONNXOPT" -q "$@" -o out.onnx
    local by=$(($(stat -c %s out.onnx) - before))
    echo "$*: $([ $by -le 0 ] && echo not || { [ $by -le 65536 ] && echo 'up to 64 KiB'; } || { [ $by -le 139264 ] && echo 'up to 136 KiB'; } || echo more)"
}
grown many.onnx
grown -p 'fix(fold-constants,dce),fold-constants,fix(fold-constants,dce)' many.onnx
grown --max-growth=0 many.onnx
grown --max-growth=132K many.onnx
grown --max-growth=none many.onnx
# What folding is not the only one to do: a function whose body is large, called four times; weights of its own for one of two users.
numbers() { seq -s ', ' 1 "$1"; }
{
    echo '<ir_version: 8, opset_import: ["" : 18, "my" : 1]>'
    echo 'main (float[8192] x) => (float[8192] y) { a = my.f (x) b = my.f (a) c = my.f (b) y = my.f (c) }'
    echo '<domain: "my", opset_import: ["" : 18]>'
    echo "f (v) => (w) { k = Constant <value = float[8192] {$(numbers 8192)}> () w = Add(v, k) }"
} > calls.onnxtxt
{
    echo '<ir_version: 8, opset_import: ["" : 18]>'
    echo "main (float[N,128] x, float[M,128] z) => (float[N,160] y, float[M,160] w)"
    echo "<float[128,160] k = {$(numbers 20480)}, float[160] s = {$(numbers 160)}> {"
    echo 'm = MatMul(x, k) y = BatchNormalization(m, s, s, s, s) w = MatMul(z, k) }'
} > shared.onnxtxt
for model in calls shared; do
    "$ONNXOPT" -q -O0 $model.onnxtxt -o $model.onnx
    before=$(stat -c %s $model.onnx)
    grown $model.onnx
    grown --max-growth=none -p "$([ $model = calls ] && echo inline-functions || echo rules),dce" $model.onnx
done
"$ONNXOPT" --max-growth=1MB -p 'fix(fold-constants),dce' --print-pipeline
"$ONNXOPT" --max-growth=much many.onnx || echo "exit $?"
