"""Checks of a picture's bytes before Pillow decodes them. Standard library only.

Pillow reads metadata without asking first how much there are: a file of 2 MB can make it allocate 60 GB
for overlapping TIFF tags, or spend hours joining the comments of a GIF. The functions here walk through
the container format once and refuse such files. They also find damage that Pillow ignores: image data of a
PNG with a wrong checksum or without their end.

`decode` calls, in this order:

1. `sniff`: which format is it?
2. `screen`: is the container harmless and complete?
3. `check_size`: is the size in the header acceptable?
4. `check_effort`: is decoding quick enough?
5. `check_png_length` and `orientation`, after decoding.
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

#: Most pixels of a picture, if the user gives no limit: two times a scan of 100 Mpx.
DEFAULT_MAX_PIXELS: Final = 200_000_000

# If the user gives no limit, a picture of more than _LARGE_PICTURE_PIXELS must also have as many bytes as
# real pictures have: even a blank page as JPEG has 1 byte for every 57 pixels, a decompression bomb 1 byte
# for 130 pixels or more. Below that size, the most expensive format (animated WebP) needs 0.8 GB to decode.
_LARGE_PICTURE_PIXELS: Final = 24_000_000
_MAX_PIXELS_PER_BYTE: Final = 100

# A JPEG can have thousands of scans of the whole picture. Each scan may be only a few bytes long, but takes
# as long to decode as a full one. A progressive JPEG has about 10. More than _USUAL_SCANS are accepted if
# scans times pixels stay below the limit: decoding takes about 2 s for each billion.
_USUAL_SCANS: Final = 20
_MAX_SCANNED_PIXELS: Final = 3_000_000_000

# Pillow decodes the run lengths of a BMP in Python: half a microsecond for each run, and rows are filled
# pixel by pixel.
_MAX_RUN_LENGTH_BYTES: Final = 4 << 20
_MAX_RUN_LENGTH_PIXELS: Final = 16_000_000

# libtiff decodes whole tiles, even if only a small part of a tile is inside the picture.
_MAX_TILED_PIXELS: Final = 1 << 24

# Pillow decompresses each text and colour profile of a PNG, which can turn 1 kB into 1 MB. Its limit of 64 MB
# for all of them together does not count profiles.
_MAX_PACKED_CHUNKS: Final = 1000

# Real files stay far below these; each stops a loop that the file could make very long.
_MAX_JPEG_SEGMENTS: Final = 10_000  # before the first scan
_MAX_GIF_EXTENSION_BYTES: Final = 1 << 20  # before the first frame
_MAX_TIFF_TAGS: Final = 65_535  # in all directories together
_MAX_TIFF_VALUES: Final = 250_000  # numbers in one tag

# First bytes of the formats that are opened. TIFF: in both byte orders, `+` is BigTIFF, and the two forms
# at the end are wrong but exist; Pillow opens them, too.
_SIGNATURES: Final = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0\*|II\0\*|MM\*\0"),
    "BMP": re.compile(rb"BM"),
}

# Files that users often give by mistake. The error message names them.
_UNSUPPORTED: Final = {
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
_SUPPORTED: Final = "PNG, JPEG, GIF, WEBP, TIFF or BMP"


class TruncatedError(ImageError):
    """The file ends before the picture is complete."""


def truncated(kind: str) -> TruncatedError:
    """Return the error for a file that ends too early."""
    return TruncatedError(f"truncated {kind}: the file ends too early; see --allow-truncated")


def damaged(kind: str, detail: str) -> ImageError:
    """Return the error for a file with invalid contents; `detail` says what is wrong."""
    return ImageError(f"damaged {kind}: {detail}")


def sniff(data: bytes) -> str:
    """Return the format of a picture. The first bytes decide, never the file's name."""
    head = data[:512]
    for kind, signature in _SIGNATURES.items():
        if signature.match(head):
            return kind
    for description, signature in _UNSUPPORTED.items():
        if signature.match(head):
            raise ImageError(f"{description} cannot be opened; needed: {_SUPPORTED}")
    raise ImageError(f"not a picture, or of a format that is not opened; needed: {_SUPPORTED}")


