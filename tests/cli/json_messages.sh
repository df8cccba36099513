m="$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt"
"$ONNXOPT" "$m" -p eliminate-identity,dce -o out.onnx --message-format=json --remarks --stats --time -v 2>ok.json
code=0; "$ONNXOPT" --message-format json nowhere.onnx 2>missing.json || code=$?; [ $code = 3 ]
code=0; "$ONNXOPT" --message-format json -p dce,ces m.onnx 2>pipeline.json || code=$?; [ $code = 2 ]
code=0; "$ONNXOPT" --wrong --message-format=json 2>usage.json || code=$?; [ $code = 2 ]
printf '\377\001<' >bytes.onnxtxt
"$ONNXOPT" --message-format=json bytes.onnxtxt 2>bytes.json || true
python3 - <<'END'
import json
def read(name):
    lines = [json.loads(line) for line in open(name, encoding="utf-8")]
    assert all(line["v"] == 1 for line in lines)
    assert [line["type"] for line in lines].count("result") == 1 and lines[-1]["type"] == "result", lines
    return lines
ok = read("ok.json")
assert [l["type"] for l in ok if l["type"] != "remark"] == ["pass", "pass", "result"], ok
assert ok[-1]["status"] == "done" and ok[-1]["exit_code"] == 0 and ok[-1]["changed"], ok
assert (ok[-1]["nodes_before"], ok[-1]["nodes_after"]) == (3, 2) and ok[-1]["output"] == "out.onnx", ok
first = [l for l in ok if l["type"] == "pass"][0]
assert first["pass"] == "eliminate-identity" and first["changed"] and first["rewrites"] == 1, first
missing = read("missing.json")
assert missing[0]["code"] == "file-read" and missing[0]["severity"] == "error" and missing[0]["file"] == "nowhere.onnx"
assert missing[-1]["exit_code"] == 3 and missing[-1]["status"] == "input" and "output" not in missing[-1]
pipeline = read("pipeline.json")
assert (pipeline[0]["line"], pipeline[0]["column"], pipeline[0]["source_line"]) == (1, 5, "dce,ces"), pipeline
assert read("usage.json")[-1]["status"] == "usage"
read("bytes.json")
END
