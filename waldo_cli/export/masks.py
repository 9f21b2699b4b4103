"""A mask layer as operators of ONNX: the formula of `waldo_cli.correlate.scores`, in the frequency domain.

There is no operator for it, and a convolution in float32 would lose the digits that cancel in a window of
little contrast. So everything is float64, as there, and each sum over windows is a product of spectra. ONNX's
transform is exact for powers of two only: image and masks are padded with zeros to these.
"""

from __future__ import annotations

import numpy as np

from waldo_cli.arrays import Array
from waldo_cli.correlate.scores import (
    FLOAT32_NOISE,
    FLOAT64_NOISE,
    MIN_SHARE_INSIDE,
    ONE_COLOUR,
    TINY,
    prepare,
)
from waldo_cli.errors import StackError
from waldo_cli.export.graph import CHANNELS, COLS, ROWS, Graph
from waldo_cli.geometry import same_padding
from waldo_cli.stack.layers import MaskLayer

# Axes of the tensors here, (N, masks, channels, rows, columns), and for spectra a real and an imaginary part.
_CHANNELS, _ROWS, _COLS, _PARTS = 2, 3, 4, 5


def add_mask(graph: Graph, x: str, layer: MaskLayer) -> str:
    """Add a mask layer that works on the tensor `x`; the name of its output.

    Raises
    ------
    StackError
        It has no mask.
    """
    if layer.features is None:
        raise StackError(
            "its mask comes from --mask, which is not exported: give a stack file whose mask layer has a mask"
        )
    return _MaskGraph(graph, layer).scores(x)


