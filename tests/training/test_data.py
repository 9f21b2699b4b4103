"""Pages and patches of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.detector.pyramid import cut
from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import refuse
from waldo_cli.geometry import Size
from waldo_cli.training.data import (
    NOBODY,
    Head,
    TrainingPage,
    cut_patch,
    folds_by_artwork,
    painted_over,
    random_spots,
)
from waldo_cli.training.network import Classes
from waldo_cli.training.parts import Sources


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
    painted = painted_over(page, figures=True)
    assert painted is not None
    waldo, wenda = page.heads[0], page.heads[1]
    there = (slice(int(waldo.top), int(waldo.bottom)), slice(int(waldo.left), int(waldo.right)))
    red = np.array([220, 20, 20])
    assert (page.pixels[there] == red).all()
    assert not (painted.pixels[there] == red).all(axis=2).any()
    there = (slice(int(wenda.top), int(wenda.bottom)), slice(int(wenda.left), int(wenda.right)))
    assert (painted.pixels[there] == page.pixels[there]).all()
    assert [h.label for h in painted.heads] == [1, NOBODY]


def test_a_page_that_is_all_waldo_is_not_painted_over() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    assert painted_over(TrainingPage("a", "a", "page", pixels, (Head(0, 2, 2, 38, 38),))) is None


def write(folder: Path, *rows: str) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (80, 60), "white").save(folder / name)
    path = folder / "truth.csv"
    path.write_text("filename,width,height,class,xmin,ymin,xmax,ymax\n" + "\n".join(rows) + "\n")
    return path


def read(
    folder: Path, truth: Path, others: Path | None = None, **options: Any
) -> tuple[Classes, list[TrainingPage]]:
    classes, pages, _ = Sources(folder, truth, others=others, **options).read(refuse)
    return classes, pages


def test_a_truth_of_another_size_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png,80,60,waldo,1,1,9,11", "b.png,81,60,waldo,1,1,9,11")
    with pytest.raises(InvalidInputError, match="the truth says 81x60, the file is 80x60"):
        read(tmp_path, path)


def test_a_page_that_cannot_be_used_is_told_and_the_others_are_learned_from(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png,80,60,waldo,1,1,9,11", "b.png,81,60,waldo,1,1,9,11")
    Image.new("RGB", (80, 60)).save(tmp_path / "c.png")
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (labels / "c.txt").write_text("0 4.5 0.5 0.1 0.1\n")
    for truth, faults in (
        (path, ["b.png: the truth says 81x60, the file is 80x60"]),
        (labels, ["box 356,27 to 364,33 lies outside", "c.png: no box of its truth lies on it"]),
    ):
        told: list[WaldoError] = []
        _, pages, _ = Sources(tmp_path, truth).read(told.append)
        assert [p.name for p in pages] == ["a.png"]
        assert len(told) == len(faults)
        for error, said in zip(told, faults, strict=True):
            assert said in str(error)


def test_a_page_of_which_the_sought_box_is_lost_is_not_learned_as_one_without(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path,
        "a.png,80,60,waldo,1,1,9,11",
        "b.png,80,60,wenda,1,1,9,11",
        "b.png,80,60,waldo,x,1,9,11",
    )
    told: list[WaldoError] = []
    for label, names in (("waldo", ["a.png"]), ("wenda", ["b.png", "a.png"])):
        _, pages, _ = Sources(tmp_path, path, label).read(told.append)
        assert [p.name for p in pages] == names
    assert len(told) == 3


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
    classes, (page,) = read(tmp_path, tmp_path / "truth.json")
    assert classes.names == ("waldo",)
    assert [h.left for h in page.heads] == [40]
    assert page.ignored == ((1, 1, 9, 11), (1, 1, 9, 11))
    assert not page.is_clear((5, 5, 8), 1)


def test_the_classes_their_shape_and_sizes_come_from_the_truth(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a.png,80,60,icon,1,1,25,13",
        "a.png,80,60,logo,30,1,54,13",
        "a.png,80,60,lookalike,1,20,25,32",
        "b.png,80,60,logo_icon,1,1,9,9",
    )
    with pytest.raises(
        InvalidInputError, match="boxes of icon, logo: choose the one that is sought by --label"
    ):
        read(tmp_path, path)
    classes, (first, second) = read(tmp_path, path, label="logo")
    assert (classes.names, classes.labels) == (("logo", "icon"), ("logo", "icon", "nothing"))
    assert classes.shape == 2
    assert classes.proposal_view.size == Size(10, 20)
    assert [h.label for h in first.heads] == [1, 0, NOBODY]
    assert first.heads[0].height == 12
    assert (second.kind, second.ignored) == ("without", ((1, 1, 9, 9),))
    low, high, _ = classes.scales
    assert low <= 12 / 10 < 2 * 12 / 10 <= high * 2**0.25


def test_pages_cut_short_and_large_ones_are_read_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png,80,60,logo,1,1,25,13", "b.png,80,60,logo,1,1,25,13")
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:-3000])
    told: list[WaldoError] = []
    for options, count in (({}, 1), ({"allow_truncated": True}, 2)):
        _, pages, _ = Sources(tmp_path, path, **options).read(told.append)
        assert len(pages) == count
    assert [("--allow-truncated" in str(e)) for e in told] == [True]
    with pytest.raises(WaldoError, match="--max-pixels"):
        read(tmp_path, path, max_pixels=4000)
    assert len(read(tmp_path, path, max_pixels=4800, allow_truncated=True)[1]) == 2


def test_what_is_no_picture_among_further_pages_is_said(tmp_path: Path) -> None:
    truth = write(tmp_path, "a.png,80,60,logo,1,1,25,13")
    more = tmp_path / "more"
    more.mkdir()
    Image.new("RGB", (80, 60)).save(more / "b.png")
    (more / "film.mp4").touch()
    said: list[str] = []
    _, pages, _ = Sources(tmp_path, truth, without=(more,)).read(refuse, said.append)
    assert (len(pages), said) == (2, ["1 file not looked at: 1 MP4"])


def test_a_column_kind_with_other_words_leaves_pages_what_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png,80,60,waldo,1,1,9,11,photo", "b.png,80,60,,,,,,Picture")
    text = path.read_text()
    path.write_text(text.replace("ymax\n", "ymax,kind\n"))
    assert [p.kind for p in read(tmp_path, path)[1]] == ["page", "picture"]
    path.write_text(path.read_text().replace("photo", "phone photo").replace("Picture", "?"))
    assert [p.kind for p in read(tmp_path, path)[1]] == ["phone photo", "without"]


def test_the_only_class_is_sought(tmp_path: Path) -> None:
    assert read(tmp_path, write(tmp_path, "a.png,80,60,logo,1,1,25,13"))[0].names == ("logo",)


@pytest.mark.parametrize("shape", [0.25, 0.5, 0.8, 1.0, 1.5, 2.0, 4.0])
def test_views_have_the_shape_of_the_object_and_whole_pixels(shape: float) -> None:
    classes = Classes(("a",), shape)
    size = classes.proposal_view.size
    assert size.cols / size.rows == pytest.approx(shape, rel=0.07)
    assert 100 < size.rows * size.cols < 350
    for zoom, view in zip((1.5, 1.75), classes.closer_views.values(), strict=True):
        assert view.size.cols == zoom * size.cols


def test_boxes_of_others_replace_those_of_the_truth_where_there_are_some(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a.png,80,60,waldo,1,1,9,11",
        "a.png,80,60,lookalike,40,20,48,30",
        "b.png,80,60,wenda,20,20,28,30",
    )
    others = tmp_path / "others.csv"
    others.write_text(
        "filename,class,xmin,ymin,xmax,ymax\na.png,lookalike,41,20,49,30\na.png,lookalike,60,40,68,50\n"
    )
    classes, (first, second) = read(tmp_path, path, others)
    assert [(h.label, h.left) for h in first.heads] == [(0, 1), (NOBODY, 41), (NOBODY, 60)]
    assert [(h.label, h.left) for h in second.heads] == [(1, 20)]
    assert classes.names == ("waldo", "wenda")
