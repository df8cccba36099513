# a rule with alternatives on its left side: each way to choose fires, it is listed and switched off as one, and mistakes in any of them are found
cat >f.rules <<'END'
rule my_norm inexact {
    q = Mul(x, x) | Pow(x, 2)
    y = Div(x, Sqrt(q)) | Mul(x, Pow(q, -0.5)) | Mul(x, Reciprocal(Sqrt(q)))
  => y = my.domain.Norm(x)
}
END
cat >m.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
main (float[N] x, float[N] u, float[N] v, float[N] w) => (float[N] a, float[N] b, float[N] c, float[N] d)
<float two = {2}, float half = {-0.5}>
{
    xq = Mul(x, x)
    xr = Sqrt(xq)
    a = Div(x, xr)
    uq = Pow(u, two)
    ur = Pow(uq, half)
    b = Mul(ur, u)
    vq = Mul(v, v)
    vr = Sqrt(vq)
    vi = Reciprocal(vr)
    c = Mul(v, vi)
    wq = Mul(v, w)
    wr = Sqrt(wq)
    d = Div(w, wr)
}
END
"$ONNXOPT" -q --rules f.rules -p '' m.onnxtxt --emit=text -o -
"$ONNXOPT" -q --rules f.rules --disable my-norm m.onnxtxt --emit=text -o - | grep -c Norm || true
"$ONNXOPT" --rules f.rules --list-rules | grep my-norm | tr -s ' '
wrong() { sed "$1" f.rules >t.rules; ! "$ONNXOPT" --rules t.rules m.onnxtxt; }
wrong 's/Reciprocal/Reciprocl/'
wrong 's/Pow(x, 2)/const/'
wrong 's/Pow(x, 2)/Pow(x, p)/;s/Norm(x)/Norm(x, p)/'
wrong 's/Mul(x, x) |/Mul(x, x |/'
wrong 's/q = .*/q = Mul(x, x) | Mul(x, x) | Mul(x, x) | Mul(x, x) | Mul(x, x) | Mul(x, x) | Mul(x, x) | Mul(x, x)\n a = Relu(x) | Neg(x) | Abs(x)/;s/Norm(x)/Norm(x, a)/'
