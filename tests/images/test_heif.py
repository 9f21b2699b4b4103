"""AVIF and HEIC: sizes, parts and work that their boxes tell."""

from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagefiles import as_float, encoded, noise
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images import decode, headers, heif
from waldo_cli.images.load import load_image
from waldo_cli.images.pages import Contents, contents

SMOOTH = np.asarray(Image.fromarray(noise(6, 8)).resize((160, 120), Image.Resampling.BICUBIC))
AVIF = encoded(Image.fromarray(SMOOTH), "AVIF", quality=95, subsampling="4:4:4")


def heic(**options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    file = io.BytesIO()
    image = pillow_heif.from_pillow(Image.fromarray(SMOOTH))
    image.save(file, quality=95, chroma=444, **options)
    return file.getvalue()


def with_size(data: bytes, width: int, height: int) -> bytes:
    """Another size in all properties `ispe`."""
    parts = data.split(b"ispe\0\0\0\0")
    size = struct.pack(">II", width, height)
    return parts[0] + b"".join(b"ispe\0\0\0\0" + size + part[8:] for part in parts[1:])


def test_avif_opens() -> None:
    np.testing.assert_allclose(load_image(AVIF), as_float(SMOOTH), atol=0.05)


def test_heic_opens_and_tiles_are_put_together() -> None:
    np.testing.assert_allclose(load_image(heic()), as_float(SMOOTH), atol=0.05)
    np.testing.assert_allclose(load_image(heic(tile_size=64)), as_float(SMOOTH), atol=0.1)


def test_alpha_of_avif_and_heic() -> None:
    clear = np.dstack([SMOOTH, np.full((120, 160), 255, np.uint8)])
    clear[:60, :, 3] = 0
    data = encoded(Image.fromarray(clear), "AVIF", quality=95)
    assert load_image(data)[:50].min() > 0.95
    assert heif.read(data).pixels == 2 * 120 * 160


def test_without_the_extra_a_heic_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40
    with pytest.raises(ImageError, match=r"pip install 'waldo-cli\[heif\]'"):
        load_image(data)


def test_without_the_codec_an_avif_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode.features, "check", lambda feature: feature != "avif")
    with pytest.raises(ImageError, match="this Pillow was built without AVIF"):
        load_image(AVIF)


@pytest.mark.parametrize(
    ("first", "others", "kind"),
    [
        (b"avif", b"mif1miaf", "AVIF"),
        (b"avis", b"avifmsf1", "AVIF"),
        (b"mif1", b"mif1avif", "AVIF"),
        (b"heic", b"mif1heic", "HEIF"),
        (b"mif1", b"mif1heic", "HEIF"),
        (b"heix", b"mif1", "HEIF"),
    ],
)
def test_brands_tell_avif_from_heif(first: bytes, others: bytes, kind: str) -> None:
    data = struct.pack(">I", 16 + len(others)) + b"ftyp" + first + b"\0" * 4 + others
    assert headers.sniff(data + b"\0" * 50) == kind


@pytest.mark.parametrize("brand", ["avci", "avcs", "vvic", "evbi", "j2ki", "j2is", "jpeg"])
def test_pictures_of_other_codings_are_no_films(brand: str) -> None:
    data = b"\0\0\0\x18ftyp" + brand.encode() + b"\0\0\0\0mif1miaf" + bytes(40)
    with pytest.raises(ImageError, match=r"a HEIF picture of AVC, VVC.* cannot be opened"):
        load_image(data)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
def test_a_picture_whose_boxes_end_behind_the_file_is_truncated(kind: str, share: float) -> None:
    data = AVIF if kind == "AVIF" else heic()
    with pytest.raises(ImageError, match=r"truncated .*the file ends too early"):
        load_image(data[: int(len(data) * share)])


# --- sizes and work -------------------------------------------------------------------------------


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(ImageError, match="too large: 20000x20000"):
        load_image(with_size(AVIF, 20_000, 20_000))
    with pytest.raises(ImageError, match="bomb"):
        load_image(with_size(AVIF, 10_000, 10_000)[:1000])
    with pytest.raises(ImageError, match="limit is 100"):
        load_image(AVIF, max_pixels=100)


def test_the_codecs_own_header_is_read() -> None:
    """An item that says it is small, and is not."""
    assert heif.read(AVIF).size == (160, 120)
    assert heif.read(with_size(AVIF, 16, 12)).pixels == 160 * 120


def test_the_codecs_own_header_of_heic_is_read() -> None:
    assert heif.read(with_size(heic(), 16, 12)).pixels >= 160 * 120


