"""What a picture becomes when it is opened, whatever the container; and masks and weights."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from documents import document
from hypothesis import given, settings
from hypothesis import strategies as st
from imagefiles import as_float, chunk, encoded, noise, png
from PIL import Image

from waldo_cli.arrays import as_floats
from waldo_cli.detector.detect import detect
from waldo_cli.errors import FileError, ImageError, InvalidInputError
from waldo_cli.images.load import load_image, load_mask, load_pixels, load_weights
from waldo_cli.images.pages import contents

SCENES = Path(__file__).resolve().parents[2] / "sample_images"

# --- one array, whatever the container ------------------------------------------------------------

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


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("orient", [True, False])
def test_pixels_of_bytes_are_the_same_picture(turn: int, orient: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    colour = Image.fromarray(noise(5, 7))
    for mode in ("RGB", "L", "LA", "RGBA", "P", "1", "I;16"):
        picture = colour.convert("I").convert(mode) if mode == "I;16" else colour.convert(mode)
        data = encoded(picture, "PNG", exif=exif)
        pixels = load_pixels(data, orient=orient)
        assert (pixels.dtype == np.uint8) == (mode in ("RGB", "L", "P", "1"))
        np.testing.assert_array_equal(as_floats(pixels), load_image(data, orient=orient))


def test_a_transparent_colour_is_white_in_pixels_of_bytes_too() -> None:
    samples = noise(5, 7)
    data = encoded(Image.fromarray(samples), "PNG", transparency=tuple(map(int, samples[2, 3])))
    np.testing.assert_array_equal(as_floats(load_pixels(data)), load_image(data))
    assert (as_floats(load_pixels(data))[2, 3] == 1).all()


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


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_a_page_is_chosen_by_its_number(kind: str) -> None:
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert contents(data).count == 3
    assert load_image(data, page=3)[0, 0].tolist() == [0, 0, 1]
    with pytest.raises(ImageError, match="no page 4: the file has 3"):
        load_image(data, page=4)
    with pytest.raises(InvalidInputError, match="page is 0"):
        load_image(data, page=0)


def opaque_in_a_corner(colour: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGBA", (8, 6), (0, 0, 0, 0))
    image.paste((*colour, 255), (0, 0, 4, 2))
    return image


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_what_no_frame_of_an_animation_covers_is_clear(kind: str) -> None:
    """Of a WebP libwebp stores the corner alone, and says that the file has no alpha."""
    frames = [opaque_in_a_corner((255, 0, 0)), opaque_in_a_corner((0, 0, 255))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], disposal=2, **options)
    if kind == "WEBP":
        assert not data[20] & 16
    for page, colour in ((1, [1, 0, 0]), (2, [0, 0, 1])):
        loaded = load_image(data, page=page)
        assert loaded[1, 3].tolist() == colour
        assert (loaded[2:] == 1).all()
        assert (loaded[:, 4:] == 1).all()
    _, weights = load_mask(data)
    assert weights is not None
    assert weights.sum() == 8


def test_an_animation_without_clear_pixels_stays_bytes() -> None:
    frames = [Image.fromarray(noise(6, 8, seed=seed)) for seed in (1, 2)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    for page, frame in enumerate(frames, 1):
        pixels = load_pixels(data, page=page)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, np.asarray(frame))


@pytest.mark.parametrize("size", [(1, 1), (1, 65_500), (65_500, 1)])
def test_thin_pictures_keep_their_shape(size: tuple[int, int]) -> None:
    assert load_image(encoded(Image.new("RGB", size), "PNG")).shape == (size[1], size[0], 3)


def test_opening_pictures_needs_nothing_that_is_slow_to_import() -> None:
    code = (
        "import sys, waldo_cli.images.load; print({'scipy', 'torch', 'click'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_search_loads_the_plugin_of_its_picture_alone_and_no_masked_arrays() -> None:
    code = (
        "import sys, waldo_cli; waldo_cli.detect(sys.argv[1]); print({'numpy.ma', 'PIL.AvifImagePlugin',"
        " 'PIL.TiffImagePlugin', 'PIL.PngImagePlugin'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(SCENES / "waldo.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'PIL.PngImagePlugin'}"


# --- the same page in every format ----------------------------------------------------------------

FORMATS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    "JPEG2000": {},
    "TIFF": {"compression": "tiff_lzw"},
    "GIF": {},
    "HEIF": {"quality": 95, "chroma": 444},
    "JXL": {"quality": 95},
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_page_is_found_alike_in_every_format(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs the extra heif").register_heif_opener()
    if kind == "JXL":
        pytest.importorskip("pillow_jxl", reason="needs the extra jxl")
    scene = Image.open(SCENES / "beach.png").convert("RGB").crop((0, 0, 640, 480))
    mask = as_float(np.asarray(scene.crop((300, 200, 340, 250))))
    image = load_image(encoded(scene, kind, **FORMATS[kind]))
    assert image.shape == (480, 640, 3)
    (found,) = detect(image, masks=[mask], scales="1").detections
    assert abs(found.x - 320) <= 1
    assert abs(found.y - 225) <= 1
    assert found.score > (0.9 if kind == "GIF" else 0.98)


def test_a_picture_that_is_transparent_everywhere_says_so_where_it_is_asked() -> None:
    samples = noise(4, 4, 4)
    samples[..., 3] = 0
    assert (load_image(png(samples)) == 1).all()
    with pytest.raises(ImageError, match="the picture is transparent everywhere"):
        load_image(png(samples), must_show=True)
    samples[0, 0, 3] = 1
    assert load_image(png(samples), must_show=True).shape == (4, 4, 3)


def test_a_bitmap_whose_alpha_is_empty_is_opaque() -> None:
    """As clipboards and old programs for screenshots write it."""
    samples = noise(5, 6)
    np.testing.assert_array_equal(load_image(bitmap(samples, 0), must_show=True), as_float(samples))
    weights = load_mask(bitmap(samples, 51))[1]
    assert weights is not None
    np.testing.assert_allclose(weights, 0.2)


def bitmap(samples: np.ndarray, alpha: int) -> bytes:
    """A BMP with a header of version 5, whose fourth byte of a pixel is alpha."""
    height, width, _ = samples.shape
    opacity = np.full((height, width), alpha, np.uint8)
    body = np.dstack([samples[..., ::-1], opacity])[::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, len(body), 0, 0, 0, 0)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + b"\0" * 64
    return b"BM" + struct.pack("<IHHI", 138 + len(body), 0, 0, 138) + header + body


# --- masks and weights ----------------------------------------------------------------------------


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


def test_weights_are_grey_times_alpha() -> None:
    samples = np.array([[[255, 255], [255, 0], [51, 255], [0, 255]]], np.uint8)
    weights = load_weights(png(samples))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [[1, 0, 0.2, 0]])


def test_weights_that_are_not_there_are_named() -> None:
    with pytest.raises(FileError, match=r"gone\.png: cannot read"):
        load_weights("gone.png")


def test_weights_with_colours_or_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="grey"):
        load_weights(png(noise(3, 3)))
    several = document("gif", [Image.new("L", (3, 3), n) for n in (255, 0)])
    with pytest.raises(ImageError, match="weights are one picture, this file has 2"):
        load_weights(several)
    (tmp_path / "w.gif").write_bytes(several)
    with pytest.raises(ImageError, match=r"w\.gif: weights are one picture"):
        load_weights(tmp_path / "w.gif")
    with pytest.raises(ImageError, match="0 everywhere"):
        load_weights(png(np.zeros((3, 3, 1), np.uint8)))


def test_a_mask_of_sixteen_bits_is_held_once(tmp_path: Path) -> None:
    side = 400
    values = np.random.default_rng(0).integers(0, 65_536, (side, side, 4)).astype(">u2")
    (tmp_path / "mask.png").write_bytes(png(values))
    load_mask(tmp_path / "mask.png")  # what is loaded and kept for later files is not counted
    tracemalloc.start()
    try:
        load_mask(tmp_path / "mask.png")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Its file, four channels of 4 bytes, and what is made beside them a channel at a time.
    assert peak < 44 * side**2
