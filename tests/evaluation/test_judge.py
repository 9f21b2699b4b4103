"""The figures of `waldo evaluate`: hits, ranks, average precision, AUC, and the truth they rest on."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from waldo_cli.cli import waldo
from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.evaluation.figures import area_under_curve, average_precision, reliability, summarize
from waldo_cli.evaluation.judge import PageScore, judge
from waldo_cli.evaluation.truth import Page, TrueBox, pages_without, read_truth
from waldo_cli.geometry import Size

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax"
WALDO = TrueBox("waldo", 100, 200, 120, 230)
ICON = TrueBox("waldo_icon", 300, 300, 340, 340)
PAGE = Page("a.png", Path("a.png"), (WALDO, ICON))


def score_of(
    *finds: tuple[float, float, float], boxes: tuple[TrueBox, ...] = (WALDO, ICON)
) -> PageScore:
    return judge(Page("a.png", Path("a.png"), boxes), "waldo", finds)


# --- hits and ranks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "hit"),
    [
        (110, 215, True),
        (
            90,
            185,
            True,
        ),  # half the width to the left, half the height above: the border belongs to it
        (130, 245, True),
        (89.9, 215, False),
        (130.1, 215, False),
        (110, 184.9, False),
        (110, 245.1, False),
    ],
)
def test_a_hit_lies_in_the_box_grown_by_half_its_size_on_each_side(
    x: float, y: float, hit: bool
) -> None:
    assert WALDO.is_hit(x, y) is hit


def test_the_rank_is_one_more_than_the_false_alarms_before_the_hit() -> None:
    page = score_of((5, 5, 0.9), (9, 9, 0.8), (110, 210, 0.7), (50, 50, 0.6))
    assert page.rank == 3
    assert page.hits == (False, False, True, False)


def test_no_hit_has_no_rank() -> None:
    assert score_of((5, 5, 0.9)).rank is None
    assert score_of().rank is None
    assert score_of().best == -math.inf


def test_a_second_find_in_a_box_is_neither_hit_nor_false_alarm() -> None:
    page = score_of((110, 210, 0.9), (115, 220, 0.8), (5, 5, 0.7))
    assert page.hits == (True, False)
    assert page.scores == (0.9, 0.7)


def test_a_printed_portrait_is_neither_hit_nor_false_alarm() -> None:
    page = score_of((320, 320, 0.9), (110, 210, 0.8))
    assert page.rank == 1
    assert page.scores == (0.8,)


def test_other_classes_are_false_alarms() -> None:
    wenda = TrueBox("wenda", 300, 300, 340, 340)
    assert score_of((320, 320, 0.9), (110, 210, 0.8), boxes=(WALDO, wenda)).rank == 2


def test_of_two_close_boxes_each_find_takes_the_nearest() -> None:
    left, right = TrueBox("waldo", 0, 0, 20, 20), TrueBox("waldo", 15, 0, 35, 20)
    page = score_of((24, 10, 0.9), (12, 10, 0.8), boxes=(left, right))
    assert page.hits == (True, True)
    assert page.ranks == (1, 1)


def test_a_page_without_a_box_has_false_alarms_only() -> None:
    page = score_of((5, 5, 0.9), (9, 9, 0.4), boxes=())
    assert page.rank is None
    assert page.false_alarms(0.5) == 1
    assert not page.found(0.0)


# --- figures --------------------------------------------------------------------------------------


def test_average_precision_by_hand() -> None:
    # precision 1, 1/2, 2/3 at recalls 1/4, 1/4, 2/4; all-point: 1/4 * 1 + 1/4 * 2/3
    finds = [(0.9, True), (0.8, False), (0.7, True)]
    assert average_precision(finds, 4) == pytest.approx(0.25 + 0.25 * 2 / 3)


def test_average_precision_lies_between_none_found_and_all_first() -> None:
    assert average_precision([], 3) == 0
    assert average_precision([(0.5, False)], 3) == 0
    assert average_precision([(0.9, True), (0.8, True), (0.1, False)], 2) == 1


def test_average_precision_depends_on_neither_order_nor_scale_of_scores() -> None:
    rng = np.random.default_rng(1)
    finds = [(float(s), bool(h)) for s, h in zip(rng.random(50), rng.random(50) < 0.3, strict=True)]
    value = average_precision(finds, 20)
    shuffled = [finds[i] for i in rng.permutation(50)]
    assert average_precision(shuffled, 20) == pytest.approx(value)
    assert average_precision([(math.exp(5 * s), h) for s, h in finds], 20) == pytest.approx(value)


def test_equal_scores_are_one_step_in_average_precision() -> None:
    tied = average_precision([(0.5, True), (0.5, False)], 1)
    assert tied == average_precision([(0.5, False), (0.5, True)], 1) == 0.5


def test_average_precision_equals_the_area_under_the_interpolated_curve() -> None:
    rng = np.random.default_rng(2)
    finds = [(float(s), bool(h)) for s, h in zip(rng.random(40), rng.random(40) < 0.4, strict=True)]
    boxes = 25
    ordered = sorted(finds, reverse=True)
    points = []
    for n in range(1, len(ordered) + 1):
        hits = sum(h for _, h in ordered[:n])
        points.append((hits / boxes, hits / n))
    area, before = 0.0, 0.0
    for recall in sorted({r for r, _ in points}):
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    assert average_precision(finds, boxes) == pytest.approx(area)


def test_area_under_curve_counts_pairs_in_order_and_ties_by_half() -> None:
    assert area_under_curve([0.9, 0.8], [0.1, 0.2]) == 1
    assert area_under_curve([0.1], [0.9]) == 0
    assert area_under_curve([0.5, 0.5], [0.5]) == 0.5
    assert area_under_curve([0.9, 0.3, -math.inf], [0.3, 0.1]) == pytest.approx(3.5 / 6)


def test_reliability_counts_every_find_once_and_says_how_often_it_hit() -> None:
    rows = reliability([(0.0, False), (0.05, True), (0.55, True), (0.5, False), (1.0, True)])
    assert sum(row["finds"] or 0 for row in rows) == 5
    assert (rows[0]["finds"], rows[0]["hits"], rows[0]["score"]) == (2, 0.5, 0.025)
    assert rows[5]["hits"] == 0.5
    assert (rows[9]["finds"], rows[9]["hits"]) == (1, 1)
    assert rows[3]["hits"] is None


def test_a_summary_counts_pages_boxes_and_false_alarms() -> None:
    pages = [
        score_of((110, 210, 0.9), (5, 5, 0.6)),
        score_of((5, 5, 0.8), (110, 210, 0.7)),
        score_of((5, 5, 0.4)),
        score_of((5, 5, 0.65), boxes=()),
        score_of((5, 5, 0.1), boxes=()),
    ]
    s = summarize(pages, 0.75)
    assert (s.pages_with, s.pages_without, s.boxes) == (3, 2, 3)
    assert (s.top1, s.top5, s.found) == (1, 2, 1)
    assert (s.false_alarms, s.alarmed_pages_without) == (1, 0)
    assert s.auc == pytest.approx(5 / 6)
    assert s.average_precision == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)
    rows = {row["from"]: (row["boxes"], row["top1"], row["top5"]) for row in s.by_height}
    assert rows[24] == (3, 1, 2)  # 30 px tall
    assert sum(boxes or 0 for boxes, _, _ in rows.values()) == 3
    assert s.reliability is not None


def test_a_summary_says_none_where_a_figure_has_no_meaning() -> None:
    s = summarize([score_of((110, 210, 7.5))], None)
    assert s.auc is None  # no page without
    assert (s.found, s.false_alarms, s.alarmed_pages_without) == (None, None, None)
    assert s.reliability is None  # 7.5 is no probability
    assert summarize([score_of(boxes=())], 0.5).average_precision is None


# --- the truth ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (40, 30), "white").save(tmp_path / name)
    return tmp_path


def truth(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "boxes.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


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
        ("a.png,40,30,waldo,1,2,41,12", "box 1,2 to 41,12 lies outside the 40x30 page"),
        ("a.png,40,30,waldo,-1,2,11,12", "lies outside"),
        ("a.png,40,30,waldo,11,2,1,12", "empty or turned around"),
        ("a.png,40,30,waldo,1,2,1,12", "empty or turned around"),
        ("a.png,0,30,waldo,1,2,11,12", "width = '0' is not a number of pixels"),
        ("a.png,40.5,30,waldo,1,2,11,12", "not a number of pixels"),
        ("a.png,40,30,waldo,1,2", "line 2: fewer fields"),
        (",40,30,waldo,1,2,11,12", "line 2: filename is empty"),
        ('"a.png,40,30,waldo,1,2,11,12', "after line 1: unexpected end of data"),
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
        (b"filename;width\na.png;3\n", "no column 'filename'"),
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
    (folder / "b.heatmap.png").write_bytes((folder / "b.png").read_bytes())
    assert len(pages_without(folder, listed)) == 2  # what detect has written is no page
    empty = folder / "empty"
    empty.mkdir()
    for bad in (empty, folder / "gone"):
        with pytest.raises(FileError):
            pages_without(bad)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two noise pages with the mask on them, one without; a truth that misplaces the second."""
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(3)
    mask = rng.integers(0, 256, (12, 10, 3), np.uint8)
    Image.fromarray(mask).save(folder / "mask.png")
    for name, at in (("one.png", (20, 30)), ("two.png", (5, 7)), ("none.png", None)):
        page = rng.integers(0, 256, (60, 80, 3), np.uint8)
        if at is not None:
            page[at[0] : at[0] + 12, at[1] : at[1] + 10] = mask
        Image.fromarray(page).save(folder / name)
    truth(
        folder,
        "one.png,80,60,waldo,30,20,40,32",
        "two.png,80,60,waldo,60,40,70,52",
        "none.png,80,60,wenda,1,1,9,9",
    )
    return folder


