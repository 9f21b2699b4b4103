"""Boxes of the picture as shown, and of the picture as stored: told by sizes, by a switch, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waldo_cli.detector.search import Search
from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.judge import PageScore, score_pages
from waldo_cli.evaluation.truth import Page, TrueBox
from waldo_cli.evaluation.turned import TruthPixels, as_shown, assumption
from waldo_cli.geometry import Size
from waldo_cli.images.decode import read_turn
from waldo_cli.images.load import load_image
from waldo_cli.images.orientation import INVERSE, shown_size, turned_box

STORED = Size(40, 60)
BOX = (12, 6, 24, 14)  # left, top, right, bottom in the stored picture
TURNS = range(2, 9)


def photo(folder: Path, turn: int, size: Size = STORED) -> Path:
    """Noise, which EXIF turns."""
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = turn
    path = folder / "photo.png"
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def page_of(path: Path, box: tuple[float, float, float, float], size: Size) -> Page:
    return Page(path.name, path, (TrueBox("waldo", *box),), size)


def edges(page: Page) -> tuple[float, ...]:
    (box,) = page.boxes
    return box.left, box.top, box.right, box.bottom


def judged(path: Path, page: Page, pixels: TruthPixels | None = None) -> PageScore:
    """The page's score for a mask that is cut out of the picture as shown, at the true place."""
    turn = read_turn(path)
    left, top, right, bottom = map(int, turned_box(BOX, turn, STORED))
    cut = (load_image(path)[top:bottom, left:right] * 255).round().astype(np.uint8)
    mask = path.with_name("waldo.png")
    Image.fromarray(cut).save(mask)
    search = Search.of_files(None, [str(mask)], scales="1")
    (score,) = score_pages([page], search, "waldo", top=1, truth_pixels=pixels)
    return score


@pytest.mark.parametrize("turn", TURNS)
def test_boxes_of_the_picture_as_shown_are_hit(tmp_path: Path, turn: int) -> None:
    path = photo(tmp_path, turn)
    page = page_of(path, turned_box(BOX, turn, STORED), shown_size(STORED, turn))
    score = judged(path, page)
    assert score.rank == 1
    assert score.is_turn_assumed == (turn < 5)  # the turn keeps the size


@pytest.mark.parametrize("turn", TURNS)
def test_boxes_of_the_stored_picture_are_told_by_their_size_or_by_the_switch(
    tmp_path: Path, turn: int
) -> None:
    path = photo(tmp_path, turn)
    page = page_of(path, BOX, STORED)
    score = judged(path, page, "stored" if turn < 5 else None)
    assert score.rank == 1
    assert not score.is_turn_assumed


def test_sizes_count_more_than_the_switch(tmp_path: Path) -> None:
    path = photo(tmp_path, 6)
    page = page_of(path, turned_box(BOX, 6, STORED), shown_size(STORED, 6))
    assert as_shown(page, Size(60, 40), "stored").page == page


def test_a_square_picture_needs_the_switch(tmp_path: Path) -> None:
    square = Size(50, 50)
    page = page_of(photo(tmp_path, 6, square), BOX, square)
    assert as_shown(page, square).is_assumed
    assert not as_shown(page, square, "shown").is_assumed
    stored = as_shown(page, square, "stored")
    assert not stored.is_assumed
    assert edges(stored.page) == turned_box(BOX, 6, square)


def test_a_size_that_is_neither_is_refused(tmp_path: Path) -> None:
    page = page_of(photo(tmp_path, 6), BOX, Size(20, 30))
    with pytest.raises(InvalidInputError, match="the truth says 30x20, the file is 40x60"):
        as_shown(page, Size(60, 40))


def test_without_a_turn_nothing_is_assumed(tmp_path: Path) -> None:
    page = page_of(photo(tmp_path, 1), BOX, STORED)
    for pixels in (None, "shown", "stored"):
        assert as_shown(page, STORED, pixels) == as_shown(page, STORED)
    assert as_shown(page, STORED).page == page
    assert not as_shown(Page("x", tmp_path / "absent"), STORED).is_assumed


def test_stored_and_shown_lead_to_each_other() -> None:
    for turn in TURNS:
        there = turned_box(BOX, turn, STORED)
        assert turned_box(there, INVERSE[turn], shown_size(STORED, turn)) == BOX


def test_the_assumption_is_one_line() -> None:
    assert assumption(["a.jpg"]).startswith("a.jpg: turned by EXIF")
    assert "a\\n.jpg and 2 more" in assumption(["a\n.jpg", "b.jpg", "c.jpg"])
