"""The cases that verdicts are measured with: a page shows its mask where the case says."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as python -m benchmarks has it

from benchmarks import cases, pasted
from benchmarks.cases import Case, Task, Thing

MASK = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
GREY = np.full((60, 70, 3), 128, np.uint8)


def shown(case: Case) -> np.ndarray:
    left, top = round(case.things[0].left), round(case.things[0].top)
    return case.page[top : top + case.mask.shape[0], left : left + case.mask.shape[1]]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pasting_by_quarter_turns_is_exact(turns: int, mirrored: bool) -> None:
    thing = Thing(30, 25, 20, 20, angle=90 * turns, mirrored=mirrored)
    page = pasted.paste(GREY, MASK, thing)
    expected = np.rot90(MASK[:, ::-1] if mirrored else MASK, turns)  # counter-clockwise
    apart = np.abs(page[25:45, 30:50].astype(int) - expected)
    assert apart[1:-1, 1:-1].max() <= 1
    page[24:46, 29:51] = 128
    assert (page == 128).all()


def test_pasting_by_any_angle_keeps_the_centre() -> None:
    white = np.full((20, 10, 3), 255, np.uint8)
    for angle in (-170.5, -33.3, 12.1, 98.7):
        thing = Thing(30.25, 20.5, 10, 20, angle=angle)
        weight = pasted.paste(np.zeros((60, 70, 3), np.uint8), white, thing)[..., 0] / 255
        y, x = np.mgrid[:60, :70] + 0.5
        assert abs((weight * x).sum() / weight.sum() - thing.centre[0]) < 0.05
        assert abs((weight * y).sum() / weight.sum() - thing.centre[1]) < 0.05
        assert abs(weight.sum() - 200) < 5


def test_a_clear_pixel_shows_the_page() -> None:
    alpha = np.full((20, 20, 1), 255, np.uint8)
    alpha[:10] = 0
    page = pasted.paste(GREY, np.dstack([MASK, alpha]), Thing(30, 25, 20, 20))
    assert (page[25:35] == 128).all()
    assert (page[36:45, 31:49] == MASK[11:, 1:-1]).all()


@pytest.mark.parametrize("kind", ["scene", "screen", "texture", "flat"])
def test_an_exact_page_shows_the_mask(kind: str) -> None:
    case = cases.changed(Task("exact", kind, 32, 0, 0))
    assert (shown(case) == case.mask).all()


def test_equal_tasks_make_equal_cases() -> None:
    one, other = (pasted.mirrored(Task("mirrored", "texture", 24, 3, 0)) for _ in range(2))
    assert (one.page == other.page).all()
    assert (one.mask == other.mask).all()
    assert one.things == other.things


@pytest.mark.parametrize(("make", "dark"), [(pasted.on_light, False), (pasted.on_dark, True)])
def test_a_glyph_is_on_a_ground_of_its_theme(make: object, dark: bool) -> None:
    assert callable(make)
    case = make(Task("on", "screen", 24, 0, 0))
    clear, inked = case.mask[..., 3] == 0, case.mask[..., 3] == 255
    brightness = shown(case).mean(2)
    assert (brightness[clear].mean() < brightness[inked].mean()) == dark


def test_things_on_one_page_lie_apart() -> None:
    case = pasted.several(Task("several", "texture", 24, 0, 0))
    assert len(case.things) >= 3
    centres = [thing.centre for thing in case.things]
    for k, one in enumerate(centres):
        for other in centres[:k]:
            assert np.hypot(one[0] - other[0], one[1] - other[1]) > max(case.mask.shape[:2])


def test_a_thing_that_looks_the_same_in_another_turn_is_told() -> None:
    disc = np.hypot(*(np.mgrid[:40, :40] - 19.5)) < 12
    assert pasted.likeness(np.repeat(disc[..., None] * np.uint8(255), 3, 2)) > 0.95
    assert pasted.likeness(MASK) < 0.5
