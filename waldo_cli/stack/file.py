"""Read a stack file: TOML for the layers, and an ``.npz`` beside it for the weights.

`load_stack` finds the file and parses the TOML; `_parse` makes a `Stack` of it, with one `[[layer]]` table
after the other in `_layers`. The table `READERS` names the function that reads each op.

A stack file may come from a stranger, so everything is checked before memory is allocated for it: the sizes
of files and arrays, every key, every number. Weights are never unpickled, and never read from outside the
stack file's folder.
"""

from __future__ import annotations

import codecs
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from waldo_cli.arguments import Kind, brief, must_be
from waldo_cli.arrays import Floats
from waldo_cli.correlate.correlation import PAD_MODES
from waldo_cli.correlate.scores import SCORES
from waldo_cli.errors import InvalidInputError, StackError, WaldoError
from waldo_cli.geometry import ReceptiveField, Size
from waldo_cli.scales import scale_ladder
from waldo_cli.stack.layers import (
    POINTWISE,
    Combine,
    Conv,
    Layer,
    MaskLayer,
    Normalize,
    Pointwise,
    Pool,
    Upsample,
)
from waldo_cli.stack.stack import BoxLook, CloserLook, Mask, Stack
from waldo_cli.stack.values import (
    MAX_CHANNELS,
    MAX_CLOSER_LOOKS,
    MAX_FIELD,
    MAX_FILE_BYTES,
    MAX_KERNEL,
    MAX_LAYERS,
    MAX_LEVEL_PIXELS,
    MAX_NUMBERS,
    MAX_PER_PIXEL,
    MAX_SCALE,
    MAX_STEP,
    MAX_UPSAMPLED,
    MIN_SCALE,
    PADDINGS,
    array_of,
    integer_of,
    number_of,
    padding_of,
    pair_of,
    refuse_unknown_keys,
    size_of,
    suggestion,
    text_of,
    word_of,
)
from waldo_cli.stack.weights import Weights, read_file

BUILT_IN = Path(__file__).parent / "builtin"

# A dotted key of more than 16 parts, such as a.b.c: 16 parts, bare or in quotes, each followed by a dot.
# tomllib needs time with the square of the number of parts; a key of 20,000 parts would take half a minute.
_LONG_KEY = re.compile(rb"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""")

BOUNDARIES = ("edge", "reflect", "zero", "none")

