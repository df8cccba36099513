#!/usr/bin/env bash
# Plugins as a stranger meets them: installs the headers to a fresh prefix, builds the example out of the tree against them, loads it by
# path and by name, runs it; then everything that must be refused, each with its message.
# Needs ONNXOPT (the program), ONNXOPT_SOURCE_DIR, ONNXOPT_BUILD_DIR.
set -u
: "${ONNXOPT:?}" "${ONNXOPT_SOURCE_DIR:?}" "${ONNXOPT_BUILD_DIR:?}"
here=$ONNXOPT_SOURCE_DIR/tests/plugin
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home XDG_DATA_HOME=$work/data
unset ONNXOPT_PLUGIN_PATH
cd "$work" || exit 2
failed=0 passed=0

say() { printf '%s\n' "$*"; }
fail() { failed=$((failed + 1)); say "FAILED $*"; sed 's/^/  /' "$work/stderr" | head -n 20; }
need() { "$@" >"$work/stdout" 2>"$work/stderr" || { fail "$*"; say "plugin: $passed passed, $failed failed"; exit 1; }; }

# run WHAT EXIT PATTERN ARGUMENT...: the program ends with EXIT, and its stderr has one line like PATTERN (empty: no line).
run() {
  local what=$1 wanted=$2 pattern=$3 code lines
  shift 3
  timeout 60 "$ONNXOPT" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null
  code=$?
  lines=$(wc -l <"$work/stderr")
  if [ "$code" -ne "$wanted" ]; then
    fail "$what: exit code $code, not $wanted"
  elif [ -z "$pattern" ] && [ "$lines" -ne 0 ]; then
    fail "$what: nothing should be said"
  elif [ -n "$pattern" ] && { [ "$lines" -ne 1 ] || ! grep -qE "$pattern" "$work/stderr"; }; then
    fail "$what: stderr is not one line like $pattern"
  else
    passed=$((passed + 1))
  fi
}
# has PATTERN: in the stdout of the last run.
has() { if grep -qE "$1" "$work/stdout"; then passed=$((passed + 1)); else fail "no $1 in stdout"; fi; }
refused() { local what=$1 pattern=$2; shift 2; run "$what" 1 "$pattern" --list-passes "$@"; }

# ---- the installed headers, and the example built from them alone, both ways of its README ----
prefix=$work/prefix
need cmake --install "$ONNXOPT_BUILD_DIR" --prefix "$prefix"
cp -r "$ONNXOPT_SOURCE_DIR/plugins/example_count_ops" example
need cmake -S example -B built -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release
need cmake --build built
plugin=$work/built/onnxopt-count-ops.so
flags=$(PKG_CONFIG_PATH=$(find "$prefix" -name pkgconfig) pkg-config --define-variable=prefix="$prefix" --cflags onnxopt) || fail "pkg-config"
compiler=${CC:-cc}
build() { local out=$1; shift; need $compiler -std=c11 -shared -fPIC -fvisibility=hidden -O1 -Wall -Wextra -Wpedantic -Werror $flags "$@" -o "$out"; }
build one-line.so example/count_ops.c
exported=$(nm -D --defined-only "$plugin" | awk '{print $3}')
[ "$exported" = onnxopt_plugin ] || fail "the plugin exports $exported"

# ---- loading ----
cat >model.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
g (float[2, 3] x) => (float[2, 3] y) {
  a = Identity(x)
  b = Relu(a)
  y = Relu(b)
}
END
go() { local what=$1; shift; run "$what" 0 "" "$@"; }
go "by path" --load "$plugin" -q -p count-ops,remove-identity model.onnxtxt --emit=text -o -
has '^  b = Relu \(x\)$'
go "by relative path" --load ./one-line.so --list-passes
has '^remove-identity .*\[\./one-line\.so\]'
go "by name, --plugin-dir" --load count-ops --plugin-dir built --list-passes
has '^count-ops '
go "by name, --plugin-dir, relative to nothing else" --plugin-dir "$work/built" --load count-ops --help-pass count-ops
has 'only=text .*default: none'
export ONNXOPT_PLUGIN_PATH=$work/nowhere:$work/built
go "by name, ONNXOPT_PLUGIN_PATH" --load count-ops --list-passes
export ONNXOPT_PLUGIN_PATH=built
"$ONNXOPT" --load count-ops --list-passes >stdout 2>stderr
if [ $? = 1 ] && [ "$(sed 's/.*\[//' stderr)" = $'plugin-path]\nplugin-missing]' ]; then
  passed=$((passed + 1))
