"""Read the boxes of AVIF and HEIF: size, turn, and the work to decode. Standard library only.

Both are ISO base media files (ISO/IEC 14496-12 and 23008-12): boxes of a length, a name and a body. The box
``meta`` lists items, such as the tiles of a picture, and their properties: `ispe` is the size, `irot` turns
by 90 degrees against the clock, `imir` mirrors, and `clap` is the part that is shown, before both. These
alone say how the picture is shown; an orientation in EXIF only repeats them and is not applied.

What an item really holds is said by its codec's own header. It is read here, too, so that a small picture
does not hide a large one.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, Final, NamedTuple

from waldo_cli.errors import ImageError
from waldo_cli.images.limits import check_seconds, damaged, truncated

_MAX_BOXES: Final = 200_000
_MAX_ITEMS: Final = 20_000  # that one picture is composed of
_MAX_UNITS: Final = 16  # of AV1 data that are gone through: its header is among the first
_MAX_META_BYTES: Final = 16 << 20  # of the box that lists them, where only its pictures are counted

# Types of items that are pictures: coded ones, and those that are made of others.
_PICTURES: Final = frozenset(
    {b"hvc1", b"av01", b"avc1", b"vvc1", b"j2k1", b"jpeg", b"unci", b"grid", b"iovl", b"iden"}
)

# Nanoseconds, measured (docs/formats.md): for a pixel, and for a byte of compressed data.
_PIXEL_COST: Final = 60
_BYTE_COST: Final = 150

# Where the four corners of the stored picture, a b over c d, are shown: EXIF orientation by corners.
_BY_CORNERS: Final = {
    "abcd": 1,
    "badc": 2,
    "dcba": 3,
    "cdab": 4,
    "acbd": 5,
    "cadb": 6,
    "dbca": 7,
    "bdac": 8,
}


class _Box(NamedTuple):
    name: bytes
    start: int  # of the body
    end: int


@dataclass
class _Meta:
    """What the box ``meta`` says."""

    primary: int = 0
    primary_at: tuple[int, int] = (0, 0)  # where its number stands, and the bytes of it
    # item -> place of its last byte of flags
    flags_at: dict[int, int] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    thumbnails: set[int] = field(default_factory=set)
    alternatives: list[list[int]] = field(default_factory=list)  # items of which one is to be shown
    types: dict[int, bytes] = field(default_factory=dict)
    properties: list[_Box] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)  # item -> indices of properties
    parts: dict[int, list[int]] = field(default_factory=dict)  # item -> items that it is made of
    auxiliary: list[tuple[int, int]] = field(default_factory=list)  # such as alpha; of which item
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # item -> offset, length


@dataclass(frozen=True)
class Heif:
    """The primary picture of a file.

    Attributes
    ----------
    size
        Width and height as stored; (0, 0) if they are not said.
    turn
        EXIF orientation that stands for its turns and mirrors.
    pixels
        Pixels that are decoded for it, with all tiles and alpha.
    part
        Left, top, right and bottom edge of what is shown of the stored picture; None for all of it.
    """

    size: tuple[int, int]
    turn: int
    pixels: int
    part: tuple[int, int, int, int] | None = None


def brands(data: bytes) -> set[bytes]:
    """Return the brands of the box ``ftyp``: the first one and the compatible ones."""
    end = min(int.from_bytes(data[:4], "big"), 1024)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def is_avif(data: bytes) -> bool:
    """Return whether the primary picture is coded with AV1, so that the file is AVIF, not HEIF."""
    found = brands(data)
    if found & {b"avif", b"avis"}:
        return not found & {b"heic", b"heix", b"hevc"} or data[8:12] in (b"avif", b"avis")
    return False


def read(data: bytes) -> Heif:
    """Read size, turn and work of the primary picture.

    Raises
    ------
    ImageError
        There are too many boxes or items, or no picture.
    """
    meta = next((b for b in _boxes(data, 0, len(data)) if b.name == b"meta"), None)
    if meta is None:  # only the frames of a sequence, which pillow-heif does not open
        if not is_avif(data) and any(b.name == b"moov" for b in _boxes(data, 0, len(data))):
            raise ImageError(
                "a HEIF image sequence without a still picture cannot be opened:"
                " take it apart first, as with ffmpeg"
            )
        return Heif((0, 0), 1, 0)
    if meta.end > len(data):
        raise truncated("HEIF")
    found = _meta(data, meta)
    if not found.primary:
        raise damaged("HEIF", "it names no primary picture")
    corners, size = ("a", "b", "c", "d"), (0, 0)
    clean = None
    for box in _properties(found, found.primary):
        if box.name == b"irot":
            for _ in range(data[box.start] & 3 if box.start < len(data) else 0):
                a, b, c, d = corners
                corners = b, d, a, c
        elif box.name == b"imir":
            a, b, c, d = corners
            # Axis 0: top and bottom change places; 1: left and right.
            is_sideways = data[box.start : box.start + 1] == b"\1"
            corners = (b, a, d, c) if is_sideways else (c, d, a, b)
        elif box.name == b"ispe":
            size = _pair(data, box.start + 4)
        elif box.name == b"clap":
            clean = data[box.start : box.end]
    part = None if clean is None else _clean_part(clean, size)
    return Heif(size, _BY_CORNERS["".join(corners)], _work(data, found), part)


def _clean_part(clean: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the edges that a clean aperture says, rounded as by libheif; None if they make no sense.

    It has a width, a height, and how far to the right of the picture's centre and below it its own centre
    lies, each as a fraction.
    """
    if len(clean) < 32:
        return None
    numbers = struct.unpack(">IIIIiIiI", clean[:32])
    if 0 in numbers[1::2]:
        return None
    *sides, across, down = (
        Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)
    )
    starts, ends = [], []
    for whole, side, off in zip(size, sides, (across, down), strict=True):
        start = math.floor(off + Fraction(whole - 1, 2) - (side - 1) / 2)
        starts.append(max(0, start))
        ends.append(min(whole, start + math.floor(side + Fraction(1, 2))))
    (left, top), (right, bottom) = starts, ends
    return (left, top, right, bottom) if left < right and top < bottom else None


