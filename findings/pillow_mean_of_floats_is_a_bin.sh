#!/usr/bin/env bash
# Pillow: the mean of a picture of floating point numbers is that of its histogram's bins, 0 to 255.
#
# Versions: Pillow 13.0.0, numpy 2.4.6.
# Most expect: `ImageStat.Stat(picture).mean` is the mean of its pixels, whatever their type; of one that has
#   a mode that is not supported, an error.
# Seen: of a picture that is 0.25 and in one pixel of a hundred 0.5 the mean is 2.55, the extrema are 0 and
#   255, the deviation is 25. The numbers come from the histogram, and that of the modes F and I has 256 bins
#   from the least to the largest pixel. In the mode I;16 it has one for each byte: of 1000 in all pixels the
#   mean is 117.5, of which 3 and 232, the two bytes of 1000, are the extrema. `getextrema` is right with all
#   of them.
# Where it matters: whether a scan of 16 bits or a depth map is dark, empty or even, and normalisation by mean
#   and deviation.
# Ends with a status other than 0 when Pillow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import PIL
from PIL import Image, ImageStat

print("Pillow", PIL.__version__)
seen = {}
for mode, dtype, ground, one in (
    ("L", np.uint8, 100, 200),
    ("F", np.float32, 0.25, 0.5),
    ("I", np.int32, 1000, 2000),
    ("I;16", np.uint16, 1000, 1000),
):
    pixels = np.full((10, 10), ground, dtype)
    pixels[0, 0] = one
    picture = Image.fromarray(pixels)
    assert picture.mode == mode
    stat = ImageStat.Stat(picture)
    seen[mode] = stat.mean[0], tuple(stat.extrema[0])
    print(f"{mode}: mean {stat.mean[0]:g}, extrema {stat.extrema[0]}, deviation {stat.stddev[0]:.3g}")
    print(f"  really {pixels.mean():g}, {picture.getextrema()}, {pixels.std():.3g}")
right = seen["L"] == (101, (100, 200))
sys.exit(not (right and seen["F"] == seen["I"] == (2.55, (0, 255)) and seen["I;16"] == (117.5, (3, 232))))
PY
"$work/venv/bin/python" "$work/seen.py"
