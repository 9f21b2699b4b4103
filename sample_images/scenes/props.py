"""What stands between the people: umbrellas, stalls, houses, ships, horses, little stories.

Each function draws its thing standing at the pen's origin, in units; people are 4.3 units tall.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

from pen import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    GREEN,
    GREY,
    INK,
    MINT,
    MOSS,
    NAVY,
    ORANGE,
    PINK,
    PLUM,
    RED,
    SKY,
    STONE,
    TEAL,
    WHITE,
    WOOD,
    YELLOW,
    Colour,
    Pen,
    arc,
    mix,
    scallops,
    smooth,
)
from people import CLOTHES, SHOULDER, canopy, draw_arm, draw_head, draw_person, stranger


def draw_umbrella(pen: Pen, rng: random.Random) -> None:
    colours = rng.choice(((RED, WHITE), (RED, WHITE), (BLUE, WHITE), (YELLOW, ORANGE), (GREEN, CREAM),
                          (PINK, PLUM), (TEAL, YELLOW)))  # fmt: skip
    pen = pen.at(0, 0, turn=rng.uniform(-12, 12))
    pen.limb([(0, 0), (0, -4.4)], 0.16, WOOD)
    canopy(pen, 0, -4.1, 2.7, 1.7, colours, 8)


def draw_towel(pen: Pen, rng: random.Random) -> None:
    a, b = rng.sample((RED, WHITE, BLUE, YELLOW, TEAL, PINK, ORANGE, MINT), 2)
    pen.shape([(-2.4, 0.5), (-2.1, -0.75), (2.6, -0.75), (2.3, 0.5)], a)
    for k in range(4):
        x = -1.9 + k * 1.1
        pen.shape([(x, 0.5), (x + 0.25, -0.75), (x + 0.7, -0.75), (x + 0.45, 0.5)], b, None)
    pen.shape([(-2.4, 0.5), (-2.1, -0.75), (2.6, -0.75), (2.3, 0.5)], None)


def draw_stall(pen: Pen, rng: random.Random, goods: str = "") -> None:
    """A market stall, 6 wide and 6 high, with awning, seller and goods."""
    a, b = rng.choice(((RED, WHITE), (RED, WHITE), (BLUE, WHITE), (GREEN, CREAM), (ORANGE, CREAM)))
    for x in (-2.7, 2.7):
        pen.limb([(x, 0), (x, -5)], 0.16, WOOD)
    pen.rect(-2.7, -4.6, 2.7, -1.2, mix(WOOD, INK, 0.35))
    for k in range(rng.choice((1, 2, 2))):
        seller = replace(
            stranger(rng, "town"), holds="", legs="stand", back=False, lean=0, size=0.9
        )
        draw_person(pen.at(-1.3 + 2.4 * k + rng.uniform(-0.3, 0.3), 0), seller)
    pen.rect(-2.9, -1.75, 2.9, 0, WOOD)
    for x in (-1.9, -0.9, 0.1, 1.1, 2.1):
        pen.line([(x, -1.5), (x, 0)], mix(WOOD, INK, 0.5))
    pen.rect(-3.1, -2.0, 3.1, -1.65, mix(WOOD, WHITE, 0.3))
    goods = goods or rng.choice(("fruit", "bread", "pots", "fish", "cloth"))
    for k in range(10):
        x = -2.6 + k * 0.58
        if goods == "fruit":
            fruit = (RED, ORANGE, GREEN, YELLOW, PLUM)[k // 2]
            for dx, dy in ((0, 0), (0.27, 0), (0.13, -0.2)):
                pen.oval(x + dx, -2.1 + dy, 0.17, fill=fruit)
        elif goods == "bread":
            pen.oval(x, -2.12, 0.34, 0.18, (226, 164, 92))
        elif goods == "pots":
            pen.shape(smooth([(x - 0.14, -2.5), (x + 0.14, -2.5), (x + 0.24, -2.2), (x + 0.12, -2.0),
                              (x - 0.12, -2.0), (x - 0.24, -2.2)]), (BLUE, ORANGE, CREAM)[k % 3])  # fmt: skip
        elif goods == "fish":
            pen.shape(smooth([(x - 0.3, -2.1), (x, -2.26), (x + 0.3, -2.1), (x, -1.98)]), SKY)
        else:
            pen.rect(
                x - 0.25, -2.2 - 0.1 * (k % 3), x + 0.3, -1.98, CLOTHES[(k * 5) % len(CLOTHES)]
            )
    awning(pen, -3.3, 3.3, -6.2, -4.5, a, b, 9)


def awning(
    pen: Pen, x0: float, x1: float, y0: float, y1: float, a: Colour, b: Colour, n: int
) -> None:
    """A striped slope between the heights y0 (back) and y1 (front), with scallops below."""
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
    green = rng.choice((GREEN, (122, 178, 84), (84, 146, 88), (168, 184, 78)))
    pen.shape([(-0.7, 0.1), (-0.35, -1.2), (-0.35, -4), (0.4, -4), (0.35, -1.2), (0.75, 0.1)],
              mix(BROWN, WOOD, 0.4))  # fmt: skip
    pen.line([(-0.05, -0.6), (0, -2.6)])
    for cx, cy, r in ((-1.3, -4.6, 1.8), (1.4, -4.5, 1.7), (0, -6.4, 2.1)):
        pen.shape(scallops(arc(cx, cy, r, r * 0.92, 0, 360, 10)[:-1], 0.8), green)
    pen.shape(arc(0, -5.3, 1.9, 1.2, 0, 360, 14), green, None)
    dark = mix(green, INK, 0.45)
    for _ in range(22):
        a, r = rng.uniform(0, 6.28), rng.uniform(0, 2.3)
        x, y = r * math.cos(a), -5.3 + r * 0.9 * math.sin(a)
        pen.line([(x - 0.14, y), (x, y + 0.12), (x + 0.14, y)], dark)


def draw_pine(pen: Pen, rng: random.Random) -> None:
    """A fir with snow on it, about 4 wide and 8 high."""
    green = rng.choice(((70, 128, 96), (84, 146, 104), (60, 112, 92)))
    pen.rect(-0.3, -1, 0.3, 0, BROWN)
    for k, (w, y) in enumerate(((2.2, -0.7), (1.8, -2.4), (1.3, -4.1), (0.85, -5.6))):
        n = 5
        low = [(-w + 2 * w * i / (2 * n), y + (0.3 if i % 2 else 0)) for i in range(2 * n + 1)]
        pen.shape([(0, y - 2.6), *reversed(low)], green)
        pen.shape([(0, y - 2.55), (w * 0.5, y - 1.2), (w * 0.22, y - 1.4), (0, y - 1.05),
                   (-w * 0.25, y - 1.4), (-w * 0.5, y - 1.2)], WHITE, None if k else INK)  # fmt: skip


def draw_palm(pen: Pen, rng: random.Random) -> None:
    lean = rng.choice((-1.2, 1.2))
    trunk = smooth([(0, 0), (lean * 0.2, -2.5), (lean, -5.5)], closed=False, steps=4)
    pen.limb(trunk, 0.5, WOOD, (mix(WOOD, INK, 0.35), 0.6))
    for angle in (-170, -140, -100, -60, -25, 5, 180):
        a = math.radians(angle)
        x, y = lean + 2.6 * math.cos(a), -5.6 + 1.9 * math.sin(a)
        mx, my = lean + 1.4 * math.cos(a), -6.3 + 1.5 * math.sin(a)
        pen.shape(smooth([(lean, -5.6), (mx, my - 0.25), (x, y + 0.5), (mx, my + 0.45)]), GREEN)
        pen.line([(lean, -5.6), (mx, my + 0.1)])
    for dx in (-0.25, 0.2):
        pen.oval(lean + dx, -5.3, 0.25, fill=BROWN)


def draw_house(
    pen: Pen,
    rng: random.Random,
    wide: float = 10,
    high: float = 9,
    snow: bool = False,
    shop: bool = False,
) -> None:
    """A gabled front with windows, perhaps with a shop and its awning below."""
    wall = rng.choice((CREAM, (244, 196, 150), (236, 168, 150), (196, 214, 188), (178, 204, 222),
                       (250, 224, 150), (232, 190, 196)))  # fmt: skip
    roof = rng.choice(((196, 88, 62), (178, 72, 58), (150, 84, 66), (112, 110, 130)))
    if snow:
        wall = rng.choice((WOOD, (206, 156, 104), (160, 108, 72)))
    w, peak = wide / 2, wide * rng.uniform(0.32, 0.5)
    pen.rect(w * 0.4, -high - peak * 0.95, w * 0.62, -high - peak * 0.2, (196, 120, 96))
    pen.shape([(-w, 0), (-w, -high), (0, -high - peak), (w, -high), (w, 0)], wall)
    if snow:
        for k in range(1, int(high / 0.7)):
            pen.line([(-w, -k * 0.7), (w, -k * 0.7)], mix(wall, INK, 0.3))
    else:
        for _ in range(9):
            x, y = rng.uniform(-w + 0.6, w - 1), -rng.uniform(0.4, high)
            for dy in (0, 0.22):
                pen.line([(x + dy, y + dy), (x + 0.5 + dy, y + dy)], mix(wall, INK, 0.35))
    t = 0.5
    for side in (-1, 1):
        pen.shape(
            [(0, -high - peak - t), (side * (w + 0.6), -high + 0.2), (side * (w + 0.6), -high + 0.85),
             (0, -high - peak + 0.6)],
            WHITE if snow else roof,
        )  # fmt: skip
    columns = max(1, int(wide / 3))
    floors = max(1, int((high - (4.6 if shop else 3.2)) / 2.8) + 1)
    glass, frame = rng.choice(((170, 208, 226), (120, 140, 168))), WHITE
    shutter = rng.choice((GREEN, BLUE, RED, TEAL, BROWN))
    for floor in range(floors):
        y = -high + 0.9 + floor * 2.8
        for k in range(columns):
            x = -w + (k + 0.5) * wide / columns
            pen.rect(x - 0.65, y, x + 0.65, y + 1.6, glass)
            pen.line([(x, y), (x, y + 1.6)], frame, 0.1)
            pen.line([(x - 0.65, y + 0.7), (x + 0.65, y + 0.7)], frame, 0.1)
            pen.rect(x - 0.65, y, x + 0.65, y + 1.6, None)
            if rng.random() < 0.2:
                guest = replace(stranger(rng, "town"), holds="", back=False, lean=0, size=0.78)
                head = pen.at(x, y + 0.95, 0.8)
                head.shape([(-0.55, 0.8), (-0.4, 0.5), (0.4, 0.5), (0.55, 0.8)], guest.top_colour)
                draw_head(head.at(0, 0.05, 0.8), guest)
            for side in (-1, 1):
                pen.rect(x + side * 0.7, y - 0.05, x + side * 1.1, y + 1.65, shutter)
            pen.rect(x - 0.75, y + 1.6, x + 0.75, y + 1.85, WOOD)
            if not snow and rng.random() < 0.6:
                for j in range(5):
                    pen.oval(x - 0.6 + j * 0.3, y + 1.5, 0.16,
                             fill=rng.choice((RED, PINK, YELLOW, GREEN)))  # fmt: skip
            elif snow:
                pen.rect(x - 0.8, y + 1.5, x + 0.8, y + 1.66, WHITE, None)
    pen.rect(-0.2, -high - peak * 0.5, 0.5, -high - peak * 0.5 + 0.9, glass)
    door = rng.uniform(-w * 0.4, w * 0.4)
    if shop:
        pen.rect(-w + 0.5, -3.1, w - 0.5, 0, mix(glass, INK, 0.15))
        for k in range(int(wide) - 2):
            pen.oval(
                -w + 1.2 + k, -0.75, 0.34, 0.3, rng.choice((YELLOW, ORANGE, PINK, CREAM, GREEN))
            )
        pen.rect(-w + 0.4, -0.6, w - 0.4, 0, shutter)
        a, b = rng.choice(((RED, WHITE), (GREEN, WHITE), (BLUE, CREAM), (RED, CREAM)))
        awning(pen, -w + 0.1, w - 0.1, -4.4, -3.0, a, b, int(wide))
    pen.shape([(door - 0.75, 0), (door - 0.75, -2.2), *arc(door, -2.2, 0.75, 0.75, 180, 360, 8),
               (door + 0.75, 0)], mix(shutter, INK, 0.2))  # fmt: skip
    pen.oval(door + 0.45, -1.2, 0.12, fill=YELLOW)


def draw_fountain(pen: Pen, rng: random.Random) -> None:
    """A round fountain, 8 wide and 6 high."""
    water = (150, 204, 226)
    pen.oval(0, -0.8, 4.0, 1.3, STONE)
    pen.shape([(-4, -1.9), (4, -1.9), (4, -0.8), (-4, -0.8)], STONE, None)
    pen.line([(-4, -1.9), (-4, -0.8)])
    pen.line([(4, -1.9), (4, -0.8)])
    pen.oval(0, -1.9, 4.0, 1.2, STONE)
    pen.oval(0, -1.9, 3.5, 0.95, water)
    for k in range(9):
        x = -3.5 + k * 0.85
        pen.line([(x, -0.6 + 0.35 * math.cos(x / 2.4)), (x, -1.0 + 0.4 * math.cos(x / 2.4))],
                 mix(STONE, INK, 0.4))  # fmt: skip
    pen.shape([(-0.5, -1.6), (-0.3, -4), (0.3, -4), (0.5, -1.6)], STONE)
    pen.oval(0, -4, 1.6, 0.5, STONE)
    pen.oval(0, -4.05, 1.3, 0.32, water)
    for side in (-1, 1):
        for reach in (1.0, 2.1, 2.8):
            pen.line(smooth([(0, -5.8), (side * reach * 0.5, -5.6), (side * reach, -2.2)],
                            closed=False), WHITE, 0.13)  # fmt: skip
    pen.shape(smooth([(0, -6.2), (0.3, -5.4), (0, -4.2), (-0.3, -5.4)]), WHITE)
    for _ in range(6):
        x = rng.uniform(-2.8, 2.8)
        pen.line(arc(x, -1.7 + rng.uniform(-0.3, 0.3), 0.4, 0.12, 0, 180, 6), WHITE, 0.1)


def draw_lamp(pen: Pen, rng: random.Random) -> None:
    pen.limb([(0, 0), (0, -6.2)], 0.16, NAVY)
    pen.rect(-0.35, -0.4, 0.35, 0, NAVY)
    pen.shape([(-0.35, -6.2), (0.35, -6.2), (0.55, -7.3), (-0.55, -7.3)], (255, 240, 170))
    pen.shape([(-0.65, -7.3), (0.65, -7.3), (0, -7.9)], NAVY)
    x = rng.choice((-0.95, 0.95))
    pen.line([(0, -6), (x, -6), (x, -5.4)], NAVY, 0.12)
    for dx, dy in ((-0.3, 0.0), (0.3, 0.0), (0.0, -0.2), (0.0, 0.15)):
        pen.oval(x + dx, -5.2 + dy, 0.3, 0.26, rng.choice((RED, PINK, YELLOW, GREEN)))


def draw_tent(pen: Pen, rng: random.Random, wide: float = 8, high: float = 9) -> None:
    """A round pavilion with a pointed roof and a pennant."""
    a, b = rng.choice(((RED, WHITE), (RED, WHITE), (BLUE, YELLOW), (GREEN, CREAM), (PLUM, YELLOW),
                       (TEAL, WHITE), (ORANGE, CREAM)))  # fmt: skip
    w, eave, n = wide / 2, -high * 0.5, 8
    xs = [-math.cos(math.pi * i / n) * w for i in range(n + 1)]
    for i in range(n):
        sag0, sag1 = (0.35 * math.sin(math.pi * k / n) for k in (i, i + 1))
        pen.shape([(xs[i], eave), (xs[i + 1], eave), (xs[i + 1] * 1.06, sag1), (xs[i] * 1.06, sag0)],
                  (a, b)[i % 2])  # fmt: skip
    pen.shape([(-w * 0.16, eave), (w * 0.16, eave), (w * 0.3, 0.3), (-w * 0.3, 0.3)],
              mix(a, INK, 0.6))  # fmt: skip
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
    c = rng.choice((RED, YELLOW, BLUE, GREEN, ORANGE))
    side = rng.choice((-1, 1))
    pen.line([(0, 0), (0, -high)], BROWN, 0.12)
    top = smooth([(0, -high), (side * 0.8, -high + 0.1), (side * 1.7, -high + 0.35)], False)
    pen.shape([*top, (0, -high + 0.8)], c)


def draw_bunting(pen: Pen, rng: random.Random, length: float, high: float = 6.0) -> None:
    """A string of little flags between two poles, its middle at the origin."""
    for x in (-length / 2, length / 2):
        pen.limb([(x, 0), (x, -high)], 0.14, WOOD)
    n = int(length / rng.uniform(0.8, 1.0))
    rope = [
        (-length / 2 + length * i / n, -high + 1.1 * math.sin(math.pi * i / n))
        for i in range(n + 1)
    ]
    pen.line(rope)
    for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(rope)):
        pen.shape([(x0 + 0.1, y0), (x1 - 0.1, y1), ((x0 + x1) / 2, (y0 + y1) / 2 + 0.9)],
                  (RED, WHITE, YELLOW, BLUE, GREEN)[i % 5])  # fmt: skip


def draw_bench(pen: Pen, rng: random.Random, theme: str = "town") -> None:
    """A bench with two or three people on it."""
    c = rng.choice((GREEN, BROWN, RED, BLUE))
    pen.rect(-2.3, -2.6, 2.3, -2.2, c)
    pen.rect(-2.3, -2.1, 2.3, -1.7, c)
    for x in (-1.4, 0.1, 1.5)[: rng.choice((2, 3))]:
        who = replace(stranger(rng, theme), legs="stand", back=False, lean=0, under="", size=0.9)
        draw_person(
            pen.at(x, -0.5 + rng.uniform(-0.1, 0.1)), replace(who, legs="sit", bottom="trousers")
        )
    pen.rect(-2.5, -0.95, 2.5, -0.7, c)
    for x in (-2.1, 2.1):
        pen.rect(x - 0.12, -0.7, x + 0.12, 0.1, BLACK)


def draw_cart(pen: Pen, rng: random.Random) -> None:
    """An ice-cream cart with its seller."""
    c = rng.choice((PINK, MINT, SKY, YELLOW))
    seller = replace(stranger(rng, "town"), hat="boater", hat_colour=WHITE, hat_trim=RED, top="apron",
                     holds="icecream", right="carry", back=False, legs="stand", lean=0)  # fmt: skip
    draw_person(pen.at(1.6, -0.35), seller)
    pen.rect(-1.9, -2.3, 1.3, -0.7, c)
    pen.rect(-2.1, -2.6, 1.5, -2.25, WHITE)
    for x, colour in ((-1.5, PINK), (-0.9, CREAM), (-0.3, BROWN), (0.3, MINT), (0.9, YELLOW)):
        pen.oval(x, -2.7, 0.3, 0.24, colour)
    pen.shape([(-0.65, -1.9), (0.05, -1.9), (-0.3, -0.95)], (226, 170, 96))
    pen.oval(-0.3, -1.95, 0.38, 0.26, WHITE)
    for x in (-1.2, 0.6):
        wheel(pen, x, -0.55, 0.6)
    pen.limb([(-1.6, -2.4), (-1.6, -5.2)], 0.12, WOOD)
    canopy(pen, -1.6, -4.9, 2.0, 1.3, (RED, WHITE), 6)


def wheel(pen: Pen, x: float, y: float, r: float) -> None:
    pen.oval(x, y, r, fill=BROWN)
    pen.oval(x, y, r * 0.78, fill=WHITE)
    for k in range(4):
        a = math.pi * k / 4
        dx, dy = r * 0.78 * math.cos(a), r * 0.78 * math.sin(a)
        pen.line([(x - dx, y - dy), (x + dx, y + dy)], BROWN, 0.08)
    pen.oval(x, y, r * 0.18, fill=BROWN)


def draw_bus(pen: Pen, rng: random.Random) -> None:
    """A double-decker, 11 wide and 7.5 high."""
    pen.shape(smooth([(-5.4, -0.7), (-5.5, -7), (-5, -7.6), (5, -7.6), (5.5, -7), (5.4, -0.7)], False),
              RED)  # fmt: skip
    for y in (-6.9, -3.6):
        for k in range(6):
            x = -4.9 + k * 1.66
            if y == -3.6 and k == 5:
                pen.rect(x, y, x + 1.5, -0.8, SKY)
                continue
            pen.rect(x, y, x + 1.45, y + 1.7, SKY)
            if rng.random() < 0.75:
                guest = replace(stranger(rng, "town"), back=False)
                draw_head(pen.at(x + 0.75, y + 1.1, 0.85), guest)
                pen.rect(x, y + 1.62, x + 1.45, y + 1.78, RED, None)
            pen.rect(x, y, x + 1.45, y + 1.7, None)
    pen.rect(-5.45, -4.9, 5.45, -4.3, CREAM)
    for k in range(14):
        pen.line([(-4.6 + k * 0.7, -4.6), (-4.3 + k * 0.7, -4.6)], NAVY, 0.22)
    for x in (-3.4, 3.0):
        pen.oval(x, -0.7, 1.0, fill=BLACK)
        pen.oval(x, -0.7, 0.45, fill=GREY)


def draw_bicycle(pen: Pen, rng: random.Random) -> None:
    c = rng.choice((RED, BLUE, GREEN, ORANGE))
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
    c = rng.choice((WOOD, BROWN, WHITE, (90, 80, 84), (226, 178, 120)))
    pen = pen.at(0, 0, rng.uniform(0.8, 1.1), flip=rng.random() < 0.5)
    for x in (-0.55, -0.3, 0.4, 0.62):
        pen.limb([(x, -0.6), (x + rng.uniform(-0.15, 0.15), 0)], 0.15, c)
    pen.line(smooth([(-0.7, -0.8), (-1.0, -1.1), (-1.0, -1.45)], False), INK, 0.16)
    pen.shape(smooth([(-0.8, -0.75), (-0.4, -1.0), (0.5, -0.98), (0.8, -0.7), (0.5, -0.45),
                      (-0.6, -0.42)]), c)  # fmt: skip
    pen.shape(smooth([(0.5, -1.2), (0.8, -1.5), (1.1, -1.3), (1.45, -1.1), (1.35, -0.9),
                      (0.9, -0.85), (0.6, -0.85)]), c)  # fmt: skip
    pen.shape(smooth([(0.6, -1.45), (0.72, -1.4), (0.72, -0.95), (0.5, -1.0)]), mix(c, INK, 0.5))
    pen.oval(1.42, -1.05, 0.09, fill=INK, ink=None)
    pen.oval(0.98, -1.22, 0.06, fill=INK, ink=None)
    pen.line([(0.66, -0.86), (0.9, -0.78)], RED, 0.12)


def draw_horse(pen: Pen, rng: random.Random) -> None:
    """A knight on his horse."""
    c = rng.choice((WOOD, WHITE, BROWN, (226, 190, 140), GREY))
    cloth = rng.choice((RED, BLUE, YELLOW, GREEN, PLUM))
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    dark = mix(c, INK, 0.5)
    for x, dx in ((-1.5, -0.4), (-1.1, 0.3), (1.1, 0.6), (1.5, 0.1)):
        pen.limb([(x, -1.7), (x + dx * 0.5, -0.9), (x + dx, -0.1)], 0.34, c)
        pen.limb([(x + dx, -0.1), (x + dx + 0.1, -0.08)], 0.34, dark)
    pen.shape(smooth([(-1.9, -2.4), (-2.7, -1.8), (-2.5, -0.8), (-2.2, -1.4), (-1.8, -1.9)]), dark)
    pen.shape(smooth([(-2.0, -2.2), (-1.4, -2.9), (1.2, -2.8), (1.7, -2.4), (1.5, -1.6),
                      (-1.7, -1.5)]), c)  # fmt: skip
    pen.shape(smooth([(1.0, -2.6), (1.5, -3.9), (2.1, -4.5), (2.5, -4.2), (3.1, -3.4), (2.8, -3.1),
                      (2.2, -3.4), (1.9, -2.2)]), c)  # fmt: skip
    pen.shape(smooth([(1.0, -2.9), (1.3, -3.9), (1.95, -4.7), (1.7, -3.6), (1.4, -2.8)]), dark)
    pen.oval(2.3, -3.95, 0.1, fill=INK, ink=None)
    pen.shape([(-1.6, -2.9), (0.9, -2.85), (1.2, -1.1), (0.5, -1.4), (-0.2, -1.1), (-0.9, -1.4),
               (-1.8, -1.1)], cloth)  # fmt: skip
    pen.oval(-0.3, -1.9, 0.36, fill=YELLOW)
    who = replace(stranger(rng, "castle"), hat="helmet", hat_colour=GREY, top="tunic", top_colour=cloth,
                  bottom="trousers", legs="ride", holds="spear", right="carry", left="carry",
                  hat_trim=cloth, back=False, flip=False, cape=None, size=0.95)  # fmt: skip
    draw_person(pen.at(-0.25, -1.25), who)


def draw_gull(pen: Pen, rng: random.Random) -> None:
    s = rng.uniform(-0.3, 0.3)
    pen.shape(smooth([(-1.0, -0.5 + s), (-0.5, -0.35), (0, 0), (0.5, -0.35), (1.0, -0.5 - s), (0.5, 0.0),
                      (0, 0.25), (-0.5, 0.0)]), WHITE)  # fmt: skip
    pen.shape([(0.1, 0.1), (0.4, 0.16), (0.12, 0.24)], ORANGE)


def draw_pigeon(pen: Pen, rng: random.Random) -> None:
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    c = rng.choice((GREY, (180, 184, 196), WHITE))
    pen.line([(0, 0), (0, -0.25)], ORANGE, 0.06)
    pen.shape(smooth([(-0.6, -0.35), (0, -0.6), (0.25, -0.85), (0.42, -0.7), (0.3, -0.35),
                      (0, -0.2)]), c)  # fmt: skip
    pen.shape([(0.4, -0.75), (0.6, -0.66), (0.38, -0.62)], ORANGE)


def draw_castle(pen: Pen, rng: random.Random, wide: float) -> None:
    """Castle wall with towers, gate and guards; the wall's foot at the origin."""
    stone = (214, 200, 176)
    dark = mix(stone, INK, 0.4)
    w = wide / 2

    def merlons(x0: float, x1: float, y: float) -> None:
        n = max(3, round((x1 - x0) / 1.3))
        step = (x1 - x0) / (2 * n + 1)
        for i in range(n + 1):
            pen.rect(x0 + 2 * i * step, y - 0.9, x0 + (2 * i + 1) * step, y + 0.02, stone)

    def bricks(x0: float, x1: float, y0: float, y1: float) -> None:
        for _ in range(int((x1 - x0) * (y1 - y0) * 0.22)):
            x, y = rng.uniform(x0 + 0.2, x1 - 1), rng.uniform(y0 + 0.3, y1 - 0.5)
            pen.line([(x, y + 0.4), (x, y), (x + 0.75, y)], dark)

    for k in range(int(wide / 3.2)):
        x = -w + 1.4 + k * 3.2 + rng.uniform(-0.5, 0.5)
        guard = replace(stranger(rng, "castle"), back=False, legs="stand", lean=0)
        draw_person(pen.at(x, -6.2), guard)
    pen.rect(-w, -7, w, 0, stone)
    merlons(-w, w, -7)
    bricks(-w, w, -7, 0)
    for x, r, high in ((-w * 0.92, 2.6, 11.5), (-w * 0.3, 2.2, 13), (w * 0.3, 2.2, 13),
                       (w * 0.92, 2.6, 11.5)):  # fmt: skip
        roof = rng.choice((RED, BLUE, (178, 72, 58), TEAL))
        pen.rect(x - r, -high, x + r, 0.2, stone)
        bricks(x - r, x + r, -high, 0)
        pen.rect(x - r - 0.3, -high - 0.2, x + r + 0.3, -high + 0.9, stone)
        merlons(x - r - 0.3, x + r + 0.3, -high - 0.2)
        if abs(x) < w * 0.5:
            pen.shape(
                [(x - r - 0.2, -high - 0.8), (x, -high - 5.4), (x + r + 0.2, -high - 0.8)], roof
            )
            draw_pennant(pen.at(x, -high - 5.3), rng)
        else:
            guard = replace(
                stranger(rng, "castle"), back=False, legs="stand", lean=0, holds="spear"
            )
            draw_person(pen.at(x, -high + 0.2), guard)
            pen.rect(x - r - 0.3, -high - 0.2, x + r + 0.3, -high + 0.9, stone)
            merlons(x - r - 0.3, x + r + 0.3, -high - 0.2)
        for y in (-high + 2.6, -high + 6):
            pen.shape([(x - 0.35, y + 1.2), (x - 0.35, y), *arc(x, y, 0.35, 0.5, 180, 360, 6),
                       (x + 0.35, y + 1.2)], INK)  # fmt: skip
    pen.shape([(-2.1, 0.1), (-2.1, -3), *arc(0, -3, 2.1, 2.2, 180, 360, 12), (2.1, 0.1)], BLACK)
    for x in (-1.4, -0.7, 0.0, 0.7, 1.4):
        pen.line([(x, -4.4), (x, -1.6)], WOOD, 0.16)
    for y in (-3.6, -2.4):
        pen.line([(-2, y), (2, y)], WOOD, 0.16)
    for x in (-w * 0.62, w * 0.62):
        c = rng.choice((RED, BLUE))
        pen.shape([(x - 1, -6.2), (x + 1, -6.2), (x + 1, -2), (x, -2.8), (x - 1, -2)], c)
        pen.shape([(x, -5.4), (x + 0.6, -4.4), (x, -3.4), (x - 0.6, -4.4)], YELLOW)


