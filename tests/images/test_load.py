"""What a picture becomes when it is opened, format by format; and what is refused."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.images import decode
from waldo_cli.images.load import load_image, load_mask, load_weights
from waldo_cli.images.png import save_png

ORIENTATION = 0x0112
WHITE = (1.0, 1.0, 1.0)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def png(samples: np.ndarray, *extra: bytes, rows: int | None = None) -> bytes:
    """Write `(H, W, 1 to 4)` uint8 or big-endian uint16; `extra` chunks come before the data."""
    height, width, channels = samples.shape
    depth = 8 * samples.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, PNG_COLOUR_TYPES[channels], 0, 0, 0)
    data = b"".join(
        b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in samples[:rows]
    )
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(data))
    return PNG_SIGNATURE + body + chunk(b"IEND", b"")


def tiff(
    samples: np.ndarray,
    photometric: int,
    *,
    order: str = "<",
    deflate: bool = False,
    tags: dict[int, tuple[int, list[int]]] | None = None,
) -> bytes:
    """Write `(H, W, C)` of any numpy type as one strip; `tags` are `{number: (type, values)}`."""
    height, width, channels = samples.shape
    strip = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    strip = zlib.compress(strip) if deflate else strip
    entries = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8 * samples.dtype.itemsize] * channels),
        259: (3, [8 if deflate else 1]),
        262: (3, [photometric]),
        273: (4, [8]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(strip)]),
        339: (3, [{"u": 1, "i": 2, "f": 3}[samples.dtype.kind]] * channels),
        **(tags or {}),
    }
    if photometric in (0, 1) and channels == 2 and 338 not in entries:
        entries[338] = (3, [2])
    strip += b"\0" * (len(strip) % 2)
    directory, outside = b"", b""
    after = 8 + len(strip) + 2 + 12 * len(entries) + 4
    for number, (kind, values) in sorted(entries.items()):
        packed = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values)
        if len(packed) > 4:
            outside, packed = outside + packed, struct.pack(order + "I", after + len(outside))
        directory += struct.pack(order + "HHI", number, kind, len(values)) + packed.ljust(4, b"\0")
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8 + len(strip))
    return head + strip + struct.pack(order + "H", len(entries)) + directory + b"\0" * 4 + outside


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def as_float(samples: np.ndarray) -> np.ndarray:
    return np.divide(samples, np.iinfo(samples.dtype).max, dtype=np.float32)


# --- one array, whatever the container --------------------------------------------------------------

LOSSLESS = {
    "png": ("PNG", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff-deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "tiff-packbits": ("TIFF", {"compression": "packbits"}),
    "webp": ("WEBP", {"lossless": True, "exact": True}),
}

pictures = st.builds(
    noise, st.integers(1, 12), st.integers(1, 12), st.just(3), st.integers(0, 2**16)
)


@settings(max_examples=40, deadline=None)
@given(samples=pictures, container=st.sampled_from(sorted(LOSSLESS)))
def test_lossless_containers_give_the_same_array(samples: np.ndarray, container: str) -> None:
    kind, options = LOSSLESS[container]
    image = load_image(encoded(Image.fromarray(samples), kind, **options))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, as_float(samples))


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


def test_grey_is_given_to_all_channels() -> None:
    grey = noise(4, 5, 1)
    np.testing.assert_array_equal(
        load_image(png(grey)), load_image(png(np.repeat(grey, 3, axis=2)))
    )


def test_path_file_and_bytes_give_the_same(tmp_path: Path) -> None:
    data = png(noise(4, 5))
    path = tmp_path / "a.jpg"  # the suffix does not matter
    path.write_bytes(data)
    expected = load_image(data)
    with path.open("rb", buffering=0) as unbuffered:
        for source in (path, str(path), io.BytesIO(data), unbuffered):
            np.testing.assert_array_equal(load_image(source), expected)


def test_jpeg_is_close_to_what_was_saved() -> None:
    smooth = np.linspace(0, 255, 32 * 32).reshape(32, 32).astype(np.uint8)
    rgb = np.stack([smooth, smooth[::-1], smooth.T], axis=-1)
    image = load_image(encoded(Image.fromarray(rgb), "JPEG", quality=100, subsampling=0))
    np.testing.assert_allclose(image, as_float(rgb), atol=0.02)


def test_text_profiles_and_trailing_bytes_change_nothing() -> None:
    samples = noise(6, 7)
    plain = load_image(png(samples))
    text = (
        chunk(b"tEXt", b"Comment\0hello"),
        chunk(b"zTXt", b"Note\0\0" + zlib.compress(b"x" * 999)),
    )
    np.testing.assert_array_equal(load_image(png(samples, *text) + b"PK\x03\x04tail"), plain)
    jpeg = encoded(Image.fromarray(samples), "JPEG")
    fat = encoded(Image.fromarray(samples), "JPEG", icc_profile=b"i" * 70_000, comment=b"c" * 500)
    np.testing.assert_array_equal(load_image(fat + b"tail"), load_image(jpeg))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(load_image(data), np.broadcast_to([1.0, 0.0, 0.0], (3, 4, 3)))


@pytest.mark.parametrize("size", [(1, 1), (1, 65_500), (65_500, 1)])
def test_thin_pictures_keep_their_shape(size: tuple[int, int]) -> None:
    assert load_image(encoded(Image.new("RGB", size), "PNG")).shape == (size[1], size[0], 3)


# --- more than 8 bits -------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    samples=st.builds(
        noise,
        st.integers(1, 8),
        st.integers(1, 8),
        st.sampled_from([1, 2, 3, 4]),
        st.integers(0, 999),
    )
)
def test_eight_bits_x_and_sixteen_bits_257x_are_the_same(samples: np.ndarray) -> None:
    np.testing.assert_array_equal(
        load_image(png(samples)), load_image(png(samples.astype(np.uint16) * 257))
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "container", ["png", "tiff <", "tiff >", "tiff < deflate", "tiff > deflate"]
)
def test_sixteen_bits_keep_all_their_bits(channels: int, container: str) -> None:
    samples = np.random.default_rng(1).integers(0, 65536, (5, 7, channels), np.uint16)
    if container == "png":
        data = png(samples)
    else:
        _, order, *deflate = container.split()
        data = tiff(samples, 1 if channels == 1 else 2, order=order, deflate=bool(deflate))
    image = load_image(data)
    np.testing.assert_array_equal(image, np.broadcast_to(as_float(samples), (5, 7, 3)))


def test_sixteen_bit_alpha_keeps_all_its_bits() -> None:
    samples = np.random.default_rng(2).integers(1, 65536, (5, 7, 4), np.uint16)
    colour, weights = load_mask(png(samples))
    np.testing.assert_array_equal(colour, as_float(samples[..., :3]))
    assert weights is not None
    np.testing.assert_array_equal(weights, as_float(samples[..., 3]))


def test_twelve_bits_reach_white() -> None:
    packed = np.array([[[0xFF], [0xF0], [0x00]]], np.uint8)  # two samples of 12 bits: 4095 and 0
    data = tiff(packed, 1, tags={256: (4, [2]), 258: (3, [12])})
    np.testing.assert_array_equal(load_image(data), [[[1, 1, 1], [0, 0, 0]]])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_white_is_zero_where_the_tiff_says_so(kind: type) -> None:
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    samples = np.array([[[0], [top]]], kind)
    np.testing.assert_array_equal(load_image(tiff(samples, 0)), [[[1, 1, 1], [0, 0, 0]]])


def test_planes_of_sixteen_bits_are_refused_not_misread() -> None:
    samples = np.zeros((2, 2, 3), np.uint16)
    offsets = {273: (4, [8, 16, 24]), 279: (4, [8, 8, 8]), 284: (3, [2])}
    with pytest.raises(ImageError, match="planes of 16-bit"):
        load_image(tiff(samples, 2, tags=offsets))


# --- samples without a natural white ----------------------------------------------------------------


def test_float_samples_inside_0_to_1_stay_as_they_are() -> None:
    samples = np.random.default_rng(3).random((4, 5, 1), np.float32)
    np.testing.assert_array_equal(load_image(tiff(samples, 1)), np.repeat(samples, 3, axis=2))


@pytest.mark.parametrize(
    ("samples", "levels"),
    [
        ([0, 100, 200], [0, 0.5, 1]),
        ([0.5, 1, 2], [0.25, 0.5, 1]),
        ([-1, 0, 1], [0, 0.5, 1]),
        ([-1e30, 0, 1e30], [0, 0.5, 1]),
        ([-np.inf, 0.5, np.inf], [0, 0.5, 1]),
        ([-3e38, 0, 3e38], [0, 0.5, 1]),
        ([np.nan, 0, 1], [1, 0, 1]),
        ([np.nan, -4, 4], [1, 0, 1]),
        ([np.nan, np.nan, np.nan], [1, 1, 1]),
    ],
)
def test_float_samples_beyond_are_stretched_and_nan_shows_the_paper(
    samples: list[float], levels: list[float]
) -> None:
    image = load_image(tiff(np.array(samples, np.float32).reshape(1, 3, 1), 1))
    np.testing.assert_allclose(image[0, :, 0], levels, atol=1e-7)


def test_nan_in_a_mask_does_not_count() -> None:
    mask, weights = load_mask(tiff(np.array([[[np.nan], [0.25], [1.0]]], np.float32), 1))
    assert weights is not None
    np.testing.assert_array_equal(weights, [[0, 1, 1]])
    assert np.isfinite(mask).all()


@pytest.mark.parametrize(
    ("kind", "samples", "levels"),
    [
        (np.int16, [0, 16384, 32767], [0, 16384 / 32767, 1]),
        (np.int16, [-100, 0, 100], [0, 0.5, 1]),
        (np.int32, [0, 500, 1000], [0, 0.5, 1]),
        (np.uint32, [0, 2**31, 2**32 - 1], [0, 0.5, 1]),
    ],
)
def test_signed_and_32_bit_samples_reach_from_black_to_white(
    kind: type, samples: list[int], levels: list[float]
) -> None:
    image = load_image(tiff(np.array(samples, kind).reshape(1, 3, 1), 1))
    np.testing.assert_allclose(image[0, :, 0], levels, atol=1e-6)


# --- colour spaces ----------------------------------------------------------------------------------


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


# --- transparency -----------------------------------------------------------------------------------


def test_what_alpha_hides_does_not_come_back() -> None:
    samples = np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 51]]], np.uint8)
    np.testing.assert_allclose(
        load_image(png(samples))[0], [WHITE, [1, 0, 0], [0.8, 0.8, 0.8]], atol=1e-6
    )


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_opaque_alpha_is_no_alpha(kind: str, mode: str) -> None:
    plain = Image.fromarray(noise(5, 6)).convert(mode[:-1])
    options = {"lossless": True} if kind == "WEBP" else {}
    opaque = encoded(plain.convert(mode), kind, **options)
    np.testing.assert_array_equal(load_image(opaque), load_image(encoded(plain, kind, **options)))
    assert load_mask(opaque)[1] is None


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\xff"])
def test_transparent_palette_entries_are_transparent(transparency: int | bytes) -> None:
    palette = Image.new("P", (3, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    data = encoded(palette, "PNG", transparency=transparency)
    np.testing.assert_array_equal(load_image(data), [[[1, 0, 0], WHITE, [0, 0, 1]]])
    weights = load_mask(data)[1]
    assert weights is not None
    np.testing.assert_array_equal(weights, [[1, 0, 1]])


def test_gif_transparency_is_transparent() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1])
    np.testing.assert_array_equal(
        load_image(encoded(palette, "GIF", transparency=1)), [[[1, 0, 0], WHITE]]
    )


@pytest.mark.parametrize(
    ("samples", "key", "transparent"),
    [
        (np.array([[[7], [8]]], np.uint8), [7], [True, False]),
        (np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8), [1, 2, 3], [True, False]),
        (np.array([[[0x1234], [0x1235]]], np.uint16), [0x1234], [True, False]),
        (np.array([[[0x1234, 0, 9], [0x1235, 0, 9]]], np.uint16), [0x1234, 0, 9], [True, False]),
    ],
)
def test_the_transparent_colour_of_a_png_is_compared_with_all_its_bits(
    samples: np.ndarray, key: list[int], transparent: list[bool]
) -> None:
    data = png(samples, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))
    np.testing.assert_array_equal((load_image(data)[0] == 1).all(axis=-1), transparent)


def test_the_transparent_grey_of_two_bits_is_found() -> None:
    header = struct.pack(">IIBBBBB", 4, 1, 2, 0, 0, 0, 0)
    data = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"tRNS", b"\0\2")
    data += chunk(b"IDAT", zlib.compress(b"\0\x1b")) + chunk(b"IEND", b"")  # 0 1 2 3
    np.testing.assert_allclose(load_image(data)[0, :, 0], [0, 1 / 3, 1, 1])


def test_premultiplied_alpha_of_grey_is_divided_out() -> None:
    samples = np.array([[[50, 100], [0, 0], [255, 255]]], np.uint8)
    mask, weights = load_mask(tiff(samples, 1, tags={338: (3, [1])}))
    assert weights is not None
    np.testing.assert_allclose(weights[0], [100 / 255, 0, 1])
    np.testing.assert_allclose(mask[0, 0], [0.5] * 3, atol=0.01)


# --- the turn that EXIF asks for --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("k", range(1, 9))
def test_exif_orientation_equals_turning_beforehand(kind: str, k: int) -> None:
    stored = Image.fromarray(noise(16, 24))
    exif = Image.Exif()
    exif[ORIENTATION] = k
    options = {"lossless": True} if kind == "WEBP" else {}
    plain = load_image(encoded(stored, kind, **options))
    turned = encoded(stored, kind, exif=exif.tobytes(), **options)
    upright = Image.fromarray((plain * 255).round().astype(np.uint8))
    upright.getexif()[ORIENTATION] = k
    expected = as_float(np.asarray(ImageOps.exif_transpose(upright)))
    np.testing.assert_array_equal(load_image(turned), expected)
    np.testing.assert_array_equal(load_image(turned, orient=False), plain)
    mask, _ = load_mask(turned)
    np.testing.assert_array_equal(mask, expected)


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


# --- masks and weights ------------------------------------------------------------------------------


def test_alpha_of_a_mask_becomes_weights_and_its_colours_stay() -> None:
    samples = np.array([[[255, 0, 0, 0], [0, 255, 0, 51], [0, 0, 255, 255]]], np.uint8)
    mask, weights = load_mask(png(samples))
    assert weights is not None
    assert mask.dtype == weights.dtype == np.float32
    np.testing.assert_array_equal(mask, as_float(samples[..., :3]))
    np.testing.assert_array_equal(weights, as_float(samples[..., 3]))


def test_a_transparent_mask_is_refused() -> None:
    samples = noise(4, 4, 4)
    samples[..., 3] = 0
    with pytest.raises(ImageError, match="transparent everywhere"):
        load_mask(png(samples))


@pytest.mark.parametrize("hidden", [False, True])
def test_a_mask_of_one_colour_is_refused(hidden: bool) -> None:
    samples = np.full((4, 4, 4), 200, np.uint8)
    if hidden:  # another colour where it does not count
        samples[0, 0] = (1, 2, 3, 0)
    with pytest.raises(ImageError, match="one colour"):
        load_mask(png(samples))


def test_weights_are_grey_times_alpha() -> None:
    samples = np.array([[[255, 255], [255, 0], [51, 255], [0, 255]]], np.uint8)
    weights = load_weights(png(samples))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [[1, 0, 0.2, 0]])


def test_weights_with_colours_or_without_any_are_refused() -> None:
    with pytest.raises(ImageError, match="grey"):
        load_weights(png(noise(3, 3)))
    with pytest.raises(ImageError, match="0 everywhere"):
        load_weights(png(np.zeros((3, 3, 1), np.uint8)))


# --- what is no file, or no picture -----------------------------------------------------------------


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


def test_no_picture_starts_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(os, "system", refuse)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError):
        load_image(eps)


# --- sizes ------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(decode, "_MAX_FILE_BYTES_EVER", 4 << 20)
    data = SOUND["PNG"].ljust(mebibytes << 20, b"\0")
    (tmp_path / "a.png").write_bytes(data)
    for source in (tmp_path / "a.png", io.BytesIO(data), data):
        if most is None:
            assert load_image(source, max_pixels=limit).ndim == 3
            continue
        with pytest.raises(ImageError, match=f"is larger than {most} MiB") as refused:
            load_image(source, max_pixels=limit)
        assert ("--max-pixels raises" in refused.value.reason) == (most < 4)


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


# --- damage -----------------------------------------------------------------------------------------

SOUND = {
    "PNG": png(noise(24, 32)),
    "JPEG": encoded(Image.fromarray(noise(24, 32)), "JPEG", quality=95, subsampling=0),
    "progressive JPEG": encoded(Image.fromarray(noise(24, 32)), "JPEG", progressive=True),
    "GIF": encoded(Image.fromarray(noise(24, 32)).quantize(64), "GIF", interlace=0),
    "WEBP": encoded(Image.fromarray(noise(24, 32)), "WEBP"),
    "lossless WEBP": encoded(Image.fromarray(noise(24, 32)), "WEBP", lossless=True),
    "TIFF": encoded(Image.fromarray(noise(24, 32)), "TIFF"),
    "LZW TIFF": encoded(Image.fromarray(noise(24, 32)), "TIFF", compression="tiff_lzw"),
    "BMP": encoded(Image.fromarray(noise(24, 32)), "BMP"),
}


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    data = SOUND[kind]
    with pytest.raises(ImageError, match=r"truncated|damaged") as caught:
        load_image(data[: int(len(data) * share)])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


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


# --- metadata that would cost too much --------------------------------------------------------------


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


# --- nothing is left behind -------------------------------------------------------------------------


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


# --- writing ----------------------------------------------------------------------------------------


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    samples=st.builds(
        noise, st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 999)
    )
)
def test_a_written_png_reads_back_the_same(tmp_path: Path, samples: np.ndarray) -> None:
    path = tmp_path / "out.png"
    save_png(path, samples[..., 0] if samples.shape[-1] == 1 else samples)
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        assert image.mode == ("L" if samples.shape[-1] == 1 else "RGB")
        np.testing.assert_array_equal(np.asarray(image).reshape(samples.shape), samples)


def test_a_written_png_of_several_bands_is_the_same_on_any_number_of_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = noise(1200, 700)[:, ::-1]
    written = set()
    for cores in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", cores)
        save_png(tmp_path / "out.png", samples)
        written.add((tmp_path / "out.png").read_bytes())
        np.testing.assert_array_equal(load_image(tmp_path / "out.png"), as_float(samples))
    (data,) = written
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    chunks = data.split(b"IDAT")[1:]
    zlib.decompress(
        b"".join(part[: -8 if i + 1 < len(chunks) else -16] for i, part in enumerate(chunks))
    )


def test_a_png_that_cannot_be_written_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist") as caught:
        save_png(tmp_path / "no" / "out.png", noise(2, 2))
    assert caught.value.path == str(tmp_path / "no" / "out.png")


def test_a_written_png_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    save_png(tmp_path / "out.png", noise(2, 2))
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1


def test_opening_pictures_needs_nothing_that_is_slow_to_import() -> None:
    code = (
        "import sys, waldo_cli.images.load; print({'scipy', 'torch', 'click'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
