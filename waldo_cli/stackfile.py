"""Stack files: TOML for the layers, an ``.npz`` beside it for the numbers.

A stack file may come from a stranger. Everything is checked before memory is taken: sizes of files and
of arrays, every key, every number; weights are never unpickled and never read from outside the stack
file's folder.
"""

from __future__ import annotations

import difflib
import io
import math
import re
import stat
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.errors import InvalidInputError, StackError, WaldoError
from waldo_cli.geometry import Pair, ReceptiveField, scale_ladder
from waldo_cli.stack import (
    POINTWISE,
    CloserLook,
    Combine,
    Conv,
    Layer,
    Mask,
    MaskLayer,
    Normalize,
    Pointwise,
    Pool,
    Stack,
    Upsample,
)

Floats = NDArray[np.float32]

BUILT_IN = Path(__file__).parent / "stacks"

# A learned stack of today is 30 lines and under 2 MB; these leave room for a hundred times more.
MAX_FILE_BYTES = 1 << 18
MAX_WEIGHT_BYTES = 1 << 26
MAX_LAYERS = 256
MAX_LOOKS = 8
MAX_NUMBERS = 1 << 24  # in the kernels of all layers together
MAX_CHANNELS = 4096
MAX_PER_PIXEL = 256  # activations of one layer for one pixel of the image: all its channels
MAX_STEP = 64  # stride, dilation, pool and upsample factors
MAX_KERNEL = 512
MAX_FIELD = 4096
MAX_UPSAMPLED = 16  # activations for one pixel, each way

# The parser takes time with the square of a key's parts: 20,000 of them cost half a minute.
_LONG_KEY = re.compile(rb"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""")

BOUNDARIES = ("edge", "reflect", "zero", "none")
SCORES = ("ncc", "cosine", "zero-mean", "raw")
PADDINGS = ("valid", "zero", "reflect", "edge", "wrap")

_STACK_KEYS = frozenset(
    (
        *("format", "name", "description", "object", "threshold", "scales", "weights", "labels"),
        *("boundary", "layer", "closer_look"),
    )
)
_CLOSER_KEYS = frozenset(("object", "candidates", "scales", "mirrored", "layer"))
_CONV_KEYS = frozenset(("kernel", "bias", "stride", "dilation", "groups", "padding", "flip"))


def built_in_names() -> list[str]:
    """The names of the stacks that come with the program."""
    return sorted(p.stem for p in BUILT_IN.glob("*.toml"))


def load_stack(name_or_path: str | Path) -> Stack:
    """A stack by its built-in name or from a file.

    Parameters
    ----------
    name_or_path
        ``"waldo"``, ``"pixels"``, ``"stripes"``, or the path of a stack file (a name with a dot or a
        slash in it, or a `Path`).

    Raises
    ------
    StackError
        No such name; or the file, its weights, a key, an op or a shape cannot be used. The message
        names the layer's number and the key; `path` is the file.
    """
    text = str(name_or_path)
    path = Path(text)
    if not isinstance(name_or_path, Path) and "." not in text and "/" not in text:
        path = BUILT_IN / f"{text}.toml"
        if text not in built_in_names():
            raise StackError(
                f"no built-in stack {text!r}: there are {', '.join(built_in_names())};"
                " a stack file is given by its path, such as ./mine.toml"
            )
    try:
        return _parse(_read_toml(path), path)
    except WaldoError as e:
        raise e.at(text) from None


def _read_bytes(path: Path, limit: int) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise StackError("not a regular file")
        if found.st_size > limit:
            raise StackError(f"{found.st_size:,} bytes: at most {limit:,} are read")
        with path.open("rb") as f:
            data = f.read(limit + 1)
    except OSError as e:
        raise StackError((e.strerror or str(e)).lower()) from None
    except StackError:
        raise
    except ValueError:  # a NUL in the name
        raise StackError("not a file name") from None
    if len(data) > limit:
        raise StackError(f"more than {limit:,} bytes")
    return data


