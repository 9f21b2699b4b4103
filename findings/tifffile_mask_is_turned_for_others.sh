#!/usr/bin/env bash
# tifffile: a mask of bool that it has saved is the other way round for Pillow, OpenCV and libvips.
#
# Versions: tifffile 2026.3.3, Pillow 13.0.0, opencv-python-headless 5.0.0.93, pyvips 3.2.0, pyvips-binary
#   8.18.7, numpy 2.4.6.
# Most expect: True is white and False black, whoever reads the file; a mask with four True pixels has four.
# Seen: `imwrite` of an array of bool says in the file that 0 is white, MINISWHITE, and stores True as 1.
#   tifffile reads the bits and gives the mask back, and so does GDAL. Pillow, OpenCV and libvips read what
#   the file says: True is black and False white. With `photometric="minisblack"`, and of bytes, all give the
#   same.
# Where it matters: masks for training, or for the ground of a picture: by one reader the thing is masked, by
#   the other all but the thing.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "tifffile==2026.3.3" "pillow==13.0.0" \
  "opencv-python-headless==5.0.0.93" "pyvips==3.2.0" "pyvips-binary==8.18.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np
import PIL
import pyvips
import tifffile
from PIL import Image

path = sys.argv[1]
mask = np.zeros((8, 16), bool)
mask[2:4, 5:7] = True
print("tifffile", tifffile.__version__, "Pillow", PIL.__version__, "OpenCV", cv2.__version__)


def white() -> dict[str, int]:
    """How many pixels are not black by each reader."""
    read = {
        "tifffile": tifffile.imread(path),
        "Pillow": np.asarray(Image.open(path)),
        "OpenCV": cv2.imread(path, cv2.IMREAD_UNCHANGED),
        "libvips": pyvips.Image.new_from_file(path, revalidate=True).numpy(),
    }
    return {name: int(np.count_nonzero(pixels)) for name, pixels in read.items()}


seen = {}
for how, array, options in (
    ("of bool", mask, {}),
    ("of bool, minisblack", mask, {"photometric": "minisblack"}),
    ("of bytes", mask.astype(np.uint8) * 255, {}),
):
    tifffile.imwrite(path, array, **options)
    with tifffile.TiffFile(path) as file:
        said = file.pages[0].photometric.name
    seen[how] = white()
    print(f"{how}, the file says {said}: pixels that are not black {seen[how]}")
right = all(count == 4 for how in list(seen)[1:] for count in seen[how].values())
sys.exit(not (right and list(seen["of bool"].values()) == [4] + 3 * [mask.size - 4]))
PY
"$work/venv/bin/python" "$work/seen.py" "$work/mask.tif"
