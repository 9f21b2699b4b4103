"""What is kept of a run to explain it: it changes no answer, and its windows are those of the run."""

from __future__ import annotations

import numpy as np
import pytest
from explained import MASK, learned_like, page

from waldo_cli import Mask, Stack, detect
from waldo_cli.detector.explanation import rankings, window_around
from waldo_cli.detector.passes import Trace
from waldo_cli.geometry import Size
from waldo_cli.show.map_pictures import inside_spans
from waldo_cli.stack.layers import Combine, MaskLayer, Normalize, Pointwise


def test_a_trace_does_not_change_the_answer() -> None:
    image, trace = page(), Trace()
    with_trace = detect(image, stack=learned_like(), trace=trace)
    without = detect(image, stack=learned_like())
    assert with_trace.detections == without.detections
    assert (with_trace.activations == without.activations).all()
    assert trace.passes[0].scores is not None
    assert len(trace.passes[0].candidates) == len(trace.passes[0].scores)


@pytest.mark.parametrize("place", [(0, 0), (119, 89), (64, 36), (20, 80)])
@pytest.mark.parametrize("kind", ["learned", "normalised", "mask"])
def test_the_last_map_of_a_window_is_that_of_the_whole_level(
    kind: str, place: tuple[int, int]
) -> None:
    stacks = {
        "learned": learned_like(),
        "normalised": Stack(
            "n", (Normalize((5, 5)), Combine("sum")), object=Size(4, 4), scales=(1.0, 0.7)
        ),
        "mask": Stack("m", (Pointwise("relu"), MaskLayer()), scales=(1.0, 0.7)).with_masks(
            [Mask("him", MASK)]
        ),
    }
    stack, image, trace = stacks[kind], np.tile(page(), (3, 3, 1)), Trace()
    detect(image, stack=stack, trace=trace)
    (one,) = trace.passes
    for grid in one.maps.grids:
        window, right = window_around(stack, image, one.maps, grid, place)
        x = window
        for layer in stack.layers:
            x = layer.run(x)
        field = stack.receptive_field
        shown = inside_spans(x, field.first, field.jump, right).max(axis=2)
        assert shown.size > 50
        whole = grid.values.max(axis=2)
        rows, cols = shown.shape
        corners = whole[: len(whole) - rows + 1, : whole.shape[1] - cols + 1]
        assert any(
            np.abs(whole[i : i + rows, j : j + cols] - shown).max() < 1e-4
            for i, j in np.argwhere(np.abs(corners - shown[0, 0]) < 1e-4)
        )


def test_rankings_are_those_of_the_answer() -> None:
    image, trace = page(), Trace()
    masks = [Mask("him", MASK), Mask("her", MASK[::-1, :8])]
    result = detect(image, masks=masks, scales=[1, 0.5], top=3, threshold=-1, trace=trace)
    him, her = rankings(trace)
    assert (him.label, her.label) == ("him", "her")
    for ranking in (him, her):
        found = [d for d in result.detections if d.label == ranking.label]
        assert ranking.after[:3] == found
        assert ranking.final == [p.score for p in ranking.after]
        assert ranking.first() == 0
        assert len(ranking.before) >= len(ranking.after)


@pytest.mark.parametrize("max_overlap", [0.0, 0.9])
def test_rankings_use_the_overlap_that_was_asked_for(max_overlap: float) -> None:
    image, trace = page(), Trace()
    result = detect(
        image, masks=[Mask("him", MASK)], scales=1, top=9, threshold=-1,
        max_overlap=max_overlap, trace=trace,
    )  # fmt: skip
    (ranking,) = rankings(trace)
    assert tuple(ranking.after[:9]) == result.detections


def test_the_place_of_a_find_came_first_and_a_place_left_out_nowhere() -> None:
    image, trace = page(), Trace()
    detect(image, masks=[Mask("him", MASK)], scales=1, region=(50, 20, 40, 40), trace=trace)
    (ranking,) = rankings(trace)
    place = ranking.place((64.5, 36))
    assert (place.before, place.after, place.rank) == (1, 0, 1)
    assert place.strength == place.final == ranking.final[0] == pytest.approx(1, abs=1e-5)
    assert place.strengths == (place.strength,)
    assert place.grid is trace.passes[0].maps.grids[0]
    outside = ranking.place((5, 5))
    assert outside.strength == -np.inf
    assert (outside.before, outside.after, outside.final, outside.rank) == (None,) * 4


def test_the_place_of_a_candidate_has_what_the_closer_looks_say() -> None:
    image, trace = page(), Trace()
    detect(image, stack=learned_like(), threshold=-1, trace=trace)
    (ranking,) = rankings(trace)
    (one,) = trace.passes
    for n, candidate in enumerate(one.candidates):
        place = ranking.place((candidate.x, candidate.y))
        assert place.after is not None
        assert place.final == max(
            score
            for score, other in zip(ranking.final, one.candidates, strict=True)
            if other.box.left <= candidate.x <= other.box.left + other.box.width
            and other.box.top <= candidate.y <= other.box.top + other.box.height
        )
        assert place.rank == 1 + sum(score > place.final for score in ranking.final)
        assert ranking.final[n] == one.best(["waldo"])[n]
