"""How far a training is, and how its losses fell.

The loop of learning tells a `Step` now and then. `Progress` counts the steps of all networks, knows how long
the rest will take, and keeps the losses in a file, so that a training that is continued has them all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from waldo_cli.files import read_bytes, write_atomically
from waldo_cli.training.claim import LOSSES, MADE_BY

_MAX_LOSSES_BYTES = 1 << 24


@dataclass(frozen=True)
class Step:
    """Where the training of one network is.

    Attributes
    ----------
    network
        Its name.
    step, steps
        How many steps are done, and how many there are.
    loss
        The mean loss of the last steps.
    saved
        Whether the training can be continued from here.
    """

    network: str
    step: int
    steps: int
    loss: float
    saved: bool

    def __str__(self) -> str:
        return f"step {self.step} of {self.steps}, loss {self.loss:.4f}"


#: By the name of a fold and of a network: steps, and the mean loss up to there.
Losses = dict[str, dict[str, list[tuple[int, float]]]]


class Progress:
    """What a training has done so far.

    Parameters
    ----------
    out
        The folder of the training.
    parts
        How many times all networks are learned: for each fold, and for the release.
    steps
        Steps of all networks of one part.
    say
        Gets each line of text.
    show
        Gets this object after every `Step` and every fold. None: steps are lines of text, too.

    Attributes
    ----------
    where
        What is being learned.
    first, judged
        Of how many held-out pages what is sought came first, and how many were judged.
    losses
        See `Losses`.
    """

    def __init__(
        self,
        out: Path,
        parts: int,
        steps: int,
        say: Callable[[str], None],
        show: Callable[[Progress], None] | None = None,
    ) -> None:
        self._file = out / LOSSES
        self._parts, self._steps, self._say, self._show = parts, steps, say, show
        self._started = time.monotonic()
        self._finished: set[str] = set()  # parts
        self._ran = 0  # steps in this run
        self._networks: dict[str, dict[str, int]] = {}  # by part and network: steps up to here
        self.where = ""
        self.first = self.judged = 0
        self.losses = _stored(self._file)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        begun = sum(
            sum(networks.values())
            for part, networks in self._networks.items()
            if part not in self._finished
        )
        return min(1.0, (len(self._finished) + begun / self._steps) / self._parts)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None as long as nothing tells it."""
        if not self._ran:
            return None
        each = (time.monotonic() - self._started) / self._ran
        return each * self._steps * self._parts * (1 - self.share)

    def lines(self, name: str) -> Callable[[str | Step], None]:
        """What the lines and steps of a part are to be told to."""

        def told(message: str | Step) -> None:
            if isinstance(message, Step):
                self._step(name, message)
            else:
                self._say(f"{name}: {message}")

        return told

    def end_of_part(self, name: str) -> None:
        """A part is learned, or was learned by an earlier run. It may be told twice."""
        self._finished.add(name)
        self._tell()

    def add_judged(self, first: int, pages: int) -> None:
        """So many held-out pages were judged; on the `first` of them it came first."""
        self.first += first
        self.judged += pages
        self._tell()

    def _step(self, part: str, step: Step) -> None:
        networks = self._networks.setdefault(part, {})
        before = networks.get(step.network)
        if before is None:
            rows = self.losses.setdefault(part, {}).setdefault(step.network, [])
            rows[:] = [row for row in rows if row[0] < step.step]
            before = rows[-1][0] if rows else 0
        self._ran += max(0, step.step - before)
        networks[step.network] = step.step
        self.where = f"{part}: {step.network} {step.step} of {step.steps}"
        if step.saved:
            self.losses[part][step.network].append((step.step, round(step.loss, 5)))
            with write_atomically(self._file) as file:
                file.write((json.dumps(MADE_BY | {"losses": self.losses}) + "\n").encode())
            if self._show is None:
                self._say(f"{part}: {step}")
        self._tell()

    def _tell(self) -> None:
        if self._show is not None:
            self._show(self)


def _stored(path: Path) -> Losses:
    """The losses that an earlier run has written; none where they cannot be read."""
    try:
        stored = json.loads(read_bytes(path, _MAX_LOSSES_BYTES))["losses"]
        return {
            part: {name: [(int(n), float(loss)) for n, loss in rows] for name, rows in of.items()}
            for part, of in stored.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
