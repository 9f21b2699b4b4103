"""The layers that a stack is made of.

Each layer is a small frozen dataclass that implements the protocol `Layer`: `run` computes activations;
`channels`, `field` and `output_size` say what the layer does to the number of channels, to the receptive
field and to rows and columns; `str()` gives its line in ``waldo describe``.

As usual in deep learning, a layer named ``conv`` cross-correlates: the kernel is not flipped. With
``flip = true`` it is the convolution of mathematics.

`_READERS` in `file` names the layers as a stack file writes them. `Stack` asks for the class of a few layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.correlate.correlation import (
    cross_correlate,
    expected_floats,
    expected_seconds,
    normalized_cross_correlate,
)
from waldo_cli.correlate.scores import score_floats, score_seconds
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Pair, ReceptiveField, same_padding, window_count

# Expected seconds for one step of numpy over one float32 number: read, add or compare, write.
_SECONDS_OF_A_STEP = 1e-9

# Standard deviation of a flat window, as a share of its mean: rounding errors leave about 1e-7 instead of 0.
FLAT = 1e-5


class Layer(Protocol):
    """What every layer provides."""

    @property
    def op(self) -> str:
        """The name of this kind of layer in stack files."""

    @property
    def local(self) -> bool:
        """True if the layer can run on a band of rows alone: it pads nothing, and an output row depends
        only on the input rows of its window.
        """

    @property
    def parameters(self) -> int:
        """How many numbers it holds: kernels, biases, masks."""

    def run(self, x: Floats) -> Floats:
        """Activations ``(H, W, C)`` to activations ``(H', W', K)``."""

    def channels(self, in_channels: int) -> int:
        """Output channels for so many input channels; StackError if the layer cannot take them."""

    def field(self, before: ReceptiveField) -> ReceptiveField:
        """The receptive field after this layer, from the one `before` it."""

    def output_size(self, size: Pair) -> Pair:
        """Rows and columns of the output for those of the input; 0 where no window fits."""

    def multiply_adds(self) -> int:
        """Multiply-adds for one output position with all its channels."""

    def floats(self, size: Pair, channels: int) -> int:
        """Most float32 numbers held at once while it runs on an input of `size` rows and columns.

        Input, output, and what lies between.
        """

    def seconds(self, size: Pair, channels: int) -> float:
        """Expected time on one core for such an input."""


@dataclass(frozen=True, eq=False)
class Conv:
    """``h[i,j,k] = bias[k] + Σ_a Σ_b Σ_c V[a,b,c,k] · x[i+a,j+b,c]`` with ``V = kernel``.

    The attributes mean what they mean in `cross_correlate`.
    """

    kernel: Floats  # (A, B, C / groups, K)
    bias: Floats | None = None  # (K,)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: int = 1
    padding: str | tuple[Pair, Pair] = "valid"
    flip: bool = False
    op: str = "conv"

    @property
    def local(self) -> bool:
        return self.padding == "valid"

    @property
    def parameters(self) -> int:
        return self.kernel.size + (0 if self.bias is None else self.bias.size)

    def run(self, x: Floats) -> Floats:
        return cross_correlate(
            x,
            self.kernel,
            bias=self.bias,
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
            flip=self.flip,
            padding=self.padding,
        )

    def channels(self, in_channels: int) -> int:
        expected = self.kernel.shape[2] * self.groups
        if in_channels != expected:
            raise StackError(f"conv takes {expected} channels, {in_channels} come in")
        return int(self.kernel.shape[3])

    def padding_widths(self) -> tuple[Pair, Pair]:
        """How many pixels the padding adds: ``(top, bottom), (left, right)``."""
        if isinstance(self.padding, tuple):
            return self.padding
        if self.padding == "valid":
            return (0, 0), (0, 0)
        rows, cols = (
            same_padding(k, d) for k, d in zip(self.kernel.shape, self.dilation, strict=False)
        )
        return rows, cols

    def field(self, before: ReceptiveField) -> ReceptiveField:
        (top, _), (left, _) = self.padding_widths()
        a, b = self.kernel.shape[:2]
        return before.through((a, b), self.stride, self.dilation, (top, left))

    def output_size(self, size: Pair) -> Pair:
        rows, cols = (
            window_count(n + sum(pad), k, s, d)
            for n, pad, k, s, d in zip(
                size,
                self.padding_widths(),
                self.kernel.shape,
                self.stride,
                self.dilation,
                strict=False,
            )
        )
        return rows, cols

    def multiply_adds(self) -> int:
        return self.kernel.size

    def _padded(self, size: Pair) -> Pair:
        rows, cols = (n + sum(pad) for n, pad in zip(size, self.padding_widths(), strict=True))
        return rows, cols

    def floats(self, size: Pair, channels: int) -> int:
        padded = self._padded(size)
        given = size[0] * size[1] * channels * (1 if padded == size else 2)
        return given + expected_floats(
            (*padded, channels), self.kernel.shape, self.stride, self.dilation, self.groups
        )

    def seconds(self, size: Pair, channels: int) -> float:
        return expected_seconds(
            (1, *self._padded(size), channels),
            self.kernel.shape,
            self.stride,
            self.dilation,
            self.groups,
        )

    def __str__(self) -> str:
        a, b, c, k = self.kernel.shape
        words = [f"conv {a}x{b}"]
        if self.stride != (1, 1):
            words.append(f"/{_short(self.stride)}")
        words.append(f"{c * self.groups} -> {k}")
        if self.dilation != (1, 1):
            words.append(f"dilation {_short(self.dilation)}")
        if self.groups != 1:
            words.append(f"groups {self.groups}")
        if self.padding != "valid":
            words.append(f"padding {self.padding}")
        return " ".join(words) + (" flipped" if self.flip else "")


def _sigmoid(x: Floats, _: float) -> Floats:
    # 1 / (1 + exp(-x)), written with tanh: exp would overflow and warn for large negative x.
    return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1)))


def _softmax(x: Floats, _: float) -> Floats:
    # Over the channels. Subtracting the largest value changes nothing but keeps exp from overflowing.
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# Functions of activations and a slope, which only leaky-relu uses.
POINTWISE: dict[str, Callable[[Floats, float], Floats]] = {
    "relu": lambda x, _: np.maximum(x, np.float32(0)),
    "leaky-relu": lambda x, slope: np.where(x >= 0, x, np.float32(slope) * x),
    "sigmoid": _sigmoid,
    "tanh": lambda x, _: np.tanh(x),
    "abs": lambda x, _: np.abs(x),
    "softmax": _softmax,
}


class _WithoutParameters:
    """Defaults for layers without parameters: channels, receptive field, rows and columns stay the same."""

    parameters: ClassVar[int] = 0

    def channels(self, in_channels: int) -> int:
        return in_channels

    def field(self, before: ReceptiveField) -> ReceptiveField:
        return before

    def output_size(self, size: Pair) -> Pair:
        return size

    def multiply_adds(self) -> int:
        return 0

    def floats(self, size: Pair, channels: int) -> int:
        return 5 * size[0] * size[1] * channels

    def seconds(self, size: Pair, channels: int) -> float:
        return _SECONDS_OF_A_STEP * size[0] * size[1] * channels


@dataclass(frozen=True)
class Pointwise(_WithoutParameters):
    """A function of each number by itself; softmax is one of all channels at a position.

    leaky-relu multiplies negative values by `slope`.
    """

    op: str
    slope: float = 0.01
    local: bool = True

    def run(self, x: Floats) -> Floats:
        return POINTWISE[self.op](x, self.slope)

    def seconds(self, size: Pair, channels: int) -> float:
        steps = {"relu": 1, "abs": 1, "tanh": 2}.get(self.op, 5)  # the others take several
        return steps * super().seconds(size, channels)

    def __str__(self) -> str:
        return f"{self.op} {self.slope:g}" if self.op == "leaky-relu" else self.op


@dataclass(frozen=True)
class Pool(_WithoutParameters):
    """The maximum or the mean of each window, for each channel; all windows lie inside the image."""

    op: str
    size: Pair
    stride: Pair
    local: bool = True

    def run(self, x: Floats) -> Floats:
        _must_fit(self.op, self.size, x)
        ufunc = np.maximum if self.op == "max-pool" else np.add
        # First along rows, then along columns: a maximum or a sum over a rectangle is separable. Axes are
        # counted from the end (-3 rows, -2 columns), because a batch has one more axis in front.
        for axis in (0, 1):
            x = _reduce_windows(ufunc, x, axis - 3, self.size[axis], self.stride[axis])
        if self.op == "mean-pool":
            x *= np.float32(1 / (self.size[0] * self.size[1]))
        return x

    def field(self, before: ReceptiveField) -> ReceptiveField:
        return before.through(self.size, self.stride)

    def output_size(self, size: Pair) -> Pair:
        rows, cols = map(window_count, size, self.size, self.stride)
        return rows, cols

    def floats(self, size: Pair, channels: int) -> int:
        rows, cols = self.output_size(size)
        return (size[0] * size[1] + rows * size[1] + rows * cols) * channels

    def seconds(self, size: Pair, channels: int) -> float:
        rows, cols = self.output_size(size)
        steps = rows * size[1] * self.size[0] + rows * cols * self.size[1]
        return _SECONDS_OF_A_STEP * steps * channels

    def __str__(self) -> str:
        return f"{self.op} {_short(self.size)} /{_short(self.stride)}"


@dataclass(frozen=True)
class Normalize(_WithoutParameters):
    """Local contrast normalisation: subtract the local mean, divide by the local standard deviation.

    Both are taken over a window around each pixel and over all channels; outside the image its edge
    repeats. The output does not depend on the brightness and contrast of a print. It is 0 where the
    window is flat.

    References
    ----------
    Jarrett, Kavukcuoglu, Ranzato, LeCun, "What is the best multi-stage architecture for object
    recognition?", ICCV 2009.
    """

    size: Pair
    op: str = "normalize"
    local: bool = False

    def run(self, x: Floats) -> Floats:
        mean = self._mean(x.mean(axis=2, keepdims=True))
        centred = x - mean
        deviation = np.sqrt(self._mean(np.square(centred).mean(axis=2, keepdims=True)))
        flat = deviation <= np.float32(FLAT) * np.abs(mean)
        return np.where(flat, np.float32(0), centred / np.where(flat, np.float32(1), deviation))

    def _mean(self, x: Floats) -> Floats:
        pads = [same_padding(k) for k in self.size]
        x = np.pad(x, [*pads, (0, 0)], mode="edge")
        return Pool("mean-pool", self.size, (1, 1)).run(x)

    def field(self, before: ReceptiveField) -> ReceptiveField:
        # Two windows in sequence, one for the mean and one for the deviation, reach as far as a single
        # window of size 2 n - 1.
        size = (2 * self.size[0] - 1, 2 * self.size[1] - 1)
        pad = (2 * same_padding(self.size[0])[0], 2 * same_padding(self.size[1])[0])
        return before.through(size, pad=pad)

    def floats(self, size: Pair, channels: int) -> int:
        around = (size[0] + self.size[0]) * (size[1] + self.size[1])  # one channel, padded
        return 5 * size[0] * size[1] * channels + 8 * around

    def seconds(self, size: Pair, channels: int) -> float:
        steps = 8 * channels + 2 * sum(self.size)
        return _SECONDS_OF_A_STEP * steps * size[0] * size[1]

    def __str__(self) -> str:
        return f"normalize {_short(self.size)}"


@dataclass(frozen=True)
class Upsample(_WithoutParameters):
    """Repeat each activation `factor` times along rows and along columns."""

    factor: int
    op: str = "upsample"
    local: bool = False

    def run(self, x: Floats) -> Floats:
        return x.repeat(self.factor, axis=0).repeat(self.factor, axis=1)

    def field(self, before: ReceptiveField) -> ReceptiveField:
        return before.upsampled(self.factor)

    def output_size(self, size: Pair) -> Pair:
        return size[0] * self.factor, size[1] * self.factor

    def floats(self, size: Pair, channels: int) -> int:
        return size[0] * size[1] * channels * (1 + self.factor + self.factor**2)

    def seconds(self, size: Pair, channels: int) -> float:
        return self.factor**2 * super().seconds(size, channels)

    def __str__(self) -> str:
        return f"upsample x{self.factor}"


@dataclass(frozen=True)
class Combine(_WithoutParameters):
    """Reduce all channels to one: their maximum, mean or sum."""

    how: str
    op: str = "combine"
    local: bool = True

    def run(self, x: Floats) -> Floats:
        # numpy is slow at reducing a last axis of few elements: take the maximum channel by channel.
        if self.how == "max" and x.shape[-1] <= 8:
            out = x[..., :1].copy()
            for k in range(1, x.shape[-1]):
                np.maximum(out, x[..., k : k + 1], out=out)
            return out
        return np.asarray(getattr(x, self.how)(axis=-1, keepdims=True))

    def channels(self, in_channels: int) -> int:  # noqa: ARG002 - takes any number of channels
        return 1

    def __str__(self) -> str:
        return f"combine {self.how}"


@dataclass(frozen=True, eq=False)
class MaskLayer:
    """Normalised cross-correlation with masks; one output channel per mask.

    The masks are given as features: what the layers before this one make of the masks' pixels. The output
    has the input's size, and the score of a window is at the window's centre. Without features the layer
    is a placeholder, which `Stack.with_masks` fills.
    """

    score: str = "ncc"
    padding: str = "partial"
    features: Floats | None = None  # (A, B, C, K)
    weights: Floats | None = None  # (A, B, K)
    op: str = "mask"
    local: bool = False

    @property
    def parameters(self) -> int:
        return 0 if self.features is None else self.features.size

    def run(self, x: Floats) -> Floats:
        if self.features is None:
            raise StackError("the mask layer has no mask: give one with --mask FILE")
        return normalized_cross_correlate(
            x, self.features, weights=self.weights, padding=self.padding, score=self.score
        )

    def channels(self, in_channels: int) -> int:
        if self.features is None:
            return 1
        if in_channels != self.features.shape[2]:
            raise StackError(
                f"the mask has {self.features.shape[2]} channels, {in_channels} come in"
            )
        return int(self.features.shape[3])

    def field(self, before: ReceptiveField) -> ReceptiveField:
        if self.features is None:
            return before
        a, b = self.features.shape[:2]
        return before.through((a, b), pad=(same_padding(a)[0], same_padding(b)[0]))

    def output_size(self, size: Pair) -> Pair:
        return size

    def multiply_adds(self) -> int:
        return 0 if self.features is None else self.features.size

    def floats(self, size: Pair, channels: int) -> int:
        if self.features is None:
            return size[0] * size[1] * (channels + 1)
        a, b, _, masks = self.features.shape
        padded = 0 if self.padding == "partial" else (size[0] + a) * (size[1] + b) * channels
        buffers = score_floats(size, self.features.shape)
        return int(size[0] * size[1] * (channels + masks) + padded + buffers)

    def seconds(self, size: Pair, channels: int) -> float:  # noqa: ARG002 - the masks have them
        if self.features is None:
            return 0.0
        return score_seconds(size, self.features.shape)

    def __str__(self) -> str:
        if self.features is None:
            return f"mask {self.score}"
        a, b, c, k = self.features.shape
        return f"mask {self.score} {a}x{b} {c} -> {k}"


def _reduce_windows(ufunc: np.ufunc, x: Floats, axis: int, size: int, stride: int) -> Floats:
    """Apply `ufunc` to the elements of each window of `size` along one axis, windows `stride` apart.

    One step for each element of the window: element `offset` of all windows at once is a strided view.
    """
    count = (x.shape[axis] - size) // stride + 1

    def elements(offset: int) -> Floats:
        index = [slice(None)] * x.ndim
        index[axis] = slice(offset, offset + (count - 1) * stride + 1, stride)
        return x[tuple(index)]

    out = elements(0).copy()
    for offset in range(1, size):
        ufunc(out, elements(offset), out=out)
    return out


def _must_fit(op: str, size: Pair, x: Floats) -> None:
    """Raise InvalidInputError if not even one window of `size` fits into `x`."""
    rows, cols = x.shape[-3:-1]
    if rows < size[0] or cols < size[1]:
        raise InvalidInputError(
            f"{op} window is {shape_text(size)}, its input is {rows}x{cols}:"
            " the image is too small for this stack; use a smaller --scales"
        )


def _short(pair: Pair) -> str:
    """``3`` for two equal numbers, else ``3x5``."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def shape_text(pair: Sequence[float]) -> str:
    """Rows and columns as ``3x5``."""
    return f"{pair[0]:g}x{pair[1]:g}"
