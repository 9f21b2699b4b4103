"""Files of several pictures: TIFF, PDF, archives, animations, streams."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from imagefiles import encoded
from PIL import Image

ANIMATIONS = ("gif", "apng", "webp", "avif")
DOCUMENTS = ("tif", "pdf", "cbz")


def document(kind: str, pages: Sequence[Image.Image]) -> bytes:
    """Return a file of some pictures, stored without loss; of a PDF with as many pixels as points."""
    pages = [
        page.copy() for page in pages
    ]  # Pillow keeps settings of an earlier format in a picture
    if kind == "cbz":
        return archive({f"p{n}.png": encoded(page, "PNG") for n, page in enumerate(pages, 1)})
    if kind == "stream":
        return b"".join(encoded(page, "PNG") for page in pages)
    if kind == "pdf":
        return pdf(pages)
    name = {"tif": "TIFF", "apng": "PNG"}.get(kind, kind.upper())
    options: dict[str, object] = {
        "webp": {"lossless": True},
        "avif": {"quality": 100, "subsampling": "4:4:4"},
        "tif": {"compression": "tiff_deflate"},
    }.get(kind, {})
    return encoded(pages[0], name, save_all=True, append_images=pages[1:], **options)


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as target:
        for name, data in entries.items():
            target.writestr(name, data)
    return file.getvalue()


def pdf(pages: Sequence[Image.Image], points: float = 1.0) -> bytes:
    """Return a PDF of pictures as RGB samples, each as large as its page: so many points for a pixel."""
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    for page in pages:
        width, height = page.size[0] * points, page.size[1] * points
        samples = page.convert("RGB").tobytes()
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        content = f"q {width} 0 0 {height} 0 0 cm /I Do Q".encode()
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]/Contents %d 0 R"
            % (width, height, number + 1)
            + b"/Resources<</XObject<</I %d 0 R>>>>>>" % (number + 2),
            b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
            b"<</Type/XObject/Subtype/Image/ColorSpace/DeviceRGB/BitsPerComponent 8/Width %d/Height %d"
            b"/Length %d>>stream\n%b\nendstream" % (*page.size, len(samples), samples),
        ]
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    return pdf_of(objects)


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of objects, the first its catalogue."""
    out = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    end = out.rfind(b"xref\n")
    return out + b"trailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        trailer,
        end,
    )
