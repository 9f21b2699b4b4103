"""Draw a detection in a terminal, two pixels in each character.

A character is about twice as high as wide, so half of it is a square. The character "upper half block" shows
the upper pixel in its foreground colour and the lower pixel in its background colour. Without colours, each
pair of pixels is one character of a scale from dark to bright.
"""

from __future__ import annotations

import os
import sys

from waldo_cli.answers.record import View

# Largest width of a drawing in characters; and the characters for a terminal without colours, dark to bright.
WIDEST, SHADES = 48, " .:-=+*#%@"


def view_columns() -> int:
    """Return the width of a drawing in characters; 0 if standard error is not a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return 0
    try:
        # Some terminals report 0 columns: they do not know their size.
        return min(os.get_terminal_size(sys.stderr.fileno()).columns, WIDEST) or WIDEST
    except OSError:
        return WIDEST


def blocks(view: View) -> str:
    """Return a drawing as lines of text, with the colours that the terminal supports."""
    row = 3 * view.width  # bytes in a row of pixels
    lines = []
    for y in range(0, view.height, 2):
        upper, lower = view.rgb[y * row : (y + 1) * row], view.rgb[(y + 1) * row : (y + 2) * row]
        pairs = [(upper[x : x + 3], lower[x : x + 3]) for x in range(0, row, 3)]
        lines.append(_colourless(pairs) if _no_colour() else _coloured(pairs))
    return "".join(f"{line}\n" for line in lines)


def _coloured(pairs: list[tuple[bytes, bytes]]) -> str:
    """Return one line. ESC[38;... sets the foreground colour, ESC[48;... the background; ESC[0m ends both."""
    true_colour = os.environ.get("COLORTERM") in ("truecolor", "24bit")
    code = _code_24_bit if true_colour else _code_256
    return "".join(f"\x1b[38;{code(a)};48;{code(b)}m\u2580" for a, b in pairs) + "\x1b[0m"


def _code_24_bit(rgb: bytes) -> str:
    return "2;{};{};{}".format(*rgb)


def _code_256(rgb: bytes) -> str:
    # Colours 16 to 231 of the 256 are a cube with six steps of red, green and blue; 51 = 255 / 5.
    red, green, blue = (round(v / 51) for v in rgb)
    return f"5;{16 + 36 * red + 6 * green + blue}"


def _colourless(pairs: list[tuple[bytes, bytes]]) -> str:
    # The sum of the six bytes of a pair, 0 to 6 * 255, scaled to an index into SHADES.
    return "".join(SHADES[(sum(a) + sum(b)) * len(SHADES) // (6 * 255 + 1)] for a, b in pairs)


def _no_colour() -> bool:
    """Return whether to draw without colours: NO_COLOR is set, or the terminal lacks colours or Unicode."""
    dumb = os.environ.get("TERM") == "dumb"
    return bool(os.environ.get("NO_COLOR")) or dumb or "utf" not in sys.stderr.encoding.lower()
