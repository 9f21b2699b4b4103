#!/usr/bin/env bash
# OpenCV: what white is in a PGM depends on whether its numbers are bytes or text.
#
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, numpy 2.4.6.
# Most expect: the header of a PGM says which number is white (maxval), and a reader of 8 bits makes 255 of
#   it; or it makes nothing of it. P2, with numbers as text, and P5, with bytes, are the same picture written
#   in two ways.
# Seen: with a white of 100, P2 is scaled to 0..255, P5 is left at 0..100. A P5 of 10 bits (white 1023) that
#   is read with IMREAD_GRAYSCALE has values from 0 to 3: it is divided by 256, as if 65535 were white. Pillow
#   scales all.
# Where it matters: cameras of 10 and 12 bits, and tools that write PGM. The picture is there, and nearly
#   black.
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


def white(data: bytes, flag: int) -> int:
    return int(cv2.imdecode(np.frombuffer(data, np.uint8), flag).max())


files = {
    "P2, white 100": b"P2\n2 1\n100\n0 100\n",
    "P5, white 100": b"P5\n2 1\n100\n" + bytes([0, 100]),
    "P5, white 1023": b"P5\n2 1\n1023\n" + bytes([0, 0, 3, 255]),
}
expected = {"P2, white 100": (255, 255), "P5, white 100": (100, 100), "P5, white 1023": (3, 1023)}
print("OpenCV", cv2.__version__)
seen = {}
for name, data in files.items():
    seen[name] = white(data, cv2.IMREAD_GRAYSCALE), white(data, cv2.IMREAD_UNCHANGED)
    by_pillow = Image.open(io.BytesIO(data)).getextrema()[1]
    print(f"{name}: read as {seen[name][0]}, unchanged as {seen[name][1]}; by Pillow as {by_pillow}")
sys.exit(seen != expected)
PY
"$work/venv/bin/python" "$work/seen.py"
