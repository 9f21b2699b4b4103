"""The light on a photographed page, and the page as if it lay in even, white light.

A lamp falls off, a shadow lies over a part, a bulb is yellow. The paper tells: around any place of a page
there is some, and it is white. So the brightest pixels around a place say how much light of each colour there
is, and by so much its pixels are divided (white patch, locally). A stack with ``even_light`` is shown images
like that.

References
----------
Land, McCann, "Lightness and Retinex Theory", Journal of the Optical Society of America 1971.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats, as_floats
from waldo_cli.images.reduced import AnyPixels, ReducedImage
from waldo_cli.stack.cost import LIGHT_BLOCKS, ROWS_LIT
from waldo_cli.stack.stack import Stack

# Each of the blocks in which the light is measured is of at most so many pixels squared.
SAMPLES = 20
# Paper is as bright as this percentile of a block's pixels, and as this one of the blocks around: of so many
# to each side, a square that spans a third of the page's longer side.
BRIGHT, BRIGHT_BLOCKS = 95, 92
REACH = 4
# Then the light is smoothed: the standard deviation of the Gaussian, in blocks.
SIGMA = 2.25
# Paper becomes so bright. Where it is brighter, pixels stay as they are; and none becomes more than twice as
# bright: a page may be dark.
WHITE, MOST_GAIN = 0.94, 2.0
# Where no pixel would become so much brighter, the light is even: the image stays as it is.
EVEN = 1.05

Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Light:
    """By what the pixels of an image are multiplied, so that paper is white everywhere.

    Attributes
    ----------
    gain
        Factors at the centres of blocks, ``(n, m, 3)``; between them it is interpolated.
    extent
        How many blocks, and parts of one, lie along the image's rows and columns.
    """

    gain: Floats
    extent: tuple[float, float]

    def across(self, cols: Doubles) -> Floats:
        """The factors at columns, in each row of blocks, ``(n, w, 3)``.

        `cols` says where the columns' centres lie, in parts of the image's width.
        """
        left, right, share = self._between(1, cols)
        gain, share = self.gain, share[:, None]
        return np.asarray(gain[:, left] * (1 - share) + gain[:, right] * share)

    def apply(self, pixels: Floats, rows: Doubles, across: Floats) -> None:
        """Bring pixels ``(h, w, 3)`` into even light, in place; what would be brighter than white is white.

        `rows` says where the rows' centres lie, in parts of the image's height; `across` is of the columns.
        """
        above, below, share = self._between(0, rows)
        # Rows between the same two rows of blocks, and few of them at a time.
        starts = np.unique([*np.flatnonzero(np.diff(above)) + 1, *range(0, len(rows), ROWS_LIT)])
        for start, stop in itertools.pairwise([*starts.tolist(), len(rows)]):
            band, upper, lower = pixels[start:stop], across[above[start]], across[below[start]]
            gain = np.multiply(share[start:stop, None, None], lower - upper)
            gain += upper
            gain *= band
            np.minimum(gain, np.float32(1), out=band)

    def _between(self, axis: int, places: Doubles) -> tuple[Integers, Integers, Floats]:
        """Between which blocks places lie, and the share of the second one: for linear interpolation."""
        last = self.gain.shape[axis] - 1
        at = np.clip(places * self.extent[axis] - 0.5, 0, last)
        before = at.astype(np.intp)
        return before, np.minimum(before + 1, last), (at - before).astype(np.float32)


@dataclass(frozen=True, eq=False)
class LitImage:
    """An image that is shown in even light wherever pixels of it are resampled.

    Attributes
    ----------
    image
        As it is.
    light
        What it takes.
    """

    image: AnyPixels
    light: Light

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and channels."""
        return self.image.shape


# An image as it is searched.
Searched: TypeAlias = AnyPixels | LitImage


def as_shown(stack: Stack, image: AnyPixels) -> Searched:
    """The image as a stack is shown it: in even light, if the stack wants that and the light is uneven."""
    if not stack.even_light:
        return image
    evened = lit(image)
    return image if evened.light.gain.max() < EVEN else evened


def lit(image: AnyPixels) -> LitImage:
    """The image in even light; its light is measured on a sample of its pixels.

    Of a reduced image a few pixels may lie beyond the edge, which matters little: light is smooth.
    """
    pixels = image.pixels if isinstance(image, ReducedImage) else image
    step = -(-max(pixels.shape[:2]) // (LIGHT_BLOCKS * SAMPLES))
    top, left = (min(step, n) // 2 for n in pixels.shape[:2])
    sample = as_floats(pixels[top::step, left::step])
    rows, cols = sample.shape[:2]
    side = -(-max(rows, cols) // LIGHT_BLOCKS)
    # Not by the filters of scipy.ndimage: to import it takes longer than all this for fifty images.
    paper = _percentile(_blocks(sample, side), BRIGHT)
    paper = _smoothed(_percentile(_around(paper), BRIGHT_BLOCKS))
    gain = np.clip(WHITE / np.maximum(paper, WHITE / MOST_GAIN), 1, None)
    return LitImage(image, Light(gain.astype(np.float32), (rows / side, cols / side)))


def _blocks(sample: Floats, side: int) -> Floats:
    """The pixels of each block, ``(n, m, 3, side * side)``; beyond the edge it is repeated."""
    rows, cols, channels = sample.shape
    padded = np.pad(sample, ((0, -rows % side), (0, -cols % side), (0, 0)), mode="edge")
    split = padded.reshape(len(padded) // side, side, -1, side, channels)
    return split.transpose(0, 2, 4, 1, 3).reshape(len(split), -1, channels, side * side)


def _around(blocks: Floats) -> Floats:
    """Each block's value with those around it, ``(n, m, 3, window)``; beyond the edge it is repeated."""
    padded = np.pad(blocks, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    window = 2 * REACH + 1
    return sliding_window_view(padded, (window, window), axis=(0, 1)).reshape(*blocks.shape, -1)


def _percentile(values: Floats, percent: int) -> Floats:
    """The value that so many of the last axis do not exceed."""
    place = percent * (values.shape[-1] - 1) // 100
    return np.asarray(np.partition(values, place)[..., place])


def _smoothed(blocks: Floats) -> Floats:
    """Blocks ``(n, m, 3)`` after a Gaussian filter, whose weights sum to 1 at the edge, too."""
    for axis in (0, 1):
        places = np.arange(blocks.shape[axis])
        weights = np.exp(-(((places[:, None] - places) / SIGMA) ** 2) / 2)
        weights /= weights.sum(axis=1, keepdims=True)
        blocks = np.moveaxis(np.tensordot(weights, blocks, axes=(1, axis)), 0, axis)
    return blocks.astype(np.float32)
