"""Draw the screenshots of the documentation, what to look for in them, and where it is.

    python sample_images/screens/screenshots.py

A made-up program for a kitchen in a light and a dark theme, once more with 1.5 times as many dots, and a
tray of parts. Masks are icons of one colour with the shape in alpha, coloured icons with alpha, a button cut
out of `light.png`, and a part with alpha.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

import icons

FOLDER = Path(__file__).resolve().parent
SIZE = (800, 500)  # of a screen at zoom 1
HIDPI = 1.5
SUPERSAMPLING = 4
BUTTON = (96, 30)

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
BLUE: Colour = (37, 99, 235)

# Coloured icons: the ground and the shape on it.
BADGES: dict[str, tuple[Colour, str]] = {
    "mail": ((37, 99, 235), "mail"),
    "folder": ((217, 119, 6), "folder"),
    "chart": ((5, 150, 105), "chart"),
    "lock": ((190, 24, 93), "lock"),
}
GLYPHS = ("trash", "pencil", "star", "gear")
GLYPH, BADGE = 20, 32  # their sides at zoom 1
DISHES = ("Onion soup", "Apple cake", "Green curry", "Rye bread", "Plum jam", "Lentil salad")
NOTES = ("40 minutes", "serves eight", "hot", "two days", "keeps a year", "cold")


class Theme(NamedTuple):
    """The colours of a screen."""

    ground: Colour
    raised: Colour
    line: Colour
    ink: Colour
    faint: Colour
    pale: tuple[Colour, Colour]  # a button that cannot be pressed, and its word


LIGHT = Theme(
    (255, 255, 255), (241, 243, 246), (208, 213, 221), (31, 41, 55), (120, 128, 140),
    ((190, 205, 240), (235, 240, 250)),
)  # fmt: skip
DARK = Theme(
    (24, 26, 31), (36, 39, 46), (64, 68, 78), (229, 231, 235), (140, 146, 158),
    ((45, 58, 92), (95, 106, 135)),
)  # fmt: skip


class Box(NamedTuple):
    """A thing in a picture, in whole pixels: columns xmin .. xmax - 1, rows ymin .. ymax - 1."""

    label: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


class Window:
    """Draws the program's window; `boxes` has what one may look for."""

    def __init__(self, theme: Theme, zoom: float = 1) -> None:
        self.theme, self.zoom = theme, zoom
        self.image = Image.new("RGB", (round(SIZE[0] * zoom), round(SIZE[1] * zoom)), theme.ground)
        self.pen = ImageDraw.Draw(self.image)
        self.boxes: list[Box] = []

    def _on_screen(self, *numbers: float) -> list[int]:
        return [round(n * self.zoom) for n in numbers]

    def _box(self, left: float, top: float, width: float, height: float, fill: Colour,
             line: Colour | None = None, radius: float = 0) -> None:  # fmt: skip
        x0, y0, x1, y1 = self._on_screen(left, top, left + width, top + height)
        self.pen.rounded_rectangle(
            (x0, y0, x1 - 1, y1 - 1), radius * self.zoom, fill, line, max(1, round(self.zoom))
        )

    def _write(self, x: float, y: float, text: str, colour: Colour | None = None, size: int = 14,
               anchor: str = "lm") -> None:  # fmt: skip
        font = ImageFont.load_default(size * self.zoom)
        place: Any = tuple(self._on_screen(x, y))
        self.pen.text(place, text, colour or self.theme.ink, font, anchor=anchor)

    def _mark(self, label: str, left: float, top: float, width: float, height: float) -> None:
        self.boxes.append(
            Box(label, *self._on_screen(left, top), *self._on_screen(left + width, top + height))
        )

    def _glyph(self, name: str, x: float, y: float, colour: Colour | None = None) -> None:
        shape = icons.shape(name, round(GLYPH * self.zoom))
        place: Any = tuple(self._on_screen(x, y))
        self.image.paste(colour or self.theme.ink, place, shape)
        self._mark(name, x, y, GLYPH, GLYPH)

    def _badge(self, name: str, x: float, y: float) -> None:
        picture = badge(name, round(BADGE * self.zoom))
        place: Any = tuple(self._on_screen(x, y))
        self.image.paste(picture, place, picture)
        self._mark(name, x, y, BADGE, BADGE)

    def _button(self, label: str, word: str, x: float, y: float, fill: Colour, ink: Colour) -> None:
        width, height = BUTTON
        self._box(x, y, width, height, fill, self.theme.line, 6)
        self._write(x + width / 2, y + height / 2, word, ink, anchor="mm")
        self._mark(label, x, y, width, height)

    def draw(self) -> None:
        """The bar, the side, the table and the two questions."""
        theme, (W, H) = self.theme, SIZE
        self._box(0, 0, W, 44, theme.raised)
        self._write(16, 22, "Kitchen", size=18)
        for k, name in enumerate(("home", "search", "star", "bell", "gear")):
            self._glyph(name, W - 210 + 40 * k, 12)
        self._box(0, 44, W, 1, theme.line)
        self._box(0, 45, 170, H, theme.raised)
        for k, (name, word) in enumerate(
            (("mail", "Letters"), ("folder", "Recipes"), ("chart", "Cost"), ("lock", "Secrets"))
        ):
            self._badge(name, 16, 62 + 48 * k)
            self._write(60, 78 + 48 * k, word)
        for k, (dish, note) in enumerate(zip(DISHES, NOTES, strict=True)):
            y = 58 + 40 * k
            if k == 2:
                self._box(182, y, W - 194, 38, theme.raised, radius=6)  # the row under the pointer
            self._write(196, y + 19, dish)
            self._write(380, y + 19, note, theme.faint)
            self._glyph("pencil", W - 90, y + 9)
            self._glyph("trash", W - 50, y + 9)
            self._box(182, y + 39, W - 194, 1, theme.line)
        self._question(190, "Save the recipe?", "save", BLUE, WHITE)
        self._question(490, "Nothing has changed", "save-disabled", *theme.pale)

    def _question(self, x: float, text: str, label: str, fill: Colour, ink: Colour) -> None:
        self._box(x, 350, 280, 110, self.theme.raised, self.theme.line, 8)
        self._write(x + 18, 378, text, size=15)
        self._button(label, "Save", x + 18, 412, fill, ink)
        self._button("cancel", "Cancel", x + 130, 412, self.theme.ground, self.theme.ink)