def draw_wheel(pen: Pen, rng: random.Random, r: float = 9.0) -> None:
    """A ferris wheel of radius r."""
    cy = -r - 2.6
    for x in (-r * 0.55, r * 0.55):
        pen.limb([(x, 0), (0, cy)], 0.45, (214, 120, 90))
    for q in (r, r * 0.9):
        pen.line(arc(0, cy, q, q, 0, 360, 60), INK, 0.34)
        pen.line(arc(0, cy, q, q, 0, 360, 60), RED if q == r else YELLOW, 0.2)
    n = 12
    for k in range(n):
        a = 2 * math.pi * k / n + 0.15
        x, y = r * math.cos(a), cy + r * math.sin(a)
        pen.line([(0, cy), (x, y)], GREY, 0.12)
    pen.oval(0, cy, 1.0, fill=YELLOW)
    star = [
        (q * math.cos(math.pi * i / 5), cy + q * math.sin(math.pi * i / 5))
        for i, q in enumerate((0.32, 0.8) * 5)
    ]
    pen.shape(star, RED)
    for k in range(n):
        a = 2 * math.pi * k / n + 0.15
        x, y = r * math.cos(a), cy + r * math.sin(a)
        c = (RED, BLUE, YELLOW, GREEN, ORANGE, PLUM)[k % 6]
        for dx in (-0.5, 0.55):
            who = replace(stranger(rng, "fair"), hat="", back=False, size=0.8, holds="")
            draw_head(pen.at(x + dx, y + 0.75, 0.8), who)
        pen.line([(x, y), (x - 1.1, y + 1.2)])
        pen.line([(x, y), (x + 1.1, y + 1.2)])
        pen.shape(arc(x, y + 1.1, 1.15, 1.2, 0, 180, 8), c)
        canopy(pen, x, y - 0.1, 1.25, 0.7, (c, WHITE), 4)


