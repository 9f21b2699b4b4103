"""The truth: pages and boxes from files, what is wrong with them, and what of it ends the reading."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from truths import HEADER, truth, white_pages

from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import TrueBox, pages_without, refuse_without
from waldo_cli.evaluation.truth import read_truth
from waldo_cli.geometry import Size
from waldo_cli.images.png import save_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return white_pages(tmp_path)


def test_csv_truth_keeps_the_order_of_pages_and_leaves_other_columns_alone(folder: Path) -> None:
    path = truth(
        folder,
        "b.png,40,30,waldo,1,2,11,12,x",
        "a.png,40,30,wenda,0,0,40,30,y",
        "b.png,40,30,waldo_icon,5.5,5,9,9,",
        "c.png,40,30,,,,,,",
        header=f"{HEADER},artwork",
    )
    pages = read_truth(path, folder)
    assert [p.name for p in pages] == ["b.png", "a.png", "c.png"]
    assert pages[0].boxes == (TrueBox("waldo", 1, 2, 11, 12), TrueBox("waldo_icon", 5.5, 5, 9, 9))
    assert pages[2].boxes == ()
    assert pages[0].size == Size(30, 40)


def test_csv_truth_of_a_spreadsheet_program_is_read(folder: Path) -> None:
    path = truth(folder, "a.png,40,30,waldo,1,2,11,12", encoding="utf-8-sig")
    assert read_truth(path, folder)[0].boxes[0].label == "waldo"


def coco(folder: Path, **changes: object) -> Path:
    root: dict[str, object] = {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
            {"id": 8, "file_name": "b.png", "width": 40, "height": 30},
        ],
        "categories": [{"id": 1, "name": "waldo"}],
        "annotations": [{"id": 1, "image_id": 8, "category_id": 1, "bbox": [1, 2, 10, 10]}],
    }
    path = folder / "boxes.json"
    path.write_text(json.dumps(root | changes))
    return path


def test_coco_truth_says_the_same_as_csv(folder: Path) -> None:
    by_csv = read_truth(truth(folder, "a.png,40,30,,,,,", "b.png,40,30,waldo,1,2,11,12"), folder)
    assert read_truth(coco(folder), folder) == by_csv


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.png,40,30,waldo,x,2,11,12", "line 2: xmin = 'x' is not a number"),
        ("a.png,40,30,waldo,nan,2,11,12", "xmin = 'nan' is not a number"),
        ("a.png,40,30,waldo,1,2,1e999,12", "xmax = '1e999' is not a number"),
        ("a.png,40,30,waldo,1,2,101,12", "box 1,2 to 101,12 lies outside the 40x30 page"),
        ("a.png,40,30,waldo,-30,2,11,12", "lies outside"),
        ("a.png,40,30,waldo,11,2,1,12", "empty or turned around"),
        ("a.png,40,30,waldo,1,2,1,12", "empty or turned around"),
        ("a.png,4e9,30,waldo,1,2,11,12", "width = '4e9' is not a number of pixels"),
        ("a.png,40.5,30,waldo,1,2,11,12", "not a number of pixels"),
        ("a.png,40,30,waldo,1,2", "line 2: fewer fields"),
        (",40,30,waldo,1,2,11,12", "line 2: filename is empty"),
        ('"a.png,40,30,waldo,1,2,11,12', "line 2: a quotation mark is not closed"),
        (
            "a.png,40,30,waldo,1,2,11,12\na.png,41,30,waldo,1,2,11,12",
            "line 3: a.png has another size",
        ),
    ],
)
def test_a_bad_row_is_one_line_that_names_the_file_the_line_and_the_field(
    folder: Path, row: str, reason: str
) -> None:
    path = truth(folder, row)
    with pytest.raises(InvalidInputError) as caught:
        read_truth(path, folder)
    assert caught.value.path == str(path)
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column 'filename'"),
        (b"filename;width\na.png;3\n", "no column 'class' in line 1"),
        (b"PK\x03\x04", "a zip archive: unpack it"),
        (b"<html/>", "<html> is not XML of Pascal VOC, LabelMe or CVAT"),
        (b'<!DOCTYPE annotation [<!ENTITY a "b">]><annotation/>', "XML with a document type"),
        (b"<annotation>", "not XML"),
        (b'[{"bbox": [1, 2, 3, 4], "score": 1}]', "COCO results, which name no picture"),
        (b"3", "no column 'filename'"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (HEADER.encode(), "names no page"),
        (b"{", "not JSON"),
        (b"{}", "no list 'categories'"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_truth_is_one_clear_line(
    folder: Path, content: bytes, reason: str
) -> None:
    path = folder / "boxes.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        read_truth(path, folder)
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": [{"id": 8}]}, "images[0]: file_name is missing"),
        ({"images": [{"id": 8, "file_name": 3, "width": 4, "height": 4}]}, "images[0]: file_name"),
        ({"images": [{"id": [], "file_name": "a", "width": 4, "height": 4}]}, "images[0]: id"),
        (
            {"annotations": [{"image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4]}]},
            "no such image_id",
        ),
        ({"annotations": [{"image_id": 8, "category_id": 1, "bbox": [1, 2]}]}, "bbox must be"),
        (
            {"annotations": [{"image_id": 8, "category_id": 1, "bbox": [1, 2, 3, True]}]},
            "not a number",
        ),
        (
            {"annotations": [{"image_id": 8, "category_id": 1, "bbox": [1, 2, 90, 4]}]},
            "lies outside",
        ),
        ({"annotations": 3}, "no list 'annotations'"),
        ({"annotations": [3]}, "annotations[0]: image_id is missing"),
    ],
)
def test_bad_coco_is_one_line_that_names_the_entry(
    folder: Path, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_truth(coco(folder, **changes), folder)
    assert reason in caught.value.reason


def test_a_missing_page_or_truth_is_told_before_the_work(folder: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.png: no such page"):
        read_truth(truth(folder, "gone.png,40,30,waldo,1,2,11,12"), folder)
    with pytest.raises(FileError, match="no such file"):
        read_truth(folder / "gone.csv", folder)


def test_pages_without_are_the_pictures_of_a_folder_that_the_truth_does_not_name(
    folder: Path,
) -> None:
    listed = read_truth(truth(folder, "a.png,40,30,waldo,1,2,11,12"), folder)
    assert [p.path.name for p in pages_without(folder, listed)] == ["b.png", "c.png"]
    assert all(p.boxes == () for p in pages_without(folder, listed))
    save_png(folder / "b.heatmap.png", np.zeros((9, 9, 3), np.uint8))
    assert len(pages_without(folder, listed)) == 2  # what detect has written is no page
    empty = folder / "empty"
    empty.mkdir()
    for bad in (empty, folder / "gone"):
        with pytest.raises(FileError):
            pages_without(bad)


# --- what does not end the reading ----------------------------------------------------------------


def leniently(path: Path, folder: Path) -> tuple[dict[str, int], list[str]]:
    """How many boxes each page has, and what was told."""
    faults: list[WaldoError] = []
    pages = read_truth(path, folder, faults.append)
    return {p.name: len(p.boxes) for p in pages}, [str(f) for f in faults]


def test_a_bad_row_is_one_line_and_the_others_are_read(folder: Path) -> None:
    path = truth(
        folder,
        "a.png,40,30,waldo,x,2,11,12",
        "a.png,40,30,waldo,1,2,11,12",
        "b.png,40,30,waldo,1,2,1,12",
        "gone.png,40,30,waldo,1,2,11,12",
        "c.png,40,30,waldo,1,2,11,12",
    )
    pages, faults = leniently(path, folder)
    assert pages == {"a.png": 1, "c.png": 1}, "a page of which no box is left would have none"
    assert faults == [
        f"{path}: line 2: xmin = 'x' is not a number",
        f"{folder / 'gone.png'}: no such page, but {path} names it",
        f"{path}: line 4: box 1,2 to 1,12 is empty or turned around",
    ]


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        ("a.png,40,30,waldo,abc,2,11,12", "waldo"),
        ("a.png,40,30,waldo,1,2,1,12", "waldo"),
        ("a.png,41,30,waldo,1,2,11,12", "waldo"),
        ("a.png,40,30,waldo,1", "waldo"),
        ("a.png,,,waldo,60,2,70,12", "waldo"),
    ],
)
def test_a_page_says_of_which_classes_a_box_was_lost(folder: Path, row: str, lost: str) -> None:
    path = truth(folder, "a.png,40,30,wenda,1,2,11,12", row)
    faults: list[WaldoError] = []
    (page,) = read_truth(path, folder, faults.append)
    assert (len(page.boxes), page.lost, len(faults)) == (1, {lost}, 1)
    refuse_without(page, "wenda")
    refuse_without(page, "odlaw")
    with pytest.raises(InvalidInputError, match=r"a\.png: no box of class 'waldo' is left of it"):
        refuse_without(page, "waldo")
    refuse_without(replace(page, boxes=(TrueBox("waldo", 1, 2, 3, 4),)), "waldo")
    refuse_without(replace(page, lost=frozenset()), "waldo")


def test_a_truth_of_which_nothing_is_left_says_why(folder: Path) -> None:
    with pytest.raises(
        FileError, match=r"x\.png: no such page"
    ):  # the only fault is the whole story
        leniently(truth(folder, "x.png,4,3,a,1,1,2,2"), folder)
    with pytest.raises(InvalidInputError, match="names no page that can be used"):
        leniently(truth(folder, "x.png,4,3,a,1,1,2,2", "y.png,4,3,a,1,1,2,2"), folder)


def test_a_bad_file_of_a_folder_is_one_line_and_the_others_are_read(folder: Path) -> None:
    labels = folder / "labels"
    labels.mkdir()
    (labels / "a.json").write_text('{"shapes": [], "imagePath": "a.png"}')
    (labels / "b.json").write_text("{")
    (labels / "c.json").write_bytes(b"\xff\xff")
    (labels / "d.json").symlink_to("nowhere")
    pages, faults = leniently(labels, folder)
    assert pages == {"a.png": 0}
    assert [f.partition(":")[0] for f in faults] == [str(labels / f"{n}.json") for n in "bcd"]


def test_two_names_of_one_picture_are_told_and_two_spellings_are_not(folder: Path) -> None:
    pages, faults = leniently(
        truth(folder, *(f"{n},40,30,w,1,2,9,9" for n in ("x/a.png", "y/a.png", "b.png"))), folder
    )
    assert pages == {"b.png": 1}
    assert len(faults) == 2
    assert "lead to the same page" in faults[0]
    pages, faults = leniently(
        truth(folder, *(f"{n},40,30,w,1,2,9,9" for n in ("x/a.png", r"x\a.png"))), folder
    )
    assert (pages, faults) == ({"x/a.png": 2}, [])
    pages, faults = leniently(
        truth(folder, *(f"{n},40,30,w,1,2,9,9" for n in ("a.png", "./a.png"))), folder
    )
    assert (pages, faults) == ({"a.png": 2}, [])
    pages, faults = leniently(
        truth(folder, *(f"{n},40,30,w,1,2,9,9" for n in (f"{folder.name}/a.png", "y/a.png"))),
        folder,
    )
    assert pages == {f"{folder.name}/a.png": 1}
    assert len(faults) == 1


def test_a_folder_of_several_kinds_of_truth_is_refused(folder: Path) -> None:
    labels = folder / "labels"
    labels.mkdir()
    with pytest.raises(InvalidInputError, match=r"holds no \.json, \.xml, \.csv or \.txt"):
        read_truth(labels, folder)
    (labels / "a.json").write_text("{}")
    (labels / "a.xml").write_text("<annotation/>")
    with pytest.raises(InvalidInputError, match="holds XML and JSON files: name the file"):
        read_truth(labels, folder)


def test_pages_must_be_a_folder(folder: Path) -> None:
    path = truth(folder, "a.png,40,30,waldo,1,2,11,12")
    (folder / "circle").symlink_to("circle")
    for name, line in (
        ("a.png", "not a folder"),
        ("gone", "no such folder"),
        ("circle", "cannot read: "),
    ):
        place = folder / name
        with pytest.raises(FileError, match=line):
            read_truth(path, place)
