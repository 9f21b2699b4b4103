"""Draw screenshots of made-up programs with one kind of icon, and say where it is: something to learn from.

    python docs/figures/icons_to_learn.py DIR --pages 60 --seed 0

writes DIR/0.png ... and DIR/truth.csv. Each page shows a gear once or more, among seven other icons, text,
buttons and pictures, in a theme, a layout and a size of its own.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.pictures import Screen

ICON = "gear"
SIZE = (800, 600)
ZOOMS = (1.0, 1.25, 1.5, 2.0)

# Icons come in two sets, and the gear is in the second.
_SIDE = 1


def page(seed: int) -> tuple[Screen, list[tuple[int, int, int, int]]]:
    """The first screenshot from a seed on that shows the icon, and the boxes of it."""
    random = np.random.default_rng(seed)
    while True:
        zoom = float(random.choice(ZOOMS))
        screen = Screen([int(random.integers(2**31))], *SIZE, _SIDE, zoom)
        boxes = []
        for element in screen.elements:
            if element.name == ICON:
                # It has a margin of two pixels, in which the next one may not lie.
                left, top = round((element.left + 2) * zoom), round((element.top + 2) * zoom)
                side = round((element.width - 4) * zoom)
                boxes.append((left, top, left + side, top + side))
        if boxes:
            return screen, boxes


def main() -> None:
    """Draw the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(asked.pages):
        screen, boxes = page(1000 * asked.seed + number)
        name = f"{number}.png"
        screen.image.save(asked.folder / name)
        rows += [(name, *screen.image.size, ICON, *box) for box in boxes]
    with (asked.folder / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
