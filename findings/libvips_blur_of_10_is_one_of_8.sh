#!/usr/bin/env bash
# libvips: a Gaussian blur by 10 pixels blurs by 8.2, and one by 0.4 not at all.
#
# Versions: pyvips 3.2.0, pyvips-binary 8.18.7, scipy 1.17.1, numpy 2.4.6.
# Most expect: `gaussblur(10)` is a Gaussian with a deviation of 10 pixels, as `ndimage.gaussian_filter(10)`
#   and OpenCV's.
# Seen: of one point it makes a bell that is cut off where it is a fifth as high as in the middle: its
#   deviation is 8.2, that of 2 is 1.6, that of 1 is 0.74, in windows of 35, 7 and 3 pixels, and 0.4 leaves
#   the picture as it is. The edges of the window are steps. `min_ampl=0.01`, instead of 0.2, gives 9.8; the
#   precision has nothing to do with it. scipy gives 10.0.
# Where it matters: what was tuned with another library's blur and is run with libvips; differences of
#   Gaussians, which find things of another size; pictures that are blurred before they are made small.
# Ends with a status other than 0 when libvips or scipy behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pyvips==3.2.0" "pyvips-binary==8.18.7" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import pyvips
import scipy
from scipy import ndimage

SIDE = 401
point = np.zeros((SIDE, SIDE), np.float32)
point[SIDE // 2, SIDE // 2] = 1
libvips = ".".join(str(pyvips.version(n)) for n in range(3))
print("pyvips", pyvips.__version__, "libvips", libvips, "scipy", scipy.__version__)


def deviation(blurred: np.ndarray) -> float:
    """The deviation of what a point became, in pixels."""
    across = blurred.sum(0)
    from_middle = np.arange(SIDE) - SIDE // 2
    return round(float(np.sqrt((across * from_middle**2).sum() / across.sum())), 2)


def by_libvips(sigma: float, **options: object) -> float:
    """The deviation by libvips."""
    return deviation(pyvips.Image.new_from_array(point).gaussblur(sigma, **options).numpy())


seen, further, by_scipy = {}, {}, {}
for sigma in (0.4, 1, 2, 10, 20):
    seen[sigma] = {by_libvips(sigma, precision=how) for how in ("integer", "float")}
    further[sigma] = by_libvips(sigma, min_ampl=0.01)
    by_scipy[sigma] = deviation(ndimage.gaussian_filter(point, sigma))
    print(f"{sigma}: {seen[sigma]}, with min_ampl=0.01 {further[sigma]}, by scipy {by_scipy[sigma]}")
right = all(abs(by_scipy[sigma] / sigma - 1) < 0.01 for sigma in (1, 2, 10, 20))
short = all(0.7 < deviation / sigma < 0.84 for sigma in (1, 2, 10, 20) for deviation in seen[sigma])
sys.exit(not (right and short and seen[0.4] == {0} and further[10] > 9.5))
PY
"$work/venv/bin/python" "$work/seen.py"
