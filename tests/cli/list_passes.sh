"$ONNXOPT" --list-passes
"$ONNXOPT" --list-passes=json | python3 -c '
import json, sys
passes = json.load(sys.stdin)
dce, = [p for p in passes if p["name"] == "dce"]
assert dce["origin"] == "built-in" and dce["summary"] and not dce["inexact"], dce
assert all(set(o) == {"name", "type", "default", "help"} for p in passes for o in p["options"])
' 
