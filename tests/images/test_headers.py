"""What is refused by its bytes, before Pillow sees them; and the orientation that stands in them."""

from __future__ import annotations

import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from imagefiles import PNG_SIGNATURE, SOUND, as_float, chunk, encoded, noise, png, tiff
from PIL import Image

from waldo_cli.errors import ImageError, InvalidInputError
from waldo_cli.images.load import load_image


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"x", "not a picture"),
        (b"hello, this is text\n" * 20, "not a picture"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"8BPS\0\1" + b"\0" * 40, "Photoshop"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG"),
        (b"\0\0\0\x20ftypavif" + b"\0" * 40, "AVIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"P6 2 2 255 ............", "not a picture"),
    ],
)
def test_other_formats_are_named_or_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(data)
    assert len(str(caught.value)) < 200


# --- sizes ----------------------------------------------------------------------------------------


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


def webp_header(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 99, 0, 0, 54) + info + b"\0" * 99


def tiff_header(width: int, height: int) -> bytes:
    return tiff(np.zeros((1, 1, 3), np.uint8), 2, tags={256: (4, [width]), 257: (4, [height])})


def jpeg_header(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (8, 8)), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_header(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("L", (8, 8)), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


HEADERS = [png_header, webp_header, bmp_header, tiff_header, jpeg_header, gif_header]


@pytest.mark.parametrize("header", HEADERS)
def test_bombs_are_refused_by_their_header(header) -> None:
    with pytest.raises(
        ImageError, match=r"too large: 16380x60000.*the limit is 200000000"
    ) as caught:
        load_image(header(16380, 60000))
    assert "--max-pixels" in caught.value.reason


@pytest.mark.parametrize("header", HEADERS)
def test_many_pixels_from_few_bytes_are_refused_and_the_way_out_is_named(header) -> None:
    with pytest.raises(ImageError, match=r"10000x10000.*--max-pixels 100000000"):
        load_image(header(10000, 10000))


def test_max_pixels_is_the_last_number_that_opens() -> None:
    data = png(noise(10, 10))
    assert load_image(data, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(ImageError, match="too large: 10x10 = 100 pixels, the limit is 99"):
        load_image(data, max_pixels=99)
    with pytest.raises(InvalidInputError, match="max_pixels is 0"):
        load_image(data, max_pixels=0)


def test_a_number_given_opens_what_is_large_for_its_bytes() -> None:
    with pytest.raises(ImageError, match="bomb"):
        load_image(png_header(8000, 5000))
    with pytest.raises(ImageError, match="truncated"):  # decoded, that is
        load_image(png_header(8000, 5000), max_pixels=40_000_000)


@pytest.mark.parametrize("header", [png_header, bmp_header, tiff_header, jpeg_header])
@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_pictures_without_pixels_are_refused(header, size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=r"no pixels|empty|header|dimensions|truncated"):
        load_image(header(*size))


# --- image data of a PNG --------------------------------------------------------------------------


def test_a_png_without_its_end_mark_has_all_its_pixels() -> None:
    data = SOUND["PNG"]
    for cut in (1, 12, 16):  # inside IEND, all of it, and the checksum of the image data
        np.testing.assert_array_equal(load_image(data[:-cut]), load_image(data))


def test_image_data_that_end_early_are_seen() -> None:
    for samples in (noise(20, 10), noise(20, 10, 1), noise(20, 10, 4)):
        with pytest.raises(ImageError, match="truncated PNG"):
            load_image(png(samples, rows=19))


def test_black_last_rows_are_no_missing_rows() -> None:
    samples = noise(20, 10)
    samples[-3:] = 0
    np.testing.assert_array_equal(load_image(png(samples)), as_float(samples))


def test_a_wrong_checksum_is_seen_and_not_excused() -> None:
    data = bytearray(SOUND["PNG"])
    data[data.index(b"IEND") - 8] ^= 1  # the last byte of the checksum before
    for allow_truncated in (False, True):
        with pytest.raises(ImageError, match="checksum"):
            load_image(bytes(data), allow_truncated=allow_truncated)


def test_a_palette_that_is_missing_is_seen() -> None:
    header = struct.pack(">IIBBBBB", 4, 1, 8, 3, 0, 0, 0)
    data = PNG_SIGNATURE + chunk(b"IHDR", header)
    data += chunk(b"IDAT", zlib.compress(b"\0\0\1\2\3")) + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match="palette"):
        load_image(data)


# --- metadata that would cost too much ------------------------------------------------------------


def test_a_jpeg_of_many_scans_is_refused() -> None:
    data = bytearray(jpeg_header(4000, 4000))
    scan = data.index(b"\xff\xda")
    with pytest.raises(ImageError, match="scans over 16000000 pixels"):
        load_image(bytes(data[:scan] + data[scan : scan + 14] * 2000), max_pixels=20_000_000)


def test_a_jpeg_of_endless_segments_is_refused() -> None:
    with pytest.raises(ImageError, match="segments"):
        load_image(b"\xff\xd8" + b"\xff\xe1\0\2" * 20_000)


def test_fill_bytes_in_a_jpeg_take_time_with_their_number_not_with_its_square() -> None:
    filled = SOUND["JPEG"][:2] + b"\xff" * 100_000 + SOUND["JPEG"][2:]
    np.testing.assert_array_equal(load_image(filled), load_image(SOUND["JPEG"]))
    started = time.process_time()
    with pytest.raises(ImageError, match="damaged JPEG"):
        load_image(b"\xff\xd8" + b"\xff" * 200_000)
    assert time.process_time() - started < 2


def test_comments_before_the_first_frame_of_a_gif_are_limited() -> None:
    data = SOUND["GIF"]
    start = 13 + 3 * (2 << (data[10] & 7))
    comment = b"\x21\xfe" + (b"\xff" + b"c" * 255) * 10_000 + b"\0"
    with pytest.raises(ImageError, match="before its first frame"):
        load_image(data[:start] + comment + data[start:])


def test_a_png_of_endless_chunks_is_refused() -> None:
    with pytest.raises(ImageError, match="chunks"):
        load_image(png(noise(2, 2), chunk(b"tEXt", b"a\0") * 15_000))


def test_a_text_that_unpacks_to_much_is_refused() -> None:
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 20_000_000))
    with pytest.raises(ImageError, match="unpacks"):
        load_image(png(noise(2, 2), text))


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_png_of_endless_profiles_or_packed_texts_is_refused(kind: bytes) -> None:
    body = b"a\0\0" if kind != b"iTXt" else b"a\0\1\0\0\0"
    packed = chunk(kind, body + zlib.compress(b"\0" * 10_000))
    assert load_image(png(noise(2, 2), packed * 20)).shape == (2, 2, 3)
    with pytest.raises(ImageError, match="more than 1000 packed texts"):
        load_image(png(noise(2, 2), packed * 1001))


