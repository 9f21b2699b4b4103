"""`waldo export`: the line that says how well the models agree, and one line for what cannot be exported."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from commandline import Waldo
from stackfiles import written

for package in ("onnx", "onnxruntime"):
    pytest.importorskip(package, reason="needs the extra 'onnx'")


def test_it_prints_what_it_wrote_and_says_the_difference(waldo: Waldo, tmp_path: Path) -> None:
    model = tmp_path / "stripes.onnx"
    ended = waldo("export", "stripes", str(model))
    assert ended.status == 0
    assert ended.out.splitlines() == [str(model), str(tmp_path / "stripes.json")]
    said, _, number = ended.err.strip().rpartition(" ")
    assert said == "onnxruntime's answers differ from ours by at most"
    assert float(number) < 1e-4


def test_a_name_of_bytes_that_are_no_text_is_written_and_named(
    waldo: Waldo, tmp_path: Path
) -> None:
    model = tmp_path / "m\udcff.onnx"
    assert waldo("export", "stripes", model).status == 0
    assert json.loads(model.with_suffix(".json").read_text("utf-8"))["model"]["file"] == model.name


@pytest.mark.parametrize(("stack", "model", "reason"), [
    ("pixels", "m.onnx", "waldo: pixels: layer 1 (mask): its mask comes from --mask"),
    ("waldo", "m.bin", "m.bin: a model's name ends in .onnx"),
    ("nothing", "m.onnx", "waldo: no built-in stack 'nothing'"),
    ("waldo", "no-folder\0/m.onnx", "holds a NUL"),
])  # fmt: skip
def test_what_cannot_be_exported_is_one_line(
    waldo: Waldo, tmp_path: Path, stack: str, model: str, reason: str
) -> None:
    ended = waldo("export", stack, str(tmp_path / model))
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert reason in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_stack_file_that_is_wrong_is_named(waldo: Waldo, tmp_path: Path) -> None:
    path = written(tmp_path, 'format = 1\n[[layer]]\nop = "sort"\n')
    ended = waldo("export", str(path), str(tmp_path / "m.onnx"))
    assert ended.status == 2
    assert ended.err.startswith(f"waldo: {path}: layer 1: op = ")


def test_without_the_extra_a_line_says_what_to_install(
    waldo: Waldo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "onnxruntime" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    ended = waldo("export", "stripes", str(tmp_path / "m.onnx"))
    assert ended.status == 2
    assert ended.err == "waldo: export needs onnx and onnxruntime: pip install 'waldo-cli[onnx]'\n"
