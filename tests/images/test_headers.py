"""What is refused by its bytes, before Pillow sees them, and what is left out of them."""

from __future__ import annotations

import base64
import struct
import time
import zlib

import numpy as np
import pytest
from imagefiles import PNG_SIGNATURE, SOUND, as_float, chunk, encoded, noise, png, tiff
from PIL import Image

from waldo_cli.errors import ImageError, InvalidInputError
from waldo_cli.images import headers
from waldo_cli.images.load import load_image
from waldo_cli.images.pages import contents

NAMED = {
    "TGA": "a Targa",
    "PCX": "a PCX",
    "SGI": "an SGI",
    "ICO": "an icon.*convert",
    "QOI": "a QOI",
}


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
        (b"P3 2 2 255 0 0 0 1 1 1 2 2 2 3 3 3", "PNM.*convert"),
        (b"P7\nWIDTH 2\n", "PAM.*convert"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 40, "film"),
        (b"\0\0\0\x18ftypcrx " + b"\0" * 40, "raw"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"II\xbc\x01\x08\0\0\0", "JPEG XR"),
        (b"v/1\x01\x02\0\0\0", "OpenEXR"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"Rar!\x1a\x07\0", "archive"),
        (b"gimp xcf v011", "GIMP"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC 'a' 'b'>\n<svg/>", "SVG"),
        (b"\0" * 257 + b"ustar\0", "archive"),
        (encoded(Image.new("1", (20, 20)), "XBM"), "an XBM or XPM"),
        (b"/* XPM */\nstatic char *a[] = {", "an XBM or XPM"),
        (b"SDPX\0\0\x08\0V1.0", "a DPX"),
        (b"FORM\0\0\1\0ILBMBMHD", "an IFF"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5"),
        (base64.b64encode(SOUND["PNG"]), "base64 -d"),
        (b"data:image/jpeg;base64," + base64.b64encode(SOUND["JPEG"]), "base64 -d"),
        *[(encoded(Image.new("RGB", (20, 20)), kind), name) for kind, name in NAMED.items()],
        (PNG_SIGNATURE + b"\0\0\0\x04CgBI" + b"\0" * 40, "CgBI"),
    ],
)
def test_other_formats_are_named_or_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(data)
    assert len(str(caught.value)) < 200


def test_a_bitmap_of_odd_bit_fields_is_told_what_to_do() -> None:
    fields = struct.pack("<III", 0xF00, 0xF0, 0xF)
    head = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 16, 3, 0, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 98, 0, 0, 66) + head + fields + bytes(32)
    with pytest.raises(ImageError, match=r"a kind of BMP .* bitfields .*; convert it to PNG"):
        load_image(data)


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


# --- metadata cost nothing and refuse nothing -----------------------------------------------------


def test_a_run_length_coded_bmp_is_limited_in_bytes() -> None:
    info = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 1, 0, 0, 0, 256, 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + info + b"\0" * 1024
    assert load_image(data + b"\x08\x00\0\0" * 8 + b"\0\1").shape == (8, 8, 3)
    with pytest.raises(ImageError, match="run-length"):
        load_image(data + b"\0\0" * 3_000_000)


PIXELS = noise(6, 7)
PLAIN = as_float(PIXELS)


@pytest.mark.parametrize(
    "metadata",
    [
        chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 20_000_000)),
        chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"\0" * 20_000_000)),
        chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 20_000_000)),
        chunk(b"iCCP", b"a\0\0" + b"not deflate"),
        chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 10_000)) * 1500,
        chunk(b"tEXt", b"a\0") * 15_000,
        chunk(b"pHYs", b"short"),
        chunk(b"gAMA", b"\0\0\0\0"),
        chunk(b"teST", b"private"),
        chunk(b"iTXt", b"nothing"),
    ],
    ids=lambda metadata: metadata[4:8].decode(),
)
def test_metadata_of_a_png_change_nothing(metadata: bytes) -> None:
    np.testing.assert_array_equal(load_image(png(PIXELS, metadata)), PLAIN)
    end = png(PIXELS).index(b"IEND") - 4
    behind = png(PIXELS)[:end] + metadata + png(PIXELS)[end:]
    np.testing.assert_array_equal(load_image(behind), PLAIN)


@pytest.mark.parametrize("name", [b"gAMA", b"tEXt", b"iCCP", b"tIME", b"tRNS", b"eXIf"])
def test_a_wrong_checksum_of_metadata_is_ignored(name: bytes) -> None:
    wrong = chunk(name, b"\0" * 6)[:-4] + b"oops"
    np.testing.assert_array_equal(load_image(png(PIXELS, wrong)), PLAIN)


@pytest.mark.parametrize("length", [0, 1, 2, 5, 7, 256])
def test_transparency_of_a_wrong_length_is_ignored(length: int) -> None:
    wrong = chunk(b"tRNS", bytes(length))
    np.testing.assert_array_equal(load_image(png(PIXELS, wrong)), PLAIN)


