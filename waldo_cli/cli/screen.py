"""What a person sees on standard error while images are examined: errors, summaries, progress, drawings.

On a terminal the progress is one line that is drawn again and again. It must be cleared before any other line
is written, also before a record if standard output is the same terminal.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from waldo_cli.answers.record import Record
from waldo_cli.cli.blocks import blocks
from waldo_cli.cli.faults import tell
from waldo_cli.files import show

if TYPE_CHECKING:
    from waldo_cli.training.progress import Progress

# Seconds between two updates of the progress: on a terminal, and in a log file, where each is a new line.
TERMINAL_INTERVAL, LOG_INTERVAL = 0.1, 10.0


class ProgressLine:
    """One line of progress on standard error, and lines that are written above it."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._drawn = False  # whether the progress line is on the terminal now
        self._started = self._updated = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def say(self, line: str) -> None:
        """Write one line, with control characters escaped."""
        self.clear()
        tell(show(line))

    def clear(self) -> None:
        """Clear the progress line."""
        if self._drawn:
            tell("\r\x1b[K", end="")
            self._drawn = False

    def draw(self, state: Callable[[], str]) -> None:
        """Show the progress, if it is time for it."""
        now = time.monotonic()
        if now - self._updated < (TERMINAL_INTERVAL if self._terminal else LOG_INTERVAL):
            return
        self._updated = now
        if self._terminal:
            # Carriage return and "erase to the end of the line": draw over the old progress line.
            # A line that the terminal breaks could not be erased.
            tell("\r\x1b[K" + state()[: shutil.get_terminal_size().columns - 1], end="")
            self._drawn = True
        else:
            tell(state())


class TrainingScreen(ProgressLine):
    """What a person sees of a training.

    Parameters
    ----------
    progress
        Whether the progress is shown; None: on a terminal.
    """

    def __init__(self, *, progress: bool | None) -> None:
        super().__init__()
        self.progress = self._terminal if progress is None else progress

    def update(self, training: Progress) -> None:
        """Show how far a training is, how long the rest takes, and how often it came first so far."""
        self.draw(lambda: _training(training))


class Screen(ProgressLine):
    """Writes errors, summaries and progress to standard error, and counts the records.

    Parameters
    ----------
    total
        Returns the number of images as far as it is known now; None if it is not known yet.
    progress
        Show the progress.
    verbose
        Write a summary of every image.
    last_line
        Let `sum_up` write a line with the counts.

    Attributes
    ----------
    done, found, failed, unanswered
        Number of records, of those with a detection, of those with an error, and of those without an answer.
    """

    def __init__(
        self, total: Callable[[], int | None], *, progress: bool, verbose: bool, last_line: bool
    ) -> None:
        super().__init__()
        self._total = total
        self._progress = progress
        self._verbose = verbose
        self._last_line = last_line
        self._shared = self._terminal and sys.stdout.isatty()  # records go to the same terminal
        self.done = self.found = self.failed = self.unanswered = 0

    def add(self, record: Record) -> Record:
        """Count a record; show its error, summary and drawing, and the progress if it is time for it."""
        self.done += 1
        self.found += record.found
        self.failed += record.error is not None
        self.unanswered += record.detections is None
        if record.error is not None:
            page = "" if record.page is None else f"page {record.page}: "
            self.say(f"waldo: {show(record.path)}: {page}{record.error}")
        if self._verbose and record.detections is not None:
            self.say(_summary(record))
        if record.view is not None:
            self.clear()
            tell(blocks(record.view), end="")
        if self._progress:
            self.draw(self._state)
        return record

    def clear_if_shared(self) -> None:
        """Clear the progress line if records go to the same terminal; called before each record."""
        if self._shared:
            self.clear()

    def sum_up(self) -> None:
        """Write the last line: the counts and the speed."""
        if not self._last_line:
            return
        seconds = time.monotonic() - self._started
        nothing = self.done - self.found - self.unanswered
        self.say(
            f"{self.done} images in {_duration(seconds)}: {self.found} with a find, {nothing} without,"
            f" {self.unanswered} failed; {self.done / max(seconds, 1e-3):.3g} images/s"
        )

    def how_far(self) -> str:
        """Return how far a run that was interrupted has come."""
        total = self._total()
        of = "" if total is None else f" of {total}"
        return f"interrupted after {self.done}{of} images"

    def _state(self) -> str:
        """Return the progress as text, with the time left if the total is known."""
        rate = self.done / max(time.monotonic() - self._started, 1e-3)
        total = self._total()
        of = "" if total is None else f"/{total}"
        state = f"{self.done}{of}  found {self.found}  failed {self.failed}  {rate:.3g} images/s"
        if total is not None and self.done:
            state += f"  {_duration((total - self.done) / rate)} left"
        return state


def _training(training: Progress) -> str:
    """Return how far a training is as text."""
    state = f"{training.share:.0%}"
    if training.seconds_left is not None:
        state += f"  {_duration(training.seconds_left)} left"
    if training.judged:
        state += f"  first on {training.first} of {training.judged} held-out pages"
    state += f"  {show(training.where)}"
    return state


def _duration(seconds: float) -> str:
    minutes, remainder = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return (
        f"{minutes}m {remainder:02}s"
        if minutes
        else f"{seconds:.1f}s"
        if seconds < 10
        else f"{remainder}s"
    )


def _summary(record: Record) -> str:
    """Return the answer for one image as one line."""
    path = show(record.path) + ("" if record.page is None else f", page {record.page}")
    if not record.detections:
        summary = f"{path}: nothing found"
        if record.best is not None:
            best = record.best
            summary += f"; best is {best.label} at {best.x:g}, {best.y:g}, score {best.score:.3g}"
            if record.threshold is not None:
                summary += f", below the threshold {record.threshold:g}"
            elif best.chance is not None:
                from waldo_cli.detector.verdict import MOST_CHANCE  # loads numpy

                summary += f", as good by chance on {best.chance:.0%} of pictures"
                summary += f" (a find: on {MOST_CHANCE:.0%} at most)"
    else:
        best = record.detections[0]
        summary = f"{path}: {best.label} at {best.x:g}, {best.y:g}, score {best.score:.3g}"
        if len(record.detections) > 1:
            summary += f" and {len(record.detections) - 1} more"
        if record.turned:
            summary += f", in the image turned by {record.turned} degrees"
    if record.levels:
        summary += f"; {_sizes(record)}"
    if record.heatmap:
        summary += f", heatmap {show(record.heatmap)}"
    return f"{summary}, annotated {show(record.annotated)}" if record.annotated else summary


def _sizes(record: Record) -> str:
    """Return how large things were sought: scales beside a mask, or sizes of the image."""
    (width, height), (last_width, last_height) = record.levels[0], record.levels[-1]
    several = len(record.levels) > 1
    best = record.detections[0] if record.detections else record.best
    # Only finds of masks have a chance.
    if record.width and best is not None and best.chance is not None:
        smallest, largest = (f"{record.width / each:.2g}" for each in (width, last_width))
        return (
            f"sought at scales {smallest} to {largest}"
            if several
            else f"sought at scale {smallest}"
        )
    sizes = f"{len(record.levels)} sizes, " if several else ""
    to = f" to {last_width}x{last_height}" if several else ""
    return f"looked at in {sizes}{width}x{height}{to} px"
