"""Boxes on their pages: what a box takes for a hit, what is clipped, and the picture that belongs to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from truths import WALDO

from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import Page, RawBox, TrueBox, open_page
from waldo_cli.geometry import Box, Size


@pytest.mark.parametrize(
    ("x", "y", "hit"),
    [
        (110, 215, True),
        (
            90,
            185,
            True,
        ),  # half the width left of it, half the height above: the border belongs to it
        (130, 245, True),
        (89.9, 215, False),
        (130.1, 215, False),
        (110, 184.9, False),
        (110, 245.1, False),
    ],
)
def test_a_hit_lies_in_the_box_grown_by_half_its_size_on_each_side(
    x: float, y: float, hit: bool
) -> None:
    assert WALDO.is_hit(x, y) is hit


def test_what_ends_outside_the_page_is_clipped_if_half_of_it_is_inside() -> None:
    size = Size(30, 40)
    assert TrueBox("a", -0.25, -1, 10, 10).within(size) == TrueBox("a", 0, 0, 10, 10)
    assert TrueBox("a", 30, 20, 40 + 1e-10, 38).within(size) == TrueBox("a", 30, 20, 40, 30)
    for outside in (TrueBox("a", 30, 20, 41, 41), TrueBox("a", 50, 0, 60, 10)):
        with pytest.raises(InvalidInputError, match="lies outside the 40x30 page"):
            outside.within(size)


def test_what_is_left_out_of_judgement() -> None:
    crowd = TrueBox("waldo", 0, 0, 5, 5, ignored=True)
    assert not crowd.counts_for("waldo")
    assert crowd.is_ignored("waldo")
    assert not crowd.is_ignored("wenda"), "a crowd of others is no place for this one"
    assert TrueBox("waldo_icon", 0, 0, 5, 5).is_ignored("waldo")
    assert not TrueBox("waldo_icon", 0, 0, 5, 5).is_ignored("wenda")
    assert TrueBox("ignore", 0, 0, 5, 5).is_ignored("wenda")
    assert not WALDO.is_ignored("waldo")


def test_intersection_over_union() -> None:
    box = TrueBox("a", 0, 0, 10, 10)
    assert box.iou(Box(0, 0, 10, 10)) == 1
    assert box.iou(Box(5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert box.iou(Box(10, 0, 10, 10)) == 0
    assert box.iou(Box(20, 20, 5, 5)) == 0


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Stored 40x30, shown 30x40: red where its top left corner is stored."""
    pixels = np.full((30, 40, 3), 255, np.uint8)
    pixels[:5, :5] = 255, 0, 0
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "photo.png", exif=exif)
    return tmp_path / "photo.png"


@pytest.mark.parametrize(
    ("size", "box"),
    [(Size(40, 30), TrueBox("w", 27, 0, 30, 2)), (Size(30, 40), TrueBox("w", 0, 0, 2, 3))],
)
def test_the_size_says_whether_boxes_are_on_the_picture_as_shown_or_as_stored(
    photo: Path, size: Size, box: TrueBox
) -> None:
    """The red corner of the stored picture is the top right one of the picture as shown."""
    image, page = open_page(Page("photo.png", photo, (box,), size))
    assert image.shape == (40, 30, 3)
    assert image[0, 29].tolist() == [1, 0, 0]
    (shown,) = page.boxes
    assert (shown.right, shown.top) == (30, 0)
    assert page.size == Size(40, 30)
    assert not page.is_assumed


def test_a_box_beside_its_page_is_lost_when_the_page_is_opened(photo: Path) -> None:
    raw = [
        RawBox("line 1", TrueBox("waldo", 1.5, 0.5, 1.7, 0.7), True, "p.txt"),
        RawBox("line 2", TrueBox("wenda", 0.5, 0.5, 0.7, 0.7), True, "p.txt"),
    ]
    told: list[WaldoError] = []
    _, page = open_page(Page("photo.png", photo, raw=tuple(raw)), complain=told.append)
    assert ([b.label for b in page.boxes], page.lost, len(told)) == (["wenda"], {"waldo"}, 1)


def test_a_truth_of_another_copy_is_refused(photo: Path) -> None:
    with pytest.raises(InvalidInputError, match="the truth says 41x30, the file is 30x40"):
        open_page(Page("photo.png", photo, size=Size(30, 41)))
