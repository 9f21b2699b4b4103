"""Scenes on which the default stack errs, and why, by what `waldo explain` shows of them.

``python docs/figures/failures.py CASE SEED`` draws a scene, explains it at the place that matters, prints
what the explanation says of that place, and writes its pictures to ``docs/pictures/fails-CASE.png``.
Without SEED it tries seeds until the stack errs. Where the stack does not err, it says so and ends with
status 1.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from waldo_cli import Result
from waldo_cli.detector.detect import detect_with
from waldo_cli.detector.explanation import rankings
from waldo_cli.detector.passes import Trace
from waldo_cli.detector.search import Search
from waldo_cli.show.explain_page import answer_lines, place_figures, place_lines
from waldo_cli.show.html import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_images" / "scenes"))

import draw

CASES: dict[str, dict[str, Any]] = {
    "small": {"size": (440, 320), "head": 7},
    "hidden": {"size": (800, 560), "head": 24},
    "double": {"size": (800, 560), "head": 20, "waldo_in": False, "lookalikes": 30},
}
SEEDS = range(1000)  # tried
PICTURES = Path("docs/pictures")
TILE = 150  # pixels
COLUMNS = 6
LINE = 14  # of a caption


@dataclass(frozen=True)
class Case:
    """A scene, and where Waldo's head is in it, if anywhere."""

    picture: Image.Image
    theme: str
    waldo: draw.Box | None

    @property
    def pixels(self) -> np.ndarray:
        """As `load_image` has them."""
        return np.asarray(self.picture, np.float32) / np.float32(255)

    def place(self, result: Result) -> tuple[float, float] | None:
        """Where the stack errs: at Waldo where it does not find him, at what it finds where he is not."""
        finds = [(d.x, d.y) for d in result.detections]
        if self.waldo is None:
            return finds[0] if finds else None
        left, top, right, bottom = self.waldo[1:]
        if any(left <= x <= right and top <= y <= bottom for x, y in finds):
            return None
        return (left + right) / 2, (top + bottom) / 2


def scene(name: str, seed: int) -> Case | None:
    """The scene of a case; None where there is no room for him in it."""
    theme = sorted(draw.THEMES)[seed % len(draw.THEMES)]
    try:
        picture, boxes = draw.draw_scene(seed, theme=theme, **CASES[name])
    except ValueError:
        return None
    waldo = next((box for box in boxes if box.label == "waldo"), None)
    if name == "hidden" and waldo is not None:
        hide(picture, waldo)
    return Case(picture, theme, waldo)


def hide(picture: Image.Image, head: draw.Box) -> None:
    """A yellow balloon before his face and shirt; his hat stays in sight."""
    size = head.ymax - head.ymin
    x, y = (head.xmin + head.xmax) / 2, head.ymin + 0.8 * size
    balloon = (x - 0.45 * size, y - 0.45 * size, x + 0.45 * size, y + 0.6 * size)
    ImageDraw.Draw(picture).ellipse(balloon, fill=(250, 200, 60), outline=(40, 40, 40))


def sheet(shown: list[Figure]) -> Image.Image:
    """The pictures side by side, each above its caption, a ring in the middle of those of the place."""
    font = ImageFont.load_default(LINE - 2)
    captions = [textwrap.wrap(figure.caption, 25) for figure in shown]
    rows = -(-len(shown) // COLUMNS)
    height = TILE + 4 + LINE * max(map(len, captions))
    page = Image.new("RGB", (COLUMNS * (TILE + 6), rows * height), "white")
    pen = ImageDraw.Draw(page)
    for n, (figure, lines) in enumerate(zip(shown, captions, strict=True)):
        x, y = n % COLUMNS * (TILE + 6), n // COLUMNS * height
        picture = Image.fromarray(figure.picture)
        page.paste(picture.resize((TILE, TILE), Image.Resampling.NEAREST), (x, y))
        if "centred" in figure.kind:
            middle, r = TILE / 2, TILE / 10
            ring = (x + middle - r, y + middle - r, x + middle + r, y + middle + r)
            pen.ellipse(ring, outline=(0, 200, 0), width=2)
        for number, line in enumerate(lines):
            pen.text((x, y + TILE + 2 + LINE * number), line, fill="black", font=font)
    return page


def main() -> int:
    """Draw, explain, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("seed", type=int, nargs="?")
    asked = parser.parse_args()
    search = Search.of()
    for seed in SEEDS if asked.seed is None else (asked.seed,):
        case = scene(asked.case, seed)
        if case is None:
            continue
        trace = Trace()
        result = detect_with(case.pixels, search, turn="none", trace=trace)
        at = case.place(result)
        if at is None:
            continue
        ranked = list(rankings(trace))
        (ranking,) = ranked
        place = ranking.place(at)
        title = f"{asked.case}: the {case.theme} of seed {seed}"
        said = (*answer_lines(result, trace), *place_lines(ranking, place, trace))
        for line in (title, f"The place: {at[0]:g}, {at[1]:g}.", *said):
            sys.stdout.write(textwrap.fill(line, 88, subsequent_indent="    ") + "\n")
        shown = list(place_figures(ranking, place, at, case.pixels, case.pixels))
        PICTURES.mkdir(parents=True, exist_ok=True)
        sheet(shown).quantize(96).save(PICTURES / f"fails-{asked.case}.png", optimize=True)
        return 0
    sys.stdout.write(f"{asked.case}: the stack does not err there\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