def pictures(file: BinaryIO) -> list[int]:
    """Return the items that are pictures of their own, the primary one first; nothing if there are none.

    Tiles, thumbnails, alpha, depth and gain maps belong to a picture; so do hidden items, and those that may
    be shown instead of the primary one.
    """
    at, size = 0, file.seek(0, os.SEEK_END)
    for _ in range(1000):
        file.seek(min(at, size))  # a length may lead further than a file can be
        head = box_head(file.read(16))
        if head is None:
            break
        if head.name == b"meta":
            file.seek(at + head.size)
            body = file.read(min(max(0, head.length - head.size), _MAX_META_BYTES))
            return _pictures(_meta(body, _Box(head.name, 0, len(body))))
        if head.length < head.size:
            break
        at += head.length
    return []


def _pictures(found: _Meta) -> list[int]:
    if not found.primary:
        return []
    parts = {item for items in found.parts.values() for item in items}
    parts |= {item for item, _ in found.auxiliary} | found.thumbnails | found.hidden
    parts.add(found.primary)
    for group in found.alternatives:
        parts.update(group if found.primary in group else group[1:])
    others = [n for n, kind in found.types.items() if kind in _PICTURES and n not in parts]
    return [found.primary, *sorted(others)]


def with_primary(data: bytes, item: int) -> bytes:
    """Return a file with another of its `pictures` as the primary one, and the rest of them hidden."""
    meta = next(box for box in _boxes(data, 0, len(data)) if box.name == b"meta")
    found = _meta(data, meta)
    changed = bytearray(data)
    for other in _pictures(found):
        if (at := found.flags_at.get(other, len(data))) < len(data):
            changed[at] = data[at] & ~1 | (other != item)
    at, size = found.primary_at
    if item >= 1 << 8 * size:
        raise damaged("HEIF", "it has no room for the number of a picture")
    changed[at : at + size] = item.to_bytes(size, "big")
    return bytes(changed)


