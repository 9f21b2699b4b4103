#!/usr/bin/env bash
# scipy: closing a mask takes a frame off it, at the edges of the picture.
#
# Versions: scipy 1.17.1, scikit-image 0.26.0, opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: a closing fills gaps and takes nothing away: what was in the mask is in it afterwards. A mask
#   that is full stays full.
# Seen: of a full mask of 8 x 8 `ndimage.binary_closing` leaves 6 x 6, and with `iterations=3` 2 x 2. The
#   dilation stops at the edge, and the erosion after it takes all beyond the edge for empty. `border_value=1`
#   is not the way out: then the dilation draws from the edge, and a mask with nothing at the edge but a hole
#   there is filled. `grey_closing`, scikit-image's `closing` and OpenCV's keep the full mask full.
# Where it matters: masks of things that reach the edge, sky, road, a page's margin, and whatever is cut into
#   tiles: each tile loses a frame, so that a grid of gaps runs through the whole.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "scipy==1.17.1" "scikit-image==0.26.0" "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import scipy
import skimage
from scipy import ndimage

full = np.ones((8, 8), bool)
square = np.ones((3, 3), bool)
closed = {
    "scipy, binary": ndimage.binary_closing(full, square),
    "scipy, binary, 3 times": ndimage.binary_closing(full, square, iterations=3),
    "scipy, grey": ndimage.grey_closing(full.astype(np.uint8), (3, 3)),
    "scikit-image": skimage.morphology.closing(full, square),
    "OpenCV": cv2.morphologyEx(full.astype(np.uint8), cv2.MORPH_CLOSE, square.astype(np.uint8)),
}
print("scipy", scipy.__version__, "scikit-image", skimage.__version__, "OpenCV", cv2.__version__)
for name, mask in closed.items():
    print(f"{name}: {int(mask.sum())} of {full.size} are left")
near = np.zeros((8, 8), bool)
near[1:7, 1:7] = True  # a square, a pixel from the edge
with_value = ndimage.binary_closing(near, square, border_value=1)
print(f"a square of {int(near.sum())}, a pixel from the edge, border_value=1: {int(with_value.sum())}")
left = [int(mask.sum()) for mask in closed.values()]
sys.exit(not (left == [36, 4, 64, 64, 64] and with_value.all()))
PY
"$work/venv/bin/python" "$work/seen.py"
