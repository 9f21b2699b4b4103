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
from typing import Protocol, TypeAlias

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Pair, ReceptiveField
from waldo_cli.parallel import spread_workers, thread_count
from waldo_cli.stack.layers import Conv, Layer

# Input pixels per band. A band goes through all local layers before the next one starts, so that its
# activations stay in the processor's caches.
BAND_PIXELS = 1 << 19
# Bands are cut to a multiple of this many output rows. The fast method for 3 x 3 kernels computes 4 output
# rows at once, times the dilation: 16 rows are whole tiles for dilations 1, 2 and 4.
BAND_STEP = 16
# Input pixels per part.
PART_PIXELS = 1 << 21
# Float32 numbers that all threads together hold while they take parts through the layers: 2 GB. Where parts
# need more, fewer threads run.
BAND_FLOATS = 1 << 29

# A part of an image: number of the image, first output row, row after the last one.
Part: TypeAlias = tuple[int, int, int]


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
    shapes = [(x.shape[0], x.shape[1]) for x in images]
    parts, size, jump = _parts(shapes, layers)
    held = _floats_of_largest_part(shapes, layers, images[0].shape[2])
    outputs: dict[Part, list[Floats]] = {}
    whole = [_output(shape, layers, images[0].shape[2]) for shape in shapes]

    def work(part: Part) -> None:
        n, start, stop = part
        bands = _stream(images[n], start * jump, (stop - 1) * jump + size, layers, jump)
        target = whole[n]
        if target is None:  # the layers raise the error of an image that is too small
            outputs[part] = list(bands)
            return
        for band in bands:
            target[start : start + len(band)] = band
            start += len(band)

    # Largest parts first: a large part at the end would leave all cores but one without work.
    parts.sort(key=lambda p: (p[1] - p[2]) * images[p[0]].shape[1])
    spread_workers(lambda: work, parts, most=max(1, BAND_FLOATS // held))
    return [target for target in whole if target is not None]


def _output(shape: Pair, layers: Sequence[Layer], channels: int) -> Floats | None:
    """An array for the output of layers; None where the image is too small for them."""
    for layer in layers:
        shape, channels = layer.output_size(shape), layer.channels(channels)
        if min(shape) < 1:
            return None
    return np.empty((*shape, channels), np.float32)


def _parts(shapes: Sequence[Pair], layers: Sequence[Layer]) -> tuple[list[Part], int, int]:
    """The parts of images; rows of the receptive field of an output, and rows from one to the next."""
    field = ReceptiveField()
    for layer in layers:
        field = layer.field(field)
    size, jump = field.size[0], int(field.jump[0])
    pixels = [rows * cols for rows, cols in shapes]
    # At least two parts, whatever the number of cores.
    part_pixels = min(PART_PIXELS, -(-sum(pixels) // 2))
    parts: list[Part] = []
    for n, (high, _) in enumerate(shapes):
        # An image that is smaller than the field gets one part; the layer then raises the error.
        rows = max((high - size) // jump + 1, 1)
        # Each cut costs the height of a field, which is computed twice. A part is at least four times
        # as high, so that this is little of it.
        count = max(1, min(-(-pixels[n] // part_pixels), rows * jump // (4 * size)))
        part_rows = -(-rows // count)
        parts += [(n, i, min(i + part_rows, rows)) for i in range(0, rows, part_rows)]
    return parts, size, jump


def floats_in_bands(shapes: Sequence[Pair], layers: Sequence[Layer], channels: int) -> int:
    """Most numbers that `run_in_bands` holds at once, beside the complete outputs, on all threads."""
    held = _floats_of_largest_part(shapes, layers, channels)
    return max(held, min(BAND_FLOATS, held * thread_count()))


def _floats_of_largest_part(shapes: Sequence[Pair], layers: Sequence[Layer], channels: int) -> int:
    """Most numbers that `_stream` holds at once for a part of one of the images."""
    parts, size, jump = _parts(shapes, layers)
    sizes = {((stop - start - 1) * jump + size, shapes[n][1]) for n, start, stop in parts}
    return max(_floats_of_part(rows, cols, layers, channels, jump) for rows, cols in sizes)


def _floats_of_part(
    total: int, cols: int, layers: Sequence[Layer], channels: int, jump: int
) -> int:
    """Most numbers that `_stream`, which has the same loop, holds at once for so many rows."""
    rows = min(_band_rows(cols, jump), total)  # that come into a layer at a time
    most = (
        4 * (rows + 2) * cols * channels
    )  # rows of a level, before and after their margin is added
    kept = 0
    for layer in layers:
        window = layer.field(ReceptiveField())
        high, stride = window.size[0], int(window.jump[0])
        at_once = min(rows + high, total)
        if (high, stride) != (1, 1):
            kept += min(high + stride, total) * cols * channels
            most = max(most, kept + 2 * at_once * cols * channels)
        most = max(most, kept + layer.floats((at_once, cols), channels))
        rows, total = -(-rows // stride), max(1, (total - high) // stride + 1)
        cols, channels = layer.output_size((at_once, cols))[1], layer.channels(channels)
    return most


def _band_rows(cols: int, jump: int) -> int:
    return max(1, BAND_PIXELS // cols // (BAND_STEP * jump)) * BAND_STEP * jump


def _stream(x: Rows, start: int, stop: int, layers: Sequence[Layer], jump: int) -> Iterator[Floats]:
    """Run local layers on the rows `start` to `stop` of an image; yields the output band by band.

    The windows of the next band begin in the rows of this one. So each layer keeps its last input rows,
    and they are put before the rows that the next band brings.
    """
    band_rows = _band_rows(x.shape[1], jump)
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
