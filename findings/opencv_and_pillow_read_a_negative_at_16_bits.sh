#!/usr/bin/env bash
# OpenCV and Pillow: a grey TIFF in which 0 is white is a negative at 16 bits, and is none at 8.
#
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: a reader turns "0 is white" (PhotometricInterpretation 0, as scanners and radiographs have it)
#   into "0 is black" for every depth, or for none.
# Seen: both turn 8 bits and leave 16 bits alone. Of OpenCV it depends on the flag, too: IMREAD_UNCHANGED
#   gives the negative of 16 bits, IMREAD_GRAYSCALE the positive of the same file.
# Where it matters: a mask of 8 bits, sought in a scan of 16 bits, correlates with -1 where it should with 1.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "tifffile==2026.3.3" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import cv2
import numpy as np
import PIL
import tifffile
from PIL import Image


def levels(dtype: type[np.unsignedinteger]) -> dict[str, tuple[float, float]]:
    """A black and a white pixel, as each reader gives them: 0 is black, 1 is white."""
    white_is_zero = np.array([[np.iinfo(dtype).max, 0]] * 8, dtype)
    file = io.BytesIO()
    tifffile.imwrite(file, white_is_zero, photometric="miniswhite")
    data = np.frombuffer(file.getvalue(), np.uint8)
    read = {
        "OpenCV, IMREAD_UNCHANGED": cv2.imdecode(data, cv2.IMREAD_UNCHANGED),
        "OpenCV, IMREAD_GRAYSCALE": cv2.imdecode(data, cv2.IMREAD_GRAYSCALE),
        "Pillow": np.asarray(Image.open(file)),
    }
    return {name: tuple((found[0] / np.iinfo(found.dtype).max).tolist()) for name, found in read.items()}


positive, negative = (0, 1), (1, 0)
seen = {dtype.__name__: levels(dtype) for dtype in (np.uint8, np.uint16)}
print("OpenCV", cv2.__version__, "Pillow", PIL.__version__)
for depth, found in seen.items():
    print(depth, found)
as_seen = list(seen["uint8"].values()) == [positive] * 3
sys.exit(not (as_seen and list(seen["uint16"].values()) == [negative, positive, negative]))
PY
"$work/venv/bin/python" "$work/seen.py"