def test_hidden_pixels_count_as_work() -> None:
    small = heif.Heif((100, 100), 1, 10_000 * 20_000)
    with pytest.raises(ImageError, match="would take too long to decode: about 12 s"):
        heif.check_effort(b"", "AVIF", small, 100, 100)


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def full(name: bytes, body: bytes, version: int = 0) -> bytes:
    return box(name, bytes([version, 0, 0, 0]) + body)


def grid(tiles: int, same: bool = False) -> bytes:
    """Boxes of a picture that is put together of tiles; no data."""
    names = [2] * tiles if same else range(2, tiles + 2)
    refer = full(b"iref", box(b"dimg", struct.pack(f">HH{tiles}H", 1, tiles, *names)))
    sizes = box(b"ipco", full(b"ispe", struct.pack(">II", 64, 64)))
    owners = b"".join(struct.pack(">HBB", item, 1, 1) for item in {1, *names})
    properties = box(b"iprp", sizes + full(b"ipma", struct.pack(">I", len({1, *names})) + owners))
    meta = full(b"meta", full(b"pitm", struct.pack(">H", 1)) + refer + properties)
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + meta


def test_tiles_count_as_often_as_they_are_used() -> None:
    assert heif.read(grid(10)).pixels == 11 * 64 * 64
    assert heif.read(grid(10, same=True)).pixels == 11 * 64 * 64
    with pytest.raises(ImageError, match="more than 20000 parts"):
        heif.read(grid(30_000, same=True))


def test_what_many_parts_share_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """700 bytes took 13 s: 20,000 times the same part, each time with its codec's header."""
    read: list[bytes] = []
    monkeypatch.setattr(heif, "_hevc_size", lambda header: read.append(header) or (8, 8))
    shared = grid(300).replace(b"ispe", b"hvcC")
    assert heif.read(shared).pixels == 301 * 64
    assert len(read) == 1
    monkeypatch.setattr(heif, "_av1_size", lambda data: read.append(data) or (8, 8))
    assert heif.read(grid(300, same=True).replace(b"ispe", b"av1C")).pixels == 301 * 64
    assert len(read) == 3


def test_of_av1_data_that_are_no_picture_the_beginning_is_gone_through() -> None:
    sequence = AVIF[AVIF.index(b"mdat") + 4 :]
    assert heif._av1_size(sequence) == (160, 120)
    assert heif._av1_size(b"\x12\0" * 8 + sequence) == (160, 120)
    assert heif._av1_size(b"\x12\0" * 500 + sequence) == (0, 0)


def test_parts_that_lead_in_a_circle_end() -> None:
    data = grid(1, same=True).replace(struct.pack(">HHH", 1, 1, 2), struct.pack(">HHH", 1, 1, 1))
    with pytest.raises(ImageError, match="more than 20000 parts"):
        heif.read(data)


def collection() -> bytes:
    """Boxes of pictures 1 to 8, of which 2 is the primary one; no data."""
    kinds = {3: b"Exif", 9: b"tmap"}
    entries = b"".join(
        full(b"infe", struct.pack(">HH4s", n, 0, kinds.get(n, b"hvc1")), 2) for n in range(1, 10)
    )
    hidden = entries.replace(b"infe\2\0\0\0\0\4", b"infe\2\0\0\1\0\4")
    refer = full(
        b"iref",
        box(b"thmb", struct.pack(">HHH", 5, 1, 2))
        + box(b"auxl", struct.pack(">HHH", 6, 1, 2))
        + box(b"dimg", struct.pack(">HHHH", 9, 2, 2, 7)),
    )
    groups = box(b"grpl", full(b"altr", struct.pack(">IIII", 20, 2, 2, 9)))
    names = full(b"iinf", struct.pack(">H", 9) + hidden)
    meta = full(b"meta", full(b"pitm", struct.pack(">H", 2)) + names + refer + groups)
    return box(b"ftyp", b"heic\0\0\0\0heicmif1") + meta


def test_thumbnails_maps_parts_and_hidden_pictures_are_no_pictures_of_their_own() -> None:
    data = collection()
    assert heif.pictures(io.BytesIO(data)) == [2, 1, 8]
    assert contents(data).count == 3
    assert contents(data[:40]).count == 1
    far = struct.pack(">I4sQ", 1, b"free", 2**64 - 24)
    assert contents(data[:24] + far + data[24:]).count == 1
    third = heif.with_primary(data, 8)
    assert heif.pictures(io.BytesIO(third)) == [8]
    assert len(third) == len(data)
    with pytest.raises(ImageError, match="no room for the number"):
        heif.with_primary(data, 70_000)


