"""Records in the formats of other people's tools, read back as those tools read them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from finds import ALL, FIND, text
from hypothesis import given
from hypothesis import strategies as st

from waldo_cli.answers.record import Record
from waldo_cli.answers.streams import COLUMNS, make_format
from waldo_cli.geometry import Box, Detection


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


# pycocotools' own use of numpy 2
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
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
        {"id": 1, "name": "waldo", "supercategory": ""},
        {"id": 2, "name": "wenda", "supercategory": ""},
    ]
    assert first["bbox"] == [10, 20, 30, 20]
    assert second["bbox"] == [0, 90, 11, 10], "the part inside the image"
    assert second["area"] == 110
    coco.info()
    assert coco.getCatIds(supNms=["x"]) == []
    assert coco.annToMask(second).sum() == 110
    results = coco.loadRes(json.loads(json.dumps(coco.dataset["annotations"])))
    assert len(results.getAnnIds()) == 2


def test_coco_names_are_relative_to_the_folder_that_is_said() -> None:
    paths = ("photos/a/p.png", "/elsewhere/p.png", "-", "s3://bucket/p.png")
    records = [Record(path, "", (FIND,), 200, 100) for path in paths]
    data = json.loads(text("coco", records, relative_to="photos"))
    names = [image["file_name"] for image in data["images"]]
    assert names[0] == "a/p.png"
    assert names[1].endswith("../elsewhere/p.png")
    assert names[2:] == ["-", "s3://bucket/p.png"]
