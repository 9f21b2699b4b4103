"""A Dask cluster of processes: the same records as one process makes, whatever befalls a worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from documents import document
from folders import command, draw, draw_folder, records, run
from PIL import Image

import waldo_cli
from waldo_cli.errors import FileError
from waldo_cli.inputs.items import Item

distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")

COUNT = 30


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def dask(
    *args: str, path: str | None = None, cwd: str = "/", **variables: str
) -> subprocess.Popen[bytes]:
    """Start ``dask scheduler`` or ``dask worker`` with its own Python path."""
    env = os.environ | {"DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s"} | variables
    env["PYTHONPATH"] = str(Path(__file__).parents[2]) if path is None else path
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *args, "--no-dashboard"], cwd=cwd, env=env,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def end(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and two workers without nannies: a dead one stays dead."""
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1])
    workers = [dask("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    try:
        wait_for(address)
        yield address, workers
    finally:
        end(scheduler, *workers)


def wait_for(address: str) -> None:
    host, port = address.partition("://")[2].split(":")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, int(port)), 1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("no scheduler came up")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("cluster") / "photos", COUNT).parent


def test_the_cluster_gives_the_records_and_pictures_of_one_process(
    place: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    (place / "photos" / "broken.png").write_bytes(b"")
    (place / "photos" / "book.tif").write_bytes(
        document("tif", [Image.open(place / "photos" / f"page00{n}.png") for n in (1, 3, 5)])
    )
    args = ("photos", "-r", "-f", "jsonl", "-o", "out")
    here = run(place, *args, "-j", 1)
    pictures = {p: p.read_bytes() for p in (place / "out").rglob("*.png")}
    for picture in pictures:
        picture.unlink()
    there = run(place, *args, "--scheduler", cluster[0])
    assert (there.returncode, there.stderr) == (here.returncode, here.stderr) == (2, here.stderr)
    assert records(there.stdout) == records(here.stdout)
    assert [r["page"] for r in records(there.stdout) if "page" in r] == [1, 2, 3]
    assert {p: p.read_bytes() for p in (place / "out").rglob("*.png")} == pictures
    (place / "photos" / "book.tif").unlink()
    (place / "photos" / "broken.png").unlink()


def test_workers_read_urls(place: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]) -> None:
    url = (place / "photos" / "page001.png").as_uri()
    ended = run(place, url, url + ".gone", "-f", "jsonl", "-o", "out", "--scheduler", cluster[0])
    found, gone = records(ended.stdout)
    assert (ended.returncode, found["path"], found["found"]) == (2, url, True)
    assert "cannot read: FileNotFoundError" in gone["error"]


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    place: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    names = [f"{place}/photos/page{n:03}.png" for n in range(1, COUNT, 2)]
    args = command("--files-from", "-", "--no-heatmap", "-f", "tsv", "--scheduler", address)
    with subprocess.Popen(
        [*args, "--threshold", "-1"], cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write("".join(f"{n}\n" for n in names * 10).encode())
        program.stdin.flush()
        got = [program.stdout.readline().decode() for _ in range(5)]
        end(workers.pop())
        program.stdin.close()
        got += [line.decode() for line in program.stdout]
        assert program.wait(60) == 0
    assert [line.split("\t")[0] for line in got] == names * 10


def test_what_is_wrong_with_a_cluster_is_one_line(place: Path, tmp_path: Path) -> None:
    bare = f"tcp://127.0.0.1:{free_port()}"
    ended = run(place, "photos", "--scheduler", "not an address")
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)
    assert b"no scheduler answers" in ended.stderr
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", bare.rsplit(":", 1)[1])
    # Python's own packages, but not the folder this one lies in.
    stranger = dask("worker", bare, "--no-nanny", path=str(hide_package(tmp_path)))
    try:
        wait_for(bare)
        ended = run(place, "photos", "--scheduler", bare)
    finally:
        end(scheduler, stranger)
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (2, b"", 1)
    assert b"has no waldo-cli" in ended.stderr


