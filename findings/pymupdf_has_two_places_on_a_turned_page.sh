#!/usr/bin/env bash
# PyMuPDF: on a page with /Rotate 90 one function gives the place of a picture as it is seen, four give
#   another.
#
# Versions: PyMuPDF 2.0, pikepdf 10.18.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: all functions of a page that give a picture's box give the same, the place where it is
#   rendered.
# Seen: `get_image_bbox` gives that place. `get_image_rects`, `get_image_info`, `get_text("dict")` and
#   `get_bboxlog` give the place before the page is turned, though `page.rect` is that of the turned page:
#   there is nothing on white paper. Multiplied by `page.rotation_matrix` they are right, and `get_image_bbox`
#   is then wrong. On pages that are not turned all five agree.
# Where it matters: scanners turn pages by /Rotate. What is cut out of the rendered page is empty, or another
#   part of it.
# Ends with a status other than 0 when PyMuPDF behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pymupdf==2.0" "pikepdf==10.18.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import numpy as np
import pikepdf
import pymupdf
from pikepdf import Dictionary, Name, Stream

Box = tuple[int, ...]


def pdf(turned: int) -> bytes:
    """A page of 200 x 100 points, turned, with a black picture of 20 x 10 on it."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 100))
    picture = Stream(made, bytes(100))
    picture.Type, picture.Subtype, picture.ColorSpace = Name.XObject, Name.Image, Name.DeviceGray
    picture.Width, picture.Height, picture.BitsPerComponent = 10, 10, 8
    made.pages[0].Resources = Dictionary(XObject=Dictionary(I=made.make_indirect(picture)))
    made.pages[0].Contents = Stream(made, b"q 20 0 0 10 30 60 cm /I Do Q")
    made.pages[0].Rotate = turned
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def boxes(turned: int) -> tuple[Box, dict[str, Box], dict[str, Box]]:
    """Where the picture is rendered; where it is said to be; the latter by the page's matrix."""
    page = pymupdf.open(stream=pdf(turned))[0]
    rendered = page.get_pixmap(colorspace=pymupdf.csGRAY)
    pixels = np.frombuffer(rendered.samples, np.uint8).reshape(rendered.height, rendered.width)
    rows, cols = np.nonzero(pixels < 128)
    place = (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    (picture,) = page.get_images(full=True)
    said = {
        "get_image_bbox": page.get_image_bbox(picture),
        "get_image_rects": page.get_image_rects(picture[0])[0],
        "get_image_info": page.get_image_info()[0]["bbox"],
        "get_text": page.get_text("dict")["blocks"][0]["bbox"],
        "get_bboxlog": page.get_bboxlog()[0][1],
    }
    by_matrix = {name: pymupdf.Rect(box) * page.rotation_matrix for name, box in said.items()}
    said, by_matrix = (
        {name: tuple(round(at) for at in box) for name, box in some.items()} for some in (said, by_matrix)
    )
    return tuple(int(at) for at in place), said, by_matrix


print("PyMuPDF", pymupdf.__version__)
as_seen = True
for turned in (0, 90, 180, 270):
    place, said, by_matrix = boxes(turned)
    print(f"turned by {turned}: rendered at {place};", end=" ")
    print(", ".join(f"{name} {box}" for name, box in said.items()))
    for name, box in said.items():
        as_seen &= (box == place) == (turned == 0 or name == "get_image_bbox")
        as_seen &= (by_matrix[name] == place) == (turned == 0 or name != "get_image_bbox")
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
