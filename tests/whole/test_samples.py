"""The sample scenes: pictures, truth and mask agree, and the script draws what is stored."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SAMPLES = Path(__file__).resolve().parents[2] / "sample_images"
sys.path.insert(0, str(SAMPLES / "scenes"))  # as Python does for the script itself

import draw  # noqa: E402

NAMES = [sample.filename for sample in draw.SAMPLES]


SCENES = {path.name for path in SAMPLES.glob("*.png")} - {"waldo.png"}


def truth() -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {}
    with (SAMPLES / "truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["filename"], []).append(row)
    return rows


def waldos(name: str) -> list[dict[str, str]]:
    return [row for row in truth()[name] if row["class"] == "waldo"]


def test_truth_names_every_picture_and_no_other() -> None:
    assert set(truth()) == set(NAMES) == SCENES


@pytest.mark.parametrize("name", NAMES)
def test_boxes_lie_inside_their_page(name: str) -> None:
    with Image.open(SAMPLES / name) as page:
        size = page.size
    for row in truth()[name]:
        xmin, ymin, xmax, ymax = (int(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
        assert (int(row["width"]), int(row["height"])) == size
        assert 0 <= xmin < xmax <= size[0]
        assert 0 <= ymin < ymax <= size[1]


def test_one_waldo_a_page_but_for_the_page_without_him() -> None:
    found = {name: len(waldos(name)) for name in NAMES}
    assert found == {name: int(name != "nobody.png") for name in NAMES}


def test_the_page_without_waldo_is_full_of_lookalikes() -> None:
    assert sum(row["class"] != "waldo" for row in truth()["nobody.png"]) >= 10


def test_the_edge_cuts_waldo_in_half() -> None:
    (row,) = waldos("edge.png")
    assert row["xmin"] == "0" or row["xmax"] == row["width"]
    seen = int(row["xmax"]) - int(row["xmin"])
    (whole,) = waldos("town.png")  # drawn at the same size
    assert 0.4 < seen / (int(whole["xmax"]) - int(whole["xmin"])) < 0.7


def test_heads_come_in_sizes_a_factor_of_two_and_more_apart() -> None:
    heights = [int(row["ymax"]) - int(row["ymin"]) for name in NAMES for row in waldos(name)]
    assert min(heights) < 18
    assert max(heights) > 40


@pytest.mark.parametrize("name", ["beach.png", "snow.png", "edge.png", "nobody.png"])
def test_drawing_again_gives_the_stored_picture_and_boxes(name: str) -> None:
    sample = next(sample for sample in draw.SAMPLES if sample.filename == name)
    page, boxes = sample.draw()
    with Image.open(SAMPLES / name) as stored:
        error = np.asarray(stored.convert("RGB"), np.float64) - np.asarray(page, np.float64)
    assert abs(error).mean() < 4
    assert abs(error.mean()) < 1
    stored_boxes = [
        (row["class"], *(int(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")))
        for row in truth()[name]
    ]
    assert stored_boxes == [tuple(box) for box in boxes]


def test_drawing_again_gives_the_stored_mask() -> None:
    with Image.open(SAMPLES / "waldo.png") as stored:
        assert stored.mode == "RGBA"
        assert np.array_equal(np.asarray(stored), np.asarray(draw.draw_mask()))


def test_mask_is_opaque_within_and_clear_at_its_corners() -> None:
    alpha = np.asarray(draw.draw_mask())[..., 3]
    assert alpha.max() == 255
    assert alpha[0, 0] == alpha[0, -1] == 0
    assert (
        alpha[alpha.shape[0] // 3, alpha.shape[1] // 2 - 3 : alpha.shape[1] // 2 + 3] == 255
    ).all()


@pytest.mark.parametrize("theme", draw.THEMES)
def test_another_seed_gives_another_scene_with_one_waldo(theme: str) -> None:
    pages = []
    for seed in (7, 8):
        page, boxes = draw.draw_scene(seed, (420, 360), theme, head=16)
        assert [box.label for box in boxes].count("waldo") == 1
        pages.append(np.asarray(page))
    assert (pages[0] != pages[1]).any()


def test_a_page_without_room_for_waldo_is_refused() -> None:
    with pytest.raises(ValueError, match="enlarge the page"):
        draw.draw_scene(1, (60, 40), "beach", head=40)


def test_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir() if path.is_file()) < 5_000_000
