# Shared by the scripts of this folder: sourced, not run. Sets top, the root of the checkout.
set -eu
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# docs/dependencies.md says what each is for; tests/layering.sh compares the two.
packages_build="gcc libc6-dev cmake ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev libgraphviz-dev graphviz
  uthash-dev libcjson-dev libxxhash-dev libpcre2-dev libopenblas-dev libcmocka-dev zstd"
packages_test="clang libclang-rt-dev python3 python3-venv universal-ctags man-db"
packages_lint="clang-tidy clang-format valgrind"

say() { printf '%s\n' "$*" >&2; }
die() { say "$0: $*"; exit 1; }

# need_packages NAME...: installs what is missing, or says how to.
need_packages() {
  local missing=() p
  command -v dpkg-query >/dev/null || { say "not a Debian system: make sure of $*"; return 0; }
  for p in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    die "missing Debian packages; run this, then the same command again:
  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && return 0
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } ||
    die "apt-get could not install ${missing[*]}"
}

# build_preset PRESET [TARGET...]: configures and builds build/PRESET.
build_preset() {
  local preset=$1 log
  shift
  log=$top/build/$preset.log
  mkdir -p "$top/build"
  say "building build/$preset"
  if ! { cd "$top" && cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"}; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    die "the $preset build failed; its whole log is $log"
  fi
}
