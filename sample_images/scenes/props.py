"""Things and small stories that more than one theme shows: stalls, houses, trees, animals, games.

Each function draws its thing where it stands, at (0, 0) of the pen. Lengths are in units, as in
`people`, where an adult is 4.3 units tall. What only one theme shows is in the theme's file.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import colours
from colours import Colour, mix
from figure import draw_head, draw_person
from held import canopy
from pen import Pen, arc, scallops, smooth
from people import CLOTHES, stranger


def draw_umbrella(pen: Pen, rng: random.Random) -> None:
    panels = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.RED, colours.WHITE),
            (colours.BLUE, colours.WHITE),
            (colours.YELLOW, colours.ORANGE),
            (colours.GREEN, colours.CREAM),
            (colours.PINK, colours.PLUM),
            (colours.TEAL, colours.YELLOW),
        )
    )
    pen = pen.at(0, 0, turn=rng.uniform(-12, 12))
    pen.limb([(0, 0), (0, -4.4)], 0.16, colours.WOOD)
    canopy(pen, 0, -4.1, 2.7, 1.7, panels, 8)


def draw_stall(pen: Pen, rng: random.Random, goods: str = "") -> None:
    """A market stall, 6 wide and 6 high, with awning, seller and goods."""
    a, b = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.RED, colours.WHITE),
            (colours.BLUE, colours.WHITE),
            (colours.GREEN, colours.CREAM),
            (colours.ORANGE, colours.CREAM),
        )
    )
    for x in (-2.7, 2.7):
        pen.limb([(x, 0), (x, -5)], 0.16, colours.WOOD)
    pen.rect(-2.7, -4.6, 2.7, -1.2, mix(colours.WOOD, colours.INK, 0.35))
    for k in range(rng.choice((1, 2, 2))):
        seller = replace(
            stranger(rng, "town"), holds="", legs="stand", back=False, lean=0, size=0.9
        )
        draw_person(pen.at(-1.3 + 2.4 * k + rng.uniform(-0.3, 0.3), 0), seller)
    pen.rect(-2.9, -1.75, 2.9, 0, colours.WOOD)
    for x in (-1.9, -0.9, 0.1, 1.1, 2.1):
        pen.line([(x, -1.5), (x, 0)], mix(colours.WOOD, colours.INK, 0.5))
    pen.rect(-3.1, -2.0, 3.1, -1.65, mix(colours.WOOD, colours.WHITE, 0.3))
    goods = goods or rng.choice(("fruit", "bread", "pots", "fish", "cloth"))
    for k in range(10):
        x = -2.6 + k * 0.58
        if goods == "fruit":
            fruit = (colours.RED, colours.ORANGE, colours.GREEN, colours.YELLOW,
                     colours.PLUM)[k // 2]  # fmt: skip
            for dx, dy in ((0, 0), (0.27, 0), (0.13, -0.2)):
                pen.oval(x + dx, -2.1 + dy, 0.17, fill=fruit)
        elif goods == "bread":
            pen.oval(x, -2.12, 0.34, 0.18, (226, 164, 92))
        elif goods == "pots":
            pen.shape(smooth([(x - 0.14, -2.5), (x + 0.14, -2.5), (x + 0.24, -2.2), (x + 0.12, -2.0),
                              (x - 0.12, -2.0), (x - 0.24, -2.2)]),
                      (colours.BLUE, colours.ORANGE, colours.CREAM)[k % 3])  # fmt: skip
        elif goods == "fish":
            pen.shape(
                smooth([(x - 0.3, -2.1), (x, -2.26), (x + 0.3, -2.1), (x, -1.98)]), colours.SKY
            )
        else:
            pen.rect(
                x - 0.25, -2.2 - 0.1 * (k % 3), x + 0.3, -1.98, CLOTHES[(k * 5) % len(CLOTHES)]
            )
    awning(pen, -3.3, 3.3, -6.2, -4.5, a, b, 9)


def awning(
    pen: Pen, x0: float, x1: float, y0: float, y1: float, a: Colour, b: Colour, n: int
) -> None:
    """A striped awning that slopes from the height y0 down to y1 and has a scalloped edge."""
    inset = (x1 - x0) * 0.07
    for i in range(n):
        top = [x0 + inset + (x1 - x0 - 2 * inset) * k / n for k in (i, i + 1)]
        low = [x0 + (x1 - x0) * k / n for k in (i, i + 1)]
        mid, r = (low[0] + low[1]) / 2, (low[1] - low[0]) / 2
        pen.shape(
            [(top[0], y0), (top[1], y0), (low[1], y1), *arc(mid, y1, r, r * 0.9, 0, 180, 6)],
            (a, b)[i % 2],
        )
    pen.line([(x0, y1), (x1, y1)])


def draw_tree(pen: Pen, rng: random.Random) -> None:
    """A round tree, about 5 wide and 9 high."""
    green = rng.choice((colours.GREEN, (122, 178, 84), (84, 146, 88), (168, 184, 78)))
    pen.shape([(-0.7, 0.1), (-0.35, -1.2), (-0.35, -4), (0.4, -4), (0.35, -1.2), (0.75, 0.1)],
              mix(colours.BROWN, colours.WOOD, 0.4))  # fmt: skip
    pen.line([(-0.05, -0.6), (0, -2.6)])
    for cx, cy, r in ((-1.3, -4.6, 1.8), (1.4, -4.5, 1.7), (0, -6.4, 2.1)):
        pen.shape(scallops(arc(cx, cy, r, r * 0.92, 0, 360, 10)[:-1], 0.8), green)
    pen.shape(arc(0, -5.3, 1.9, 1.2, 0, 360, 14), green, None)
    dark = mix(green, colours.INK, 0.45)
    for _ in range(22):
        a, r = rng.uniform(0, 6.28), rng.uniform(0, 2.3)
        x, y = r * math.cos(a), -5.3 + r * 0.9 * math.sin(a)
        pen.line([(x - 0.14, y), (x, y + 0.12), (x + 0.14, y)], dark)


def draw_house(
    pen: Pen,
    rng: random.Random,
    wide: float = 10,
    high: float = 9,
    snow: bool = False,
    shop: bool = False,
) -> None:
    """The front of a house with a gable and windows; of a wooden one with `snow`."""
    wall = rng.choice((colours.CREAM, (244, 196, 150), (236, 168, 150), (196, 214, 188), (178, 204, 222),
                       (250, 224, 150), (232, 190, 196)))  # fmt: skip
    roof = rng.choice(((196, 88, 62), (178, 72, 58), (150, 84, 66), (112, 110, 130)))
    if snow:
        wall = rng.choice((colours.WOOD, (206, 156, 104), (160, 108, 72)))
    w, peak = wide / 2, wide * rng.uniform(0.32, 0.5)
    pen.rect(w * 0.4, -high - peak * 0.95, w * 0.62, -high - peak * 0.2, (196, 120, 96))
    pen.shape([(-w, 0), (-w, -high), (0, -high - peak), (w, -high), (w, 0)], wall)
    if snow:
        for k in range(1, int(high / 0.7)):
            pen.line([(-w, -k * 0.7), (w, -k * 0.7)], mix(wall, colours.INK, 0.3))
    else:
        for _ in range(9):
            x, y = rng.uniform(-w + 0.6, w - 1), -rng.uniform(0.4, high)
            for dy in (0, 0.22):
                pen.line([(x + dy, y + dy), (x + 0.5 + dy, y + dy)], mix(wall, colours.INK, 0.35))
    t = 0.5
    for side in (-1, 1):
        pen.shape(
            [(0, -high - peak - t), (side * (w + 0.6), -high + 0.2), (side * (w + 0.6), -high + 0.85),
             (0, -high - peak + 0.6)],
            colours.WHITE if snow else roof,
        )  # fmt: skip
    columns = max(1, int(wide / 3))
    floors = max(1, int((high - (4.6 if shop else 3.2)) / 2.8) + 1)
    glass = rng.choice(((170, 208, 226), (120, 140, 168)))
    shutter = rng.choice((colours.GREEN, colours.BLUE, colours.RED, colours.TEAL, colours.BROWN))
    for floor in range(floors):
        y = -high + 0.9 + floor * 2.8
        for k in range(columns):
            x = -w + (k + 0.5) * wide / columns
            house_window(pen, rng, x, y, glass, shutter, snow)
    pen.rect(-0.2, -high - peak * 0.5, 0.5, -high - peak * 0.5 + 0.9, glass)
    door = rng.uniform(-w * 0.4, w * 0.4)
    if shop:
        shop_front(pen, rng, wide, glass, shutter)
    pen.shape([(door - 0.75, 0), (door - 0.75, -2.2), *arc(door, -2.2, 0.75, 0.75, 180, 360, 8),
               (door + 0.75, 0)], mix(shutter, colours.INK, 0.2))  # fmt: skip
    pen.oval(door + 0.45, -1.2, 0.12, fill=colours.YELLOW)


def house_window(
    pen: Pen, rng: random.Random, x: float, y: float, glass: Colour, shutter: Colour, snow: bool
) -> None:
    """A window with shutters, its top at y; with flowers or snow, and sometimes with somebody inside."""
    pen.rect(x - 0.65, y, x + 0.65, y + 1.6, glass)
    pen.line([(x, y), (x, y + 1.6)], colours.WHITE, 0.1)
    pen.line([(x - 0.65, y + 0.7), (x + 0.65, y + 0.7)], colours.WHITE, 0.1)
    pen.rect(x - 0.65, y, x + 0.65, y + 1.6, None)
    if rng.random() < 0.2:
        guest = replace(stranger(rng, "town"), holds="", back=False, lean=0, size=0.78)
        head = pen.at(x, y + 0.95, 0.8)
        head.shape([(-0.55, 0.8), (-0.4, 0.5), (0.4, 0.5), (0.55, 0.8)], guest.top_colour)
        draw_head(head.at(0, 0.05, 0.8), guest)
    for side in (-1, 1):
        pen.rect(x + side * 0.7, y - 0.05, x + side * 1.1, y + 1.65, shutter)
    pen.rect(x - 0.75, y + 1.6, x + 0.75, y + 1.85, colours.WOOD)
    if not snow and rng.random() < 0.6:
        for j in range(5):
            petals = rng.choice((colours.RED, colours.PINK, colours.YELLOW, colours.GREEN))
            pen.oval(x - 0.6 + j * 0.3, y + 1.5, 0.16, fill=petals)
    elif snow:
        pen.rect(x - 0.8, y + 1.5, x + 0.8, y + 1.66, colours.WHITE, None)


def shop_front(pen: Pen, rng: random.Random, wide: float, glass: Colour, shutter: Colour) -> None:
    """The ground floor of a shop: its window with goods, and an awning above."""
    w = wide / 2
    pen.rect(-w + 0.5, -3.1, w - 0.5, 0, mix(glass, colours.INK, 0.15))
    for k in range(int(wide) - 2):
        goods = rng.choice((colours.YELLOW, colours.ORANGE, colours.PINK, colours.CREAM,
                            colours.GREEN))  # fmt: skip
        pen.oval(-w + 1.2 + k, -0.75, 0.34, 0.3, goods)
    pen.rect(-w + 0.4, -0.6, w - 0.4, 0, shutter)
    a, b = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.GREEN, colours.WHITE),
            (colours.BLUE, colours.CREAM),
            (colours.RED, colours.CREAM),
        )
    )
    awning(pen, -w + 0.1, w - 0.1, -4.4, -3.0, a, b, int(wide))


def draw_lamp(pen: Pen, rng: random.Random) -> None:
    pen.limb([(0, 0), (0, -6.2)], 0.16, colours.NAVY)
    pen.rect(-0.35, -0.4, 0.35, 0, colours.NAVY)
    pen.shape([(-0.35, -6.2), (0.35, -6.2), (0.55, -7.3), (-0.55, -7.3)], (255, 240, 170))
    pen.shape([(-0.65, -7.3), (0.65, -7.3), (0, -7.9)], colours.NAVY)
    x = rng.choice((-0.95, 0.95))
    pen.line([(0, -6), (x, -6), (x, -5.4)], colours.NAVY, 0.12)
    for dx, dy in ((-0.3, 0.0), (0.3, 0.0), (0.0, -0.2), (0.0, 0.15)):
        petals = rng.choice((colours.RED, colours.PINK, colours.YELLOW, colours.GREEN))
        pen.oval(x + dx, -5.2 + dy, 0.3, 0.26, petals)


def draw_tent(pen: Pen, rng: random.Random, wide: float = 8, high: float = 9) -> None:
    """A round tent with a pointed roof and a pennant."""
    a, b = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.RED, colours.WHITE),
            (colours.BLUE, colours.YELLOW),
            (colours.GREEN, colours.CREAM),
            (colours.PLUM, colours.YELLOW),
            (colours.TEAL, colours.WHITE),
            (colours.ORANGE, colours.CREAM),
        )
    )
    w, eave, n = wide / 2, -high * 0.5, 8
    xs = [-math.cos(math.pi * i / n) * w for i in range(n + 1)]
    for i in range(n):
        sag0, sag1 = (0.35 * math.sin(math.pi * k / n) for k in (i, i + 1))
        pen.shape([(xs[i], eave), (xs[i + 1], eave), (xs[i + 1] * 1.06, sag1), (xs[i] * 1.06, sag0)],
                  (a, b)[i % 2])  # fmt: skip
    pen.shape([(-w * 0.16, eave), (w * 0.16, eave), (w * 0.3, 0.3), (-w * 0.3, 0.3)],
              mix(a, colours.INK, 0.6))  # fmt: skip
    for i in range(n):
        r = (xs[i + 1] - xs[i]) * 1.1 / 2
        cx = (xs[i] + xs[i + 1]) * 1.1 / 2
        left = smooth([(0, -high), (xs[i] * 0.4, -high * 0.7), (xs[i] * 1.1, eave)], False, 4)
        right = smooth(
            [(0, -high), (xs[i + 1] * 0.4, -high * 0.7), (xs[i + 1] * 1.1, eave)], False, 4
        )
        pen.shape([*left, *reversed(arc(cx, eave, r, 0.5, 0, 180, 6)), *reversed(right)],
                  (b, a)[i % 2])  # fmt: skip
    draw_pennant(pen.at(0, -high), rng)


def draw_pennant(pen: Pen, rng: random.Random, high: float = 1.8) -> None:
    c = rng.choice((colours.RED, colours.YELLOW, colours.BLUE, colours.GREEN, colours.ORANGE))
    side = rng.choice((-1, 1))
    pen.line([(0, 0), (0, -high)], colours.BROWN, 0.12)
    top = smooth([(0, -high), (side * 0.8, -high + 0.1), (side * 1.7, -high + 0.35)], False)
    pen.shape([*top, (0, -high + 0.8)], c)


def draw_bunting(pen: Pen, rng: random.Random, length: float, high: float = 6.0) -> None:
    """A string of little flags between two poles, its middle at the origin."""
    for x in (-length / 2, length / 2):
        pen.limb([(x, 0), (x, -high)], 0.14, colours.WOOD)
    n = int(length / rng.uniform(0.8, 1.0))
    rope = [
        (-length / 2 + length * i / n, -high + 1.1 * math.sin(math.pi * i / n))
        for i in range(n + 1)
    ]
    pen.line(rope)
    for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(rope)):
        pen.shape([(x0 + 0.1, y0), (x1 - 0.1, y1), ((x0 + x1) / 2, (y0 + y1) / 2 + 0.9)],
                  (colours.RED, colours.WHITE, colours.YELLOW, colours.BLUE,
                   colours.GREEN)[i % 5])  # fmt: skip


def draw_bench(pen: Pen, rng: random.Random, theme: str = "town") -> None:
    """A bench with two or three people on it."""
    c = rng.choice((colours.GREEN, colours.BROWN, colours.RED, colours.BLUE))
    pen.rect(-2.3, -2.6, 2.3, -2.2, c)
    pen.rect(-2.3, -2.1, 2.3, -1.7, c)
    for x in (-1.4, 0.1, 1.5)[: rng.choice((2, 3))]:
        who = replace(stranger(rng, theme), legs="stand", back=False, lean=0, under="", size=0.9)
        draw_person(
            pen.at(x, -0.5 + rng.uniform(-0.1, 0.1)), replace(who, legs="sit", bottom="trousers")
        )
    pen.rect(-2.5, -0.95, 2.5, -0.7, c)
    for x in (-2.1, 2.1):
        pen.rect(x - 0.12, -0.7, x + 0.12, 0.1, colours.BLACK)


def draw_cart(pen: Pen, rng: random.Random) -> None:
    """An ice-cream cart with its seller."""
    c = rng.choice((colours.PINK, colours.MINT, colours.SKY, colours.YELLOW))
    seller = replace(stranger(rng, "town"), hat="boater", hat_colour=colours.WHITE,
                     hat_trim=colours.RED, top="apron", holds="icecream", right="carry", back=False,
                     legs="stand", lean=0)  # fmt: skip
    draw_person(pen.at(1.6, -0.35), seller)
    pen.rect(-1.9, -2.3, 1.3, -0.7, c)
    pen.rect(-2.1, -2.6, 1.5, -2.25, colours.WHITE)
    for x, colour in (
        (-1.5, colours.PINK),
        (-0.9, colours.CREAM),
        (-0.3, colours.BROWN),
        (0.3, colours.MINT),
        (0.9, colours.YELLOW),
    ):
        pen.oval(x, -2.7, 0.3, 0.24, colour)
    pen.shape([(-0.65, -1.9), (0.05, -1.9), (-0.3, -0.95)], (226, 170, 96))
    pen.oval(-0.3, -1.95, 0.38, 0.26, colours.WHITE)
    for x in (-1.2, 0.6):
        wheel(pen, x, -0.55, 0.6)
    pen.limb([(-1.6, -2.4), (-1.6, -5.2)], 0.12, colours.WOOD)
    canopy(pen, -1.6, -4.9, 2.0, 1.3, (colours.RED, colours.WHITE), 6)


def wheel(pen: Pen, x: float, y: float, r: float) -> None:
    pen.oval(x, y, r, fill=colours.BROWN)
    pen.oval(x, y, r * 0.78, fill=colours.WHITE)
    for k in range(4):
        a = math.pi * k / 4
        dx, dy = r * 0.78 * math.cos(a), r * 0.78 * math.sin(a)
        pen.line([(x - dx, y - dy), (x + dx, y + dy)], colours.BROWN, 0.08)
    pen.oval(x, y, r * 0.18, fill=colours.BROWN)


def draw_bicycle(pen: Pen, rng: random.Random) -> None:
    c = rng.choice((colours.RED, colours.BLUE, colours.GREEN, colours.ORANGE))
    for x in (-1.2, 1.2):
        pen.oval(x, -0.85, 0.85)
        pen.oval(x, -0.85, 0.72)
    who = replace(stranger(rng, "town"), legs="ride", left="carry", right="carry", holds="", lean=10,
                  back=False, bottom="trousers", flip=False)  # fmt: skip
    pen.line([(-1.2, -0.85), (-0.4, -2.0), (0.9, -2.0), (0, -0.8), (-1.2, -0.85)], c, 0.14)
    pen.line([(-0.4, -2.0), (0, -0.8)], c, 0.14)
    pen.line([(1.2, -0.85), (0.8, -2.4), (0.4, -2.5)], c, 0.14)
    draw_person(pen.at(-0.35, -0.5), who)


def draw_dog(pen: Pen, rng: random.Random) -> None:
    c = rng.choice((colours.WOOD, colours.BROWN, colours.WHITE, (90, 80, 84), (226, 178, 120)))
    pen = pen.at(0, 0, rng.uniform(0.8, 1.1), flip=rng.random() < 0.5)
    for x in (-0.55, -0.3, 0.4, 0.62):
        pen.limb([(x, -0.6), (x + rng.uniform(-0.15, 0.15), 0)], 0.15, c)
    pen.line(smooth([(-0.7, -0.8), (-1.0, -1.1), (-1.0, -1.45)], False), colours.INK, 0.16)
    pen.shape(smooth([(-0.8, -0.75), (-0.4, -1.0), (0.5, -0.98), (0.8, -0.7), (0.5, -0.45),
                      (-0.6, -0.42)]), c)  # fmt: skip
    pen.shape(smooth([(0.5, -1.2), (0.8, -1.5), (1.1, -1.3), (1.45, -1.1), (1.35, -0.9),
                      (0.9, -0.85), (0.6, -0.85)]), c)  # fmt: skip
    pen.shape(
        smooth([(0.6, -1.45), (0.72, -1.4), (0.72, -0.95), (0.5, -1.0)]), mix(c, colours.INK, 0.5)
    )
    pen.oval(1.42, -1.05, 0.09, fill=colours.INK, ink=None)
    pen.oval(0.98, -1.22, 0.06, fill=colours.INK, ink=None)
    pen.line([(0.66, -0.86), (0.9, -0.78)], colours.RED, 0.12)


def draw_gull(pen: Pen, rng: random.Random) -> None:
    s = rng.uniform(-0.3, 0.3)
    pen.shape(smooth([(-1.0, -0.5 + s), (-0.5, -0.35), (0, 0), (0.5, -0.35), (1.0, -0.5 - s), (0.5, 0.0),
                      (0, 0.25), (-0.5, 0.0)]), colours.WHITE)  # fmt: skip
    pen.shape([(0.1, 0.1), (0.4, 0.16), (0.12, 0.24)], colours.ORANGE)


def draw_pigeon(pen: Pen, rng: random.Random) -> None:
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    c = rng.choice((colours.GREY, (180, 184, 196), colours.WHITE))
    pen.line([(0, 0), (0, -0.25)], colours.ORANGE, 0.06)
    pen.shape(smooth([(-0.6, -0.35), (0, -0.6), (0.25, -0.85), (0.42, -0.7), (0.3, -0.35),
                      (0, -0.2)]), c)  # fmt: skip
    pen.shape([(0.4, -0.75), (0.6, -0.66), (0.38, -0.62)], colours.ORANGE)


def draw_carousel(pen: Pen, rng: random.Random) -> None:
    """A merry-go-round, 11 wide and 10 high."""
    pen.oval(0, -0.9, 5.4, 1.3, (214, 120, 90))
    pen.oval(0, -1.3, 5.4, 1.3, colours.CREAM)
    pen.rect(-1.0, -7, 1.0, -1.4, colours.PINK)
    for x in (-0.6, 0, 0.6):
        pen.line([(x, -6.8), (x, -1.5)], colours.YELLOW, 0.18)
    for k, x in enumerate((-4.4, -2.3, 0.1, 2.4, 4.4)):
        y = -1.6 + 0.8 * (1 - (x / 5) ** 2) + rng.uniform(-0.4, 0.2)
        pen.line([(x, -6.9), (x, y + 0.2)], colours.YELLOW, 0.16)
        c = (colours.WHITE, colours.WOOD, colours.SKY, colours.PINK, colours.WHITE)[k]
        horse = pen.at(x, y, 0.55)
        for dx in (-1.1, 1.0):
            horse.limb([(dx, -1.6), (dx * 1.4, -0.7)], 0.36, c)
        horse.shape(smooth([(-1.7, -2.4), (1.0, -2.6), (1.7, -4.3), (2.8, -3.4), (1.9, -2.9), (1.4, -1.5),
                            (-1.5, -1.5)]), c)  # fmt: skip
        rider = replace(stranger(rng, "fair"), legs="ride", bottom="trousers", size=1.3, back=False,
                        holds="", left="carry", right="wave")  # fmt: skip
        draw_person(horse.at(0, -0.7), rider)
    n = 10
    xs = [-math.cos(math.pi * i / n) * 5.8 for i in range(n + 1)]
    for i in range(n):
        r, cx = (xs[i + 1] - xs[i]) / 2, (xs[i] + xs[i + 1]) / 2
        pen.shape([(0, -10.2), (xs[i], -7.2), *reversed(arc(cx, -6.7, r, 0.55, 0, 180, 6)),
                   (xs[i + 1], -7.2)], (colours.RED, colours.CREAM)[i % 2])  # fmt: skip
    draw_pennant(pen.at(0, -10.1), rng)


def draw_boat(pen: Pen, rng: random.Random) -> None:
    """A sailing boat, 6 wide and 8 high."""
    a, b = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.WHITE, colours.WHITE),
            (colours.YELLOW, colours.ORANGE),
            (colours.WHITE, colours.BLUE),
            (colours.CREAM, colours.RED),
        )
    )
    pen = pen.at(0, 0, turn=rng.uniform(-5, 5), flip=rng.random() < 0.5)
    pen.limb([(0, -1), (0, -8)], 0.16, colours.WOOD)
    for k in range(4):
        t0, t1 = k / 4, (k + 1) / 4
        pen.shape([(0.25, -7.8 + t0 * 6), (0.25 + 2.9 * t0, -7.8 + t0 * 6),
                   (0.25 + 2.9 * t1, -7.8 + t1 * 6), (0.25, -7.8 + t1 * 6)], (a, b)[k % 2])  # fmt: skip
    pen.shape([(-0.25, -7.2), (-0.25, -1.8), (-2.4, -1.8)], b)
    for x in (-1.4, 1.2):
        sailor = replace(stranger(rng, "harbour"), holds="", back=False, size=0.8)
        draw_person(pen.at(x, -0.2), sailor)
    pen.shape(smooth([(-3.1, -1.3), (3.2, -1.3), (2.4, 0.1), (-2.2, 0.1)], steps=3),
              rng.choice((colours.RED, colours.BLUE, colours.GREEN, colours.WOOD, colours.NAVY)))  # fmt: skip
    pen.line([(-2.8, -0.9), (2.9, -0.9)], colours.WHITE, 0.16)


def draw_pyramid(pen: Pen, rng: random.Random) -> None:
    """A pyramid of acrobats: three at the bottom, two on them, one on top."""
    c = rng.choice((colours.BLUE, colours.GREEN, colours.PLUM, colours.ORANGE))
    for row, count in enumerate((3, 2, 1)):
        for k in range(count):
            who = replace(stranger(rng, "town"), size=0.9, legs="wide", hat="", back=False, lean=0,
                          left="up", right="up", top="plain", top_colour=c, sleeves="short",
                          bottom="trousers", bottom_colour=mix(c, colours.INK, 0.3), holds="",
                          girth=1.0)  # fmt: skip
            draw_person(pen.at((k - (count - 1) / 2) * 1.9, -row * 2.95), who)


def draw_tug(pen: Pen, rng: random.Random, theme: str) -> None:
    """A tug-of-war, 16 wide."""
    for side in (-1, 1):
        for k in range(3):
            who = replace(stranger(rng, theme), size=0.95, legs="wide", lean=-16, left="carry",
                          right="carry", holds="", back=False, look=0.8, under="", flip=False,
                          bottom="trousers")  # fmt: skip
            team = pen.at(side * (2.6 + k * 2.1), 0, flip=side > 0)
            draw_person(team, who)
    pen.line([(-8.4, -2.2), (0, -1.95), (8.4, -2.2)], colours.INK, 0.26)
    pen.line([(-8.4, -2.2), (0, -1.95), (8.4, -2.2)], (226, 190, 130), 0.16)
    pen.shape([(-0.2, -1.9), (0.2, -1.9), (0.3, -1.1), (0, -1.3), (-0.3, -1.1)], colours.RED)


def draw_balloons(pen: Pen, rng: random.Random) -> None:
    """A balloon seller with far too many balloons."""
    for _ in range(13):
        a, r = rng.uniform(-2.8, -0.35), rng.uniform(1.4, 3.0)
        x, y = 0.7 + r * math.cos(a) * 0.8, -5.2 + r * math.sin(a)
        pen.line([(0.75, -2.6), (x, y + 0.5)])
        c = rng.choice((colours.RED, colours.YELLOW, colours.BLUE, colours.GREEN, colours.ORANGE,
                        colours.PINK, colours.PLUM))  # fmt: skip
        pen.oval(x, y, 0.52, 0.62, c)
        pen.line(arc(x, y, 0.34, 0.44, 200, 250, 4), mix(c, colours.WHITE, 0.7), 0.08)
    draw_person(pen, replace(stranger(rng, "fair"), right="carry", holds="", legs="stand", back=False,
                             hat="bowler", size=1.0, flip=False))  # fmt: skip


def draw_juggler(pen: Pen, rng: random.Random) -> None:
    draw_person(pen, replace(stranger(rng, "fair"), left="shrug", right="shrug", holds="", legs="wide",
                             back=False, hat="cone", size=1.0, top="dots", under=""))  # fmt: skip
    balls = (colours.RED, colours.YELLOW, colours.BLUE, colours.GREEN, colours.ORANGE, colours.PLUM,
             colours.RED)  # fmt: skip
    for k, ball in enumerate(balls):
        a = math.pi * (1.06 + 0.88 * k / 6)
        pen.oval(1.5 * math.cos(a), -3.6 + 2.4 * math.sin(a), 0.22, fill=ball)


def draw_picnic(pen: Pen, rng: random.Random, theme: str) -> None:
    """A checked cloth with food and four people around it."""
    for x in (-1.6, 1.5):
        who = replace(stranger(rng, theme), legs="sit", holds="", back=False, under="", lean=0,
                      bottom="trousers", size=0.9)  # fmt: skip
        draw_person(pen.at(x, -1.5), who)
    pen.shape([(-3, 0.3), (-2.3, -1.5), (2.9, -1.5), (2.6, 0.3)], colours.WHITE)
    for k in range(1, 6):
        pen.line([(-3 + k * 0.93, 0.3), (-2.3 + k * 0.87, -1.5)], colours.RED, 0.16)
    for k in range(1, 4):
        y = 0.3 - k * 0.45
        pen.line([(-2.85 + k * 0.14, y), (2.65 + k * 0.06, y)], colours.RED, 0.14)
    pen.shape([(-3, 0.3), (-2.3, -1.5), (2.9, -1.5), (2.6, 0.3)], None)
    pen.oval(-0.8, -0.6, 0.6, 0.28, colours.WHITE)
    pen.oval(-0.8, -0.7, 0.35, 0.2, (226, 164, 92))
    pen.oval(0.8, -0.9, 0.5, 0.24, colours.YELLOW)
    pen.rect(1.4, -1.4, 1.75, -0.4, colours.GREEN)
    pen.oval(0.2, -0.1, 0.4, 0.3, colours.RED)
    for x in (-2.9, 3.0):
        who = replace(stranger(rng, theme), legs="sit", holds="", back=False, under="", lean=0,
                      bottom="trousers", size=0.9, flip=x > 0)  # fmt: skip
        draw_person(pen.at(x, 0.2), who)


def draw_chase(pen: Pen, rng: random.Random, theme: str) -> None:
    """A dog runs away with a string of sausages, and the cook runs after it."""
    dog = pen.at(-3.4, 0, flip=True)
    for k in range(4):
        pen.oval(-1.9 + k * 0.8, -0.75 + 0.15 * (k % 2), 0.42, 0.18, (206, 104, 76))
    draw_dog(dog, random.Random(3))
    cook = replace(stranger(rng, theme), hat="chef", top="apron", top_colour=colours.WHITE,
                   bottom="trousers", legs="run", lean=14, left="out", right="up", holds="",
                   mouth="open", beard="moustache", girth=1.4, back=False, flip=True, under="")  # fmt: skip
    draw_person(pen.at(2.8, 0), cook)


def draw_band(pen: Pen, rng: random.Random) -> None:
    """Three musicians in uniform."""
    c = rng.choice((colours.RED, colours.BLUE, colours.GREEN))
    for k, (x, item) in enumerate(((-2.0, "trumpet"), (0, "drum"), (2.0, "lute"))):
        who = replace(stranger(rng, "town"), hat="captain", hat_colour=c, top="coat", top_colour=c,
                      top_trim=colours.YELLOW, bottom="trousers", bottom_colour=colours.NAVY,
                      holds=item, holds_colour=colours.YELLOW, back=False,
                      right="chest" if item != "trumpet" else "carry", legs="walk", flip=False,
                      under="", size=1.0, lean=0)  # fmt: skip
        draw_person(pen.at(x, -0.15 * (k % 2)), who)


def draw_bush(pen: Pen, rng: random.Random) -> None:
    green = rng.choice((colours.GREEN, colours.MOSS, (122, 178, 84)))
    pen.shape(scallops(arc(0, -0.8, 1.5, 0.9, 0, 360, 9)[:-1], 0.8), green)
    for _ in range(6):
        pen.oval(rng.uniform(-1.1, 1.1), rng.uniform(-1.3, -0.3), 0.13,
                 fill=rng.choice((colours.RED, colours.YELLOW, colours.PINK, colours.WHITE)))  # fmt: skip


def draw_serpent(pen: Pen, rng: random.Random) -> None:
    """A friendly sea serpent, 12 wide and 5 high."""
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    green, belly = (96, 176, 130), (240, 220, 140)
    for x, r in ((-4.6, 0.9), (-2.2, 1.4), (0.7, 1.7)):
        pen.shape(
            [*arc(x, 0, r, r * 1.1, 180, 360, 14), *arc(x, 0, r * 0.45, r * 0.5, 360, 180, 8)],
            green,
        )
        for k in range(3):
            a = math.radians(225 + 45 * k)
            px, py = x + r * math.cos(a), r * 1.1 * math.sin(a)
            pen.shape(
                [(px - 0.25, py + 0.1), (px, py - 0.5), (px + 0.25, py + 0.1)], colours.ORANGE
            )
    pen.shape(smooth([(3.0, 0.1), (2.9, -2.2), (3.4, -3.9), (4.5, -4.3), (5.9, -3.7), (5.7, -3.1),
                      (4.5, -2.9), (4.3, -1.6), (4.5, 0.1)], False), green)  # fmt: skip
    for y in (-0.5, -1.1, -1.7, -2.3):
        pen.line([(3.7, y), (4.3, y)], belly, 0.24)
    for x in (4.0, 4.5):
        pen.oval(x, -3.9, 0.27, fill=colours.WHITE)
        pen.oval(x + 0.07, -3.86, 0.1, fill=colours.INK, ink=None)
    pen.line(arc(5.1, -3.6, 0.5, 0.3, 20, 150, 5))
    rider = replace(
        stranger(rng, "beach"), legs="ride", back=False, holds="", left="up", right="up", size=0.8
    )
    draw_person(pen.at(0.7, -1.1), rider)
    for x in (-4.6, -2.2, 0.7, 3.7):
        foam = [(x - 1.6, 0.1), (x - 0.5, -0.05), (x + 0.5, 0.15), (x + 1.5, 0)]
        pen.line(smooth(foam, False), colours.WHITE, 0.14)


def draw_hot_air_balloon(pen: Pen, rng: random.Random) -> None:
    """A hot-air balloon, 7 wide and 11 high, its basket at the origin."""
    a, b = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.RED, colours.YELLOW),
            (colours.BLUE, colours.CREAM),
            (colours.GREEN, colours.YELLOW),
            (colours.PLUM, colours.PINK),
        )
    )
    r, cy, n = 3.4, -7.4, 7
    for x in (-0.7, 0.7):
        pen.line([(x, -1.2), (x * 2.4, -4.7)])
    for k in (-0.35, 0.4):
        who = replace(stranger(rng, "town"), back=False, holds="", legs="stand", lean=0, size=0.62)
        draw_person(pen.at(k, 0.3), replace(who, left="wave", flip=k < 0))
    pen.shape([(-0.9, -1.2), (0.9, -1.2), (0.75, 0.3), (-0.75, 0.3)], colours.WOOD)
    for y in (-0.8, -0.4, 0.0):
        pen.line([(-0.85, y), (0.85, y)])
    angles = [math.pi * t / 14 for t in range(15)]
    for i in range(n):
        left, right = (-math.cos(math.pi * k / n) for k in (i, i + 1))
        rows = [
            (r * math.sin(t) * (1 - 0.3 * (t / math.pi) ** 3), cy - r * math.cos(t)) for t in angles
        ]
        rows[-1] = (0.75, cy + r * 0.98)
        edge = [(right * w, y) for w, y in reversed(rows)]
        pen.shape([*((left * w, y) for w, y in rows), *edge], (a, b)[i % 2])


def draw_kite(pen: Pen, rng: random.Random) -> None:
    """A child that flies a kite, 9 high."""
    child = replace(stranger(rng, "town"), size=0.75, holds="", right="up", legs="run", back=False)
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    draw_person(pen, replace(child, flip=False, lean=4))
    pen.line(smooth([(0.8, -3.2), (2.2, -4.8), (3.0, -7.6)], False))
    kite = pen.at(3.0, -8.2, turn=25)
    a, b = rng.sample((colours.RED, colours.YELLOW, colours.BLUE, colours.GREEN, colours.PINK), 2)
    kite.shape([(0, -1.3), (0.85, -0.3), (0, 1.2), (-0.85, -0.3)], a)
    kite.shape([(0, -1.3), (0.85, -0.3), (0, -0.3)], b)
    kite.shape([(0, 1.2), (-0.85, -0.3), (0, -0.3)], b)
    tail = [(0, 1.2), (0.4, 1.9), (-0.2, 2.5), (0.3, 3.2)]
    kite.line(smooth(tail, False))
    for x, y in tail[1:]:
        kite.shape(
            [(x - 0.3, y - 0.15), (x + 0.3, y + 0.15), (x + 0.3, y - 0.15), (x - 0.3, y + 0.15)], a
        )
