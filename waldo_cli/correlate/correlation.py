"""The formula of this program, and its normalised form.

    h[i, j, k] = Σ_a Σ_b Σ_c V[a, b, c, k] · x[i + a, j + b, c]

Cross-correlation: the kernel is not flipped. Arrays are channels last: an image `x` is `(H, W, C)`,
a bank of K kernels `V` is `(A, B, C, K)`, the result is `(H', W', K)`. This module checks arguments, pads,
and chooses the method. Four modules compute the formula: `gemm` as a matrix product, `winograd` by minimal
filtering, `overlap_save` by Fourier transforms, `shifted` for many groups at once. `scores` computes the
normalised form.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from waldo_cli.arguments import FLAG, TEXT, WHOLE_NUMBER, brief, elements, must_be
from waldo_cli.arrays import Floats, as_real
from waldo_cli.correlate import gemm, overlap_save, scores, shifted, winograd
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import same_padding, window_count
from waldo_cli.parallel import thread_count

IntOrPair: TypeAlias = int | tuple[int, int]
Padding: TypeAlias = str | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]

#: Paddings that give an output of the image's size, and the mode of `numpy.pad` for each.
PAD_MODES: dict[str, Any] = {
    "zero": "constant",
    "reflect": "reflect",
    "edge": "edge",
    "wrap": "wrap",
}
_METHODS = ("auto", "gemm", "fft")

# What calling a method for one more group takes, seconds.
_PER_GROUP = 1e-4

# Padding may add this many pixels (1 GB of RGB floats); more is a typing error.
_MAX_ADDED_PIXELS = 2**27 * 3 // 4

# No image has a longer side.
_MAX_STEP = 2**31 - 1


def cross_correlate(
    x: npt.ArrayLike,
    V: npt.ArrayLike,
    *,
    bias: npt.ArrayLike | None = None,
    stride: IntOrPair = 1,
    dilation: IntOrPair = 1,
    groups: int = 1,
    flip: bool = False,
    padding: Padding = "valid",
    method: str = "auto",
) -> Floats:
    """h[i,j,k] = Σ_a Σ_b Σ_c V[a,b,c,k] · x[i+a, j+b, c] + bias[k].

    With stride s and dilation d the pixel is `x[s·i + d·a, s·j + d·b, c]`.

    Parameters
    ----------
    x
        Image, `(H, W, C)`, any real dtype. Converted to float32 once; integers keep their values
        (uint8 is not scaled to [0, 1]). Or images of one size, `(N, H, W, C)`: small ones are
        quicker together.
    V
        Kernels, `(A, B, C / groups, K)`, odd or even sizes, finite.
    bias
        `(K,)`, added to each output channel.
    stride, dilation
        Step between outputs and between kernel taps, in pixels: one number or `(row, col)`.
    groups
        Channels and kernels are split into this many equal parts that do not see each other
        (PyTorch's meaning; `groups = C` is a depthwise correlation).
    flip
        Flip the kernel in both directions first: a true convolution.
    padding
        `"valid"`: only windows that lie inside the image. `"zero"`, `"reflect"`, `"edge"`,
        `"wrap"`: output of the image's size (before stride), pixels outside taken as numpy's `pad`
        does:

            zero     0000 1234 0000
            edge     1111 1234 4444
            reflect  1432 1234 3212
            wrap     1234 1234 1234

        The window of output `i` starts `(extent - 1) // 2` above and left of it, where
        `extent = dilation · (A - 1) + 1`; for an even extent the extra row and column are at the
        bottom and the right, as in PyTorch's `padding="same"`. Widths add zeros explicitly: one
        number for all sides, `(rows, cols)`, or `((top, bottom), (left, right))`.
    method
        `"gemm"`: bands of windows times the kernel matrix. `"fft"`: overlap-save tiles; its error
        is relative to the brightest part of a tile. `"auto"`: whichever a cost model expects to be
        faster, minimal filtering among them for 3 x 3 and 5 x 5 kernels of many channels, whose error
        is relative to the brightest of 6 x 6 pixels.

    Returns
    -------
    `(H', W', K)` float32, or `(N, H', W', K)`. A pixel that is NaN or infinite spoils only the
    outputs whose window holds it.

    Raises
    ------
    InvalidInputError
        If shapes do not fit, the kernel is larger than the (padded) image, an array is empty, not
        real or not of the named dimension, a kernel or bias holds NaN or infinity, or a word or
        number is not one of those above.

    References
    ----------
    Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006 (windows as a matrix); Stockham, "High-Speed Convolution and Correlation", 1966
    (overlap-save); Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", 2016 (minimal
    filtering).
    """
    must_be(FLAG, flip=flip)
    must_be(TEXT, method=method)
    x = as_real("image", x)
    batch = x.ndim == 4
    image = _real("image", x, "(H, W, C) or (N, H, W, C)", 4 if batch else 3)
    kernels = _finite("kernel", _real("kernel", V, "(A, B, C, K)", 4))
    C, (A, B, per_group, K) = image.shape[-1], kernels.shape
    if not WHOLE_NUMBER.holds(groups) or groups < 1 or C % groups or K % groups:
        raise InvalidInputError(
            f"groups = {brief(groups)} must be a whole number that divides the image's {C} channels and the"
            f" {K} kernels"
        )
    if per_group * groups != C:
        raise InvalidInputError(
            f"kernel has {per_group} channels x {groups} groups, image has {C} channels: they must "
            f"be equal; give a kernel of shape ({A}, {B}, {C // groups}, {K})"
        )
    offset: Floats | None = None
    if bias is not None:
        offset = _finite("bias", _real("bias", bias, "(K,)", 1))
        if offset.shape != (K,):
            raise InvalidInputError(f"bias has {offset.size} values, there are {K} kernels")
    steps, gaps = _pair("stride", stride), _pair("dilation", dilation)
    if method not in _METHODS:
        raise InvalidInputError(f"method {method!r} is not one of {', '.join(_METHODS)}")
    extent = (gaps[0] * (A - 1) + 1, gaps[1] * (B - 1) + 1)
    image = _pad(image, extent, padding)
    _check_fits("kernel", extent, image.shape[-3:])
    if flip:
        kernels = kernels[::-1, ::-1]
    images = image if batch else image[None]
    out = _correlate(images, kernels, offset, steps, gaps, groups, method)
    return out if batch else out[0]


def _correlate(
    images: Floats,
    kernels: Floats,
    bias: Floats | None,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    method: str,
) -> Floats:
    """Images `(N, H, W, C)` with checked kernels, by one of the methods; all but one go group by group."""
    N, H, W, _ = images.shape
    A, B, per_group, K = kernels.shape
    rows = window_count(H, A, stride[0], dilation[0])
    cols = window_count(W, B, stride[1], dilation[1])
    out: Floats = np.empty((N, rows, cols, K), np.float32)
    count = K // groups  # kernels of a group
    if method == "auto":
        method = _cheapest(images.shape, kernels.shape, stride, dilation, groups)
    if method == "shifted":
        shifted.correlate(images, kernels, out, stride, dilation, groups, bias)
        return out
    for g in range(groups):
        part = images[..., g * per_group : (g + 1) * per_group]
        V = kernels[..., g * count : (g + 1) * count]
        offset = None if bias is None else bias[g * count : (g + 1) * count]
        target = out[..., g * count : (g + 1) * count]
        if method == "gemm":
            gemm.correlate(part, V, target, stride, dilation, offset)
        elif method == "winograd":
            winograd.correlate(part, V, target, dilation, offset)
        else:
            for one_image, one_target in zip(part, target, strict=True):
                overlap_save.correlate(one_image, V, one_target, stride, dilation, offset)
    return out


@lru_cache(
    maxsize=256
)  # a stack asks for every band and every batch of cuts, with few different sizes
def _cheapest(
    images: tuple[int, ...],
    kernels: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> str:
    """The method with the least expected time, for images (N, H, W, C), kernels (A, B, C / groups, K)."""
    N, H, W, _ = images
    rows, cols = (
        window_count(n, k, s, d)
        for n, k, s, d in zip((H, W), kernels, stride, dilation, strict=False)
    )
    kernel = (*kernels[:3], kernels[3] // groups)  # those of one group
    product = gemm.cost((N, rows, cols), kernel)
    if (
        groups == 1 and product <= 1e-3
    ):  # the other estimates would take longer than they could save
        return "gemm"
    extent = (dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1)
    costs = {
        "gemm": product,
        "winograd": winograd.cost((N, rows, cols), kernel, stride, dilation),
        "fft": N * overlap_save.cost((H - extent[0] + 1, W - extent[1] + 1), kernel, extent),
    }
    method = min(costs, key=lambda name: costs[name])
    one_by_one = groups * (costs[method] + _PER_GROUP)
    if groups > 1 and shifted.cost((N, rows, cols), kernels) < one_by_one:
        return "shifted"
    return method


def expected_seconds(
    images: tuple[int, int, int, int],
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> float:
    """Expected seconds on one core of `cross_correlate` on images `(N, H, W, C)`, padding included."""
    A, B, per_group, K = kernel
    N, H, W, _ = images
    rows, cols = map(window_count, (H, W), (A, B), stride, dilation)
    one_group = (A, B, per_group, K // groups)
    extent = (dilation[0] * (A - 1) + 1, dilation[1] * (B - 1) + 1)
    if min(rows, cols) < 1:
        return 0.0
    seconds = min(
        gemm.cost((N, rows, cols), one_group),
        winograd.cost((N, rows, cols), one_group, stride, dilation),
        N * overlap_save.cost((H - extent[0] + 1, W - extent[1] + 1), one_group, extent),
    )
    if groups == 1:
        return seconds
    return min(groups * (seconds + _PER_GROUP), shifted.cost((N, rows, cols), kernel))


def expected_floats(
    image: tuple[int, int, int],
    kernel: tuple[int, ...],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> int:
    """Most float32 numbers that `cross_correlate` holds at once beside an image `(H, W, C)`.

    The output, a copy of a group's channels, buffers of all threads, and a dilated kernel. The buffers of
    `overlap_save` and its spectra do not depend on the image, and are not in it.
    """
    A, B, per_group, K = kernel
    H, W, _ = image
    rows, cols = map(window_count, (H, W), (A, B), stride, dilation)
    # With whole tiles of `winograd` it is a little larger than the image.
    copied = (H + 6 * dilation[0]) * (W + 6 * dilation[1]) * per_group
    taps = A * B * per_group
    buffers = (gemm.buffer_floats(rows * cols, taps, K // groups) + K * cols) * thread_count()
    dilated = 0
    if max(dilation) > 1:
        dilated = (dilation[0] * (A - 1) + 1) * (dilation[1] * (B - 1) + 1) * per_group
    return int(rows * cols * K + copied + buffers + 2 * dilated)


def normalized_cross_correlate(
    x: npt.ArrayLike,
    V: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    padding: str = "valid",
    score: str = "ncc",
) -> Floats:
    """Weighted, normalised cross-correlation of an image with one or more masks, in [-1, 1].

    With weights w[a,b], W = Σ w, and per-channel weighted means removed from the mask and from each
    window, `x' = x - Σ w x / W` and `V' = V - Σ w V / W`,

        h[i,j,k] = Σ w V' x' / sqrt(Σ w V'² · Σ w x'²)        sums over a, b and all channels c

    which is OpenCV's TM_CCOEFF_NORMED for weights of 0 and 1, made safe: a flat window or a flat
    mask scores 0, an exact match 1.0 at any brightness and contrast.

    Parameters
    ----------
    x
        Image, `(H, W, C)`, any real dtype.
    V
        Mask or masks: `(A, B, C)` or `(A, B, C, K)`. Where the weight is 0 it may hold anything,
        NaN too.
    weights
        `(A, B)`, or `(A, B, K)` for one set per mask, in [0, 1]: the share each pixel of the mask
        has (its alpha). None: every pixel counts fully.
    padding
        `"valid"`, or an output of the image's size with `"zero"`, `"reflect"`, `"edge"`, `"wrap"`
        as in `cross_correlate`, or `"partial"`: the same size, each window compared only where it
        lies inside the image (means and norms of mask and window over that part), and scored 0
        where less than a quarter of the weight lies inside.
    score
        `"ncc"` as above; `"cosine"`: without removing means; `"zero-mean"`: the numerator alone,
        Σ w V' x'; `"raw"`: Σ w V x. The last two are not bounded.

    Returns
    -------
    `(H', W', K)` float32, K = 1 for a mask of three dimensions. A window that holds a NaN or an
    infinite pixel where the weight is not 0 scores NaN.

    Raises
    ------
    InvalidInputError
        As `cross_correlate`, and for weights outside [0, 1], of another size than the mask, or all
        0.

    Notes
    -----
    J. P. Lewis, "Fast Normalized Cross-Correlation", 1995; D. Padfield, "Masked Object Registration
    in the Fourier Domain", 2012. Sums over windows are taken in float64, tile by tile. A window is flat where
    its contrast is less than some 1e-6 of its surroundings' brightness, which float32 cannot tell
    from rounding.
    """
    image = _real("image", x, "(H, W, C)", 3)
    must_be(TEXT, score=score)
    masks = as_real("mask", V)
    masks = _real(
        "mask", masks[..., None] if masks.ndim == 3 else masks, "(A, B, C) or (A, B, C, K)", 4
    )
    A, B, C, K = masks.shape
    if image.shape[2] != C:
        raise InvalidInputError(
            f"mask has {C} channels, image has {image.shape[2]}: bring both to the same colour mode"
        )
    w = _weights(weights, (A, B, K))
    if not (counts := w > 0).all():
        masks = np.where(counts[:, :, None], masks, np.float32(0))
    masks = _finite("mask", masks)
    if score not in scores.SCORES:
        raise InvalidInputError(f"score {score!r} is not one of {', '.join(scores.SCORES)}")
    partial = isinstance(padding, str) and padding == "partial"
    if not partial:
        image = _pad(image, (A, B), padding)
        _check_fits("mask", (A, B), image.shape)
    return scores.score_masks(image, masks, w, score, partial)


def _real(name: str, value: npt.ArrayLike, shape: str, ndim: int) -> Floats:
    """The argument as a float32 array of the named shape, or the error that says why not."""
    array = as_real(name, value)
    if array.ndim != ndim:
        raise InvalidInputError(
            f"{name} has {array.ndim} dimensions, shape {array.shape}; it must be {shape}"
        )
    if not array.size:
        raise InvalidInputError(
            f"{name} is empty, shape {array.shape}; every side of {shape} must be >= 1"
        )
    # What float32 cannot hold becomes infinity, which is checked where it matters.
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _finite(name: str, array: Floats) -> Floats:
    if not np.isfinite(array).all():
        raise InvalidInputError(
            f"{name} holds NaN or infinity; every number must be finite in float32"
        )
    return array


def _weights(weights: npt.ArrayLike | None, shape: tuple[int, int, int]) -> Floats:
    """Weights `(A, B, K)`, or `(A, B, 1)` where all masks share them."""
    A, B, K = shape
    if weights is None:
        return np.ones((A, B, 1), np.float32)
    w = as_real("weights", weights)
    w = _real("weights", w[:, :, None] if w.ndim == 2 else w, "(A, B) or (A, B, K)", 3)
    if w.shape[:2] != (A, B) or w.shape[2] not in (1, K):
        raise InvalidInputError(
            f"weights have shape {np.shape(weights)}: for these masks it must be ({A}, {B}) "
            f"or ({A}, {B}, {K})"
        )
    if not ((w >= 0) & (w <= 1)).all():
        raise InvalidInputError(
            f"weights go from {w.min():g} to {w.max():g}; all must lie in [0, 1]: divide 8-bit alpha "
            "by 255"
        )
    if not w.any((0, 1)).all():
        raise InvalidInputError("a mask's weights are all 0; nothing of it is left to look for")
    return w


def _pair(name: str, value: IntOrPair) -> tuple[int, int]:
    pair = elements(value) or (value, value)
    if len(pair) != 2 or not all(WHOLE_NUMBER.holds(n) and 1 <= n <= _MAX_STEP for n in pair):
        raise InvalidInputError(
            f"{name} = {brief(value)}; give a whole number from 1 to {_MAX_STEP}, or (row, col) of them"
        )
    return int(pair[0]), int(pair[1])


def _widths(
    extent: tuple[int, int], padding: Padding
) -> tuple[tuple[tuple[int, int], tuple[int, int]], Any]:
    """((top, bottom), (left, right)) and numpy's name of the mode."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0), (0, 0)), "constant"
        if padding not in PAD_MODES:
            known = ", ".join(["valid", *PAD_MODES])
            raise InvalidInputError(f"padding {padding!r} is not one of {known}, nor widths")
        return (same_padding(extent[0]), same_padding(extent[1])), PAD_MODES[padding]
    sides = padding if isinstance(padding, (tuple, list)) else (padding, padding)
    pairs = [side if isinstance(side, (tuple, list)) else (side, side) for side in sides]
    flat = [n for pair in pairs for n in pair]
    if [len(pair) for pair in pairs] != [2, 2] or not all(
        WHOLE_NUMBER.holds(n) and n >= 0 for n in flat
    ):
        raise InvalidInputError(
            f"padding = {brief(padding)}; give a word, a whole number >= 0, (rows, cols), "
            "or ((top, bottom), (left, right))"
        )
    top, bottom, left, right = map(int, flat)
    return ((top, bottom), (left, right)), "constant"


def _pad(image: Floats, extent: tuple[int, int], padding: Padding) -> Floats:
    (rows, cols), mode = _widths(extent, padding)
    if not any((*rows, *cols)):
        return image
    *batch, H, W, _ = image.shape
    added = ((H + sum(rows)) * (W + sum(cols)) - H * W) * math.prod(batch)
    if added > _MAX_ADDED_PIXELS:
        raise InvalidInputError(
            f"padding would add {brief(added)} pixels around an image of {H}x{W}, the limit is "
            f"{_MAX_ADDED_PIXELS}; use a smaller kernel, dilation or padding"
        )
    padded: Floats = np.pad(image, [*[(0, 0)] * len(batch), rows, cols, (0, 0)], mode=mode)
    return padded


def _check_fits(name: str, extent: tuple[int, int], shape: tuple[int, ...]) -> None:
    if extent[0] > shape[0] or extent[1] > shape[1]:
        raise InvalidInputError(
            f"{name} is {extent[0]}x{extent[1]} (rows x columns), image is {shape[0]}x{shape[1]}: "
            "it must fit inside; use a smaller one, or a same-size padding such as 'edge'"
        )
