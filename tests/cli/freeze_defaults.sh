# What callers may override is no constant, until --freeze-defaults says that nobody does.
cat > old.onnxtxt <<'END'
<ir_version: 3, opset_import: ["" : 8]>
main (float[2] x, float[2] w, float[2] v) => (float[2] y) <float[2] w = {1, 2}, float[2] v = {3, 4}> {
    a = Add(w, v)
    y = Mul(x, a)
}
END
"$ONNXOPT" old.onnxtxt -o as_it_is.onnxtxt 2>&1 | grep -o 'note.*'
"$ONNXOPT" old.onnxtxt -n --remarks=missed -p fold-constants 2>&1 | grep -o '(Add).*'
"$ONNXOPT" --freeze-defaults --check old.onnxtxt -o frozen.onnxtxt 2>&1 | grep -o 'note.*'
cat as_it_is.onnxtxt frozen.onnxtxt
"$ONNXOPT" check -q frozen.onnxtxt && echo valid
"$ONNXOPT" --freeze-defaults -p cse --print-pipeline