def badge(name: str, size: int) -> Image.Image:
    """A coloured icon: a shape in white on a ground with round corners, ``RGBA``."""
    ground, shape = BADGES[name]
    corners = Image.new("L", (size * SUPERSAMPLING,) * 2, 0)
    side = size * SUPERSAMPLING - 1
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, side, side), 0.22 * side, 255)
    picture = Image.new("RGBA", (size, size), (*ground, 255))
    small = round(0.66 * size)
    place = (size - small) // 2
    picture.paste(WHITE, (place, place), icons.shape(shape, small))
    picture.putalpha(corners.reduce(SUPERSAMPLING))
    return picture


# The tray of parts.

TRAY = (640, 420)
KEY = (96, 44)  # the picture of a key: width, height
# Where keys lie: x, y of the centre, counter-clockwise degrees, and whether it lies on its other side.
KEYS = (
    (130.0, 110.0, 25.0, False),
    (330.5, 90.5, -70.0, False),
    (520.0, 160.0, 160.0, False),
    (220.0, 300.0, 95.0, False),
    (430.0, 310.0, -20.0, True),
)
NUTS = (
    (225, 190),
    (330, 215),
    (95, 235),
    (560, 300),
    (430, 205),
    (110, 360),
    (330, 370),
    (590, 60),
)
BRASS: Colour = (196, 150, 62)
STEEL: Colour = (142, 150, 160)


def key(width: int = KEY[0]) -> Image.Image:
    """A key, its bow to the left: ``RGBA``."""
    u = width * SUPERSAMPLING / KEY[0]
    picture = Image.new("RGBA", (round(KEY[0] * u), round(KEY[1] * u)), (*BRASS, 0))
    pen = ImageDraw.Draw(picture)
    bright, dark = (226, 186, 100, 255), (130, 92, 28, 255)

    def box(*numbers: float) -> list[float]:
        return [n * u for n in numbers]

    pen.ellipse(box(2, 2, 42, 42), dark)
    pen.ellipse(box(4, 4, 40, 40), (*BRASS, 255))
    pen.arc(box(8, 8, 36, 36), 150, 280, bright, round(3 * u))
    pen.ellipse(box(9, 16, 21, 28), (*BRASS, 0), dark, round(2 * u))
    pen.rectangle(box(38, 16, 94, 27), dark)
    pen.rectangle(box(38, 17.5, 92.5, 25.5), (*BRASS, 255))
    pen.rectangle(box(40, 18.5, 90, 20.5), bright)
    for left, right, bottom in ((60, 66, 35), (69, 75, 39), (79, 88, 33)):
        pen.rectangle(box(left, 25, right, bottom), dark)
        pen.rectangle(box(left + 1.5, 24, right - 1.5, bottom - 1.5), (*BRASS, 255))
    return picture.reduce(SUPERSAMPLING)


