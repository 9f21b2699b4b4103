"""Pages whose boxes are known: as objects, as pictures, as the file that says them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from waldo_cli.evaluation.judge import PageScore, judge
from waldo_cli.evaluation.pages import Page, TrueBox
from waldo_cli.geometry import Box, Detection

HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax"
WALDO = TrueBox("waldo", 100, 200, 120, 230)
ICON = TrueBox("waldo_icon", 300, 300, 340, 340)


def find(x: float, y: float, score: float, box: Box | None = None) -> Detection:
    return Detection("waldo", x, y, score, box or Box(int(x) - 10, int(y) - 15, 20, 30), 1.0)


def score_of(
    *finds: tuple[float, float, float], boxes: tuple[TrueBox, ...] = (WALDO, ICON)
) -> PageScore:
    found = [find(*values) for values in finds]
    return judge(Page("a.png", Path("a.png"), boxes), "waldo", found)


def white_pages(folder: Path) -> Path:
    """Draw a.png, b.png and c.png, 40x30, into the folder."""
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (40, 30), "white").save(folder / name)
    return folder


def truth(folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "boxes.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path
