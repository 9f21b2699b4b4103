"""A find drawn in a terminal, two pixels a character."""

from __future__ import annotations

import os
import sys

from waldo_cli.answers.record import View

# Characters across that a find is drawn at most, and what draws it where there are no colours.
WIDEST, SHADES = 48, " .:-=+*#%@"


def view_columns() -> int:
    """How wide a find may be drawn; 0 where standard error is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return 0
    try:
        return min(os.get_terminal_size(sys.stderr.fileno()).columns, WIDEST) or WIDEST
    except OSError:
        return WIDEST


def blocks(view: View) -> str:
    """Two pixels a character, one above the other, in the colours that the terminal has."""
    row = 3 * view.width
    lines = []
    for y in range(0, view.height, 2):
        upper, lower = view.rgb[y * row : (y + 1) * row], view.rgb[(y + 1) * row : (y + 2) * row]
        pairs = [(upper[x : x + 3], lower[x : x + 3]) for x in range(0, row, 3)]
        lines.append(_colourless(pairs) if _no_colour() else _coloured(pairs))
    return "".join(f"{line}\n" for line in lines)


def _coloured(pairs: list[tuple[bytes, bytes]]) -> str:
    many = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    paint = _of_16_million if many else _of_256
    return "".join(f"\x1b[38;{paint(a)};48;{paint(b)}m\u2580" for a, b in pairs) + "\x1b[0m"


def _of_16_million(rgb: bytes) -> str:
    return "2;{};{};{}".format(*rgb)


def _of_256(rgb: bytes) -> str:
    red, green, blue = (round(v / 51) for v in rgb)  # a cube of six steps each way
    return f"5;{16 + 36 * red + 6 * green + blue}"


def _colourless(pairs: list[tuple[bytes, bytes]]) -> str:
    return "".join(SHADES[(sum(a) + sum(b)) * len(SHADES) // (6 * 255 + 1)] for a, b in pairs)


def _no_colour() -> bool:
    dumb = os.environ.get("TERM") == "dumb"
    return bool(os.environ.get("NO_COLOR")) or dumb or "utf" not in sys.stderr.encoding.lower()
