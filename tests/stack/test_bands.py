"""Rows go through layers band by band, and nothing shows it."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import STACKS

from waldo_cli.errors import InvalidInputError
from waldo_cli.stack import bands
from waldo_cli.stack.layers import Conv, Layer, Pointwise, Pool
from waldo_cli.stack.stack import Stack


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("pixels", [1, 60, 150, 500])
def test_bands_give_the_numbers_of_the_whole(
    name: str, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(name, STACKS[name])
    x = np.random.default_rng(5).random((61, 17, 3), np.float32)
    whole = stack.run(x)
    monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
    np.testing.assert_allclose(stack.run(x), whole, rtol=1e-5, atol=1e-5)


def layers_at_random(rng: np.random.Generator) -> tuple[Layer, ...]:
    """Local layers, windows that overlap and windows with rows between them."""
    layers: list[Layer] = []
    channels = 3
    for kind in rng.integers(0, 4, rng.integers(1, 6)):
        (a, b), stride, dilation = (
            rng.integers(1, 5, 2),
            rng.integers(1, 5, 2),
            rng.integers(1, 4, 2),
        )
        if kind < 2:
            kernels = int(rng.integers(1, 5))
            V = rng.standard_normal((a, b, channels, kernels), np.float32)
            step, apart = (int(stride[0]), int(stride[1])), (int(dilation[0]), int(dilation[1]))
            layers.append(Conv(V, None, step, apart))
            channels = kernels
        elif kind == 2:
            layers.append(Pool("max-pool", (int(a), int(b)), (int(stride[0]), int(stride[1]))))
        else:
            layers.append(Pointwise("relu"))
    return tuple(layers)


@pytest.mark.parametrize("seed", range(60))
def test_any_bands_of_any_images_give_what_layer_after_layer_gives(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    stack = Stack("random", layers_at_random(rng))
    rows, cols = (int(n) for n in stack.receptive_field.size)
    monkeypatch.setattr(bands, "BAND_PIXELS", int(rng.choice([1, 300, 3000])))
    monkeypatch.setattr(bands, "BAND_STEP", int(rng.choice([1, 2, 16])))
    monkeypatch.setattr(bands, "PART_PIXELS", int(rng.choice([500, 4000, 1 << 17])))
    more = [(0, 0), (1, 0), (int(rng.integers(200)), int(rng.integers(30)))]
    images = [rng.standard_normal((rows + r, cols + c, 3), np.float32) for r, c in more]
    for found, x in zip(stack.run_each(images), [x.copy() for x in images], strict=True):
        for layer in stack.layers:
            x = layer.run(x)
        assert found.shape == x.shape
        np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-4 * max(1, np.abs(x).max()))
    if rows > 1:
        with pytest.raises(InvalidInputError):
            stack.run_each([images[0], images[1][: rows - 1]])
