#!/usr/bin/env bash
# scipy.signal: correlate2d and correlate, both with mode="same", lie a pixel apart for masks of even size.
#
# Versions: scipy 1.17.1, numpy 2.4.6.
# Most expect: on two-dimensional arrays both give the same map, as convolve2d and convolve do.
# Seen: for odd sizes they do. For even ones the map of correlate2d lies a pixel further up and left. A part
#   of 6 x 6 is found 3 pixels from its top left corner by correlate, by ndimage.correlate, and by
#   fftconvolve, oaconvolve and convolve2d of the turned part; and 2 pixels from it by correlate2d alone. A
#   note in its documentation says so.
# Where it matters: who takes one for the other, for speed or for its edges, moves all finds by a pixel.
# Ends with a status other than 0 when scipy behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import scipy
from scipy import ndimage, signal


def places(size: int) -> dict[str, int]:
    """How far from its top left corner each function finds a part that was cut out at (20, 30)."""
    picture = np.random.default_rng(size).standard_normal((60, 70))
    part = 9 * picture[20 : 20 + size, 30 : 30 + size]
    picture[20 : 20 + size, 30 : 30 + size] = part  # it stands out, so the highest place is its own
    turned = part[::-1, ::-1]
    maps = {
        "correlate": signal.correlate(picture, part, "same"),
        "fftconvolve": signal.fftconvolve(picture, turned, "same"),
        "oaconvolve": signal.oaconvolve(picture, turned, "same"),
        "convolve2d": signal.convolve2d(picture, turned, "same"),
        "ndimage.correlate": ndimage.correlate(picture, part, mode="constant"),
        "correlate2d": signal.correlate2d(picture, part, "same"),
    }
    found = {name: np.unravel_index(scores.argmax(), scores.shape) for name, scores in maps.items()}
    assert all(row - 20 == col - 30 for row, col in found.values())
    return {name: int(row) - 20 for name, (row, _) in found.items()}


seen = {size: places(size) for size in (5, 6)}
print("scipy", scipy.__version__)
for size, found in seen.items():
    print(f"a part of {size} x {size}:", found)
alone = seen[6].pop("correlate2d")
sys.exit(not (set(seen[5].values()) == {2} and alone == 2 and set(seen[6].values()) == {3}))
PY
"$work/venv/bin/python" "$work/seen.py"
