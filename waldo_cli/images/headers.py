"""Checks of a picture's bytes before Pillow decodes them. Standard library only.

Pillow reads metadata without asking first how much there are: a file of 2 MB can make it allocate 60 GB
for overlapping TIFF tags, or spend hours joining the comments of a GIF. And metadata that it cannot read make
it refuse pixels that are sound. So `screen` walks through the container format once, takes the orientation
from it, and leaves only what the pixels need for Pillow to see. It refuses what is too large, takes too long
to decode, or is not whole, and finds damage that Pillow ignores: image data of a PNG with a wrong checksum or
without their end.

`decode` calls `sniff`, then `screen`, and after decoding `check_png_length`. JPEG, TIFF, AVIF and HEIF, JPEG
2000, JPEG XL and PNM have modules of their own; PNG, GIF, WebP and BMP are here.
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waldo_cli.errors import ImageError
from waldo_cli.images import directory, heif, jpeg, jpeg2000, jpegxl, pnm
from waldo_cli.images.limits import check_seconds, check_size, damaged, truncated
from waldo_cli.images.orientation import orientation

if TYPE_CHECKING:
    from collections.abc import Iterator

# Most pixels that one byte of a file can hold; see `check_size`. JPEG spends a bit on each block of a
# component. A code of GIF stands for at most 4096 pixels. For the others it is what a picture of one colour
# has, with a margin; an animated WebP needs too much memory for that.
_JPEG_DENSITY: Final = 1024
_GIF_DENSITY: Final = 2600
_OTHER_DENSITY: Final = 30_000
_ANIMATED_WEBP_DENSITY: Final = 100
# What comes before a frame of a GIF that says what becomes of it: of the flags, bits 2 to 4. 0 is not said, 1
# it stays.
_GIF_CONTROL: Final = b"!\xf9\x04"
_GIF_DISPOSAL, _GIF_STAYS = 7 << 2, 1 << 2
# Bits of the flags of a WebP.
_WEBP_ANIMATION, _WEBP_ALPHA = 2, 16
# Deflate makes at most 1032 bytes of one.
_DEFLATE_DENSITY: Final = 1040

# Pillow decodes the run lengths of a BMP in Python: half a microsecond for each run, and rows are filled
# pixel by pixel.
_MAX_RUN_LENGTH_BYTES: Final = 4 << 20
_MAX_RUN_LENGTH_PIXELS: Final = 16_000_000

# Real files stay far below these; each stops a loop that the file could make very long.
_MAX_PNG_CHUNKS: Final = 1_000_000
_MAX_GIF_BLOCKS: Final = 2_000_000
_MAX_FRAME_PIXELS: Final = 1_000_000_000  # of all frames up to the one that is asked for
_MAX_TEXT_BYTES: Final = 1 << 20  # of a text that may hold the orientation
_MAX_TEXTS: Final = 10

# First bytes of the formats that are opened. TIFF: in both byte orders, `+` is BigTIFF, and the two forms
# at the end are wrong but exist. AVIF and HEIF differ by the brands that follow; see `sniff`.
_SIGNATURES: Final = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]|II\0\*|MM\*\0"),
    "BMP": re.compile(rb"BM"),
    "HEIF": re.compile(rb"....ftyp(avi[fs]|hei[cxms]|hev[cxms]|mif[12]|msf1|miaf)", re.DOTALL),
    "JPEG 2000": re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    "PNM": re.compile(rb"P[456][ \t\r\n#]"),
}

# Files that users often give by mistake. The error message names them.
_UNSUPPORTED: Final = {
    "a Git LFS pointer (run `git lfs pull`)": re.compile(rb"version https://git-lfs"),
    "an SVG drawing (export it as PNG)": re.compile(
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg",
        re.DOTALL,
    ),
    "a web page (save the picture that it shows)": re.compile(
        rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)", re.IGNORECASE
    ),
    "a PDF document": re.compile(rb"%PDF-"),
    "PostScript (convert it to PDF)": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "a Photoshop document (export it as PNG)": re.compile(rb"8BPS"),
    "a camera's raw file (develop it to TIFF or JPEG first)": re.compile(
        rb"....ftypcrx |FUJIFILMCCD-RAW|FOVb|\0MRM|IIR[OS]\x08|MMOR|IIU\0", re.DOTALL
    ),
    # Brands of ISO/IEC 23008-12 for still pictures, and for sequences, of other codings than HEVC and AV1.
    "a HEIF picture of AVC, VVC, EVC, JPEG 2000 or JPEG (convert it to PNG)": re.compile(
        rb"....ftyp(avc[is]|vvi[cs]|ev[bm][is]|j2ki|j2is|jpeg|jpgs)", re.DOTALL
    ),
    "a film (ffmpeg makes pictures of it)": re.compile(
        rb"....(ftyp|moov|mdat|free|wide)|\x1aE\xdf\xa3|RIFF....AVI |\0\0\x01[\xba\xb3]|OggS|FLV\x01",
        re.DOTALL,
    ),
    "an icon (convert it to PNG)": re.compile(rb"\0\0[\x01\x02]\0[^\0]\0|icns"),
    "a Targa picture (convert it to PNG)": re.compile(
        rb".(\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09]\0\0..[\x10\x18\x20]).{8}[\x08\x10\x18\x20]",
        re.DOTALL,
    ),
    "a zip archive": re.compile(rb"PK\x03\x04"),
    "an archive (unpack it, or make a zip of it)": re.compile(
        rb"Rar!\x1a|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08|BZh|\xfd7zXZ|.{257}ustar", re.DOTALL
    ),
    "a PNM picture of text, or a PAM or PFM (convert it to PNG)": re.compile(
        rb"P[1237Ff][ \t\r\n#]"
    ),
    "a JPEG XR picture (convert it to PNG)": re.compile(rb"II\xbc"),
    "an OpenEXR picture (convert it to TIFF)": re.compile(rb"v/1\x01"),
    "a Radiance picture (convert it to TIFF)": re.compile(rb"#\?R(ADIANCE|GBE)"),
    "a PCX picture (convert it to PNG)": re.compile(rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]"),
    "an SGI picture (convert it to PNG)": re.compile(
        rb"\x01\xda[\x00\x01][\x01\x02]\x00[\x01-\x03]"
    ),
    "a Sun raster picture (convert it to PNG)": re.compile(rb"\x59\xa6\x6a\x95"),
    "a Windows metafile (export it as PNG)": re.compile(
        rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", re.DOTALL
    ),
    "a JBIG2 picture (convert it to PNG)": re.compile(rb"\x97JB2\r\n\x1a\n"),
    "a DjVu document (convert it to PDF)": re.compile(rb"AT&TFORM"),
    "a GIMP picture (export it as PNG)": re.compile(rb"gimp xcf"),
    "a DICOM file (export it as PNG)": re.compile(rb".{128}DICM", re.DOTALL),
    "a FITS file (convert it to TIFF)": re.compile(rb"SIMPLE  ="),
    "a QOI picture (convert it to PNG)": re.compile(rb"qoif"),
    "a DirectDraw surface (convert it to PNG)": re.compile(rb"DDS "),
    "an XBM or XPM picture (convert it to PNG)": re.compile(rb"#define \w+_width\s|/\* XPM"),
    "a DPX or Cineon picture (convert it to TIFF)": re.compile(
        rb"SDPX|XPDS|\x80\x2a\x5f\xd7|\xd7\x5f\x2a\x80"
    ),
    "an IFF picture (convert it to PNG)": re.compile(rb"FORM.{4}(ILBM|PBM )", re.DOTALL),
    "a BPG or FLIF picture (convert it to PNG)": re.compile(rb"BPG\xfb|FLIF"),
    "an HDF5 file (export its pictures as TIFF)": re.compile(rb"\x89HDF\r\n\x1a\n"),
    "a picture as text of base64 (`base64 -d` decodes it)": re.compile(
        rb"data:image/|iVBORw0KGgo|/9j/[24]"
    ),
    "an MNG or JNG picture (convert it to PNG)": re.compile(rb"[\x8a\x8b][MJ]NG\r\n"),
    "a numpy array (save it as PNG, or give it to detect in Python)": re.compile(rb"\x93NUMPY"),
}
_SUPPORTED: Final = (
    "PNG, JPEG, GIF, WEBP, TIFF, BMP, PNM, AVIF, JPEG 2000, and with extras HEIC and JPEG XL"
)


def sniff(data: bytes) -> str:
    """Return the format of a picture. The first bytes decide, never the file's name."""
    head = data[:512]
    for kind, signature in _SIGNATURES.items():
        if signature.match(head):
            return "AVIF" if kind == "HEIF" and heif.is_avif(data) else kind
    for description, signature in _UNSUPPORTED.items():
        if signature.match(head):
            raise ImageError(f"{description} cannot be opened; needed: {_SUPPORTED}")
    raise ImageError(f"not a picture, or of a format that is not opened; needed: {_SUPPORTED}")


