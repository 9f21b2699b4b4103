"""Small pictures of an image and of what was found in it, for a report and for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from waldo_cli.answers.record import Pictures, View
from waldo_cli.geometry import Detection

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Longest side of the pictures of a whole image and of a find, in pixels.
WHOLE, CROP = 220, 160

# How much of the page is shown around a find: multiples of its box, and at least so many pixels.
AROUND, LEAST = 2.0, 24


def pictures(
    image: NDArray[Any], heatmap: NDArray[Any], detections: Sequence[Detection]
) -> Pictures:
    """Small JPEGs of an image, of its best find and of its heatmap.

    Parameters
    ----------
    image
        ``(H, W, 3)``, floats in [0, 1] or bytes.
    heatmap
        ``(H, W, 3)`` uint8.
    detections
        Best first.
    """
    whole = (0, 0, image.shape[1], image.shape[0])
    page = bytes_of(image)
    find = _jpeg(page, _around(detections[0], whole), CROP) if detections else b""
    return Pictures(_jpeg(page, whole, WHOLE), find, _jpeg(heatmap, whole, WHOLE))


def view(image: NDArray[Any], find: Detection, columns: int) -> View:
    """A find and what is around it, `columns` pixels wide, for a terminal.

    Parameters
    ----------
    image
        ``(H, W, 3)``, floats in [0, 1] or bytes.
    find
        What to show.
    columns
        Width of the result; its height is even.
    """
    from PIL import Image

    left, top, right, bottom = _around(find, (0, 0, image.shape[1], image.shape[0]))
    rows = max(2, 2 * round(columns * (bottom - top) / (right - left) / 2))
    picture = Image.fromarray(bytes_of(image[top:bottom, left:right]))
    return View(columns, rows, picture.resize((columns, rows), Image.Resampling.LANCZOS).tobytes())


def _around(find: Detection, whole: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a find with its surroundings, inside the image."""
    half = [max(LEAST, AROUND * size) / 2 for size in (find.box.width, find.box.height)]
    left, top = max(whole[0], int(find.x - half[0])), max(whole[1], int(find.y - half[1]))
    return (
        left,
        top,
        min(whole[2], int(find.x + half[0]) + 1),
        min(whole[3], int(find.y + half[1]) + 1),
    )


def bytes_of(image: NDArray[Any]) -> NDArray[Any]:
    """An image of values in [0, 1] as uint8; one of bytes as it is."""
    import numpy as np

    if image.dtype == np.uint8:
        return image
    return (image * 255 + 0.5).astype(np.uint8)


def _jpeg(pixels: NDArray[Any], box: tuple[int, int, int, int], longest: int) -> bytes:
    from PIL import Image

    left, top, right, bottom = box
    width, height = right - left, bottom - top
    ratio = longest / max(width, height)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, box, reducing_gap=2)
    file = BytesIO()
    picture.save(file, "JPEG", quality=75)
    return file.getvalue()
