"""What a terminal shows beside the records."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from commandline import LOOK, process
from folders import draw_folder, on_a_terminal, run

from waldo_cli.cli import screen
from waldo_cli.cli.screen import TrainingScreen

COUNT = 6


@pytest.fixture
def place(tmp_path: Path) -> Path:
    draw_folder(tmp_path / "photos", COUNT)
    (tmp_path / "photos" / "<b>bad & 'ugly'.png").write_bytes(b"")
    return tmp_path


def test_a_terminal_gets_the_same_records_as_a_pipe(place: Path) -> None:
    piped = run(place, "photos", "-o", "out")
    status, _, shown = on_a_terminal(
        place, "photos", "-o", "out", "--no-progress", records_too=True
    )
    assert status == piped.returncode == 2
    lines = shown.replace(b"\r\n", b"\n").splitlines()
    assert [line for line in lines if line.count(b"\t") == 8] == piped.stdout.splitlines()


def test_progress_and_the_last_line_go_to_the_terminal_alone(place: Path) -> None:
    piped = run(place, "photos", "-r", "-o", "out", "-j", 1)
    status, out, shown = on_a_terminal(place, "photos", "-r", "-o", "out", "-j", 1)
    assert (status, out) == (2, piped.stdout)
    assert b"\x1b" not in piped.stderr
    assert b"7 images in " in shown
    assert b"4 with a find, 2 without, 1 failed" in shown
    assert b"7 images" not in on_a_terminal(place, "photos", "-r", "-o", "out", "-q")[2]


def test_a_person_at_a_terminal_gets_a_summary_without_control_characters(
    scene: Path, tmp_path: Path
) -> None:
    leading, following = os.openpty()
    os.set_blocking(leading, False)  # silence is a failure, not a wait
    try:
        ended = process(
            scene, "detect", "page.png", *LOOK, "-o", tmp_path, "--no-progress",
            stdout=subprocess.PIPE, stderr=following,
        )  # fmt: skip
        said = os.read(leading, 1 << 16).decode()
    finally:
        os.close(leading)
        os.close(following)
    assert ended.returncode == 0
    assert "page.heatmap.png" in said
    assert "\x1b" not in said


class Training:
    """As much of a training's progress as the screen asks for."""

    where, share, first, judged = "fold1: near \x1b 400 of 3000", 0.25, 11, 12
    seconds_left: float | None = 754.0


def test_a_training_tells_time_left_and_how_often_it_came_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "LOG_INTERVAL", 0.0)
    training = Training()
    with TrainingScreen(progress=True) as shown:
        shown.update(training)  # type: ignore[arg-type]
        training.seconds_left, training.judged = None, 0
        shown.update(training)  # type: ignore[arg-type]
        shown.say("a line")
    assert capsys.readouterr().err.splitlines() == [
        "fold1: near \\x1b 400 of 3000  25%  first on 11 of 12 held-out pages  12m 34s left",
        "fold1: near \\x1b 400 of 3000  25%",
        "a line",
    ]
    assert not TrainingScreen(progress=None).progress, "this is no terminal"
