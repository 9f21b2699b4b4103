"""Read the headers of a JPEG 2000 file, and change them where Pillow needs it. Standard library only.

They tell size, depths and channels, and the work to decode the picture.

ITU T.800, annex A: the segment SIZ gives the size of the picture and of its tiles, COD and COC the sizes of
code blocks and precincts. Small blocks and many layers cost memory and time that the size does not show.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import check_seconds, check_size, damaged, truncated

_END: Final = b"\xff\xd9"  # and it ends with EOC
_FILE: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_START: Final = b"\xff\x4f\xff\x51"  # the codestream begins with SOC, then SIZ
# The colours that the header of a JP2 file names by a number, and how many components each may have.
_COLOURS: Final = re.compile(rb"colr\x01..\0\0\0([\x0c\x10\x11\x12])", re.DOTALL)
_CMYK, _SRGB, _GREY, _SYCC = 12, 16, 17, 18
_COMPONENTS: Final = {_CMYK: (4,), _SRGB: (3, 4), _GREY: (1, 2), _SYCC: (3, 4)}
_BITS_OF_BYTE: Final = 8
_MAX_COMPONENTS: Final = 4
# At most 65,535 tiles: of each the header of a part, a table of lengths, and the mark of its data.
_MAX_SEGMENTS: Final = 200_000
_MAX_LEVELS: Final = 32  # of the wavelet transform
# Code blocks and packets; OpenJPEG needs some hundred bytes for each.
_MAX_PIECES: Final = 2_000_000

# Most pixels from one byte: an empty code block of 64x64 costs a fraction of a bit.
_DENSITY: Final = 30_000
# Nanoseconds, measured (docs/formats.md): for a sample, and for a byte of compressed data.
_SAMPLE_COST: Final = 20
_BYTE_COST: Final = 130


def screen(data: bytes, max_pixels: int | None) -> bytes:
    """Refuse a JPEG 2000 picture that is too large or takes too long to decode; return the bytes to decode.

    Those are the file up to the end of its codestream: OpenJPEG reads the boxes behind it, too, and fails
    where a second ``ftyp`` is among them, as a film begins. What is said of the colours fits the number of
    components.

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
        raise ImageError(
            f"a JPEG 2000 picture of {components} components cannot be opened; convert it to PNG"
        )
    if start + 42 + 3 * components > len(data):
        raise truncated("JPEG 2000")
    bits = max(depths(data), default=0)
    if bits > _BITS_OF_BYTE and _is_ycc(data, start, components):
        raise ImageError(
            f"a JPEG 2000 picture of YCC of {bits} bits cannot be opened; convert it to PNG"
        )
    check_size(width, height, len(data), max_pixels, _DENSITY)
    tiles = -(-right // tile_width) * -(-bottom // tile_height)
    area = min(width, tile_width) * min(height, tile_height)
    pieces = _pieces(data, start, tiles, area * components)
    if pieces > _MAX_PIECES:
        raise ImageError(
            f"a JPEG 2000 picture of {pieces} blocks would take too long; the limit is {_MAX_PIECES}"
        )
    decoded = 2 if bits > _BITS_OF_BYTE and components > 1 else 1  # see `with_one_bit_more`
    samples = width * height * components
    check_seconds(
        "JPEG 2000 picture",
        decoded * (samples * _SAMPLE_COST + len(data) * _BYTE_COST + pieces * 1000) / 1e9,
        width * height,
    )
    if not data.startswith(_FILE):
        return data
    said = None if data.find(b"pclr", 0, start) > 0 else _COLOURS.search(data, 0, start)
    if said is not None and components not in _COMPONENTS[said[1][0]]:
        # It has no palette. GDAL says grey of colours of 16 bits; Pillow fails at what contradicts itself.
        colours = bytes([_SRGB if components > 2 else _GREY])
        data = data[: said.start(1)] + colours + data[said.end() :]
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


def depths(data: bytes) -> tuple[int, ...]:
    """Return the bits of the samples of each component, of a file that has passed `screen`."""
    start = data.index(_START)
    (components,) = struct.unpack_from(">H", data, start + 40)
    return tuple((size & 0x7F) + 1 for size in data[start + 42 : start + 42 + 3 * components : 3])


def channels(data: bytes) -> tuple[tuple[int, ...], str] | None:
    """Return which components are the colours, and alpha, and Pillow's mode for them; None if nothing tells.

    In a JP2 file the box ``cdef`` says which component is which colour, and which is opacity. One that it
    does not name, such as the infrared of an aerial photograph, is none (T.800, I.5.3.6).
    """
    start = data.index(_START)
    if not data.startswith(_FILE):
        return None
    count = len(depths(data))
    at = data.find(b"cdef", 0, start)
    said = data[at + 6 : at + 6 + 6 * min(data[at + 5], 2 * _MAX_COMPONENTS)] if at > 0 else b""
    colours = list(range(3 if count > 2 else 1))
    alpha, mode, suffix = [], "RGB" if count > 2 else "L", ""
    for channel, kind, meaning in struct.iter_unpack(">HHH", said[: len(said) // 6 * 6]):
        if kind == 0 and 1 <= meaning <= len(colours) and channel < count:
            colours[meaning - 1] = channel
        elif kind in (1, 2) and channel < count:
            alpha = [channel]
            suffix = "A" if kind == 1 else "a"  # 2: the colours are multiplied by it
    order = (*colours, *alpha)
    if len(set(order)) < len(order):  # it contradicts itself
        return None
    return order, mode + suffix


def _is_ycc(data: bytes, start: int, components: int) -> bool:
    """Return whether brightness and two differences are stored: by what the file says, or their sizes."""
    steps = {data[start + 43 + 3 * n : start + 45 + 3 * n] for n in range(components)}
    said = _COLOURS.search(data, 0, start)
    return len(steps) > 1 or (said is not None and said[1][0] == _SYCC)


def with_one_bit_more(data: bytes) -> bytes:
    """Return a picture of the same samples within twice the range: 0 becomes a quarter of it, white three.

    The header then says one bit more, and the level that is added to samples without sign is a half of the
    new range. So that the steps of quantization stay as they are, their exponents grow by one, too; so that
    as many bit planes are there, one guard bit less is said (T.800, A.5.1, A.6.4, E.1 and G.1).
    """
    start = data.index(_START)
    changed = bytearray(data)
    # The highest bit of each is the sign.
    for at in range(start + 42, start + 42 + 3 * len(depths(data)), 3):
        changed[at] += 1
    for marker, at in _segments(data, start):
        if marker not in (0xFF5C, 0xFF5D):  # QCD; QCC: the component comes first
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        at += 4 if marker == 0xFF5C else 5
        style = data[at] & 31
        step = 2 if style else 1
        end = min(end, at + 1 + step * (3 * _MAX_LEVELS + 1), len(data))  # one for each band
        exponents = range(at + 1, end, step)  # the 5 highest bits
        if data[at] < 32 or any(data[n] >> 3 == 31 for n in exponents):
            raise ImageError(
                "a JPEG 2000 picture without guard bits cannot be opened; convert it to PNG"
            )
        changed[at] -= 32
        for n in exponents:
            changed[n] += 8
    return bytes(changed)


def _pieces(data: bytes, start: int, tiles: int, tile_samples: int) -> int:
    """Return about how many code blocks and packets the picture has, by its worst coding style."""
    styles = (_style(data, at, marker, tile_samples) for marker, at in _segments(data, start))
    return tiles * max(1, max(styles, default=0))


def _segments(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Give the markers of the main header and of the headers of tiles' parts, and where they stand."""
    at = start + 2
    steps = iter(range(_MAX_SEGMENTS))  # shared by both loops
    for _ in steps:
        if at + 4 > len(data):
            return
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF90:  # a part of a tile: its length counts from here
            (part,) = struct.unpack_from(">I", data[at + 6 : at + 10].rjust(4, b"\0"))
            end = at + part if part >= 14 else len(data)
            yield from _segments_of_part(data, at + 12, end, steps)
            at = end
            continue
        if marker == 0xFFD9:  # the end
            return
        yield marker, at
        at += 2 + length
    raise damaged("JPEG 2000", f"it has more than {_MAX_SEGMENTS} segments")


def _segments_of_part(
    data: bytes, at: int, end: int, steps: Iterator[int]
) -> Iterator[tuple[int, int]]:
    for _ in steps:
        if at + 4 > min(end, len(data)):
            return
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == 0xFF93 or marker < 0xFF00:  # the data begin
            return
        yield marker, at
        at += 2 + length


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
    precincts = data[body + 5 : body + 6 + min(levels, _MAX_LEVELS)] if flags & 1 else b"\xff"
    packets = sum(1 + (samples >> ((size & 15) + (size >> 4))) for size in precincts)
    return 2 * blocks + max(1, layers) * (packets + levels)