# The keys that each table may have, and what they mean. The reference of the stack file in the documentation
# is made of these lines; a key that is not here is refused.
STACK_KEYS = {
    "format": "1; it must be there.",
    "name": "A line of text. Default: the file's name without its ending.",
    "description": "Text for the user, also of several lines.",
    "object": f"`[width, height]`, or one number for both, up to {MAX_KERNEL}: the size in pixels, at scale"
    " 1, of the object that a peak marks. Default: the size of the mask.",
    "threshold": "The smallest score of a find. Default: the best peak is a find, whatever its score.",
    "scales": "How large the object may be in the image, beside `object`:"
    " `{ min = 0.5, max = 4, per_octave = 2 }`, or a list of up to 64 numbers"
    f" from 1/64 to {MAX_SCALE}; `per_octave` from 1 to 16. Default: `[1.0]`.",
    "level_pixels": "Scales at which the resized image would have more pixels are left out, where the user"
    " gives no scales. Default: none is left out.",
    "size_prior": "What a candidate for closer looks loses of its log odds where its size is two octaves off"
    " the usual one of the candidates. Default: 0.",
    "evidence_weight": "How much the layers count in the score of a candidate for closer looks: by so much"
    " their log odds there, beyond the median of all candidates, are added to its own. It takes a last layer"
    " of `sigmoid`. Default: 0.",
    "calibration": "`{ slope = 1.9, offset = -4.5 }`: the log odds of a candidate for closer looks are"
    " multiplied by the slope, and the offset is added, after all else. Default: 1 and 0.",
    "even_light": "`true`: layers and looks are shown the image as if it lay in even, white light: shadows"
    " and the colour of lamps are taken off a photographed page. It goes without a mask layer. Default:"
    " `false`.",
    "turn": "`true`: where there is no sure find, the image is tried turned by quarter turns, too. It takes"
    " closer looks. Whoever they know tells which way is up, so the last label stands for nobody."
    " Default: `false`.",
    "weights": "Name of the `.npz` with the arrays that kernels, biases and masks name; it lies in the stack"
    " file's folder or below it.",
    "labels": "Names of the channels of the last layer, or of the closer looks.",
    "boundary": f"How the image goes on beyond its edge: {', '.join(f'`{b}`' for b in BOUNDARIES)}."
    " Default: `edge`; `none` with a mask layer.",
    "layer": f"`[[layer]]` tables, one for each layer, in the order in which they run; 1 to {MAX_LAYERS}.",
    "closer_look": f"`[[closer_look]]` tables, up to {MAX_CLOSER_LOOKS}: further stacks that score the best"
    " candidates again, in this order. The stack then needs an `object`.",
    "box_look": "`[box_look]` table: a further stack that says where the box of each find lies, which else is"
    " as large as `object` at the scale of the find. It takes an `object`, and no mask layer in the stack.",
}
CLOSER_KEYS = {
    "object": "As in the stack, for the cuts: the object's size in pixels in them. It must be there.",
    "candidates": f"How many of the best candidates are cut out, 1 to {MAX_CHANNELS}. Default: 24.",
    "scales": "Each candidate is cut out at each of these scales. As in the stack.",
    "mirrored": "How many of the candidates are shown mirrored, too. Default: 0.",
    "layer": "`[[closer_look.layer]]` tables, as in the stack, without a mask layer.",
}
BOX_KEYS = {
    "object": "As in the stack, for the cuts: the object's size in pixels in them. It must be there.",
    "candidates": "How many of the best candidates the closer looks are shown again, in the boxes that are"
    " seen. Default: 0.",
    "layer": "`[[box_look.layer]]` tables, as in the stack, without a mask layer. The last one has four"
    " channels: how far the centre of the box lies right of and below that of the cut, in widths and heights"
    " of `object`; and the natural logarithms of how much wider and higher than `object` the box is.",
}
_STRIDE = f"One whole number or `[along rows, along columns]`, 1 to {MAX_STEP}."
_WINDOW = f"Rows and columns of the window; {_STRIDE[0].lower()}{_STRIDE[1:-1]}."
_CONV_KEYS = {
    "kernel": '`"weights:NAME"`, an array `(A, B, C, K)` of the weights file; the name of a kernel below, for'
    " each channel by itself; or nested lists of 2 to 4 levels: rows, columns, channels in, channels out. Up"
    f" to {MAX_KERNEL} rows and columns. It must be there.",
    "bias": "A number for each channel out, as a list or `weights:NAME`. Default: none.",
    "stride": f"{_STRIDE} Default: 1.",
    "dilation": f"{_STRIDE} Default: 1.",
    "groups": "Channels in and out are divided into so many groups, each with its own kernels. Default: 1.",
    "padding": f"{', '.join(f'`{p}`' for p in PADDINGS)}, or `[[top, bottom], [left, right]]`. Default:"
    " `valid`.",
    "flip": "`true` turns the kernel around, for a true convolution. Default: `false`.",
}


def built_in_names() -> list[str]:
    """The names of the stacks that come with the program."""
    return sorted(p.stem for p in BUILT_IN.glob("*.toml"))


_NAME_OR_PATH = Kind("a name, or a path", lambda given: isinstance(given, str | os.PathLike))


