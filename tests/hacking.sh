#!/usr/bin/env bash
# Every command in HACKING.md works: the shell blocks and the `commands` in backquotes are run in a copy of the tree, in order.
# usage: tests/hacking.sh SOURCE_DIR
set -eu
source=$1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$source" && git ls-files -z --cached --others --exclude-standard 2>/dev/null | xargs -0 -r cp --parents -t "$copy" 2>/dev/null) || true
[ -f "$copy/HACKING.md" ] || { echo "no tree to copy"; exit 1; }
cd "$copy"
# What is fetched or made once is shared with the tree that is tested.
mkdir -p build
for shared in venv corpus wheels; do [ -d "$source/build/$shared" ] && ln -sfn "$source/build/$shared" "build/$shared"; done

commands=$(awk '/^```sh/ {inside = 1; next} /^```/ {inside = 0} inside' HACKING.md
  grep -oE '`(cmake|ctest|scripts/)[^`]*`' HACKING.md | tr -d '`')
n=0
while IFS= read -r line; do
  line=${line%%#*}
  line=$(echo "$line" | sed 's/[[:space:]]*$//')
  [ -n "$line" ] || continue
  case $line in
    scripts/gen-ops.py) line="build/venv/bin/python $line /dev/null" ;; # needs PyPI's onnx
    scripts/test | scripts/lint* | scripts/fuzz*) # the first runs this test, the others take long
      [ -x "${line%% *}" ] || { echo "FAILED: $line"; exit 1; }
      continue ;;
  esac
  n=$((n + 1))
  echo "+ $line"
  bash -c "$line" >"$copy/log" 2>&1 || { tail -n 30 "$copy/log"; echo "FAILED: $line"; exit 1; }
done <<<"$commands"
[ "$n" -ge 5 ] || { echo "only $n commands found in HACKING.md"; exit 1; }
echo "$n commands of HACKING.md work"