else
  fail "a relative entry is not searched"
fi
unset ONNXOPT_PLUGIN_PATH
mkdir -p data/onnxopt/plugins home/.local/share/onnxopt/plugins
cp "$plugin" data/onnxopt/plugins/onnxopt-users.so
cp "$plugin" home/.local/share/onnxopt/plugins/onnxopt-home.so
go "by name, XDG_DATA_HOME" --load users --list-passes
unset XDG_DATA_HOME
go "by name, HOME" --load home --list-passes
export XDG_DATA_HOME=$work/data
go "twice the same file" --load "$plugin" --load ./built/onnxopt-count-ops.so --list-passes
ln -s "$plugin" link.so
go "through a link" --load ./link.so --list-passes
go "statistics" --load "$plugin" -q -n -p count-ops model.onnxtxt
"$ONNXOPT" --load "$plugin" -q -n --stats -p 'count-ops{only=Relu}' model.onnxtxt 2>stderr
[ "$(tr -s ' ' <stderr)" = " 2 count-ops: Relu" ] && passed=$((passed + 1)) || fail "--stats"
"$ONNXOPT" --load "$plugin" -n --fuel 0 -p remove-identity model.onnxtxt 2>stderr
grep -q 'nodes 3 -> 3' stderr && passed=$((passed + 1)) || fail "fuel holds for plugins"

# ---- refusals ----
refused "missing file" 'absent\.so: .*No such file.*\[plugin-missing\]' --load ./absent.so
refused "missing name" 'no onnxopt-absent\.so in built, .*/data/onnxopt/plugins, /.*\[plugin-missing\]' --load absent --plugin-dir built
cp "$plugin" onnxopt-here.so
refused "the current folder is not searched" '\[plugin-missing\]' --load here
refused "a file without slash" '\./onnxopt-here\.so \[plugin-name\]' --load onnxopt-here.so
refused "a folder" 'built: .*folder.*\[plugin-file\]' --load ./built
mkfifo pipe.so
refused "a pipe" 'pipe\.so: .*no regular file.*\[plugin-file\]' --load ./pipe.so
cp "$plugin" open.so && chmod o+w open.so
refused "writable for all" 'open\.so: .*others.*chmod go-w.*\[plugin-writable\]' --load ./open.so
chmod o-w,g+w open.so
refused "writable for the group" 'open\.so: .*others.*\[plugin-writable\]' --load ./open.so
mkdir loose && cp "$plugin" loose/onnxopt-loose.so && chmod 777 loose
refused "by name from a folder that others may write" 'loose is writable for others \[plugin-folder\]' --load loose --plugin-dir loose
run "by path from such a folder: a warning" 0 'warning: .*\[plugin-folder\]' --load ./loose/onnxopt-loose.so --list-passes
ln -s "$plugin" loose/onnxopt-linked.so
refused "by name through a link in such a folder" '\[plugin-folder\]' --load linked --plugin-dir loose
if [ "$(id -u)" = 0 ]; then
  cp "$plugin" foreign.so && chown 65534 foreign.so
  refused "of another user" 'foreign\.so: .*user 65534.*\[plugin-owner\]' --load ./foreign.so
fi
echo "no shared object" >text.so
refused "text" 'text\.so: .*no shared object.*\[plugin-format\]' --load ./text.so
head -c 5000 "$plugin" >cut.so
refused "cut off" 'cut\.so: .*no shared object, or not a whole one.*\[plugin-format\]' --load ./cut.so
: >empty.so
refused "empty" 'empty\.so: .*\[plugin-format\]' --load ./empty.so
echo 'int nothing_here; int nothing_here;' >no_entry.c
build no-entry.so no_entry.c -fvisibility=default
refused "no entry point" 'no-entry\.so: .*onnxopt_plugin \[plugin-entry\]' --load ./no-entry.so
build unresolved.so "$here/bad_plugins.c" -DUNRESOLVED
refused "an unresolved name" 'unresolved\.so: .*undefined symbol: oo_nowhere.*\[plugin-load\]' --load ./unresolved.so
build duplicate.so "$here/bad_plugins.c" '-DPASS_NAME="dce"'
refused "a pass name that is taken" '\./duplicate\.so: .*"dce" exists already, from built-in \[pass-duplicate\]' --load ./duplicate.so
build again.so "$here/bad_plugins.c" '-DPASS_NAME="count-ops"'
refused "a pass name of another plugin" '\./again\.so: .*"count-ops" exists already, from .*onnxopt-count-ops\.so \[pass-duplicate\]' \
  --load "$plugin" --load ./again.so
