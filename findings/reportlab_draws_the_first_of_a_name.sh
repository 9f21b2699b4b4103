#!/usr/bin/env bash
# reportlab: of pictures that were saved under one name, one after the other, the first is drawn each time.
#
# Versions: reportlab 5.1.0, pymupdf 2.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `drawImage("page.png", ...)` draws what is in the file now.
# Seen: a name counts as the picture. What was drawn under it first in a document is drawn again, whatever is
#   in the file since, also in another size. Nothing is said. With `ImageReader("page.png")`, which reads the
#   file, or another name all pictures are drawn.
# Where it matters: reports with many charts or crops that are saved to one temporary file in a loop: each
#   page has the first one.
# Ends with a status other than 0 when reportlab behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "reportlab==5.1.0" "pymupdf==2.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pymupdf
import reportlab
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

path = Path(sys.argv[1]) / "page.png"
GREYS = (50, 100, 200)


def save(grey: int) -> str:
    """Save a picture of this grey, each time under the same name and in another size."""
    Image.new("L", (grey, 10), grey).save(path)
    return str(path)


def drawn(shown: Callable) -> list[int]:
    """The greys on a page on which the three were drawn beside each other."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(300, 100))
    for place, grey in enumerate(GREYS):
        canvas.drawImage(shown(save(grey)), 100 * place, 0, 100, 100)
    canvas.save()
    pixels = pymupdf.open(stream=file.getvalue())[0].get_pixmap()
    return [pixels.pixel(100 * place + 50, 50)[0] for place in range(len(GREYS))]


print("reportlab", reportlab.__version__)
seen = {"by its name": drawn(str), "by an ImageReader": drawn(ImageReader)}
for name, greys in seen.items():
    print(f"{name}: {greys}, saved were {list(GREYS)}")
sys.exit(not (seen["by its name"] == [50, 50, 50] and seen["by an ImageReader"] == [50, 100, 200]))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
