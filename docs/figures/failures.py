"""Scenes on which the default stack errs, and why, by what `waldo explain` shows of them.

``python docs/failures.py CASE SEED`` draws a scene, explains it at the place that matters, prints what the
explanation says of that place, and writes its pictures to ``docs/pictures/fails-CASE.png``. Without SEED it
tries seeds until the stack errs. Where the stack does not err, it says so and ends with status 1.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from waldo_cli import Result, detect
from waldo_cli.show.explain_page import explain

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sample_images" / "scenes"))

import draw

CASES: dict[str, dict[str, Any]] = {
    "edge": {"size": (700, 500), "head": 26, "waldo_in": "edge"},
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


@dataclass(frozen=True)
class Figure:
    """A picture of an explanation; `centred` where the place asked about is its middle."""

    picture: Image.Image
    caption: str
    centred: bool


class Explanation(HTMLParser):
    """Of a page by `explain`: the answer, and what is said and shown of the place asked about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.shown: list[Figure] = []
        self._section = ""
        self._tag = ""
        self._centred = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._tag = tag
        if tag == "h2":
            self._section = ""
        elif tag == "figure":
            self._centred = "centred" in (values["class"] or "")
        elif tag == "img" and self._here:
            data = base64.b64decode((values["src"] or "").partition(",")[2])
            self._picture = Image.open(io.BytesIO(data))

    def handle_data(self, data: str) -> None:
        if self._tag == "h2":
            self._section += data
        elif self._tag == "p" and (self._here or not self._section):
            self.said += [data.strip()] if data.strip() else []
        elif self._tag == "figcaption" and self._here and data.strip():
            self.shown.append(Figure(self._picture, data, self._centred))

    @property
    def _here(self) -> bool:
        return self._section.startswith("The place you asked about")


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
        page.paste(figure.picture.resize((TILE, TILE), Image.Resampling.NEAREST), (x, y))
        if figure.centred:
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
    for seed in SEEDS if asked.seed is None else (asked.seed,):
        case = scene(asked.case, seed)
        place = case and case.place(detect(case.pixels))
        if case is None or place is None:
            continue
        title = f"{asked.case}: the {case.theme} of seed {seed}"
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            explain(page, case.pixels, title=title, at=place)
            told = Explanation(page.read_text(encoding="utf-8"))
        for line in (title, f"The place: {place[0]:g}, {place[1]:g}.", *told.said):
            sys.stdout.write(textwrap.fill(line, 88, subsequent_indent="    ") + "\n")
        PICTURES.mkdir(parents=True, exist_ok=True)
        sheet(told.shown).quantize(96).save(PICTURES / f"fails-{asked.case}.png", optimize=True)
        return 0
    sys.stdout.write(f"{asked.case}: the stack does not err there\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