def _read_toml(path: Path) -> dict[str, Any]:
    data = _read_bytes(path, MAX_FILE_BYTES)
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise StackError("saved with a byte order mark or as UTF-16: save it as plain UTF-8")
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
    _known_keys(table, _STACK_KEYS, "")
    if table.get("format") != 1 or type(table["format"]) is not int:
        raise StackError(f"format = {_brief(table.get('format'))}: this program reads format = 1")
    name = _text(table, "name", path.stem)
    weights = _Weights({}, "")
    if "weights" in table:
        weights = _Weights.read(path.parent, _text(table, "weights", ""))
    layers, own = _layers(table, weights, "layer")
    scales, per_octave = _scales(table.get("scales", [1.0]))
    stack = Stack(
        name,
        layers,
        description=_text(table, "description", ""),
        object=_pair(table, "object", None, MAX_KERNEL),
        threshold=_number(table, "threshold", None),
        scales=scales,
        per_octave=per_octave,
        labels=() if "closer_look" in table else _labels(table),
        boundary=_word(table, "boundary", _usual_boundary(layers), BOUNDARIES),
        closer_looks=tuple(_closer_looks(table, weights, name)),
    )
    if own is not None:
        try:
            bound = stack.with_masks([own])
        except InvalidInputError as e:
            raise StackError(f"mask: {e.reason}") from None
        stack = replace(bound, object=stack.object or bound.object)
    if stack.closer_looks and stack.object is None:
        raise StackError("object: a stack with a closer look must say the size of its object")
    _must_be_bounded(stack.receptive_field)
    weights.must_all_be_used()
    return stack


def _must_be_bounded(seen: ReceptiveField) -> None:
    if max(seen.size) > MAX_FIELD or max(seen.jump) > MAX_FIELD:
        raise StackError(
            f"the receptive field is {seen.size} every {seen.jump} pixels: at most {MAX_FIELD}"
        )
    if 1 / min(seen.jump) > MAX_UPSAMPLED:
        raise StackError(f"factor: at most {MAX_UPSAMPLED} activations for one pixel each way")


def _usual_boundary(layers: tuple[Layer, ...]) -> str:
    """A mask layer answers up to the page's edge by itself."""
    return "none" if any(isinstance(layer, MaskLayer) for layer in layers) else "edge"


