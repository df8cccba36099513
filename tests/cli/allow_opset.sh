# --allow-opset N: a newer operator set is imported where a rule gains by it and everything else means the same; else a remark says what is in the way
norm='m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) q = Mul(d, d) v = ReduceMean<axes = [-1]>(q) e = Add(v, eps) r = Sqrt(e) y = Div(d, r)'
rms='q = Mul(x, x) v = ReduceMean<axes = [-1]>(q) e = Add(v, eps) r = Sqrt(e) y = Div(x, r)'
model() { # OPSET NODES [FUNCTION]
  printf '<ir_version: 8, opset_import: ["" : %s, "local" : 1]>\nmain (float[N,4] x) => (float[N,4] y, float[N,M] z)\n<float eps = {0.001}> { %s }\n%s\n' "$1" "$2" "${3-}"
}
show() { "$ONNXOPT" -q "$@" m.onnxtxt --emit=text -o - | grep -v ir_version; }
missed() { "$ONNXOPT" "$@" --remarks=missed -p rules m.onnxtxt --emit=text -o t.onnxtxt 2>&1 | grep -o 'ai.onnx [0-9]* is allowed.*' | sort -u; grep -o '"" : [0-9]*' t.onnxtxt; }
# the first version that has the operator, not the one that is allowed
model 12 "$norm z = Softmax<axis = 1>(x)" >m.onnxtxt; show --allow-opset 22
# whatever the domain is called
sed s/'""'/'"ai.onnx"'/ m.onnxtxt >a.onnxtxt; "$ONNXOPT" -q --allow-opset 22 a.onnxtxt --emit=text -o - | grep import
"$ONNXOPT" -q --allow-opset 20 "$CORPUS"/hf_bert.ts17.onnx --emit=text -o b.onnxtxt; grep import b.onnxtxt; grep -c Gelu b.onnxtxt
# nothing is gained, so nothing changes
model 12 "y = Relu(x) z = Softmax(x)" >m.onnxtxt; show --allow-opset 22 | grep import
# 22 is not enough, 23 is; the attribute of ReduceMax becomes an input
model 17 "$rms z = ReduceMax<axes = [1]>(x)" >m.onnxtxt; show --allow-opset 22 | grep import; show --allow-opset 23
# a Split says how many parts it makes, unless it says their sizes
model 12 "$rms k, l = Split<axis = 1>(x) m, n = Split<axis = 1, split = [1, 3]>(x) z = Concat<axis = 1>(k, l, m, n)" >m.onnxtxt
show --allow-opset 23 -p rules | grep 'import\|Split\|{1, 3}'
# functions are raised too
model 17 "$rms z = local.top(x)" '<opset_import: ["" : 16], domain: "local">
top (a) => (b) { b = ReduceMax<axes = [1]>(a) }' >m.onnxtxt; show -p rules --allow-opset 23
# what is in the way
model 12 "$norm z = Softmax<axis = 0>(x)" >m.onnxtxt; missed --allow-opset 17
model 10 "$rms i = Cast<to = 7>(x) four = Constant<value = int64 {4}>() two = Constant<value = int64[2] {0, 1}>() o = OneHot(i, four, two) f = Cast<to = 1>(o) z = ReduceSum<axes = [2], keepdims = 0>(f)" >m.onnxtxt; missed --allow-opset 23
model 17 "$rms i = Cast<to = 7>(x) k = Cast<to = 1>(i) z = Unknown(k)" >m.onnxtxt; missed --allow-opset 23
model 17 "$rms z = local.top<axes = [1]>(x)" '<opset_import: ["" : 16], domain: "local">
top <axes> (a) => (b) { b = ReduceMax<axes: ints = @axes>(a) }' >m.onnxtxt; missed --allow-opset 23
# a declaration that is wrong already, which only a newer operator set shows to everybody
model 12 "$norm s = Shape(x) g = Gather(s, first) c = Concat<axis = 0>(g, one, four) z = Reshape(x, c)" |
  sed 's/{0.001}/{0.001}, int64[1] first = {0}, int64[1] one = {1}, int64[1] four = {4}/' >m.onnxtxt; missed --allow-opset 17
# numbers that are none
for n in 0 99 x; do ! "$ONNXOPT" --allow-opset "$n" m.onnxtxt; done
