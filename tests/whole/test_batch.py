"""Many images by the program as people run it: order, jobs, failures, lists, shards, ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from folders import COUNT, assert_gone, children, draw, records, run, started

# --- order and jobs -------------------------------------------------------------------------------


def test_records_come_in_the_order_of_the_names(whole: list[dict[str, object]]) -> None:
    paths = [str(r["path"]) for r in whole]
    assert len(paths) == COUNT
    assert paths == sorted(paths)
    assert [r["found"] for r in whole] == [int(p[-7:-4]) % 3 != 0 for p in paths]


def test_any_number_of_jobs_gives_the_same_records_and_pictures(
    place: Path, whole: list[dict[str, object]]
) -> None:
    one = run(place, "photos", "-r", "-o", "one", "-j", 1, "-f", "tsv")
    four = run(place, "photos", "-r", "-o", "four", "-j", 4, "-f", "tsv")
    assert (four.returncode, four.stdout, four.stderr) == (0, one.stdout, b"")
    pictures = sorted((place / "one").rglob("*.heatmap.png"))
    assert len(pictures) == COUNT
    for picture in pictures:
        twin = place / "four" / picture.relative_to(place / "one")
        assert twin.read_bytes() == picture.read_bytes()
    detailed = run(place, "photos", "-r", "-o", "out", "-j", 3, "-f", "jsonl")
    assert records(detailed.stdout) == whole


def test_the_python_function_gives_the_same_numbers(
    place: Path, whole: list[dict[str, object]]
) -> None:
    from waldo_cli import detect, load_image, load_mask
    from waldo_cli.stack.stack import Mask

    mask = Mask("needle", *load_mask(place / "needle.png"))
    for record in whole:
        result = detect(load_image(place / str(record["path"])), masks=[mask], scales="1")
        assert result.margin == record["margin"]
        assert [{"score": d.score, "x": d.x, "y": d.y} for d in result.detections] == [
            {k: d[k] for k in ("score", "x", "y")}
            for d in record["detections"]  # type: ignore[attr-defined]
        ]


def test_shards_together_are_the_whole(place: Path, whole: list[dict[str, object]]) -> None:
    got = []
    for i in (1, 2, 3):
        ended = run(place, "photos", "-r", "-o", "out", "-f", "jsonl", "--shard", f"{i}/3")
        got += records(ended.stdout)
    assert sorted(got, key=lambda r: str(r["path"])) == whole


# --- failures -------------------------------------------------------------------------------------


def test_pictures_of_one_name_write_into_the_tree_of_their_folders(place: Path) -> None:
    shutil.copy(place / "photos" / "page001.png", place / "page001.png")
    ended = run(place, "photos", "page001.png", "-o", "out", "-f", "jsonl")
    assert ended.returncode == 0
    heatmaps = {r["path"]: r["heatmap"] for r in records(ended.stdout)}
    assert heatmaps["photos/page001.png"] == "out/photos/page001.heatmap.png"
    assert heatmaps["page001.png"] == "out/page001.heatmap.png"
    assert heatmaps["photos/page003.png"] == "out/page003.heatmap.png"
    assert all((place / path).exists() for path in heatmaps.values())


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_picture_named_twice_is_looked_at_twice(place: Path, jobs: int) -> None:
    names = ["photos/page001.png", "photos/page005.png", "photos/page001.png"]
    ended = run(place, *names, "-j", jobs, "-o", "out", "-f", "jsonl")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert [r["path"] for r in records(ended.stdout)] == names
    assert len(list((place / "out").iterdir())) == 2
    journal = ("--resume", place / "done.jsonl")
    for _ in range(2):
        ended = run(
            place, "--files-from", "-", *journal, "-o", "out", stdin="\n".join(names).encode()
        )
        assert (ended.returncode, ended.stdout.count(b"\n")) == (0, 3)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stack_that_cannot_be_used_is_told_before_any_image(place: Path, jobs: int) -> None:
    ended = run(place, "photos", "-j", jobs, "--stack", "absent.toml")
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (2, b"", 1)
    assert b"absent.toml" in ended.stderr


def test_fail_fast_stops_at_the_first_failure(place: Path) -> None:
    (place / "photos" / "page000.png").write_bytes(b"")
    ended = run(place, "photos", "-r", "-f", "jsonl", "--fail-fast", "-o", "out")
    assert ended.returncode == 2
    assert records(ended.stdout)[-1]["error"] is not None
    assert len(records(ended.stdout)) < COUNT + 1


def test_quiet_answers_by_status_at_the_first_find(place: Path) -> None:
    (place / "photos" / "zzz.png").write_bytes(b"never looked at")
    ended = run(place, "photos/page001.png", "photos/zzz.png", "-q", "-j", 1, "-o", "out")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    after_one_that_failed = run(place, "gone.png", "photos/page001.png", "-q", "-j", 1)
    assert after_one_that_failed.returncode == 0
    draw(place / "none.png", 0, found=False)
    assert run(place, "none.png", "-q").returncode == 1
    assert not (place / "out").exists(), "nothing is written"
    assert not list(place.glob("*.heatmap.png"))


def test_what_is_in_a_folder_and_no_image_is_counted_in_one_line(place: Path) -> None:
    for name in ("a.pdx", "b.pdx", "c.txt", "d", ".hidden"):
        (place / "photos" / name).touch()
    said = (
        b"waldo: 4 files not looked at: 2 PDX, 1 TXT, 1 of other kinds; 1 folder not entered (-r)\n"
    )
    report = ("--report", place / "all.html", "-o", "out")
    ended = run(place, "photos", *report)
    assert (ended.returncode, ended.stderr) == (0, said)
    assert said[7:-1] in (place / "all.html").read_bytes()
    assert run(place, "photos", "-q").stderr == b""
    assert run(place, "photos", "--ext", "png", "-r", "-o", "out").stderr == b""
    assert run(place, "photos", "-r", "-o", "out").stderr == said.split(b";")[0] + b"\n"


# --- files beside the answer ----------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_heatmap_that_cannot_be_written_costs_itself_alone(place: Path, jobs: int) -> None:
    long = place / ("n" * 248 + ".png")
    shutil.copy(place / "photos" / "page001.png", long)
    ended = run(place, long.name, "photos/page001.png", "-j", jobs, "-o", "out", "-f", "jsonl")
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)
    bad, good = records(ended.stdout)
    assert bad["detections"] == good["detections"] != []
    assert bad["heatmap"] is None
    assert bad["error"].endswith(".heatmap.png: cannot write: File name too long")
    assert good["error"] is None


def test_with_no_folder_for_its_files_every_picture_has_its_answer(place: Path) -> None:
    (place / "out").write_text("a file")
    ended = run(place, "photos", "--activations", "-o", "out", "--resume", place / "done.jsonl")
    assert ended.returncode == 2
    assert ended.stdout == run(place, "photos", "--no-heatmap").stdout != b""
    assert ended.stderr.count(b"\n") == COUNT // 2 + 1
    (place / "out").unlink()
    ended = run(place, "photos", "--activations", "-o", "out", "--resume", place / "done.jsonl")
    assert (ended.returncode, len(list((place / "out").iterdir()))) == (0, COUNT)


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_listed_image_is_answered_before_the_list_ends(place: Path, jobs: int) -> None:
    with started(place, "--files-from", "-", "-j", jobs, "-o", "out") as program:
        assert program.stdout is not None
        assert program.stdin is not None
        for name in ("photos/page001.png", "photos/page003.png"):
            program.stdin.write(name.encode() + b"\n")
            program.stdin.flush()
            assert json.loads(program.stdout.readline())["path"] == name
        program.stdin.close()
        assert program.wait(30) == 0


def test_names_in_any_encoding_go_in_and_come_out(place: Path) -> None:
    name = b"tab\tline\n\xff\x1b.png"
    (place / "photos" / "page001.png").rename(place / os.fsdecode(name))
    ended = run(place, "--files-from", "-", "-0", "-o", "out", stdin=name + b"\0")
    assert ended.returncode == 0
    assert ended.stdout.startswith(name + b"\t")
    assert ended.stdout.endswith(b"\0")
    assert (place / "out" / os.fsdecode(name[:-4] + b".heatmap.png")).exists()
    ended = run(place, os.fsdecode(name), "-o", "out")
    assert ended.stdout.split(b"\t")[0] == rb"tab\tline\n\xff\x1b.png"


def test_in_a_list_the_second_picture_of_a_name_writes_into_the_tree(place: Path) -> None:
    shutil.copytree(place / "photos", place / "more")
    names = b"photos/page001.png\nmore/page001.png\nphotos/page005.png\n"
    ended = run(place, "--files-from", "-", "-f", "jsonl", "-o", "out", stdin=names)
    assert ended.returncode == 0
    assert [r["heatmap"] for r in records(ended.stdout)] == [
        "out/page001.heatmap.png",
        "out/more/page001.heatmap.png",
        "out/page005.heatmap.png",
    ]


# --- ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_with_130_and_whole_records(place: Path, jobs: int) -> None:
    with started(place, "--files-from", "-", "-j", jobs, "-o", "out", form="json") as program:
        assert program.stdout is not None
        assert program.stdin is not None
        program.stdin.write(b"photos/page001.png\nphotos/page003.png\n")
        program.stdin.flush()
        head = program.stdout.readline() + program.stdout.readline()
        workers = children(program.pid)
        asked = time.monotonic()
        program.send_signal(signal.SIGINT)
        assert program.wait(30) == 130
        assert time.monotonic() - asked < 10  # the promise is two seconds; a busy machine gets more
        array = json.loads(head + program.stdout.read())
        assert program.stderr is not None
        said = program.stderr.read().decode()
    assert re.fullmatch(r"waldo: interrupted after \d+ images; with --resume .*\n", said)
    assert array[0]["path"] == "photos/page001.png"
    assert_gone(workers)


def test_a_reader_that_leaves_ends_it_quietly(place: Path) -> None:
    with started(place, "photos", "-r", "-j", 2, "-o", "out") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.wait(30) == 0
        assert program.stderr.read() == b""


@pytest.mark.parametrize("listed", [False, True])
def test_odd_links_are_one_line_each_and_the_others_are_done(
    place: Path, whole: list[dict[str, object]], listed: bool
) -> None:
    links = {"circle": "circle.png", "long": "n" * 300, "through": "page001.png/inner.png"}
    for name, target in links.items():
        (place / "photos" / f"{name}.png").symlink_to(target)
    names = "".join(f"{path}\n" for path in sorted((place / "photos").rglob("*.png")))
    given = ("--files-from", "-") if listed else ("photos", "-r")
    ended = run(place, *given, "-o", "out", "-f", "jsonl", "-j", 2, stdin=names.encode())
    assert ended.returncode == 2
    got = records(ended.stdout)
    assert len([r for r in got if r["error"] is None]) == len(whole)
    lines = ended.stderr.decode().splitlines()
    assert len(lines) == len(links)
    for name, line in zip(sorted(links), lines, strict=True):
        assert f"{name}.png: cannot read: " in line
