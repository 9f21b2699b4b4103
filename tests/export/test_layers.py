"""Every layer in onnxruntime gives what it gives here."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import STACKS, kernel

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")

import onnx
import onnxruntime

from waldo_cli import load_stack
from waldo_cli.export.layers import model_of
from waldo_cli.export.models import drawn, noise
from waldo_cli.stack.file import READERS
from waldo_cli.stack.layers import (
    POINTWISE,
    Combine,
    Conv,
    Layer,
    Normalize,
    Pointwise,
    Pool,
    Upsample,
)
from waldo_cli.stack.stack import Stack


def session(stack: Stack) -> onnxruntime.InferenceSession:
    model = model_of(stack, "tests", "0")
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def must_agree(stack: Stack, *sizes: tuple[int, int]) -> None:
    """The same numbers on noise and on a drawn picture, for several sizes by one model."""
    there, random = session(stack), np.random.default_rng(3)
    for size in sizes:
        for picture in (noise(size, random), drawn(size, random)):
            ours = stack.run(picture)
            (theirs,) = there.run(None, {"image": picture.transpose(2, 0, 1)[None]})
            largest = max(1.0, float(np.abs(ours).max()))
            np.testing.assert_allclose(theirs[0].transpose(1, 2, 0), ours, atol=2e-6 * largest)


@pytest.mark.parametrize("name", STACKS)
def test_stacks_of_every_kind_agree(name: str) -> None:
    must_agree(Stack(name, STACKS[name]), (19, 23), (40, 31))


@pytest.mark.parametrize("padding", ["valid", "zero", "reflect", "edge", "wrap", ((7, 0), (2, 11))])
@pytest.mark.parametrize("size", [(1, 1), (6, 9), (4, 3)])
def test_every_padding_agrees_on_pictures_smaller_than_what_is_added(
    padding: str | tuple[tuple[int, int], tuple[int, int]], size: tuple[int, int]
) -> None:
    conv = Conv(kernel(*size, 3, 4), kernel(4), dilation=(2, 1), padding=padding, flip=True)
    must_agree(Stack("padded", (conv,)), (19, 23))
    if padding != "valid":
        must_agree(Stack("padded", (conv,)), (5, 2))
    if isinstance(padding, str) and padding != "valid":
        must_agree(Stack("padded", (conv,)), (1, 1), (2, 1))


@pytest.mark.parametrize("layer", [
    *(Pointwise(op, slope=0.3) for op in POINTWISE),
    Pool("max-pool", (3, 2), (2, 5)),
    Pool("mean-pool", (16, 13), (1, 2)),
    Normalize((4, 7)),
    Upsample(1),
    Upsample(3),
    *(Combine(how) for how in ("max", "mean", "sum")),
    Conv(kernel(3, 2, 2, 6), stride=(2, 3), groups=2),
], ids=str)  # fmt: skip
def test_every_op_agrees(layer: Layer) -> None:
    must_agree(Stack("one", (Conv(kernel(2, 2, 3, 4)), layer)), (25, 30), (31, 26))


def test_no_op_of_the_stack_file_is_left_out() -> None:
    tried = {"conv", "max-pool", "mean-pool", "normalize", "upsample", "combine", *POINTWISE}
    assert READERS.keys() == tried | {"mask"}  # masks have a file of their own


def test_the_stack_that_comes_with_the_program_agrees() -> None:
    stack = load_stack("waldo")
    must_agree(stack, (70, 90), (101, 88))
    for look in stack.closer_looks:
        must_agree(look.stack, look.stack.receptive_field.size, (120, 110))


def test_a_model_takes_several_pictures_at_once() -> None:
    look = load_stack("waldo").closer_looks[0].stack
    random = np.random.default_rng(4)
    batch = np.stack([noise(look.receptive_field.size, random) for _ in range(3)])
    (theirs,) = session(look).run(None, {"image": batch.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(theirs.transpose(0, 2, 3, 1), look.run(batch), atol=1e-5)