def draw_carousel(pen: Pen, rng: random.Random) -> None:
    """A roundabout, 11 wide and 10 high."""
    pen.oval(0, -0.9, 5.4, 1.3, (214, 120, 90))
    pen.oval(0, -1.3, 5.4, 1.3, CREAM)
    pen.rect(-1.0, -7, 1.0, -1.4, PINK)
    for x in (-0.6, 0, 0.6):
        pen.line([(x, -6.8), (x, -1.5)], YELLOW, 0.18)
    for k, x in enumerate((-4.4, -2.3, 0.1, 2.4, 4.4)):
        y = -1.6 + 0.8 * (1 - (x / 5) ** 2) + rng.uniform(-0.4, 0.2)
        pen.line([(x, -6.9), (x, y + 0.2)], YELLOW, 0.16)
        c = (WHITE, WOOD, SKY, PINK, WHITE)[k]
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
                   (xs[i + 1], -7.2)], ((RED, CREAM), (BLUE, CREAM))[0][i % 2])  # fmt: skip
    draw_pennant(pen.at(0, -10.1), rng)


def draw_slide(pen: Pen, rng: random.Random) -> None:
    """A helter-skelter, 6 wide and 14 high."""
    for k in range(7):
        w0, w1 = 2.4 - k * 0.2, 2.2 - k * 0.2
        pen.shape([(-w0, -k * 1.6), (w0, -k * 1.6), (w1, -(k + 1) * 1.6), (-w1, -(k + 1) * 1.6)],
                  (RED, CREAM)[k % 2])  # fmt: skip
    for k in range(3):
        y = -1.4 - k * 3.1
        pen.limb(smooth([(2.7 - k * 0.3, y - 1.6), (0.4, y - 0.2), (-2.8 + k * 0.3, y)], False), 0.5,
                 YELLOW)  # fmt: skip
        who = replace(stranger(rng, "fair"), legs="sit", left="up", right="up", back=False, size=0.6,
                      bottom="trousers", holds="")  # fmt: skip
        draw_person(pen.at(0.9 - k, y - 0.3), who)
    pen.shape([(-1.7, -11.2), (0, -14), (1.7, -11.2)], BLUE)
    draw_pennant(pen.at(0, -13.9), rng)


