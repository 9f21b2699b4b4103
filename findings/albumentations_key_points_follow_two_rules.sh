#!/usr/bin/env bash
# albumentations: flips take a key point for the middle of a pixel, and resizing takes it for a corner.
#
# Versions: albumentations 2.0.8, numpy 2.4.6, opencv-python-headless 5.0.0.93.
# Most expect: a flip and a resize may be exchanged, and a key point at the corner of a box stays there.
# Seen: for boxes both hold. A key point at x is flipped to width - 1 - x, as the middle of a pixel, but
#   resized to x times the scale, as an edge. Where a picture becomes four times as large, the two orders
#   differ by 3 pixels, and a corner of a box that is given as a key point, too, ends 1 or 4 pixels beside the
#   box.
# Where it matters: key points that are learned with flips, and corners of boxes that are sent as key points.
#   Half a pixel taken off before, and put on again after, makes flips treat them as edges.
# Ends with a status other than 0 when albumentations behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "albumentations==2.0.8" "numpy==2.4.6" "opencv-python-headless==5.0.0.93"
cat >"$work/seen.py" <<'PY'
import importlib.metadata
import sys

import albumentations as A
import numpy as np

picture = np.zeros((100, 100, 3), np.uint8)


def seen(*steps: A.BasicTransform) -> tuple[float, float]:
    """Where the left edge of a box lies afterwards, in a flip its right one, and a key point on this edge."""
    steps = A.Compose(
        steps,
        keypoint_params=A.KeypointParams("xy"),
        bbox_params=A.BboxParams("pascal_voc", label_fields=["labels"]),
    )
    made = steps(image=picture, keypoints=[(10, 20)], bboxes=[(10, 20, 30, 40)], labels=[0])
    ((left, _, right, _),) = made["bboxes"]
    flipped = any(isinstance(step, A.HorizontalFlip) for step in steps.transforms)
    return round(float(right if flipped else left), 2), round(float(made["keypoints"][0][0]), 2)


flip, resize = A.HorizontalFlip(p=1), A.Resize(400, 400)
ways = {"flip": (flip,), "resize": (resize,), "flip, resize": (flip, resize), "resize, flip": (resize, flip)}
edges = {name: seen(*steps) for name, steps in ways.items()}
print("albumentations", importlib.metadata.version("albumentations"))
for name, (edge, point) in edges.items():
    print(f"{name:12}: edge of the box at {edge}, key point on it at {point}")
as_seen = {"flip": (90, 89), "resize": (40, 40), "flip, resize": (360, 356), "resize, flip": (360, 359)}
sys.exit(edges != as_seen)
PY
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" "$work/seen.py"
