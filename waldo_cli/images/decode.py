"""Decode the bytes of a file into a `Picture`, with Pillow.

Files are not trusted. Only some formats are opened, and the contents decide the format, not the file's name.
`headers` checks sizes before memory is allocated for pixels. Every failure becomes one `ImageError`. Endings
of file names count in folders only; `inputs.folders` has them. HEIC and JPEG XL need the packages of extras,
which are imported where they are needed.

`opened` does all of it: it reads the bytes (`read_all`), lets `headers` check them, and decodes them
(`_decode`) while Pillow's global settings are changed (`_pillow_set_up`). `samples` turns the result into
float32.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import logging
import os
import re
import sys
import threading
import warnings
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import numpy as np
from PIL import Image, ImageFile, _imaging, features

from waldo_cli.arguments import FLAG, WHOLE_NUMBER, Kind, must_be
from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.files import FileTooLargeError, NotRegularFileError, read_bytes, show
from waldo_cli.geometry import Size
from waldo_cli.images import headers, jpeg2000, pages
from waldo_cli.images.limits import (
    DEFAULT_MAX_PIXELS,
    MAX_FILE_BYTES_EVER,
    TruncatedError,
    check_size,
    damaged,
    truncated,
)
from waldo_cli.images.orientation import INVERSE
from waldo_cli.images.samples import Picture, raw_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from waldo_cli.images.headers import Screened
    from waldo_cli.images.reduced import Reduction

#: A picture as a path, an open binary file, or bytes.
Source = str | os.PathLike[str] | BinaryIO | bytes

_SOURCE: Final = Kind(
    "a path, the bytes of a file, or an open binary file",
    lambda given: isinstance(given, str | os.PathLike | bytes) or hasattr(given, "read"),
)

# Four samples of 64 bits.
_MOST_BYTES_OF_SAMPLES: Final = 32

# Files are read completely before they are checked and decoded, so that nobody can change them in between.
# Some decoders copy the bytes up to two times. A picture of 24 Mpx has at most 200 MB.
_MAX_FILE_BYTES: Final = 1 << 28
# If the user gives a limit of pixels, files may have as many bytes as so many pixels need without
# compression: 16 bits in each of four channels. Without it, as many as the header says (`pages.room`). But
# never more than MAX_FILE_BYTES_EVER.
_MAX_BYTES_PER_PIXEL: Final = 8

# TIFF, BMP and PNM, of which a file may have more bytes: see `pages.room`.
_MAY_BE_LARGER: Final = (b"II", b"MM", b"BM", b"P4", b"P5", b"P6")

# Pillow's classes are called directly: `Image.open` would try all formats that are installed. Class Xyz is in
# the plugin XyzImagePlugin, which is imported for the first picture of its kind.
OPENERS: Final = {
    "PNG": "Png",
    "JPEG": "Jpeg",
    "GIF": "Gif",
    "WEBP": "WebP",
    "TIFF": "Tiff",
    "BMP": "Bmp",
    "AVIF": "Avif",
    "JPEG 2000": "Jpeg2K",
    "PNM": "Tiff",  # `headers` makes a TIFF of it
}
# Formats whose decoder turns the picture as the file asks for.
_DECODED_UPRIGHT: Final = ("HEIF", "JPEG XL")

# Pillow logs warnings about damaged metadata. Without a handler, `logging` would print them on stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def max_file_bytes(max_pixels: int | None) -> int:
    """Return the largest size of a file that is read, if `max_pixels` is the limit; see `load_image`."""
    requested = _MAX_BYTES_PER_PIXEL * (max_pixels or 0)
    return min(max(_MAX_FILE_BYTES, requested), MAX_FILE_BYTES_EVER)


def read_all(source: Source, limit: int, *, is_whole: bool = False) -> bytes:
    """Return all bytes of a picture, at least one and at most `limit`, or more if its pixels need them.

    Bytes of one more than the limit may have been cut off there (`inputs.sources`) and are refused, unless
    `is_whole` says that they were not.
    """
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, (str, os.PathLike)):
        data = _read_file(os.fspath(source), limit)
    else:
        data = _read_stream(source, limit)
        if len(data) > limit and (room := pages.room(data, limit)) > limit:
            data += _read_stream(source, room - len(data))
    if not data:
        raise ImageError("the file is empty")
    is_cut = isinstance(source, bytes) and not is_whole and len(data) == limit + 1
    if is_cut and data.startswith(_MAY_BE_LARGER):
        raise ImageError(
            f"larger than the {limit >> 20} MiB that are read without a file: save it to a file first"
        )
    if is_cut or (len(data) > limit and len(data) > pages.room(data, limit)):
        raise _too_many_bytes(limit)
    return data


def _too_many_bytes(limit: int) -> ImageError:
    hint = "; --max-pixels raises this limit, too" if limit < MAX_FILE_BYTES_EVER else ""
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
        try:
            return read_bytes(path, limit)
        except FileTooLargeError:
            limit = pages.room(path, limit)
            return read_bytes(path, limit)
    except NotRegularFileError:
        if os.path.isdir(path):
            raise ImageError("this is a folder, not a picture") from None
        raise ImageError(
            "not a regular file: a device, a pipe or a socket (a picture from a pipe is read from standard"
            " input: give -)"
        ) from None
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
    source: Source,
    max_pixels: int | None,
    *,
    page: int = 1,
    allow_truncated: bool = False,
    reduction: Reduction | None = None,
) -> Iterator[Picture]:
    """Read, check and decode a picture; every failure becomes one error that names the file.

    The ``with`` block should convert the pixels: memory that runs out there is reported in the same way.
    `max_pixels`, `page` and `allow_truncated` are those of `load_image`. `reduction` is asked how much a JPEG
    may be reduced; other formats, and files that are not complete, are decoded whole.
    """
    must_be(_SOURCE, path_or_file=source)
    must_be(WHOLE_NUMBER, page=page)
    must_be(WHOLE_NUMBER, or_none=True, max_pixels=max_pixels)
    must_be(FLAG, allow_truncated=allow_truncated)
    if page < 1:
        raise InvalidInputError(f"page is {page}: pages count from 1")
    if max_pixels is not None and max_pixels < 1:
        raise InvalidInputError(f"max_pixels is {max_pixels}: at least 1")
    with naming(source):
        limit = max_file_bytes(max_pixels)
        file = os.fspath(source) if isinstance(source, os.PathLike) else source
        single, page = pages.single(
            file if isinstance(file, str) else read_all(file, limit), page, limit, max_pixels
        )
        data = read_all(single, limit, is_whole=True)
        kind, file_bytes = headers.sniff(data), len(data)
        try:
            try:
                screened = headers.screen(data, kind, page, max_pixels)
            except TruncatedError:
                raise _too_little(kind) if allow_truncated else truncated(kind) from None
            del data  # the bytes for Pillow are a copy, of most formats
            with _pillow_lock, _pillow_set_up(max_pixels):
                try:
                    picture = _decode(
                        screened, kind, file_bytes, max_pixels, page, reduction, lenient=False
                    )
                except TruncatedError:
                    if not allow_truncated:
                        raise
                    picture = _decode_truncated(screened, kind, file_bytes, max_pixels, page)
                del screened  # frees memory for the float32 pixels
                yield picture
        except MemoryError:
            line = "not enough memory for a picture of this size, free some or raise its limit"
            raise ImageError(line) from None


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
        # Pillow refuses twice this number of pixels, in some decoders before `headers` can see the size. The
        # rows of some TIFFs are opened as bytes: so many for each pixel at most.
        Image.MAX_IMAGE_PIXELS = _MOST_BYTES_OF_SAMPLES * (max_pixels or DEFAULT_MAX_PIXELS)
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


def _has_codec(compression: int) -> bool:
    """Return False only if it is certain that Pillow's libtiff was built without a compression."""
    try:
        # As above: the library that Pillow uses.
        return bool(ctypes.CDLL(_imaging.__file__).TIFFIsCODECConfigured(compression))
    except (AttributeError, OSError):
        return True


