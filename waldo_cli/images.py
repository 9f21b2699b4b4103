"""Pictures in and out: the only module that opens them.

Whatever the file holds, the result is one thing: float32 `(H, W, 3)` in [0, 1], RGB as a person
sees it. A file that cannot be brought there honestly is an `ImageError` with one reason. What comes
in is not trusted: only six formats are opened, by content and not by suffix, and sizes are checked
before memory is taken for pixels (`_headers`).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
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
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

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
    _imaging,
)

from waldo_cli import _headers
from waldo_cli._threads import spread
from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.files import show, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

#: A picture: where it lies, the open binary file, or its bytes.
Source = str | os.PathLike[str] | BinaryIO | bytes

# Everything is read before it is decoded, so that a file that changes meanwhile does no harm. Some decoders
# copy what they are given, up to twice; a picture of 24 Mpx takes at most 200 MB.
_MAX_FILE_BYTES: Final = 1 << 28
# A limit of pixels that is given raises it, to what they take at 16 bits and four channels.
_MOST_BYTES_PER_PIXEL: Final = 8
_MAX_FILE_BYTES_EVER: Final = 1 << 30

# Rows are brought to float32 in bands of about this many pixels, so that no second copy is needed.
_BAND_PIXELS: Final = 1 << 18

_OPENERS: Final[dict[str, Callable[[BinaryIO], ImageFile.ImageFile]]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}

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
        exceeds 24 Mpx must also be at least 1 byte for 100 pixels; a number given replaces both. Files
        are read up to 256 MiB, or up to 8 bytes for each pixel of the number given, at most 1 GiB.
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
        Not a regular file; not a PNG, JPEG, GIF, WEBP, TIFF or BMP; too large, truncated, damaged.
    FileError
        The file is missing or cannot be read.
    """
    with _opened(path_or_file, max_pixels, allow_truncated=allow_truncated) as picture:
        return picture.rgb(orient=orient)


def load_mask(
    path_or_file: Source, *, max_pixels: int | None = None
) -> tuple[FloatArray, FloatArray | None]:
    """Open the picture to look for; its transparency says how much each pixel counts.

    Parameters
    ----------
    path_or_file, max_pixels
        As for `load_image`.

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
    FileError
        The file is missing or cannot be read.
    """
    with _opened(path_or_file, max_pixels) as picture:
        mask, weights = picture.colour_and_alpha()
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
    with _opened(path_or_file, max_pixels) as picture:
        colour, alpha = picture.colour_and_alpha()
        weights = colour[..., 0]
        if not (colour == weights[..., np.newaxis]).all():
            raise ImageError("weights must be a grey picture, this one has colours")
        weights = weights.copy() if alpha is None else weights * alpha
        if not weights.any():
            raise ImageError("the weights are 0 everywhere: nowhere to look")
        return weights


def most_bytes(max_pixels: int | None) -> int:
    """How large a file is read, where so many pixels are the limit; see `load_image`."""
    asked = _MOST_BYTES_PER_PIXEL * (max_pixels or 0)
    return min(max(_MAX_FILE_BYTES, asked), _MAX_FILE_BYTES_EVER)


def save_png(path: str | os.PathLike[str], pixels: npt.NDArray[np.uint8]) -> None:
    """Write `(H, W, 3)` RGB or `(H, W)` grey, uint8, as PNG; the file appears whole or not at all.

    Raises
    ------
    FileError
        The file cannot be written; see `write_atomically`.
    """
    with write_atomically(path) as file:
        for piece in encode_png(pixels):
            file.write(piece)


# --- reading --------------------------------------------------------------------------------------


def _read(source: Source, most: int) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, (str, os.PathLike)):
        data = _read_file(os.fspath(source), most)
    else:
        data = _read_stream(source, most)
    if not data:
        raise ImageError("the file is empty")
    if len(data) > most:
        raise _too_heavy(most)
    return data


def _too_heavy(most: int) -> ImageError:
    way_out = "; --max-pixels raises this limit, too" if most < _MAX_FILE_BYTES_EVER else ""
    return ImageError(f"the file is larger than {most >> 20} MiB{way_out}")


