"""The fair: rides and tents at the back, stalls and acrobats on a lawn with paths."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from functools import partial
from itertools import pairwise

import colours
import props
from colours import mix
from figure import draw_head, draw_person
from held import canopy
from pen import Pen, arc, smooth
from people import stranger
from scene import Scene, clouds, pebble, speckle, strip, tuft


def build_fair(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (255, 232, 190), None)
    clouds(scene, h * 0.06, 5)
    base = min(max(16 * u, h * 0.22), h * 0.4)
    wu, hu, bu = w / u, h / u, base / u
    strip(scene, base - 3.4 * u, 0.5, (150, 186, 122))
    draw_coaster(scene.pen.at(-1, base - u, u), rng, wu + 4, bu * 0.72)
    strip(scene, base - 1.2 * u, 0.3, (190, 208, 128))
    lawn, sand = scene.pen.at(0, 0, u), (246, 226, 176)
    for x0, x1 in ((0.22, 0.1), (0.5, 0.56), (0.8, 0.94)):
        mid = (x0 + x1) / 2 + rng.uniform(-0.05, 0.05)
        path = [(x0, bu - 0.4, 1.8), (mid + 0.04, bu + (hu - bu) * 0.35, 2.6),
                (mid - 0.03, bu + (hu - bu) * 0.7, 3.4), (x1, hu + 3, 4.4)]  # fmt: skip
        left = smooth([(wu * x - r, y) for x, y, r in path], False)
        right = smooth([(wu * x + r, y) for x, y, r in path], False)
        lawn.shape([*left, *reversed(right)], sand, None)
        lawn.line(left, (196, 178, 112))
        lawn.line(right, (196, 178, 112))
    ring = base + (h - base) * rng.uniform(0.4, 0.6)
    lawn.oval(wu * 0.5, ring / u, wu * 0.3, (hu - bu) * 0.16, sand, None)
    speckle(scene, base, h, 26, tuft((140, 164, 84)))
    speckle(scene, base, h, 24, pebble((190, 176, 110)))
    x, rides = rng.uniform(0, 3) * u, ["wheel", "tent", "slide", "tents"]
    rng.shuffle(rides)
    for turn in range(40):
        ride = rides[turn % 4] if turn < 4 else rng.choice(rides[1:])
        if x > w:
            break
        if ride == "wheel":
            r = min(9.0, (bu - 2.4) / 2)
            scene.add(x + r * u, base + 2 * u, partial(draw_wheel, r=r), r * 1.6, 2 * r + 4, 1)
            x += 2.2 * r * u
        elif ride == "tent":
            wide, high = rng.uniform(10, 14), bu * rng.uniform(0.68, 0.88)
            scene.add(x + wide * u / 2, base,
                      partial(props.draw_tent, wide=wide, high=high), wide, high + 2, 1)  # fmt: skip
            x += (wide + 1.5) * u
        elif ride == "slide":
            scene.add(x + 3 * u, base + u, draw_slide, 6, 16, 1)
            x += 7 * u
        else:
            for wide in (5.5, 7):
                scene.add(x + wide * u / 2, base + 0.6 * u,
                          partial(props.draw_tent, wide=wide, high=wide * 1.2), wide, 9, 1)  # fmt: skip
                x += (wide + 0.8) * u
    scene.top = base + 1.2 * u
    scene.shade = mix((200, 212, 140), colours.BROWN, 0.24)
    area = scene.area()
    scene.scatter(props.draw_carousel, 1 + min(1.4, area * 0.04), 12, 12, 2.4, 6, front=3)
    scene.scatter(props.draw_pyramid, min(1.5, area * 0.07), 6.5, 10, 1.5, 5, front=3)
    scene.scatter(props.draw_stall, area * 0.26, 6.6, 6.5, 1.8, 3)
    scene.scatter(partial(props.draw_tent, wide=5.5, high=7), area * 0.1, 6, 8, 1.4, 4)
    scene.scatter(props.draw_cart, area * 0.08, 4.5, 6.5, 1.4, 3)
    scene.scatter(partial(props.draw_bunting, length=12), area * 0.14, 12, 7, 0.0, 5)
    scene.scatter(props.draw_band, area * 0.07, 7, 5, 1.2, front=2)
    scene.scatter(props.draw_balloons, area * 0.12, 4, 8.6, 0.9, 3)
    scene.scatter(props.draw_juggler, area * 0.1, 4.4, 6.5, 0.9, front=2.4)
    scene.scatter(props.draw_bench, area * 0.08, 5, 4, 1.2)
    scene.scatter(partial(props.draw_chase, theme="fair"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(props.draw_dog, area * 0.12, 2.6, 1.6, 0.8)


def draw_wheel(pen: Pen, rng: random.Random, r: float = 9.0) -> None:
    """A ferris wheel of radius r."""
    cy = -r - 2.6
    for x in (-r * 0.55, r * 0.55):
        pen.limb([(x, 0), (0, cy)], 0.45, (214, 120, 90))
    for q in (r, r * 0.9):
        pen.line(arc(0, cy, q, q, 0, 360, 60), colours.INK, 0.34)
        pen.line(arc(0, cy, q, q, 0, 360, 60), colours.RED if q == r else colours.YELLOW, 0.2)
    n = 12
    for k in range(n):
        a = 2 * math.pi * k / n + 0.15
        x, y = r * math.cos(a), cy + r * math.sin(a)
        pen.line([(0, cy), (x, y)], colours.GREY, 0.12)
    pen.oval(0, cy, 1.0, fill=colours.YELLOW)
    star = [
        (q * math.cos(math.pi * i / 5), cy + q * math.sin(math.pi * i / 5))
        for i, q in enumerate((0.32, 0.8) * 5)
    ]
    pen.shape(star, colours.RED)
    for k in range(n):
        a = 2 * math.pi * k / n + 0.15
        x, y = r * math.cos(a), cy + r * math.sin(a)
        c = (colours.RED, colours.BLUE, colours.YELLOW, colours.GREEN, colours.ORANGE,
             colours.PLUM)[k % 6]  # fmt: skip
        for dx in (-0.5, 0.55):
            who = replace(stranger(rng, "fair"), hat="", back=False, size=0.8, holds="")
            draw_head(pen.at(x + dx, y + 0.75, 0.8), who)
        pen.line([(x, y), (x - 1.1, y + 1.2)])
        pen.line([(x, y), (x + 1.1, y + 1.2)])
        pen.shape(arc(x, y + 1.1, 1.15, 1.2, 0, 180, 8), c)
        canopy(pen, x, y - 0.1, 1.25, 0.7, (c, colours.WHITE), 4)


def draw_slide(pen: Pen, rng: random.Random) -> None:
    """A tower with a slide around it, 6 wide and 14 high."""
    for k in range(7):
        w0, w1 = 2.4 - k * 0.2, 2.2 - k * 0.2
        pen.shape([(-w0, -k * 1.6), (w0, -k * 1.6), (w1, -(k + 1) * 1.6), (-w1, -(k + 1) * 1.6)],
                  (colours.RED, colours.CREAM)[k % 2])  # fmt: skip
    for k in range(3):
        y = -1.4 - k * 3.1
        pen.limb(smooth([(2.7 - k * 0.3, y - 1.6), (0.4, y - 0.2), (-2.8 + k * 0.3, y)], False), 0.5,
                 colours.YELLOW)  # fmt: skip
        who = replace(stranger(rng, "fair"), legs="sit", left="up", right="up", back=False, size=0.6,
                      bottom="trousers", holds="")  # fmt: skip
        draw_person(pen.at(0.9 - k, y - 0.3), who)
    pen.shape([(-1.7, -11.2), (0, -14), (1.7, -11.2)], colours.BLUE)
    props.draw_pennant(pen.at(0, -13.9), rng)


def draw_coaster(pen: Pen, rng: random.Random, length: float, high: float) -> None:
    """A roller coaster from (0, 0) to the right, with its train."""

    def track(x: float) -> float:
        t = x / length
        return -high * (0.3 + 0.32 * math.sin(t * 19 + 0.5) * (1 - 0.5 * t) + 0.3 * (1 - t))

    xs = [length * i / 90 for i in range(91)]
    for x in xs[::3]:
        pen.line([(x, 0), (x, track(x))], colours.WOOD, 0.14)
    for x, x1 in pairwise(xs[::3]):
        pen.line([(x, track(x) * 0.4), (x1, track(x1))], colours.WOOD, 0.1)
    for dy, c in ((0.0, colours.INK), (-0.06, colours.RED)):
        pen.line([(x, track(x) + dy) for x in xs], c, 0.34 if c == colours.INK else 0.22)
    start = length * rng.uniform(0.42, 0.5)
    for k in range(5):
        x = start + k * 1.75
        slope = math.degrees(math.atan2(track(x + 0.5) - track(x - 0.5), 1))
        car = pen.at(x, track(x), turn=slope)
        who = replace(stranger(rng, "fair"), hat="", back=False, holds="", mouth="open", size=0.8,
                      left="up", right="up", legs="stand", lean=0)  # fmt: skip
        draw_person(car.at(0, 0.9, 0.8), who)
        car.shape(smooth([(-0.8, -1.1), (-0.75, -0.2), (0.7, -0.2), (0.85, -0.8), (0.4, -0.9)]),
                  (colours.RED, colours.YELLOW, colours.BLUE, colours.GREEN, colours.ORANGE)[k])  # fmt: skip
