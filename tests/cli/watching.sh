m="$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt"
"$ONNXOPT" "$m" -n -q -p dce,eliminate-identity --print-changed
"$ONNXOPT" "$m" -n -q -p eliminate-identity --stats
"$ONNXOPT" "$m" -n -q -p dce,eliminate-identity --dump-dir dumps
ls dumps
"$ONNXOPT" "$m" -n -q -p dce,eliminate-identity --bisect-limit 1 -v
"$ONNXOPT" "$m" -n -p eliminate-identity --fuel 0
"$ONNXOPT" "$m" -n -q -p eliminate-identity --time --honest --verify=each
