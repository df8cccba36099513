#!/usr/bin/env bash
# What is loaded before main: libraries that few runs need must not be among it, or every run pays for them.
# usage: start_libraries.sh PROGRAM
set -eu
loaded=$(LD_TRACE_LOADED_OBJECTS=1 "$1" | awk '{ print $1 }')
grep -q '^libc\.so' <<<"$loaded" || { echo "no list of libraries: $loaded"; exit 1; }
if unwanted=$(grep -E 'blas|lapack|gfortran|libgvc|pango|cairo|libgomp' <<<"$loaded"); then
  echo "loaded at every start:" $unwanted
  exit 1
fi
