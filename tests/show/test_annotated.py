"""The picture with boxes and names: legible on any page, and nothing of a find covered."""

from __future__ import annotations

import math

import numpy as np
import pytest

from waldo_cli import Box, Detection
from waldo_cli.errors import InvalidInputError
from waldo_cli.show.annotated import COLOURS, annotated

PAPERS = [0.0, 0.5, 1.0]


def page(height: int, width: int, paper: float = 0.5) -> np.ndarray:
    return np.full((height, width, 3), paper, np.float32)


def upright(left: int, top: int, width: int, height: int, label: str = "gear") -> Detection:
    box = Box(left, top, width, height)
    return Detection(label, left + width / 2, top + height / 2, 0.9, box, 1)


def turned(
    x: float, y: float, width: float, height: float, angle: float, *, mirrored: bool = False
) -> Detection:
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    if mirrored:
        corners = [(-a, b) for a, b in corners]
    polygon = tuple(
        (x + a * width / 2 * c + b * height / 2 * s, y - a * width / 2 * s + b * height / 2 * c)
        for a, b in corners
    )
    xs, ys = zip(*polygon, strict=True)
    left, top = math.floor(min(xs)), math.floor(min(ys))
    box = Box(left, top, math.ceil(max(xs)) - left, math.ceil(max(ys)) - top)
    return Detection("gear", x, y, 0.9, box, 1, angle, mirrored, polygon)


def changed(image: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Where the picture differs from the page."""
    return (picture != (image * 255 + 0.5).astype(np.uint8)).any(axis=2)


def luminance(colour: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB, as WCAG 2 has it."""
    c = np.asarray(colour) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_without_a_find_it_is_the_page_as_it_is() -> None:
    image = np.random.default_rng(0).random((40, 60, 3), np.float32)
    picture = annotated(image, [])
    assert picture.dtype == np.uint8
    assert not changed(image, picture).any()


def test_a_page_is_not_written_into() -> None:
    image = page(100, 200)
    annotated(image, [upright(50, 50, 20, 20)])
    assert (image == 0.5).all()


@pytest.mark.parametrize("paper", PAPERS)
def test_a_box_is_drawn_around_the_find_and_not_over_it(paper: float) -> None:
    image = page(200, 300, paper)
    marks = changed(image, annotated(image, [upright(140, 90, 10, 12)]))
    assert not marks[90:102, 140:150].any()
    assert marks[88:90, 138:152].any(axis=0).all()
    assert marks[102:104, 138:152].any(axis=0).all()
    assert marks[88:104, 138:140].any(axis=1).all()
    assert marks[88:104, 150:152].any(axis=1).all()


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("label", [f"n{i}" for i in range(len(COLOURS))])
def test_every_colour_stands_out_from_every_page(paper: float, label: str) -> None:
    image = page(200, 300, paper)
    labels = [f"n{i}" for i in range(len(COLOURS))]
    picture = annotated(image, [upright(140, 90, 20, 20, label)], labels)
    row = luminance(
        picture[100, 130:140]
    )  # across the left side of the box: page, edge, colour, edge
    assert (row.max() + 0.05) / (row.min() + 0.05) > 4.5
    assert len(np.unique(row)) >= 3


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [10, 45, -100])
def test_of_what_is_turned_the_corners_are_joined(angle: float, mirrored: bool) -> None:
    image = page(300, 300)
    find = turned(150, 150, 80, 40, angle, mirrored=mirrored)
    marks = changed(image, annotated(image, [find]))
    assert find.polygon is not None
    corners = np.array(find.polygon)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        middle = (start + end) / 2
        outwards = (middle - (150, 150)) / np.linalg.norm(middle - (150, 150))
        for along in (0.1, 0.5, 0.9):
            x, y = start + along * (end - start) + 2 * outwards
            assert marks[int(y), int(x)]
            x, y = start + along * (end - start) - 2 * outwards
            assert not marks[int(y), int(x)]
    assert not marks[140:160, 140:160].any()  # nothing is drawn over it


def test_a_box_at_the_edges_of_the_page_is_seen_whole() -> None:
    image = page(200, 300)
    marks = changed(image, annotated(image, [upright(0, 0, 300, 200)]))
    for line in (marks[:4], marks[-4:], marks[:, :4].T, marks[:, -4:].T):
        assert line.any(axis=0).all()


def test_lines_and_letters_grow_with_the_page() -> None:
    share = []
    for size in (800, 3200):
        image = page(size, size)
        marks = changed(
            image, annotated(image, [upright(size // 2, size // 2, size // 8, size // 8)])
        )
        share.append(marks.mean())
    assert share[1] == pytest.approx(share[0], rel=0.15)


def test_labels_stand_inside_the_page_and_not_upon_each_other() -> None:
    image = page(300, 500)
    finds = [upright(x, y, 20, 20, "trash") for x in (0, 22, 240, 480) for y in (0, 140, 280)]
    alone = [changed(image, annotated(image, [find])).sum() for find in finds]
    together = annotated(image, finds)
    boxes = changed(image, together)
    # Each mark is seen: what several cover is at most the lines of neighbours that touch.
    assert boxes.sum() > 0.9 * sum(alone)


def test_the_best_of_finds_that_overlap_lies_on_top() -> None:
    image = page(200, 200)
    best, other = upright(80, 80, 40, 40, "a"), upright(100, 80, 40, 40, "b")
    picture = annotated(image, [best, other], ["a", "b"])
    assert (picture[100, 121] == COLOURS[0]).all()  # the right side of the best, inside the other


def test_a_label_has_its_colour_whatever_else_is_found() -> None:
    image = page(200, 200)
    one = annotated(image, [upright(80, 80, 40, 40, "b")], ["a", "b"])
    both = annotated(image, [upright(80, 80, 40, 40, "b"), upright(10, 150, 9, 9, "a")], ["a", "b"])
    assert (one[100, 78] == both[100, 78]).all()
    assert (one[100, 78] == COLOURS[1]).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (20, 20)])
def test_a_page_smaller_than_its_label_gets_the_box_alone(size: tuple[int, int]) -> None:
    image = page(*size)
    picture = annotated(
        image, [upright(0, 0, 1, 1, "a name that is longer than any page here " * 3)]
    )
    assert picture.shape == (*size, 3)


@pytest.mark.parametrize("label", ["Löschen", "小さい", "a\nb\x1b[31m", "\udcff"])
def test_any_label_can_be_written(label: str) -> None:
    image = page(200, 800)
    blank = annotated(image, [upright(80, 80, 40, 40, " ")])
    written = annotated(image, [upright(80, 80, 40, 40, label)])
    assert (written != blank).any()


def test_a_long_name_gives_way_to_its_score() -> None:
    image = page(200, 200)
    long = annotated(image, [upright(80, 80, 40, 40, "n" * 300)])
    assert changed(image, long)[:79].any()


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"\(H, W, 3\), not \(5, 5\)"):
        annotated(np.zeros((5, 5), np.float32), [])