def test_tiff_tags_that_overlap_to_hold_more_than_the_file_are_refused() -> None:
    sound = tiff(noise(2, 2), 2)
    count = 2000
    blob = 8 + 2 + 12 * count + 4
    directory = b"".join(struct.pack("<HHII", 0x9000 + i, 7, 1_000_000, blob) for i in range(count))
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", count) + directory + b"\0" * 1_000_000
    assert load_image(sound).shape == (2, 2, 3)
    with pytest.raises(ImageError, match="more bytes than the file"):
        load_image(data)


def test_a_tiff_of_endless_strips_is_refused() -> None:
    with pytest.raises(ImageError, match="tag 273 lists 300000 numbers"):
        load_image(tiff(noise(2, 2), 2, tags={273: (4, [8] * 300_000)}))


def test_a_run_length_coded_bmp_is_limited_in_bytes() -> None:
    info = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 1, 0, 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + info + b"\0" * 1024
    assert load_image(data + b"\x08\x00\0\0" * 8 + b"\0\1").shape == (8, 8, 3)
    with pytest.raises(ImageError, match="run-length"):
        load_image(data + b"\0\0" * 3_000_000)


def tiled(height: int, width: int, across: int, down: int) -> bytes:
    tags = {322: (4, [across]), 323: (4, [down])}
    return tiff(noise(height, width), 2, tags=tags)


@pytest.mark.parametrize(
    ("size", "tile"),
    [((16, 16), (5000, 5000)), ((16, 600), (16, 1 << 20)), ((600, 16), (1 << 20, 16))],
)
def test_tiles_that_reach_far_out_of_their_tiff_are_refused(
    size: tuple[int, int], tile: tuple[int, int]
) -> None:
    assert load_image(tiled(16, 16, 16, 16)).shape == (16, 16, 3)
    with pytest.raises(ImageError, match="its tiles have"):
        load_image(tiled(*size, *tile))


def test_a_tile_whose_size_lies_elsewhere_in_the_tiff_is_refused() -> None:
    """As 64 bits it would not be seen by who takes the tag's four bytes for it."""
    sound = tiled(16, 16, 16, 16)
    entry = struct.pack("<HHI", 323, 4, 1)
    assert sound.count(entry) == 1
    at = sound.index(entry)
    far = sound[: at + 2] + struct.pack("<HII", 16, 1, len(sound)) + sound[at + 12 :]
    with pytest.raises(ImageError, match="the size of its tiles"):
        load_image(far + struct.pack("<Q", 1 << 20))


# --- orientation ----------------------------------------------------------------------------------

ORIENTATION = 0x0112


@pytest.mark.parametrize("k", [0, 9, 65535])
def test_an_orientation_that_is_none_is_ignored(k: int) -> None:
    stored = Image.fromarray(noise(8, 16))
    exif = Image.Exif()
    exif[ORIENTATION] = k
    plain = load_image(encoded(stored, "JPEG"))
    np.testing.assert_array_equal(load_image(encoded(stored, "JPEG", exif=exif.tobytes())), plain)


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=60), order=st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b""]))
@example(junk=b"\x08\0\0\0\xff\xff", order=b"II*\0")
def test_junk_in_exif_is_no_reason_to_refuse_the_pixels(junk: bytes, order: bytes) -> None:
    stored = Image.fromarray(noise(8, 8))
    for kind in ("JPEG", "PNG"):
        image = load_image(encoded(stored, kind, exif=b"Exif\0\0" + order + junk))
        assert image.shape == (8, 8, 3)


def test_xmp_orientation_counts_where_exif_has_none() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    stored = Image.fromarray(noise(8, 16))
    assert load_image(encoded(stored, "JPEG", xmp=xmp)).shape == (16, 8, 3)
    assert load_image(encoded(stored, "WEBP", xmp=xmp)).shape == (16, 8, 3)
