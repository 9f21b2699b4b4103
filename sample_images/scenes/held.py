"""What people hold in their right hand, and the umbrella's canopy.

Each function draws a thing in a hand at (0, 0). Things that have no colour of their own take that
of `Person.holds_colour`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import colours
from colours import Colour, mix
from pen import Pen, Point, arc, scallops, smooth
from people import Person


def draw_held(pen: Pen, who: Person, hand: Point) -> None:
    """Draw what the right hand holds, if anything."""
    if who.holds in HELD:
        HELD[who.holds](pen.at(*hand), who.holds_colour)


def canopy(
    pen: Pen, cx: float, cy: float, rx: float, ry: float, panels: Sequence[Colour], n: int = 6
) -> None:
    """An open umbrella seen from the side: `n` panels, their colours in turn."""
    xs = [-math.cos(math.pi * i / n) for i in range(n + 1)]
    for i in range(n):
        left = [(cx + rx * xs[i] * math.sin(a), cy - ry * math.cos(a))
                for a in (math.pi / 2 * k / 5 for k in range(6))]  # fmt: skip
        right = [(cx + rx * xs[i + 1] * math.sin(a), cy - ry * math.cos(a))
                 for a in (math.pi / 2 * k / 5 for k in range(5, -1, -1))]  # fmt: skip
        mid = ((left[-1][0] + right[0][0]) / 2, cy + ry * 0.1)
        pen.shape([*left, mid, *right], panels[i % len(panels)])
    pen.line([(cx, cy - ry), (cx, cy - ry * 1.15)], colours.INK, 0.08)


def ice_cream(pen: Pen, colour: Colour) -> None:
    pen.shape([(-0.1, -0.1), (0.1, -0.1), (0.0, 0.24)], (226, 170, 96))
    pen.oval(0, -0.2, 0.15, fill=colour)


def balloon(pen: Pen, colour: Colour) -> None:
    pen.line(smooth([(0, 0), (0.1, -0.8), (0.0, -1.5)], closed=False))
    pen.oval(0, -1.95, 0.4, 0.48, colour)
    pen.line(arc(0, -1.95, 0.26, 0.34, 200, 250, 4), mix(colour, colours.WHITE, 0.7), 0.07)


def flag(pen: Pen, colour: Colour) -> None:
    pen.line([(0, 0.5), (0, -1.7)], colours.WOOD, 0.09)
    pen.shape([(0, -1.7), (0.5, -1.8), (1.0, -1.62), (1.0, -1.0), (0.5, -1.14), (0, -1.0)], colour)


def parasol(pen: Pen, colour: Colour) -> None:
    pen.line([(0, 0.4), (0, -1.6)], colours.BROWN, 0.07)
    canopy(pen, 0, -1.5, 1.15, 0.7, (colour, colours.WHITE))


def basket(pen: Pen, colour: Colour) -> None:
    pen.line(arc(0, 0.25, 0.26, 0.34, 180, 360, 8), colours.BROWN, 0.07)
    pen.oval(-0.1, 0.2, 0.14, fill=colour)
    pen.oval(0.14, 0.2, 0.12, fill=colours.ORANGE)
    pen.shape([(-0.32, 0.22), (0.32, 0.22), (0.24, 0.6), (-0.24, 0.6)], colours.WOOD)


def book(pen: Pen, colour: Colour) -> None:
    pen.shape([(-0.3, -0.2), (0, -0.12), (0.3, -0.2), (0.3, 0.2), (0, 0.28), (-0.3, 0.2)], colour)


def camera(pen: Pen, _: Colour) -> None:
    pen.rect(-0.26, -0.18, 0.26, 0.16, colours.BLACK)
    pen.oval(0, 0, 0.11, fill=colours.SKY)


def stick(pen: Pen, _: Colour) -> None:
    pen.line([(0.05, -0.5), (0.0, 1.9)], colours.BROWN, 0.09)


def spear(pen: Pen, _: Colour) -> None:
    pen.line([(0, 1.5), (0, -2.2)], colours.WOOD, 0.09)
    pen.shape([(-0.13, -2.1), (0, -2.65), (0.13, -2.1)], colours.GREY)


def sword(pen: Pen, _: Colour) -> None:
    pen.shape([(-0.06, -0.1), (-0.06, -1.3), (0, -1.5), (0.06, -1.3), (0.06, -0.1)], colours.STONE)
    pen.line([(-0.22, -0.1), (0.22, -0.1)], colours.YELLOW, 0.1)


def shield(pen: Pen, colour: Colour) -> None:
    pen.shape(smooth([(-0.42, -0.5), (0.42, -0.5), (0.4, 0.15), (0, 0.6), (-0.4, 0.15)]), colour)
    pen.line([(0, -0.45), (0, 0.5)], colours.WHITE, 0.12)
    pen.line([(-0.36, -0.1), (0.36, -0.1)], colours.WHITE, 0.12)


def fishing_rod(pen: Pen, _: Colour) -> None:
    pen.line(smooth([(0, 0.2), (0.9, -1.4), (1.9, -2.0)], closed=False), colours.BROWN, 0.07)
    pen.line([(1.9, -2.0), (2.0, 0.4)], colours.GREY)
    pen.shape(smooth([(2.0, 0.4), (2.16, 0.66), (2.0, 0.95), (1.84, 0.66)]), colours.SKY)


def bag(pen: Pen, colour: Colour) -> None:
    pen.line(arc(0, 0.16, 0.16, 0.24, 180, 360, 6))
    pen.shape([(-0.28, 0.14), (0.28, 0.14), (0.32, 0.7), (-0.32, 0.7)], colour)


def drum(pen: Pen, colour: Colour) -> None:
    pen.rect(-0.5, -0.06, 0.5, 0.42, colour)
    pen.oval(0, -0.06, 0.5, 0.14, colours.CREAM)
    for x in (-0.5, -0.25, 0.0, 0.25):
        pen.line([(x, 0.05), (x + 0.12, 0.42), (x + 0.25, 0.05)], colours.WHITE)


def trumpet(pen: Pen, _: Colour) -> None:
    pen.line([(-0.3, 0), (0.5, -0.12)], colours.YELLOW, 0.12)
    pen.shape([(0.45, -0.2), (0.95, -0.46), (0.95, 0.16), (0.5, -0.04)], colours.YELLOW)


def candyfloss(pen: Pen, _: Colour) -> None:
    pen.line([(0, 0.3), (0, -0.2)], colours.CREAM, 0.07)
    pen.shape(scallops(arc(0, -0.5, 0.3, 0.36, 0, 360, 6)[:-1], 0.8), colours.PINK)


def ball(pen: Pen, colour: Colour) -> None:
    pen.oval(0, -0.22, 0.32, fill=colour)
    pen.line(arc(0, -0.22, 0.14, 0.32, -80, 80, 6))
    pen.line(arc(0, -0.22, 0.14, 0.32, 100, 260, 6))


def bucket(pen: Pen, colour: Colour) -> None:
    pen.line(arc(0, 0.2, 0.22, 0.3, 180, 360, 6))
    pen.shape([(-0.26, 0.18), (0.26, 0.18), (0.19, 0.6), (-0.19, 0.6)], colour)


def snowball(pen: Pen, _: Colour) -> None:
    pen.oval(0, -0.12, 0.17, fill=colours.WHITE)


def fish(pen: Pen, colour: Colour) -> None:
    pen = pen.at(0, 0.1, turn=70)
    pen.shape(smooth([(0, 0), (0.4, -0.2), (0.85, 0), (0.4, 0.2)]), colour)
    pen.shape([(0.8, 0), (1.05, -0.2), (1.05, 0.2)], colour)


def ski_pole(pen: Pen, _: Colour) -> None:
    pen.line([(0, -0.15), (-0.5, 1.3)], colours.GREY, 0.06)


def broom(pen: Pen, _: Colour) -> None:
    pen.line([(0.1, -1.2), (-0.1, 1.1)], colours.WOOD, 0.08)
    pen.shape([(-0.2, 1.0), (0.06, 1.02), (0.16, 1.6), (-0.5, 1.58)], colours.YELLOW)


def lute(pen: Pen, _: Colour) -> None:
    pen.line([(0.1, -0.1), (0.75, -0.6)], colours.BROWN, 0.12)
    pen.oval(-0.1, 0.06, 0.36, 0.28, colours.WOOD)
    pen.oval(-0.1, 0.04, 0.1, fill=colours.INK, ink=None)


HELD: dict[str, Callable[[Pen, Colour], None]] = {
    "icecream": ice_cream,
    "balloon": balloon,
    "flag": flag,
    "parasol": parasol,
    "basket": basket,
    "book": book,
    "camera": camera,
    "stick": stick,
    "spear": spear,
    "sword": sword,
    "shield": shield,
    "rod": fishing_rod,
    "bag": bag,
    "drum": drum,
    "trumpet": trumpet,
    "candyfloss": candyfloss,
    "ball": ball,
    "bucket": bucket,
    "snowball": snowball,
    "fish": fish,
    "pole": ski_pole,
    "broom": broom,
    "lute": lute,
}
