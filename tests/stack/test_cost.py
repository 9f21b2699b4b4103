"""What a stack takes is counted before it runs: random stacks never hold more than their count."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from stacks import kernel

from waldo_cli.detector.detect import detect, detect_with
from waldo_cli.detector.maps import cost_of
from waldo_cli.detector.search import Search
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Size
from waldo_cli.images.reduced import ReducedImage
from waldo_cli.parallel import at_most
from waldo_cli.stack import bands
from waldo_cli.stack.cost import CUTS_PER_CALL, cuts_per_call
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.layers import (
    Combine,
    Conv,
    Layer,
    MaskLayer,
    Normalize,
    Pointwise,
    Pool,
    Upsample,
)
from waldo_cli.stack.stack import BoxLook, CloserLook, Mask, Stack

SOFTMAX = Pointwise("softmax")


def layer(rng: np.random.Generator, channels: int) -> Layer:
    """Any layer but a mask layer, with small weights."""
    rows, cols, stride, factor = map(int, rng.integers(1, [6, 6, 4, 4]))
    kinds = ["conv", "conv", "grouped", "pointwise", "pool", "normalize", "upsample", "combine"]
    kind = rng.choice(kinds)
    if kind == "conv":
        out = int(rng.choice([1, 4, 16, 32]))
        return Conv(
            kernel(rows, cols, channels, out) / 100,
            stride=(stride, int(rng.integers(1, 3))),
            dilation=(int(rng.choice([1, 1, 2, 9])), int(rng.choice([1, 1, 3]))),
            padding=str(rng.choice(["valid", "valid", "edge", "zero", "reflect"])),
        )
    if kind == "grouped":
        return Conv(kernel(rows, cols, 1, 2 * channels) / 100, groups=channels, padding="edge")
    if kind == "pointwise":
        ops = ["relu", "leaky-relu", "sigmoid", "tanh", "abs", "softmax"]
        return Pointwise(str(rng.choice(ops)))
    if kind == "pool":
        op = str(rng.choice(["max-pool", "mean-pool"]))
        return Pool(op, (rows, cols), (stride, int(rng.integers(1, 3))))
    if kind == "normalize":
        return Normalize((2 * rows + 1, 2 * cols + 1))
    if kind == "upsample":
        return Upsample(min(factor, 2))
    return Combine(str(rng.choice(["max", "mean", "sum"])))


def layers(rng: np.random.Generator, most: int) -> tuple[Layer, ...]:
    """Some layers whose activations stay few enough for a test."""
    chosen: list[Layer] = []
    channels, size = 3, (300, 300)
    for _ in range(int(rng.integers(1, 7))):
        new = layer(rng, channels)
        out, after = new.channels(channels), new.output_size(size)
        if min(after) >= 12 and after[0] * after[1] * out <= most:
            chosen.append(new)
            channels, size = out, after
    return tuple(chosen) or (Pointwise("relu"),)


def box_look(rng: np.random.Generator) -> BoxLook:
    side, between, size = map(int, rng.integers([1, 1, 4], [60, 32, 60]))
    convs = Conv(kernel(side, side, 3, between) / 1000), Conv(kernel(9, 9, between, 4) / 1000)
    return BoxLook(Stack("random", convs), Size(size, size))


def stack(rng: np.random.Generator) -> Stack:
    """A random stack: with a mask layer, with a closer look, or with neither."""
    first = layers(rng, most=3_000_000)
    kind = rng.choice(["plain", "mask", "closer"])
    boundary = str(rng.choice(["edge", "none", "reflect"]))
    if kind == "mask":
        score = str(rng.choice(["ncc", "cosine", "raw"]))
        placeholder = Stack("random", (*first, MaskLayer(score)), boundary="none")
        try:
            return placeholder.with_masks([Mask("m", rng.random((40, 36, 3), np.float32))])
        except InvalidInputError:  # the windows of these layers are larger than the mask
            return stack(rng)
    made = Stack("random", (*first, Combine("max")), object=Size(9, 8), boundary=boundary)
    if kind == "plain":
        return made
    cut = layers(rng, most=20_000)
    local = tuple(one for one in cut if one.local)
    channels = 3
    for one in local:
        channels = one.channels(channels)
    look = Stack(
        "random", (*local, Conv(kernel(9, 9, channels, 2) / 100), SOFTMAX), labels=("a", "b")
    )
    size, count = Size(int(rng.integers(4, 60)), int(rng.integers(4, 60))), int(rng.integers(1, 40))
    return replace(
        made, closer_looks=(CloserLook(look, size, count, (1.0, 0.5), count // 2),), labels=()
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_random_stack_holds_more_than_its_count(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On small bands, so that much is kept between them, as it is on large images."""
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(bands, "BAND_PIXELS", int(rng.choice([1 << 12, 1 << 20])))
    monkeypatch.setattr(bands, "PART_PIXELS", 1 << 15)
    made = stack(rng)
    if not any(isinstance(one, MaskLayer) for one in made.layers):
        box = box_look(np.random.default_rng([seed, 1])) if seed % 2 else None
        made = replace(made, box_look=box, even_light=seed % 4 > 1)
    image = rng.random((*map(int, rng.integers(250, 500, 2)), 3), np.float32)
    image *= np.float32(0.6)  # so dark that its light is evened
    scales = tuple(sorted(rng.choice([0.2, 0.5, 0.8, 1.0, 1.5], 2, replace=False), reverse=True))
    where = rng.random(image.shape[:2], np.float32) if seed % 3 == 0 else None
    with at_most(1 + seed % 2):
        size = Size(*image.shape[:2])
        counted = cost_of(made, size, scales, weighed=where is not None).floats
        tracemalloc.start()
        try:
            detect(image, stack=made, scales=scales, threshold=-1e9, where=where)
        except (
            InvalidInputError
        ) as error:  # too small for this stack, or numbers that grew too large
            assert "too small" in error.reason or "NaN" in error.reason  # noqa: PT017
        finally:
            peak = tracemalloc.get_traced_memory()[1] / 4
            tracemalloc.stop()
    constant = 2**26  # the share for buffers, which so small images do not need
    assert peak <= counted - constant + 2**21, (repr(made), peak, counted - constant)