def _read_stream(file: BinaryIO, most: int) -> bytes:
    blocks, size = [], 0
    try:
        while size <= most and (block := file.read(1 << 20)):
            if not isinstance(block, bytes):
                raise InvalidInputError("the file was opened as text: open it in binary mode")
            blocks.append(block)
            size += len(block)
    except OSError as error:
        raise FileError(f"cannot read: {error.strerror or error}") from error
    return b"".join(blocks)


def _read_file(path: str, most: int) -> bytes:
    try:
        # Looked at before it is opened (opening some devices acts on them), and once more after: a
        # FIFO that takes the file's place meanwhile must not block.
        _refuse_special(os.stat(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _refuse_special(status)
            if status.st_size > most:
                raise _too_heavy(most)
            return file.read(most + 1)
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


# --- decoding -------------------------------------------------------------------------------------

# Pillow's switches, libtiff's error handler and Python's warning filters belong to the whole
# process. They are changed while one picture is opened and put back, so it is one at a time.
_opening = threading.RLock()


@contextlib.contextmanager
def _opened(
    source: Source, max_pixels: int | None, *, allow_truncated: bool = False
) -> Iterator[_Picture]:
    """Open a picture under guard: whatever goes wrong ends as one error that names the file."""
    if max_pixels is not None and max_pixels < 1:
        raise InvalidInputError(f"max_pixels is {max_pixels}: at least 1")
    try:
        data = _read(source, most_bytes(max_pixels))
        kind = _headers.sniff(data)
        try:
            with _opening, _pillow_set_up(max_pixels):
                try:
                    picture = _decode(data, kind, max_pixels, lenient=False)
                except _headers.TruncatedError:
                    if not allow_truncated:
                        raise
                    picture = _decode_what_is_there(data, kind, max_pixels)
                del data  # the pixels need the memory
                yield picture
        except MemoryError:
            raise ImageError("not enough memory for a picture of this size") from None
    except FileError as error:
        if isinstance(source, (str, os.PathLike)):
            error.at(os.fsdecode(source))
        raise


@contextlib.contextmanager
def _pillow_set_up(max_pixels: int | None) -> Iterator[None]:
    """Let Pillow and libtiff be silent, what matters is raised; and let `_headers` judge sizes."""
    set_handler = _set_libtiff_error_handler or (lambda _: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = set_handler(None), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Pillow refuses twice this number, in some decoders before the size can be asked for.
        Image.MAX_IMAGE_PIXELS = max_pixels or _headers.DEFAULT_MAX_PIXELS
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            handler, Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before
            set_handler(handler)


def _find_libtiff_error_handler() -> Callable[[int | None], int | None] | None:
    try:
        # Looked up through Pillow's own module, so that it is the libtiff that Pillow uses.
        setter = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # linked statically
        return None
    setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return cast("Callable[[int | None], int | None]", setter)


_set_libtiff_error_handler = _find_libtiff_error_handler()


def _decode(data: bytes, kind: str, max_pixels: int | None, *, lenient: bool) -> _Picture:
    try:
        screened = _headers.screen(data, kind, max_pixels, lenient=lenient)
        image = _OPENERS[kind](io.BytesIO(screened.data))
        _headers.check_size(image.width, image.height, len(data), max_pixels)
        _headers.check_effort(screened.data, kind, image.width, image.height)
        rawmode = _rawmode(image)
        inverted, turn_back = _tiff_ways(image)
        image.load()
        if kind == "PNG" and not lenient and _may_lack_rows(image):
            _headers.check_png_length(data)
        key = _transparent_sample(image, rawmode)
        low = _low_bytes(screened.data, kind, rawmode)
        exif = screened.exif or _metadata(image, "exif")
        xmp = screened.xmp or _metadata(image, "xmp")
        turn = 1 if kind == "TIFF" else _headers.orientation(exif, xmp)  # Pillow has turned a TIFF
        return _Picture(_in_plain_mode(image), low, rawmode, key, inverted, turn, turn_back)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow raises some ten classes on damaged files
        raise _explained(kind, data, error) from error


def _decode_what_is_there(data: bytes, kind: str, max_pixels: int | None) -> _Picture:
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # put back by _pillow_set_up
    try:
        return _decode(data, kind, max_pixels, lenient=True)
    except _headers.TruncatedError:
        raise ImageError(f"truncated {kind}: too little of it is there") from None


# What Pillow says of damage, and what it means to the person who has the file.
_MEANINGS: Final = (
    (r"not identified by this driver", "its header is cut short, or says that it has no pixels"),
    (r"checksum", "a checksum is wrong"),
    (r"MAX_TEXT_", "its text or colour profile unpacks to more than 1 MB, or all to 64 MB"),
    (
        r"decoder error|data stream|decoder object|next frame|buffer overrun",
        "its compressed data cannot be unpacked",
    ),
)


def _explained(kind: str, data: bytes, error: Exception) -> ImageError:
    text = show(str(error)).strip()
    riff_ends = 8 + int.from_bytes(data[4:8], "little")
    if (
        isinstance(error, EOFError)
        or re.search("truncated|not enough image data", text, re.IGNORECASE)
        or (kind == "WEBP" and len(data) < riff_ends)
    ):
        return _headers.truncated(kind)
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, text):
            return _headers.damaged(kind, meaning)
    if re.match("unsupported|unknown", text, re.IGNORECASE):
        return ImageError(f"a kind of {kind} that cannot be opened: {text[:100]}")
    if not isinstance(error, (OSError, SyntaxError)):  # Pillow stumbled: its words would not help
        return _headers.damaged(kind, "its header contradicts itself")
    return _headers.damaged(kind, text[:100] or "it cannot be decoded")


def _metadata(image: Image.Image, name: str) -> bytes:
    value = image.info.get(name, b"")
    return value if isinstance(value, bytes) else b""


def _rawmode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for how the file lays its samples out, as `RGB;16B`."""
    if not image.tile:
        return ""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


# The EXIF orientation that undoes each of 1 to 8.
_WAY_BACK: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def _tiff_ways(image: ImageFile.ImageFile) -> tuple[bool, int]:
    """Return what Pillow leaves to do for a TIFF: to make 0 white, and to turn it back as stored.

    Pillow brings a TIFF upright by itself, and knows the 0 that is white for up to 8 bits.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False, 1
    tags = image.tag_v2
    if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2 and _rawmode(image) in ("R", "C", "Y"):
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))
        if max(bits) > 8:  # Pillow would take each byte for a sample
            raise ImageError("a kind of TIFF that cannot be opened: planes of 16-bit samples")
    inverted: bool = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    inverted = inverted and image.mode in ("I;16", "I;16B", "F")
    stored = tags.get(ExifTags.Base.Orientation, 1)
    return inverted, _WAY_BACK[stored] if stored in range(1, 9) else 1


