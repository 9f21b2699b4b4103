"""The file of --resume: a run cut anywhere comes to the same end, and other files stay as they are."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from folders import COUNT, command, draw, records, run, started

from waldo_cli.answers.record import Record
from waldo_cli.batch import journal
from waldo_cli.batch.journal import Journal
from waldo_cli.errors import InvalidInputError


def resumed(
    place: Path, *args: object
) -> tuple[int, list[dict[str, object]], list[dict[str, object]]]:
    """Status, records on standard output, lines of the file."""
    ended = run(place, "photos", "-r", "-o", "out", "-f", "jsonl", "--resume", "found.jsonl", *args)
    lines = (place / "found.jsonl").read_bytes()
    return ended.returncode, records(ended.stdout), records(lines)


def test_a_resumed_run_looks_at_nothing_twice(place: Path, whole: list[dict[str, object]]) -> None:
    assert resumed(place) == (0, whole, whole)
    before = (place / "out" / "page001.heatmap.png").stat().st_mtime_ns
    assert resumed(place) == (0, whole, whole)
    assert (place / "out" / "page001.heatmap.png").stat().st_mtime_ns == before


def test_a_run_cut_anywhere_comes_to_the_same_end(
    place: Path, whole: list[dict[str, object]]
) -> None:
    resumed(place)
    file = place / "found.jsonl"
    data = file.read_bytes()
    ends = [n for n, byte in enumerate(data) if byte == 10]
    for cut in (ends[0], ends[3] + 30):
        file.write_bytes(data[:cut])
        assert resumed(place) == (0, whole, whole), cut


def test_a_file_cut_at_any_byte_keeps_its_whole_records(tmp_path: Path) -> None:
    file = tmp_path / "found.jsonl"
    with Journal(str(file)) as journal:
        for path in ("a.png", "b\udcff.png", "c.png"):
            journal.add(Record(path, "run", (), 4, 3))
    data = file.read_bytes()
    for cut in range(len(data) + 1):
        file.write_bytes(data[:cut])
        with Journal(str(file)) as journal:
            journal.add(Record("d.png", "run", ()))
        whole = data[: cut + 1].count(b"\n")
        lines = file.read_bytes().splitlines(keepends=True)
        assert b"".join(lines[:-1]) == b"".join(data.splitlines(keepends=True)[:whole])
        assert json.loads(lines[-1])["path"] == "d.png"


def test_errors_are_tried_again_and_changes_are_seen(
    place: Path, whole: list[dict[str, object]]
) -> None:
    page = place / "photos" / "page001.png"
    good, times = page.read_bytes(), (page.stat().st_atime_ns, page.stat().st_mtime_ns)
    page.write_bytes(b"")
    assert resumed(place)[0] == 2
    page.write_bytes(good)
    os.utime(page, ns=times)
    status, got, lines = resumed(place)
    assert (status, got, len(lines)) == (0, whole, COUNT + 1)
    draw(page, 77)
    status, got, lines = resumed(place)
    assert (status, len(lines)) == (0, COUNT + 2)
    assert lines[-1]["path"] == "photos/page001.png"
    (place / "out" / "page003.heatmap.png").unlink()
    assert len(resumed(place)[2]) == COUNT + 3, "a heatmap that is gone is made again"
    assert len(resumed(place, "--threshold", "0.9")[2]) == 2 * COUNT + 3, "another run"
    assert resumed(place, "--threshold", "0.9")[0] == 0


def test_a_picture_with_boxes_that_is_gone_is_drawn_again(place: Path) -> None:
    options = ("--annotated", "--no-heatmap")
    status, got, lines = resumed(place, *options)
    assert (status, len(lines)) == (0, COUNT)
    paths = [place / str(record["annotated"]) for record in got]
    assert all(path.exists() for path in paths)
    assert resumed(place, *options) == (0, got, lines)
    paths[2].unlink()
    assert len(resumed(place, *options)[2]) == COUNT + 1
    assert paths[2].exists()
    assert len(resumed(place, "--no-heatmap")[2]) == 2 * COUNT + 1, "without it, another run"


def test_a_file_of_something_else_is_left_as_it_is(place: Path) -> None:
    for data in (b"not json\n", b"no line end", b'{"a": 1}\n', b"\x89PNG", b'{"schema": 2'):
        (place / "found.jsonl").write_bytes(data)
        ended = run(place, "photos", "--resume", "found.jsonl")
        assert ended.returncode == 2
        assert b"found.jsonl: line 1 is no record of this program" in ended.stderr
        assert (place / "found.jsonl").read_bytes() == data


def test_a_file_of_one_endless_line_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LONGEST_LINE", 1000)
    for start in (b"", b'{"schema": 1, "path": "'):
        data = start + bytes(1_000_000)
        (tmp_path / "found.jsonl").write_bytes(data)
        with pytest.raises(InvalidInputError, match="line 1 is no record"):
            journal.Journal(str(tmp_path / "found.jsonl"))
        assert (tmp_path / "found.jsonl").read_bytes() == data


def test_standard_output_is_not_resumed_into_itself(place: Path) -> None:
    with (place / "found.jsonl").open("ab") as file:
        ended = subprocess.run(
            command("photos", "--resume", "found.jsonl"), cwd=place, stdout=file,
            stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 2
    assert b"--resume adds the records to it by itself" in ended.stderr
    assert (place / "found.jsonl").read_bytes() == b""


def test_two_runs_do_not_write_to_one_file(place: Path) -> None:
    with started(place, "--files-from", "-", "--resume", "found.jsonl", "-o", "out") as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(b"photos/page001.png\n")
        program.stdin.flush()
        program.stdout.readline()
        ended = run(place, "photos", "--resume", "found.jsonl")
        program.stdin.close()
    assert ended.returncode == 2
    assert b"another run is writing to this file" in ended.stderr


def test_killed_at_any_moment_and_resumed_is_the_whole(
    place: Path, whole: list[dict[str, object]]
) -> None:
    for wait in (0.3, 0.6, 0.8, 1.0):
        with started(
            place, "photos", "-r", "-o", "out", "-j", 2, "--resume", "found.jsonl"
        ) as program:
            time.sleep(wait)
            program.kill()
    status, got, lines = resumed(place)
    assert (status, got) == (0, whole)
    assert sorted(lines, key=lambda r: str(r["path"])) == whole
    assert not [p for p in (place / "out").rglob("*.png") if p.stat().st_size == 0]
