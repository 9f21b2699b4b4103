"""Layers in sequence, and what they know of themselves.

A stack takes an image ``(H, W, C)`` to activations ``(H', W', K)``. Each layer is a small frozen record
with the same four things: `run` (the numbers), `channels` (what comes out for what goes in, or an error),
`field` (the receptive field through it) and a line of text. ``conv`` is the field's habit of naming a
layer that cross-correlates; ``flip = true`` makes it the convolution of the textbooks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from waldo_cli._threads import spread
from waldo_cli.correlation import cross_correlate, normalized_cross_correlate
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Pair, ReceptiveField, same_padding, window_count

Floats = NDArray[np.float32]

# A band of rows is run through all local layers before the next one starts, so that activations stay near
# the cores, and memory is bounded by the band and not by the page. Pixels of input per band, and the
# multiple of output rows that it is cut to: whole tiles for 3 x 3 kernels of dilation 4 and less.
BAND_PIXELS = 1 << 20
BAND_STEP = 16
# Pixels of the parts that go over the cores. Rows that two parts share are computed twice.
PART_PIXELS = 1 << 21


class Rows(Protocol):
    """An image that gives its rows on demand, ``(H, W, C)``: an array, or a pyramid's level."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns, channels."""

    def __getitem__(self, rows: slice, /) -> Floats:
        """Some rows, all columns."""


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
class Mask:
    """A picture to look for.

    Attributes
    ----------
    label
        What a find of it is called.
    pixels
        ``(A, B, C)`` float32.
    weights
        ``(A, B)`` in [0, 1], how much each pixel counts (a picture's alpha); None counts all alike.
        Pixels of weight 0 are never looked at and may hold anything.
    """

    label: str
    pixels: Floats
    weights: Floats | None = None

    @property
    def size(self) -> Pair:
        """Width and height."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    def filled(self) -> Floats:
        """The pixels, those of weight 0 replaced by the mean of the others."""
        if self.weights is None:
            return self.pixels
        seen = self.weights > 0
        if not seen.any():
            raise InvalidInputError("the mask's weights are all 0: nothing is left to look for")
        return np.where(seen[:, :, None], self.pixels, self.pixels[seen].mean(axis=0))


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


@dataclass(frozen=True, eq=False)
class CloserLook:
    """A look at the best candidates so far: sharper, or wider, than the one before.

    Each of the best `candidates` is cut out of the image at the scale where the object measures `size`
    (width, height), times each of `scales`; the `mirrored` best of them are then shown mirrored, too.
    `stack` answers with one probability per label for each cut.
    """

    stack: Stack
    size: Pair
    candidates: int
    scales: tuple[float, ...] = (1.0,)
    mirrored: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Stack:
    """A detector: layers, and what its answers mean.

    Attributes
    ----------
    name, description
        For people.
    layers
        Run in order.
    object
        Width and height, in pixels at scale 1, of what a peak marks; None until a mask says it.
    threshold
        A peak below it is no find; None takes the best peak for a find whatever its score.
    scales
        Factors the image is resized by, largest first.
    per_octave
        How many steps a range of scales takes from one factor to its double.
    labels
        Names of the output channels.
    boundary
        How `detect` extends an image before the layers run, so that an object at the page's edge
        has a whole neighbourhood: "edge", "reflect", "zero", or "none".
    closer_looks
        What looks again at the best peaks, in this order. Their answers are pooled: the geometric mean
        over all that was shown of a candidate takes the place of its first score.
    """

    name: str
    layers: tuple[Layer, ...]
    description: str = ""
    object: Pair | None = None
    threshold: float | None = None
    scales: tuple[float, ...] = (1.0,)
    per_octave: int = 2
    labels: tuple[str, ...] = ()
    boundary: str = "edge"
    closer_looks: tuple[CloserLook, ...] = ()
    _local: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not self.layers:
            raise StackError("a stack needs at least one layer")
        last = self.channels()[-1]
        labels = self.labels or (self.name,) * last
        if self.closer_looks:  # the labels are theirs
            for number, look in enumerate(self.closer_looks, 1):
                if look.stack.layers[-1].op != "softmax":
                    raise StackError(f"closer look {number}: its last layer must be softmax")
            labels = self.closer_looks[0].stack.labels
            if any(look.stack.labels != labels for look in self.closer_looks):
                raise StackError("closer looks: all must answer for the same labels")
        elif len(labels) != last:
            raise StackError(f"labels: {len(labels)} names for {last} output channels")
        object.__setattr__(self, "labels", labels)
        local = next((i for i, s in enumerate(self.layers) if not s.local), len(self.layers))
        object.__setattr__(self, "_local", local)

    @property
    def input_channels(self) -> int:
        """Channels of the image that the first layer takes; 3 where any number would do."""
        for layer in self.layers:
            if isinstance(layer, Conv):
                return int(layer.kernel.shape[2]) * layer.groups
            if isinstance(layer, MaskLayer) and layer.features is not None:
                return int(layer.features.shape[2])
            if isinstance(layer, Combine):
                break
        return 3

    def channels(self) -> tuple[int, ...]:
        """Channels before the first layer and after each one."""
        counts = [self.input_channels]
        for number, layer in enumerate(self.layers, 1):
            try:
                counts.append(layer.channels(counts[-1]))
            except StackError as e:
                raise StackError(f"layer {number}: {e.reason}") from None
        return tuple(counts)

    def fields(self) -> Iterator[ReceptiveField]:
        """The receptive field after each layer."""
        grown = ReceptiveField()
        for layer in self.layers:
            grown = layer.field(grown)
            yield grown

    def sizes(self, size: Pair) -> Iterator[Pair]:
        """Rows and columns after each layer, for an image of `size` rows and columns."""
        for layer in self.layers:
            size = layer.output_size(size)
            yield size

    @cached_property
    def receptive_field(self) -> ReceptiveField:
        """What one output sees: size, jump and first, each ``(rows, cols)``, in input pixels."""
        return list(self.fields())[-1]

    @property
    def parameters(self) -> int:
        """How many numbers the layers hold."""
        return sum(layer.parameters for layer in self.layers)

    def multiply_adds(self) -> tuple[float, ...]:
        """Multiply-adds of each layer for one pixel of the image (far from the edges)."""
        return tuple(
            layer.multiply_adds() / (f.jump[0] * f.jump[1])
            for layer, f in zip(self.layers, self.fields(), strict=True)
        )

    def activations(self, size: Pair) -> tuple[int, ...]:
        """Activations that layers hold at once, of an image of `size` rows and columns; the last
        ones last.

        Of layers that run in bands only the last holds all of its own.
        """
        made = zip(self.sizes(size), self.channels()[1:], strict=True)
        counts = [rows * cols * channels for (rows, cols), channels in made]
        return tuple(counts[max(0, self._local - 1) :])

    def run(self, x: NDArray[Any] | Rows) -> Floats:
        """Activations ``(H', W', K)`` of an image ``(H, W, C)``, float32.

        Small images of one size are quicker together, ``(N, H, W, C)`` to ``(N, H', W', K)``, through
        a stack whose layers are all `local`.

        Raises
        ------
        InvalidInputError
            The image is not ``(H, W, C)`` with the channels that the first layer takes, or it is
            smaller than a layer's window; or images come together and a layer takes one at a time.
        """
        batch = len(x.shape) == 4
        if len(x.shape) not in (3, 4) or 0 in x.shape:
            raise InvalidInputError(f"an image is (H, W, C), or (N, H, W, C), not {x.shape}")
        if x.shape[-1] != self.input_channels:
            raise InvalidInputError(
                f"stack {self.name} takes {self.input_channels} channels, the image has {x.shape[-1]}"
            )
        if batch and self._local < len(self.layers):
            raise InvalidInputError(
                f"layer {self._local + 1} ({self.layers[self._local]}) takes one image at a time"
            )
        if isinstance(x, np.ndarray):
            x = x.astype(np.float32, copy=False)
        return _in_turn(x[:], self.layers) if batch else self.run_each([x])[0]

    def run_each(self, images: Sequence[Rows]) -> list[Floats]:
        """`run` of images ``(H, W, C)`` of any sizes, float32: their bands go over the cores together.

        Raises
        ------
        InvalidInputError
            An image is smaller than a layer's window.
        """
        return self._run_layers(images, self.layers)

    def _run_layers(self, images: Sequence[Rows], layers: Sequence[Layer]) -> list[Floats]:
        local = layers[: self._local]
        made = _in_bands(images, local) if local else [x[:] for x in images]
        return [_in_turn(h, layers[len(local) :], len(local) + 1) for h in made]

    def with_masks(self, masks: Sequence[Mask]) -> Stack:
        """The same stack looking for these masks: one output channel and label for each.

        All masks have one size; each goes through the layers above the ``mask`` layer.

        Raises
        ------
        StackError
            The stack has no ``mask`` layer.
        InvalidInputError
            A mask is smaller than what the layers above it see, or its weights are all 0.
        """
        at = next((i for i, s in enumerate(self.layers) if isinstance(s, MaskLayer)), None)
        if at is None:
            raise StackError(f"stack {self.name} has no mask layer: a mask cannot be used with it")
        above = self.layers[:at]
        features = self._run_layers([np.asarray(m.filled(), np.float32) for m in masks], above)
        weights = None
        if any(m.weights is not None for m in masks):
            weights = np.stack([_seen_through(above, m) for m in masks], axis=2)
        layer = self.layers[at]
        assert isinstance(layer, MaskLayer)  # noqa: S101 - for the type checker; found by type above
        filled = replace(layer, features=np.stack(features, axis=3), weights=weights)
        rest = self.layers[at + 1 :]
        # Layers below may merge the masks' channels; then the merged channels carry the stack's name.
        labels = (
            () if any(isinstance(s, Combine | Conv) for s in rest) else [m.label for m in masks]
        )
        return replace(
            self, layers=(*above, filled, *rest), object=masks[0].size, labels=tuple(labels)
        )

    @property
    def needs_mask(self) -> bool:
        """True where a ``mask`` layer waits for its mask."""
        return any(isinstance(s, MaskLayer) and s.features is None for s in self.layers)

    def __repr__(self) -> str:
        seen = self.receptive_field
        lines = [
            f"Stack {self.name!r}: {self.parameters:,} parameters, field {_by(seen.size)} px"
            f" every {_by(seen.jump)} px"
        ]
        for number, (layer, grown) in enumerate(zip(self.layers, self.fields(), strict=True), 1):
            lines.append(f"  {number:>2}  {layer!s:<40} field {_by(grown.size)}")
        for look in self.closer_looks:
            lines.append(f"closer look at {look.candidates} candidates:")
            lines += repr(look.stack).splitlines()[1:]
        return "\n".join(lines)


def fingerprint(value: Any) -> str:
    """A hash of a stack, masks, arrays or tuples of them, by content: what the answers depend on."""
    digest = hashlib.sha256()
    _feed(digest.update, value)
    return digest.hexdigest()


def _in_turn(x: Floats, layers: Sequence[Layer], first: int = 1) -> Floats:
    """Through one layer after the other, counted from `first`."""
    for n in range(len(layers)):
        x = _through(layers, n, x, first)
    return x


def _through(layers: Sequence[Layer], n: int, x: Floats, first: int = 1) -> Floats:
    """Through layer n of some; errors name the layer, counted from `first`."""
    layer = layers[n]
    if layer.op == "relu" and n and isinstance(layers[n - 1], Conv):
        return np.maximum(x, np.float32(0), out=x)  # they are no one else's
    try:
        return layer.run(x)
    except InvalidInputError as e:
        raise type(e)(f"layer {first + n} ({layer}): {e.reason}") from None


def _in_bands(images: Sequence[Rows], layers: Sequence[Layer]) -> list[Floats]:
    """Run local layers over parts of the images, the parts over the cores.

    Output row ``i`` of layers without padding depends on input rows ``i * jump`` to
    ``i * jump + size - 1`` alone, so some output rows need just those.
    """
    grown = ReceptiveField()
    for layer in layers:
        grown = layer.field(grown)
    size, jump = grown.size[0], int(grown.jump[0])
    pixels = [x.shape[0] * x.shape[1] for x in images]
    # Two parts at least, whatever the number of cores.
    most = min(PART_PIXELS, -(-sum(pixels) // 2))
    parts: list[tuple[int, int, int]] = []
    for n, x in enumerate(images):
        # An image smaller than the field has one part: the layer says so.
        rows = max((x.shape[0] - size) // jump + 1, 1)
        # What is computed twice, the height of a field, is to be little of a part.
        count = max(1, min(-(-pixels[n] // most), rows * jump // (4 * size)))
        high = -(-rows // count)
        parts += [(n, i, min(i + high, rows)) for i in range(0, rows, high)]
    made: dict[tuple[int, int, int], list[Floats]] = {}

    def work(part: tuple[int, int, int]) -> None:
        n, start, stop = part
        made[part] = list(_stream(images[n], start * jump, (stop - 1) * jump + size, layers, jump))

    spread(lambda: work, sorted(parts, key=lambda p: (p[1] - p[2]) * images[p[0]].shape[1]))
    each: list[list[Floats]] = [[] for _ in images]
    for part in parts:
        each[part[0]] += made.pop(part)
    return [np.concatenate(bands) if len(bands) > 1 else bands[0] for bands in each]


def _stream(x: Rows, start: int, stop: int, layers: Sequence[Layer], jump: int) -> Iterator[Floats]:
    """Rows `start` to `stop` of an image through local layers, a band at a time.

    What the next band of a layer's outputs needs of this one's inputs is kept for it, so that nothing
    is computed twice.
    """
    high = max(1, BAND_PIXELS // x.shape[1] // (BAND_STEP * jump)) * BAND_STEP * jump
    steps = [layer.field(ReceptiveField()) for layer in layers]
    kept: list[Floats | None] = [None] * len(layers)
    skip = [0] * len(layers)  # rows before the next window, where windows lie apart
    for top in range(start, stop, high):
        h = x[top : min(top + high, stop)]
        for n, step in enumerate(steps):
            size, stride = step.size[0], int(step.jump[0])
            if (size, stride) != (1, 1):
                before = kept[n]
                h = h[skip[n] :] if before is None else np.concatenate([before, h[skip[n] :]])
                outputs = (len(h) - size) // stride + 1
                if outputs < 1 and top + high < stop:
                    kept[n], skip[n] = h, 0
                    break
                # A copy, so that the rest of the band need not stay.
                kept[n], skip[n] = h[outputs * stride :].copy(), max(0, outputs * stride - len(h))
            h = _through(layers, n, h)
        else:
            yield h


def _seen_through(layers: Sequence[Layer], mask: Mask) -> Floats:
    """A mask's weights on the grid of its features: the mean over what each feature sees."""
    weights = np.ones(mask.pixels.shape[:2], np.float32) if mask.weights is None else mask.weights
    x = np.asarray(weights, dtype=np.float32)[:, :, None]
    for layer in layers:
        step = layer.field(ReceptiveField())
        if isinstance(layer, Upsample):
            x = layer.run(x)
        elif step.size != (1, 1) or step.jump != (1, 1):
            pads = [
                (round((s - 1) / 2 - f),) * 2 for s, f in zip(step.size, step.first, strict=True)
            ]
            x = np.pad(x, [*pads, (0, 0)], mode="edge")
            x = Pool("mean-pool", step.size, (int(step.jump[0]), int(step.jump[1]))).run(x)
    return x[:, :, 0]


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
            f"{op} window is {_by(size)}, its input is {rows}x{cols}:"
            " the image is too small for this stack; use a larger --scales"
        )


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    """Hash dataclasses, tuples and arrays by content."""
    if isinstance(value, np.ndarray):
        update(repr((value.shape, value.dtype.str)).encode())
        update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        for item in value:
            _feed(update, item)
    elif hasattr(value, "__dataclass_fields__"):
        update(type(value).__name__.encode())
        for f in fields(value):
            update(f.name.encode())
            _feed(update, getattr(value, f.name))
    else:
        update(repr(value).encode())


def _short(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def _by(pair: Sequence[float]) -> str:
    return f"{pair[0]:g}x{pair[1]:g}"
