#!/usr/bin/env bash
# scipy: where nothing is empty, the distances are those to a pixel above the left edge.
#
# Versions: scipy 1.17.1, opencv-python-headless 5.0.0.93, mahotas 1.4.19, numpy 2.4.6.
# Most expect: `distance_transform_edt` gives each pixel's distance to the nearest that is 0; where none is 0,
#   infinity, or something else that cannot be a distance.
# Seen: if no pixel is 0, the distances are those to a place just outside, a row above the first pixel: 1 in
#   the corner, 2.24 two pixels to its right, and so on, growing to the far corner. `return_indices=True` says
#   that the nearest is at -1, 0. The chessboard's distance is -1 there, the one by brute force 1e154. OpenCV
#   has 2e19, mahotas one number that is larger than any distance.
# Where it matters: maps of how far each pixel is from a find, an edge or a border, when there is none: they
#   look as if there was one at the top left, and a threshold on them keeps that corner.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "scipy==1.17.1" "opencv-python-headless==5.0.0.93" "mahotas==1.4.19" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import mahotas
import numpy as np
import scipy
from scipy import ndimage

full = np.ones((4, 6), bool)
print("scipy", scipy.__version__, "OpenCV", cv2.__version__, "mahotas", mahotas.__version__)
distances, nearest = ndimage.distance_transform_edt(full, return_indices=True)
print("scipy, exact:", *distances.round(2), sep="\n  ")
print("the nearest, by rows and columns:", np.unique(nearest[0]), np.unique(nearest[1]))
rows, columns = np.indices(full.shape)
others = {
    "scipy, chessboard": ndimage.distance_transform_cdt(full),
    "scipy, brute force": ndimage.distance_transform_bf(full),
    "OpenCV": cv2.distanceTransform(full.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
    "mahotas": mahotas.distance(full),
}
for name, by_other in others.items():
    print(f"{name}: {by_other.min():g} to {by_other.max():g}")
flat = all(by_other.min() == by_other.max() for by_other in others.values())
at_corner = (nearest[0] == -1).all() and (nearest[1] == 0).all()
as_seen = np.allclose(distances, np.hypot(rows + 1, columns)) and at_corner
full[2, 3] = False
right = np.allclose(ndimage.distance_transform_edt(full), np.hypot(rows - 2, columns - 3))
print("with one that is empty they are right:", right)
sys.exit(not (right and as_seen and flat))
PY
"$work/venv/bin/python" "$work/seen.py"