class _MaskGraph:
    """The operators of one mask layer; names as in `waldo_cli.correlate.scores`."""

    def __init__(self, graph: Graph, layer: MaskLayer) -> None:
        assert layer.features is not None  # noqa: S101 - for the type checker; `add_mask` has looked
        A, B = layer.features.shape[:2]
        weights = np.ones((A, B, 1)) if layer.weights is None else layer.weights
        masks = layer.features
        if layer.weights is not None:  # what a mask holds where it has no weight does not matter
            masks = np.where((weights > 0)[:, :, None], masks, np.float32(0))
        self._graph, self._padding = graph, layer.padding
        self._partial = layer.padding == "partial"
        self._masks = prepare(masks, weights, layer.score)
        self._weight = self._masks.w.sum((2, 3), keepdims=True)[None]  # (1, 1 or K, 1, 1, 1)
        self._widths = same_padding(A), same_padding(B)
        self._spectra: dict[str, str] = {}
        self._sides = ("", "")  # rows and columns of spectra
        self._outputs = ("", "")  # rows and columns of the scores

    def scores(self, x: str) -> str:
        graph, m = self._graph, self._masks
        planes, ones, level, energy = self._planes(x)
        V, w = self._double(m.V[None]), self._double(m.w[None])
        numerator = self._sums(planes, V)  # (N, K, 1, H, W)
        inside, weight_sum = "", self._double(self._weight)
        sums = ""
        if m.centred and (m.normed or self._partial):
            sums = self._sums(planes, w, each_channel=True)
        if self._partial:
            weight_sum = self._do("Max", self._sums(ones, w), self._double(TINY))
            if m.normed:
                square = np.square(m.V).sum(1, keepdims=True) / np.where(m.w > 0, m.w, 1)
                inside = self._sums(ones, self._double(square[None]))
            if m.centred:
                part = self._sums(ones, V, each_channel=True)
                lost = self._do("Div", self._do("Mul", sums, part), weight_sum)
                numerator = self._do("Sub", numerator, self._over_channels(lost))
                if m.normed:
                    lost = self._do("Div", self._do("Mul", part, part), weight_sum)
                    inside = self._do("Sub", inside, self._over_channels(lost))
        if m.normed:
            squares = self._over_channels(self._do("Mul", planes, planes))
            variation = self._sums(squares, w)
            if m.centred:
                lost = self._do("Div", self._do("Mul", sums, sums), weight_sum)
                variation = self._do("Sub", variation, self._over_channels(lost))
            numerator = self._divided(numerator, variation, self._floor(level, energy))
            if self._partial:
                numerator = self._divided(numerator, inside, self._double(ONE_COLOUR**2))
            low, high = self._double(-1.0), self._double(1.0)
            numerator = self._do("Max", self._do("Min", numerator, high), low)
        if self._partial:
            # A little less, so that rounding puts out no window of which exactly this share lies inside.
            least = MIN_SHARE_INSIDE * (1 - 1e-9) * self._weight
            few = self._do("Less", weight_sum, self._double(least))
            numerator = self._do("Where", few, self._double(0.0), numerator)
        out = self._do("Squeeze", numerator, graph.whole(_CHANNELS))
        return graph.node("Cast", out, to=1)  # float32

    def _planes(self, x: str) -> tuple[str, str, str, str]:
        """Image, ones where it is, the energy of its level, and that of what is left without it.

        Image and ones are ``(N, 1, C, H, W)`` in float64; the image is padded, its level taken out.
        """
        graph, m = self._graph, self._masks
        self._outputs = graph.length(x, ROWS), graph.length(x, COLS)
        if not self._partial:
            x = graph.padded(x, self._widths, self._padding)
        x = graph.node("Cast", x, to=11)  # float64
        level = self._double(0.0)
        if m.centred:
            mean = graph.node("ReduceMean", x, graph.whole(ROWS, COLS))
            x = graph.node("Sub", x, mean)
            level = self._energy(mean)
        energy = self._energy(x)
        ones = ""
        if self._partial:
            size = graph.node(
                "Concat", graph.whole(1, 1), graph.node("Shape", x, start=ROWS), axis=0
            )
            ones = graph.node("Expand", self._double(1.0), size)
            ones = graph.node("Unsqueeze", graph.padded(ones, self._widths, "zero"), graph.whole(1))
            x = graph.padded(x, self._widths, "zero")
        self._sides = self._side(graph.length(x, ROWS)), self._side(graph.length(x, COLS))
        return graph.node("Unsqueeze", x, graph.whole(1)), ones, level, energy

    def _energy(self, x: str) -> str:
        """Σ x² of each image, ``(N, 1, 1, 1, 1)``."""
        graph = self._graph
        square = graph.node("Mul", x, x)
        total = graph.node("ReduceSum", square, graph.whole(CHANNELS, ROWS, COLS))
        return graph.node("Unsqueeze", total, graph.whole(1))

    def _floor(self, level: str, energy: str) -> str:
        """The variation of windows that count as flat, ``(N, 1 or K, 1, 1, 1)``."""
        of_pixels = self._do("Mul", level, self._double(FLOAT32_NOISE * self._weight))
        of_sums = self._do("Mul", energy, self._double(FLOAT64_NOISE))
        return self._do("Max", self._do("Add", of_pixels, of_sums), self._double(TINY))

    def _divided(self, numerator: str, square: str, floor: str) -> str:
        """The numerator over the root of `square`; 0 where that is not above `floor`."""
        above = self._do("Greater", square, floor)
        root = self._do("Sqrt", self._do("Where", above, square, self._double(1.0)))
        return self._do("Where", above, self._do("Div", numerator, root), self._double(0.0))

    def _sums(self, planes: str, kernels: str, *, each_channel: bool = False) -> str:
        """The planes ``(N, 1, C or 1, ...)`` correlated with kernels ``(1, K, C or 1, A, B)``.

        ``(N, K, C, H, W)``, or the sum over the channels, ``(N, K, 1, H, W)``.
        """
        graph = self._graph
        (a, b), (c, d) = self._parts(self._spectrum(planes)), self._parts(self._spectrum(kernels))
        # (a + bi) times the conjugate of (c + di).
        real = self._do("Add", self._do("Mul", a, c), self._do("Mul", b, d))
        imaginary = self._do("Sub", self._do("Mul", b, c), self._do("Mul", a, d))
        parts = [real, imaginary]
        if not each_channel:
            parts = [self._over_channels(part) for part in parts]
        product = self._do("Concat", *parts, axis=_PARTS)
        for axis in (_ROWS, _COLS):
            product = self._do("DFT", product, axis=axis, inverse=1)
        product = self._do("Squeeze", self._parts(product)[0], graph.whole(_PARTS))
        ends = [self._do("Unsqueeze", length, graph.whole(0)) for length in self._outputs]
        end = self._do("Concat", *ends, axis=0)
        return self._do("Slice", product, graph.whole(0, 0), end, graph.whole(_ROWS, _COLS))

    def _spectrum(self, planes: str) -> str:
        """The spectrum ``(..., 2)`` of planes; each is computed once."""
        if planes not in self._spectra:
            graph = self._graph
            ends = []
            for side, axis in zip(self._sides, (_ROWS, _COLS), strict=True):
                missing = self._do("Sub", side, graph.length(planes, axis))
                ends.append(self._do("Unsqueeze", missing, graph.whole(0)))
            widths = self._do("Concat", graph.whole(0, 0, 0, 0, 0, 0, 0, 0), *ends, axis=0)
            x = self._do("Pad", planes, widths)
            x = self._do("Unsqueeze", x, graph.whole(_PARTS))
            for axis in (_ROWS, _COLS):
                x = self._do("DFT", x, axis=axis)
            self._spectra[planes] = x
        return self._spectra[planes]

    def _parts(self, spectrum: str) -> tuple[str, str]:
        """Real and imaginary parts, ``(..., 1)``."""
        at = [self._graph.whole(n) for n in (0, 1)]
        real, imaginary = (self._do("Gather", spectrum, n, axis=_PARTS) for n in at)
        return real, imaginary

    def _over_channels(self, x: str) -> str:
        return self._do("ReduceSum", x, self._graph.whole(_CHANNELS))

    def _side(self, length: str) -> str:
        """The least power of two that is not smaller than a length."""
        powers = self._graph.array(2 ** np.arange(31, dtype=np.int64))
        enough = self._do("GreaterOrEqual", powers, length)
        most = self._graph.array(np.array(2**31, np.int64))
        return self._do("ReduceMin", self._do("Where", enough, powers, most), keepdims=0)

    def _double(self, values: Array | float) -> str:
        return self._graph.array(np.asarray(values, np.float64))

    def _do(self, op: str, *inputs: str, **attributes: int) -> str:
        return self._graph.node(op, *inputs, **attributes)
