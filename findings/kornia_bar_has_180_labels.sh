#!/usr/bin/env bash
# kornia: one bar of 280 pixels is 180 things by `connected_components`.
#
# Versions: kornia 0.9.0, torch 2.13.0, scipy 1.17.1, numpy 2.4.6.
# Most expect: pixels that touch have one label, and the number of labels is that of the things.
# Seen: labels are spread to the neighbours a hundred times, and then it is over. A bar of 280 x 2 pixels has
#   180 labels, a square of 240 x 280 has 25200. What is no longer than a hundred pixels is right, also if
#   there are many; a line that winds through 31 x 31 is not. `num_iterations=1000` is right for these;
#   nothing says that it was not enough. scipy has one label.
# Where it matters: masks of the usual size of pictures, hundreds of pixels: counts, areas and boxes are those
#   of scraps, where tests with small masks are right.
# Ends with a status other than 0 when kornia or scipy behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "kornia==0.9.0" "torch==2.13.0" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import kornia
import numpy as np
import torch
from kornia.contrib import connected_components
from scipy import ndimage


def mask(rows: slice, columns: slice) -> np.ndarray:
    """A mask of 300 x 300 pixels with one rectangle."""
    made = np.zeros((300, 300), np.float32)
    made[rows, columns] = 1
    return made


winding = np.zeros((31, 31), np.float32)
winding[::2] = 1
winding[1::4, -1] = winding[3::4, 0] = 1
many = np.zeros((300, 300), np.float32)
many[::10, ::10] = many[1::10, ::10] = 1
print("kornia", kornia.__version__, "torch", torch.__version__)
seen = {}
for name, pixels in {
    "a square of 90 x 90": mask(slice(10, 100), slice(10, 100)),
    "900 things of 2 pixels": many,
    "a bar of 2 x 280": mask(slice(10, 12), slice(10, 290)),
    "a square of 240 x 280": mask(slice(10, 250), slice(10, 290)),
    "a line that winds": winding,
}.items():
    picture = torch.from_numpy(pixels)[None, None]
    counts = [len(connected_components(picture, num_iterations=n).unique()) - 1 for n in (100, 1000)]
    seen[name] = *counts, ndimage.label(pixels)[1]
    print(f"{name}: {counts[0]} labels, with 1000 iterations {counts[1]}, by scipy {seen[name][2]}")
right = seen["a square of 90 x 90"] == (1, 1, 1) and seen["900 things of 2 pixels"] == (900, 900, 900)
long = [seen[name] for name in list(seen)[2:]]
sys.exit(not (right and all(first > 50 and after == by_scipy == 1 for first, after, by_scipy in long)))
PY
OMP_NUM_THREADS=1 "$work/venv/bin/python" -W ignore "$work/seen.py"
