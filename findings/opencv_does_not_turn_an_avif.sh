#!/usr/bin/env bash
# OpenCV: an AVIF is not turned as the file asks, though JPEG, PNG and WebP are.
#
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `imread` turns pictures upright unless told otherwise, and for AVIF, whose turn is part of the
#   format and not metadata (boxes irot and imir, which a reader must apply), so much the more.
# Seen: a picture that Pillow stores with orientation 6 comes upright from JPEG, PNG and WebP, and as it is
#   stored from AVIF, without a word.
# Where it matters: boxes that were drawn in a browser or on a phone are on another picture.
# Ends with a status other than 0 when OpenCV behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import cv2
import numpy as np
from PIL import Image

ORIENTATION, RIGHT = 0x0112, 6


def stored(kind: str) -> bytes:
    """A picture of 64x48, stored in rows, that asks to be shown as 48x64."""
    exif = Image.Exif()
    exif[ORIENTATION] = RIGHT
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, kind, exif=exif)
    return file.getvalue()


def size(data: bytes) -> tuple[int, int]:
    height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    return width, height


seen = {kind: size(stored(kind)) for kind in ("JPEG", "PNG", "WEBP", "AVIF")}
print("OpenCV", cv2.__version__, "width and height:", seen, "irot is there:", b"irot" in stored("AVIF"))
upright = all(seen[kind] == (48, 64) for kind in ("JPEG", "PNG", "WEBP"))
sys.exit(not (upright and seen["AVIF"] == (64, 48) and b"irot" in stored("AVIF")))
PY
"$work/venv/bin/python" "$work/seen.py"
