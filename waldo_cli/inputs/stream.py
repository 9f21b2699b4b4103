"""Several pictures one after the other, as ``ffmpeg -f image2pipe`` writes them: where does each end?

A picture is given as soon as it has come, and as soon as it is known whether another one follows. What
follows a picture and does not begin like one belongs to it: many programs write more behind the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, cast

from waldo_cli.images import pnm, tiff


def pictures(read: Callable[[int], bytes], limit: int) -> Iterator[tuple[bytes, bool]]:
    """Give the bytes of each picture, and whether another one follows.

    A picture of more than `limit` bytes is given with one byte more than that, and is the last. A stream
    that ends within a picture gives what has come of it.

    Parameters
    ----------
    read
        Returns at most so many bytes, and none at the end.
    limit
        Most bytes of one picture.
    """
    stream = _Stream(read, limit)
    while True:
        try:
            end = stream.find_end()
            more = end is not None and stream.begins_picture(end)
            if not more:  # what is left is one picture
                while stream.has(len(stream.data) + 1):
                    pass
                end = len(stream.data)
        except _TooLongError:
            end, more = limit + 1, False
        yield bytes(stream.data[:end]), more
        if not more:
            return
        del stream.data[:end]


class _TooLongError(Exception):
    """A picture has more bytes than the limit."""


class _Stream:
    """Bytes that have been read and not yet given."""

    def __init__(self, read: Callable[[int], bytes], limit: int) -> None:
        self._read = read
        self._limit = limit
        self.data = bytearray()

    def has(self, size: int) -> bool:
        """Read until there are `size` bytes; return whether the stream is that long."""
        wanted = min(size, self._limit + 1)
        # At most 16 MiB in one call: `read` allocates all that is asked for.
        while len(self.data) < wanted and (
            chunk := self._read(1 << 16 if wanted < 1 << 24 else 1 << 24)
        ):
            self.data += chunk
        if size > self._limit and len(self.data) > self._limit:
            raise _TooLongError
        return len(self.data) >= size

    def begins_picture(self, position: int) -> bool:
        """Return whether a picture begins at a position: of a kind whose end can be found."""
        return self._kind(position) is not None

    def find_end(self) -> int | None:
        """Return where the first picture ends; None if that is the end of the stream, or cannot be told."""
        kind = self._kind(0)
        return None if kind is None else _ENDS[kind](self)

    def number(self, position: int, size: int, order: str) -> int | None:
        """Return a whole number of some bytes; None if the stream ends before it."""
        if not self.has(position + size):
            return None
        return int.from_bytes(self.data[position : position + size], order)  # type: ignore[arg-type]

    def _kind(self, position: int) -> str | None:
        self.has(position + 16)
        head = bytes(self.data[position : position + 16])
        return next((k for k, signature in _SIGNATURES.items() if signature.match(head)), None)


def _png_end(stream: _Stream) -> int | None:
    position = 8
    while (length := stream.number(position, 4, "big")) is not None:
        if not stream.has(position + 8):
            return None
        name = stream.data[position + 4 : position + 8]
        position += 12 + length
        if name == b"IEND":
            return position
    return None


# In the data of a scan, 0xFF is followed by 0 or is one of the markers RST0 to RST7.
_MARKER: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
# Metadata of files that have more JPEGs or a video behind the first: MPO, Ultra HDR, motion photos.
_MORE_BEHIND: Final = re.compile(
    rb"MPF\0|http://ns\.adobe\.com/xap/1\.0/\0.*(hdrgm:|GCamera:|GContainer)", re.DOTALL
)


def _jpeg_end(stream: _Stream) -> int | None:
    position = 2
    while True:
        while (match := _MARKER.search(stream.data, position)) is None:
            # A marker may begin with the last byte that has come.
            position = max(position, len(stream.data) - 1)
            if not stream.has(len(stream.data) + 1):
                return None
        marker, position = match[1][0], match.end()
        if marker == 0xD9:
            return position
        if marker == 0x01 or marker == 0xD8:  # without a length
            continue
        length = stream.number(position, 2, "big")
        if length is None or not stream.has(position + length):
            return None
        if 0xE1 <= marker <= 0xE2 and _MORE_BEHIND.match(
            stream.data, position + 2, position + length
        ):
            return None
        position += max(2, length)


def _gif_end(stream: _Stream) -> int | None:
    flags = stream.number(10, 1, "little")
    if flags is None:
        return None
    position = 13 + _palette(flags)
    while (kind := stream.number(position, 1, "little")) is not None:
        position += 1
        if kind == 0x3B:
            return position
        if kind == 0x2C:  # a frame: place and flags, maybe a palette, the first code's size
            flags = stream.number(position + 8, 1, "little")
            if flags is None:
                return None
            position += 10 + _palette(flags)
        elif kind == 0x21:  # an extension
            position += 1
        else:
            continue
        while length := stream.number(position, 1, "little"):
            position += 1 + length
        position += 1
    return None


def _palette(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _webp_end(stream: _Stream) -> int | None:
    length = stream.number(4, 4, "little")
    return None if length is None else 8 + length + length % 2


def _bmp_end(stream: _Stream) -> int | None:
    size = stream.number(2, 4, "little") or 0
    return size if size >= 26 else None  # not even its headers: the size is wrong


# More boxes than a picture and a film behind it have; where there are more, the end is not looked for.
_MAX_BOXES: Final = 10_000


def _boxes_end(stream: _Stream) -> int | None:
    position = 0
    for _ in range(_MAX_BOXES):
        length = stream.number(position, 4, "big")
        if length is None:
            break
        # A film behind a picture begins like one, but with brands of its own: it belongs to the picture.
        if position and stream.begins_picture(position):
            return position
        if length == 1:
            length = stream.number(position + 8, 8, "big") or 0
        if length < 8:  # 0: up to the end
            return None
        position += length
    return None


class _File:
    """The stream as a file that is read at any place, as far as it has to be read for that."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._at = 0

    def seek(self, position: int) -> None:
        self._at = position

    def read(self, size: int) -> bytes:
        self._stream.has(self._at + size)
        data = bytes(self._stream.data[self._at : self._at + size])
        self._at += len(data)
        return data


