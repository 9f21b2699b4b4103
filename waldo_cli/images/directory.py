"""Read the directories of a TIFF, choose a picture, and write it anew for the decoder. Standard library only.

A TIFF is a chain of directories, one for each picture; a directory is a list of numbered tags. `read` takes
the tags that say how the samples of one picture are stored, checks them, and appends a new directory with
nothing but these to the file, as classic TIFF. So the decoder sees no metadata, no other picture, no
BigTIFF, and no field type that is not expected.

For samples that Pillow has no mode for (floats of 16 and 64 bits, colour or planes of more than 8 bits), the
new directory calls the bytes of each row grey samples of 8 bits: the decoder then only undoes the
compression, and `samples` gives the bytes their meaning.

Numbers of tags are those of TIFF 6.0 and its supplements; 254 and 255 are NewSubfileType and SubfileType.
"""

from __future__ import annotations

import contextlib
import math
import re
import struct
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from waldo_cli.errors import ImageError
from waldo_cli.images import jpeg
from waldo_cli.images.limits import check_seconds, check_size, damaged, truncated
from waldo_cli.images.orientation import ORIENTATION, orientation

_NEW_SUBFILE, _SUBFILE = 254, 255
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS = 273, 277, 278, 279
_PLANAR, _PREDICTOR, _COLOURS = 284, 317, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_SUBDIRECTORIES, _EXTRA, _FORMAT, _JPEG_TABLES, _XMP, _NO_DATA = 330, 338, 339, 347, 700, 42113
_DNG_VERSION, _SLICES = 50706, 32997
_RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 2, 3, 5, 6, 8  # photometric interpretations
# Samples of a pixel that are colours; 0 is grey, white first, and 1 grey.
_COLOURS_OF: Final = {0: 1, 1: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4}
_OFFSETS: Final = (_STRIP_OFFSETS, _TILE_OFFSETS)
_COUNTS: Final = (_STRIP_COUNTS, _TILE_COUNTS)

# The tags that the decoder gets, as LONG, SHORT, RATIONAL and bytes. 266: order of bits; 292, 293: options
# of fax compression; 512 to 521: old JPEG; 529 to 532: YCbCr.
_LONG: Final = frozenset(
    {_WIDTH, _HEIGHT, _STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_COUNTS, 292, 293}
    | {_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, 513, 514, 519, 520, 521}
)
_SHORT: Final = frozenset(
    {_BITS, _COMPRESSION, _PHOTOMETRIC, 266, _SAMPLES, _PLANAR, _PREDICTOR, _COLOURS, 332}
    | {_EXTRA, _FORMAT, 512, 515, 530, 531}
)
_RATIONAL: Final = frozenset({529, 532})
#: Tags that say how samples are stored.
NEEDED: Final = _LONG | _SHORT | _RATIONAL | {_JPEG_TABLES}

# Format letters of `struct`, by TIFF's number for the type of a value. Fractions are two numbers.
_LETTERS: Final = {
    1: "B",
    2: "B",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}

_MAX_DIRECTORIES: Final = 20_000
_MAX_ENTRIES: Final = 1_000_000  # in all directories together: a second
_MAX_NUMBERS: Final = 250_000  # in one list; Pillow needs some 10 microseconds for each strip
_MAX_SUBDIRECTORIES: Final = 16
_MAX_SAMPLES: Final = 64  # in a pixel

# libtiff decodes whole tiles, even if only a small part of a tile is inside the picture.
_MAX_TILED_PIXELS: Final = 1 << 24


class _Codec(NamedTuple):
    """A compression: its name, nanoseconds for each decoded byte, most decoded bytes from one byte.

    The costs are measured, docs/formats.md has the table; a density of 0 has no limit.
    """

    name: str
    cost: float
    density: float


