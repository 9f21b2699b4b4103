"""Candidates for closer looks: which, in which order, how many, and how large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from waldo_cli import Stack, detect
from waldo_cli.detector.candidates import best_candidates, with_candidates_for
from waldo_cli.detector.maps import Grid, Maps
from waldo_cli.detector.passes import Trace
from waldo_cli.geometry import Size
from waldo_cli.stack.layers import Conv, Pointwise
from waldo_cli.stack.stack import CloserLook

YES_NO = Stack(
    "closer",
    (Conv(np.zeros((1, 1, 3, 3), np.float32)), Pointwise("softmax")),
    labels=("red", "green", "other"),
)
# Its first channel sees red, its second green.
COLOURS = Stack(
    "colours",
    (
        Conv(
            np.array([[[[9, 0], [0, 9], [-9, -9]]]], np.float32),
            bias=np.array([-5, -5], np.float32),
        ),
        Pointwise("sigmoid"),
    ),
    object=Size(8, 6),
    scales=(1.0, 2.0, 4.0),
    closer_looks=(CloserLook(YES_NO, Size(8, 6), candidates=2, mirrored=1),),
)


def maps(*values: np.ndarray) -> Maps:
    """Maps of an image of 64x64, at scales 1, 2 and so on, with cells of 4 pixels of the level."""
    grids = tuple(
        Grid(v[:, :, None], (0.5, 0.5), (4 * 2.0**n, 4 * 2.0**n), 2.0**n, (2.0**-n, 2.0**-n))
        for n, v in enumerate(values)
    )
    return Maps(grids, Size(64, 64), Size(8, 6))


def flat(size: int, *places: tuple[int, int, float]) -> np.ndarray:
    values = np.full((size, size), 0.01, np.float32)
    for row, col, value in places:
        values[row, col] = value
    return values


def test_what_the_next_scales_see_too_comes_before_what_one_scale_sees_alone() -> None:
    seen = maps(flat(16, (4, 4, 0.7), (12, 12, 0.8)), flat(8, (2, 2, 0.6)), flat(4))
    (first, second), evidence = best_candidates(COLOURS, seen, 2, 0.5)
    assert (first.x, first.y) == (16.5, 16.5)
    assert (second.x, second.y) == (48.5, 48.5)
    assert second.score == pytest.approx(0.8)
    assert evidence is not None
    # Log odds, and 0.6 times those at the next scale, which says 0.6 of one and 0.01 of the other.
    own, beside = (np.log(np.divide(p, np.subtract(1, p))) for p in ((0.7, 0.8), (0.6, 0.01)))
    np.testing.assert_allclose(evidence, own + 0.6 * beside, rtol=1e-5)
    plain = replace(COLOURS, layers=COLOURS.layers[:1])  # activations that are no probabilities
    (best,), none = best_candidates(plain, seen, 1, 0.5)
    assert (best.x, none) == (48.5, None)


def test_the_finest_and_the_coarsest_scale_are_not_ranked_down_for_a_neighbour_they_lack() -> None:
    middle = maps(flat(16, (4, 4, 0.3)), flat(8, (2, 2, 0.7)), flat(4, (1, 1, 0.3)))
    finest = maps(flat(16, (12, 12, 0.7)), flat(8, (6, 6, 0.3)), flat(4))
    grids = [
        replace(a, values=np.maximum(a.values, b.values))
        for a, b in zip(middle.grids, finest.grids, strict=True)
    ]
    ranked, _ = best_candidates(COLOURS, replace(middle, grids=tuple(grids)), 2, 0.5)
    assert {round(c.x) for c in ranked} == {16, 48}


def test_a_box_is_as_large_as_the_scales_around_say_and_the_scale_is_that_of_the_map() -> None:
    for below, above in ((0.01, 0.01), (0.6, 0.01), (0.01, 0.6)):
        seen = maps(flat(16, (8, 8, below)), flat(8, (4, 4, 0.7)), flat(4, (2, 2, above)))
        (found,), _ = best_candidates(COLOURS, seen, 1, 0.5)
        assert found.scale == 2
        usual = 16 * (1 if below == above else 0.8 if below > above else 1.25)
        assert found.box.height == pytest.approx(usual, abs=1.5)
        assert found.box.left + found.box.width / 2 == pytest.approx(found.x, abs=1)


def test_a_crowd_has_more_evidence_than_one_place() -> None:
    lonely = maps(flat(16, (8, 8, 0.9)), flat(8), flat(4))
    crowd = maps(
        flat(16, *((r, c, 0.6) for r in range(2, 16, 4) for c in range(2, 16, 4))), flat(8), flat(4)
    )
    means = []
    for seen in (lonely, crowd):
        _, evidence = best_candidates(COLOURS, seen, 8, 0.5)
        assert evidence is not None
        means.append(evidence.mean())
    assert means[0] < means[1] - 2


def test_a_picture_of_many_pages_has_candidates_for_each() -> None:
    limited = replace(COLOURS, level_pixels=64 * 32)
    seen = maps(flat(16), flat(8))
    (look,) = with_candidates_for(limited, seen).closer_looks
    assert (look.candidates, look.mirrored) == (4, 2)
    (look,) = with_candidates_for(limited, replace(seen, grids=seen.grids[1:])).closer_looks
    assert (look.candidates, look.mirrored) == (2, 1)
    assert with_candidates_for(COLOURS, seen) is COLOURS


def test_candidates_are_those_of_the_label_that_is_asked_for() -> None:
    image = np.zeros((40, 40, 3), np.float32)
    image[10:13, 10:13, 0] = 1
    image[30:33, 30:33, 1] = 0.95
    for labels, column in ((["red"], 11), (["green"], 31)):
        trace = Trace()
        detect(image, stack=COLOURS, labels=labels, scales=1, threshold=0, trace=trace)
        assert trace.passes[0].candidates[0].x == pytest.approx(column, abs=4)
    for labels in (["red", "green"], ["other"]):  # no channel of the first pass is for the last
        trace = Trace()
        detect(image, stack=COLOURS, labels=labels, scales=1, threshold=0, trace=trace)
        assert {c.x > 20 for c in trace.passes[0].candidates} == {False, True}
