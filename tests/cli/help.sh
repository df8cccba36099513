"$ONNXOPT" --help
"$ONNXOPT" -h | cmp - <("$ONNXOPT" --help)
# every option stands in --help-all, and no line is wide
"$ONNXOPT" --help-all | awk 'length > 120 { print "wide: " $0 }'
for name in $(sed -nE 's/^OPTION\([A-Z_]+, [^,]+, "([a-z-]+)".*/\1/p' "$ONNXOPT_SOURCE_DIR/cli/options.def"); do
  "$ONNXOPT" --help-all | grep -qE -- "^ .*--$name([ =[]|\$)" || echo "--help-all lacks --$name"
done
