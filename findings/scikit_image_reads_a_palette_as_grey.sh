#!/usr/bin/env bash
# scikit-image: a picture with a palette has its colours if it is a PNG, and is grey noise if it is a TIFF.
#
# Versions: scikit-image 0.26.0, tifffile 2026.3.3, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `io.imread` gives the same pixels of one picture, in whatever format without loss it lies.
# Seen: of PNG and BMP it gives rows of red, green and blue, of TIFF the numbers of the palette, as if they
#   were grey values, without a word and without the palette. tifffile does this by design; scikit-image and
#   imageio take it for TIFF and Pillow for the rest.
# Where it matters: maps, charts and screenshots saved with 256 colours: masks cut from them match nothing,
#   and the shape (rows, columns) looks like that of a grey picture.
# Ends with a status other than 0 when scikit-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "scikit-image==0.26.0" "tifffile==2026.3.3" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from pathlib import Path

import numpy as np
import skimage
import skimage.io
from PIL import Image

folder = Path(sys.argv[1])
colours = np.array([[[250, 250, 245], [200, 30, 40], [20, 90, 200], [0, 0, 0]]] * 4, np.uint8)
picture = Image.fromarray(colours).quantize(8)
assert (np.asarray(picture.convert("RGB")) == colours).all()
seen = {}
for ending in ("png", "bmp", "tif"):
    picture.save(folder / f"chart.{ending}")
    seen[ending] = skimage.io.imread(folder / f"chart.{ending}")
print("scikit-image", skimage.__version__)
for ending, found in seen.items():
    print(f"{ending}: shape {found.shape}, first row {found[0].tolist()}")
numbers = seen.pop("tif")
as_seen = numbers.shape == (4, 4) and (numbers == np.asarray(picture)).all() and numbers.max() < 8
sys.exit(not (as_seen and all(np.array_equal(found, colours) for found in seen.values())))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
