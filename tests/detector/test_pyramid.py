"""Scales of an image, and cuts of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from waldo_cli.detector.pyramid import Level, cut, level_size, levels
from waldo_cli.geometry import Size


def picture(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def ramp(height: int, width: int) -> np.ndarray:
    """Channel 0 holds x, channel 1 holds y, continuous, at pixel centres."""
    y, x = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)
    return np.stack([x, y, np.zeros_like(x)], axis=2)


def test_scale_one_is_the_image_itself() -> None:
    image = picture()
    ((scale, level),) = levels(image, [1.0])
    assert scale == 1
    assert np.shares_memory(level[:], image)
    np.testing.assert_array_equal(level[:], image)


def test_levels_come_largest_first_with_rounded_sizes() -> None:
    got = [(s, level.shape) for s, level in levels(picture(), [0.3, 2.0, 0.7])]
    assert got == [(s, (*level_size(48, 64, s), 3)) for s in (2.0, 0.7, 0.3)]


def test_no_level_is_smaller_than_one_pixel() -> None:
    ((_, level),) = levels(picture(3, 100), [0.01])
    assert level.shape == (1, 1, 3)


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.3, 0.125])
def test_shrinking_averages_so_that_stripes_leave_no_alias(scale: float) -> None:
    stripes = np.zeros((96, 96, 3), np.float32)
    stripes[::2] = 1.0
    ((_, level),) = levels(stripes, [scale])
    inner = level[2:-2][:, 2:-2]
    assert abs(float(inner.mean()) - 0.5) < 0.05
    assert float(inner.std()) < 0.12


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.8, 1.3, 2.0])
def test_a_level_keeps_every_place_where_it_was(scale: float) -> None:
    height, width = 64, 96
    ((_, level),) = levels(ramp(height, width), [scale])
    expected = ramp(*level.shape[:2])
    expected[:, :, 0] *= width / level.shape[1]
    expected[:, :, 1] *= height / level.shape[0]
    margin = max(2, int(2 * scale))
    inner = (slice(margin, -margin), slice(margin, -margin))
    # Pillow's filter has whole taps: between them it may be off by a tenth of a pixel.
    np.testing.assert_allclose(level[:][inner], expected[inner], atol=0.1)
    np.testing.assert_allclose((level[:] - expected)[inner].mean(axis=(0, 1)), 0, atol=0.005)


def test_levels_by_way_of_a_level_equal_those_straight_from_the_image() -> None:
    image = ramp(256, 256) / 256
    ladder = [1.0, 0.5, 0.25, 0.125]
    for scale, level in levels(image, ladder):
        straight = Level(image, level_size(256, 256, scale))[:]
        np.testing.assert_allclose(level[2:-2][:, 2:-2], straight[2:-2, 2:-2], atol=0.01)


def test_brightness_is_kept_at_every_scale() -> None:
    for _, level in levels(np.full((40, 50, 3), 0.37, np.float32), [2.0, 1.0, 0.6, 0.2]):
        np.testing.assert_allclose(level[:], 0.37, atol=1e-6)


@pytest.mark.parametrize("boundary", ["edge", "reflect", "zero"])
@pytest.mark.parametrize("size", [Size(48, 64), Size(30, 40), Size(65, 85), Size(1, 5)])
def test_rows_on_demand_are_the_rows_of_the_padded_level(boundary: str, size: Size) -> None:
    image = picture()
    level = Level(image, size, ((11, 9), (5, 4)), boundary)
    mode = "constant" if boundary == "zero" else boundary
    whole = np.pad(Level(image, size)[:], ((11, 9), (5, 4), (0, 0)), mode=mode)
    assert level.shape == whole.shape
    rows = level.shape[0]
    for start, stop in ((0, rows), (0, 4), (3, 14), (12, 20), (rows - 3, rows)):
        np.testing.assert_allclose(level[start:stop], whole[start:stop], atol=1e-6)


def test_a_cut_at_scale_one_on_the_grid_is_a_slice() -> None:
    image = picture()
    piece = cut(image, (20.0, 30.0), 1.0, (8, 6))
    np.testing.assert_allclose(piece, image[26:34, 17:23], atol=1e-6)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
def test_a_cut_is_centred_on_the_point(scale: float) -> None:
    image = ramp(80, 80)
    piece = cut(image, (33.3, 41.7), scale, (9, 9))
    np.testing.assert_allclose(piece[4, 4, :2], (33.3, 41.7), atol=0.02)
    step = piece[4, 5, 0] - piece[4, 4, 0]
    assert float(step) == pytest.approx(1 / scale, abs=0.02)


def test_a_cut_past_the_edge_repeats_the_edge() -> None:
    image = picture()
    piece = cut(image, (0.5, 0.5), 1.0, (5, 5))
    np.testing.assert_allclose(piece[:3, :3], np.broadcast_to(image[0, 0], (3, 3, 3)), atol=1e-6)
    far = cut(image, (500.0, 500.0), 1.0, (3, 3))
    np.testing.assert_allclose(far, np.broadcast_to(image[-1, -1], (3, 3, 3)), atol=1e-6)


@pytest.mark.parametrize(
    "size", [Size(33, 91), Size(48, 64), Size(17, 30), Size(1, 1), Size(200, 5)]
)
def test_levels_and_cuts_are_what_pillow_makes_of_planes(size: Size) -> None:
    image = picture()

    def by_pillow(rows: int, cols: int, window: tuple[float, float, float, float]) -> np.ndarray:
        planes = (Image.fromarray(np.ascontiguousarray(image[:, :, c])) for c in range(3))
        made = (p.resize((cols, rows), Image.Resampling.BILINEAR, box=window) for p in planes)
        return np.stack([np.asarray(p) for p in made], axis=2)

    np.testing.assert_allclose(
        Level(image, size)[:], by_pillow(*size, (0, 0, 64, 48)), rtol=0, atol=1e-6
    )
    scale = 0.7
    window = (10.25, 9.5, 10.25 + 14 / scale, 9.5 + 11 / scale)
    center = ((window[0] + window[2]) / 2, (window[1] + window[3]) / 2)
    np.testing.assert_allclose(
        cut(image, center, scale, (11, 14)), by_pillow(11, 14, window), rtol=0, atol=1e-6
    )