def nut(radius: float, turn: float) -> Image.Image:
    """A nut seen from above: ``RGBA``."""
    side = math.ceil(2 * radius + 4)
    s = SUPERSAMPLING
    picture = Image.new("RGBA", (side * s, side * s), (*STEEL, 0))
    pen, c = ImageDraw.Draw(picture), side * s / 2

    def corners(r: float) -> list[tuple[float, float]]:
        spots = (math.radians(turn + 60 * k) for k in range(6))
        return [(c + r * s * math.cos(a), c + r * s * math.sin(a)) for a in spots]

    pen.polygon(corners(radius), (84, 90, 100, 255))
    pen.polygon(corners(radius - 1.5), (*STEEL, 255))
    pen.circle((c, c), 0.74 * radius * s, (176, 183, 192, 255))
    pen.circle((c, c), 0.5 * radius * s, (*STEEL, 0))
    return picture.reduce(s)


def tray() -> tuple[Image.Image, list[Box]]:
    """Keys at several angles, one of them turned over, among nuts, and the keys' upright boxes."""
    width, height = TRAY
    image = Image.new("RGB", TRAY)
    pen = ImageDraw.Draw(image)
    for y in range(height):  # a board in the light of a window
        shade = 96 - 30 * y // height
        pen.line((0, y, width, y), (shade + 8 - y % 7 // 3, shade - 18, shade - 34))
    for k, (x, y) in enumerate(NUTS):
        one = nut(13 + 3 * (k % 3), 17 * k)
        image.paste(one, (x, y), one)
    boxes = []
    for x, y, angle, over in KEYS:
        one = key()
        if over:
            one = one.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        layer = _turned(one, x, y, angle)
        image.paste(layer, (0, 0), layer)
        # The mask's corners, not only the pixels that show.
        a, (w, h) = math.radians(angle), KEY
        across = (abs(w * math.cos(a)) + abs(h * math.sin(a))) / 2
        down = (abs(w * math.sin(a)) + abs(h * math.cos(a))) / 2
        box = (x - across, y - down, x + across, y + down)
        label = "key-turned-over" if over else "key"
        boxes.append(Box(label, *(round(n) for n in box)))
    return image, boxes


def _turned(picture: Image.Image, x: float, y: float, angle: float) -> Image.Image:
    """A layer of the tray with a picture's centre at x, y, turned counter-clockwise."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    w, h = picture.size
    inverse = (
        cos, -sin, -cos * x + sin * y + w / 2,
        sin, cos, -sin * x - cos * y + h / 2,
    )  # fmt: skip
    # Premultiplied: the colours of clear pixels do not bleed in.
    layer = picture.convert("RGBa").transform(
        TRAY, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC
    )
    return layer.convert("RGBA")


def draw_all() -> tuple[dict[str, tuple[Image.Image, list[Box]]], dict[str, Image.Image]]:
    """Every picture with its boxes, and every mask, by their names."""
    pictures = {}
    for name, theme, zoom in (("light", LIGHT, 1.0), ("dark", DARK, 1.0), ("hidpi", LIGHT, HIDPI)):
        window = Window(theme, zoom)
        window.draw()
        pictures[f"{name}.png"] = window.image, window.boxes
    pictures["parts.png"] = tray()
    masks = {f"{name}.png": icons.glyph(name, GLYPH, (0, 0, 0)) for name in GLYPHS}
    masks |= {f"{name}.png": badge(name, BADGE) for name in ("mail", "folder")}
    light, boxes = pictures["light.png"]
    (save,) = (box for box in boxes if box.label == "save")
    masks["save.png"] = light.crop(save[1:])
    masks["key.png"] = key()
    return pictures, masks


def main() -> None:
    """Write the pictures, their masks and the boxes into this folder."""
    pictures, masks = draw_all()
    (FOLDER / "masks").mkdir(exist_ok=True)
    for name, mask in masks.items():
        mask.save(FOLDER / "masks" / name, optimize=True)
    with (FOLDER / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"))
        for name, (picture, boxes) in pictures.items():
            picture.save(FOLDER / name, optimize=True)
            table.writerows((name, *picture.size, *box) for box in boxes)
            print(f"{name}: {len(boxes)} boxes")


if __name__ == "__main__":
    main()
