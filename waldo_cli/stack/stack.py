"""A stack: a sequence of layers, and what can be computed from the layers without an image.

A stack turns an image ``(H, W, C)`` into activations ``(H', W', K)``; `Stack.run` does it. The other methods
answer questions about sizes, channels, receptive fields and cost, and `Stack.with_masks` puts the pictures
to look for into a stack that has a ``mask`` layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arguments import TEXT, Kind, must_be
from waldo_cli.arrays import Floats, as_real
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.geometry import Pair, ReceptiveField, Size
from waldo_cli.stack.bands import Rows, run_in_bands, run_in_sequence
from waldo_cli.stack.layers import Combine, Conv, Layer, MaskLayer, Pool, Upsample, shape_text

# Rows and columns of a transparent margin that a mask keeps.
_RIM = 2
_NO_MARGIN = Size(0, 0)


def _is_array(value: object, dimensions: int) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == dimensions and value.dtype.kind in "buif"


_PIXELS = Kind("an array (A, B, C) of real numbers", lambda value: _is_array(value, 3))
_WEIGHTS = Kind("an array (A, B) of real numbers", lambda value: _is_array(value, 2))


@dataclass(frozen=True, eq=False)
class Mask:
    """A picture to look for.

    Attributes
    ----------
    label
        The label of its finds.
    pixels
        ``(A, B, C)`` float32.
    weights
        ``(A, B)`` in [0, 1], how much each pixel counts (the alpha channel of a picture); None: all
        pixels count the same. Pixels of weight 0 are ignored and may hold anything.
    margin
        Rows and columns of weight 0 that were cut off on each side (`trimmed`): boxes of finds have them.
    """

    label: str
    pixels: Floats
    weights: Floats | None = None
    margin: Size = _NO_MARGIN

    def __post_init__(self) -> None:
        must_be(TEXT, label=self.label)
        must_be(_PIXELS, pixels=self.pixels)
        must_be(_WEIGHTS, or_none=True, weights=self.weights)

    @property
    def size(self) -> Size:
        """Rows and columns."""
        return Size(*map(int, self.pixels.shape[:2]))

    @property
    def frame(self) -> Size:
        """Rows and columns of the picture that was given."""
        return Size(*(n + 2 * cut for n, cut in zip(self.size, self.margin, strict=True)))

    def trimmed(self) -> Mask:
        """The mask without most of a transparent margin; its centre stays where it is.

        A few rows and columns stay: they tell a shape that fills its box from what is around it.
        """
        if self.weights is None or not self.weights.any():
            return self
        cut = [0, 0]
        for axis in (0, 1):
            used = np.flatnonzero(self.weights.any(axis=1 - axis))
            cut[axis] = max(0, min(int(used[0]), self.size[axis] - 1 - int(used[-1])) - _RIM)
        inside = tuple(slice(c, n - c) for c, n in zip(cut, self.size, strict=True))
        margin = Size(self.margin.rows + cut[0], self.margin.cols + cut[1])
        return Mask(self.label, self.pixels[inside], self.weights[inside], margin)

    def filled(self) -> Floats:
        """The pixels, with those of weight 0 replaced by the mean of the others."""
        if self.weights is None:
            return self.pixels
        counted = self.weights > 0
        if not counted.any():
            raise InvalidInputError("the mask's weights are all 0: nothing is left to look for")
        # In float64: numpy adds up one pixel after the other, and float32 loses the last digits of each.
        mean = self.pixels[counted].mean(axis=0, dtype=np.float64).astype(np.float32)
        return np.where(counted[:, :, None], self.pixels, mean)

    def weighed(self) -> Floats:
        """The pixels times their weights, and the weights as a last channel: ``(A, B, C + 1)``.

        Resized or turned like this, transparent pixels leave no colour in their neighbours.
        """
        weights = np.ones(self.size, np.float32) if self.weights is None else self.weights
        return np.dstack([self.filled() * weights[:, :, None], weights]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class CloserLook:
    """A second pass over the best candidates: sharper, or wider, than the pass before.

    Each of the best `candidates` is cut out of the image, once for each of `scales`: the image is resized
    so that the object has `size`, times the scale. `stack` answers with one probability per label for
    each cut. Then the best `mirrored` of the candidates go through `stack` once more, mirrored.
    """

    stack: Stack
    size: Size
    candidates: int
    scales: tuple[float, ...] = (1.0,)
    mirrored: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", Size(*self.size))


@dataclass(frozen=True, eq=False)
class BoxLook:
    """A last look at each find: where its box lies (bounding-box regression).

    The find is cut out of the image so that the object has `size`. `stack` answers with four numbers: how far
    the centre of the box lies right of and below that of the cut, in widths and heights of `size`, and the
    natural logarithms of how much wider and higher than `size` the box is. The best `candidates` of closer
    looks are shown to these again in such boxes.

    References
    ----------
    Girshick, Donahue, Darrell, Malik, "Rich Feature Hierarchies for Accurate Object Detection and Semantic
    Segmentation", CVPR 2014, appendix C.
    """

    stack: Stack
    size: Size
    candidates: int = 0
    scales: ClassVar[tuple[float, ...]] = (1.0,)  # of its cuts: each find is shown in one

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", Size(*self.size))
        rows, cols = list(self.stack.sizes(self.stack.receptive_field.size))[-1]
        channels = self.stack.channels()[-1]
        if (rows, cols, channels) != (1, 1, 4):
            raise StackError(
                f"box look: its layers make {rows * cols} places of {channels} channels of a cut: 1 of 4"
                " is what says where a box lies"
            )


# What is shown cuts of an image.
Look = CloserLook | BoxLook


@dataclass(frozen=True, eq=False, repr=False)
class Stack:
    """A detector: layers, and what their output means.

    Attributes
    ----------
    name, description
        Texts for the user.
    layers
        The layers, in the order in which they run.
    object
        Rows and columns of the object that a peak marks, in pixels at scale 1; None as long as the size
        is unknown because a mask decides it.
    threshold
        The smallest score of a find; None: the best peak is a find, whatever its score.
    scales
        How large the object may be in the image, beside `object`; smallest first.
    per_octave
        How many scales there are from one to its double, when scales are given as a range.
    level_pixels
        `scales` at which the resized image would have more pixels are left out: what a page shows does not
        grow with the resolution of its scan. None: none is left out.
    size_prior
        Log odds that a candidate for closer looks loses where its size is two octaves off the usual one of
        the candidates; up to one octave costs nothing, and nothing costs more.
    evidence_weight
        How much the first pass counts in the score of a candidate for closer looks: by so much its log odds
        there, beyond the median of all candidates, are added. It takes a last layer of sigmoid.
    calibration
        ``(slope, offset)``: at last, the log odds of a candidate for closer looks are multiplied by the
        slope, and the offset is added (Platt scaling).
    even_light
        Whether the layers and the looks are shown the image as if it lay in even, white light: shadows and
        the colour of lamps are taken off a photographed page (`detector.light`). It goes without a mask
        layer.
    turn
        Whether `detect` tries the image turned by quarter turns, too, where it is not sure of an answer. This
        takes closer looks.
    labels
        Names of the output channels.
    boundary
        How `detect` extends an image before the layers run, so that an object at the image's edge
        has a whole neighbourhood: "edge", "reflect", "zero", or "none".
    closer_looks
        Further passes over the best peaks, in this order. The new score of a candidate is the geometric
        mean of all the answers that they give for it, changed by `size_prior`, `evidence_weight` and
        `calibration`.
    box_look
        What says where the boxes of finds lie; None: they are as large as `object` at the scale of the find.
    """

    name: str
    layers: tuple[Layer, ...]
    description: str = ""
    object: Size | None = None
    threshold: float | None = None
    scales: tuple[float, ...] = (1.0,)
    per_octave: int = 2
    level_pixels: int | None = None
    size_prior: float = 0.0
    evidence_weight: float = 0.0
    calibration: tuple[float, float] = (1.0, 0.0)
    even_light: bool = False
    turn: bool = False
    labels: tuple[str, ...] = ()
    boundary: str = "edge"
    closer_looks: tuple[CloserLook, ...] = ()
    box_look: BoxLook | None = None
    _local: int = field(init=False, default=0)  # how many layers at the beginning can run in bands

    def __post_init__(self) -> None:
        if self.object is not None:
            object.__setattr__(self, "object", Size(*self.object))
        if not self.layers:
            raise StackError("a stack needs at least one layer")
        out_channels = self.channels()[-1]
        labels = self.labels or (self.name,) * out_channels
        if self.closer_looks:  # they give the final answers, so their labels count
            for number, look in enumerate(self.closer_looks, 1):
                if look.stack.layers[-1].op != "softmax":
                    raise StackError(f"closer look {number}: its last layer must be softmax")
            labels = self.closer_looks[0].stack.labels
            if any(look.stack.labels != labels for look in self.closer_looks):
                raise StackError("closer looks: all must answer for the same labels")
        elif len(labels) != out_channels:
            raise StackError(f"labels: {len(labels)} names for {out_channels} output channels")
        if self.evidence_weight and not self.has_evidence:
            raise StackError(
                "evidence_weight: the last layer must be sigmoid, whose answers have log odds"
            )
        if any(isinstance(layer, MaskLayer) for layer in self.layers):
            if self.box_look:
                raise StackError(
                    "box_look: goes without a mask layer, whose finds are as large as the mask"
                )
            if self.even_light:
                raise StackError(
                    "even_light: goes without a mask layer, which compares pixels as they are"
                )
        object.__setattr__(self, "labels", labels)  # the dataclass is frozen
        local = next(
            (n for n, layer in enumerate(self.layers) if not layer.local), len(self.layers)
        )
        object.__setattr__(self, "_local", local)

    @property
    def object_size(self) -> Size:
        """The size of the object, for a stack that is going to run: `object`, but never None.

        Raises
        ------
        StackError
            Neither the stack nor a mask gives the size.
        """
        if self.object is None:
            raise StackError(f"stack {self.name} does not say the size of its object")
        return self.object

    @property
    def looks(self) -> tuple[Look, ...]:
        """The closer looks and the box look: all that is shown cuts of an image."""
        return self.closer_looks if self.box_look is None else (*self.closer_looks, self.box_look)

    def cuts(self) -> Iterator[tuple[Look, int]]:
        """Each of these looks, and how many cuts it is shown of an image."""
        boxes = 0 if self.box_look is None else 2 * self.box_look.candidates  # and mirrored
        for look in self.closer_looks:
            yield look, (look.candidates + look.mirrored) * len(look.scales) + boxes
        if self.box_look is not None:
            yield self.box_look, boxes + 4  # the best find, and the next place

    @property
    def has_evidence(self) -> bool:
        """Whether the activations are probabilities, which have log odds."""
        return self.layers[-1].op == "sigmoid"

    @property
    def input_channels(self) -> int:
        """Channels that an image must have; 3 if the layers take any number."""
        for layer in self.layers:
            if isinstance(layer, Conv):
                return int(layer.kernel.shape[2]) * layer.groups
            if isinstance(layer, MaskLayer) and layer.features is not None:
                return int(layer.features.shape[2])
            if isinstance(layer, Combine):
                break
        return 3

    def channels(self) -> tuple[int, ...]:
        """Channels of the input, and of the output of each layer."""
        counts = [self.input_channels]
        for number, layer in enumerate(self.layers, 1):
            try:
                counts.append(layer.channels(counts[-1]))
            except StackError as e:
                raise StackError(f"layer {number}: {e.reason}") from None
        return tuple(counts)

    def fields(self) -> Iterator[ReceptiveField]:
        """The receptive field after each layer."""
        current = ReceptiveField()
        for layer in self.layers:
            current = layer.field(current)
            yield current

    def sizes(self, size: Pair) -> Iterator[Pair]:
        """Rows and columns after each layer, for an image of `size` rows and columns."""
        for layer in self.layers:
            size = layer.output_size(size)
            yield size

    @cached_property
    def receptive_field(self) -> ReceptiveField:
        """The receptive field of one output: size, jump and first, ``(rows, cols)`` in input pixels."""
        return list(self.fields())[-1]

    @property
    def parameters(self) -> int:
        """How many numbers all layers hold together."""
        return sum(layer.parameters for layer in self.layers)

    def multiply_adds(self) -> tuple[float, ...]:
        """Multiply-adds of each layer per pixel of the image, far from its edges."""
        return tuple(
            layer.multiply_adds() / (f.jump[0] * f.jump[1])
            for layer, f in zip(self.layers, self.fields(), strict=True)
        )

    @property
    def local_count(self) -> int:
        """How many layers at the beginning are local, so that they can run in bands."""
        return self._local

    def activations(self, size: Pair) -> tuple[int, ...]:
        """How many activations the layers hold for an image of `size` rows and columns, in their order.

        Layers that run in bands never hold all of their activations at once: only the last of them,
        whose output is complete, is in the result.
        """
        shapes = zip(self.sizes(size), self.channels()[1:], strict=True)
        counts = [rows * cols * channels for (rows, cols), channels in shapes]
        return tuple(counts[max(0, self._local - 1) :])

    def run(self, x: NDArray[Any] | Rows) -> Floats:
        """The activations ``(H', W', K)`` of an image ``(H, W, C)``, in float32.

        A batch of images of one size, ``(N, H, W, C)``, gives ``(N, H', W', K)``. For small images this is
        faster than one by one; all layers must be `local`.

        Raises
        ------
        InvalidInputError
            The image is not ``(H, W, C)`` with the channels that the first layer takes, or it is
            smaller than a layer's window; or it is a batch, and a layer takes only one image at a time.
        """
        if isinstance(x, np.ndarray) or not hasattr(x, "shape"):
            x = as_real("image", x).astype(np.float32, copy=False)
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
        return run_in_sequence(x[:], self.layers) if batch else self.run_each([x])[0]

    def run_each(self, images: Sequence[Rows]) -> list[Floats]:
        """The activations of several images ``(H, W, C)``, float32 of any sizes, which share the cores.

        Raises
        ------
        InvalidInputError
            An image is smaller than a layer's window.
        """
        return self._run_layers(images, self.layers)

    def _run_layers(self, images: Sequence[Rows], layers: Sequence[Layer]) -> list[Floats]:
        """Run the first layers of this stack: the local ones in bands, all after them on whole images."""
        local = layers[: self._local]
        # One at a time, so that no input is kept longer than it is needed: of levels, rows are made here.
        waiting: list[Rows] = [*(run_in_bands(images, local) if local else images)]
        waiting.reverse()
        outputs = []
        while waiting:
            outputs.append(run_in_sequence(waiting.pop()[:], layers[len(local) :], len(local) + 1))
        return outputs

    def with_masks(self, masks: Sequence[Mask]) -> Stack:
        """A copy of this stack that looks for these masks, with one output channel and label for each.

        All masks must have one size. Each of them goes through the layers before the ``mask`` layer, so
        that it is compared with the image feature by feature.

        Raises
        ------
        StackError
            The stack has no ``mask`` layer.
        InvalidInputError
            A mask is smaller than the windows of the layers before the ``mask`` layer, or all its weights
            are 0.
        """
        at = next((n for n, layer in enumerate(self.layers) if isinstance(layer, MaskLayer)), None)
        if at is None:
            raise StackError(f"stack {self.name} has no mask layer: a mask cannot be used with it")
        before = self.layers[:at]
        features = self._run_layers([np.asarray(m.filled(), np.float32) for m in masks], before)
        weights = None
        if any(m.weights is not None for m in masks):
            weights = np.stack([_weights_of_features(before, m) for m in masks], axis=2)
        mask_layer = self.layers[at]
        assert isinstance(mask_layer, MaskLayer)  # noqa: S101 - for the type checker; found by type above
        filled = replace(mask_layer, features=np.stack(features, axis=3), weights=weights)
        after = self.layers[at + 1 :]
        # A combine or conv layer after the mask layer merges the channels of the masks, which then have no
        # labels of their own: without labels, a stack uses its name.
        labels = (
            ()
            if any(isinstance(layer, Combine | Conv) for layer in after)
            else [m.label for m in masks]
        )
        return replace(
            self, layers=(*before, filled, *after), object=masks[0].size, labels=tuple(labels)
        )

    @property
    def needs_mask(self) -> bool:
        """True if there is a ``mask`` layer without a mask: the stack can run only after `with_masks`."""
        return any(isinstance(layer, MaskLayer) and layer.features is None for layer in self.layers)

    @property
    def compares_pixels(self) -> bool:
        """True if all it does is to compare the image itself with masks, by normalised correlation."""
        only = self.layers[0] if len(self.layers) == 1 else None
        return isinstance(only, MaskLayer) and only.score == "ncc"

    def __repr__(self) -> str:
        final = self.receptive_field
        lines = [
            f"Stack {self.name!r}: {self.parameters:,} parameters, field {shape_text(final.size)} px"
            f" every {shape_text(final.jump)} px"
        ]
        for number, (layer, current) in enumerate(zip(self.layers, self.fields(), strict=True), 1):
            lines.append(f"  {number:>2}  {layer!s:<40} field {shape_text(current.size)}")
        for look in self.closer_looks:
            lines.append(f"closer look at {look.candidates} candidates:")
            lines += repr(look.stack).splitlines()[1:]
        if self.box_look is not None:
            lines += ["box look:", *repr(self.box_look.stack).splitlines()[1:]]
        return "\n".join(lines)


def _weights_of_features(layers: Sequence[Layer], mask: Mask) -> Floats:
    """The weights of a mask's features ``(A', B')``, after `layers`, from the weights of its pixels.

    The weight of a feature is the mean weight in its receptive field. So instead of each layer, a mean pool
    with the same window, stride and padding runs on the weights.
    """
    weights = np.ones(mask.pixels.shape[:2], np.float32) if mask.weights is None else mask.weights
    x = np.asarray(weights, dtype=np.float32)[:, :, None]
    for layer in layers:
        window = layer.field(ReceptiveField())  # of this layer alone
        if isinstance(layer, Upsample):
            x = layer.run(x)
        elif window.size != (1, 1) or window.jump != (1, 1):
            # `first` is the centre of the first window: (size - 1) / 2 without padding, less with it.
            pads = [
                (round((s - 1) / 2 - f),) * 2
                for s, f in zip(window.size, window.first, strict=True)
            ]
            x = np.pad(x, [*pads, (0, 0)], mode="edge")
            x = Pool("mean-pool", window.size, (int(window.jump[0]), int(window.jump[1]))).run(x)
    return x[:, :, 0]
