#!/usr/bin/env bash
# pypdf: of a grey scan of 16 bits `page.images` gives the upper half, twice as wide, with every second pixel
#   noise.
#
# Versions: pypdf 7.1.1, pikepdf 10.18.0, Pillow 13.0.0, numpy 2.4.6.
# Most expect: a picture of 16 bits a sample comes with 16 bits, or with the upper 8, or is refused.
# Seen: its bytes are taken for samples of 8 bits, and as many of them as the picture has pixels. Each pixel
#   is two, its high and its low byte; each row is two rows, and the lower half is missing. The size is right,
#   and nothing is said. pikepdf gives the picture.
# Where it matters: scans and X-rays in PDF: a mask of the picture does not fit it anywhere, and the copy
#   looks like a torn print.
# Ends with a status other than 0 when pypdf behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pypdf==7.1.1" "pikepdf==10.18.0" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys
import warnings

import numpy as np
import pikepdf
import pypdf

warnings.simplefilter("ignore")  # other names are recommended
ROWS, COLS = 6, 10
scan = np.random.default_rng(0).integers(0, 65536, (ROWS, COLS), np.uint16)


def pdf() -> bytes:
    made = pikepdf.new()
    made.add_blank_page(page_size=(COLS, ROWS))
    picture = pikepdf.Stream(
        made,
        scan.astype(">u2").tobytes(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        ColorSpace=pikepdf.Name.DeviceGray,
        BitsPerComponent=16,
        Width=COLS,
        Height=ROWS,
    )
    made.pages[0].Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=picture))
    made.pages[0].Contents = pikepdf.Stream(made, b"q %d 0 0 %d 0 0 cm /I Do Q" % (COLS, ROWS))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


data = pdf()
by_pypdf = np.asarray(pypdf.PdfReader(io.BytesIO(data)).pages[0].images[0].image)
with pikepdf.open(io.BytesIO(data)) as opened:
    by_pikepdf = np.asarray(pikepdf.PdfImage(opened.pages[0].Resources.XObject.I).as_pil_image())
as_bytes = np.frombuffer(scan.astype(">u2").tobytes(), np.uint8)[: ROWS * COLS].reshape(ROWS, COLS)
print("pypdf", pypdf.__version__, "pikepdf", pikepdf.__version__)
print("high bytes of the first row:", *(scan[0] >> 8))
print("by pypdf:", by_pypdf.shape, by_pypdf.dtype, *by_pypdf[0])
print("equal to the first bytes of the file's rows:", np.array_equal(by_pypdf, as_bytes))
sys.exit(not (np.array_equal(by_pypdf, as_bytes) and np.array_equal(by_pikepdf, scan)))
PY
"$work/venv/bin/python" "$work/seen.py"
