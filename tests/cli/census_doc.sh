# every pass, rule and group that docs/census.md names is there
{
  "$ONNXOPT" --list-rules | sed 's/[^a-z0-9-].*//'
  "$ONNXOPT" --list-passes | sed 's/[^a-z0-9-].*//'
  basename -s .rules "$ONNXOPT_SOURCE_DIR"/passes/rules/*.rules
} | sort -u >known
# A `-last` after a name is one of its forms.
grep -o '`[a-z][a-z0-9-]*`' "$ONNXOPT_SOURCE_DIR/docs/census.md" | tr -d '`' | sort -u >named
[ "$(wc -l <named)" -ge 150 ]
comm -23 named known
