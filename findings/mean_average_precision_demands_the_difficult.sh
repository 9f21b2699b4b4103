#!/usr/bin/env bash
# mean_average_precision: a box marked "difficult" can be missed, but not found, and counts as missed.
#
# Versions: mean_average_precision 2024.1.5.0, numpy 2.4.6, pandas 3.1.1.
# Most expect: as in Pascal VOC, from which the mark comes, such a box is left out: who finds it gains
#   nothing, who misses it loses nothing.
# Seen: a find of it is left out, as it should be, but the box is still one that must be found. One thing and
#   one difficult thing have 0.5 if both are found, and if only the first is; no detector can have more. One
#   thing and three difficult ones have 0.25. It is the same with "soft" matching, which stands for COCO.
# Where it matters: truths in which boxes are marked as difficult: the AP of a perfect detector is their share
#   below 1, in each class another, and is compared with figures of programs that leave them out.
# Ends with a status other than 0 when mean_average_precision behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "mean-average-precision==2024.1.5.0" "numpy==2.4.6" "pandas==3.1.1"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from mean_average_precision import MetricBuilder


def precision(difficult: list[int], found: int, policy: str) -> float:
    """Mean AP at 0.5 of one class; of the boxes, one for each mark, the first `found` ones are found."""
    places = [(100 * n, 0, 100 * n + 50, 50) for n in range(len(difficult))]
    truth = [(*place, 0, mark, 0) for place, mark in zip(places, difficult)]
    finds = [(*place, 0, 0.9 - n / 10) for n, place in enumerate(places[:found])]
    metric = MetricBuilder.build_evaluation_metric("map_2d", async_mode=False, num_classes=1)
    metric.add(np.array(finds, float), np.array(truth, float))
    return round(float(metric.value(iou_thresholds=0.5, mpolicy=policy)["mAP"]), 2)


CASES = {
    "one thing, found": ([0], 1),
    "one and a difficult one, the first found": ([0, 1], 1),
    "one and a difficult one, both found": ([0, 1], 2),
    "one and three difficult ones, all found": ([0, 1, 1, 1], 4),
}
seen = {name: [precision(*case, policy) for policy in ("greedy", "soft")] for name, case in CASES.items()}
print("mean_average_precision", version("mean-average-precision"), "(mAP of greedy and soft matching)")
for name, precisions in seen.items():
    print(f"{name}: {precisions}")
sys.exit(list(seen.values()) != [[1, 1], [0.5, 0.5], [0.5, 0.5], [0.25, 0.25]])
PY
"$work/venv/bin/python" -W ignore "$work/seen.py"
