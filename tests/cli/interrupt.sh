# an interrupted run leaves no file behind
mkfifo never
"$ONNXOPT" never -o out.onnx & pid=$!
exec 9>never
sleep 0.2
kill -TERM $pid
wait $pid || echo $?
ls
