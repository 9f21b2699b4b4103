#!/usr/bin/env bash
# OpenCV: the colours of a TIFF with alpha come multiplied by alpha, if they have 8 bits.
#
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: IMREAD_UNCHANGED gives the samples of the file, and alpha that is declared as not multiplied
#   (ExtraSamples 2) leaves colours alone, as in a PNG, a WebP or an AVIF.
# Seen: of 8 bits, libtiff's RGBA reader multiplies them: 200 with an alpha of 51 becomes 40, and
#   IMREAD_COLOR, which drops alpha, has 40, too: the picture on black. Of 16 bits they come as stored. TIFFs
#   that OpenCV wrote itself do not say that they have alpha, and come as stored.
# Where it matters: masks with soft edges. The same mask as PNG and as TIFF has a bright and a dark rim.
# Ends with a status other than 0 when OpenCV behaves otherwise.
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
import tifffile
from PIL import Image

pixels = np.empty((4, 4, 4), np.uint8)
pixels[...] = 200, 200, 200, 51  # alpha is a fifth


def by_pillow(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def of_16_bits() -> bytes:
    file = io.BytesIO()
    samples = pixels.astype(np.uint16) * 257
    tifffile.imwrite(file, samples, photometric="rgb", extrasamples=["unassalpha"])
    return file.getvalue()


def red(data: bytes, flag: int) -> int:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    return int(found[0, 0, 2]) // (257 if found.dtype == np.uint16 else 1)


files = {"PNG": by_pillow("PNG"), "TIFF, 8 bits": by_pillow("TIFF"), "TIFF, 16 bits": of_16_bits()}
seen = {name: (red(data, cv2.IMREAD_UNCHANGED), red(data, cv2.IMREAD_COLOR)) for name, data in files.items()}
print("OpenCV", cv2.__version__, "(red of 200, with IMREAD_UNCHANGED and with IMREAD_COLOR)")
for name, values in seen.items():
    print(f"{name}: {values}")
sys.exit(list(seen.values()) != [(200, 200), (40, 40), (200, 40)])
PY
"$work/venv/bin/python" "$work/seen.py"
