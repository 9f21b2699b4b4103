"""`waldo explain`: the page it writes, and the places it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from documents import document
from explained import MASK, page
from PIL import Image

from waldo_cli.cli import waldo
from waldo_cli.errors import WaldoError


def test_the_command_writes_the_page_and_prints_its_path(tmp_path: Path) -> None:
    for name, pixels in (("page", page()), ("him", MASK)):
        Image.fromarray((pixels * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    asked = [
        "explain",
        str(tmp_path / "page.png"),
        *("--mask", str(tmp_path / "him.png"), "--scales", "1"),
        *("--at", "64,36", "-o", str(tmp_path / "out")),
    ]
    ended = CliRunner().invoke(waldo, asked, catch_exceptions=False)
    assert ended.exit_code == 0
    assert ended.output == f"{tmp_path / 'out' / 'page.explain.html'}\n"
    assert (tmp_path / "out" / "page.explain.html").stat().st_size > 10_000


def test_a_page_of_a_file_is_explained_and_others_are_told(tmp_path: Path) -> None:
    him, found = (Image.fromarray((pixels * 255).astype(np.uint8)) for pixels in (MASK, page()))
    him.save(tmp_path / "him.png")
    (tmp_path / "book.tif").write_bytes(document("tif", [Image.new("RGB", found.size), found]))
    asked = [
        "explain",
        str(tmp_path / "book.tif"),
        "--mask",
        str(tmp_path / "him.png"),
        "--scales",
        "1",
    ]
    out = ["-o", str(tmp_path)]
    ended = CliRunner().invoke(waldo, [*asked, *out], catch_exceptions=False)
    assert ended.stderr == f"waldo: {tmp_path}/book.tif: the first of 2 pages (--page)\n"
    assert ended.stdout == f"{tmp_path}/book.explain.html\n"
    ended = CliRunner().invoke(waldo, [*asked, *out, "--page", "2"], catch_exceptions=False)
    assert ended.output == f"{tmp_path}/book.page-2.explain.html\n"
    assert "book.tif, page 2" in (tmp_path / "book.page-2.explain.html").read_text()


@pytest.mark.parametrize("place", ["5", "a,b", "1,-2", "1,2,3", "nan,1"])
def test_a_place_that_is_none_is_a_usage_error(place: str) -> None:
    ended = CliRunner().invoke(waldo, ["explain", "x.png", "--at", place])
    assert ended.exit_code == 2
    assert "is not X,Y in pixels" in ended.output


@pytest.mark.parametrize("target", [None, "odd.png", "n" * 300, "page.png/inner.png"])
def test_what_cannot_be_read_is_named(tmp_path: Path, target: str | None) -> None:
    for name, pixels in (("page", page()), ("him", MASK)):
        Image.fromarray((pixels * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    odd = tmp_path / "odd.png"
    if target is not None:
        odd.symlink_to(target)
    asked = ["explain", str(odd), "--mask", str(tmp_path / "him.png"), "-o", str(tmp_path)]
    ended = CliRunner().invoke(waldo, asked)
    assert isinstance(ended.exception, WaldoError)
    assert str(ended.exception).startswith(f"{odd}: cannot read: ")


def test_an_image_that_would_take_too_long_is_named(tmp_path: Path) -> None:
    for name, pixels in (("page", page()), ("him", MASK)):
        Image.fromarray((pixels * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    asked = ["explain", str(tmp_path / "page.png"), "--mask", str(tmp_path / "him.png")]
    ended = CliRunner().invoke(waldo, [*asked, "-o", str(tmp_path), "--max-seconds", "1e-7"])
    assert isinstance(ended.exception, WaldoError)
    assert ended.exception.path == str(tmp_path / "page.png")
    assert "at most 1e-07 s: give fewer masks, --scales or --angles" in str(ended.exception)


def test_a_label_of_bytes_that_are_no_text_is_shown_escaped(tmp_path: Path) -> None:
    for name, pixels in (("page", page()), ("him", MASK)):
        Image.fromarray((pixels * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    asked = ["explain", str(tmp_path / "page.png"), "--mask", f"him\udcff={tmp_path / 'him.png'}"]
    ended = CliRunner().invoke(waldo, [*asked, "--scales", "1", "-o", str(tmp_path)])
    assert ended.exit_code == 0
    assert r"him\udcff" in (tmp_path / "page.explain.html").read_text("utf-8")