@pytest.mark.parametrize(
    "greeting",
    [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"],
    ids=["silent", "ssh", "http"],
)
def test_an_address_where_no_scheduler_answers_is_one_line_within_ten_seconds(
    place: Path, greeting: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

        def serve() -> None:
            with contextlib.suppress(OSError):  # the server is closed
                while True:
                    talking.append(server.accept()[0])
                    talking[-1].sendall(greeting)

        talking: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        ended = run(place, "photos", "--scheduler", address)
        took = time.monotonic() - began
        for one in talking:
            one.close()
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (2, b"", 1)
    assert ended.stderr.startswith(f"waldo: {address}: no scheduler answers: ".encode())
    assert took < 10 + 5, "ten seconds, and what a busy machine needs to start"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tls://127.0.0.1:1", b"needs certificates"),
        ("http://127.0.0.1:1", b"http:// is none of tcp:// and tls://"),
        ("inproc://x", b"inproc:// is none of tcp:// and tls://"),
        ("ucx://127.0.0.1:1", b"ucx:// is none of tcp:// and tls://"),
        ("127.0.0.1", b"missing port number"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line(
    place: Path, address: str, reason: bytes
) -> None:
    ended = run(place, "photos", "--scheduler", address)
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (2, b"", 1)
    assert reason in ended.stderr


def test_images_of_workers_that_cannot_be_used_go_to_others_and_it_is_told(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that can be used; later one without the package and one of another version; then these alone."""
    from waldo_cli.batch import cluster
    from waldo_cli.batch.finder import Extras, Query
    from waldo_cli.errors import FileError
    from waldo_cli.inputs.items import Item
    from waldo_cli.inputs.masks import MaskSource

    monkeypatch.chdir(place)
    monkeypatch.setattr(cluster, "LOST_TIMEOUT", 5)
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1])
    good = dask("worker", address, "--nthreads", "1", "--no-nanny")
    processes = [scheduler, good]
    query = Query(masks=(MaskSource("needle", "needle.png"),), scales="1", heatmap=False)
    said: list[str] = []
    joined, alone = threading.Event(), threading.Event()

    def items() -> Iterator[Item]:
        for n in range(1, 9, 2):
            yield Item(f"photos/page{n:03}.png", str(n))
        joined.wait(60)
        for n in range(90):  # more than wait at one time
            yield Item("photos/page001.png", f"again{n}")
        alone.wait(60)
        for n in range(10):
            yield Item("photos/page001.png", f"lost{n}")

    try:
        wait_for(address)
        with cluster.Cluster(query, Extras(), address, say=said.append) as engine:
            records = engine.records(items())
            got = [next(records) for _ in range(4)]
            processes += [
                dask("worker", address, "--nthreads", "4", "--no-nanny", path=str(path))
                for path in (hide_package(tmp_path / "without"), age_package(tmp_path / "older"))
            ]
            deadline = time.monotonic() + 60
            while len(said) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
            joined.set()
            got += [next(records) for _ in range(80)]
            end(processes.pop(1))
            alone.set()
            with pytest.raises(FileError, match="all workers are lost"):
                got += list(records)
    finally:
        end(*processes)
    assert all(record.error is None for record in got)
    assert len(said) == 2
    for fault in ("has no waldo-cli: ", f"has waldo-cli 0.0.1, this is {waldo_cli.__version__}: "):
        assert sum(fault in line for line in said) == 1
    assert all(line.endswith("; its images go to the others") for line in said)


@pytest.mark.parametrize(
    ("hidden", "version", "fault"),
    [
        ("", "1", ""),
        ("", "2", "has waldo-cli 1, this is 2: install the same on both"),
        ("waldo_cli", "1", r"has no waldo-cli: pip install 'waldo-cli\[dask\]' there"),
        ("numpy", "1", "cannot load waldo-cli: ModuleNotFoundError: .*: install the same there as here"),
        ("a page", "1", "cannot load waldo-cli: the cause: install the same there as here"),
        ("broken", "1", "cannot load waldo-cli: SyntaxError: bad: install the same there as here"),
    ],
)  # fmt: skip
def test_a_worker_says_why_it_cannot_be_used_and_hands_every_image_back(
    monkeypatch: pytest.MonkeyPatch, hidden: str, version: str, fault: str
) -> None:
    from waldo_cli.batch import cluster

    def unpack(_: bytes) -> object:
        __import__("numpy")
        if hidden == "a page":
            raise ImportError("\nnumpy does not load.\n\nthe cause\n")
        return SimpleNamespace(examine=lambda _: b"record")

    class Broken:
        def __getattr__(self, _: str) -> object:
            raise SyntaxError("bad")

    monkeypatch.setattr("waldo_cli.__version__", "1")
    monkeypatch.setattr(cluster, "loads", unpack)
    monkeypatch.setattr(cluster.time, "sleep", lambda _: None)
    plugin = cluster._make_plugin(version, b"")
    worker = SimpleNamespace(plugins={"run": plugin})
    monkeypatch.setattr(cluster, "get_worker", lambda: worker)
    with monkeypatch.context() as without:
        if hidden == "broken":
            without.setitem(sys.modules, "waldo_cli", Broken())
        elif hidden:
            without.setitem(sys.modules, hidden, None)
        plugin.setup(worker)
    assert re.fullmatch(fault, cluster._make_question()("run", worker))
    assert (cluster._make_task()("run", b"item") is None) == bool(fault)


def test_an_image_that_is_handed_back_goes_to_a_worker_that_can_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from concurrent.futures import Future

    from waldo_cli.answers.record import Record
    from waldo_cli.batch import cluster
    from waldo_cli.batch.finder import Extras, Query

    class Client:
        """Of two workers the first comes first, if nothing else is asked for."""

        def submit(
            self,
            *_: object,
            workers: list[str] | None,
            **_options: object,
        ) -> Future[bytes | None]:
            asked.append(workers)
            future: Future[bytes | None] = Future()
            future.set_result(cluster.dumps(record) if workers == ["second"] else None)
            engine._usable = {"first": False, "second": True}  # known from now on
            return future

    monkeypatch.chdir(tmp_path)
    engine = cluster.Cluster(Query(stack="stripes"), Extras(), "tcp://10.0.0.1:8786")
    record = Record("a.png", engine.run)
    asked: list[list[str] | None] = []
    engine._client, engine._count = Client(), 2
    assert list(engine.records([Item("a.png", "a")])) == [record]
    assert asked == [None, ["second"]]


def test_an_image_whose_only_workers_have_gone_is_submitted_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from concurrent.futures import Future

    from waldo_cli.answers.record import Record
    from waldo_cli.batch import cluster
    from waldo_cli.batch.finder import Extras, Query

    class Client:
        """Of two workers one is silent, and the other one is lost before it has done anything."""

        def submit(
            self, *_: object, workers: list[str] | None, **_options: object
        ) -> Future[bytes]:
            asked.append(workers)
            future: Future[bytes] = Future()
            if workers is None:
                future.set_result(cluster.dumps(record))
            return future

    monkeypatch.chdir(tmp_path)
    engine = cluster.Cluster(Query(stack="stripes"), Extras(), "tcp://10.0.0.1:8786")
    record = Record("a.png", engine.run)
    asked: list[list[str] | None] = []
    done: list[object] = []
    engine._client, engine._count, engine._usable = Client(), 2, {"good": True}
    engine._submit(Item("a.png", "a"), done.append)
    engine._free(["good", "silent"])
    assert (asked, done) == ([["good"]], [])
    engine._usable = {}
    engine._free(["silent", "new"])
    assert (asked, done) == ([["good"], None], [record])


def test_a_record_is_waited_for_until_the_client_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from waldo_cli.batch import cluster
    from waldo_cli.batch.finder import Extras, Query

    class Future:
        """Of Dask; its worker is lost, the task is done again, its record comes at the third try."""

        status = "pending"
        tries = 0

        def result(self, timeout: float) -> bytes:
            assert timeout == cluster.WATCH_INTERVAL
            self.tries += 1
            if self.tries < 3:
                raise TimeoutError
            return b"record"

    monkeypatch.chdir(tmp_path)
    engine = cluster.Cluster(Query(stack="stripes"), Extras(), "tcp://10.0.0.1:8786")
    assert engine._result_of(Future()) == b"record"
    engine._closed.set()
    with pytest.raises(TimeoutError):
        engine._result_of(Future())
    engine._closed.clear()
    raised = Future()
    raised.status = "error"  # by the task itself
    with pytest.raises(TimeoutError):
        engine._result_of(raised)


def test_a_worker_that_joins_and_is_silent_does_not_end_a_run_that_others_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from waldo_cli.batch import cluster
    from waldo_cli.batch.finder import Extras, Query

    class Client:
        def nthreads(self) -> dict[str, int]:
            return {"good": 1, "silent": 1, "late": 1}

        def sync(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
            return asyncio.run(call())

        async def run(self, *_: object, workers: list[str], **_options: object) -> dict[str, str]:
            asked.extend(workers)
            if workers == ["silent"]:
                await asyncio.sleep(60)
            return {"late": ""}

    monkeypatch.chdir(tmp_path)
    for name, seconds in (
        ("WATCH_INTERVAL", 0.01),
        ("ANSWER_TIMEOUT", 0.05),
        ("LOST_TIMEOUT", 0.3),
    ):
        monkeypatch.setattr(cluster, name, seconds)
    asked: list[str] = []
    failed: list[object] = []
    engine = cluster.Cluster(Query(stack="stripes"), Extras(), "tcp://10.0.0.1:8786")
    engine._client, engine._usable, engine._fail = (
        Client(),
        {"good": True, "gone": True},
        failed.append,
    )
    watch = threading.Thread(target=engine._watch_workers)
    watch.start()
    watch.join(1)
    engine._closed.set()
    watch.join()
    assert asked.count("late") == 1
    assert asked.count("silent") > 1
    assert failed == []
    assert engine._usable == {"good": True, "late": True}


def test_a_worker_that_is_silent_from_the_beginning_is_not_waited_for(place: Path) -> None:
    """Alone it is one line; where there is another one, that does its images."""
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1])
    silent = dask("worker", address, "--nthreads", "1", "--no-nanny")
    processes = [scheduler, silent]
    args = ("photos", "-r", "--no-heatmap", "-f", "jsonl", "--scheduler", address)
    try:
        wait_for(address)
        assert run(place, "photos/page001.png", *args[2:]).returncode == 0  # it has joined
        silent.send_signal(signal.SIGSTOP)
        alone = run(place, *args)
        good = dask("worker", address, "--nthreads", "1", "--no-nanny")
        processes.append(good)
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        both = run(place, *args)
    finally:
        end(*processes)
    said = f"waldo: {address}: none of its workers answers\n"
    assert (alone.returncode, alone.stdout, alone.stderr.decode()) == (2, b"", said)
    assert (both.returncode, both.stderr, len(records(both.stdout))) == (0, b"", COUNT)


def test_a_scheduler_that_dies_while_the_run_begins_is_one_line(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waldo_cli.batch import cluster
    from waldo_cli.batch.finder import Extras, Query

    monkeypatch.chdir(place)
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", address.rsplit(":", 1)[1])
    worker = dask("worker", address, "--nthreads", "1", "--no-nanny")
    checked = cluster.Cluster._wait_for_workers

    def check_and_die(engine: cluster.Cluster) -> None:
        checked(engine)
        end(scheduler)

    monkeypatch.setattr(cluster.Cluster, "_wait_for_workers", check_and_die)
    try:
        wait_for(address)
        with (
            pytest.raises(FileError, match="it went away"),
            cluster.Cluster(Query(stack="stripes"), Extras(), address),
        ):
            pass
    finally:
        end(worker)


def test_an_image_that_takes_too_long_on_a_cluster_costs_itself_alone(
    place: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    draw(place / "large.png", 1, size=(8000, 5000))  # seconds, where the other takes milliseconds
    ended = run(
        place, "large.png", "photos/page001.png", "--timeout", 1, "--no-heatmap",
        "-f", "jsonl", "--scheduler", cluster[0],
    )  # fmt: skip
    late, quick = records(ended.stdout)
    assert (ended.returncode, late["error"]) == (2, "not done within 1 s (--timeout)")
    assert quick["error"] is None


def test_certificates_of_the_configuration_are_used(place: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not installed")
    pair = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=waldo"]
    subprocess.run(
        ["openssl", "req", "-x509", *pair, "-days", "2", "-keyout", "key", "-out", "pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    tls = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(tmp_path / "pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        tls[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = str(tmp_path / "pem")
        tls[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = str(tmp_path / "key")
    address = f"tls://127.0.0.1:{free_port()}"
    port = address.rsplit(":", 1)[1]
    scheduler = dask("scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", port, **tls)
    worker = dask("worker", address, "--nthreads", "1", "--no-nanny", **tls)
    try:
        wait_for(address)
        args = ("photos/page001.png", "--no-heatmap", "--scheduler", address)
        without = run(place, *args)
        with_them = run(place, *args, env=os.environ | tls)
    finally:
        end(scheduler, worker)
    assert (without.returncode, without.stdout) == (2, b"")
    assert b"needs certificates" in without.stderr
    assert (with_them.returncode, with_them.stderr) == (0, b"")


def hide_package(folder: Path) -> Path:
    """Make a folder that, on Python's path, keeps any installed copy of the package from view."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'waldo_cli':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    return folder


def age_package(folder: Path) -> Path:
    """Make a folder with a copy of the package of an older version."""
    shutil.copytree(Path(waldo_cli.__file__).parent, folder / "waldo_cli")
    names = folder / "waldo_cli" / "__init__.py"
    text = names.read_text(encoding="utf-8")
    names.write_text(text.replace(waldo_cli.__version__, "0.0.1"), encoding="utf-8")
    return folder


def test_without_dask_the_extra_is_named(place: Path, tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError")
    env = os.environ | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    ended = run(place, "photos", "--scheduler", "tcp://127.0.0.1:1", env=env)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == b"waldo: --scheduler needs Dask: pip install 'waldo-cli[dask]'\n"


def test_what_dask_logs_does_not_reach_the_terminal() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import logging\n"
            "from waldo_cli.batch import cluster\n"
            "cluster._silence_libraries()\n"
            "for name in ('distributed', 'distributed.client', 'distributed.core', 'tornado.application',"
            " 'asyncio'):\n"
            "    logging.getLogger(name).error('a key could not be gathered')\n",
        ],
        capture_output=True,
        check=True,
    )
    assert said.stderr == b""


def test_a_connection_that_breaks_ends_the_run_and_is_no_fault_of_the_image(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from concurrent.futures import Future

    from distributed.comm.core import CommClosedError

    from waldo_cli.batch.cluster import Cluster
    from waldo_cli.batch.finder import Extras, Query

    monkeypatch.chdir(tmp_path)
    engine = Cluster(Query(stack="stripes"), Extras(), "tcp://10.0.0.1:8786")
    broken: Future[bytes] = Future()
    broken.set_exception(CommClosedError("Stream is closed"))
    outcome = engine._outcome(Item("a.png", "a"), broken)
    assert isinstance(outcome, FileError)
    assert str(outcome) == "tcp://10.0.0.1:8786: the scheduler is gone"
