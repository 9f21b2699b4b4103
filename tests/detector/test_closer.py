"""Closer looks: their scores take the place of the first, for the candidates that are best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import BRIGHT, dots

from waldo_cli import Stack, detect
from waldo_cli.detector.closer import look_closer
from waldo_cli.detector.passes import Trace
from waldo_cli.errors import StackError
from waldo_cli.geometry import Box, Detection, Size
from waldo_cli.stack.layers import Combine, Conv, Pointwise
from waldo_cli.stack.stack import CloserLook

# The first look finds what is bright; the closer one tells red from the rest.
RED_OR_NOT = np.array([[[[4, -4], [-4, 4], [-4, 4]]]], np.float32)
TWICE = Stack(
    "twice",
    (Combine("max"),),
    object=Size(5, 5),
    threshold=0.5,
    labels=("red", "other"),
    closer_looks=(
        CloserLook(
            Stack("closer", (Conv(RED_OR_NOT), Pointwise("softmax")), labels=("red", "other")),
            size=Size(5, 5),
            candidates=8,
            scales=(1.0, 0.8),
            mirrored=8,
        ),
    ),
)


def coloured() -> np.ndarray:
    image = dots()
    image[8:13, 8:13] = (1.0, 1.0, 1.0)
    image[28:33, 28:33] = (0.8, 0.0, 0.0)
    return image


def test_a_closer_look_puts_its_own_score_in_place_of_the_first() -> None:
    result = detect(coloured(), stack=TWICE)
    (found,) = result.detections
    assert found.label == "red"
    assert 28 <= found.x <= 33
    assert 28 <= found.y <= 33
    assert found.score > 0.95
    (other,) = detect(coloured(), stack=TWICE, labels=["other"]).detections
    assert 8 <= other.x <= 13
    assert other.score > 0.95


def test_after_a_closer_look_the_map_has_its_maximum_at_the_answer() -> None:
    result = detect(coloured(), stack=TWICE)
    row, col = np.unravel_index(result.activations.argmax(), result.activations.shape)
    assert 28 <= row < 33
    assert 28 <= col < 33
    assert result.activations.max() == pytest.approx(result.detections[0].score, abs=1e-5)
    assert result.activations[8:13, 8:13].max() < 0.5


def test_a_closer_look_heeds_the_region() -> None:
    image = coloured()
    assert not detect(image, stack=TWICE, region=(0, 0, 20, 20), threshold=0.6).found
    assert detect(image, stack=TWICE, region=(20, 20, 20, 20), threshold=0.6).found


def always(*answers: float) -> Stack:
    """Says the same of everything: `answers`, in the order of the labels red, other and third."""
    bias = np.log(np.array(answers, np.float32))
    conv = Conv(np.zeros((1, 1, 3, len(answers)), np.float32), bias=bias)
    labels = ("red", "other", "third")[: len(answers)]
    return Stack("always", (conv, Pointwise("softmax")), labels=labels)


def test_the_answers_of_closer_looks_are_pooled_by_their_geometric_mean() -> None:
    first = CloserLook(always(0.9, 0.1), Size(5, 5), candidates=8)
    again = CloserLook(always(0.2, 0.8), Size(5, 5), candidates=1)
    trace = Trace()
    detect(coloured(), stack=replace(TWICE, closer_looks=(first, again)), trace=trace)
    (look,) = trace.passes
    pooled = np.sqrt([0.9 * 0.2, 0.1 * 0.8])
    np.testing.assert_allclose(look.scores[0], pooled / pooled.sum(), rtol=1e-5)
    np.testing.assert_allclose(look.scores[1], [0.9, 0.1], rtol=1e-5)  # was shown to one look alone
    np.testing.assert_allclose(look.answers[1][0], [0.2, 0.8], rtol=1e-5)
    assert np.isnan(look.answers[1][1:]).all()


def test_a_closer_look_is_shown_the_best_by_the_labels_asked_for() -> None:
    sharp = TWICE.closer_looks[0]
    stack = replace(TWICE, closer_looks=(sharp, replace(sharp, candidates=1)))
    for label, inside in (("red", slice(28, 33)), ("other", slice(8, 13))):
        trace = Trace()
        detect(coloured(), stack=stack, labels=[label], trace=trace)
        (look,) = trace.passes
        (shown,) = np.flatnonzero(~np.isnan(look.answers[1][:, 0]))
        assert inside.start <= look.candidates[shown].x <= inside.stop


def test_a_closer_look_is_shown_the_best_again_mirrored() -> None:
    leaning = np.zeros((1, 3, 3, 2), np.float32)
    leaning[0, 0, 0, 0] = leaning[0, 2, 1, 1] = 3  # red on the left against green on the right
    look = CloserLook(
        Stack("leaning", (Conv(leaning), Pointwise("softmax")), labels=("red", "other")),
        Size(5, 5),
        4,
    )
    image = coloured()
    image[28:33, 31:33] = (0.0, 0.8, 0.0)

    def answers(count: int) -> np.ndarray:
        trace = Trace()
        detect(
            image, stack=replace(TWICE, closer_looks=(replace(look, mirrored=count),)), trace=trace
        )
        return trace.passes[0].answers[0]

    plain, once, all_of_them = answers(0), answers(1), answers(4)
    (shown,) = np.flatnonzero((once != plain).any(axis=1))
    assert shown == np.nanargmax(plain[:, 0])
    np.testing.assert_array_equal(once[shown], all_of_them[shown])
    np.testing.assert_array_equal(np.isnan(plain), np.isnan(all_of_them))


def test_closer_looks_must_answer_alike() -> None:
    with pytest.raises(StackError, match="last layer must be softmax"):
        replace(TWICE, closer_looks=(CloserLook(BRIGHT, Size(5, 5), 3),))
    other = replace(always(0.5, 0.5), labels=("red", "blue"))
    with pytest.raises(StackError, match="the same labels"):
        replace(TWICE, closer_looks=(*TWICE.closer_looks, CloserLook(other, Size(5, 5), 3)))


def test_an_odd_size_lowers_the_score_of_the_wanted_label_and_no_size_by_more_than_one_octave() -> (
    None
):
    look = CloserLook(always(0.9, 0.1), Size(5, 5), candidates=9)
    stack = replace(TWICE, closer_looks=(look,), size_prior=2.0)
    scales = (1.0, 1.0, 1.0, 2.0, 0.5, 2**1.5, 4.0, 32.0, 1 / 32)
    candidates = [Detection("", 5.0, 5.0, 0.9, Box(3, 3, 5, 5), scale) for scale in scales]
    _, plain = look_closer(replace(stack, size_prior=0.0), coloured(), candidates, None, [0], None)
    _, scores = look_closer(stack, coloured(), candidates, None, [0], None)
    np.testing.assert_allclose(scores[:, 1], plain[:, 1])  # it was not asked for
    odds = np.log(scores[:, 0] / (1 - scores[:, 0]))
    np.testing.assert_allclose(odds[0] - odds, [0, 0, 0, 0, 0, 1, 2, 2, 2], atol=1e-4)


def test_what_the_first_pass_says_beyond_its_median_counts_in_the_score() -> None:
    look = CloserLook(always(0.5, 0.3, 0.2), Size(5, 5), candidates=5)
    evidence = np.array([7, 3, 1, 0, -2], np.float32)
    candidates = [Detection("", 5.0, 5.0, 0.9, Box(3, 3, 5, 5), 1.0)] * len(evidence)
    layers = (*TWICE.layers, Pointwise("sigmoid"))
    stack = replace(TWICE, layers=layers, closer_looks=(look,), evidence_weight=0.5)
    for wanted in ([0], [0, 1]):
        answers, scores = look_closer(stack, coloured(), candidates, evidence, wanted, None)
        np.testing.assert_allclose(answers[0], [[0.5, 0.3, 0.2]] * 5, rtol=1e-5)
        there = scores[:, wanted].sum(axis=1)
        known = answers[0][0, wanted].sum()
        change = np.log(there / (1 - there)) - np.log(known / (1 - known))
        np.testing.assert_allclose(change, [3, 1, 0, -0.5, -1.5], atol=1e-4)
        # Those that are wanted keep their proportion.
        np.testing.assert_allclose(
            scores[:, wanted] / there[:, None], [answers[0][0, wanted] / known] * 5
        )
    _, sure = look_closer(stack, coloured(), candidates, 1000 * evidence, [0], None)
    assert (sure[0, 0], sure[4, 0]) == (1, pytest.approx(0, abs=1e-30))


def test_scores_are_calibrated_at_last_and_exactly_whatever_the_number_of_labels() -> None:
    look = CloserLook(always(0.7, 0.2, 0.1), Size(5, 5), candidates=5)
    evidence = np.array([2, 0, -2], np.float32)
    candidates = [Detection("", 5.0, 5.0, 0.9, Box(3, 3, 5, 5), 1.0)] * len(evidence)
    layers = (*TWICE.layers, Pointwise("sigmoid"))
    stack = replace(TWICE, layers=layers, closer_looks=(look,), evidence_weight=0.5)
    stack = replace(stack, calibration=(1.9, -4.5))
    _, scores = look_closer(stack, coloured(), candidates, evidence, [0], None)
    log_odds = 1.9 * (np.log(0.7 / 0.3) + np.array([1, 0, -1])) - 4.5
    np.testing.assert_allclose(scores[:, 0], 1 / (1 + np.exp(-log_odds)), rtol=1e-4)
    np.testing.assert_allclose(scores[:, 1:], [[0.2, 0.1]] * 3, rtol=1e-5)  # not asked for
    # Where several are asked for, the evidence is for all of them, and each is calibrated by itself.
    _, both = look_closer(stack, coloured(), candidates, evidence, [0, 1], None)
    somebody = 1 / (1 + np.exp(-(np.log(0.9 / 0.1) + np.array([1, 0, -1]))))
    for label, share in ((0, 7 / 9), (1, 2 / 9)):
        own = share * somebody
        log_odds = 1.9 * np.log(own / (1 - own)) - 4.5
        np.testing.assert_allclose(both[:, label], 1 / (1 + np.exp(-log_odds)), rtol=1e-4)
    # Without evidence a score does not depend on what else is asked for, even where all are.
    for wanted in ([0], [0, 1], [2, 0], [0, 1, 2]):
        _, same = look_closer(stack, coloured(), candidates, 0 * evidence, wanted, None)
        np.testing.assert_allclose(same[:, 0], scores[1, 0], rtol=1e-4)
    # An answer of almost 1 has its digits in what is left for the others.
    sure = replace(stack, closer_looks=(CloserLook(always(1, 1e-9, 1e-9), Size(5, 5), 5),))
    _, scores = look_closer(sure, coloured(), candidates, 0 * evidence, [1], None)
    log_odds = 1.9 * np.log(1e-9) - 4.5
    np.testing.assert_allclose(np.log(scores[:, 1]), log_odds, rtol=1e-3)
    doubtful = replace(sure, calibration=(1.0, -22.0))
    _, scores = look_closer(doubtful, coloured(), candidates, 0 * evidence, [0], None)
    log_odds = np.log(1 / 2e-9) - 22
    np.testing.assert_allclose(scores[:, 0], 1 / (1 + np.exp(-log_odds)), rtol=1e-3)
