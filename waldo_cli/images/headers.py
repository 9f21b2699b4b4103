"""What is checked in a picture's bytes before Pillow sees them. Standard library only.

Pillow reads metadata first and asks about their size later: a file of 2 MB can make it take 60 GB
for overlapping TIFF tags, or hours to join the comments of a GIF. `screen` refuses such files by
walking through the container once. It also finds what Pillow takes as it comes: image data of a PNG
that have a wrong checksum or end too early.
"""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waldo_cli.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Pixels that a picture may have where no limit is given: twice a 100-Mpx scan.
DEFAULT_MAX_PIXELS: Final = 200_000_000

# Where no limit is given, a picture of more than _LARGE pixels must also weigh what real pictures
# weigh: a blank page as JPEG still takes 1 byte for 57 pixels, a bomb 1 byte for 130 or more.
# Up to _LARGE, the worst of formats (animated WebP) takes 0.8 GB to decode.
_LARGE: Final = 24_000_000
_MOST_PIXELS_PER_BYTE: Final = 100

# A JPEG may hold thousands of scans over the whole picture, each of them some bytes long and as
# slow as the first. A progressive JPEG has 10; beyond 20, their pixels take 2 s for each billion.
_USUAL_SCANS: Final = 20
_MAX_SCANNED_PIXELS: Final = 3_000_000_000

# Pillow unpacks run lengths in Python, half a microsecond for each, and fills rows pixel by pixel.
_MAX_RUN_LENGTH_BYTES: Final = 4 << 20
_MAX_RUN_LENGTH_PIXELS: Final = 16_000_000

# libtiff unpacks whole tiles, however little of them lies in the picture.
_MAX_TILED_PIXELS: Final = 1 << 24

# Pillow unpacks each text and profile of a PNG, up to 1 MB from 1 kB; the 64 MB that it allows for all do
# not count profiles.
_MAX_PACKED_CHUNKS: Final = 1000

_MAX_JPEG_SEGMENTS: Final = 10_000
_MAX_GIF_EXTENSION_BYTES: Final = 1 << 20
_MAX_TIFF_TAGS: Final = 65_535
_MAX_TIFF_VALUES: Final = 250_000

_SIGNATURES: Final = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0\*|II\0\*|MM\*\0"),
    "BMP": re.compile(rb"BM"),
}

# What people hand over instead of a picture, named so that they see their mistake.
_OTHERS: Final = {
    "a Git LFS pointer (run `git lfs pull`)": re.compile(rb"version https://git-lfs"),
    "an SVG drawing": re.compile(rb"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)?<svg", re.DOTALL),
    "a web page": re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE),
    "a PDF document": re.compile(rb"%PDF-"),
    "PostScript": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "a Photoshop document": re.compile(rb"8BPS"),
    "an AVIF or HEIF picture": re.compile(rb"....ftyp(avi|hei|hev|mif|msf)", re.DOTALL),
    "a JPEG 2000 picture": re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  "),
    "a JPEG XL picture": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "an icon": re.compile(rb"\0\0\x01\0"),
    "a zip archive": re.compile(rb"PK\x03\x04"),
}
_CHOICE: Final = "PNG, JPEG, GIF, WEBP, TIFF or BMP"


class TruncatedError(ImageError):
    """The file ends before the picture does."""


def truncated(kind: str) -> TruncatedError:
    """Return the error for a file that ends too early."""
    return TruncatedError(f"truncated {kind}: the file ends too early; see --allow-truncated")


def damaged(kind: str, detail: str) -> ImageError:
    """Return the error for a file whose contents contradict themselves."""
    return ImageError(f"damaged {kind}: {detail}")


def sniff(data: bytes) -> str:
    """Return the format of a picture by its first bytes, whatever its name says."""
    head = data[:512]
    for kind, signature in _SIGNATURES.items():
        if signature.match(head):
            return kind
    for what, signature in _OTHERS.items():
        if signature.match(head):
            raise ImageError(f"{what} cannot be opened; needed: {_CHOICE}")
    raise ImageError(f"not a picture, or of a format that is not opened; needed: {_CHOICE}")


