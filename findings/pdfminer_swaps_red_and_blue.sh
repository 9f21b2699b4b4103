#!/usr/bin/env bash
# pdfminer.six: pictures that it saves from a PDF have red and blue exchanged.
#
# Versions: pdfminer.six 20260107, pikepdf 10.18.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `ImageWriter` (`pdf2txt.py --output-dir`, and what is built on it) saves pictures as they are
#   on the page.
# Seen: a picture of 8 bits in DeviceRGB, packed without loss, is written to a BMP byte for byte. In a PDF red
#   comes first, in a BMP blue: faces are blue, the sky is orange. JPEGs are right, so that of one document a
#   part is exchanged (pdfminer.six#888).
# Where it matters: search for a colour; networks see other things. What is grey does not show it.
# Ends with a status other than 0 when pdfminer behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pdfminer.six==20260107" "pikepdf==10.18.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pikepdf
from pdfminer.high_level import extract_pages
from pdfminer.image import ImageWriter
from PIL import Image
from pikepdf import Dictionary, Name, Stream

folder = Path(sys.argv[1])
ROWS, COLS = 16, 24
RED = (220, 30, 20)
picture = np.full((ROWS, COLS, 3), RED, np.uint8)


def pdf(jpeg: bool) -> io.BytesIO:
    """A page that is the picture."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=100)
    made = pikepdf.new()
    made.add_blank_page(page_size=(COLS, ROWS))
    stream = Stream(made, data.getvalue() if jpeg else picture.tobytes())
    stream.Type, stream.Subtype, stream.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
    stream.Width, stream.Height, stream.BitsPerComponent = COLS, ROWS, 8
    if jpeg:
        stream.Filter = Name.DCTDecode
    made.pages[0].Resources = Dictionary(XObject=Dictionary(I=stream))
    made.pages[0].Contents = Stream(made, b"q %d 0 0 %d 0 0 cm /I Do Q" % (COLS, ROWS))
    file = io.BytesIO()
    made.save(file, compress_streams=True)
    return file


def saved(file: io.BytesIO) -> tuple[str, tuple[int, ...]]:
    """The ending and the colour of the picture that pdfminer saves."""
    (page,) = extract_pages(file)
    (found,) = (item for figure in page for item in figure)
    path = folder / ImageWriter(str(folder)).export_image(found)
    return path.suffix, Image.open(path).convert("RGB").getpixel((5, 5))


print("pdfminer.six", version("pdfminer.six"), "the colour is", RED)
seen = {"packed without loss": saved(pdf(False)), "JPEG": saved(pdf(True))}
for name, (ending, colour) in seen.items():
    print(f"{name}: {ending}, colour {colour}")
with pikepdf.open(pdf(False)) as opened:
    by_pikepdf = pikepdf.PdfImage(opened.pages[0].Resources.XObject.I).as_pil_image().getpixel((5, 5))
print("by pikepdf:", by_pikepdf)
as_seen = seen["packed without loss"] == (".bmp", RED[::-1]) and by_pikepdf == RED
sys.exit(not (as_seen and np.abs(np.subtract(seen["JPEG"][1], RED)).max() < 5))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
