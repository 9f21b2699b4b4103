#!/usr/bin/env bash
# onnxruntime: ReduceMax of 1, NaN, 3, 4, 5, 6, 7, 8 is 7.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
# Most expect: NaN, as of numpy and PyTorch, or 8, the largest number that is there.
# Seen: neither. It depends on where the NaN stands: at the first place the answer is NaN, at others 8, and at
#   some 7: what was compared with NaN goes with it, and that may be the maximum. GlobalMaxPool has NaN where
#   it stands last, and 8 else. Relu hands a NaN on.
# Where it matters: a score map with a NaN, such as of a window without contrast that is divided by 0, has a
#   wrong best score in an exported model, and no NaN tells of it.
# Ends with a status other than 0 when onnxruntime behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "onnxruntime==1.32.0" "onnx==1.23.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper


def run(op: str, x: np.ndarray) -> np.ndarray:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 1, None])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "largest", [given], [made])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].ravel()


answers = {"ReduceMax": [], "GlobalMaxPool": []}
for place in range(8):
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 1, 8)
    x[..., place] = np.nan
    for op, found in answers.items():
        found.append(float(run(op, x)[0]))
    assert np.isnan(run("Relu", x)[place])
    assert np.isnan(x.max())  # numpy's own
print("onnxruntime", onnxruntime.__version__)
print("the largest of 1 to 8, where NaN stands for the first, the second, ... of them:")
for op, found in answers.items():
    print(f"{op}:", *(f"{value:g}" for value in found))
# For the last place 7 is the largest number that is left.
wrong = [value for value in answers["ReduceMax"][:7] if not np.isnan(value) and value != 8]
sys.exit(not wrong)
PY
"$work/venv/bin/python" "$work/seen.py"
