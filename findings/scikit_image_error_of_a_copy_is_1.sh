#!/usr/bin/env bash
# scikit-image: the error of a picture registered with itself is 1, as with any other picture.
#
# Versions: scikit-image 0.26.0, scipy 1.17.1, numpy 2.4.6.
# Most expect: the second number of `phase_cross_correlation`, the error, "translation invariant normalized
#   RMS error", is 0 for a picture and its shifted copy, and near 1 for two that have nothing in common.
# Seen: the shift is right, and the error is more than 0.9999 for the picture itself, for its shifted copy and
#   for another. The default, `normalization="phase"`, divides each frequency by its magnitude; the error then
#   sets the highest point of that correlation against the energy of the pictures, which it no longer has to
#   do with. With `normalization=None` the error is 0 for the copies and 0.98 for another picture.
# Where it matters: who accepts a registration by its error accepts all or none, and a wrong shift looks like
#   a right one.
# Ends with a status other than 0 when scikit-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "scikit-image==0.26.0" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import skimage
from scipy import ndimage
from skimage.registration import phase_cross_correlation

rng = np.random.default_rng(0)
picture = ndimage.gaussian_filter(rng.normal(size=(64, 64)), 2, mode="wrap")
shown = {
    "itself": picture,
    "its copy, shifted by 3, 5": np.roll(picture, (3, 5), (0, 1)),
    "another": ndimage.gaussian_filter(rng.normal(size=(64, 64)), 2, mode="wrap"),
}
print("scikit-image", skimage.__version__)
errors, shifts = {}, {}
for normalization in ("phase", None):
    for name, other in shown.items():
        shift, error, _ = phase_cross_correlation(picture, other, normalization=normalization)
        errors[name, normalization], shifts[name, normalization] = float(error), shift.astype(int).tolist()
        print(f"{normalization}, {name}: shift {shifts[name, normalization]}, error {error:.7f}")
copies = list(shown)[:2]
right = all(shifts[copies[1], normalization] == [-3, -5] for normalization in ("phase", None))
told = all(errors[name, None] < 1e-6 for name in copies) and 0.5 < errors["another", None] < 1
sys.exit(not (right and told and all(errors[name, "phase"] > 0.99 for name in shown)))
PY
"$work/venv/bin/python" "$work/seen.py"
