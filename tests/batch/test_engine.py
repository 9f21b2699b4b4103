"""Many images: order, jobs, failures, lists, shards, resumed runs; the program as people run it."""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import signal
import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
from folders import command, draw, draw_folder, records, run

from waldo_cli import parallel
from waldo_cli.answers.record import Record
from waldo_cli.batch import journal
from waldo_cli.batch.engine import InProcess, in_order
from waldo_cli.batch.finder import Extras, Query
from waldo_cli.batch.journal import Journal
from waldo_cli.batch.workers import Workers, local_engine
from waldo_cli.errors import InvalidInputError
from waldo_cli.files import sweep
from waldo_cli.inputs.items import Item
from waldo_cli.parallel import available_cores

COUNT = 12


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("drawn") / "photos", COUNT).parent


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """A folder of its own with photos/ and needle.png, times of change kept."""
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def whole(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Records of an undisturbed run, one image after the other."""
    place = tmp_path_factory.mktemp("whole")
    shutil.copytree(drawn, place, dirs_exist_ok=True)
    ended = run(place, "photos", "-r", "-o", "out", "-j", 1, "-f", "jsonl")
    assert (ended.returncode, ended.stderr) == (0, b"")
    return records(ended.stdout)


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


def test_in_order_waits_for_the_slow_and_keeps_the_rest_bounded() -> None:
    started: list[Future[Record]] = []

    def submit(item: Item) -> Future[Record]:
        future: Future[Record] = Future()
        future.set_running_or_notify_cancel()
        started.append(future)
        if item.path != "0":
            future.set_result(Record(item.path, ""))
        return future

    drawn = []

    def items() -> Iterator[Item]:
        for n in range(50):
            drawn.append(n)
            yield Item(str(n), "")

    answers = in_order(items(), submit, window=8)
    first: list[Record] = []
    Thread(target=lambda: first.append(next(answers)), daemon=True).start()
    deadline = time.monotonic() + 10
    while len(started) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert (len(started), len(drawn), first) == (8, 8, []), (
        "one slow image, and no more than 8 drawn"
    )
    started[0].set_result(Record("0", ""))
    while not first and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [r.path for r in [*first, *answers]] == [str(n) for n in range(50)]


def test_in_order_raises_what_the_items_raise() -> None:
    def items() -> Iterator[Record]:
        yield Record("a", "")
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError, match="gone"):
        list(in_order(items(), lambda _: Future(), window=2))


def test_an_answered_image_leaves_nothing_behind() -> None:
    """Without the garbage collector: what it finds has piled up until then, pictures and all."""
    items = [Item(f"{n:06}.png", f"{n:06}") for n in range(12_000)]
    threads = ThreadPoolExecutor(1)

    def look(item: Item) -> Record:
        pickle.dumps(item)  # as for the pipe to a worker
        return Record(item.path, "run")

    held = []
    gc.disable()
    tracemalloc.start()
    try:
        for n, _ in enumerate(in_order(items, lambda item: threads.submit(look, item), window=8)):
            if n in (4000, 11_900):
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.enable()
        threads.shutdown()
    assert (held[1] - held[0]) / 7900 < 10, "bytes for each image"


def test_at_least_one_core() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_bad_images_cost_themselves_alone(
    place: Path, whole: list[dict[str, object]], jobs: int
) -> None:
    (place / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (place / "photos" / "deeper" / "gone.jpg").symlink_to("nowhere")
    ended = run(place, "photos", "-r", "-o", "out", "-j", jobs, "-f", "jsonl")
    assert ended.returncode == 2
    got = records(ended.stdout)
    bad = [r for r in got if r["error"] is not None]
    assert [r["path"] for r in bad] == ["photos/broken.png", "photos/deeper/gone.jpg"]
    assert all(r["detections"] is None for r in bad)
    assert [r for r in got if r["error"] is None] == whole
    lines = ended.stderr.decode().splitlines()
    assert [line.split(": ")[1] for line in lines] == [r["path"] for r in bad]


def test_a_worker_that_dies_costs_one_image(place: Path, whole: list[dict[str, object]]) -> None:
    with started(place, "photos", "-r", "-o", "out", "-j", 2, "--files-from", "-") as program:
        assert program.stdout is not None
        assert program.stdin is not None
        first = [json.loads(program.stdout.readline()) for _ in range(COUNT)]
        victims = children(program.pid)
        assert len(victims) == 2
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        shutil.copytree(place / "photos", place / "again")
        names = sorted(str(p.relative_to(place)) for p in (place / "again").rglob("*.png"))
        program.stdin.write(
            "".join(f"{n}\n" for n in names).replace("again/page001", "photos/x").encode()
        )
        program.stdin.close()
        rest = [json.loads(line) for line in program.stdout]
        assert program.wait(30) == 2
    assert [r["path"] for r in first] == [r["path"] for r in whole]
    assert len(rest) == COUNT
    died = [r for r in rest if r["error"] and "worker process" in r["error"]]
    assert len(died) == 2
    assert all("ended by SIGKILL" in r["error"] for r in died)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_image_that_takes_too_long_costs_itself_alone(
    place: Path, whole: list[dict[str, object]], jobs: int
) -> None:
    with started(
        place, "photos", "-r", "--no-heatmap", "-j", jobs, "--timeout", 4, "--files-from", "-"
    ) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stderr is not None
        first = [json.loads(program.stdout.readline()) for _ in range(COUNT)]
        stuck = children(program.pid)
        assert len(stuck) == jobs
        for process in stuck:  # as deaf to polite signals as a decoder that never returns
            os.kill(process, signal.SIGSTOP)
        shutil.copytree(place / "photos", place / "again")
        names = sorted(str(p.relative_to(place)) for p in (place / "again").rglob("*.png"))
        program.stdin.write("".join(f"{n}\n" for n in names).encode())
        program.stdin.close()
        rest = [json.loads(line) for line in program.stdout]
        assert program.wait(30) == 2
        lines = program.stderr.read().decode().splitlines()
    assert [r["path"] for r in first] == [r["path"] for r in whole]
    assert [r["path"] for r in rest] == names
    late = [r for r in rest if r["error"]]
    assert [r["error"] for r in late] == ["not done within 4 s (--timeout)"] * jobs
    assert lines == [f"waldo: {r['path']}: {r['error']}" for r in late]
    assert_gone(stuck)


def test_two_inputs_with_one_output_are_refused_before_any_work(place: Path) -> None:
    shutil.copy(place / "photos" / "page001.png", place / "page001.png")
    ended = run(place, "photos", "page001.png", "-o", "out")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"would write the same files as photos/page001.png" in ended.stderr
    assert not (place / "out").exists()
    assert run(place, "photos", "page001.png", "--no-heatmap").returncode == 0


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
        (["photos", "--timeout", "9", "--scheduler", "tcp://x:1"], "--timeout goes without"),
        (["photos", "--timeout", "0"], "not in the range"),
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
    draw(place / "none.png", 0, found=False)
    assert run(place, "none.png", "-q").returncode == 1


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


def test_in_a_list_a_collision_is_a_record_and_the_rest_goes_on(place: Path) -> None:
    shutil.copy(place / "photos" / "page001.png", place / "page001.png")
    names = b"photos/page001.png\npage001.png\nphotos/page005.png\n"
    ended = run(place, "--files-from", "-", "-f", "jsonl", "-o", "out", stdin=names)
    assert ended.returncode == 2
    assert [r["error"] is None for r in records(ended.stdout)] == [True, False, True]


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
        assert b"Traceback" not in program.stderr.read()
    assert array[0]["path"] == "photos/page001.png"
    assert_gone(workers)


def test_workers_do_not_outlive_a_killed_program(place: Path) -> None:
    with started(place, "photos", "--files-from", "-", "-j", 2, "-o", "out") as program:
        assert program.stdout is not None
        program.stdout.readline()
        workers = children(program.pid)
        assert len(workers) == 2
        program.kill()
    assert_gone(workers)


def test_a_reader_that_leaves_ends_it_quietly(place: Path) -> None:
    with started(place, "photos", "-r", "-j", 2, "-o", "out") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.wait(30) == 0
        assert program.stderr.read() == b""


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


# --- shards ---------------------------------------------------------------------------------------


def test_shards_together_are_the_whole(place: Path, whole: list[dict[str, object]]) -> None:
    got = []
    for i in (1, 2, 3):
        ended = run(place, "photos", "-r", "-o", "out", "-f", "jsonl", "--shard", f"{i}/3")
        got += records(ended.stdout)
    assert sorted(got, key=lambda r: str(r["path"])) == whole


# --- resumed runs ---------------------------------------------------------------------------------


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


def test_leftovers_of_the_dead_are_swept_and_those_of_the_living_kept(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    old, fresh, own, other = (
        tmp_path / f".waldo-{dead.pid}-0a.tmp",
        tmp_path / f".waldo-{dead.pid}-0b.tmp",
        tmp_path / f".waldo-{os.getpid()}-0c.tmp",
        tmp_path / "page.png",
    )
    for path in (old, fresh, own, other):
        path.touch()
    for path in (old, own, other):
        os.utime(path, (1, 1))
    sweep(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([fresh, own, other])
    sweep(str(tmp_path), dead.pid)
    assert sorted(tmp_path.iterdir()) == sorted([own, other])


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


# --- processes ------------------------------------------------------------------------------------


def started(place: Path, *args: object, form: str = "jsonl") -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(*args, "-f", form), cwd=place, stdin=-1, stdout=-1, stderr=-1)


def children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children")
    if not text.exists():
        pytest.skip("no /proc here")
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def assert_gone(processes: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(
        Path(f"/proc/{p}/cmdline").exists() and Path(f"/proc/{p}/cmdline").read_bytes()
        for p in processes
    ):
        assert time.monotonic() < deadline, "workers are left over"
        time.sleep(0.02)


def test_one_job_is_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waldo_cli.parallel.available_cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    used = []
    query, extras = Query(stack="stripes"), Extras()
    for jobs, total in ((1, None), (2, 1), (8, 1), (None, 1)):
        with local_engine(query, extras, jobs, total, None) as engine:
            assert isinstance(engine, InProcess)
            used.append(parallel.thread_count())
        with local_engine(query, extras, jobs, total, 60) as engine:
            assert isinstance(engine, Workers)
            (worker,) = children(os.getpid())
            environment = Path(f"/proc/{worker}/environ").read_text().split("\0")
            assert f"OMP_NUM_THREADS={used[-1]}" in environment
    assert used == [1, 2, 4, 3]
    assert parallel.thread_count() == 3
