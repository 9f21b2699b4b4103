#!/usr/bin/env bash
# Pillow: ImageFilter.Kernel is neither a correlation nor a convolution, and leaves the border as it was.
#
# Versions: Pillow 13.0.0, scipy 1.17.1, numpy 2.4.6.
# Most expect: a kernel is laid on the picture as it is written (correlation), or turned by 180 degrees
#   (convolution), and at the border something stands for the pixels that are missing.
# Seen: it is turned upside down, and left is left: the weight at the upper left counts the pixel at the lower
#   left. The documentation says so since 2023. The outermost pixel, or the outermost two with 5x5, are not
#   filtered but copied: with a kernel that takes the mean away, the border alone stays bright.
# Where it matters: kernels from a book or a network that are not symmetric from top to bottom: Sobel's for
#   rows has the other sign, a corner is found upside down; and peaks are found at the border.
# Ends with a status other than 0 when Pillow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pillow==13.0.0" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import PIL
from PIL import Image, ImageFilter
from scipy import ndimage

picture = np.random.default_rng(0).integers(0, 20, (16, 20), np.uint8)


def agrees(side: int) -> tuple[set[str], bool]:
    """What Pillow's filter is equal to within the border, and whether the border is as it was."""
    kernel = np.arange(side * side).reshape(side, side)
    kernel = kernel * 10 // kernel.max()  # so that no sum is above 255 once it is divided
    scale = kernel.sum()
    asked = ImageFilter.Kernel((side, side), kernel.ravel().tolist(), scale=scale)
    filtered = np.asarray(Image.fromarray(picture).filter(asked)).astype(int)
    edge = side // 2
    inside = np.s_[edge:-edge, edge:-edge]
    turns = {
        "correlation": kernel,
        "convolution": kernel[::-1, ::-1],
        "correlation with the kernel upside down": kernel[::-1],
        "correlation with the kernel mirrored": kernel[:, ::-1],
    }
    equal = set()
    for name, turned in turns.items():
        sums = ndimage.correlate(picture.astype(float), turned.astype(float)) / scale
        if (np.abs(sums - filtered)[inside] <= 0.51).all():
            equal.add(name)
    border = np.ones(picture.shape, bool)
    border[inside] = False
    return equal, bool((filtered == picture)[border].all())


print("Pillow", PIL.__version__)
seen = {side: agrees(side) for side in (3, 5)}
for side, (equal, is_copied) in seen.items():
    print(f"{side}x{side}: equal to {equal}; the border is copied: {is_copied}")
sys.exit(not all(found == ({"correlation with the kernel upside down"}, True) for found in seen.values()))
PY
"$work/venv/bin/python" "$work/seen.py"
