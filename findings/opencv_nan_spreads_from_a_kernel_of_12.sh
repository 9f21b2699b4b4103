#!/usr/bin/env bash
# OpenCV: one NaN spoils 121 pixels with a kernel of 11 x 11, and all of them with one of 12 x 12.
#
# Versions: opencv-python-headless 5.0.0.93, scipy 1.17.1, numpy 2.4.6.
# Most expect: `filter2D` has a NaN where the kernel reaches one, with kernels of any size, as
#   `scipy.ndimage.convolve` has.
# Seen: up to 11 x 11 it is so. From 12 x 12 on the filter goes by a Fourier transform, block by block, and a
#   NaN or an infinity makes NaN of its whole block: of a picture of 64 x 64 of all pixels, of one of 1000 x
#   1000 of 60 thousand. Kernels of one row count by their elements: 101 keep it, 151 spread it. Nothing is
#   said.
# Where it matters: depth maps and scans with missing pixels, and templates that are correlated by `filter2D`;
#   who makes a kernel larger by a step loses the picture.
# Ends with a status other than 0 when OpenCV or scipy behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import scipy
from scipy import ndimage


def lost(side: int, rows: int, columns: int) -> tuple[int, int]:
    """How many pixels of `side` x `side` are NaN after a filter of this size, of a picture with one NaN."""
    picture = np.ones((side, side), np.float32)
    picture[side // 3, side // 3] = np.nan
    kernel = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    filtered = cv2.filter2D(picture, -1, kernel), ndimage.convolve(picture, kernel)
    by_opencv, by_scipy = (int(np.isnan(pixels).sum()) for pixels in filtered)
    return by_opencv, by_scipy


print("OpenCV", cv2.__version__, "scipy", scipy.__version__)
seen = {}
for side, rows, columns in (
    (64, 3, 3),
    (64, 11, 11),
    (64, 12, 12),
    (64, 13, 13),
    (1000, 11, 11),
    (1000, 13, 13),
    (1000, 1, 101),
    (1000, 1, 151),
):
    by_opencv, by_scipy = seen[side, rows, columns] = lost(side, rows, columns)
    print(f"{side} x {side}, a kernel of {rows} x {columns}: {by_opencv} by OpenCV, {by_scipy} by scipy")
as_scipy = all(by_scipy == rows * columns for (_, rows, columns), (_, by_scipy) in seen.items())
local = [key for key, (by_opencv, by_scipy) in seen.items() if by_opencv == by_scipy]
whole = seen[64, 12, 12][0] == seen[64, 13, 13][0] == 64**2
far = seen[1000, 13, 13][0] > 10_000 and seen[1000, 1, 151][0] > 10_000
as_seen = local == [(64, 3, 3), (64, 11, 11), (1000, 11, 11), (1000, 1, 101)]
sys.exit(not (as_scipy and as_seen and whole and far))
PY
"$work/venv/bin/python" "$work/seen.py"
