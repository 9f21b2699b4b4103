"""The heads of everybody but Waldo on the pages of the books: what the shipped stack is trained with.

``python docs/figures/others.py PAGES boxes.csv > others.csv`` writes a truth for ``waldo train --others``.
For pages in ``characters.csv`` beside this script it has the boxes drawn by hand there. On the other pages
the truth has whole figures of Wenda, Odlaw and Wizard Whitebeard, and their heads are taken from the top.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.evaluation.truth import read_truth

BY_HAND = Path(__file__).with_name("characters.csv")
COLUMNS = ("filename", "class", "xmin", "ymin", "xmax", "ymax")
FIGURES = ("wenda", "odlaw", "wizard")


def rows(pages: str, truth: str) -> Iterator[tuple[str | float, ...]]:
    """The rows of the new truth."""
    with BY_HAND.open(newline="", encoding="utf-8") as file:
        by_hand = list(csv.DictReader(file))
    yield from (tuple(row[column] for column in COLUMNS) for row in by_hand)
    done = {row["filename"] for row in by_hand}
    for page in read_truth(truth, pages):
        if page.name in done:
            continue
        heights = [(b.area / 0.8) ** 0.5 for b in page.boxes if b.label == "waldo"]
        usual = median(heights) if heights else 30.0
        for figure in page.boxes:
            if figure.label in FIGURES:
                yield page.name, figure.label, *head_of(figure, usual)


def head_of(figure: TrueBox, usual: float) -> tuple[float, float, float, float]:
    """The head at the top of a whole figure: left, top, right, bottom.

    Its height is `usual`, the height of Waldo's head on the page, if that is 20 to 55 % of the figure, else
    the nearest of these limits. The lower part of a figure may be hidden.
    """
    height = min(max(usual, 0.2 * figure.height), 0.55 * figure.height)
    half = min(figure.right - figure.left, 0.9 * height) / 2
    middle = (figure.left + figure.right) / 2
    return middle - half, figure.top, middle + half, figure.top + height


if __name__ == "__main__":
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows(rows(*sys.argv[1:3]))
