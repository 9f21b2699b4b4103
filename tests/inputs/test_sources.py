"""Lists of names, and URLs."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from waldo_cli.errors import FileError, InvalidInputError, MissingExtraError
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


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lists_as_windows_writes_them(tmp_path: Path, encoding: str, ending: str) -> None:
    file = tmp_path / "list"
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""  # the others write their own
    names = ["a.png", "ä b.png", "日本.jpg", "last.png"]
    file.write_bytes((mark + ending.join(names)).encode(encoding))
    assert list(read_names(str(file))) == names
    file.write_bytes((mark + "\0".join(names) + "\0").encode(encoding))
    assert list(read_names(str(file), null=True)) == names


def test_a_mark_may_arrive_in_pieces(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for byte in "\ufeffa.png\r\nb.png\r\n".encode("utf-16-le"):
                file.write(bytes([byte]))
                time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    assert list(read_names(str(pipe))) == ["a.png", "b.png"]
    writer.join()


def test_utf_16_without_its_mark_or_damaged_is_named(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes("a.png\r\nb.png\r\n".encode("utf-16-le"))
    with pytest.raises(InvalidInputError, match=r"NUL bytes in a line.*UTF-16 its byte order mark"):
        list(read_names(str(file)))
    file.write_bytes("a.png\n".encode("utf-16")[:-1])
    with pytest.raises(InvalidInputError, match="damaged text: it begins as UTF-16-LE"):
        list(read_names(str(file)))
    file.write_bytes(b"\xff\xfe\0\xd8\0\xd8")  # half a pair twice
    with pytest.raises(InvalidInputError, match="damaged text"):
        list(read_names(str(file)))


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


def test_what_a_kind_of_url_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec", reason="URLs need fsspec, of the extra dask")
    monkeypatch.setitem(sys.modules, "aiohttp", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    with pytest.raises(MissingExtraError, match=r"aiohttp.*; or fetch the image first") as caught:
        fetch("https://localhost/page.jpg")
    assert caught.value.path == "https://localhost/page.jpg"


def test_of_a_url_no_more_is_read_than_an_image_may_have(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="URLs need fsspec, of the extra dask")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(1 << 31)
    url = f"file://{tmp_path}/huge.png"
    assert len(fetch(url)) == (256 << 20) + 1
    assert len(fetch(url, max_pixels=40_000_000)) == 320_000_001
