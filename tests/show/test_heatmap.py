"""The picture of the activations: aligned, readable on any page, its finds seen at a glance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waldo_cli import Box, Detection, detect, save_heatmap
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.show.heatmap import INFERNO, RING, Heatmap

PAGE = np.random.default_rng(0).random((90, 120, 3), np.float32)
COLD = np.zeros((90, 120), np.float32)


def hot(row: int, col: int) -> np.ndarray:
    activations = COLD.copy()
    activations[row, col] = 1
    return activations


def lightness(picture: np.ndarray) -> np.ndarray:
    return picture.astype(float) @ [0.299, 0.587, 0.114]


def found(x: float, y: float, size: int = 10) -> Detection:
    return Detection("waldo", x, y, 0.9, Box(int(x) - size // 2, int(y) - size // 2, size, size), 1)


def test_the_picture_has_the_size_of_the_image() -> None:
    picture = Heatmap(PAGE, COLD).whole()
    assert picture.shape == PAGE.shape
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(("row", "col"), [(0, 0), (30, 70), (89, 119)])
@pytest.mark.parametrize("paper", [0.0, 0.5, 1.0])
def test_the_brightest_pixel_is_the_largest_activation_on_any_paper(
    row: int, col: int, paper: float
) -> None:
    picture = lightness(Heatmap(np.full_like(PAGE, paper), hot(row, col)).whole())
    assert np.unravel_index(picture.argmax(), picture.shape) == (row, col)
    rest = np.delete(picture.ravel(), row * 120 + col)
    assert picture.max() > rest.max() + 100


def test_a_pale_page_stays_dimmer_than_warm_activations() -> None:
    activations = np.tile(np.linspace(-1, 1, 120, dtype=np.float32), (90, 1))
    picture = lightness(Heatmap(np.ones_like(PAGE), activations).whole())
    assert picture[:, 100:].min() > picture[:, :40].max()


def test_the_colours_grow_evenly_lighter() -> None:
    steps = np.diff(lightness(np.array(INFERNO)))
    assert (steps > 0).all()
    assert steps.max() < 4 * np.median(steps)


@pytest.mark.parametrize("activations", [COLD, COLD + 7, COLD - 1e30, 1e-38 * hot(3, 4)])
def test_activations_without_a_summit_show_the_dimmed_page(activations: np.ndarray) -> None:
    picture = Heatmap(PAGE, activations).whole()
    assert picture.max() <= 97
    grey = (PAGE @ np.float32([0.299, 0.587, 0.114])) * 96
    np.testing.assert_allclose(picture, np.repeat(grey[:, :, None], 3, axis=2), atol=1.5)


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e6])
def test_the_unit_of_the_activations_does_not_matter(gain: float) -> None:
    activations = np.random.default_rng(1).random((90, 120), np.float32)
    scaled = Heatmap(PAGE, (activations * np.float32(gain))).whole()
    plain = Heatmap(PAGE, activations).whole()
    # Rounding may move a pixel by one of 256 steps of colour.
    np.testing.assert_allclose(scaled.astype(int), plain.astype(int), atol=8)


@pytest.mark.parametrize(("x", "y"), [(60, 45), (0, 0), (119.9, 89.9), (3, 80)])
def test_a_find_is_ringed_and_keeps_the_colours_of_the_page_inside(x: float, y: float) -> None:
    plain = Heatmap(PAGE, COLD).whole()
    picture = Heatmap(PAGE, COLD, [found(x, y)]).whole()
    changed = (picture != plain).any(axis=2)
    assert changed[min(int(y), 89), min(int(x), 119)] or changed.any()
    rows, cols = np.nonzero(changed)
    reach = 11 + 4 * 1.5 + 2
    assert np.hypot(rows + 0.5 - y, cols + 0.5 - x).max() <= reach + 1
    ring = np.abs(picture.astype(int) - np.array(RING[2])).sum(axis=2) < 40
    assert ring.sum() > 10


def test_inside_the_ring_the_page_is_in_colour() -> None:
    picture = Heatmap(PAGE, COLD, [found(60, 45, size=16)]).whole()
    np.testing.assert_allclose(picture[43:47, 58:62], PAGE[43:47, 58:62] * 255, atol=1.5)


def test_of_two_finds_the_better_is_drawn_on_top() -> None:
    first, second = found(60, 45), found(66, 45)
    np.testing.assert_array_equal(
        Heatmap(PAGE, COLD, [first, second]).whole()[40:50, 55:64],
        Heatmap(PAGE, COLD, [first]).whole()[40:50, 55:64],
    )


def test_a_find_is_seen_in_a_thumbnail_of_a_large_page() -> None:
    page = np.full((1200, 2000, 3), 0.9, np.float32)
    picture = Heatmap(page, np.zeros((1200, 2000), np.float32), [found(1500, 300, 30)]).whole()
    small = np.asarray(Image.fromarray(picture).resize((200, 120), Image.Resampling.BOX))
    rows, cols = np.nonzero(lightness(small) > 150)
    assert len(rows) >= 12
    assert abs(rows.mean() - 30) < 2
    assert abs(cols.mean() - 150) < 2


def test_the_picture_shows_the_find_where_detect_says() -> None:
    mask = np.random.default_rng(3).random((11, 9, 3), np.float32)
    page = PAGE.copy()
    page[40:51, 70:79] = mask
    result = detect(page, masks=[mask], scales=1)
    picture = lightness(Heatmap(page, result.activations).whole())
    row, col = np.unravel_index(picture.argmax(), picture.shape)
    assert abs(int(row) + 0.5 - result.detections[0].y) <= 1
    assert abs(int(col) + 0.5 - result.detections[0].x) <= 1


def test_image_and_activations_must_be_of_one_size() -> None:
    with pytest.raises(InvalidInputError, match="must be of one size"):
        Heatmap(PAGE, COLD[1:]).whole()


def test_what_is_saved_is_what_is_rendered(tmp_path: Path) -> None:
    path = tmp_path / "page.heatmap.png"
    save_heatmap(path, PAGE, hot(3, 4), [found(60, 45)])
    with Image.open(path) as saved:
        assert saved.format == "PNG"
        np.testing.assert_array_equal(
            np.asarray(saved), Heatmap(PAGE, hot(3, 4), [found(60, 45)]).whole()
        )
    with pytest.raises(FileError, match="folder does not exist"):
        save_heatmap(tmp_path / "gone" / "page.png", PAGE, COLD)


def test_rows_made_one_band_at_a_time_are_those_of_the_whole_picture() -> None:
    heatmap = Heatmap(PAGE, hot(3, 4), [found(60, 45), found(20, 0)])
    whole = heatmap.whole()
    for rows in (slice(0, 7), slice(7, 50), slice(50, 51), slice(51, 90)):
        np.testing.assert_array_equal(heatmap[rows], whole[rows])


def test_a_picture_of_bytes_and_an_overlay_give_the_same_heatmap() -> None:
    pixels = (PAGE * 255).astype(np.uint8)
    result = detect(pixels, masks=[pixels[20:50, 30:60]], scales=1)
    floats = Heatmap(pixels / np.float32(255), result.activations, result.detections)
    np.testing.assert_array_equal(
        Heatmap(pixels, result.overlay, result.detections).whole(), floats.whole()
    )