def load_stack(name_or_path: str | Path) -> Stack:
    """Load a built-in stack by its name, or a stack from a file.

    Parameters
    ----------
    name_or_path
        ``"waldo"``, ``"pixels"``, ``"stripes"``, or the path of a stack file (a name with a dot or a
        slash in it, or a `Path`).

    Raises
    ------
    StackError
        There is no such name; or the file, its weights, a key, an op or a shape cannot be used. The
        message names the layer's number and the key; the error's `path` is the file.
    """
    must_be(_NAME_OR_PATH, name_or_path=name_or_path)
    text = str(name_or_path)
    path = Path(text)
    if not isinstance(name_or_path, Path) and "." not in text and "/" not in text:
        path = BUILT_IN / f"{text}.toml"
        if text not in built_in_names():
            raise StackError(
                f"no built-in stack {text!r}: there are {', '.join(built_in_names())};"
                " a stack file is given by its path, such as ./mine.toml or run/logo.toml"
            )
    try:
        if os.path.isdir(path):  # False, and no error, where it cannot be asked
            raise StackError("a folder: give the stack file in it, which ends in .toml")
        if path.suffix == ".npz":
            raise StackError(
                "the weights of a stack: give the stack file beside it, which ends in .toml"
            )
        return _parse(_read_toml(path), path)
    except WaldoError as e:
        raise e.at(text) from None