def check_size(width: int, height: int, file_bytes: int, max_pixels: int | None) -> None:
    """Refuse a picture that is empty or too large, by the size that its header declares.

    Parameters
    ----------
    width, height
        Size in pixels, as the header says.
    file_bytes
        Size of the file.
    max_pixels
        Most pixels. None: `DEFAULT_MAX_PIXELS`, and a large picture must also have enough bytes.
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
    if max_pixels is None and pixels > max(
        _LARGE_PICTURE_PIXELS, _MAX_PIXELS_PER_BYTE * file_bytes
    ):
        raise ImageError(
            f"too large for its {file_bytes} bytes: {width}x{height} = {pixels} pixels, as in a "
            f"decompression bomb; --max-pixels {pixels} opens it"
        )


@dataclass(frozen=True)
class Screened:
    """A file that has passed `screen`.

    Attributes
    ----------
    data
        The bytes for Pillow: the whole file, but a JPEG without its metadata.
    exif, xmp
        The metadata that were removed from a JPEG; empty for other formats.
    """

    data: bytes
    exif: bytes = b""
    xmp: bytes = b""


def screen(data: bytes, kind: str, max_pixels: int | None, *, lenient: bool) -> Screened:
    """Walk through a picture's container format; refuse what is too expensive to read, or incomplete.

    Parameters
    ----------
    data
        The whole file.
    kind
        Its format, as `sniff` returns it.
    max_pixels
        As for `check_size`.
    lenient
        Skip the checks of whether the file is complete.

    Raises
    ------
    ImageError
        The file is refused; the message says why.
    """
    match kind:
        case "PNG":
            _check_png(data, max_pixels, lenient=lenient)
        case "JPEG":
            return _strip_jpeg(data)
        case "GIF":
            _check_gif(data)
        case "WEBP":  # here already: Pillow allocates the pixels when it opens the file
            check_size(*_webp_size(data), len(data), max_pixels)
        case "TIFF":
            _check_tiff(data)
    return Screened(data)


def check_effort(data: bytes, kind: str, width: int, height: int) -> None:
    """Refuse a picture that would take too long to decode for its size.

    Parameters
    ----------
    data, kind
        The file and its format.
    width, height
        Size of the picture, as Pillow read it from the header.
    """
    pixels = width * height
    if kind == "TIFF":
        _check_tiles(data, width, height)
    if kind == "JPEG":
        scans = data.count(b"\xff\xda")  # the marker that begins a scan
        if scans > max(_USUAL_SCANS, _MAX_SCANNED_PIXELS // pixels):
            raise ImageError(f"a JPEG of {scans} scans over {pixels} pixels would take too long")
    # The field "compression" of a BMP's header: 1 and 2 are run lengths of 8-bit and of 4-bit pixels.
    run_lengths = kind == "BMP" and data[30:34] in (b"\1\0\0\0", b"\2\0\0\0")
    if run_lengths and (len(data) > _MAX_RUN_LENGTH_BYTES or pixels > _MAX_RUN_LENGTH_PIXELS):
        raise ImageError(
            f"a run-length coded BMP of {len(data)} bytes and {pixels} pixels would take too long; "
            f"the limits are {_MAX_RUN_LENGTH_BYTES} and {_MAX_RUN_LENGTH_PIXELS}"
        )


def orientation(exif: bytes, xmp: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1, which changes nothing, if it is missing or invalid.

    EXIF data are a small TIFF file. Some programs write the orientation into XMP, an XML text, instead.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    for tag in itertools.islice(_tags(tiff, _first_directory(tiff)), 1000):
        if tag.number == _ORIENTATION:
            return tag.value if 1 <= tag.value <= 8 else 1
    match = re.search(rb"tiff:Orientation(?:=[\"']|>)([1-8])[\"'<]", xmp)
    return int(match[1]) if match else 1


# Adam7, the order of pixels in an interlaced PNG. For each of the seven passes: its first column and row,
# and the steps from one of its columns and rows to the next.
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
    """Check the size, the number of chunks, the checksums and order of the image data, and the palette."""
    if len(data) < 33:  # signature and header chunk
        raise truncated("PNG")
    if data[8:16] != b"\0\0\0\rIHDR":
        raise damaged("PNG", "it does not begin with its header")
    width, height, _, colour_type = struct.unpack_from(">IIBB", data, 16)
    check_size(width, height, len(data), max_pixels)
    max_chunks = 10_000 + len(data) // 1024  # Pillow needs some microseconds for each chunk
    names: set[bytes] = set()
    packed = 0
    previous = b""
    for number, (chunk, body, checksum) in enumerate(_png_chunks(data)):
        if number > max_chunks:
            raise damaged("PNG", f"it has more than {max_chunks} chunks")
        packed += chunk in (b"iCCP", b"zTXt", b"iTXt")
        if packed > _MAX_PACKED_CHUNKS:
            raise damaged("PNG", f"it has more than {_MAX_PACKED_CHUNKS} packed texts and profiles")
        if chunk == b"IDAT" and not lenient:
            # The chunks with image data must be together: Pillow stops reading at the first other chunk.
            if previous != b"IDAT" and b"IDAT" in names:
                raise damaged("PNG", "its image data are in several places")
            # Colour type 3: the samples are indices into a palette.
            if colour_type == 3 and b"PLTE" not in names:
                raise damaged("PNG", "its palette is missing")
            crc = zlib.crc32(body, zlib.crc32(chunk))
            # A checksum that is cut off is no damage: `check_png_length` decides if pixels are missing.
            if len(checksum) == 4 and crc != int.from_bytes(checksum, "big"):
                raise damaged("PNG", "the checksum of its image data is wrong")
        names.add(chunk)
        previous = chunk


def check_png_length(data: bytes) -> None:
    """Refuse a PNG whose image data decompress to fewer bytes than its pixels need.

    A file that ends after its last pixel, but before its last checksum or its end chunk, is complete.
    """
    width, height, depth, colour_type, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    # Samples for each pixel, by colour type: grey, RGB, palette, grey and alpha, RGBA.
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    missing = 0
    for left, top, step_x, step_y in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // step_x), -(-(height - top) // step_y)  # rounded up
        if columns > 0 and rows > 0:
            missing += rows * (1 + (columns * bits + 7) // 8)  # one filter byte before each row
    inflate = zlib.decompressobj()
    for chunk, body, _ in _png_chunks(data):
        compressed: bytes | memoryview = body if chunk == b"IDAT" else b""
        # In pieces of 1 MiB, which are only counted: the pixels are never in memory here.
        while compressed and missing > 0 and not inflate.eof:
            missing -= len(inflate.decompress(compressed, 1 << 20))
            compressed = inflate.unconsumed_tail
    if missing > 0:
        raise truncated("PNG")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bytes]]:
    """Give the name, body and checksum of each chunk; those of the last chunk may be cut off."""
    view = memoryview(data)
    position = 8  # after the signature
    while position + 8 <= len(data):
        length, chunk = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        yield chunk, view[position + 8 : end], data[end : end + 4]
        if chunk == b"IEND":
            return
        position = end + 4


# A marker may follow any number of fill bytes 0xFF. The search skips them. A pattern with `\xff+` would
# match them again from every position: time would grow with the square of their number.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"


def _strip_jpeg(data: bytes) -> Screened:
    """Remove the metadata before the first scan, except JFIF (APP0) and Adobe (APP14).

    Those two say how to interpret the samples. Pillow would parse all the others (EXIF with its nested
    directories, colour profiles, embedded pictures), of which only the orientation is needed.
    """
    view = memoryview(data)  # slices of it copy nothing: a large file is copied once, at the end
    segments = [view[:2]]
    exif = xmp = b""
    position = 2
    for _ in range(_MAX_JPEG_SEGMENTS):
        match = _JPEG_MARKER.search(data, position)
        # At the first scan (0xDA), or if there are no more markers, the rest of the file is taken as it is.
        if match is None or match[1] == b"\xda":
            segments.append(view[position:])
            return Screened(b"".join(segments), exif, xmp)
        marker = match[1][0]
        if marker == 0x01 or 0xD0 <= marker <= 0xD9:  # markers that are not followed by a length
            position = match.end()
            continue
        body = match.end() + 2  # after the length, which counts its own two bytes
        position = match.end() + max(2, int.from_bytes(data[match.end() : body], "big"))
        # 0xE0 to 0xEF: APP0 to APP15; 0xFE: comment.
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            segments.append(view[match.end() - 2 : position])
        elif data.startswith(_EXIF, body):
            exif = exif or data[body:position]
        elif data.startswith(_XMP, body):
            xmp = xmp or data[body:position]
    raise damaged("JPEG", f"it has more than {_MAX_JPEG_SEGMENTS} segments before its first scan")


def _check_gif(data: bytes) -> None:
    """Refuse a GIF with too many bytes of extensions, such as comments, before the first frame."""
    if len(data) < 13:
        raise truncated("GIF")
    # After the header of 13 bytes: the global palette, if bit 7 of the flags says that there is one.
    position = 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0)
    end = position + _MAX_GIF_EXTENSION_BYTES
    # A comma begins a frame, a semicolon ends the file.
    while position < min(len(data), end) and data[position] not in b",;":
        # An extension is 0x21, a label, then blocks that begin with their length; the length 0 ends it.
        # Any other byte should not be here and is skipped, as Pillow does.
        if data[position] != 0x21:
            position += 1
            continue
        position += 2
        while position < min(len(data), end) and data[position]:
            position += 1 + data[position]
        position += 1
    if position >= end:
        raise damaged("GIF", f"more than {_MAX_GIF_EXTENSION_BYTES} bytes before its first frame")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height from a WebP's first chunk: extended, lossless or lossy."""
    chunk, body = data[12:16], data[20:30]  # the name, and the contents after a length of 4 bytes
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


