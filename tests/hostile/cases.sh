#!/usr/bin/env bash
# Feeds the program models that it must refuse, and odd ones that it must take. A refusal is exit code 3, one line on stderr that names the
# file and ends in the expected code, and no new file; unknown fields of what is taken come out again.
# usage: tests/hostile/cases.sh     with ONNXOPT naming the program
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${ONNXOPT:?ONNXOPT must name the program}"
folder=${ONNXOPT_BUILD_DIR:-/tmp}/scratch/hostile
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || exit 2
PYTHONDONTWRITEBYTECODE=1 python3 "$here/make_models.py" models || exit 2
passed=0 failed=0
fail() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}

# The surroundings of a model: files inside and outside of its folder, and links that lead either way.
furnish() {
  head -c 4096 /dev/zero >"$1/inside.bin"
  ln -s inside.bin "$1/link_inside.bin"
  ln -s ../outside.bin "$1/link_out.bin"
  ln -s /etc "$1/link_folder"
  mkfifo "$1/pipe"
  mkdir "$1/sub"
}
head -c 4096 /dev/zero >models/outside.bin
furnish models/bad
furnish models/odd

# refused CODE ARGUMENT...: the first argument names the model.
refused() {
  local code=$1 exit=0 lines before
  shift
  before=$(find . | sort)
  timeout 60 "$ONNXOPT" "$@" -o out.onnx 2>err >out </dev/null || exit=$?
  lines=$(grep -c ': error: ' err)
  if [ "$exit" -ne 3 ]; then
    fail "$*: exit code $exit"
  elif [ "$lines" -ne 1 ] || ! grep -q "^$1:.*error: .*\[$code\]\$" err; then
    fail "$*: expected one line with [$code]"
  elif [ "$(wc -l <err)" -ne 1 ] && [ "$code" != text-syntax ]; then
    fail "$*: more than one line"
  elif [ -s out ] || [ "$(find . | sort)" != "$(printf '%s\n' "$before" ./err ./out | sort -u)" ]; then
    fail "$*: something was written"
  else
    passed=$((passed + 1))
    return
  fi
  head -c 2000 err
}

while read -r name code; do
  refused "$code" "models/bad/$name.onnx" -p dce
done <models/bad/cases
refused file-read models/bad -p dce
refused file-read models/bad/gone.onnx -p dce

for model in models/good/*.onnx models/odd/*.onnx; do
  for pipeline in "" "$("$ONNXOPT" -O2 --print-pipeline)"; do
    rm -f models/odd/out.onnx
    if ! timeout 60 "$ONNXOPT" "$model" -p "$pipeline" --verify=each --honest -o models/odd/out.onnx >out 2>err </dev/null; then
      fail "$model -p '$pipeline'"
      head -c 2000 err
    elif [ -z "$pipeline" ] && ! diff <(grep -ao 'UNKNOWN-[a-z]*' "$model" | sort) <(grep -ao 'UNKNOWN-[a-z]*' models/odd/out.onnx | sort); then
      fail "$model: unknown fields are lost"
    else
      passed=$((passed + 1))
    fi
  done
done

# A check tells the same defect, maybe among others, and takes every file that can be read.
while read -r name code; do
  exit=0
  timeout 60 "$ONNXOPT" check "models/bad/$name.onnx" 2>err >out </dev/null || exit=$?
  if [ "$exit" -eq 3 ] && [ ! -s out ] && { [ "$code" = load-attribute ] || grep -q "\[$code\]\$" err; }; then
    passed=$((passed + 1))
  else
    fail "check models/bad/$name.onnx: exit code $exit, expected 3 with [$code]: $(head -c 500 err)"
  fi
done <models/bad/cases
for model in models/good/*.onnx models/odd/*.onnx; do
  exit=0
  timeout 60 "$ONNXOPT" check "$model" 2>err >out </dev/null || exit=$?
  { [ "$exit" -eq 0 ] || [ "$exit" -eq 3 ]; } && passed=$((passed + 1)) || fail "check $model: exit code $exit: $(head -c 500 err)"
done

# What a model calls its data must not overwrite what stands beside the output.
mkdir elsewhere && echo "somebody's" >elsewhere/inside.bin
if "$ONNXOPT" models/odd/external_inside.onnx -p dce -o elsewhere/out.onnx 2>err; then
  fail "external data replaced a file"
elif [ "$(cat elsewhere/inside.bin)" != "somebody's" ] || [ -e elsewhere/out.onnx ] || ! grep -q '\[save-data\]' err; then
  fail "external data and a file of their name: $(cat err)"
else
  passed=$((passed + 1))
fi
cp models/odd/inside.bin elsewhere/inside.bin
"$ONNXOPT" models/odd/external_inside.onnx -p dce -o elsewhere/out.onnx 2>err && passed=$((passed + 1)) || fail "equal external data: $(cat err)"

echo "hostile: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
