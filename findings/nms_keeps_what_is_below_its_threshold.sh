#!/usr/bin/env bash
# nms: score_threshold drops nothing, with any of its three algorithms.
#
# Versions: nms 0.1.6, OpenCV 5.0.0.93, numpy 2.4.6.
# Most expect: "the minimum score necessary to be a viable solution, default 0.3", and `boxes` "replicates the
#   functionality of cv2.dnn.NMSBoxes".
# Seen: boxes with scores of 0.9, 0.4 and 0.05 that do not touch are all kept, whether the threshold is 0.3,
#   which it is if it is not given, 0.5 or 0.99. NMSBoxes keeps two, one and none.
# Where it matters: every weak find of a raw detector is one more false alarm; with thousands of them, most of
#   the answer.
# Ends with a status other than 0 when nms behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "nms==0.1.6" "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import cv2
from nms import fast, felzenszwalb, malisiewicz
from nms.nms import boxes

PLACES = [(0, 0, 50, 50), (100, 0, 50, 50), (200, 0, 50, 50)]
SCORES = [0.9, 0.4, 0.05]


def kept(threshold: float) -> list[int]:
    """How many boxes are kept by each of the three, and by OpenCV."""
    counts = [
        len(boxes(PLACES, SCORES, nms_algorithm=module.nms, score_threshold=threshold))
        for module in (malisiewicz, felzenszwalb, fast)
    ]
    return [*counts, len(cv2.dnn.NMSBoxes(PLACES, SCORES, threshold, 0.4))]


print("nms", version("nms"), "OpenCV", cv2.__version__, "(malisiewicz, felzenszwalb, fast, OpenCV)")
seen = {threshold: kept(threshold) for threshold in (0.3, 0.5, 0.99)}
for threshold, counts in seen.items():
    print(f"of the scores {SCORES}, at {threshold}, are kept:", counts)
as_given = len(boxes(PLACES, SCORES))
print("without a threshold:", as_given)
sys.exit(list(seen.values()) != [[3, 3, 3, 2], [3, 3, 3, 1], [3, 3, 3, 0]] or as_given != 3)
PY
"$work/venv/bin/python" "$work/seen.py"
