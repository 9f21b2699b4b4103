"""What reads a stranger's file, each with sound files to begin with and what must hold of any bytes.

Used by `test_fuzz.py` and by the coverage-guided `fuzz/fuzz_readers.py`.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from documents import ANIMATIONS, DOCUMENTS, document
from PIL import Image

from waldo_cli.answers.record import Record, as_json
from waldo_cli.answers.sidecars import SIDECARS
from waldo_cli.answers.streams import FORMATS, make_format
from waldo_cli.batch.journal import Journal
from waldo_cli.detector.detect import detect
from waldo_cli.detector.pyramid import level_size
from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import open_page
from waldo_cli.evaluation.truth import read_truth
from waldo_cli.geometry import Box, Detection
from waldo_cli.images.load import load_image, load_mask, load_weights
from waldo_cli.images.pages import contents
from waldo_cli.inputs.items import Item
from waldo_cli.inputs.sources import read_names
from waldo_cli.inputs.stream import pictures as pictures_in
from waldo_cli.stack.file import load_stack

PAGE = np.random.default_rng(0).random((40, 48, 3), np.float32)

# Work that a stack may make of PAGE, and numbers; whatever asks for more is legal, and slow or large.
MOST_MULTIPLY_ADDS = 1e7
MOST_ACTIVATIONS = 1e7


# --- readers: bytes in; nothing but a WaldoError of one line comes out --------------------------------


def image(data: bytes, folder: Path) -> None:
    lenient = bool(data) and data[-1] % 2 == 1
    pixels = load_image(data, max_pixels=1 << 20, allow_truncated=lenient)
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 <= pixels.min() <= pixels.max() <= 1


def pages(data: bytes, folder: Path) -> None:
    found = contents(data)
    assert 0 <= found.count <= max(len(data), 1 << 20)
    refused = None
    for page in range(1, min(found.count, 4) + 1):
        try:
            load_image(data, page=page, max_pixels=1 << 20)
        except WaldoError as error:
            must_be_a_line(error)
            refused = error
    if refused is not None:
        raise refused


def stream(data: bytes, folder: Path) -> None:
    step = 1 + len(data) % 97
    file = io.BytesIO(data)
    given = list(pictures_in(lambda size: file.read(min(size, step)), 1 << 13))
    whole = b"".join(piece for piece, _ in given)
    assert data.startswith(whole)
    assert whole == data or len(given[-1][0]) == (1 << 13) + 1
    assert [more for _, more in given] == [True] * (len(given) - 1) + [False]


def mask(data: bytes, folder: Path) -> None:
    try:
        grey = load_weights(data, max_pixels=1 << 20)
    except WaldoError as error:
        must_be_a_line(error)
    else:
        assert 0 <= grey.min() <= grey.max() <= 1
    pixels, weights = load_mask(data, max_pixels=1 << 20)
    assert 0 <= pixels.min() <= pixels.max() <= 1
    assert weights is None or (weights.shape == pixels.shape[:2] and weights.any())


def stack(data: bytes, folder: Path) -> None:
    must_answer(put(folder / "mine.toml", data))


def weights(data: bytes, folder: Path) -> None:
    put(folder / "mine.npz", data)
    must_answer(put(folder / "conv.toml", CONV.replace("weights.npz", "mine.npz").encode()))


def must_answer(path: Path) -> None:
    loaded = load_stack(path)
    repr(loaded)
    if loaded.needs_mask or loaded.object is None:
        return
    cells = PAGE.size * sum(s**-2 for s in loaded.scales)
    work = sum(loaded.multiply_adds())
    made = sum(sum(loaded.activations(level_size(*PAGE.shape[:2], 1 / s))) for s in loaded.scales)
    for look in loaded.closer_looks:
        window = look.stack.receptive_field.size
        cuts = look.candidates * len(look.scales)
        work += sum(look.stack.multiply_adds()) * window[0] * window[1] * cuts
        made += sum(look.stack.activations(window)) * cuts
    few = made < MOST_ACTIVATIONS
    if few and cells * work * (1 + max(loaded.channels())) < MOST_MULTIPLY_ADDS:
        finds = detect(PAGE, stack=loaded, top=3, threshold=-1e30).detections
        must_be_written(Record("a.png", "run", finds, 48, 40), loaded.labels)


def must_be_written(record: Record, labels: tuple[str, ...]) -> None:
    for form in FORMATS:
        stream = make_format(form, labels)
        os.fsencode(stream.begin() + stream.add(record) + stream.end())
    for sidecar in SIDECARS.values():
        sidecar.text(record, "out/a.txt", labels).encode()


def truth(data: bytes, folder: Path) -> None:
    faults: list[WaldoError] = []
    pages = read_truth(put(folder / "truth", data), folder, faults.append)
    assert pages
    for page in pages:
        for box in page.boxes:
            assert 0 <= box.left < box.right
            assert 0 <= box.top < box.bottom
            assert page.size is not None
            assert box.right <= page.size.cols
        if page.raw:
            try:
                open_page(page, complain=faults.append)
            except WaldoError as error:
                faults.append(error)
    for fault in faults:
        must_be_a_line(fault)


def labels(data: bytes, folder: Path) -> None:
    """A label file of YOLO, or a data.yaml."""
    place = folder / "labels"
    place.mkdir(exist_ok=True)
    yaml = data[:5] in (b"names", b"train")
    put(place / ("data.yaml" if yaml else "page.txt"), data)
    put(
        place / ("page.txt" if yaml else "classes.txt"),
        b"0 0.5 0.5 0.5 0.5\n" if yaml else b"waldo\n",
    )
    try:
        pages = read_truth(place / "data.yaml" if yaml else place, folder)
        assert [page.path.name for page in pages] == ["page.png"]
        open_page(pages[0])
    finally:
        for path in place.iterdir():
            path.unlink()


def resume(data: bytes, folder: Path) -> None:
    path = put(folder / "found.jsonl", data)
    with Journal(str(path)) as journal:
        names = [p for line in path.read_bytes().splitlines() if (p := path_of(line)) is not None]
        for name in names:
            known = journal.recall(Item(name, name), "run", ("waldo",), None)
            if known is not None:
                must_be_written(known, ("waldo",))
        journal.add(Record("new.png", "run", (), 48, 40))
    with Journal(str(path)):  # what was taken once is taken again
        pass


def path_of(line: bytes) -> str | None:
    try:
        name = json.loads(line)["path"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None


def names(data: bytes, folder: Path) -> None:
    path = put(folder / "names", data)
    for null, end in ((False, b"\n"), (True, b"\0")):
        try:
            found = [os.fsencode(n) for n in read_names(str(path), null=null)]
        except InvalidInputError:
            if null or b"\0" not in data:
                raise
            continue  # a list for -0
        assert b"" not in found
        assert all(end not in name for name in found)
        # UTF-16 has two bytes where UTF-8 has three.
        assert sum(map(len, found)) <= 1.5 * len(data) + 2 * data.count(b"-")


READERS: dict[str, Callable[[bytes, Path], None]] = {
    "image": image,
    "pages": pages,
    "stream": stream,
    "mask": mask,
    "stack": stack,
    "weights": weights,
    "truth": truth,
    "labels": labels,
    "resume": resume,
    "names": names,
    # The same for one format each.
    "avif": image,
    "jp2": image,
    "pdf": pages,
    "archive": pages,
}
if find_spec("pillow_heif") is not None:
    READERS["heif"] = image
if find_spec("pillow_jxl") is not None:
    READERS["jxl"] = image


def read(reader: str, data: bytes, folder: Path) -> bool:
    """Let a reader have some bytes; whether it took them.

    The folder is the reader's own: `prepare` was called with it.
    """
    try:
        READERS[reader](data, folder)
    except WaldoError as error:
        must_be_a_line(error)
        return False
    return True


def prepare(folder: Path) -> None:
    """Put there what the sound files name."""
    put(folder / "page.png", next(pictures()))
    put(folder / "weights.npz", next(archives()))


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def must_be_a_line(error: WaldoError) -> None:
    assert len(error.reason) < 400, error.reason
    assert "\n" not in error.reason, error.reason


# --- sound files to begin with ----------------------------------------------------------------------


def pictures() -> Iterator[bytes]:
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8))
    alpha = Image.fromarray(rng.integers(0, 256, (7, 9, 4), np.uint8))
    grey = colour.convert("L")
    deep = Image.fromarray(rng.integers(0, 65536, (7, 9), np.uint16))
    floats = Image.fromarray(rng.random((7, 9), np.float32))
    exif = Image.Exif()
    exif[0x0112] = 6
    for picture, kind, options in (
        (colour, "PNG", {}),
        (alpha, "PNG", {}),
        (grey, "PNG", {"transparency": 3}),
        (deep, "PNG", {}),
        (colour.convert("P"), "PNG", {"transparency": b"\0\1\2"}),
        (colour.convert("1"), "PNG", {}),
        (colour, "JPEG", {"exif": exif}),
        (colour, "JPEG", {"progressive": True}),
        (colour.convert("CMYK"), "JPEG", {}),
        (grey, "JPEG", {}),
        (colour, "GIF", {}),
        (colour, "GIF", {"save_all": True, "append_images": [colour.rotate(180)]}),
        (colour, "WEBP", {}),
        (alpha, "WEBP", {"lossless": True, "exif": exif}),
        (colour, "WEBP", {"save_all": True, "append_images": [colour.rotate(180)]}),
        (colour, "BMP", {}),
        (grey, "BMP", {}),
        (alpha, "BMP", {}),
        (colour, "TIFF", {"exif": exif}),
        (colour, "TIFF", {"compression": "tiff_lzw"}),
        (colour, "TIFF", {"compression": "tiff_adobe_deflate"}),
        (colour, "TIFF", {"compression": "jpeg"}),
        (colour.convert("1"), "TIFF", {"compression": "group4"}),
        (deep, "TIFF", {}),
        (floats, "TIFF", {}),
        (colour.convert("LAB"), "TIFF", {}),
        (alpha, "TIFF", {"compression": "packbits"}),
        (colour, "TIFF", {"big_tiff": True, "exif": exif}),
        (colour, "PPM", {}),
        (deep, "PPM", {}),
        (grey.convert("1"), "PPM", {}),
        (colour, "AVIF", {"exif": exif}),
        (alpha, "AVIF", {}),
        (colour, "JPEG2000", {}),
        (grey, "JPEG2000", {"no_jp2": True}),
    ):
        file = io.BytesIO()
        picture.save(file, kind, **options)
        yield file.getvalue()


def of_kind(start: bytes, at: int = 0) -> list[bytes]:
    """Return the pictures whose bytes from a place on are these."""
    return [data for data in pictures() if data.startswith(start, at)]


def with_extras(kind: str) -> Iterator[bytes]:
    """Pictures of HEIF or JXL."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
        options: tuple[dict[str, object], ...] = ({}, {"quality": -1})
    else:
        import pillow_jxl  # noqa: F401 - Pillow knows the format from then on

        options = ({"lossless": True}, {"quality": 80})
    rng = np.random.default_rng(0)
    for channels in (3, 4):
        samples = rng.integers(0, 256, (48, 40, channels), np.uint8)
        for given in options:
            file = io.BytesIO()
            Image.fromarray(samples).save(file, kind, **given)
            yield file.getvalue()


