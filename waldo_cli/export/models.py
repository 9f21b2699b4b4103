"""Write a stack as ONNX models, with a page of JSON that says how they are used: `export` does all of it.

What is written has been tried: onnxruntime runs each model beside `Stack.run`, on noise and on a drawn
picture. Beside ``model.onnx`` lie ``model.closer-1.onnx`` and so on, one for each closer look,
``model.box.onnx`` where there is a box look, and ``model.json``.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from waldo_cli import __version__
from waldo_cli.arrays import Floats
from waldo_cli.errors import InvalidInputError, StackError
from waldo_cli.export.graph import ACTIVATIONS, IMAGE
from waldo_cli.export.layers import model_of
from waldo_cli.files import make_folder, refuse_foreign, sweep, write_atomically
from waldo_cli.geometry import Pair, Size
from waldo_cli.parallel import thread_count
from waldo_cli.stack.stack import Look, Stack

#: Stands at the beginning of each file that is written here.
MAKER = "waldo export"
MODEL_MARK, JSON_MARK = MAKER.encode(), f'"made_by": "{MAKER}"'.encode()

#: By how much answers of onnxruntime may differ from ours: a share of the largest one, or of 1 if it is less.
TOLERANCE = 1e-4

# What a layer may lose in float32, as a share of the largest number that goes in.
_ROUNDING = 3e-7

_ELSEWHERE = "another name"


def file_names(stack: Stack, path: Path) -> tuple[Path, list[Path], Path]:
    """Where the model of a stack goes, its closer looks and its box look, and the page on how they are used.

    Raises
    ------
    InvalidInputError
        `path` does not end in ``.onnx``.
    """
    if path.suffix != ".onnx" or not path.stem:
        raise InvalidInputError("a model's name ends in .onnx: give one such as model.onnx").at(
            str(path)
        )
    looks = [path.with_suffix(f".closer-{n}.onnx") for n in range(1, len(stack.closer_looks) + 1)]
    if stack.box_look is not None:
        looks.append(path.with_suffix(".box.onnx"))
    return path, looks, path.with_suffix(".json")


def export(stack: Stack, path: Path, *, overwrite: bool = False) -> tuple[list[Path], float]:
    """Write a stack as ONNX models, if onnxruntime gives the same answers.

    Parameters
    ----------
    stack
        What is exported.
    path
        The file of the model, ``model.onnx``. What belongs to it gets its name: ``model.closer-1.onnx`` ...,
        ``model.box.onnx`` and ``model.json``.
    overwrite
        Replace files whoever made them; else only those that were made here.

    Returns
    -------
    paths, difference
        What was written; and by how much the answers differ, at most `TOLERANCE`.

    Raises
    ------
    StackError
        A layer cannot be exported, or the answers differ by more. Then nothing is written.
    InvalidInputError
        `path` is not the name of a model.
    FileError
        A file cannot be written, or is in the way.
    """
    first, others, page = file_names(stack, path)
    if not overwrite:
        for target in (first, *others):
            refuse_foreign(target, MODEL_MARK, _ELSEWHERE)
        refuse_foreign(page, JSON_MARK, _ELSEWHERE)
    stacks = [stack, *(look.stack for look in stack.looks)]
    models = [model_of(one, MAKER, __version__) for one in stacks]
    difference = max(_difference(*pair) for pair in zip(stacks, models, strict=True))
    if not difference <= TOLERANCE:
        raise StackError(
            f"onnxruntime's answers differ from ours by {difference:.2g}, more than {TOLERANCE:g}:"
            " not written"
        )
    usage = usage_of(stack, first.name, [other.name for other in others], difference)
    text = (json.dumps(usage, indent=1, ensure_ascii=False) + "\n").encode(
        errors="backslashreplace"
    )
    folder = os.path.dirname(path)
    if folder:
        make_folder(folder)
    sweep(folder)
    targets = [first, *others, page]
    # All are complete in temporary files before the first of them gets its name.
    with contextlib.ExitStack() as files:
        for target, data in zip(targets, [*models, text], strict=True):
            files.enter_context(write_atomically(target)).write(data)
    return targets, difference


def usage_of(stack: Stack, model: str, looks: Sequence[str], difference: float) -> dict[str, Any]:
    """What `export` says of a stack and its models, as an object of JSON; sizes are ``[width, height]``.

    `looks` are the files of its closer looks, and of its box look.
    """
    field = stack.receptive_field
    return {
        "made_by": MAKER,
        "version": __version__,
        "format": 1,
        "name": stack.name,
        "description": stack.description,
        "input": {
            "name": IMAGE,
            "shape": ["n", stack.input_channels, "height", "width"],
            "colours": "red, green, blue",
            "range": [0, 1],
        },
        "output": {"name": ACTIVATIONS, "shape": ["n", "channels", "rows", "columns"]},
        "largest_difference": float(f"{difference:.2g}"),
        "labels": list(stack.labels),
        "threshold": stack.threshold,
        "object": None if stack.object is None else _wide_high(stack.object),
        "scales": list(stack.scales),
        "level_pixels": stack.level_pixels,
        "size_prior": stack.size_prior,
        "evidence_weight": stack.evidence_weight,
        "calibration": dict(zip(("slope", "offset"), stack.calibration, strict=True)),
        "even_light": stack.even_light,
        "turn": stack.turn,
        "boundary": stack.boundary,
        "model": {
            "file": model,
            "last": stack.layers[-1].op,
            "field": _wide_high(field.size),
            "jump": _wide_high(field.jump),
            "first": _wide_high(field.first),
        },
        "closer_looks": [
            {
                **_look(file, look),
                "candidates": look.candidates,
                "scales": list(look.scales),
                "mirrored": look.mirrored,
            }
            for file, look in zip(looks, stack.closer_looks, strict=False)
        ],
        "box_look": (
            None
            if stack.box_look is None
            else {**_look(looks[-1], stack.box_look), "candidates": stack.box_look.candidates}
        ),
    }


def _look(file: str, look: Look) -> dict[str, Any]:
    return {
        "file": file,
        "cut": _wide_high(look.stack.receptive_field.size),
        "object": _wide_high(look.size),
    }


def _wide_high(pair: tuple[float, float]) -> list[float]:
    return [pair[1], pair[0]]


def _difference(stack: Stack, model: bytes) -> float:
    """By how much the answers of onnxruntime differ from ours, on noise and on a drawn picture."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_count()
    options.log_severity_level = 3  # errors
    random = np.random.default_rng(0)
    # Two sizes, so that one fixed in the model would be noticed.
    first = _fitting(stack)
    second = Size(first.rows + 7, first.cols + 18)
    pictures = noise(first, random), drawn(second, random)
    inputs = [{IMAGE: np.ascontiguousarray(p.transpose(2, 0, 1)[None])} for p in pictures]
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        answers = [session.run(None, given)[0][0].transpose(1, 2, 0) for given in inputs]
    except Exception as e:  # noqa: BLE001 - onnxruntime raises many kinds of errors
        line = str(e).strip().partition("\n")[0][:120]
        raise StackError(f"onnxruntime cannot run the model: {line}") from None
    return max(apart(stack, *pair, random) for pair in zip(pictures, answers, strict=True))


