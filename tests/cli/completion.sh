"$ONNXOPT" --completion bash >script
bash -n script
PATH=$(dirname "$ONNXOPT"):$PATH
. ./script
complete_words() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=(); _onnxopt || :; echo "${COMPREPLY[*]}"; }
touch model.onnx notes.txt
complete_words onnxopt --verb
complete_words onnxopt --verify = e
complete_words onnxopt --verify =
complete_words onnxopt -p elim
complete_words onnxopt -p 'dce,fix(dedup-i'
complete_words onnxopt --help-pass fuse-c
complete_words onnxopt m
for name in $(sed -nE 's/^OPTION\([A-Z_]+, [^,]+, "([a-z-]+)".*/\1/p' "$ONNXOPT_SOURCE_DIR/cli/options.def"); do
  grep -q -- "--$name" script || echo "not completed: --$name"
done
