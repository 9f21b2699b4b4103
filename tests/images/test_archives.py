"""Pictures in zip archives; what strangers put there is in tests/whole/test_documents.py."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from documents import archive

from waldo_cli.errors import ImageError
from waldo_cli.images import archives
from waldo_cli.images.archives import contents, unpacked

ENDINGS = frozenset({"png", "jpg"})
LIMIT = 1 << 28


def test_pictures_come_in_reading_order() -> None:
    names = ["b/2.png", "b/10.PNG", "b/1.png", "B/0003.jpg", "a.png", "cover.png"]
    pictures, others = contents(io.BytesIO(archive(dict.fromkeys(names, b""))), ENDINGS)
    assert [entry.filename for entry in pictures] == [
        "a.png", "b/1.png", "b/2.png", "B/0003.jpg", "b/10.PNG", "cover.png",
    ]  # fmt: skip
    assert others == []


def test_what_is_no_picture_is_named_and_what_is_hidden_is_not() -> None:
    names = [
        "1.png",
        "info.xml",
        "a/in.cbz",
        ".hidden.png",
        "__MACOSX/._1.png",
        ".git/x.txt",
        "./2.png",
    ]
    pictures, others = contents(io.BytesIO(archive(dict.fromkeys(names, b""))), ENDINGS)
    assert [entry.filename for entry in pictures] == ["1.png", "./2.png"]
    assert others == ["info.xml", "a/in.cbz"]


def unpacked_all(file: io.BytesIO) -> list[bytes]:
    return [unpacked(file, entry, LIMIT) for entry in contents(file, ENDINGS).pictures]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_are_unpacked_as_they_were_packed(method: int) -> None:
    noise = np.random.default_rng(1).bytes(100_000)
    for before in (b"", b"a program that unpacks itself"):
        file = io.BytesIO(
            before + archive({"2.png": b"two" * 999, "1.png": noise, "3.png": b""}, method)
        )
        assert unpacked_all(file) == [noise, b"two" * 999, b""]


def test_names_that_come_twice_are_two_pages() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("1.png", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            target.writestr("1.png", b"two")
    assert unpacked_all(file) == [b"one", b"two"]


def test_a_byte_that_was_changed_anywhere_never_gives_other_pixels() -> None:
    whole = archive({"1.png": b"a picture, say", "2.png": b"another"})
    for at in range(len(whole)):
        damaged = io.BytesIO(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert set(unpacked_all(damaged)) <= {b"a picture, say", b"another"}
        except ImageError as e:
            assert "archive" in e.reason or "it is " in e.reason or "it claims" in e.reason  # noqa: PT017


@pytest.mark.parametrize("offset", [10**6, 10**15, 1 << 62, (1 << 63) - 1, (1 << 64) - 1])
def test_an_entry_that_begins_outside_the_file_is_damaged(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "a.cbz"
    path.write_bytes(archive({"1.png": b"a picture, say"}))
    with path.open("rb") as file:
        (entry,) = contents(file, ENDINGS).pictures
        entry.header_offset = offset
        with pytest.raises(ImageError, match=r"1\.png: damaged archive"):
            unpacked(file, entry, LIMIT)


def test_the_table_of_contents_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive(dict.fromkeys(map("{}.png".format, range(30)), b""))
    monkeypatch.setattr(archives, "_MAX_ENTRIES", 29)
    with pytest.raises(ImageError, match="an archive of 30 entries: the limit is 29"):
        contents(io.BytesIO(data), ENDINGS)
    monkeypatch.setattr(archives, "_MAX_TABLE_BYTES", 1000)
    with pytest.raises(ImageError, match=r"its table of contents has \d+ bytes: at most 1000"):
        contents(io.BytesIO(data), ENDINGS)


def test_entries_that_share_their_bytes_are_refused() -> None:
    """The table of contents names one entry a hundred times."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("1.png", bytes(1000))
        target.filelist *= 100
    with pytest.raises(ImageError, match="its entries share bytes, as in a decompression bomb"):
        contents(file, ENDINGS)


@pytest.mark.parametrize(
    "damage", [b"", b"PK\3\4", b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18]
)
def test_a_damaged_archive_is_an_error_or_empty(damage: bytes) -> None:
    try:
        assert contents(io.BytesIO(damage), ENDINGS) == ([], [])
    except ImageError as e:
        assert "damaged archive" in e.reason or "table of contents" in e.reason  # noqa: PT017


def test_an_entry_without_a_name_is_no_picture() -> None:
    # A name that begins with NUL is none.
    data = archive({"1.png": b"", "2.png": b""}).replace(b"2.png", b"\0.png")
    pictures, others = contents(io.BytesIO(data), ENDINGS)
    assert [entry.filename for entry in pictures] == ["1.png"]
    assert others == [""]
