"""Learn the parts of a training side by side, in processes of their own.

`learn_beside` is the program's side, `serve` is what runs inside a process. A part leaves its results in
files (`waldo_cli.training.parts`), so a process has nothing to send but lines for the user, and what went
wrong.

This module does not import PyTorch: what a process lacks memory for is told in a line.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from waldo_cli.errors import WaldoError, library_fault
from waldo_cli.files import sweep
from waldo_cli.parallel import thread_count
from waldo_cli.processes import Child, environment, serving

if TYPE_CHECKING:
    from waldo_cli.training.parts import Training
    from waldo_cli.training.progress import Progress


@dataclass(frozen=True)
class _Learned:
    """What a process sends when a part is learned."""


def learn_beside(
    training: Training, pages: str, parts: Sequence[str], jobs: int, progress: Progress
) -> None:
    """Learn parts of a training in up to `jobs` processes, each with its share of the cores.

    `pages` is the fingerprint of all pages: each process reads them, and must find the same ones.

    Raises
    ------
    WaldoError
        What a part raised; or its process has ended. What was learned up to then is kept.
    MemoryError
        A process has not enough memory.
    """
    count = min(jobs, len(parts))
    variables = environment(max(1, thread_count() // count))
    waiting = deque(parts)
    children: list[Child] = []
    busy: dict[Connection, tuple[Child, str]] = {}

    def give(child: Child) -> None:
        """The next part to a process."""
        part = waiting.popleft()
        busy[child.connection] = child, part
        with contextlib.suppress(OSError):  # it has ended: to read from it says so
            child.connection.send(part)

    try:
        for _ in range(count):
            child = Child("waldo_cli.training.beside", "serve", variables)
            children.append(child)
            with contextlib.suppress(OSError):
                child.connection.send((training, pages))
            give(child)
        while busy:
            for connection in wait(list(busy)):
                child, part = busy[connection]  # type: ignore[index]  # only pipes are waited for
                try:
                    message = child.connection.recv()
                except (EOFError, OSError):
                    raise WaldoError(
                        f"the process of {part} {child.end()}; --resume goes on, and a smaller --jobs"
                        " takes less memory"
                    ) from None
                if isinstance(message, BaseException):
                    raise message
                if not isinstance(message, _Learned):
                    progress.lines(part)(message)
                    continue
                progress.end_of_part(part)
                del busy[child.connection]
                if waiting:
                    give(child)
    finally:
        # Two loops, so that all processes end at the same time and not one after the other.
        for child in children:
            child.process.terminate()
        for child in children:
            child.end()
            child.connection.close()
            for part in parts:
                sweep(str(training.out / part), child.process.pid)


def serve(descriptor: int) -> None:
    """Learn one part after the other; `descriptor` is this process's end of the pipe.

    It gets the training with the fingerprint of its pages, then names of parts, and sends lines and steps,
    and `_Learned` or an error at the end of each.
    """
    with serving(descriptor) as connection:
        try:
            training: Training
            training, pages = connection.recv()
            from waldo_cli.batch.finder import fingerprint
            from waldo_cli.training.learn import memory_errors
            from waldo_cli.training.parts import Learner

            # SystemExit unwinds the program, so that half-written files are removed. Install this only now:
            # SystemExit raised during numpy's import would be printed.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            with memory_errors():
                # What is wrong with the pages the main process has told already.
                learner = Learner(training, *training.sources.read(lambda _: None, lambda _: None))
                if fingerprint((*learner.pages, *learner.drawn))[:16] != pages:
                    raise WaldoError(
                        "pages have changed, or cannot be read, since the training began"
                    )
                while True:
                    learner.learn(connection.recv(), connection.send)
                    connection.send(_Learned())
        except (ImportError, SystemError) as e:  # libraries are imported where they are needed
            line = f"a process cannot load a library ({library_fault(e)})"
            connection.send(WaldoError(f"{line}; where memory is short, use a smaller --jobs"))
        except (WaldoError, MemoryError) as e:
            connection.send(e)