def check_effort(data: bytes, kind: str, heif: Heif, width: int, height: int) -> None:
    """Refuse a picture that takes too long to decode for its size."""
    pixels = max(heif.pixels, width * height)
    seconds = (pixels * _PIXEL_COST + len(data) * _BYTE_COST) / 1e9
    check_seconds(kind, seconds, width * height)


class BoxHead(NamedTuple):
    """How a box begins: its length, 0 if it goes up to the end, its name, and the bytes of all that."""

    length: int
    name: bytes
    size: int


def box_head(data: bytes) -> BoxHead | None:
    """Read how a box begins, from its first 16 bytes; None if they are cut short."""
    if len(data) < 8:
        return None
    length, name = struct.unpack_from(">I4s", data)
    if length != 1:
        return BoxHead(length, name, 8)
    return BoxHead(int.from_bytes(data[8:16], "big"), name, 16) if len(data) >= 16 else None


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    """Give the boxes between two offsets; the last one may end behind the data."""
    end = min(end, len(data))
    for _ in range(_MAX_BOXES):
        head = box_head(data[start : min(start + 16, end)])
        if head is None:
            return
        length = head.length or end - start
        if length < head.size:
            return
        yield _Box(head.name, start + head.size, start + length)
        start += length
    raise damaged("HEIF", f"it has more than {_MAX_BOXES} boxes")


def _pair(data: bytes, at: int) -> tuple[int, int]:
    if at + 8 > len(data):
        return 0, 0
    first, second = struct.unpack_from(">II", data, at)
    return int(first), int(second)


# Boxes that hold a picture, of JPEG 2000 and JPEG XL, too.
_HOLDING: Final = frozenset({b"meta", b"mdat", b"moov", b"jp2h", b"jp2c", b"jxlc", b"jxlp"})


def ends_early(data: bytes) -> bool:
    """Return whether a box that holds a picture ends behind the end of the file."""
    return any(b.end > len(data) and b.name in _HOLDING for b in _boxes(data, 0, len(data)))


class _Cursor:
    """Read numbers one after the other; beyond the end they are 0."""

    def __init__(self, data: bytes, box: _Box) -> None:
        self.data, self.at, self.end = data, box.start, min(box.end, len(data))

    def take(self, size: int) -> int:
        value = int.from_bytes(self.data[self.at : min(self.at + size, self.end)], "big")
        self.at += size
        return value

    @property
    def is_done(self) -> bool:
        return self.at >= self.end


def _meta(data: bytes, meta: _Box) -> _Meta:
    found = _Meta()
    for box in _boxes(data, meta.start + 4, meta.end):
        cursor = _Cursor(data, box)
        version = cursor.take(1)
        cursor.take(3)
        wide = 4 if version else 2
        if box.name == b"pitm":
            found.primary_at = cursor.at, wide
            found.primary = cursor.take(wide)
        elif box.name == b"iinf":
            for entry in _boxes(data, cursor.at + wide, box.end):
                if entry.name == b"infe":
                    item = _Cursor(data, entry)
                    number = 4 if item.take(1) == 3 else 2
                    is_hidden = item.take(3) & 1
                    name = item.take(number)
                    item.take(2)
                    found.types[name] = data[item.at : item.at + 4]
                    found.flags_at[name] = entry.start + 3
                    if is_hidden:
                        found.hidden.add(name)
        elif box.name == b"iref":
            _references(data, found, _Box(b"iref", cursor.at, box.end), wide)
        elif box.name == b"iloc":
            _locations(cursor, found, version)
        elif box.name == b"iprp":
            for part in _boxes(data, box.start, box.end):
                if part.name == b"ipco":
                    found.properties.extend(_boxes(data, part.start, part.end))
                elif part.name == b"ipma":
                    _associations(_Cursor(data, part), found)
        elif box.name == b"grpl":
            for group in _boxes(data, box.start, box.end):
                if group.name == b"altr":
                    found.alternatives.append(_grouped(_Cursor(data, group)))
    return found


