#!/usr/bin/env bash
# rasterio: the same JPEG has other pixels than in Pillow or OpenCV, by up to 90 of 255.
#
# Versions: rasterio 1.4.4 (GDAL 3.10.3, IJG libjpeg), Pillow 13.0.0, OpenCV 5.0.0.93, numpy 2.4.6.
# Most expect: decoders of a baseline JPEG differ by a rounding, one or two grey values.
# Seen: so it is where colours are stored at full size (4:4:4). Where they are stored at half, as nearly all
#   files have them, Pillow and OpenCV are equal, and rasterio differs in a fifth of the samples of coloured
#   writing. Its wheels hold the libjpeg of the IJG, which since version 7 enlarges colours by a larger
#   inverse transform; libjpeg-turbo interpolates between samples.
# Where it matters: a mask cut out with one library and sought with the other, and networks that learn from
#   one and are used with the other: at the edges of colours nothing is equal, brightness included.
# Ends with a status other than 0 when rasterio behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "rasterio==1.4.4" "pillow==13.0.0" "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys
import warnings

import cv2
import numpy as np
import rasterio
from PIL import Image, ImageDraw

warnings.simplefilter("ignore")  # that it has no place on the earth
page = Image.new("RGB", (400, 120), "white")
draw = ImageDraw.Draw(page)
draw.text((5, 20), "Where is he? red stripes", fill=(220, 20, 30), font_size=24)
draw.text((5, 60), "blue trousers, brown hair", fill=(20, 40, 200), font_size=24)


def differences(subsampling: str) -> dict[str, tuple[float, int]]:
    """Share of the samples that differ from Pillow's, and the largest difference."""
    file = io.BytesIO()
    page.save(file, "JPEG", quality=95, subsampling=subsampling)
    data = file.getvalue()
    with rasterio.MemoryFile(data) as memory, memory.open() as opened:
        by_rasterio = opened.read().transpose(1, 2, 0)
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    by_pillow = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    others = {"OpenCV": by_opencv, "rasterio": by_rasterio}
    apart = {name: np.abs(pixels - by_pillow) for name, pixels in others.items()}
    return {name: (round(float((d > 0).mean()), 3), int(d.max())) for name, d in apart.items()}


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__, "OpenCV", cv2.__version__)
seen = {subsampling: differences(subsampling) for subsampling in ("4:4:4", "4:2:0")}
for subsampling, apart in seen.items():
    print(subsampling, "share and largest difference from Pillow:", apart)
full, half = seen["4:4:4"], seen["4:2:0"]
small = max(full["OpenCV"][1], full["rasterio"][1], half["OpenCV"][1]) <= 2
sys.exit(not (small and half["rasterio"][0] > 0.1 and half["rasterio"][1] > 40))
PY
"$work/venv/bin/python" "$work/seen.py"
