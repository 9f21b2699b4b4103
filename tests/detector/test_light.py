"""Pages under a lamp or in a shadow, shown to a stack as if they lay in even, white light."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from waldo_cli import Stack, detect
from waldo_cli.detector.light import MOST_GAIN, WHITE, as_shown, lit
from waldo_cli.detector.pyramid import cut, levels
from waldo_cli.errors import StackError
from waldo_cli.geometry import Size
from waldo_cli.images.reduced import ReducedImage
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.layers import Combine, MaskLayer

SAMPLES = Path(__file__).resolve().parents[2] / "sample_images"

PLAIN = Stack("plain", (Combine("max"),), object=Size(1, 1), even_light=True)


def page(height: int = 300, width: int = 400, seed: int = 0) -> np.ndarray:
    """White paper with blots of all colours, which cover less than half of it."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 0.98, np.float32)
    for _ in range(60):
        y, x = rng.integers(0, (height, width))
        pixels[y : y + 30, x : x + 20] = rng.random(3) * 0.9
    return pixels


def slope(height: int, width: int, low: float) -> np.ndarray:
    """Light that falls off from 1 at the left to `low` at the right, ``(H, W, 1)``."""
    return np.broadcast_to(
        np.linspace(1, low, width, dtype=np.float32)[:, None], (height, width, 1)
    )


def level_of(image: np.ndarray) -> np.ndarray:
    """An image at its own size, in even light."""
    ((_, level),) = levels(lit(image), [1.0])
    return level[:]


LAMPS = [(0.9, 0.9, 0.9), (0.95, 0.85, 0.72), (0.7, 0.7, 0.75)]


@pytest.mark.parametrize("lamp", LAMPS)
def test_a_page_looks_alike_under_any_lamp(lamp: tuple[float, float, float]) -> None:
    white = page()
    paper = WHITE / 0.98
    np.testing.assert_allclose(level_of(white * np.float32(lamp)), white * paper, atol=0.01)


@pytest.mark.parametrize("lamp", LAMPS)
@pytest.mark.parametrize("low", [0.85, 0.7])
def test_light_that_falls_off_is_evened_for_the_most_part(
    lamp: tuple[float, float, float], low: float
) -> None:
    """The brightest paper around counts, so that a little of the fall stays."""
    white = page()
    there = level_of(white * slope(*white.shape[:2], low) * np.float32(lamp))
    error = np.abs(there / (white * WHITE / 0.98) - 1)
    assert error.max() < 0.6 * (1 - low)
    assert error.mean() < 0.25 * (1 - low)


def test_a_page_in_white_light_stays_as_it_is() -> None:
    image = page()
    assert as_shown(PLAIN, image) is image
    darker = image * np.float32(0.8)
    assert as_shown(PLAIN, darker) is not darker
    assert as_shown(replace(PLAIN, even_light=False), darker) is darker


def test_what_is_dark_altogether_becomes_no_more_than_twice_as_bright() -> None:
    night = np.random.default_rng(0).random((200, 300, 3)).astype(np.float32) * np.float32(0.05)
    np.testing.assert_allclose(level_of(night), night * np.float32(MOST_GAIN), rtol=1e-5)


def test_nothing_becomes_darker_or_brighter_than_white() -> None:
    image = page() * slope(300, 400, 0.4)
    evened = level_of(image)
    assert (evened >= image - 1e-6).all()
    assert evened.max() <= 1


def test_the_image_itself_is_not_changed() -> None:
    image = page() * np.float32(0.5)
    before = image.copy()
    level_of(image)
    cut(lit(image), (100.0, 80.0), 1.0, (40, 40))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("scale", [1.0, 0.6, 0.2, 1.7])
def test_rows_of_a_level_are_those_of_the_whole(scale: float) -> None:
    ((_, level),) = levels(lit(page() * slope(300, 400, 0.4)), [scale])
    whole = level[:]
    for rows in (slice(0, 7), slice(20, 59), slice(len(whole) - 5, len(whole))):
        np.testing.assert_allclose(level[rows], whole[rows], atol=1e-6)


def test_a_cut_is_lit_as_the_level_is() -> None:
    image = page() * slope(300, 400, 0.4)
    piece = cut(lit(image), (200.0, 150.0), 1.0, (60, 80))
    np.testing.assert_allclose(piece, level_of(image)[120:180, 160:240], atol=1e-5)


def test_bytes_are_lit_as_floats_are() -> None:
    image = np.rint(page() * slope(300, 400, 0.5) * 255).astype(np.uint8)
    np.testing.assert_array_equal(
        level_of(image), level_of(image.astype(np.float32) / np.float32(255))
    )


def test_a_reduced_image_is_lit_as_the_whole_is() -> None:
    whole = np.rint(page(600, 800) * slope(600, 800, 0.4) * 255).astype(np.uint8)
    half = np.asarray(Image.fromarray(whole).resize((400, 300), Image.Resampling.BOX))
    reduced = ReducedImage(half, 2, Size(600, 800), (0, 0), lambda: whole)
    ((_, one),) = levels(lit(reduced), [0.25])
    ((_, other),) = levels(lit(whole), [0.25])
    np.testing.assert_allclose(one[:], other[:], atol=0.06)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_images_of_any_size_are_lit(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width, 3), np.float32)
    evened = level_of(image)
    assert evened.shape == image.shape
    assert np.isfinite(evened).all()
    assert evened.max() <= 1


def test_a_turned_page_is_lit_alike() -> None:
    """Exactly where whole blocks fill it; else the first row of blocks lies elsewhere in it."""
    for height, width, most in ((360, 480, 1e-5), (301, 401, 0.03)):
        image = page(height, width) * slope(height, width, 0.6)
        turned = np.ascontiguousarray(np.rot90(image))
        np.testing.assert_allclose(np.rot90(level_of(image)), level_of(turned), atol=most)


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (5, 10_000), (2000, 1)])
def test_long_thin_images_are_lit(size: tuple[int, int]) -> None:
    np.testing.assert_allclose(level_of(np.full((*size, 3), 0.5, np.float32)), WHITE, rtol=1e-5)


def test_paper_becomes_white_and_what_is_whiter_stays() -> None:
    grey = np.full((100, 100, 3), 0.5, np.float32)
    np.testing.assert_allclose(level_of(grey), WHITE, rtol=1e-5)
    np.testing.assert_array_equal(level_of(np.ones((50, 70, 3), np.float32)), 1)


def test_a_mask_is_compared_with_the_pixels_as_they_are() -> None:
    with pytest.raises(StackError, match="even_light: goes without a mask layer"):
        Stack("m", (MaskLayer("ncc"),), even_light=True)


def test_waldo_is_found_in_a_shadow() -> None:
    """A tenth of the light is left where he stands; without evening it he is lost."""
    with Image.open(SAMPLES / "town.png") as picture:
        town = np.asarray(picture.convert("RGB"))
    light = np.ones((*town.shape[:2], 1), np.float32)
    light[:, 1000:] = 0.1
    shadow = np.rint(town * light * np.array([1, 0.9, 0.7], np.float32)).astype(np.uint8)
    stack = load_stack("waldo")
    assert stack.even_light
    (found,) = detect(shadow, stack=stack).detections
    assert np.hypot(found.x - 1795.5, found.y - 1380) < 5
    assert not detect(shadow, stack=replace(stack, even_light=False)).detections
