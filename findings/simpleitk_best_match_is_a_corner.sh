#!/usr/bin/env bash
# SimpleITK: the best place of FFTNormalizedCorrelation is a corner, where two pixels of the part overlap.
#
# Versions: SimpleITK 2.5.7, numpy 2.4.6.
# Most expect: the highest score is where the part lies, as with matchTemplate; at the edges there is nothing,
#   or 0.
# Seen: the map has every place at which the two overlap at all, and two pixels always correlate by 1 or -1. A
#   copy with some noise scores 0.95 at its place; 1 is reached in the corners, where two of its 81 pixels lie
#   on the picture. `requiredNumberOfOverlappingPixels` is 0 if it is not given; with 9 the best place is that
#   of the copy.
# Where it matters: the place of the maximum is a place outside the picture, with a perfect score; a threshold
#   lets it pass, and a mean over the map has it.
# Ends with a status other than 0 when SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "simpleitk==2.5.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import SimpleITK as sitk

ROW, COLUMN, SIDE = 20, 30, 9
noise = np.random.default_rng(0)
picture = noise.random((60, 70))
part = picture[ROW : ROW + SIDE, COLUMN : COLUMN + SIDE] + noise.normal(0, 0.1, (SIDE, SIDE))
images = [sitk.GetImageFromArray(array.astype(np.float32)) for array in (picture, part)]


def best(required: int) -> tuple[float, int, tuple[int, int], float]:
    """The highest score, how many pixels overlap there, where the part's corner is then; the copy's score."""
    scores = sitk.GetArrayFromImage(sitk.FFTNormalizedCorrelation(*images, required))
    assert scores.shape == (60 + SIDE - 1, 70 + SIDE - 1)
    top, left = (int(n) - SIDE + 1 for n in np.unravel_index(scores.argmax(), scores.shape))
    rows = min(top + SIDE, 60) - max(top, 0)
    columns = min(left + SIDE, 70) - max(left, 0)
    copy = scores[ROW + SIDE - 1, COLUMN + SIDE - 1]
    return round(float(scores.max()), 3), rows * columns, (top, left), round(float(copy), 3)


seen = {required: best(required) for required in (0, SIDE)}
print("SimpleITK", sitk.Version.VersionString(), f"(the copy lies at {ROW}, {COLUMN})")
for required, (score, pixels, place, copy) in seen.items():
    print(f"at least {required} pixels: best {score} at {place}, where {pixels} overlap; the copy: {copy}")
score, pixels, _, copy = seen[0]
sys.exit(not (score > 0.999 and pixels == 2 and 0.85 < copy < 0.99 and seen[SIDE][2] == (ROW, COLUMN)))
PY
"$work/venv/bin/python" "$work/seen.py"