# JPEG is estimated from its scans. Fax: the cost for a byte of eight pixels.
_CODECS: Final = {
    1: _Codec("none", 2, 1),
    2: _Codec("CCITT", 200, 0),
    3: _Codec("CCITT group 3", 200, 0),
    4: _Codec("CCITT group 4", 200, 0),
    5: _Codec("LZW", 12, 3000),
    6: _Codec("old JPEG", 0, 1024),
    7: _Codec("JPEG", 0, 1024),
    8: _Codec("deflate", 8, 1040),
    32771: _Codec("none, in words", 60, 1),
    32773: _Codec("PackBits", 4, 64),
    32809: _Codec("ThunderScan", 20, 64),
    32946: _Codec("deflate", 8, 1040),
    34676: _Codec("LogLuv", 20, 64),
    34677: _Codec("LogLuv 24", 20, 64),
    34925: _Codec("LZMA", 50, 0),
    50000: _Codec("Zstandard", 5, 0),
    50001: _Codec("WebP", 40, 0),
}
_OLD_JPEG = 6
_JPEG: Final = (_OLD_JPEG, 7)
# Compressions whose result does not depend on what a sample is.
_BYTEWISE: Final = (1, 5, 8, 32773, 32946, 34925, 50000)

_OTHER_CODECS: Final = {
    34661: "JBIG",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34713: "Nikon NEF",
    34887: "LERC",
    34892: "lossy JPEG of DNG",
    34933: "PNG",
    34934: "JPEG XR",
    22610: "JPEG XR",
    48124: "Jetraw",
    50002: "JPEG XL",
    52546: "JPEG XL",
    32908: "PixarFilm",
    32909: "PixarLog",
    32766: "NeXT",
    32895: "CT",
    34718: "Microsoft document imaging",
    99: "JPEG",
}


_NUMBER: Final = re.compile(
    rb"\s*([-+]?(?:nan|inf|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?))", re.IGNORECASE
)


class _Entry(NamedTuple):
    kind: int  # TIFF's number for the type of the values
    length: int  # number of values
    position: int  # of the first value in the file


_Directory = dict[int, _Entry]


@dataclass(frozen=True)
class Layout:
    """How the bytes of rows that were decoded as grey are to be understood.

    Attributes
    ----------
    kind
        numpy's name of a sample, such as ``<f4``.
    bits
        Bits of a sample as stored; a whole number may have fewer than its kind, packed without gaps.
    size
        Width and height of the picture; rows may be longer, to the end of the last tile.
    samples
        Number of samples of a pixel in one plane.
    planes
        Number of planes, which are pages of the file that `read` has written.
    predictor
        1: none; 2: differences of samples; 3: of bytes, most significant bytes first.
    block
        Pixels of a row for which the predictor begins anew: the width of a tile.
    colours
        Number of samples of a pixel that are colours: 1, 3, or 4 for CMYK.
    alpha
        None, or whether the sample after the colours is alpha that the colours are multiplied by.
    colour_map
        Red of all values, then green, then blue, of 16 bits; empty if samples are no indices.
    """

    kind: str
    bits: int
    size: tuple[int, int]
    samples: int
    planes: int
    predictor: int
    block: int
    colours: int
    alpha: bool | None
    colour_map: tuple[int, ...]


@dataclass(frozen=True)
class Tiff:
    """One picture of a TIFF, checked.

    Attributes
    ----------
    data
        The file with a new directory, the only one that the decoder sees.
    turn
        The orientation that it asks for.
    inverted
        0 is white.
    no_data
        The value of samples that are none (GDAL's tag), or None.
    blank
        The same for whole samples of 8 and 16 bits, as they are decoded.
    layout
        None where the decoder knows the samples itself.
    compression
        TIFF's number for it.
    description
        Of the samples, for a message.
    by_libtiff
        Pillow is to leave rows without compression to libtiff: it does not know subsampled colours.
    missing
        Bytes of strips or tiles that lie behind the end of the file; here they are 0.
    """

    data: bytes
    turn: int
    inverted: bool
    no_data: float | None
    blank: int | None
    layout: Layout | None
    compression: int
    description: str
    by_libtiff: bool
    missing: int