def check_size(width: int, height: int, weight: int, max_pixels: int | None) -> None:
    """Refuse a picture by the size that its header declares.

    Parameters
    ----------
    width, height
        Pixels.
    weight
        Bytes of the file.
    max_pixels
        Limit; None for the default one, which also looks at the weight.
    """
    pixels = width * height
    limit = DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels
    if width < 1 or height < 1:
        raise ImageError(f"an empty picture: {width}x{height} pixels")
    if pixels > limit:
        raise ImageError(
            f"too large: {width}x{height} = {pixels} pixels, the limit is {limit}; "
            "--max-pixels sets another"
        )
    if max_pixels is None and pixels > max(_LARGE, _MOST_PIXELS_PER_BYTE * weight):
        raise ImageError(
            f"too large for its {weight} bytes: {width}x{height} = {pixels} pixels, as in a "
            f"decompression bomb; --max-pixels {pixels} opens it"
        )


@dataclass(frozen=True)
class Screened:
    """Bytes that may go to Pillow, and metadata that need not.

    Attributes
    ----------
    data
        The file; a JPEG without its metadata.
    exif, xmp
        The metadata that were left out of a JPEG; empty for other formats.
    """

    data: bytes
    exif: bytes = b""
    xmp: bytes = b""


def screen(data: bytes, kind: str, max_pixels: int | None, *, lenient: bool) -> Screened:
    """Walk through a picture's container and refuse what would cost too much, or is not whole.

    Parameters
    ----------
    data
        The whole file.
    kind
        Its format, as `sniff` tells it.
    max_pixels
        Limit as for `check_size`.
    lenient
        Leave out the checks of whether the file is whole.

    Raises
    ------
    ImageError
        With the reason.
    """
    match kind:
        case "PNG":
            _check_png(data, max_pixels, lenient=lenient)
        case "JPEG":
            return _strip_jpeg(data)
        case "GIF":
            _check_gif(data)
        case "WEBP":  # its decoder takes memory for the pixels when it is opened
            check_size(*_webp_size(data), len(data), max_pixels)
        case "TIFF":
            _check_tiff(data)
    return Screened(data)


