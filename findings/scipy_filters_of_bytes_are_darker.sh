#!/usr/bin/env bash
# scipy.ndimage: a mean or Gaussian of bytes is darker than the picture, by half a level for each axis.
#
# Versions: scipy 1.17.1, OpenCV 5.0.0.93, numpy 2.4.6.
# Most expect: a filter whose weights sum to 1 leaves the mean of the picture as it is; bytes are rounded.
# Seen: bytes are not rounded, but cut off, once for each axis. Noise with a mean of 127.5 has 126.5 after
#   `gaussian_filter`, 126.7 after a mean of 5 x 5, and 83 after a hundred light Gaussians. With three axes it
#   is 1.5 levels darker. A flat picture stays as it is, so that a small test does not show it. OpenCV rounds,
#   and with floats the mean is kept.
# Where it matters: where pixels are compared with their local mean, for thresholds and in the search for
#   spots: of noise of 9, 10 and 11 two thirds are brighter than it, not one.
# Ends with a status other than 0 when scipy behaves otherwise.
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

random = np.random.default_rng(0)
noise = random.integers(0, 256, (256, 256), np.uint8)
stack = random.integers(0, 256, (40, 64, 64), np.uint8)
faint = random.integers(9, 12, (256, 256), np.uint8)  # 9, 10 and 11


def apart(made: np.ndarray, picture: np.ndarray) -> float:
    """How much brighter the filtered picture is in the mean."""
    return round(float(made.mean() - picture.mean()), 2)


often = noise
for _ in range(100):
    often = ndimage.gaussian_filter(often, 0.7)
bytes_ = {
    "gaussian_filter": apart(ndimage.gaussian_filter(noise, 2), noise),
    "uniform_filter": apart(ndimage.uniform_filter(noise, 5), noise),
    "gaussian_filter of three axes": apart(ndimage.gaussian_filter(stack, 2), stack),
    "a hundred times": apart(often, noise),
}
others = {
    "gaussian_filter of floats": apart(ndimage.gaussian_filter(noise.astype(float), 2), noise),
    "OpenCV, Gaussian": apart(cv2.GaussianBlur(noise, (0, 0), 2), noise),
    "OpenCV, mean": apart(cv2.blur(noise, (5, 5)), noise),
}
brighter = float((faint > ndimage.uniform_filter(faint, 15)).mean())
print("scipy", scipy.__version__, "OpenCV", cv2.__version__, "(change of the mean)")
for name, change in {**bytes_, **others}.items():
    print(f"{name}: {change}")
print("of noise of 9, 10 and 11 brighter than its local mean:", round(brighter, 2))
sys.exit(
    list(bytes_.values())[:3] != [-1, -0.8, -1.5]
    or bytes_["a hundred times"] > -40
    or max(map(abs, others.values())) > 0.02
    or brighter < 0.6
)
PY
"$work/venv/bin/python" "$work/seen.py"
