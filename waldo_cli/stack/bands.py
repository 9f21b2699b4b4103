"""Images through layers, band by band, so that memory is bounded by the band and not by the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import ReceptiveField
from waldo_cli.parallel import spread
from waldo_cli.stack.layers import Conv, Layer

# A band of rows is run through all local layers before the next one starts, so that activations stay near
# the cores, and memory is bounded by the band and not by the page. Pixels of input per band, and the
# multiple of output rows that it is cut to: whole tiles for 3 x 3 kernels of dilation 4 and less.
BAND_PIXELS = 1 << 20
BAND_STEP = 16
# Pixels of the parts that go over the cores. Rows that two parts share are computed twice.
PART_PIXELS = 1 << 21


class Rows(Protocol):
    """An image that gives its rows on demand, ``(H, W, C)``: an array, or a pyramid's level."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns, channels."""

    def __getitem__(self, rows: slice, /) -> Floats:
        """Some rows, all columns."""


def in_turn(x: Floats, layers: Sequence[Layer], first: int = 1) -> Floats:
    """Through one layer after the other, counted from `first`."""
    for n in range(len(layers)):
        x = through_layer(layers, n, x, first)
    return x


def through_layer(layers: Sequence[Layer], n: int, x: Floats, first: int = 1) -> Floats:
    """Through layer n of some; errors name the layer, counted from `first`."""
    layer = layers[n]
    if layer.op == "relu" and n and isinstance(layers[n - 1], Conv):
        return np.maximum(x, np.float32(0), out=x)  # they are no one else's
    try:
        return layer.run(x)
    except InvalidInputError as e:
        raise type(e)(f"layer {first + n} ({layer}): {e.reason}") from None


def in_bands(images: Sequence[Rows], layers: Sequence[Layer]) -> list[Floats]:
    """Run local layers over parts of the images, the parts over the cores.

    Output row ``i`` of layers without padding depends on input rows ``i * jump`` to
    ``i * jump + size - 1`` alone, so some output rows need just those.
    """
    grown = ReceptiveField()
    for layer in layers:
        grown = layer.field(grown)
    size, jump = grown.size[0], int(grown.jump[0])
    pixels = [x.shape[0] * x.shape[1] for x in images]
    # Two parts at least, whatever the number of cores.
    most = min(PART_PIXELS, -(-sum(pixels) // 2))
    parts: list[tuple[int, int, int]] = []
    for n, x in enumerate(images):
        # An image smaller than the field has one part: the layer says so.
        rows = max((x.shape[0] - size) // jump + 1, 1)
        # What is computed twice, the height of a field, is to be little of a part.
        count = max(1, min(-(-pixels[n] // most), rows * jump // (4 * size)))
        high = -(-rows // count)
        parts += [(n, i, min(i + high, rows)) for i in range(0, rows, high)]
    made: dict[tuple[int, int, int], list[Floats]] = {}

    def work(part: tuple[int, int, int]) -> None:
        n, start, stop = part
        made[part] = list(_stream(images[n], start * jump, (stop - 1) * jump + size, layers, jump))

    spread(work, sorted(parts, key=lambda p: (p[1] - p[2]) * images[p[0]].shape[1]))
    each: list[list[Floats]] = [[] for _ in images]
    for part in parts:
        each[part[0]] += made.pop(part)
    return [np.concatenate(bands) if len(bands) > 1 else bands[0] for bands in each]


def _stream(x: Rows, start: int, stop: int, layers: Sequence[Layer], jump: int) -> Iterator[Floats]:
    """Rows `start` to `stop` of an image through local layers, a band at a time.

    What the next band of a layer's outputs needs of this one's inputs is kept for it, so that nothing
    is computed twice.
    """
    high = max(1, BAND_PIXELS // x.shape[1] // (BAND_STEP * jump)) * BAND_STEP * jump
    steps = [layer.field(ReceptiveField()) for layer in layers]
    kept: list[Floats | None] = [None] * len(layers)
    skip = [0] * len(layers)  # rows before the next window, where windows lie apart
    for top in range(start, stop, high):
        h = x[top : min(top + high, stop)]
        for n, step in enumerate(steps):
            size, stride = step.size[0], int(step.jump[0])
            if (size, stride) != (1, 1):
                before = kept[n]
                h = h[skip[n] :] if before is None else np.concatenate([before, h[skip[n] :]])
                outputs = (len(h) - size) // stride + 1
                if outputs < 1 and top + high < stop:
                    kept[n], skip[n] = h, 0
                    break
                # A copy, so that the rest of the band need not stay.
                kept[n], skip[n] = h[outputs * stride :].copy(), max(0, outputs * stride - len(h))
            h = through_layer(layers, n, h)
        else:
            yield h
