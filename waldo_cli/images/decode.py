"""Decode the bytes of a file into a `Picture`, with Pillow.

Files are not trusted. Only six formats are opened, and the contents decide the format, not the file's name.
`headers` checks sizes before memory is allocated for pixels. Every failure becomes one `ImageError`. Endings
of file names count in folders only; `inputs.folders` has them.

`opened` does all of it: it reads the bytes (`_read_all`), lets `headers` check them, and decodes them
(`_decode`) while Pillow's global settings are changed (`_pillow_set_up`). `samples` turns the result into
float32.
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

from waldo_cli.errors import FileError, ImageError, InvalidInputError, MissingExtraError
from waldo_cli.files import FileTooLargeError, NotRegularFileError, read_bytes, show
from waldo_cli.images import headers, pages
from waldo_cli.images.samples import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

#: A picture as a path, an open binary file, or bytes.
Source = str | os.PathLike[str] | BinaryIO | bytes

# Files are read completely before they are checked and decoded, so that nobody can change them in between.
# Some decoders copy the bytes up to two times. A picture of 24 Mpx has at most 200 MB.
_MAX_FILE_BYTES: Final = 1 << 28
# If the user gives a limit of pixels, files may have as many bytes as so many pixels need without
# compression: 16 bits in each of four channels. But never more than _MAX_FILE_BYTES_EVER.
_MAX_BYTES_PER_PIXEL: Final = 8
_MAX_FILE_BYTES_EVER: Final = 1 << 30

# Pillow's classes are called directly: `Image.open` would try all formats that are installed.
OPENERS: Final[dict[str, Callable[[BinaryIO], ImageFile.ImageFile]]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}

# Pillow logs warnings about damaged metadata. Without a handler, `logging` would print them on stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def max_file_bytes(max_pixels: int | None) -> int:
    """Return the largest size of a file that is read, if `max_pixels` is the limit; see `load_image`."""
    requested = _MAX_BYTES_PER_PIXEL * (max_pixels or 0)
    return min(max(_MAX_FILE_BYTES, requested), _MAX_FILE_BYTES_EVER)


def _read_all(source: Source, limit: int) -> bytes:
    """Return all bytes of a picture, at least one and at most `limit`."""
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, (str, os.PathLike)):
        data = _read_file(os.fspath(source), limit)
    else:
        data = _read_stream(source, limit)
    if not data:
        raise ImageError("the file is empty")
    if len(data) > limit:
        raise _too_many_bytes(limit)
    return data


def _too_many_bytes(limit: int) -> ImageError:
    hint = "; --max-pixels raises this limit, too" if limit < _MAX_FILE_BYTES_EVER else ""
    return ImageError(f"the file is larger than {limit >> 20} MiB{hint}")


def _read_stream(file: BinaryIO, limit: int) -> bytes:
    """Return the bytes of an open file; if there are more than `limit`, some more than that."""
    blocks, size = [], 0
    try:
        while size <= limit and (block := file.read(1 << 20)):
            if not isinstance(block, bytes):
                raise InvalidInputError("the file was opened as text: open it in binary mode")
            blocks.append(block)
            size += len(block)
    except OSError as error:
        raise FileError(f"cannot read: {error.strerror or error}") from error
    return b"".join(blocks)


def _read_file(path: str, limit: int) -> bytes:
    try:
        return read_bytes(path, limit)
    except NotRegularFileError:
        if os.path.isdir(path):
            raise ImageError("this is a folder, not a picture") from None
        raise ImageError("not a regular file: a device, a pipe or a socket") from None
    except FileTooLargeError:
        raise _too_many_bytes(limit) from None
    except OSError as error:
        raise FileError(f"cannot read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL inside the path
        raise FileError(f"cannot read: {error}") from error


# Pillow's settings, libtiff's error handler and Python's warning filters are global to the process. They are
# changed while a picture is open and restored afterwards, so only one thread at a time may have one open.
_pillow_lock = threading.RLock()


@contextlib.contextmanager
def opened(
    source: Source, max_pixels: int | None, *, page: int = 1, allow_truncated: bool = False
) -> Iterator[Picture]:
    """Read, check and decode a picture; every failure becomes one error that names the file.

    The ``with`` block should convert the pixels: memory that runs out there is reported in the same way.
    `max_pixels`, `page` and `allow_truncated` are those of `load_image`.
    """
    if page < 1:
        raise InvalidInputError(f"page is {page}: pages count from 1")
    if max_pixels is not None and max_pixels < 1:
        raise InvalidInputError(f"max_pixels is {max_pixels}: at least 1")
    try:
        limit = max_file_bytes(max_pixels)
        file = os.fspath(source) if isinstance(source, os.PathLike) else source
        single, page = pages.single(
            file if isinstance(file, str) else _read_all(file, limit), page, limit, max_pixels
        )
        data = _read_all(single, limit)
        kind = headers.sniff(data)
        try:
            with _pillow_lock, _pillow_set_up(max_pixels):
                try:
                    picture = _decode(data, kind, max_pixels, page, lenient=False)
                except headers.TruncatedError:
                    if not allow_truncated:
                        raise
                    picture = _decode_truncated(data, kind, max_pixels, page)
                del data  # frees memory for the float32 pixels
                yield picture
        except MemoryError:
            raise ImageError("not enough memory for a picture of this size") from None
    except (FileError, MissingExtraError) as error:
        if isinstance(source, (str, os.PathLike)):
            error.at(os.fsdecode(source))
        raise


@contextlib.contextmanager
def _pillow_set_up(max_pixels: int | None) -> Iterator[None]:
    """Set Pillow's global settings for one picture and restore them afterwards.

    Warnings of Pillow and messages of libtiff on stderr are suppressed: failures that matter are raised as
    exceptions. Pillow's limit of pixels becomes the one that `headers` checks.
    """
    set_handler = _set_libtiff_error_handler or (lambda _: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous = set_handler(None), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Pillow refuses twice this number of pixels, in some decoders before `headers` can see the size.
        Image.MAX_IMAGE_PIXELS = max_pixels or headers.DEFAULT_MAX_PIXELS
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            handler, Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = previous
            set_handler(handler)


def _find_libtiff_error_handler() -> Callable[[int | None], int | None] | None:
    """Return libtiff's function that sets the error handler and returns the old one, or None."""
    try:
        # Found through Pillow's own module, so that it is the libtiff that Pillow uses, not another copy.
        setter = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # linked statically: the function cannot be found by name
        return None
    setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return cast("Callable[[int | None], int | None]", setter)