def draw_boat(pen: Pen, rng: random.Random) -> None:
    """A sailing boat, 6 wide and 8 high."""
    a, b = rng.choice(((RED, WHITE), (WHITE, WHITE), (YELLOW, ORANGE), (WHITE, BLUE), (CREAM, RED)))
    pen = pen.at(0, 0, turn=rng.uniform(-5, 5), flip=rng.random() < 0.5)
    pen.limb([(0, -1), (0, -8)], 0.16, WOOD)
    for k in range(4):
        t0, t1 = k / 4, (k + 1) / 4
        pen.shape([(0.25, -7.8 + t0 * 6), (0.25 + 2.9 * t0, -7.8 + t0 * 6),
                   (0.25 + 2.9 * t1, -7.8 + t1 * 6), (0.25, -7.8 + t1 * 6)], (a, b)[k % 2])  # fmt: skip
    pen.shape([(-0.25, -7.2), (-0.25, -1.8), (-2.4, -1.8)], b)
    for x in (-1.4, 1.2):
        sailor = replace(stranger(rng, "harbour"), holds="", back=False, size=0.8)
        draw_person(pen.at(x, -0.2), sailor)
    pen.shape(smooth([(-3.1, -1.3), (3.2, -1.3), (2.4, 0.1), (-2.2, 0.1)], steps=3),
              rng.choice((RED, BLUE, GREEN, WOOD, NAVY)))  # fmt: skip
    pen.line([(-2.8, -0.9), (2.9, -0.9)], WHITE, 0.16)