@dataclass(frozen=True)
class Screened:
    """A file that has passed `screen`.

    Attributes
    ----------
    data
        The bytes for Pillow, without metadata.
    turn
        The EXIF orientation that the file asks for, 1 to 8.
    density
        For `check_size`: most pixels that a byte can hold.
    tiff, heif
        What else a TIFF says, or an AVIF or HEIF.
    unfinished
        A JPEG lacks the mark of its end; whether pixels are missing, only decoding can tell.
    reducible
        It can be decoded at a part of its size.
    """

    data: bytes
    turn: int = 1
    density: float = _OTHER_DENSITY
    tiff: directory.Tiff | None = None
    heif: heif.Heif | None = None
    unfinished: bool = False
    reducible: bool = False


def screen(data: bytes, kind: str, page: int, max_pixels: int | None) -> Screened:
    """Walk through a picture's container format; refuse what is too expensive to read, or incomplete.

    Parameters
    ----------
    data
        The whole file.
    kind
        Its format, as `sniff` returns it.
    page
        Which picture of the file, from 1.
    max_pixels
        As for `check_size`.

    Raises
    ------
    ImageError
        The file is refused; the message says why.
    """
    match kind:
        case "PNG":
            return _screen_png(data, page, max_pixels)
        case "JPEG":
            return _screen_jpeg(data)
        case "GIF":
            return Screened(_strip_gif(data, page), density=_GIF_DENSITY)
        case "WEBP":
            # The size is checked here already: Pillow allocates the pixels when it opens the file.
            size = _webp_size(data)
            is_animated = data[12:16] == b"VP8X" and bool(data[20] & _WEBP_ANIMATION)
            density = _ANIMATED_WEBP_DENSITY if is_animated else _OTHER_DENSITY
            check_size(*size, len(data), max_pixels, density)
            turn = _webp_orientation(data)
            if is_animated:
                # The header denies alpha where no frame has any. But frames may be smaller than the picture,
                # and what none of them covers is clear: Pillow (13.0) would make it black.
                data = data[:20] + bytes([data[20] | _WEBP_ALPHA]) + data[21:]
            return Screened(data, turn, density)
        case "TIFF":
            found = directory.read(data, page, max_pixels)
            return Screened(found.data, found.turn, float("inf"), found)
        case "PNM":
            found = directory.read(pnm.as_tiff(data, max_pixels), page, max_pixels)
            return Screened(found.data, 1, float("inf"), found)
        case "BMP":
            return _screen_bmp(data)
        case "AVIF" | "HEIF":
            found_heif = heif.read(data)
            width, height = found_heif.size
            if found_heif.size != (0, 0):
                check_size(width, height, len(data), max_pixels, _OTHER_DENSITY)
                heif.check_effort(data, kind, found_heif, width, height)
            return Screened(data, found_heif.turn, heif=found_heif)
        case "JPEG 2000":
            return Screened(jpeg2000.screen(data, max_pixels))
        case "JPEG XL":
            return Screened(data, jpegxl.screen(data, max_pixels))
    return Screened(data)


