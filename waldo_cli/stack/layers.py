"""The layers that a stack is made of.

Each layer is a small frozen record with the same four things: `run` (the numbers), `channels` (what comes
out for what goes in, or an error), `field` (the receptive field through it) and a line of text. ``conv`` is
the field's habit of naming a layer that cross-correlates; ``flip = true`` makes it the convolution of the
textbooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.correlate.correlation import cross_correlate, normalized_cross_correlate
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Pair, ReceptiveField, same_padding, window_count


class Layer(Protocol):
    """What every layer answers."""

    @property
    def op(self) -> str:
        """Its name in the stack file."""

    @property
    def local(self) -> bool:
        """True where a band of rows can be computed from a band of rows, without padding."""

    @property
    def parameters(self) -> int:
        """How many learned or chosen numbers it holds."""

    def run(self, x: Floats) -> Floats:
        """Activations ``(H, W, C)`` to activations ``(H', W', K)``."""

    def channels(self, entering: int) -> int:
        """Channels out for channels in; raises StackError where they do not fit."""

    def field(self, before: ReceptiveField) -> ReceptiveField:
        """The receptive field after this layer."""

    def output_size(self, size: Pair) -> Pair:
        """Rows and columns out for rows and columns in; 0 where no window fits."""

    def multiply_adds(self) -> int:
        """Multiply-adds for one output position, all channels."""


@dataclass(frozen=True, eq=False)
class Conv:
    """``h[i,j,k] = bias[k] + Σ_a Σ_b Σ_c V[a,b,c,k] · x[i+a,j+b,c]`` with ``V = kernel``."""

    kernel: Floats
    bias: Floats | None = None
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

    def channels(self, entering: int) -> int:
        expected = self.kernel.shape[2] * self.groups
        if entering != expected:
            raise StackError(f"conv takes {expected} channels, {entering} come in")
        return int(self.kernel.shape[3])

    def _padded(self) -> tuple[Pair, Pair]:
        """What is added before and after, along rows and columns."""
        if isinstance(self.padding, tuple):
            return self.padding
        if self.padding == "valid":
            return (0, 0), (0, 0)
        rows, cols = (
            same_padding(k, d) for k, d in zip(self.kernel.shape, self.dilation, strict=False)
        )
        return rows, cols

    def field(self, before: ReceptiveField) -> ReceptiveField:
        (top, _), (left, _) = self._padded()
        a, b = self.kernel.shape[:2]
        return before.through((a, b), self.stride, self.dilation, (top, left))

    def output_size(self, size: Pair) -> Pair:
        rows, cols = (
            window_count(n + sum(pad), k, s, d)
            for n, pad, k, s, d in zip(
                size, self._padded(), self.kernel.shape, self.stride, self.dilation, strict=False
            )
        )
        return rows, cols

    def multiply_adds(self) -> int:
        return self.kernel.size

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
    # tanh neither overflows nor warns at large |x|
    return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1)))


def _softmax(x: Floats, _: float) -> Floats:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


POINTWISE: dict[str, Callable[[Floats, float], Floats]] = {
    "relu": lambda x, _: np.maximum(x, np.float32(0)),
    "leaky-relu": lambda x, slope: np.where(x >= 0, x, np.float32(slope) * x),
    "sigmoid": _sigmoid,
    "tanh": lambda x, _: np.tanh(x),
    "abs": lambda x, _: np.abs(x),
    "softmax": _softmax,
}


class _WithoutNumbers:
    """A layer that holds no numbers: channels, field and size stay as they are unless it says otherwise."""

    parameters: ClassVar[int] = 0

    def channels(self, entering: int) -> int:
        return entering

    def field(self, before: ReceptiveField) -> ReceptiveField:
        return before

    def output_size(self, size: Pair) -> Pair:
        return size

    def multiply_adds(self) -> int:
        return 0


@dataclass(frozen=True)
class Pointwise(_WithoutNumbers):
    """One function at every position: `POINTWISE` lists them. `slope` is leaky-relu's, below 0."""

    op: str
    slope: float = 0.01
    local: bool = True

    def run(self, x: Floats) -> Floats:
        return POINTWISE[self.op](x, self.slope)

    def __str__(self) -> str:
        return f"{self.op} {self.slope:g}" if self.op == "leaky-relu" else self.op


@dataclass(frozen=True)
class Pool(_WithoutNumbers):
    """The largest value or the mean of each window, per channel; windows lie inside ("valid")."""

    op: str
    size: Pair
    stride: Pair
    local: bool = True

    def run(self, x: Floats) -> Floats:
        _must_fit(self.op, self.size, x)
        ufunc = np.maximum if self.op == "max-pool" else np.add
        for axis in (0, 1):
            x = _slide(ufunc, x, axis - 3, self.size[axis], self.stride[axis])
        if self.op == "mean-pool":
            x *= np.float32(1 / (self.size[0] * self.size[1]))
        return x

    def field(self, before: ReceptiveField) -> ReceptiveField:
        return before.through(self.size, self.stride)

    def output_size(self, size: Pair) -> Pair:
        rows, cols = map(window_count, size, self.size, self.stride)
        return rows, cols

    def __str__(self) -> str:
        return f"{self.op} {_short(self.size)} /{_short(self.stride)}"


