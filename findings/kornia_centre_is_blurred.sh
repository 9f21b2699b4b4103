#!/usr/bin/env bash
# kornia: the centre of a picture is cut out with each four pixels mixed, if one of the two sizes is odd.
#
# Versions: kornia 0.9.0, torch 2.13.0, numpy 2.4.6.
# Most expect: `center_crop` cuts pixels out; where the centre falls between two, it lies half a pixel beside.
# Seen: of a picture of 12 x 12 the centre of 5 x 5 lies between the pixels, and each pixel of it is the mean
#   of four: a board of black and white is 0.5 all over, and noise has half its deviation. Of 12 x 12 to 4 x
#   4, or of 13 x 13 to 5 x 5, pixels are cut out, but for errors of a millionth. `CenterCrop`, its twin among
#   the augmentations, cuts out pixels of all of them.
# Where it matters: a crop before a network or a comparison: whether a picture is sharp depends on whether its
#   height is odd, and the labels of a mask become halves.
# Ends with a status other than 0 when kornia behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "kornia==0.9.0" "torch==2.13.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import kornia
import torch
from kornia.augmentation import CenterCrop
from kornia.geometry.transform import center_crop


def board(side: int) -> torch.Tensor:
    """Black and white in turn."""
    return (torch.arange(side)[:, None] + torch.arange(side)).remainder(2).float()[None, None]


noise = torch.randn(1, 1, 512, 512, generator=torch.Generator().manual_seed(0))
print("kornia", kornia.__version__, "torch", torch.__version__)
seen = {}
for side, cut in ((12, 4), (13, 5), (12, 5), (13, 4)):
    by_both = center_crop(board(side), (cut, cut)), CenterCrop(cut)(board(side))
    seen[side, cut] = tuple(found.round(decimals=3).unique().tolist() for found in by_both)
    print(f"a board of {side}, its centre of {cut}: {seen[side, cut][0]}, by CenterCrop {seen[side, cut][1]}")
deviations = {cut: round(float(center_crop(noise, (cut, cut)).std()), 2) for cut in (400, 401)}
print("the deviation of noise of 512 is, cut to", deviations)
pixels = [0, 1]
right = seen[12, 4] == seen[13, 5] == (pixels, pixels) and abs(deviations[400] - 1) < 0.02
sys.exit(not (right and seen[12, 5] == seen[13, 4] == ([0.5], pixels) and abs(deviations[401] - 0.5) < 0.02))
PY
OMP_NUM_THREADS=1 "$work/venv/bin/python" -W ignore "$work/seen.py"