def ends_early(data: bytes, kind: str) -> bool:
    """Return whether a file that cannot be decoded is certain to be shorter than it says."""
    if kind == "WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if kind == "JPEG 2000" and jpeg2000.ends_early(data):
        return True
    return kind in ("AVIF", "HEIF", "JPEG 2000", "JPEG XL") and heif.ends_early(data)


def check_frames(page: int, width: int, height: int) -> None:
    """Refuse a late frame of a large animation: all frames before it have to be decoded, too."""
    if page > 1 and page * width * height > _MAX_FRAME_PIXELS:
        raise ImageError(
            f"frame {page} of {width}x{height} pixels would take too long: "
            f"at most {_MAX_FRAME_PIXELS} pixels up to it"
        )


def _screen_jpeg(data: bytes) -> Screened:
    found = jpeg.walk(data)
    check_seconds("JPEG", found.seconds, found.pixels)
    turn = orientation(found.exif, found.xmp)
    reducible = not (found.unfinished or found.lossless)
    return Screened(
        found.data, turn, _JPEG_DENSITY, unfinished=found.unfinished, reducible=reducible
    )


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


def _screen_png(data: bytes, page: int, max_pixels: int | None) -> Screened:
    """Check the size, the checksums and order of the image data, and the palette; leave out metadata.

    Metadata are the ancillary chunks, whose names begin with a small letter, except transparent colours and,
    for another frame than the first, the animation.
    """
    if len(data) < 33:  # signature and header chunk
        raise truncated("PNG")
    if data[12:16] == b"CgBI":
        raise ImageError(
            "a PNG of Apple's own kind (CgBI) cannot be opened; "
            "`pngcrush -revert-iphone-optimizations` makes a PNG of it"
        )
    if data[8:16] != b"\0\0\0\rIHDR":
        raise damaged("PNG", "it does not begin with its header")
    width, height, depth, colour_type = struct.unpack_from(">IIBB", data, 16)
    # Samples for each pixel, by colour type: grey, RGB, palette, grey and alpha, RGBA.
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour_type, 4)
    density = _DEFLATE_DENSITY * 8 / max(1, bits)
    check_size(width, height, len(data), max_pixels, density)
    kept: list[bytes | memoryview] = [memoryview(data)[:8]]
    image_data: list[memoryview] = []
    lengths: dict[bytes, int] = {}
    metadata = _PngMetadata()
    previous = b""
    for number, (chunk, body, checksum) in enumerate(_png_chunks(data)):
        if number > _MAX_PNG_CHUNKS:
            raise damaged("PNG", f"it has more than {_MAX_PNG_CHUNKS} chunks")
        if chunk == b"IDAT":
            # The chunks with image data must be together: Pillow stops reading at the first other chunk.
            if previous != b"IDAT" and b"IDAT" in lengths:
                raise damaged("PNG", "its image data are in several places")
            # Colour type 3: the samples are indices into a palette.
            if colour_type == 3 and b"PLTE" not in lengths:
                raise damaged("PNG", "its palette is missing")
            # A checksum that is cut off is no damage: `check_png_length` decides if pixels are missing.
            if len(checksum) == 4 and _crc(chunk, body) != checksum:
                raise damaged("PNG", "the checksum of its image data is wrong")
            image_data.append(body)
        elif image_data and previous == b"IDAT":
            kept += _merged(image_data)
        if chunk == b"tRNS":  # as by libpng, ignored with a wrong checksum or of a wrong length
            fits = _is_transparency(len(body), colour_type, lengths.get(b"PLTE", 0) // 3)
            if fits and _crc(chunk, body) == checksum:
                kept.append(_png_chunk(chunk, body))
        elif chunk in (b"acTL", b"fcTL", b"fdAT"):
            if page > 1:
                kept.append(_png_chunk(chunk, body))
        elif chunk == b"IEND":
            kept.append(_png_chunk(chunk, body))
        elif chunk != b"IDAT" and _is_critical(chunk, colour_type):
            if len(checksum) < 4:
                raise truncated("PNG")
            # With the checksum of the file: Pillow finds what is wrong with it.
            kept.append(b"".join((len(body).to_bytes(4, "big"), chunk, body, checksum)))
        else:
            metadata.read(chunk, body)
        lengths[chunk] = len(body)
        previous = chunk
    if previous == b"IDAT":
        kept += _merged(image_data)
    if not image_data:
        raise damaged("PNG", "it has no image data") if b"IEND" in lengths else truncated("PNG")
    return Screened(b"".join(kept), metadata.orientation(), density)


def _is_critical(chunk: bytes, colour_type: int) -> bool:
    """Return whether the pixels need a chunk; of RGB, a palette is only a suggestion."""
    return chunk[:1].isupper() and (chunk != b"PLTE" or colour_type == 3)


def _is_transparency(length: int, colour_type: int, colours: int) -> bool:
    """Return whether a chunk `tRNS` has the length for grey, for RGB, or for a palette of some colours."""
    if colour_type == 3:
        return 0 < length <= colours
    return length == {0: 2, 2: 6}.get(colour_type)


def _crc(chunk: bytes, body: bytes | memoryview) -> bytes:
    return zlib.crc32(body, zlib.crc32(chunk)).to_bytes(4, "big")


def _png_chunk(chunk: bytes, body: bytes | memoryview) -> bytes:
    return b"".join((len(body).to_bytes(4, "big"), chunk, body, _crc(chunk, body)))


def png_as_rgba(data: bytes) -> bytes:
    """Return a PNG of grey and alpha of 16 bits, as `screen` leaves it, as one of RGBA of 8 bits.

    Red and green are the high and the low byte of grey, blue and alpha those of alpha. Both kinds have four
    bytes a pixel, and filters count in bytes.
    """
    header = data[16:24] + b"\x08\x06" + data[26:29]
    return data[:8] + _png_chunk(b"IHDR", header) + data[33:]


def _merged(image_data: list[memoryview]) -> list[bytes | memoryview]:
    """Return the parts of one chunk for all image data: some files have millions, slow ones for Pillow."""
    length, checksum = 0, zlib.crc32(b"IDAT")
    for body in image_data:
        length += len(body)
        checksum = zlib.crc32(body, checksum)
    return [length.to_bytes(4, "big"), b"IDAT", *image_data, checksum.to_bytes(4, "big")]


class _PngMetadata:
    """The chunks of a PNG that may hold the orientation, before or after the image data.

    ``eXIf`` comes first, then text that ImageMagick and ExifTool write: EXIF as hexadecimal digits under the
    keyword "Raw profile type exif" or "APP1", and XMP.
    """

    def __init__(self) -> None:
        self._exif = self._raw = self._xmp = b""
        self._texts = 0

    def read(self, chunk: bytes, body: memoryview) -> None:
        """Look at a chunk that is not needed for the pixels."""
        if chunk == b"eXIf":
            self._exif = self._exif or bytes(body[:_MAX_TEXT_BYTES])
        if chunk not in (b"tEXt", b"zTXt", b"iTXt") or self._texts >= _MAX_TEXTS:
            return
        keyword, found, rest = bytes(body[:_MAX_TEXT_BYTES]).partition(b"\0")
        is_xmp = keyword in (b"XML:com.adobe.xmp", b"Raw profile type xmp")
        if not found or not (
            is_xmp or keyword in (b"Raw profile type exif", b"Raw profile type APP1")
        ):
            return
        self._texts += 1
        text = _png_text(chunk, rest)
        if keyword.startswith(b"Raw"):
            text = _raw_profile(text)
        if is_xmp or b"tiff:Orientation" in text:
            self._xmp += text
        else:
            self._raw = self._raw or text

    def orientation(self) -> int:
        """Return the EXIF orientation, 1 if there is none."""
        return orientation(self._exif or self._raw, self._xmp)


def _png_text(chunk: bytes, rest: bytes) -> bytes:
    """Return what follows the keyword of a text chunk, unpacked up to a limit."""
    if chunk == b"tEXt":
        return rest
    packed = True
    if chunk == b"iTXt":  # packed or not, method, language and translated keyword, each ended by 0
        packed, fields = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
        rest = fields[2] if len(fields) == 3 else b""
    else:
        rest = rest[1:]  # the method
    if not packed:
        return rest
    try:
        return zlib.decompressobj().decompress(rest, _MAX_TEXT_BYTES)
    except zlib.error:
        return b""


def _raw_profile(text: bytes) -> bytes:
    """Return the bytes of a raw profile: its name, its length, then hexadecimal digits, in lines."""
    lines = text.split(b"\n", 3)
    try:
        return binascii.unhexlify(b"".join(lines[3].split())) if len(lines) == 4 else b""
    except binascii.Error:
        return b""


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


def _strip_gif(data: bytes, page: int) -> bytes:
    """Return a GIF without its comments and other extensions that do not concern the pixels.

    Up to the first frame only if that is asked for; Pillow then reads no further. A frame of which it is not
    said what becomes of it stays: Pillow (13.0) would treat it as the frame before.
    """
    if len(data) < 13:
        raise truncated("GIF")
    # After the header of 13 bytes: the global palette, if bit 7 of the flags says that there is one.
    position = 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0)
    view = memoryview(data)
    kept: list[bytes | memoryview] = [view[:position]]
    frames = blocks = 0
    is_controlled = False
    while position < len(data) and data[position] != 0x3B:  # a semicolon ends the file
        start = position
        if data[position] == 0x2C:  # a comma begins a frame: 9 bytes, then perhaps its own palette
            frames += 1
            flags = data[position + 9] if position + 9 < len(data) else 0
            position += 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
            if position > len(data):
                raise truncated("GIF")
            if frames == page:
                return b"".join((*kept, view[start:]))
            if not is_controlled:
                kept.append(_GIF_CONTROL + bytes([_GIF_STAYS, 0, 0, 0, 0]))
            is_needed, is_controlled = True, False
        elif (
            data[position] == 0x21
        ):  # an extension and its label; 0xF9: time and transparent colour
            is_needed = data[position + 1 : position + 2] == b"\xf9"
            position += 2
        else:  # any other byte should not be here and is skipped, as Pillow does
            position += 1
            continue
        # Blocks that begin with their length; the length 0 ends them.
        while position < len(data) and data[position]:
            position += 1 + data[position]
            blocks += 1
        position += 1
        if blocks > _MAX_GIF_BLOCKS:
            raise damaged("GIF", f"it has more than {_MAX_GIF_BLOCKS} blocks")
        if is_needed:
            kept.append(view[start:position])
        if data.startswith(_GIF_CONTROL, start) and position - start == 8:
            is_controlled = True
            if not data[start + 3] & _GIF_DISPOSAL:
                stays = bytes([data[start + 3] | _GIF_STAYS])
                kept[-1:] = _GIF_CONTROL, stays, view[start + 4 : position]
    if not frames and position >= len(data):
        raise truncated("GIF")
    return b"".join((*kept, view[position:]))


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


