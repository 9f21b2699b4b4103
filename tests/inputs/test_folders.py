"""Which images are looked at, in which order, and where their files go."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import pytest

from waldo_cli.files import NPY_MARK, PNG_MARK
from waldo_cli.inputs import folders
from waldo_cli.inputs.folders import expand
from waldo_cli.inputs.items import Item
from waldo_cli.inputs.leftout import LeftOut


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(items: object) -> list[str]:
    return [item.path for item in items]  # type: ignore[attr-defined]


def test_a_folder_gives_its_images_by_name_and_nothing_else(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a.png", "c.txt", ".hidden.png", "sub/d.png", "Thumbs.db", "e.tar.gz")
    assert paths(expand([str(tmp_path)], "")) == [f"{tmp_path}/a.png", f"{tmp_path}/b.JPG"]


def test_recursion_goes_down_by_name_and_keeps_the_tree(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.png", "b/1.png", "a.png", "c.png", "b/.git/x.png", "b/deep/er/z.png")
    items = list(expand([f"{tmp_path}/"], "out", recursive=True))
    assert [os.path.relpath(i.path, tmp_path) for i in items] == [
        "a.png", "b/1.png", "b/2.png", "b/deep/er/z.png", "c.png",
    ]  # fmt: skip
    assert [i.output for i in items] == ["out/a", "out/b/1", "out/b/2", "out/b/deep/er/z", "out/c"]


def test_a_deeper_tree_than_pythons_stack(tmp_path: Path) -> None:
    touch(tmp_path, "d/" * 200 + "x.png")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 60)
    try:
        assert len(list(expand([str(tmp_path)], "", recursive=True))) == 1
    finally:
        sys.setrecursionlimit(limit)


def test_own_outputs_are_never_inputs(tmp_path: Path) -> None:
    own = ["a.heatmap.png", "a.annotated.png", "a.activations.npy"]
    touch(tmp_path, "a.png", *own)
    for name in own[:2]:
        (tmp_path / name).write_bytes(b"\x89PNG" + PNG_MARK)
    (tmp_path / "a.activations.npy").write_bytes(NPY_MARK)
    left_out = LeftOut()
    assert paths(expand([str(tmp_path)], "", left_out=left_out)) == [f"{tmp_path}/a.png"]
    assert not list(expand([f"{tmp_path}/{name}" for name in own], ""))
    assert not str(left_out)


def test_what_somebody_else_calls_a_heatmap_is_an_image(tmp_path: Path) -> None:
    touch(tmp_path, "a.heatmap.png", "b.heatmap.png")
    (tmp_path / "b.heatmap.png").unlink()
    os.mkfifo(tmp_path / "b.heatmap.png")  # must not be opened
    (tmp_path / "gone.heatmap.png").symlink_to("nowhere")
    names = ["a.heatmap.png", "gone.heatmap.png"]
    assert paths(expand([str(tmp_path)], "")) == [f"{tmp_path}/{name}" for name in names]
    named = [f"{tmp_path}/{name}" for name in [*names, "b.heatmap.png"]]
    assert paths(expand(named, "")) == named


def test_links_to_folders_are_not_followed_but_links_to_images_are(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.png")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "b.png").symlink_to("a.png")
    (tmp_path / "real" / "nowhere.png").symlink_to("gone.png")
    found = paths(expand([str(tmp_path / "real")], "", recursive=True))
    assert [Path(p).name for p in found] == ["a.png", "b.png", "nowhere.png"]
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(list(expand([str(tmp_path / "link")], ""))) == 3, "a link named by itself is meant"


def test_pipes_in_folders_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    left_out = LeftOut()
    assert not list(expand([str(tmp_path)], "", left_out=left_out))
    assert str(left_out) == "1 file not looked at: 1 PNG (no regular file)"


def test_a_picture_that_needs_a_package_is_counted_with_the_way_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.HEIC", "b.heic", "c.jxl")
    monkeypatch.setattr(folders, "_is_installed", lambda module: module == "pillow_jxl")
    left_out = LeftOut()
    assert paths(expand([str(tmp_path)], "", left_out=left_out)) == [f"{tmp_path}/c.jxl"]
    assert str(left_out) == "2 files not looked at: 2 HEIC (pip install 'waldo-cli[heif]')"
    monkeypatch.setattr(folders, "_is_installed", lambda _: True)
    assert len(list(expand([str(tmp_path)], ""))) == 3


def test_a_folder_that_cannot_be_read_is_a_problem_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.png", "locked/b.png", "z.png")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    items = list(expand([str(tmp_path)], "", recursive=True))
    assert [Path(i.path).name for i in items] == ["a.png", "locked", "z.png"]
    assert items[1].problem == "cannot read this folder: permission denied"


def test_extensions_are_chosen_in_any_case(tmp_path: Path) -> None:
    touch(tmp_path, "a.PNG", "b.jpg", "c.xyz")
    assert paths(expand([str(tmp_path)], "", extensions={"xyz", "png"})) == [
        f"{tmp_path}/a.PNG",
        f"{tmp_path}/c.xyz",
    ]


def test_names_in_any_encoding_survive(tmp_path: Path) -> None:
    touch(tmp_path, os.fsdecode(b"\xff\xfe.png"))
    (item,) = expand([str(tmp_path)], "")
    assert os.fsencode(item.path).endswith(b"/\xff\xfe.png")
    assert os.fsencode(item.output) == b"\xff\xfe"


def test_explicit_files_go_flat_by_their_stems() -> None:
    assert list(expand(["a/b/c.tar.png", ".png"], "out")) == [
        Item("a/b/c.tar.png", "out/c.tar"),
        Item(".png", "out/.png"),
    ]


LINKS = {
    "circle.png": "circle.png",
    "long.png": "n" * 300,
    "nowhere.png": "gone.png",
    "through.png": "a.png/inner.png",
}


def test_links_that_lead_nowhere_are_items_like_others(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    for name, target in LINKS.items():
        (tmp_path / name).symlink_to(target)
    items = list(expand([str(tmp_path)], "out"))
    assert [Path(item.path).name for item in items] == sorted(["a.png", *LINKS])
    assert all(item.problem is None for item in items)
