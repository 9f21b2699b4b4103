#!/usr/bin/env bash
# Pillow: a FITS picture of 16 bits has its black in the middle, and what is brighter than the middle is
#   black.
#
# Versions: Pillow 13.0.0, astropy 8.0.2, numpy 2.4.6.
# Most expect: pixels of a FITS file are the numbers that astropy reads: FITS knows signed numbers only, and
#   says by BZERO = 32768 that unsigned ones were stored less that.
# Seen: Pillow reads neither BZERO nor BSCALE, and takes the signed numbers for unsigned. 0, 100, 32768 and
#   65535 are read as 32768, 32868, 0 and 32767: a dark sky is grey, and its stars are black. Of signed
#   numbers -1 is 65535. Of 8 bits and of floats all is right.
# Where it matters: cameras on telescopes and microscopes write such files; sought by correlation, a faint
#   thing is found, and a bright one has a hole.
# Ends with a status other than 0 when Pillow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pillow==13.0.0" "astropy==8.0.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import astropy
import numpy as np
import PIL
from astropy.io import fits
from PIL import Image


def read(values: list[float], dtype: type[np.number]) -> tuple[list[float], list[float]]:
    """The bottom row of a file as astropy reads it, and as Pillow does, whose first row is the topmost."""
    file = io.BytesIO()
    fits.PrimaryHDU(np.array([values] * 4, dtype)).writeto(file)
    file.seek(0)
    by_pillow = np.asarray(Image.open(file))[-1].tolist()
    file.seek(0)
    return fits.getdata(file)[0].tolist(), by_pillow


cases = {
    np.uint8: [0, 100, 128, 255],
    np.float32: [-1, 0, 0.5, 70000],
    np.uint16: [0, 100, 32768, 65535],
    np.int16: [-1, 0, 100, 32767],
}
seen = {dtype.__name__: read(values, dtype) for dtype, values in cases.items()}
print("Pillow", PIL.__version__, "astropy", astropy.__version__)
for name, (by_astropy, by_pillow) in seen.items():
    print(f"{name}: by astropy {by_astropy}, by Pillow {by_pillow}")
right = seen["uint8"][0] == seen["uint8"][1] and seen["float32"][0] == seen["float32"][1]
wrong = seen["uint16"][1] == [32768, 32868, 0, 32767] and seen["int16"][1] == [65535, 0, 100, 32767]
sys.exit(not (right and wrong and seen["uint16"][0] == cases[np.uint16]))
PY
"$work/venv/bin/python" "$work/seen.py"
