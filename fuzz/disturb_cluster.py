"""Look at many small pictures on two Dask workers, while workers, client and network are cut off at random.

    python fuzz/disturb_cluster.py [PICTURES] [SEED] [SECONDS]

The client is started again with the same `--resume` until it ends by itself; a worker that is killed comes
back after a moment; the network is a proxy before the scheduler that drops all connections. In the end every
picture must have one record, none of them an error, and none twice. Needs the extra `dask`; 5,000 pictures
unless another number is given, and a disturbance every 10 SECONDS: long enough for a worker to come up.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
# One pixel sees one pixel: what is measured is the cluster, not the search.
STACK = 'format = 1\nobject = [1, 1]\n[[layer]]\nop = "combine"\nhow = "mean"\n'
# A client that makes no progress for so long is a finding.
PATIENCE_SECONDS = 300


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Network:
    """Passes bytes between an address of its own and the scheduler, until `cut` drops all connections."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        dropped, self._sockets = self._sockets, []
        for one in dropped:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                near.close()
                continue
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def dask(*args: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "dask", *args, "--no-dashboard"], env=env, cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def disturbed(folder: Path, rng: random.Random, seconds: float) -> collections.Counter[str]:
    """Run the client until it ends by itself; return what has happened to it."""
    port = free_port()
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", str(port))
    network = Network(port)
    join = ("worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny")
    workers = [dask(*join) for _ in range(2)]
    line = [
        sys.executable, "-m", "waldo_cli", "detect", "pictures", "--stack", "./any.toml", "--scales",
        "1", "--no-heatmap", "-f", "jsonl", "--resume", "found.jsonl", "--scheduler", network.address,
    ]  # fmt: skip
    happened: collections.Counter[str] = collections.Counter()
    journal = folder / "found.jsonl"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    client: subprocess.Popen[bytes] | None = None
    try:
        while True:
            happened["client started"] += 1
            size, since = -1, time.monotonic()
            with (folder / "out").open("wb") as out, (folder / "err").open("ab") as err:
                client = subprocess.Popen(  # noqa: S603
                    line, cwd=folder, env=env, stdout=out, stderr=err, start_new_session=True
                )
                while client.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        client.wait(rng.uniform(0, 2 * seconds))
                        break
                    if journal.exists() and journal.stat().st_size != size:
                        size, since = journal.stat().st_size, time.monotonic()
                    if time.monotonic() - since > PATIENCE_SECONDS:
                        raise SystemExit(f"no record for {PATIENCE_SECONDS} s; {happened}")
                    match rng.choice(("worker", "worker", "client", "network")):
                        case "worker":
                            kill(workers.pop(0))
                            time.sleep(rng.uniform(0, 2))
                            workers.append(dask(*join))
                            happened["worker killed"] += 1
                        case "client":
                            kill(client)
                            happened["client killed"] += 1
                        case "network":
                            network.cut()
                            happened["network cut"] += 1
            happened[f"client ended with {client.returncode}"] += 1
            if client.returncode == 0:
                return happened
    finally:
        for process in (scheduler, *workers, *([client] if client else [])):
            kill(process)


def main() -> None:
    """Draw the pictures, disturb, and check."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        (folder / "any.toml").write_text(STACK)
        for n in range(count):
            colour = (n % 251, n % 241, n % 239)
            Image.new("RGB", (4, 3), colour).save(folder / "pictures" / f"{n:06}.png")
        started = time.monotonic()
        happened = disturbed(folder, rng, float(sys.argv[3]) if len(sys.argv) > 3 else 10)
        names = [f"pictures/{n:06}.png" for n in range(count)]
        lines = [json.loads(line) for line in (folder / "found.jsonl").read_bytes().splitlines()]
        sound = collections.Counter(line["path"] for line in lines if line["error"] is None)
        failed = sum(line["error"] is not None for line in lines)
        said = [json.loads(line)["path"] for line in (folder / "out").read_bytes().splitlines()]
        told = collections.Counter((folder / "err").read_text().splitlines())
    seconds = time.monotonic() - started
    sys.stdout.write(
        f"{count} pictures in {seconds:.0f} s; {dict(happened)}; {failed} errors kept\n"
    )
    for line, times in told.most_common(20):
        sys.stdout.write(f"{times} x {line}\n")
    if said != names:
        raise SystemExit("the records of the last run are not those of the pictures, in order")
    if sound != dict.fromkeys(names, 1):
        raise SystemExit("a record is lost, or there twice")
    sys.stdout.write("one record each, none lost, none twice\n")


if __name__ == "__main__":
    main()