def command(pages: Path, *options: str) -> Result:
    fixed = [str(pages), "--truth", str(pages / "boxes.csv"), "--mask", str(pages / "mask.png")]
    return CliRunner().invoke(
        waldo, ["evaluate", *fixed, "--scales", "1", "--label", "waldo", *options]
    )


def test_the_command_ranks_finds_against_the_truth(pages: Path) -> None:
    said = json.loads(command(pages, "--format", "json").stdout)
    assert (said["pages_with"], said["pages_without"], said["boxes"]) == (2, 1, 2)
    assert (said["top1"], said["found"], said["false_alarms"]) == (1, 1, 1)
    assert said["pages"][0] | {"seconds": 0} == {
        "page": "one.png", "rank": 1, "score": 1.0, "found": True, "false_alarms": 0, "seconds": 0,
    }  # fmt: skip
    assert said["pages"][1]["score"] == 1.0
    assert said["pages"][1]["rank"] != 1
    assert said["pages"][2]["found"] is None
    assert said["auc"] == 1


def test_table_and_csv_say_what_json_says(pages: Path) -> None:
    said = json.loads(command(pages, "--format", "json").stdout)["pages"]
    rows = list(csv.DictReader(io.StringIO(command(pages, "--format", "csv").stdout)))
    assert [(r["page"], r["rank"]) for r in rows] == [
        (p["page"], "" if p["rank"] is None else str(p["rank"])) for p in said
    ]
    table = command(pages).stdout
    assert "top-1              1 of 2, 50.0%" in table
    assert "2 pages with waldo (2 boxes), 1 without" in table


