#!/usr/bin/env bash
# OpenCV: white in a BMP of 16 bits a pixel is (248, 252, 248), pure red 248.
#
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, imagecodecs 2026.3.6, numpy 2.4.6.
# Most expect: the largest number of a channel is 255 in what is read, whether it had 5, 6 or 8 bits.
# Seen: 5 bits become 8 by three zeros at the end. Where all have 5 bits white is (248, 248, 248), where green
#   has 6 it is tinged green. No pixel is brighter. Pillow and imagecodecs have 255.
# Where it matters: pictures of small displays, cameras and games: thresholds at 250 find no white, and the
#   copy of a picture differs from it by up to 7 in each channel, depending on the brightness.
# Ends with a status other than 0 when OpenCV behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "imagecodecs==2026.3.6" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import struct
import sys

import cv2
import imagecodecs
import numpy as np
from PIL import Image

COLOURS = ("white", "red", "green", "blue", "grey")


def bmp(green: int) -> bytes:
    """One row of COLOURS; `green` bits of green, 5 of red and of blue."""
    red, blue = 0x1F << 5 + green, 0x1F
    greens = (1 << green) - 1 << 5
    grey = 0x10 << 5 + green | (0x10 << green - 5) << 5 | 0x10
    row = struct.pack("<5H", red | greens | blue, red, greens, blue, grey) + b"\0\0"
    masks = struct.pack("<III", red, greens, blue)
    head = struct.pack("<IiiHHIIiiII", 40, len(COLOURS), 1, 1, 16, 3, len(row), 0, 0, 0, 0)
    start = 14 + len(head) + len(masks)
    return struct.pack("<2sIHHI", b"BM", start + len(row), 0, 0, start) + head + masks + row


def read(data: bytes) -> dict[str, list[list[int]]]:
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[0, :, ::-1]
    by_pillow = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[0]
    by_imagecodecs = imagecodecs.bmp_decode(data)[0]
    return {
        "OpenCV": by_opencv.tolist(),
        "Pillow": by_pillow.tolist(),
        "imagecodecs": by_imagecodecs.tolist(),
    }


print("OpenCV", cv2.__version__)
as_seen = True
for green in (5, 6):
    found = read(bmp(green))
    for name, colours in found.items():
        print(f"{green} bits of green, {name}:", end=" ")
        print(", ".join(f"{colour} {rgb}" for colour, rgb in zip(COLOURS, colours, strict=True)))
    as_seen &= found["OpenCV"][0] == [248, 248 if green == 5 else 252, 248]
    as_seen &= found["OpenCV"][1] == [248, 0, 0]
    as_seen &= found["Pillow"][:2] == found["imagecodecs"][:2] == [[255, 255, 255], [255, 0, 0]]
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
