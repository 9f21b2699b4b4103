#!/usr/bin/env bash
# PyMuPDF, pypdfium2: a scan that is a stencil comes out as its negative, and is drawn as it should be.
#
# Versions: PyMuPDF 2.0, pypdfium2 5.15.2, pypdf 7.1.1, pikepdf 10.18.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: a picture that is taken out of a page looks as it looks on the page.
# Seen: a picture in black and white can stand in a PDF as such, or as a stencil, `/ImageMask true`, through
#   which black is painted where it is 0. On the page both are the same. Of the stencil `extract_image` of
#   PyMuPDF, and `get_bitmap` and `extract` of pypdfium2, give how much is painted: ink is white, and paper
#   black. The type is that of a grey picture, and nothing is said. pypdf gives what is on the page.
# Where it matters: scanners and programs that make scans small put text into stencils over the paper's
#   colour: text recognition and templates see a negative of some pages, and not of others.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pymupdf==2.0" "pypdfium2==5.15.2" \
  "pypdf==7.1.1" "pikepdf==10.18.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import numpy as np
import pikepdf
import pymupdf
import pypdf
import pypdfium2
from pikepdf import Dictionary, Name, Stream
from PIL import Image

INK = np.array([[0, 0, 1, 1, 0, 1, 0, 1]], bool)


def pdf(*, stencil: bool) -> bytes:
    """A page with the picture in black and white."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(80, 10))
    picture = Stream(made, np.packbits(~INK).tobytes())
    picture.Type, picture.Subtype, picture.BitsPerComponent = Name.XObject, Name.Image, 1
    picture.Width, picture.Height = INK.size, 1
    if stencil:
        picture.ImageMask = True
    else:
        picture.ColorSpace = Name.DeviceGray
    made.pages[0].Resources = Dictionary(XObject=Dictionary(I=made.make_indirect(picture)))
    made.pages[0].Contents = Stream(made, b"q 80 0 0 10 0 0 cm /I Do Q")
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def black(picture: Image.Image | np.ndarray) -> str:
    """`ink` where what is black is the ink, `paper` where it is the paper."""
    dark = np.asarray(picture.convert("L") if isinstance(picture, Image.Image) else picture)[:1] < 128
    return "ink" if np.array_equal(dark, INK) else "paper" if np.array_equal(dark, ~INK) else "neither"


print("PyMuPDF", pymupdf.__version__, "pypdfium2", pypdfium2.PYPDFIUM_INFO, "pypdf", pypdf.__version__)
seen = {}
for stencil in (False, True):
    made = pdf(stencil=stencil)
    document = pymupdf.open(stream=made)
    extracted = document.extract_image(document[0].get_images()[0][0])["image"]
    (shown,) = (page := pypdfium2.PdfDocument(made)[0]).get_objects()
    shown.extract(file := io.BytesIO())
    seen[stencil] = {
        "drawn": black(page.render().to_numpy()[5:6, 5::10, 0]),
        "PyMuPDF": black(Image.open(io.BytesIO(extracted))),
        "pypdfium2, get_bitmap": black(shown.get_bitmap().to_pil()),
        "pypdfium2, extract": black(Image.open(file)),
        "pypdf": black(pypdf.PdfReader(io.BytesIO(made)).pages[0].images[0].image),
    }
    print("as a stencil" if stencil else "as a picture", "black is", seen[stencil])
turned = list(seen[True].values()) == ["ink", "paper", "paper", "paper", "ink"]
sys.exit(not (set(seen[False].values()) == {"ink"} and turned))
PY
"$work/venv/bin/python" "$work/seen.py"
