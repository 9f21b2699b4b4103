#!/usr/bin/env bash
# mahotas: template_match of bytes is modulo 256, and the best place is not where the part was cut out.
#
# Versions: mahotas 1.4.19, numpy 2.4.6.
# Most expect: `template_match` gives sums of squared differences, so that the smallest is where the part
#   fits.
# Seen: it gives them in the type of the picture. Of uint8 a single difference of 16 is 0, and so are, by
#   chance, one in 256 of all places: of a part of 8x9 in noise of 60x70 sixteen are perfect, the true one
#   among them, and `argmin` takes the topmost. The documentation says that it "may overflow if the template
#   is large"; one pixel is large enough. With the picture as float the place is right.
# Where it matters: pictures are bytes when they come from `imread`.
# Ends with a status other than 0 when mahotas behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "mahotas==1.4.19" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import mahotas
import numpy as np

picture = np.random.default_rng(0).integers(0, 256, (60, 70), np.uint8)
part = picture[20:28, 30:39].copy()
TRUE = (24, 34)  # its middle


def best(pixels: np.ndarray) -> tuple[tuple[int, int], int]:
    """The place of the smallest difference, and at how many places there is none."""
    found = mahotas.template_match(pixels, part.astype(pixels.dtype))
    row, col = np.unravel_index(found.argmin(), found.shape)
    return (int(row), int(col)), int((found == 0).sum())


of_bytes, of_floats = best(picture), best(picture.astype(np.float64))
one_pixel = mahotas.template_match(np.full((3, 3), 16, np.uint8), np.zeros((1, 1), np.uint8))
print("mahotas", mahotas.__version__, "the part was cut out about", TRUE)
print("uint8: best place, perfect places:", of_bytes)
print("float64:", of_floats)
print("a difference of 16 in one pixel:", one_pixel[1, 1])
as_seen = of_bytes[0] != TRUE and of_bytes[1] > 10 and one_pixel[1, 1] == 0
sys.exit(not (as_seen and of_floats == (TRUE, 1)))
PY
"$work/venv/bin/python" "$work/seen.py"