def draw_ship(pen: Pen, rng: random.Random) -> None:
    """A three-masted ship, 22 wide and 17 high, crew at the rail."""
    for x, high in ((-6, 14), (0.5, 17), (6.5, 13.5)):
        pen.limb([(x, -3), (x, -high)], 0.35, WOOD)
        for y0, y1, w in ((-high + 1.2, -high + 5, 2.4), (-high + 5.6, -5.6, 3.1)):
            c = rng.choice((CREAM, WHITE, (244, 226, 190)))
            sail = [(x - w, y0), (x + w, y0), *smooth([(x + w, y0), (x + w + 0.8, (y0 + y1) / 2),
                    (x + w, y1)], False), (x, y1 - 0.6), *smooth([(x - w, y1),
                    (x - w + 0.8, (y0 + y1) / 2), (x - w, y0)], False)]  # fmt: skip
            pen.shape(sail, c)
            pen.line([(x - w - 0.3, y0), (x + w + 0.3, y0)], BROWN, 0.25)
        draw_pennant(pen.at(x, -high), rng)
    pen.line([(-10.5, -4), (-6, -13), (0.5, -16), (6.5, -12.5), (12.5, -6)])
    for k in range(9):
        sailor = replace(stranger(rng, "harbour"), back=False, legs="stand", size=0.95)
        draw_person(pen.at(-8.5 + k * 2.05 + rng.uniform(-0.4, 0.4), -1.5), sailor)
    deck = smooth([(-11, -4.6), (-8, -3), (0, -2.6), (8, -3.2), (12.5, -5.6)], False)
    pen.shape([*deck, (9.5, 0.4), (-9, 0.4)], (170, 108, 66))
    for y, c in ((-1.9, YELLOW), (-0.9, RED)):
        pen.line(smooth([(-10, y - 0.6), (0, y), (10.4, y - 0.8)], False), c, 0.3)
    for k in range(8):
        pen.oval(-7.5 + k * 2.1, -1.4, 0.4, fill=INK)
    pen.limb([(11.5, -5), (15, -6.6)], 0.3, WOOD)


def draw_lighthouse(pen: Pen, rng: random.Random) -> None:
    pen.shape(smooth([(-3.4, 0.4), (-2.6, -1.2), (0, -1.7), (2.8, -1.1), (3.4, 0.4)]), STONE)
    for k in range(6):
        w0, w1 = 1.7 - k * 0.13, 1.57 - k * 0.13
        pen.shape([(-w0, -1 - k * 1.7), (w0, -1 - k * 1.7), (w1, -2.7 - k * 1.7), (-w1, -2.7 - k * 1.7)],
                  (RED, WHITE)[k % 2])  # fmt: skip
    for y in (-8.6, -5.2, -1.9):
        pen.rect(-0.3, y, 0.3, y + 0.8, rng.choice((NAVY, YELLOW)))
    pen.rect(-1.3, -11.6, 1.3, -11.2, NAVY)
    pen.rect(-0.8, -13, 0.8, -11.6, (255, 240, 150))
    pen.shape(arc(0, -13, 1.0, 1.0, 180, 360, 8), RED)


def draw_bollard(pen: Pen, rng: random.Random) -> None:
    pen.limb([(0, 0), (0, -0.8)], 0.5, NAVY)
    pen.oval(0, -0.95, rng.uniform(0.38, 0.46), 0.2, NAVY)


def draw_crates(pen: Pen, rng: random.Random) -> None:
    """Crates and barrels."""
    for x, y in ((-1.2, 0), (0.5, 0.1), (-0.5, -1.4)):
        pen.rect(x - 0.8, y - 1.4, x + 0.8, y, WOOD)
        pen.line([(x - 0.8, y - 1.4), (x + 0.8, y)])
        pen.line([(x - 0.8, y - 0.7), (x + 0.8, y - 0.7)])
    pen.shape(smooth([(1.5, 0.1), (1.3, -0.9), (1.5, -1.8), (2.5, -1.8), (2.7, -0.9), (2.5, 0.1)]),
              (170, 108, 66))  # fmt: skip
    for y in (-1.4, -0.4):
        pen.line([(1.4, y), (2.6, y)], GREY, 0.14)
    if rng.random() < 0.6:
        pen.shape(
            smooth([(-1.0, -2.8), (-0.9, -3.5), (-0.5, -3.3), (-0.2, -3.6), (0.0, -2.8)]), BLACK
        )
        pen.oval(-0.75, -3.2, 0.06, fill=YELLOW, ink=None)
        pen.oval(-0.45, -3.2, 0.06, fill=YELLOW, ink=None)


def draw_snowman(pen: Pen, rng: random.Random) -> None:
    pen.limb([(-0.7, -2.1), (-1.7, -2.9)], 0.1, BROWN)
    pen.limb([(0.7, -2.1), (1.7, -2.7)], 0.1, BROWN)
    for y, r in ((-0.8, 1.15), (-2.2, 0.85), (-3.4, 0.62)):
        pen.oval(0, y, r, r * 0.95, WHITE)
    for y in (-1.0, -1.9, -2.4):
        pen.oval(0.05, y, 0.1, fill=INK, ink=None)
    for x in (-0.2, 0.25):
        pen.oval(x, -3.55, 0.08, fill=INK, ink=None)
    pen.shape([(0.05, -3.4), (0.75, -3.25), (0.05, -3.22)], ORANGE)
    pen.limb([(-0.5, -2.9), (0.5, -2.9)], 0.24, rng.choice((RED, GREEN, BLUE)))
    pen.limb([(0.3, -2.9), (0.5, -2.1)], 0.22, rng.choice((RED, YELLOW)))
    pen.rect(-0.45, -4.9, 0.45, -3.95, BLACK)
    pen.rect(-0.7, -4.05, 0.7, -3.85, BLACK)


def draw_sandcastle(pen: Pen, rng: random.Random) -> None:
    sand = (232, 190, 120)
    for x, w, h in ((-0.9, 0.45, 1.3), (0.9, 0.45, 1.3), (0, 0.7, 1.8)):
        pen.shape([(x - w * 1.1, 0), (x - w, -h), (x + w, -h), (x + w * 1.1, 0)], sand)
        for k in range(3):
            pen.rect(x - w + k * w * 0.8, -h - 0.25, x - w + k * w * 0.8 + w * 0.4, -h, sand)
    pen.shape(arc(0, 0, 0.28, 0.7, 180, 360, 6), mix(sand, INK, 0.6))
    draw_pennant(pen.at(0, -2.0, 0.6), rng)
    pen.shape([(1.6, 0.1), (1.5, -0.6), (2.2, -0.6), (2.1, 0.1)], RED)


def draw_hut(pen: Pen, rng: random.Random) -> None:
    """A striped beach hut, 4 wide and 6 high."""
    a, b = rng.choice(((RED, WHITE), (BLUE, WHITE), (YELLOW, WHITE), (GREEN, WHITE), (PINK, WHITE)))
    for k in range(8):
        x = -1.8 + k * 0.45
        pen.rect(x, -4, x + 0.45, 0, (a, b)[k % 2], None)
    pen.shape([(-2.1, -3.8), (0, -5.6), (2.1, -3.8)], a)
    pen.rect(-1.8, -4, 1.8, 0, None)
    pen.rect(-0.7, -2.9, 0.7, 0, mix(a, INK, 0.35))
    pen.shape([(-2.3, -3.7), (0, -5.9), (2.3, -3.7), (2.3, -4.1), (0, -6.3), (-2.3, -4.1)], WHITE)


def draw_sunbather(pen: Pen, rng: random.Random) -> None:
    draw_towel(pen, rng)
    who = replace(stranger(rng, "beach"), legs=rng.choice(("stand", "wide")), holds="", back=False,
                  lean=0, hat=rng.choice(("", "straw")), glasses="sun", size=0.95,
                  bottom=rng.choice(("swim", "shorts")))  # fmt: skip
    draw_person(pen.at(-2.0, -0.1, turn=84), replace(who, flip=False))


