"""Truths that are text: CSV of several spreadsheets, and YOLO's folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from truths import HEADER, white_pages

from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import Page, TrueBox, open_page
from waldo_cli.evaluation.truth import read_truth
from waldo_cli.evaluation.truth_text import data_yaml

BOX = TrueBox("waldo", 1, 2, 11, 12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return white_pages(tmp_path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_of_any_spreadsheet(folder: Path, separator: str, encoding: str, end: str) -> None:
    path = folder / "truth.csv"
    lines = [HEADER, "a.png,40,30,waldo,1,2,11,12", "b.png,40,30,,,,,", ""]
    path.write_bytes(end.join(lines).replace(",", separator).encode(encoding))
    first, second = read_truth(path, folder)
    assert first.boxes == (BOX,)
    assert second.boxes == ()


def test_csv_may_have_decimal_commas_other_columns_and_no_sizes(folder: Path) -> None:
    path = folder / "truth.csv"
    path.write_text("Filename; Class;XMin;YMin;XMax;YMax;iscrowd\na.png;waldo;1,0;2;11,0;12;1\n")
    (page,) = read_truth(path, folder)
    (box,) = open_page(page)[1].boxes
    assert (box.left, box.right, box.ignored) == (1, 11, True)


@pytest.mark.parametrize(
    "text",
    [
        "image,xmin,ymin,xmax,ymax,label\na.png,1,2,11,12,waldo",
        "image_path,x1,y1,x2,y2,class_name\nphotos/a.png,1,2,11,12,waldo",
        "path,x,y,score,label,left,top,width,height\na.png,6,7,0.9,waldo,1,2,10,10",
        "path;label;left;top;width;height\na.png;waldo;1,0;2;10,0;10",
        "a.png,1,2,11,12,waldo",
        "waldo,1,2,10,10,a.png,40,30",
    ],
    ids=["VoTT", "pandas", "detect", "semicolons", "keras-retinanet", "Make Sense"],
)
def test_columns_may_have_the_names_that_tools_give_them_or_none(folder: Path, text: str) -> None:
    path = folder / "truth.csv"
    path.write_text(text + "\n")
    (page,) = read_truth(path, folder)
    assert open_page(page)[1].boxes == (BOX,)


def test_a_page_without_boxes_in_a_table_without_names(folder: Path) -> None:
    path = folder / "truth.csv"
    path.write_text("b.png,,,,,\na.png,1,2,11,12,waldo\n")
    boxes = {page.name: open_page(page)[1].boxes for page in read_truth(path, folder)}
    assert boxes == {"a.png": (BOX,), "b.png": ()}


@pytest.mark.parametrize("size", [",", "0,0", "-1,-1"])
def test_cells_may_have_spaces_about_them_and_no_size(folder: Path, size: str) -> None:
    path = folder / "truth.csv"
    row = f" a.png ,{size}, waldo , 1, 2,\t11, 12"
    path.write_text(f"{HEADER.replace(',', ', ')}\n{row}\n")
    (page,) = read_truth(path, folder)
    assert open_page(page)[1].boxes == (BOX,)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_line_of_excel_that_says_the_separator_is_no_header(
    folder: Path, separator: str
) -> None:
    path = folder / "truth.csv"
    rows = f"{HEADER}\na.png,40,30,waldo,1,2,11,12\na.png,40,30,waldo,x,2,11,12"
    path.write_text(f"sep={separator}\r\n" + rows.replace(",", separator))
    faults: list[WaldoError] = []
    (page,) = read_truth(path, folder, faults.append)
    assert page.boxes == (BOX,)
    assert faults[0].reason == "line 4: xmin = 'x' is not a number"


def yolo(
    folder: Path, text: str = "0 0.15 0.2333333333 0.25 0.3333333333\n", name: str = "a"
) -> Path:
    labels = folder / "labels"
    labels.mkdir(exist_ok=True)
    (labels / f"{name}.txt").write_text(text)
    return labels


def boxes(page: Page) -> list[tuple[str, float, float, float, float]]:
    found = open_page(page)[1].boxes
    return [(b.label, *(round(v, 3) for v in (b.left, b.top, b.right, b.bottom))) for b in found]


@pytest.mark.parametrize(
    "text",
    [
        "0 0.15 0.2333333333 0.25 0.3333333333\n",
        "\n0 0.15 0.2333333333 0.25 0.3333333333 0.97",  # with a confidence
        "0 .025 .0666666667 .275 .0666666667 .275 .4\n",  # a polygon
        "0 .025 .0666666667 .275 .0666666667 .275 .4 .025 .4\n",  # a turned box
    ],
)
def test_lines_of_yolo(folder: Path, text: str) -> None:
    labels = yolo(folder, text)
    (labels / "classes.txt").write_text("waldo\nwenda\n")
    (page,) = read_truth(labels, folder)
    assert boxes(page) == [("waldo", 1, 2, 11, 12)]


@pytest.mark.parametrize("track", ["2", "17"])
def test_yolo_of_a_tracker_has_a_confidence_and_the_number_of_a_track(
    folder: Path, track: str
) -> None:
    line = "0 0.15 0.2333333333 0.25 0.3333333333 0.97"
    labels = yolo(folder, f"{line} 1\n{line} {track}\n{line}\n")
    assert boxes(read_truth(labels, folder)[0]) == [("0", 1, 2, 11, 12)] * 3


def test_seven_numbers_of_yolo_that_may_be_two_things_are_told(folder: Path) -> None:
    labels = yolo(folder, "0 0.15 0.2333333333 0.25 0.3333333333 0.97 1\n")
    with pytest.raises(InvalidInputError, match="line 1: 7 numbers may be a triangle, or a box"):
        read_truth(labels, folder)


@pytest.mark.parametrize(
    "stray", ["notes.json", "results.csv", "args.yaml", "labels/autosplit_train.txt"]
)
@pytest.mark.parametrize("given", [".", "labels"])
@pytest.mark.parametrize("names", ["classes.txt", "data.yaml"])
def test_a_folder_of_labels_is_one_whatever_lies_beside_it(
    folder: Path, stray: str, given: str, names: str
) -> None:
    export = folder / "export"
    (export / "images").mkdir(parents=True)
    (folder / "a.png").rename(export / "images" / "a.png")
    yolo(export)
    text = "./images/a.png\nimages/b.JPG\n" if stray.endswith(".txt") else '{"epochs": 3}\n'
    (export / stray).write_text(text)
    (export / names).write_text("waldo\n" if names == "classes.txt" else "names: [waldo]\n")
    (page,) = read_truth(export / given, folder)
    assert boxes(page) == [("waldo", 1, 2, 11, 12)]


def test_a_data_yaml_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def read(text: str) -> object:
        texts.append(text)
        return data_yaml(text)

    monkeypatch.setattr("waldo_cli.evaluation.truth.data_yaml", read)
    labels = yolo(folder)
    (labels / "data.yaml").write_text("names: [waldo]\n")
    for given in (labels, labels / "data.yaml"):
        texts.clear()
        (page,) = read_truth(given, folder)
        assert (boxes(page), len(texts)) == ([("waldo", 1, 2, 11, 12)], 1)


def test_yaml_above_a_folder_of_labels_may_be_of_anything_else(folder: Path) -> None:
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (folder / "docker-compose.yaml").write_text("services: {}\n")
    (page,) = read_truth(folder / "labels", folder)
    assert boxes(page)[0][0] == "0"


def test_a_list_of_classes_among_other_truths_makes_no_labels_of_texts(folder: Path) -> None:
    shapes = [{"label": "waldo", "shape_type": "rectangle", "points": [[1, 2], [11, 12]]}]
    labels = folder / "labels"
    labels.mkdir()
    (labels / "a.json").write_text(json.dumps({"imagePath": "../a.png", "shapes": shapes}))
    (labels / "classes.txt").write_text("waldo\n")
    (labels / "notes.txt").write_text("drawn by hand\n")
    (page,) = read_truth(labels, folder)
    assert boxes(page) == [("waldo", 1, 2, 11, 12)]


def test_labels_of_two_pictures_of_one_stem_have_their_whole_names(folder: Path) -> None:
    (folder / "a.bmp").write_bytes((folder / "a.png").read_bytes())
    labels = yolo(folder, name="a.png")
    yolo(folder, "", name="a.bmp")
    assert [p.path.name for p in read_truth(labels, folder)] == ["a.bmp", "a.png"]
    (labels / "a.bmp.txt").unlink()
    (labels / "a.png.txt").rename(labels / "a.txt")
    with pytest.raises(InvalidInputError, match=r"labels/a may be .*a\.bmp or .*a\.png: say which"):
        read_truth(labels.parent, folder)


def test_yolo_with_keypoints_has_the_box_of_its_first_numbers(folder: Path) -> None:
    yolo(folder, "0 0.15 0.2333333333 0.25 0.3333333333 0.1 0.1 2 0.2 0.2 2\n")
    (folder / "data.yaml").write_text("kpt_shape: [2, 3]\nnames: [waldo]\n")
    assert boxes(read_truth(folder / "data.yaml", folder)[0]) == [("waldo", 1, 2, 11, 12)]


def test_yolo_without_names_has_numbers_for_labels_and_empty_files_are_pages(folder: Path) -> None:
    labels = yolo(folder)
    yolo(folder, "", "b")
    (labels / "README.dataset.txt").write_text("made by a tool\n")
    first, second = read_truth(labels, folder)
    assert boxes(first)[0][0] == "0"
    assert (second.path.name, second.boxes, second.raw) == ("b.png", (), ())


def test_yolo_of_ultralytics_has_images_beside_labels(folder: Path) -> None:
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / "data" / kind / part).mkdir(parents=True)
        (folder / "data" / "images" / part / "a.jpg").write_bytes((folder / "a.png").read_bytes())
        line = f"{int(part == 'val')} 0.15 0.2333333333 0.25 0.3333333333\n"
        (folder / "data" / "labels" / part / "a.txt").write_text(line)
    (folder / "data" / "data.yaml").write_text("names:\n  0: waldo\n  1: wenda\n")
    for truth in (folder / "data", folder / "data" / "data.yaml"):
        for pages in (folder / "data", folder / "data" / "images"):
            read = read_truth(truth, pages)
            assert [(p.path.parent.name, boxes(p)[0][0]) for p in read] == [
                ("train", "waldo"),
                ("val", "wenda"),
            ]


def test_yolo_of_cvat_names_its_classes_in_obj_names(folder: Path) -> None:
    (folder / "export" / "obj_train_data").mkdir(parents=True)
    (folder / "export" / "obj.names").write_text("waldo\n")
    (folder / "export" / "obj.data").write_text("classes = 1\n")
    (folder / "export" / "train.txt").write_text("data/obj_train_data/a.png\n")
    (folder / "export" / "obj_train_data" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (page,) = read_truth(folder / "export", folder)
    assert boxes(page) == [("waldo", 10, 7.5, 30, 22.5)]


def test_each_folder_of_labels_may_have_classes_of_its_own(folder: Path) -> None:
    for place, name in (("x", "waldo"), ("y", "wenda")):
        (folder / "pages" / place).mkdir(parents=True)
        (folder / "pages" / place / "a.png").write_bytes((folder / "a.png").read_bytes())
        (folder / "labels" / place).mkdir(parents=True)
        (folder / "labels" / place / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
        (folder / "labels" / place / "classes.txt").write_text(f"{name}\n")
    pages = read_truth(folder / "labels", folder / "pages")
    assert [boxes(p)[0][0] for p in pages] == ["waldo", "wenda"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.5", "line 1: 4 numbers"),
        ("0 0.5 0.5 0.5 x", "line 1: a number = 'x' is not a number"),
        ("0.5 0.5 0.5 0.5 0.5", "line 1: class = '0.5' is not a whole number"),
        ("7 0.5 0.5 0.5 0.5", "line 1: class 7: there are 1 names of classes"),
        ("0 nan 0.5 0.5 0.5", "is not a number"),
    ],
)
def test_a_bad_line_of_yolo_is_told(folder: Path, line: str, reason: str) -> None:
    labels = yolo(folder, line)
    (labels / "classes.txt").write_text("waldo\n")
    with pytest.raises(InvalidInputError) as caught:
        read_truth(labels, folder)
    assert reason in caught.value.reason


def test_a_box_of_shares_that_lies_outside_is_told_when_the_page_is_opened(folder: Path) -> None:
    labels = yolo(folder, "0 1.5 0.5 0.2 0.2\n")
    (page,) = read_truth(labels, folder)
    with pytest.raises(InvalidInputError, match="line 1: box 56,12 to 64,18 lies outside"):
        open_page(page)


@pytest.mark.parametrize(
    "text",
    [
        "names: [waldo, 'Wenda''s', \"a, b # c\"]  # three\n",
        "names: [\n  waldo,\n  'Wenda''s',\n  \"a, b # c\",\n]\nnc: 3\n",
        "nc: 3\nnames:\n- waldo\n# a comment\n- 'Wenda''s'\n- \"a, b # c\"\ntrain: x\n",
        "names:\n  - waldo  # he\n  - 'Wenda''s'\n  - \"a, b # c\"\n",
        'train: ../images\nnames:\n  0: waldo\n  1: Wenda\'s\n  2: "a, b # c"\n',
        "names: {0: waldo, 1: 'Wenda''s', 2: \"a, b # c\"}\n",
        "---\n'names': [waldo, 'Wenda''s', \"a, b # c\"]\n...\nnames: [x]\n",
        '"names":\n- waldo\n- Wenda\'s\n- "a, b # c"\n"nc" : 3\n',
        'names:\n  "0": waldo\n  \'1\': Wenda\'s\n  2: "a, b \\u0023 c"\n',
    ],
)
def test_the_ways_to_write_names_in_a_data_yaml(text: str) -> None:
    assert data_yaml(text)[0] == {0: "waldo", 1: "Wenda's", 2: "a, b # c"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("train: x\n", "no key 'names'"),
        ("names: [a, b\n", "the closing bracket is missing"),
        ("names:\n  first: waldo\n", "'first: waldo' is not a number and a name"),
    ],
)
def test_a_data_yaml_that_is_not_understood_is_told(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        data_yaml(text)


@pytest.mark.parametrize(
    "row", ['"a.png,40,30,waldo,1,2,11,12', '"a".png,40,30,waldo,1,2,11,12', '"a\n"b,1']
)
def test_a_row_that_is_quoted_wrongly_is_told_and_the_others_are_read(
    folder: Path, row: str
) -> None:
    path = folder / "truth.csv"
    rows = [HEADER, "b.png,40,30,,,,,", row, "", "a.png,40,30,waldo,1,2,11,12"]
    path.write_text("\n".join(rows))
    faults: list[WaldoError] = []
    without, page = read_truth(path, folder, faults.append)
    assert (without.boxes, page.boxes) == ((), (BOX,))
    assert str(faults[0]).startswith(f"{path}: line 3: ")
    assert "which page it is of cannot be told" in str(faults[0])
    assert len(faults) == 1


def test_a_row_that_is_quoted_wrongly_takes_no_others_in(folder: Path) -> None:
    """Also where a last column is left out in all rows; the next quotation mark is far below."""
    wrong = 'a.png,40,"30,waldo,1,2,11,12'
    path = folder / "truth.csv"
    rows = [f"{HEADER},comment", "b.png,40,30,,,,,", wrong, *["b.png,40,30,,,,,"] * 9, wrong]
    path.write_text("\n".join(rows))
    faults: list[WaldoError] = []
    assert [page.name for page in read_truth(path, folder, faults.append)] == ["b.png"]
    assert [str(f).split(": ")[1] for f in faults] == ["line 3", "line 13"]


@pytest.mark.parametrize(
    "row",
    [
        'a.png,40,30,"waldo,1,2,11,12',
        '"a.png",40,30,"waldo"x,1,2,11,12',
        ' a.png ,40,"3"0,waldo,1',
        'a.png,40,30,"wal\ndo"x,1,2,11,12',
        'a.png,40,"3"0,"wal\n\ndo",1,2,11,12',
    ],
)
def test_a_page_whose_row_is_quoted_wrongly_is_left_out(folder: Path, row: str) -> None:
    path = folder / "truth.csv"
    path.write_text("\n".join([HEADER, "a.png,40,30,,,,,", row, "b.png,40,30,,,,,"]))
    faults: list[WaldoError] = []
    assert [page.name for page in read_truth(path, folder, faults.append)] == ["b.png"]
    assert len(faults) == 1
    assert str(faults[0]).startswith(f"{path}: line 3: ")
