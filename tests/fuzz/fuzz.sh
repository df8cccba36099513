#!/usr/bin/env bash
# Runs one libFuzzer target for a while, from the seeds in tests/fuzz/seeds/KIND (files, or their KIND.tar.zst); a target
# that eats ONNX binaries starts from the small models of tests/hostile and tests/judge. What it found stays in the build folder.
# usage: tests/fuzz/fuzz.sh TARGET KIND SECONDS
set -eu
target=$1 kind=$2 seconds=$3
here=$(cd "$(dirname "$0")" && pwd)
folder=${ONNXOPT_BUILD_DIR:-$PWD}/fuzz/$kind.run
mkdir -p "$folder/found" "$folder/seeds" "$folder/crashes"
[ -d "$here/seeds/$kind" ] && cp -r "$here/seeds/$kind/." "$folder/seeds"
[ -f "$here/seeds/$kind.tar.zst" ] && tar --zstd -xf "$here/seeds/$kind.tar.zst" -C "$folder/seeds"
case $kind in
  onnx | passes | check)
    PYTHONDONTWRITEBYTECODE=1 python3 "$here/../hostile/make_models.py" "$folder/models"
    cp "$folder"/models/good/*.onnx "$folder/seeds"
    tar --zstd -xf "$here/../judge/adversarial.tar.zst" -C "$folder"
    for model in "$folder"/adversarial/*/model.onnx; do
      cp "$model" "$folder/seeds/$(basename "$(dirname "$model")").onnx"
    done ;;&
  check)
    tar --zstd -xf "$here/../judge/shape_inference.tar.zst" -C "$folder"
    for model in "$folder"/shape_inference/*/input.onnx; do
      cp "$model" "$folder/seeds/$(basename "$(dirname "$model")").onnx"
    done ;;
esac
options="-max_total_time=$seconds -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=$folder/crashes/"
[ -f "$here/$kind.dict" ] && options="$options -dict=$here/$kind.dict"
# Only the end of the log: a finding's report, or the statistics.
if "$target" $options "$folder/found" "$folder/seeds" >"$folder/log" 2>&1; then
  tail -n 8 "$folder/log"
else
  grep -vE '^#[0-9]+[[:space:]]+(NEW|REDUCE|pulse|RELOAD|INITED)' "$folder/log" | tail -n 60
  echo "reproduce: $target $(ls "$folder"/crashes/* 2>/dev/null | head -n 1)"
  exit 1
fi
