"""A stack: layers in sequence, and what they know of themselves.

A stack takes an image ``(H, W, C)`` to activations ``(H', W', K)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Pair, ReceptiveField, Size
from waldo_cli.stack.bands import Rows, in_bands, in_turn
from waldo_cli.stack.layers import Combine, Conv, Layer, MaskLayer, Pool, Upsample, shape_text


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
    def size(self) -> Size:
        """Rows and columns."""
        return Size(*map(int, self.pixels.shape[:2]))

    def filled(self) -> Floats:
        """The pixels, those of weight 0 replaced by the mean of the others."""
        if self.weights is None:
            return self.pixels
        seen = self.weights > 0
        if not seen.any():
            raise InvalidInputError("the mask's weights are all 0: nothing is left to look for")
        return np.where(seen[:, :, None], self.pixels, self.pixels[seen].mean(axis=0))


@dataclass(frozen=True, eq=False)
class CloserLook:
    """A look at the best candidates so far: sharper, or wider, than the one before.

    Each of the best `candidates` is cut out of the image at the scale where the object measures `size`,
    times each of `scales`; the `mirrored` best of them are then shown mirrored, too.
    `stack` answers with one probability per label for each cut.
    """

    stack: Stack
    size: Size
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
        Rows and columns, in pixels at scale 1, of what a peak marks; None until a mask says it.
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
    object: Size | None = None
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
    def sought(self) -> Size:
        """`object`, for a stack that is run: rows and columns of what a peak marks at scale 1.

        Raises
        ------
        StackError
            The stack does not say it, and there is no mask that would.
        """
        if self.object is None:
            raise StackError(f"stack {self.name} does not say the size of its object")
        return self.object

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
        return in_turn(x[:], self.layers) if batch else self.run_each([x])[0]

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
        made = in_bands(images, local) if local else [x[:] for x in images]
        return [in_turn(h, layers[len(local) :], len(local) + 1) for h in made]

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
            f"Stack {self.name!r}: {self.parameters:,} parameters, field {shape_text(seen.size)} px"
            f" every {shape_text(seen.jump)} px"
        ]
        for number, (layer, grown) in enumerate(zip(self.layers, self.fields(), strict=True), 1):
            lines.append(f"  {number:>2}  {layer!s:<40} field {shape_text(grown.size)}")
        for look in self.closer_looks:
            lines.append(f"closer look at {look.candidates} candidates:")
            lines += repr(look.stack).splitlines()[1:]
        return "\n".join(lines)


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