def _closer_looks(table: Mapping[str, Any], weights: _Weights, name: str) -> Iterator[CloserLook]:
    listed = table.get("closer_look", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise StackError("closer_look: must be [[closer_look]] tables")
    if len(listed) > MAX_LOOKS:
        raise StackError(f"closer_look: {len(listed)} of them, at most {MAX_LOOKS}")
    labels = _labels(table)
    for number, entry in enumerate(listed, 1):
        try:
            yield _closer_look(entry, weights, name, labels)
        except StackError as e:
            raise StackError(f"closer_look {number}: {e.reason}") from None


def _closer_look(
    entry: Mapping[str, Any], weights: _Weights, name: str, labels: tuple[str, ...]
) -> CloserLook:
    _known_keys(entry, _CLOSER_KEYS, "")
    layers, own = _layers(entry, weights, "layer")
    if own is not None:
        raise StackError("takes no mask layer")
    size = _pair(entry, "object", None, MAX_KERNEL)
    if size is None:
        raise StackError("object is missing: the object's width and height in the cut")
    candidates = _whole(entry, "candidates", 24, 1, MAX_CHANNELS)
    return CloserLook(
        Stack(name, layers, labels=labels),
        size,
        candidates,
        _scales(entry.get("scales", [1.0]))[0],
        _whole(entry, "mirrored", 0, 0, candidates),
    )


def _labels(table: Mapping[str, Any]) -> tuple[str, ...]:
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
    if isinstance(value, dict):
        _known_keys(value, frozenset(("min", "max", "per_octave")), "scales: ")
        per_octave = _whole(value, "per_octave", 2, 1, 16)
        low, high = _number(value, "min", None), _number(value, "max", None)
        if low is None or high is None or not 1 / 64 <= low <= high <= 64:
            raise StackError("scales: min and max must be numbers, 1/64 <= min <= max <= 64")
        return scale_ladder(low, high, per_octave), per_octave
    if not isinstance(value, list) or not value or len(value) > 64:
        raise StackError("scales: give { min, max, per_octave } or a list of up to 64 factors")
    factors = [_number({"scales": v}, "scales", None) for v in value]
    if not all(f is not None and 1 / 64 <= f <= 64 for f in factors):
        raise StackError("scales: each factor must lie between 1/64 and 64")
    return tuple(sorted((f for f in factors if f is not None), reverse=True)), 2


def _layers(
    table: Mapping[str, Any], weights: _Weights, where: str
) -> tuple[tuple[Layer, ...], Mask | None]:
    """The layers of one list, and the mask that a mask layer brings along."""
    listed = table.get("layer")
    if not isinstance(listed, list) or not listed:
        raise StackError(f"[[{where}]]: a stack needs at least one layer")
    if len(listed) > MAX_LAYERS:
        raise StackError(f"[[{where}]]: {len(listed)} layers, at most {MAX_LAYERS}")
    layers: list[Layer] = []
    own: Mask | None = None
    channels = 3
    numbers = 0
    seen = ReceptiveField()
    for number, entry in enumerate(listed, 1):
        place = f"{where} {number}"
        try:
            if not isinstance(entry, dict):
                raise StackError("must be a table")
            op = entry.get("op")
            if not isinstance(op, str) or op not in _READERS:
                raise StackError(f"op = {_brief(op)}: {_nearest(_brief(op), _READERS)}")
            place += f" ({op})"
            read, keys = _READERS[op]
            _known_keys(entry, keys | {"op"}, "")
            if op == "mask":
                if any(isinstance(s, MaskLayer) for s in layers):
                    raise StackError("a stack takes one mask layer")
                own = _own_mask(entry, weights)
            layer = read(entry, _Context(weights, channels))
            channels = layer.channels(channels)
            if channels > MAX_CHANNELS:
                raise StackError(f"{channels:,} channels, at most {MAX_CHANNELS:,}")
            seen = layer.field(seen)
            _must_be_bounded(seen)
            if channels > MAX_PER_PIXEL * seen.jump[0] * seen.jump[1]:
                raise StackError(
                    f"{channels:,} channels every {seen.jump} pixels: at most {MAX_PER_PIXEL}"
                    " activations for one pixel"
                )
            numbers += layer.parameters
            if numbers > MAX_NUMBERS:
                raise StackError(f"kernel: {numbers:,} numbers up to here, at most {MAX_NUMBERS:,}")
        except WaldoError as e:
            raise StackError(f"{place}: {e.reason}") from None
        layers.append(layer)
    return tuple(layers), own


@dataclass
class _Context:
    """What a layer's entry is read against."""

    weights: _Weights
    channels: int  # that come in


def _conv(entry: Mapping[str, Any], context: _Context) -> Layer:
    groups = _whole(entry, "groups", 1, 1, MAX_CHANNELS)
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
        V = np.repeat(plane[:, :, None, None], groups, axis=3)
    elif isinstance(kernel, list):
        V = _inline(kernel, "kernel")
        if V.ndim not in (2, 3, 4):
            raise StackError("kernel: an inline kernel has 2 to 4 levels: rows, columns, in, out")
        V = V.reshape(V.shape + (1,) * (4 - V.ndim))
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
        bias = _inline(bias, "bias")
    if bias is not None and bias.shape != (V.shape[3],):
        raise StackError(f"bias: shape {bias.shape}, the kernel gives {V.shape[3]} channels")
    flip = entry.get("flip", False)
    if not isinstance(flip, bool):
        raise StackError("flip: must be true or false")
    return Conv(
        V,
        bias,
        _pair(entry, "stride", (1, 1), MAX_STEP) or (1, 1),
        _pair(entry, "dilation", (1, 1), MAX_STEP) or (1, 1),
        groups,
        _padding(entry, "valid"),
        flip,
    )


def _pointwise(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Pointwise(str(entry["op"]), _number(entry, "slope", 0.01) or 0.0)


def _pool(entry: Mapping[str, Any], _: _Context) -> Layer:
    size = _pair(entry, "size", (2, 2), MAX_STEP) or (2, 2)
    return Pool(str(entry["op"]), size, _pair(entry, "stride", size, MAX_STEP) or size)


def _normalize(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Normalize(_pair(entry, "size", (9, 9), MAX_KERNEL) or (9, 9))


def _upsample(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Upsample(_whole(entry, "factor", 2, 1, MAX_STEP))


def _mask(entry: Mapping[str, Any], _: _Context) -> Layer:
    padding = _word(entry, "padding", "partial", ("partial", *PADDINGS[1:]))
    return MaskLayer(_word(entry, "score", "ncc", SCORES), padding)


def _combine(entry: Mapping[str, Any], _: _Context) -> Layer:
    return Combine(_word(entry, "how", "max", ("max", "mean", "sum")))


_READERS: dict[str, tuple[Callable[[Mapping[str, Any], _Context], Layer], frozenset[str]]] = {
    "conv": (_conv, _CONV_KEYS),
    **{op: (_pointwise, frozenset()) for op in POINTWISE},
    "leaky-relu": (_pointwise, frozenset(["slope"])),
    "max-pool": (_pool, frozenset(["size", "stride"])),
    "mean-pool": (_pool, frozenset(["size", "stride"])),
    "normalize": (_normalize, frozenset(["size"])),
    "upsample": (_upsample, frozenset(["factor"])),
    "mask": (_mask, frozenset(["score", "padding", "mask"])),
    "combine": (_combine, frozenset(["how"])),
}


def _own_mask(entry: Mapping[str, Any], weights: _Weights) -> Mask | None:
    if "mask" not in entry:
        return None
    named = entry["mask"]
    array = weights.take(named) if isinstance(named, str) else _inline(named, "mask")
    if array.ndim != 3 or array.shape[2] not in (3, 4) or max(array.shape) > MAX_KERNEL:
        raise StackError(f"mask: shape {array.shape} is not (A, B, 3), or 4 with weights")
    return Mask("mask", array[:, :, :3], array[:, :, 3] if array.shape[2] == 4 else None)


def _named_kernel(name: str) -> Floats:
    """`sobel-x`, `sobel-y`, `laplacian`, `box:N`, `gaussian:SIGMA` as ``(A, B)``."""
    fixed = {
        "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        "sobel-y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    }
    if name in fixed:
        return np.array(fixed[name], np.float32)
    kind, _, value = name.partition(":")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if kind == "box" and number.is_integer() and 1 <= number <= MAX_KERNEL:
        return np.full((int(number), int(number)), 1 / number**2, np.float32)
    if kind == "gaussian" and 0 < number <= 64:
        radius = math.ceil(3 * number)
        line = np.exp(-0.5 * (np.arange(-radius, radius + 1) / number) ** 2)
        line /= line.sum()
        return np.outer(line, line).astype(np.float32)
    raise StackError(
        f"kernel = {_brief(name)}: named kernels are {', '.join(fixed)}, box:5, gaussian:1.5"
    )


@dataclass
class _Weights:
    """The arrays beside a stack file, and which of them were asked for."""

    arrays: dict[str, Floats]
    file: str

    def __post_init__(self) -> None:
        self.used: set[str] = set()

    def take(self, name: str) -> Floats:
        kind, _, key = name.partition(":")
        if kind != "weights" or key not in self.arrays:
            have = ", ".join(sorted(self.arrays)) or "none"
            raise StackError(
                f"{_brief(name)} is not an array of the weights file (it has: {have[:100]})"
            )
        self.used.add(key)
        return self.arrays[key]

    def must_all_be_used(self) -> None:
        unused = sorted(set(self.arrays) - self.used)
        if unused:
            raise StackError(
                f"{self.file} holds arrays that no layer names: {', '.join(unused)[:100]}"
            )

    @classmethod
    def read(cls, folder: Path, name: str) -> _Weights:
        relative = Path(name)
        if not name.endswith(".npz") or "\0" in name:
            raise StackError(f"weights = {_brief(name)}: must name an .npz file")
        if relative.is_absolute() or ".." in relative.parts:
            raise StackError(f"weights = {_brief(name)}: must lie in the stack file's folder")
        path = folder / relative
        if not path.resolve().is_relative_to(folder.resolve()):
            raise StackError(f"weights = {_brief(name)}: is a link out of the stack file's folder")
        try:
            return cls(_read_npz(_read_bytes(path, MAX_WEIGHT_BYTES)), name)
        except StackError as e:
            raise StackError(f"weights = {_brief(name)}: {e.reason}") from None


def _read_npz(data: bytes) -> dict[str, Floats]:
    """Arrays of an ``.npz``, each checked against its own header before it is unpacked."""
    arrays: dict[str, Floats] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(m.file_size for m in members) > MAX_WEIGHT_BYTES:
                raise StackError(f"unpacks to more than {MAX_WEIGHT_BYTES:,} bytes")
            for member in members:
                key = member.filename.removesuffix(".npy")
                if key == member.filename:
                    raise StackError(f"holds {member.filename!r}, which is not an array")
                if key in arrays:
                    raise StackError(f"holds two arrays {key!r}")
                if member.flag_bits & 1:
                    raise StackError("is encrypted")
                with archive.open(member) as packed:
                    raw = packed.read(MAX_WEIGHT_BYTES + 1)
                arrays[key] = _read_npy(raw, key)
    except StackError:
        raise
    except MemoryError:
        raise StackError("needs more memory than there is") from None
    except Exception as e:  # noqa: BLE001 - zipfile and zlib raise a dozen kinds for damaged files
        raise StackError(f"not a whole .npz file ({type(e).__name__})") from None
    return arrays


def _read_npy(raw: bytes, key: str) -> Floats:
    stream = io.BytesIO(raw)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(stream)
    except Exception:  # noqa: BLE001 - numpy raises several kinds for a bad header
        raise StackError(f"array {key!r} has no readable header") from None
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise StackError(f"array {key!r} holds {dtype}, not numbers")
    if not shape or min(shape) < 1 or len(shape) > 4:
        raise StackError(f"array {key!r} has the shape {shape}")
    if math.prod(shape) * dtype.itemsize != len(raw) - stream.tell():
        raise StackError(f"array {key!r} is not as long as its header says")
    stream.seek(0)
    array = np.lib.format.read_array(stream, allow_pickle=False)
    with np.errstate(over="ignore"):
        floats = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(floats).all():
        raise StackError(f"array {key!r} holds NaN or infinity")
    return floats


def _inline(value: Any, key: str) -> Floats:
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError):
        array = np.array("ragged")
    if array.dtype.kind not in "fiu":
        raise StackError(f"{key}: must be numbers in lists of equal lengths")
    if array.size == 0 or not np.isfinite(array).all() or np.abs(array).max() > 1e30:
        raise StackError(f"{key}: must hold finite numbers")
    return array.astype(np.float32)


def _known_keys(table: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise StackError(f"{place}unknown key {_brief(key)}: {_nearest(key, known)}")


def _nearest(word: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    close = difflib.get_close_matches(word[:60].strip("'"), list(known), 1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"


def _brief(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole numbers of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(table: Mapping[str, Any], key: str, default: str) -> str:
    """A line; of the description, several. Whoever prints it prints nothing that moves a terminal."""
    value = table.get(key, default)
    line = value.replace("\n", "") if key == "description" and isinstance(value, str) else value
    if not isinstance(line, str) or not line.isprintable():
        raise StackError(f"{key}: must be a line of text without control characters")
    return str(value)


def _word(table: Mapping[str, Any], key: str, default: str, words: tuple[str, ...]) -> str:
    value = table.get(key, default)
    if value not in words:
        raise StackError(f"{key} = {_brief(value)}: must be one of {', '.join(words)}")
    return str(value)


def _number(table: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value = table.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30:
        raise StackError(f"{key}: must be a number")
    if not math.isfinite(value):
        raise StackError(f"{key}: must be finite, not {value}")
    return float(value)


def _whole(table: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise StackError(f"{key} = {_brief(value)}: must be a whole number from {least} to {most}")
    return value


def _pair(table: Mapping[str, Any], key: str, default: Pair | None, most: int) -> Pair | None:
    """One whole number for both directions, or two."""
    if key not in table:
        return default
    value = table[key]
    both = value if isinstance(value, list) else [value, value]
    if len(both) != 2:
        raise StackError(f"{key}: must be one whole number or two")
    first, second = (_whole({key: v}, key, 1, 1, most) for v in both)
    return first, second


def _padding(entry: Mapping[str, Any], default: str) -> Any:
    value = entry.get("padding", default)
    if isinstance(value, list):
        if len(value) != 2 or not all(isinstance(v, list) and len(v) == 2 for v in value):
            raise StackError("padding: explicit widths are [[top, bottom], [left, right]]")
        widths = [[_whole({"padding": w}, "padding", 0, 0, MAX_FIELD) for w in v] for v in value]
        return ((widths[0][0], widths[0][1]), (widths[1][0], widths[1][1]))
    return _word(entry, "padding", default, PADDINGS)
