"""Pages and patches of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.detector.pyramid import cut
from waldo_cli.training.data import (
    TrainingPage,
    cut_patch,
    folds_by_artwork,
    painted_over,
    random_spots,
)


def test_a_patch_shows_what_detect_cuts(pages: list[TrainingPage]) -> None:
    pixels = pages[0].pixels
    for spot in ((69.0, 52.0, 24.0), (2.0, 3.0, 40.0), (290.5, 215.25, 17.0)):
        patch = cut_patch(pixels, spot, 24.0, side=77)
        zoom = 24.0 / spot[2]
        expected = cut(pixels.astype(np.float32) / 255, spot[:2], zoom, (77, 77)) * 255
        np.testing.assert_allclose(patch, expected, atol=1.5)


def test_scans_of_an_artwork_share_a_fold_and_folds_are_of_like_size(
    pages: list[TrainingPage],
) -> None:
    many = [replace(p, artwork=f"{p.artwork}-{i}") for i in range(5) for p in pages]
    folds = folds_by_artwork(many, 5, seed=1)
    assert set(folds) == {p.artwork for p in many}
    assert [list(folds.values()).count(k) for k in range(5)] == [2] * 5
    assert folds == folds_by_artwork(many[::-1], 5, seed=1)


def test_random_spots_keep_away_from_everybody(pages: list[TrainingPage]) -> None:
    for spot in random_spots(pages[0], 30, np.random.default_rng(0)):
        assert pages[0].is_clear(spot, 2.5)


def test_painting_over_takes_waldo_and_nobody_else(pages: list[TrainingPage]) -> None:
    page = pages[0]
    painted = painted_over(page)
    waldo, wenda = page.heads[0], page.heads[1]
    there = (slice(int(waldo.top), int(waldo.bottom)), slice(int(waldo.left), int(waldo.right)))
    red = np.array([220, 20, 20])
    assert (page.pixels[there] == red).all()
    assert not (painted.pixels[there] == red).all(axis=2).any()
    there = (slice(int(wenda.top), int(wenda.bottom)), slice(int(wenda.left), int(wenda.right)))
    assert (painted.pixels[there] == page.pixels[there]).all()
    assert [h.label for h in painted.heads] == [1, 4]