build malformed.so "$here/bad_plugins.c" '-DPASS_NAME="No Name"'
refused "a malformed pass name" '\./malformed\.so: .*\[pass-invalid\]' --load ./malformed.so
build failing.so "$here/bad_plugins.c" -DFAILING
refused "an entry function that fails" 'failing\.so: .*status 3 \[plugin-failed\]' --load ./failing.so

# ---- versions: other headers, made from these ----
cp -r "$prefix/include" other
sed -i 's/define OO_VERSION_MAJOR .*/define OO_VERSION_MAJOR 7/' other/onnxopt/onnxopt.h
flags=-I$work/other build major.so example/count_ops.c
refused "another major version" 'major\.so: .*major version 7 of onnxopt, this is version .*\[plugin-version\]' --load ./major.so
cp "$prefix/include/onnxopt/onnxopt.h" other/onnxopt/onnxopt.h
echo 'OO_API(int, from_the_future, (const oo_node *node), (node))' >>other/onnxopt/api.def
flags=-I$work/other build newer.so "$here/bad_plugins.c" -DNEWER
go "a newer plugin" --load ./newer.so --list-passes
has '^host-is-old '
go "two plugins" --load "$plugin" --load ./newer.so --list-passes
has '^host-is-old .*newer\.so'
has '^count-ops .*onnxopt-count-ops\.so'

# ---- wrong passes: --check finds them, --check-each names pass and rewrite, nothing is written ----
build wrong.so "$here/wrong_passes.c"
cat >sums.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 4] x, float[4] w) => (float[N, 4] y) {
  a = Mul(x, w)
  b = Add(a, x)
  c = Sub(b, w)
  d = Tanh(c)
  e = Add(d, a)
  f = Relu(e)
  y = Exp(f)
}
END
# wrong WHAT PATTERN... -- ARGUMENT...: exit 4, each pattern is a line of stderr, no model was written.
wrong() {
  local what=$1 patterns=() code
  shift
  while [ "$1" != -- ]; do patterns+=("$1"); shift; done
  shift
  rm -rf sums.check-failed found
  timeout 60 "$ONNXOPT" --load ./wrong.so "$@" sums.onnxtxt -o found >"$work/stdout" 2>"$work/stderr" </dev/null
  code=$?
  [ "$code" -eq 4 ] || { fail "$what: exit code $code"; return; }
  [ ! -e found ] || { fail "$what: a model was written"; return; }
  for pattern in "${patterns[@]}"; do grep -qE "$pattern" "$work/stderr" || { fail "$what: no $pattern"; return; }; done
  passed=$((passed + 1))
}
differs='input set 1: output "y" differs in [0-9]+ of 8 elements, by up to .*\[check-failed\]$'
first='node "Sub:c.*" \(Sub\).*swap-operands/swap-difference: the first value that differs, from rewrite 3 \[check-first\]$'
part='^sums\.check-failed: error: the smallest part that differs is here: .*\[check-part\]$'
go "without a check nobody notices" --load ./wrong.so -q -p swap-operands sums.onnxtxt -o /dev/null
go "what is harmless passes" --load ./wrong.so -q -p swap-operands --fuel 2 --check-each sums.onnxtxt -o /dev/null
wrong "--check" "^sums.onnxtxt: error: $differs" "$first" "$part" -- -p dce,swap-operands --check
"$ONNXOPT" -q -p "" --emit=text -o - sums.check-failed/rewritten.onnx | sed 1,4d | tr -d '\n' >stdout
[ "$(cat stdout)" = "difference (float[4] w, float[2,4] b) => (float[2,4] c) {  c = Sub (w, b)}" ] && passed=$((passed + 1)) || fail "not the smallest part"
"$ONNXOPT" run -q --test-data sums.check-failed/test_data_set_0 sums.check-failed/model.onnx 2>stderr || fail "the part does not compute what stands beside it"
"$ONNXOPT" run -q --test-data sums.check-failed/test_data_set_0 sums.check-failed/rewritten.onnx 2>stderr
[ $? -eq 4 ] && passed=$((passed + 1)) || fail "the rewritten part does not differ"
wrong "--check-each" "after run 2 \(swap-operands\): $differs" \
  'node "Sub:c.*" \(Sub\).*: swap-operands/swap-difference: rewrite 3 made the model wrong, in run 2 \(swap-operands\).*\[check-rewrite\]$' "$part" \
  -- -p dce,swap-operands,cse --check-each
