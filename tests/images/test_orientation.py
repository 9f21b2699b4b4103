"""The turn that a file asks for: every carrier, all eight ways, from real encoders and by hand.

The picture has four corners of different colours, so that none of the eight ways looks like another. What
must come out is told by Pillow's `exif_transpose` on the same pixels with the orientation in memory.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from imagefiles import chunk, encoded, noise
from PIL import Image, ImageOps

from waldo_cli.geometry import Size
from waldo_cli.images.decode import read_turn
from waldo_cli.images.load import load_image, load_mask, load_weights
from waldo_cli.images.orientation import INVERSE, orientation, shown_size, turned_box

ORIENTATION = 0x0112
TURNS = range(1, 9)


def corners() -> Image.Image:
    """64x48: red, green, blue and yellow quarters."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32], pixels[:24, 32:] = (230, 20, 20), (20, 230, 20)
    pixels[24:, :32], pixels[24:, 32:] = (20, 20, 230), (230, 230, 20)
    return Image.fromarray(pixels)


def shown(turn: int) -> np.ndarray:
    image = corners()
    image.getexif()[ORIENTATION] = turn
    return np.asarray(ImageOps.exif_transpose(image), np.float32) / 255


def exif(turn: int, order: str = "<", kind: int = 3) -> bytes:
    """A directory of one entry; type 1 is BYTE, 3 SHORT, 4 LONG, 8 SSHORT."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(order + {1: "B3x", 4: "I"}.get(kind, "Hxx"), turn)
    return mark + struct.pack(order + "IHHHI", 8, 1, ORIENTATION, kind, 1) + value + b"\0" * 4


def xmp(turn: int, form: str = "attribute") -> bytes:
    inside = {
        "attribute": f' tiff:Orientation="{turn}"/>',
        "element": f"><tiff:Orientation>{turn}</tiff:Orientation></rdf:Description>",
        "element with attributes": (
            f'><tiff:Orientation rdf:datatype="int">{turn}</tiff:Orientation></rdf:Description>'
        ),
    }[form]
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
        f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{inside}</rdf:RDF></x:xmpmeta>'
    ).encode()


def png_with(*, before: bytes = b"", after: bytes = b"") -> bytes:
    data = encoded(corners(), "PNG")
    at, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:at] + before + data[at:end] + after + data[end:]


def raw_profile(name: str, turn: int, kind: bytes, prefix: bytes = b"") -> bytes:
    """As ImageMagick and ExifTool write it: name, length, and hexadecimal digits in lines."""
    body = prefix + exif(turn)
    digits = body.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name}\n{len(body):8d}\n{lines}\n".encode()
    keyword = f"Raw profile type {name}".encode() + b"\0"
    if kind == b"zTXt":
        return chunk(kind, keyword + b"\0" + zlib.compress(text))
    if kind == b"iTXt":
        return chunk(kind, keyword + b"\1\0\0\0" + zlib.compress(text))
    return chunk(kind, keyword + text)


def xmp_text(turn: int, packed: bool) -> bytes:
    body = zlib.compress(xmp(turn)) if packed else xmp(turn)
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([packed]) + b"\0\0\0" + body)


def webp_with(name: bytes, body: bytes) -> bytes:
    """An extended WebP by hand: flags, size, the picture's own chunk, then the metadata."""
    picture = encoded(corners(), "WEBP", lossless=True)[12:]
    flags = {b"EXIF": 8, b"XMP ": 4}[name]
    head = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0])
    head += (63).to_bytes(3, "little") + (47).to_bytes(3, "little")
    meta = name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    content = b"WEBP" + head + picture + meta
    return b"RIFF" + struct.pack("<I", len(content)) + content


def avif_with_exif(turn: int, boxes: int) -> bytes:
    """An AVIF whose own boxes say `boxes`, and whose EXIF says `turn`.

    Pillow moves the tag of the orientation from EXIF to the boxes; so another tag is written, and renamed.
    """
    written = Image.Exif()
    written[ORIENTATION], written[0x0113] = boxes, turn
    data = encoded(corners(), "AVIF", quality=95, subsampling="4:4:4", exif=written.tobytes())
    for other, own in ((b"\x13\x01", b"\x12\x01"), (b"\x01\x13", b"\x01\x12")):
        at = data.rindex(b"Exif\0\0") if b"Exif\0\0" in data else 0
        data = data[:at] + data[at:].replace(other, own, 1)
    return data


