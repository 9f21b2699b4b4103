"""Pictures in a zip archive, such as the pages of a comic book (CBZ). Nothing is unpacked to disk.

What an archive says of itself is checked before anything is unpacked: the size of its table, the number of
its entries, their sizes and how much they claim to be packed. The names of entries decide their order, and
whether they are pictures; they are never used as paths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from waldo_cli.errors import ImageError
from waldo_cli.files import show

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

# The table of contents of a real archive of 10,000 entries takes about 1 MB.
_MAX_TABLE_BYTES: Final = 4 << 20
_MAX_ENTRIES: Final = 10_000
# Deflate can pack a thousand bytes into one. A large picture that is packed by that much is a bomb.
_LARGE_BYTES: Final = 1 << 24
_MAX_RATIO: Final = 200
_STORED, _DEFLATED = 0, 8  # methods of packing whose memory is bounded
_ENCRYPTED: Final = 0x1  # bit of an entry's flags

#: First bytes of an archive: of its first entry, or of its end if it has none.
SIGNATURE: Final = re.compile(rb"PK(\x03\x04|\x05\x06)")


class _Table:
    """A file for `ZipFile`, which reads the whole table of contents at once: at most `_MAX_TABLE_BYTES`."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read
        self.limited = True

    def read(self, size: int = -1) -> bytes:
        if self.limited and size > _MAX_TABLE_BYTES:
            raise ImageError(f"its table of contents has {size} bytes: at most {_MAX_TABLE_BYTES}")
        return self._read(size)

    def seekable(self) -> bool:
        return True


def contents(file: BinaryIO, endings: frozenset[str]) -> tuple[list[ZipInfo], list[str]]:
    """Return the entries that are pictures, in reading order, and the names of the others.

    Hidden entries are left out of both. In reading order numbers count as numbers: page 2 comes before
    page 10.

    Raises
    ------
    ImageError
        The archive is damaged, has too many entries, or they overlap.
    """
    with _opened(file) as archive:
        return _pictures(archive, file, endings)


def unpacked(file: BinaryIO, endings: frozenset[str], page: int, limit: int) -> bytes:
    """Return the bytes of a picture, counted from 1 in reading order.

    Raises
    ------
    ImageError
        As `contents`; or the entry is encrypted, claims more than `limit` bytes or far more than it is packed
        into, is not what it claims to be, or its name leads out of the archive's folder.
    """
    with _opened(file) as archive:
        pictures, _ = _pictures(archive, file, endings)
        if page > len(pictures):
            raise ImageError(f"no page {page}: the file has {len(pictures)}")
        entry = pictures[page - 1]
        name = show(entry.filename)
        if reason := _refusal(entry, limit):
            raise ImageError(f"{name}: {reason}")
        try:
            with archive.open(entry) as packed:
                data = packed.read(entry.file_size + 1)
        except MemoryError:
            raise
        except Exception as e:  # zipfile raises about ten different exceptions for damage
            raise ImageError(f"{name}: damaged archive: it cannot be unpacked") from e
        if len(data) != entry.file_size:
            raise ImageError(f"{name}: damaged archive: it has not the size that it claims")
        if SIGNATURE.match(data):
            raise ImageError(f"{name}: an archive inside an archive is not opened")
        return data


@contextmanager
def _opened(file: BinaryIO) -> Iterator[ZipFile]:
    from zipfile import ZipFile  # takes ten milliseconds, which few runs need

    table = _Table(file)
    try:
        archive = ZipFile(table)
    except (ImageError, MemoryError):
        raise
    except Exception as e:  # as in `unpacked`
        raise ImageError("damaged archive: its table of contents cannot be read") from e
    table.limited = False
    with archive:
        yield archive


def _pictures(
    archive: ZipFile, file: BinaryIO, endings: frozenset[str]
) -> tuple[list[ZipInfo], list[str]]:
    # Not `is_dir`, which fails for an entry without a name.
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    if len(entries) > _MAX_ENTRIES:
        raise ImageError(f"an archive of {len(entries)} entries: the limit is {_MAX_ENTRIES}")
    if sum(entry.compress_size for entry in entries) > file.seek(0, os.SEEK_END):
        raise ImageError("damaged archive: its entries share bytes, as in a decompression bomb")
    pictures, others = [], []
    for entry in entries:
        parts = entry.filename.split("/")
        if any(p.startswith((".", "__MACOSX")) and p not in (".", "..") for p in parts):
            continue
        if os.path.splitext(entry.filename)[1].lower().removeprefix(".") in endings:
            pictures.append(entry)
        else:
            others.append(entry.filename)
    return sorted(pictures, key=lambda entry: _reading_order(entry.filename)), others


def _reading_order(name: str) -> list[tuple[int, str]]:
    """Return a key by which names sort as a person sorts them."""
    parts = re.split(r"0*([0-9]+)", name.casefold())  # texts and numbers in turn
    # Of two numbers without leading zeros the longer one is larger.
    key = [(len(part), part) if n % 2 else (0, part) for n, part in enumerate(parts)]
    return [*key, (0, name)]


def _refusal(entry: ZipInfo, limit: int) -> str:
    """Return why an entry is not unpacked; empty if it is."""
    parts = entry.filename.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or parts[0].endswith(":"):
        return "its name leads out of the archive's folder"
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if entry.compress_type not in (_STORED, _DEFLATED):
        return "it is packed in a way that is not opened; needed: stored or deflated"
    if entry.file_size > limit:
        return f"it claims {entry.file_size} bytes; at most {limit >> 20} MiB are unpacked"
    if entry.file_size > max(_LARGE_BYTES, _MAX_RATIO * entry.compress_size):
        return f"it claims {entry.file_size} bytes in {entry.compress_size}, as in a decompression bomb"
    return ""
