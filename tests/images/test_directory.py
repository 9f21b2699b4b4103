"""Directories of a TIFF: which picture, which samples, what is refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagefiles import as_float, encoded, noise, tiff
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images.load import load_image, load_mask
from waldo_cli.images.pages import contents

# --- a writer for what Pillow does not write ------------------------------------------------------


def differences(rows: np.ndarray, predictor: int) -> bytes:
    """Bytes of samples `(h, w, c)` as the predictor stores them; TIFF 6.0, 14, and Technical Note 3."""
    height, _, channels = rows.shape
    if predictor == 2:
        whole = rows.view(f"{rows.dtype.str[0]}u{rows.itemsize}")
        native = whole.astype(f"=u{rows.itemsize}")
        steps = np.diff(native, axis=1, prepend=np.zeros_like(native[:, :1]))
        return steps.astype(whole.dtype).tobytes()
    if predictor == 3:
        big = rows.astype(rows.dtype.newbyteorder(">"))
        planes = np.frombuffer(big.tobytes(), np.uint8).reshape(height, -1, rows.itemsize)
        line = planes.swapaxes(1, 2).reshape(height, -1, channels)
        return np.diff(line, axis=1, prepend=np.zeros_like(line[:, :1])).tobytes()
    return rows.tobytes()


def written(
    samples: np.ndarray,
    *,
    order: str = "<",
    big: bool = False,
    planes: bool = False,
    predictor: int = 1,
    tile: int = 0,
    photometric: int | None = None,
    tags: dict[int, tuple[int, bytes]] | None = None,
    types: dict[int, int] | None = None,
    replaced: dict[int, tuple[int, bytes]] | None = None,
) -> bytes:
    """`(H, W, C)` with deflate, in strips of 5 rows or in square tiles.

    `types` sets types of tags, `replaced` says something else than what the samples are.
    """
    height, width, channels = samples.shape
    samples = samples.astype(samples.dtype.newbyteorder(order))
    layers = [samples[..., n : n + 1] for n in range(channels)] if planes else [samples]
    head = 16 if big else 8
    body, offsets, lengths = b"", [], []
    for layer in layers:
        if tile:
            pad = ((0, -height % tile), (0, -width % tile), (0, 0))
            full = np.pad(layer, pad, mode="edge")
            parts = [
                full[y : y + tile, x : x + tile]
                for y in range(0, full.shape[0], tile)
                for x in range(0, full.shape[1], tile)
            ]
        else:
            parts = [layer[y : y + 5] for y in range(0, height, 5)]
        for part in parts:
            packed = zlib.compress(differences(np.ascontiguousarray(part), predictor))
            offsets.append(head + len(body))
            lengths.append(len(packed))
            body += packed + b"\0" * (len(packed) % 2)
    formats = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    numbers = {
        256: [width],
        257: [height],
        258: [8 * samples.itemsize] * channels,
        259: [8],
        262: [2 if channels >= 3 else 1] if photometric is None else [photometric],
        277: [channels],
        284: [2 if planes else 1],
        317: [predictor],
        339: [formats] * channels,
    }
    if channels in (2, 4) and 338 not in (tags or {}):
        numbers[338] = [2]
    if tile:
        numbers |= {322: [tile], 323: [tile], 324: offsets, 325: lengths}
    else:
        numbers |= {273: offsets, 278: [5], 279: lengths}
    letters = {1: "B", 3: "H", 4: "I", 6: "b", 16: "Q"}
    entries = dict(tags or {})
    counts = {}
    for number, values in numbers.items():
        kind = (types or {}).get(number, 16 if big and number in (273, 324) else 4)
        entries[number] = kind, struct.pack(order + letters[kind] * len(values), *values)
        counts[number] = len(values)
    entries |= replaced or {}
    field, letter = (8, "Q") if big else (4, "I")
    where = head + len(body)
    after = where + (8 if big else 2) + len(entries) * (4 + 2 * field) + field
    rows = outside = b""
    for number, (kind, packed) in sorted(entries.items()):
        size = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 16: 8}[kind]
        content = packed.ljust(field, b"\0")
        if len(packed) > field:
            content = struct.pack(order + letter, after + len(outside))
            outside += packed + b"\0" * (len(packed) % 2)
        rows += struct.pack(order + "HH" + letter, number, kind, len(packed) // size) + content
    mark = b"II" if order == "<" else b"MM"
    if big:
        mark += struct.pack(order + "HHHQ", 43, 8, 0, where)
    else:
        mark += struct.pack(order + "HI", 42, where)
    directory = struct.pack(order + ("Q" if big else "H"), len(entries)) + rows + b"\0" * field
    return mark + body + directory + outside


def samples_of(kind: str, channels: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind.startswith("f"):
        return rng.random((13, 37, channels)).astype(kind)
    most = np.iinfo(kind).max
    return rng.integers(0, most, (13, 37, channels), dtype=kind, endpoint=True)


def expected(samples: np.ndarray) -> np.ndarray:
    colours = samples[..., :3] if samples.shape[-1] >= 3 else samples[..., :1]
    values = colours.astype(np.float64)
    if samples.dtype.kind == "u" and samples.itemsize <= 2:
        values /= np.iinfo(samples.dtype).max
    elif samples.dtype.kind != "f":
        values /= values.max()
    return np.broadcast_to(values, (*samples.shape[:2], 3))


# --- samples --------------------------------------------------------------------------------------

KINDS = ["u1", "u2", "i2", "f2", "u4", "f4", "f8"]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_every_depth(kind: str, channels: int, planes: bool, order: str) -> None:
    samples = samples_of(kind, channels)
    if channels in (2, 4):
        samples[..., -1] = 1 if kind.startswith("f") else np.iinfo(kind).max
    image = load_image(written(samples, order=order, planes=planes))
    np.testing.assert_allclose(image, expected(samples), atol=1e-3 if kind == "f2" else 1e-6)


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("channels", [5, 6])
def test_more_samples_than_colours_and_alpha_are_left_out(channels: int, planes: bool) -> None:
    samples = samples_of("u1", channels)
    image = load_image(written(samples, planes=planes))
    np.testing.assert_allclose(image, expected(samples[..., :3]), atol=1e-6)


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_signed_bytes_have_the_range_of_their_numbers(channels: int, planes: bool) -> None:
    samples = samples_of("u1", channels).astype("i1")
    image = load_image(written(samples, planes=planes))
    low, high = min(int(samples.min()), 0), max(int(samples.max()), 1)
    right = (samples.astype(float) - low) / (high - low)
    np.testing.assert_allclose(image, np.broadcast_to(right, image.shape), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    channels=st.sampled_from([1, 3]),
    order=st.sampled_from("<>"),
    big=st.booleans(),
    planes=st.booleans(),
    predictor=st.sampled_from([1, 2, 3]),
    tile=st.sampled_from([0, 16, 32]),
    seed=st.integers(0, 99),
)
def test_predictors_tiles_and_orders(
    kind: str, channels: int, order: str, big: bool, planes: bool, predictor: int, tile: int, seed
) -> None:
    if predictor == 3 and not kind.startswith("f"):
        predictor = 2
    if predictor == 3 and order == ">":
        pass  # the bytes are in the order of their weight in either case
    samples = samples_of(kind, channels, seed)
    data = written(samples, order=order, big=big, planes=planes, predictor=predictor, tile=tile)
    np.testing.assert_allclose(
        load_image(data), expected(samples), atol=1e-3 if kind == "f2" else 1e-6
    )


@pytest.mark.parametrize(("most", "kind"), [(1, "f4"), (65535, "u2")])
@pytest.mark.parametrize("multiplied", [False, True])
def test_alpha_of_floats_and_of_sixteen_bits(most: int, kind: str, multiplied: bool) -> None:
    colour = np.random.default_rng(0).random((4, 6, 3))
    alpha = np.linspace(0, 1, 24).reshape(4, 6, 1)
    samples = np.dstack([colour * alpha if multiplied else colour, alpha]) * most
    samples = samples.astype(kind) if most == 1 else np.rint(samples).astype(kind)
    tags = {338: (3, struct.pack("<H", 1 if multiplied else 2))}
    mask, weights = load_mask(written(samples, tags=tags))
    np.testing.assert_allclose(weights, alpha[..., 0], atol=1e-4)
    seen = alpha[..., 0] > 0.1
    np.testing.assert_allclose(mask[seen], colour[seen], atol=1e-3)


def test_white_may_be_zero_in_floats_of_colour_planes() -> None:
    samples = samples_of("f8", 1)
    image = load_image(written(samples, photometric=0))
    np.testing.assert_allclose(image, 1 - expected(samples), atol=1e-6)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_white_may_be_zero_in_whole_numbers(
    kind: str, channels: int, planes: bool, order: str
) -> None:
    samples = samples_of(kind, channels)
    samples[..., 1:] = np.iinfo(kind).max
    image = load_image(written(samples, photometric=0, planes=planes, order=order))
    np.testing.assert_allclose(image, 1 - expected(samples), atol=1e-6)


@pytest.mark.parametrize("bits", [3, 6, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("photometric", [0, 1])
def test_samples_packed_without_gaps(bits: int, channels: int, photometric: int) -> None:
    values = np.random.default_rng(bits).integers(0, 1 << bits, (13, 37, channels))
    digits = values[..., np.newaxis] >> np.arange(bits)[::-1] & 1
    rows = np.packbits(digits.reshape(13, -1).astype(bool), axis=1)
    kind = 2 if channels == 3 else photometric
    tags = {
        256: (4, struct.pack("<I", 37)),
        258: (3, struct.pack(f"<{channels}H", *[bits] * channels)),
        262: (4, struct.pack("<I", kind)),
        277: (4, struct.pack("<I", channels)),
    }
    right = values / ((1 << bits) - 1)
    image = load_image(written(rows[..., np.newaxis], replaced=tags))
    np.testing.assert_allclose(
        image,
        np.broadcast_to(right if kind else 1 - right, image.shape),
        atol=0.002 if bits < 8 else 1e-4,
    )


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize(
    ("kind", "channels"), [("u1", 4), ("u1", 5), ("u2", 4), ("u2", 5), ("f4", 4)]
)
def test_inks_of_every_depth_with_more_samples_and_in_planes(
    kind: str, channels: int, planes: bool
) -> None:
    samples = samples_of(kind, channels)
    inks = samples[..., :4] / (1 if kind == "f4" else np.iinfo(kind).max)
    right = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    tags = {338: (3, struct.pack("<H", 0) if channels == 5 else b"")}
    image = load_image(written(samples, photometric=5, planes=planes, tags=tags))
    np.testing.assert_allclose(image, right, atol=0.005)


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("channels", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_of_grey_with_bands_that_are_no_alpha_the_first_is_shown(
    kind: str, channels: int, planes: bool
) -> None:
    samples = samples_of(kind, channels)
    tags = {338: (3, bytes(2 * (channels - 1)))}
    image = load_image(written(samples, photometric=1, planes=planes, tags=tags))
    right = as_float(samples[..., :1])
    np.testing.assert_allclose(image, np.broadcast_to(right, image.shape), atol=1e-6)


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_a_sample_beside_grey_is_alpha_where_nothing_is_said_of_it(kind: str) -> None:
    samples = samples_of(kind, 2)
    grey, alpha = as_float(samples[..., :1]), as_float(samples[..., 1:])
    image = load_image(written(samples, tags={338: (3, b"")}))
    np.testing.assert_allclose(image, np.repeat(grey * alpha + 1 - alpha, 3, axis=2), atol=1e-6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_one_sample_may_be_in_a_plane_of_its_own(kind: str, order: str) -> None:
    # As GDAL writes a file of one band from the profile of another one.
    samples = samples_of(kind, 1)
    image = load_image(tiff(samples, 1, order=order, tags={284: (3, [2])}))
    np.testing.assert_allclose(image, expected(samples), atol=1e-6)


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", [0, 4])
def test_samples_of_undefined_format_are_whole_numbers(kind: str, channels: int, form: int) -> None:
    samples = samples_of(kind, channels)
    tags = {339: (3, [form] * channels)}
    image = load_image(tiff(samples, 2 if channels == 3 else 1, tags=tags))
    np.testing.assert_allclose(image, expected(samples), atol=1e-6)


def test_lab_in_planes_is_refused() -> None:
    with pytest.raises(ImageError, match="a TIFF of CIE Lab in planes cannot be opened"):
        load_image(written(samples_of("u1", 3), planes=True, photometric=8))
    assert load_image(written(samples_of("u1", 3), photometric=8)).shape == (13, 37, 3)


@pytest.mark.parametrize(("kind", "most"), [("u1", 255), ("u1", 65535), ("u2", 65535)])
def test_palettes_of_every_depth_and_those_of_numbers_of_8_bits(kind: str, most: int) -> None:
    size = np.iinfo(kind).max + 1
    palette = np.random.default_rng(0).integers(0, most + 1, (3, size)).astype(np.uint16)
    samples = samples_of(kind, 1)
    image = load_image(written(samples, photometric=3, tags={320: (3, palette.tobytes())}))
    right = palette.T[samples[..., 0]] / most
    np.testing.assert_allclose(image, right, atol=1 / 255)


def packed(values: np.ndarray, bits: int, kind: int, tags: dict[int, tuple[int, bytes]]) -> bytes:
    """A TIFF of one sample a pixel, 37 a row, packed without gaps."""
    digits = values[..., np.newaxis] >> np.arange(bits)[::-1] & 1
    rows = np.packbits(digits.reshape(len(values), -1).astype(bool), axis=1)
    replaced = {
        256: (4, struct.pack("<I", 37)),
        258: (3, struct.pack("<H", bits)),
        262: (4, struct.pack("<I", kind)),
        277: (4, struct.pack("<I", 1)),
    }
    return written(rows[..., np.newaxis], replaced=replaced, tags=tags)


def test_a_palette_of_12_bits_gives_the_colours_of_its_numbers() -> None:
    values = np.random.default_rng(0).integers(0, 1 << 12, (13, 37))
    palette = np.random.default_rng(1).integers(0, 1 << 16, (3, 1 << 12)).astype(np.uint16)
    image = load_image(packed(values, 12, 3, tags={320: (3, palette.tobytes())}))
    np.testing.assert_allclose(image, palette.T[values] / 65535, atol=1 / 255)


def test_inks_of_numbers_without_a_white_are_refused() -> None:
    with pytest.raises(ImageError, match=r"whole numbers of 32 bits.* cannot be opened"):
        load_image(written(samples_of("u4", 4), photometric=5))


@pytest.mark.parametrize("across", [1, 2, 4])
def test_subsampled_colours_without_compression_open(across: int) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (6, 8), np.uint8)
    units = np.full((6, 8 // across, across + 2), 128, np.uint8)  # Cb and Cr of 128: no colour
    units[..., :across] = grey.reshape(6, -1, across)
    tags = {256: 8, 262: 6, 530: across | 1 << 16, 531: 1}
    data = several((units.reshape(6, -1, 1), tags), channels=3)
    one_long, two_shorts = struct.pack("<HHII", 530, 4, 1, tags[530]), (530, 3, 2, across, 1)
    image = load_image(data.replace(one_long, struct.pack("<HHIHH", *two_shorts)))
    np.testing.assert_allclose(image[..., 0] * 255, grey, atol=1)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_no_data_of_whole_numbers_is_transparent(kind: str, photometric: int) -> None:
    samples = np.arange(13 * 37).reshape(13, 37, 1).astype(kind)
    tags = {42113: (2, b"7\0")}
    image = load_image(written(samples, photometric=photometric, tags=tags))
    assert (image[samples[..., 0] == 7] == 1).all()
    plain = load_image(written(samples, photometric=photometric))
    np.testing.assert_array_equal(image[samples[..., 0] != 7], plain[samples[..., 0] != 7])


def test_no_data_of_colours_is_where_all_samples_have_its_value() -> None:
    samples = np.full((4, 4, 3), 9, np.uint8)
    samples[0], samples[1, :, 0] = 0, 0
    image = load_image(written(samples, tags={42113: (2, b"0\0")}))
    assert (image[0] == 1).all()
    np.testing.assert_array_equal(image[1:], as_float(samples[1:]))


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_no_data_is_compared_as_the_sample_is_stored(kind: str) -> None:
    samples = np.linspace(0, 100, 13 * 37).reshape(13, 37, 1).astype(kind)
    plain = load_image(written(samples))
    samples[:2] = -9999.3  # a float of 16 bits makes -10000 of it
    image = load_image(written(samples, tags={42113: (2, b"-9999.3")}))
    np.testing.assert_allclose(image[2:], plain[2:], atol=1e-6)


@pytest.mark.parametrize("value", [-3.4e38, -3.40282306074e38])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_what_programs_write_for_the_lowest_float_is_no_data(kind: str, value: float) -> None:
    samples = np.linspace(0, 100, 13 * 37).reshape(13, 37, 1).astype(kind)
    plain = load_image(written(samples))
    samples[:2] = value
    np.testing.assert_allclose(load_image(written(samples))[2:], plain[2:], atol=1e-6)


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "i4"])
@pytest.mark.parametrize("text", ["-7777", "-7777.0", " -7.777e3\0", "-7777.0;"])
def test_the_value_declared_as_no_data_does_not_set_the_range(kind: str, text: str) -> None:
    samples = np.linspace(0, 100, 13 * 37).reshape(13, 37, 1).astype(kind)
    plain = load_image(written(samples))
    samples[:2] = -7777
    image = load_image(written(samples, tags={42113: (2, text.encode())}))
    np.testing.assert_allclose(image[2:], plain[2:], atol=1e-6)
    assert (image[:2] == 1).all()  # transparent


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_ends_of_a_float_are_no_data(kind: str, sign: int) -> None:
    samples = np.linspace(0, 100, 13 * 37).reshape(13, 37, 1).astype(kind)
    plain = load_image(written(samples))
    samples[:2] = sign * np.finfo(kind).max
    np.testing.assert_allclose(load_image(written(samples))[2:], plain[2:], atol=1e-6)


def test_twenty_bands_are_not_guessed_at() -> None:
    with pytest.raises(ImageError, match="65 samples"):
        load_image(written(np.zeros((3, 3, 65), "u1")))
    with pytest.raises(ImageError, match=r"a TIFF of 3 samples a pixel.*64 bits.*LZW"):
        load_image(
            tiff(np.zeros((2, 2, 3)), 8, tags={259: (3, [5])})  # floats as CIE Lab
        )


# --- BigTIFF, field types -------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
def test_bigtiff_of_both_orders(order: str) -> None:
    samples = noise(13, 37)
    image = load_image(written(samples, order=order, big=True))
    np.testing.assert_array_equal(image, as_float(samples))


@pytest.mark.parametrize("kind", [1, 3, 4, 6])
def test_sizes_may_be_of_any_type_of_whole_numbers(kind: int) -> None:
    samples = noise(13, 37)
    types = {256: kind, 257: kind, 258: kind, 277: kind, 262: kind, 278: kind}
    np.testing.assert_array_equal(load_image(written(samples, types=types)), as_float(samples))


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 16])
@pytest.mark.parametrize("tag", [273, 279, 324, 325])
def test_endless_lists_are_refused_in_every_type(tag: int, kind: int) -> None:
    size = {1: 1, 3: 2, 4: 4, 6: 1, 16: 8}[kind]
    data = written(noise(2, 2), tags={tag: (kind, b"\1" * size * 300_000)} if tag > 300 else None)
    if tag < 300:  # replace the one that is there
        entry = data.index(struct.pack("<HHI", tag, 4, 1))
        data = (
            data[: entry + 2] + struct.pack("<HII", kind, 300_000, len(data)) + data[entry + 12 :]
        ) + b"\1" * size * 300_000
    with pytest.raises(ImageError, match=f"tag {tag} lists 300000 numbers"):
        load_image(data)


def test_values_beyond_the_end_of_everything_are_refused() -> None:
    data = written(noise(2, 2), big=True)
    entry = data.index(struct.pack("<HHQ", 258, 4, 3))
    far = data[: entry + 12] + b"\xff" * 8 + data[entry + 20 :]
    with pytest.raises(ImageError, match="truncated TIFF"):
        load_image(far)


def test_negative_offsets_and_floats_as_offsets_are_refused() -> None:
    data = written(noise(2, 2))
    entry = data.index(struct.pack("<HHI", 273, 4, 1))
    negative = data[: entry + 2] + struct.pack("<HIi", 9, 1, -8) + data[entry + 12 :]
    real = data[: entry + 2] + struct.pack("<HIf", 11, 1, 8) + data[entry + 12 :]
    for broken in (negative, real):
        with pytest.raises(
            ImageError, match="tag 273 holds numbers that are negative or not whole"
        ):
            load_image(broken)


# --- metadata -------------------------------------------------------------------------------------


def test_tags_that_do_not_concern_the_samples_refuse_nothing() -> None:
    """Two thousand tags, of which each claims a megabyte that they share; Pillow would hold them all."""
    samples = noise(13, 37)
    claims = {0x9000 + n: (7, b"") for n in range(2000)}
    data = bytearray(written(samples, tags=claims))
    for n in range(2000):
        entry = data.index(struct.pack("<HHI", 0x9000 + n, 7, 0))
        struct.pack_into("<II", data, entry + 4, 1_000_000, 8)
    np.testing.assert_array_equal(load_image(bytes(data)), as_float(samples))


# --- which picture --------------------------------------------------------------------------------


def several(*pictures: tuple[np.ndarray, dict[int, int]], channels: int = 0) -> bytes:
    """A TIFF of uncompressed pictures with further tags, one directory after the other.

    `channels` says something else than what the samples are.
    """
    data = b"II*\0" + b"\0" * 4
    link = 4
    for samples, tags in pictures:
        height, width = samples.shape[:2]
        count = channels or samples.shape[2]
        at = len(data)
        data += samples.tobytes() + b"\0" * (samples.size % 2)
        entries = {
            256: width, 257: height, 259: 1, 262: 2 if count == 3 else 1, 273: at, 277: count,
            278: height, 279: samples.size, **tags,
        }  # fmt: skip
        bits = len(data)
        data += struct.pack("<3H", 8, 8, 8) + b"\0\0"
        directory = len(data)
        rows = b"".join(
            struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items())
        )
        rows_258 = struct.pack("<HHII", 258, 3, count, bits if count == 3 else 8)
        data += struct.pack("<H", len(entries) + 1) + rows_258 + rows
        data = data[:link] + struct.pack("<I", directory) + data[link + 4 :]
        link = len(data)
        data += b"\0" * 4
    return data


SMALL, FULL, OTHER = noise(3, 4, seed=1), noise(12, 16, seed=2), noise(12, 16, seed=3)


def test_a_reduced_copy_is_no_page() -> None:
    for tags in ({254: 1}, {255: 2}):
        data = several((SMALL, tags), (FULL, {254: 0}), (SMALL, tags), (OTHER, {}))
        assert contents(data).count == 2
        np.testing.assert_array_equal(load_image(data), as_float(FULL))
        np.testing.assert_array_equal(load_image(data, page=2), as_float(OTHER))
        with pytest.raises(ImageError, match="no page 3: the file has 2"):
            load_image(data, page=3)


def test_a_mask_is_no_page_and_a_reduced_copy_alone_is_one() -> None:
    mask = noise(12, 16, 1)
    np.testing.assert_array_equal(load_image(several((mask, {254: 4}), (FULL, {}))), as_float(FULL))
    np.testing.assert_array_equal(load_image(several((SMALL, {254: 1}))), as_float(SMALL))


def test_the_full_picture_may_lie_in_a_directory_below() -> None:
    data = several((SMALL, {254: 1, 330: 0}), (FULL, {}))
    first = struct.unpack_from("<I", data, 4)[0]
    link = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    second = data[link : link + 4]
    data = data[:link] + b"\0" * 4 + data[link + 4 :]
    below = data.index(struct.pack("<HHI", 330, 4, 1))
    data = data[: below + 8] + second + data[below + 12 :]
    np.testing.assert_array_equal(load_image(data), as_float(FULL))


@pytest.mark.parametrize(
    "pictures",
    [
        [(SMALL, {50706: 0x0401})],
        [(SMALL, {254: 1}), (noise(12, 16, 1), {262: 32803})],
        [(SMALL, {254: 1}), (FULL, {262: 34892})],
        [(noise(12, 16, 1), {262: 32803})],
    ],
)
def test_a_cameras_raw_file_is_named_and_its_thumbnail_is_not_taken(pictures: list) -> None:
    with pytest.raises(ImageError, match="a camera's raw file cannot be opened; develop it"):
        load_image(several(*pictures))
    with pytest.raises(ImageError, match="raw"):
        load_image(several((SMALL, {}))[:8] + b"CR\2\0" + several((SMALL, {}))[12:])


def test_a_volume_is_named_and_its_first_slice_is_not_taken() -> None:
    samples = samples_of("u1", 1)
    with pytest.raises(ImageError, match="a TIFF of 9 slices in one volume cannot be opened; save"):
        load_image(written(samples, tags={32997: (3, b"\x09\0")}))
    image = load_image(written(samples, tags={32997: (3, b"\1\0"), 32998: (3, b"\1\0")}))
    assert image.shape == (13, 37, 3)


@pytest.mark.parametrize("tile", [0, 16])
def test_a_sparse_picture_is_named(tile: int) -> None:
    data = bytearray(written(samples_of("u1", 1), tile=tile))
    for tag in (324, 325) if tile else (273, 279):
        entry = data.index(struct.pack("<HHI", tag, 4, 3))
        struct.pack_into("<I", data, *struct.unpack_from("<I", data, entry + 8), 0)
    with pytest.raises(ImageError, match=r"a sparse TIFF, .* gdal_translate"):
        load_image(bytes(data))


def test_a_plane_that_is_not_looked_at_need_not_be_stored() -> None:
    samples = samples_of("u1", 2)
    data = bytearray(written(samples, planes=True, tags={338: (3, b"\0\0")}))
    for tag in (273, 279):
        entry = data.index(struct.pack("<HHI", tag, 4, 6))
        place = struct.unpack_from("<I", data, entry + 8)[0]
        struct.pack_into("<3I", data, place + 12, 0, 0, 0)
    image = load_image(bytes(data))
    np.testing.assert_allclose(image, np.repeat(as_float(samples[..., :1]), 3, axis=2), atol=1e-6)


def test_directories_in_a_circle_end() -> None:
    data = several((FULL, {}), (OTHER, {}))
    first = data[4:8]
    np.testing.assert_array_equal(load_image(data[:-4] + first, page=2), as_float(OTHER))
    assert contents(data[:-4] + first).count == 2


# --- compression ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (34712, "JPEG 2000"),
        (50002, "JPEG XL"),
        (34887, "LERC"),
        (34661, "JBIG"),
        (12345, "unknown"),
    ],
)
def test_a_compression_that_is_not_there_is_named(number: int, name: str) -> None:
    data = tiff(noise(4, 4), 2, tags={259: (3, [number])})
    with pytest.raises(ImageError, match=rf"compression {number} \({name}\)") as caught:
        load_image(data)
    assert "damaged" not in caught.value.reason


@pytest.mark.parametrize(
    "name", ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd"]
)
def test_every_lossless_compression_of_libtiff(name: str) -> None:
    samples = noise(40, 50)
    data = encoded(Image.fromarray(samples), "TIFF", compression=name)
    np.testing.assert_array_equal(load_image(data), as_float(samples))


@pytest.mark.parametrize("name", ["tiff_ccitt", "group3", "group4"])
def test_fax_compressions(name: str) -> None:
    page = Image.fromarray(noise(40, 50, 1)[..., 0]).convert("1")
    image = load_image(encoded(page, "TIFF", compression=name))
    np.testing.assert_array_equal(image[..., 0], np.asarray(page, np.float32))


def test_jpeg_in_tiff_is_opened_and_its_scans_are_counted() -> None:
    samples = Image.fromarray(noise(64, 64)).resize((256, 256))
    data = encoded(samples, "TIFF", compression="jpeg", quality=95)
    assert np.abs(load_image(data) - as_float(np.asarray(samples))).mean() < 0.05
    strip = b"\xff\xd8" + b"\xff\xda" * 1000
    tags = {256: (4, [4000]), 257: (4, [4000]), 259: (3, [7]), 278: (4, [4000]), 277: (3, [3])}
    strip_as_samples = np.frombuffer(strip, np.uint8).reshape(1, -1, 1)
    with pytest.raises(ImageError, match="this TIFF of 16000000 pixels would take too long"):
        load_image(tiff(strip_as_samples, 6, tags=tags))


# --- work -----------------------------------------------------------------------------------------


def tiled(height: int, width: int, across: int, down: int) -> bytes:
    return tiff(noise(height, width), 2, tags={322: (4, [across]), 323: (4, [down])})


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


def test_tiles_that_share_their_bytes_are_refused() -> None:
    samples = noise(64, 64)
    data = bytearray(written(samples, tile=16))
    np.testing.assert_array_equal(load_image(bytes(data)), as_float(samples))
    for tag, value in ((324, 8), (325, 150_000)):
        entry = data.index(struct.pack("<HHI", tag, 4, 16))
        place = struct.unpack_from("<I", data, entry + 8)[0]
        struct.pack_into("<16I", data, place, *[value] * 16)
    with pytest.raises(ImageError, match="its strips or tiles hold more bytes than the file"):
        load_image(bytes(data) + b"\0" * 200_000)


def test_costly_compressions_are_refused_by_what_they_unpack_to() -> None:
    """64 samples of 8 bits for each of 4 Mpx are 256 MB, 13 seconds of LZMA; the file has 1 kB."""
    tags = {256: (4, [2000]), 257: (4, [2000]), 259: (3, [34925]), 277: (3, [64]), 258: (3, [8])}
    with pytest.raises(ImageError, match=r"this TIFF of 4000000 pixels would take too long"):
        load_image(tiff(noise(2, 2), 2, tags=tags))


def test_too_many_strips_are_refused() -> None:
    tags = {257: (4, [1_000_000]), 278: (4, [1])}
    with pytest.raises(ImageError, match="cut into 1000000 parts"):
        load_image(tiff(noise(1, 1), 2, tags=tags))


def test_the_decoder_sees_one_directory_of_known_tags() -> None:
    from waldo_cli.images import directory

    data = several((FULL, {700: 1, 34665: 8, 33432: 5}), (OTHER, {}))
    found = directory.read(data, 2, None)
    with Image.open(io.BytesIO(found.data)) as image:
        assert image.n_frames == 1
        assert {700, 34665, 33432}.isdisjoint(image.tag_v2)
        np.testing.assert_array_equal(np.asarray(image), OTHER)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("lost", [1, 40, 100])
def test_a_few_missing_bytes_are_missing_and_not_what_is_read_behind_the_end(
    compression: str, lost: int
) -> None:
    data = encoded(Image.new("RGB", (50, 40), (200, 200, 200)), "TIFF", compression=compression)
    # The directory stands before the rows.
    cut = data[: -(lost if compression == "raw" else min(lost, 3))]
    with pytest.raises(ImageError, match="truncated TIFF"):
        load_image(cut)
    if compression == "raw":
        pixels = load_image(cut, allow_truncated=True).reshape(-1)
        assert not pixels[-lost:].any()
        assert (pixels[:-lost] > 0.7).all()


def test_a_strip_may_claim_more_than_its_rows() -> None:
    whole = encoded(Image.new("L", (50, 40), 200), "TIFF")
    count = whole.index(struct.pack("<HHI", 279, 4, 1)) + 8
    more = whole[:count] + struct.pack("<I", 2400) + whole[count + 4 :]
    assert struct.unpack_from("<I", whole, count) == (2000,)
    assert (load_image(more) == load_image(whole)).all()
