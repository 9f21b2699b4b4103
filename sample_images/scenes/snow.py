"""The snow: mountains, skiers, a chair lift, and skaters on a frozen pond."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from functools import partial

import colours
import props
from colours import mix
from figure import draw_head, draw_person
from pen import Pen, arc, smooth
from people import stranger
from scene import Scene, dash, person_painter, speckle, strip


def build_snow(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (168, 208, 232), None)
    x = -4 * u
    while x < w + 6 * u:
        wide, peak = rng.uniform(9, 15) * u, rng.uniform(0.0, 0.08) * h
        y = h * 0.24
        scene.pen.shape([(x - wide, y), (x, peak), (x + wide, y)], (206, 216, 232))
        fall = y - peak
        tip = [(0.3, 0.3), (0.12, 0.24), (0.0, 0.36), (-0.12, 0.24), (-0.3, 0.3)]
        tip = [(x, peak), *((x + wide * dx, peak + fall * dy) for dx, dy in tip)]
        scene.pen.shape(tip, colours.WHITE)
        x += rng.uniform(7, 12) * u
    strip(scene, h * 0.17, 0.8, (250, 250, 250), period=14)
    for y in (0.33, 0.52, 0.72, 0.88):
        strip(scene, h * y, 0.8, (250, 250, 250), (196, 208, 224), 12)
    speckle(scene, h * 0.22, h, 16, dash((186, 202, 222)))
    for _ in range(int(w * h / u**2 / 180)):
        pen = scene.pen.at(
            rng.uniform(0, w), rng.uniform(h * 0.25, h), u, turn=rng.uniform(-30, 30)
        )
        for dy in (0, 0.3):
            pen.line(
                smooth([(-3, dy), (-1, dy - 0.4), (1, dy + 0.4), (3, dy)], False), (176, 196, 220)
            )
    scene.top = h * 0.2 + u
    px, py, pr = w * rng.uniform(0.25, 0.75), h * 0.68, min(9.5, w / u / 5)
    pond = scene.pen.at(px, py, u)
    shore = [(-1, 0), (-0.6, -2.9), (0.2, -3.2), (1, -1), (0.8, 2), (-0.3, 2.7)]
    pond.shape(smooth([(pr * dx, dy) for dx, dy in shore]), (186, 220, 236))
    for _ in range(9):
        pond.at(rng.uniform(-pr * 0.6, pr * 0.6), rng.uniform(-2, 1.6)).line(
            smooth([(-1, 0), (0, -0.3), (1, 0.2)], False), colours.WHITE)  # fmt: skip
    for _ in range(int(pr * 1.1)):
        sx, sy = px + rng.uniform(-0.75, 0.7) * pr * u, py + rng.uniform(-1.9, 1.7) * u
        if scene.free(sx - 0.9 * u, sy - 0.7 * u, sx + 0.9 * u, sy + 0.7 * u):
            who = stranger(rng, "snow")
            who = replace(who, under="", legs=rng.choice(("walk", "kick", "run")), holds="", back=False,
                          left="out", right=rng.choice(("out", "wave")), bottom="trousers",
                          lean=rng.uniform(-10, 10))  # fmt: skip
            scene.add(sx, sy, person_painter(who), 2, 4.6, 0.7)
    scene.blocks.append((px - pr * u, py - 3 * u, px + pr * u, py + 2.6 * u))
    scene.shade = mix((250, 250, 250), (120, 150, 200), 0.3)
    area = scene.area()
    scene.scatter(
        partial(props.draw_house, wide=8, high=5.2, snow=True), 1 + area * 0.08, 9.6, 9.5, 1.4, 4
    )
    lift = rng.choice((-1, 1))
    scene.add(w * (0.5 + 0.42 * lift), h * 0.66,
              partial(draw_lift, dx=-lift * w / u * 0.5, dy=-h * 0.48 / u), 2, 9, 0)  # fmt: skip
    scene.scatter(draw_pine, area * 0.7, 3.6, 8.4, 1.0)
    scene.scatter(draw_igloo, 1 + area * 0.03, 6, 3.2, 1.2, 1, front=2)
    scene.scatter(draw_snowman, area * 0.3, 3, 5.2, 1.0)
    scene.scatter(
        partial(props.draw_tug, theme="snow"), min(1, area * 0.05), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(props.draw_dog, area * 0.15, 2.6, 1.6, 0.8)
    scene.scatter(partial(props.draw_chase, theme="snow"), 1, 9, 5, 1.0, front=2.2)


def draw_lift(pen: Pen, rng: random.Random, dx: float, dy: float) -> None:
    """A chair lift from its lower wheel to (dx, dy), with people in its chairs."""
    pen = pen.at(0, -9)
    n = max(3, round(math.hypot(dx, dy) / 7))
    for k in range(n + 1):
        x, y = dx * k / n, dy * k / n
        if k % 2 == 0:
            pen.limb([(x, y + 9), (x, y)], 0.4, colours.GREY)
            pen.limb([(x - 1, y), (x + 1, y)], 0.3, colours.GREY)
    pen.line([(0, 0), (dx, dy)], colours.INK, 0.12)
    for k in range(n):
        x, y = dx * (k + 0.5) / n, dy * (k + 0.5) / n
        pen.line([(x, y), (x, y + 2.2)])
        c = (colours.RED, colours.BLUE, colours.YELLOW, colours.GREEN)[k % 4]
        pen.rect(x - 1.3, y + 2.2, x + 1.3, y + 3.9, c)
        for side in (-0.6, 0.65):
            who = replace(stranger(rng, "snow"), legs="sit", under="", holds="", back=False, size=0.75,
                          left="loose", right="wave", bottom="trousers", lean=0)  # fmt: skip
            draw_person(pen.at(x + side, y + 4.8), who)
        pen.rect(x - 1.35, y + 4.2, x + 1.35, y + 4.5, c)


def draw_pine(pen: Pen, rng: random.Random) -> None:
    """A fir tree with snow on it, about 4 wide and 8 high."""
    green = rng.choice(((70, 128, 96), (84, 146, 104), (60, 112, 92)))
    pen.rect(-0.3, -1, 0.3, 0, colours.BROWN)
    for k, (w, y) in enumerate(((2.2, -0.7), (1.8, -2.4), (1.3, -4.1), (0.85, -5.6))):
        n = 5
        low = [(-w + 2 * w * i / (2 * n), y + (0.3 if i % 2 else 0)) for i in range(2 * n + 1)]
        pen.shape([(0, y - 2.6), *reversed(low)], green)
        pen.shape([(0, y - 2.55), (w * 0.5, y - 1.2), (w * 0.22, y - 1.4), (0, y - 1.05),
                   (-w * 0.25, y - 1.4), (-w * 0.5, y - 1.2)],
                  colours.WHITE, None if k else colours.INK)  # fmt: skip


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


def draw_snowman(pen: Pen, rng: random.Random) -> None:
    pen.limb([(-0.7, -2.1), (-1.7, -2.9)], 0.1, colours.BROWN)
    pen.limb([(0.7, -2.1), (1.7, -2.7)], 0.1, colours.BROWN)
    for y, r in ((-0.8, 1.15), (-2.2, 0.85), (-3.4, 0.62)):
        pen.oval(0, y, r, r * 0.95, colours.WHITE)
    for y in (-1.0, -1.9, -2.4):
        pen.oval(0.05, y, 0.1, fill=colours.INK, ink=None)
    for x in (-0.2, 0.25):
        pen.oval(x, -3.55, 0.08, fill=colours.INK, ink=None)
    pen.shape([(0.05, -3.4), (0.75, -3.25), (0.05, -3.22)], colours.ORANGE)
    pen.limb(
        [(-0.5, -2.9), (0.5, -2.9)], 0.24, rng.choice((colours.RED, colours.GREEN, colours.BLUE))
    )
    pen.limb([(0.3, -2.9), (0.5, -2.1)], 0.22, rng.choice((colours.RED, colours.YELLOW)))
    pen.rect(-0.45, -4.9, 0.45, -3.95, colours.BLACK)
    pen.rect(-0.7, -4.05, 0.7, -3.85, colours.BLACK)
