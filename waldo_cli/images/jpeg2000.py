"""Read the headers of a JPEG 2000 codestream: size, and the work to decode it. Standard library only.

ITU T.800, annex A: the segment SIZ gives the size of the picture and of its tiles, COD and COC the sizes of
code blocks and precincts. Small blocks and many layers cost memory and time that the size does not show.
"""

from __future__ import annotations

import struct
from typing import Final

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import check_seconds, check_size, damaged, truncated

_END: Final = b"\xff\xd9"  # and it ends with EOC
_FILE: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_START: Final = b"\xff\x4f\xff\x51"  # the codestream begins with SOC, then SIZ
_MAX_COMPONENTS: Final = 4
_MAX_SEGMENTS: Final = 70_000
_MAX_PIECES: Final = (
    2_000_000  # code blocks and packets; OpenJPEG needs some hundred bytes for each
)

# Most pixels from one byte: an empty code block of 64x64 costs a fraction of a bit.
_DENSITY: Final = 30_000
# Nanoseconds, measured (docs/formats.md): for a sample, and for a byte of compressed data.
_SAMPLE_COST: Final = 20
_BYTE_COST: Final = 130


def screen(data: bytes, max_pixels: int | None) -> bytes:
    """Refuse a JPEG 2000 picture that is too large or takes too long to decode; return the bytes to decode.

    Those are the file up to the end of its codestream: OpenJPEG reads the boxes behind it, too, and fails
    where a second ``ftyp`` is among them, as a film begins.

    Raises
    ------
    ImageError
        The message says why.
    """
    start = data.find(_START, 0, 1 << 20)  # in a JP2 file, boxes come before it
    if start < 0 or start + 42 > len(data):
        raise truncated("JPEG 2000")
    siz = struct.unpack_from(">HHIIIIIIIIH", data, start + 4)
    _, _, right, bottom, left, top, tile_width, tile_height, _, _, components = siz
    width, height = right - left, bottom - top
    if width < 1 or height < 1 or tile_width < 1 or tile_height < 1:
        raise damaged("JPEG 2000", f"its header says {width}x{height} pixels")
    if components > _MAX_COMPONENTS:
        raise ImageError(f"a JPEG 2000 picture of {components} components cannot be opened")
    check_size(width, height, len(data), max_pixels, _DENSITY)
    tiles = -(-right // tile_width) * -(-bottom // tile_height)
    area = min(width, tile_width) * min(height, tile_height)
    pieces = _pieces(data, start, tiles, area * components)
    if pieces > _MAX_PIECES:
        raise ImageError(
            f"a JPEG 2000 picture of {pieces} blocks would take too long; the limit is {_MAX_PIECES}"
        )
    samples = width * height * components
    check_seconds(
        "JPEG 2000 picture",
        (samples * _SAMPLE_COST + len(data) * _BYTE_COST + pieces * 1000) / 1e9,
        width * height,
    )
    if not data.startswith(_FILE):
        return data
    # The codestream is the body of a box, whose length stands 8 bytes before, or 16 where it is a large one.
    length, name = struct.unpack_from(">I4s", data, start - 8)
    if name == b"jp2c":
        end = start - 8 + length
    elif start >= 16 and data[start - 16 : start - 8] == b"\0\0\0\1jp2c":
        end = start - 16 + int.from_bytes(data[start - 8 : start], "big")
    else:
        return data
    # Only where the codestream does end there; a length of 0 means the end of the file.
    return data[:end] if data[end - 2 : end] == _END else data


def ends_early(data: bytes) -> bool:
    """Return whether a part of a tile of a bare codestream ends behind the end of the file."""
    at = 2
    for _ in range(_MAX_SEGMENTS if data.startswith(_START) else 0):
        if at + 10 > len(data):
            break
        marker, length, _, part = struct.unpack_from(">HHHI", data, at)
        if marker == 0xFF90:
            if not part:  # it goes up to the end
                break
            at += part
            if at > len(data):
                return True
        else:
            at += 2 + length
    return False


def _pieces(data: bytes, start: int, tiles: int, tile_samples: int) -> int:
    """Return about how many code blocks and packets the picture has, by its worst coding style."""
    at, worst = start + 2, 0
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > len(data):
            break
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF90:  # a part of a tile: its length counts from here
            (part,) = struct.unpack_from(">I", data[at + 6 : at + 10].rjust(4, b"\0"))
            worst = max(worst, _styles(data, at + 12, tile_samples))
            at = at + part if part >= 14 else len(data)
            continue
        if marker == 0xFFD9:  # the end
            break
        worst = max(worst, _style(data, at, marker, tile_samples))
        at += 2 + length
    else:
        raise damaged("JPEG 2000", f"it has more than {_MAX_SEGMENTS} segments")
    return tiles * max(1, worst)


def _styles(data: bytes, at: int, samples: int) -> int:
    """Return the worst of the coding styles in the header of a tile's part."""
    worst = 0
    for _ in range(1000):
        if at + 4 > len(data):
            break
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF93 or marker < 0xFF00:  # the data begin
            break
        worst = max(worst, _style(data, at, marker, samples))
        at += 2 + length
    return worst


def _style(data: bytes, at: int, marker: int, samples: int) -> int:
    """Return how many code blocks and packets of a tile a coding style means; 0 for other segments."""
    if at + 15 > len(data):
        return 0
    if marker == 0xFF52:  # COD: flags, order, layers, transform, then as in COC
        flags, layers, body = data[at + 4], int.from_bytes(data[at + 6 : at + 8], "big"), at + 9
    elif marker == 0xFF53:  # COC: component, flags; the layers are those of COD
        flags, layers, body = data[at + 5], 1, at + 6
    else:
        return 0
    levels, block_width, block_height = data[body], data[body + 1] + 2, data[body + 2] + 2
    blocks = samples >> min(block_width + block_height, 40)
    precincts = data[body + 5 : body + 6 + levels] if flags & 1 else b"\xff"
    packets = sum(1 + (samples >> ((size & 15) + (size >> 4))) for size in precincts)
    return 2 * blocks + max(1, layers) * (packets + levels)
