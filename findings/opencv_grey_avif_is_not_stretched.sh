#!/usr/bin/env bash
# OpenCV: a grey AVIF of video's range has black at 16 and white at 235; a coloured one has 0 and 255.
#
# Versions: opencv-python-headless 5.0.0.93, Pillow 13.0.0, numpy 2.4.6.
# Most expect: brightness that is stored from 16 to 235 ("limited" range, as video has it) is stretched while
#   it is decoded, as that of films is; a grey picture is a coloured one without colours.
# Seen: that is so for colour. Of grey pictures OpenCV copies the stored numbers, also where IMREAD_COLOR asks
#   for three channels. Pillow, with the same libavif, stretches both.
# Where it matters: thresholds, differences, and everything that was learned from 0 to 255: a seventh of the
#   contrast is missing, and paper is grey. A correlation does not notice it, a network does.
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

page = np.zeros((64, 64), np.uint8)
page[:, 32:] = 255


def ends(mode: str, stored_range: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Black and white as OpenCV reads them, and as Pillow does."""
    file = io.BytesIO()
    Image.fromarray(page).convert(mode).save(file, "AVIF", quality=100, range=stored_range)
    data = np.frombuffer(file.getvalue(), np.uint8)
    by_opencv = cv2.imdecode(data, cv2.IMREAD_COLOR)
    by_pillow = np.asarray(Image.open(file).convert("RGB"))
    (a, b), (c, d) = ((int(pixels[8, 8, 0]), int(pixels[8, 56, 0])) for pixels in (by_opencv, by_pillow))
    return (a, b), (c, d)


seen = {(mode, stored): ends(mode, stored) for mode in ("L", "RGB") for stored in ("full", "limited")}
print("OpenCV", cv2.__version__)
for (mode, stored), (by_opencv, by_pillow) in seen.items():
    print(f"{mode}, {stored} range: black and white by OpenCV {by_opencv}, by Pillow {by_pillow}")
odd = seen.pop(("L", "limited"))
sys.exit(not (odd == ((16, 235), (0, 255)) and all(pair == ((0, 255), (0, 255)) for pair in seen.values())))
PY
"$work/venv/bin/python" "$work/seen.py"
