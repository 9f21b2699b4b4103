"""The castle: its wall with towers at the back; knights, tents and a dragon on the meadow."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from itertools import pairwise

import colours
import props
from colours import mix
from figure import draw_person
from pen import Pen, arc, smooth
from people import stranger
from scene import Scene, balloons, clouds, pebble, speckle, strip, tuft


def build_castle(scene: Scene) -> None:
    u, w, h = scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (204, 228, 232), None)
    clouds(scene, h * 0.08, 5)
    base = min(max(20.6 * u, h * 0.25), h * 0.44)
    balloons(scene, base * 0.42, w / u / 30)
    strip(scene, base - 7 * u, 1.2, (186, 206, 140), period=12)
    strip(scene, base - 4.5 * u, 0.8, (172, 198, 124), period=9)
    strip(scene, base - 0.4 * u, 0.2, (206, 214, 140))
    wu, hu, bu = w / u, h / u, base / u
    low = hu - bu
    path = [(wu * 0.5 - 2.2, bu), (wu * 0.5 + 2.2, bu), (wu * 0.56, bu + low * 0.35),
            (wu * 0.78, bu + low * 0.7), (wu * 0.9, hu + 3), (wu * 0.5, hu + 3),
            (wu * 0.46, bu + low * 0.6), (wu * 0.4, bu + low * 0.3)]  # fmt: skip
    scene.pen.at(0, 0, u).shape(smooth(path), (244, 228, 184), (196, 176, 120))
    speckle(scene, base, h, 60, tuft((150, 164, 86)))
    speckle(scene, base, h, 16, pebble((176, 168, 110)))
    speckle(scene, base, h, 8, meadow_flower)
    wide = min(46, wu * 0.72)
    scene.add(w / 2, base, partial(draw_castle, wide=wide), wide + 3, 18, 0.6)
    for side in (0.05, 0.95):
        scene.add(w * side, base + u, props.draw_tree, 4, 9, 1)
    scene.top = base + 0.8 * u
    scene.shade = mix((206, 214, 140), colours.BROWN, 0.24)
    area = scene.area()
    scene.scatter(props.draw_tent, area * 0.16, 8.6, 11, 1.8, 4)
    scene.scatter(partial(props.draw_tent, wide=5.5, high=7), area * 0.1, 6, 8, 1.4, 4)
    scene.scatter(draw_dragon, 1, 15, 7.5, 1.6, 3, front=2.6)
    scene.scatter(draw_horse, area * 0.34, 6.4, 6.5, 1.4, 1, front=1.8)
    scene.scatter(props.draw_stall, area * 0.14, 6.6, 6.5, 1.8, 3)
    scene.scatter(props.draw_tree, area * 0.12, 2.0, 9, 1.0, 5)
    scene.scatter(props.draw_bush, area * 0.2, 3.2, 1.8, 0.9)
    scene.scatter(
        partial(props.draw_tug, theme="castle"), min(1, area * 0.06), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(partial(props.draw_picnic, theme="castle"), area * 0.08, 8, 4, 2.4, front=2.4)
    scene.scatter(partial(props.draw_bunting, length=12), area * 0.08, 12, 7, 0.0, 5)
    scene.scatter(partial(props.draw_chase, theme="castle"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(props.draw_juggler, area * 0.05, 4.4, 6.5, 0.9, front=2.4)
    scene.scatter(props.draw_kite, 1, 5, 9.5, 0.8, 5)
    scene.scatter(props.draw_dog, area * 0.14, 2.6, 1.6, 0.8)


def meadow_flower(pen: Pen, rng: random.Random) -> None:
    petals = rng.choice((colours.WHITE, colours.YELLOW, colours.PINK))
    pen.oval(0, 0, 0.13, fill=petals, ink=None)


def draw_castle(pen: Pen, rng: random.Random, wide: float) -> None:
    """The castle's wall with towers, gate and guards; it stands at y = 0."""
    stone = (214, 200, 176)
    dark = mix(stone, colours.INK, 0.4)
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
        roof = rng.choice((colours.RED, colours.BLUE, (178, 72, 58), colours.TEAL))
        pen.rect(x - r, -high, x + r, 0.2, stone)
        bricks(x - r, x + r, -high, 0)
        pen.rect(x - r - 0.3, -high - 0.2, x + r + 0.3, -high + 0.9, stone)
        merlons(x - r - 0.3, x + r + 0.3, -high - 0.2)
        if abs(x) < w * 0.5:
            pen.shape(
                [(x - r - 0.2, -high - 0.8), (x, -high - 5.4), (x + r + 0.2, -high - 0.8)], roof
            )
            props.draw_pennant(pen.at(x, -high - 5.3), rng)
        else:
            guard = replace(
                stranger(rng, "castle"), back=False, legs="stand", lean=0, holds="spear"
            )
            draw_person(pen.at(x, -high + 0.2), guard)
            pen.rect(x - r - 0.3, -high - 0.2, x + r + 0.3, -high + 0.9, stone)
            merlons(x - r - 0.3, x + r + 0.3, -high - 0.2)
        for y in (-high + 2.6, -high + 6):
            pen.shape([(x - 0.35, y + 1.2), (x - 0.35, y), *arc(x, y, 0.35, 0.5, 180, 360, 6),
                       (x + 0.35, y + 1.2)], colours.INK)  # fmt: skip
    pen.shape(
        [(-2.1, 0.1), (-2.1, -3), *arc(0, -3, 2.1, 2.2, 180, 360, 12), (2.1, 0.1)], colours.BLACK
    )
    for x in (-1.4, -0.7, 0.0, 0.7, 1.4):
        pen.line([(x, -4.4), (x, -1.6)], colours.WOOD, 0.16)
    for y in (-3.6, -2.4):
        pen.line([(-2, y), (2, y)], colours.WOOD, 0.16)
    for x in (-w * 0.62, w * 0.62):
        c = rng.choice((colours.RED, colours.BLUE))
        pen.shape([(x - 1, -6.2), (x + 1, -6.2), (x + 1, -2), (x, -2.8), (x - 1, -2)], c)
        pen.shape([(x, -5.4), (x + 0.6, -4.4), (x, -3.4), (x - 0.6, -4.4)], colours.YELLOW)


