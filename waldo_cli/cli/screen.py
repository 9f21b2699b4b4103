"""What a person sees on standard error while images are looked at."""

from __future__ import annotations

import sys
import time
from typing import Self

from waldo_cli.answers.record import Record
from waldo_cli.cli.blocks import blocks
from waldo_cli.files import show

# Seconds between two states of the progress line, on a terminal and in a log.
ON_TERMINAL, IN_LOG = 0.1, 10.0


class Screen:
    """Errors, summaries and progress.

    Parameters
    ----------
    total
        How many images there will be, where that is known.
    progress
        Whether to tell how far it is.
    verbose
        Whether to tell of every image.
    last_line
        Whether `sum_up` tells how many of what there were.
    """

    def __init__(
        self, total: int | None, *, progress: bool, verbose: bool, last_line: bool
    ) -> None:
        self._total = total
        self._progress = progress
        self._verbose = verbose
        self._last_line = last_line
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shared = self._terminal and sys.stdout.isatty()
        self._drawn = False
        self._started = self._told = time.monotonic()
        self.done = self.found = self.failed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def add(self, record: Record) -> Record:
        """Count a record, and tell of it."""
        self.done += 1
        self.found += record.found
        self.failed += record.error is not None
        if record.error is not None:
            self.say(f"waldo: {show(record.path)}: {record.error}")
        elif self._verbose:
            self.say(_summary(record))
        if record.view is not None:
            self.clear()
            _put(blocks(record.view))
        now = time.monotonic()
        if self._progress and now - self._told >= (ON_TERMINAL if self._terminal else IN_LOG):
            self._told = now
            if self._terminal:
                _put("\r\x1b[K" + self._state())
                self._drawn = True
            else:
                _put(self._state() + "\n")
        return record

    def say(self, line: str) -> None:
        """Write one line."""
        self.clear()
        _put(show(line) + "\n")

    def make_way(self) -> None:
        """Take the progress line away where a record is about to go to the same terminal."""
        if self._shared:
            self.clear()

    def clear(self) -> None:
        """Take the progress line away."""
        if self._drawn:
            _put("\r\x1b[K")
            self._drawn = False

    def sum_up(self) -> None:
        """Write the last line: how many of what, and how fast."""
        if not self._last_line:
            return
        seconds = time.monotonic() - self._started
        nothing = self.done - self.found - self.failed
        self.say(
            f"{self.done} images in {_duration(seconds)}: {self.found} with a find, {nothing} without,"
            f" {self.failed} failed; {self.done / max(seconds, 1e-3):.3g} images/s"
        )

    def _state(self) -> str:
        rate = self.done / max(time.monotonic() - self._started, 1e-3)
        of = "" if self._total is None else f"/{self._total}"
        state = f"{self.done}{of}  found {self.found}  failed {self.failed}  {rate:.3g} images/s"
        if self._total is not None and self.done:
            state += f"  {_duration((self._total - self.done) / rate)} left"
        return state


def _put(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # closed: records matter more
        pass


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return (
        f"{minutes}m {rest:02}s" if minutes else f"{seconds:.1f}s" if seconds < 10 else f"{rest}s"
    )


def _summary(record: Record) -> str:
    path = show(record.path)
    if not record.detections:
        what = f"{path}: nothing found"
    else:
        best = record.detections[0]
        what = f"{path}: {best.label} at {best.x:g}, {best.y:g}, score {best.score:.3g}"
        if len(record.detections) > 1:
            what += f" and {len(record.detections) - 1} more"
    return f"{what}, heatmap {show(record.heatmap)}" if record.heatmap else what
