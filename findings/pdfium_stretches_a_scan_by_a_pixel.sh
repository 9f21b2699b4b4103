#!/usr/bin/env bash
# pdfium: a scan rendered at its own resolution is resampled to a pixel more than it has.
#
# Versions: pypdfium2 5.15.2 (pdfium 159.0.8149.0), numpy 2.4.6.
# Most expect: a page that is one picture of W x H pixels, rendered to W x H pixels, gives that picture back.
# Seen: it does where the page's size in points is a whole number. Otherwise (150 dpi, 300 dpi) the place of the
#   picture, computed in float32, ends a hair beyond the last pixel, pdfium rounds it outwards, and the whole
#   picture is stretched by one pixel: nearly all samples change. Leaving a hundredth of a pixel at each edge,
#   with FPDF_RenderPageBitmapWithMatrix, gives every pixel back.
# Where it matters: template matching, OCR and tests of equality on scanned PDFs.
# Ends with a status other than 0 when pdfium behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pypdfium2==5.15.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import ctypes
import sys

import numpy as np
import pypdfium2
from pypdfium2 import raw

W, H = 333, 217
scan = np.random.default_rng(0).integers(0, 256, (H, W, 3), np.uint8)


def pdf(dpi: int) -> bytes:
    width, height = W * 72 / dpi, H * 72 / dpi
    content = b"q %f 0 0 %f 0 0 cm /I Do Q" % (width, height)
    return b"".join(
        (
            b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
            b"2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n",
            b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]" % (width, height),
            b"/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>\nendobj\n",
            b"4 0 obj\n<</Length %d>>stream\n%b\nendstream\nendobj\n" % (len(content), content),
            b"5 0 obj\n<</Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8",
            b"/Width %d/Height %d/Length %d>>stream\n" % (W, H, scan.size),
            scan.tobytes(),
            b"\nendstream\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        )
    )


def changed(dpi: int, edge: float | None) -> float:
    """Share of samples that differ from the scan; `edge` is left free at each side, None for plain rendering."""
    page = pypdfium2.PdfDocument(pdf(dpi))[0]
    stride = (3 * W + 3) // 4 * 4
    pixels = (ctypes.c_ubyte * (stride * H))(*b"\xff" * (stride * H))
    bitmap = raw.FPDFBitmap_CreateEx(W, H, raw.FPDFBitmap_BGR, pixels, stride)
    if edge is None:
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, W, H, 0, 0)
    else:
        width, height = page.get_size()
        matrix = raw.FS_MATRIX((W - 2 * edge) / width, 0, 0, (H - 2 * edge) / height, edge, edge)
        raw.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, raw.FS_RECTF(0, 0, W, H), 0)
    raw.FPDFBitmap_Destroy(bitmap)
    rows = np.frombuffer(pixels, np.uint8).reshape(H, stride)[:, : 3 * W].reshape(H, W, 3)
    return float((rows[..., ::-1] != scan).mean())


seen = {dpi: (changed(dpi, None), changed(dpi, 0.01)) for dpi in (72, 150, 300)}
for dpi, (plain, edged) in seen.items():
    print(f"{dpi} dpi: {plain:.0%} of all samples changed; with free edges {edged:.0%}")
as_seen = seen[72] == (0, 0) and all(seen[d][0] > 0.5 and seen[d][1] == 0 for d in (150, 300))
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
