"""What is kept of a run to explain it: it changes no answer, and its windows are those of the run."""

from __future__ import annotations

import numpy as np
import pytest
from explained import MASK, learned_like, page

from waldo_cli import Mask, Stack, detect
from waldo_cli.detector.explanation import window_around
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