class _Reader:
    """The bytes of a TIFF with their byte order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order: Literal["<", ">"] = "<" if data[:1] == b"I" else ">"
        # 43, of either byte order: BigTIFF, with counts and offsets of 64 bits.
        self.is_big = b"+" in data[2:4]
        self._entries = 0

    def first(self) -> int:
        return self._unpack("Q", 8) if self.is_big else self._unpack("I", 4)

    def _unpack(self, letter: str, position: int) -> int:
        try:
            (value,) = struct.unpack_from(self.order + letter, self.data, position)
        except struct.error:
            raise truncated("TIFF") from None
        return int(value)

    def directory(self, offset: int) -> tuple[_Directory, int]:
        """Return the tags of the directory at an offset, and the offset of the next directory."""
        if offset >= len(self.data):
            raise truncated("TIFF")
        count = self._unpack("Q" if self.is_big else "H", offset)
        start = offset + (8 if self.is_big else 2)
        field = 8 if self.is_big else 4  # for the values, or for their offset
        step = 4 + 2 * field
        if count > (len(self.data) - start) // step:
            raise truncated("TIFF")
        self._entries += count
        if self._entries > _MAX_ENTRIES:
            raise damaged("TIFF", f"it has more than {_MAX_ENTRIES} tags")
        found: _Directory = {}
        letter = "Q" if self.is_big else "I"
        rows = self.data[start : start + count * step]
        entries = struct.iter_unpack(f"{self.order}HH{letter}{letter}", rows)
        for index, (number, kind, values, value) in enumerate(entries):
            letters = _LETTERS.get(kind)
            if letters is None or number in found:  # of two equal tags, the first counts
                continue
            inline = struct.calcsize("=" + letters) * values <= field
            position = start + index * step + 4 + field if inline else value
            found[number] = _Entry(kind, values, position)
        after = start + count * step
        return found, self._unpack(letter, after) if after + field <= len(self.data) else 0

    def numbers(self, tag: int, entry: _Entry, most: int) -> tuple[int, ...]:
        """Return at most `most` whole numbers of a tag."""
        if entry.position > len(self.data):
            raise truncated("TIFF")
        letters = _LETTERS[entry.kind]
        count = min(entry.length, most) * len(letters)
        try:
            values = struct.unpack_from(
                f"{self.order}{count}{letters[0]}", self.data, entry.position
            )
        except struct.error:
            raise truncated("TIFF") from None
        if letters in "fd" or min(values, default=0) < 0:
            raise damaged("TIFF", f"tag {tag} holds numbers that are negative or not whole")
        return values

    def one(self, found: _Directory, tag: int, default: int) -> int:
        """Return the first number of a tag."""
        entry = found.get(tag)
        if entry is None or not entry.length:
            return default
        return self.numbers(tag, entry, 1)[0]

    def bytes_of(self, found: _Directory, tag: int, most: int) -> bytes:
        """Return the bytes of a tag of text or of unknown type, as far as the file has them."""
        entry = found.get(tag)
        if entry is None or _LETTERS[entry.kind] not in "Bb":
            return b""
        return self.data[entry.position : entry.position + min(entry.length, most)]

    def needed(self, entry: _Entry, size: int) -> bytes:
        """Return so many bytes of a tag that the pixels need."""
        content = self.data[entry.position : entry.position + size]
        if len(content) < size:
            raise truncated("TIFF")
        return content


def read(data: bytes, page: int, max_pixels: int | None) -> Tiff:
    """Choose a picture of a TIFF, check what its directory says, and write the directory anew.

    Parameters
    ----------
    data
        The whole file.
    page
        Which picture, from 1; reduced copies of a picture and masks do not count.
    max_pixels
        As for `check_size`.

    Raises
    ------
    ImageError
        A camera's raw file, a kind of TIFF that is not opened, or a directory that cannot be true.
    """
    reader = _Reader(data)
    pictures = _pictures(reader)
    if page > len(pictures):
        raise ImageError(f"no page {page}: the file has {len(pictures)}")
    return _Picture(reader, pictures[page - 1], max_pixels).rewritten()


def _pictures(reader: _Reader) -> list[_Directory]:
    """Return the directories of all pictures, in the order of the file."""
    chain: list[_Directory] = []
    visited: set[int] = set()
    offset = reader.first()
    if not offset:
        raise damaged("TIFF", "it holds no picture")
    while offset and offset not in visited:  # directories may point to each other in a circle
        visited.add(offset)
        if len(chain) == _MAX_DIRECTORIES:
            raise damaged("TIFF", f"it has more than {_MAX_DIRECTORIES} directories")
        try:
            found, offset = reader.directory(offset)
        except ImageError:
            if not chain:
                raise
            break  # the pictures before are there
        chain.append(found)
    below: list[_Directory] = []
    for found in chain[:_MAX_SUBDIRECTORIES]:
        entry = found.get(_SUBDIRECTORIES)
        with contextlib.suppress(ImageError):  # what is broken there is not needed
            offsets = reader.numbers(_SUBDIRECTORIES, entry, _MAX_SUBDIRECTORIES) if entry else ()
            for at in offsets:
                if at not in visited:
                    visited.add(at)
                    below.append(reader.directory(at)[0])
    _refuse_raw(reader, chain, below)
    # Where all of the chain are reduced copies, the full picture may be in a directory below.
    for directories in (chain, below):
        full = [d for d in directories if _is_full(reader, d)]
        if full:
            return full
    return chain


def _is_sparse(entries: dict[int, tuple[int, ...]]) -> bool:
    """Return whether a strip or a tile that is to be decoded is nowhere."""
    return any(
        (0, 0) in zip(entries.get(offsets, ()), entries.get(counts, ()), strict=False)
        for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True)
    )


def _is_full(reader: _Reader, found: _Directory) -> bool:
    """Return whether it is neither a reduced copy (bit 0), nor a transparency mask (bit 2)."""
    return (
        not reader.one(found, _NEW_SUBFILE, 0) & 5
        and reader.one(found, _SUBFILE, 1) != 2
        and _WIDTH in found
    )


def _refuse_raw(reader: _Reader, chain: list[_Directory], below: list[_Directory]) -> None:
    """Refuse a camera's raw file: what can be opened in it is a thumbnail."""
    # Photometric interpretations: 32803 a mosaic of coloured pixels, 34892 linear raw colours. CR2 says so
    # in its header.
    is_raw = reader.data[8:10] == b"CR" or any(
        reader.one(found, _PHOTOMETRIC, 0) in (32803, 34892) for found in (*chain, *below)
    )
    if is_raw or _DNG_VERSION in chain[0]:
        raise ImageError("a camera's raw file cannot be opened; develop it to TIFF or JPEG first")