def draw_lift(pen: Pen, rng: random.Random, dx: float, dy: float) -> None:
    """A chair lift from its lower wheel to (dx, dy), riders in its chairs."""
    pen = pen.at(0, -9)
    n = max(3, round(math.hypot(dx, dy) / 7))
    for k in range(n + 1):
        x, y = dx * k / n, dy * k / n
        if k % 2 == 0:
            pen.limb([(x, y + 9), (x, y)], 0.4, GREY)
            pen.limb([(x - 1, y), (x + 1, y)], 0.3, GREY)
    pen.line([(0, 0), (dx, dy)], INK, 0.12)
    for k in range(n):
        x, y = dx * (k + 0.5) / n, dy * (k + 0.5) / n
        pen.line([(x, y), (x, y + 2.2)])
        c = (RED, BLUE, YELLOW, GREEN)[k % 4]
        pen.rect(x - 1.3, y + 2.2, x + 1.3, y + 3.9, c)
        for side in (-0.6, 0.65):
            who = replace(stranger(rng, "snow"), legs="sit", under="", holds="", back=False, size=0.75,
                          left="loose", right="wave", bottom="trousers", lean=0)  # fmt: skip
            draw_person(pen.at(x + side, y + 4.8), who)
        pen.rect(x - 1.35, y + 4.2, x + 1.35, y + 4.5, c)


def draw_pyramid(pen: Pen, rng: random.Random) -> None:
    """Acrobats: three, on them two, on them one."""
    c = rng.choice((BLUE, GREEN, PLUM, ORANGE))
    for row, count in enumerate((3, 2, 1)):
        for k in range(count):
            who = replace(stranger(rng, "town"), size=0.9, legs="wide", hat="", back=False, lean=0,
                          left="up", right="up", top="plain", top_colour=c, sleeves="short",
                          bottom="trousers", bottom_colour=mix(c, INK, 0.3), holds="", girth=1.0)  # fmt: skip
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
    pen.line([(-8.4, -2.2), (0, -1.95), (8.4, -2.2)], INK, 0.26)
    pen.line([(-8.4, -2.2), (0, -1.95), (8.4, -2.2)], (226, 190, 130), 0.16)
    pen.shape([(-0.2, -1.9), (0.2, -1.9), (0.3, -1.1), (0, -1.3), (-0.3, -1.1)], RED)


def draw_balloons(pen: Pen, rng: random.Random) -> None:
    """A balloon seller with far too many balloons."""
    for _ in range(13):
        a, r = rng.uniform(-2.8, -0.35), rng.uniform(1.4, 3.0)
        x, y = 0.7 + r * math.cos(a) * 0.8, -5.2 + r * math.sin(a)
        pen.line([(0.75, -2.6), (x, y + 0.5)])
        c = rng.choice((RED, YELLOW, BLUE, GREEN, ORANGE, PINK, PLUM))
        pen.oval(x, y, 0.52, 0.62, c)
        pen.line(arc(x, y, 0.34, 0.44, 200, 250, 4), mix(c, WHITE, 0.7), 0.08)
    draw_person(pen, replace(stranger(rng, "fair"), right="carry", holds="", legs="stand", back=False,
                             hat="bowler", size=1.0, flip=False))  # fmt: skip


def draw_juggler(pen: Pen, rng: random.Random) -> None:
    draw_person(pen, replace(stranger(rng, "fair"), left="shrug", right="shrug", holds="", legs="wide",
                             back=False, hat="cone", size=1.0, top="dots", under=""))  # fmt: skip
    for k in range(7):
        a = math.pi * (1.06 + 0.88 * k / 6)
        pen.oval(1.5 * math.cos(a), -3.6 + 2.4 * math.sin(a), 0.22,
                 fill=(RED, YELLOW, BLUE, GREEN, ORANGE, PLUM, RED)[k])  # fmt: skip


def draw_picnic(pen: Pen, rng: random.Random, theme: str) -> None:
    """A checked cloth with food and four people around it."""
    for x in (-1.6, 1.5):
        who = replace(stranger(rng, theme), legs="sit", holds="", back=False, under="", lean=0,
                      bottom="trousers", size=0.9)  # fmt: skip
        draw_person(pen.at(x, -1.5), who)
    pen.shape([(-3, 0.3), (-2.3, -1.5), (2.9, -1.5), (2.6, 0.3)], WHITE)
    for k in range(1, 6):
        pen.line([(-3 + k * 0.93, 0.3), (-2.3 + k * 0.87, -1.5)], RED, 0.16)
    for k in range(1, 4):
        y = 0.3 - k * 0.45
        pen.line([(-2.85 + k * 0.14, y), (2.65 + k * 0.06, y)], RED, 0.14)
    pen.shape([(-3, 0.3), (-2.3, -1.5), (2.9, -1.5), (2.6, 0.3)], None)
    pen.oval(-0.8, -0.6, 0.6, 0.28, WHITE)
    pen.oval(-0.8, -0.7, 0.35, 0.2, (226, 164, 92))
    pen.oval(0.8, -0.9, 0.5, 0.24, YELLOW)
    pen.rect(1.4, -1.4, 1.75, -0.4, GREEN)
    pen.oval(0.2, -0.1, 0.4, 0.3, RED)
    for x in (-2.9, 3.0):
        who = replace(stranger(rng, theme), legs="sit", holds="", back=False, under="", lean=0,
                      bottom="trousers", size=0.9, flip=x > 0)  # fmt: skip
        draw_person(pen.at(x, 0.2), who)


def draw_chase(pen: Pen, rng: random.Random, theme: str) -> None:
    """A dog runs off with a string of sausages, the cook after it."""
    dog = pen.at(-3.4, 0, flip=True)
    for k in range(4):
        pen.oval(-1.9 + k * 0.8, -0.75 + 0.15 * (k % 2), 0.42, 0.18, (206, 104, 76))
    draw_dog(dog, random.Random(3))
    draw_person(pen.at(2.8, 0), replace(stranger(rng, theme), hat="chef", top="apron", legs="run",
                lean=14, left="out", right="up", holds="", mouth="open", back=False, flip=True,
                top_colour=WHITE, under="", beard="moustache", girth=1.4, bottom="trousers"))  # fmt: skip


def draw_band(pen: Pen, rng: random.Random) -> None:
    """Three musicians in uniform."""
    c = rng.choice((RED, BLUE, GREEN))
    for k, (x, item) in enumerate(((-2.0, "trumpet"), (0, "drum"), (2.0, "lute"))):
        who = replace(stranger(rng, "town"), hat="captain", hat_colour=c, top="coat", top_colour=c,
                      top_trim=YELLOW, bottom="trousers", bottom_colour=NAVY, holds=item, back=False,
                      right="chest" if item != "trumpet" else "carry", legs="walk", flip=False,
                      under="", holds_colour=YELLOW, size=1.0, lean=0)  # fmt: skip
        draw_person(pen.at(x, -0.15 * (k % 2)), who)


def draw_swimmer(pen: Pen, rng: random.Random, water: Colour) -> None:
    """Somebody up to the chest in water, perhaps in a ring."""
    who = replace(stranger(rng, "beach"), left=rng.choice(("up", "wave", "out")), holds="", back=False,
                  right=rng.choice(("up", "wave", "out")), lean=0)  # fmt: skip
    if who.hat in ("straw", "sunhat"):
        who.hat = "scarf"
    upper = pen.at(0, 2.55, who.size)
    upper.limb([(0, SHOULDER), (0, SHOULDER - 0.2)], 0.24, who.skin)
    colour = who.skin if who.top == "bare" else who.top_colour
    upper.shape([(-0.38, SHOULDER), (0.38, SHOULDER), (0.46, -2.5), (-0.46, -2.5)], colour)
    swimmer = replace(who, top="bare")
    draw_arm(upper, swimmer, -1, who.left)
    draw_arm(upper, swimmer, 1, who.right)
    draw_head(upper.at(0, -3.72, turn=who.nod), who)
    if rng.random() < 0.35:
        ring = rng.choice((RED, YELLOW, PINK, GREEN))
        for k in range(8):
            pen.shape([*arc(0, -0.1, 0.95, 0.36, k * 22.5, k * 22.5 + 22.5, 3),
                       *arc(0, -0.2, 0.6, 0.1, k * 22.5 + 22.5, k * 22.5, 3)],
                      (ring, WHITE)[k % 2])  # fmt: skip
        return
    pen.shape(smooth([(-0.8, 0.1), (-0.4, -0.06), (0, 0.06), (0.4, -0.06), (0.8, 0.1), (0.5, 0.34),
                      (-0.5, 0.34)]), water, None)  # fmt: skip
    pen.line(smooth([(-0.9, 0.1), (-0.4, -0.06), (0, 0.08), (0.4, -0.06), (0.9, 0.1)], False), WHITE,
             0.12)  # fmt: skip


def draw_bush(pen: Pen, rng: random.Random) -> None:
    green = rng.choice((GREEN, MOSS, (122, 178, 84)))
    pen.shape(scallops(arc(0, -0.8, 1.5, 0.9, 0, 360, 9)[:-1], 0.8), green)
    for _ in range(6):
        pen.oval(rng.uniform(-1.1, 1.1), rng.uniform(-1.3, -0.3), 0.13,
                 fill=rng.choice((RED, YELLOW, PINK, WHITE)))  # fmt: skip


