#!/usr/bin/env bash
# imutils: non_max_suppression divides by the area of the weaker box alone: what lies in a larger one is lost.
#
# Versions: imutils 0.5.4, OpenCV 5.0.0.93, numpy 2.4.6.
# Most expect: the overlap is the IoU, as in NMSBoxes: a box of 20 x 20 in one of 100 x 100 has 0.04, and both
#   stay.
# Seen: if the large one has the higher score the overlap is 1, and the small one is gone at every threshold
#   below that. With the scores exchanged it is 0.04, and both stay. Boxes relative to the picture, 0 to 1,
#   all come back as 0, 0, 0, 0.
# Where it matters: faces in persons, wheels in cars, one of a group: whoever is found less surely than what
#   surrounds it is not found.
# Ends with a status other than 0 when imutils behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "imutils==0.5.4" "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import cv2
import numpy as np
from imutils.object_detection import non_max_suppression

LARGE, SMALL = (0, 0, 100, 100), (40, 40, 60, 60)
BOXES = np.array([LARGE, SMALL])
SIZED = [(left, top, right - left, bottom - top) for left, top, right, bottom in BOXES.tolist()]


def kept(large: float, small: float, threshold: float) -> tuple[list, int]:
    """The boxes that imutils keeps, and how many OpenCV keeps."""
    mine = non_max_suppression(BOXES, probs=np.array([large, small]), overlapThresh=threshold)
    return sorted(map(tuple, mine.tolist())), len(cv2.dnn.NMSBoxes(SIZED, [large, small], 0, threshold))


print("imutils", version("imutils"), "OpenCV", cv2.__version__)
as_seen = True
for threshold in (0.3, 0.5, 0.9):
    surer, weaker = kept(0.9, 0.8, threshold), kept(0.8, 0.9, threshold)
    print(f"overlap up to {threshold}: large surer {surer}, small surer {weaker}")
    as_seen &= surer == ([LARGE], 2) and weaker == ([LARGE, SMALL], 2)
relative = non_max_suppression(BOXES / 200, probs=np.array([0.8, 0.9]), overlapThresh=0.9)
print("relative to a picture of 200:", relative.tolist())
sys.exit(not (as_seen and not relative.any()))
PY
"$work/venv/bin/python" "$work/seen.py"
