#!/usr/bin/env bash
# numpy: the mean of a white float32 picture is 0.84, where it is taken for each channel.
#
# Version: numpy 2.4.6.
# Most expect: `picture.mean(axis=(0, 1))` of a picture (rows, columns, 3) that is 1 everywhere is 1, or
#   nearly: numpy is known for sums in pairs, whose error hardly grows.
# Seen: 0.8389 for 5000 x 4000 pixels. Sums in pairs are made along the last axis in memory alone. Along
#   others one pixel is added after the other, and a float32 sum of ones stands still at 2**24. The same
#   pixels with the channels first, or all channels together, have a mean of 1. Smaller pictures are off, too:
#   a million of 0.9 by 0.008; and the deviation of noise is 0.048, not 0.029. `dtype=np.float64` gives the
#   digits back.
# Where it matters: colours that are normalised by a picture's mean and deviation, and grounds filled with it.
# Ends with a status other than 0 when numpy behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np

white = np.ones((5000, 4000, 3), np.float32)
last = float(white.mean(axis=(0, 1))[0])
together = float(white.mean())
double = float(white.mean(axis=(0, 1), dtype=np.float64)[0])
del white
first = float(np.ones((3, 5000, 4000), np.float32).mean(axis=(1, 2))[0])
grey = float(np.full((1000, 1000, 3), 0.9, np.float32).mean(axis=(0, 1))[0])
noise = 0.9 + 0.1 * np.random.default_rng(0).random((3000, 3000, 3), np.float32)
deviation, true_deviation = (float(noise.std(axis=(0, 1), dtype=t)[0]) for t in (None, np.float64))
print("numpy", np.__version__)
print(f"white: channels last {last:.4f}, first {first:.4f}, together {together:.4f}, float64 {double}")
print(f"a million of 0.9: {grey:.4f}")
print(f"deviation of noise: {deviation:.4f}, in float64 {true_deviation:.4f}")
right = first == together == double == 1 and abs(true_deviation - 0.1 / 12**0.5) < 1e-4
sys.exit(not (right and last < 0.85 and abs(grey - 0.9) > 0.005 and deviation > 1.3 * true_deviation))
PY
"$work/venv/bin/python" "$work/seen.py"