def test_the_primary_picture_of_a_heic_is_the_first_page_and_the_others_follow() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    file, several = io.BytesIO(), pillow_heif.HeifFile()
    for width, grey in ((64, 0), (128, 255), (192, 128)):
        several.add_from_pillow(Image.new("RGB", (width, 64), (grey,) * 3))
    several.save(file, primary_index=1)
    loaded = [load_image(file.getvalue(), page=page) for page in (1, 2, 3)]
    assert [image.shape[1] for image in loaded] == [128, 64, 192]
    np.testing.assert_allclose([image[5, 5, 0] for image in loaded], [1, 0, 0.5], atol=0.02)
    with pytest.raises(ImageError, match="no page 4: the file has 3"):
        load_image(file.getvalue(), page=4)


@pytest.mark.parametrize("sizes", [0, 0x0080])
def test_parts_of_items_that_take_no_bytes_are_not_gone_through(sizes: int) -> None:
    entries = struct.pack(">HHH8xH" if sizes else ">HHHH", 1, 0, 0, 65535) * 200
    places = full(b"iloc", struct.pack(">HH", sizes, 200) + entries, 1)
    data = box(b"ftyp", b"heic\0\0\0\0heicmif1") + full(b"meta", places)
    start = time.perf_counter()
    assert contents(data).count == 1
    assert time.perf_counter() - start < 5


def sequence(samples: int, handler: bytes = b"pict", size: int = 1) -> bytes:
    """Boxes of a track of so many samples; no data."""
    table = box(b"stbl", full(b"stsz", struct.pack(">II", size, samples)))
    media = full(b"hdlr", bytes(4) + handler + bytes(13)) + box(b"minf", table)
    return box(b"moov", box(b"trak", box(b"mdia", media)))


@pytest.mark.parametrize("brand", [b"heic", b"hevc", b"msf1", b"avif"])
def test_frames_beside_still_pictures_are_counted(brand: bytes) -> None:
    still = collection().replace(b"heic", brand, 1)
    assert contents(still + sequence(7)) == Contents("HEIF", 3, frames=7)
    assert contents(still + sequence(7, b"vide")) == Contents("HEIF", 3)
    data = still + sequence(2**32 - 1)
    assert contents(data).frames <= len(data)


def test_a_sequence_without_a_still_picture_says_so() -> None:
    data = box(b"ftyp", b"hevc\0\0\0\0msf1hevc") + sequence(7)
    assert contents(data) == Contents("HEIF", 1, frames=7)
    with pytest.raises(ImageError, match=r"sequence without a still picture .* take it apart"):
        load_image(data)


def avif_collection(images: list[Image.Image]) -> bytes:
    """Pictures of one size in one AVIF, the second one the primary."""
    files = [encoded(image, "AVIF", quality=100, subsampling="4:4:4") for image in images]
    start = files[0].index(b"ipco") - 4
    properties = files[0][start : start + int.from_bytes(files[0][start : start + 4], "big")]
    owned = files[0].index(b"ipma") + 14  # how many properties the item has, and which
    owned_bytes = files[0][owned : owned + 1 + files[0][owned]]
    coded = [file[file.index(b"mdat") + 4 :] for file in files]
    names = range(1, len(files) + 1)

    def meta(start: int) -> bytes:
        at = [start + sum(map(len, coded[:n])) for n in range(len(coded))]
        places = b"".join(
            struct.pack(">HHHII", n, 0, 1, at[n - 1], len(coded[n - 1])) for n in names
        )
        entries = (full(b"infe", struct.pack(">HH4sB", n, 0, b"av01", 0), 2) for n in names)
        owners = b"".join(struct.pack(">H", n) + owned_bytes for n in names)
        return full(
            b"meta",
            full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", struct.pack(">H", 2))
            + full(b"iloc", struct.pack(">HH", 0x4400, len(names)) + places)
            + full(b"iinf", struct.pack(">H", len(names)) + b"".join(entries))
            + box(b"iprp", properties + full(b"ipma", struct.pack(">I", len(names)) + owners)),
        )

    head = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", b"".join(coded))


def test_the_primary_picture_of_an_avif_is_the_first_page_and_the_others_follow() -> None:
    data = avif_collection([Image.new("RGB", (16, 16), (grey,) * 3) for grey in (0, 255, 128)])
    assert contents(data) == Contents("HEIF", 3)
    loaded = [load_image(data, page=page)[5, 5, 0] for page in (1, 2, 3)]
    np.testing.assert_allclose(loaded, [1, 0, 0.5], atol=0.02)
    with pytest.raises(ImageError, match="no page 4: the file has 3"):
        load_image(data, page=4)


