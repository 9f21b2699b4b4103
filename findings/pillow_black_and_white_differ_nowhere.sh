#!/usr/bin/env bash
# Pillow: by the usual recipe a black picture and a white one differ nowhere, if they have an alpha channel.
#
# Versions: Pillow 13.0.0.
# Most expect: `ImageChops.difference(a, b).getbbox()` is None if the pictures are equal, and else the box in
#   which they differ.
# Seen: the difference of two opaque pictures is transparent, and `getbbox` looks at the alpha of an RGBA
#   picture alone: `alpha_only=True`, if it is not given. Black and white, and a picture with a red square
#   and one without, give None. With `alpha_only=False`, or as RGB, they give the whole and the square. If
#   alpha differs anywhere, the box is of that alone. So it is since 7.1, and was reported then (Pillow#4849).
# Where it matters: tests that compare PNGs, which pass whatever is drawn; what was changed in a pair of
#   pictures.
# Ends with a status other than 0 when Pillow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pillow==13.0.0"
cat >"$work/seen.py" <<'PY'
import sys

import PIL
from PIL import Image, ImageChops

SIZE, SQUARE, HOLE = (60, 40), (10, 10, 20, 20), (30, 30, 33, 33)
black, white = Image.new("RGBA", SIZE, "black"), Image.new("RGBA", SIZE, "white")
square, hole = white.copy(), white.copy()
square.paste("red", SQUARE)
hole.paste("red", SQUARE)
hole.paste((255, 255, 255, 0), HOLE)

seen = {}
for name, (one, other) in {
    "black and white": (black, white),
    "with a square and without": (square, white),
    "with a square and a hole, and without": (hole, white),
}.items():
    apart = ImageChops.difference(one, other)
    without_alpha = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    seen[name] = apart.getbbox(), apart.getbbox(alpha_only=False), without_alpha.getbbox()
print("Pillow", PIL.__version__, "(getbbox, with alpha_only=False, as RGB)")
for name, boxes in seen.items():
    print(f"{name}:", *boxes)
whole, both = (0, 0, *SIZE), (*SQUARE[:2], *HOLE[2:])
sys.exit(list(seen.values()) != [(None, whole, whole), (None, SQUARE, SQUARE), (HOLE, both, SQUARE)])
PY
"$work/venv/bin/python" "$work/seen.py"
