#!/usr/bin/env bash
# The house's rules that a machine can check: who may include whom, what is confined to one folder, names, lengths.
# usage: tests/layering.sh [ROOT]
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2
folders="base ir io eval viz passes plugins cli"
bad=0
report() {
  bad=$((bad + 1))
  printf '%s\n' "$*"
}
sources() { find "$@" -maxdepth 1 -name '*.[ch]' 2>/dev/null | sort; }

# ---- base <- ir <- {io, eval, viz} <- passes <- plugins <- cli; passes never sees viz ----
allowed() {
  case $1 in
    base) echo "base" ;;
    ir) echo "base ir" ;;
    io) echo "base ir io" ;;
    eval) echo "base ir eval" ;;
    viz) echo "base ir viz" ;;
    passes) echo "base ir io eval passes" ;;
    plugins) echo "base ir io eval passes plugins" ;;
    cli) echo "base ir io eval viz passes plugins cli" ;;
  esac
}
for folder in $folders; do
  may=" $(allowed "$folder") onnxopt "
  while IFS=: read -r file line text; do
    [ -n "$file" ] || continue
    name=${text#*\"}
    name=${name%%\"*}
    case $name in
      onnx*.pb-c.h) continue ;; # generated; confined to io below
      */*) target=${name%%/*} ;;
      *) report "$file:$line: \"$name\" must be written with its folder"; continue ;;
    esac
    case $may in
      *" $target "*) [ "$target" = onnxopt ] && report "$file:$line: public headers are written <onnxopt/...>" ;;
      *) report "$file:$line: $folder/ may not include $name" ;;
    esac
    [ "$target" = onnxopt ] || [ -e "$name" ] || report "$file:$line: $name does not exist"
  done < <(sources "$folder" | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null)
done
# A stranger's plugin has nothing but the public headers; these in turn stand alone.
while IFS=: read -r file line text; do
  case $text in
    "" | *'"onnxopt/'* | *'"api.def"'*) ;;
    *) report "$file:$line: an example and a public header see include/ alone" ;;
  esac
done < <(find plugins/example_* include -name '*.[ch]' 2>/dev/null | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null)

# ---- what only one folder may touch: confine PATTERN WHAT ALLOWED-PATH-REGEX ----
confine() {
  while IFS= read -r hit; do
    [ -n "$hit" ] && report "$hit: $2"
  done < <(sources $folders | grep -vE "$3" | xargs -r grep -nE "$1" /dev/null | cut -d: -f1,2)
}
confine 'protobuf-c|onnx[a-z-]*\.pb-c\.h|Onnx__|onnx__' "protobuf-c lives in io/ only" '^io/'
confine '<graphviz/|<gvc\.h>|<cgraph\.h>|\bagopen\(|\bgvContext\(' "Graphviz lives in viz/ only" '^viz/'
confine '<dlfcn\.h>|\bdlopen\(|\bdlsym\(' "dlopen lives in plugins/loader.c, and in base/library.c for system libraries that few runs need" \
  '^(plugins/loader|base/library)\.c'
confine '\boo__library_load\(' "docs/dependencies.md lists which libraries are loaded late" '^(base/library\.[ch]|eval/blas_library\.c|viz/svg_layout\.c)'
confine '\bstdout\b|[^a-z_]printf\(|^[[:space:]]*(printf|puts|putchar|vprintf)\(|[^a-z_f]puts\(|[^a-z_f]putchar\(|[^a-z_]vprintf\(|STDOUT_FILENO' \
  "stdout is written in cli/ only (base/output.c opens it for an output file called -)" '^(cli/|base/output\.c)'
confine '\bsetjmp\(|\blongjmp\(|\balloca\(|\b(strcpy|strcat|gets)\(' "not used in this house" '^$'
confine 'TODO|FIXME|XXX' "finish it, or write an issue" '^$'
confine '\b(time|clock)\(NULL\)|\brand\(\)|\bsrand\(' "results must repeat" '^$'

# ---- what a merge left over ----
while IFS= read -r hit; do
  report "$hit: a merge was not finished"
done < <(grep -rnE '^(<<<<<<<|>>>>>>>)( |$)' $folders include tests docs scripts bench cmake ./*.md ./CMake* 2>/dev/null | cut -d: -f1,2)

# ---- names: unique in the whole tree, so that a name alone finds the file ----
while read -r name; do
  [ -n "$name" ] && report "two files are called $name: $(find $folders include tests bench -name "$name" | tr '\n' ' ')"
done < <(find $folders include tests bench \( -name '*.[ch]' -o -name '*.def' -o -name '*.py' -o -name '*.rules' -o -name '*.sh' \) \
  -printf '%f\n' 2>/dev/null | sort | uniq -d)

# ---- passes.def and the files agree both ways ----
if [ -f passes/passes.def ]; then
  listed=$(sed -nE 's/^PASS\(([a-z0-9_]+)\).*/\1/p' passes/passes.def | sort)
  declared=$(grep -hoE '^const oo_pass oo_pass_[a-z0-9_]+ ?=' passes/*.c 2>/dev/null | sed -E 's/.*oo_pass_([a-z0-9_]+) ?=/\1/' | sort)
  [ "$listed" = "$declared" ] || report "passes.def and the passes declared in passes/*.c differ: $(diff <(echo "$listed") <(echo "$declared") | grep '^[<>]' | tr '\n' ' ')"
  for pass in $listed; do
    grep -qE "^const oo_pass oo_pass_$pass ?=" "passes/$pass.c" 2>/dev/null || report "passes/$pass.c does not declare oo_pass_$pass"
  done
fi

# ---- lengths: a file 800 lines, a function 80 (a table or a dispatch loop says so: "layering: long because ...") ----
while read -r lines file; do
  case $file in
    *.[ch]) grep -q 'layering: long because' "$file" && continue ;;
  esac
  report "$file: $lines lines, 800 are the most"
done < <({ sources $folders; find tests plugins/example_* -name '*.[ch]'; find tests bench scripts -name '*.py' -o -name '*.sh'; } 2>/dev/null |
  xargs -r wc -l | awk '$1 > 800 && $2 != "total"')
if command -v ctags >/dev/null && ctags --version | grep -q Universal; then
  while IFS=$'\t' read -r name file first length; do
    sed -n "$((first > 3 ? first - 3 : 1)),${first}p" "$file" | grep -q 'layering: long because' && continue
    report "$file:$first: $name has $length lines, 80 are the most"
  done < <(find $folders tests -name '*.c' | xargs -r ctags --languages=C --kinds-C=f --fields=+ne -f - 2>/dev/null |
    awk -F'\t' '{ b = e = 0; for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) b = substr($i, 6); if ($i ~ /^end:/) e = substr($i, 5) }
                  if (e - b + 1 > 80) print $1 "\t" $2 "\t" b "\t" e - b + 1 }')
else
  echo "note: universal-ctags is missing, function lengths were not checked"
fi

# ---- the list of Debian packages is explained ----
if [ -f scripts/lib.sh ] && [ -f docs/dependencies.md ]; then
  for package in $(bash -c '. scripts/lib.sh; echo $packages_build $packages_test $packages_lint'); do
    grep -q "\`$package\`" docs/dependencies.md || report "docs/dependencies.md does not say why $package is needed"
  done
fi

[ "$bad" -eq 0 ] && echo "layering: every rule holds"
[ "$bad" -eq 0 ]
