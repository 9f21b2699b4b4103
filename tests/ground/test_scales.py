"""Scales: ladders, and the ways to say them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from waldo_cli.errors import InvalidInputError
from waldo_cli.scales import resolve_scales, scale_ladder


def test_a_ladder_rises_in_even_steps_through_one() -> None:
    ladder = scale_ladder(0.18, 2.8, 2)
    assert 1.0 in ladder
    assert ladder[-1] == pytest.approx(2**1.5)
    assert ladder[0] == pytest.approx(2**-2.5)
    ratios = np.divide(ladder[1:], ladder[:-1])
    np.testing.assert_allclose(ratios, 2**0.5)


@pytest.mark.parametrize("ends", [(0, 1), (-1, 1), (2, 1), (1, math.inf), (math.nan, 1)])
def test_a_ladder_without_two_ends_is_an_error(ends: tuple[float, float]) -> None:
    with pytest.raises(InvalidInputError, match="scales run from"):
        scale_ladder(*ends, 2)


@pytest.mark.parametrize(
    ("spec", "scales"),
    [
        ("auto", (0.25, 3.0)),
        ("0.5", (0.5,)),
        (2, (2.0,)),
        ("0.5,2,1,1", (0.5, 1.0, 2.0)),
        ([1, 0.5], (0.5, 1.0)),
        ("0.5:2", (0.5, 2**-0.5, 1.0, 2**0.5, 2.0)),
        ("0.5:1/4", (0.5, 2**-0.75, 2**-0.5, 2**-0.25, 1.0)),
        ("1:1", (1.0,)),
    ],
)
def test_scales_are_said_in_five_ways(spec: str | float, scales: tuple[float, ...]) -> None:
    assert resolve_scales(spec, (0.25, 3.0), 2) == pytest.approx(scales)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "big",
        "1:2:3",
        "1,2:3",
        "0",
        "-1",
        "nan",
        "inf",
        "0:1",
        "1:inf",
        "2:1",
        "1/2",
        "1e308",
        "1e-300",
        "1e-310:1",
        "1:1e300/32",
        "1:2/0",
        "1:2/99",
        "1:2/x",
        "1:2/",
        ",",
        [],
        0,
        [1, -1],
    ],
)
def test_what_is_no_scale_is_an_error_that_shows_it(spec: str | float) -> None:
    with pytest.raises(InvalidInputError, match="scales"):
        resolve_scales(spec, (1.0,), 2)
