# one option, many spellings
m="$ONNXOPT_SOURCE_DIR/tests/cli/small.onnxtxt"
go() { "$ONNXOPT" -q --emit=text "$@" | grep -c Identity || true; }
go -p eliminate-identity "$m" -o -
go -peliminate-identity "$m" -o-
go -passes=eliminate-identity "$m" --output -
go -passes eliminate-identity "$m" --output=-
go --passes=eliminate-identity "$m" -
go --passes eliminate-identity -o - -- "$m"
go -O0 "$m" -
go -O2 "$m" -
go -O2 --disable eliminate-identity "$m" -
go -p 'eliminate-identity,eliminate-identity' --disable 'eliminate-identity#1' "$m" -
go -qp eliminate-identity "$m" -
"$ONNXOPT" --print_pipeline --passes 'dce, fix( cse ,dce)' 
