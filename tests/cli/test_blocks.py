"""A find drawn in a terminal, in the colours there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import on_a_terminal, run


@pytest.mark.parametrize(
    ("env", "mark"),
    [({}, b"\x1b[38;5;"), ({"COLORTERM": "truecolor"}, b"\x1b[38;2;"), ({"NO_COLOR": "1"}, None)],
)  # fmt: skip
def test_a_find_is_drawn_in_the_colours_there_are(
    place: Path, env: dict[str, str], mark: bytes | None
) -> None:
    status, out, shown = on_a_terminal(place, "photos/page001.png", "-o", "out", "--show", **env)
    assert (status, out.count(b"\n")) == (0, 1)
    drawn = shown.replace(b"\r\n", b"\n").splitlines()[1:]
    if mark is None:
        assert b"\x1b" not in shown
        assert len({len(line) for line in drawn}) == 1
    else:
        assert drawn
        assert all(line.count("\u2580".encode()) == 48 for line in drawn)
        assert all(line.count(mark) == 48 and line.endswith(b"\x1b[0m") for line in drawn)


def test_nothing_is_drawn_into_a_pipe(place: Path) -> None:
    plain = run(place, "photos/page001.png", "-o", "out")
    drawn = run(place, "photos/page001.png", "-o", "out", "--show")
    assert (drawn.stdout, drawn.stderr) == (plain.stdout, plain.stderr) == (plain.stdout, b"")