def draw_horse(pen: Pen, rng: random.Random) -> None:
    """A knight on his horse."""
    c = rng.choice((colours.WOOD, colours.WHITE, colours.BROWN, (226, 190, 140), colours.GREY))
    cloth = rng.choice((colours.RED, colours.BLUE, colours.YELLOW, colours.GREEN, colours.PLUM))
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    dark = mix(c, colours.INK, 0.5)
    for x, dx in ((-1.5, -0.4), (-1.1, 0.3), (1.1, 0.6), (1.5, 0.1)):
        pen.limb([(x, -1.7), (x + dx * 0.5, -0.9), (x + dx, -0.1)], 0.34, c)
        pen.limb([(x + dx, -0.1), (x + dx + 0.1, -0.08)], 0.34, dark)
    pen.shape(smooth([(-1.9, -2.4), (-2.7, -1.8), (-2.5, -0.8), (-2.2, -1.4), (-1.8, -1.9)]), dark)
    pen.shape(smooth([(-2.0, -2.2), (-1.4, -2.9), (1.2, -2.8), (1.7, -2.4), (1.5, -1.6),
                      (-1.7, -1.5)]), c)  # fmt: skip
    pen.shape(smooth([(1.0, -2.6), (1.5, -3.9), (2.1, -4.5), (2.5, -4.2), (3.1, -3.4), (2.8, -3.1),
                      (2.2, -3.4), (1.9, -2.2)]), c)  # fmt: skip
    pen.shape(smooth([(1.0, -2.9), (1.3, -3.9), (1.95, -4.7), (1.7, -3.6), (1.4, -2.8)]), dark)
    pen.oval(2.3, -3.95, 0.1, fill=colours.INK, ink=None)
    pen.shape([(-1.6, -2.9), (0.9, -2.85), (1.2, -1.1), (0.5, -1.4), (-0.2, -1.1), (-0.9, -1.4),
               (-1.8, -1.1)], cloth)  # fmt: skip
    pen.oval(-0.3, -1.9, 0.36, fill=colours.YELLOW)
    who = replace(stranger(rng, "castle"), hat="helmet", hat_colour=colours.GREY, top="tunic",
                  top_colour=cloth, bottom="trousers", legs="ride", holds="spear", right="carry",
                  left="carry", hat_trim=cloth, back=False, flip=False, cape=None, size=0.95)  # fmt: skip
    draw_person(pen.at(-0.25, -1.25), who)


def draw_dragon(pen: Pen, rng: random.Random) -> None:
    """A small, angry dragon, 11 wide and 7 high."""
    green, belly = (104, 168, 96), (240, 214, 130)
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    dark = mix(green, colours.INK, 0.25)
    pen.shape(
        smooth([(-2, -0.3), (-4.6, 0.1), (-5.6, -1.2), (-4.9, -1.1), (-4.2, -0.9), (-2, -1.9)]),
        green,
    )
    pen.shape([(-5.6, -1.1), (-6.3, -1.9), (-5.3, -1.8)], colours.RED)
    pen.shape(
        smooth([(-2.3, -0.2), (-2.4, -2.2), (-0.6, -3.4), (1.2, -3.4), (1.5, -5.2), (2.6, -6.1), (3.6, -5.6),
                (4.7, -5.3), (4.6, -4.6), (3.3, -4.4), (2.8, -3.4), (2.2, -1.2), (1.6, -0.1)]),
        green,
    )  # fmt: skip
    pen.shape(
        smooth([(1.0, -0.3), (1.9, -1.6), (2.4, -3.4), (1.7, -3.3), (0.6, -1.6)]), belly, None
    )
    for x, y in ((-2.2, -2.4), (-1.2, -3.3), (0.2, -3.6), (1.2, -4.2), (1.7, -5.6)):
        pen.shape([(x - 0.35, y + 0.15), (x - 0.1, y - 0.6), (x + 0.4, y)], colours.RED)
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
    pen.oval(2.9, -5.5, 0.3, fill=colours.WHITE)
    pen.oval(3.0, -5.45, 0.12, fill=colours.INK, ink=None)
    pen.line([(2.6, -5.95), (3.2, -5.75)], colours.INK, 0.12)
    pen.line([(4.6, -4.8), (3.6, -4.8)])
    pen.shape(smooth([(4.8, -5.0), (6.0, -5.8), (6.0, -5.3), (7.2, -5.5), (6.4, -4.9), (7.2, -4.4),
                      (6.0, -4.5), (5.8, -4.1)]), colours.ORANGE)  # fmt: skip
    pen.shape(smooth([(4.9, -4.95), (5.8, -5.3), (6.3, -4.95), (5.7, -4.6)]), colours.YELLOW, None)