# Bytes of one value, by TIFF's number for its type.
_TIFF_TYPE_SIZES: Final = {
    **dict.fromkeys((1, 2, 6, 7), 1),  # BYTE, ASCII, SBYTE, UNDEFINED
    **dict.fromkeys((3, 8), 2),  # SHORT, SSHORT
    **dict.fromkeys((4, 9, 11, 13), 4),  # LONG, SLONG, FLOAT, IFD
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),  # (S)RATIONAL, DOUBLE, (S)LONG8, IFD8
}
# Types with one byte for each value. Many values are normal here: texts and embedded data. Many values of
# other types are refused, because Pillow makes a Python number of each.
_TIFF_BYTE_TYPES: Final = (1, 2, 6, 7)
# Numbers of the tags that are read here.
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_ORIENTATION: Final = 274
_SUBDIRECTORIES: Final = (0x8769, 0x8825, 0xA005)  # EXIF, GPS, interoperability


@dataclass(frozen=True)
class _Tag:
    """One entry of a TIFF directory."""

    number: int
    count: int
    is_bytes: bool
    external_bytes: int  # bytes of its values that are in the file but outside the directory
    value: int  # if it is one integer, that; if the values are outside the directory, their offset


def _first_directory(data: bytes) -> int:
    """Return the offset of a TIFF's first directory; 0 if the data are too short to have one."""
    offset = data[8:16] if data[2:3] == b"+" else data[4:8]  # `+`: BigTIFF, with offsets of 64 bits
    return int.from_bytes(offset, "little" if data[:1] == b"I" else "big")


