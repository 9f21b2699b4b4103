#!/usr/bin/env bash
# PyMuPDF: saved by `pil_save` a page with transparency has darker colours than saved by `save`.
#
# Versions: PyMuPDF 2.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: a Pixmap is the same picture whether PyMuPDF writes the PNG or Pillow does.
# Seen: a Pixmap with alpha has its colours multiplied by it. `save` and `tobytes("png")` divide by it again;
#   `pil_image`, `pil_save` and `pil_tobytes`, and so everyone who takes `samples`, call the numbers RGBA as
#   they are: a red of a quarter's opacity, (255, 0, 0, 64), is (64, 0, 0, 64). On white paper it is then
#   (207, 191, 191), not (255, 191, 191). Also for a PNG read by `Pixmap(file)`. The argument that the manual
#   had against it did nothing (PyMuPDF#5115).
# Where it matters: logos and figures cut out of PDFs with transparent ground: soft edges and shadows are dark
#   fringes, and colours do not fit.
# Ends with a status other than 0 when PyMuPDF behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pymupdf==2.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import numpy as np
import pymupdf
from PIL import Image

RED = (255, 0, 0, 64)
file = io.BytesIO()
Image.new("RGBA", (8, 8), RED).save(file, "PNG")
from_file = pymupdf.Pixmap(file.getvalue())
page = pymupdf.open().new_page(width=8, height=8)
page.draw_rect(page.rect, color=None, fill=(1, 0, 0), fill_opacity=0.25)
rendered = page.get_pixmap(alpha=True)


def pixel(data: bytes) -> tuple[int, ...]:
    return Image.open(io.BytesIO(data)).convert("RGBA").getpixel((4, 4))


def on_paper(colour: tuple[int, ...]) -> tuple[int, ...]:
    paper = Image.new("RGBA", (1, 1), "white")
    return Image.alpha_composite(paper, Image.new("RGBA", (1, 1), colour)).getpixel((0, 0))[:3]


print("PyMuPDF", pymupdf.__version__)
as_seen = True
for name, picture in (("PNG of " + str(RED), from_file), ("red, opacity 0.25", rendered)):
    by_save, by_pillow = pixel(picture.tobytes("png")), pixel(picture.pil_tobytes("PNG"))
    print(f"{name}: save {by_save}, on paper {on_paper(by_save)};", end=" ")
    print(f"pil_save {by_pillow}, on paper {on_paper(by_pillow)}")
    as_seen &= by_save[0] == 255 and by_pillow[0] == by_pillow[3] == by_save[3] < 70
    as_seen &= by_pillow == picture.pil_image().getpixel((4, 4))
    as_seen &= by_pillow == tuple(np.frombuffer(picture.samples, np.uint8)[:4].tolist())
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
