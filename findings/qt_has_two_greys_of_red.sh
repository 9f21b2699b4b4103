#!/usr/bin/env bash
# Qt: made grey, a red is 127 by an image's `convertToFormat`, 87 by `qGray`, and 76 by nearly everyone else.
#
# Versions: PySide6-Essentials 6.12.0, opencv-python-headless 5.0.0.93, Pillow 13.0.0, numpy 2.4.6.
# Most expect: grey is 0.299 red + 0.587 green + 0.114 blue, as by Pillow and OpenCV, or something near it;
#   and one library has one grey.
# Seen: by `convertToFormat(Format_Grayscale8)` red is 127, green 220, blue 76, also where the picture has no
#   profile: the numbers of sRGB that is made linear, weighed, and bent back. `qGray` weighs 11, 16 and 5 of
#   32 as they are: 87, 127, 39. Greys stay as they are, so that a test with grey does not show it.
# Where it matters: templates made with Qt and searched with OpenCV; thresholds. A red mark on green ground,
#   76 on 150 elsewhere, is 127 on 220.
# Ends with a status other than 0 when it is otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "PySide6-Essentials==6.12.0" "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import PySide6
from PIL import Image
from PySide6.QtGui import QColor, QImage, qGray

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (128, 128, 128)}


def greys(colour: tuple[int, int, int]) -> list[int]:
    """By convertToFormat, by qGray, by Pillow, by OpenCV."""
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(QColor(*colour))
    made = image.convertToFormat(QImage.Format.Format_Grayscale8)
    by_opencv = cv2.cvtColor(np.full((1, 1, 3), colour, np.uint8), cv2.COLOR_RGB2GRAY)
    by_pillow = Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))
    return [made.pixelColor(1, 1).red(), qGray(*colour), by_pillow, int(by_opencv[0, 0])]


print("Qt", PySide6.__version__)
seen = {name: greys(colour) for name, colour in COLOURS.items()}
for name, (converted, weighed, by_pillow, by_opencv) in seen.items():
    print(f"{name}: convertToFormat {converted}, qGray {weighed}, Pillow {by_pillow}, OpenCV {by_opencv}")
expected = {
    "red": [127, 87, 76, 76],
    "green": [220, 127, 150, 150],
    "blue": [76, 39, 29, 29],
    "grey": [128, 128, 128, 128],
}
sys.exit(seen != expected)
PY
"$work/venv/bin/python" "$work/seen.py"
