# proving finds wrong rules out, and rules that never fire
file=$ONNXOPT_SOURCE_DIR/tests/cli/wrong.rules
! "$ONNXOPT" passes prove --rules "$file" >out
diff <(sed -nE 's/^rule (wrong_[a-z_]+).*/\1/p' "$file" | tr _ -) <(grep -oE '^wrong-[a-z-]+ +WRONG' out | cut -d' ' -f1)
echo 'rule never { y = Relu(x) where rank(x) == 77 => y = x }' >never.rules
! "$ONNXOPT" passes prove --rules never.rules --instances 20 | sed 's/, [0-9]* ms//'
! "$ONNXOPT" passes prove no-such-rule
! "$ONNXOPT" passes
"$ONNXOPT" passes prove --instances 20 merge-transpose casts | grep -c 'ok .* fired'