def documents(kinds: Sequence[str] = (*DOCUMENTS, *ANIMATIONS)) -> Iterator[bytes]:
    rng = np.random.default_rng(0)
    drawn = [Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8)) for _ in range(3)]
    for count in (3, 2):
        for kind in kinds:
            yield document(kind, drawn[:count])


def streams() -> Iterator[bytes]:
    alone = list(pictures())
    yield from (b"".join(alone[n : n + 3]) for n in range(0, len(alone), 3))


CONV = """\
format = 1
name = "conv"
object = [5, 5]
threshold = 0.5
scales = { min = 0.5, max = 1, per_octave = 2 }
weights = "weights.npz"
labels = ["waldo", "wenda"]
boundary = "reflect"
[[layer]]
op = "conv"
kernel = "weights:k"
bias = "weights:b"
stride = [1, 2]
padding = [[1, 0], [2, 3]]
"""

STACKS = (
    'format = 1\nobject = 3\n[[layer]]\nop = "conv"\nkernel = [[[[1, 0], [0, 1], [-0.5, 0]]]]\n'
    '[[layer]]\nop = "leaky-relu"\nslope = 0.1\n[[layer]]\nop = "softmax"\n',
    'format = 1\nobject = 3\nscales = [1, 0.5]\n[[layer]]\nop = "conv"\nkernel = "gaussian:1.5"\n'
    'padding = "wrap"\ndilation = 2\nflip = true\n[[layer]]\nop = "max-pool"\nsize = [2, 3]\n'
    '[[layer]]\nop = "combine"\nhow = "mean"\n[[layer]]\nop = "upsample"\nfactor = 2\n',
    'format = 1\ndescription = "x"\n[[layer]]\nop = "normalize"\nsize = 5\n'
    '[[layer]]\nop = "mask"\nscore = "raw"\npadding = "zero"\n'
    "mask = [[[1, 0, 0, 1], [0, 1, 0, 1]]]\n",
    'format = 1\nobject = [8, 8]\nlabels = ["a", "b"]\n[[layer]]\nop = "abs"\n'
    '[[layer]]\nop = "combine"\nhow = "mean"\n[[closer_look]]\nobject = [4, 6]\ncandidates = 3\n'
    'scales = [0.9, 1.1]\nmirrored = 2\n[[closer_look.layer]]\nop = "conv"\n'
    'kernel = [[[[1, 0], [0, 1], [0, 0]]]]\n[[closer_look.layer]]\nop = "softmax"\n',
)

