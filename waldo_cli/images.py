"""Pictures in and out: the only module that opens them.

Whatever the file holds, the result is one thing: float32 `(H, W, 3)` in [0, 1], RGB as a person sees
it. A file that cannot be brought there honestly is an `ImageError` with one reason. What comes in is
not trusted: only six formats are opened, by content and not by suffix, and sizes are checked before
memory is taken for pixels.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import stat
import struct
import sys
import threading
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.files import show, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

#: A picture: where it lies, the open binary file, or its bytes.
Source = str | os.PathLike[str] | BinaryIO | bytes

#: Pixels that a picture may have where `max_pixels` is not given: twice a 100-Mpx scan.
DEFAULT_MAX_PIXELS: Final = 200_000_000

# Where `max_pixels` is not given, a picture of more than _LARGE pixels must also weigh what real
# pictures weigh: a blank page as JPEG still takes 1 byte for 57 pixels, a bomb 1 byte for 300 or more.
_LARGE: Final = 32_000_000
_MOST_PIXELS_PER_BYTE: Final = 100

# Everything is read before it is decoded, so that a file that changes meanwhile does no harm.
_MAX_FILE_BYTES: Final = 1 << 30

# A JPEG may hold thousands of scans over the whole picture, each of them some bytes long and as slow
# as the first. A progressive JPEG has 10; this allows 100 of them at 200 Mpx, in about a second.
_MAX_SCANNED_PIXELS: Final = 20_000_000_000

# Rows are brought to float32 in bands of about this many pixels, so that no second copy is needed.
_BAND_PIXELS: Final = 1 << 18

_FORMATS: Final[dict[str, tuple[re.Pattern[bytes], Callable[[BinaryIO], ImageFile.ImageFile]]]] = {
    "PNG": (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    "JPEG": (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    "GIF": (re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    "WEBP": (re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    "TIFF": (
        re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+|II\0\*|MM\*\0"),
        TiffImagePlugin.TiffImageFile,
    ),
    "BMP": (re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
}

# What people hand over instead of a picture, named so that they see their mistake.
_OTHERS: Final[tuple[tuple[str, re.Pattern[bytes]], ...]] = (
    ("a Git LFS pointer (run `git lfs pull`)", re.compile(rb"version https://git-lfs")),
    ("an SVG drawing", re.compile(rb"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)?<svg", re.DOTALL)),
    ("a web page", re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE)),
    ("a PDF document", re.compile(rb"%PDF-")),
    ("PostScript", re.compile(rb"%!PS|\xc5\xd0\xd3\xc6")),
    ("a Photoshop document", re.compile(rb"8BPS")),
    ("an AVIF or HEIF picture", re.compile(rb"....ftyp(avi|hei|hev|mif|msf)", re.DOTALL)),
    ("JPEG 2000", re.compile(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ")),
    ("a JPEG XL picture", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL ")),
    ("an icon", re.compile(rb"\0\0\x01\0")),
    ("a zip archive", re.compile(rb"PK\x03\x04")),
)
# Rows, their colour `(h, w, 1 or 3)`, their alpha `(h, w)` in [0, 1], and the value of white.
_Band = tuple[slice, "npt.NDArray[Any]", "FloatArray | None", float]

_CHOICE: Final = "PNG, JPEG, GIF, WEBP, TIFF or BMP"

# Pillow reports on damaged metadata by `logging`, which writes to stderr where nothing is set up.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def load_image(
    path_or_file: Source,
    *,
    max_pixels: int | None = None,
    orient: bool = True,
    allow_truncated: bool = False,
) -> FloatArray:
    """Open a picture as RGB.

    Of an animation or a document of several pages the first is taken. Transparent pixels show white
    behind them, the paper that a page is drawn on: what an editor hides below alpha 0 must not come
    back. Grey is given to all three channels; 16 bits are divided by 65535, so that an 8-bit value
    `x` and a 16-bit value `257 x` are the same. Samples without a natural white (float, 32-bit,
    signed) stay as they are inside [0, 1]; beyond it, the smallest becomes black and the largest
    white, and NaN is transparent. Colour profiles are not applied.

    Parameters
    ----------
    path_or_file
        Path, open binary file (read to its end), or the bytes themselves.
    max_pixels
        Most pixels, checked before memory is taken for them. By default 200 Mpx, of which what
        exceeds 32 Mpx must also be at least 1 byte for 100 pixels; a number given replaces both.
    orient
        Apply the turn that the EXIF orientation asks for.
    allow_truncated
        Take what is there of a file that ends too early; missing rows are black or grey.

    Returns
    -------
    ndarray, `(H, W, 3)` float32
        Values in [0, 1].

    Raises
    ------
    ImageError
        Not a regular file, not a PNG, JPEG, GIF, WEBP, TIFF or BMP, too large, truncated or damaged.
    FileError
        The file is missing or cannot be read.
    """
    with _naming(path_or_file):
        return _load(path_or_file, max_pixels, allow_truncated).rgb(orient=orient)


def load_mask(
    path_or_file: Source, *, max_pixels: int | None = None
) -> tuple[FloatArray, FloatArray | None]:
    """Open the picture to look for; its transparency says how much each pixel counts.

    Returns
    -------
    mask : ndarray, `(A, B, 3)` float32
        Colours in [0, 1], as by `load_image` but with nothing put behind transparent pixels.
    weights : ndarray, `(A, B)` float32, or None
        Alpha in [0, 1]; None where every pixel is opaque.

    Raises
    ------
    ImageError
        As by `load_image`; also where every pixel is transparent, and where all pixels that count
        have one colour: such a mask fits everywhere equally well.
    """
    with _naming(path_or_file):
        mask, weights = _load(path_or_file, max_pixels, False).colour_and_alpha()
        counted = mask if weights is None else mask[weights > 0]
        counted = counted.reshape(-1, 3)
        if not len(counted):
            raise ImageError("the mask is transparent everywhere: nothing to look for")
        if (counted == counted[0]).all():
            raise ImageError(
                "the mask has one colour only: nothing to tell it from its surroundings"
            )
        return mask, weights


def load_weights(path_or_file: Source, *, max_pixels: int | None = None) -> FloatArray:
    """Open a grey picture as weights: black, or transparent, is 0; white is 1.

    Returns
    -------
    ndarray, `(H, W)` float32
        Values in [0, 1].

    Raises
    ------
    ImageError
        As by `load_image`; also where the picture has colours, and where it is black everywhere.
    """
    with _naming(path_or_file):
        colour, alpha = _load(path_or_file, max_pixels, False).colour_and_alpha()
        weights = colour[..., 0]
        if not (colour == weights[..., np.newaxis]).all():
            raise ImageError("weights must be a grey picture, this one has colours")
        weights = weights.copy() if alpha is None else weights * alpha
        if not weights.any():
            raise ImageError("the weights are 0 everywhere: nowhere to look")
        return weights


def save_png(path: str | os.PathLike[str], pixels: npt.NDArray[np.uint8]) -> None:
    """Write `(H, W, 3)` RGB or `(H, W)` grey, uint8, as PNG; the file appears whole or not at all.

    Raises
    ------
    FileError
        The file cannot be written; see `write_atomically`.
    """
    with write_atomically(path) as file:
        # Level 1: a heatmap takes a fifth of the time of level 6 and is some percent larger.
        Image.fromarray(pixels).save(file, "PNG", compress_level=1)


@contextlib.contextmanager
def _naming(source: Source) -> Iterator[None]:
    """Add the path to an error, where the picture was given by a path."""
    try:
        yield
    except FileError as error:
        if isinstance(source, (str, os.PathLike)):
            error.at(os.fsdecode(source))
        raise


def _load(source: Source, max_pixels: int | None, allow_truncated: bool) -> _Picture:
    if max_pixels is not None and max_pixels < 1:
        raise InvalidInputError(f"max_pixels is {max_pixels}: at least 1")
    data = _read(source)
    kind = _sniff(data)
    try:
        return _decode(data, kind, max_pixels, lenient=False)
    except _TruncatedError:
        if not allow_truncated:
            raise
    return _decode(data, kind, max_pixels, lenient=True)


class _TruncatedError(ImageError):
    """The file ends before the picture does."""


def _truncated(kind: str) -> _TruncatedError:
    return _TruncatedError(f"truncated {kind}: the file ends too early; see --allow-truncated")


def _damaged(kind: str, detail: str) -> ImageError:
    return ImageError(f"damaged {kind}: {detail}")


# --- reading ----------------------------------------------------------------------------------------


def _read(source: Source) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, (str, os.PathLike)):
        data = _read_file(os.fspath(source))
    else:
        data = source.read(_MAX_FILE_BYTES + 1)
        if not isinstance(data, bytes):
            raise InvalidInputError("the file was opened as text: open it in binary mode")
    if not data:
        raise ImageError("the file is empty")
    if len(data) > _MAX_FILE_BYTES:
        raise ImageError(f"the file is larger than {_MAX_FILE_BYTES >> 20} MiB")
    return data


def _read_file(path: str) -> bytes:
    try:
        # Looked at before it is opened (opening some devices acts on them), and once more after: a
        # FIFO that takes the file's place meanwhile must not block.
        _refuse_special(os.stat(path))  # noqa: PTH116
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _refuse_special(status)
            if status.st_size > _MAX_FILE_BYTES:
                raise ImageError(f"the file is larger than {_MAX_FILE_BYTES >> 20} MiB")
            return file.read(_MAX_FILE_BYTES + 1)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"cannot read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL inside the path
        raise FileError(f"cannot read: {error}") from error


def _refuse_special(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ImageError("this is a folder, not a picture")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not a regular file: a device, a pipe or a socket")


def _sniff(data: bytes) -> str:
    head = data[:512]
    for kind, (signature, _) in _FORMATS.items():
        if signature.match(head):
            return kind
    for what, signature in _OTHERS:
        if signature.match(head):
            raise ImageError(f"not a picture that can be opened but {what}; needed: {_CHOICE}")
    raise ImageError(f"not a picture that can be opened; needed: {_CHOICE}")


# --- decoding ---------------------------------------------------------------------------------------

# Pillow's switches and Python's warning filters belong to the whole process; they are changed for the
# time of one decode and put back, so one picture is decoded at a time.
_decoding = threading.RLock()


@contextlib.contextmanager
def _pillow_set_up(limit: int, *, lenient: bool) -> Iterator[None]:
    with _decoding, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Sizes are checked here; Pillow's own error, at twice its number, guards tiles and frames.
        Image.MAX_IMAGE_PIXELS = (limit + 1) // 2
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def _decode(data: bytes, kind: str, max_pixels: int | None, *, lenient: bool) -> _Picture:
    """Decode under guard: whatever Pillow raises ends as one `ImageError`."""
    open_image = _FORMATS[kind][1]
    size = ""
    limit = DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels
    try:
        with _pillow_set_up(limit, lenient=lenient):
            if kind == "WEBP":  # its decoder takes memory for the picture when it is opened
                _check_size(*_webp_size(data), len(data), max_pixels)
            image = open_image(io.BytesIO(data))
            size = f" of {image.width}x{image.height} pixels"
            _check_size(image.width, image.height, len(data), max_pixels)
            if kind == "PNG" and not lenient:
                _check_png(data)
            if kind == "JPEG":
                _check_scans(data, image.width * image.height)
            rawmode = _rawmode(image)
            key = _transparent_sample(image, rawmode)
            unsigned32 = image.mode == "I" and not rawmode.endswith("S")
            orientation = _tiff_orientation(image)
            image.load()
            low = _low_bytes(data, open_image, rawmode)
            turns = _turns(image, orientation)
            return _Picture(image, low, key, unsigned32, turns)
    except ImageError:
        raise
    except MemoryError:
        raise ImageError(f"not enough memory for a picture{size}") from None
    except Image.DecompressionBombError:
        raise ImageError(f"a part of the picture has more than {limit} pixels") from None
    except Exception as error:  # Pillow raises some ten classes on damaged files
        if isinstance(error, EOFError) or "truncated" in str(error).lower():
            raise _truncated(kind) from error
        raise _damaged(kind, _detail(error)) from error


def _detail(error: Exception) -> str:
    text = show(str(error).partition("\n")[0]).strip()
    return text[:120] or "it cannot be decoded"


def _check_size(width: int, height: int, weight: int, max_pixels: int | None) -> None:
    pixels = width * height
    if width < 1 or height < 1:
        raise ImageError(f"an empty picture: {width}x{height} pixels")
    if pixels > (DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels):
        limit = DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels
        raise ImageError(
            f"too large: {width}x{height} = {pixels} pixels, the limit is {limit}; "
            f"--max-pixels {pixels} opens it"
        )
    if max_pixels is None and pixels > max(_LARGE, _MOST_PIXELS_PER_BYTE * weight):
        raise ImageError(
            f"suspiciously large: {width}x{height} = {pixels} pixels from {weight} bytes; "
            f"--max-pixels {pixels} opens it"
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the size in a WebP's first chunk, whichever of the three kinds it is."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(body) == 10:
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise _truncated("WEBP") if len(body) < 10 else _damaged("WEBP", "no picture in it")


def _check_scans(data: bytes, pixels: int) -> None:
    scans = data.count(b"\xff\xda")
    if scans * pixels > _MAX_SCANNED_PIXELS:
        raise ImageError(f"a JPEG of {scans} scans over {pixels} pixels would take too long")


def _check_png(data: bytes) -> None:
    """Check what Pillow takes as it comes: the checksums of the image data, its length, the palette.

    A file that ends after its last pixel, but before its last checksum or its end mark, is whole.
    """
    expected = _png_raw_bytes(data)
    colour_type = data[25]
    inflate = zlib.decompressobj()
    inflated = 0
    position, before = 8, b""
    kinds: set[bytes] = set()
    while position + 8 <= len(data) and before != b"IEND":
        length, chunk = struct.unpack_from(">I4s", data, position)
        body = memoryview(data)[position + 8 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        position += 12 + length
        if chunk == b"IDAT":
            if before != b"IDAT" and b"IDAT" in kinds:
                raise _damaged("PNG", "its image data are in several places")
            if colour_type == 3 and b"PLTE" not in kinds:
                raise _damaged("PNG", "its palette is missing")
            crc = zlib.crc32(body, zlib.crc32(chunk))
            if len(checksum) == 4 and crc != int.from_bytes(checksum, "big"):
                raise _damaged("PNG", "a checksum of its image data is wrong")
            waiting: bytes | memoryview = body
            while waiting and inflated < expected and not inflate.eof:
                inflated += len(inflate.decompress(waiting, 1 << 20))
                waiting = inflate.unconsumed_tail
        kinds.add(chunk)
        before = chunk
    if inflated < expected:
        raise _truncated("PNG")


def _png_raw_bytes(data: bytes) -> int:
    """Return the bytes that the image data must inflate to: filter bytes and rows of each pass."""
    width, height, depth, colour_type, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    # Adam7: first column and row of a pass, and the steps between its columns and rows.
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    passes.append((0, 1, 1, 2))
    total = 0
    for left, top, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _rawmode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for how the file lays its samples out, as `RGB;16B`."""
    if not image.tile:
        return ""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