def _read_toml(path: Path) -> dict[str, Any]:
    """Read and parse a TOML file, with limits against files that are made to be slow."""
    # TOML is UTF-8; a byte order mark before it means nothing, though `tomllib` refuses it.
    data = read_file(path, MAX_FILE_BYTES).removeprefix(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise StackError("saved as UTF-16: save it as UTF-8")
    if _LONG_KEY.search(data):
        raise StackError("a key of more than 16 parts")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise StackError("not UTF-8 text") from None
    except RecursionError:
        raise StackError("nested too deeply") from None
    except ValueError as e:
        raise StackError(f"not TOML: {str(e).splitlines()[0][:120]}") from None


def _parse(table: dict[str, Any], path: Path) -> Stack:
    """The stack that a file describes; `table` is the whole file."""
    refuse_unknown_keys(table, STACK_KEYS, "")
    # In Python True == 1 and 1.0 == 1, but only the integer is right.
    if table.get("format") != 1 or type(table["format"]) is not int:
        raise StackError(f"format = {brief(table.get('format'))}: this program reads format = 1")
    name = text_of(table, "name", path.stem)
    weights = Weights({}, "")
    if "weights" in table:
        weights = Weights.read(path.parent, text_of(table, "weights", ""))
    layers, mask = _layers(table, weights, "layer")
    scales, per_octave = _scales(table.get("scales", [1.0]))
    stack = Stack(
        name,
        layers,
        description=text_of(table, "description", ""),
        object=size_of(table, "object", MAX_KERNEL),
        threshold=number_of(table, "threshold", None),
        scales=scales,
        per_octave=per_octave,
        level_pixels=(
            integer_of(table, "level_pixels", 1, 1, MAX_LEVEL_PIXELS)
            if "level_pixels" in table
            else None
        ),
        size_prior=_share_of_log_odds(table, "size_prior"),
        evidence_weight=_share_of_log_odds(table, "evidence_weight"),
        calibration=_calibration(table),
        even_light=_flag(table, "even_light"),
        turn=_turn(table),
        labels=() if "closer_look" in table else _labels(table),
        boundary=word_of(table, "boundary", _default_boundary(layers), BOUNDARIES),
        closer_looks=tuple(_closer_looks(table, weights, name)),
        box_look=_box_look(table, weights, name),
    )
    if mask is not None:
        try:
            bound = stack.with_masks([mask])
        except InvalidInputError as e:
            raise StackError(f"mask: {e.reason}") from None
        # A size that the file gives takes precedence over the size of the mask.
        stack = replace(bound, object=stack.object or bound.object)
    if stack.object is None and (stack.closer_looks or stack.box_look):
        raise StackError(
            "object: a stack with a closer look or a box look must say the size of its object"
        )
    # Checked again here, because only now the mask counts.
    _limit_field(stack.receptive_field)
    weights.must_all_be_used()
    return stack


def _share_of_log_odds(table: Mapping[str, Any], key: str) -> float:
    value = number_of(table, key, 0.0) or 0.0
    if not 0 <= value <= 100:
        raise StackError(f"{key} = {brief(value)}: must be a number from 0 to 100")
    return value


def _calibration(table: Mapping[str, Any]) -> tuple[float, float]:
    value = table.get("calibration", {})
    if not isinstance(value, dict):
        raise StackError("calibration: must be { slope, offset }")
    refuse_unknown_keys(value, frozenset(("slope", "offset")), "calibration: ")
    slope, offset = number_of(value, "slope", 1.0), number_of(value, "offset", 0.0)
    if slope is None or offset is None or not (0.01 <= slope <= 1e4 and abs(offset) <= 1e6):
        raise StackError("calibration: slope is a number from 0.01 to 1e4, offset from -1e6 to 1e6")
    if "calibration" in table and "closer_look" not in table:
        raise StackError("calibration: goes with closer looks, whose scores it calibrates")
    return slope, offset


def _flag(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise StackError(f"{key} = {brief(value)}: must be true or false")
    return value


def _turn(table: Mapping[str, Any]) -> bool:
    value = _flag(table, "turn")
    if value and "closer_look" not in table:
        raise StackError("turn: goes with closer looks, which tell which way is up")
    return value


def _limit_field(field: ReceptiveField) -> None:
    """Raise StackError for a receptive field, or a distance of outputs, that is too large or too small."""
    if max(field.size) > MAX_FIELD or max(field.jump) > MAX_FIELD:
        raise StackError(
            f"the receptive field is {field.size} every {field.jump} pixels: at most {MAX_FIELD}"
        )
    if 1 / min(field.jump) > MAX_UPSAMPLED:
        raise StackError(f"factor: at most {MAX_UPSAMPLED} activations for one pixel each way")


def _default_boundary(layers: tuple[Layer, ...]) -> str:
    """The boundary of a stack that names none; see `Stack.boundary`.

    A mask layer pads its own input and has outputs up to the image's edge, so it needs no extension.
    """
    return "none" if any(isinstance(layer, MaskLayer) for layer in layers) else "edge"


def _closer_looks(table: Mapping[str, Any], weights: Weights, name: str) -> Iterator[CloserLook]:
    """The `[[closer_look]]` tables of a file. All of them answer with the labels of the file."""
    entries = table.get("closer_look", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StackError("closer_look: must be [[closer_look]] tables")
    if len(entries) > MAX_CLOSER_LOOKS:
        raise StackError(f"closer_look: {len(entries)} of them, at most {MAX_CLOSER_LOOKS}")
    labels = _labels(table)
    for number, entry in enumerate(entries, 1):
        try:
            yield _closer_look(entry, weights, name, labels)
        except StackError as e:
            raise StackError(f"closer_look {number}: {e.reason}") from None


def _closer_look(
    entry: Mapping[str, Any], weights: Weights, name: str, labels: tuple[str, ...]
) -> CloserLook:
    """One `[[closer_look]]` table; `name` and `labels` are the stack's."""
    refuse_unknown_keys(entry, CLOSER_KEYS, "")
    layers, size = _look(entry, weights)
    candidates = integer_of(entry, "candidates", 24, 1, MAX_CHANNELS)
    return CloserLook(
        Stack(name, layers, labels=labels),
        size,
        candidates,
        _scales(entry.get("scales", [1.0]))[0],
        integer_of(entry, "mirrored", 0, 0, candidates),
    )


def _box_look(table: Mapping[str, Any], weights: Weights, name: str) -> BoxLook | None:
    """The `[box_look]` table of a file; `name` is the stack's."""
    if "box_look" not in table:
        return None
    entry = table["box_look"]
    if not isinstance(entry, dict):
        raise StackError("box_look: must be a [box_look] table")
    try:
        refuse_unknown_keys(entry, BOX_KEYS, "")
        layers, size = _look(entry, weights)
        candidates = integer_of(entry, "candidates", 0, 0, MAX_CHANNELS)
        if candidates and "closer_look" not in table:
            raise StackError("candidates: are for closer looks, which see them again")
        return BoxLook(Stack(name, layers), size, candidates)
    except StackError as e:
        raise StackError(f"box_look: {e.reason.removeprefix('box look: ')}") from None


def _look(entry: Mapping[str, Any], weights: Weights) -> tuple[tuple[Layer, ...], Size]:
    """The layers of a further look, and the size of the object in its cuts."""
    layers, _ = _layers(entry, weights, "layer")
    if any(isinstance(layer, MaskLayer) for layer in layers):
        raise StackError("takes no mask layer")
    size = size_of(entry, "object", MAX_KERNEL)
    if size is None:
        raise StackError("object is missing: the object's width and height in the cut")
    return layers, size


def _labels(table: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels of a file: names that differ from each other; empty where there are none."""
    labels = table.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(s, str) for s in labels):
        raise StackError("labels: must be a list of names")
    for label in labels:
        if not label or not label.isprintable():
            raise StackError(f"labels: {label!r} is not a printable name")
    if len(set(labels)) != len(labels):
        raise StackError("labels: a name stands twice")
    return tuple(labels)


def _scales(value: Any) -> tuple[tuple[float, ...], int]:
    """Scales, smallest first, and how many of them an octave has.

    The file gives a range ``{ min, max, per_octave }`` or a list of scales.
    """
    if isinstance(value, dict):
        refuse_unknown_keys(value, frozenset(("min", "max", "per_octave")), "scales: ")
        per_octave = integer_of(value, "per_octave", 2, 1, 16)
        low, high = number_of(value, "min", None), number_of(value, "max", None)
        if low is None or high is None or not MIN_SCALE <= low <= high <= MAX_SCALE:
            raise StackError(
                f"scales: min and max must be numbers, 1/64 <= min <= max <= {MAX_SCALE}"
            )
        return scale_ladder(low, high, per_octave), per_octave
    if not isinstance(value, list) or not value or len(value) > 64:
        raise StackError("scales: give { min, max, per_octave } or a list of up to 64 numbers")
    factors = [number_of({"scales": v}, "scales", None) for v in value]
    if not all(f is not None and MIN_SCALE <= f <= MAX_SCALE for f in factors):
        raise StackError(f"scales: each must lie between 1/64 and {MAX_SCALE}")
    return tuple(sorted(f for f in factors if f is not None)), 2


def _layers(
    table: Mapping[str, Any], weights: Weights, where: str
) -> tuple[tuple[Layer, ...], Mask | None]:
    """The layers of a file or of a closer look, and the mask that the mask layer's table contains, if any.

    Channels, receptive field and numbers are counted up from layer to layer, and checked against the limits
    after each of them.
    """
    entries = table.get("layer")
    if not isinstance(entries, list) or not entries:
        raise StackError(f"[[{where}]]: a stack needs at least one layer")
    if len(entries) > MAX_LAYERS:
        raise StackError(f"[[{where}]]: {len(entries)} layers, at most {MAX_LAYERS}")
    layers: list[Layer] = []
    mask: Mask | None = None
    channels = 3  # of the image: red, green, blue
    numbers = 0
    field = ReceptiveField()
    for number, entry in enumerate(entries, 1):
        place = f"{where} {number}"
        try:
            if not isinstance(entry, dict):
                raise StackError("must be a table")
            op = entry.get("op")
            if not isinstance(op, str) or op not in READERS:
                raise StackError(f"op = {brief(op)}: {suggestion(brief(op), READERS)}")
            place += f" ({op})"
            reader, keys = READERS[op]
            refuse_unknown_keys(entry, keys.keys() | {"op"}, "")
            if op == "mask":
                if any(isinstance(earlier, MaskLayer) for earlier in layers):
                    raise StackError("a stack takes one mask layer")
                mask = _bundled_mask(entry, weights)
            layer = reader(entry, _Context(weights, channels))
            channels = layer.channels(channels)
            if channels > MAX_CHANNELS:
                raise StackError(f"{channels:,} channels, at most {MAX_CHANNELS:,}")
            field = layer.field(field)
            _limit_field(field)
            # One output position for every jump[0] * jump[1] pixels of the image.
            if channels > MAX_PER_PIXEL * field.jump[0] * field.jump[1]:
                raise StackError(
                    f"{channels:,} channels every {field.jump} pixels: at most {MAX_PER_PIXEL}"
                    " activations for one pixel"
                )
            numbers += layer.parameters
            if numbers > MAX_NUMBERS:
                raise StackError(f"kernel: {numbers:,} numbers up to here, at most {MAX_NUMBERS:,}")
        except WaldoError as e:
            raise StackError(f"{place}: {e.reason}") from None
        layers.append(layer)
    return tuple(layers), mask


@dataclass
class _Context:
    """What the reader of a layer needs beside the layer's own table."""

    weights: Weights
    channels: int  # of the layer's input


def _conv(entry: Mapping[str, Any], context: _Context) -> Layer:
    """A conv layer. Its kernel ``V`` is an array of the weights file, a named kernel, or an inline list."""
    groups = integer_of(entry, "groups", 1, 1, MAX_CHANNELS)
    kernel = entry.get("kernel")
    if isinstance(kernel, str) and kernel.startswith("weights:"):
        V = context.weights.take(kernel)
    elif isinstance(kernel, str):
        if "groups" in entry:
            raise StackError("groups: a named kernel works on each channel by itself already")
        plane = _named_kernel(kernel)
        groups = context.channels
        if plane.size * groups > MAX_NUMBERS:
            raise StackError(f"kernel: {plane.size * groups:,} numbers, at most {MAX_NUMBERS:,}")
        # A depthwise kernel: each channel is a group of its own, filtered with the same plane.
        V = np.repeat(plane[:, :, None, None], groups, axis=3)
    elif isinstance(kernel, list):
        V = array_of(kernel, "kernel")
        if V.ndim not in (2, 3, 4):
            raise StackError("kernel: an inline kernel has 2 to 4 levels: rows, columns, in, out")
        V = V.reshape(V.shape + (1,) * (4 - V.ndim))  # to (A, B, C, K)
    else:
        raise StackError('kernel: give "weights:NAME", a name such as "sobel-x", or a list')
    if V.ndim != 4 or max(V.shape[:2]) > MAX_KERNEL or max(V.shape[2:]) > MAX_CHANNELS:
        raise StackError(
            f"kernel: shape {V.shape} is not (A, B, C, K) with A, B up to {MAX_KERNEL}"
            f" and C, K up to {MAX_CHANNELS}"
        )
    if V.shape[3] % groups:
        raise StackError(f"groups = {groups}: {V.shape[3]} output channels do not divide by it")
    bias = entry.get("bias")
    if isinstance(bias, str):
        bias = context.weights.take(bias)
    elif bias is not None:
        bias = array_of(bias, "bias")
    if bias is not None and bias.shape != (V.shape[3],):
        raise StackError(f"bias: shape {bias.shape}, the kernel gives {V.shape[3]} channels")
    flip = entry.get("flip", False)
    if not isinstance(flip, bool):
        raise StackError("flip: must be true or false")
    return Conv(
        V,
        bias,
        pair_of(entry, "stride", MAX_STEP, (1, 1)),
        pair_of(entry, "dilation", MAX_STEP, (1, 1)),
        groups,
        padding_of(entry, "valid"),
        flip,
    )


def _pointwise(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Pointwise(str(entry["op"]), number_of(entry, "slope", 0.01) or 0.0)


def _pool(entry: Mapping[str, Any], _: _Context) -> Layer:
    size = pair_of(entry, "size", MAX_STEP, (2, 2))
    return Pool(str(entry["op"]), size, pair_of(entry, "stride", MAX_STEP, size))


def _normalize(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Normalize(pair_of(entry, "size", MAX_KERNEL, (9, 9)))


def _upsample(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Upsample(integer_of(entry, "factor", 2, 1, MAX_STEP))


def _mask(entry: Mapping[str, Any], _: _Context) -> Layer:
    # "valid" is not among them: the scores of a mask layer always have the image's size.
    padding = word_of(entry, "padding", "partial", ("partial", *PAD_MODES))
    return MaskLayer(word_of(entry, "score", "ncc", tuple(SCORES)), padding)


def _combine(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Combine(word_of(entry, "how", "max", ("max", "mean", "sum")))


_POOL_KEYS = {"size": f"{_WINDOW} Default: 2.", "stride": f"{_STRIDE} Default: the window's size."}
_MASK_KEYS = {
    "score": f"How the mask is compared: {', '.join(f'`{s}`' for s in SCORES)}. Default: `ncc`.",
    "padding": "How the image goes on beyond its edge; `partial` compares only the part of the mask that lies"
    f" inside. {', '.join(f'`{p}`' for p in ('partial', *PAD_MODES))}. Default: `partial`.",
    "mask": "A mask that comes with the stack: `weights:NAME` or nested lists, `(A, B, 3)`, or `(A, B, 4)`"
    " with a weight for each pixel. Default: the user gives it by `--mask`.",
}
# For each op, the function that reads its table, and the keys that the table may have beside "op", with what
# they mean; see `STACK_KEYS`.
READERS: dict[str, tuple[Callable[[Mapping[str, Any], _Context], Layer], dict[str, str]]] = {
    "conv": (_conv, _CONV_KEYS),
    **{op: (_pointwise, {}) for op in POINTWISE},
    "leaky-relu": (_pointwise, {"slope": "Factor on negative values. Default: 0.01."}),
    "max-pool": (_pool, _POOL_KEYS),
    "mean-pool": (_pool, _POOL_KEYS),
    "normalize": (
        _normalize,
        {"size": f"{_WINDOW.replace(str(MAX_STEP), str(MAX_KERNEL))} Default: 9."},
    ),
    "upsample": (_upsample, {"factor": f"1 to {MAX_STEP}. Default: 2."}),
    "mask": (_mask, _MASK_KEYS),
    "combine": (_combine, {"how": "`max`, `mean` or `sum`. Default: `max`."}),
}


def _bundled_mask(entry: Mapping[str, Any], weights: Weights) -> Mask | None:
    """The mask that a mask layer's table contains, in the weights file or inline; None if the user gives it.

    A fourth channel is the weight of each pixel.
    """
    if "mask" not in entry:
        return None
    value = entry["mask"]
    array = weights.take(value) if isinstance(value, str) else array_of(value, "mask")
    if array.ndim != 3 or array.shape[2] not in (3, 4) or max(array.shape) > MAX_KERNEL:
        raise StackError(f"mask: shape {array.shape} is not (A, B, 3), or 4 with weights")
    return Mask("mask", array[:, :, :3], array[:, :, 3] if array.shape[2] == 4 else None)


# Kernels that a layer may name, beside `box:N` and `gaussian:SIGMA`.
NAMED_KERNELS = {
    "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel-y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
}


def _named_kernel(name: str) -> Floats:
    """`sobel-x`, `sobel-y`, `laplacian`, `box:N` or `gaussian:SIGMA` as an array ``(A, B)``."""
    if name in NAMED_KERNELS:
        return np.array(NAMED_KERNELS[name], np.float32)
    kind, _, value = name.partition(":")
    try:
        number = float(value)
    except ValueError:
        number = math.nan  # fails both tests below
    if kind == "box" and number.is_integer() and 1 <= number <= MAX_KERNEL:
        return np.full((int(number), int(number)), 1 / number**2, np.float32)
    if kind == "gaussian" and 0 < number <= 64:
        # Cut at three standard deviations. A two-dimensional Gaussian is the product of its profiles.
        radius = math.ceil(3 * number)
        profile = np.exp(-0.5 * (np.arange(-radius, radius + 1) / number) ** 2)
        profile /= profile.sum()
        return np.outer(profile, profile).astype(np.float32)
    raise StackError(
        f"kernel = {brief(name)}: named kernels are {', '.join(NAMED_KERNELS)}, box:5, gaussian:1.5"
    )
