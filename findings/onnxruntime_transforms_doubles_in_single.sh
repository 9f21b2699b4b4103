#!/usr/bin/env bash
# onnxruntime: the Fourier transform of float64 has errors of float32, where the length is no power of two.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
# Most expect: DFT of float64 and its inverse give a signal back to about 1e-15, as numpy.fft does.
# Seen: for lengths that are powers of two they do. For others the error is 1e-9 to 5e-8, without a word; the
#   outputs are float64 all the same. Padding to a power of two gives the digits back.
# Where it matters: correlation and filtering by spectra in an exported model, where differences of large sums
#   are formed and float64 was chosen for that.
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

nodes = [
    helper.make_node("DFT", ["x"], ["spectrum"], axis=1),
    helper.make_node("DFT", ["spectrum"], ["y"], axis=1, inverse=1),
]
given, made = (helper.make_tensor_value_info(n, TensorProto.DOUBLE, [1, None, None]) for n in "xy")
graph = helper.make_graph(nodes, "there and back", [given], [made])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def error(length: int) -> float:
    x = np.random.default_rng(0).random((1, length, 1))
    (y,) = session.run(None, {"x": x})
    assert y.dtype == np.float64
    return float(np.abs(y[..., :1] - x).max())


errors = {length: error(length) for length in (64, 256, 1024, 60, 77, 401, 1000)}
for length, wrong in errors.items():
    print(f"length {length:4}: {wrong:.1e} after there and back")
exact = all(errors[n] < 1e-13 for n in (64, 256, 1024))
sys.exit(not (exact and all(errors[n] > 1e-11 for n in (60, 77, 401, 1000))))
PY
"$work/venv/bin/python" "$work/seen.py"
