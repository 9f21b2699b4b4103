#!/usr/bin/env bash
# SimpleITK: a grey TIFF with alpha is read as its left half, striped with the alpha.
#
# Versions: SimpleITK 2.5.7, Pillow 13.0.0, numpy 2.4.6.
# Most expect: a TIFF of grey and alpha is a picture of two channels, or of one, the grey; or it is an error,
#   as it is as a PNG.
# Seen: it is a picture of one channel and of the right size. Its first column is the grey of the first pixel,
#   its second the alpha of the first pixel, its third the grey of the second: the numbers of the file are
#   read as they lie, as many as the picture is wide, and the right half is left out. So it is with five
#   channels: the first fifth. Nothing is said.
# Where it matters: grey pictures with alpha that Pillow, Photoshop or GIMP have saved, and pictures of more
#   channels from microscopes and satellites: what is found lies at twice its place.
# Ends with a status other than 0 when SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "simpleitk==2.5.7" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from pathlib import Path

import numpy as np
import PIL
import SimpleITK as sitk
from PIL import Image

ROWS, COLUMNS = 3, 6
folder = Path(sys.argv[1])
grey = 10 * np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
both = np.stack([grey, np.full_like(grey, 255)], -1)
print("SimpleITK", sitk.Version.VersionString(), "Pillow", PIL.__version__)
Image.fromarray(grey, "L").save(folder / "grey.tif")
Image.fromarray(both, "LA").save(folder / "both.tif")
plain, read = (sitk.GetArrayFromImage(sitk.ReadImage(folder / name)) for name in ("grey.tif", "both.tif"))
print("without alpha:", *plain, sep="\n  ")
print("with alpha:", *read, sep="\n  ")
again = np.asarray(Image.open(folder / "both.tif"))
Image.fromarray(both, "LA").save(folder / "both.png")
try:
    sitk.ReadImage(folder / "both.png")
    refused = False
except RuntimeError:
    refused = True
print("as a PNG it is refused:", refused)
right = np.array_equal(plain, grey) and np.array_equal(again, both) and refused
sys.exit(not (right and np.array_equal(read, both.reshape(ROWS, -1)[:, :COLUMNS])))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