_set_libtiff_error_handler = _find_libtiff_error_handler()


def count_pages(source: Source, max_pixels: int | None = None) -> int:
    """Return the number of pages of a TIFF, or of frames of an animation; 1 for other pictures.

    Raises
    ------
    ImageError, FileError
        As for `load_image`.
    """
    try:
        data = _read_all(source, max_file_bytes(max_pixels))
        kind = headers.sniff(data)
        with _pillow_lock, _pillow_set_up(max_pixels):
            try:
                screened = headers.screen(data, kind, max_pixels, lenient=True)
                return int(getattr(OPENERS[kind](io.BytesIO(screened.data)), "n_frames", 1))
            except (ImageError, MemoryError):
                raise
            except Exception as error:  # as in `_decode`
                raise _image_error(kind, data, error) from error
    except FileError as error:
        if isinstance(source, (str, os.PathLike)):
            error.at(os.fsdecode(source))
        raise


def _decode(data: bytes, kind: str, max_pixels: int | None, page: int, *, lenient: bool) -> Picture:
    """Check and decode the bytes of a picture; `lenient` accepts a file whose end is missing."""
    try:
        screened = headers.screen(data, kind, max_pixels, lenient=lenient)
        image = OPENERS[kind](io.BytesIO(screened.data))
        if page > 1:
            pages = getattr(image, "n_frames", 1)
            if page > pages:
                raise ImageError(f"no page {page}: the file has {pages}")
            image.seek(page - 1)
        headers.check_size(image.width, image.height, len(data), max_pixels)
        headers.check_effort(screened.data, kind, image.width, image.height)
        rawmode = _rawmode(image)  # before `load`, which empties `image.tile`
        inverted, undo_orientation = _tiff_corrections(image)
        image.load()
        if kind == "PNG" and not lenient and _may_lack_rows(image):
            headers.check_png_length(data)
        colour_key = _transparent_sample(image, rawmode)
        low_bytes = _low_bytes(screened.data, kind, rawmode)
        exif = screened.exif or _metadata(image, "exif")
        xmp = screened.xmp or _metadata(image, "xmp")
        # Pillow has already applied the orientation of a TIFF, of no other format.
        orientation = 1 if kind == "TIFF" else headers.orientation(exif, xmp)
        return Picture(
            _in_plain_mode(image),
            low_bytes,
            rawmode,
            colour_key,
            inverted,
            orientation,
            undo_orientation,
        )
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow raises about ten different exceptions for damaged files
        raise _image_error(kind, data, error) from error