def read_turn(source: Source, *, page: int = 1, max_pixels: int | None = None) -> int:
    """Return the EXIF orientation that a file asks for, 1 to 8, without decoding its pixels.

    Parameters
    ----------
    source, page, max_pixels
        As for `load_image`.

    Raises
    ------
    ImageError
        As for `load_image`, where the headers show it.
    FileError
        The file is missing or cannot be read.
    """
    with naming(source):
        limit = max_file_bytes(max_pixels)
        file = os.fspath(source) if isinstance(source, os.PathLike) else source
        file = file if isinstance(file, str) else read_all(file, limit)
        if pages.contents(file).kind == "PDF":  # its pages are drawn as they are shown
            return 1
        single, page = pages.single(file, page, limit, max_pixels)
        data = read_all(single, limit, is_whole=True)
        return headers.screen(data, headers.sniff(data), page, max_pixels).turn


@contextlib.contextmanager
def naming(source: Source) -> Iterator[None]:
    """Let errors name the file, where it has a path."""
    try:
        yield
    except FileError as error:
        if isinstance(source, (str, os.PathLike)):
            error.at(os.fsdecode(source))
        raise


def _decode(
    screened: Screened,
    kind: str,
    file_bytes: int,
    max_pixels: int | None,
    page: int,
    reduction: Reduction | None = None,
    *,
    lenient: bool,
) -> Picture:
    """Decode a picture that has passed `headers`; `lenient` accepts a file whose end is missing."""
    try:
        found = screened.tiff
        if found is not None and found.missing and not lenient:
            raise truncated(kind)
        with _reading_by_libtiff(found is not None and found.by_libtiff):
            image = _open(screened.data, kind, page)
        if found is None:  # the size of a TIFF is checked already, and its rows may be bytes here
            check_size(image.width, image.height, file_bytes, max_pixels, screened.density)
            headers.check_frames(page, image.width, image.height)
        rawmode = _rawmode(image)  # before `load`, which empties `image.tile`
        whole, factor = Size(image.height, image.width), 1
        if reduction is not None and screened.reducible:
            factor = _reduce(image, reduction(whole))
        if screened.unfinished and not lenient:
            image = _finished(screened.data)
        image.load()
        if kind == "PNG" and page == 1 and not lenient and _may_lack_rows(image):
            headers.check_png_length(screened.data)
        samples, colour_key = None, _transparent_sample(image, rawmode)
        if found is not None:
            colour_key = None if found.blank is None else np.array([found.blank], np.int64)
            if found.layout is not None:
                samples = raw_samples(image, found.layout, found.no_data)
        # pillow-jxl gives a JPEG that was packed without loss back as it was, not turned.
        is_upright = kind in _DECODED_UPRIGHT and not getattr(image, "jpeg", False)
        return Picture(
            _in_plain_mode(_as_said(image, kind, screened)),
            _low_bytes(screened.data, kind, rawmode) if page == 1 or found is not None else None,
            rawmode,
            colour_key,
            samples,
            inverted=found is not None and found.inverted,
            orientation=1 if is_upright else screened.turn,
            undo_orientation=INVERSE[screened.turn] if is_upright else 1,
            whole=whole,
            factor=factor,
        )
    except (
        ImageError,
        ImportError,
        MemoryError,
    ):  # a plugin of Pillow is imported when first needed
        raise
    except Exception as error:  # Pillow raises about ten different exceptions for damaged files
        raise _image_error(kind, screened, error) from error


