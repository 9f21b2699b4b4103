#!/usr/bin/env bash
# SimpleITK: a TIFF of half floats is read as whole numbers, of which 1.0 is 15360.
#
# Versions: SimpleITK 2.5.7, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: floating point numbers of 16 bits are read as such, or refused, as OpenCV and Pillow refuse
#   them, and as SimpleITK itself refuses those of 64 bits.
# Seen: they are an image of `16-bit unsigned integer`, the bits of each number taken for a whole one. 1.0 is
#   15360, 0.5 is 14336, -1.0 is 48128. The picture looks right, since larger numbers stay larger: but its
#   contrast is that of the exponents, and what is negative is the brightest. Nothing is said.
# Where it matters: scores, depths and probabilities that were saved at half precision to save space.
# Ends with a status other than 0 when SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "simpleitk==2.5.7" "tifffile==2026.3.3" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import SimpleITK as sitk
import tifffile

path = sys.argv[1]
scores = np.array([[0, 0.25, 0.5, 1, -1]])
print("SimpleITK", sitk.Version.VersionString(), "tifffile", tifffile.__version__)
seen = {}
for dtype in (np.float16, np.float32, np.float64):
    tifffile.imwrite(path, scores.astype(dtype))
    try:
        image = sitk.ReadImage(path)
        seen[dtype] = sitk.GetArrayFromImage(image)
        print(f"{dtype.__name__}: {seen[dtype].tolist()}, an image of {image.GetPixelIDTypeAsString()}")
    except RuntimeError as error:
        print(f"{dtype.__name__}: refused: {str(error).strip().splitlines()[-1]}")
right = np.array_equal(seen[np.float32], scores) and np.float64 not in seen
sys.exit(not (right and np.array_equal(seen[np.float16], scores.astype(np.float16).view(np.uint16))))
PY
"$work/venv/bin/python" "$work/seen.py" "$work/scores.tif"
