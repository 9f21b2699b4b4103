"""Label files beside the images, read back as the tools read them that they are for."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from finds import FOUND, LABELS, NOTHING, names
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import classes_text, data_yaml, labelme, voc, yolo, yolo_with_scores
from waldo_cli.evaluation import truth_text
from waldo_cli.geometry import Box, Detection


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


def test_voc_says_the_same_of_one_image_however_it_is_spelt() -> None:
    texts = {voc(replace(FOUND, path=path), "", LABELS) for path in ("a/p.png", "./a//p.png")}
    assert len(texts) == 1
    url = "https://example.org/a//p.png"
    assert parsed(voc(replace(FOUND, path=url), "", LABELS)).findtext("path") == url


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


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_lists_of_labels_have_one_line_for_each(labels: list[str]) -> None:
    assert classes_text(labels).count("\n") == len(labels)
    assert len(classes_text(labels).splitlines()) == len(labels)
    read, others = truth_text.data_yaml(data_yaml(labels))
    assert read == dict(enumerate(labels))
    assert others["nc"] == str(len(labels)), "YOLOv7 needs it"


def test_yolo_with_scores_has_six_columns() -> None:
    rows = [line.split() for line in yolo_with_scores(FOUND, "", LABELS).splitlines()]
    assert [row[5] for row in rows] == ["0.97", "0.5"]
    assert [row[:5] for row in rows] == [
        line.split() for line in yolo(FOUND, "", LABELS).splitlines()
    ]
