#!/usr/bin/env bash
# netpbmfile: a PFM, the format of floating point numbers, is read upside down.
#
# Versions: netpbmfile 2026.1.29, opencv-python-headless 5.0.0.93, Pillow 13.0.0, numpy 2.4.6.
# Most expect: the first row that is read is the top row of the picture, in every format; the numbers are
#   those of the file.
# Seen: a PFM stores its rows from the bottom up, unlike PGM and PPM. Pillow and OpenCV turn them, netpbmfile
#   gives them as they lie. The third line of the file is a scale, of which the sign is the order of the
#   bytes: with -2.0 OpenCV gives half of each number, Pillow and netpbmfile the number.
# Where it matters: maps of disparity and depth, which are kept as PFM: they do not fit their pictures, and
#   depths differ by a factor.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "netpbmfile==2026.1.29" "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import netpbmfile
import numpy as np
import PIL
from PIL import Image

path = sys.argv[1]
depth = np.arange(6, dtype="<f4").reshape(3, 2)  # the top row is 0, 1
as_seen = True
print("netpbmfile", netpbmfile.__version__, "OpenCV", cv2.__version__, "Pillow", PIL.__version__)
for scale in (1, 2):
    with open(path, "wb") as file:
        file.write(b"Pf\n2 3\n-%d.0\n" % scale + depth[::-1].tobytes())
    seen = {
        "netpbmfile": netpbmfile.imread(path),
        "OpenCV": cv2.imread(path, cv2.IMREAD_UNCHANGED),
        "Pillow": np.asarray(Image.open(path)),
    }
    for name, found in seen.items():
        print(f"scale -{scale}.0, {name}: {found.tolist()}")
    as_seen &= np.array_equal(seen["netpbmfile"], depth[::-1])
    as_seen &= np.array_equal(seen["OpenCV"], depth / scale)
    as_seen &= np.array_equal(seen["Pillow"], depth)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/depth.pfm"