def _tags(data: bytes, directory: int) -> Iterator[_Tag]:
    """Give the tags of the directory at this offset, up to the end of the file."""
    # A directory is the number of its entries, then the entries: tag number, type, number of values, and
    # the values themselves or, if they do not fit there, their offset.
    order = "<" if data[:1] == b"I" else ">"
    count_format, value_format = ("Q", "Q") if data[2:3] == b"+" else ("H", "I")
    value_size = struct.calcsize(order + value_format)
    entry_head = struct.Struct(f"{order}HH{value_format}")
    position = directory + struct.calcsize(order + count_format)
    if position > len(data):
        return
    (entry_count,) = struct.unpack_from(order + count_format, data, directory)
    for _ in range(entry_count):
        value_position = position + entry_head.size
        if value_position + value_size > len(data):
            return
        number, value_type, count = entry_head.unpack_from(data, position)
        size = _TIFF_TYPE_SIZES.get(value_type, 0) * count
        inline = size <= value_size
        # A SHORT, type 3, is in the first two bytes of the field.
        (value,) = struct.unpack_from(
            order + ("H" if value_type == 3 and inline else value_format), data, value_position
        )
        external_bytes = 0 if inline else max(0, min(size, len(data) - value))
        yield _Tag(number, count, value_type in _TIFF_BYTE_TYPES, external_bytes, value)
        position = value_position + value_size


def _check_tiff(data: bytes) -> None:
    """Refuse a TIFF with too many tags, or with tags whose values overlap or are too many.

    When Pillow opens the file, it reads every tag of the first directory and of the directories below it.
    """
    first_directory = _first_directory(data)
    if first_directory >= len(data):
        raise truncated("TIFF")
    external_bytes = count = 0
    # `visited`: directories may point to each other in a circle.
    pending, visited = [first_directory], set[int]()
    while pending:
        directory = pending.pop()
        if directory in visited:
            continue
        visited.add(directory)
        for tag in _tags(data, directory):
            external_bytes += tag.external_bytes
            count += 1
            if count > _MAX_TIFF_TAGS:
                raise damaged("TIFF", f"it has more than {_MAX_TIFF_TAGS} tags")
            if external_bytes > len(data):  # only possible if tags share bytes
                raise damaged("TIFF", "its tags hold more bytes than the file")
            if tag.external_bytes and not tag.is_bytes and tag.count > _MAX_TIFF_VALUES:
                raise damaged("TIFF", f"tag {tag.number} lists {tag.count} numbers")
            if tag.number in _SUBDIRECTORIES:
                pending.append(tag.value)


def _check_tiles(data: bytes, width: int, height: int) -> None:
    """Refuse tiles that are much larger than the picture, such as a million rows for a picture of 16."""
    sides: dict[int, _Tag] = {}
    for tag in itertools.islice(_tags(data, _first_directory(data)), _MAX_TIFF_TAGS):
        if tag.number in (_TILE_WIDTH, _TILE_HEIGHT):
            sides.setdefault(tag.number, tag)  # of two equal tags, libtiff uses the first
    if len(sides) < 2:  # not tiled
        return
    if any(tag.external_bytes for tag in sides.values()):  # then `value` is an offset, not the size
        raise damaged("TIFF", "the size of its tiles is no whole number")
    tile_width, tile_height = sides[_TILE_WIDTH].value, sides[_TILE_HEIGHT].value
    if tile_width and tile_height:
        tiled = -(-width // tile_width) * -(-height // tile_height) * tile_width * tile_height
        if tiled > max(_MAX_TILED_PIXELS, 4 * width * height):
            raise damaged("TIFF", f"its tiles have {tiled} pixels, the picture {width * height}")
