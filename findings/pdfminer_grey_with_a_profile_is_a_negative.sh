#!/usr/bin/env bash
# pdfminer.six: a grey scan with an ICC profile, or in CalGray, is saved as its negative.
#
# Versions: pdfminer.six 20260107, pikepdf 10.18.0, pypdfium2 5.15.2, Pillow 13.0.0, numpy 2.4.6.
# Most expect: a grey picture has its greys, whatever the name of its colour space.
# Seen: in DeviceGray it has them, in a BMP. In ICCBased and CalGray, packed by Flate, it is inverted, and
#   written as a JPEG: paper of 250 is 5. A renderer shows the page the right way round. The inversion was
#   made for one picture with a palette, says who would take it out (pdfminer.six#1130).
# Where it matters: scans made for archives, which often carry a profile. A matcher finds everything with the
#   sign turned.
# Ends with a status other than 0 when pdfminer behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pdfminer.six==20260107" "pikepdf==10.18.0" "pypdfium2==5.15.2" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import struct
import sys
from importlib.metadata import version

import pikepdf
import pypdfium2
from pdfminer.high_level import extract_pages
from pdfminer.image import ImageWriter
from PIL import Image
from pikepdf import Array, Dictionary, Name, Stream

ROWS, COLS, PAPER, WHITE = 16, 24, 250, (0.9642, 1, 0.8249)


def profile() -> bytes:
    """An ICC profile of grey with gamma 2.2."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in WHITE))
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(2.2 * 256), 0)
    start = 128 + 4 + 2 * 12  # of what the tags name
    tags = struct.pack(">I4sII", 2, b"wtpt", start, len(white))
    tags += struct.pack(">4sII", b"kTRC", start + len(white), len(curve) - 2)
    head = struct.pack(">I4xI", start + len(white) + len(curve), 0x02400000)
    head += b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    return (head.ljust(68, b"\0") + white[8:]).ljust(128, b"\0") + tags + white + curve


def pdf(space: str) -> bytes:
    """A page that is a picture of paper, grey PAPER."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(COLS, ROWS))
    picture = Stream(made, bytes([PAPER]) * (ROWS * COLS))
    picture.Type, picture.Subtype = Name.XObject, Name.Image
    picture.Width, picture.Height, picture.BitsPerComponent = COLS, ROWS, 8
    picture.ColorSpace = {
        "DeviceGray": Name.DeviceGray,
        "ICCBased": Array([Name.ICCBased, made.make_indirect(Stream(made, profile(), N=1))]),
        "CalGray": Array([Name.CalGray, Dictionary(WhitePoint=Array(WHITE), Gamma=2.2)]),
    }[space]
    made.pages[0].Resources = Dictionary(XObject=Dictionary(I=picture))
    made.pages[0].Contents = Stream(made, b"q %d 0 0 %d 0 0 cm /I Do Q" % (COLS, ROWS))
    file = io.BytesIO()
    made.save(file, compress_streams=True)
    return file.getvalue()


def saved(data: bytes) -> int:  # the grey
    (page,) = extract_pages(io.BytesIO(data))
    (found,) = (item for figure in page for item in figure)
    name = ImageWriter(sys.argv[1]).export_image(found)
    return Image.open(f"{sys.argv[1]}/{name}").convert("L").getpixel((5, 5))


print("pdfminer.six", version("pdfminer.six"), "paper is", PAPER)
seen = []
for space, data in ((space, pdf(space)) for space in ("DeviceGray", "ICCBased", "CalGray")):
    rendered = pypdfium2.PdfDocument(data)[0].render(scale=1).to_pil().convert("L").getpixel((5, 5))
    seen.append((saved(data), rendered))
    print(f"{space}: saved {seen[-1][0]}, rendered by pdfium {rendered}")
sys.exit(seen != [(PAPER, PAPER), (255 - PAPER, PAPER), (255 - PAPER, PAPER)])
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
