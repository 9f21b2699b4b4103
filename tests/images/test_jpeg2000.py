"""JPEG 2000: what the headers of the codestream tell."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from imagefiles import as_float, encoded, noise
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images import jpeg2000
from waldo_cli.images.load import load_image

PICTURE = Image.fromarray(noise(40, 50))


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}, {"tile_size": (16, 16)}])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_lossless_pictures_keep_their_samples(mode: str, options: dict[str, object]) -> None:
    picture = PICTURE.convert(mode)
    image = load_image(encoded(picture, "JPEG2000", **options))
    plain = as_float(np.asarray(picture.convert("RGB")))
    np.testing.assert_allclose(image, plain, atol=1e-6)


def test_sixteen_bits_of_grey() -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (20, 30), np.uint16)
    image = load_image(encoded(Image.fromarray(samples), "JPEG2000"))
    np.testing.assert_allclose(image[..., 0], as_float(samples), atol=1e-6)


def changed(at: int, value: bytes, **options: object) -> bytes:
    """A codestream with other bytes, counted from its first marker."""
    data = encoded(PICTURE, "JPEG2000", no_jp2=True, **options)
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}, {"no_jp2": True, "tile_size": (16, 16)}])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_what_ends_within_a_box_or_a_tile_is_truncated(
    options: dict[str, object], share: float
) -> None:
    data = encoded(PICTURE, "JPEG2000", **options)
    with pytest.raises(ImageError, match="truncated JPEG 2000"):
        load_image(data[: int(len(data) * share)])


def test_bombs_are_refused_by_their_header() -> None:
    with pytest.raises(ImageError, match="too large: 30000x30000"):
        load_image(changed(8, struct.pack(">II", 30_000, 30_000)))
    with pytest.raises(ImageError, match="bomb"):
        load_image(changed(8, struct.pack(">II", 10_000, 10_000))[:1000])
    with pytest.raises(ImageError, match="truncated JPEG 2000"):
        load_image(changed(0, b"\xff\x4f\xff\x51")[:30])


def test_small_blocks_and_precincts_are_refused() -> None:
    data = encoded(PICTURE, "JPEG2000", no_jp2=True)
    style = data.index(b"\xff\x52")  # COD: length, flags, order, layers, ...
    large = data[:8] + struct.pack(">II", 4000, 4000) + data[16:24]
    large += struct.pack(">II", 4000, 4000) + data[32:]
    jpeg2000.screen(large, None)
    blocks = large[: style + 10] + b"\0\0" + large[style + 12 :]  # 4x4
    precincts = large[: style + 4] + b"\1" + large[style + 5 : style + 14] + b"\0" * 6
    for worse in (blocks, precincts + large[style + 14 :]):
        with pytest.raises(ImageError, match="blocks would take too long"):
            jpeg2000.screen(worse, None)


def test_many_tiles_and_components_are_refused() -> None:
    with pytest.raises(ImageError, match="blocks would take too long"):
        jpeg2000.screen(
            changed(8, struct.pack(">6I", 4000, 4000, 0, 0, 1, 1)) + b"\0" * 200_000, None
        )
    with pytest.raises(ImageError, match="300 components"):
        load_image(changed(40, struct.pack(">H", 300)))


def with_parts(parts: list[bytes]) -> bytes:
    """A codestream whose tile has these parts: the segments of each."""
    data = encoded(PICTURE, "JPEG2000", no_jp2=True)
    heads = (struct.pack(">HHHIH", 0xFF90, 10, 0, 12 + len(part), 0) + part for part in parts)
    return data[: data.index(b"\xff\x90")] + b"".join(heads)


def test_the_walk_through_a_part_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []
    monkeypatch.setattr(jpeg2000, "_style", lambda _, at, *__: walked.append(at) or 0)
    data = with_parts([b"\xff\x64\0\x0e"] * 300)  # its length leads into the next part
    jpeg2000.screen(data, None)
    assert len(walked) == len(set(walked))


@pytest.mark.parametrize("parts", [[b"\xff\x64\0\2" * 101], [b"\xff\x64\0\2" * 9] * 11])
def test_segments_of_all_parts_are_limited_together(
    parts: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jpeg2000, "_MAX_SEGMENTS", 100)
    with pytest.raises(ImageError, match="it has more than 100 segments"):
        jpeg2000.screen(with_parts(parts), None)


def test_a_header_that_is_cut_short_is_refused() -> None:
    data = encoded(PICTURE, "JPEG2000", no_jp2=True)
    style = data.index(b"\xff\x52")
    for cut in range(style, style + 16):
        with pytest.raises(ImageError):
            load_image(data[:cut])


@pytest.mark.parametrize(
    "tail", [b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x10mdat a film", b"\0" * 99, b"words"]
)
@pytest.mark.parametrize("large", [False, True])
def test_what_stands_behind_the_codestream_refuses_no_pixels(tail: bytes, large: bool) -> None:
    data = encoded(PICTURE, "JPEG2000")
    if large:  # the length of the box in 64 bits
        at = data.index(b"jp2c") - 4
        length = struct.unpack_from(">I", data, at)[0] + 8
        data = data[:at] + b"\0\0\0\1jp2c" + struct.pack(">Q", length) + data[at + 8 :]
    np.testing.assert_array_equal(load_image(data + tail), load_image(data))


# --- samples of other than 8 bits ------------------------------------------------------------------


def steep(picture: Image.Image, bits: int) -> bytes:
    """Samples of 8 bits, said to have more bits and twice as far from the middle: 0 and 255 are clipped."""
    data = bytearray(encoded(picture, "JPEG2000", no_jp2=True, irreversible=True))
    count = len(picture.getbands())
    data[42 : 42 + 3 * count : 3] = bytes([bits - 1] * count)
    style = data.index(b"\xff\x5c")  # QCD: length, guard bits and style, then exponents of steps
    end = style + 2 + data[style + 3]
    data[style + 4] += 32
    for at in range(style + 5, end, 2):
        data[at] -= 8
    return bytes(data)


@pytest.mark.parametrize("bits", [9, 10, 12, 16])
@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA"])
def test_the_highest_value_of_many_bits_is_white_and_opaque(mode: str, bits: int) -> None:
    picture = Image.new(mode, (48, 32), (255,) * len(mode))
    picture.paste((0,) * (len(mode.strip("A"))) + (255,) * mode.count("A"), (0, 0, 16, 32))
    picture.paste((128,) * (len(mode.strip("A"))) + (255,) * mode.count("A"), (16, 0, 32, 32))
    image = load_image(steep(picture, bits), must_show=True)
    np.testing.assert_allclose(image[4:28, 8], 0, atol=0.01)
    np.testing.assert_allclose(image[4:28, 24], 0.5, atol=0.01)
    np.testing.assert_allclose(image[4:28, 40], 1, atol=0.01)


@pytest.mark.parametrize("options", [{}, {"irreversible": True}, {"tile_size": (16, 16)}])
def test_one_bit_more_sets_the_samples_into_the_middle_of_twice_their_range(
    options: dict[str, object],
) -> None:
    data = encoded(PICTURE, "JPEG2000", **options)
    wider = Image.open(io.BytesIO(jpeg2000.with_one_bit_more(data)))
    plain = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    assert np.abs(np.asarray(wider) - (plain + 128) / 2).max() <= 1


def test_without_guard_bits_a_dark_picture_of_many_bits_is_refused() -> None:
    data = bytearray(steep(Image.new("RGB", (32, 32)), 12))
    data[data.index(b"\xff\x5c") + 4] &= 31
    with pytest.raises(ImageError, match="without guard bits cannot be opened; convert it"):
        jpeg2000.with_one_bit_more(bytes(data))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_highest_value_of_few_bits_is_white(bits: int) -> None:
    picture = Image.new("L", (32, 32), 255)
    picture.paste(0, (0, 0, 16, 32))
    data = encoded(picture, "JPEG2000", no_jp2=True)
    image = load_image(data[:42] + bytes([bits - 1]) + data[43:])
    assert [image[4, 4, 0], image[4, 28, 0]] == [0, 1]


def defined(picture: Image.Image, meanings: list[tuple[int, int]] | None) -> bytes:
    """A JP2 file that says of each channel its kind (0 colour, 1 and 2 opacity), and of what colour."""
    data = encoded(picture, "JPEG2000", mct=0)
    codestream = data[data.index(b"jp2c") - 4 :]
    space = b"\x10" if len(picture.getbands()) > 2 else b"\x11"
    boxes = data[data.index(b"ihdr") - 4 :][:22] + b"\0\0\0\x0fcolr\1\0\0\0\0\0" + space
    if meanings is not None:
        boxes += struct.pack(">I4sH", 10 + 6 * len(meanings), b"cdef", len(meanings))
        boxes += b"".join(struct.pack(">HHH", n, *meaning) for n, meaning in enumerate(meanings))
    head = data[: data.index(b"jp2h") - 4] + struct.pack(">I4s", 8 + len(boxes), b"jp2h")
    return head + boxes + codestream


RED, GREEN, BLUE = (0, 1), (0, 2), (0, 3)


@pytest.mark.parametrize(
    ("meanings", "order", "alpha"),
    [
        (None, [0, 1, 2], None),  # infrared, as aerial photographs have it
        ([RED, GREEN, BLUE, (65535, 65535)], [0, 1, 2], None),
        ([RED, GREEN, BLUE, (1, 0)], [0, 1, 2], 3),
        ([(1, 0), BLUE, GREEN, RED], [3, 2, 1], 0),
        ([RED, RED, RED, (1, 0)], [0, 1, 2], 3),  # a contradiction
    ],
)
def test_components_of_a_jp2_are_what_it_says(
    meanings: list[tuple[int, int]] | None, order: list[int], alpha: int | None
) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8)
    stored = as_float(samples)
    right = stored[..., order]
    if alpha is not None:
        opacity = stored[..., [alpha]]
        right = right * opacity + 1 - opacity
    image = load_image(defined(Image.fromarray(samples), meanings))
    np.testing.assert_allclose(image, right, atol=1e-5)


def test_colours_that_are_multiplied_by_alpha_are_not_multiplied_again() -> None:
    opacity = np.linspace(0.5, 1, 50)[:, np.newaxis]
    colours = np.round(as_float(noise(40, 50)) * opacity * 255)
    alpha = np.broadcast_to(np.round(opacity * 255), (40, 50, 1))
    picture = Image.fromarray(np.concatenate((colours, alpha), axis=2).astype(np.uint8))
    image = load_image(defined(picture, [RED, GREEN, BLUE, (2, 0)]))
    np.testing.assert_allclose(image, (colours + 255 - alpha) / 255, atol=0.01)


def test_a_second_component_without_a_word_is_no_alpha() -> None:
    picture = PICTURE.convert("LA")
    picture.putalpha(128)
    plain = as_float(np.asarray(picture.convert("L")))
    image = load_image(defined(picture, None))
    np.testing.assert_allclose(image[..., 0], plain, atol=1e-6)


def test_brightness_and_differences_of_many_bits_are_refused() -> None:
    data = encoded(PICTURE, "JPEG2000", no_jp2=True)
    halved = data[:42] + bytes([11, 1, 1, 11, 2, 1, 11, 2, 1]) + data[51:]
    with pytest.raises(ImageError, match="JPEG 2000 picture of YCC of 12 bits cannot be opened"):
        load_image(halved)


@pytest.mark.parametrize(
    ("mode", "own", "said"),
    [("RGB", 16, 17), ("RGBA", 16, 17), ("RGB", 16, 12), ("L", 17, 16), ("LA", 17, 18)],
)
def test_colours_that_do_not_fit_the_components_are_told_by_their_number(
    mode: str, own: int, said: int
) -> None:
    # GDAL calls colours of 16 bits grey.
    data = encoded(PICTURE.convert(mode), "JPEG2000")
    right, wrong = (b"colr\1\0\0\0\0\0" + bytes([number]) for number in (own, said))
    assert data.count(right) == 1
    np.testing.assert_array_equal(load_image(data.replace(right, wrong)), load_image(data))


def test_a_palette_makes_colours_of_one_component() -> None:
    numbers = np.random.default_rng(0).integers(0, 4, (40, 50), np.uint8)
    palette = np.random.default_rng(1).integers(0, 256, (4, 3), np.uint8)
    data = encoded(Image.fromarray(numbers), "JPEG2000")
    said = struct.pack(">HB3B", 4, 3, 7, 7, 7) + palette.tobytes()
    added = struct.pack(">I4s", 8 + len(said), b"pclr") + said
    added += struct.pack(">I4s", 8 + 12, b"cmap") + b"".join(bytes([0, 0, 1, n]) for n in range(3))
    start, end = data.index(b"jp2h") - 4, data.index(b"colr") + 11
    (length,) = struct.unpack_from(">I", data, start)
    head = struct.pack(">I", length + len(added)) + data[start + 4 : end - 1] + b"\x10" + added
    image = load_image(data[:start] + head + data[end:])
    np.testing.assert_array_equal(image, as_float(palette)[numbers])
