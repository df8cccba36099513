#!/usr/bin/env bash
# Runs command-line tests. A test is x.sh beside what it must do:
#   x.stdout.exact  the whole of stdout        x.stdout.glob, x.stderr.glob  a bash pattern over the whole output
#   x.exit          the exit code (0 without)
# x.sh runs under `bash -eu` in a fresh folder with ONNXOPT (the program), CORPUS (unpacked models), ONNXOPT_SOURCE_DIR.
# In a pattern `*` also crosses lines; write \[ for a bracket. UPDATE=1 rewrites the .exact files.
# usage: tests/cli/run.sh [x.sh...]     all of the folder without
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${ONNXOPT:?ONNXOPT must name the program}"
export ONNXOPT_SOURCE_DIR=${ONNXOPT_SOURCE_DIR:-$(cd "$here/../.." && pwd)}
base=${ONNXOPT_BUILD_DIR:-/tmp}/scratch/cli
mkdir -p "$base"
if [ $# -eq 0 ]; then
  set --
  for test in "$here"/*.sh; do [ "$test" = "$here/run.sh" ] || set -- "$@" "$test"; done
fi
passed=0 failed=0

# matches FILE PATTERN-FILE: trailing newlines do not count.
matches() {
  local text pattern
  text=$(cat "$1"; echo .) text=${text%.}
  text=${text%$'\n'}
  pattern=$(cat "$2")
  [[ $text == $pattern ]]
}

for test in "$@"; do
  test=$(cd "$(dirname "$test")" && pwd)/$(basename "$test")
  stem=${test%.sh} why=
  folder=$base/$(basename "$stem")
  rm -rf "$folder" && mkdir -p "$folder/cwd"
  (cd "$folder/cwd" && bash -eu "$test") >"$folder/stdout" 2>"$folder/stderr" </dev/null
  code=$?
  wanted=0
  [ -f "$stem.exit" ] && wanted=$(cat "$stem.exit")
  [ "$code" -eq "$wanted" ] || why="exit code $code, not $wanted"
  if [ -f "$stem.stdout.exact" ] && ! cmp -s "$folder/stdout" "$stem.stdout.exact"; then
    if [ -n "${UPDATE:-}" ]; then cp "$folder/stdout" "$stem.stdout.exact"; else why="${why:+$why; }stdout differs"; fi
    diff "$stem.stdout.exact" "$folder/stdout" | head -n 20
  fi
  for stream in stdout stderr; do
    if [ -f "$stem.$stream.glob" ] && ! matches "$folder/$stream" "$stem.$stream.glob"; then
      why="${why:+$why; }$stream does not match"
    fi
  done
  if [ -z "$why" ]; then
    passed=$((passed + 1))
    rm -rf "$folder"
  else
    failed=$((failed + 1))
    printf 'FAILED %s: %s\n' "$(basename "$stem")" "$why"
    for stream in stdout stderr; do sed "s/^/  $stream: /" "$folder/$stream" | head -n 20; done
  fi
done
echo "cli: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
