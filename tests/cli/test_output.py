"""Records on standard output, and label files beside the pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import termios
from pathlib import Path

import pytest
from commandline import LOOK, PROGRAM, process
from folders import COUNT, command, run


def test_records_on_a_terminal_equal_those_in_a_pipe(scene: Path, tmp_path: Path) -> None:
    args = ["detect", "page.png", *LOOK, "--top", "3", "--threshold", "0", "-o", tmp_path]
    piped = process(scene, *args)
    leading, following = os.openpty()
    os.set_blocking(leading, False)  # silence is a failure, not a wait
    attributes = termios.tcgetattr(following)
    attributes[1] &= ~termios.OPOST  # or the terminal itself makes \r\n of \n
    termios.tcsetattr(following, termios.TCSANOW, attributes)
    try:
        seen = process(scene, *args, stdout=following, stderr=subprocess.PIPE)
        shown = os.read(leading, 1 << 16).decode()
    finally:
        os.close(leading)
        os.close(following)
    assert seen.returncode == piped.returncode == 0
    assert shown == piped.stdout
    assert shown.count("\n") == 3
    assert "\x1b" not in shown


@pytest.mark.parametrize("form", ["tsv", "csv", "json", "jsonl", "coco"])
def test_a_full_disk_is_one_line_and_status_2(place: Path, form: str) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("wb") as sink:
        ended = subprocess.run(
            command("photos", "-j", 1, "-f", form, "-o", "out"), cwd=place, stdout=sink,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)
    assert b"standard output: no space left" in ended.stderr


# --- label files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "ending"), [("yolo", "txt"), ("voc", "xml"), ("labelme", "json")])
def test_label_files_go_beside_the_heatmaps_and_are_listed(
    place: Path, form: str, ending: str
) -> None:
    for _ in range(2):  # the same again is no conflict
        ended = run(place, "photos", "-r", "-o", "out", "-f", form)
        assert ended.returncode == 0
        listed = ended.stdout.decode().splitlines()
        assert len(listed) == COUNT
        assert all((place / path).is_file() for path in listed)
        assert listed[0] == f"out/deeper/page000.{ending}"
    assert (place / "out" / "classes.txt").exists() == (form == "yolo")


def test_a_label_file_that_says_something_else_is_never_overwritten(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "page001.txt").write_text("by hand")
    ended = run(place, "photos", "-o", "out", "-f", "yolo")
    assert ended.returncode == 2
    assert b"out/page001.txt: is there and says something else" in ended.stderr
    assert (place / "out" / "page001.txt").read_text() == "by hand"
    assert len(ended.stdout.splitlines()) == COUNT // 2 - 1


def test_a_newline_in_the_name_of_a_mask_shifts_no_class(place: Path) -> None:
    shutil.copy(place / "needle.png", place / "a\nb.png")
    args = ("photos/page001.png", "--mask", "a\nb.png", "-f", "yolo", "-o", "out", "--no-heatmap")
    assert run(place, *args).returncode == 0
    assert (place / "out" / "classes.txt").read_text().splitlines() == [r"a\nb", "needle"]
    assert (place / "out" / "page001.txt").read_text().startswith("0 ")


def test_leftovers_of_killed_runs_are_removed_beside_every_output(place: Path) -> None:
    left = [place / folder / ".waldo-1-0a.tmp" for folder in ("labels", "pages", "why")]
    for path in left:
        path.parent.mkdir()
        path.touch()
        os.utime(path, (1, 1))
    args = ("photos/page001.png", "--no-heatmap", "-f", "voc", "-o", "labels")
    assert run(place, *args, "--report", "pages/all.html").returncode == 0
    subprocess.run(
        [*PROGRAM, "explain", "photos/page001.png", "--mask", "needle.png", "-o", "why"],
        cwd=place, check=True, capture_output=True,
    )  # fmt: skip
    assert not [path for path in left if path.exists()]


def test_outputs_go_a_thousand_folders_deep(place: Path) -> None:
    deep = "d/" * 1100
    ended = run(place, "photos/page001.png", "-o", deep, "-f", "yolo")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (place / deep / "page001.heatmap.png").exists()
    # pytest removes folders by a function that calls itself, too
    subprocess.run(["rm", "-r", "d"], cwd=place, check=True)