def test_a_closer_look_at_a_large_cut_takes_few_cuts_at_a_time() -> None:
    waldo = load_stack("waldo")
    assert {cuts_per_call(look) for look in waldo.looks} == {CUTS_PER_CALL}
    wide = Stack(
        "wide", (Conv(kernel(2, 2, 3, 2), dilation=(999, 999)), SOFTMAX), labels=("a", "b")
    )
    assert cuts_per_call(CloserLook(wide, Size(9, 9), 24, (1.0, 2.0))) < CUTS_PER_CALL


def test_a_closer_look_that_sees_more_than_memory_holds_is_refused() -> None:
    """Its cuts are 1.6 million pixels of a small image wide: edges, repeated."""
    wide = Stack(
        "wide", (Conv(kernel(2, 2, 3, 2), dilation=(3000, 3000)), SOFTMAX), labels=("a", "b")
    )
    first = Stack("small", (Combine("max"),), object=Size(500, 500), scales=(8.0,))
    made = replace(first, closer_looks=(CloserLook(wide, Size(1, 1), 1),), labels=())
    with pytest.raises(InvalidInputError, match=r"would hold .* GB of this 64x64 image"):
        detect(np.zeros((64, 64, 3), np.float32), stack=made)


@pytest.mark.parametrize("size", [(500, 800), (4000, 6000), (10_000, 20_000)])
def test_the_built_in_stack_fits_into_the_limit_at_every_size_that_is_opened(
    size: tuple[int, int],
) -> None:
    waldo = load_stack("waldo")
    scales = Search.of(waldo).scales_for(Size(*size))
    floats, seconds = cost_of(waldo, Size(*size), scales)
    assert floats < 2**30
    assert 0.05 < seconds < 120


def test_a_gigapixel_fits_into_the_limit_where_it_is_read_at_a_part_of_its_size() -> None:
    search, size = Search.of(), Size(31_250, 32_000)
    scales = search.scales_for(size)
    assert cost_of(search.stack, size, scales).floats > 2**30
    assert cost_of(search.stack, size, scales, factor=search.reduction(size)).floats < 2**30


def test_the_search_of_a_reduced_image_holds_no_more_than_its_count() -> None:
    search, size = Search.of(), Size(6500, 6500)
    image = ReducedImage(np.zeros((3250, 3250, 3), np.uint8), 2, size, (0, 0), lambda: image.pixels)
    assert search.reduction(size) == image.factor
    with at_most(1):
        counted = cost_of(search.stack, size, search.scales_for(size), factor=2).floats
        tracemalloc.start()
        result = detect_with(image, search, turn="none")
        peak = tracemalloc.get_traced_memory()[1] / 4
        tracemalloc.stop()
    assert peak <= counted - 2**26 + 2**21  # without the share for buffers
    assert (result.height, result.width) == size


def _seconds(one: Layer, x: np.ndarray) -> float:
    began = time.process_time()
    one.run(x)
    return time.process_time() - began


def test_the_time_of_a_layer_is_expected_within_some_factor() -> None:
    """Loosely: machines differ, and may be busy; of three runs the shortest counts."""
    rng = np.random.default_rng(0)
    x = rng.random((700, 700, 16), np.float32)
    for one in (
        Conv(kernel(5, 5, 16, 16)),
        Pool("max-pool", (7, 7), (1, 1)),
        Normalize((9, 9)),
        Pointwise("tanh"),
        Upsample(3),
    ):
        with at_most(1):
            one.run(x[:50])
            took = min(_seconds(one, x) for _ in range(3))
        expected = one.seconds((700, 700), 16)
        assert expected / 12 < took < expected * 12, (str(one), took, expected)
