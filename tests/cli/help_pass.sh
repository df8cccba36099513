"$ONNXOPT" --help-pass fuse-conv-bn
for pass in $("$ONNXOPT" --list-passes | cut -d' ' -f1); do "$ONNXOPT" --help-pass "$pass" >/dev/null; done
! "$ONNXOPT" --help-pass fuse-con-bn
