"""Read the header of a JPEG XL picture: size and turn. Standard library only.

ISO/IEC 18181-1: the codestream begins with the bytes FF 0A, the size, and the image's metadata, all as bits,
the lowest first. It may lie in boxes as those of AVIF. The decoder applies the turn itself.
"""

from __future__ import annotations

import struct
from typing import Final

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import check_seconds, check_size, truncated

_CONTAINER: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
# Width by height of the ratios 1 to 7.
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_DENSITY: Final = 30_000  # most pixels from one byte of a large picture
# Nanoseconds, measured (docs/formats.md): for a pixel, and for a byte of compressed data. The slowest that an
# encoder makes is noise without loss, with most effort: nearly all of its work is for pixels.
_PIXEL_COST: Final = 270
_BYTE_COST: Final = 10


def screen(data: bytes, max_pixels: int | None) -> int:
    """Refuse a JPEG XL picture that is too large; return the EXIF orientation that the decoder applies.

    Raises
    ------
    ImageError
        The message says why.
    """
    width, height, turn, is_animated = _header(data[_codestream(data) :][:64])
    check_size(width, height, len(data), max_pixels, _DENSITY)
    seconds = (width * height * _PIXEL_COST + len(data) * _BYTE_COST) / 1e9
    check_seconds("JPEG XL picture", seconds, width * height)
    if is_animated:  # pillow-jxl would give its last frame
        raise ImageError("an animation of JPEG XL cannot be opened; convert it to APNG or WebP")
    return turn


def _codestream(data: bytes) -> int:
    """Return where the codestream begins."""
    if not data.startswith(_CONTAINER):
        return 0
    at = 0
    for _ in range(1000):
        if at + 8 > len(data):
            break
        length, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        if name == b"jxlc":
            return at + head
        if name == b"jxlp":  # the first part of several; 4 bytes say which it is
            return at + head + 4
        if length < head:
            break
        at += length
    raise truncated("JPEG XL")


class _Bits:
    """Read numbers of single bits, lowest first."""

    def __init__(self, data: bytes) -> None:
        self.value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        number = self.value & ((1 << count) - 1)
        self.value >>= count
        return number

    def side(self) -> int:
        """Return a width or a height: two bits say how many follow."""
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1


def _header(data: bytes) -> tuple[int, int, int, bool]:
    """Return width, height, orientation, and whether it is an animation."""
    if len(data) < 12:
        raise truncated("JPEG XL")
    bits = _Bits(data[2:])
    width, height = _size(bits)
    if bits.take(1) or not bits.take(1):  # all metadata have their defaults; or this part has
        return width, height, 1, False
    turn = bits.take(3) + 1
    if bits.take(1):  # another size to show it in
        _size(bits)
    is_preview = bits.take(1)  # its header is not read, so it is not known what comes behind it
    return width, height, turn, not is_preview and bool(bits.take(1))


def _size(bits: _Bits) -> tuple[int, int]:
    in_eights = bits.take(1)
    height = 8 * (bits.take(5) + 1) if in_eights else bits.side()
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return height * across // down, height
    return 8 * (bits.take(5) + 1) if in_eights else bits.side(), height
