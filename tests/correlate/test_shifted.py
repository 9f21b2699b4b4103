"""All groups in one pass: the formula, and chosen where it is quicker than one call for each group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waldo_cli.correlate import shifted
from waldo_cli.correlate.correlation import cross_correlate, expected_seconds


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    groups=st.integers(1, 5),
    per_group=st.integers(1, 3),
    kernels=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    biased=st.booleans(),
)
def test_it_is_each_group_by_itself(
    groups: int,
    per_group: int,
    kernels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    biased: bool,
) -> None:
    H, W = (d * (k - 1) + 1 + 7 for d, k in zip(dilation, kernel, strict=True))
    x, V = noise(0, 2, H, W, groups * per_group), noise(1, *kernel, per_group, groups * kernels)
    bias = noise(2, groups * kernels) if biased else None
    expected = np.concatenate(
        [
            cross_correlate(
                x[..., g * per_group : (g + 1) * per_group],
                V[..., g * kernels : (g + 1) * kernels],
                stride=stride,
                dilation=dilation,
                method="gemm",
            )
            for g in range(groups)
        ],
        axis=3,
    )
    if bias is not None:
        expected += bias
    out = np.full_like(expected, np.nan)
    shifted.correlate(x, V, out, stride, dilation, groups, bias)
    np.testing.assert_allclose(out, expected, atol=1e-4)


def test_outputs_that_take_several_bands_and_columns_are_the_same() -> None:
    x, V = noise(0, 1, 40, 200, 32), noise(1, 3, 3, 1, 32)
    out = np.empty((1, 38, 198, 32), np.float32)
    shifted.correlate(x, V, out, (1, 1), (1, 1), 32)
    for g in (0, 17, 31):
        one = cross_correlate(x[..., g : g + 1], V[..., g : g + 1], method="gemm")
        np.testing.assert_allclose(out[..., g : g + 1], one, atol=1e-5)


def test_a_bad_pixel_spoils_the_windows_that_hold_it_and_its_group_alone() -> None:
    x = noise(0, 30, 30, 32)
    x[10, 12, 5] = np.nan
    found = cross_correlate(x, noise(1, 3, 3, 1, 32), groups=32)
    assert np.isnan(found[8:11, 10:13, 5]).all()
    assert np.isnan(found).sum() == 9


def test_it_is_taken_for_many_small_groups_and_not_for_few_large_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[int] = []
    plain = shifted.correlate

    def counted(*arguments: object, **named: object) -> None:
        taken.append(1)
        plain(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(shifted, "correlate", counted)
    x = noise(0, 60, 80, 64)
    for groups, expected in ((64, 1), (2, 0), (1, 0)):
        taken.clear()
        V = noise(1, 3, 3, 64 // groups, 64)
        cross_correlate(x, V, groups=groups)
        assert len(taken) == expected
    image, kernel = (1, 240, 320, 64), (3, 3, 1, 64)
    one_by_one = 64 * expected_seconds((1, 240, 320, 1), (3, 3, 1, 1), (1, 1), (1, 1), 1)
    assert expected_seconds(image, kernel, (1, 1), (1, 1), 64) < one_by_one / 3
