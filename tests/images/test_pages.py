"""How many pictures are in a file, and one of them by its number."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from documents import ANIMATIONS, archive, document
from imagefiles import PNG_SIGNATURE, chunk, encoded
from PIL import Image

from waldo_cli.errors import FileError, ImageError
from waldo_cli.images import archives, pnm, tiff
from waldo_cli.images.load import load_image
from waldo_cli.images.pages import Contents, contents, single

COLOURS = ["red", "lime", "blue"]
LIMIT = 1 << 28


def pictures(size: tuple[int, int] = (6, 4)) -> list[Image.Image]:
    return [Image.new("RGB", size, colour) for colour in COLOURS]


@pytest.mark.parametrize("kind", ["tif", "cbz", *ANIMATIONS])
def test_the_pictures_of_a_file_are_counted_and_each_is_opened(kind: str, tmp_path: Path) -> None:
    data = document(kind, pictures())
    path = tmp_path / "named.jpg"  # a name says nothing
    path.write_bytes(data)
    for source in (data, str(path)):
        found = contents(source)
        assert found.count == 3
        assert found.is_led_by_first == (kind in ANIMATIONS)
        pages = [load_image(source, page=n)[1, 1].tolist() for n in (1, 2, 3)]
        np.testing.assert_allclose(pages, np.eye(3), atol=0.01)
        with pytest.raises(ImageError, match="no page 4: the file has 3"):
            load_image(source, page=4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_picture_alone_is_one(kind: str) -> None:
    data = encoded(pictures()[0], kind)
    assert contents(data).count == 1
    assert single(data, 1, LIMIT, None) == (data, 1)


def test_what_is_no_picture_is_one_file_that_others_refuse(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (b"", b"text", str(tmp_path), str(tmp_path / "pipe"), "\0"):
        assert contents(source) == Contents("", 1)
        assert single(source, 2, LIMIT, None) == (source, 2)


def test_a_file_that_cannot_be_read_is_no_file_of_one_page(tmp_path: Path) -> None:
    for ask in (contents, lambda path: single(path, 1, LIMIT, None)):
        with pytest.raises(FileError, match="cannot read: No such file or directory"):
            ask(str(tmp_path / "absent"))


@pytest.mark.parametrize("kind", [*ANIMATIONS, "tif", "cbz"])
def test_a_file_cut_anywhere_is_counted_as_far_as_it_goes(kind: str) -> None:
    data = document(kind, pictures())
    for cut in range(0, len(data), 5):
        try:
            assert 0 <= contents(data[:cut]).count <= 3
        except ImageError as e:
            assert kind == "cbz", e  # noqa: PT017 - its table of contents is at its end


def test_the_default_picture_of_an_apng_may_be_no_frame() -> None:
    data = document("apng", pictures())
    file = io.BytesIO()
    pictures()[0].save(file, "PNG", save_all=True, append_images=pictures()[1:], default_image=True)
    assert contents(data).count == 3
    assert contents(file.getvalue()).count == Image.open(file).n_frames == 3  # type: ignore[attr-defined]


def test_frames_that_a_header_claims_and_that_are_not_there_do_not_count() -> None:
    control = chunk(b"acTL", struct.pack(">II", 2_000_000_000, 0))
    plain = encoded(pictures()[0], "PNG")
    end = len(PNG_SIGNATURE) + 25  # after the header
    assert contents(plain[:end] + control + plain[end:]).count == 1


# Of an AVIF `headers.check_frames` refuses it, once Pillow knows the size.
@pytest.mark.parametrize("kind", [kind for kind in ANIMATIONS if kind != "avif"])
def test_a_frame_that_many_pixels_come_before_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = document(kind, pictures())
    monkeypatch.setattr("waldo_cli.images.pages._MAX_FRAME_PIXELS", 2 * 6 * 4)
    assert single(data, 2, LIMIT, None) == (data, 2)
    with pytest.raises(
        ImageError, match="frame 3 of an animation of 6x4 pixels would take too long"
    ):
        single(data, 3, LIMIT, None)


@pytest.mark.parametrize("gap", [b"", b"\n", b" \t\r\n\n"])
def test_pictures_of_netpbm_in_one_file_are_pages(gap: bytes) -> None:
    data = gap.join(encoded(picture, "PPM") for picture in pictures()) + b"\n"
    assert contents(data) == Contents("PNM", 3)
    pages = [load_image(data, page=n) for n in (1, 2, 3)]
    assert [page[1, 1].tolist() for page in pages] == np.eye(3).tolist()
    assert {page.shape for page in pages} == {(4, 6, 3)}
    with pytest.raises(ImageError, match="no page 4: the file has 3"):
        load_image(data, page=4)
    with pytest.raises(ImageError, match="truncated PNM"):
        load_image(data[:-3], page=3)
    for side in (b"9" * 5, b"9" * 10):  # behind it, whatever is there is no picture
        assert contents(b"P5 %b %b 255 " % (side, side) + data).count == 1


def test_more_pictures_of_netpbm_than_the_limit_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waldo_cli.images.pnm._MAX_PICTURES", 3)
    data = b"".join(encoded(picture, "PPM") for picture in pictures())
    assert contents(data).count == 3
    for ask in (contents, lambda data: single(data, 4, LIMIT, None)):
        with pytest.raises(ImageError, match="a PNM of more than 3 pictures: split the file"):
            ask(data * 2)


# For each kind of file whose pages are listed: what lists them.
LISTS = {"pnm": (pnm, "places"), "tif": (tiff, "pages"), "cbz": (archives, "contents")}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_pages_of_a_file_are_listed_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, as_bytes: bool
) -> None:
    # Pages that are files of pages themselves are listed, too, between those of the file.
    inner = document("tif", pictures())
    made = {
        "pnm": b"".join(encoded(picture, "PPM") for picture in pictures()),
        "tif": inner,
        "cbz": archive({"1.tif": inner, "2.tif": inner[:-1], "3.tif": inner[:-2]}),
    }[kind]
    expected = [single(made, page, LIMIT, None) for page in (1, 2, 3)]
    path = tmp_path / "book"
    path.write_bytes(made)
    monkeypatch.setattr("waldo_cli.images.pages._known", ())
    module, name = LISTS[kind]
    asked = []
    find = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: asked.append(given) or find(*given))

    def source() -> str | bytes:
        return path.read_bytes() if as_bytes else str(path)

    assert contents(source()).count == 3
    for page in (1, 2, 3):
        alone, _ = single(source(), page, LIMIT, None)
        assert alone == expected[page - 1][0]
        if kind == "cbz":
            assert contents(alone).kind == "TIFF"
    assert len(asked) == 1
    path.write_bytes(archive({"1.png": b""}) if kind == "cbz" else encoded(pictures()[0], "PPM"))
    assert contents(source()).count == 1


def test_an_archive_tells_what_else_it_holds() -> None:
    data = archive({"1.png": b"", "info.xml": b"", "more.zip": b""})
    assert contents(data) == Contents("ZIP", 1, ("info.xml", "more.zip"))
    assert contents(archive({})).count == 0


def test_an_avif_has_no_more_frames_than_there_is_room_for() -> None:
    data = bytearray(document("avif", pictures()))
    at = data.index(b"stsz") + 4
    assert contents(bytes(data)).count == 3
    for each, count, most in ((0, 2**32 - 1, 3), (1, 2**32 - 1, len(data)), (2**31, 5, 1)):
        struct.pack_into(">II", data, at + 4, each, count)
        assert contents(bytes(data)).count == most
