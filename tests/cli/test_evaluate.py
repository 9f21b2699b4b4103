"""`waldo evaluate`: its tables, what it counts, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from truths import truth, white_pages

from waldo_cli.cli import waldo
from waldo_cli.errors import InvalidInputError, WaldoError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return white_pages(tmp_path)


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
    # The score of a mask's find is 1 less the chance of it.
    first, second = (said["pages"][n].pop("score") for n in (0, 1))
    assert first == pytest.approx(1, abs=1e-4)
    assert second == pytest.approx(1, abs=1e-4)
    assert said["pages"][0] | {"seconds": 0} == {
        "page": "one.png", "rank": 1, "found": True, "false_alarms": 0, "seconds": 0,
    }  # fmt: skip
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


def test_of_several_masks_those_of_the_class_are_looked_for(pages: Path) -> None:
    other = f"wenda={pages / 'one.png'}"  # as large as the page, and found on it
    as_alone = json.loads(
        command(pages, "--mask", f"waldo={pages / 'mask.png'}", "--format", "json").stdout
    )
    both = command(
        pages, "--mask", f"waldo={pages / 'mask.png'}", "--mask", other, "--format", "json"
    )
    said = json.loads(both.stdout)
    for of in (as_alone, said):
        for page in of["pages"]:
            page.pop("seconds")
    assert said["pages"] == as_alone["pages"]
    # Of no class that is named, the first; and the others are told.
    fixed = [str(pages), "--truth", str(pages / "boxes.csv"), "--scales", "1"]
    masks = ["--mask", f"waldo={pages / 'mask.png'}", "--mask", other]
    ended = CliRunner().invoke(waldo, ["evaluate", *fixed, *masks])
    assert ended.stderr == "waldo: of 2 labels only waldo is sought (--label)\n"


def test_masks_are_evaluated_turned_as_detect_finds_them(pages: Path, tmp_path: Path) -> None:
    Image.open(pages / "mask.png").rotate(90, expand=True).save(tmp_path / "mask.png")
    turned = ["--mask", f"waldo={tmp_path / 'mask.png'}", "--scales", "1", "--label", "waldo"]
    fixed = ["evaluate", str(pages), "--truth", str(pages / "boxes.csv"), "--format", "json"]
    for more, found in (([], 0), (["--angles", "0,90,180,270", "--score", "ncc"], 1)):
        ended = CliRunner().invoke(waldo, [*fixed, *turned, *more])
        assert json.loads(ended.stdout)["found"] == found


def test_further_pages_without_him_count_false_alarms(pages: Path, folder: Path) -> None:
    said = json.loads(command(pages, "--without", str(folder), "--format", "json").stdout)
    assert said["pages_without"] == 4
    said = json.loads(command(pages, "--unlisted", "--format", "json").stdout)
    assert said["pages_without"] == 2  # mask.png lies there, too
    assert said["alarmed_pages_without"] == 1


def test_what_is_no_picture_among_further_pages_is_counted_in_one_line(
    pages: Path, tmp_path: Path
) -> None:
    more = white_pages(tmp_path)
    (more / "film.mp4").touch()
    (more / "deeper").mkdir()
    ended = command(pages, "--without", str(more), "--unlisted", "--format", "json")
    assert ended.stderr == "waldo: 2 files not looked at: 1 MP4, 1 CSV; 1 folder not entered\n"
    assert ended.exit_code == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--label", "odlaw"], "no box of class 'odlaw', there are waldo, wenda: use --label"),
        (["--stack", "./gone.toml"], "no such file"),
        (["--without", "./gone"], "no such folder"),
        (["--without", __file__], "this is not a folder"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(pages: Path, options: list[str], reason: str) -> None:
    result = command(pages, *options)
    assert isinstance(result.exception, WaldoError)
    assert reason in str(result.exception)
    assert result.stdout == ""


def test_what_would_take_too_long_is_refused_page_by_page(pages: Path) -> None:
    ended = command(pages, "--max-seconds", "1e-9")
    lines = ended.stderr.splitlines()
    assert len(lines) == 3
    assert all("of one core for this 80x60 image, at most 1e-09 s: give" in line for line in lines)
    assert ended.exit_code != 0


def test_a_page_of_another_size_than_the_truth_says_is_an_error(
    pages: Path, tmp_path: Path
) -> None:
    path = truth(tmp_path, "one.png,81,60,waldo,30,20,40,32")
    result = command(pages, "--truth", str(path))
    assert isinstance(result.exception, InvalidInputError)
    assert "the truth says 81x60, the file is 80x60" in result.exception.reason


def test_a_page_smaller_than_what_is_sought_is_a_line_that_names_it(
    pages: Path, tmp_path: Path
) -> None:
    path = truth(tmp_path, "one.png,80,60,waldo,30,20,40,32")
    result = command(pages, "--truth", str(path), "--scales", "9")
    assert isinstance(result.exception, InvalidInputError)
    assert str(result.exception).startswith(f"{pages / 'one.png'}: what is sought is 10x12")


def test_a_bad_row_and_a_bad_page_are_a_line_each_and_the_rest_is_judged(
    pages: Path, tmp_path: Path
) -> None:
    path = truth(
        tmp_path,
        "one.png,80,60,waldo,30,20,40,32",
        "one.png,80,60,waldo,x,20,40,32",
        "two.png,81,60,waldo,7,5,17,17",
    )
    result = command(pages, "--truth", str(path), "--format", "json")
    assert result.exit_code == 2
    said = json.loads(result.stdout)
    assert (said["pages_with"], said["top1"], said["mean_iou"], said["coco_ap"]) == (1, 1, 1, 1)
    assert result.stderr.splitlines() == [
        f"waldo: {path}: line 3: xmin = 'x' is not a number",
        f"waldo: {pages / 'two.png'}: the truth says 81x60, the file is 80x60:"
        " the boxes belong to another copy of this page",
    ]


def test_a_page_of_which_the_sought_box_is_lost_is_not_one_without(
    pages: Path, tmp_path: Path
) -> None:
    path = truth(
        tmp_path,
        "one.png,80,60,waldo,30,20,40,32",
        "two.png,80,60,wenda,1,1,9,9",
        "two.png,80,60,waldo,abc,5,17,17",
    )
    result = command(pages, "--truth", str(path), "--format", "json")
    said = json.loads(result.stdout)
    assert (said["pages_with"], said["pages_without"], result.exit_code) == (1, 0, 2)
    first, second = result.stderr.splitlines()
    assert first == f"waldo: {path}: line 4: xmin = 'abc' is not a number"
    assert second.startswith(f"waldo: {pages / 'two.png'}: no box of class 'waldo' is left of it")


def test_a_page_cut_short_is_judged_where_it_is_asked_for(pages: Path, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        data = (pages / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) - 2000 * (name == "two.png")])
    path = truth(tmp_path, "one.png,80,60,waldo,30,20,40,32", "two.png,80,60,waldo,7,5,17,17")
    fixed = [
        "evaluate",
        str(tmp_path),
        "--truth",
        str(path),
        "--mask",
        f"waldo={pages / 'mask.png'}",
    ]
    for more, judged, status in (([], 1, 2), (["--allow-truncated"], 2, 0)):
        ended = CliRunner().invoke(waldo, [*fixed, "--scales", "1", "-f", "json", *more])
        assert (json.loads(ended.stdout)["top1"], ended.exit_code) == (judged, status)
        assert ("see --allow-truncated" in ended.stderr) == (status == 2)


def test_of_many_faults_the_first_are_shown_and_all_are_counted(
    pages: Path, tmp_path: Path
) -> None:
    rows = [f"gone{n}.png,80,60,waldo,30,20,40,32" for n in range(50)]
    path = truth(tmp_path, "one.png,80,60,waldo,30,20,40,32", *rows)
    result = command(pages, "--truth", str(path))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 21
    assert result.stderr.endswith("waldo: 30 more like these were left out\n")


def test_what_a_truth_sets_aside_is_neither_hit_nor_false_alarm(
    pages: Path, tmp_path: Path
) -> None:
    at = [30.0, 20.0, 10.0, 12.0]
    root: dict[str, object] = {
        "images": [
            {"id": 1, "file_name": "one.png", "width": 80, "height": 60},
            {"id": 2, "file_name": "two.png", "width": 80, "height": 60},
        ],
        "categories": [{"id": 1, "name": "waldo"}, {"id": 2, "name": "ignore"}],
        "annotations": [{"image_id": 2, "category_id": 1, "bbox": [7, 5, 10, 12]}],
    }
    path = tmp_path / "truth.json"
    for aside in ({"category_id": 1, "iscrowd": 1}, {"category_id": 2}):
        annotation = {"image_id": 1, "bbox": at} | aside
        path.write_text(
            json.dumps(root | {"annotations": [*root["annotations"], annotation]})  # type: ignore[misc]
        )
        said = json.loads(command(pages, "--truth", str(path), "--format", "json").stdout)
        assert (said["boxes"], said["top1"], said["false_alarms"]) == (1, 1, 0)
        assert (said["pages_with"], said["pages_without"]) == (1, 1)


def test_boxes_of_pages_that_are_turned_upside_down(pages: Path, tmp_path: Path) -> None:
    """The sizes do not tell which pixels they mean: a line says what was assumed, a switch says it."""
    upside_down = Image.Exif()
    upside_down[0x0112] = 3
    with Image.open(pages / "two.png") as page, Image.open(pages / "mask.png") as mask:
        page.save(tmp_path / "two.png", exif=upside_down)
        mask.rotate(180).save(tmp_path / "mask.png")
    truth(tmp_path, "two.png,80,60,waldo,7,5,17,17")
    assumed = command(tmp_path, "-f", "csv")
    assert "two.png: turned by EXIF" in assumed.stderr
    assert not assumed.stdout.splitlines()[1].startswith("two.png,1,")
    stored = command(tmp_path, "-f", "csv", "--truth-pixels", "stored")
    assert stored.stderr == ""
    assert stored.stdout.splitlines()[1].startswith("two.png,1,")