def _tiff_end(stream: _Stream) -> int | None:
    end = tiff.end(cast("BinaryIO", _File(stream)))
    if end is None:
        return None
    # Some programs fill the last page up with zeros, to a multiple of 16 bytes.
    for _ in range(15):
        if stream.begins_picture(end) or stream.number(end, 1, "big") != 0:
            break
        end += 1
    return end


def _pnm_end(stream: _Stream) -> int | None:
    while (found := pnm.header(stream.data)) is None:
        if len(stream.data) >= pnm.LONGEST_HEADER or not stream.has(len(stream.data) + 1):
            return None
    end = found.end
    while (byte := stream.number(end, 1, "big")) is not None and byte in pnm.WHITE_SPACE:
        end += 1
    return end


_SIGNATURES: Final = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "PNM": re.compile(rb"P[456](#|[ \t\r\n]+[\d#])"),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    # AVIF and HEIF, JPEG 2000, JPEG XL: each made of boxes.
    "BOXES": re.compile(
        rb"....ftyp(avi[fs]|hei[cfmsx]|hev[cmsx]|mif1|msf1)|\0\0\0\x0c(jP  |JXL )\r\n\x87\n",
        re.DOTALL,
    ),
    "BMP": re.compile(rb"BM[^\0]...\0{4}|BM.[^\0]..\0{4}|BM..[^\0].\0{4}", re.DOTALL),
}
_ENDS: Final[dict[str, Callable[[_Stream], int | None]]] = {
    "PNG": _png_end,
    "JPEG": _jpeg_end,
    "GIF": _gif_end,
    "WEBP": _webp_end,
    "PNM": _pnm_end,
    "TIFF": _tiff_end,
    "BOXES": _boxes_end,
    "BMP": _bmp_end,
}
