# docs/rules.md has the guards and helpers as their tables have them; UPDATE=1 writes them
cd "$ONNXOPT_SOURCE_DIR"
rows() { sed -nE 's/^('"$1"')\(([a-z_]+), "([^"]*)", "([^"]*)"\)$/\2(\3)@\4/p' passes/guards.def passes/helpers.def |
  sed -E 's/^([a-z_]+)\(( ?|[^@]*[^ ]) *-> ([a-z]+)\)@(.*)$/| `\1(\2) -> \3` | \4 |/' | sed 's/`\([a-z_]*\)( )/`\1()/'; }
rows 'GUARD|SEES' >guards.tmp && rows HELPER >helpers.tmp
trap 'rm -f guards.tmp helpers.tmp' EXIT
[ "$(cat guards.tmp helpers.tmp | wc -l)" -gt 50 ]
listed() { grep -E '^\| `[a-z_]+\(.*\) -> [a-z]+` \|' docs/rules.md; }
if [ -n "${UPDATE:-}" ]; then
  awk '/^\| `[a-z_]+\(.*\) -> [a-z]+` \|/ || /^@(guards|helpers)@$/ { next } { print }
    /^\| (guard|helper) \|/ { which = $2 } /^\|---\|---\|$/ && which { while ((getline line < (which "s.tmp")) > 0) print line; which = "" }' docs/rules.md >rules.tmp
  mv rules.tmp docs/rules.md
fi
diff <(cat guards.tmp helpers.tmp) <(listed)
