#!/usr/bin/env bash
# scikit-image: match_template of a bright float32 picture gives correlations of -13.
#
# Versions: scikit-image 0.26.0, numpy 2.4.6, scipy 1.17.1.
# Most expect: a picture in float32, from 0 to 1, has the scores of the same in float64 to five digits or so.
# Seen: what is computed stays float32, and the sums over windows are differences of running sums over the
#   whole picture, whose last digits are lost where it is large and bright. At 2000 x 2000 pixels, all from
#   0.97 to 1, a part fits its own place by 0.89, not 1, and other scores are off by up to 13. In float64 all
#   are right, and in float32 where the mean is taken off before.
# Where it matters: pictures that are float32 because a network or a video gave them so, or to save memory.
# Ends with a status other than 0 when scikit-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "scikit-image==0.26.0" "numpy==2.4.6" "scipy==1.17.1"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import skimage
from skimage.feature import match_template

ROW, COL = 1940, 1920
picture = (0.97 + 0.03 * np.random.default_rng(0).random((2000, 2000))).astype(np.float32)


def scores(pixels: np.ndarray) -> np.ndarray:
    return match_template(pixels, pixels[ROW : ROW + 20, COL : COL + 30])


right, single, centred = (
    scores(pixels) for pixels in (picture.astype(np.float64), picture, picture - np.float32(picture.mean()))
)
print("scikit-image", skimage.__version__)
for name, found in (("float64", right), ("float32", single), ("float32 less its mean", centred)):
    print(
        f"{name}: {found[ROW, COL]:.4f} at its own place, from {found.min():.2f} to {found.max():.2f},"
        f" off by up to {np.abs(found - right).max():.1g}"
    )
as_seen = abs(single[ROW, COL] - 1) > 0.02 and np.abs(single - right).max() > 2
sys.exit(not (as_seen and abs(right[ROW, COL] - 1) < 1e-6 and np.abs(centred - right).max() < 0.01))
PY
"$work/venv/bin/python" "$work/seen.py"