class _Picture:
    """The tags of one picture, while they are checked and written anew."""

    def __init__(self, reader: _Reader, found: _Directory, max_pixels: int | None) -> None:
        self.reader = reader
        self.found = found
        one = reader.one
        self.width, self.height = one(found, _WIDTH, 0), one(found, _HEIGHT, 0)
        self.compression = one(found, _COMPRESSION, 1)
        self.photometric = one(found, _PHOTOMETRIC, 0)
        self.samples = one(found, _SAMPLES, 1)
        if not 1 <= self.samples <= _MAX_SAMPLES:
            raise ImageError(
                f"a TIFF of {self.samples} samples a pixel cannot be opened; convert it to PNG"
            )
        if (slices := one(found, _SLICES, 1)) > 1:  # ImageDepth
            raise ImageError(
                f"a TIFF of {slices} slices in one volume cannot be opened; save them as pages"
            )
        if _SAMPLES not in found and self.compression in _JPEG and self.photometric in (2, 6):
            self.samples = 3
        self.bits = self._each(_BITS, 1)
        # 4 is undefined: to be read as if nothing were said (TIFF 6.0, SampleFormat).
        self.formats = tuple(1 if f in (0, 4) else f for f in self._each(_FORMAT, 1))
        self.is_planar = one(found, _PLANAR, 1) == 2 and self.samples > 1
        self.tile = one(found, _TILE_WIDTH, 0), one(found, _TILE_HEIGHT, 0)
        self.is_tiled = self.tile[0] > 0 and self.tile[1] > 0
        codec = _CODECS.get(self.compression)
        if codec is None:
            name = _OTHER_CODECS.get(self.compression, "unknown")
            raise ImageError(
                f"a TIFF with compression {self.compression} ({name}) cannot be opened; "
                "convert it to one with deflate or none"
            )
        self.codec = codec
        density = codec.density or math.inf
        if self.compression not in _JPEG:  # there it counts pixels, not bytes
            density *= 8 / max(1, sum(self.bits))
        check_size(self.width, self.height, len(reader.data), max_pixels, density)
        self.parts = self._expected_parts()
        self._check_effort()

    def _each(self, tag: int, default: int) -> tuple[int, ...]:
        """Return a number for each sample; one number stands for all."""
        entry = self.found.get(tag)
        values = (default,) if entry is None else self.reader.numbers(tag, entry, self.samples)
        return values * self.samples if len(values) == 1 else values or (default,)

    def _expected_parts(self) -> int:
        """Return how many strips or tiles the picture has, all planes together."""
        rows = self.reader.one(self.found, _ROWS_PER_STRIP, self.height) or self.height
        parts = -(-self.height // rows)
        if self.is_tiled:
            width, height = self.tile
            parts = -(-self.width // width) * -(-self.height // height)
            tiled = parts * width * height
            if tiled > max(_MAX_TILED_PIXELS, 4 * self.width * self.height):
                raise damaged(
                    "TIFF", f"its tiles have {tiled} pixels, the picture {self.width * self.height}"
                )
        parts *= self.samples if self.is_planar else 1
        if parts > _MAX_NUMBERS:
            raise damaged("TIFF", f"it is cut into {parts} parts, the limit is {_MAX_NUMBERS}")
        return parts

    def _check_effort(self) -> None:
        """Refuse parts that share bytes, and what takes too long to decode."""
        size = len(self.reader.data)
        # A writer may store equal parts once; but the decoder reads all the bytes of every part.
        read = sum(min(length, size) for tag in _COUNTS for length in self._list(tag))
        if read > 4 * size + (1 << 20):
            raise damaged("TIFF", "its strips or tiles hold more bytes than the file")
        pixels = self.width * self.height
        if self.is_tiled:
            width, height = self.tile
            tiles = -(-self.width // width) * -(-self.height // height)
            pixels = max(pixels, tiles * width * height)
        seconds = pixels * sum(self.bits) / 8 * self.codec.cost / 1e9
        seconds += self.parts * 20e-6 + self._jpeg_seconds(pixels)
        check_seconds("TIFF", seconds, self.width * self.height)

    def _jpeg_seconds(self, pixels: int) -> float:
        """Return the estimate for strips or tiles that are JPEGs of their own, of `pixels` together."""
        if self.compression not in _JPEG:
            return 0
        data = self.reader.data
        parts = [(at, at + length) for at, length in self._places()]
        if self.compression == _OLD_JPEG:  # its data are one stream, or parts of one
            parts = [(0, len(data))]
        blocks = pixels * self.samples / 64 / max(1, len(parts))
        return sum(jpeg.estimate(data, start, end, blocks) for start, end in parts)

    def _list(self, tag: int) -> tuple[int, ...]:
        """Return the offsets or lengths of strips or tiles; nothing if the tag is missing."""
        entry = self.found.get(tag)
        return () if entry is None else self.reader.numbers(tag, entry, self.parts)

    def _places(self) -> list[tuple[int, int]]:
        """Return where each strip or tile begins, and its length."""
        return [
            place
            for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True)
            for place in zip(self._list(offsets), self._list(counts), strict=False)
        ]

    def _missing(self) -> int:
        """Return how many bytes of strips or tiles lie behind the end of the file.

        Without compression, what a strip has beyond its rows does not count.
        """
        whole = math.inf
        if self.compression == 1:
            rows = self.reader.one(self.found, _ROWS_PER_STRIP, 0) or self.height
            width, rows = self.tile if self.is_tiled else (self.width, min(rows, self.height))
            bits = self.bits[0] if self.is_planar else sum(self.bits)
            whole = (width * bits + 7) // 8 * rows
        elif self.compression == _OLD_JPEG:  # its data are one stream, whatever its strips say
            return 0
        size = len(self.reader.data)
        ends = (at + min(length, whole) for at, length in self._places())
        missing = int(max(0, max(ends, default=0) - size))
        if missing > size + self.width * self.height * sum(self.bits) // 8:  # a place in no file
            raise truncated("TIFF")
        return missing

    def rewritten(self) -> Tiff:
        """Write the directory anew."""
        reader, found = self.reader, self.found
        entries: dict[int, tuple[int, ...]] = {}
        for tag in (_LONG | _SHORT) & found.keys():
            most = self.parts if tag in (*_OFFSETS, *_COUNTS) else self.samples
            most = 3 << 16 if tag == _COLOURS else max(most, 8)
            if found[tag].length > _MAX_NUMBERS:
                raise damaged("TIFF", f"tag {tag} lists {found[tag].length} numbers")
            entries[tag] = reader.numbers(tag, found[tag], most)
        if _FORMAT in entries:
            entries[_FORMAT] = self.formats
        if not self.is_planar:  # Pillow takes one sample in a plane of its own for several
            entries.pop(_PLANAR, None)
        layout = self._layout()
        is_inverted = self.photometric == 0 and (layout is not None or max(self.bits) > 8)
        if is_inverted:  # Pillow inverts up to 8 bits only, and knows more only in one byte order
            entries[_PHOTOMETRIC] = (1,)
        if layout is None and self.photometric == _PALETTE and max(self.bits) <= 8:
            entries[_COLOURS] = self._colour_map(self.bits[0])
        directories = [entries] if layout is None else self._as_bytes(entries, layout)
        if self.compression != _OLD_JPEG and any(map(_is_sparse, directories)):
            raise ImageError(
                "a sparse TIFF, whose empty parts are not stored, cannot be opened; gdal_translate makes a"
                " whole one of it"
            )
        turn = 0
        with contextlib.suppress(ImageError):  # it is no number of its kind
            turn = reader.one(found, ORIENTATION, 0)
        if not 1 <= turn <= 8:
            turn = orientation(b"", reader.bytes_of(found, _XMP, 1 << 20))
        missing = self._missing()
        return Tiff(
            self._write(directories, missing),
            turn,
            is_inverted,
            self._no_data(),
            self._blank(is_inverted),
            layout,
            self.compression,
            self._description(),
            (self.compression, self.photometric) == (1, _YCBCR),
            missing,
        )

    def _description(self) -> str:
        kind = {1: "whole numbers", 2: "signed numbers", 3: "floats"}.get(
            self.formats[0], "numbers"
        )
        return (
            f"{self.samples} samples a pixel, {kind} of {max(self.bits)} bits, photometric "
            f"interpretation {self.photometric}, {self.codec.name} compression"
        )

    def _no_data(self) -> float | None:
        # As GDAL reads it: what follows the number does not count.
        match = _NUMBER.match(self.reader.bytes_of(self.found, _NO_DATA, 64))
        return float(match[1]) if match else None

    def _blank(self, is_inverted: bool) -> int | None:
        """Return the decoded value of whole samples that are none, in pictures of grey and of RGB."""
        value, bits = self._no_data(), self.bits[0]
        is_whole = set(self.formats) == {1} and bits in (8, 16) and self.photometric <= _RGB
        if value is None or not is_whole or value not in range(1 << bits):
            return None
        # Pillow inverts what is not marked as inverted here.
        return (
            (1 << bits) - 1 - int(value)
            if self.photometric == 0 and not is_inverted
            else int(value)
        )

    def _layout(self) -> Layout | None:
        """Return how to read samples that Pillow has no mode for; None where it has one."""
        bits, form = self.bits[0], self.formats[0]
        extra = self.found.get(_EXTRA)
        extras = self.reader.numbers(_EXTRA, extra, self.samples) if extra else ()
        if self.photometric == _LAB and self.is_planar:  # Pillow takes their signs for others
            raise ImageError("a TIFF of CIE Lab in planes cannot be opened; convert it to PNG")
        if self.photometric not in _COLOURS_OF or not self._is_odd(bits, form, extras):
            return None
        if len(set(self.bits)) > 1 or len(set(self.formats)) > 1:
            raise ImageError(
                f"a TIFF with samples of {self.bits} bits cannot be opened; convert it to PNG"
            )
        letter = {1: "u", 2: "i", 3: "f"}.get(form)
        is_packed = form == 1 and bits < 16  # any number of bits
        predictor = self.reader.one(self.found, _PREDICTOR, 1)
        if (
            letter is None
            or not (is_packed or bits in (8, 16, 32, 64))
            or (bits % 8 and predictor != 1)
            or (self.photometric == _CMYK and form != 3 and not (form == 1 and bits <= 16))
            or self.compression not in _BYTEWISE
        ):
            raise ImageError(f"a TIFF of {self._description()} cannot be opened; convert it to PNG")
        colours = _COLOURS_OF[self.photometric]
        if self.samples < colours:
            raise damaged("TIFF", f"{self.samples} samples a pixel are too few for its colours")
        alpha = {1: True, 2: False}.get(extras[0]) if extras else None
        if not extras and self.samples == colours + 1:
            alpha = False  # not said, but there is nothing else that it could be
        colour_map = self._colour_map(bits) if self.photometric == _PALETTE else ()
        if colour_map:
            alpha = None  # it is not looked at beside numbers of colours
        return Layout(
            f"{self.reader.order}{letter}{-(-bits // 8)}",
            bits,
            (self.width, self.height),
            1 if self.is_planar else self.samples,
            min(self.samples, colours + (alpha is not None)) if self.is_planar else 1,
            predictor,
            self.tile[0] if self.is_tiled else self.width,
            colours,
            alpha,
            colour_map,
        )

    def _is_odd(self, bits: int, form: int, extras: tuple[int, ...]) -> bool:
        """Return whether Pillow has no mode for samples of so many bits, this format and these extras."""
        several = self.samples > 1
        if self.photometric == _PALETTE:
            return bits > 8
        if self.photometric == _CMYK:
            return self.compression in _BYTEWISE and (self.samples > 4 or bits != 8)
        if (self.samples, bits, form) == (1, 16, 1):  # Pillow's mode I;16
            return False
        if max(self.bits) > 8 or bits not in (1, 2, 4, 8):
            return True
        # Up to 8 bits: planes of grey or with alpha, more than four samples, inverted grey with alpha,
        # grey with several bands more, or with one of which nothing is said, colours of less than 8 bits,
        # signed bytes.
        if self.is_planar and self.photometric != _RGB:
            return True
        return self.compression in _BYTEWISE and (
            self.samples > 4
            or (self.is_planar and self.samples > 3)
            or (several and (bits < 8 or self.photometric == 0))
            or (self.samples > 2 and self.photometric == 1)
            or (self.samples == 2 and not extras)
            or form == 2
        )

    def _colour_map(self, bits: int) -> tuple[int, ...]:
        """Return the colours of a palette; some programs write numbers of 8 bits, libtiff knows them, too."""
        entry = self.found.get(_COLOURS)
        values = () if entry is None else self.reader.numbers(_COLOURS, entry, 3 << 16)
        if len(values) < 3 << bits:
            raise damaged("TIFF", "its palette is missing or too short")
        return tuple(value * 257 for value in values) if max(values) < 256 else values

    def _as_bytes(
        self, entries: dict[int, tuple[int, ...]], layout: Layout
    ) -> list[dict[int, tuple[int, ...]]]:
        """Return a directory for each plane that calls the bytes of its rows grey samples."""
        block = (layout.block * layout.samples * layout.bits + 7) // 8  # bytes
        width = -(-self.width // layout.block) * block
        common = {
            t: v for t, v in entries.items() if t not in (_PREDICTOR, _EXTRA, _FORMAT, _COLOURS)
        }
        common |= {_WIDTH: (width,), _BITS: (8,), _SAMPLES: (1,), _PHOTOMETRIC: (1,), _PLANAR: (1,)}
        if self.is_tiled:
            common[_TILE_WIDTH] = (block,)
        each = self.parts // self.samples if self.is_planar else self.parts
        return [
            {
                tag: values[plane * each : (plane + 1) * each]
                if tag in (*_OFFSETS, *_COUNTS)
                else values
                for tag, values in common.items()
            }
            for plane in range(layout.planes)
        ]

    def _write(self, directories: list[dict[int, tuple[int, ...]]], missing: int) -> bytes:
        """Return the file, and the bytes that it lacks, as classic TIFF whose chain are these directories."""
        reader, order = self.reader, self.reader.order
        mark = b"II*\0" if order == "<" else b"MM\0*"
        base = len(reader.data) + missing
        base += base % 2
        appended = bytearray(base - len(reader.data))
        first = base
        for number, entries in enumerate(directories):
            packed: dict[int, tuple[int, int, bytes]] = {}
            for tag, values in entries.items():
                letter, limit = ("I", 1 << 32) if tag in _LONG else ("H", 1 << 16)
                if max(values, default=0) >= limit:
                    raise damaged("TIFF", f"tag {tag} holds {max(values)}")
                content = struct.pack(f"{order}{len(values)}{letter}", *values)
                packed[tag] = 4 if tag in _LONG else 3, len(values), content
            for tag in _RATIONAL & self.found.keys():
                entry = self.found[tag]
                if entry.kind == 5 and entry.length <= 6:
                    packed[tag] = 5, entry.length, reader.needed(entry, 8 * entry.length)
            tables = self.found.get(_JPEG_TABLES)
            if tables is not None and tables.length and _LETTERS[tables.kind] in "Bb":
                content = reader.needed(tables, min(tables.length, 1 << 16))
                packed[_JPEG_TABLES] = 7, len(content), content
            at = len(reader.data) + len(appended)
            values_at = at + 2 + 12 * len(packed) + 4
            rows, outside = bytearray(), bytearray()
            for tag, (kind, length, content) in sorted(packed.items()):
                if len(content) > 4:
                    field = struct.pack(order + "I", values_at + len(outside))
                    outside += content + b"\0" * (len(content) % 2)
                else:
                    field = content.ljust(4, b"\0")
                rows += struct.pack(order + "HHI", tag, kind, length) + field
            is_last = number == len(directories) - 1
            following = 0 if is_last else values_at + len(outside)
            appended += struct.pack(order + "H", len(packed)) + rows
            appended += struct.pack(order + "I", following) + outside
        # The first 8 bytes of the file are the header of classic TIFF. In a BigTIFF nothing else is lost: its
        # header has 16.
        body = memoryview(reader.data)[8:]
        return b"".join((mark, struct.pack(order + "I", first), body, appended))
