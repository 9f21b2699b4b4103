#!/usr/bin/env bash
# onnxruntime: the mean of a map that is 0.9 everywhere is 0.904 by ReduceMean, and 0.891 by
#   GlobalAveragePool.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6.
# Most expect: both operators give 0.9 to six digits, as PyTorch and numpy do on the same planes of float32.
# Seen: they add up in float32, one number after the other, so the error grows with the map: 2e-5 for 128 x
#   128, 1e-3 for 1024 x 1024, 4e-3 and 9e-3 for 2048 x 2048, one up and one down. Sums of ones are exact, so
#   that a test with ones does not show it. The mean of the rows' means, by two ReduceMean, is off by 2e-5 at
#   most.
# Where it matters: global pooling and normalisation over whole pictures in an exported model, which gave
#   other scores before the export.
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


def opened(*nodes: tuple[str, dict[str, object]]) -> onnxruntime.InferenceSession:
    """A model that applies operators one after the other to a map."""
    names = ["x", *(f"t{n}" for n in range(1, len(nodes))), "y"]
    made = [
        helper.make_node(op, [given], [out], **how)
        for (op, how), given, out in zip(nodes, names, names[1:])
    ]
    ends = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 1, None, None]) for n in "xy")
    given, out = ([end] for end in ends)
    graph = helper.make_graph(made, "mean", given, out)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


ways = {
    "ReduceMean": opened(("ReduceMean", {"axes": [2, 3]})),
    "GlobalAveragePool": opened(("GlobalAveragePool", {})),
    "rows, then their means": opened(("ReduceMean", {"axes": [3]}), ("ReduceMean", {"axes": [2]})),
}


def error(way: str, side: int, value: float) -> float:
    flat = np.full((1, 1, side, side), value, np.float32)
    assert abs(float(flat.mean()) - value) < 1e-6  # numpy's own
    return abs(float(ways[way].run(None, {"x": flat})[0].item()) - value)


errors = {way: [error(way, side, 0.9) for side in (128, 1024, 2048)] for way in ways}
print("onnxruntime", onnxruntime.__version__)
for way, wrong in errors.items():
    print(f"{way}: off by", ", ".join(f"{e:.0e}" for e in wrong), "for sides of 128, 1024, 2048")
exact = errors.pop("rows, then their means")
ones = max(error(way, 2048, 1.0) for way in errors)
sys.exit(not (max(exact) < 5e-5 and ones < 1e-6 and all(e[2] > 1e-3 > e[0] for e in errors.values())))
PY
"$work/venv/bin/python" "$work/seen.py"
