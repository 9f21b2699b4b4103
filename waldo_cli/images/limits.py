"""What of a picture is refused before it is decoded, and how that is said. Standard library only.

`check_size` and `check_seconds` are asked by every reader of a container in this room: `headers`, `jpeg`,
`directory`, `heif`, `jpeg2000` and `jpegxl`. `truncated` and `damaged` make the errors about files that are
not whole.
"""

from __future__ import annotations

from typing import Final

from waldo_cli.errors import ImageError

#: Most pixels of a picture, if the user gives no limit: two times a scan of 100 Mpx.
DEFAULT_MAX_PIXELS: Final = 200_000_000

#: Most bytes of a file, whatever the limit of pixels.
MAX_FILE_BYTES_EVER: Final = 1 << 30

# If the user gives no limit, a picture of more than LARGE_PICTURE pixels must also have as many bytes as its
# compression needs for that many pixels.
LARGE_PICTURE: Final = 24_000_000

# Most seconds that decoding may take for a picture of at most LARGE_PICTURE pixels, as estimated from its
# headers with the costs of docs/formats.md; larger pictures may take longer in proportion.
_MAX_SECONDS: Final = 8.0


class TruncatedError(ImageError):
    """The file ends before the picture is complete."""


def truncated(kind: str) -> TruncatedError:
    """Return the error for a file that ends too early."""
    return TruncatedError(f"truncated {kind}: the file ends too early; see --allow-truncated")


def damaged(kind: str, detail: str) -> ImageError:
    """Return the error for a file with invalid contents; `detail` says what is wrong."""
    return ImageError(f"damaged {kind}: {detail}")


def check_size(
    width: int, height: int, file_bytes: int, max_pixels: int | None, density: float
) -> None:
    """Refuse a picture that is empty or too large, by the size that its header declares.

    Parameters
    ----------
    width, height
        Size in pixels, as the header says.
    file_bytes
        Size of the file.
    max_pixels
        Most pixels. None: `DEFAULT_MAX_PIXELS`, and a large picture must also have enough bytes.
    density
        Most pixels that one byte can hold with the picture's bits and compression.
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
    if max_pixels is None and pixels > max(LARGE_PICTURE, density * file_bytes):
        raise ImageError(
            f"too large for its {file_bytes} bytes: {width}x{height} = {pixels} pixels, as in a "
            f"decompression bomb; --max-pixels {pixels} opens it"
        )


def check_seconds(kind: str, seconds: float, pixels: int) -> None:
    """Refuse a picture that would take too long to decode for its size.

    Parameters
    ----------
    kind
        The format, for the message.
    seconds
        The estimate, of one core.
    pixels
        Size of the picture.
    """
    limit = _MAX_SECONDS * max(1.0, pixels / LARGE_PICTURE)
    if seconds > limit:
        raise ImageError(
            f"this {kind} of {pixels} pixels would take too long to decode: about {seconds:.0f} s, "
            f"the limit is {limit:.0f} s"
        )