def _grouped(cursor: _Cursor) -> list[int]:
    """Return the items of a group: after its flags and its number, how many there are, and which."""
    cursor.take(8)
    return [cursor.take(4) for _ in range(min(cursor.take(4), _MAX_ITEMS)) if not cursor.is_done]


def _references(data: bytes, found: _Meta, iref: _Box, wide: int) -> None:
    for box in _boxes(data, iref.start, iref.end):
        cursor = _Cursor(data, box)
        item = cursor.take(wide)
        targets = [cursor.take(wide) for _ in range(cursor.take(2)) if not cursor.is_done]
        if box.name == b"dimg":
            found.parts.setdefault(item, []).extend(targets)
        elif box.name == b"auxl":
            found.auxiliary.extend((item, target) for target in targets)
        elif box.name == b"thmb":
            found.thumbnails.add(item)


def _associations(cursor: _Cursor, found: _Meta) -> None:
    version = cursor.take(1)
    wide_index = cursor.take(3) & 1
    for _ in range(cursor.take(4)):
        if cursor.is_done:
            return
        item = cursor.take(4 if version else 2)
        for _ in range(cursor.take(1)):
            # The highest bit says whether the property is essential.
            index = cursor.take(2) & 0x7FFF if wide_index else cursor.take(1) & 0x7F
            found.owned.setdefault(item, []).append(index)


def _locations(cursor: _Cursor, found: _Meta, version: int) -> None:
    sizes = cursor.take(2)
    offset_size, length_size = sizes >> 12, sizes >> 8 & 15
    base_size, index_size = sizes >> 4 & 15, sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    for _ in range(cursor.take(wide)):
        if cursor.is_done:
            return
        item = cursor.take(wide)
        method = cursor.take(2) & 15 if version else 0
        cursor.take(2)
        base = cursor.take(base_size)
        places = found.places.setdefault(item, [])
        parts = cursor.take(2)
        if not index_size + offset_size + length_size:  # of no bytes: all would be the same one
            parts = min(parts, 1)
        for _ in range(parts):
            if cursor.is_done:
                return
            cursor.take(index_size)
            offset, length = cursor.take(offset_size), cursor.take(length_size)
            if method == 0:  # in the file; otherwise in the box `idat`, too small for a picture
                places.append((base + offset, length))


def _properties(found: _Meta, item: int) -> list[_Box]:
    return [
        found.properties[index - 1]
        for index in found.owned.get(item, ())
        if 0 < index <= len(found.properties)
    ]


def _work(data: bytes, found: _Meta) -> int:
    """Return the pixels that are decoded for the primary picture."""
    pixels, pending, count = 0, [found.primary], 0
    # An item may be a part of many, and many may share a box: each is gone through once.
    of_items: dict[int, int] = {}
    of_boxes: dict[_Box, int] = {}
    pending += [item for item, target in found.auxiliary if target == found.primary]
    while pending:
        item = pending.pop()
        count += 1
        if count > _MAX_ITEMS:
            raise damaged("HEIF", f"its picture has more than {_MAX_ITEMS} parts")
        pending += found.parts.get(item, ())
        if item not in of_items:
            of_items[item] = _most_pixels(data, found, item, of_boxes)
        pixels += of_items[item]
    return pixels


def _most_pixels(data: bytes, found: _Meta, item: int, of_boxes: dict[_Box, int]) -> int:
    """Return the most pixels that a property of an item speaks of."""
    most = 0
    for box in _properties(found, item):
        if box.name == b"av1C":  # the data of the item speak, too
            most = max(most, _coded_pixels(data, box, found, item))
        elif box.name in (b"ispe", b"hvcC"):
            if box not in of_boxes:
                of_boxes[box] = _coded_pixels(data, box, found, item)
            most = max(most, of_boxes[box])
    return most


