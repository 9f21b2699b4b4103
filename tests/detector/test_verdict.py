"""The verdict: what speaks for a place, and how easily chance brings it about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from waldo_cli import detect
from waldo_cli.detector.alignment import Agreement
from waldo_cli.detector.verdict import MOST_CHANCE, chance_of


def agreement(**changed: float) -> Agreement:
    usual = {
        "score": 0.97, "gain": 1.0, "offset": 0.0, "concordance": 0.97, "trimmed": 0.98, "inside": 1.0,
        "independent": 30.0,
    }  # fmt: skip
    return Agreement(**{name: np.array([v]) for name, v in (usual | changed).items()})


def chance(**changed: float) -> float:
    return float(chance_of(agreement(**changed), any_contrast=False)[0])


def test_more_agreement_parts_and_numbers_make_chance_less_likely() -> None:
    assert chance() < MOST_CHANCE
    assert chance(score=0.9) > chance()
    assert chance(trimmed=0.9) > chance()
    assert chance(independent=8.0) > chance()
    assert chance(inside=0.4) > chance()
    assert chance(score=0.6, trimmed=0.7) == 1.0


def test_a_contrast_far_from_the_masks_is_no_find_unless_any_will_do() -> None:
    assert chance(gain=5.0) == chance(gain=0.05) == 1.0
    faint = replace(agreement(), gain=np.array([5.0]))
    assert chance_of(faint, any_contrast=True)[0] < MOST_CHANCE


def test_noise_holds_no_other_noise() -> None:
    """At nine scales, over the edges too."""
    rng = np.random.default_rng(5)
    for _ in range(8):
        page, mask = rng.random((90, 120, 3), np.float32), rng.random((20, 24, 3), np.float32)
        assert not detect(page, masks=[mask]).found
