# What Transposes move before and after, what was stored otherwise, what holds the rest; looking changes nothing.
m="$ONNXOPT_SOURCE_DIR/tests/cli/transposed.onnxtxt"
"$ONNXOPT" "$m" -p transposes,dce --stats --remarks -o looked.onnx
"$ONNXOPT" "$m" -p transposes,dce -q -o plain.onnx
cmp looked.onnx plain.onnx
"$ONNXOPT" "$m" -p transposes,dce --stats --message-format=json -o looked.onnx 2>ok.json
python3 - <<'END'
import json
last = json.loads(open("ok.json", encoding="utf-8").readlines()[-1])
assert (last["moved_bytes_before"], last["moved_bytes_after"]) == (49152, 16384), last
END
