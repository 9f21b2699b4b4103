"""The drawn screenshots: pictures, masks and truth agree, and the script draws what is stored."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "sample_images" / "screens"
sys.path.insert(0, str(FOLDER))  # as Python does for the script itself

import screenshots  # noqa: E402

DRAWN, MASKS = screenshots.draw_all()


def truth(name: str) -> list[screenshots.Box]:
    with (FOLDER / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["filename"] == name]
    with Image.open(FOLDER / name) as picture:
        assert {(int(row["width"]), int(row["height"])) for row in rows} == {picture.size}
    sides = ("xmin", "ymin", "xmax", "ymax")
    return [screenshots.Box(row["class"], *(int(row[side]) for side in sides)) for row in rows]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(np.int16)


def test_every_picture_and_mask_is_drawn_by_the_script() -> None:
    assert {path.name for path in FOLDER.glob("*.png")} == set(DRAWN)
    assert {path.name for path in (FOLDER / "masks").iterdir()} == set(MASKS)


@pytest.mark.parametrize("name", DRAWN)
def test_drawing_again_gives_the_stored_picture_and_boxes(name: str) -> None:
    picture, boxes = DRAWN[name]
    # Text may be drawn a little differently by another version of FreeType.
    assert np.abs(pixels(FOLDER / name) - np.asarray(picture)).mean() < 1
    assert truth(name) == boxes


@pytest.mark.parametrize("name", MASKS)
def test_drawing_again_gives_the_stored_mask(name: str) -> None:
    assert np.abs(pixels(FOLDER / "masks" / name) - np.asarray(MASKS[name])).mean() < 1


@pytest.mark.parametrize("name", DRAWN)
def test_boxes_lie_inside_their_picture_and_differ(name: str) -> None:
    width, height = DRAWN[name][0].size
    boxes = truth(name)
    assert len(set(boxes)) == len(boxes)
    for box in boxes:
        assert 0 <= box.xmin < box.xmax <= width
        assert 0 <= box.ymin < box.ymax <= height


@pytest.mark.parametrize("name", [f"{glyph}.png" for glyph in screenshots.GLYPHS])
def test_a_glyph_has_one_colour_and_its_shape_in_alpha(name: str) -> None:
    glyph = pixels(FOLDER / "masks" / name)
    assert (glyph[..., :3] == 0).all()
    assert set(np.unique(glyph[..., 3])) > {0, 255}


@pytest.mark.parametrize("name", ["light.png", "dark.png"])
@pytest.mark.parametrize("label", ["mail", "folder"])
def test_a_coloured_icon_lies_where_truth_says_in_both_themes(name: str, label: str) -> None:
    mask = pixels(FOLDER / "masks" / f"{label}.png")
    (box,) = (box for box in truth(name) if box.label == label)
    there = pixels(FOLDER / name)[box.ymin : box.ymax, box.xmin : box.xmax]
    opaque = mask[..., 3] == 255
    assert opaque.mean() > 0.8
    assert (there[opaque] == mask[..., :3][opaque]).all()


def test_the_button_is_a_piece_of_the_light_screen() -> None:
    (box,) = (box for box in truth("light.png") if box.label == "save")
    there = pixels(FOLDER / "light.png")[box.ymin : box.ymax, box.xmin : box.xmax]
    assert (there == pixels(FOLDER / "masks" / "save.png")).all()


def test_the_screens_differ_in_dots_and_theme_alone() -> None:
    light, dark, hidpi = (truth(f"{name}.png") for name in ("light", "dark", "hidpi"))
    assert light == dark
    for box, larger in zip(light, hidpi, strict=True):
        assert larger[0] == box[0]
        assert np.abs(np.subtract(larger[1:], np.multiply(box[1:], 1.5))).max() <= 0.5


def test_pictures_stay_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.rglob("*.png")]
    assert max(sizes) < 100_000
    assert sum(sizes) < 250_000
