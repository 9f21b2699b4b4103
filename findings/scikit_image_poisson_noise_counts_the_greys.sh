#!/usr/bin/env bash
# scikit-image: the Poisson noise of a picture depends on how many greys it has.
#
# Versions: scikit-image 0.26.0, numpy 2.4.6.
# Most expect: `random_noise(picture, mode="poisson")` adds the noise that the light of each pixel has: the
#   same grey gets the same noise in any picture.
# Seen: a grey of 0.5 has a deviation of 0.04 in a picture of 256 greys, of 0.31 in one of 4, and of 0.39 in
#   one of 2. The number of different values, rounded up to a power of two, is taken for the number of photons
#   in white. So a photograph of bytes has 256, the same as floating point numbers after a blur thousands, and
#   nearly no noise.
# Where it matters: noise that is added to learn or to test with: drawings, masks and pages in black and white
#   are drowned, and what was resized before is left nearly clean.
# Ends with a status other than 0 when scikit-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "scikit-image==0.26.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import skimage
from skimage.util import random_noise

print("scikit-image", skimage.__version__)
ROWS, COLUMNS = 300, 300
seen = {}
for greys in (2, 4, 16, 256, 65536):
    picture = np.full((ROWS, COLUMNS), 0.5)
    picture.ravel()[:greys] = np.arange(greys) / greys  # 0.5 is among them, and all other pixels are 0.5
    noisy = random_noise(picture, mode="poisson", rng=0)
    seen[greys] = float(noisy.ravel()[65536:].std())
    print(f"{greys} greys: where it is 0.5 the deviation is {seen[greys]:.4f}")
falling = list(seen.values()) == sorted(seen.values(), reverse=True)
sys.exit(not (falling and seen[2] > 0.3 and 0.04 < seen[256] < 0.05 and seen[65536] < 0.005))
PY
"$work/venv/bin/python" "$work/seen.py"
