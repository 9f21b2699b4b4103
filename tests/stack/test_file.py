"""Stack files: what is written is what runs, and every damage is one clear line."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from stackfiles import NAMED, RELU, loaded, refused, written

from waldo_cli import load_stack
from waldo_cli.errors import StackError
from waldo_cli.geometry import Size
from waldo_cli.stack import file

SHARED = Path(__file__).resolve().parents[3] / "shared" / "badimages"


# --- what is written is what runs -----------------------------------------------------------------


def test_the_built_in_stacks_load_and_say_what_they_are() -> None:
    names = file.built_in_names()
    assert {"pixels", "stripes"} <= set(names)
    for name in names:
        stack = load_stack(name)
        assert stack.name == name
        assert stack.description
        assert stack.threshold is not None


def test_every_key_arrives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(2, 3, 3, 4)).astype("f4"), rng.normal(size=4).astype("f4")
    stack = loaded(
        tmp_path,
        """
        name = "mine"
        description = "by hand"
        object = [7, 9]
        threshold = -0.25
        scales = { min = 0.5, max = 1, per_octave = 3 }
        weights = "mine.npz"
        labels = ["a", "b", "c", "d"]
        boundary = "reflect"
        [[layer]]
        op = "conv"
        kernel = "weights:k"
        bias = "weights:b"
        stride = [1, 2]
        dilation = 2
        padding = [[1, 0], [2, 3]]
        flip = true
        """,
        k=kernel,
        b=bias,
    )
    (layer,) = stack.layers
    np.testing.assert_array_equal(layer.kernel, kernel)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(layer.bias, bias)  # type: ignore[attr-defined]
    assert layer.stride == (1, 2)  # type: ignore[attr-defined]
    assert layer.dilation == (2, 2)  # type: ignore[attr-defined]
    assert layer.padding == ((1, 0), (2, 3))  # type: ignore[attr-defined]
    assert layer.flip is True  # type: ignore[attr-defined]
    assert (stack.name, stack.description, stack.object) == ("mine", "by hand", Size(9, 7))
    assert (stack.threshold, stack.per_octave, stack.boundary) == (-0.25, 3, "reflect")
    assert stack.scales == pytest.approx([0.5, 2 ** (-2 / 3), 2 ** (-1 / 3), 1])
    assert stack.labels == ("a", "b", "c", "d")


def test_a_short_file_has_the_usual_values(tmp_path: Path) -> None:
    stack = loaded(tmp_path, RELU)
    assert (stack.name, stack.object, stack.threshold) == ("mine", None, None)
    assert (stack.scales, stack.boundary) == ((1.0,), "edge")
    assert (stack.level_pixels, stack.size_prior, stack.evidence_weight) == (None, 0.0, 0.0)
    assert (stack.even_light, stack.turn) == (False, False)
    assert stack.calibration == (1.0, 0.0)
    assert stack.box_look is None
    masked = loaded(tmp_path, '[[layer]]\nop = "mask"\n')
    assert masked.needs_mask
    assert masked.boundary == "none"  # a mask layer answers up to the edge by itself


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ('"sobel-x"', [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ('"sobel-y"', [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        ('"laplacian"', [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ('"box:2"', [[0.25, 0.25], [0.25, 0.25]]),
    ],
)
def test_a_named_kernel_works_on_each_channel_by_itself(
    kernel: str, expected: list[list[float]], tmp_path: Path
) -> None:
    stack = loaded(tmp_path, f'[[layer]]\nop = "conv"\nkernel = {kernel}\n')
    x = np.random.default_rng(1).random((8, 9, 3), np.float32)
    a, b = np.shape(expected)
    windows = np.lib.stride_tricks.sliding_window_view(x, (a, b), axis=(0, 1))
    np.testing.assert_allclose(
        stack.run(x), np.einsum("ijcab,ab->ijc", windows, expected), atol=1e-5
    )


@pytest.mark.parametrize("sigma", [0.4, 1, 1.5, 3])
def test_a_gaussian_sums_to_one_and_has_its_width(sigma: float, tmp_path: Path) -> None:
    stack = loaded(tmp_path, f'[[layer]]\nop = "conv"\nkernel = "gaussian:{sigma}"\n')
    kernel = stack.layers[0].kernel[:, :, 0, 0]  # type: ignore[attr-defined]
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(kernel, kernel.T)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1])
    at = np.arange(len(kernel)) - len(kernel) // 2
    if sigma >= 1:
        assert np.sqrt((kernel.sum(0) * at**2).sum()) == pytest.approx(sigma, rel=0.02)


def test_an_inline_kernel_has_two_to_four_levels(tmp_path: Path) -> None:
    conv = '[[layer]]\nop = "conv"\nkernel = '
    stack = loaded(tmp_path, f"{conv}[[[[1.0], [2.0], [3]]]]\n{conv}[[1, 2]]\n")
    assert stack.channels() == (3, 1, 1)
    x = np.ones((1, 2, 3), np.float32)
    np.testing.assert_allclose(stack.run(x), [[[18.0]]])


TWO_LABELS = (
    '[[closer_look.layer]]\nop = "conv"\nkernel = [[[[1, 0], [0, 1], [0, 0]]]]\n'
    '[[closer_look.layer]]\nop = "softmax"\n'
)


def test_closer_looks_have_their_own_layers_and_the_stacks_labels(tmp_path: Path) -> None:
    stack = loaded(
        tmp_path,
        'object = [8, 8]\nlabels = ["waldo", "nobody"]\n'
        "level_pixels = 4_000_000\nsize_prior = 2\nevidence_weight = 0.5\nturn = true\n"
        "even_light = true\n"
        "calibration = { slope = 1.5, offset = -3 }\n"
        '[[layer]]\nop = "combine"\nhow = "mean"\n[[layer]]\nop = "sigmoid"\n'
        "[[closer_look]]\nobject = [4, 6]\ncandidates = 3\nscales = [0.9, 1.1]\nmirrored = 2\n"
        + TWO_LABELS
        + "[[closer_look]]\nobject = 2\ncandidates = 1\n"
        + TWO_LABELS,
    )
    sharp, wide = stack.closer_looks
    assert (sharp.size, sharp.candidates, sharp.mirrored) == (Size(6, 4), 3, 2)
    assert sharp.scales == (0.9, 1.1)
    assert (wide.size, wide.candidates, wide.mirrored) == ((2, 2), 1, 0)
    assert stack.labels == sharp.stack.labels == wide.stack.labels == ("waldo", "nobody")
    assert (stack.level_pixels, stack.size_prior, stack.turn) == (4_000_000, 2.0, True)
    assert (stack.evidence_weight, stack.calibration) == (0.5, (1.5, -3.0))
    assert stack.even_light


BOX_LOOK = (
    "[box_look]\nobject = [4, 6]\n[[box_look.layer]]\n"
    'op = "conv"\nkernel = [[[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]]]\n'
)


def test_a_box_look_has_layers_of_its_own(tmp_path: Path) -> None:
    stack = loaded(tmp_path, "object = [8, 8]\n" + RELU + BOX_LOOK)
    assert stack.box_look is not None
    assert stack.box_look.candidates == 0
    more = loaded(
        tmp_path,
        'object = 8\nlabels = ["a", "b"]\n'
        + RELU
        + "[[closer_look]]\nobject = 2\n"
        + TWO_LABELS
        + BOX_LOOK.replace("object", "candidates = 7\nobject"),
    )
    assert more.box_look is not None
    assert more.box_look.candidates == 7
    assert stack.box_look.size == Size(6, 4)
    assert stack.box_look.stack.channels() == (3, 4)
    assert stack.looks == (stack.box_look,)
    assert "box look:" in repr(stack)


# --- what cannot be used --------------------------------------------------------------------------

CONV = '[[layer]]\nop = "conv"\nkernel = [[[[1], [1], [1]]]]\n'
HUGE = "0x" + "F" * 9000

BAD_TEXT = {
    "unknown key": ("objekt = 3\n" + RELU, "unknown key 'objekt': did you mean 'object'?"),
    "no layer": ("", "[[layer]]: a stack needs at least one layer"),
    "layer is no list": ('[layer]\nop = "relu"\n', "[[layer]]"),
    "unknown op": ('[[layer]]\nop = "convv"\n', "layer 1: op = 'convv': did you mean 'conv'?"),
    "no op": ("[[layer]]\n", "layer 1: op = None"),
    "op of another kind": ("[[layer]]\nop = [1]\n", "layer 1: op = [1]"),
    "unknown key of an op": (
        RELU + '[[layer]]\nop = "relu"\nsize = 3\n',
        "layer 2 (relu): unknown key 'size'",
    ),
    "slope of relu": ('[[layer]]\nop = "relu"\nslope = 3\n', "layer 1 (relu): unknown key 'slope'"),
    "no kernel": ('[[layer]]\nop = "conv"\n', "layer 1 (conv): kernel"),
    "no such kernel": ('[[layer]]\nop = "conv"\nkernel = "sobel"\n', "kernel = 'sobel'"),
    "box of half a pixel": ('[[layer]]\nop = "conv"\nkernel = "box:1.5"\n', "kernel = 'box:1.5'"),
    "gaussian of nothing": ('[[layer]]\nop = "conv"\nkernel = "gaussian:0"\n', "gaussian:0"),
    "gaussian of NaN": ('[[layer]]\nop = "conv"\nkernel = "gaussian:nan"\n', "gaussian:nan"),
    "ragged kernel": ('[[layer]]\nop = "conv"\nkernel = [[1, 2], [3]]\n', "lists of equal lengths"),
    "kernel of text": ('[[layer]]\nop = "conv"\nkernel = [["1"]]\n', "kernel: must be numbers"),
    "kernel of truths": ('[[layer]]\nop = "conv"\nkernel = [[true]]\n', "kernel: must be numbers"),
    "kernel of one level": ('[[layer]]\nop = "conv"\nkernel = [1, 2]\n', "2 to 4 levels"),
    "kernel of NaN": ('[[layer]]\nop = "conv"\nkernel = [[nan]]\n', "kernel: must hold finite"),
    "kernel of infinity": (
        '[[layer]]\nop = "conv"\nkernel = [[-inf]]\n',
        "kernel: must hold finite",
    ),
    "kernel of a huge number": (
        f'[[layer]]\nop = "conv"\nkernel = [[{HUGE}]]\n',
        "kernel: must be",
    ),
    "empty kernel": ('[[layer]]\nop = "conv"\nkernel = [[]]\n', "kernel: must"),
    "channels do not fit": (CONV + CONV, "layer 2 (conv): conv takes 3 channels, 1 come in"),
    "bias does not fit": (
        CONV + "bias = [1, 2]\n",
        "bias: shape (2,), the kernel gives 1 channels",
    ),
    "bias is text": (CONV + 'bias = "one"\n', "'one' is not an array"),
    "stride 0": (CONV + "stride = 0\n", "layer 1 (conv): stride = 0"),
    "stride negative": (CONV + "stride = -1\n", "stride = -1"),
    "stride a half": (CONV + "stride = 1.5\n", "stride = 1.5"),
    "stride true": (CONV + "stride = true\n", "stride = True"),
    "stride of three": (CONV + "stride = [1, 2, 3]\n", "stride: must be one whole number or two"),
    "stride huge": (CONV + f"stride = {HUGE}\n", "stride = a number of thousands of digits"),
    "dilation 0": (CONV + "dilation = [1, 0]\n", "dilation = 0"),
    "groups do not divide": (CONV + "groups = 2\n", "groups = 2: 1 output channels"),
    "groups of a named kernel": (
        '[[layer]]\nop = "conv"\nkernel = "box:3"\ngroups = 3\n',
        "groups:",
    ),
    "padding unknown": (CONV + 'padding = "mirror"\n', "padding = 'mirror': must be one of valid"),
    "padding negative": (CONV + "padding = [[0, -1], [0, 0]]\n", "padding = -1"),
    "padding half": (CONV + "padding = [[0, 1]]\n", "padding: explicit widths are"),
    "flip a number": (CONV + "flip = 1\n", "flip: must be true or false"),
    "pool of 0": ('[[layer]]\nop = "max-pool"\nsize = 0\n', "layer 1 (max-pool): size = 0"),
    "how unknown": ('[[layer]]\nop = "combine"\nhow = "min"\n', "how = 'min': must be one of max"),
    "how a table": ('[[layer]]\nop = "combine"\nhow = {a = 1}\n', "how = {'a': 1}"),
    "score unknown": ('[[layer]]\nop = "mask"\nscore = "nccc"\n', "score = 'nccc'"),
    "two masks": ('[[layer]]\nop = "mask"\n' * 2, "layer 2 (mask): a stack takes one mask layer"),
    "mask of two channels": (
        '[[layer]]\nop = "mask"\nmask = [[[1, 2]]]\n',
        "mask: shape (1, 1, 2)",
    ),
    "mask of no weight": ('[[layer]]\nop = "mask"\nmask = [[[1, 2, 3, 0]]]\n', "weights are all 0"),
    "upsample 0": ('[[layer]]\nop = "upsample"\nfactor = 0\n', "factor = 0"),
    "upsample without end": (
        '[[layer]]\nop = "combine"\n' + '[[layer]]\nop = "upsample"\nfactor = 4\n' * 20,
        "layer 4 (upsample): factor",
    ),
    "upsample of all channels": (
        '[[layer]]\nop = "upsample"\nfactor = 16\n',
        "layer 1 (upsample): 3 channels every (0.0625, 0.0625) pixels: at most 256 activations",
    ),
    "channels without end": (
        f'[[layer]]\nop = "conv"\nkernel = [[{[[1] * 257] * 3}]]\n',
        "layer 1 (conv): 257 channels every (1, 1) pixels: at most 256 activations",
    ),
    "stride without end": (
        '[[layer]]\nop = "max-pool"\nstride = 64\n' * 20,
        "layer 3 (max-pool): the receptive",
    ),
    "field without end": (
        '[[layer]]\nop = "conv"\nkernel = "box:512"\n' * 20,
        "the receptive field",
    ),
    "more layers than any": (RELU * 257, "[[layer]]: 257 layers, at most 256"),
    "object 0": ("object = [0, 3]\n" + RELU, "object = 0"),
    "object of one side": ("object = [3]\n" + RELU, "object: must be one whole number or two"),
    "threshold NaN": ("threshold = nan\n" + RELU, "threshold: must be finite"),
    "threshold text": ('threshold = "0.5"\n' + RELU, "threshold: must be a number"),
    "threshold huge": (f"threshold = {HUGE}\n" + RELU, "threshold: must be a number"),
    "scales none": ("scales = []\n" + RELU, "scales: give"),
    "scales negative": ("scales = [-1]\n" + RELU, "scales: each must lie"),
    "scales NaN": ("scales = [nan]\n" + RELU, "scales: must be finite"),
    "scales turned around": ("scales = {min = 2, max = 1}\n" + RELU, "scales: min and max"),
    "scales with a typo": (
        "scales = {min = 1, max = 2, per_octav = 2}\n" + RELU,
        "did you mean 'per_octave'?",
    ),
    "scales beyond any picture": (
        "scales = {min = 1, max = 1e9}\n" + RELU,
        "1/64 <= min <= max <= 512",
    ),
    "level of no pixel": ("level_pixels = 0\n" + RELU, "level_pixels = 0: must be a whole number"),
    "level of half a pixel": ("level_pixels = 0.5\n" + RELU, "level_pixels = 0.5"),
    "light that is a number": ("even_light = 1\n" + RELU, "even_light = 1: must be true or false"),
    "turn of degrees": ("turn = 90\n" + RELU, "turn = 90: must be true or false"),
    "turn without closer looks": ("turn = true\n" + RELU, "turn: goes with closer looks"),
    "size prior below 0": (
        "size_prior = -1\n" + RELU,
        "size_prior = -1.0: must be a number from 0",
    ),
    "evidence weight above 100": (
        "evidence_weight = 101\n" + RELU,
        "evidence_weight = 101.0: must be a number from 0 to 100",
    ),
    "evidence of what is no probability": (
        "evidence_weight = 1\n" + RELU,
        "evidence_weight: the last layer must be sigmoid",
    ),
    "calibration of one number": (
        "calibration = 2\n" + RELU,
        "calibration: must be { slope, offset }",
    ),
    "calibration that turns the order around": (
        "calibration = { slope = -1 }\n" + RELU,
        "calibration: slope is a number from 0.01 to 1e4",
    ),
    "calibration with a typo": (
        "calibration = { slop = 1 }\n" + RELU,
        "calibration: unknown key 'slop': did you mean 'slope'?",
    ),
    "calibration of what has no closer look": (
        "calibration = { slope = 2 }\n" + RELU,
        "calibration: goes with closer looks",
    ),
    "box look with candidates for nobody": (
        "object = 3\n" + RELU + BOX_LOOK.replace("object", "candidates = 3\nobject"),
        "box_look: candidates: are for closer looks",
    ),
    "box look a number": ("box_look = 3\n" + RELU, "box_look: must be a [box_look] table"),
    "box looks": (
        "object = 3\n" + RELU + BOX_LOOK.replace("[box_look]", "[[box_look]]"),
        "box_look: must be a [box_look] table",
    ),
    "box look with scales": (
        "object = 3\n" + RELU + BOX_LOOK.replace("object", "scales = [3]\nobject"),
        "box_look: unknown key 'scales'",
    ),
    "box look without an object in it": (
        "object = 3\n" + RELU + BOX_LOOK.replace("object = [4, 6]\n", ""),
        "box_look: object is missing",
    ),
    "box look without an object": (
        RELU + BOX_LOOK,
        "object: a stack with a closer look or a box look must say the size of its object",
    ),
    "box look of three numbers": (
        "object = 3\n" + RELU + BOX_LOOK.replace(", 0], [", "], [").replace("1, 0]]]]", "1]]]]"),
        "box_look: its layers make 1 places of 3 channels of a cut: 1 of 4",
    ),
    "box look with a mask layer": (
        "object = 3\n" + RELU + BOX_LOOK + '[[box_look.layer]]\nop = "mask"\n',
        "box_look: takes no mask layer",
    ),
    "box look of a mask": (
        'object = 3\n[[layer]]\nop = "mask"\n' + BOX_LOOK,
        "box_look: goes without a mask layer",
    ),
    "size prior that is no number": ("size_prior = true\n" + RELU, "size_prior: must be a number"),
    "scales tiny steps": (
        "scales = {min = 1, max = 2, per_octave = 99}\n" + RELU,
        "per_octave = 99",
    ),
    "labels twice": ('labels = ["a", "a"]\n' + RELU, "labels: a name stands twice"),
    "labels empty": ('labels = [""]\n' + RELU, "labels: ''"),
    "labels of numbers": ("labels = [1]\n" + RELU, "labels: must be a list of names"),
    "labels too few": ('labels = ["a"]\n' + RELU, "labels: 1 names for 3 output channels"),
    "label that moves the cursor": ('labels = ["a\\u001b[2J"]\n' + CONV, "not a printable name"),
    "name of two lines": ('name = "a\\nb"\n' + RELU, "name: must be a line of text"),
    "description that moves the cursor": (
        'description = "two\\nlines \\u001b[2J"\n' + RELU,
        "description: must be a line of text without control characters",
    ),
    "description that turns the line around": (
        'description = "\\u202egnp"\n' + RELU,
        "description: must be a line of text without control characters",
    ),
    "boundary unknown": ('boundary = "mirror"\n' + RELU, "boundary = 'mirror'"),
    "weights not named": (
        '[[layer]]\nop = "conv"\nkernel = "weights:k"\n',
        "'weights:k' is not an array",
    ),
    "closer look a number": ("closer_look = 3\n" + RELU, "closer_look: must be"),
    "closer look one table": (
        RELU + '[closer_look]\nobject = 3\n[[closer_look.layer]]\nop = "softmax"\n',
        "closer_look: must be [[closer_look]] tables",
    ),
    "closer look without object": (
        "object = 3\n" + RELU + '[[closer_look]]\n[[closer_look.layer]]\nop = "softmax"\n',
        "closer_look 1: object is missing",
    ),
    "closer look at what size": (
        "labels = ['a', 'b']\n" + RELU + "[[closer_look]]\nobject = 3\n" + TWO_LABELS,
        "object: a stack with a closer look or a box look must say",
    ),
    "closer look with a bad layer": (
        "object = 3\n" + RELU + '[[closer_look]]\nobject = 3\n[[closer_look.layer]]\nop = "rely"\n',
        "closer_look 1: layer 1: op = 'rely'",
    ),
    "closer look without probabilities": (
        "object = 3\nlabels = ['a', 'b', 'c']\n"
        + RELU
        + '[[closer_look]]\nobject = 3\n[[closer_look.layer]]\nop = "relu"\n',
        "closer look 1: its last layer must be softmax",
    ),
    "closer look of no candidate": (
        "object = 3\nlabels = ['a', 'b']\n"
        + RELU
        + "[[closer_look]]\nobject = 3\ncandidates = 0\n"
        + TWO_LABELS,
        "candidates = 0",
    ),
    "closer looks without end": (
        "object = 3\nlabels = ['a', 'b']\n"
        + RELU
        + ("[[closer_look]]\nobject = 3\n" + TWO_LABELS) * 9,
        "closer_look: 9 of them, at most 8",
    ),
}


@pytest.mark.parametrize("name", BAD_TEXT)
def test_a_bad_stack_is_one_line_that_names_file_layer_and_key(name: str, tmp_path: Path) -> None:
    text, reason = BAD_TEXT[name]
    assert reason in refused(written(tmp_path, "format = 1\n" + text))


BAD_BYTES = {
    "empty": (b"", "format = None"),
    "no format": (RELU.encode(), "format = None: this program reads format = 1"),
    "format of tomorrow": (b"format = 2\n" + RELU.encode(), "format = 2"),
    "format true": (b"format = true\n" + RELU.encode(), "format = True"),
    "format huge": (f"format = {HUGE}\n".encode(), "format = a number of thousands of digits"),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + b"format = 1\n", "not TOML"),
    "UTF-16": (("format = 1\n" + RELU).encode("utf-16"), "UTF-16"),
    "not UTF-8": (b'name = "\xff"\n', "not UTF-8"),
    "not TOML": (b"format = \n", "not TOML"),
    "key twice": (b"format = 1\nformat = 1\n", "not TOML"),
    "ten thousand digits": (b"format = " + b"9" * 10_000, "not TOML"),
    "nested lists": (b"a = " + b"[" * 50_000, "nested too deeply"),
    "nested tables": (b"a = " + b"{a = " * 20_000, "nested too deeply"),
    "a key of many parts": (b"a" + b".a" * 20_000 + b" = 1", "more than 16 parts"),
    "a quoted key of many parts": (b'"a"' + b' . "a"' * 20_000 + b" = 1", "more than 16 parts"),
    "a table of many parts": (b"[a" + b".a" * 20_000 + b"]", "more than 16 parts"),
    "a million layers": (RELU.encode() * 1_000_000, "bytes: at most"),
    "a long key": (b"a" * 100_000 + b" = 1", "unknown key 'aaa"),
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_a_damaged_file_is_one_line(name: str, tmp_path: Path) -> None:
    data, reason = BAD_BYTES[name]
    assert reason in refused(written(tmp_path, data))


def test_a_byte_order_mark_of_utf8_means_nothing(tmp_path: Path) -> None:
    text = "format = 1\n" + RELU
    plain = load_stack(written(tmp_path, text.encode()))
    marked = load_stack(written(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert repr(marked) == repr(plain)


def test_a_name_that_is_none_lists_those_there_are() -> None:
    with pytest.raises(StackError, match="no built-in stack 'wally': there are pixels"):
        load_stack("wally")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert refused(tmp_path / "pipe.toml") == "not a regular file"
    assert refused(Path("/dev/zero")) == "not a regular file"
    assert refused(tmp_path).startswith("a folder: give the stack file in it")
    assert refused(tmp_path / "waldo.npz").startswith(
        "the weights of a stack: give the stack file beside"
    )
    assert "no such file" in refused(tmp_path / "gone.toml")
    assert refused("a\0.toml") == "not a file name"
    assert "name too long" in refused(tmp_path / f"{300 * 'a'}.toml")


def shared_configs() -> list[str]:
    manifest = SHARED / "MANIFEST_CONFIG.csv"
    if not manifest.exists():
        return []
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [r["file"] for r in rows if r["expected"] == "error" and not r["file"].endswith("json")]


@pytest.mark.skipif(
    not SHARED.exists(), reason="the shared broken files are not beside this checkout"
)
@pytest.mark.parametrize("name", shared_configs())
def test_damaged_files_of_others_are_refused(name: str, tmp_path: Path) -> None:
    path = SHARED / name
    if path.suffix == ".toml":
        refused(path)
    else:
        (tmp_path / "mine.npz").write_bytes(path.read_bytes())
        refused(written(tmp_path, NAMED))
