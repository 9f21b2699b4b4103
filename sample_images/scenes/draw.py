"""Draw the sample pictures: crowds as in a picture book, with one Waldo to find.

``python sample_images/scenes/draw.py`` writes the pictures, ``truth.csv`` and the mask
``waldo.png`` into the folder above this one. Other programs import `draw_scene`, which draws as many
other scenes as there are seeds.

All of it is drawn by this code; no picture is read. A scene is a list of things, and each thing
stands at a height y on the page. They are painted from the back to the front, in the order of y, on
a canvas three times as large as the page, which is then reduced: that smooths the edges. Lengths
are in units, as in `people`, except where they are said to be in pixels of the page.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

import colours
from beach import build_beach
from castle import build_castle
from crowd import fill_crowd, stand_cast, stand_company
from fair import build_fair
from figure import draw_person
from harbour import build_harbour
from pen import Pen, Point
from people import HEAD, lookalike, odlaw, waldo, wenda, wizard
from scene import Scene
from snow import build_snow
from town import build_town

SUPERSAMPLING = 3  # how many times as large as the page the canvas is

BUILD: dict[str, Callable[[Scene], None]] = {
    "beach": build_beach,
    "town": build_town,
    "snow": build_snow,
    "fair": build_fair,
    "castle": build_castle,
    "harbour": build_harbour,
}
THEMES = tuple(BUILD)


class Box(NamedTuple):
    """A head with its label: pixels of the page; `xmax` and `ymax` are just outside."""

    label: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


def draw_scene(
    seed: int,
    size: tuple[int, int] = (1000, 700),
    theme: str = "town",
    waldo_in: bool | str = True,
    *,
    head: float = 20.0,
    crowd: float = 1.0,
    lookalikes: int = 4,
    ease: float = 0.25,
) -> tuple[Image.Image, list[Box]]:
    """Draw a crowd; return the picture and the boxes of the heads of its cast.

    Parameters
    ----------
    seed : int
        The same arguments give the same picture.
    size : (int, int)
        Width and height of the page in pixels.
    theme : str
        One of `THEMES`.
    waldo_in : bool or "edge"
        Whether Waldo is there; with ``"edge"`` half of him is outside the page.
    head : float
        Height of Waldo's head, from hat to chin, in pixels. It sets the scale of the whole page.
    crowd : float
        How close together people stand: 1 fills the ground, less leaves gaps.
    lookalikes : int
        How many people share exactly two of Waldo's three marks (stripes, bobble hat, glasses).
    ease : float
        How freely Waldo moves: with 0 he stands as stiff as in ``waldo.png``.

    Returns
    -------
    image : PIL.Image.Image
        RGB.
    boxes : list of Box
        Heads, from hat to chin, clipped to the page: ``waldo`` first, then, of those called
        ``wenda``, ``odlaw``, ``wizard`` and ``lookalike``, each that is visible to more than 60 %.
    """
    if theme not in THEMES:
        raise ValueError(f"theme is {theme!r}; it must be one of {', '.join(THEMES)}")
    rng = random.Random(f"{theme} {seed}")
    width, height = size
    s, unit = SUPERSAMPLING, head / HEAD
    canvas = Image.new("RGB", (width * s, height * s), colours.CREAM)
    weight = max(2, round(0.062 * unit * s))
    pen = Pen(ImageDraw.Draw(canvas), weight, (s, 0, 0, s, 0, 0))
    scene = Scene(rng, theme, width, height, unit, pen)
    BUILD[theme](scene)

    if waldo_in:
        hero = stand_cast(scene, waldo(rng, ease), at_edge=waldo_in == "edge")
        if hero is None:
            raise ValueError(
                f"no room for Waldo on {width}x{height} at head {head}: enlarge the page"
            )
        if waldo_in != "edge":
            stand_company(scene, hero)
    for who in (wenda(rng), odlaw(rng), wizard(rng)):
        stand_cast(scene, who)
    for _ in range(lookalikes):
        stand_cast(scene, lookalike(rng, theme))
    fill_crowd(scene, crowd)

    # Each head is kept as it was painted; where the finished page differs, something covers it.
    heads: list[tuple[str, list[Point], tuple[int, int, int, int], np.ndarray]] = []
    for thing in sorted(scene.things, key=lambda t: t.y):
        at = pen.at(thing.x, thing.y, unit)
        if thing.shadow:
            at.oval(0.15, 0.0, thing.shadow + 0.1, min(0.3, thing.shadow * 0.3), scene.shade, None)
        corners = thing.paint(at, random.Random(thing.seed))
        if thing.person and isinstance(corners, list):
            xs, ys = zip(*corners, strict=True)
            crop = (max(0, int(min(xs))), max(0, int(min(ys))),
                    min(width * s, int(max(xs))), min(height * s, int(max(ys))))  # fmt: skip
            heads.append((thing.person.label, corners, crop, np.array(canvas.crop(crop))))

    boxes = []
    for label, corners, crop, painted in heads:
        if painted.size == 0:
            continue
        seen = float((np.array(canvas.crop(crop)) == painted).all(axis=2).mean())
        if seen > 0.6 or label == "waldo":
            xs, ys = zip(*corners, strict=True)
            box = Box(label, max(0, round(min(xs) / s)), max(0, round(min(ys) / s)),
                      min(width, round(max(xs) / s)), min(height, round(max(ys) / s)))  # fmt: skip
            if box.xmax > box.xmin and box.ymax > box.ymin:
                boxes.append(box)
    order = ("waldo", "wenda", "odlaw", "wizard", "lookalike")
    boxes.sort(key=lambda b: (order.index(b.label), b.ymin, b.xmin))
    return canvas.reduce(s), boxes


def draw_mask(head: float = 26.0) -> Image.Image:
    """Draw Waldo's head and chest with alpha: the mask to search with.

    He is drawn on black and on white; he is where the two pictures agree, and that gives alpha. It
    falls to 0 towards his arms and his belt, which other people may cover.
    """
    s, u = SUPERSAMPLING, head / HEAD
    width, height = round(1.5 * u), round(2.5 * u)
    faces = []
    for ground in ((0, 0, 0), (255, 255, 255)):
        page = Image.new("RGB", (width * s, height * s), ground)
        pen = Pen(ImageDraw.Draw(page), max(2, round(0.062 * u * s)), (s, 0, 0, s, 0, 0))
        draw_person(pen.at(width / 2, 4.78 * u, u), waldo(random.Random(0), ease=0.0))
        faces.append(np.asarray(page.reduce(s), dtype=np.float64))
    alpha = 1 - (faces[1] - faces[0]).mean(axis=2) / 255
    colour = np.where(alpha[..., None] > 0.05, faces[0] / np.maximum(alpha[..., None], 0.05), 255)
    y, x = np.mgrid[0:height, 0:width]
    fade = np.clip((height - 0.5 - y) / (0.6 * u), 0, 1) * np.clip(
        (0.54 * u - abs(x + 0.5 - width / 2)) / (0.25 * u), 0, 1
    )
    rgba = np.dstack([np.clip(colour, 0, 255), 255 * alpha * fade])
    return Image.fromarray(np.rint(rgba).astype(np.uint8), "RGBA")


class Sample(NamedTuple):
    """One picture of the folder `sample_images`."""

    filename: str
    theme: str
    seed: int
    size: tuple[int, int]
    head: float
    waldo_in: bool | str = True
    lookalikes: int = 4
    crowd: float = 1.0

    def draw(self) -> tuple[Image.Image, list[Box]]:
        return draw_scene(
            self.seed, self.size, self.theme, self.waldo_in,
            head=self.head, lookalikes=self.lookalikes, crowd=self.crowd,
        )  # fmt: skip


SAMPLES = (
    Sample("beach.png", "beach", 1, (1120, 780), 22),
    Sample("town.png", "town", 1, (2000, 1500), 26, lookalikes=9),
    Sample("snow.png", "snow", 1, (960, 680), 43),
    Sample("fair.png", "fair", 1, (1000, 720), 15.5, lookalikes=6),
    Sample("castle.png", "castle", 1, (1400, 960), 31),
    Sample("harbour.png", "harbour", 1, (1200, 840), 18.4, lookalikes=6),
    Sample("edge.png", "town", 2, (900, 640), 26, waldo_in="edge"),
    Sample("nobody.png", "fair", 2, (1000, 700), 22, waldo_in=False, lookalikes=16),
)


def main() -> None:
    """Write the pictures, the boxes and the mask into the folder above this one."""
    folder = Path(__file__).resolve().parents[1]
    draw_mask().save(folder / "waldo.png", optimize=True)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"))
        for sample in SAMPLES:
            page, boxes = sample.draw()
            few = page.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            few.save(folder / sample.filename, optimize=True)
            table.writerows((sample.filename, *sample.size, *box) for box in boxes)
            print(f"{sample.filename}: {len(boxes)} boxes")


if __name__ == "__main__":
    main()
