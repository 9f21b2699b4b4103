"""The image with a box around every find, its label and its score: the picture that people send.

Lines and letters have a dark edge, so that they are legible on light and on dark images, and grow with the
image, so that they are on a large page, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from waldo_cli.arrays import Bytes
from waldo_cli.errors import InvalidInputError
from waldo_cli.files import show
from waldo_cli.geometry import Detection, Point
from waldo_cli.show.thumbnails import bytes_of

# Colours of the labels, in their order; bright ones that colour-blind eyes tell apart, too (after Okabe and
# Ito, "Color Universal Design"). Dark letters on them have a contrast of at least 6 : 1.
COLOURS = (
    (0, 200, 255),
    (255, 170, 0),
    (0, 205, 145),
    (245, 230, 70),
    (255, 115, 45),
    (240, 145, 195),
)
DARK = (16, 16, 20)

# Pillow's own font has ASCII only. For labels with other letters: fonts that systems have.
SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
)

# Rows of a band in which a box is drawn, in pixels: it limits the memory.
_BAND_PIXELS = 1 << 18

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom


def annotated(
    image: NDArray[Any], detections: Sequence[Detection], labels: Sequence[str] = ()
) -> Bytes:
    """The image with a box around every find, its label and its score.

    What lies turned has its four corners joined. A label stands above its box, or wherever else near it
    there is room; it is left away where it is larger than the image.

    Parameters
    ----------
    image
        ``(H, W, 3)`` in [0, 1].
    detections
        What to draw, best first: the best lies on top.
    labels
        All labels that may occur, in their order: each has the same colour then in every image. By default
        those of `detections`.

    Returns
    -------
    ndarray, ``(H, W, 3)`` uint8
        RGB.

    Raises
    ------
    InvalidInputError
        The image has another shape.
    """
    if image.ndim != 3 or image.shape[2] != 3:
        raise InvalidInputError(f"an image is (H, W, 3), not {image.shape}: see load_image")
    order = dict.fromkeys([*labels, *sorted({d.label for d in detections})])
    colours = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(order)}
    # Line width in pixels. An icon of 10 pixels keeps its shape with the least, 2.
    stroke = max(2.0, min(image.shape[:2]) / 400)
    pixels = np.array(bytes_of(image))  # a copy: the caller's image stays as it is
    for found in reversed(detections):
        _draw_box(pixels, _corners(found, pixels, 2 * stroke), colours[found.label], stroke)
    return _with_labels(pixels, detections, colours, stroke)


def _corners(found: Detection, pixels: Bytes, line: float) -> tuple[Point, ...]:
    """Corners of a find; those of an upright box leave room for the line around it inside the image."""
    if found.polygon is not None:
        return found.polygon
    height, width = pixels.shape[:2]
    left, top, right, bottom = found.box.xyxy
    right, bottom = min(right, width - line), min(bottom, height - line)
    left, top = max(min(left, right), line), max(min(top, bottom), line)
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _draw_box(
    pixels: Bytes, corners: Sequence[Point], colour: tuple[int, int, int], stroke: float
) -> None:
    """Draw a line around a convex polygon, outside of it, with a dark edge on both sides.

    The corners are clockwise as seen; where the mask is mirrored, they are counter-clockwise.
    """
    height, width = pixels.shape[:2]
    xs, ys = zip(*corners, strict=True)
    edge = np.float32(stroke / 2)
    reach = 2 * stroke + 1
    # Mitred corners stick out by the root of two.
    rows = slice(max(0, int(min(ys) - 1.5 * reach)), min(height, int(max(ys) + 1.5 * reach) + 1))
    cols = slice(max(0, int(min(xs) - 1.5 * reach)), min(width, int(max(xs) + 1.5 * reach) + 1))
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return
    sides = [*zip(corners, [*corners[1:], corners[0]], strict=True)]
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in sides)
    turn = 1 if area > 0 else -1
    x = np.arange(cols.start, cols.stop, dtype=np.float32)[None, :] + np.float32(0.5)
    band = max(1, _BAND_PIXELS // (cols.stop - cols.start))
    for start in range(rows.start, rows.stop, band):
        stop = min(rows.stop, start + band)
        y = np.arange(start, stop, dtype=np.float32)[:, None] + np.float32(0.5)
        distance = np.full((stop - start, cols.stop - cols.start), -np.inf, np.float32)
        for (x0, y0), (x1, y1) in sides:  # of the pixel from each side; positive outside
            length = max(np.hypot(x1 - x0, y1 - y0), 1e-6)
            across, down = turn * (y1 - y0) / length, turn * (x0 - x1) / length
            np.maximum(
                distance,
                (x - np.float32(x0)) * np.float32(across) + (y - np.float32(y0)) * np.float32(down),
                out=distance,
            )
        view = pixels[start:stop, cols]
        _blend(view, DARK, distance, 4 * edge - distance)
        _blend(view, colour, distance - edge, 3 * edge - distance)


def _blend(
    view: Bytes,
    colour: tuple[int, int, int],
    inner: NDArray[np.float32],
    outer: NDArray[np.float32],
) -> None:
    """Paint what lies inside of both borders, which are given as depths in pixels, softly at the borders."""
    share = np.clip(np.minimum(inner, outer) + np.float32(0.5), 0, 1)
    at = np.nonzero(share)  # few of them: the lines
    old = view[at].astype(np.float32)
    view[at] = (old + (np.array(colour, np.float32) - old) * share[at][:, None] + 0.5).astype(
        np.uint8
    )


def _with_labels(
    pixels: Bytes,
    detections: Sequence[Detection],
    colours: dict[str, tuple[int, int, int]],
    stroke: float,
) -> Bytes:
    """Return the image with label and score of every find; the best find chooses its place first."""
    height, width = pixels.shape[:2]
    size = max(12, round(7 * stroke))
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    placed = np.empty((len(detections), 4), np.int64)
    plates: list[tuple[Rectangle, str, ImageFont.FreeTypeFont, tuple[int, int, int]]] = []
    for found in detections:
        label, font = _legible(found.label, size)
        for text in (f"{label} {found.score:.3g}", f"{found.score:.3g}"):
            plate = round(font.getlength(text) + 0.7 * size), round(1.4 * size)
            if plate[0] <= width and plate[1] <= height:
                break
        else:
            continue
        at = _free_place(found, plate, (width, height), placed[: len(plates)], round(2 * stroke))
        placed[len(plates)] = at
        plates.append((at, text, font, colours[found.label]))
    for at, text, font, colour in reversed(plates):
        left, top, right, bottom = at
        draw.rectangle((left, top, right - 1, bottom - 1), colour, DARK, max(1, round(stroke / 2)))
        middle = ((left + right) / 2, (top + bottom) / 2)
        draw.text(middle, text, DARK, font, anchor="mm")
    return np.array(picture)  # unlike np.asarray, one that may be written to


def _free_place(
    found: Detection,
    plate: tuple[int, int],
    image: tuple[int, int],
    taken: NDArray[np.int64],
    gap: int,
) -> Rectangle:
    """Return where a label stands: near its box, inside the image, and not on one that stands already.

    If there is no such place, above the box, on top of the others.
    """
    places = [
        _inside(left, top, plate, image) for left, top in _places_around(found.box.xyxy, plate, gap)
    ]
    box = np.array([found.box.xyxy])
    for avoid in (np.concatenate((taken, box)), taken):  # at best not on the find itself either
        for place in places:
            left, top, right, bottom = place
            meets = (avoid[:, 0] < right) & (left < avoid[:, 2])
            meets &= (avoid[:, 1] < bottom) & (top < avoid[:, 3])
            if not meets.any():
                return place
    return places[0]


def _places_around(box: Rectangle, plate: tuple[int, int], gap: int) -> Iterator[tuple[int, int]]:
    """Left and top of a label above its box, below, to the right, to the left; then in its corners."""
    left, top, right, bottom = box
    width, height = plate
    yield left - gap, top - gap - height
    yield right + gap - width, top - gap - height
    yield left - gap, bottom + gap
    yield right + gap - width, bottom + gap
    yield right + gap, top - gap
    yield left - gap - width, top - gap
    yield left, top
    yield left, bottom - height


def _inside(left: int, top: int, plate: tuple[int, int], image: tuple[int, int]) -> Rectangle:
    """Return the plate moved into the image, which is larger."""
    left = min(max(left, 0), image[0] - plate[0])
    top = min(max(top, 0), image[1] - plate[1])
    return left, top, left + plate[0], top + plate[1]


@cache
def _legible(label: str, size: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return a label as it can be written, and a font that has its letters.

    Where no font has them, they are written as escapes.
    """
    label = show(label)
    own = ImageFont.load_default(size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise InvalidInputError("Pillow was built without FreeType: it has no letters to write")
    if label.isascii():
        return label, own
    for name in SYSTEM_FONTS:
        try:
            font = ImageFont.truetype(name, size)
        except OSError:
            continue
        # A font draws the same sign for all characters that it does not have, such as this private one.
        missing = bytes(font.getmask("\ue123"))
        if all(bytes(font.getmask(c)) != missing for c in label if not c.isspace()):
            return label, font
    return label.encode("ascii", "backslashreplace").decode(), own
