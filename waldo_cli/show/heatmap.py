"""Activations as a picture that a person understands at a glance.

The page is turned grey and dimmed, so that the colours are visible on pale pages too. Activations are laid
over it, from transparent to yellow. Every find is shown in the page's own colours, in a disc with a ring
that is large enough to be seen in a thumbnail.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arguments import PATH, Kind, must_be
from waldo_cli.arrays import Bytes, Floats, as_floats, as_real
from waldo_cli.detector.overlay import Overlay
from waldo_cli.errors import InvalidInputError
from waldo_cli.files import NPY_MARK, write_atomically
from waldo_cli.geometry import Detection
from waldo_cli.images.png import save_png
from waldo_cli.parallel import spread

# Every 17th colour of "inferno" (Nathaniel Smith, Stéfan van der Walt, Eric Firing; CC0), a colour map whose
# lightness grows evenly, also in print and for colour-blind eyes. Between them the colours are linear.
INFERNO = (
    (0, 0, 4), (12, 8, 38), (36, 12, 79), (66, 10, 104), (93, 18, 110), (120, 28, 109), (147, 38, 103),
    (174, 48, 92), (199, 62, 76), (221, 81, 58), (237, 105, 37), (248, 133, 15), (252, 165, 10),
    (250, 198, 45), (242, 230, 97), (252, 255, 164),
)  # fmt: skip

# Brightness of a page's white, 0 to 255: the colours above are brighter.
PAGE_WHITE = np.float32(96)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

_DETECTIONS = Kind(
    "a list of Detection",
    lambda given: isinstance(given, Sequence) and all(isinstance(d, Detection) for d in given),
)

RING = (
    (0, 0, 0),
    (255, 255, 255),
    (0, 200, 255),
)  # dark, light, and a hue that the colour map does not have


def inferno() -> NDArray[np.float32]:
    """The colour map, dark to bright: ``(256, 3)``, each 0 to 255."""
    steps = np.linspace(0, 255, len(INFERNO))
    channels = [np.interp(np.arange(256), steps, channel) for channel in np.transpose(INFERNO)]
    return np.stack(channels, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Activations over the dimmed image, finds ringed: RGB, uint8. ``heatmap[a:b]`` makes rows `a` to `b`.

    Attributes
    ----------
    image
        ``(H, W, 3)``, floats in [0, 1] or bytes.
    activations
        ``(H, W)``. The colour scale runs from their median, the background, to their maximum.
    detections
        What to ring.

    Raises
    ------
    InvalidInputError
        Image and activations differ in size.
    """

    image: NDArray[Any]
    activations: NDArray[Any] | Overlay
    detections: Sequence[Detection] = ()

    def __post_init__(self) -> None:
        if self.image.shape[2:] != (3,):
            raise InvalidInputError(f"an image is (H, W, 3), not {self.image.shape}")
        if self.image.shape[:2] != self.activations.shape:
            raise InvalidInputError(
                f"activations are {self.activations.shape}, the image {self.image.shape}: they must be of one"
                " size"
            )
        _ = self._range  # now, by one thread, before all need it

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and channels."""
        return self.image.shape

    @cached_property
    def _range(self) -> tuple[np.float32, np.float32]:
        """The activation that is transparent, and levels of the colour map for 1 more."""
        # The median of some 64 rows stands for the background. Not by numpy.median, which imports numpy.ma.
        sample = self.activations[:: max(1, self.shape[0] // 64)].ravel()
        low = float(np.partition(sample, sample.size // 2)[sample.size // 2])
        span = float(self.activations.max()) - low
        # Where nothing is like it, all may be so small that float32 has no number for the gain.
        return np.float32(low), np.float32(255 / span if span > 1e-30 else 0)

    @cached_property
    def _colours(self) -> tuple[Floats, Floats]:
        """For each of 256 levels: what is added to the page, and how much of the page is left."""
        opacity = (np.arange(256, dtype=np.float32) / 255) ** 0.7
        return np.asarray(inferno() * opacity[:, None], np.float32), np.asarray(
            1 - opacity, np.float32
        )

    def __getitem__(self, rows: slice) -> Bytes:
        """These rows (a slice with step 1), with all columns."""
        low, gain = self._range
        glow, shade = self._colours
        heat = np.clip((self.activations[rows] - low) * gain, 0, 255).astype(np.uint8)
        grey = as_floats(self.image[rows]).clip(0, 1) @ LUMA * PAGE_WHITE * shade[heat]
        out: Bytes = (glow[heat] + grey[:, :, None]).astype(np.uint8)
        first = rows.indices(self.shape[0])[0]
        for found in reversed(self.detections):
            _spotlight(out, first, self.image, found)
        return out

    def whole(self) -> Bytes:
        """All rows."""
        out = np.empty(self.shape, np.uint8)

        def work(start: int) -> None:
            rows = slice(start, start + band)
            out[rows] = self[rows]

        band = max(1, (1 << 17) // self.shape[1])
        spread(work, range(0, self.shape[0], band))
        return out


def save_heatmap(
    path: str | os.PathLike[str],
    image: NDArray[Any],
    activations: NDArray[Any] | Overlay,
    detections: Sequence[Detection] = (),
) -> None:
    """Write activations as a picture: a PNG of the image's size, whole or not at all.

    The image is grey and dimmed, activations glow over it, and every find stands in a ringed disc of the
    image's own colours.

    Parameters
    ----------
    path
        The file to write; what was there is replaced.
    image
        ``(H, W, 3)``, floats in [0, 1] or bytes.
    activations
        ``(H, W)``, such as `Result.activations`. Colours run from their median, which is taken for the
        background and is transparent, to their maximum. `Result.overlay` does, too, and takes less memory.
    detections
        Finds to ring, such as `Result.detections`.

    Raises
    ------
    InvalidInputError
        Image and activations differ in size.
    FileError
        The file cannot be written.
    """
    must_be(PATH, path=path)
    must_be(_DETECTIONS, detections=detections)
    if not isinstance(activations, Overlay):
        activations = as_real("activations", activations)
    save_png(path, Heatmap(as_real("image", image), activations, detections))


def save_activations(
    path: str | os.PathLike[str], activations: NDArray[np.float32] | Overlay
) -> None:
    """Write ``(H, W)`` float32 as an .npy file, whole or not at all; of an overlay a band at a time.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    height, width = activations.shape
    header = str({"descr": "<f4", "fortran_order": False, "shape": (height, width)}).encode("ascii")
    band = max(1, (1 << 18) // width)
    with write_atomically(path) as file:
        file.write(NPY_MARK + header.ljust(1024 - len(NPY_MARK) - 1) + b"\n")
        for top in range(0, height, band):
            rows = activations[top : top + band]
            file.write(np.ascontiguousarray(rows, dtype="<f4").data)


def _spotlight(picture: Bytes, first: int, image: NDArray[Any], found: Detection) -> None:
    """Draw a find: the page's own colours in a disc with a ring around it, and its box.

    `picture` is the rows of the heatmap from row `first` on.
    """
    height, width = image.shape[:2]
    stroke = max(1.5, min(height, width) / 400)
    radius = max(1.1 * max(found.box.width, found.box.height), min(height, width) / 24, 8)
    reach = radius + 4 * stroke
    last = min(first + len(picture), int(found.y + reach) + 1)
    rows = slice(max(first, int(found.y - reach)), last)
    if rows.start >= rows.stop:
        return
    cols = slice(max(0, int(found.x - reach)), min(width, int(found.x + reach) + 1))
    y = np.arange(rows.start, rows.stop)[:, None] + 0.5 - found.y
    x = np.arange(cols.start, cols.stop)[None, :] + 0.5 - found.x
    distance = np.hypot(x, y)
    of_picture = picture[rows.start - first : rows.stop - first, cols]
    view = of_picture.astype(np.float32)
    _blend(view, as_floats(image[rows, cols]) * np.float32(255), radius - distance)
    # Three rings, each inside the one before: dark, light, and the hue between them.
    for colour, inner, outer in zip(RING, (0, 1, 2), (4, 3.4, 3.4), strict=True):
        _blend(
            view,
            np.array(colour, np.float32),
            np.minimum(distance - radius - inner * stroke, radius + outer * stroke - distance),
        )
    box = found.box
    sides = np.maximum(
        np.abs(x + found.x - box.left - box.width / 2) - box.width / 2,
        np.abs(y + found.y - box.top - box.height / 2) - box.height / 2,
    )
    _blend(view, np.array(RING[2], np.float32), stroke / 2 + 0.5 - np.abs(sides - stroke / 2 - 1))
    of_picture[...] = view.astype(np.uint8)


def _blend(view: NDArray[np.float32], paint: NDArray[Any], depth: NDArray[Any]) -> None:
    """Paint where `depth` (how many pixels inside the shape) is positive, with a soft border of one pixel."""
    share = np.clip(depth + 0.5, 0, 1).astype(np.float32)[:, :, None]
    view += (paint - view) * share
