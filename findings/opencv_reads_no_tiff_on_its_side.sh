#!/usr/bin/env bash
# OpenCV: imread cannot read a TIFF that asks for a quarter turn, unless it is square; imdecode can.
#
# Versions: opencv-python-headless 5.0.0.93, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: `imread` is the reading of a file, then `imdecode`. Orientations 5 to 8, as scanners and phones
#   write them, are turned, and with IMREAD_UNCHANGED or IMREAD_IGNORE_ORIENTATION they are left.
# Seen: the turned array has other sides than the one that `imread` set aside for it: it prints
#   "original_ptr == real_mat.data must be true" and returns None, with every flag. A square picture, as tests
#   like to have, is read. `imdecode` of the same bytes turns all of them, with both of these flags, too.
# Where it matters: who takes None for "no picture" leaves out pages that lie on their side, and only those.
# Ends with a status other than 0 when OpenCV behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "tifffile==2026.3.3" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from collections.abc import Callable

import cv2
import numpy as np
import tifffile

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
ORIENTATION = 274
FLAGS = (cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
path = sys.argv[1]


def shapes(read: Callable[[int], np.ndarray | None]) -> set[tuple[int, ...] | None]:
    """Rows and columns with each of the flags; None where nothing is returned."""
    return {None if (found := read(flag)) is None else found.shape[:2] for flag in FLAGS}


print("OpenCV", cv2.__version__)
as_seen = True
for rows, cols in ((40, 60), (50, 50)):
    for orientation in range(1, 9):
        tags = [(ORIENTATION, 3, 1, orientation, True)]
        picture = np.zeros((rows, cols, 3), np.uint8)
        tifffile.imwrite(path, picture, photometric="rgb", extratags=tags)
        data = np.fromfile(path, np.uint8)
        by_read = shapes(lambda flag: cv2.imread(path, flag))
        by_decode = shapes(lambda flag, data=data: cv2.imdecode(data, flag))
        print(f"{cols}x{rows}, orientation {orientation}: imread {by_read}, imdecode {by_decode}")
        upright = (rows, cols) if orientation < 5 else (cols, rows)
        fails = orientation > 4 and rows != cols
        as_seen &= by_decode == {upright} and by_read == {None if fails else upright}
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/page.tif"
