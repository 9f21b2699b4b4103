#!/usr/bin/env bash
# supervision: the box of a mask of 10 x 10 pixels is 9 x 9, and the mask of a box of 10 x 10 is 11 x 11.
#
# Versions: supervision 0.31.2, numpy 2.4.6.
# Most expect: `mask_to_xyxy` gives edges, as all its boxes have them (x_max - x_min is the width), so that a
#   mask and its box cover the same pixels.
# Seen: it gives the last row and column of the mask, not their far edges: the box of a mask that is exact has
#   an IoU of 0.81 with the true box of 10 x 10. `polygon_to_mask` goes the other way: the outline of this box
#   fills 11 x 11 pixels.
# Where it matters: boxes of small things that are made from masks, judged against boxes as COCO has them: of
#   10 pixels none is found at an IoU of 0.85 and more, of 5 pixels none at 0.65 and more.
# Ends with a status other than 0 when supervision behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "supervision==0.31.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import supervision as sv


def seen(size: int) -> tuple[float, float, int]:
    """Width of the box of a square mask, its IoU with the true box, pixels in the mask of the true box."""
    mask = np.zeros((40, 40), bool)
    end = 10 + size
    mask[10:end, 10:end] = True
    box = sv.mask_to_xyxy(mask[None])
    true = np.array([[10, 10, end, end]])
    iou = sv.box_iou_batch(true.astype(float), box.astype(float)).item()
    corners = np.array([[10, 10], [end, 10], [end, end], [10, end]])
    filled = sv.polygon_to_mask(corners, (40, 40)).astype(bool).sum()
    return float(box[0, 2] - box[0, 0]), round(iou, 2), int(filled)


found = {size: seen(size) for size in (5, 10, 20)}
print("supervision", sv.__version__)
for size, (width, iou, filled) in found.items():
    print(f"square of {size}: box {width:g} wide, IoU {iou}; the mask of its outline: {filled} pixels")
sys.exit(found != {size: (size - 1, round((1 - 1 / size) ** 2, 2), (size + 1) ** 2) for size in found})
PY
"$work/venv/bin/python" -W ignore "$work/seen.py"
