"""Icons as icon sets have them, drawn on a grid of 24 by 24: one colour, the shape in alpha."""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import Image, ImageDraw

GRID = 24
SUPERSAMPLING = 4


class Nib:
    """Draws on the grid: `ink` 255 draws, 0 takes away."""

    def __init__(self, size: int) -> None:
        self.unit = size * SUPERSAMPLING / GRID
        side = size * SUPERSAMPLING
        self.canvas = Image.new("L", (side, side), 0)
        self.draw = ImageDraw.Draw(self.canvas)

    def _on_canvas(self, *numbers: float) -> list[float]:
        return [n * self.unit for n in numbers]

    def line(self, *numbers: float, width: float = 2, ink: int = 255) -> None:
        """A stroke through the points x, y, x, y, ... with round ends."""
        spots = self._on_canvas(*numbers)
        wide = max(1, round(width * self.unit))
        self.draw.line(spots, ink, wide, joint="curve")
        for x, y in zip(spots[::2], spots[1::2], strict=True):
            r = (wide - 1) / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), ink)

    def shape(self, *numbers: float, ink: int = 255) -> None:
        """A filled polygon."""
        self.draw.polygon(self._on_canvas(*numbers), ink)

    def disc(self, x: float, y: float, r: float, ink: int = 255) -> None:
        """A filled circle."""
        self.draw.ellipse(self._on_canvas(x - r, y - r, x + r, y + r), ink)

    def ring(self, x: float, y: float, r: float, width: float = 2) -> None:
        """A circle's line; `r` to its middle."""
        self.disc(x, y, r + width / 2)
        self.disc(x, y, r - width / 2, 0)

    def box(self, x0: float, y0: float, x1: float, y1: float, r: float = 0, ink: int = 255) -> None:
        """A filled rectangle with round corners."""
        self.draw.rounded_rectangle(self._on_canvas(x0, y0, x1, y1), r * self.unit, ink)


def _trash(nib: Nib) -> None:
    nib.box(3, 5, 21, 7.4, 1)
    nib.box(8.5, 2, 15.5, 5, 1)
    nib.shape(5, 9, 19, 9, 17.8, 22, 6.2, 22)
    for x in (9, 12, 15):
        nib.line(x, 11.5, x, 19, width=1.3, ink=0)


def _gear(nib: Nib) -> None:
    for k in range(8):
        a = math.radians(45 * k)
        nib.line(12, 12, 12 + 9.3 * math.cos(a), 12 + 9.3 * math.sin(a), width=4)
    nib.disc(12, 12, 7.6)
    nib.disc(12, 12, 3.2, 0)


def _star(nib: Nib) -> None:
    spots: list[float] = []
    for k in range(10):
        a, r = math.radians(36 * k - 90), (11 if k % 2 == 0 else 4.6)
        spots += [12 + r * math.cos(a), 12.6 + r * math.sin(a)]
    nib.shape(*spots)


def _save(nib: Nib) -> None:
    nib.shape(2.5, 2.5, 17, 2.5, 21.5, 7, 21.5, 21.5, 2.5, 21.5)
    nib.box(7, 2.5, 15, 8.5, ink=0)
    nib.box(12, 3.5, 14, 7.5)
    nib.box(6, 12.5, 18, 19.5, ink=0)
    nib.line(8, 14.8, 16, 14.8, width=1.2)
    nib.line(8, 17.3, 16, 17.3, width=1.2)


def _pencil(nib: Nib) -> None:
    nib.shape(4, 16, 15.5, 4.5, 19.5, 8.5, 8, 20)
    nib.shape(3, 21, 3.6, 17, 7, 20.4)
    nib.shape(16.5, 3.5, 18.5, 1.8, 22.2, 5.5, 20.5, 7.5)


def _search(nib: Nib) -> None:
    nib.ring(10, 10, 6.5, 2.4)
    nib.line(15, 15, 21, 21, width=3)


def _home(nib: Nib) -> None:
    nib.shape(12, 2, 23, 12, 20, 12, 20, 21.5, 4, 21.5, 4, 12, 1, 12)
    nib.box(9.6, 14, 14.4, 21.5, ink=0)


def _folder(nib: Nib) -> None:
    nib.box(2, 4, 11, 10, 1.5)
    nib.box(2, 6.5, 22, 20, 1.5)
    nib.line(4, 10, 20, 10, width=1.2, ink=0)


def _lock(nib: Nib) -> None:
    nib.ring(12, 8, 4.6, 2.4)
    nib.box(4.5, 10, 19.5, 22, 1.5)
    nib.disc(12, 15, 1.8, 0)
    nib.line(12, 15, 12, 18.5, width=1.5, ink=0)


def _mail(nib: Nib) -> None:
    nib.box(1.5, 4.5, 22.5, 19.5, 1.5)
    nib.line(3.5, 7, 12, 13.5, 20.5, 7, width=1.7, ink=0)


def _download(nib: Nib) -> None:
    nib.line(12, 3, 12, 14, width=2.6)
    nib.shape(6, 10.5, 18, 10.5, 12, 17.5)
    nib.line(3.5, 16, 3.5, 21, 20.5, 21, 20.5, 16)


def _bell(nib: Nib) -> None:
    nib.disc(12, 9.5, 6.5)
    nib.shape(5.5, 9.5, 18.5, 9.5, 18.5, 14.5, 21, 18.5, 3, 18.5, 5.5, 14.5)
    nib.disc(12, 20.5, 2.2)


def _play(nib: Nib) -> None:
    nib.ring(12, 12, 9.8)
    nib.shape(9.5, 7.2, 17.3, 12, 9.5, 16.8)


def _chart(nib: Nib) -> None:
    nib.line(3, 2.5, 3, 21, 21.5, 21, width=1.8)
    for x, y in ((6, 13), (10.5, 8), (15, 15), (19, 4.5)):
        nib.box(x, y, x + 2.8, 19)


def _person(nib: Nib) -> None:
    nib.disc(12, 7.5, 4.7)
    nib.shape(3, 21.5, 4.5, 16.5, 9, 13.8, 15, 13.8, 19.5, 16.5, 21, 21.5)


def _link(nib: Nib) -> None:
    nib.ring(7.5, 16.5, 4.4, 2.3)
    nib.ring(16.5, 7.5, 4.4, 2.3)
    nib.line(8.5, 15.5, 15.5, 8.5, width=2.3)


DRAW: dict[str, Callable[[Nib], None]] = {
    "trash": _trash,
    "gear": _gear,
    "star": _star,
    "save": _save,
    "pencil": _pencil,
    "search": _search,
    "home": _home,
    "folder": _folder,
    "lock": _lock,
    "mail": _mail,
    "download": _download,
    "bell": _bell,
    "play": _play,
    "chart": _chart,
    "person": _person,
    "link": _link,
}
NAMES = tuple(DRAW)


def shape(name: str, size: int) -> Image.Image:
    """How much of each pixel an icon covers: ``L``, `size` by `size` pixels."""
    nib = Nib(size)
    DRAW[name](nib)
    return nib.canvas.reduce(SUPERSAMPLING)


def glyph(name: str, size: int, colour: tuple[int, int, int]) -> Image.Image:
    """The icon as files of icon sets have it: ``RGBA``, one colour everywhere."""
    image = Image.new("RGBA", (size, size), (*colour, 0))
    image.putalpha(shape(name, size))
    return image
