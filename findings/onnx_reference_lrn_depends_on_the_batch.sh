#!/usr/bin/env bash
# onnx: its reference evaluator normalises as many channels as there are pictures, and leaves the others
#   alone.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Most expect: `ReferenceEvaluator` is what ONNX says, by definition; where a runtime differs, the runtime is
#   wrong.
# Seen: LRN (local response normalisation) of one picture is right in its first channel alone. The loop over
#   channels runs to `x.shape[0]`, the number of pictures. With as many pictures as channels all is right.
#   onnxruntime gives the formula of the specification for every batch.
# Where it matters: tests of an export against the reference, for AlexNet, GoogLeNet and detectors built on
#   them: a right model looks wrong, and a wrong one, made to agree, goes out.
# Ends with a status other than 0 when onnx behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "onnx==1.23.2" "onnxruntime==1.32.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

ALPHA, BETA, BIAS, SIZE, CHANNELS = 0.5, 0.75, 1.0, 3, 6
node = helper.make_node("LRN", ["x"], ["y"], alpha=ALPHA, beta=BETA, bias=BIAS, size=SIZE)
given, made = (
    helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, CHANNELS, 4, 4]) for n in "xy"
)
graph = helper.make_graph([node], "normalised", [given], [made])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)


def by_formula(x: np.ndarray) -> np.ndarray:
    near = [slice(max(0, c - (SIZE - 1) // 2), c + SIZE // 2 + 1) for c in range(CHANNELS)]
    sums = np.stack([(x[:, channels] ** 2).sum(axis=1) for channels in near], axis=1)
    return x / (BIAS + ALPHA / SIZE * sums) ** BETA


print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
as_seen = True
for pictures in (1, 3, CHANNELS):
    x = 10 * np.random.default_rng(0).standard_normal((pictures, CHANNELS, 4, 4)).astype(np.float32)
    right = by_formula(x)
    (by_reference,) = ReferenceEvaluator(model).run(None, {"x": x})
    (by_runtime,) = session.run(None, {"x": x})
    wrong = [c for c in range(CHANNELS) if np.abs(by_reference - right)[:, c].max() > 1e-3]
    off = np.abs(by_runtime - right).max()
    print(
        f"{pictures} pictures: the reference has wrong channels {wrong}; onnxruntime is off by {off:.0e}"
    )
    as_seen &= wrong == list(range(pictures, CHANNELS)) and off < 1e-4
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
