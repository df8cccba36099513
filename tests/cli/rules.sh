# a file of rules: fuses into a custom domain, is imported, listed, switched off; typing errors say where
cat >swish.rules <<'END'
# One operator of ours.
rule my_swish {
    y = Mul(x, Sigmoid(x))
  => y = my.domain.Swish<beta = 1.0>(x)
}
END
cat >m.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
main (float[N] x) => (float[N] y) { s = Sigmoid(x) y = Mul(s, x) }
END
"$ONNXOPT" -q --rules swish.rules m.onnxtxt --emit=text -o -
"$ONNXOPT" -q --rules swish.rules --disable my-swish m.onnxtxt --emit=text -o - | grep -c Swish || true
"$ONNXOPT" --rules swish.rules --list-rules | grep my-swish | tr -s ' '
"$ONNXOPT" --list-rules=json | python3 -c '
import json, sys
rules = json.load(sys.stdin)
print(len(rules) > 20, all(r["text"].startswith("rule ") and r["level"] in (1, 2, 3) for r in rules))'
"$ONNXOPT" --rules swish.rules --print-pipeline -p dce
"$ONNXOPT" --rules swish.rules "$CORPUS"/tv_efficientnet_b0.ts11.onnx -o e.onnx
"$ONNXOPT" -q e.onnx --emit=text -o - | grep -c my.domain.Swish
wrong() { sed "$1" swish.rules >t.rules; ! "$ONNXOPT" --rules t.rules m.onnxtxt; }
wrong s/Sigmoid/Sigmiod/
wrong 's/(x))/(x)/'
wrong 's/y = my/z = my/'
wrong 's/=> y/-> y/'
wrong 's/beta = 1.0/beta = @b/'
wrong 's/my_swish/my_swish inexat/'
wrong 's/=> y/where rnk(x) == 2 => y/'
wrong 's/=> y/where rank(x) == "2" => y/'
wrong 's/Sigmoid(x)/Softmax<axs = 1>(x)/'
! "$ONNXOPT" --rules swish.rules --disable my-swsh m.onnxtxt
! "$ONNXOPT" --rules none.rules m.onnxtxt