wrong "what does not run" 'the changed model does not run: Transpose .*perm has 3 items.*\[check-failed\]$' \
  'node "Transpose:f.*break-relu: the node that does not run, from rewrite 1 \[check-first\]$' "$part" -- -p break-relu --check=1 --verify=off
wrong "--dump-dir" '^dumped/check-failed: error: .*\[check-part\]$' -- -p swap-operands --check=1 --dump-dir dumped
[ -s dumped/check-failed/test_data_set_0/output_0.pb ] && passed=$((passed + 1)) || fail "--dump-dir"
wrong "tolerances that allow nothing" '\[check-failed\]$' -- -p swap-operands --check --check-rtol 0 --check-atol 0
go "tolerances that allow all" --load ./wrong.so -q -p swap-operands --check --check-atol 1e9 sums.onnxtxt -o /dev/null

# ---- passes that break the model: exit code 5, the model before them and the command that shows it, no output ----
build breaking.so "$here/breaking_passes.c"
# broken WHAT PATTERN ARGUMENT...: with each kind of verification in VERIFY.
broken() {
  local what=$1 pattern=$2 code verify
  shift 2
  for verify in $VERIFY; do
    rm -rf sums.broken found
    timeout 60 "$ONNXOPT" --load ./breaking.so -q --verify=$verify "$@" sums.onnxtxt -o found >"$work/stdout" 2>"$work/stderr" </dev/null
    code=$?
    if [ "$code" -ne 5 ] || [ -e found ] || ! grep -qE "$pattern" stderr; then fail "$what, $verify: exit code $code"; continue; fi
    grep -qE "^sums.onnxtxt: error: run 2, pass .* the command that shows it: sums\.broken \[pass-broken\]$" stderr || { fail "$what, $verify: no reproducer"; continue; }
    nodes=$("$ONNXOPT" -O0 -q --emit=text sums.broken/model.onnx -o - | grep -c ' = ')
    [ "$nodes" -eq 7 ] || { fail "$what, $verify: not the model before the pass"; continue; }
    (cd sums.broken && sed -e "s,^onnxopt,$ONNXOPT -q --verify=$verify," -e 's,\./breaking,../breaking,' command >again && sh again) >"$work/stdout" 2>"$work/stderr"
    code=$?
    [ "$code" -eq 5 ] && passed=$((passed + 1)) || fail "$what, $verify: the command ends with $code"
  done
}
VERIFY="each end off" broken "another type" '\[patch-type\]$' -p dce,break-type,cse
VERIFY="each end off" broken "an open rewrite" '\[pass-open-rewrite\]$' -p dce,leave-open,cse
VERIFY="each end" broken "a circle" '\[verify\]$' -p dce,break-order,cse
VERIFY="each end" broken "what the operator does not allow" '\[check-attribute\]$' -p dce,break-operator,cse

# ---- crashes: exit code 5, the pass and the model before it; a sanitizer or valgrind speaks for itself ----
build crash.so "$here/bad_plugins.c" -DCRASH '-DPASS_NAME="crash"'
"$ONNXOPT" --load ./crash.so -q -p dce,crash model.onnxtxt -o crashed.onnx >stdout 2>stderr
code=$?
if grep -qE 'Sanitizer|==[0-9]+==' stderr; then
  passed=$((passed + 1))
elif [ "$code" -eq 5 ] && grep -qE 'in pass crash \(run 2; --bisect-limit 1 .*but the model before it, model\.broken/model\.onnx \[crash\]$' stderr &&
  "$ONNXOPT" -q -O0 -n model.broken/model.onnx; then
  passed=$((passed + 1))
  rm -rf model.broken
  "$ONNXOPT" --load ./breaking.so -q -p dce,break-rules sums.onnxtxt -o crashed.onnx >stdout 2>stderr
  [ $? -eq 5 ] && grep -qE 'in pass break-rules .*sums\.broken/model\.onnx \[crash\]$' stderr && passed=$((passed + 1)) || fail "a change outside of a rewrite"
else
  fail "a crash: exit code $code"
fi
[ ! -e crashed.onnx ] && ! ls crashed* >/dev/null 2>&1 || fail "a crash leaves a file"

say "plugin: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