def _may_lack_rows(png: Image.Image) -> bool:
    """Tell whether the rows decoded last are still as empty as Pillow made them.

    Pillow does not mind image data that end early. Unpacking them once more to count costs half of
    the decoding, and pages seldom end in a black row.
    """
    last = png.crop((0, png.height - 1, png.width, png.height))
    return bool(png.info.get("interlace")) or not np.asarray(last).any()


def _low_bytes(data: bytes, kind: str, rawmode: str) -> Image.Image | None:
    """Decode the lower bytes of 16-bit colour, of which Pillow keeps the higher ones only.

    Read in the other byte order, the lower byte is the one that is kept.
    """
    found = re.fullmatch(r"(RGB|RGBA|RGBX);16([BLN])", rawmode)
    if found is None:
        return None
    native = "L" if sys.byteorder == "little" else "B"
    order = native if found[2] == "N" else found[2]
    swapped = f"{found[1]};16{'L' if order == 'B' else 'B'}"
    image = _OPENERS[kind](io.BytesIO(data))
    image.tile = [
        tile._replace(args=(swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped)
        for tile in image.tile
    ]
    image.load()
    return image


def _transparent_sample(image: Image.Image, rawmode: str) -> npt.NDArray[np.int64] | None:
    """Return the grey value or the colour that a PNG calls transparent."""
    value = image.info.get("transparency")
    if value is None or image.mode not in ("1", "L", "I;16", "RGB"):
        return None
    # Pillow stretches samples of 1, 2 and 4 bits to 8, but not this value.
    stretch = {"1": 255, "L;2": 85, "L;4": 17}.get(rawmode, 1)
    return np.atleast_1d(np.asarray(value, np.int64) * stretch)


def _in_plain_mode(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose samples numpy sees as they are."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16"):
        return image
    if image.mode in ("1", "La"):
        return image.convert("L" if image.mode == "1" else "LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


# --- samples to float32 ---------------------------------------------------------------------------

# Colour `(h, w, 1 or 3)`, the value of white, and alpha `(h, w)` in [0, 1].
_Band = tuple["npt.NDArray[Any]", int, "FloatArray | None"]


@dataclass(frozen=True)
class _Picture:
    """A decoded picture, its pixels still as the file had them.

    Attributes
    ----------
    image
        The pixels; of 16-bit colour their higher bytes.
    low
        The lower bytes of 16-bit colour.
    rawmode
        Pillow's name for how the file lays its samples out.
    key
        The grey value or the colour that stands for transparent.
    inverted
        0 is white.
    turn, turn_back
        The EXIF orientations that bring the pixels upright, and as they are stored.
    """

    image: Image.Image
    low: Image.Image | None
    rawmode: str
    key: npt.NDArray[np.int64] | None
    inverted: bool
    turn: int
    turn_back: int

    def rgb(self, *, orient: bool) -> FloatArray:
        """Return `(H, W, 3)` with white behind what is transparent."""
        result, stored = self._new(3, self.turn if orient else self.turn_back)

        def convert(rows: slice) -> None:
            colour, white, alpha = self._band(rows)
            band = stored[rows]
            np.divide(colour, white, out=band, dtype=np.float32)
            if alpha is not None:
                band *= alpha[..., np.newaxis]
                band += 1 - alpha[..., np.newaxis]

        spread(lambda: convert, self._rows())
        return result

    def colour_and_alpha(self) -> tuple[FloatArray, FloatArray | None]:
        """Return `(H, W, 3)` with nothing put behind, and `(H, W)` alpha; None if it is 1."""
        result, stored = self._new(3, self.turn)
        result_alpha, stored_alpha = self._new(1, self.turn)
        for rows in self._rows():
            colour, white, alpha = self._band(rows)
            np.divide(colour, white, out=stored[rows], dtype=np.float32)
            stored_alpha[rows, :, 0] = 1 if alpha is None else alpha
        flat = result_alpha[..., 0]
        return result, None if (flat == 1).all() else flat

    def _new(self, channels: int, orientation: int) -> tuple[FloatArray, FloatArray]:
        """Return a new array, and the view of it in which the decoded rows are rows."""
        height, width = self.image.height, self.image.width
        shape = (height, width) if orientation < 5 else (width, height)
        result = np.empty((*shape, channels), np.float32)
        view = result if orientation < 5 else result.swapaxes(0, 1)
        if orientation in (3, 4, 6, 7):
            view = view[::-1]
        if orientation in (2, 3, 7, 8):
            view = view[:, ::-1]
        return result, view

    def _band(self, rows: slice) -> _Band:
        samples = self._samples(self.image, rows)
        if self.low is not None:
            samples = samples.astype(np.uint16) << 8 | self._samples(self.low, rows)
        if samples.ndim == 2:
            samples = samples[..., np.newaxis]
        alpha: FloatArray | None = None
        white = self._white()
        if self._span is not None:
            samples, alpha = _stretched(samples, *self._span)
        elif samples.shape[-1] in (2, 4):
            alpha = np.divide(samples[..., -1], white, dtype=np.float32)
            samples = samples[..., :-1]
        elif self.key is not None:
            alpha = (samples != self.key).any(axis=-1).astype(np.float32)
        return white - samples if self.inverted else samples, white, alpha

    def _rows(self) -> Iterator[slice]:
        step = max(1, _BAND_PIXELS // self.image.width)
        for top in range(0, self.image.height, step):
            yield slice(top, min(top + step, self.image.height))

    def _samples(self, image: Image.Image, rows: slice) -> npt.NDArray[Any]:
        """Return rows as grey `(h, w)`, grey and alpha, RGB or RGBA; uint8, uint16 or float64."""
        band = image.crop((0, rows.start, image.width, rows.stop))
        if image.mode == "I" and not self.rawmode.endswith("S"):  # Pillow knows no unsigned 32 bits
            return np.asarray(band).view(np.uint32).astype(np.float64)
        return np.asarray(band, np.float64 if image.mode in ("I", "F") else None)

    def _white(self) -> int:
        if self.rawmode == "I;12":
            return 4095
        if self._span is not None:
            return 1
        return 65535 if self.low is not None or self.image.mode.startswith("I;16") else 255

    @functools.cached_property
    def _span(self) -> tuple[float, float] | None:
        """Return the values that become 0 and 1, where the samples have no natural white.

        They are 0 and 1, unless a sample lies beyond.
        """
        if self.image.mode not in ("I", "F"):
            return None
        black, white = 0.0, 1.0
        for rows in self._rows():
            samples = self._samples(self.image, rows)
            finite = samples[np.isfinite(samples)]
            black = min(black, float(finite.min(initial=0.0)))
            white = max(white, float(finite.max(initial=1.0)))
        return black, white


def _stretched(
    samples: npt.NDArray[np.float64], black: float, white: float
) -> tuple[npt.NDArray[np.float64], FloatArray | None]:
    """Return samples in [0, 1], and alpha: 0 where they are NaN, None where none is."""
    hole = np.isnan(samples)
    level = (np.clip(np.where(hole, black, samples), black, white) - black) / (white - black)
    return level, (~hole[..., 0]).astype(np.float32) if hole.any() else None


# --- writing --------------------------------------------------------------------------------------

#: In every PNG that this program writes: who made it, as PNG's own keyword says it.
PNG_MARK: Final = b"tEXtSoftware\0waldo"


def encode_png(pixels: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    """Give a PNG of `(H, W, 3)` RGB or `(H, W)` grey, uint8, in pieces.

    One filter (the difference to the row above) for all rows, the lightest compression, and bands
    that are compressed each on its own, over the cores, as pigz does: a third of Pillow's time on
    two of them, for a file of the same size. The bytes do not depend on the number of cores.
    """
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    step = max(1, _BAND_PIXELS // width)
    starts = range(0, height, step)
    bands: dict[int, tuple[bytes, int, int]] = {}

    def compress(top: int) -> None:
        band = rows[top : top + step]
        filtered = np.empty((len(band), 1 + band.shape[1]), np.uint8)
        filtered[:, 0] = 2
        np.subtract(band[:1], rows[top - 1] if top else 0, out=filtered[:1, 1:])
        np.subtract(band[1:], band[:-1], out=filtered[1:, 1:])
        deflate = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
        end = zlib.Z_FINISH if top == starts[-1] else zlib.Z_SYNC_FLUSH
        body = deflate.compress(filtered.data) + deflate.flush(end)
        bands[top] = body, zlib.adler32(filtered.data), filtered.size

    spread(lambda: compress, starts)
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    yield b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header)
    yield _png_chunk(PNG_MARK[:4], PNG_MARK[4:])
    yield _png_chunk(b"IDAT", b"\x78\x01")  # zlib's own header; its checksum comes last
    low, high = 1, 0
    for top in starts:
        body, checksum, size = bands[top]
        yield _png_chunk(b"IDAT", body)
        # Adler-32: the sum of all bytes, and the sum of these sums after each byte
        high = (high + (checksum >> 16) + size * (low - 1)) % 65521
        low = (low + (checksum & 0xFFFF) - 1) % 65521
    yield _png_chunk(b"IDAT", struct.pack(">HH", high, low))
    yield _png_chunk(b"IEND", b"")


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