@dataclass(frozen=True)
class Normalize(_WithoutNumbers):
    """Local contrast normalisation: remove the window's mean, divide by the window's deviation.

    Mean and deviation are taken over a window and all channels, edges repeated, so that a print's
    brightness and contrast leave no trace. Where nothing varies the answer is 0.

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
        rest = x - mean
        deviation = np.sqrt(self._mean(np.square(rest).mean(axis=2, keepdims=True)))
        flat = deviation <= np.float32(1e-5) * np.abs(mean)  # what rounding leaves of a flat window
        return np.where(flat, np.float32(0), rest / np.where(flat, np.float32(1), deviation))

    def _mean(self, x: Floats) -> Floats:
        pads = [same_padding(k) for k in self.size]
        x = np.pad(x, [*pads, (0, 0)], mode="edge")
        return Pool("mean-pool", self.size, (1, 1)).run(x)

    def field(self, before: ReceptiveField) -> ReceptiveField:
        # The mean is taken twice: of the values, then of what is left of them.
        once = (2 * self.size[0] - 1, 2 * self.size[1] - 1)
        pad = (2 * same_padding(self.size[0])[0], 2 * same_padding(self.size[1])[0])
        return before.through(once, pad=pad)

    def __str__(self) -> str:
        return f"normalize {_short(self.size)}"


@dataclass(frozen=True)
class Upsample(_WithoutNumbers):
    """Each activation repeated `factor` times along rows and columns."""

    factor: int
    op: str = "upsample"
    local: bool = False

    def run(self, x: Floats) -> Floats:
        return x.repeat(self.factor, axis=0).repeat(self.factor, axis=1)

    def field(self, before: ReceptiveField) -> ReceptiveField:
        return before.upsampled(self.factor)

    def output_size(self, size: Pair) -> Pair:
        return size[0] * self.factor, size[1] * self.factor

    def __str__(self) -> str:
        return f"upsample x{self.factor}"


@dataclass(frozen=True)
class Combine(_WithoutNumbers):
    """All channels to one map: their largest value, mean or sum."""

    how: str
    op: str = "combine"
    local: bool = True

    def run(self, x: Floats) -> Floats:
        if self.how == "max" and x.shape[-1] <= 8:  # few: numpy reduces short rows slowly
            out = x[..., :1].copy()
            for k in range(1, x.shape[-1]):
                np.maximum(out, x[..., k : k + 1], out=out)
            return out
        return np.asarray(getattr(x, self.how)(axis=-1, keepdims=True))

    def channels(self, entering: int) -> int:  # noqa: ARG002 - any number comes in
        return 1

    def __str__(self) -> str:
        return f"combine {self.how}"


@dataclass(frozen=True, eq=False)
class MaskLayer:
    """Correlate with masks that went through the layers above; one output channel per mask.

    The output has the input's size, a window's score stands at the window's centre. Without masks
    (`features` None) the layer is a place that `Stack.with_masks` fills.
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

    def channels(self, entering: int) -> int:
        if self.features is None:
            return 1
        if entering != self.features.shape[2]:
            raise StackError(f"the mask has {self.features.shape[2]} channels, {entering} come in")
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

    def __str__(self) -> str:
        if self.features is None:
            return f"mask {self.score}"
        a, b, c, k = self.features.shape
        return f"mask {self.score} {a}x{b} {c} -> {k}"


def _slide(ufunc: np.ufunc, x: Floats, axis: int, size: int, stride: int) -> Floats:
    """Reduce windows of `size` along one axis, `stride` apart, by shifted whole-array steps."""
    count = (x.shape[axis] - size) // stride + 1

    def shifted(by: int) -> Floats:
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(by, by + (count - 1) * stride + 1, stride)
        return x[tuple(cut)]

    out = shifted(0).copy()
    for by in range(1, size):
        ufunc(out, shifted(by), out=out)
    return out


def _must_fit(op: str, size: Pair, x: Floats) -> None:
    rows, cols = x.shape[-3:-1]
    if rows < size[0] or cols < size[1]:
        raise InvalidInputError(
            f"{op} window is {shape_text(size)}, its input is {rows}x{cols}:"
            " the image is too small for this stack; use a larger --scales"
        )


def _short(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def shape_text(pair: Sequence[float]) -> str:
    return f"{pair[0]:g}x{pair[1]:g}"
