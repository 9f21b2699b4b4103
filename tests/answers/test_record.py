"""A record says what there is to say of an image, and comes back from JSON as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from finds import ALL, FAILED, FIND, FOUND, names, text
from hypothesis import given
from hypothesis import strategies as st

import waldo_cli
from waldo_cli.answers.record import Record, as_json, from_json, outline
from waldo_cli.answers.sidecars import labelme
from waldo_cli.files import show
from waldo_cli.geometry import Box, Detection


def test_a_json_record_says_found_nothing_and_failed_apart() -> None:
    found, nothing, failed = (json.loads(line) for line in text("jsonl", ALL).splitlines())
    assert (found["found"], found["detections"][0]["box"]) == (True, [10, 20, 30, 20])
    assert (nothing["found"], nothing["detections"], nothing["error"]) == (False, [], None)
    assert (failed["found"], failed["detections"], failed["error"]) == (
        False,
        None,
        "the file is empty",
    )


numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(0, exclude_min=True, allow_infinity=False)
places = st.floats(0, 1)  # inside of the smallest image, too
corners, lengths = st.integers(-(2**40), 2**40), st.integers(1, 2**40)
finds = st.builds(
    Detection, st.text(), places, places, numbers,
    st.builds(Box, corners, corners, lengths, lengths), positive,
)  # fmt: skip
sizes = st.integers(1, 2**53)
file = {"bytes": st.none() | st.integers(0, 2**53), "modified": st.none() | numbers}
examined = st.builds(
    Record, names, st.text(), st.lists(finds).map(tuple), sizes, sizes, st.none() | positive,
    st.none() | names, seconds=positive, turned=st.sampled_from((0, 90, 180, 270)), **file,
)  # fmt: skip
refused = st.builds(Record, names, st.text(), error=st.text(max_size=9).map(show), seconds=positive)


@given(examined | refused)
def test_json_gives_every_record_back_to_the_last_bit(record: Record) -> None:
    line = json.dumps(as_json(record), ensure_ascii=False, allow_nan=False)
    line.encode(
        "utf-8", "surrogatepass" if any("\ud800" <= c <= "\udfff" for c in line) else "strict"
    )
    assert from_json(json.loads(line)) == record


TURNED = Detection(
    "waldo", 6, 5, 0.9, Box(0, 0, 13, 10), 1.0, angle=45.0,
    polygon=((-1.0, 5.0), (6.0, -2.0), (13.0, 5.0), (6.0, 12.0)),
)  # fmt: skip


def test_what_lies_turned_has_its_outline_cut_off_at_the_edges() -> None:
    record = Record("a.png", "", (TURNED,), 100, 10)
    corners = [(0, 6), (0, 4), (4, 0), (8, 0), (13, 5), (8, 10), (4, 10)]
    assert sorted(outline(TURNED, record)) == sorted(corners)
    (annotation,) = json.loads(text("coco", [record]))["annotations"]
    assert annotation["area"] == 98 - 1 - 4 - 4
    assert (len(annotation["segmentation"][0]), annotation["bbox"]) == (14, [0, 0, 13, 10])
    (shape,) = json.loads(labelme(record, "a.json", ("waldo",)))["shapes"]
    assert (shape["shape_type"], len(shape["points"])) == ("polygon", 7)


@pytest.mark.parametrize("moved", [0, 500])
def test_an_outline_is_that_of_the_box_where_there_is_no_other_inside(moved: float) -> None:
    polygon = tuple((x + moved, y) for x, y in TURNED.polygon or ()) if moved else None
    upright = replace(TURNED, polygon=polygon)
    corners = [(0, 0), (13, 0), (13, 10), (0, 10)]
    assert outline(upright, Record("a.png", "", (), 100, 10)) == corners


def test_a_name_in_any_encoding_has_its_bytes_beside_readable_text() -> None:
    failed = json.loads(text("jsonl", [FAILED]).encode())
    assert failed["path"] == "c\ufffd.jpg"
    assert from_json(failed).path == FAILED.path


def schema() -> dict[str, Any]:
    path = Path(waldo_cli.__file__).parent / "answers" / "record.schema.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_every_record_is_what_the_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    odd = Record(
        "a\udcff.png",
        "f00d",
        (),
        5,
        5,
        heatmap="b\udcff.png",
        page=3,
        best=FIND,
        annotated="c\udcff.png",
    )
    for record in (*ALL, odd):
        validator.validate(json.loads(json.dumps(as_json(record))))


def test_the_schema_has_every_field_in_its_order_and_no_other() -> None:
    turned = replace(
        FIND, angle=30.0, mirrored=True, chance=1e-3, gain=1.1, offset=-0.1,
        polygon=((1.0, 2.0), (3.0, 2.0), (3.0, 4.0), (1.0, 4.0)),
    )  # fmt: skip
    odd = Record(
        "a\udcff.png",
        "f00d",
        (turned,),
        5,
        5,
        heatmap="b\udcff.png",
        page=2,
        best=FIND,
        annotated="c\udcff.png",
    )
    said = schema()
    assert list(as_json(odd)) == list(said["properties"])
    assert list(as_json(FOUND)) == said["required"]
    detection = said["$defs"]["detection"]
    assert list(as_json(odd)["detections"][0]) == list(detection["properties"])
    assert all("description" in about for about in said["properties"].values())
    assert all("description" in about for about in detection["properties"].values())


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"width": "5"},
        {"found": 1},
        {"more": 1},
        {"detections": [{}]},
        {"error": 3},
    ],
)
def test_the_schema_refuses_what_is_no_record(change: dict[str, object]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(as_json(FOUND) | change, schema())


@pytest.mark.parametrize(
    "change",
    [
        {"width": -5}, {"height": 0}, {"width": None}, {"seconds": -1.0}, {"bytes": -1},
        {"found": False}, {"detections": None}, {"scale": 0.0}, {"x": -1.0},
        {"y": 1e9}, {"box": [10, 20, 0, 20]}, {"box": [10, 20, 30, -2]},
    ],
    ids=str,
)  # fmt: skip
def test_a_line_that_no_run_can_have_written_is_refused(change: dict[str, object]) -> None:
    found = json.loads(text("jsonl", ALL).splitlines()[0])
    assert from_json(found).found
    for key in change.keys() & found.keys():
        found[key] = change[key]
    for key in change.keys() & found["detections"][0].keys() if found["detections"] else ():
        found["detections"][0][key] = change[key]
    with pytest.raises(ValueError, match="no run of this program"):
        from_json(found)
