"""Files that this program did not make stay as they are, unless --overwrite says otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from folders import draw_folder
from PIL import Image

from waldo_cli.__main__ import main
from waldo_cli.show.heatmap import save_activations

# Each kind of output: what asks for it, the file, and whether a run with another answer may replace it.
KINDS = {
    "heatmap": ([], "page001.heatmap.png", True),
    "annotated": (["--no-heatmap", "--annotated"], "page001.annotated.png", True),
    "activations": (["--no-heatmap", "--activations"], "page001.activations.npy", True),
    "report": (["--no-heatmap", "--report", "out/all.html"], "all.html", True),
    "yolo": (["--no-heatmap", "-f", "yolo"], "page001.txt", False),
    "classes": (["--no-heatmap", "-f", "yolo"], "classes.txt", False),
    "voc": (["--no-heatmap", "-f", "voc"], "page001.xml", False),
    "labelme": (["--no-heatmap", "-f", "labelme"], "page001.json", False),
}
ANOTHER = ["--region", "0,0,20,16", "--threshold", "-1"]  # moves the find


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw_folder(tmp_path / "photos", 2)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def waldo(place: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process; its status and what it says on standard error."""

    def run(*args: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([*args, "--mask", "needle.png", "--scales", "1"])
        return int(ended.value.code or 0), capfd.readouterr().err

    return run


@pytest.fixture
def look(waldo: Run) -> Run:
    return lambda *args: waldo("detect", "photos/page001.png", "-j", "1", "-o", "out", *args)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theirs", [b"by hand", b"", None])
def test_what_somebody_else_made_stays(
    kind: str, theirs: bytes | None, place: Path, look: Run
) -> None:
    args, name, _ = KINDS[kind]
    path = place / "out" / name
    if theirs is None:  # a file of the same format
        if path.suffix == ".png":
            Image.new("RGB", (40, 32)).save(path)
        elif path.suffix == ".npy":
            np.save(path, np.zeros((32, 40), np.float32))
        else:
            path.write_text("<!DOCTYPE html><html><meta charset=utf-8></html>")
    else:
        path.write_bytes(theirs)
    before = path.read_bytes()
    status, said = look(*args)
    assert status == 2
    assert said.count("\n") == 1
    assert f"out/{name}: is there" in said
    assert "--overwrite" in said
    assert path.read_bytes() == before
    made = {name, "classes.txt", "data.yaml"} if kind == "yolo" else {name}
    assert set(names(place / "out")) == made, "nothing else was written"
    assert look(*args, "--overwrite") == (0, "")
    assert path.read_bytes() != before


@pytest.mark.parametrize("kind", KINDS)
def test_what_this_program_made_is_replaced_but_for_labels_that_people_correct(
    kind: str, place: Path, look: Run
) -> None:
    args, name, replaced = KINDS[kind]
    path = place / "out" / name
    assert look(*args) == (0, "")
    assert look(*args) == (0, ""), "the same again is no conflict"
    before = path.read_bytes()
    status, _ = look(*args, *ANOTHER)
    if kind == "classes":
        assert path.read_bytes() == before
        return
    assert (status, path.read_bytes() != before) == ((0, True) if replaced else (2, False))


@pytest.mark.parametrize("kind", KINDS)
def test_links_pipes_and_folders_are_never_replaced(kind: str, place: Path, look: Run) -> None:
    args, name, _ = KINDS[kind]
    path = place / "out" / name
    victim = place / "victim"
    victim.write_text("safe")
    for make in (lambda: path.symlink_to(victim), lambda: os.mkfifo(path), path.mkdir):
        make()
        status, said = look(*args, "--overwrite")
        assert (status, said.count("\n")) == (2, 1)
        assert f"out/{name}: cannot write: this is a " in said
        path.rmdir() if path.is_dir() else path.unlink()
    assert victim.read_text() == "safe"


@pytest.mark.parametrize("content", [b"", None])
def test_a_resume_file_that_is_a_link_is_not_written_through(
    content: bytes | None, place: Path, look: Run
) -> None:
    victim = place / "victim"
    if content is not None:
        victim.write_bytes(content)
    (place / "found.jsonl").symlink_to(victim)
    assert look("--resume", place / "found.jsonl") == (
        2,
        f"waldo: {place}/found.jsonl: cannot go on from this file: it is a link; name the file it"
        " leads to\n",
    )
    assert not victim.exists() if content is None else victim.read_bytes() == content


def test_a_refused_file_costs_neither_the_answer_nor_the_other_files(
    place: Path, look: Run
) -> None:
    (place / "out" / "page001.heatmap.png").write_text("by hand")
    assert look("--activations")[0] == 2
    assert names(place / "out") == ["page001.activations.npy", "page001.heatmap.png"]
    assert (place / "out" / "page001.heatmap.png").read_text() == "by hand"


def test_an_explanation_is_replaced_only_where_this_program_wrote_it(
    place: Path, waldo: Run
) -> None:
    page = place / "page001.explain.html"
    page.write_text("<!doctype html><title>by hand</title>")
    status, said = waldo("explain", "photos/page001.png")
    assert status == 2
    assert "page001.explain.html: is there, and this program did not make it" in said
    for more in (["--overwrite"], []):
        assert waldo("explain", "photos/page001.png", *more) == (0, "")
    assert "Why: " in page.read_text()


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (99_999, 1)])
def test_activations_are_an_npy_of_any_reader(shape: tuple[int, int], tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(shape, np.float32)
    save_activations(tmp_path / "a.npy", values)
    read = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert read.dtype == np.dtype("<f4")
    np.testing.assert_array_equal(read, values)
