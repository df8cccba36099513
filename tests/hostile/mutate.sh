#!/usr/bin/env bash
# Reads COUNT damaged variants of five small models, and each of the five cut off at 1,000 places.
# usage: tests/hostile/mutate.sh MUTATE_MODELS COUNT [SEED]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${ONNXOPT_BUILD_DIR:-/tmp}/scratch/mutate
mkdir -p "$folder" && cd "$folder"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/make_models.py" models
"$1" "$2" "${3:-1}" models/good/*.onnx
