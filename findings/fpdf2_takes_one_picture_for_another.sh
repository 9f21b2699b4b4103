#!/usr/bin/env bash
# fpdf2: of two Pillow images with the same bytes it puts the first into the PDF twice, whatever their colours
#   and shape.
#
# Versions: fpdf2 2.8.9, pypdfium2 5.15.2, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `FPDF.image(picture)` puts that picture on the page.
# Seen: pictures are told apart by a digest of `tobytes()`, which has neither the palette nor the width. Of a
#   mask in red and the same in blue (mode P) both are red; a picture of 2 x 8 pixels is the one of 8 x 2 that
#   came before, stretched to its place. Nothing is said.
# Where it matters: reports with masks in colours, bars and charts: the picture shown is another one.
# Ends with a status other than 0 when fpdf2 behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "fpdf2==2.8.9" "pypdfium2==5.15.2" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import fpdf
import numpy as np
import pypdfium2
from PIL import Image

RED, BLUE = (255, 0, 0), (0, 0, 255)


def mask(colour: tuple[int, int, int]) -> Image.Image:
    image = Image.new("P", (4, 4), 1)
    image.putpalette(bytes((255, 255, 255, *colour)))
    return image


def drawn(*pictures: Image.Image) -> np.ndarray:
    """The page, each picture in a field of 40 x 40, one beside the other."""
    page = fpdf.FPDF(unit="pt", format=(40 * len(pictures), 40))
    page.add_page()
    for number, picture in enumerate(pictures):
        page.image(picture, 40 * number, 0, 40, 40)
    made = pypdfium2.PdfDocument(bytes(page.output()))[0]
    return made.render(scale=1, rev_byteorder=True).to_numpy()[..., :3]


stripes = np.tile(np.array([0, 255], np.uint8), 8)
first, second = Image.fromarray(stripes.reshape(2, 8)), Image.fromarray(stripes.reshape(8, 2))
alone = {"red": drawn(mask(RED)), "blue": drawn(mask(BLUE)), "8 x 2": drawn(first), "2 x 8": drawn(second)}
both = {("red", "blue"): drawn(mask(RED), mask(BLUE)), ("8 x 2", "2 x 8"): drawn(first, second)}
print("fpdf2", fpdf.__version__)
as_seen = not np.array_equal(alone["red"], alone["blue"]) and not np.array_equal(
    alone["8 x 2"], alone["2 x 8"]
)
for (one, other), page in both.items():
    right = page[:, 40:]
    print(f"{other} after {one}: is {other}: {np.array_equal(right, alone[other])},", end=" ")
    print(f"is {one}: {np.array_equal(right, alone[one])}")
    as_seen &= np.array_equal(right, alone[one]) and not np.array_equal(right, alone[other])
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
