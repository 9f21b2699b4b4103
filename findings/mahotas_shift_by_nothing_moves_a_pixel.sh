#!/usr/bin/env bash
# mahotas: a shift by 0 moves a picture by a pixel up and left, one by 1 does not move it.
#
# Versions: mahotas 1.4.19, scipy 1.17.1, numpy 2.4.6.
# Most expect: `mahotas.interpolate.shift`, whose documentation is that of `scipy.ndimage.shift`, moves a
#   picture by what it is told, also by parts of a pixel.
# Seen: along each axis it moves by a pixel less, and by whole pixels only: a shift by 0 moves by -1, 1 by 0,
#   2 by 1, and those by 0.5 and 1.5 move by 0 and 1, with any order of the spline. A shift of (0, 3) thus
#   moves up by a row as well. What is moved in is 0. scipy moves by what it is told.
# Where it matters: pictures that are brought over each other by a measured shift lie up to a pixel beside,
#   and the part of a pixel that was measured is dropped.
# Ends with a status other than 0 when mahotas or scipy behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "mahotas==1.4.19" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from collections.abc import Callable

import mahotas
import numpy as np
import scipy
from mahotas.interpolate import shift
from scipy import ndimage

rows, columns = np.indices((16, 16), float)


def moved(by: Callable, amounts: tuple[float, float], order: int) -> tuple[float, float]:
    """By how many rows and columns the middle was moved down and right, measured on ramps."""
    down, right = (float(ramp[8, 8] - by(ramp, amounts, order=order)[8, 8]) for ramp in (rows, columns))
    return round(down, 2), round(right, 2)


print("mahotas", mahotas.__version__, "scipy", scipy.__version__)
as_seen = True
for amounts in ((0, 0), (0, 1), (0, 3), (2, 1), (0.5, 1.5), (-1, 0)):
    for order in (1, 3):
        by_mahotas, by_scipy = moved(shift, amounts, order), moved(ndimage.shift, amounts, order)
        print(f"a shift by {amounts}, order {order}: moved by {by_mahotas}, by scipy {by_scipy}")
        as_seen &= by_scipy == amounts
        as_seen &= by_mahotas == tuple(np.ceil(amount) - 1 for amount in amounts)
corner = shift(np.ones((4, 4)), (0, 0), order=1)
print("a picture of 1, by 0:", *corner, sep="\n  ")
sys.exit(not (as_seen and not corner[-1].any() and not corner[:, -1].any() and corner[:-1, :-1].all()))
PY
"$work/venv/bin/python" "$work/seen.py"
