"""The models of peer_mistakes.py. Each case: the mistakes it is of, what it shows (`name`), a model as text, weights that become
initializers, and inputs. `keeps` says how many nodes of an operator must stay, where there is nothing to compare; `folds`: constants are
computed, which rounds as the evaluator does; `reference`: not for ONNX Runtime; `unranked`: inputs of which no shape is declared."""
import numpy as np

RNG = np.random.default_rng(5)
CASES = []


def normal(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def case(of, name, text, feeds=None, **more):
    """`of`: numbers of the mistakes."""
    feeds = feeds if isinstance(feeds, list) else [feeds or {}]
    CASES.append({"of": of if isinstance(of, tuple) else (of,), "name": name, "text": text, "feeds": feeds, **more})


X = {"x": normal(2, 3, 4)}
IMAGE = {"x": normal(1, 2, 5, 5)}
WEIGHT = normal(3, 2, 3, 3)

# ---- shapes ----
case(1, "slice-of-partial-shape", """m (float[2,3,4,5] x) => (int64[1] y) <int64[1] a = {1}, int64[1] b = {2}>
{ s = Shape<start = 1>(x)  y = Slice(s, a, b) }""", {"x": normal(2, 3, 4, 5)})
case(1, "slice-of-partial-shape-symbolic", """m (float[N,M,K] x) => (int64[1] y, int64[1] z)
<int64[1] a = {0}, int64[1] b = {1}, int64[1] c = {-1}, int64[1] big = {9}>
{ s = Shape<start = 1>(x)  y = Slice(s, a, b)  z = Slice(s, c, big) }""", [X, {"x": normal(5, 1, 7)}])
case(2, "gather-of-shape-keeps-rank", """m (float[2,3,4] x) => (int64[1,1] y, int64[1] z, int64 u)
<int64[1,1] i = {1}, int64[1] j = {1}, int64 k = {1}>
{ s = Shape(x)  y = Gather(s, i)  z = Gather(s, j)  u = Gather(s, k) }""", X)
case(3, "reshape-reshape-copies-inner-size", """m (float[2,3,4] x) => (float[6,2,2] y, float[6,4] z)
<int64[2] a = {6,4}, int64[3] b = {0,2,2}, int64[2] c = {0,-1}>
{ t = Reshape(x, a)  y = Reshape(t, b)  z = Reshape(t, c) }""", X)
case(3, "reshape-reshape-copies-symbolic-size", """m (float[N,3,4] x) => (float[M,2,2] y) <int64[2] a = {-1,4}, int64[3] b = {0,2,-1}>
{ t = Reshape(x, a)  y = Reshape(t, b) }""", [X, {"x": normal(5, 3, 4)}])
case(9, "squeeze-squeeze-negative-axes", """m (float[2,1,3,1,1] x) => (float[2,3,1] y, float[2,3,1] z)
<int64[1] a = {1}, int64[1] b = {-1}, int64[1] c = {-2}>
{ t = Squeeze(x, a)  y = Squeeze(t, b)  z0 = Squeeze(x, c)  z = Squeeze(z0, a) }""",
     {"x": normal(2, 1, 3, 1, 1)})
case(36, "flatten-of-nothing",
     "m (float[N,3,4] x) => (float[N,12] y, float[a,b] z) "
     "{ y = Flatten(x)  t = Relu(x)  z = Flatten<axis = 2>(t) }",
     [{"x": normal(0, 3, 4)}, X])
case(42, "expand-does-not-fix-a-size", """m (float[N,4] x) => (float[3,4] y, float[N,4] z) <int64[2] s = {3,4}>
{ e = Expand(x, s)  y = Neg(e)  z = Relu(x) }""", [{"x": normal(1, 4)}, {"x": normal(3, 4)}])
case(35, "reshape-with-computed-target-opset13", """m (float[N,3,4] x) => (float[a,b] y) <int64[1] i = {0}, int64[1] m1 = {-1}>
{ s = Shape(x)  n = Gather(s, i)  t = Concat<axis = 0>(n, m1)  y = Reshape(x, t) }""", [X, {"x": normal(5, 3, 4)}], opset=13)
case(35, "split-to-sequence-opset12", """m (float[4,3] x) => (float[2,3] y) <int64 two = {2}, int64 one = {1}>
{ s = SplitToSequence<axis = 0>(x, two)  y = SequenceAt(s, one) }""", {"x": normal(4, 3)}, opset=12)
case(43, "inner-allowzero-outer-zero", """m (float[0,3] x) => (float[3,0] y) <int64[2] a = {3,0}, int64[2] b = {0,0}>
{ t = Reshape<allowzero = 1>(x, a)  y = Reshape(t, b) }""", {"x": normal(0, 3)})
case(44, "concat-from-sequence-new-axis", """m (float[2,3] x, float[2,3] y) => (float[2,2,3] z)
{ s = SequenceConstruct(x, y)  z = ConcatFromSequence<axis = 1, new_axis = 1>(s) }""", {"x": normal(2, 3), "y": normal(2, 3)})
case(44, "concat-of-nothing-then-reshape", """m (float[N,3] x, float[2,3] y) => (float[a,b] z) <int64[2] s = {-1,6}>
{ c = Concat<axis = 0>(x, y)  z = Reshape(c, s) }""", [{"x": normal(0, 3), "y": normal(2, 3)}, {"x": normal(4, 3), "y": normal(2, 3)}])

# ---- pads, pools, convolutions ----
POOL = """m (float[1,2,5,5] x) => (float[a,b,c,d] y) <int64[8] p = {0,0,1,1,0,0,1,1}>
{ t = Pad(x, p)  y = %s(t) }"""
NEGATIVE = {"x": -np.abs(normal(1, 2, 5, 5)) - 1}
case(4, "zero-pad-then-maxpool-of-negatives", POOL % "MaxPool<kernel_shape = [3,3]>", NEGATIVE)
case((5, 45), "zero-pad-then-padded-averagepool", POOL % "AveragePool<kernel_shape = [3,3], pads = [1,1,1,1]>", IMAGE)
case((5, 45), "zero-pad-then-averagepool", POOL % "AveragePool<kernel_shape = [3,3]>", IMAGE)
case(5, "zero-pad-then-counting-averagepool", POOL % "AveragePool<kernel_shape = [3,3], pads = [1,1,1,1], count_include_pad = 1>", IMAGE)
case(6, "zero-pad-then-same-pool", POOL % 'MaxPool<kernel_shape = [2,2], strides = [2,2], auto_pad = "SAME_UPPER">', NEGATIVE)
case(6, "zero-pad-then-valid-pool", POOL % 'AveragePool<kernel_shape = [3,3], auto_pad = "VALID">', IMAGE)
case(7, "pad-value-attribute-then-conv-opset10", """m (float[1,2,5,5] x, float[3,2,3,3] W) => (float[1,3,5,5] y)
{ t = Pad<pads = [0,0,1,1,0,0,1,1], value = 1.5>(x)  y = Conv(t, W) }""", IMAGE, opset=10, ir=5, weights={"W": WEIGHT})
case(8, "pad-of-some-axes-then-conv", """m (float[1,2,4,5,6] x, float[2,2,2,2,2] W) => (float[a,b,c,d,e] y)
<int64[4] p = {1,0,1,2}, float z = {0}, int64[2] ax = {2,4}>
{ t = Pad(x, p, z, ax)  y = Conv(t, W) }""", {"x": normal(1, 2, 4, 5, 6)}, opset=18, weights={"W": normal(2, 2, 2, 2, 2)})
case(43, "negative-pad-then-conv", """m (float[1,2,5,5] x, float[3,2,3,3] W) => (float[a,b,c,d] y) <int64[8] p = {0,0,-1,1,0,0,1,0}>
{ t = Pad(x, p)  y = Conv(t, W) }""", IMAGE, weights={"W": WEIGHT})
case((39, 43), "conv-times-last-axis", """m (float[1,2,5,5] x, float[3,2,3,3] W) => (float[1,3,3,3] y) <float[3] s = {1,2,3}>
{ t = Conv(x, W)  y = Mul(t, s) }""", IMAGE, weights={"W": WEIGHT})
case((39, 43), "conv-plus-last-axis", """m (float[1,2,5,5] x, float[3,2,3,3] W) => (float[1,3,3,3] y) <float[3] s = {1,2,3}>
{ t = Conv(x, W)  y = Add(t, s) }""", IMAGE, weights={"W": WEIGHT})
case(51, "conv-times-a-constant-of-higher-rank", """m (float[1,2,5,5] x, float[3,2,3,3] W, float[1,1,3,1,1] s) => (float[1,1,3,3,3] y)
{ t = Conv(x, W)  y = Mul(t, s) }""", IMAGE, weights={"W": WEIGHT, "s": normal(1, 1, 3, 1, 1)})
BN = {"s": normal(3), "b": normal(3), "mu": normal(3), "v": np.abs(normal(3)) + 1}
case(31, "conv-then-training-batchnorm", """m (float[2,2,5,5] x, float[3,2,3,3] W, float[3] s, float[3] b, float[3] mu, float[3] v)
=> (float[2,3,3,3] y, float[3] rm, float[3] rv)
{ t = Conv(x, W)
  y, rm, rv = BatchNormalization<training_mode = 1>(t, s, b, mu, v) }""", {"x": normal(2, 2, 5, 5)}, opset=15,
     weights={"W": WEIGHT, **BN}, folds=True)
case(43, "grouped-convtranspose-then-batchnorm", """m (float[1,4,3,3] x, float[4,3,2,2] W, float[6] s, float[6] b, float[6] mu, float[6] v)
=> (float[1,6,4,4] y)
{ t = ConvTranspose<group = 2>(x, W)  y = BatchNormalization(t, s, b, mu, v) }""", {"x": normal(1, 4, 3, 3)},
     weights={"W": normal(4, 3, 2, 2), "s": normal(6), "b": normal(6), "mu": normal(6), "v": np.abs(normal(6)) + 1})
case(43, "conv-then-batchnorm-of-a-given-scale", """m (float[1,2,5,5] x, float[3,2,3,3] W, float[3] s, float[3] b, float[3] mu, float[3] v)
=> (float[1,3,3,3] y)
{ t = Conv(x, W)
  y = BatchNormalization(t, s, b, mu, v) }""", {**IMAGE, "s": BN["s"]}, weights={"W": WEIGHT, "b": BN["b"], "mu": BN["mu"], "v": BN["v"]})
case(44, "dilated-conv-with-auto-pad", """m (float[1,2,9,9] x, float[3,2,3,3] W) => (float[a,b,c,d] y)
{ t = Relu(x)
  y = Conv<auto_pad = "SAME_UPPER", dilations = [2,2]>(t, W) }""", {"x": normal(1, 2, 9, 9)}, weights={"W": WEIGHT}, reference=True)
case(44, "affine-then-padded-conv", """m (float[1,2,5,5] x, float[3,2,3,3] W) => (float[a,b,c,d] y, float[a,b,c,d] z)
<float[1,2,1,1] k = {2,3}, float[1,2,1,1] b = {1,-1}>
{ t = Mul(x, k)  u = Add(t, b)  y = Conv<auto_pad = "SAME_UPPER">(u, W)
  z = Conv<pads = [1,1,1,1]>(u, W) }""", IMAGE, weights={"W": WEIGHT})
case(45, "matmul-transpose-batchnorm-of-a-square", """m (float[1,3,3] x, float[3,3] W, float[3] s, float[3] b, float[3] mu, float[3] v)
=> (float[1,3,3] y)
{ t = MatMul(x, W)  u = Transpose<perm = [0,2,1]>(t)
  y = BatchNormalization(u, s, b, mu, v) }""", {"x": normal(1, 3, 3)}, weights={"W": normal(3, 3), **BN})

# ---- matrix products ----
case(11, "three-products-with-vectors",
     "m (float[2,4] x, float[4] q, float[4] k, float[4] v) => (float[2] a, float[2] b, float[2] c) "
     "{ a = MatMul(x, q)  b = MatMul(x, k)  c = MatMul(x, v) }",
     {"x": normal(2, 4)}, weights={"q": normal(4), "k": normal(4), "v": normal(4)})
case(12, "einsum-of-a-diagonal",
     'm (float[3,3] x, float[3,4] y) => (float[3,4] z) '
     '{ z = Einsum<equation = "ii,ij->ij">(x, y) }',
     {"x": normal(3, 3), "y": normal(3, 4)})
case(19, "slice-of-batches-of-a-product", """m (float[2,3,4] x, float[2,4,5] W) => (float[1,3,5] y)
<int64[1] a = {1}, int64[1] b = {2}, int64[1] ax = {0}>
{ t = MatMul(x, W)  y = Slice(t, a, b, ax) }""", X, weights={"W": normal(2, 4, 5)})
case(23, "gemm-of-transpose-without-perm",
     "m (float[4,2] a, float[4,3] b) => (float[2,3] y) "
     "{ t = Transpose(a)  y = Gemm(t, b) }",
     {"a": normal(4, 2), "b": normal(4, 3)})
case(45, "gemm-of-identity-transpose",
     "m (float[3,3] a, float[3,3] b) => (float[3,3] y) "
     "{ t = Transpose<perm = [0,1]>(a)  y = Gemm(t, b) }",
     {"a": normal(3, 3), "b": normal(3, 3)})
case(30, "reshape-product-reshape-regroups", """m (float[4,6] x, float[4,6] W) => (float[4,9] y) <int64[2] a = {6,4}, int64[2] b = {4,9}>
{ t = Reshape(x, a)  u = MatMul(t, W)  y = Reshape(u, b) }""", {"x": normal(4, 6)}, weights={"W": normal(4, 6)})
case(33, "gemm-with-zero-bias-opset9",
     "m (float[2,3] a, float[3,4] b, float[4] c) => (float[2,4] y) "
     "{ y = Gemm(a, b, c) }",
     {"a": normal(2, 3), "b": normal(3, 4)}, opset=9, ir=4,
     weights={"c": np.zeros(4, np.float32)})
GEMM = "m (float[2,3] a, float[3,4] B, float[4] C) => (%s) <float k = {3}, %s> { g = Gemm%s(a, B, C) %s }"
GEMM_WEIGHTS = {"B": normal(3, 4), "C": normal(4)}
A = {"a": normal(2, 3)}
case(40, "scaled-gemm-that-is-read-twice",
     GEMM % ("float[2,2,2] y, float[2,4] z", "int64[3] s = {2,2,2}", "", "r = Reshape(g, s)  y = Mul(r, k)  z = Relu(g)"), A,
     weights=GEMM_WEIGHTS)
case(41, "scaled-gemm-that-widens",
     GEMM % ("float[2,4,3] y", "int64[3] s = {2,4,1}, float[3] w = {1,2,3}", "", "r = Reshape(g, s)  y = Mul(r, w)"), A,
     weights=GEMM_WEIGHTS)
case(43, "gemm-reshape-add-of-another-axis",
     GEMM % ("float[4,2] y", "int64[2] s = {4,2}, float[4,1] w = {1,2,3,4}", "", "r = Reshape(g, s)  y = Add(r, w)"), A,
     weights=GEMM_WEIGHTS)
case(43, "gemm-with-beta-reshape-add",
     GEMM % ("float[2,4] y", "int64[2] s = {2,4}, float[4] w = {1,2,3,4}", "<beta = 0.5>", "r = Reshape(g, s)  y = Add(r, w)"), A,
     weights=GEMM_WEIGHTS)
case(43, "product-with-a-constant-on-the-left",
     "m (float[3,4] x, float[2,3] W, float[4] b, float[2,1] c) => (float[2,4] y, float[2,4] z) "
     "{ t = MatMul(W, x)  y = Add(t, b)  z = Add(c, t) }",
     {"x": normal(3, 4)}, weights={"W": normal(2, 3), "b": normal(4), "c": normal(2, 1)})
case(48, "product-with-zeros-of-infinities",
     "m (float[2,3] x, float[3,2] W, float z) => (float[2,2] y, float[2,3] u) "
     "{ y = MatMul(x, W)  u = Mul(x, z) }",
     {"x": np.float32([[np.inf, 1, -1], [np.nan, 0, 2]])}, weights={"W": np.zeros((3, 2), np.float32), "z": np.float32(0)})

# ---- transposes, slices, scatter ----
case((10, 43), "transposes-without-perm", """m (float[4,3] x, float[4,3] w) => (float[2,3] y, float[4,3] z)
{ a, b = Split<axis = 0>(x)  t = Transpose(a)  y0 = Transpose(t)  y = Add(y0, b)  u = Transpose(w)  v = Transpose(u)  z = Mul(v, x) }""",
     {"x": normal(4, 3), "w": normal(4, 3)}, opset=13)
case(43, "slices-of-one-axis-by-two-names", """m (float[2,6] x) => (float[2,2] y)
<int64[1] a = {1}, int64[1] b = {5}, int64[1] p = {1}, int64[1] n = {-1}, int64[1] c = {3}>
{ t = Slice(x, a, b, p)  y = Slice(t, a, c, n) }""", {"x": normal(2, 6)})
case(44, "slices-of-an-odd-size", """m (float[2,5] x) => (float[2,3] y, float[2,2] z)
<int64[1] o = {0}, int64[1] h = {3}, int64[1] e = {5}, int64[1] ax = {1}>
{ y = Slice(x, o, h, ax)  z = Slice(x, h, e, ax) }""", {"x": normal(2, 5)}, opset=13)
case(34, "scatter-add-of-every-row", """m (float[3,2] x, float[3,2] u) => (float[3,2] y) <int64[3,1] i = {0,1,2}>
{ y = ScatterND<reduction = "add">(x, i, u) }""", {"x": normal(3, 2), "u": normal(3, 2)}, opset=16)
case(43, "reductions-of-other-axes",
     "m (float[2,3,4] x) => (float[2,1,4] y, float[2,3,1] z, float[1,3,4] u) "
     "{ y = ReduceMax<axes = [1]>(x)  z = ReduceMax<axes = [2]>(x)  u = ReduceMax<axes = [0]>(x) }",
     X)

# ---- constants and arithmetic ----
case(13, "zeros-of-both-signs",
     "m (float[2] x) => (float[2] y, float[2] z) <float p = {0.0}, float n = {-0.0}> "
     "{ y = Div(x, p)  z = Div(x, n) }",
     {"x": np.float32([1, -2])})
case(26, "one-that-a-caller-may-override", "m (float[2] x) => (float[2] y) <float[2] k = {1, 1}> { y = Mul(x, k) }",
     [{"x": normal(2)}, {"x": normal(2), "k": np.float32([2, 3])}], defaults=("k",))
case(27, "double-that-is-nearly-one",
     "m (double[3] x) => (double[3] y, double[3] z) <double a = {1.0000000001}, double b = {1e-60}> "
     "{ y = Mul(x, a)  z = Add(x, b) }",
     {"x": np.float64([1, 0, 1e-60])})
case(28, "relu-of-a-negative-clip",
     'm (float[4] x) => (float[4] y) <float hi = {-1}> '
     '{ t = Clip(x, "", hi)  y = Relu(t) }',
     {"x": np.float32([-3, -1, 0, 2])})
case(29, "clips-without-common-range",
     "m (float[4] x) => (float[4] y, float[4] z) <float a = {0}, float b = {1}, float c = {2}, float d = {3}> "
     "{ t = Clip(x, a, b)  y = Clip(t, c, d)  u = Clip(x, c, d)  z = Clip(u, a, b) }",
     {"x": np.float32([-3, 0.5, 2.5, 9])})
case(32, "min-with-a-constant-of-higher-rank",
     "m (float[3] x) => (float[1,3] y, float[1,1,3] z) <float[1,1] a = {6}, float[1,1,1] b = {0}> "
     "{ y = Min(x, a)  t = Max(x, b)  z = Min(t, a) }",
     {"x": np.float32([-3, 3, 9])})
case(32, "min-and-max-opset8",
     "m (float[3] x) => (float[3] y) <float a = {6}, float b = {0}> "
     "{ t = Max(x, b)  y = Min(t, a) }",
     {"x": np.float32([-3, 3, 9])}, opset=8, ir=4)
case(37, "integer-reciprocal-times",
     "m (int32[3] x, int32[3] y) => (int32[3] z) <int32 one = {1}> "
     "{ t = Div(one, x)  z = Mul(t, y) }",
     {"x": np.int32([1, 2, -3]), "y": np.int32([5, 7, 9])})
case(38, "reciprocal-of-higher-rank-times",
     "m (float[3] x, float[3] y) => (float[1,1,3] z) <float[1,1,1] one = {1}> "
     "{ t = Div(one, x)  z = Mul(t, y) }",
     {"x": np.float32([1, 2, 4]), "y": normal(3)})
case(24, "gelu-with-a-constant-of-higher-rank", """m (float[8] x) => (float[1,8] y)
<float[1,1] r = {1.41421354}, float one = {1}, float half = {0.5}>
{ t = Div(x, r)  e = Erf(t)  p = Add(e, one)  q = Mul(x, p)  y = Mul(q, half) }""", {"x": normal(8)}, opset=20)
case(46, "gelu-with-other-constants", """m (float[8] x) => (float[8] y) <float r = {1.41}, float one = {1}, float half = {0.5}>
{ t = Div(x, r)  e = Erf(t)  p = Add(e, one)  q = Mul(x, p)  y = Mul(q, half) }""", {"x": normal(8)}, opset=20)
case(50, "factors-that-overflow-together",
     "m (float[3] x) => (float[3] y, float[3] z) <float a = {1e30}, float b = {1e-30}> "
     "{ t = Mul(x, a)  y = Mul(t, a)  u = Mul(x, b)  z = Mul(u, b) }",
     {"x": np.float32([1e-30, 1e-38, 0])})
case(50, "factors-that-vanish-together",
     "m (float[3] x) => (float[3] z) <float b = {1e-30}> "
     "{ u = Mul(x, b)  z = Mul(u, b) }",
     {"x": np.float32([1e38, 3e38, 1])})
case(45, "add-of-an-empty-constant",
     "m (float[N] x, float[0] e) => (float[K] y) "
     "{ y = Add(x, e) }",
     [{"x": normal(1)}, {"x": normal(0)}], weights={"e": np.zeros(0, np.float32)})
case(46, "tiny-half-weights",
     "m (float16[2] x, float16[2] w) => (float16[2] y) "
     "{ y = Mul(x, w) }",
     {"x": np.float16([1024, 2048])}, weights={"w": np.float16([5.96e-8, 1.2e-7])})

# ---- casts ----
case((44, 48), "cast-chain-that-rounds-twice",
     "m (double[3] x, int32[2] i) => (float16[3] y, float16[2] z) "
     "{ t = Cast<to = 1>(x)  y = Cast<to = 10>(t)  u = Cast<to = 1>(i)  z = Cast<to = 10>(u) }",
     {"x": np.float64([1.00048828125 + 1e-12, 2049.0000001, 65519.9999]), "i": np.int32([16777217, 2049])})
case((45, 46, 48), "cast-chain-through-integers", """m (float[4] x) => (float[4] y, float[4] z, float[4] u)
{ t = Cast<to = 6>(x)  y = Cast<to = 1>(t)  a = Cast<to = 3>(x)  z = Cast<to = 1>(a)  b = Cast<to = 9>(x)
  u = Cast<to = 1>(b) }""", {"x": np.float32([1.7, -1.2, 0, 3.9])})
case(43, "cast-of-half-to-integer", "m (float16[3] x) => (int32[3] y) { y = Cast<to = 6>(x) }", {"x": np.float16([1.5, -2.5, 7])})

# ---- reductions to a maximum, softmax, norms ----
ARGMAX = "m (float[2,3] x) => (int64[2,1] y) { t = %s(x)  y = ArgMax<axis = 1>(t) }"
case(18, "argmax-of-saturated-exp", ARGMAX % "Exp", {"x": np.float32([[100, 200, 300], [1, 3, 2]])})
case(18, "argmax-of-vanished-exp", ARGMAX % "Exp", {"x": np.float32([[-300, -200, -120], [1, 3, 2]])})
case(18, "argmax-of-underflowing-softmax", ARGMAX % "Softmax<axis = 1>", {"x": np.float32([[-300, 0, -200], [0, 1e-9, 0]])})
case(18, "argmax-of-log-of-negatives", ARGMAX % "Log", {"x": np.float32([[-1, 2, -3], [0.5, 0, 4]])})
case(23, "log-of-softmax-without-axis",
     "m (float[2,3] x) => (float[2,3] y, float[2,3] z) "
     "{ t = Softmax(x)  y = Log(t)  u = Softmax(x)  z = Log(u) }",
     {"x": normal(2, 3)}, opset=13)
case(23, "log-of-old-softmax-without-axis", "m (float[2,3,4] x) => (float[2,3,4] y) { t = Softmax(x)  y = Log(t) }", X, opset=11)
case(25, "softmax-of-one-number",
     "m (float[4,1] x) => (float[4,1] y) "
     "{ y = Softmax<axis = 1>(x) }",
     {"x": np.float32([[1], [np.nan], [np.inf], [-np.inf]])})
case(49, "norm-of-a-zero-vector",
     "m (float[2,3] x) => (float[2,3] y) "
     "{ n = ReduceL2<axes = [1]>(x)  y = Div(x, n) }",
     {"x": np.float32([[0, 0, 0], [3, 4, 0]])})

# ---- dropout and chance ----
case(14, "dropout-mask-opset10",
     "m (float[2,3] x) => (float[2,3] y, bool[2,3] k) "
     "{ y, k = Dropout<ratio = 0.0>(x) }",
     {"x": normal(2, 3)}, opset=10, ir=5)
case(14, "dropout-mask-that-is-read",
     "m (float[2,3] x) => (float[2,3] y, float[2,3] z) "
     "{ y, k = Dropout(x)  z = Cast<to = 1>(k) }",
     {"x": normal(2, 3)}, opset=13)
case((15, 48), "two-dropouts-in-training",
     "m (float[2,3] x) => (float[2,3] y, float[2,3] z) <float r = {0.5}, bool t = {1}> "
     "{ y = Dropout(x, r, t)  z = Dropout(x, r, t) }",
     opset=13, keeps={"Dropout": 2})
case((15, 48), "two-seeded-dropouts-in-training",
     "m (float[2,3] x) => (float[2,3] y, float[2,3] z) <float r = {0.5}, bool t = {1}> "
     "{ y = Dropout<seed = 3>(x, r, t)  z = Dropout<seed = 3>(x, r, t) }",
     opset=13, keeps={"Dropout": 2})
case(16, "two-bernoullis",
     "m (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = Bernoulli(x)  z = Bernoulli(x) }", keeps={"Bernoulli": 2})
case(17, "two-random-normals",
     "m (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = RandomNormalLike(x)  z = RandomNormalLike(x) }", keeps={"RandomNormalLike": 2})

# ---- domains, branches, the interface ----
OWN = ', "my" : 1'
case((20, 47), "operators-of-another-domain",
     "m (float[3] x) => (float[3] y, float[3] z) <float zero = {0}> "
     "{ y = my.Identity(x)  z = my.Add(x, zero) }",
     imports=OWN, keeps={"Identity": 1, "Add": 1})
case((20, 21, 43), "functions-with-names-of-operators", """m (float[3] x, float[3] y)
=> (float[3] a, float[3] b, float[3] c) { a = my.Add(x, y)  b = Add(x, y)  c = my.Identity(x) }
<domain: "my", opset_import: ["" : 17]> Add (p, q) => (r) { r = Sub(p, q) }
<domain: "my", opset_import: ["" : 17]> Identity (p) => (r) { r = Neg(p) }""", {"x": normal(3), "y": normal(3)}, imports=OWN)
case((22, 47), "branch-with-captures-of-its-own-values", """m (bool c, float[3] x) => (float[3] y) <bool on = {1}> {
y = If(on) <then_branch = t () => (float[3] r) { a = Neg(x)  b = Exp(a) 
  r = If(c) <then_branch = tt () => (float[3] p) { p = Add(a, b) }, else_branch = te () => (float[3] q) { q = Mul(b, x) }> },
 else_branch = e () => (float[3] s) { s = Relu(x) }> }""", [{"c": np.array(True), "x": normal(3)}, {"c": np.array(False), "x": normal(3)}])
case(47, "branch-with-a-function-of-another-domain", """m (float[3] x) => (float[3] y) <bool on = {1}> {
y = If(on) <then_branch = t () => (float[3] r) { r = my.Twice(x) }, else_branch = e () => (float[3] s) { s = Relu(x) }> }
<domain: "my", opset_import: ["" : 17]> Twice (p) => (r) { r = Add(p, p) }""", {"x": normal(3)}, imports=OWN)
case(47, "bias-of-unknown-rank",
     "m (float[2,3] x, float b, float[3,4] W) => (float[2,4] y) "
     "{ t = MatMul(x, W)  y = Add(t, b) }",
     {"x": normal(2, 3), "b": np.array(2, np.float32)}, weights={"W": normal(3, 4)}, unranked=("b",))
case(52, "input-that-nobody-reads",
     "m (float[3] x, float[2] unused) => (float[3] y) "
     "{ t = Identity(x)  y = Relu(t) }",
     {"x": normal(3), "unused": normal(2)})
case(47, "initializers-that-nobody-reads-ir3",
     "m (float[3] x) => (float[3] y) <float[2] w = {1, 2}> "
     "{ t = Identity(x)  y = Relu(t) }",
     {"x": normal(3)}, ir=3, opset=8, defaults=("w",))
