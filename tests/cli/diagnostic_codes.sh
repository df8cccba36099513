# docs/diagnostics.md and the sources list the same codes
cd "$ONNXOPT_SOURCE_DIR"
listed=$(sed -nE 's/^\| `([a-z-]+)` \|.*/\1/p' docs/diagnostics.md | sort)
sources=$(find base ir io eval viz passes plugins cli -maxdepth 1 \( -name '*.[ch]' -o -name 'check.def' \))
families='(rule|eval|load|text|save|file|plugin|pipeline|pass|verify|fix|check|bisect|remark|draw|review|value|npy|random|run)'
drawn='"text-anchor"|"text-decoration"' # of SVG
used=$( (grep -hoE "\"$families-[a-z-]+\"" $sources | grep -vE "$drawn"
  grep -hoE '(\.code = |OO_(ERROR|WARNING|NOTE|REMARK), |file_error\([a-z>-]+, )"[a-z-]+"' $sources | grep -oE '"[a-z-]+"') |
  tr -d '"' | sort -u)
diff <(echo "$listed") <(echo "$used")
