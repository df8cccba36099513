#!/usr/bin/env bash
# docs/evaluator.md lists the operators without kernel as they are.
# usage: tests/evaluator_doc.sh EVAL_SUITE
set -u
doc=$(cd "$(dirname "$0")/.." && pwd)/docs/evaluator.md
diff <(sed -nE 's/^\| `([A-Za-z0-9.]+)` \|.*/\1/p' "$doc" | sort) <("$1" --missing | grep -v ' ' | sort) &&
  echo "evaluator: the list of docs/evaluator.md is right"
