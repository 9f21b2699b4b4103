#!/usr/bin/env bash
# pikepdf, and PyMuPDF: of a JPEG that a PDF turns to its negative (/Decode [1 0]) they give the wrong one.
#
# Versions: pikepdf 10.18.0, PyMuPDF 2.0, pypdf 7.1.1, pypdfium2 5.15.2, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `PdfImage.as_pil_image` gives the picture as the page shows it: what is not a JPEG it turns.
# Seen: /Decode is heeded for pictures packed by Flate (since pikepdf#650), and not for JPEGs: paper of 250 is
#   5. `extract_to` and PyMuPDF's `extract_image` do the same, since they hand out the JPEG as it lies there.
#   pypdf, pdfium and PyMuPDF's `Pixmap(document, xref)` turn it.
# Where it matters: scans of films, X-rays and microfiche, of which a scanner wrote the negative.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pikepdf==10.18.0" "pymupdf==2.0" "pypdf==7.1.1" "pypdfium2==5.15.2" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import pikepdf
import pymupdf
import pypdf
import pypdfium2
from PIL import Image
from pikepdf import Array, Dictionary, Name, Stream

STORED, SHOWN = 5, 250  # the film is dark where the page is paper
film = Image.new("L", (24, 16), STORED)


def pdf(jpeg: bool) -> bytes:
    """A page that is the negative of the film."""
    data = io.BytesIO()
    film.save(data, "JPEG", quality=100)
    made = pikepdf.new()
    made.add_blank_page(page_size=film.size)
    picture = Stream(made, data.getvalue() if jpeg else film.tobytes())
    picture.Type, picture.Subtype, picture.ColorSpace = Name.XObject, Name.Image, Name.DeviceGray
    (picture.Width, picture.Height), picture.BitsPerComponent = film.size, 8
    picture.Decode = Array([1, 0])
    if jpeg:
        picture.Filter = Name.DCTDecode
    made.pages[0].Resources = Dictionary(XObject=Dictionary(I=picture))
    made.pages[0].Contents = Stream(made, b"q %d 0 0 %d 0 0 cm /I Do Q" % film.size)
    file = io.BytesIO()
    made.save(file, compress_streams=True)
    return file.getvalue()


def greys(data: bytes) -> dict[str, int]:
    """The grey of the picture, by each way to it."""
    with pikepdf.open(io.BytesIO(data)) as opened:
        picture = pikepdf.PdfImage(opened.pages[0].Resources.XObject.I)
        extracted = io.BytesIO()
        picture.extract_to(stream=extracted)
        ways = {"pikepdf as_pil_image": picture.as_pil_image(), "pikepdf extract_to": Image.open(extracted)}
    document = pymupdf.open(stream=data)
    xref = document[0].get_images()[0][0]
    ways["PyMuPDF extract_image"] = Image.open(io.BytesIO(document.extract_image(xref)["image"]))
    ways["PyMuPDF Pixmap"] = Image.open(io.BytesIO(pymupdf.Pixmap(document, xref).tobytes("png")))
    ways["pypdf"] = pypdf.PdfReader(io.BytesIO(data)).pages[0].images[0].image
    ways["pdfium, rendered"] = pypdfium2.PdfDocument(data)[0].render(scale=1).to_pil()
    return {name: image.convert("L").getpixel((5, 5)) for name, image in ways.items()}


print("pikepdf", pikepdf.__version__, "PyMuPDF", pymupdf.__version__, "the page shows", SHOWN)
packed, jpeg = greys(pdf(False)), greys(pdf(True))
for name in packed:
    print(f"{name}: packed by Flate {packed[name]}, JPEG {jpeg[name]}")
wrong = {name for name, grey in jpeg.items() if abs(grey - STORED) <= 2}
right = {name for name, grey in jpeg.items() if abs(grey - SHOWN) <= 2}
as_seen = set(packed.values()) == {SHOWN}
as_seen &= wrong == {"pikepdf as_pil_image", "pikepdf extract_to", "PyMuPDF extract_image"}
sys.exit(not (as_seen and right == set(jpeg) - wrong))
PY
"$work/venv/bin/python" "$work/seen.py"