def _decode_truncated(data: bytes, kind: str, max_pixels: int | None, page: int) -> Picture:
    """Decode a file whose end is missing; missing rows stay black or grey."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # restored by _pillow_set_up
    try:
        return _decode(data, kind, max_pixels, page, lenient=True)
    except headers.TruncatedError:
        raise ImageError(f"truncated {kind}: too little of it is there") from None


# A pattern in Pillow's message about a damaged file, and what it means to the user.
_PILLOW_MESSAGES: Final = (
    (r"not identified by this driver", "its header is cut short, or says that it has no pixels"),
    (r"checksum", "a checksum is wrong"),
    (r"MAX_TEXT_", "its text or colour profile unpacks to more than 1 MB, or all to 64 MB"),
    (
        r"decoder error|data stream|decoder object|next frame|buffer overrun",
        "its compressed data cannot be unpacked",
    ),
)


def _image_error(kind: str, data: bytes, error: Exception) -> ImageError:
    """Turn an exception of Pillow into an error that a user understands."""
    text = show(str(error)).strip()
    riff_end = 8 + int.from_bytes(data[4:8], "little")  # where a WebP ends, by its own header
    if (
        isinstance(error, EOFError)
        or re.search("truncated|not enough image data", text, re.IGNORECASE)
        or (kind == "WEBP" and len(data) < riff_end)
    ):
        return headers.truncated(kind)
    for pattern, meaning in _PILLOW_MESSAGES:
        if re.search(pattern, text):
            return headers.damaged(kind, meaning)
    if re.match("unsupported|unknown", text, re.IGNORECASE):
        return ImageError(f"a kind of {kind} that cannot be opened: {text[:100]}")
    # Pillow reports damage as OSError or SyntaxError. Anything else, such as an IndexError, is a failure
    # inside Pillow, and its message would not help the user.
    if not isinstance(error, (OSError, SyntaxError)):
        return headers.damaged(kind, "its header contradicts itself")
    return headers.damaged(kind, text[:100] or "it cannot be decoded")


def _metadata(image: Image.Image, name: str) -> bytes:
    value = image.info.get(name, b"")
    return value if isinstance(value, bytes) else b""


def _rawmode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for the layout of the samples in the file, such as `RGB;16B`."""
    if not image.tile:
        return ""
    # Before decoding, `tile` holds the decoder's arguments, of which the raw mode is the first or the only.
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


# EXIF orientation -> the orientation that undoes it. Each undoes itself, except 6 and 8, the rotations by
# 90 degrees.
_INVERSE_ORIENTATION: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def _tiff_corrections(image: ImageFile.ImageFile) -> tuple[bool, int]:
    """Return what must be corrected after Pillow has decoded a TIFF; nothing for other formats.

    The first value says whether 0 still means white: Pillow inverts such samples up to 8 bits only. The
    second is the orientation that restores the stored pixels, for users who do not want the picture
    turned: Pillow always turns a TIFF upright.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False, 1
    tags = image.tag_v2
    # Planar configuration 2: each channel is stored as a picture of its own.
    if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2 and _rawmode(image) in ("R", "C", "Y"):
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))
        if max(bits) > 8:  # Pillow would read each byte as one sample
            raise ImageError("a kind of TIFF that cannot be opened: planes of 16-bit samples")
    # Photometric interpretation 0: the value 0 is white.
    inverted: bool = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    inverted = inverted and image.mode in ("I;16", "I;16B", "F")
    stored = tags.get(ExifTags.Base.Orientation, 1)
    return inverted, _INVERSE_ORIENTATION[stored] if stored in range(1, 9) else 1


def _may_lack_rows(png: Image.Image) -> bool:
    """Return whether a decoded PNG may be incomplete: its last row is all 0, or it is interlaced.

    Pillow accepts image data that end too early and leaves the missing rows 0. To be sure, the data must
    be decompressed a second time, which takes half as long as decoding. So that is done only if this
    quick check cannot exclude it; few pictures end with a black row.
    """
    last_row = png.crop((0, png.height - 1, png.width, png.height))
    return bool(png.info.get("interlace")) or not np.asarray(last_row).any()


def _low_bytes(data: bytes, kind: str, rawmode: str) -> Image.Image | None:
    """Return a picture of the low bytes of 16-bit colour; None if the samples are not 16-bit colour.

    Pillow has no mode for 16-bit colour and keeps only the high byte of each sample. So the file is decoded
    once more with the opposite byte order: then Pillow keeps the low byte.
    """
    match = re.fullmatch(r"(RGB|RGBA|RGBX);16([BLN])", rawmode)
    if match is None:
        return None
    # The last letter of a raw mode: B big-endian, L little-endian, N the byte order of this machine.
    native = "L" if sys.byteorder == "little" else "B"
    order = native if match[2] == "N" else match[2]
    swapped_rawmode = f"{match[1]};16{'L' if order == 'B' else 'B'}"
    image = OPENERS[kind](io.BytesIO(data))
    image.tile = [
        tile._replace(
            args=(swapped_rawmode, *tile.args[1:])
            if isinstance(tile.args, tuple)
            else swapped_rawmode
        )
        for tile in image.tile
    ]
    image.load()
    return image


def _transparent_sample(image: Image.Image, rawmode: str) -> npt.NDArray[np.int64] | None:
    """Return the grey value, or the colour, that a PNG declares transparent; None if it has none."""
    value = image.info.get("transparency")
    if value is None or image.mode not in ("1", "L", "I;16", "RGB"):
        return None
    # Pillow scales samples of 1, 2 and 4 bits to 0..255, but not this value.
    factor = {"1": 255, "L;2": 85, "L;4": 17}.get(rawmode, 1)
    return np.atleast_1d(np.asarray(value, np.int64) * factor)


def _in_plain_mode(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose samples numpy can read directly: no palette, no packed bits."""
    if image.mode in ("L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16"):
        return image
    if image.mode in ("1", "La"):
        return image.convert("L" if image.mode == "1" else "LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