def draw_town_hall(pen: Pen, rng: random.Random) -> None:
    """A town hall, 13 wide and 19 high with its clock tower."""
    wall, roof = (240, 214, 170), (112, 148, 140)
    pen.rect(-2, -15, 2, 0, wall)
    pen.shape([(-2.5, -14.6), (0, -19.4), (2.5, -14.6)], roof)
    draw_pennant(pen.at(0, -19.2), rng, 1.4)
    pen.rect(-2.3, -14.9, 2.3, -14.4, WHITE)
    pen.oval(0, -12.6, 1.35, fill=WHITE)
    for k in range(12):
        a = math.pi * k / 6
        pen.oval(1.08 * math.cos(a), -12.6 + 1.08 * math.sin(a), 0.08, fill=INK, ink=None)
    pen.line([(0.55, -13.1), (0, -12.6), (-0.15, -13.5)], INK, 0.14)
    pen.shape([(-6.5, 0), (-6.5, -8), (6.5, -8), (6.5, 0)], wall)
    pen.shape([(-7, -7.8), (-5.6, -10), (5.6, -10), (7, -7.8)], roof)
    pen.rect(-2, -10.6, 2, 0, wall)
    for x in (-5.4, -3.6, 3.6, 5.4):
        for y in (-6.6, -3.4):
            pen.shape(
                [
                    (x - 0.5, y + 1.7),
                    (x - 0.5, y),
                    *arc(x, y, 0.5, 0.5, 180, 360, 6),
                    (x + 0.5, y + 1.7),
                ],
                (150, 186, 206),
            )
            pen.line([(x, y - 0.4), (x, y + 1.6)], WHITE, 0.1)
    pen.rect(-1.6, -7.6, 1.6, -5.2, (150, 186, 206))
    for x in (-0.75, 0.75):
        speaker = stranger(rng, "town")
        speaker = replace(
            speaker, hat="top", top="coat", right="wave", back=False, lean=0, size=0.85
        )
        draw_person(pen.at(x, -3.3), replace(speaker, holds="", legs="stand", mouth="open"))
    pen.rect(-2.3, -5.4, 2.3, -4.2, WHITE)
    for k in range(9):
        pen.line([(-2 + k * 0.5, -5.3), (-2 + k * 0.5, -4.3)])
    pen.shape([(-1.1, 0), (-1.1, -2.4), *arc(0, -2.4, 1.1, 1.0, 180, 360, 8), (1.1, 0)], BROWN)
    pen.line([(0, -3.3), (0, 0)])
    for k in range(3):
        pen.rect(-2.6 - k * 0.4, -0.35 + k * 0.3, 2.6 + k * 0.4, -0.05 + k * 0.3, STONE)


def draw_car(pen: Pen, rng: random.Random) -> None:
    """An open car, 7 wide, with two people and their luggage."""
    c = rng.choice((YELLOW, TEAL, GREEN, PINK, BLUE, ORANGE))
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    for x in (-1.1, 0.7):
        rider = stranger(rng, "town")
        draw_person(
            pen.at(x, 0.7), replace(rider, legs="stand", holds="", back=False, lean=0, size=0.85)
        )
    pen.shape([(1.5, -1.9), (2.0, -2.9), (2.2, -2.9), (1.9, -1.9)], SKY)
    body = [(-3.4, -0.6), (-3.3, -1.7), (-2.2, -1.95), (1.6, -1.9), (3.1, -1.6), (3.5, -0.6)]
    pen.shape([*smooth(body, False), (3.5, -0.4), (-3.4, -0.4)], c)
    pen.rect(-3.2, -2.6, -2.0, -1.85, BROWN)
    pen.line([(-0.2, -1.85), (-0.2, -0.5)])
    pen.oval(3.2, -1.25, 0.25, fill=YELLOW)
    for x in (-2.1, 2.1):
        pen.oval(x, -0.5, 0.75, fill=BLACK)
        pen.oval(x, -0.5, 0.34, fill=GREY)


def draw_volleyball(pen: Pen, rng: random.Random, theme: str) -> None:
    """A game of volleyball, 15 wide."""
    for x in (-5.6, -2.6, 2.4, 5.2):
        who = stranger(rng, theme)
        draw_person(
            pen.at(x, -0.3 * (abs(x) > 4)),
            replace(
                who, left="up", right="wave", legs="wide", holds="", back=False, under="", size=1.0
            ),
        )
    for x in (-0.2, 0.2):
        pen.limb([(x, -0.8 if x < 0 else 0.3), (x, -4.8)], 0.14, WOOD)
    for y in (-4.6, -4.1, -3.6, -3.1):
        pen.line([(-0.2, y), (0.2, y + 0.2)], WHITE, 0.12)
    pen.oval(-1.3, -6.2, 0.42, fill=WHITE)
    pen.line(arc(-1.3, -6.2, 0.2, 0.42, -80, 80, 6), RED)
    for dx in (0.5, 0.9):
        pen.line(arc(-1.3 - dx, -6.1 + dx * 0.3, 0.3, 0.4, 130, 220, 4), GREY)


def draw_lifeguard(pen: Pen, rng: random.Random) -> None:
    """A high chair with a guard, 3 wide and 8 high."""
    for x in (-1.1, 1.1):
        pen.limb([(x * 1.2, 0.1), (x * 0.8, -4)], 0.16, WHITE)
    for y in (-0.9, -1.8, -2.7):
        pen.line([(-1.1, y), (1.1, y)], WOOD, 0.16)
    pen.rect(-1.0, -5.8, 1.0, -3.6, RED)
    guard = replace(stranger(rng, "beach"), legs="sit", top="plain", top_colour=YELLOW, hat="cap",
                    hat_colour=RED, glasses="sun", bottom="shorts", bottom_colour=RED, back=False,
                    right="point", holds="", lean=0, flip=False)  # fmt: skip
    draw_person(pen.at(0, -3.5), guard)
    pen.rect(-1.3, -3.8, 1.3, -3.4, WHITE)


def draw_fin(pen: Pen, rng: random.Random) -> None:
    """A shark's fin on its way."""
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    pen.shape(smooth([(-0.8, 0), (-0.1, -0.7), (0.75, -1.25), (0.6, -0.6), (0.8, 0)], False), GREY)
    for k in range(3):
        pen.line(smooth([(-1.6 - k * 0.3, 0.1 + k * 0.2), (0, 0.22 + k * 0.1), (1.5, 0.05)], False),
                 WHITE, 0.12)  # fmt: skip


def draw_buried(pen: Pen, rng: random.Random) -> None:
    """Somebody whom the children have dug into the sand."""
    who = replace(stranger(rng, "beach"), back=False, holds="", mouth="grin", glasses="sun", hat="")
    head = pen.at(-1.9, -0.35, 0.95, turn=-70)
    draw_head(head, who)
    for x in (1.6, 1.75):
        pen.limb([(x, -0.3), (x + 0.2, -0.75)], 0.28, who.skin)
    pen.shape(smooth([(-1.6, 0.25), (-1.4, -0.6), (0, -1.1), (1.3, -0.8), (1.8, -0.1), (1.6, 0.3)]),
              (240, 206, 140))  # fmt: skip
    for x, y in ((-0.7, -0.5), (0.1, -0.7), (0.7, -0.3), (-0.2, -0.1)):
        pen.line(arc(x, y, 0.2, 0.1, 160, 400, 5), (204, 160, 100))
    child = replace(stranger(rng, "beach"), size=0.66, back=False, holds="bucket", right="carry")
    draw_person(pen.at(0.3, -1.0), child)


def draw_igloo(pen: Pen, rng: random.Random) -> None:
    pen.shape([*arc(0, 0, 2.6, 2.9, 180, 360, 20)], (236, 242, 250))
    blue = (150, 178, 212)
    for y, w in ((-0.8, 2.48), (-1.6, 2.15), (-2.3, 1.55)):
        pen.line(arc(0, y + 0.25, w, 0.25, 180, 0, 8), blue)
    for x, y in ((-1.8, -0.4), (1.9, -0.4), (-1.3, -1.2), (1.5, -1.2), (0.1, -1.9), (-0.8, -2.1)):
        pen.line([(x, y - 0.3), (x + 0.05, y + 0.35)], blue)
    pen.shape([*arc(0, 0.1, 1.15, 1.5, 180, 360, 12)], (222, 232, 246))
    pen.shape([*arc(0, 0.1, 0.8, 1.1, 180, 360, 12)], (92, 110, 150))
    peeping = replace(stranger(rng, "snow"), back=False, holds="", hat="beanie")
    draw_head(pen.at(0.05, -0.35, 0.8), peeping)


