#!/usr/bin/env bash
# libvips: `fastcor` of a large part counts modulo 2**32, so that its best place is a wrong one.
#
# Versions: pyvips 3.2.0, pyvips-binary 8.18.7, numpy 2.4.6.
# Most expect: the sum of squared differences is smallest where the part lies, and any place that differs much
#   has a large one.
# Seen: of pictures of bytes the sums are whole numbers of 32 bits, and start from 0 again above 2**32. A part
#   of 300 x 300 reaches that where it differs by 219, one of 1000 x 1000 where it differs by 66. The copy of
#   a dark part, with noise, has 12 million; a place in a bright area has less, and is the best. Nothing is
#   said. Pictures of floating point numbers give the right sums.
# Where it matters: parts as large as a page's column or a panel; the smaller ones with which one tries it are
#   right.
# Ends with a status other than 0 when libvips behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pyvips==3.2.0" "pyvips-binary==8.18.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import pyvips

SIDE = 300  # of the part
rng = np.random.default_rng(0)
part = rng.integers(0, 3, (SIDE, SIDE), dtype=np.uint8)  # nearly black
copy = part + rng.integers(0, 20, part.shape, dtype=np.uint8)
bright = np.tile(np.linspace(210, 240, 900).astype(np.uint8), (SIDE, 1))
picture = np.hstack([copy, bright])
print("pyvips", pyvips.__version__, "libvips", *(pyvips.version(n) for n in range(3)))


def sums(dtype: type) -> np.ndarray:
    """The sums of squared differences by libvips, for each column at which the part may begin."""
    whole, small = (pyvips.Image.new_from_array(pixels.astype(dtype)) for pixels in (picture, part))
    found = whole.fastcor(small)
    print(f"{dtype.__name__}: sums of the type {found.format}")
    # The place of a sum is the middle of the part.
    return found.crop(SIDE // 2, SIDE // 2, picture.shape[1] - SIDE + 1, 1).numpy()[0]


true = [
    ((picture[:, column : column + SIDE].astype(np.int64) - part) ** 2).sum()
    for column in range(picture.shape[1] - SIDE + 1)
]
of_bytes, of_doubles = sums(np.uint8).astype(np.int64), sums(np.float64)
best = int(of_bytes.argmin())
print(f"the copy at column 0: really {true[0]}, of bytes {of_bytes[0]}")
print(f"the best of bytes is at column {best}: really {true[best]}, of bytes {of_bytes[best]}")
right = np.array_equal(of_doubles, true) and np.argmin(true) == 0
sys.exit(not (right and np.array_equal(of_bytes, np.remainder(true, 2**32)) and best > SIDE))
PY
"$work/venv/bin/python" "$work/seen.py"
