#!/usr/bin/env bash
# pdfplumber: on a page that is turned and has a crop box, what it draws on its own rendering lies beside.
#
# Versions: pdfplumber 0.11.10, pikepdf 10.18.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `page.to_image().draw_rect(page.images[0])` draws around the picture, as it does on other
#   pages.
# Seen: with /Rotate 90, 180 or 270 and a crop box whose margins are not all alike `page.cropbox` has rows and
#   columns exchanged, but is not turned, so that what is drawn is off by the difference of two margins: here
#   by 10 to 30 pixels. Turned alone, or cropped alone, it is right. The rendering is right in all cases.
# Where it matters: scans that were turned and whose dark edges were cut off: boxes of words, tables and
#   pictures taken to the rendered page lie on others.
# Ends with a status other than 0 when pdfplumber behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pdfplumber==0.11.10" "pikepdf==10.18.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import numpy as np
import pdfplumber
import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

WHOLE, CROPPED = (0, 0, 200, 100), (20, 40, 190, 90)
RED = (255, 0, 0)


def pdf(turned: int, crop: tuple[int, ...]) -> io.BytesIO:
    """A page of 200 x 100 points with a black picture of 20 x 10 points on it."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 100))
    picture = Stream(made, bytes(100))
    picture.Type, picture.Subtype, picture.ColorSpace = Name.XObject, Name.Image, Name.DeviceGray
    picture.Width, picture.Height, picture.BitsPerComponent = 10, 10, 8
    made.pages[0].Resources = Dictionary(XObject=Dictionary(I=picture))
    made.pages[0].Contents = Stream(made, b"q 20 0 0 10 140 50 cm /I Do Q")
    made.pages[0].Rotate = turned
    made.pages[0].CropBox = Array(crop)
    file = io.BytesIO()
    made.save(file)
    return file


def corner(mask: np.ndarray) -> tuple[int, int] | None:
    """Column and row of the left upper corner of what is set, None where nothing is."""
    rows, cols = np.nonzero(mask)
    return (int(cols.min()), int(rows.min())) if len(rows) else None


print("pdfplumber", pdfplumber.__version__)
as_seen = True
for turned in (0, 90, 180, 270):
    for crop in (WHOLE, CROPPED):
        with pdfplumber.open(pdf(turned, crop)) as opened:
            page = opened.pages[0]
            image = page.to_image(resolution=72)
            rendered = corner(np.asarray(image.original.convert("L")) < 128)
            image.draw_rect(page.images[0], fill=RED, stroke=None, stroke_width=0)
            drawn = corner((np.asarray(image.annotated.convert("RGB")) == RED).all(axis=2))
            print(f"turned by {turned}, crop box {crop}: rendered at {rendered}, drawn at {drawn},", end=" ")
            print("page.cropbox", page.cropbox)
        as_seen &= (drawn == rendered) == (turned == 0 or crop == WHOLE)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
