#!/usr/bin/env bash
# Pillow: a picture of 16 bits that is rotated with BILINEAR or BICUBIC becomes nearly black.
#
# Versions: Pillow 13.0.0, numpy 2.4.6.
# Most expect: `rotate` and `transform` of mode I;16 interpolate, as `resize` does, or refuse it, as `reduce`
#   and the blurring filters do.
# Seen: they take bytes of the samples for pixels: a flat picture of 4660 (0x1234), turned by 10 degrees, has
#   values from 18 to 51. NEAREST is right, and so are modes I and F with the same numbers.
# Where it matters: turned masks, and turned copies to learn from, of scans, X-rays and microscopes.
# Ends with a status other than 0 when Pillow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from collections.abc import Callable

import numpy as np
import PIL
from PIL import Image, ImageFilter

flat = np.full((64, 64), 0x1234, np.uint16)
picture = Image.fromarray(flat)
assert picture.mode == "I;16"
NEAREST, BILINEAR, BICUBIC = Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC


def values(image: Image.Image) -> tuple[int, int]:
    """The smallest and the largest value in the middle, where nothing comes from outside."""
    middle = np.asarray(image)[20:44, 20:44]
    return round(float(middle.min())), round(float(middle.max()))


def is_refused(change: Callable[[], object]) -> bool:
    try:
        change()
    except ValueError:
        return True
    return False


half_a_pixel = (64, 64), Image.Transform.AFFINE, (1, 0, 0.5, 0, 1, 0)
right = {
    "rotate, NEAREST": values(picture.rotate(10, NEAREST)),
    "rotate, BILINEAR, mode I": values(Image.fromarray(flat.astype(np.int32)).rotate(10, BILINEAR)),
    "rotate, BILINEAR, mode F": values(Image.fromarray(flat.astype(np.float32)).rotate(10, BILINEAR)),
    "resize, BILINEAR": values(picture.resize((50, 50), BILINEAR)),
}
wrong = {
    "rotate, BILINEAR": values(picture.rotate(10, BILINEAR)),
    "rotate, BICUBIC": values(picture.rotate(10, BICUBIC)),
    "transform, BILINEAR": values(picture.transform(*half_a_pixel, BILINEAR)),
}
refused = is_refused(lambda: picture.reduce(2)), is_refused(lambda: picture.filter(ImageFilter.BoxBlur(1)))
print("Pillow", PIL.__version__, f"of {0x1234} everywhere:")
for name, (low, high) in {**right, **wrong}.items():
    print(f"{name}: {low} to {high}")
print("reduce and BoxBlur refuse it:", refused)
is_right = all(ends == (0x1234, 0x1234) for ends in right.values())
sys.exit(not (is_right and all(high < 256 for _, high in wrong.values()) and refused == (True, True)))
PY
"$work/venv/bin/python" "$work/seen.py"