def _transparent_sample(image: Image.Image, rawmode: str) -> npt.NDArray[np.uint16] | None:
    """Return the grey value or colour that a PNG declares transparent, on the scale of its samples."""
    key = image.info.get("transparency")
    if key is None or image.mode not in ("1", "L", "I;16", "RGB"):
        return None
    depth = {"1": 1, "L;2": 2, "L;4": 4}.get(rawmode, 8)
    scale = 255 // ((1 << depth) - 1)  # Pillow stretches 1, 2 and 4 bits to 8, but not this value
    return np.atleast_1d(np.asarray(key, np.uint16)) * np.uint16(scale)


def _low_bytes(
    data: bytes, open_image: Callable[[BinaryIO], ImageFile.ImageFile], rawmode: str
) -> Image.Image | None:
    """Decode the lower bytes of 16-bit colour, of which Pillow keeps the higher ones only.

    Read in the other byte order, the lower byte is the one that is kept.
    """
    other = {"B": "L", "L": "B"}
    match = re.fullmatch(r"(RGB|RGBA|RGBX);16([BLN])", rawmode)
    if match is None:
        return None
    native = "L" if sys.byteorder == "little" else "B"
    swapped = f"{match[1]};16{other[native if match[2] == 'N' else match[2]]}"
    image = open_image(io.BytesIO(data))
    image.tile = [
        tile._replace(args=(swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped)
        for tile in image.tile
    ]
    image.load()
    return image


def _tiff_orientation(image: ImageFile.ImageFile) -> int | None:
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    value = image.tag_v2.get(ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


def _turns(image: Image.Image, orientation: int | None) -> tuple[int, int]:
    """Return the EXIF orientations that bring the decoded pixels upright, and as they are stored."""
    if orientation is not None:  # Pillow has turned a TIFF already
        return 1, {6: 8, 8: 6}.get(orientation, orientation)
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # junk in the metadata is no reason to refuse the pixels
        return 1, 1
    return value if value in range(1, 9) else 1, 1


# --- samples to float32 -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Picture:
    """A decoded picture, its pixels still as the file had them.

    Attributes
    ----------
    image
        The pixels; of 16-bit colour their higher bytes.
    low
        The lower bytes of 16-bit colour.
    key
        The grey value or colour that stands for transparent.
    unsigned32
        The samples are 32 bits without sign, which Pillow holds as if they had one.
    turns
        EXIF orientation that brings the pixels upright, and the one that brings them as stored.
    """

    image: Image.Image
    low: Image.Image | None
    key: npt.NDArray[np.uint16] | None
    unsigned32: bool
    turns: tuple[int, int]

    def rgb(self, *, orient: bool) -> FloatArray:
        """Return `(H, W, 3)` with white behind what is transparent."""
        upright, stored = self._empty(orient, 3)
        for rows, colour, alpha, white in self._bands():
            band = stored[rows]
            np.divide(colour, white, out=band)
            if alpha is not None:
                band *= alpha[..., np.newaxis]
                band += 1 - alpha[..., np.newaxis]
        return upright

    def colour_and_alpha(self) -> tuple[FloatArray, FloatArray | None]:
        """Return `(H, W, 3)` as stored below the transparency, and `(H, W)` alpha if any is not 1."""
        upright, stored = self._empty(True, 3)
        upright_alpha, stored_alpha = self._empty(True, 1)
        for rows, colour, alpha, white in self._bands():
            np.divide(colour, white, out=stored[rows])
            stored_alpha[rows, :, 0] = 1 if alpha is None else alpha
        flat = upright_alpha[..., 0]
        return upright, None if (flat == 1).all() else flat

    def _empty(self, orient: bool, channels: int) -> tuple[FloatArray, FloatArray]:
        """Return a new array, and its view in which the decoded rows are rows."""
        orientation = self.turns[0] if orient else self.turns[1]
        height, width = self.image.height, self.image.width
        if orientation < 5:
            upright = np.empty((height, width, channels), np.float32)
            view = upright
        else:
            upright = np.empty((width, height, channels), np.float32)
            view = upright.swapaxes(0, 1)
        if orientation in (3, 4, 6, 7):
            view = view[::-1]
        if orientation in (2, 3, 7, 8):
            view = view[:, ::-1]
        return upright, view

    def _bands(self) -> Iterator[_Band]:
        """Give band after band of rows: colour `(h, w, 1 or 3)`, alpha `(h, w)`, the value of white."""
        wide = self.image.mode in ("I", "F")
        black, white = self._span() if wide else (0.0, 1.0)
        for rows in self._rows():
            samples = self._samples(self.image, rows)
            if wide:
                level = (np.clip(samples, black, white) - black) / (white - black)
                hole = np.isnan(level)
                colour = np.where(hole, 0, level)[..., np.newaxis].astype(np.float32)
                yield rows, colour, (~hole).astype(np.float32) if hole.any() else None, 1.0
                continue
            if self.low is not None:
                samples = samples.astype(np.uint16) << 8 | self._samples(self.low, rows)
            white = 65535.0 if samples.dtype.itemsize == 2 else 255.0
            colour, alpha = samples if samples.ndim == 3 else samples[..., np.newaxis], None
            if colour.shape[-1] in (2, 4):
                colour, alpha = (
                    colour[..., :-1],
                    np.divide(colour[..., -1], white, dtype=np.float32),
                )
            elif self.key is not None:
                alpha = (colour != self.key).any(axis=-1).astype(np.float32)
            yield rows, colour, alpha, white

    def _rows(self) -> Iterator[slice]:
        step = max(1, _BAND_PIXELS // self.image.width)
        for top in range(0, self.image.height, step):
            yield slice(top, min(top + step, self.image.height))

    def _samples(self, image: Image.Image, rows: slice) -> npt.NDArray[Any]:
        """Return rows as grey `(h, w)`, grey and alpha, RGB or RGBA; uint8, uint16, or float64."""
        band = image.crop((0, rows.start, image.width, rows.stop))
        if band.mode in ("I", "F"):
            samples = np.asarray(band)
            return (samples.view(np.uint32) if self.unsigned32 else samples).astype(np.float64)
        if not band.mode.startswith("I;16"):
            band = _to_plain_mode(band)
        return np.asarray(band)

    def _span(self) -> tuple[float, float]:
        """Return the values that become 0 and 1: those, unless a sample lies beyond."""
        black, white = 0.0, 1.0
        for rows in self._rows():
            samples = self._samples(self.image, rows)
            finite = samples[np.isfinite(samples)]
            black = min(black, finite.min(initial=0.0))
            white = max(white, finite.max(initial=1.0))
        return black, white


def _to_plain_mode(image: Image.Image) -> Image.Image:
    """Return the picture as L, LA, RGB or RGBA, by Pillow's own conversion."""
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "La":
        return image.convert("LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
