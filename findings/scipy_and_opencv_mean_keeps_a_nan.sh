#!/usr/bin/env bash
# scipy, OpenCV: one NaN in a picture spoils a mean of 3 x 3 for all that lies after it.
#
# Versions: scipy 1.17.1, opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: where the window of 3 x 3 does not reach a NaN, the mean is a number: 9 pixels are NaN.
# Seen: `ndimage.uniform_filter` makes everything NaN that is to the right of it and below, a quarter of the
#   picture or all of it. OpenCV's `blur` and `boxFilter` make three columns NaN, down to the last row. Both
#   keep a running sum, from which the NaN is subtracted again, and is not gone. It is the same with infinity;
#   and with scipy one pixel of 1e17 makes the rest of its row 0 where it is 1. `ndimage.convolve` with nine
#   weights and OpenCV's `filter2D` have 9 pixels that are NaN.
# Where it matters: maps of depth and height, and scans in which missing pixels are NaN; and local means and
#   deviations, by which scores are normalised.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "scipy==1.17.1" "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import scipy
from scipy import ndimage

SIDE, ROW, COLUMN = 100, 20, 30
ninths = np.full((3, 3), 1 / 9, np.float32)
filters = {
    "scipy's uniform_filter": lambda picture: ndimage.uniform_filter(picture, 3),
    "OpenCV's blur": lambda picture: cv2.blur(picture, (3, 3)),
    "scipy's convolve": lambda picture: ndimage.convolve(picture, ninths),
    "OpenCV's filter2D": lambda picture: cv2.filter2D(picture, -1, ninths),
}
print("scipy", scipy.__version__, "OpenCV", cv2.__version__)
lost = {}
for value in (np.nan, np.inf):
    picture = np.ones((SIDE, SIDE), np.float32)
    picture[ROW, COLUMN] = value
    for name, apply in filters.items():
        lost[name, value] = int(np.isnan(apply(picture)).sum()) or int(np.isinf(apply(picture)).sum())
        print(f"one {value}: {lost[name, value]} pixels by {name}")
large = np.ones(12)
large[3] = 1e17
after = ndimage.uniform_filter1d(large, 3)[5:]
print("ones after 1e17, by uniform_filter1d:", after)
large = large.astype(np.float32)[None]
print("ones after 1e17, by OpenCV's blur:", cv2.blur(large, (3, 1))[0, 5:])
running = (SIDE - ROW + 1) * (SIDE - COLUMN + 1)
columns = 3 * (SIDE - ROW + 1)
as_seen = lost["scipy's uniform_filter", np.nan] == running and lost["OpenCV's blur", np.nan] == columns
both = all(lost[name, value] == 9 for name in list(filters)[2:] for value in (np.nan, np.inf))
sys.exit(not (as_seen and both and lost["scipy's uniform_filter", np.inf] > 1000 and not after.any()))
PY
"$work/venv/bin/python" "$work/seen.py"
