#!/usr/bin/env bash
# imgcompare: is_equal, with a tolerance of 0, is true of pictures that differ in every pixel.
#
# Versions: imgcompare 2.0.1, Pillow 13.0.0.
# Most expect: without a tolerance pictures are equal if all their pixels are.
# Seen: the difference is made grey before it is counted, by the weights of the eye: 0.30 of red, 0.59 of
#   green, 0.11 of blue, rounded. What is less than half a level is nothing: blue may differ by 4 levels and
#   red by 1, all over the picture. Alpha is dropped: a picture and nothing at all are equal. Blue and black
#   differ by 11 %, green and black by 59 %.
# Where it matters: tests that compare screenshots and renderings: a layer that has gone, or a change of the
#   blue, is not seen, and one tolerance means three for the three colours.
# Ends with a status other than 0 when imgcompare behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "imgcompare==2.0.1" "pillow==13.0.0"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import PIL
from imgcompare import image_diff_percent, is_equal
from PIL import Image

GREY = (100, 100, 100)


def equal(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether pictures of these colours are equal, without a tolerance."""
    mode = "RGBA" if len(one) == 4 else "RGB"
    return bool(is_equal(Image.new(mode, (50, 50), one), Image.new(mode, (50, 50), other)))


def per_cent(colour: tuple[int, ...]) -> int:
    black = Image.new("RGB", (50, 50))
    return round(image_diff_percent(Image.new("RGB", (50, 50), colour), black))


taken = {
    "blue 100 and 104": equal(GREY, (100, 100, 104)),
    "red 100 and 101": equal(GREY, (101, 100, 100)),
    "opaque and transparent": equal((*GREY, 255), (*GREY, 0)),
}
told = {"blue 100 and 105": equal(GREY, (100, 100, 105)), "green 100 and 101": equal(GREY, (100, 101, 100))}
shares = {"red": per_cent((255, 0, 0)), "green": per_cent((0, 255, 0)), "blue": per_cent((0, 0, 255))}
print("imgcompare", version("imgcompare"), "Pillow", PIL.__version__)
print("equal:", {**taken, **told})
print("difference from black in per cent:", shares)
as_seen = all(taken.values()) and not any(told.values())
sys.exit(not (as_seen and list(shares.values()) == [30, 59, 11]))
PY
"$work/venv/bin/python" "$work/seen.py"
