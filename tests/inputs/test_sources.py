"""Lists of names, and URLs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.inputs.sources import fetch, is_url, read_names


def test_a_list_is_read_line_by_line_or_by_nul(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(b"a.png\r\n\n b\tc.png\n-\nlast \xff.png")
    assert list(read_names(str(file))) == [
        "a.png",
        " b\tc.png",
        "./-",
        os.fsdecode(b"last \xff.png"),
    ]
    file.write_bytes(b"a\nb.png\0\0c.png\r\0")
    assert list(read_names(str(file), null=True)) == ["a\nb.png", "c.png\r"]


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(bytes(3 << 20))
    with pytest.raises(InvalidInputError, match="no list of names"):
        list(read_names(str(tmp_path / "zeros")))
    with pytest.raises(FileError, match="cannot read the list: no such file"):
        list(read_names(str(tmp_path / "absent")))
    with pytest.raises(FileError, match="cannot read the list: is a directory"):
        list(read_names(str(tmp_path)))


@pytest.mark.parametrize(
    ("path", "url"),
    [("s3://bucket/a.jpg", True), ("file:///a.jpg", True), ("a.jpg", False), ("C://a", False),
     ("dir:/x", False), ("//host/a", False)],
)  # fmt: skip
def test_what_is_a_url(path: str, url: bool) -> None:
    assert is_url(path) is url


def test_of_a_url_no_more_is_read_than_an_image_may_have(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="URLs need fsspec, of the extra dask")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(1 << 31)
    url = f"file://{tmp_path}/huge.png"
    assert len(fetch(url)) == (256 << 20) + 1
    assert len(fetch(url, max_pixels=40_000_000)) == 320_000_001
