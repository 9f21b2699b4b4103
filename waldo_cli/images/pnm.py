"""Pictures of Netpbm (PBM, PGM and PPM in their binary forms), as ffmpeg and many scanners write them.

A header of text (P4, P5 or P6, width, height, and but for P4 the value of white), then the samples, as bytes
or, above a white of 255, as pairs of bytes, the higher one first. P4 has one bit for each pixel, 1 is black.
`as_tiff` puts another header before the same samples, so that all that comes later is as for a TIFF.
"""

from __future__ import annotations

import os
import re
import struct
from typing import BinaryIO, Final, NamedTuple

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import check_size, damaged, truncated

# Numbers are at most this long; between them is white space, and comments up to the end of their line.
_DIGITS: Final = 10
_GAP: Final = rb"(?:[ \t\r\n\v\f]|#[^\r\n]{0,1000}[\r\n]){1,100}?"
_NUMBER: Final = rb"(\d{1,%d})" % _DIGITS
_HEAD: Final = {
    letter: re.compile(
        b"P" + letter + (_GAP + _NUMBER) * (2 if letter == b"4" else 3) + rb"[ \t\r\n\v\f]"
    )
    for letter in (b"4", b"5", b"6")
}
#: White space of C, which may stand between two pictures.
WHITE_SPACE: Final = b" \t\n\v\f\r"
#: No header is longer, in bytes.
LONGEST_HEADER: Final = 4096
_MAX_PICTURES: Final = 10_000  # of one file


class Header(NamedTuple):
    """What stands before the samples.

    Attributes
    ----------
    kind
        4, 5 or 6.
    width, height
        In pixels.
    white
        The largest value of a sample.
    start, end
        Of the samples, in bytes from the beginning of the file.
    """

    kind: int
    width: int
    height: int
    white: int
    start: int
    end: int


def header(data: bytes | bytearray) -> Header | None:
    """Return what the header says; None if `data` do not begin with a whole one."""
    pattern = _HEAD.get(bytes(data[1:2]))
    match = None if pattern is None else pattern.match(bytes(data[:LONGEST_HEADER]))
    if match is None:
        return None
    kind = int(data[1:2])
    width, height, white = (*map(int, match.groups()), 1)[:3]
    bits = 1 if kind == 4 else (8 if white < 256 else 16) * (3 if kind == 6 else 1)
    return Header(
        kind, width, height, white, match.end(), match.end() + (width * bits + 7) // 8 * height
    )


def places(file: BinaryIO) -> list[tuple[int, int]]:
    """Return where each picture of a file begins and ends: one may follow the other, as Netpbm reads them.

    Raises
    ------
    ImageError
        It has more pictures than are counted.
    """
    found: list[tuple[int, int]] = []
    start, size = 0, file.seek(0, os.SEEK_END)
    while True:
        file.seek(min(start, size))
        data = file.read(LONGEST_HEADER)
        if found:
            start += len(data) - len(data := data.lstrip(WHITE_SPACE))
        if (head := header(data)) is None:
            return found
        if len(found) == _MAX_PICTURES:
            raise ImageError(f"a PNM of more than {_MAX_PICTURES} pictures: split the file first")
        found.append((start, start + head.end))
        start += head.end


def as_tiff(data: bytes, max_pixels: int | None) -> bytes:
    """Return the picture as an uncompressed TIFF; samples whose white is neither 255 nor 65535 are scaled.

    Samples that are missing are missing in the TIFF, too.

    Raises
    ------
    ImageError
        It is too large, or its header cannot be read.
    """
    found = header(data)
    if found is None:
        if len(data) < LONGEST_HEADER:
            raise truncated("PNM")
        raise damaged("PNM", "its header cannot be read")
    check_size(found.width, found.height, len(data), max_pixels, 8.0)
    if not 0 < found.white < 65536:
        raise damaged("PNM", f"its header says that white is {found.white}")
    bits = 1 if found.kind == 4 else 8 if found.white < 256 else 16
    samples = data[found.start : found.end]
    if found.kind != 4 and found.white not in (255, 65535):
        samples, bits = _scaled(samples, found.white), 16
    # Photometric interpretation: 0 grey whose 0 is white, 1 grey whose 0 is black, 2 RGB.
    meaning = {4: 0, 5: 1, 6: 2}[found.kind]
    colours = 3 if found.kind == 6 else 1
    directory = {
        256: found.width,
        257: found.height,
        258: bits,
        259: 1,  # no compression
        262: meaning,
        273: 10 + 9 * 12 + 4,  # where the samples begin
        277: colours,
        278: found.height,
        279: (found.width * colours * bits + 7) // 8 * found.height,
    }
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in directory.items())
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", 9) + entries + bytes(4) + samples


def _scaled(samples: bytes, white: int) -> bytes:
    """Return samples of 16 bits; those above white are white."""
    import numpy as np  # not above: the readers of headers and streams do without it

    kind = np.dtype(">u2" if white > 255 else "u1")
    stored = np.frombuffer(samples, kind, len(samples) // kind.itemsize)
    result = np.empty(stored.shape, ">u2")
    step = 1 << 20
    for at in range(0, len(stored), step):  # no second copy of the whole picture in 32 bits
        part = np.minimum(stored[at : at + step], white).astype(np.uint32)
        result[at : at + step] = (part * 65535 + white // 2) // white
    return result.tobytes()