COCO = {
    "images": [{"id": 1, "file_name": "page.png", "width": 48, "height": 40}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3.5, 4]}],
    "categories": [{"id": 2, "name": "waldo"}],
}

LABELME = {
    "shapes": [
        {"label": "waldo", "points": [[1, 2], [9.5, 8]], "shape_type": "rectangle"},
        {"label": "waldo", "points": [[4, 4], [4, 9]], "shape_type": "circle"},
    ],
    "imagePath": "x\\page.png",
    "imageWidth": 48,
    "imageHeight": 40,
}

LABEL_STUDIO = [
    {
        "data": {"image": "/data/upload/1/0123abcd-page.png"},
        "annotations": [
            {
                "result": [
                    {
                        "value": {
                            "x": 10,
                            "y": 20,
                            "width": 30.5,
                            "height": 40,
                            "rotation": 5,
                            "rectanglelabels": ["waldo"],
                        },
                        "original_width": 48,
                        "original_height": 40,
                    }
                ]
            }
        ],
    }
]

VOC = """<?xml version="1.0" encoding="utf-8"?><annotation><filename>page.png</filename>
<size><width>48</width><height>40</height></size><object><name>waldo</name><difficult>0</difficult>
<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>11</xmax><ymax>12</ymax></bndbox></object>
<object><name>waldo</name><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>8</y></pt></polygon></object>
</annotation>"""