@contextlib.contextmanager
def _reading_by_libtiff(wanted: bool) -> Iterator[None]:
    """Let Pillow choose libtiff, if that is wanted, for what is opened meanwhile."""
    if not wanted:
        yield
        return
    from PIL import TiffImagePlugin

    previous, TiffImagePlugin.READ_LIBTIFF = TiffImagePlugin.READ_LIBTIFF, True
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = previous


def _open(data: bytes, kind: str, page: int) -> ImageFile.ImageFile:
    """Let Pillow read the headers, and go to a frame of an animation."""
    image = _opener(kind)(io.BytesIO(data))
    if page > 1 and kind != "TIFF":  # of a TIFF, Pillow sees the chosen page only
        pages = _frames(image, kind)
        if page > pages:
            raise ImageError(f"no page {page}: the file has {pages}")
        image.seek(page - 1)
    return image


def _reduce(jpeg: ImageFile.ImageFile, factor: int) -> int:
    """Let the decoder make a smaller picture, by fewer frequencies of each block; return by what factor.

    Where the size is no multiple of the factor, the last row and the last column reach beyond the picture.
    """
    if factor == 1 or factor > min(jpeg.size):
        return 1
    # Pillow takes the largest of its factors that leaves at least this size.
    whole = jpeg.size
    jpeg.draft(None, (whole[0] // factor, whole[1] // factor))
    if jpeg.size != (-(-whole[0] // factor), -(-whole[1] // factor)):
        raise ImageError(f"cannot be read at 1/{factor} of its size: {jpeg.width}x{jpeg.height}")
    return factor


def _frames(image: ImageFile.ImageFile, kind: str) -> int:
    """Return the number of frames; of the pictures in a HEIF file, only the primary one is opened."""
    return 1 if kind == "HEIF" else int(getattr(image, "n_frames", 1))


def _opener(kind: str) -> Callable[[BinaryIO], ImageFile.ImageFile]:
    """Return the class that opens a format, from Pillow or from the package of an extra."""
    if kind == "HEIF":
        try:
            from pillow_heif import HeifImageFile
        except ImportError:
            raise _needs("a HEIC or HEIF picture", "pillow-heif", "heif") from None
        return cast("Callable[[BinaryIO], ImageFile.ImageFile]", HeifImageFile)
    if kind == "JPEG XL":
        try:
            from pillow_jxl.JpegXLImagePlugin import JXLImageFile
        except ImportError:
            raise _needs("a JPEG XL picture", "pillow-jxl-plugin", "jxl") from None
        return cast("Callable[[BinaryIO], ImageFile.ImageFile]", JXLImageFile)
    feature = {"AVIF": "avif", "JPEG 2000": "jpg_2000", "WEBP": "webp"}.get(kind)
    if feature is not None and not features.check(feature):
        raise ImageError(
            f"this Pillow was built without {kind}: pip install --force-reinstall pillow"
        )
    plugin = importlib.import_module(f"PIL.{OPENERS[kind]}ImagePlugin")
    return cast(
        "Callable[[BinaryIO], ImageFile.ImageFile]", getattr(plugin, f"{OPENERS[kind]}ImageFile")
    )


def _needs(what: str, package: str, extra: str) -> ImageError:
    return ImageError(f"{what} is opened by {package}: pip install 'waldo-cli[{extra}]'")


# What is put behind a JPEG that lacks its end: bits, and their complement. 0xFF, a marker, is left out.
_FILLINGS: Final = bytes(range(1, 128)), bytes(range(254, 127, -1))


def _finished(data: bytes) -> ImageFile.ImageFile:
    """Decode a JPEG that lacks the mark of its end; refuse it if pixels are missing.

    With all pixels there, the decoder does not look at what follows. So two different fillings give the
    same picture.
    """
    first, second = (
        _opener("JPEG")(io.BytesIO(data.rstrip(b"\xff") + filling + b"\xff\xd9"))
        for filling in _FILLINGS
    )
    if not np.array_equal(np.asarray(first), np.asarray(second)):
        raise truncated("JPEG")
    return first


def _as_said(image: Image.Image, kind: str, screened: headers.Screened) -> Image.Image:
    """Return a decoded picture with what Pillow does not know of its format."""
    if kind == "JPEG 2000":
        return _with_channels(_with_white(image, screened.data), screened.data)
    # libavif tells of the part of an AVIF that is shown, Pillow (13.0) does not cut it out.
    said = screened.heif if kind == "AVIF" else None
    if said is not None and said.part is not None and image.size == said.size:
        return image.crop(said.part)
    # `headers` says alpha for every animation.
    if kind == "WEBP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    # Many programs write a BMP whose alpha is 0 everywhere, and mean opaque.
    if kind == "BMP" and image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        return image.convert("RGB")
    return image


def _with_white(image: Image.Image, data: bytes) -> Image.Image:
    """Return a decoded JPEG 2000 picture in which the highest value of each component is 255.

    Pillow (13.0) makes bytes of samples of more than 8 bits by rounding, and of the highest of them 256,
    which is 0 in a byte: white becomes black, and opaque clear. What is 0 is decoded once more, in a larger
    range. Samples of fewer bits it only shifts: 1 of one bit becomes 128.
    """
    depths = jpeg2000.depths(data)
    if image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK") or set(depths) == {8}:
        return image
    samples = np.array(image)
    if max(depths) > 8 and not samples.all():
        wider = np.asarray(_opener("JPEG 2000")(io.BytesIO(jpeg2000.with_one_bit_more(data))))
        samples[(samples == 0) & (wider >= 128)] = 255
    channels = samples.reshape(image.height, image.width, -1)
    for number, bits in enumerate(depths[: channels.shape[2]]):
        if bits < 8:
            levels = np.arange(1 << bits) * 255 // ((1 << bits) - 1)
            channels[..., number] = levels[channels[..., number] >> (8 - bits)]
    return Image.frombytes(image.mode, image.size, samples.tobytes())


def _with_channels(image: Image.Image, data: bytes) -> Image.Image:
    """Return a decoded JPEG 2000 picture with its components as the file says: Pillow only counts them."""
    found = jpeg2000.channels(data) if image.mode in ("LA", "RGB", "RGBA") else None
    if found is None or found == (tuple(range(len(image.mode))), image.mode):
        return image
    order, mode = found
    samples = np.asarray(image)[..., order]
    return Image.frombytes(mode, image.size, samples.tobytes())


def _decode_truncated(
    screened: Screened, kind: str, file_bytes: int, max_pixels: int | None, page: int
) -> Picture:
    """Decode a file whose end is missing; missing rows stay black or grey."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # restored by _pillow_set_up
    try:
        return _decode(screened, kind, file_bytes, max_pixels, page, lenient=True)
    except TruncatedError:
        raise _too_little(kind) from None


def _too_little(kind: str) -> ImageError:
    return ImageError(f"truncated {kind}: too little of it is there")


# A pattern in Pillow's message about a damaged file, and what it means to the user.
_PILLOW_MESSAGES: Final = (
    (r"not identified by this driver", "its header is cut short, or says that it has no pixels"),
    (r"checksum", "a checksum is wrong"),
    (
        r"decoder error|data stream|decoder object|next frame|buffer overrun",
        "its compressed data cannot be unpacked",
    ),
)


def _image_error(kind: str, screened: Screened, error: Exception) -> ImageError:
    """Turn an exception of Pillow into an error that a user understands."""
    text = show(str(error)).strip()
    data, found = screened.data, screened.tiff
    if found is not None and not _has_codec(found.compression):
        return ImageError(
            f"a TIFF of {found.description} cannot be opened: this Pillow was built without that"
        )
    if (
        isinstance(error, EOFError)
        or re.search("truncated|not enough image data", text, re.IGNORECASE)
        or headers.ends_early(data, kind)
    ):
        return truncated(kind)
    for pattern, meaning in _PILLOW_MESSAGES:
        if re.search(pattern, text):
            return damaged(kind, meaning)
    if re.match("unsupported|unknown", text, re.IGNORECASE):
        if found is not None:
            return ImageError(f"a TIFF of {found.description} cannot be opened; convert it to PNG")
        return ImageError(
            f"a kind of {kind} that cannot be opened ({text[:100]}); convert it to PNG"
        )
    # Pillow reports damage as OSError or SyntaxError. Anything else, such as an IndexError, is a failure
    # inside Pillow, and its message would not help the user; nor do those of the packages of extras.
    if kind in _DECODED_UPRIGHT:
        return damaged(kind, "it cannot be decoded")
    if not isinstance(error, (OSError, SyntaxError)):
        return damaged(kind, "its header contradicts itself")
    return damaged(kind, text[:100] or "it cannot be decoded")


def _rawmode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name for the layout of the samples in the file, such as `RGB;16B`."""
    if not image.tile:
        return ""
    # Before decoding, `tile` holds the decoder's arguments, of which the raw mode is the first or the only.
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


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
    once more with the opposite byte order: then Pillow keeps the low byte. Not of later frames of an
    animation, which Pillow composes of bytes.
    """
    if kind == "PNG" and rawmode == "LA;16B":
        # There is no opposite order of grey with alpha. But its four bytes lie as those of RGBA of 8 bits.
        with _opener(kind)(io.BytesIO(headers.png_as_rgba(data))) as image:
            _, grey, _, alpha = image.split()
        return Image.merge("RGBA", (grey, grey, grey, alpha))
    match = re.fullmatch(r"(RGB|RGBA|RGBX);16([BLN])", rawmode)
    if match is None:
        return None
    # The last letter of a raw mode: B big-endian, L little-endian, N the byte order of this machine.
    native = "L" if sys.byteorder == "little" else "B"
    order = native if match[2] == "N" else match[2]
    swapped_rawmode = f"{match[1]};16{'L' if order == 'B' else 'B'}"
    image = _opener(kind)(io.BytesIO(data))
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
    if image.mode in ("L", "LA", "RGB", "RGBA", "F") or image.mode.startswith("I;16"):
        return image
    if image.mode in ("1", "La"):
        return image.convert("L" if image.mode == "1" else "LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
