"""Models are tried before they are written, and written all or none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")

import onnx
import onnxruntime

from waldo_cli import load_stack
from waldo_cli.errors import FileError, StackError
from waldo_cli.export import models
from waldo_cli.export.models import TOLERANCE, apart, drawn, export, model_of
from waldo_cli.stack.layers import Conv, Pointwise
from waldo_cli.stack.stack import Stack

SMALL = Stack("small", (Conv(np.ones((3, 3, 3, 1), np.float32), padding="edge"),))


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_page_says_all_that_the_stack_says(tmp_path: Path) -> None:
    stack = load_stack("waldo")
    paths, difference = export(stack, tmp_path / "deep" / "model.onnx")
    assert 0 < difference < 1e-5
    assert [p.name for p in paths] == [
        "model.onnx", "model.closer-1.onnx", "model.closer-2.onnx", "model.box.onnx", "model.json"
    ]  # fmt: skip
    assert listed(tmp_path / "deep") == sorted(p.name for p in paths)
    said = json.loads(paths[-1].read_text())
    assert said["largest_difference"] == pytest.approx(difference, rel=0.1)
    assert said["labels"] == list(stack.labels)
    assert (said["object"], said["threshold"]) == ([12, 15], stack.threshold)
    assert (said["scales"], said["turn"]) == (list(stack.scales), True)
    for one, look in zip(said["closer_looks"], stack.closer_looks, strict=True):
        assert one["object"] == [look.size.cols, look.size.rows]
        assert one["cut"] == list(look.stack.receptive_field.size[::-1])
        assert (one["candidates"], one["mirrored"]) == (look.candidates, look.mirrored)
        assert one["scales"] == list(look.scales)
        assert (tmp_path / "deep" / one["file"]).exists()
    assert (said["calibration"]["slope"], said["calibration"]["offset"]) == stack.calibration
    assert said["box_look"] == {
        "file": "model.box.onnx", "cut": [77, 77], "object": [21, 26], "candidates": 4
    }  # fmt: skip


def test_height_width_and_number_are_free(tmp_path: Path) -> None:
    (path, _), _ = export(SMALL, tmp_path / "small.onnx")
    (given,) = onnx.load(str(path)).graph.input
    sides = [side.dim_param or side.dim_value for side in given.type.tensor_type.shape.dim]
    assert sides == ["n", 3, "height", "width"]


def test_a_model_that_answers_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = models.model_of

    def wrong(stack: Stack, maker: str, version: str) -> bytes:
        (conv,) = stack.layers
        assert isinstance(conv, Conv)
        kernel = conv.kernel * np.float32(1 + 2 * TOLERANCE)
        return honest(Stack("wrong", (Conv(kernel, padding="edge"),)), maker, version)

    monkeypatch.setattr(models, "model_of", wrong)
    with pytest.raises(StackError, match=r"differ from ours by 0.0002, more than 0.0001"):
        export(SMALL, tmp_path / "model.onnx")
    assert listed(tmp_path) == []


def test_answers_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    large = Conv(np.full((1, 1, 3, 1), 1e30, np.float32))
    again = Conv(np.full((1, 1, 1, 1), 1e30, np.float32))
    with pytest.raises(StackError, match="NaN or infinity"):
        export(Stack("large", (large, again, Pointwise("relu"))), tmp_path / "model.onnx")
    assert listed(tmp_path) == []


def test_where_rounding_decides_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """On flat ground a mask sees what rounding left of the layers before it."""
    stack, random = load_stack("stripes"), np.random.default_rng(1)
    picture = drawn((70, 90), random)
    model = onnxruntime.InferenceSession(model_of(stack, "tests", "0"))
    theirs = model.run(None, {"image": picture.transpose(2, 0, 1)[None]})[0][0].transpose(1, 2, 0)
    assert np.abs(stack.run(picture) - theirs).max() > 0.01
    assert apart(stack, picture, theirs, random) < TOLERANCE
    theirs[50] += 2 * TOLERANCE
    assert apart(stack, picture, theirs, random) > TOLERANCE
    monkeypatch.setattr(models, "_ROUNDING", 1.0)
    with pytest.raises(StackError, match="rounding decides all"):
        apart(stack, picture, theirs, random)


@pytest.mark.parametrize(
    "name", ["model.onnx", "model.closer-2.onnx", "model.box.onnx", "model.json"]
)
def test_files_of_others_stay(tmp_path: Path, name: str) -> None:
    theirs = tmp_path / name
    theirs.write_bytes(b"mine")
    with pytest.raises(FileError, match="did not make it: give another name, or --overwrite"):
        export(load_stack("waldo"), tmp_path / "model.onnx")
    assert listed(tmp_path) == [name]
    assert theirs.read_bytes() == b"mine"
    export(load_stack("waldo"), tmp_path / "model.onnx", overwrite=True)
    export(load_stack("waldo"), tmp_path / "model.onnx")  # ours may be replaced
    assert len(listed(tmp_path)) == 5


def test_where_one_file_cannot_be_written_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "model.json")
    with pytest.raises(FileError, match="a pipe"):
        export(SMALL, tmp_path / "model.onnx", overwrite=True)
    assert listed(tmp_path) == ["model.json"]
