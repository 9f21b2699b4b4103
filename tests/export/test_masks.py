"""A mask layer in onnxruntime gives what it gives here, to the last digits, for every score and padding."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")

import onnxruntime

from waldo_cli.correlate.scores import SCORES
from waldo_cli.errors import StackError
from waldo_cli.export.layers import model_of
from waldo_cli.export.models import drawn, noise
from waldo_cli.stack.layers import MaskLayer
from waldo_cli.stack.stack import Stack

RANDOM = np.random.default_rng(5)
FEATURES = RANDOM.random((6, 9, 3, 2), np.float32)
FEATURES[:3, :4, :, 0] = 0.3  # a part of one colour, which may be all that lies inside
WEIGHTS = RANDOM.integers(0, 3, (6, 9, 2)).astype(np.float32) / 2
ALONE = np.zeros((6, 9, 2), np.float32)
ALONE[2, 3] = 1  # one pixel counts: every window is flat


def compared(layer: MaskLayer, *pictures: np.ndarray) -> None:
    stack = Stack("masks", (layer,))
    model = model_of(stack, "tests", "0")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for picture in pictures:
        ours = stack.run(picture)
        (theirs,) = session.run(None, {"image": picture.transpose(2, 0, 1)[None]})
        largest = max(1.0, float(np.abs(ours).max()))
        np.testing.assert_allclose(theirs[0].transpose(1, 2, 0), ours, atol=2e-6 * largest)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("padding", ["partial", "zero", "edge", "reflect", "wrap"])
@pytest.mark.parametrize("weights", [None, WEIGHTS, ALONE], ids=["all", "some", "one"])
def test_every_score_and_padding_agrees(
    score: str, padding: str, weights: np.ndarray | None
) -> None:
    layer = MaskLayer(score, padding, FEATURES, weights)
    compared(layer, noise((19, 23), RANDOM), drawn((33, 26), RANDOM))


def test_windows_that_are_flat_or_nearly_so_agree() -> None:
    flat = np.full((30, 40, 3), 0.7, np.float32)
    faint = drawn((30, 40), RANDOM)
    faint[:, 20:] = 0.5
    faint[9, 30, 1] += np.float32(1 / 255)  # one pixel, one shade apart
    compared(MaskLayer("ncc", "partial", FEATURES), flat, faint)


def test_what_a_mask_holds_without_weight_does_not_matter() -> None:
    features = FEATURES.copy()
    features[WEIGHTS[:, :, 0] == 0, :, 0] = np.nan
    compared(MaskLayer("ncc", "edge", features, WEIGHTS), noise((20, 20), RANDOM))


def test_a_mask_that_the_user_gives_cannot_be_exported() -> None:
    with pytest.raises(StackError, match=r"^layer 1 \(mask\): its mask comes from --mask"):
        model_of(Stack("pixels", (MaskLayer(),)), "tests", "0")
