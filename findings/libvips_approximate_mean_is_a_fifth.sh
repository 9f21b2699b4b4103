#!/usr/bin/env bash
# libvips, seen through pyvips: the mean of a picture that is 200 everywhere is 40, and by `convasep` 0.
#
# Versions: pyvips 3.2.0, libvips 8.18.7, numpy 2.4.6.
# Most expect: `conv(precision="approximate")` is a little less exact than "float", and exact for a kernel of
#   ones, for it is made of boxes.
# Seen: with kernels of ones the answer is divided by the number of layers, 5 if it is not given: 200 becomes
#   40. With `layers=1` it is 200, with 2 it is 100. `convasep` of a row of ones is 0. What all boxes of the
#   kernel have in common is taken out of their sums, it seems, and is left in the divisor. A kernel of 1, 2,
#   1 by 1, 2, 1 keeps 200. No error, no warning.
# Where it matters: means and sums over large windows, for which one takes "approximate": the local mean that
#   is taken off before correlation or thresholding is a fifth of what it should be.
# Ends with a status other than 0 when libvips behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pyvips==3.2.0" "pyvips-binary==8.18.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import pyvips

flat = pyvips.Image.new_from_array(np.full((60, 60), 200, np.uint8))


def value(made: pyvips.Image) -> int:
    """The one value of the picture that was made."""
    (only,) = np.unique(made.numpy())
    return round(float(only))


seen = {}
for side in (3, 5, 11):
    ones = pyvips.Image.new_from_array([[1] * side] * side, scale=side * side)
    row = pyvips.Image.new_from_array([[1] * side], scale=side)
    seen[side] = {
        "float": value(flat.conv(ones, precision="float")),
        "approximate": value(flat.conv(ones, precision="approximate")),
        "of 2 layers": value(flat.conv(ones, precision="approximate", layers=2)),
        "of 1 layer": value(flat.conv(ones, precision="approximate", layers=1)),
        "convsep, float": value(flat.convsep(row, precision="float")),
        "convasep": value(flat.convasep(row)),
    }
bell = pyvips.Image.new_from_array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], scale=16)
of_bell = value(flat.conv(bell, precision="approximate"))
print("pyvips", version("pyvips"), "libvips", ".".join(str(pyvips.version(n)) for n in range(3)))
for side, found in seen.items():
    print(f"mean over {side}x{side}:", found)
print("1 2 1 by 1 2 1, approximate:", of_bell)
sys.exit(
    any(list(found.values()) != [200, 40, 100, 200, 200, 0] for found in seen.values())
    or of_bell != 200
)
PY
"$work/venv/bin/python" "$work/seen.py"