def apart(stack: Stack, picture: Floats, theirs: Floats, random: np.random.Generator) -> float:
    """The largest difference from our answers, as a share of the largest of them, or of 1 if that is less.

    Places are left out at which rounding decides: where our own answer is another one when the numbers that
    go into each layer change by what float32 may lose. Such is the score of a mask on ground that is flat but
    for rounding.
    """
    with np.errstate(all="ignore"):
        ours = shaken = stack.run(picture)
        if np.isfinite(ours).all():
            shaken = picture
            for layer in stack.layers:
                noise = random.choice([-_ROUNDING, _ROUNDING], shaken.shape).astype(np.float32)
                shaken = layer.run(shaken + noise * np.abs(shaken).max())
    if not np.isfinite(ours).all():
        raise StackError("answers with NaN or infinity: its weights are too large for float32")
    if ours.shape != theirs.shape:
        return math.inf
    largest = max(1.0, float(np.abs(ours).max()))
    certain = np.abs(ours - shaken) < TOLERANCE / 4 * largest
    if not certain.any():
        raise StackError("rounding decides all its answers: there is nothing to compare")
    return float(np.abs(ours - theirs)[certain].max() / largest)


def _fitting(stack: Stack) -> Size:
    """A size of pictures in which the stack has several answers along rows and columns."""

    def smallest(axis: int) -> int:
        field = stack.receptive_field
        return max(32, field.size[axis]) + math.ceil(3 * field.jump[axis])

    return Size(smallest(0), smallest(1))


def noise(size: Pair, random: np.random.Generator) -> Floats:
    """A picture of random colours, ``(H, W, 3)``."""
    return random.random((*size, 3), np.float32)


def drawn(size: Pair, random: np.random.Generator) -> Floats:
    """A picture as a program draws it, ``(H, W, 3)``: flat ground, discs, bars, stripes, in 256 shades."""
    rows, cols = size
    y, x = np.mgrid[:rows, :cols]
    shades = random.integers(0, 256, (16, 3)).astype(np.float32) / np.float32(255)
    picture = np.broadcast_to(shades[0], (*size, 3)).copy()
    for number, shade in enumerate(shades[1:], 1):
        row, col = random.integers(0, rows), random.integers(0, cols)
        reach = random.integers(2, max(3, min(rows, cols) // 5))
        near = (np.abs(y - row) <= reach) & (np.abs(x - col) <= 2 * reach)
        if number % 3 == 0:
            near = (y - row) ** 2 + (x - col) ** 2 <= reach**2
        elif number % 3 == 1:
            near &= (y // 2) % 2 == 0
        picture[near] = shade
    return picture
