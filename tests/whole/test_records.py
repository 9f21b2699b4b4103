"""What the program prints and keeps as records is what its schema says, in every mode."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commandline import process
from PIL import Image

import waldo_cli

SCHEMA = Path(waldo_cli.__file__).parent / "answers" / "record.schema.json"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the mask, one without, one that is broken."""
    folder = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(5)
    page = rng.integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(page[20:32, 30:40]).save(folder / "thing.png")
    (folder / "photos").mkdir()
    Image.fromarray(page).save(folder / "photos" / "found.png")
    Image.fromarray(page[::-1, :, ::-1].copy()).save(folder / "photos" / "not.png")
    (folder / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--no-heatmap"],
        ["--activations"],
        ["--annotated"],
        ["--top", "3", "--threshold", "-1"],
        ["--region", "0,0,40,40"],
        ["-j", "2"],
        ["--mask", "thing.png", "--mask", "photos/not.png"],
        ["--stack", "stripes"],
        ["--no-orient", "--allow-truncated"],
        ["-r", "--timeout", "60"],
    ],
    ids=" ".join,
)
def test_records_of_every_mode_are_what_the_schema_says(
    place: Path, tmp_path: Path, options: list[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    what = [] if "--stack" in options or "--mask" in options else ["--mask", "thing.png"]
    scales = [] if "--stack" in options else ["--scales", "1"]
    kept = tmp_path / "kept.jsonl"
    fixed = ["detect", "photos", *what, *scales, "-o", str(tmp_path), "--resume", str(kept)]
    printed = process(place, *fixed, *options, "-f", "jsonl").stdout
    array = process(place, *fixed, *options, "-f", "json").stdout
    records = [json.loads(line) for line in (*printed.splitlines(), *kept.read_text().splitlines())]
    records += json.loads(array)
    assert len(records) >= 9
    assert {r["error"] is None for r in records} == {True, False}
    for record in records:
        validator.validate(record)


def test_the_record_of_standard_input_is_what_the_schema_says(place: Path, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    with (place / "photos" / "found.png").open("rb") as page:
        ended = process(
            place, "detect", "-", "--mask", "thing.png", "-f", "jsonl", "--no-heatmap", stdin=page
        )
    jsonschema.validate(json.loads(ended.stdout), json.loads(SCHEMA.read_text()))
