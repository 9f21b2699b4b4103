"""From a file to pixels: modes that need Pillow, what is no file, damage; and nothing is left behind."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagefiles import SOUND, WHITE, as_float, chunk, encoded, noise, png, tiff
from PIL import Image, ImageFile

from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.images import decode
from waldo_cli.images.limits import TruncatedError
from waldo_cli.images.load import load_image

# --- palettes, colour spaces, planes --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_looked_up(kind: str) -> None:
    palette = Image.new("P", (3, 2))
    palette.putpalette([255, 0, 0, 0, 255, 0, 10, 20, 30])
    palette.putdata([0, 1, 2, 2, 1, 0])
    image = load_image(encoded(palette, kind))
    np.testing.assert_array_equal(image, as_float(np.asarray(palette.convert("RGB"))))
    np.testing.assert_allclose(image[0, 2], [10 / 255, 20 / 255, 30 / 255])


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_one_bit_is_black_and_white(kind: str) -> None:
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    np.testing.assert_array_equal(load_image(encoded(bits, kind)), [[[0, 0, 0], [1, 1, 1]]])


def test_cmyk_without_ink_is_white_and_full_black_is_black() -> None:
    inks = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    image = load_image(tiff(inks, 5))
    np.testing.assert_array_equal(image, [[[1, 1, 1], [0, 0, 0], [0, 1, 1]]])


def test_adobe_cmyk_jpeg_is_not_inverted() -> None:
    inks = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    jpeg = encoded(inks, "JPEG", quality=100)
    assert b"Adobe" in jpeg
    np.testing.assert_allclose(load_image(jpeg), np.ones((16, 16, 3)), atol=0.02)


def test_lab_lightness_becomes_grey() -> None:
    # CIE L* of 0, 50 and 100 with a* = b* = 0; sRGB of L* = 50 is 119 of 255
    lab = np.array([[[0, 0, 0], [128, 0, 0], [255, 0, 0]]], np.uint8)
    image = load_image(tiff(lab, 8))
    np.testing.assert_allclose(image[0, :, 0], [0, 119 / 255, 1], atol=0.01)
    np.testing.assert_allclose(np.ptp(image, axis=-1), 0, atol=0.02)


def test_ycbcr_is_brought_to_rgb() -> None:
    neutral = np.full((16, 16, 3), 128, np.uint8)
    neutral[:8, :, 0] = 255
    image = load_image(tiff(neutral, 6))
    np.testing.assert_allclose(image[0, 0], WHITE, atol=0.01)
    np.testing.assert_allclose(image[-1, 0], [128 / 255] * 3, atol=0.01)


# --- what is no file, or no picture ---------------------------------------------------------------


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.png"
    os.mkfifo(fifo)
    link = tmp_path / "link.png"
    link.symlink_to("/dev/zero")
    for path, reason in ((fifo, "regular"), (link, "regular"), (tmp_path, "folder")):
        with pytest.raises(ImageError, match=reason) as caught:
            load_image(path)
        assert caught.value.path == str(path)


@pytest.mark.parametrize("name", ["missing.png", "dangling.png", "a\0b.png", "x" * 300 + ".png"])
def test_what_cannot_be_opened_is_a_file_error(tmp_path: Path, name: str) -> None:
    if name == "dangling.png":
        (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(FileError, match="cannot read") as caught:
        load_image(f"{tmp_path}/{name}")
    assert caught.value.path is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_file_error(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(noise(2, 2)))
    path.chmod(0)
    with pytest.raises(FileError, match="Permission"):
        load_image(path)


def test_a_file_opened_as_text_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="binary"):
        load_image(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mebibytes", "limit", "most"),
    [
        (1, None, None), (2, None, 1), (2, 4, 1), (2, 1 << 17, 1), (2, 1 << 18, None),
        (3, 1 << 18, 2), (3, 1 << 20, None), (5, 1 << 20, 4),
    ],
)  # fmt: skip
def test_files_of_many_bytes_are_refused_but_for_what_the_limit_of_pixels_may_take(
    mebibytes: int,
    limit: int | None,
    most: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decode, "_MAX_FILE_BYTES", 1 << 20)
    monkeypatch.setattr(decode, "MAX_FILE_BYTES_EVER", 4 << 20)
    data = SOUND["PNG"].ljust(mebibytes << 20, b"\0")
    (tmp_path / "a.png").write_bytes(data)
    for source in (tmp_path / "a.png", io.BytesIO(data), data):
        if most is None:
            assert load_image(source, max_pixels=limit).ndim == 3
            continue
        with pytest.raises(ImageError, match=f"is larger than {most} MiB") as refused:
            load_image(source, max_pixels=limit)
        assert ("--max-pixels raises" in refused.value.reason) == (most < 4)


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PPM"])
def test_a_file_without_compression_may_be_as_large_as_its_pixels(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "_MAX_FILE_BYTES", 1 << 12)
    picture = Image.fromarray(noise(40, 50))
    data = encoded(picture, kind)
    for name in "ab":
        (tmp_path / name).write_bytes(data)
    sources = [tmp_path / "a", data]
    if kind != "TIFF":  # whose directory may be at its end
        sources.append(io.BytesIO(data))
    for source in sources:
        assert load_image(source).shape == (40, 50, 3)
    longer = data + bytes(len(data))
    (tmp_path / "a").write_bytes(longer)
    for source in (tmp_path / "a", longer):
        with pytest.raises(ImageError, match="is larger than"):
            load_image(source)
    with pytest.raises(ImageError, match=r"larger than the 0 MiB .* save it to a file first"):
        load_image(data[: (1 << 12) + 1])
    monkeypatch.setattr(
        decode, "_MAX_FILE_BYTES", len(data) - 1
    )  # what is not cut off is not told so
    for source in (tmp_path / "b", io.BytesIO(data)):
        assert load_image(source).shape == (40, 50, 3)
    (tmp_path / "a").write_bytes(
        encoded(picture, "TIFF", save_all=True, append_images=[picture] * 2)
    )
    assert load_image(tmp_path / "a", page=2).shape == (40, 50, 3)


def test_no_picture_starts_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "system", refuse)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError):
        load_image(eps)


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    data = SOUND[kind]
    with pytest.raises(ImageError, match=r"truncated|damaged") as caught:
        load_image(data[: int(len(data) * share)])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


JPEG_TIFF = encoded(Image.fromarray(noise(24, 32)), "TIFF", compression="jpeg")


@pytest.mark.parametrize("data", [*SOUND.values(), JPEG_TIFF], ids=[*SOUND, "JPEG TIFF"])
def test_a_cut_file_has_all_its_pixels_or_is_called_truncated(data: bytes) -> None:
    whole = load_image(data)
    # Every place near the end and in the headers, and some between.
    sizes = {*range(32, 1000), *range(1000, len(data), 50), *range(len(data) - 300, len(data))}
    for size in sorted(size for size in sizes if 32 <= size < len(data)):
        with contextlib.suppress(TruncatedError):
            np.testing.assert_array_equal(load_image(data[:size]), whole, str(size))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_allow_truncated_takes_what_is_there(kind: str) -> None:
    data = SOUND[kind]
    cut = data[: int(len(data) * 0.7)]
    if kind == "TIFF":  # the directory comes first in it, the pixels after
        assert struct.unpack_from("<I", data, 4)[0] < 100
    with pytest.raises(ImageError, match="--allow-truncated"):
        load_image(cut)
    image = load_image(cut, allow_truncated=True)
    whole = load_image(data)
    there = slice(-8, None) if kind == "BMP" else slice(0, 8)  # a BMP begins at the bottom
    np.testing.assert_array_equal(image[there], whole[there])
    assert image.shape == whole.shape


@pytest.mark.parametrize("kind", SOUND)
def test_of_too_little_nothing_is_made(kind: str) -> None:
    with pytest.raises(ImageError, match=r"too little|damaged"):
        load_image(SOUND[kind][:20], allow_truncated=True)


@pytest.mark.parametrize("kind", SOUND)
def test_allow_truncated_changes_nothing_for_a_whole_file(kind: str) -> None:
    np.testing.assert_array_equal(
        load_image(SOUND[kind], allow_truncated=True), load_image(SOUND[kind])
    )


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=200),
    signature=st.sampled_from([b"", *(s[:16] for s in SOUND.values())]),
)
def test_any_bytes_load_or_raise_image_error(data: bytes, signature: bytes) -> None:
    with pytest.raises(ImageError):
        load_image(signature + data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(SOUND)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    share=st.floats(0.05, 1),
    allow_truncated=st.booleans(),
)
def test_damaged_files_load_or_raise_image_error(
    kind: str, changes: list[tuple[float, int]], share: float, allow_truncated: bool
) -> None:
    data = bytearray(SOUND[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    cut = bytes(data[: int(share * len(data))])
    try:
        image = load_image(cut, max_pixels=1 << 20, allow_truncated=allow_truncated)
    except ImageError as error:
        reason = str(error)
    else:
        reason = "opened"
        assert image.dtype == np.float32
        assert image.ndim == 3
        assert 0 <= image.min() <= image.max() <= 1
    assert len(reason) < 200
    assert reason.isprintable()


# --- nothing is left behind -----------------------------------------------------------------------


def test_libraries_write_nothing_and_their_switches_are_put_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    broken = bytearray(SOUND["LZW TIFF"])
    broken[20:400] = b"\xa5" * 380
    odd = png(noise(2, 2), chunk(b"acTL", b"\0" * 8))  # Pillow warns of it
    for data in (bytes(broken), SOUND["PNG"][:-200], odd, *SOUND.values()):
        for allow_truncated in (False, True):
            try:
                load_image(data, allow_truncated=allow_truncated)
            except ImageError:
                continue
    assert capfd.readouterr() == ("", "")
    after = list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    assert before == after


def test_threads_do_not_disturb_each_other() -> None:
    """One thread's leniency must not open another thread's truncated file."""
    cut = SOUND["JPEG"][:-200]
    filters = list(warnings.filters)
    wrong: list[str] = []

    def strict() -> None:
        for _ in range(30):
            try:
                load_image(cut)
            except ImageError:
                continue
            wrong.append("a truncated file was opened")

    def lenient() -> None:
        for _ in range(30):
            load_image(cut, allow_truncated=True)

    threads = [threading.Thread(target=work) for work in (strict, lenient, strict, lenient)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert list(warnings.filters) == filters
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_an_error_names_the_path_only_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"text")
    with pytest.raises(ImageError) as by_path:
        load_image(path)
    with pytest.raises(ImageError) as by_bytes:
        load_image(b"text")
    assert by_path.value.path == str(path)
    assert str(path) not in by_path.value.reason
    assert by_bytes.value.path is None
