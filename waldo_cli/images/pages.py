"""Files of several pictures: how many there are, and one of them by its number.

Pages of TIFF and PDF, pictures in an archive (CBZ, ZIP) or one after the other (PNM), frames of GIF, APNG,
WebP and AVIF, further pictures of a JPEG (MPO), of HEIF and of a still AVIF. The first bytes decide what a
file is, never its name. Standard library only; `pdf` needs pypdfium2.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, TypeVar, cast

from waldo_cli.errors import FileError, ImageError
from waldo_cli.files import NotRegularFileError, open_regular
from waldo_cli.images import archives, heif, jpeg, pdf, pnm, tiff
from waldo_cli.images.limits import MAX_FILE_BYTES_EVER

#: Endings of the names of pictures, in folders and in archives.
PICTURES: Final = frozenset(
    {
        "apng", "avif", "bmp", "dib", "gif", "heic", "heif", "hif", "j2k", "jfif", "jp2", "jpe", "jpeg",
        "jpg", "jpx", "jxl", "mpo", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp",
    }
)  # fmt: skip

_SIGNATURES: Final = {
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]|II\0\*|MM\*\0"),
    "PNM": re.compile(rb"P[456][ \t\r\n#]"),
    "ZIP": archives.SIGNATURE,
    "GIF": re.compile(rb"GIF8[79]a"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBPVP8X", re.DOTALL),  # animations have this extended form
    "AVIF": re.compile(rb"....ftypavis", re.DOTALL),  # the brand of animations
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "HEIF": re.compile(rb"....ftyp(avif|hei[cxms]|hev[cxms]|mif[12]|msf1|miaf)", re.DOTALL),
    # Readers look for it in the first kB: mail and printers put lines of their own before it.
    "PDF": re.compile(rb"(\xef\xbb\xbf)?\s*%PDF-|.{0,1000}[\r\n]%PDF-\d", re.DOTALL),
}
_HEAD_BYTES: Final = 1024

# Real files stay far below: each stops a loop that a file could make very long.
_MAX_PNG_CHUNKS: Final = 1_000_000
_MAX_FRAMES: Final = 1_000_000
_MAX_BOXES: Final = 10_000

# Frames build on the ones before, so all of them are decoded: at most so many pixels, about 10 seconds.
_MAX_FRAME_PIXELS: Final = 1_000_000_000


@dataclass(frozen=True)
class Contents:
    """What is in a file.

    Attributes
    ----------
    kind
        ``"TIFF"``, ``"PNM"``, ``"PDF"``, ``"ZIP"``, ``"GIF"``, ``"PNG"``, ``"WEBP"``, ``"AVIF"`` of
        animations, ``"JPEG"``, ``"HEIF"``, also of still AVIF; empty for other files.
    count
        Number of pictures; 1 for files of other kinds, whatever they are.
    others
        Names of what is in an archive and is no picture, and of what is attached to a PDF.
    frames
        Frames of an image sequence beside the pictures of HEIF: the decoders do not reach them.
    """

    kind: str
    count: int
    others: tuple[str, ...] = ()
    frames: int = 0

    @property
    def is_led_by_first(self) -> bool:
        """The first picture stands for the file: of frames, or the primary one of JPEG, HEIF and AVIF."""
        return self.kind in ("GIF", "PNG", "WEBP", "AVIF", "JPEG", "HEIF")


def contents(source: str | bytes) -> Contents:
    """Return how many pictures are in a file, or in the bytes of one, without decoding any.

    Raises
    ------
    ImageError
        A PDF or an archive that cannot be opened, or a TIFF or a PNM of too many pictures.
    FileError
        The file is missing or cannot be read.
    MissingExtraError
        It is a PDF, and pypdfium2 is not installed.
    """
    with _opened(source) as file:
        kind = _kind(file)
        match kind:
            case "TIFF":
                return Contents(kind, max(1, len(_remembered(file, tiff.pages))))
            case "PNM":
                return Contents(kind, max(1, len(_remembered(file, pnm.places))))
            case "PDF":
                count, attached = pdf.contents(file)
                return Contents(kind, count, tuple(attached))
            case "ZIP":
                archive = _remembered(file, _archive)
                return Contents(kind, len(archive.pictures), tuple(archive.others))
            case "GIF":
                return Contents(kind, max(1, _gif_frames(file)))
            case "PNG":
                return Contents(kind, max(1, _apng_frames(file)))
            case "WEBP":
                return Contents(kind, max(1, _webp_frames(file)))
            case "AVIF":
                return Contents(kind, max(1, _track_frames(file)))
            case "JPEG":
                return Contents(kind, 1 + len(jpeg.views(file)))
            case "HEIF":
                count = max(1, len(heif.pictures(file)))
                return Contents(kind, count, frames=_track_frames(file))
        return Contents("", 1)


def single(
    source: str | bytes, page: int, max_bytes: int, max_pixels: int | None
) -> tuple[str | bytes, int]:
    """Return a file, or its bytes, that has a picture as page N, and N.

    For a page of a TIFF, of a PNM, of a PDF or of an archive, and for a further picture of a JPEG or of
    HEIF, these are the bytes of a file of that page alone, and 1. For frames of animations and for single
    pictures they are what is given.

    Parameters
    ----------
    source
        Path or bytes.
    page
        Counted from 1.
    max_bytes
        Most bytes of a page.
    max_pixels
        As for `load_image`.

    Raises
    ------
    ImageError
        There is no such page, or it is refused.
    FileError, MissingExtraError
        As `contents`.
    """
    with _opened(source) as file:
        match _kind(file):
            case "TIFF":
                directories = _remembered(file, tiff.pages)
                if len(directories) > 1:
                    _check(page, len(directories))
                    return tiff.cut_out(file, directories[page - 1], max_bytes), 1
            case "PNM" if len(places := _remembered(file, pnm.places)) > 1:
                _check(page, len(places))
                start, end = places[page - 1]
                file.seek(start)
                return file.read(min(end - start, MAX_FILE_BYTES_EVER + 1)), 1
            case "PDF":
                return pdf.draw(file, page, max_pixels), 1
            case "ZIP":
                entries = _remembered(file, _archive).pictures
                _check(page, len(entries))
                return archives.unpacked(file, entries[page - 1], max_bytes), 1
            case "JPEG" if page > 1 and (views := jpeg.views(file)):
                _check(page, len(views) + 1)
                at, length = views[page - 2]
                file.seek(at)
                return file.read(min(length, max_bytes + 1)), 1
            case "HEIF" if page > 1 and len(pictures := heif.pictures(file)) > 1:
                _check(page, len(pictures))
                file.seek(0)
                return heif.with_primary(file.read(max_bytes + 1), pictures[page - 1]), 1
            case "GIF" | "PNG" | "WEBP" as kind if page > 1:
                width, height = _animation_size(file, kind)
                if page * width * height > _MAX_FRAME_PIXELS:
                    raise ImageError(
                        f"frame {page} of an animation of {width}x{height} pixels would take too long:"
                        " take the animation apart first, as with ffmpeg"
                    )
    return source, page


def room(source: str | bytes, limit: int) -> int:
    """Return how many bytes a file may have: `limit`, or more if its header says so many pixels.

    That is asked of formats without compression, TIFF, BMP and PNM, whose files are as large as their pixels.
    Half as many bytes again may be there for metadata and reduced copies.
    """
    with _opened(source) as file:
        head = file.read(pnm.LONGEST_HEADER)
        needed = 0
        if _SIGNATURES["TIFF"].match(head):
            found = _remembered(file, tiff.pages)
            needed = tiff.plain_bytes(file, found[0].directory) if found else 0
        elif (header := pnm.header(head)) is not None:
            needed = header.end
        elif head.startswith(b"BM") and len(head) >= 30:
            width, height, bits = struct.unpack_from("<ii2xH", head, 18)
            needed = width * abs(height) * bits // 8
    return max(limit, min(needed * 3 // 2, MAX_FILE_BYTES_EVER))


# The lists of pages that were asked for last, each with what it is the list of: the pages of a file are asked
# for one after the other, and each would go through all of the file. Several, since a page of a file may be
# a file of pages itself.
_MOST_REMEMBERED: Final = 4
_known: tuple[tuple[object, Any], ...] = ()

_Found = TypeVar("_Found")


def _remembered(file: BinaryIO, find: Callable[[BinaryIO], _Found]) -> _Found:
    """Return what `find` lists of a file; what it has listed of the last few files is remembered."""
    global _known
    asked: tuple[object, ...]
    if isinstance(file, io.BytesIO):
        # No copy, and the bytes keep their hash; they are not kept for the list.
        data = file.getvalue()
        asked = find, len(data), hash(data)
    else:
        status = os.fstat(file.fileno())
        asked = (
            find,
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
    found: _Found | None = next((found for known, found in _known if known == asked), None)
    if found is None:
        found = find(file)
    others = (entry for entry in _known if entry[0] != asked)
    _known = ((asked, found), *others)[:_MOST_REMEMBERED]
    return found


def _archive(file: BinaryIO) -> archives.Contents:
    return archives.contents(file, PICTURES)


def _check(page: int, count: int) -> None:
    if page > count:
        raise ImageError(f"no page {page}: the file has {count}")


@contextlib.contextmanager
def _opened(source: str | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        file = open_regular(source)
    except (NotRegularFileError, ValueError):  # whoever reads it says what it is
        file = cast("BinaryIO", io.BytesIO())
    except OSError as error:
        raise _unreadable(error) from error
    with file:
        try:
            yield file
        except FileError:
            raise
        except OSError as error:
            raise _unreadable(error) from error


def _unreadable(error: OSError) -> FileError:
    return FileError(f"cannot read: {error.strerror or error}")


def _kind(file: BinaryIO) -> str:
    """Return the kind of a file that may have several pictures; empty for others."""
    head = file.read(_HEAD_BYTES)
    return next((k for k, signature in _SIGNATURES.items() if signature.match(head)), "")


def _animation_size(file: BinaryIO, kind: str) -> tuple[int, int]:
    """Return width and height as the header says."""
    file.seek(0)
    head = file.read(32).ljust(32, b"\0")
    if kind == "GIF":
        width, height = struct.unpack_from("<HH", head, 6)
    elif kind == "PNG":
        width, height = struct.unpack_from(">II", head, 16)
    else:
        width, height = (int.from_bytes(head[n : n + 3], "little") + 1 for n in (24, 27))
    return width, height


def _gif_frames(file: BinaryIO) -> int:
    """Count the frames of a GIF: walk through its blocks."""
    file.seek(0)
    head = file.read(13)
    if len(head) < 13:
        return 0
    _skip_palette(file, head[10])
    frames = 0
    while frames < _MAX_FRAMES and (kind := file.read(1)) not in (b"", b";"):
        if (
            kind == b","
        ):  # a frame: place and flags, maybe a palette, the first code's size, the data
            descriptor = file.read(9)
            if len(descriptor) < 9:
                break
            frames += 1
            _skip_palette(file, descriptor[8])
            file.seek(1, os.SEEK_CUR)
        elif kind == b"!":  # an extension
            file.seek(1, os.SEEK_CUR)
        else:  # a byte that should not be here is skipped, as decoders do
            continue
        while length := file.read(1).rstrip(b"\0"):  # blocks, up to an empty one
            file.seek(length[0], os.SEEK_CUR)
    return frames


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 * (2 << (flags & 7)), os.SEEK_CUR)


def _apng_frames(file: BinaryIO) -> int:
    """Count the pictures of a PNG; the one that programs without APNG show is one even if no frame."""
    claimed = frames = 0
    more = 1  # the picture of the PNG itself, unless it is the first frame
    for name, body in _chunks(file, 8, ">I4s", 4):
        if name == b"acTL":
            claimed = int.from_bytes(body[:4], "big")
        elif name == b"IDAT" and not claimed:
            break
        elif name == b"IDAT" and frames:
            more = 0
        elif name == b"fcTL":
            frames += 1
    return min(claimed, frames) + more


def _webp_frames(file: BinaryIO) -> int:
    """Count the frames of a WebP."""
    return sum(name == b"ANMF" for name, _ in _chunks(file, 12, "<4sI", 0))


# Boxes that lead to what a track is and to the table of its samples (ISO/IEC 14496-12).
_TO_SAMPLES: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def _track_frames(file: BinaryIO) -> int:
    """Count the frames of an AVIF or HEIF: the samples of its longest track of pictures."""
    size = file.seek(0, os.SEEK_END)
    frames, is_picture = 0, False
    spans = [(0, size)]  # of boxes, one after the other
    for _ in range(_MAX_BOXES):
        if not spans:
            break
        start, end = spans.pop()
        file.seek(start)
        head = file.read(20)
        box = heif.box_head(head)
        if box is None:
            continue
        name, body = box.name, start + box.size
        last = min(start + box.length, end) if box.length else end
        if last < body:
            continue
        if last < end:
            spans.append((last, end))
        if name in _TO_SAMPLES:
            spans.append((body, last))
        elif name == b"hdlr" and len(head) == 20:  # stands before the table
            is_picture = head[16:20] == b"pict"
        elif name == b"stsz" and len(head) == 20 and is_picture:
            each, count = struct.unpack_from(">II", head, 12)
            # One size for all, or the size of each: there are not more than the bytes have room for.
            room = size // each if each else (last - body - 12) // 4
            frames = max(frames, min(count, room, _MAX_FRAMES))
    return frames


def _chunks(file: BinaryIO, start: int, form: str, after: int) -> Iterator[tuple[bytes, bytes]]:
    """Give the names of chunks, and their first bytes; `after` is what follows a body: a checksum."""
    position = start
    for _ in range(_MAX_PNG_CHUNKS):
        file.seek(position)
        head = file.read(12)
        if len(head) < 8:
            return
        fields = struct.unpack(form, head[:8])
        length, name = fields if form.startswith(">") else fields[::-1]
        yield name, head[8:]
        if form.startswith("<"):
            length += length % 2  # chunks of RIFF begin at even places
        position += 8 + length + after
