"""From the bytes of a file to a decoded picture.

Nothing that comes in is trusted: six formats are opened, by content and not by suffix, and sizes are
checked before memory is taken for pixels (`headers`). What goes wrong ends as one `ImageError`.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
import os
import re
import sys
import threading
import warnings
from typing import TYPE_CHECKING, BinaryIO, Final, cast

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

from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.files import FileTooLargeError, NotRegularFileError, read_bytes, show
from waldo_cli.images import headers
from waldo_cli.images.samples import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

#: A picture: where it lies, the open binary file, or its bytes.
Source = str | os.PathLike[str] | BinaryIO | bytes

# Everything is read before it is decoded, so that a file that changes meanwhile does no harm. Some decoders
# copy what they are given, up to twice; a picture of 24 Mpx takes at most 200 MB.
_MAX_FILE_BYTES: Final = 1 << 28
# A limit of pixels that is given raises it, to what they take at 16 bits and four channels.
_MOST_BYTES_PER_PIXEL: Final = 8
_MAX_FILE_BYTES_EVER: Final = 1 << 30

OPENERS: Final[dict[str, Callable[[BinaryIO], ImageFile.ImageFile]]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}

# Pillow reports on damaged metadata by `logging`, which writes to stderr where nothing is set up.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def most_bytes(max_pixels: int | None) -> int:
    """How large a file is read, where so many pixels are the limit; see `load_image`."""
    asked = _MOST_BYTES_PER_PIXEL * (max_pixels or 0)
    return min(max(_MAX_FILE_BYTES, asked), _MAX_FILE_BYTES_EVER)


def read(source: Source, most: int) -> bytes:
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
        return read_bytes(path, most)
    except NotRegularFileError:
        if os.path.isdir(path):
            raise ImageError("this is a folder, not a picture") from None
        raise ImageError("not a regular file: a device, a pipe or a socket") from None
    except FileTooLargeError:
        raise _too_heavy(most) from None
    except OSError as error:
        raise FileError(f"cannot read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL inside the path
        raise FileError(f"cannot read: {error}") from error


# Pillow's switches, libtiff's error handler and Python's warning filters belong to the whole
# process. They are changed while one picture is opened and put back, so it is one at a time.
_opening = threading.RLock()


@contextlib.contextmanager
def opened(
    source: Source, max_pixels: int | None, *, allow_truncated: bool = False
) -> Iterator[Picture]:
    """Open a picture under guard: whatever goes wrong ends as one error that names the file."""
    if max_pixels is not None and max_pixels < 1:
        raise InvalidInputError(f"max_pixels is {max_pixels}: at least 1")
    try:
        data = read(source, most_bytes(max_pixels))
        kind = headers.sniff(data)
        try:
            with _opening, _pillow_set_up(max_pixels):
                try:
                    picture = _decode(data, kind, max_pixels, lenient=False)
                except headers.TruncatedError:
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
        Image.MAX_IMAGE_PIXELS = max_pixels or headers.DEFAULT_MAX_PIXELS
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


def _decode(data: bytes, kind: str, max_pixels: int | None, *, lenient: bool) -> Picture:
    try:
        screened = headers.screen(data, kind, max_pixels, lenient=lenient)
        image = OPENERS[kind](io.BytesIO(screened.data))
        headers.check_size(image.width, image.height, len(data), max_pixels)
        headers.check_effort(screened.data, kind, image.width, image.height)
        rawmode = _rawmode(image)
        inverted, turn_back = _tiff_ways(image)
        image.load()
        if kind == "PNG" and not lenient and _may_lack_rows(image):
            headers.check_png_length(data)
        key = _transparent_sample(image, rawmode)
        low = _low_bytes(screened.data, kind, rawmode)
        exif = screened.exif or _metadata(image, "exif")
        xmp = screened.xmp or _metadata(image, "xmp")
        turn = 1 if kind == "TIFF" else headers.orientation(exif, xmp)  # Pillow has turned a TIFF
        return Picture(_in_plain_mode(image), low, rawmode, key, inverted, turn, turn_back)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow raises some ten classes on damaged files
        raise _explained(kind, data, error) from error


def _decode_what_is_there(data: bytes, kind: str, max_pixels: int | None) -> Picture:
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # put back by _pillow_set_up
    try:
        return _decode(data, kind, max_pixels, lenient=True)
    except headers.TruncatedError:
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
        return headers.truncated(kind)
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, text):
            return headers.damaged(kind, meaning)
    if re.match("unsupported|unknown", text, re.IGNORECASE):
        return ImageError(f"a kind of {kind} that cannot be opened: {text[:100]}")
    if not isinstance(error, (OSError, SyntaxError)):  # Pillow stumbled: its words would not help
        return headers.damaged(kind, "its header contradicts itself")
    return headers.damaged(kind, text[:100] or "it cannot be decoded")


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
    image = OPENERS[kind](io.BytesIO(data))
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
