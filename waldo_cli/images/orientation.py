"""The turn that a file asks for, and what it does to sizes and boxes. Standard library only.

A turn is an EXIF orientation, 1 to 8; 1 changes nothing. "Stored" means the order of pixels in the file,
"shown" the picture after the turn. EXIF data are a small TIFF file; some programs write the orientation into
XMP, an XML text, instead.
"""

from __future__ import annotations

import itertools
import re
import struct
from typing import Final

from waldo_cli.geometry import Size

#: The tag of EXIF and TIFF that holds the orientation.
ORIENTATION: Final = 274

#: EXIF orientation -> the orientation that undoes it. Each undoes itself, except the turns by 90 degrees.
INVERSE: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}

_MAX_ENTRIES: Final = 1000  # of an EXIF directory; real ones have fewer than 100
_MAX_PREFIXES: Final = 10  # of XMP, whose packets may follow each other


def orientation(exif: bytes, xmp: bytes) -> int:
    """Return the orientation that EXIF says, else the one of XMP; 1 if both are missing or invalid."""
    tiff = exif.removeprefix(b"Exif\0\0")
    value = _from_exif(tiff)
    if value is None:
        # Without zeros, texts of 16 bits are as those of 8.
        return _from_xmp(xmp.replace(b"\0", b""))
    return value if 1 <= value <= 8 else 1


def _from_xmp(xmp: bytes) -> int:
    # The prefix is nearly always `tiff`; what counts is the namespace it stands for.
    declared = re.finditer(
        rb"xmlns:([\w.-]{1,64})\s*=\s*[\"']http://ns\.adobe\.com/tiff/1\.0/[\"']", xmp
    )
    prefixes = {re.escape(match[1]) for match in itertools.islice(declared, _MAX_PREFIXES)}
    prefix = b"(?:" + b"|".join(sorted(prefixes) or [b"tiff"]) + b")"
    # An attribute, or an element, which may have attributes of its own.
    opened = rb":Orientation(?:\s*=\s*[\"']|(?:\s[^<>]{0,200})?>)"
    match = re.search(prefix + opened + rb"\s*([1-8])\s*[\"'<]", xmp)
    return int(match[1]) if match else 1


def _from_exif(tiff: bytes) -> int | None:
    if tiff[:2] not in (b"II", b"MM") or len(tiff) < 10:
        return None
    order = "<" if tiff[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(order + "I", tiff, 4)
    if directory + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    entries = tiff[directory + 2 : directory + 2 + 12 * min(count, _MAX_ENTRIES)]
    entries = entries[: len(entries) // 12 * 12]
    for number, kind, _, value in itertools.islice(
        struct.iter_unpack(order + "HHI4s", entries), _MAX_ENTRIES
    ):
        if number == ORIENTATION:
            # It is a SHORT, in the first two bytes of the field; some write an SSHORT, a BYTE or a LONG.
            form = {1: "B3x", 3: "H2x", 8: "H2x"}.get(kind, "I")
            return int(struct.unpack(order + form, value)[0])
    return None


def shown_size(stored: Size, turn: int) -> Size:
    """Return the size after the turn; turns of 5 and more exchange rows and columns."""
    return stored if turn < 5 else Size(stored.cols, stored.rows)


def turned_box(
    box: tuple[float, float, float, float], turn: int, stored: Size
) -> tuple[float, float, float, float]:
    """Carry a box of the stored picture over to the picture as shown.

    Parameters
    ----------
    box
        Left, top, right and bottom edge, in pixels of the stored picture.
    turn
        The EXIF orientation, 1 to 8.
    stored
        Size of the stored picture.

    Returns
    -------
    tuple of float
        Left, top, right and bottom edge, in pixels of the picture as shown.
    """
    left, top, right, bottom = box
    # What each orientation means: 2, 3, 7 and 8 show the stored columns backwards, 3, 4, 6 and 7 the rows,
    # and from 5 on stored rows are shown as columns.
    if turn in (2, 3, 7, 8):
        left, right = stored.cols - right, stored.cols - left
    if turn in (3, 4, 6, 7):
        top, bottom = stored.rows - bottom, stored.rows - top
    return (left, top, right, bottom) if turn < 5 else (top, left, bottom, right)
