"""Records in the formats of other people's tools, read back as those tools read them."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli.answers.record import Record, as_json, from_json
from waldo_cli.answers.sidecars import labelme, voc, yolo
from waldo_cli.answers.streams import COLUMNS, make_format
from waldo_cli.geometry import Box, Detection

LABELS = ("waldo", "wenda")
FIND = Detection("waldo", 24.5, 30.25, 0.97, Box(10, 20, 30, 20), 0.5)
CUT = Detection("wenda", 1.0, 99.0, 0.5, Box(-9, 90, 20, 20), 1.0)
FOUND = Record(
    "a/page one.jpg", "f00d", (FIND, CUT), 200, 100, 0.4, "page one.heatmap.png", None, 0.1, 5, 2.5,
    "out/page one",
)  # fmt: skip
NOTHING = Record("b.jpg", "f00d", (), 64, 48, None)
FAILED = Record("c\udcff.jpg", "f00d", error="the file is empty")
ALL = [FOUND, NOTHING, FAILED]


def text(form: str, records: list[Record], **options: Any) -> str:
    stream = make_format(form, LABELS, **options)
    return stream.begin() + "".join(map(stream.add, records)) + stream.end()


def test_tsv_has_nine_columns_and_a_line_for_each_find() -> None:
    lines = text("tsv", ALL).splitlines()
    assert [len(line.split("\t")) for line in lines] == [9, 9]
    assert lines[0].split("\t") == [
        "a/page one.jpg",
        "24.5",
        "30.25",
        "0.97",
        "waldo",
        "10",
        "20",
        "30",
        "20",
    ]
    assert text("tsv", [], header=True) == "\t".join(COLUMNS) + "\n"


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_a_path_in_tsv_never_breaks_its_line(path: str) -> None:
    record = Record(path, "", (FIND,), 200, 100)
    line = text("tsv", [record])
    assert line.count("\t") == 8
    assert line.splitlines() == [line[:-1]]
    assert text("tsv", [record], null=True).startswith(f"{path}\t")


@given(st.text(min_size=1), st.text(min_size=1))
def test_csv_reads_back_and_holds_no_formula(path: str, label: str) -> None:
    find = Detection(label, 1.0, 2.0, 0.5, Box(-1, 2, 3, 4), 1.0)
    stream = make_format("csv", (label,))
    written = stream.begin() + stream.add(Record(path, "", (find,), 9, 9)) + stream.end()
    header, row = csv.reader(io.StringIO(written, newline=""))
    assert header == list(COLUMNS)
    assert row[0].removeprefix("'") == path.removeprefix("'")
    assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert not row[4].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert row[5:] == ["-1", "2", "3", "4"]


def test_json_is_one_array_whenever_it_ends() -> None:
    for count in range(4):
        array = json.loads(text("json", ALL[:count]))
        assert array == [json.loads(line) for line in text("jsonl", ALL[:count]).splitlines()]


def test_json_writes_what_would_move_a_terminal_in_its_own_escapes() -> None:
    path = "c1\x9b31m bidi\u202e zero\u200b \x1b[31m\x7f.png"
    for form in ("json", "jsonl", "coco"):
        written = text(form, [Record(path, "", (FIND,), 200, 100)])
        assert written.replace("\n", "").isprintable()
        assert json.dumps(path) in json.dumps(json.loads(written))


def test_a_json_record_says_found_nothing_and_failed_apart() -> None:
    found, nothing, failed = (json.loads(line) for line in text("jsonl", ALL).splitlines())
    assert (found["found"], found["detections"][0]["box"]) == (True, [10, 20, 30, 20])
    assert (nothing["found"], nothing["detections"], nothing["error"]) == (False, [], None)
    assert (failed["found"], failed["detections"], failed["error"]) == (
        False,
        None,
        "the file is empty",
    )


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1) | st.binary(
    min_size=1
).map(os.fsdecode)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Record,
        names,
        st.text(),
        st.none() | st.lists(
            st.builds(
                Detection,
                st.text(),
                numbers,
                numbers,
                numbers,
                st.builds(Box, *[st.integers(-(2**40), 2**40)] * 4),
                numbers,
            )
        ).map(tuple),
        st.none() | st.integers(1, 2**53),
        st.none() | st.integers(1, 2**53),
        st.none() | numbers,
        st.none() | names,
        seconds=numbers,
        bytes=st.none() | st.integers(0, 2**53),
        modified=st.none() | numbers,
    )
)  # fmt: skip
def test_json_gives_every_record_back_to_the_last_bit(record: Record) -> None:
    line = json.dumps(as_json(record), ensure_ascii=False, allow_nan=False)
    line.encode(
        "utf-8", "surrogatepass" if any("\ud800" <= c <= "\udfff" for c in line) else "strict"
    )
    assert from_json(json.loads(line)) == record


def test_a_name_in_any_encoding_has_its_bytes_beside_readable_text() -> None:
    failed = json.loads(text("jsonl", [FAILED]).encode())
    assert failed["path"] == "c\ufffd.jpg"
    assert from_json(failed).path == FAILED.path


def test_coco_is_what_its_own_reader_takes(capsys: pytest.CaptureFixture[str]) -> None:
    pycocotools = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    coco = pycocotools.COCO()
    coco.dataset = json.loads(text("coco", ALL))
    coco.createIndex()
    capsys.readouterr()  # its reader talks
    assert [i["file_name"] for i in coco.loadImgs(coco.getImgIds())] == ["a/page one.jpg", "b.jpg"]
    assert coco.getAnnIds(imgIds=[2]) == []
    first, second = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert coco.loadCats([first["category_id"], second["category_id"]]) == [
        {"id": 1, "name": "waldo"},
        {"id": 2, "name": "wenda"},
    ]
    assert first["bbox"] == [10, 20, 30, 20]
    assert second["bbox"] == [0, 90, 11, 10], "the part inside the image"
    assert second["area"] == 110
    results = coco.loadRes(json.loads(json.dumps(coco.dataset["annotations"])))
    assert len(results.getAnnIds()) == 2


def test_yolo_is_shares_of_the_image_inside_it() -> None:
    rows = [line.split() for line in yolo(FOUND, "", LABELS).splitlines()]
    assert [row[0] for row in rows] == ["0", "1"]
    x, y, w, h = (float(v) for v in rows[0][1:])
    assert (x * 200, y * 100, w * 200, h * 100) == (25, 30, 30, 20)
    for row in rows:
        x, y, w, h = (float(v) for v in row[1:])
        assert 0 <= x - w / 2 < x + w / 2 <= 1
        assert 0 <= y - h / 2 < y + h / 2 <= 1
    assert yolo(NOTHING, "", LABELS) == ""


def parsed(xml: str) -> ElementTree.Element:
    return ElementTree.fromstring(xml.encode())  # noqa: S314 - written above


def test_voc_counts_pixels_from_one_and_includes_the_last() -> None:
    root = parsed(voc(FOUND, "", LABELS))
    assert root.findtext("filename") == "page one.jpg"
    assert [root.findtext(f"size/{k}") for k in ("width", "height", "depth")] == ["200", "100", "3"]
    boxes = [
        [int(box.findtext(k) or 0) for k in ("xmin", "ymin", "xmax", "ymax")]
        for box in root.iter("bndbox")
    ]
    assert boxes == [[11, 21, 40, 40], [1, 91, 11, 100]]
    assert [o.findtext("truncated") for o in root.iter("object")] == ["0", "1"]
    assert [o.findtext("name") for o in root.iter("object")] == ["waldo", "wenda"]
    assert not list(parsed(voc(NOTHING, "", LABELS)).iter("object"))


@given(names)
def test_voc_is_well_formed_whatever_the_name(path: str) -> None:
    record = Record(path, "", (Detection("<&>\x1b", 5, 5, 0.5, Box(1, 1, 3, 3), 1.0),), 9, 9)
    parsed(voc(record, "", ("<&>\x1b",)))


def test_labelme_finds_the_image_from_its_own_folder() -> None:
    data = json.loads(labelme(FOUND, FOUND.output + ".json", LABELS))
    assert os.path.normpath(f"out/{data['imagePath']}") == FOUND.path
    assert (data["imageWidth"], data["imageHeight"], data["imageData"]) == (200, 100, None)
    assert data["shapes"][0]["points"] == [[10, 20], [40, 40]]
    assert {s["shape_type"] for s in data["shapes"]} == {"rectangle"}
    assert json.loads(labelme(NOTHING, "b.json", LABELS))["shapes"] == []


LABELME = {
    # what labelme/label_file.py reads, with the types that it relies on
    "type": "object",
    "required": [
        "version",
        "flags",
        "shapes",
        "imagePath",
        "imageData",
        "imageHeight",
        "imageWidth",
    ],
    "properties": {
        "imageData": {"type": ["string", "null"]},
        "imagePath": {"type": "string"},
        "shapes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["label", "points", "shape_type", "flags", "group_id"],
                "properties": {
                    "label": {"type": "string"},
                    "points": {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2,
                        "items": {"type": "array", "items": {"type": "number"}},
                    },
                    "flags": {"type": "object"},
                    "group_id": {"type": ["integer", "null"]},
                    "description": {"type": "string"},
                },
            },
        },
    },
}


def test_labelme_has_what_labelme_reads() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for record in (FOUND, NOTHING):
        jsonschema.validate(json.loads(labelme(record, "x.json", LABELS)), LABELME)