CVAT = """<annotations><image name="page.png" width="48" height="40">
<box label="waldo" xtl="1" ytl="2" xbr="9" ybr="8" rotation="3"/><polygon label="a" points="1,2;3,4;5,1"/>
</image></annotations>"""


def archives() -> Iterator[bytes]:
    arrays = {
        "k": np.ones((3, 3, 3, 2), np.float32),
        "b": np.zeros(2, np.float32),
    }
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, **arrays)
        yield file.getvalue()
    file = io.BytesIO()
    np.savez(file, k=np.asfortranarray(arrays["k"].astype(">f8")), b=arrays["b"].astype("i2"))
    yield file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("k.npy", b"\x93NUMPY")
    yield file.getvalue()


def journals() -> Iterator[bytes]:
    find = Detection("waldo", 1.5, 2.5, 0.75, Box(0, 1, 3, 4), 0.5)
    found = Record("gone.png", "run", (find,), 48, 40, 0.25, None, None, 0.125, None, None)
    records = (found, Record("b\udcff.png", "run", error="the file is empty"))
    lines = [json.dumps(as_json(r), ensure_ascii=False).encode() + b"\n" for r in records]
    yield from (b"", lines[0], b"".join(lines), lines[0] + lines[1][:40])


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "image": pictures,
    "pages": documents,
    "stream": streams,
    "mask": pictures,
    "stack": lambda: (text.encode() for text in (CONV, *STACKS)),
    "weights": archives,
    "truth": lambda: iter(
        (
            b"filename,width,height,class,xmin,ymin,xmax,ymax\n"
            b'page.png,48,40,waldo,1,2,30,39.5\r\npage.png,48,40,"a ""b""",0,0,5,5\n'
            b"page.png,48,40,,,,,\n",
            json.dumps(COCO).encode(),
            json.dumps(LABELME).encode(),
            json.dumps(LABEL_STUDIO).encode(),
            VOC.encode(),
            CVAT.encode(),
        )
    ),
    "labels": lambda: iter(
        (
            b"0 0.5 0.5 0.25 0.125\n0 .1 .2 .3 .4 .5 .6\n",
            b"names: [waldo, 'a, b']\npath: x\n",
            b'train: x\nnames:\n  0: waldo\n  1: "\\u0041"  # b\n',
        )
    ),
    "resume": journals,
    "names": lambda: iter(
        (
            b"a.png\r\n b\tc.png\n-\nlast \xff.png",
            b"a\nb.png\0c.png\0",
            "a.png\n日.png".encode("utf-16"),
        )
    ),
    "avif": lambda: iter(of_kind(b"ftypavif", 4)),
    "jp2": lambda: iter(of_kind(b"\0\0\0\x0cjP") + of_kind(b"\xff\x4f\xff\x51")),
    "pdf": lambda: documents(("pdf",)),
    "archive": lambda: documents(("cbz",)),
    "heif": lambda: with_extras("HEIF"),
    "jxl": lambda: with_extras("JXL"),
}
