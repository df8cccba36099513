#!/usr/bin/env python3
"""Prints the names of other optimizers' passes, a line each: tool, version, name. tests/cli/peer_passes.txt is what it printed.

usage: PYTHON scripts/record-peer-passes.py     PYTHON: one that has onnx, onnxoptimizer, onnxsim, onnxslim, onnxruntime

onnxsim lists the passes that it has from onnxoptimizer; those that it registers itself are found in its library. ONNX Runtime names its
transformers in the log of a session, its rewrite rules nowhere: they are found in its library too.
"""
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Rewrite rules of ONNX Runtime by class; where the name is another than the class, it stands behind the colon.
RULES = """CastChainElimination CastElimination ClipQuantFusion:ClipQuantRewrite ConvAddFusion ConvBNFusion ConvMulFusion DivMulFusion
EliminateDropout EliminateIdentity EliminateSlice ExpandElimination FuseReluClip GemmSumFusion GemmTransposeFusion LabelEncoderFusion
MatmulBNFusion:MatMul_BatchNormalization_Fusion NoopElimination NotWhereFusion PadFusion:Pad_Fusion PreShapeNodeElimination
ReluQuantFusion:ReluQuantRewrite UnsqueezeElimination""".split()
# Transformers that no session on a CPU names.
OTHERS = """Avx2WeightS8ToU8Transformer ConstantFoldingDQ DQMatMulNBitsFusion GeluApproximation GqaValueLayoutTransformer MatMulNBitsMlpFusion
MatMulNBitsQLoRAFusion MatMulNBitsQkvFusion""".split()
SESSION = """
import onnxruntime as ort
from onnx import parser
text = '<ir_version: 8, opset_import: ["" : 17]> g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }'
options = ort.SessionOptions()
options.log_severity_level = 0
ort.InferenceSession(parser.parse_model(text).SerializeToString(), options, providers=["CPUExecutionProvider"])
"""


def library(package, pattern):
    folder = pathlib.Path(importlib.metadata.distribution(package).locate_file(package))
    return max(folder.rglob(pattern), key=lambda path: path.stat().st_size).read_bytes()


def of_onnxoptimizer():
    import onnxoptimizer
    return onnxoptimizer.get_available_passes()


def of_onnxsim():
    program = pathlib.Path(sys.executable).parent / "onnxsim"
    listed = []
    for option in ("--list-default-optimizers", "--list-other-optimizers"):
        listed += subprocess.run([program, option], capture_output=True, text=True).stdout.split()
    inside = re.findall(rb"\0((?:fuse|eliminate|rewrite)_[a-z_0-9]+)(?=\0)", library("onnxsim", "*.so"))
    return listed + [name.decode() for name in inside]


def of_onnxslim():
    from onnxslim.core.pattern.registry import DEFAULT_FUSION_PATTERNS
    help_text = subprocess.run([pathlib.Path(sys.executable).parent / "onnxslim", "--help"], capture_output=True, text=True).stdout
    groups = re.search(r"--skip-optimizations \{([a-z_,]+)\}", help_text)[1].split(",")
    return groups + list(DEFAULT_FUSION_PATTERNS)


def of_onnxruntime():
    log = subprocess.run([sys.executable, "-c", SESSION], capture_output=True, text=True).stderr
    names = re.findall(r"GraphTransformer (\w+) modified", log)
    binary = library("onnxruntime", "onnxruntime_pybind11_state*")
    for rule in RULES + OTHERS:
        kind, _, name = rule.partition(":")
        if f"{len(kind)}{kind}".encode() in binary or kind.encode() in binary:
            names.append(name or kind)
        else:
            print(f"note: {kind} is not there any more", file=sys.stderr)
    return names


def main():
    os.chdir(tempfile.mkdtemp())
    tools = {"onnxoptimizer": of_onnxoptimizer, "onnxsim": of_onnxsim, "onnxslim": of_onnxslim, "onnxruntime": of_onnxruntime}
    for tool, names in tools.items():
        for name in sorted(set(names())):
            print(tool, importlib.metadata.version(tool), name)


if __name__ == "__main__":
    main()
