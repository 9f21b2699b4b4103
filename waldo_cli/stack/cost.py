"""What it takes to run a stack on an image: memory and time, counted from sizes alone, before it runs.

Memory is counted in float32 numbers. Every layer knows how many it holds at once for one input
(`Layer.floats`): its input, its output, and what lies between. Here comes to it what is held around the
layers: bands of rows, outputs of other scales, cuts of closer looks, maps. Counts are upper bounds;
`tests/stack/test_cost.py` measures the peaks of random stacks against them.

Time is what the layers expect of one core (`Layer.seconds`). Where little memory or another processor is
behind it, it may well be twice as long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from waldo_cli.geometry import Pair
from waldo_cli.parallel import thread_count
from waldo_cli.stack.bands import floats_in_bands

if TYPE_CHECKING:
    from waldo_cli.stack.layers import Layer
    from waldo_cli.stack.stack import Look, Stack

#: Most float32 numbers that a stack may hold of one image at once, beside the image: 4 GB.
MAX_FLOATS = 2**30
# Counted for every stack: buffers of the methods, spectra of kernels, and what is small, such as the sample
# of pixels by which the light is measured.
_BUFFERS = 2**26
# The cuts that a closer look takes in one call hold so many numbers, one cut where it alone holds more; and
# so many threads run that all calls at once hold so many.
_CALL_FLOATS, _CALLS_FLOATS = 2**26, 2**28
# So many rows of a cut are made at a time, of all that these see of the image, and so many columns by one
# matrix product. It is more than for a whole level: a cut is small, so the calls of Python weigh more.
OUTPUTS_OF_CUT = 40
# The light is measured in so many blocks along the longer side of an image. Rows of a level are brought into
# even light so many at a time, so that their factors take little memory.
LIGHT_BLOCKS, ROWS_LIT = 24, 16
# Cuts that go through a look in one call, where memory allows: enough to make a call worthwhile, few enough
# that their activations stay in the cache.
CUTS_PER_CALL = 6


class Cost(NamedTuple):
    """What a stack takes for one image at all its scales.

    Attributes
    ----------
    floats
        Most float32 numbers that are held at once, beside the image.
    seconds
        Of one core.
    """

    floats: int
    seconds: float


def cost(
    stack: Stack, image: Pair, levels: Sequence[Pair], *, weighed: bool = False, factor: int = 1
) -> Cost:
    """What a stack takes for an image.

    Parameters
    ----------
    stack
        With its masks in it.
    image
        Rows and columns.
    levels
        Rows and columns at each scale, margins included.
    weighed
        Whether a prior will weigh the maps.
    factor
        By how much the image was reduced while it was read. The map over such an image is not counted: it is
        made row by row.
    """
    local = stack.layers[: stack.local_count]
    rest = stack.layers[stack.local_count :]
    channels = stack.channels()
    pixels = image[0] * image[1]
    sizes = [[level, *stack.sizes(level)] for level in levels]
    # Outputs of the local layers, which are computed for all scales first; and of the last layer.
    waiting = [_area(s[len(local)]) * channels[len(local)] if local else 0 for s in sizes]
    outputs = [_area(s[-1]) * channels[-1] for s in sizes]
    most = sum(waiting) + floats_in_bands(levels, local, channels[0]) if local else 0
    for n, size in enumerate(sizes if rest else ()):
        held = sum(waiting[n:]) + sum(outputs[:n])
        most = max(most, held + _floats_in_sequence(rest, size[len(local)], channels[len(local)]))
    # Then the maps: those of all scales, merged where they have several channels, and weighed by a prior one
    # by one; the map over the image, and maps that are interpolated on the way to it.
    merged = [_area(s[-1]) for s in sizes]
    maps = sum(outputs) + sum(merged) * (channels[-1] > 1)
    below = max((n for n in merged if n <= pixels), default=0)
    most = max(most, maps + pixels * (factor == 1) + 5 * below)
    if weighed:
        most = max(
            most, 3 * pixels + sum(outputs) + 4 * max(outputs), maps + sum(merged) + 5 * pixels
        )
    for look in stack.looks:
        most = max(
            most,
            sum(outputs) + 2 * sum(merged) + _floats_of_cuts(look, stack, image, levels, factor),
        )
    # Copies of what was read that are halved for small scales, and the weights that make rows and columns of
    # its levels; and the numbers of the layers, turned into what the methods want.
    around = pixels // factor**2 + sum(700 * cols + 100 * rows for rows, cols in levels)
    if stack.even_light:
        # Factors of the columns for each level: three colours in each row of blocks. On each thread what they
        # are made of, or those of some rows.
        factors = 3 * LIGHT_BLOCKS
        around += sum(factors * cols for _, cols in levels)
        around += thread_count() * (2 * factors + 6 + 7 * ROWS_LIT) * max(c for _, c in levels)
    numbers = stack.parameters + sum(look.stack.parameters for look in stack.looks)
    seconds = sum(_seconds_in_sequence(stack, level) for level in levels)
    for look, count in stack.cuts():
        seconds += count * _seconds_in_sequence(look.stack, look.stack.receptive_field.size)
    return Cost(most + around + 16 * numbers + _BUFFERS, seconds)


def cuts_per_call(look: Look) -> int:
    """How many cuts go through the layers of a look in one call."""
    return max(1, min(CUTS_PER_CALL, _CALL_FLOATS // _floats_of_one_cut(look.stack)))


def calls_at_once(look: Look) -> int:
    """How many threads may make such calls at once."""
    return max(1, _CALLS_FLOATS // (cuts_per_call(look) * _floats_of_one_cut(look.stack)))


def _floats_of_one_cut(stack: Stack) -> int:
    size = stack.receptive_field.size
    cut = _area(size) * stack.input_channels
    return 3 * cut + _floats_in_sequence(stack.layers, size, stack.input_channels)


def _floats_of_cuts(
    look: Look, stack: Stack, image: Pair, levels: Sequence[Pair], factor: int
) -> int:
    """Most numbers held while a look makes its cuts and runs on them, on all threads."""
    rows, cols = look.stack.receptive_field.size
    # The cut that sees most of the image, at the smallest scale of all.
    smallest = min(level[1] for level in levels) / image[1]
    zoom = smallest * look.size.cols / stack.object_size.cols * min(look.scales) * factor
    reach = 2 * (math.ceil(max(1.0, 1 / zoom)) + 1)
    high, wide = (math.ceil(n / zoom) + reach + 1 for n in (min(rows, OUTPUTS_OF_CUT), cols))
    # What some of its rows see (twice, as it may reach beyond the image), half of it resized, the filters.
    step = max(1.0, 1 / zoom)
    making = 2 * high * wide * 3 + high * 3 * cols + int((rows + cols) * (52 * step + 300))
    running = cuts_per_call(look) * _floats_of_one_cut(look.stack)
    return min(thread_count(), calls_at_once(look)) * (making + running)


def _floats_in_sequence(layers: Sequence[Layer], size: Pair, channels: int) -> int:
    """Most numbers held at once while layers run one after the other on a whole image."""
    most = _area(size) * channels
    for layer in layers:
        most = max(most, layer.floats(size, channels))
        size, channels = layer.output_size(size), layer.channels(channels)
    return most


def _seconds_in_sequence(stack: Stack, size: Pair) -> float:
    seconds = 0.0
    for layer, channels in zip(stack.layers, stack.channels(), strict=False):
        if min(size) >= 1:
            seconds += layer.seconds(size, channels)
        size = layer.output_size(size)
    return seconds


def _area(size: Pair) -> int:
    return max(0, size[0]) * max(0, size[1])
