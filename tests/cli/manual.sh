"$ONNXOPT" --man >onnxopt.1
if command -v man >/dev/null; then MANROFFOPT= MANWIDTH=100 man --warnings=w -l onnxopt.1 >page; else cp onnxopt.1 page; fi
grep -q 'fuse.*conv' page
for name in $(sed -nE 's/^OPTION\([A-Z_]+, [^,]+, "([a-z-]+)".*/\1/p' "$ONNXOPT_SOURCE_DIR/cli/options.def"); do
  grep -qF -- "\\-\\-$(sed 's/-/\\-/g' <<<"$name")" onnxopt.1 || echo "not in the manual: --$name"
done
for pass in $("$ONNXOPT" --list-passes | cut -d' ' -f1); do
  grep -qF -- "$(sed 's/-/\\-/g' <<<"$pass")" onnxopt.1 || echo "not in the manual: $pass"
done
