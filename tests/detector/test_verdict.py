"""The verdict: what speaks for a place, and how easily chance brings it about."""

from __future__ import annotations

import numpy as np

from waldo_cli import detect
from waldo_cli.detector.alignment import Agreement
from waldo_cli.detector.verdict import MOST_CHANCE, chance_of, evidence, leads


def agreement(**changed: float) -> Agreement:
    usual = {
        "score": 0.97, "gain": 1.0, "offset": 0.0, "concordance": 0.97, "trimmed": 0.98, "inside": 1.0,
        "independent": 30.0,
    }  # fmt: skip
    return Agreement(**{name: np.array([v]) for name, v in (usual | changed).items()})


def chance(lead: float = 4.0, *, any_contrast: bool = False, **changed: float) -> float:
    speaks = evidence(agreement(**changed), any_contrast=any_contrast)
    return float(chance_of(speaks, np.array([lead]))[0])


def test_more_agreement_parts_numbers_and_lead_make_chance_less_likely() -> None:
    assert chance() < MOST_CHANCE
    assert chance(score=0.9) > chance()
    assert chance(trimmed=0.9) > chance()
    assert chance(independent=8.0) > chance()
    assert chance(inside=0.4) > chance()
    assert chance(lead=1.0) > chance()
    assert chance(score=0.6, trimmed=0.7, lead=0.0) > 0.5


def test_a_contrast_or_colours_far_from_the_masks_are_no_find_unless_any_will_do() -> None:
    assert chance(gain=5.0) == chance(gain=0.05) > MOST_CHANCE
    assert chance(concordance=0.1) > MOST_CHANCE > chance(concordance=0.1, any_contrast=True)
    assert chance(gain=5.0, any_contrast=True) < MOST_CHANCE


def test_a_place_leads_what_is_no_copy_of_it() -> None:
    places = Agreement(
        *np.array([[0.99] * 4, [1.0] * 4, [0.0] * 4, [0.99, 0.98, 0.8, 0.5]] + [[1.0] * 4] * 3)
    )
    speaks = np.array([7.0, 6.5, 4.0, -2.3])
    np.testing.assert_allclose(leads(speaks, places, any_contrast=False), [3.0, 2.5, 4.0, 0.0])


def test_a_word_among_others_of_the_same_shape_is_found_and_not_missed_for_another() -> None:
    """Rows of letters; only the last has those of the mask."""
    rng = np.random.default_rng(4)
    letters = [(rng.random((9, 6)) < 0.5).astype(np.float32) for _ in range(12)]

    def word(order: list[int]) -> np.ndarray:
        return np.pad(np.concatenate([letters[n] for n in order], 1), 3)[:, :, None].repeat(3, 2)

    mask = word([0, 1, 2, 3])
    rows = [word(list(4 + rng.permutation(8)[:4])) for _ in range(12)]
    page = np.concatenate([np.concatenate(rows[n : n + 4], 1) for n in range(0, 12, 4)])
    assert not detect(page, masks=[mask], scales=1).found
    page[15:30, 30:60] = mask
    assert detect(page, masks=[mask], scales=1).found


def test_noise_holds_no_other_noise() -> None:
    """At nine scales, over the edges too."""
    rng = np.random.default_rng(5)
    for _ in range(8):
        page, mask = rng.random((90, 120, 3), np.float32), rng.random((20, 24, 3), np.float32)
        assert not detect(page, masks=[mask]).found