def with_property(data: bytes, added: bytes) -> bytes:
    """One more property of the only picture of a file, as the last one."""
    starts = {n: data.index(n) - 4 for n in (b"meta", b"iloc", b"iprp", b"ipco", b"ipma")}
    spans = {n: int.from_bytes(data[at : at + 4], "big") for n, at in starts.items()}
    number = 0
    at = starts[b"ipco"] + 8
    end_of_properties = starts[b"ipco"] + spans[b"ipco"]
    while at < end_of_properties:
        number += 1
        at += int.from_bytes(data[at : at + 4], "big")
    owned = starts[b"ipma"] + 18  # how many properties the item has
    changed = bytearray(data)
    for name, more in ((b"meta", len(added) + 1), (b"iprp", len(added) + 1), (b"ipco", len(added))):
        changed[starts[name] : starts[name] + 4] = (spans[name] + more).to_bytes(4, "big")
    changed[starts[b"ipma"] : starts[b"ipma"] + 4] = (spans[b"ipma"] + 1).to_bytes(4, "big")
    has_base = data[starts[b"iloc"] + 13] > 0
    place = starts[b"iloc"] + (20 if has_base else 22)  # of the picture's data
    moved = int.from_bytes(data[place : place + 4], "big") + len(added) + 1
    changed[place : place + 4] = moved.to_bytes(4, "big")
    changed[owned] += 1
    changed.insert(owned + changed[owned], 128 | (number + 1))  # the bit: it must be understood
    changed[end_of_properties:end_of_properties] = added
    return bytes(changed)


def clean(width: int, height: int, across: tuple[int, int], down: tuple[int, int]) -> bytes:
    """The part of a picture that is shown: its size, and where its centre lies from the picture's."""
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, *across, *down))


PARTS = {  # of 160x120: left, top, right, bottom
    "in the middle": (clean(100, 80, (0, 1), (0, 1)), (30, 20, 130, 100)),
    "odd size, as encoders of whole blocks write it": (
        clean(159, 119, (-1, 2), (-1, 2)),
        (0, 0, 159, 119),
    ),
    "half a column, which libheif rounds up": (
        box(b"clap", struct.pack(">IIIIiIiI", 201, 2, 80, 1, 0, 1, 0, 1)),
        (29, 20, 130, 100),
    ),
    "a corner": (clean(40, 30, (60, 1), (-90, 2)), (120, 0, 160, 30)),
}


@pytest.mark.parametrize("name", PARTS)
def test_an_avif_shows_its_clean_part_before_it_is_turned(name: str) -> None:
    said, (left, top, right, bottom) = PARTS[name]
    shown = load_image(AVIF)[top:bottom, left:right]
    np.testing.assert_array_equal(load_image(with_property(AVIF, said)), shown)
    turned = with_property(with_property(AVIF, said), box(b"irot", b"\1"))
    np.testing.assert_array_equal(load_image(turned), np.rot90(shown))
    np.testing.assert_array_equal(load_image(turned, orient=False), shown)


@pytest.mark.parametrize("name", PARTS)
def test_an_avif_and_a_heic_show_the_same_part(name: str) -> None:
    said, (left, top, right, bottom) = PARTS[name]
    data = heic()
    shown = load_image(data)[top:bottom, left:right]
    np.testing.assert_array_equal(load_image(with_property(data, said)), shown)


@pytest.mark.parametrize(
    "said",
    [
        clean(100, 80, (0, 0), (0, 1)),
        clean(0, 80, (0, 1), (0, 1)),
        clean(100, 80, (500, 1), (0, 1)),
    ],
)
def test_a_clean_part_that_makes_no_sense_is_not_cut_out(said: bytes) -> None:
    np.testing.assert_array_equal(load_image(with_property(AVIF, said)), load_image(AVIF))


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(["AVIF", "grid"]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    share=st.floats(0.02, 1),
)
def test_damaged_boxes_are_read_or_refused(
    name: str, changes: list[tuple[float, int]], share: float
) -> None:
    data = bytearray(AVIF if name == "AVIF" else grid(3))
    for place, value in changes:
        data[int(place * min(400, len(data)))] = value
    try:
        found = heif.read(bytes(data[: int(share * len(data))]))
    except ImageError as error:
        reason = error.reason
    else:
        reason = "read"
        assert found.turn in range(1, 9)
        assert found.pixels >= 0
    assert len(reason) < 200
