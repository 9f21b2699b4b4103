"""Sizes, receptive fields and boxes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli.geometry import Box, ReceptiveField, same_padding, window_count

small = st.integers(1, 6)


@given(st.integers(1, 40), small, small, small)
def test_window_count_equals_counting(length: int, kernel: int, stride: int, dilation: int) -> None:
    reach = dilation * (kernel - 1)
    starts = [s for s in range(0, length, stride) if s + reach < length]
    assert window_count(length, kernel, stride, dilation) == len(starts)


@given(small, small, st.integers(1, 30))
def test_same_padding_keeps_the_length_and_puts_the_odd_row_after(
    kernel: int, dilation: int, length: int
) -> None:
    before, after = same_padding(kernel, dilation)
    assert window_count(length + before + after, kernel, 1, dilation) == length
    assert after - before in (0, 1)


layer = st.tuples(small, st.integers(1, 3), st.integers(1, 3))  # kernel, stride, dilation


@given(st.lists(layer, min_size=1, max_size=4), st.integers(0, 3))
def test_the_field_is_the_input_pixels_that_an_output_depends_on(
    layers: list[tuple[int, int, int]], output: int
) -> None:
    """Follow one output back through the layers, tap by tap, and compare with the formula."""
    field = ReceptiveField()
    for kernel, stride, dilation in layers:
        field = field.through((kernel, 1), (stride, 1), (dilation, 1))
    seen = {output}
    for kernel, stride, dilation in reversed(layers):
        seen = {i * stride + tap * dilation for i in seen for tap in range(kernel)}
    assert field.size[0] == max(seen) - min(seen) + 1
    assert field.first[0] + output * field.jump[0] == (max(seen) + min(seen)) / 2
    assert (field.size[1], field.jump[1], field.first[1]) == (1, 1, 0)


def test_padding_moves_the_first_field_and_changes_neither_size_nor_jump() -> None:
    plain = ReceptiveField().through((5, 5), (2, 2))
    padded = ReceptiveField().through((5, 5), (2, 2), pad=(2, 1))
    assert (padded.size, padded.jump) == (plain.size, plain.jump)
    assert padded.first == (plain.first[0] - 2, plain.first[1] - 1)


def test_upsampled_cells_lie_evenly_inside_the_cell_they_came_from() -> None:
    field = ReceptiveField().through((4, 4), (4, 4))
    finer = field.upsampled(4)
    cells = [finer.first[0] + i * finer.jump[0] for i in range(4)]
    assert finer.jump == (1, 1)
    assert np.mean(cells) == field.first[0]


@given(st.integers(-20, 30), st.integers(-20, 30), st.integers(1, 40), st.integers(1, 40))
def test_a_clipped_box_lies_inside_and_keeps_what_was_inside(
    left: int, top: int, width: int, height: int
) -> None:
    box = Box(left, top, width, height)
    cut = box.clipped(15, 12)
    assert 0 <= cut.left < cut.left + cut.width <= 15
    assert 0 <= cut.top < cut.top + cut.height <= 12
    inside = {
        (x, y)
        for x in range(max(left, 0), min(left + width, 15))
        for y in range(max(top, 0), min(top + height, 12))
    }
    if inside:
        assert cut.area == len(inside)
