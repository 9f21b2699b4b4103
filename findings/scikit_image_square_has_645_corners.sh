#!/usr/bin/env bash
# scikit-image: a white square on black has 645 corners, all but 4 of them where nothing is.
#
# Versions: scikit-image 0.26.0, OpenCV 5.0.0.93, numpy 2.4.6, scipy 1.17.1.
# Most expect: `corner_peaks(corner_harris(picture))` gives the corners, or none.
# Seen: without a threshold whatever is above the lowest score is taken, and of Harris the lowest scores are
#   those of the edges, below 0. Where the picture is flat it is 0, and all of that is peaks. A square of 20 x
#   20 in a picture of 60 x 60 has 645 corners, and still 66 that are 3 pixels apart. With
#   `threshold_rel=0.02` it has its 4, as by OpenCV, and also by the scores of Shi and Tomasi, which are never
#   below 0.
# Where it matters: drawings, screens, masks and cut-outs: the key points that are matched or counted are
#   those of the empty ground.
# Ends with a status other than 0 when scikit-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "scikit-image==0.26.0" \
  "opencv-python-headless==5.0.0.93" "numpy==2.4.6" "scipy==1.17.1"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import skimage
from skimage.feature import corner_harris, corner_peaks, corner_shi_tomasi

CORNERS = {(row, column) for row in (20, 39) for column in (20, 39)}
picture = np.zeros((60, 60))
picture[20:40, 20:40] = 1
harris, shi_tomasi = corner_harris(picture), corner_shi_tomasi(picture)


def corners(scores: np.ndarray, **options: float) -> tuple[int, int]:
    """How many there are, and how many of them are the square's."""
    found = set(map(tuple, corner_peaks(scores, **options).tolist()))
    return len(found), len(found & CORNERS)


seen = {
    "Harris": corners(harris),
    "Harris, 3 pixels apart": corners(harris, min_distance=3),
    "Harris, threshold_rel=0.02": corners(harris, threshold_rel=0.02),
    "Shi-Tomasi": corners(shi_tomasi),
}
as_bytes = (255 * picture).astype(np.uint8)
by_opencv = cv2.goodFeaturesToTrack(as_bytes, 0, 0.02, 1, useHarrisDetector=True)
print("scikit-image", skimage.__version__, "OpenCV", cv2.__version__, "(corners, of them the square's)")
for name, counts in seen.items():
    print(f"{name}: {counts}")
print("OpenCV, Harris:", len(by_opencv))
print("the lowest score of Harris:", round(float(harris.min()), 1))
everywhere, apart, *right = seen.values()
sys.exit(
    not (everywhere[0] > 600 and apart[0] > 50 and everywhere[1] == 4)
    or right != [(4, 4), (4, 4)]
    or len(by_opencv) != 4
)
PY
"$work/venv/bin/python" "$work/seen.py"
