"""A record says what there is to say of an image, and comes back from JSON as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from finds import ALL, FAILED, FIND, FOUND, names, text
from hypothesis import given
from hypothesis import strategies as st

import waldo_cli
from waldo_cli.answers.record import Record, as_json, from_json
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
        turned=st.sampled_from((0, 90, 180, 270)),
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


def schema() -> dict[str, Any]:
    path = Path(waldo_cli.__file__).parent / "answers" / "record.schema.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_every_record_is_what_the_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    odd = Record("a\udcff.png", "f00d", (), 5, 5, heatmap="b\udcff.png")
    for record in (*ALL, odd):
        validator.validate(json.loads(json.dumps(as_json(record))))


def test_the_schema_has_every_field_in_its_order_and_no_other() -> None:
    odd = Record("a\udcff.png", "f00d", (FIND,), 5, 5, heatmap="b\udcff.png")
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
