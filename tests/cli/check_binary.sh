# onnxopt check goes on where the reader can: all defects of one file at once; and data in other files
export PYTHONPATH=$ONNXOPT_SOURCE_DIR/tests/hostile PYTHONDONTWRITEBYTECODE=1
check() {
  local code=0
  "$ONNXOPT" check "$@" 2>err || code=$?
  sed -E 's/, [0-9.]+ m?s$/, N ms/' err
  echo "= $code"
}
head -c 8 /dev/zero >eight.bin
ln -s eight.bin link.bin
ln eight.bin twin.bin && mv twin.bin hard.bin
head -c 8 /dev/zero >data.bin
sum=$(sha1sum data.bin | cut -c1-40)
python3 - "$sum" <<'END'
import sys
from onnx_wire import *
nodes = [node("Relu", ["x"], ["a"], name="first"), node("Relu", ["lost"], ["b"]), node("Neg", ["x"], ["a"], name="again"),
         node("Add", ["gone", "x"], ["c"], name="second"), node("", ["x"], ["d"], name="nothing"),
         node("Relu", ["x"], ["e"], run(1, "") + num(3, 1) + num(20, 2)), node("Neg", ["p"], ["o"]), node("Abs", ["o"], ["p"])]
bad = [tensor("short", [4], raw=b"1234"), tensor("minus", [-2], raw=b"12345678"), tensor("both", [1], raw=b"1234", more=run(4, b"1234")),
       tensor("", [1], raw=b"1234"), tensor("w", [1], raw=b"1234"), tensor("w", [1], raw=b"1234"), external("away", [2], "../data.bin"),
       external("long", [2], "data.bin", offset="many")]
text = function("f", ["i"], ["j"], [node("Relu", ["i"], ["j"])])
recursive = function("g", ["i"], ["j"], [node("g", ["i"], ["j"], domain="local")])
imports = (opset(), opset(1, "local"))
open("many.onnx", "wb").write(model(graph(nodes, [info("x"), info("x")], [info("a"), info("nowhere")], bad), opsets=imports,
                                    more=run(25, text) + run(25, text) + run(25, recursive)))
def one(name, *tensors):
    open(name, "wb").write(model(graph([node("Identity", ["w"], ["y"])], [], [info("y")], tensors)))
one("good.onnx", external("w", [2], "data.bin", checksum=sys.argv[1]))
one("missing.onnx", external("w", [2], "missing.bin"))
one("link.onnx", external("w", [2], "link.bin"))
one("hard.onnx", external("w", [2], "hard.bin"))
one("sum.onnx", external("w", [2], "data.bin", checksum="0" * 40))
one("text.onnx", tensor("w", [2], STRING, raw=b"ab"))
one("field.onnx", tensor("w", [2], INT64, more=run(4, b"12345678")))
one("type.onnx", tensor("w", [2], 99, raw=b"ab"))
END
check many.onnx
check good.onnx missing.onnx link.onnx hard.onnx sum.onnx text.onnx field.onnx type.onnx
"$ONNXOPT" check - <missing.onnx 2>&1 | head -n 1
