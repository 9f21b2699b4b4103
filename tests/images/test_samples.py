"""From samples of any depth, with or without alpha, to float32 RGB in [0, 1], upright."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagefiles import PNG_SIGNATURE, WHITE, as_float, chunk, encoded, noise, png, tiff
from PIL import Image, ImageOps

from waldo_cli.images.load import load_image, load_mask


def test_grey_is_given_to_all_channels() -> None:
    grey = noise(4, 5, 1)
    np.testing.assert_array_equal(
        load_image(png(grey)), load_image(png(np.repeat(grey, 3, axis=2)))
    )


# --- more than 8 bits -----------------------------------------------------------------------------


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


def test_sixteen_bits_of_grey_with_alpha_keep_all_their_bits() -> None:
    samples = np.random.default_rng(3).integers(1, 65536, (5, 7, 2), np.uint16)
    colour, weights = load_mask(png(samples))
    np.testing.assert_array_equal(colour, np.broadcast_to(as_float(samples[..., :1]), (5, 7, 3)))
    assert weights is not None
    np.testing.assert_array_equal(weights, as_float(samples[..., 1]))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_frames_of_sixteen_bits_have_no_bits_of_the_first_one(channels: int) -> None:
    frames = [np.full((3, 4, channels), value, np.uint16) for value in (0x1234, 0xABCD)]
    for frame in frames:
        frame[..., channels - 1 if channels % 2 == 0 else channels :] = 0xFFFF
    first, second = map(png, frames)
    control = struct.pack(">IIIIHHBB", 4, 3, 0, 0, 1, 10, 0, 0)
    start = first.index(b"IDAT") - 4
    packed = second[second.index(b"IDAT") + 4 : -16]
    data = (
        first[:start]
        + chunk(b"acTL", struct.pack(">II", 2, 0))
        + chunk(b"fcTL", struct.pack(">I", 0) + control)
        + first[start:-12]
        + chunk(b"fcTL", struct.pack(">I", 1) + control)
        + chunk(b"fdAT", struct.pack(">I", 2) + packed)
        + first[-12:]
    )
    assert load_image(data)[0, 0, 0] == np.float32(0x1234 / 65535)
    seen = load_image(data, page=2)[0, 0, 0]
    assert np.isclose(seen, 0xABCD / 65535 if channels == 1 else 0xABAB / 65535, atol=1e-6)


def test_twelve_bits_reach_white() -> None:
    packed = np.array([[[0xFF], [0xF0], [0x00]]], np.uint8)  # two samples of 12 bits: 4095 and 0
    data = tiff(packed, 1, tags={256: (4, [2]), 258: (3, [12])})
    np.testing.assert_array_equal(load_image(data), [[[1, 1, 1], [0, 0, 0]]])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_white_is_zero_where_the_tiff_says_so(kind: type) -> None:
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    samples = np.array([[[0], [top]]], kind)
    np.testing.assert_array_equal(load_image(tiff(samples, 0)), [[[1, 1, 1], [0, 0, 0]]])


# --- samples without a natural white --------------------------------------------------------------


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
        ([np.finfo(np.float32).min, 5, 10], [1, 0.5, 1]),
        ([np.finfo(np.float32).max, 5, 10], [1, 0.5, 1]),
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
        (np.int16, [10188, 10942, 11696], [0, 0.5, 1]),
        (np.int16, [7, 7, 7], [1, 1, 1]),
        (np.int32, [0, 500, 1000], [0, 0.5, 1]),
        (np.int32, [500, 750, 1000], [0.5, 0.75, 1]),
        (np.int32, [600, 800, 1000], [0, 0.5, 1]),
        (np.uint32, [0, 2**31, 2**32 - 1], [0, 0.5, 1]),
    ],
)
def test_signed_and_32_bit_samples_reach_from_black_to_white(
    kind: type, samples: list[int], levels: list[float]
) -> None:
    image = load_image(tiff(np.array(samples, kind).reshape(1, 3, 1), 1))
    np.testing.assert_allclose(image[0, :, 0], levels, atol=1e-6)


def scene(kind: str) -> np.ndarray:
    """Samples `(60, 80, 1)` without a value for white."""
    random = np.random.default_rng(0)
    noisy = random.random((60, 80, 1))
    if kind == "mask":  # one dot
        return ((np.arange(4800) == 77) * 255.0).reshape(60, 80, 1)
    if kind == "labels":
        return np.floor(noisy * 5)
    if kind == "heights":
        return 400 + 8000 * noisy
    if kind == "lamps":  # a dark scene with small bright lights
        return np.where(noisy < 0.002, 255, 4 * noisy)
    if kind == "highlights":  # ever fewer, ever brighter
        return 10 ** (3 * noisy**30)
    if kind == "around 0":
        return np.where(noisy < 0.1, -1, 0.2 * noisy + 0.8)
    return 2550 * noisy


@pytest.mark.parametrize(
    "kind", ["noise", "mask", "labels", "heights", "lamps", "highlights", "around 0"]
)
def test_the_range_is_that_of_all_samples(kind: str) -> None:
    samples = scene(kind).astype(np.float32)
    low, high = min(0.0, float(samples.min())), max(1.0, float(samples.max()))
    expected = (samples[..., 0].astype(np.float64) - low) / (high - low)
    np.testing.assert_array_equal(load_image(tiff(samples, 1))[..., 0], expected.astype(np.float32))


@pytest.mark.parametrize("value", [1e9, 60_000, -60_000, 1e38])
def test_a_broken_pixel_does_not_set_the_range(value: float) -> None:
    samples = scene("noise").astype(np.float32)
    whole = load_image(tiff(samples, 1))
    samples[3, 3] = value
    image = load_image(tiff(samples, 1))
    assert image[3, 3, 0] == (value > 0)
    image[3, 3] = whole[3, 3]
    np.testing.assert_allclose(image, whole, atol=0.002)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (np.float32, -9999),
        (np.float32, -32768),
        (np.float32, 1e20),
        (np.float32, -1e38),
        (np.float64, 9.96921e36),
        (np.int16, -32768),
        (np.int16, -9999),
        (np.int32, -(2**31)),
        (np.uint32, 2**32 - 1),
    ],
)
def test_what_is_repeated_far_from_all_other_samples_is_missing(kind: type, value: float) -> None:
    samples = scene("noise").astype(kind)
    samples[:9] = 0
    whole = load_image(tiff(samples, 1))
    samples[:9] = value
    image = load_image(tiff(samples, 1))
    assert (image[:9] == 1).all(), "white, as all that is transparent"
    np.testing.assert_array_equal(image[9:], whole[9:])


def test_what_looks_missing_and_is_near_or_alone_with_another_value_is_not() -> None:
    deep = np.linspace(-10_000, 0, 4800, dtype=np.float32).reshape(60, 80, 1)
    deep[20:29] = -9999
    np.testing.assert_allclose(load_image(tiff(deep, 1))[25, 9], 1e-4, atol=1e-5)
    both = np.where(scene("mask") > 0, 0, -9999).astype(np.float32)
    assert set(load_image(tiff(both, 1)).ravel()) == {0, np.float32(9999 / 10_000)}


# --- transparency ---------------------------------------------------------------------------------


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


# --- the turn that EXIF asks for ------------------------------------------------------------------

ORIENTATION = 0x0112


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
