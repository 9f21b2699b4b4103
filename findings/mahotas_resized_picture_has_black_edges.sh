#!/usr/bin/env bash
# mahotas: a picture that is 200 everywhere has a black last row and column after most changes of its size.
#
# Versions: mahotas 1.4.19, scikit-image 0.26.0, numpy 2.4.6.
# Most expect: `imresize` of a flat picture is as flat, as by every other library.
# Seen: from 64 x 64 to 128 x 128 the last row and the last column are 0, whatever the order of the spline. So
#   it is for most sizes, and for `resize_to` and `resize_rgb_to`, but not for some: 100 to 50 pixels is all
#   200. It seems that the last pixel lies beyond the edge by an error of rounding, and beyond the edge all is
#   0; scipy's `zoom` was once the same (scipy#4922).
# Where it matters: a black line at two sides is the strongest edge of the picture: corners, thresholds and
#   normalised scores near it are those of the line.
# Ends with a status other than 0 when mahotas behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "mahotas==1.4.19" "scikit-image==0.26.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import mahotas
import numpy as np
from mahotas.resize import resize_rgb_to, resize_to
from skimage import transform


def black(made: np.ndarray) -> str:
    """Where the picture is 0; it is 200 elsewhere."""
    assert set(np.unique(made.round())) <= {0, 200}
    zero = made == 0
    edges = np.zeros_like(zero)
    edges[-1] = edges[:, -1] = True
    return "nowhere" if not zero.any() else "last row and column" if (zero == edges).all() else "elsewhere"


def flat(side: int) -> np.ndarray:
    return np.full((side, side), 200.0)


seen = {f"64 to 128, order {n}": black(mahotas.imresize(flat(64), 2, order=n)) for n in range(6)}
seen |= {f"{side} to {new}": black(resize_to(flat(side), (new, new))) for side, new in ((100, 75), (64, 32))}
colours = resize_rgb_to(np.dstack([flat(64)] * 3), (128, 128))
seen["64 to 128, colours"] = black(colours[..., 0])
spared = {"100 to 50": black(mahotas.imresize(flat(100), 0.5))}
others = {"scikit-image, 64 to 128": black(transform.resize(flat(64), (128, 128)))}
print("mahotas", mahotas.__version__, "(where a picture of 200 is black)")
for size, where in {**seen, **spared, **others}.items():
    print(f"{size}: {where}")
sys.exit(set(seen.values()) != {"last row and column"} or {*spared.values(), *others.values()} != {"nowhere"})
PY
"$work/venv/bin/python" "$work/seen.py"
