# other optimizers' names: each recorded name is in the table, and it runs, switches off or is refused as the table says
"$ONNXOPT" --list-passes=aliases-json >aliases.json
python3 - "$ONNXOPT_SOURCE_DIR/tests/cli/peer_passes.txt" <<'END'
import json, sys
recorded = {(line.split()[0], line.split()[2]) for line in open(sys.argv[1])}
listed = {(tool, alias["name"]) for alias in json.load(open("aliases.json")) for tool in alias["tools"]}
print("forgotten:", sorted(recorded - listed), "nobody's:", sorted(listed - recorded), len(recorded) > 300)
END
"$ONNXOPT" --list-passes=aliases | grep -E '^(eliminate_nop_transpose|FusionConvBN|nop|fuse_lp_normalization) ' | tr -s ' '
for pipeline in eliminate_deadend eliminate-deadend 'fix(eliminate_nop_transpose,FusionConvBN),nop' 'nop'; do
  echo "$pipeline: $("$ONNXOPT" --print-pipeline -p "$pipeline")"
done
# every name that is not refused runs, and every name can be switched off
cat >m.onnxtxt <<'END'
<ir_version: 8, opset_import: ["" : 17]>
main (float[N,4,5] x) => (float[N,4,5] y) { a = Transpose<perm = [0,2,1]>(x) b = Transpose<perm = [0,2,1]>(a) c = Identity(b) y = Relu(c) }
END
offered=$(python3 -c 'import json; print(",".join(a["name"] for a in json.load(open("aliases.json")) if a["kind"] != "refused"))')
all=$(python3 -c 'import json; print(",".join(a["name"] for a in json.load(open("aliases.json"))))')
"$ONNXOPT" -q -p "$offered" m.onnxtxt --emit=text -o - | grep -c Transpose || true
"$ONNXOPT" -q --disable "$all" m.onnxtxt --emit=text -o - | grep -c -e Transpose -e Identity
count() { "$ONNXOPT" -q "$@" m.onnxtxt --emit=text -o - | grep -c Transpose || true; }
count -O2
count --skip-optimization eliminate_nop_transpose fuse_consecutive_transposes
count --skip-optimizations=graph_fusion
count --skip_fusion_patterns EliminationTranspose
count --disable merge_transpose,drop-transpose,merge_views,transposes
wrong() { ! "$ONNXOPT" -n "$@" m.onnxtxt; }
wrong -p eliminate_nop_monotone_argmax
wrong -p 'dce,fuse_bn_into_con'
wrong -p 'fuse_bn_into_conv{x=1}'
wrong -p merge-transpose
wrong --skip-optimization eliminate_nop_transpos
wrong --skip-optimization 'eliminate_nop_transpose#2'