def _coded_pixels(data: bytes, box: _Box, found: _Meta, item: int) -> int:
    """Return the pixels that a property of an item speaks of."""
    if box.name == b"ispe":
        width, height = _pair(data, box.start + 4)
    elif box.name == b"hvcC":
        width, height = _hevc_size(data[box.start : min(box.end, box.start + 4096)])
    else:  # av1C has 4 bytes, then sometimes a sequence header; the data of the item begin with one
        width = height = 0
        starts = [(box.start + 4, box.end - box.start - 4), *found.places.get(item, ())[:1]]
        for at, length in starts:
            w, h = _av1_size(data[at : at + min(length or 4096, 4096)])
            width, height = max(width, w), max(height, h)
    return width * height


class _Bits:
    """Read numbers of single bits, highest first; beyond the end they are 0."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self.left -= count
        if self.left < 0:
            return 0
        return self.value >> self.left & ((1 << count) - 1)

    def exponential(self) -> int:
        """Return an Exp-Golomb number: as many zeros as bits follow the first one."""
        zeros = 0
        while zeros < 32 and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _hevc_size(configuration: bytes) -> tuple[int, int]:
    """Return width and height of the sequence parameter set in an HEVC configuration (ISO 14496-15)."""
    at, largest = 23, (0, 0)
    arrays = configuration[22] if len(configuration) > 22 else 0
    for _ in range(arrays):
        kind = configuration[at] & 63 if at < len(configuration) else 0
        units = int.from_bytes(configuration[at + 1 : at + 3], "big")
        at += 3
        for _ in range(min(units, 64)):
            length = int.from_bytes(configuration[at : at + 2], "big")
            unit = configuration[at + 2 : at + 2 + length]
            at += 2 + length
            if kind == 33:  # a sequence parameter set
                largest = max(largest, _hevc_set_size(unit), key=lambda s: s[0] * s[1])
    return largest


def _hevc_set_size(unit: bytes) -> tuple[int, int]:
    # ITU H.265, 7.3.2.2. A byte 3 after two zeros only keeps start codes from appearing.
    bits = _Bits(unit[2:512].replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.exponential()
    if bits.exponential() == 3:
        bits.take(1)
    return bits.exponential(), bits.exponential()


def _av1_size(data: bytes) -> tuple[int, int]:
    """Return the largest frame of the first sequence header in AV1 data (AV1 specification, 5.5)."""
    at = 0
    for _ in range(_MAX_UNITS):
        if at >= len(data):
            break
        header = data[at]
        at += 1 + (header >> 2 & 1)  # one more byte, if there is an extension
        length = shift = 0
        if header & 2:  # the length follows, 7 bits in each byte
            while at < len(data):
                length |= (data[at] & 127) << shift
                shift += 7
                at += 1
                if not data[at - 1] & 128 or shift > 28:
                    break
        else:
            length = len(data) - at
        if header >> 3 & 15 == 1:
            return _av1_sequence_size(_Bits(data[at : at + min(length, 256)]))
        at += length
    return 0, 0


def _av1_sequence_size(bits: _Bits) -> tuple[int, int]:
    bits.take(4)
    if bits.take(1):  # the short header of still pictures
        bits.take(5)
    else:
        model = delay_bits = 0
        if bits.take(1):  # timing
            bits.take(64)
            if bits.take(1):
                bits.exponential()
            model = bits.take(1)
            if model:
                delay_bits = bits.take(5) + 1
                bits.take(42)
        delays = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if model and bits.take(1):
                bits.take(2 * delay_bits + 1)
            if delays and bits.take(1):
                bits.take(4)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(across) + 1, bits.take(down) + 1