def with_segments(data: bytes, *bodies: bytes) -> bytes:
    """A JPEG with segments APP1 before all others."""
    segments = (b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body for body in bodies)
    return data[:2] + b"".join(segments) + data[2:]


def with_packet_before(data: bytes) -> bytes:
    """A JPEG with another packet of XMP, which says nothing of the orientation."""
    packet = b'http://ns.adobe.com/xap/1.0/\0<x xmlns:t="http://ns.adobe.com/tiff/1.0/"/>'
    return with_segments(data, packet)


def with_extended_xmp(turn: int) -> bytes:
    """A JPEG whose XMP goes on in two segments, cut within the orientation."""
    digest = b"0123456789ABCDEF" * 2
    packet = f'<x xmpNote:HasExtendedXMP="{digest.decode()}"/>'.encode()
    text = xmp(turn)
    cut = text.index(b"Orientation") + 4
    parts = [
        b"http://ns.adobe.com/xmp/extension/\0" + digest + struct.pack(">II", len(text), at) + part
        for at, part in ((0, text[:cut]), (cut, text[cut:]))
    ]
    return with_segments(
        encoded(corners(), "JPEG", **JPEG), b"http://ns.adobe.com/xap/1.0/\0" + packet, *parts
    )


JPEG = {"quality": 95, "subsampling": 0}
TIFF_XMP = {700: None}
CARRIERS: dict[str, Callable[[int], bytes]] = {
    "JPEG EXIF": lambda k: encoded(corners(), "JPEG", exif=b"Exif\0\0" + exif(k), **JPEG),
    "JPEG EXIF, big-endian": lambda k: encoded(
        corners(), "JPEG", exif=b"Exif\0\0" + exif(k, ">"), **JPEG
    ),
    "JPEG EXIF, LONG": lambda k: encoded(
        corners(), "JPEG", exif=b"Exif\0\0" + exif(k, ">", 4), **JPEG
    ),
    "JPEG EXIF, SSHORT": lambda k: encoded(
        corners(), "JPEG", exif=b"Exif\0\0" + exif(k, ">", 8), **JPEG
    ),
    "JPEG EXIF, BYTE": lambda k: encoded(
        corners(), "JPEG", exif=b"Exif\0\0" + exif(k, ">", 1), **JPEG
    ),
    "progressive JPEG": lambda k: encoded(
        corners(), "JPEG", exif=b"Exif\0\0" + exif(k), progressive=True, **JPEG
    ),
    "JPEG XMP": lambda k: encoded(corners(), "JPEG", xmp=xmp(k), **JPEG),
    "JPEG XMP in a second packet": lambda k: with_packet_before(
        encoded(corners(), "JPEG", xmp=xmp(k), **JPEG)
    ),
    "JPEG XMP, element": lambda k: encoded(corners(), "JPEG", xmp=xmp(k, "element"), **JPEG),
    "JPEG XMP, element with attributes": lambda k: encoded(
        corners(), "JPEG", xmp=xmp(k, "element with attributes"), **JPEG
    ),
    "JPEG XMP, extended": with_extended_xmp,
    "PNG eXIf before": lambda k: png_with(before=chunk(b"eXIf", exif(k))),
    "PNG eXIf after": lambda k: png_with(after=chunk(b"eXIf", exif(k, ">"))),
    "PNG zTXt exif": lambda k: png_with(before=raw_profile("exif", k, b"zTXt")),
    "PNG tEXt exif": lambda k: png_with(before=raw_profile("exif", k, b"tEXt")),
    "PNG iTXt exif after": lambda k: png_with(after=raw_profile("exif", k, b"iTXt")),
    "PNG zTXt APP1": lambda k: png_with(after=raw_profile("APP1", k, b"zTXt", b"Exif\0\0")),
    "PNG XMP": lambda k: png_with(before=xmp_text(k, packed=False)),
    "PNG packed XMP after": lambda k: png_with(after=xmp_text(k, packed=True)),
    "WebP EXIF by libwebp": lambda k: encoded(corners(), "WEBP", lossless=True, exif=exif(k)),
    "WebP EXIF by hand": lambda k: webp_with(b"EXIF", b"Exif\0\0" + exif(k)),
    "WebP XMP": lambda k: webp_with(b"XMP ", xmp(k)),
    "TIFF": lambda k: encoded(corners(), "TIFF", tiffinfo={ORIENTATION: k}),
    "TIFF LZW": lambda k: encoded(
        corners(), "TIFF", tiffinfo={ORIENTATION: k}, compression="tiff_lzw"
    ),
    "BigTIFF": lambda k: encoded(corners(), "TIFF", tiffinfo={ORIENTATION: k}, big_tiff=True),
    "TIFF XMP": lambda k: encoded(corners(), "TIFF", tiffinfo={700: xmp(k)}),
    "AVIF boxes": lambda k: encoded(
        corners(), "AVIF", quality=95, subsampling="4:4:4", exif=exif(k)
    ),
    "AVIF boxes and EXIF": lambda k: avif_with_exif(k, k),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_carrier_turns_the_picture_once(carrier: str, turn: int) -> None:
    data = CARRIERS[carrier](turn)
    assert read_turn(data) == turn
    image = load_image(data)
    assert image.shape == shown(turn).shape
    np.testing.assert_allclose(image, shown(turn), atol=0.06)
    np.testing.assert_allclose(load_image(data, orient=False), shown(1), atol=0.06)
    np.testing.assert_array_equal(load_mask(data)[0], image)


@pytest.mark.parametrize("turn", [3, 6])
def test_avif_is_turned_by_its_boxes_not_by_exif(turn: int) -> None:
    """ISO 23008-12: the boxes irot and imir alone say how the picture is shown."""
    data = avif_with_exif(turn, 1)
    assert Image.open(io.BytesIO(data)).getexif().get(ORIENTATION, 1) == 1  # so does Pillow
    np.testing.assert_allclose(load_image(data), shown(1), atol=0.06)


@pytest.mark.parametrize("turn", TURNS)
def test_heic_is_turned_once_by_its_boxes(turn: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    file = io.BytesIO()
    image = pillow_heif.from_pillow(corners())
    # pillow-heif writes the boxes, and keeps the orientation in EXIF, too.
    image.save(file, quality=95, chroma=444, exif=b"Exif\0\0" + exif(turn))
    data = file.getvalue()
    assert read_turn(data) == turn
    np.testing.assert_allclose(load_image(data), shown(turn), atol=0.06)
    np.testing.assert_allclose(load_image(data, orient=False), shown(1), atol=0.06)


def turned_jxl(data: bytes, turn: int) -> bytes:
    """A JPEG XL with its default metadata written out, so that they have an orientation.

    ISO 18181-1: first the size, 9 or 14 bits here, then the bit "all default".
    """
    bits = int.from_bytes(data[2:], "little")
    size = 9 if bits >> 6 & 7 else 14
    assert bits >> size & 3 == 3  # metadata and colour transform have their defaults
    head, at = bits & ((1 << size) - 1), size
    # Not all default; extra fields; orientation; no other size, preview, animation; 8 bits; buffers; no
    # further channels; XYB; sRGB; tone mapping; no extensions; default transform.
    fields = [(0, 1), (1, 1), (turn - 1, 3), (0, 3), (0, 1), (0, 2), (1, 1), (0, 2), (1, 1)]
    for value, count in [*fields, (1, 1), (1, 1), (0, 2), (1, 1)]:
        head |= value << at
        at += count
    return data[:2] + head.to_bytes((at + 7) // 8, "little") + data[2 + (size + 9) // 8 :]


@pytest.mark.parametrize("turn", TURNS)
def test_jpeg_xl_is_turned_once_by_its_header(turn: int) -> None:
    pytest.importorskip("pillow_jxl", reason="needs the extra jxl")
    data = turned_jxl(encoded(corners(), "JXL", quality=95), turn)
    assert read_turn(data) == turn
    inside = (slice(2, 20), slice(2, 20))  # colours run at the edges of the quarters
    assert load_image(data).shape == shown(turn).shape
    np.testing.assert_allclose(load_image(data)[inside], shown(turn)[inside], atol=0.06)
    plain = load_image(data, orient=False)
    np.testing.assert_allclose(plain[inside], shown(1)[inside], atol=0.06)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.filterwarnings("ignore:Using JPEG reconstruction")
def test_a_jpeg_inside_jpeg_xl_is_turned_once(turn: int, tmp_path) -> None:
    pytest.importorskip("pillow_jxl", reason="needs the extra jxl")
    original = tmp_path / "a.jpg"
    original.write_bytes(encoded(corners(), "JPEG", exif=b"Exif\0\0" + exif(turn), **JPEG))
    with Image.open(original) as jpeg:
        jpeg.save(tmp_path / "a.jxl", lossless_jpeg=True)
    np.testing.assert_array_equal(load_image(tmp_path / "a.jxl"), load_image(original))


def test_weights_are_turned_as_pictures_are() -> None:
    grey = Image.new("L", (4, 2), 255)
    grey.putpixel((0, 0), 51)
    weights = load_weights(encoded(grey, "PNG", exif=exif(6)))
    assert weights.shape == (4, 2)
    np.testing.assert_allclose(weights[0], [1, 0.2])  # the left column is on top, from the right


# --- what is no orientation -----------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0, 9, 65535])
def test_an_orientation_that_is_none_is_ignored(turn: int) -> None:
    plain = encoded(corners(), "JPEG", **JPEG)
    data = encoded(corners(), "JPEG", exif=b"Exif\0\0" + exif(turn), **JPEG)
    np.testing.assert_array_equal(load_image(data), load_image(plain))


def test_an_orientation_that_is_no_number_is_no_reason_to_refuse_the_pixels() -> None:
    plain = encoded(corners(), "TIFF")
    data = encoded(corners(), "TIFF", tiffinfo={ORIENTATION: 6})
    entry = struct.pack("<HHI", ORIENTATION, 3, 1)
    assert data.count(entry) == 1
    data = data.replace(entry + b"\6\0", struct.pack("<HHIh", ORIENTATION, 8, 1, -6))
    np.testing.assert_array_equal(load_image(data), load_image(plain))


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=60), order=st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b""]))
@example(junk=b"\x08\0\0\0\xff\xff", order=b"II*\0")
def test_junk_in_exif_is_no_reason_to_refuse_the_pixels(junk: bytes, order: bytes) -> None:
    stored = Image.fromarray(noise(8, 8))
    for kind in ("JPEG", "PNG"):
        image = load_image(encoded(stored, kind, exif=b"Exif\0\0" + order + junk))
        assert image.shape == (8, 8, 3)


@given(st.binary(max_size=99), st.binary(max_size=99))
def test_any_bytes_have_some_orientation(one: bytes, other: bytes) -> None:
    assert orientation(one, other) in TURNS
    assert orientation(b"II*\0" + one, other) in TURNS


# --- boxes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", TURNS)
def test_a_box_of_the_stored_picture_is_where_the_picture_shows_it(turn: int) -> None:
    stored = Size(48, 64)
    pixels = np.zeros((*stored, 3), np.uint8)
    pixels[5:11, 20:50] = 255
    data = encoded(Image.fromarray(pixels), "PNG", exif=exif(turn))
    rows, cols = np.nonzero(load_image(data)[..., 0])
    expected = (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    assert turned_box((20, 5, 50, 11), turn, stored) == expected
    size = shown_size(stored, turn)
    assert size == load_image(data).shape[:2]
    assert turned_box(expected, INVERSE[turn], size) == (20, 5, 50, 11)


def test_another_prefix_of_the_same_namespace_means_the_same() -> None:
    other = xmp(6).replace(b"tiff:Ori", b"t.1:Ori").replace(b"xmlns:tiff=", b"xmlns:t.1=")
    assert other != xmp(6)
    assert orientation(b"", other) == orientation(b"", xmp(6)) == 6
