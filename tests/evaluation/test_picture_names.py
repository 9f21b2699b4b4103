"""Pictures by the names that truths give them."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest

from waldo_cli.evaluation.picture_names import Pictures, agreement, parts_of


def only(found: list[str]) -> str | None:
    """The single path of a picture; None where there is none, or the names do not tell."""
    return found[0] if len(found) == 1 else None


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in (
        "p.png",
        "a/p.png",
        "a/é.jpg",
        "b/p.png",
        "b/q.PNG",
        "b/q.jpg",
        "images/train/r.png",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("p.png", "p.png"),
        ("a/p.png", "a/p.png"),
        (r"a\p.png", "a/p.png"),
        (r"D:\x\b\p.png", "b/p.png"),
        ("/elsewhere/photos/p.png", "p.png"),
        ("x/p.png", "p.png"),  # of those that agree as much, the one that lies highest
        ("q.png", "b/q.PNG"),
        ("x/A/P.PNG", "a/p.png"),
        (unicodedata.normalize("NFD", "é.jpg"), "a/é.jpg"),
        ("a/%C3%A9.jpg", "a/é.jpg"),
        ("r.png", "images/train/r.png"),
        ("images/0a1b2c3d-r.png", "images/train/r.png"),  # as Label Studio names an upload
        (r"images\0a1b2c3d-r.png", "images/train/r.png"),
        ("https://example.org/photos/a/p.png?signature=1%2F2", "a/p.png"),
        ("//[", None),
        ("x://[/p.png?", None),
        ("gone.png", None),
        ("0a1b2c3d-", None),
        ("", None),
        ("\0", None),
        ("..", None),
    ],
)
def test_a_picture_is_found_by_the_last_parts_of_its_name(
    photos: Path, name: str, found: str | None
) -> None:
    assert only(Pictures(str(photos)).candidates([name])) == (
        None if found is None else str(photos / found)
    )


@pytest.mark.parametrize(
    ("stem", "found"),
    [
        ("a/é", "a/é.jpg"),
        ("labels/train/r", "images/train/r.png"),
        ("train/r", "images/train/r.png"),
        ("labels/0a1b2c3d-r", "images/train/r.png"),
        ("q", None),  # two pictures of this name
        ("gone", None),
    ],
)
def test_a_picture_is_found_by_its_stem(photos: Path, stem: str, found: str | None) -> None:
    assert only(Pictures(str(photos)).candidates([], stem)) == (
        None if found is None else str(photos / found)
    )


def test_digits_of_an_upload_count_where_a_picture_has_them(photos: Path) -> None:
    (photos / "0a1b2c3d-p.png").touch()
    assert only(Pictures(str(photos)).candidates(["x/0a1b2c3d-p.png"])) == str(
        photos / "0a1b2c3d-p.png"
    )


def test_agreement_counts_the_last_parts() -> None:
    assert agreement(r"C:\x\a\p.png", "/y/A/p.png") == 2
    assert agreement("q.png", "/y/a/p.png") == 0
    assert parts_of(r"C:\x/./..//p.png") == ("x", "p.png")


def test_many_pictures_of_one_name_are_found_in_no_time(tmp_path: Path) -> None:
    folders = [tmp_path / "books" / str(n) for n in range(1500)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "page01.png").touch()
    pictures = Pictures(str(tmp_path / "books"))
    started = time.process_time()
    for folder in folders:
        names = [rf"D:\books\{folder.name}\page01.png"]
        assert only(pictures.candidates(names)) == str(folder / "page01.png")
        found = pictures.candidates([], f"labels/{folder.name}/page01")
        assert only(found) == str(folder / "page01.png")
    assert time.process_time() - started < 5
