"""The folder of a training: claimed once, and nothing of anybody else is overwritten."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.training.claim import (
    MADE_BY,
    TOML_MARK,
    check,
    check_stack,
    claim,
    claimed,
    file_name,
)

FOLDERS = ["fold0", "all"]


def checked(out: Path, *, resume: bool = False) -> None:
    check(out, FOLDERS, resume=resume)
    check_stack(out, "waldo")


def test_a_folder_is_claimed_once_and_resumed_with_the_same_settings(tmp_path: Path) -> None:
    out = tmp_path / "run"
    checked(out)
    assert not out.exists(), "to check leaves no trace"
    claim(out, {"seed": 0})
    with pytest.raises(InvalidInputError, match="holds a training already"):
        checked(out)
    checked(out, resume=True)
    claim(out, {"seed": 0})
    with pytest.raises(InvalidInputError, match="other settings or pages"):
        claim(out, {"seed": 1})


def test_what_a_training_has_written_may_be_replaced_by_it(tmp_path: Path) -> None:
    claim(tmp_path, {})
    (tmp_path / "waldo.toml").write_bytes(TOML_MARK + b"\nformat = 1\n")
    (tmp_path / "waldo.npz").write_bytes(b"PK")
    (tmp_path / "report.json").write_text('{\n "made_by": "waldo train"}')
    (tmp_path / "fold0").mkdir()
    checked(tmp_path, resume=True)


@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "waldo.toml",
        "waldo.npz",
        "report.json",
        "report.html",
        "losses.json",
        "settings.json",
        "all",
    ],
)
@pytest.mark.parametrize("kind", ["theirs", "link", "dangling", "pipe", "folder"])
def test_what_somebody_else_made_is_refused(
    tmp_path: Path, claimed: bool, name: str, kind: str
) -> None:
    if (name, kind) == ("all", "folder") and claimed:
        return  # that is its own folder
    out, there = tmp_path / "run", tmp_path / "there"
    if claimed:
        claim(out, {})
    out.mkdir(exist_ok=True)
    path = out / name
    path.unlink(missing_ok=True)
    there.write_text('{"mine": 1}')
    match kind:
        case "theirs":
            path.write_text('{"mine": 1}')
        case "link":
            path.symlink_to(there)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
    with pytest.raises(FileError) as caught:
        checked(out, resume=claimed and name != "settings.json")
    assert caught.value.path == str(path)
    assert there.read_text() == '{"mine": 1}'


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(str(MADE_BY))
    with pytest.raises(FileError):
        claim(tmp_path / "file" / "run", {})


@pytest.mark.parametrize(
    ("label", "name"),
    [("waldo", "waldo"), ("../a b/é", "a-b-é"), ("..", "stack"), ("x" * 300, "x" * 60)],
)
def test_the_stack_is_named_by_its_label_in_its_folder(label: str, name: str) -> None:
    assert file_name(label) == name


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("learned", [None, "fold0/proposals-early.pt"])
def test_a_folder_is_free_again_where_nothing_was_learned(
    tmp_path: Path, was_there: bool, learned: str | None
) -> None:
    out = tmp_path / "run"
    if was_there:
        out.mkdir()
    with contextlib.suppress(KeyboardInterrupt), claimed(out, {"seed": 0}, FOLDERS):
        (out / "fold0").mkdir()
        if learned is not None:
            (out / learned).touch()
        raise KeyboardInterrupt
    assert (out / "settings.json").exists() == (learned is not None)
    assert out.exists() == (was_there or learned is not None)
    assert (out / "fold0").exists() == (learned is not None)


def test_a_training_that_was_there_stays_claimed(tmp_path: Path) -> None:
    claim(tmp_path, {"seed": 0})
    with pytest.raises(KeyboardInterrupt), claimed(tmp_path, {"seed": 0}, FOLDERS):
        raise KeyboardInterrupt
    assert (tmp_path / "settings.json").exists()
