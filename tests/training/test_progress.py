"""How far a training is: the share that is done, the time that is left, and losses that outlive a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from waldo_cli.training import progress
from waldo_cli.training.progress import Progress, Step


class Clock:
    """A clock that goes on as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress.time, "monotonic", made)
    return made


def test_share_and_time_left_follow_the_steps(tmp_path: Path, clock: Clock) -> None:
    shown: list[tuple[float, float | None]] = []
    training = Progress(tmp_path, 2, 100, print, lambda t: shown.append((t.share, t.seconds_left)))
    tell = training.lines("fold0")
    assert (training.share, training.seconds_left) == (0, None)
    clock.now = 40
    tell(Step("first", 20, 60, 0.5, False))
    clock.now = 80
    tell(Step("first", 40, 60, 0.4, True))
    assert shown == [(0.1, pytest.approx(360)), (0.2, pytest.approx(320))]
    tell(Step("second", 40, 40, 0.4, True))
    training.end_of_part("fold0")
    assert training.share == 0.5
    assert training.where == "fold0: second 40 of 40"
    training.end_of_part("all")  # all of it was learned by an earlier run
    assert (training.share, training.seconds_left) == (1, 0)


def test_held_out_pages_are_counted(tmp_path: Path) -> None:
    training = Progress(tmp_path, 3, 10, print)
    training.add_judged(7, 8)
    training.add_judged(1, 2)
    assert (training.first, training.judged) == (8, 10)


def test_losses_of_an_interrupted_run_are_continued(tmp_path: Path) -> None:
    said: list[str] = []
    tell = Progress(tmp_path, 1, 600, said.append).lines("all")
    tell(Step("first", 200, 600, 0.5, True))
    tell(Step("first", 220, 600, 0.49, False))
    tell(Step("first", 400, 600, 0.4, True))
    assert said == ["all: step 200 of 600, loss 0.5000", "all: step 400 of 600, loss 0.4000"]
    again = Progress(tmp_path, 1, 600, said.append)
    # The last checkpoint was not written: it goes on from the one before.
    again.lines("all")(Step("first", 400, 600, 0.3, True))
    assert again.losses == {"all": {"first": [(200, 0.5), (400, 0.3)]}}
    stored = json.loads((tmp_path / "losses.json").read_text())
    assert stored["made_by"] == "waldo train"
    assert stored["losses"]["all"]["first"] == [[200, 0.5], [400, 0.3]]


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", '{"losses": 1}', '{"losses": {"all": {"near": [1]}}}']
)
def test_losses_that_cannot_be_read_are_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "losses.json").write_text(text)
    assert Progress(tmp_path, 1, 10, print).losses == {}
