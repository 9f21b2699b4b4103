"""Calibrated scores are probabilities, and the threshold keeps false alarms rare."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.training import calibrate


def test_probabilities_are_right_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    truth = random.uniform(0.02, 0.98, 4000)
    hits = random.random(4000) < truth
    logits = np.log(truth / (1 - truth))
    said = 1 / (1 + np.exp(-(2.5 * logits + 1)))  # overconfident
    calibration = calibrate.calibrate(list(zip(said.tolist(), hits.tolist(), strict=True)), [])
    np.testing.assert_allclose([calibration(s) for s in said], truth, atol=0.05)


def test_the_threshold_keeps_false_alarms_rare() -> None:
    absent = np.linspace(0.01, 0.97, 60).tolist()
    finds = [(0.99, True)] * 50 + [(s, False) for s in absent]
    calibration = calibrate.calibrate(finds, [(absent, 0.05)])
    assert sum(calibration(s) >= calibration.threshold for s in absent) < 0.05 * len(absent)
    assert 0.5 <= calibration.threshold < calibration(0.99)


def test_where_nothing_was_found_scores_stay_as_they_are() -> None:
    assert calibrate.calibrate([], [([-np.inf], 0.05)]) == calibrate.Calibration()
