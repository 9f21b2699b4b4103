"""Tiles in the frequency domain: many of them, and kernels in pieces."""

from __future__ import annotations

import pytest
from loops import assert_close, picture, random

from waldo_cli import cross_correlate, normalized_cross_correlate
from waldo_cli.correlate import overlap_save


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ((17, 9, 3, 2), {}),
        ((5, 5, 3, 40), {}),  # more kernels than are written together
        ((64, 3, 1, 3), {"groups": 3}),
        ((7, 8, 3, 2), {"stride": (3, 2), "dilation": (2, 5)}),
    ],
)
def test_methods_agree_over_many_tiles_and_bands(kernel, options):
    x, V = picture(411, 607, 3), random(*kernel)
    gemm = cross_correlate(x, V, method="gemm", **options)
    assert_close(cross_correlate(x, V, method="fft", **options), gemm)
    assert_close(cross_correlate(x, V, **options), gemm)


def test_kernels_in_pieces_and_in_turns_change_nothing(monkeypatch):
    x, V = picture(150, 170, 3), random(60, 50, 3, 5)
    whole = cross_correlate(x, V, method="fft")
    scores = normalized_cross_correlate(x, V)
    monkeypatch.setattr(overlap_save, "_BUFFER_BYTES", 1 << 17)  # tiles too small for the kernel
    monkeypatch.setattr(overlap_save, "_SPECTRA_BYTES", 1 << 17)  # memory for not even one spectrum
    tiling, _ = overlap_save.plan_tiles((91, 121), (60, 50), 3, 1, 4)
    assert len(tiling.offsets) > 1
    assert tiling.kernels_at_a_time(3) == 0
    assert_close(cross_correlate(x, V, method="fft"), whole)
    assert_close(normalized_cross_correlate(x, V), scores)


def test_an_image_that_fits_into_a_tile_takes_its_masks_whole():
    outputs, mask = (33, 193), (448, 448)  # of 640x480 pixels
    tiling, _ = overlap_save.plan_tiles(outputs, mask, 3, 1, 8)
    assert tiling.pieces == (1, 1)
    long, _ = overlap_save.plan_tiles((9, 1), (6000, 3), 3, 1, 8)  # no tile is so tall
    assert long.pieces[0] > 1
    x, V = picture(480, 64, 3), random(450, 50, 3, 2)
    assert_close(cross_correlate(x, V, method="fft"), cross_correlate(x, V, method="gemm"))
