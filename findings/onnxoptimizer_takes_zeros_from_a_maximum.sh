#!/usr/bin/env bash
# onnxoptimizer: a margin of zeros before a maximum is taken for the maximum's own margin, which has no value.
#
# Versions: onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Most expect: `optimize(model)`, with the passes that it takes by itself, changes no answer.
# Seen: Pad with 0 and MaxPool become one MaxPool with `pads` (fuse_pad_into_pool). That is right for means
#   that count their margin; a MaxPool counts none, as if it were minus infinity. Where a map is negative, as
#   scores before a sigmoid are, its edge was 0 and is now -3. Maps without negative values, as after Relu, do
#   not show it. onnxsim replaces the pass by one of its own (onnxsim#290).
# Where it matters: peaks near the edge of a picture, in a model that was checked before it was optimised.
# Ends with a status other than 0 when onnxoptimizer behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "onnxoptimizer==0.4.2" "onnx==1.23.2" "onnxruntime==1.32.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

nodes = [
    helper.make_node("Pad", ["x", "margin"], ["wider"], mode="constant"),
    helper.make_node("MaxPool", ["wider"], ["y"], kernel_shape=[3, 3]),
]
given, made = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, 5, 5]) for n in "xy")
margin = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "margin")
graph = helper.make_graph(nodes, "largest", [given], [made], [margin])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
optimised = onnxoptimizer.optimize(model)


def run(which: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        which.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0][0, 0]


scores = np.full((1, 1, 5, 5), -3, np.float32)
before, after = run(model, scores), run(optimised, scores)
print("onnxoptimizer", version("onnxoptimizer"))
print(
    "operators:",
    [n.op_type for n in model.graph.node],
    "then",
    [n.op_type for n in optimised.graph.node],
)
print("a row through the middle of -3 everywhere:", before[2].tolist(), "then", after[2].tolist())
same = np.array_equal(run(model, -scores), run(optimised, -scores))
print("3 everywhere: the same before and after:", same)
sys.exit(not (same and before[2].tolist() == [0, -3, -3, -3, 0] and (after == -3).all()))
PY
"$work/venv/bin/python" "$work/seen.py"
