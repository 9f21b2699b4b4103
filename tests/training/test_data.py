"""Pages and patches of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.detector.pyramid import cut
from waldo_cli.errors import InvalidInputError
from waldo_cli.training import data
from waldo_cli.training.data import (
    Head,
    TrainingPage,
    cut_patch,
    folds_by_artwork,
    painted_over,
    random_spots,
    read_pages,
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


def test_a_page_that_is_all_waldo_is_not_painted_over() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    assert painted_over(TrainingPage("a", "a", "page", pixels, (Head(0, 2, 2, 38, 38),))) is None


def write(folder: Path, *rows: str) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (80, 60), "white").save(folder / name)
    path = folder / "truth.csv"
    path.write_text("filename,width,height,class,xmin,ymin,xmax,ymax\n" + "\n".join(rows) + "\n")
    return path


def test_a_truth_of_another_size_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png,80,60,waldo,1,1,9,11", "b.png,81,60,waldo,1,1,9,11")
    with pytest.raises(InvalidInputError, match="the truth says 81x60, the file is 80x60"):
        read_pages(tmp_path, path)


def test_what_a_truth_sets_aside_is_not_learned(tmp_path: Path) -> None:
    box = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 10]}
    root = {
        "images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "waldo"}, {"id": 2, "name": "ignore"}],
        "annotations": [
            box | {"bbox": [40, 20, 8, 10]}, box | {"iscrowd": 1}, box | {"category_id": 2},
        ],
    }  # fmt: skip
    write(tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps(root))
    (page,) = read_pages(tmp_path, tmp_path / "truth.json")
    assert [h.left for h in page.heads] == [40]
    assert page.ignored == ((1, 1, 9, 11), (1, 1, 9, 11))
    assert not page.is_clear((5, 5, 8), 1)


def test_a_look_alike_in_both_truths_is_learned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "a.png,80,60,waldo,1,1,9,11", "a.png,80,60,lookalike,40,20,48,30")
    by_eye = tmp_path / "eye.csv"
    by_eye.write_text(
        "filename,class,xmin,ymin,xmax,ymax\na.png,lookalike,41,20,49,30\na.png,lookalike,60,40,68,50\n"
    )
    monkeypatch.setattr(data, "HEADS_BY_EYE", by_eye)
    (page,) = read_pages(tmp_path, path)
    assert [(h.label, h.left) for h in page.heads] == [(0, 1), (4, 40), (4, 60)]