def test_the_threshold_decides_what_is_found(pages: Path) -> None:
    said = json.loads(command(pages, "--threshold", "1.5", "--format", "json").stdout)
    assert (said["found"], said["false_alarms"], said["top1"]) == (0, 0, 1)


def test_further_pages_without_him_count_false_alarms(pages: Path, folder: Path) -> None:
    said = json.loads(command(pages, "--without", str(folder), "--format", "json").stdout)
    assert said["pages_without"] == 4
    said = json.loads(command(pages, "--unlisted", "--format", "json").stdout)
    assert said["pages_without"] == 2  # mask.png lies there, too
    assert said["alarmed_pages_without"] == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--label", "odlaw"], "no box of class 'odlaw', there are waldo, wenda: use --label"),
        (["--stack", "./gone.toml"], "no such file"),
        (["--without", "./gone"], "no such folder"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(pages: Path, options: list[str], reason: str) -> None:
    result = command(pages, *options)
    assert isinstance(result.exception, WaldoError)
    assert reason in str(result.exception)
    assert result.stdout == ""


def test_a_page_of_another_size_than_the_truth_says_is_an_error(
    pages: Path, tmp_path: Path
) -> None:
    path = truth(tmp_path, "one.png,81,60,waldo,30,20,40,32")
    result = command(pages, "--truth", str(path))
    assert isinstance(result.exception, InvalidInputError)
    assert "the truth says 81x60, the file is 80x60" in result.exception.reason
