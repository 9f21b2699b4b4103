#!/usr/bin/env bash
# OpenCV: its dnn module makes pictures smaller without antialiasing, where the model asks for it.
#
# Versions: opencv-python-headless 5.0.0.93, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
# Most expect: a model that `readNetFromONNX` takes is computed as it says, or is refused: the importer
#   refuses what it does not know.
# Seen: `antialias=1` of Resize is read over. Stripes of 0 and 1 that are made four times smaller are 0.5 by
#   onnxruntime and by onnx's own evaluator, and 0 or 1 by OpenCV, as the stripes happen to lie; moved by two
#   pixels they are the reverse. The same for linear and cubic. Without `antialias` both agree.
# Where it matters: models that hold their own preprocessing, as exports of torchvision's `Resize` do, and
#   pages of print: halftones and hatching turn into stripes.
# Ends with a status other than 0 when OpenCV behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "onnx==1.23.2" "onnxruntime==1.32.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def answers(mode: str, antialias: int, shift: int) -> dict[str, float]:
    """A pixel in the middle of stripes that are made four times smaller, by each program."""
    node = helper.make_node("Resize", ["x", "", "", "size"], ["y"], mode=mode, antialias=antialias)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 64, 64])
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 16, 16])
    size = numpy_helper.from_array(np.array([1, 1, 16, 16]), "size")
    graph = helper.make_graph([node], "smaller", [given], [made], [size])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    data = model.SerializeToString()
    x = np.zeros((1, 1, 64, 64), np.float32)
    x[..., (np.arange(64) + shift) // 2 % 2 == 0] = 1  # stripes of two pixels
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(x)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = {
        "OpenCV": net.forward(),
        "onnxruntime": session.run(None, {"x": x})[0],
        "onnx": ReferenceEvaluator(model).run(None, {"x": x})[0],
    }
    return {name: round(float(y[0, 0, 8, 8]), 2) for name, y in found.items()}


print("OpenCV", cv2.__version__, "onnxruntime", onnxruntime.__version__)
as_seen = True
for mode in ("linear", "cubic"):
    for antialias in (1, 0):
        found = [answers(mode, antialias, shift) for shift in (1, 3)]
        print(f"{mode}, antialias={antialias}:", *found)
        if antialias:
            as_seen &= all(a["onnx"] == a["onnxruntime"] == 0.5 for a in found)
            as_seen &= abs(found[0]["OpenCV"] - found[1]["OpenCV"]) > 0.9
        else:
            as_seen &= all(len(set(a.values())) == 1 for a in found)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