def draw_coaster(pen: Pen, rng: random.Random, length: float, high: float) -> None:
    """A roller coaster from the origin to the right, with its train."""

    def track(x: float) -> float:
        t = x / length
        return -high * (0.3 + 0.32 * math.sin(t * 19 + 0.5) * (1 - 0.5 * t) + 0.3 * (1 - t))

    xs = [length * i / 90 for i in range(91)]
    for x in xs[::3]:
        pen.line([(x, 0), (x, track(x))], WOOD, 0.14)
    for x, x1 in pairwise(xs[::3]):
        pen.line([(x, track(x) * 0.4), (x1, track(x1))], WOOD, 0.1)
    for dy, c in ((0.0, INK), (-0.06, RED)):
        pen.line([(x, track(x) + dy) for x in xs], c, 0.34 if c == INK else 0.22)
    start = length * rng.uniform(0.42, 0.5)
    for k in range(5):
        x = start + k * 1.75
        slope = math.degrees(math.atan2(track(x + 0.5) - track(x - 0.5), 1))
        car = pen.at(x, track(x), turn=slope)
        who = replace(stranger(rng, "fair"), hat="", back=False, holds="", mouth="open", size=0.8,
                      left="up", right="up", legs="stand", lean=0)  # fmt: skip
        draw_person(car.at(0, 0.9, 0.8), who)
        car.shape(smooth([(-0.8, -1.1), (-0.75, -0.2), (0.7, -0.2), (0.85, -0.8), (0.4, -0.9)]),
                  (RED, YELLOW, BLUE, GREEN, ORANGE)[k])  # fmt: skip


def draw_dragon(pen: Pen, rng: random.Random) -> None:
    """A small, cross dragon, 11 wide and 7 high."""
    green, belly = (104, 168, 96), (240, 214, 130)
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    dark = mix(green, INK, 0.25)
    pen.shape(
        smooth([(-2, -0.3), (-4.6, 0.1), (-5.6, -1.2), (-4.9, -1.1), (-4.2, -0.9), (-2, -1.9)]),
        green,
    )
    pen.shape([(-5.6, -1.1), (-6.3, -1.9), (-5.3, -1.8)], RED)
    pen.shape(
        smooth([(-2.3, -0.2), (-2.4, -2.2), (-0.6, -3.4), (1.2, -3.4), (1.5, -5.2), (2.6, -6.1), (3.6, -5.6),
                (4.7, -5.3), (4.6, -4.6), (3.3, -4.4), (2.8, -3.4), (2.2, -1.2), (1.6, -0.1)]),
        green,
    )  # fmt: skip
    pen.shape(
        smooth([(1.0, -0.3), (1.9, -1.6), (2.4, -3.4), (1.7, -3.3), (0.6, -1.6)]), belly, None
    )
    for x, y in ((-2.2, -2.4), (-1.2, -3.3), (0.2, -3.6), (1.2, -4.2), (1.7, -5.6)):
        pen.shape([(x - 0.35, y + 0.15), (x - 0.1, y - 0.6), (x + 0.4, y)], RED)
    for x in (-1.4, 1.2):
        pen.limb([(x, -0.9), (x + 0.1, -0.1), (x + 0.7, -0.1)], 0.6, green)
    for x, y, size, turn in ((-0.5, -3.0, 0.85, -34), (0.5, -2.9, 1.0, -12)):
        wing = pen.at(x, y, size, turn)
        bones = [(-0.5, -4.6), (-2.0, -3.5), (-2.7, -1.9), (-1.2, 0.3)]
        edge = [bones[0]]
        for (x0, y0), (x1, y1) in pairwise(bones):
            mid = (0.6 * (x0 + x1) / 2 - 0.2, 0.75 * (y0 + y1) / 2 - 0.1)
            edge += smooth([(x0, y0), mid, (x1, y1)], False)[1:]
        wing.shape([(0.5, 0.2), (0.5, -2.6), *edge], dark)
        for bone in bones[1:3]:
            wing.line([(0.45, -2.4), bone])
    pen.oval(2.9, -5.5, 0.3, fill=WHITE)
    pen.oval(3.0, -5.45, 0.12, fill=INK, ink=None)
    pen.line([(2.6, -5.95), (3.2, -5.75)], INK, 0.12)
    pen.line([(4.6, -4.8), (3.6, -4.8)])
    pen.shape(smooth([(4.8, -5.0), (6.0, -5.8), (6.0, -5.3), (7.2, -5.5), (6.4, -4.9), (7.2, -4.4),
                      (6.0, -4.5), (5.8, -4.1)]), ORANGE)  # fmt: skip
    pen.shape(smooth([(4.9, -4.95), (5.8, -5.3), (6.3, -4.95), (5.7, -4.6)]), YELLOW, None)


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
            pen.shape([(px - 0.25, py + 0.1), (px, py - 0.5), (px + 0.25, py + 0.1)], ORANGE)
    pen.shape(smooth([(3.0, 0.1), (2.9, -2.2), (3.4, -3.9), (4.5, -4.3), (5.9, -3.7), (5.7, -3.1),
                      (4.5, -2.9), (4.3, -1.6), (4.5, 0.1)], False), green)  # fmt: skip
    for y in (-0.5, -1.1, -1.7, -2.3):
        pen.line([(3.7, y), (4.3, y)], belly, 0.24)
    for x in (4.0, 4.5):
        pen.oval(x, -3.9, 0.27, fill=WHITE)
        pen.oval(x + 0.07, -3.86, 0.1, fill=INK, ink=None)
    pen.line(arc(5.1, -3.6, 0.5, 0.3, 20, 150, 5))
    rider = replace(
        stranger(rng, "beach"), legs="ride", back=False, holds="", left="up", right="up", size=0.8
    )
    draw_person(pen.at(0.7, -1.1), rider)
    for x in (-4.6, -2.2, 0.7, 3.7):
        pen.line(
            smooth([(x - 1.6, 0.1), (x - 0.5, -0.05), (x + 0.5, 0.15), (x + 1.5, 0)], False),
            WHITE,
            0.14,
        )


def draw_parade(pen: Pen, rng: random.Random, theme: str, count: int) -> None:
    """A procession with a banner in front and flags behind, 2.2 wide for each."""
    c = rng.choice((RED, BLUE, GREEN, PLUM))
    for k in range(count):
        x = (k - (count - 1) / 2) * 2.2
        who = replace(stranger(rng, theme), legs="walk", flip=False, back=False, lean=0, size=1.0, under="",
                      hat="captain" if k % 3 else "top", hat_colour=c, top="coat", top_colour=c,
                      top_trim=YELLOW, bottom="trousers", bottom_colour=WHITE, look=0.8)  # fmt: skip
        item = ("flag", "trumpet", "drum", "flag", "trumpet")[k % 5]
        pose = "chest" if item == "drum" else "carry"
        draw_person(
            pen.at(x, -0.2 * (k % 2)), replace(who, holds=item, right=pose, holds_colour=YELLOW)
        )


def draw_hot_air_balloon(pen: Pen, rng: random.Random) -> None:
    """A hot-air balloon, 7 wide and 11 high, its basket at the origin."""
    a, b = rng.choice(((RED, WHITE), (RED, YELLOW), (BLUE, CREAM), (GREEN, YELLOW), (PLUM, PINK)))
    r, cy, n = 3.4, -7.4, 7
    for x in (-0.7, 0.7):
        pen.line([(x, -1.2), (x * 2.4, -4.7)])
    for k in (-0.35, 0.4):
        who = replace(stranger(rng, "town"), back=False, holds="", legs="stand", lean=0, size=0.62)
        draw_person(pen.at(k, 0.3), replace(who, left="wave", flip=k < 0))
    pen.shape([(-0.9, -1.2), (0.9, -1.2), (0.75, 0.3), (-0.75, 0.3)], WOOD)
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
    """A child with a kite on a long line, 9 high."""
    child = replace(stranger(rng, "town"), size=0.75, holds="", right="up", legs="run", back=False)
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    draw_person(pen, replace(child, flip=False, lean=4))
    pen.line(smooth([(0.8, -3.2), (2.2, -4.8), (3.0, -7.6)], False))
    kite = pen.at(3.0, -8.2, turn=25)
    a, b = rng.sample((RED, YELLOW, BLUE, GREEN, PINK), 2)
    kite.shape([(0, -1.3), (0.85, -0.3), (0, 1.2), (-0.85, -0.3)], a)
    kite.shape([(0, -1.3), (0.85, -0.3), (0, -0.3)], b)
    kite.shape([(0, 1.2), (-0.85, -0.3), (0, -0.3)], b)
    tail = [(0, 1.2), (0.4, 1.9), (-0.2, 2.5), (0.3, 3.2)]
    kite.line(smooth(tail, False))
    for x, y in tail[1:]:
        kite.shape(
            [(x - 0.3, y - 0.15), (x + 0.3, y + 0.15), (x + 0.3, y - 0.15), (x - 0.3, y + 0.15)], a
        )
