"""Segments of a JPEG: what is left out, where it ends, how much work its scans are."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest
from imagefiles import SOUND, encoded, noise
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images import jpeg
from waldo_cli.images.load import load_image
from waldo_cli.images.pages import contents

EOI = b"\xff\xd9"
KINDS = {
    "baseline": {},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_rows": 1},
    "progressive with restarts": {"progressive": True, "restart_marker_blocks": 2},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
}


def jpeg_of(kind: str, side: int = 40) -> bytes:
    options = dict(KINDS[kind])
    image = Image.fromarray(noise(side, side)).convert(options.pop("mode", "RGB"))
    return encoded(image, "JPEG", quality=90, **options)


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_only_the_mark_of_its_end_is_whole(kind: str) -> None:
    data = jpeg_of(kind)
    assert data.endswith(EOI)
    for cut in (data[:-2], data[:-1]):
        np.testing.assert_array_equal(load_image(cut), load_image(data))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [4, 5, 9, 40])
def test_a_jpeg_that_lacks_more_is_truncated(kind: str, missing: int) -> None:
    with pytest.raises(ImageError, match="truncated JPEG"):
        load_image(jpeg_of(kind)[:-missing])


def test_a_progressive_jpeg_cut_between_two_scans_is_truncated() -> None:
    data = jpeg_of("progressive")
    last = data.rindex(b"\xff\xc4")  # the tables of the last scan
    with pytest.raises(ImageError, match="truncated JPEG"):
        load_image(data[:last])


def test_a_jpeg_cut_at_a_restart_is_truncated() -> None:
    data = jpeg_of("restarts")
    restarts = [n for n in range(len(data) - 1) if data[n] == 0xFF and 0xD0 <= data[n + 1] <= 0xD7]
    with pytest.raises(ImageError, match="truncated JPEG"):
        load_image(data[: restarts[-1]])


def test_nothing_behind_the_end_belongs_to_the_picture() -> None:
    """A motion photo: a film, in which the bytes of markers appear by chance."""
    data = jpeg_of("baseline")
    film = b"\0\0\0\x18ftypmp42" + b"\xff\xda\xff\xd8\xff\xc2" * 40_000
    image = load_image(data + film)
    np.testing.assert_array_equal(image, load_image(data))
    assert jpeg.walk(data + film).data == jpeg.walk(data).data
    with pytest.raises(ImageError, match=r"truncated|damaged"):
        load_image(data[:-60] + film)


def test_of_several_pictures_in_a_jpeg_the_primary_one_is_taken() -> None:
    """MPO, as cameras write it: a second JPEG behind the first (Ultra HDR has its gain map there)."""
    first, second = (Image.fromarray(noise(30, 40, seed=n)) for n in (1, 2))
    data = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert data.count(b"\xff\xd8\xff") >= 2
    for page, picture in ((1, first), (2, second)):
        alone = encoded(picture, "JPEG", quality=95)
        np.testing.assert_array_equal(load_image(data, page=page), load_image(alone))
    assert contents(data).count == 2
    with pytest.raises(ImageError, match="no page 3: the file has 2"):
        load_image(data, page=3)


GAIN_MAP = b'http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version="1.0"/>'


@pytest.mark.parametrize(
    ("kind", "size", "metadata", "count"),
    [
        (0x000000, (40, 30), b"", 2),  # as Pillow writes all but the first
        (0x000000, (20, 15), b"", 1),  # a depth map of a portrait
        (0x000000, (40, 30), GAIN_MAP, 1),
        (0x010001, (40, 30), b"", 1),  # a large thumbnail
        (0x020001, (20, 30), b"", 2),  # a part of a panorama
        (0x020002, (40, 30), b"", 2),  # what the other eye sees
        (0x020003, (40, 30), b"", 2),  # another angle
    ],
)
def test_what_belongs_to_the_primary_picture_is_no_picture_of_its_own(
    kind: int, size: tuple[int, int], metadata: bytes, count: int
) -> None:
    """Types are those of CIPA DC-007, table 4."""
    first, second = Image.new("RGB", (40, 30)), Image.new("RGB", size)
    data = bytearray(encoded(first, "MPO", save_all=True, append_images=[second]))
    at = data.index(b"MPF\0") + 4
    entry = _second_entry(bytes(data), at)
    data[entry : entry + 4] = struct.pack("<I", kind)
    if metadata:
        behind = at + struct.unpack_from("<I", data, entry + 8)[0] + 2
        data[behind:behind] = b"\xff\xe1" + struct.pack(">H", len(metadata) + 2) + metadata
    assert contents(bytes(data)).count == count


def _second_entry(data: bytes, header: int) -> int:
    tags = struct.unpack_from("<H", data, header + 8)[0]
    rows = [struct.unpack_from("<HHII", data, header + 10 + 12 * n) for n in range(tags)]
    (place,) = (value for tag, _, _, value in rows if tag == 0xB002)
    return header + int(place) + 16


# --- metadata -------------------------------------------------------------------------------------


def test_only_what_the_samples_mean_stays() -> None:
    plain = encoded(Image.fromarray(noise(20, 20)), "JPEG")
    full = encoded(
        Image.fromarray(noise(20, 20)),
        "JPEG",
        exif=b"Exif\0\0II*\0junk",
        icc_profile=b"i" * 200_000,
        comment=b"c" * 500,
    )
    assert jpeg.walk(full).data == jpeg.walk(plain).data
    assert jpeg.walk(full).exif.startswith(b"Exif\0\0")


def test_many_comments_are_no_reason_to_refuse_the_pixels() -> None:
    comments = b"\xff\xfe\0\4ab" * 20_000
    data = SOUND["JPEG"][:2] + comments + SOUND["JPEG"][2:]
    np.testing.assert_array_equal(load_image(data), load_image(SOUND["JPEG"]))


@pytest.mark.parametrize(
    ("segment", "count"), [(b"\xff\xe1\0\2", 201_000), (b"\xff\xdb\0\2", 20_000)]
)
def test_a_jpeg_of_endless_segments_is_refused(segment: bytes, count: int) -> None:
    with pytest.raises(ImageError, match="segments"):
        load_image(b"\xff\xd8" + segment * count)


def test_a_height_behind_the_first_scan_is_named() -> None:
    """DNL, ITU T.81, B.2.5: the frame header says 0 rows."""
    data = SOUND["JPEG"]
    frame = next(at for at in range(len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC2))
    number = b"\xff\xdc\0\4" + data[frame + 5 : frame + 7]
    end = data.rindex(b"\xff\xd9")
    data = data[: frame + 5] + b"\0\0" + data[frame + 7 : end] + number + data[end:]
    with pytest.raises(ImageError, match="whose height stands behind its first scan"):
        load_image(data)


def test_fill_bytes_take_time_with_their_number_not_with_its_square() -> None:
    filled = SOUND["JPEG"][:2] + b"\xff" * 100_000 + SOUND["JPEG"][2:]
    np.testing.assert_array_equal(load_image(filled), load_image(SOUND["JPEG"]))
    started = time.process_time()
    with pytest.raises(ImageError, match="truncated JPEG"):
        load_image(b"\xff\xd8" + b"\xff" * 200_000)
    assert time.process_time() - started < 2


# --- work -----------------------------------------------------------------------------------------


def with_size(data: bytes, width: int, height: int) -> bytes:
    frame = next(data.index(bytes((0xFF, m))) for m in (0xC0, 0xC2) if bytes((0xFF, m)) in data)
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


def test_a_jpeg_of_many_scans_is_refused_by_their_work() -> None:
    data = with_size(encoded(Image.new("RGB", (8, 8)), "JPEG"), 4000, 4000)
    scan = data.index(b"\xff\xda")
    with pytest.raises(ImageError, match=r"16000000 pixels would take too long.*the limit is 8 s"):
        load_image(data[:scan] + data[scan : scan + 14] * 200, max_pixels=20_000_000)


def test_the_bytes_of_scans_count() -> None:
    """The same scans are the same work whether they are full or empty; and full ones are more."""
    small = jpeg.walk(with_size(jpeg_of("progressive"), 4000, 4000)).seconds
    large = jpeg.walk(jpeg_of("progressive", 200)).seconds
    empty = jpeg.walk(with_size(encoded(Image.new("L", (8, 8)), "JPEG"), 4000, 4000)).seconds
    assert small > empty > 0
    assert large > jpeg.walk(jpeg_of("progressive")).seconds


def test_arithmetic_coding_is_slower() -> None:
    data = with_size(encoded(Image.new("L", (8, 8)), "JPEG"), 4000, 4000)
    arithmetic = data.replace(b"\xff\xc0", b"\xff\xc9", 1)
    assert jpeg.walk(arithmetic).seconds > 5 * jpeg.walk(data).seconds


@pytest.mark.parametrize("kind", KINDS)
def test_photographs_of_cameras_are_far_below_the_limit(kind: str) -> None:
    """24 Mpx with the bytes of a good photograph, 12 MB."""
    work = jpeg.walk(with_size(jpeg_of(kind), 6000, 4000)).seconds
    assert work + 12e6 * 50e-9 < 4


# --- kinds that are not opened --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marker", "precision", "reason"),
    [(0xC0, 12, "12 bits"), (0xF7, 8, "JPEG-LS"), (0xC5, 8, "hierarchical")],
)
def test_other_kinds_of_jpeg_are_named(marker: int, precision: int, reason: str) -> None:
    data = bytearray(SOUND["JPEG"])
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = marker, precision
    with pytest.raises(ImageError, match=reason) as caught:
        load_image(bytes(data))
    assert "damaged" not in caught.value.reason
