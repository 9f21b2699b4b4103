"""`waldo detect`: exit status, one line for each error, records, nothing half-written."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commandline import LOOK, MASK_AT, PROGRAM, Waldo, process, shell
from folders import run
from PIL import Image

from waldo_cli import Mask, detect, load_image, load_mask
from waldo_cli.answers.streams import COLUMNS

# --- exit status ----------------------------------------------------------------------------------


def test_found_is_0_with_one_record_of_nine_columns(waldo: Waldo, tmp_path: Path) -> None:
    ended = waldo("detect", "page.png", *LOOK, "-o", tmp_path)
    assert ended == (0, "page.png\t35\t26\t1\tmask\t30\t20\t10\t12\n", "")


def test_not_found_is_1_without_a_record(waldo: Waldo, tmp_path: Path) -> None:
    assert waldo("detect", "other.png", *LOOK, "-o", tmp_path) == (1, "", "")
    assert waldo("detect", "other.png", *LOOK, "-o", tmp_path, "--exit-zero") == (0, "", "")


def test_an_image_that_fails_is_2_and_the_others_are_still_done(
    waldo: Waldo, tmp_path: Path
) -> None:
    ended = waldo("detect", "text.jpg", "page.png", "gone.png", *LOOK, "-o", tmp_path)
    assert ended.status == 2
    assert ended.out.startswith("page.png\t35\t26\t")
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == ["text.jpg", "gone.png"]


def test_fail_fast_stops_at_the_first_image_that_fails(waldo: Waldo, tmp_path: Path) -> None:
    ended = waldo("detect", "text.jpg", "page.png", *LOOK, "-o", tmp_path, "--fail-fast")
    assert (ended.status, ended.out) == (2, "")


def test_quiet_answers_by_the_status_alone(waldo: Waldo, tmp_path: Path) -> None:
    assert waldo("detect", "-q", "page.png", *LOOK, "-o", tmp_path) == (0, "", "")
    assert waldo("detect", "-q", "other.png", *LOOK, "-o", tmp_path) == (1, "", "")


# --- errors: one line, status 2, nothing written --------------------------------------------------

ERRORS = {
    "kernel larger than the image": ["page.png", "--mask", "big.png", "--scales", "1"],
    "image of one pixel": ["dot.png", "--mask", "mask.png"],
    "image of one pixel, by a stack": ["dot.png", "--stack", "stripes"],
    "mask of one colour": ["page.png", "--mask", "flat.png"],
    "picture with alpha all zero": ["clear.png"],
    "mask with alpha all zero": ["page.png", "--mask", "clear.png"],
    "mask missing": ["page.png", "--mask", "gone.png"],
    "mask that is no picture": ["page.png", "--mask", "text.jpg"],
    "turns without a mask": ["page.png", "--angles", "all"],
    "weights that do not fit": ["page.png", "--stack", "./narrow.toml"],
    "stack with an unknown key": ["page.png", "--stack", "./wrong.toml"],
    "stack missing": ["page.png", "--stack", "./gone.toml"],
    "stack of no such name": ["page.png", "--stack", "nonsense"],
    "stack that waits for a mask": ["page.png", "--stack", "pixels"],
    "text called .jpg": ["text.jpg", *LOOK],
    "empty file": ["empty.png", *LOOK],
    "file cut short": ["half.png", *LOOK],
    "missing file": ["gone.png", *LOOK],
    "too many pixels": ["page.png", *LOOK, "--max-pixels", "4799"],
    "region outside the image": ["page.png", *LOOK, "--region", "80,0,9,9"],
    "prior black everywhere": ["page.png", *LOOK, "--where", "dark.png"],
    "prior of another size": ["page.png", *LOOK, "--where", "small.png"],
    "prior missing": ["page.png", *LOOK, "--where", "gone.png"],
    "label of no mask": ["page.png", *LOOK, "--label", "odlaw"],
    "scale that is a slip": ["page.png", "--mask", "mask.png", "--scales", "5000"],
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_one_line_and_2_and_nothing_is_written(
    name: str, waldo: Waldo, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = waldo("detect", *ERRORS[name], "-o", out, "--activations")
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.startswith("waldo: ")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith("\n")
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("name", ["text called .jpg", "kernel larger than the image"])
def test_an_error_of_an_image_names_it(name: str, waldo: Waldo, tmp_path: Path) -> None:
    path = ERRORS[name][0]
    assert waldo("detect", *ERRORS[name], "-o", tmp_path).err.startswith(f"waldo: {path}: ")


def test_the_message_for_a_kernel_larger_than_the_image_says_both_sizes(
    waldo: Waldo, tmp_path: Path
) -> None:
    err = waldo("detect", *ERRORS["kernel larger than the image"], "-o", tmp_path).err
    assert "100x90" in err
    assert "80x60" in err


@pytest.mark.parametrize("out", ["text.jpg", "text.jpg/below", "/proc/nowhere"])
def test_an_output_folder_that_cannot_be_written_is_one_line_and_2(
    out: str, waldo: Waldo, scene: Path
) -> None:
    before = sorted(scene.iterdir())
    ended = waldo("detect", "page.png", *LOOK, "-o", out)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert sorted(scene.iterdir()) == before
    assert (scene / "text.jpg").read_text() == "no picture"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_output_folder_without_permission_is_one_line_and_2(
    waldo: Waldo, tmp_path: Path
) -> None:
    tmp_path.chmod(0o555)
    ended = waldo("detect", "page.png", *LOOK, "-o", tmp_path)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_a_disk_that_fills_up_leaves_no_half_of_a_picture(scene: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    assert shell(scene, tmp_path, "exec {}").returncode == 0
    older = tmp_path / "page.heatmap.png"
    whole = older.read_bytes()
    ended = shell(scene, tmp_path, "ulimit -f 2; exec {}")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "page.heatmap.png: cannot write: " in ended.stderr
    assert [p.name for p in tmp_path.iterdir()] == [older.name]
    assert older.read_bytes() == whole


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ([], "Missing argument"),
        (["empty"], "no image in empty"),
        (["photos/deeper/../deeper", "--ext", "webp"], "no image in"),
        (["--files-from", "empty.txt"], "no image is named in empty.txt"),
        (["--files-from", "absent.txt"], "absent.txt: cannot read the list"),
        (["-", "--files-from", "-"], "can be read only once"),
        (["photos", "-j", "2", "--scheduler", "tcp://x:1"], "--jobs goes without --scheduler"),
        (["photos", "--timeout", "0"], "not in the range"),
        (["photos", "--max-seconds", "-0"], "'-0' is not more than 0 ("),
        (["photos", "-f", "json", "--header"], "--header goes with tsv and csv"),
        (["photos", "-f", "json", "-0"], "-0 goes with"),
        (["photos", "--shard", "3/2"], "is not I/N"),
        (["photos", "--ext", "jpg,,"], "no list of endings"),
        (["photos", "-q", "--progress"], "go without --quiet"),
        (["photos", "-q", "--report", "x.html"], "go without --quiet"),
        (["photos", "--report", "x.png"], "name it FILE.html"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    place: Path, args: list[str], reason: str
) -> None:
    (place / "empty").mkdir()
    (place / "empty.txt").touch()
    ended = run(place, *args)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert reason in ended.stderr.decode()
    assert ended.stderr.count(b"\n") == 1


# --- standard input -------------------------------------------------------------------------------


def test_one_image_from_standard_input(scene: Path, tmp_path: Path) -> None:
    with (scene / "page.png").open("rb") as page:
        ended = process(scene, "detect", "-", *LOOK, "-o", tmp_path, stdin=page)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "-\t35\t26\t1\tmask\t30\t20\t10\t12\n"
    assert [p.name for p in tmp_path.iterdir()] == ["stdin.heatmap.png"]


def test_an_endless_standard_input_is_read_no_further_than_an_image_may_go(
    scene: Path, tmp_path: Path
) -> None:
    args = [*PROGRAM, "detect", "-", *LOOK, "-o", str(tmp_path)]
    piece, taken = bytes(1 << 20), 0
    with subprocess.Popen(args, cwd=scene, stdin=-1, stdout=-1, stderr=-1) as running:
        assert running.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            while taken < 1 << 30:
                taken += os.write(running.stdin.fileno(), piece)
        out, err = running.communicate(timeout=60)
    assert taken < (256 + 2) << 20  # and what the pipe holds
    assert (running.returncode, out) == (2, b"")
    assert err == (
        b"waldo: -: the file is larger than 256 MiB; --max-pixels raises this limit, too\n"
    )


# --- records --------------------------------------------------------------------------------------


def test_the_command_line_says_the_same_numbers_as_python(
    waldo: Waldo, scene: Path, tmp_path: Path
) -> None:
    scales = ("--scales", "0.8:1.25", "--top", "4", "--threshold", "0")
    args = ("detect", "page.png", "--mask", "mask.png", *scales, "-o", tmp_path)
    said = json.loads(waldo(*args, "-f", "jsonl").out)
    columns = [line.split("\t") for line in waldo(*args).out.splitlines()]
    result = detect(
        load_image(scene / "page.png"),
        masks=[Mask("mask", *load_mask(scene / "mask.png"))],
        scales="0.8:1.25",
        top=4,
        threshold=0,
    )
    assert len(result.detections) == 4
    assert (said["margin"], said["turned"]) == (result.margin, 0)
    assert (said["width"], said["height"], said["found"], said["error"]) == (80, 60, True, None)
    for found, record, line in zip(result.detections, said["detections"], columns, strict=True):
        box = [found.box.left, found.box.top, found.box.width, found.box.height]
        assert record == {
            "label": "mask", "x": found.x, "y": found.y, "score": found.score, "box": box,
            "scale": found.scale, "angle": 0.0, "mirrored": False, "chance": found.chance,
            "gain": found.gain, "offset": found.offset,
        }  # fmt: skip
        assert [float(v) for v in line[1:4]] == [found.x, found.y, found.score]
        assert [int(v) for v in line[5:]] == box


def test_json_lines_say_not_found_and_failed_apart(waldo: Waldo, tmp_path: Path) -> None:
    ended = waldo("detect", "other.png", "text.jpg", *LOOK, "-f", "jsonl", "-o", tmp_path)
    other, text = map(json.loads, ended.out.splitlines())
    assert ended.status == 2
    assert (other["found"], other["detections"], other["error"]) == (False, [], None)
    assert (text["found"], text["detections"]) == (False, None)
    assert text["error"].startswith("not a picture")
    assert other["run"] == text["run"]


def test_pictures_have_the_size_of_the_image(waldo: Waldo, scene: Path, tmp_path: Path) -> None:
    waldo("detect", "page.png", *LOOK, "-o", tmp_path, "--activations")
    with Image.open(tmp_path / "page.heatmap.png") as heatmap:
        assert heatmap.size == (80, 60)
    activations = np.load(tmp_path / "page.activations.npy", allow_pickle=False)
    assert (activations.shape, activations.dtype) == ((60, 80), np.float32)
    row, col = np.unravel_index(activations.argmax(), activations.shape)
    assert abs(int(row) - 26) <= 1
    assert abs(int(col) - 35) <= 1


def test_the_find_is_shown_on_the_page_itself(waldo: Waldo, scene: Path, tmp_path: Path) -> None:
    ended = waldo(
        "detect", "page.png", *LOOK, "-o", tmp_path, "--annotated", "--no-heatmap", "-f", "jsonl", "-v"
    )  # fmt: skip
    path = tmp_path / "page.annotated.png"
    assert json.loads(ended.out)["annotated"] == str(path)
    assert ended.err.endswith(f", annotated {path}\n")
    assert list(tmp_path.iterdir()) == [path]
    with Image.open(path) as drawn, Image.open(scene / "page.png") as page:
        changed = (np.asarray(drawn) != np.asarray(page)).any(axis=2)
    left, top = MASK_AT
    assert not changed[top : top + 12, left : left + 10].any()
    assert changed[top + 5, left - 1]
    assert changed[top + 5, left + 10]


def test_a_summary_says_in_which_sizes_and_why_it_was_not_enough(waldo: Waldo) -> None:
    look = ("--mask", "mask.png", "--no-heatmap", "-v")
    told = waldo("detect", "page.png", *look, "--scales", "1").err
    assert told.endswith("score 1; sought at scale 1\n")
    told = waldo("detect", "page.png", *look, "--scales", "1,2").err
    assert told.endswith("score 1; sought at scales 1 to 2\n")
    told = waldo("detect", "other.png", *look, "--scales", "1").err
    assert "nothing found; best is mask at " in told
    assert " of pictures (a find: on 1% at most); sought at scale 1\n" in told
    told = waldo("detect", "other.png", *look, "--scales", "1", "--threshold", "0.9").err
    assert ", below the threshold 0.9; sought at scale 1" in told


def test_pages_get_pictures_of_their_own(scene: Path, tmp_path: Path) -> None:
    with Image.open(scene / "page.png") as page, Image.open(scene / "other.png") as other:
        page.save(tmp_path / "book.tif", save_all=True, append_images=[other])
    options = ("-o", "out", "--annotated", "--no-heatmap", "-f", "jsonl", "-j", "2")
    ended = process(tmp_path, "book.tif", "--mask", scene / "mask.png", "--scales", "1", *options)
    names = [json.loads(line)["annotated"] for line in ended.stdout.splitlines()]
    assert names == ["out/book.page-1.annotated.png", "out/book.page-2.annotated.png"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [n[4:] for n in names]


def test_no_heatmap_writes_nothing(waldo: Waldo, tmp_path: Path) -> None:
    assert waldo("detect", "page.png", *LOOK, "-o", tmp_path / "new", "--no-heatmap").status == 0
    assert not list(tmp_path.iterdir())


def test_a_region_and_a_prior_keep_answers_out(waldo: Waldo, tmp_path: Path) -> None:
    here = waldo("detect", "page.png", *LOOK, "-o", tmp_path, "--region", "30,20,10,12")
    assert here.status == 0
    away = waldo("detect", "page.png", *LOOK, "-o", tmp_path, "--region", "0,0,20,60")
    assert (away.status, away.out) == (1, "")
    half = waldo(
        "detect", "page.png", *LOOK, "-o", tmp_path, "--where", "prior.png", "--threshold", "0"
    )
    assert float(half.out.split("\t")[3]) == pytest.approx(128 / 255, abs=1e-4)


HARD_NAMES = {
    "tab\there.png": r"tab\there.png",
    "line\nhere.png": r"line\nhere.png",
    r"back\slash.png": r"back\\slash.png",
    "colour\x1b[31m.png": r"colour\x1b[31m.png",
    "Wäldo 瓦.png": "Wäldo 瓦.png",
    "-dash.png": "-dash.png",
}


def test_paths_are_escaped_in_lines_and_raw_before_nul(
    waldo: Waldo, scene: Path, tmp_path: Path
) -> None:
    for name in HARD_NAMES:
        (tmp_path / name).write_bytes((scene / "page.png").read_bytes())
    paths = [f"{tmp_path}/{name}" for name in HARD_NAMES]
    out = tmp_path / "out"
    lines = waldo("detect", *paths, *LOOK, "-o", out).out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        f"{tmp_path}/{e}" for e in HARD_NAMES.values()
    ]
    assert all(line.count("\t") == 8 for line in lines)
    records = waldo("detect", *paths, *LOOK, "-o", out, "-0").out.split("\0")
    assert records.pop() == ""
    assert [r[: r.index("\t35\t26\t")] for r in records] == paths


def test_a_name_that_is_not_utf_8_comes_back_byte_for_byte(scene: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(name)).write_bytes((scene / "page.png").read_bytes())
    args = ["detect", os.fsdecode(name), *LOOK, "-o", str(tmp_path / "out")]
    raw = subprocess.run([*PROGRAM, *args, "-0"], capture_output=True, cwd=scene, check=True)
    assert raw.stdout.split(b"\t")[0] == name
    shown = process(scene, *args)
    assert shown.stdout.split("\t")[0].endswith(r"/caf\xe9.png")
    gone = process(scene, "detect", os.fsdecode(b"gone\xe9.png"), *LOOK)
    assert (gone.returncode, gone.stderr.count("\n")) == (2, 1)


def test_a_header_names_the_nine_columns(waldo: Waldo, tmp_path: Path) -> None:
    lines = waldo("detect", "page.png", *LOOK, "-o", tmp_path, "--header").out.splitlines()
    assert lines[0].split("\t") == list(COLUMNS)
    assert len(lines) == 2


def test_each_mask_is_a_label(waldo: Waldo, scene: Path, tmp_path: Path) -> None:
    Image.fromarray(np.asarray(Image.open(scene / "other.png"))[5:17, 60:70]).save(
        tmp_path / "second.png"
    )
    ended = waldo(
        "detect", "page.png", "other.png", *LOOK, "--mask", tmp_path / "second.png", "-o", tmp_path
    )
    found = [line.split("\t") for line in ended.out.splitlines()]
    assert [(c[0], c[4]) for c in found] == [("page.png", "mask"), ("other.png", "second")]
    assert [round(float(v)) for c in found for v in c[1:3]] == [35, 26, 65, 11]


def test_a_turn_is_told_and_places_stay_those_of_the_image(
    waldo: Waldo, scene: Path, tmp_path: Path
) -> None:
    with Image.open(scene / "page.png") as page:
        page.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "side.png")
    args = ("--mask", scene / "mask.png", "--scales", "1", "--no-heatmap", "-f", "jsonl")
    (upright,) = json.loads(waldo("detect", scene / "page.png", *args).out)["detections"]
    ran = waldo("detect", tmp_path / "side.png", *args, "--turn", "90", "-v")
    said = json.loads(ran.out)
    assert (said["width"], said["height"], said["turned"]) == (60, 80, 90)
    assert "turned by 90 degrees" in ran.err
    (found,) = said["detections"]
    assert (found["x"], found["y"]) == (upright["y"], 80 - upright["x"])
    left, top, width, height = upright["box"]
    assert found["box"] == [top, 80 - left - width, height, width]
    refused = waldo("detect", tmp_path / "side.png", "--turn", "45")
    assert refused.status == 2
    assert "--turn" in refused.err
