"""Pages of a TIFF: find them, and cut one out as a file of its own. Standard library only.

A TIFF is a chain of directories, one for each page, which say where the page's data lie in the file. A page
is cut out by copying its directory and its data. So a page of a large file takes no more memory than a file
of that page alone, and is checked and decoded like any other picture.

TIFF 6.0 (Adobe, 1992); BigTIFF is the same with offsets of 64 bits.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from waldo_cli.errors import ImageError
from waldo_cli.images.directory import NEEDED
from waldo_cli.images.limits import MAX_FILE_BYTES_EVER, truncated

# Bytes of one value, by the number of its type.
_TYPE_SIZES: Final = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
# Types of whole numbers, and their formats for `struct`.
_WHOLE: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_LONG, _LONG8 = 4, 16

# The directories of a file form a chain. A longer one is not followed.
_MAX_DIRECTORIES: Final = 100_000
_MAX_ENTRIES: Final = 4096  # in one directory
_MAX_DIRECTORIES_TO_END: Final = 10_000  # that are read to find out where a TIFF ends
_MAX_BLOCKS: Final = 250_000  # strips or tiles of one page
_FAR: Final = (
    1 << 40
)  # beyond the end of any file, and an offset that every file system can seek to

_KIND_OF_PAGE, _OLD_KIND_OF_PAGE = 254, 255  # NewSubfileType, SubfileType
_REDUCED, _TRANSPARENCY = 1, 4  # bits of NewSubfileType: no pages, but belong to one
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277
_SUBDIRECTORIES, _DESCRIPTION = 330, 270
_MAX_SUBDIRECTORIES: Final = 16  # of one directory
# ImageJ writes stacks with one directory; the other pictures lie behind the first, without compression.
_STACK: Final = re.compile(rb"ImageJ=.*?\nimages=(\d{1,6})\b", re.DOTALL)
_MAX_TEXT_BYTES: Final = 1 << 16
# Raw files of cameras: a version, or a photometric interpretation as a mosaic or as linear raw colours.
_DNG_VERSION, _PHOTOMETRIC, _RAW = 50706, 262, (32803, 34892)
_TAGS_ASKED: Final = 64  # tags come in the order of their numbers
# Where the data of the page lie: strips or tiles. For each the tag of the offsets, and that of the lengths.
_STRIPS: Final = (273, 279)
_BLOCKS: Final = {273: 279, 324: 325}
# Tags that say where other data lie: directories for EXIF and the like, smaller copies, free space.
_DIRECTORIES: Final = (330, 34665, 34853, 40965)
_LEFT_BEHIND: Final = (288, 289, *_DIRECTORIES)
# JPEG as TIFF 6.0 had it first: its tables lie anywhere in the file, and no tag says how long they are.
_COMPRESSION, _OLD_JPEG = 259, 6


@dataclass(frozen=True)
class _Form:
    """The two choices a TIFF makes: byte order, and offsets of 32 or of 64 bits."""

    order: str  # of `struct`
    offset: str  # format of an offset, and of the number of values
    count: str  # format of the number of entries
    first: int  # where the offset of the first directory stands

    @property
    def entry(self) -> struct.Struct:
        """Of an entry: tag, type, number of values, then the values or their offset as bytes."""
        return struct.Struct(f"{self.order}HH{self.offset}{self.offset_size}s")

    @property
    def offset_size(self) -> int:
        return struct.calcsize(self.offset)

    def read(self, file: BinaryIO, position: int, kind: str) -> int | None:
        """Return one number, or None if the file ends before it."""
        file.seek(min(position, _FAR))
        data = file.read(struct.calcsize(kind))
        if len(data) < struct.calcsize(kind):
            return None
        number: int = struct.unpack(self.order + kind, data)[0]
        return number


@dataclass(frozen=True)
class _Entry:
    """One entry of a directory: its tag, the type and number of its values, their bytes."""

    tag: int
    kind: int
    count: int
    data: bytes

    def numbers(self, form: _Form) -> Sequence[int]:
        """Return the values, if they are whole numbers and not too many; nothing otherwise."""
        kind = _WHOLE.get(self.kind)
        size = _TYPE_SIZES.get(self.kind, 1)
        if kind is None or self.count > _MAX_BLOCKS or len(self.data) < self.count * size:
            return ()
        return struct.unpack(f"{form.order}{self.count}{kind}", self.data[: self.count * size])


class Page(NamedTuple):
    """Where a page is.

    Attributes
    ----------
    directory
        The place of its directory.
    shift
        How far behind the data that the directory tells of its own lie: those of a stack of ImageJ.
    """

    directory: int
    shift: int = 0


def _form(file: BinaryIO) -> _Form:
    file.seek(0)
    head = file.read(4)
    order = "<" if head[:1] == b"I" else ">"
    return _Form(order, "Q", "Q", 8) if b"+" in head[2:] else _Form(order, "I", "H", 4)


def pages(file: BinaryIO) -> list[Page]:
    """Return where the pages are: not reduced copies and masks.

    A directory below another one is a page if it is not smaller, as reduced copies are that are not marked.
    A chain that is broken, or leads in a circle, ends there. A camera's raw file has no pages: its
    directories are previews and the raw picture.

    Raises
    ------
    ImageError
        There are too many directories to follow.
    """
    form = _form(file)
    found: dict[int, None] = {}
    visited: dict[int, None] = {}
    file.seek(8)
    if file.read(2) == b"CR":  # Canon's raw files
        return []
    offset = form.read(file, form.first, form.offset)
    while offset and offset not in visited:
        count = form.read(file, offset, form.count)
        if count is None:
            break
        if len(visited) == _MAX_DIRECTORIES:
            raise ImageError(f"damaged TIFF: it has more than {_MAX_DIRECTORIES} pages")
        visited[offset] = None
        tags = _first_values(file, form, min(count, _TAGS_ASKED))
        if _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _RAW:
            return []
        if _is_page(tags):
            found[offset] = None
        for at in _below(file, form, offset) if _SUBDIRECTORIES in tags else ():
            number = form.read(file, at, form.count) or 0
            inner = _first_values(file, form, min(number, _TAGS_ASKED))
            if inner.get(_PHOTOMETRIC) in _RAW:
                return []
            is_smaller = any(inner.get(t, 0) < tags.get(t, 0) for t in (_WIDTH, _HEIGHT))
            if _WIDTH in inner and _is_page(inner) and not (is_smaller and _is_page(tags)):
                found[at] = None
        after = offset + struct.calcsize(form.count) + count * form.entry.size
        offset = form.read(file, after, form.offset)
    places = list(found or visited)
    if len(places) == 1 or not found:
        return _stack(file, form, places[0]) if places else []
    return [Page(at) for at in places]


def _is_page(tags: dict[int, int]) -> bool:
    """Return whether it is neither a reduced copy nor a mask."""
    return (
        not tags.get(_KIND_OF_PAGE, 0) & (_REDUCED | _TRANSPARENCY)
        and tags.get(_OLD_KIND_OF_PAGE) != 2
    )


def _below(file: BinaryIO, form: _Form, directory: int) -> Sequence[int]:
    """Return where the directories below one are; nothing if that cannot be read."""
    asked = _numbers(file, form, directory, (_SUBDIRECTORIES,), _MAX_TEXT_BYTES)
    return asked.get(_SUBDIRECTORIES, ())[:_MAX_SUBDIRECTORIES]


def _stack(file: BinaryIO, form: _Form, directory: int) -> list[Page]:
    """Return the pages of a stack of ImageJ that has one directory; the page itself if it is none."""
    with contextlib.suppress(ImageError):
        texts = _entries(file, form, directory, _MAX_TEXT_BYTES, (_DESCRIPTION,))
        match = _STACK.match(texts[0].data) if texts else None
        if match is None:
            return [Page(directory)]
        asked = _numbers(file, form, directory, (_COMPRESSION, *_STRIPS))
        starts, lengths = (asked.get(tag, ()) for tag in _STRIPS)
        size, is_raw = sum(lengths), tuple(asked.get(_COMPRESSION, (1,))) == (1,)
        if is_raw and size and starts and starts[-1] + lengths[-1] == starts[0] + size:
            room = (file.seek(0, 2) - starts[0]) // size
            count = max(1, min(int(match[1]), room, _MAX_DIRECTORIES))
            return [Page(directory, n * size) for n in range(count)]
    return [Page(directory)]


def _numbers(
    file: BinaryIO,
    form: _Form,
    directory: int,
    tags: Sequence[int],
    most_bytes: int = 16 * _MAX_BLOCKS,
) -> dict[int, Sequence[int]]:
    """Return the numbers of some tags of a directory, of those that can be read."""
    with contextlib.suppress(ImageError):
        entries = _entries(file, form, directory, most_bytes, tags)
        return {entry.tag: entry.numbers(form) for entry in reversed(entries)}
    return {}


def end(file: BinaryIO) -> int | None:
    """Return where the data of a TIFF end, by what its directories say; None if that cannot be told."""
    form = _form(file)
    last, values = 0, 0
    waiting = [form.read(file, form.first, form.offset)]
    visited: set[int] = set()
    while waiting:
        offset = waiting.pop()
        if not offset or offset in visited:
            continue
        visited.add(offset)
        count = form.read(file, offset, form.count)
        if count is None or count > _MAX_ENTRIES or len(visited) > _MAX_DIRECTORIES_TO_END:
            return None
        raw = file.read(count * form.entry.size)
        if len(raw) < count * form.entry.size:
            return None
        after = offset + struct.calcsize(form.count) + count * form.entry.size
        last = max(last, after + form.offset_size)
        waiting.append(form.read(file, after, form.offset))
        numbers: dict[int, Sequence[int]] = {}
        for tag, kind, number, value in form.entry.iter_unpack(raw):
            size = number * _TYPE_SIZES.get(kind, 0)
            at = struct.unpack(form.order + form.offset, value)[0]
            if size > form.offset_size:
                last = max(last, at + size)
            if tag in _DIRECTORIES or tag in _BLOCKS or tag in _BLOCKS.values():
                values += number
                if values > _MAX_BLOCKS:
                    return None
                if size > form.offset_size:
                    file.seek(min(at, _FAR))
                    value = file.read(size)
                numbers[tag] = _Entry(tag, kind, number, value).numbers(form)
        waiting += [at for tag in _DIRECTORIES for at in numbers.get(tag, ())]
        for offsets, lengths in _BLOCKS.items():
            pairs = zip(numbers.get(offsets, ()), numbers.get(lengths, ()), strict=False)
            last = max([last, *(at + size for at, size in pairs)])
    return last or None


def plain_bytes(file: BinaryIO, directory: int) -> int:
    """Return how many bytes the pixels of a page have without compression."""
    form = _form(file)
    asked = _numbers(file, form, directory, (_WIDTH, _HEIGHT, _BITS, _SAMPLES))
    width, height, bits, samples = (
        (*asked.get(tag, ()), 1)[0] for tag in (_WIDTH, _HEIGHT, _BITS, _SAMPLES)
    )
    return width * height * bits * samples // 8


def _first_values(file: BinaryIO, form: _Form, count: int) -> dict[int, int]:
    """Return the first value of so many entries, which are next in the file, as if all were whole numbers."""
    data = file.read(count * form.entry.size)
    entries = list(form.entry.iter_unpack(data[: len(data) // form.entry.size * form.entry.size]))
    return {
        tag: struct.unpack_from(form.order + ("H" if kind == 3 else "I"), value)[0]
        for tag, kind, _, value in reversed(entries)  # of two equal tags, the first counts
    }


def cut_out(file: BinaryIO, page: Page, limit: int) -> bytes:
    """Return a page as a TIFF of its own, of the same byte order and with offsets of the same size.

    Parameters
    ----------
    file
        The whole TIFF.
    page
        Where the page is, as `pages` returns it.
    limit
        Most bytes that are returned, if its pixels do not need more.

    Raises
    ------
    ImageError
        The page has more bytes than the limit, or its directory is cut short or makes no sense.
    """
    form, directory = _form(file), page.directory
    plain, size = plain_bytes(file, directory), file.seek(0, 2)
    limit = max(limit, min(plain * 3 // 2, size, MAX_FILE_BYTES_EVER))
    entries = _entries(file, form, directory, limit)
    by_tag = {
        entry.tag: entry for entry in reversed(entries)
    }  # of two equal tags, the first counts
    compression = by_tag.get(_COMPRESSION)
    blocks: dict[int, tuple[Sequence[int], Sequence[int]]] = {}
    for offsets, lengths in _BLOCKS.items():
        if offsets in by_tag and lengths in by_tag:
            starts = [at + page.shift for at in by_tag[offsets].numbers(form)]
            blocks[offsets] = starts, by_tag[lengths].numbers(form)
    if (
        not blocks
        or any(not a or len(a) != len(b) for a, b in blocks.values())
        or (compression and compression.numbers(form)[:1] == (_OLD_JPEG,))
    ):
        return _whole(file, form, directory, limit)

    kept = [entry for entry in entries if entry.tag not in _LEFT_BEHIND]
    start = form.first + form.offset_size
    body = start + struct.calcsize(form.count) + len(kept) * form.entry.size + form.offset_size
    # Values that do not fit into their entry, then the page's data; offsets are even.
    placed, end = [], body
    for entry in kept:
        size = entry.count * form.offset_size if entry.tag in blocks else len(entry.data)
        placed.append(end if size > form.offset_size else None)
        end += 0 if size <= form.offset_size else size + size % 2
    copied: list[bytes] = []
    moved: dict[int, list[int]] = {}
    for tag, places in blocks.items():
        moved[tag], data = _copied(file, *places, end, limit - end)
        copied.append(data)
        end += len(data)
    return _assembled(file, form, kept, placed, moved) + b"".join(copied)


def _assembled(
    file: BinaryIO,
    form: _Form,
    entries: Sequence[_Entry],
    placed: Sequence[int | None],
    moved: dict[int, list[int]],
) -> bytes:
    """Return header, directory, and the values that lie outside it at the offsets `placed`."""
    start = form.first + form.offset_size
    file.seek(0)
    out = [file.read(form.first), struct.pack(form.order + form.offset, start)]
    out.append(struct.pack(form.order + form.count, len(entries)))
    outside = []
    for entry, place in zip(entries, placed, strict=True):
        kind, data = entry.kind, entry.data
        if entry.tag in moved:  # the new offsets may need more bits than the old ones
            kind = _LONG if form.offset == "I" else _LONG8
            data = struct.pack(f"{form.order}{entry.count}{form.offset}", *moved[entry.tag])
        if place is not None:
            outside.append(data + b"\0" * (len(data) % 2))
            data = struct.pack(form.order + form.offset, place)
        out.append(form.entry.pack(entry.tag, kind, entry.count, data))
    out.append(struct.pack(form.order + form.offset, 0))  # there is no next directory
    return b"".join(out + outside)


def _entries(
    file: BinaryIO, form: _Form, directory: int, limit: int, tags: Sequence[int] = ()
) -> list[_Entry]:
    """Return the entries of a directory with all their values; only those of some tags if such are given."""
    count = form.read(file, directory, form.count) or 0
    if count > _MAX_ENTRIES:
        raise ImageError(f"damaged TIFF: a page has more than {_MAX_ENTRIES} tags")
    raw = file.read(count * form.entry.size)
    if not raw or len(raw) < count * form.entry.size:
        raise truncated("TIFF")
    entries = []
    for tag, kind, number, value in form.entry.iter_unpack(raw):
        if tags and tag not in tags:
            continue
        size = number * _TYPE_SIZES.get(kind, 0)
        data = value
        if size > form.offset_size:
            limit -= size
            if limit < 0:
                raise ImageError("damaged TIFF: its tags hold more bytes than a file may have")
            file.seek(min(struct.unpack(form.order + form.offset, value)[0], _FAR))
            data = file.read(size)
            if len(data) < size:
                if tag in NEEDED:
                    raise truncated("TIFF")
                continue
        entries.append(_Entry(tag, kind, number, data))
    return entries


def _copied(
    file: BinaryIO, offsets: Sequence[int], lengths: Sequence[int], start: int, limit: int
) -> tuple[list[int], bytes]:
    """Return where strips or tiles lie after they are copied to `start`, and their bytes.

    What the file does not have is not there in the copy either, so that the copy is as incomplete.
    """
    size = file.seek(0, 2)
    if sum(min(n, size) for n in lengths) > limit:
        raise ImageError(
            f"a page of more than {limit >> 20} MiB; --max-pixels raises this limit, too"
        )
    # A block that the file cuts off comes last; of several, the others are then beyond the end.
    order = sorted(range(len(offsets)), key=lambda n: (offsets[n] + lengths[n] > size, offsets[n]))
    moved = [0] * len(offsets)
    pieces: list[bytes] = []
    end, cut = start, False
    for n in order:
        if not lengths[n]:  # a tile that is not stored
            continue
        moved[n] = end
        if not cut:
            file.seek(min(offsets[n], _FAR))
            pieces.append(file.read(lengths[n]))
            end += len(pieces[-1])
            cut = len(pieces[-1]) < lengths[n]
    return moved, b"".join(pieces)


def _whole(file: BinaryIO, form: _Form, directory: int, limit: int) -> bytes:
    """Return the whole file with the page as its first: for pages whose data cannot be told apart."""
    file.seek(0)
    data = bytearray(file.read(limit + 1))
    if len(data) > limit:
        raise ImageError(
            f"the file is larger than {limit >> 20} MiB; --max-pixels raises this limit, too"
        )
    struct.pack_into(form.order + form.offset, data, form.first, directory)
    return bytes(data)
