"""Run images through layers in bands of rows, so that memory depends on the band, not on the page.

Images are cut twice:

- `run_in_bands` cuts them into parts and spreads the parts over the cores. Parts are independent of each
  other: input rows that two neighbouring parts need are processed twice.
- `_stream` takes one part through all layers, one band of rows after the other. For each layer it keeps
  the input rows that the next band needs, so that within a part nothing is computed twice.

Only layers that are `local` can run in bands. `run_in_sequence` runs any layers on a whole image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import ReceptiveField
from waldo_cli.parallel import spread
from waldo_cli.stack.layers import Conv, Layer

# Input pixels per band. A band goes through all local layers before the next one starts, so that its
# activations stay in the processor's caches.
BAND_PIXELS = 1 << 20
# Bands are cut to a multiple of this many output rows. The fast method for 3 x 3 kernels computes 4 output
# rows at once, times the dilation: 16 rows are whole tiles for dilations 1, 2 and 4.
BAND_STEP = 16
# Input pixels per part.
PART_PIXELS = 1 << 21


class Rows(Protocol):
    """An image ``(H, W, C)`` that gives its rows on demand: an array, or one level of a pyramid."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns, channels."""

    def __getitem__(self, rows: slice, /) -> Floats:
        """A range of rows, with all columns."""


def run_in_sequence(x: Floats, layers: Sequence[Layer], first_number: int = 1) -> Floats:
    """Run all layers on `x`, one after the other; `first_number` is the first layer's for error messages."""
    for n in range(len(layers)):
        x = run_layer(layers, n, x, first_number)
    return x


def run_layer(layers: Sequence[Layer], n: int, x: Floats, first_number: int = 1) -> Floats:
    """Run ``layers[n]``; errors name it as layer ``first_number + n``."""
    layer = layers[n]
    if layer.op == "relu" and n and isinstance(layers[n - 1], Conv):
        # Safe in place: the convolution has just allocated this array.
        return np.maximum(x, np.float32(0), out=x)
    try:
        return layer.run(x)
    except InvalidInputError as e:
        raise type(e)(f"layer {first_number + n} ({layer}): {e.reason}") from None


def run_in_bands(images: Sequence[Rows], layers: Sequence[Layer]) -> list[Floats]:
    """Run local layers over parts of the images, the parts spread over the cores.

    Output row ``i`` of layers without padding depends on input rows ``i * jump`` to
    ``i * jump + size - 1`` only. So output rows ``start`` to ``stop - 1`` need the input rows
    ``start * jump`` to ``(stop - 1) * jump + size - 1``.
    """
    field = ReceptiveField()
    for layer in layers:
        field = layer.field(field)
    size, jump = field.size[0], int(field.jump[0])
    pixels = [x.shape[0] * x.shape[1] for x in images]
    # At least two parts, whatever the number of cores.
    part_pixels = min(PART_PIXELS, -(-sum(pixels) // 2))
    # Each part: index of the image, first output row, row after the last one.
    parts: list[tuple[int, int, int]] = []
    for n, x in enumerate(images):
        # An image that is smaller than the field gets one part; the layer then raises the error.
        rows = max((x.shape[0] - size) // jump + 1, 1)
        # Each cut costs the height of a field, which is computed twice. A part is at least four times
        # as high, so that this is little of it.
        count = max(1, min(-(-pixels[n] // part_pixels), rows * jump // (4 * size)))
        part_rows = -(-rows // count)
        parts += [(n, i, min(i + part_rows, rows)) for i in range(0, rows, part_rows)]
    outputs: dict[tuple[int, int, int], list[Floats]] = {}

    def work(part: tuple[int, int, int]) -> None:
        n, start, stop = part
        outputs[part] = list(
            _stream(images[n], start * jump, (stop - 1) * jump + size, layers, jump)
        )

    # Largest parts first: a large part at the end would leave all cores but one without work.
    spread(work, sorted(parts, key=lambda p: (p[1] - p[2]) * images[p[0]].shape[1]))
    bands_of_image: list[list[Floats]] = [[] for _ in images]
    for part in parts:
        bands_of_image[part[0]] += outputs.pop(part)
    return [np.concatenate(bands) if len(bands) > 1 else bands[0] for bands in bands_of_image]


def _stream(x: Rows, start: int, stop: int, layers: Sequence[Layer], jump: int) -> Iterator[Floats]:
    """Run local layers on the rows `start` to `stop` of an image; yields the output band by band.

    The windows of the next band begin in the rows of this one. So each layer keeps its last input rows,
    and they are put before the rows that the next band brings.
    """
    band_rows = max(1, BAND_PIXELS // x.shape[1] // (BAND_STEP * jump)) * BAND_STEP * jump
    windows = [layer.field(ReceptiveField()) for layer in layers]  # of each layer alone
    # For each layer: the input rows that its next windows need; or, where a stride is larger than a window,
    # how many rows to drop before the next window.
    kept: list[Floats | None] = [None] * len(layers)
    skip = [0] * len(layers)
    for top in range(start, stop, band_rows):
        h = x[top : min(top + band_rows, stop)]
        for n, window in enumerate(windows):
            size, stride = window.size[0], int(window.jump[0])
            if (size, stride) != (1, 1):
                previous = kept[n]
                h = h[skip[n] :] if previous is None else np.concatenate([previous, h[skip[n] :]])
                outputs = (len(h) - size) // stride + 1
                if outputs < 1 and top + band_rows < stop:
                    # Not enough rows for one window yet: wait for the next band. In the last band this is
                    # an error of an image that is too small, and the layer below raises it.
                    kept[n], skip[n] = h, 0
                    break
                # A copy: a view would keep the memory of the whole band.
                kept[n], skip[n] = h[outputs * stride :].copy(), max(0, outputs * stride - len(h))
            h = run_layer(layers, n, h)
        else:
            yield h