def check_effort(data: bytes, kind: str, width: int, height: int) -> None:
    """Refuse a picture that would be decoded over and over, or in a slow way for long.

    Parameters
    ----------
    data, kind
        The file and its format.
    width, height
        Of the picture, as Pillow understood it.
    """
    pixels = width * height
    if kind == "TIFF":
        _check_tiles(data, width, height)
    if kind == "JPEG":
        scans = data.count(b"\xff\xda")
        if scans > max(_USUAL_SCANS, _MAX_SCANNED_PIXELS // pixels):
            raise ImageError(f"a JPEG of {scans} scans over {pixels} pixels would take too long")
    run_lengths = kind == "BMP" and data[30:34] in (b"\1\0\0\0", b"\2\0\0\0")
    if run_lengths and (len(data) > _MAX_RUN_LENGTH_BYTES or pixels > _MAX_RUN_LENGTH_PIXELS):
        raise ImageError(
            f"a run-length coded BMP of {len(data)} bytes and {pixels} pixels would take too long; "
            f"the limits are {_MAX_RUN_LENGTH_BYTES} and {_MAX_RUN_LENGTH_PIXELS}"
        )


def orientation(exif: bytes, xmp: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; where it is missing or makes no sense, 1."""
    tiff = exif.removeprefix(b"Exif\0\0")
    for tag in itertools.islice(_tags(tiff, _first_directory(tiff)), 1000):
        if tag.number == _ORIENTATION:
            return tag.value if 1 <= tag.value <= 8 else 1
    found = re.search(rb"tiff:Orientation(?:=[\"']|>)([1-8])[\"'<]", xmp)
    return int(found[1]) if found else 1


# Adam7: first column and row of each pass, and the steps between its columns and rows.
_ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def _check_png(data: bytes, max_pixels: int | None, *, lenient: bool) -> None:
    """Check the checksums of the image data, their order, and the palette."""
    if len(data) < 33:
        raise truncated("PNG")
    if data[8:16] != b"\0\0\0\rIHDR":
        raise damaged("PNG", "it does not begin with its header")
    width, height, _, colour_type = struct.unpack_from(">IIBB", data, 16)
    check_size(width, height, len(data), max_pixels)
    most_chunks = 10_000 + len(data) // 1024  # Pillow takes some microseconds for each
    kinds: set[bytes] = set()
    packed = 0
    before = b""
    for number, (chunk, body, checksum) in enumerate(_png_chunks(data)):
        if number > most_chunks:
            raise damaged("PNG", f"it has more than {most_chunks} chunks")
        packed += chunk in (b"iCCP", b"zTXt", b"iTXt")
        if packed > _MAX_PACKED_CHUNKS:
            raise damaged("PNG", f"it has more than {_MAX_PACKED_CHUNKS} packed texts and profiles")
        if chunk == b"IDAT" and not lenient:
            if before != b"IDAT" and b"IDAT" in kinds:
                raise damaged("PNG", "its image data are in several places")
            if colour_type == 3 and b"PLTE" not in kinds:
                raise damaged("PNG", "its palette is missing")
            crc = zlib.crc32(body, zlib.crc32(chunk))
            if len(checksum) == 4 and crc != int.from_bytes(checksum, "big"):
                raise damaged("PNG", "the checksum of its image data is wrong")
        kinds.add(chunk)
        before = chunk


def check_png_length(data: bytes) -> None:
    """Refuse a PNG whose image data unpack to less than its pixels.

    A file that ends after its last pixel, but before its last checksum or its end mark, is whole.
    """
    width, height, depth, colour_type, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    missing = 0
    for left, top, across, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            missing += rows * (1 + (columns * bits + 7) // 8)  # each row after its filter byte
    inflate = zlib.decompressobj()
    for chunk, body, _ in _png_chunks(data):
        waiting: bytes | memoryview = body if chunk == b"IDAT" else b""
        while waiting and missing > 0 and not inflate.eof:
            missing -= len(inflate.decompress(waiting, 1 << 20))
            waiting = inflate.unconsumed_tail
    if missing > 0:
        raise truncated("PNG")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bytes]]:
    """Give the name, body and checksum of each chunk; the last may be cut short."""
    view = memoryview(data)
    position = 8
    while position + 8 <= len(data):
        length, chunk = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        yield chunk, view[position + 8 : end], data[end : end + 4]
        if chunk == b"IEND":
            return
        position = end + 4


# The fill bytes 0xFF before a marker are skipped by the search, not matched: `\xff+` would take time with
# the square of their number.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"


def _strip_jpeg(data: bytes) -> Screened:
    """Leave out the metadata before the first scan, but for JFIF (APP0) and Adobe (APP14).

    Those two say how the samples are to be read. The rest (EXIF with its nested tables, profiles,
    further pictures) Pillow would take apart only to be asked for the orientation.
    """
    view = memoryview(data)  # a large file is copied once
    kept = [view[:2]]
    exif = xmp = b""
    position = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        found = _JPEG_MARKER.search(data, position)
        if found is None or found[1] == b"\xda":
            kept.append(view[position:])
            return Screened(b"".join(kept), exif, xmp)
        marker = found[1][0]
        if marker == 0x01 or 0xD0 <= marker <= 0xD9:  # no length follows
            position = found.end()
            continue
        body = found.end() + 2
        position = found.end() + max(2, int.from_bytes(data[found.end() : body], "big"))
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(view[found.end() - 2 : position])
        elif data.startswith(_EXIF, body):
            exif = exif or data[body:position]
        elif data.startswith(_XMP, body):
            xmp = xmp or data[body:position]
    raise damaged("JPEG", f"it has more than {_MAX_JPEG_SEGMENTS} segments before its first scan")


def _check_gif(data: bytes) -> None:
    """Refuse a GIF that has more than its share of comments before the first frame."""
    if len(data) < 13:
        raise truncated("GIF")
    position = 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0)
    end = position + _MAX_GIF_EXTENSION_BYTES
    while position < min(len(data), end) and data[position] not in b",;":
        if data[position] != 0x21:  # between blocks, as Pillow does
            position += 1
            continue
        position += 2
        while position < min(len(data), end) and data[position]:
            position += 1 + data[position]
        position += 1
    if position >= end:
        raise damaged("GIF", f"more than {_MAX_GIF_EXTENSION_BYTES} bytes before its first frame")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the size in a WebP's first chunk, whichever of the three kinds it is."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise truncated("WEBP")
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise damaged("WEBP", "it does not begin with a picture")


_TIFF_TYPE_SIZES: Final = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
_TIFF_BYTE_TYPES: Final = (1, 2, 6, 7)
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_ORIENTATION: Final = 274
_SUBDIRECTORIES: Final = (0x8769, 0x8825, 0xA005)  # EXIF, GPS, interoperability


@dataclass(frozen=True)
class _Tag:
    number: int
    count: int
    is_bytes: bool
    held: int  # bytes outside the directory that the file has for its values
    value: int  # the value where it is one integer; where its values lie, otherwise


def _first_directory(data: bytes) -> int:
    """Return the offset of a TIFF's first directory; 0 where there is none."""
    offset = data[8:16] if data[2:3] == b"+" else data[4:8]
    return int.from_bytes(offset, "little" if data[:1] == b"I" else "big")


def _tags(data: bytes, directory: int) -> Iterator[_Tag]:
    """Give the tags of the directory at that offset, as far as the file holds them."""
    order = "<" if data[:1] == b"I" else ">"
    count_format, value_format = ("Q", "Q") if data[2:3] == b"+" else ("H", "I")
    value_size = struct.calcsize(order + value_format)
    tag = struct.Struct(f"{order}HH{value_format}")
    position = directory + struct.calcsize(order + count_format)
    if position > len(data):
        return
    (entries,) = struct.unpack_from(order + count_format, data, directory)
    for _ in range(entries):
        place = position + tag.size
        if place + value_size > len(data):
            return
        number, kind, count = tag.unpack_from(data, position)
        size = _TIFF_TYPE_SIZES.get(kind, 0) * count
        inline = size <= value_size
        (value,) = struct.unpack_from(
            order + ("H" if kind == 3 and inline else value_format), data, place
        )
        held = 0 if inline else max(0, min(size, len(data) - value))
        yield _Tag(number, count, kind in _TIFF_BYTE_TYPES, held, value)
        position = place + value_size


def _check_tiff(data: bytes) -> None:
    """Refuse tags that overlap so as to hold more than the file, and endless lists.

    Pillow reads every tag of the first directory and of those below it when it opens the file.
    """
    first = _first_directory(data)
    if first >= len(data):
        raise truncated("TIFF")
    held = count = 0
    pending, seen = [first], set[int]()
    while pending:
        directory = pending.pop()
        if directory in seen:
            continue
        seen.add(directory)
        for tag in _tags(data, directory):
            held += tag.held
            count += 1
            if count > _MAX_TIFF_TAGS:
                raise damaged("TIFF", f"it has more than {_MAX_TIFF_TAGS} tags")
            if held > len(data):
                raise damaged("TIFF", "its tags hold more bytes than the file")
            if tag.held and not tag.is_bytes and tag.count > _MAX_TIFF_VALUES:
                raise damaged("TIFF", f"tag {tag.number} lists {tag.count} numbers")
            if tag.number in _SUBDIRECTORIES:
                pending.append(tag.value)


def _check_tiles(data: bytes, width: int, height: int) -> None:
    """Refuse tiles that reach far out of the picture: 16 columns of a million rows, for 16 rows."""
    sides: dict[int, _Tag] = {}
    for tag in itertools.islice(_tags(data, _first_directory(data)), _MAX_TIFF_TAGS):
        if tag.number in (_TILE_WIDTH, _TILE_HEIGHT):
            sides.setdefault(tag.number, tag)  # libtiff takes the first
    if len(sides) < 2:
        return
    if any(tag.held for tag in sides.values()):  # where they lie, not what they are, is in `value`
        raise damaged("TIFF", "the size of its tiles is no whole number")
    across, down = sides[_TILE_WIDTH].value, sides[_TILE_HEIGHT].value
    if across and down:
        tiled = -(-width // across) * -(-height // down) * across * down
        if tiled > max(_MAX_TILED_PIXELS, 4 * width * height):
            raise damaged("TIFF", f"its tiles have {tiled} pixels, the picture {width * height}")