def test_transparency_of_more_colours_than_the_palette_has_is_ignored() -> None:
    palette = Image.new("P", (3, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    data = encoded(palette, "PNG")
    at, end = data.index(b"IDAT") - 4, data.index(b"PLTE")
    colours = int.from_bytes(data[end - 4 : end], "big") // 3
    longer = data[:at] + chunk(b"tRNS", bytes(colours + 1)) + data[at:]
    np.testing.assert_array_equal(load_image(longer), load_image(data))


def test_a_damaged_palette_of_rgb_is_ignored() -> None:
    wrong = chunk(b"PLTE", bytes(6))[:-4] + b"oops"
    np.testing.assert_array_equal(load_image(png(PIXELS, wrong)), PLAIN)


def test_many_small_pieces_of_image_data_are_no_damage() -> None:
    whole = png(PIXELS)
    start, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
    data = whole[start + 8 : end - 4]
    pieces = b"".join(chunk(b"IDAT", data[i : i + 1]) for i in range(len(data)))
    np.testing.assert_array_equal(load_image(whole[:start] + pieces + whole[end:]), PLAIN)
    apart = chunk(b"IDAT", data[:9]) + chunk(b"tEXt", b"a\0") + chunk(b"IDAT", data[9:])
    with pytest.raises(ImageError, match="several places"):
        load_image(whole[:start] + apart + whole[end:])


def test_comments_of_a_gif_cost_nothing() -> None:
    data = SOUND["GIF"]
    start = 13 + 3 * (2 << (data[10] & 7))
    comment = b"\x21\xfe" + (b"\xff" + b"c" * 255) * 10_000 + b"\0"
    started = time.process_time()
    image = load_image(data[:start] + comment + data[start:])
    np.testing.assert_array_equal(image, load_image(data))
    assert time.process_time() - started < 1


def test_frames_of_a_gif_are_found_behind_their_comments() -> None:
    frames = [Image.new("L", (4, 3), grey) for grey in (10, 20, 30)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"c" * 900)
    assert contents(data).count == 3
    for page, grey in enumerate((10, 20, 30), 1):
        np.testing.assert_allclose(load_image(data, page=page), grey / 255, atol=1e-6)


@pytest.mark.parametrize("said", [b"!\xf9\x04\0\0\0\0\0", b""])
def test_a_frame_of_a_gif_stays_where_nothing_else_is_said(said: bytes) -> None:
    stays, goes = (b"!\xf9\x04" + bytes([n << 2, 0, 0, 0, 0]) for n in (1, 3))
    image, data = np.zeros((8, 16)), b""
    for width, control in ((16, stays), (12, goes), (8, said), (4, b"")):
        frame = encoded(Image.new("L", (width, 8), 10 * width), "GIF", optimize=False)
        head = 13 + 3 * (2 << (frame[10] & 7))
        data = (data or frame[:head]) + control + frame[frame.index(b",", head) : -1]
        if control != goes:
            image[:, :width] = 10 * width / 255
    np.testing.assert_allclose(load_image(data + b";", page=4)[..., 0], image)


def test_a_late_frame_of_a_large_animation_is_refused() -> None:
    with pytest.raises(ImageError, match="frame 300 of 2000x2000"):
        headers.check_frames(300, 2000, 2000)
    headers.check_frames(1, 20_000, 10_000)


# --- bits and compression decide what is a bomb ---------------------------------------------------


def test_flat_pictures_of_many_pixels_open() -> None:
    """A page of an office scanner, white, 35 Mpx: 1 bit for a row in group 4, 1 byte for 8000 in PNG."""
    page = Image.new("1", (4960, 7016), 1)
    for data in (
        encoded(page, "TIFF", compression="group4"),
        encoded(page, "PNG"),
        encoded(page, "GIF"),
        encoded(page.convert("L"), "JPEG", optimize=True),
    ):
        assert len(data) < 4960 * 7016 / 100
        image = load_image(data)
        assert image.shape == (7016, 4960, 3)
        assert image.min() > 0.99


def test_a_file_that_cannot_hold_so_many_pixels_is_refused() -> None:
    """Deflate makes at most 1032 bytes of one, so a picture of 400 bits a pixel less is a lie."""
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 16, 6, 0, 0, 0)
    data = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b"\0" * 500_000)
    with pytest.raises(ImageError, match="bomb"):
        load_image(data)


# --- endings --------------------------------------------------------------------------------------


def test_a_bitmap_without_the_padding_of_its_last_row_opens() -> None:
    data = encoded(Image.fromarray(noise(5, 5)), "BMP")  # rows of 15 bytes, padded to 16
    np.testing.assert_array_equal(load_image(data[:-1]), load_image(data))
    with pytest.raises(ImageError, match="truncated BMP"):
        load_image(data[:-2])
