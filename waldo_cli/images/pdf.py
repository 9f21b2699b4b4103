"""Pages of a PDF as pictures, by pdfium (the extra ``pdf``).

A page is drawn at the size at which the stacks were taught: its longer side has 2000 pixels. A head of the
books, 1.5 % of the width of two pages side by side, is then 30 pixels wide; on a single page it is 60. A page
that is a scan keeps the pixels of its scan, up to 2500: they are not resampled. Of a page in layers, or with
a background stretched over it, the finest large image is the scan. So what the file says of its size, in
inches or in pixels, decides neither memory nor time.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from waldo_cli.errors import ImageError, MissingExtraError
from waldo_cli.images.limits import DEFAULT_MAX_PIXELS, check_size

# Longer side in pixels of a page that is drawn, and the most that a scan may have.
_DRAWN: Final = 2000
_SCANNED: Final = 2500
# Of a scan, images cover at least so much of the page.
_COVERED: Final = 0.5
# Images of this share of the page, or of half the size of the largest, are large.
_LARGE: Final = 0.1
# A scan that has fewer pixels than this on its longer side, with text or lines over it, is their background.
_LEAST: Final = 1000
# Attached files that are told, as of a portfolio whose only page says that it is one.
_MAX_ATTACHED: Final = 10_000
# Images and forms of a page, at most; and how deep one may lie in forms: deeper than pdfium draws.
_MAX_OBJECTS: Final = 100_000
_DEPTH: Final = 100

# pdfium may be called by one thread at a time.
_lock = threading.Lock()


def contents(file: BinaryIO) -> tuple[int, list[str]]:
    """Return the number of pages, and the names of the files that are attached.

    Raises
    ------
    ImageError
        The document needs a password, or is damaged.
    MissingExtraError
        pypdfium2 is not installed.
    """
    with _opened(file) as document:
        attached = range(min(document.count_attachments(), _MAX_ATTACHED))
        return len(document), [_attached_name(document, number) for number in attached]


def _attached_name(document: Any, number: int) -> str:
    """Return the name of an attached file; empty where it cannot be read."""
    from pypdfium2 import PdfiumError

    try:
        return str(document.get_attachment(number).get_name())
    except (PdfiumError, UnicodeError):
        return ""


def draw(file: BinaryIO, page: int, max_pixels: int | None) -> bytes:
    """Return a page, counted from 1, as an uncompressed BMP.

    Raises as `contents`, also for a page that holds an image of more than `max_pixels`.
    """
    with _opened(file) as document:
        if page > len(document):
            raise ImageError(f"no page {page}: the file has {len(document)}")
        drawn = document[page - 1]
        width, height = drawn.get_size()
        if not (width > 0 and height > 0):
            raise ImageError("damaged PDF: this page has no size")
        longer = max(width, height)
        scan = _scan_resolution(drawn, width * height, max_pixels or DEFAULT_MAX_PIXELS)
        if scan is not None and scan * longer < _LEAST and _is_drawn_over(drawn):
            scan = None
        scale = _DRAWN / longer if scan is None else min(scan, _SCANNED / longer)
        return _bitmap(drawn, max(1, round(width * scale)), max(1, round(height * scale)))


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Any]:
    try:
        import pypdfium2
    except ImportError:
        raise MissingExtraError("a PDF needs pypdfium2: pip install 'waldo-cli[pdf]'") from None
    with _lock:
        try:
            with pypdfium2.PdfDocument(file, autoclose=False) as document:
                yield document
        except pypdfium2.PdfiumError as e:
            if "assword" in str(e):
                raise ImageError("an encrypted PDF: it needs a password") from None
            raise ImageError("damaged PDF: it cannot be read") from None


def _scan_resolution(page: Any, area: float, max_pixels: int) -> float | None:
    """Return the pixels for each point of the page's scan; None if the page is no scan.

    Raises
    ------
    ImageError
        An image in the page has more than `max_pixels`.
    """
    from pypdfium2 import PdfMatrix, raw

    images: list[tuple[float, float]] = []  # area, and pixels for each point
    objects = page.get_objects(
        filter=[raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM], max_depth=_DEPTH
    )
    # What maps each level to the page: a form comes before the objects in it, whose matrices end at the form.
    levels = [PdfMatrix()]
    for number, found in enumerate(objects):
        if number == _MAX_OBJECTS:
            raise ImageError(f"a PDF page of more than {_MAX_OBJECTS} images and forms")
        del levels[found.level + 1 :]
        matrix = found.get_matrix().multiply(levels[-1])
        if found.type == raw.FPDF_PAGEOBJ_FORM:
            levels.append(matrix)
            continue
        columns, rows = found.get_px_size()
        check_size(columns, rows, columns * rows, max_pixels, 1.0)  # pdfium unpacks it whole
        a, b, c, d, _, _ = matrix.get()
        # The image is the unit square, which this matrix maps to the page: the lengths of its sides there.
        across, down = (a * a + b * b) ** 0.5, (c * c + d * d) ** 0.5
        if not across * down > 0:
            continue
        images.append((across * down, max(columns / across, rows / down)))
    if not images or sum(covered for covered, _ in images) < _COVERED * area:
        return None
    least = min(_LARGE * area, max(images)[0] / 2)
    return max(resolution for covered, resolution in images if covered >= least)


def _is_drawn_over(page: Any) -> bool:
    """Whether a page has lines, areas of colour, or text that shows: that read from a scan is hidden."""
    from pypdfium2 import raw

    kinds = [raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING]
    hidden = raw.FPDF_TEXTRENDERMODE_INVISIBLE
    objects = itertools.islice(page.get_objects(filter=kinds, max_depth=_DEPTH), _MAX_OBJECTS)
    return any(
        found.type != raw.FPDF_PAGEOBJ_TEXT
        or raw.FPDFTextObj_GetTextRenderMode(found.raw) != hidden
        for found in objects
    )


def _bitmap(page: Any, width: int, height: int) -> bytes:
    """Return the page drawn on white at a size in pixels, as a BMP."""
    from pypdfium2 import raw

    stride = (3 * width + 3) // 4 * 4
    head = 54  # bytes of both headers
    # A negative height: the first row is the top one.
    bmp = bytearray(
        struct.pack("<2sIHHI", b"BM", head + stride * height, 0, 0, head)
        + struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 24, 0, stride * height, 0, 0, 0, 0)
    )
    bmp += b"\xff" * (stride * height)  # white
    pixels = (ctypes.c_ubyte * (stride * height)).from_buffer(bmp, head)
    bitmap = raw.FPDFBitmap_CreateEx(width, height, raw.FPDFBitmap_BGR, pixels, stride)
    try:
        # A hundredth of a pixel is left at the edges: pdfium rounds outwards, and would resample a scan to a
        # pixel more than it has.
        points = page.get_size()
        across, down = ((n - 0.02) / size for n, size in zip((width, height), points, strict=True))
        matrix = raw.FS_MATRIX(across, 0, 0, down, 0.01, 0.01)
        whole = raw.FS_RECTF(0, 0, width, height)
        raw.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, whole, raw.FPDF_ANNOT)
    finally:
        raw.FPDFBitmap_Destroy(bitmap)
    return bytes(bmp)