def _webp_orientation(data: bytes) -> int:
    """Return the orientation of a WebP's chunks ``EXIF`` and ``XMP ``, 1 if there is none."""
    exif = xmp = b""
    position = 12
    for _ in range(10_000):
        if position + 8 > len(data):
            break
        name, length = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 8 + min(length, _MAX_TEXT_BYTES)]
        if name == b"EXIF":
            exif = exif or body
        elif name == b"XMP " and len(xmp) < _MAX_TEXT_BYTES:
            xmp += body
        position += 8 + length + length % 2
    return orientation(exif, xmp)


def _screen_bmp(data: bytes) -> Screened:
    """Refuse run lengths that take too long; add the padding of the last row, which some files lack."""
    if len(data) < 34:
        raise truncated("BMP")
    offset, header, width, height = struct.unpack_from("<IIii", data, 10)
    if header < 40:  # the oldest kind has 16 bits for each side
        return Screened(data, density=8)
    bits, compression = struct.unpack_from("<HI", data, 28)
    if compression in (1, 2):  # run lengths of 8-bit and of 4-bit pixels
        pixels = width * abs(height)
        if len(data) > _MAX_RUN_LENGTH_BYTES or pixels > _MAX_RUN_LENGTH_PIXELS:
            raise ImageError(
                f"a run-length coded BMP of {len(data)} bytes and {pixels} pixels would take too "
                f"long; the limits are {_MAX_RUN_LENGTH_BYTES} and {_MAX_RUN_LENGTH_PIXELS}"
            )
        return Screened(data, density=255)
    used = (width * bits + 7) // 8
    padding = -used % 4
    missing = offset + (used + padding) * abs(height) - len(data)
    if 0 < missing <= padding:
        data += b"\0" * missing
    return Screened(data, density=8)
