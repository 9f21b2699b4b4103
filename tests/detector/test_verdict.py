"""The verdict: what speaks for a place, and how easily chance brings it about."""

from __future__ import annotations

import math

import numpy as np

from waldo_cli import detect
from waldo_cli.detector.agreement import Agreement
from waldo_cli.detector.verdict import MOST_CHANCE, chance_of, evidence, rivals

NONE_NEAR = np.array([-2.0])


def agreement(**changed: float) -> Agreement:
    usual = {
        "score": 0.97, "gain": 1.0, "offset": 0.0, "concordance": 0.97, "trimmed": 0.98, "inside": 1.0,
        "independent": 30.0, "kept_gain": 1.0, "kept_offset": 0.0,
        "uncovered": math.nan, "uncovered_gain": math.nan, "uncovered_offset": math.nan, "seen": math.nan,
        "another": False,
    }  # fmt: skip
    return Agreement(**{name: np.array([v]) for name, v in (usual | changed).items()})


def chance(**changed: float) -> float:
    """Of a place on a page where nothing comes near the mask."""
    return float(chance_of(evidence(agreement(**changed), any_contrast=False), NONE_NEAR)[0])


def test_more_agreement_parts_and_numbers_make_chance_less_likely() -> None:
    assert chance() < MOST_CHANCE
    assert chance(score=0.9) > chance()
    assert chance(independent=8.0) > chance()
    assert chance(inside=0.4) > chance()
    assert chance(kept_gain=0.7) > chance()
    assert chance(kept_offset=0.1) > chance()
    assert chance(score=0.6, kept_gain=0.5) > 0.5


def test_what_agrees_here_and_there_is_not_forgiven_but_a_rectangle_of_a_copy_is() -> None:
    like = {"score": 0.7, "trimmed": 0.99}
    left = {"uncovered": 1.0, "uncovered_gain": 1.0, "uncovered_offset": 0.0, "seen": 0.75}
    assert chance(**like) > MOST_CHANCE
    assert chance(**like, **left) < MOST_CHANCE
    # No copy: resized, of another contrast, or of other colours.
    assert chance(**like, **left | {"uncovered": 0.98}) > MOST_CHANCE
    assert chance(**like, **left | {"uncovered_gain": 0.8}) > MOST_CHANCE
    assert chance(**like, **left | {"uncovered_offset": 0.06}) > MOST_CHANCE
    assert chance(**like, **left | {"seen": 0.3}) > chance(**like, **left)


def test_a_contrast_far_from_the_masks_is_no_find_unless_any_will_do() -> None:
    assert chance(gain=5.0) == chance(gain=0.05) == 1.0
    assert chance_of(evidence(agreement(gain=5.0), any_contrast=True), NONE_NEAR)[0] < MOST_CHANCE


def test_a_page_full_of_what_is_nearly_it_makes_chance_more_likely() -> None:
    place = np.array([0.7, 0.7, 0.7])
    none, some, many = chance_of(place, np.array([-np.inf, 0.0, 0.6]))
    assert none < MOST_CHANCE < some < many


def test_copies_of_a_thing_do_not_hide_each_other() -> None:
    """Five that are clear, one that is less so, and what is nearly it; then four that are all less clear."""
    found = np.array([7.0, 6.0, 5.0, 4.0, 3.8, 2.1, -1.0, -1.0, -1.0])
    chance = chance_of(found, rivals(found, ~np.eye(len(found), dtype=bool)))
    assert (chance <= MOST_CHANCE).tolist() == 6 * [True] + 3 * [False]
    faint = np.array([2.4, 2.4, 2.4, -3.0])
    assert (chance_of(faint, rivals(faint, ~np.eye(4, dtype=bool)))[:3] < MOST_CHANCE).all()


def test_the_rival_is_the_third_of_the_other_places() -> None:
    """Four places, the best of which was found twice."""
    found = np.array([2.5, 2.3, 2.0, 2.4, 1.0])
    apart = ~np.eye(5, dtype=bool)
    apart[0, 3] = apart[3, 0] = False
    assert rivals(found, apart).tolist() == [1.0, 1.0, 1.0, 1.0, 2.0]
    assert rivals(found[:2], apart[:2, :2]).tolist() == [-np.inf, -np.inf]


def test_noise_holds_no_other_noise() -> None:
    """At nine scales, over the edges too."""
    rng = np.random.default_rng(5)
    for _ in range(8):
        page, mask = rng.random((90, 120, 3), np.float32), rng.random((20, 24, 3), np.float32)
        assert not detect(page, masks=[mask]).found
