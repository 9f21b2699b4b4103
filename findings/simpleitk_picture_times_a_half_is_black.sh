#!/usr/bin/env bash
# SimpleITK: a picture of bytes times 0.5 is black, times 1.5 it stays as it is.
#
# Versions: SimpleITK 2.5.7, numpy 2.4.6.
# Most expect: `picture * 0.5` is half as bright, `picture < 100.5` is true of 100, and `picture + 300` is
#   more than 255 or an error, as with numpy.
# Seen: a number beside a picture is first made a number of the picture's type: 0.5 is 0, 1.5 is 1, 100.5 is
#   100 and 300 is 44. So a picture of bytes times 0.5 is 0 everywhere, times 1.5 unchanged, and 100 is not
#   less than 100.5. Only division is exact: `picture / 2` is a picture of floating point numbers, 50. With a
#   picture of floating point numbers all are as expected.
# Where it matters: masks by a threshold that is a mean, gains, blends of two pictures by 0.5 each: black, and
#   no word.
# Ends with a status other than 0 when SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "simpleitk==2.5.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

DONE: dict[str, Callable] = {
    "* 0.5": lambda picture: picture * 0.5,
    "0.5 *": lambda picture: 0.5 * picture,
    "* 1.5": lambda picture: picture * 1.5,
    "+ 300": lambda picture: picture + 300,
    "< 100.5": lambda picture: picture < 100.5,
    "/ 2": lambda picture: picture / 2,
}


def of_100(dtype: type) -> dict[str, float]:
    """What becomes of a picture of 100 of this type."""
    picture = sitk.GetImageFromArray(np.full((4, 4), 100, dtype))
    return {name: float(sitk.GetArrayFromImage(do(picture))[0, 0]) for name, do in DONE.items()}


print("SimpleITK", sitk.Version.VersionString())
as_bytes, as_floats = of_100(np.uint8), of_100(np.float32)
for name in DONE:
    print(f"100 {name}: of bytes {as_bytes[name]:g}, of floating point numbers {as_floats[name]:g}")
right = list(as_floats.values()) == [50, 50, 150, 400, 1, 50]
sys.exit(not (right and list(as_bytes.values()) == [0, 0, 100, (100 + 300) % 256, 0, 50]))
PY
"$work/venv/bin/python" "$work/seen.py"
