#!/usr/bin/env bash
# pypdf: a picture in Lab colours is black all over.
#
# Versions: pypdf 7.1.1, pikepdf 10.18.0, pymupdf 2.0, pypdfium2 5.15.2, numpy 2.4.6.
# Most expect: `page.images` gives a picture with the colours that a viewer shows; or it raises, as it does
#   for some kinds.
# Seen: of a picture in Lab it gives one with a palette of one colour, black, and each pixel is 1. Nothing is
#   said; the size is right, and so is the file that is saved of it. PyMuPDF and pypdfium2 draw its colours,
#   and `extract_image` of PyMuPDF has them.
# Where it matters: scans and photographs that Photoshop and printers' software keep in Lab: black pages, on
#   which nothing is found.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pypdf[image]==7.1.1" "pikepdf==10.18.0" \
  "pymupdf==2.0" "pypdfium2==5.15.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import numpy as np
import pikepdf
import pymupdf
import pypdf
import pypdfium2
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

LAB = [[128, 128, 128], [255, 128, 128], [128, 200, 128], [0, 128, 128]]  # grey, white, pink, black
made = pikepdf.new()
made.add_blank_page(page_size=(40, 10))
picture = Stream(made, bytes(np.uint8(LAB)))
picture.Type, picture.Subtype, picture.BitsPerComponent = Name.XObject, Name.Image, 8
picture.Width, picture.Height = len(LAB), 1
white = Dictionary(WhitePoint=[0.9505, 1, 1.089], Range=[-128, 127, -128, 127])
picture.ColorSpace = Array([Name.Lab, white])
made.pages[0].Resources = Dictionary(XObject=Dictionary(I=made.make_indirect(picture)))
made.pages[0].Contents = Stream(made, b"q 40 0 0 10 0 0 cm /I Do Q")
file = io.BytesIO()
made.save(file)

document = pymupdf.open(stream=file.getvalue())
((xref, *_),) = document[0].get_images()
drawn = document[0].get_pixmap()
extracted = Image.open(io.BytesIO(document.extract_image(xref)["image"]))
by_pdfium = pypdfium2.PdfDocument(file.getvalue())[0].render().to_numpy()[5, 5::10, ::-1]
by_pypdf = pypdf.PdfReader(file).pages[0].images[0].image
seen = {
    "pypdf": np.asarray(by_pypdf.convert("RGB"))[0].tolist(),
    "PyMuPDF, drawn": [list(drawn.pixel(x, 5)) for x in (5, 15, 25, 35)],
    "PyMuPDF, extract_image": np.asarray(extracted)[0].tolist(),
    "pypdfium2, drawn": by_pdfium.tolist(),
}
print("pypdf", pypdf.__version__, "PyMuPDF", pymupdf.__version__)
for name, colours in seen.items():
    print(f"{name}: {colours}")
print(f"pypdf's has the mode {by_pypdf.mode}")
by_others = [seen[name] for name in list(seen)[1:]]
alike = np.ptp(by_others, 0).max() < 12 and min(by_others[0][1]) > 250
sys.exit(not (alike and by_pypdf.size == (len(LAB), 1) and not np.any(seen["pypdf"])))
PY
"$work/venv/bin/python" "$work/seen.py"
