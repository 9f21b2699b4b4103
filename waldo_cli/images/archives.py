"""Pictures in a zip archive, such as the pages of a comic book (CBZ). Nothing is unpacked to disk.

What an archive says of itself is checked before anything is unpacked: the size of its table, the number of
its entries, their sizes and how much they claim to be packed. The names of entries decide their order, and
whether they are pictures; they are never used as paths.
"""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from waldo_cli.errors import ImageError
from waldo_cli.files import show

if TYPE_CHECKING:
    from zipfile import ZipInfo

# The table of contents of a real archive of 10,000 entries takes about 1 MB.
_MAX_TABLE_BYTES: Final = 4 << 20
_MAX_ENTRIES: Final = 10_000
# Deflate can pack a thousand bytes into one. A large picture that is packed by that much is a bomb.
_LARGE_BYTES: Final = 1 << 24
_MAX_RATIO: Final = 200
_STORED, _DEFLATED = 0, 8  # methods of packing whose memory is bounded
_ENCRYPTED: Final = 0x1  # bit of an entry's flags
# What stands before an entry: this mark, what the table says as well, and the lengths of two fields.
_LOCAL_HEADER: Final = b"PK\3\4"
_LOCAL_HEADER_BYTES: Final = 30

#: First bytes of an archive: of its first entry, or of its end if it has none.
SIGNATURE: Final = re.compile(rb"PK(\x03\x04|\x05\x06)")


class Contents(NamedTuple):
    """What is in an archive, but for hidden entries.

    Attributes
    ----------
    pictures
        The entries that are pictures, in reading order: numbers count as numbers, page 2 comes before
        page 10.
    others
        Names of the other entries.
    """

    pictures: list[ZipInfo]
    others: list[str]


class _Table:
    """A file for `ZipFile`, which reads the whole table of contents at once: at most `_MAX_TABLE_BYTES`."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_TABLE_BYTES:
            raise ImageError(f"its table of contents has {size} bytes: at most {_MAX_TABLE_BYTES}")
        return self._read(size)

    def seekable(self) -> bool:
        return True


def contents(file: BinaryIO, endings: frozenset[str]) -> Contents:
    """Return what an archive holds, as its table of contents says; nothing is unpacked.

    Raises
    ------
    ImageError
        The archive is damaged, has too many entries, or they overlap.
    """
    from zipfile import ZipFile  # takes ten milliseconds, which few runs need

    try:
        with ZipFile(_Table(file)) as archive:
            # Not `is_dir`, which fails for an entry without a name.
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    except (ImageError, MemoryError):
        raise
    except Exception as e:  # zipfile raises about ten different exceptions for damage
        raise ImageError("damaged archive: its table of contents cannot be read") from e
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
    return Contents(sorted(pictures, key=lambda entry: _reading_order(entry.filename)), others)


def unpacked(file: BinaryIO, entry: ZipInfo, limit: int) -> bytes:
    """Return the bytes of a picture: of an entry that `contents` has found in this file.

    Raises
    ------
    ImageError
        The entry is encrypted, claims more than `limit` bytes or far more than it is packed into, is not what
        it claims to be, or its name leads out of the archive's folder.
    """
    import zlib

    name = show(entry.filename)
    if reason := _refusal(entry, limit):
        raise ImageError(f"{name}: {reason}")
    # Not by `ZipFile`, which would read the table of contents of the archive again for each entry.
    try:
        # A place that is not in the file is taken for its end, where nothing can be read.
        file.seek(min(max(0, entry.header_offset), file.seek(0, os.SEEK_END)))
        mark, *lengths = struct.unpack("<4s22x2H", file.read(_LOCAL_HEADER_BYTES))
        file.seek(sum(lengths), os.SEEK_CUR)  # the name, and what else is said of the entry
        data = file.read(entry.compress_size)
        if entry.compress_type == _DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, entry.file_size + 1)
    except (struct.error, zlib.error, OverflowError) as e:
        raise ImageError(f"{name}: damaged archive: it cannot be unpacked") from e
    if len(data) != entry.file_size:
        raise ImageError(f"{name}: damaged archive: it has not the size that it claims")
    if mark != _LOCAL_HEADER or zlib.crc32(data) != entry.CRC:
        raise ImageError(f"{name}: damaged archive: it is not what its table of contents says")
    if SIGNATURE.match(data):
        raise ImageError(f"{name}: an archive inside an archive is not opened")
    return data


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
    if (size := max(entry.file_size, entry.compress_size)) > limit:
        return f"it claims {size} bytes; at most {limit >> 20} MiB are unpacked"
    if entry.file_size > max(_LARGE_BYTES, _MAX_RATIO * entry.compress_size):
        return f"it claims {entry.file_size} bytes in {entry.compress_size}, as in a decompression bomb"
    return ""
