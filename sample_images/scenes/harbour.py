"""The harbour: ships and a lighthouse on the sea, sailors and crates on the quay."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import numpy as np

import colours
import props
from colours import mix
from figure import draw_person
from pen import Pen, arc, smooth
from people import stranger
from scene import Scene, balloons, clouds, dash, distant, pebble, speckle, strip


def build_harbour(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    water = (110, 182, 200)
    scene.pen.rect(0, 0, w, h, (252, 226, 190), None)
    clouds(scene, h * 0.08, 5)
    strip(scene, h * 0.12, 0.0, water)
    quay = min(max(h * 0.36, 21 * u), h * 0.48)
    balloons(scene, max(h * 0.1, 7.6 * u), w / u / 45)
    speckle(scene, h * 0.13, quay, 24, dash((206, 234, 236)))
    scene.add(w * rng.choice((0.08, 0.92)), h * 0.17, distant(draw_lighthouse, 0.6), 6, 14, 0)
    for k in range(int(w / u / 14)):
        x, y = (k + rng.uniform(0.2, 0.8)) * 14 * u, rng.uniform(h * 0.14, h * 0.2)
        scene.add(x, y, distant(props.draw_boat), 6, 8, 0)
    scene.add(w * rng.uniform(0.3, 0.7), quay - 3.4 * u, props.draw_serpent, 13, 5, 0)
    ships = max(1, int(w / u / 36))
    for k in range(ships):
        scene.add(
            w * (k + 0.5) / ships + rng.uniform(-2, 2) * u, quay - 1.6 * u, draw_ship, 26, 17, 0
        )
    for _ in range(7):
        scene.add(rng.uniform(0, w), rng.uniform(h * 0.05, h * 0.28), props.draw_gull, 2, 1, 0)
    strip(scene, quay - 0.9 * u, 0.0, (188, 168, 146))
    strip(scene, quay + 0.6 * u, 0.0, (246, 222, 178))
    for x in np.arange(0, w, 2.2 * u).tolist():
        scene.pen.line(
            [(x, quay - 0.9 * u), (x, quay + 0.6 * u)], mix(colours.STONE, colours.INK, 0.5)
        )
    speckle(scene, quay + u, h, 70, pebble((212, 178, 128)))
    for x in np.arange(4 * u, w, 11 * u).tolist():
        scene.add(x, quay + u, draw_bollard, 1, 1.2, 0.5)
    scene.top = quay + 1.2 * u
    scene.shade = mix((246, 222, 178), colours.BROWN, 0.24)
    area = scene.area()
    scene.scatter(partial(props.draw_stall, goods="fish"), area * 0.1, 6.6, 6.5, 1.8, 2)
    scene.scatter(props.draw_stall, area * 0.16, 6.6, 6.5, 1.8, 2)
    scene.scatter(draw_crates, area * 0.5, 5, 3.6, 1.3)
    scene.scatter(props.draw_lamp, area * 0.14, 1.4, 8, 0.7)
    scene.scatter(props.draw_umbrella, area * 0.16, 3.4, 6, 1.0, 2)
    scene.scatter(props.draw_bicycle, area * 0.1, 4.2, 5, 1.0)
    scene.scatter(props.draw_band, area * 0.1, 7, 5, 1.2, front=2)
    scene.scatter(
        partial(props.draw_tug, theme="harbour"), min(1, area * 0.08), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(partial(props.draw_chase, theme="harbour"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(partial(props.draw_bunting, length=12), area * 0.08, 12, 7, 0.0, 4)
    scene.scatter(props.draw_dog, area * 0.14, 2.6, 1.6, 0.8)
    scene.scatter(props.draw_pigeon, area * 0.3, 1.4, 0.9, 0.5)


def draw_ship(pen: Pen, rng: random.Random) -> None:
    """A ship with three masts, 22 wide and 17 high, its crew on deck."""
    for x, high in ((-6, 14), (0.5, 17), (6.5, 13.5)):
        pen.limb([(x, -3), (x, -high)], 0.35, colours.WOOD)
        for y0, y1, w in ((-high + 1.2, -high + 5, 2.4), (-high + 5.6, -5.6, 3.1)):
            c = rng.choice((colours.CREAM, colours.WHITE, (244, 226, 190)))
            sail = [(x - w, y0), (x + w, y0), *smooth([(x + w, y0), (x + w + 0.8, (y0 + y1) / 2),
                    (x + w, y1)], False), (x, y1 - 0.6), *smooth([(x - w, y1),
                    (x - w + 0.8, (y0 + y1) / 2), (x - w, y0)], False)]  # fmt: skip
            pen.shape(sail, c)
            pen.line([(x - w - 0.3, y0), (x + w + 0.3, y0)], colours.BROWN, 0.25)
        props.draw_pennant(pen.at(x, -high), rng)
    pen.line([(-10.5, -4), (-6, -13), (0.5, -16), (6.5, -12.5), (12.5, -6)])
    for k in range(9):
        sailor = replace(stranger(rng, "harbour"), back=False, legs="stand", size=0.95)
        draw_person(pen.at(-8.5 + k * 2.05 + rng.uniform(-0.4, 0.4), -1.5), sailor)
    deck = smooth([(-11, -4.6), (-8, -3), (0, -2.6), (8, -3.2), (12.5, -5.6)], False)
    pen.shape([*deck, (9.5, 0.4), (-9, 0.4)], (170, 108, 66))
    for y, c in ((-1.9, colours.YELLOW), (-0.9, colours.RED)):
        pen.line(smooth([(-10, y - 0.6), (0, y), (10.4, y - 0.8)], False), c, 0.3)
    for k in range(8):
        pen.oval(-7.5 + k * 2.1, -1.4, 0.4, fill=colours.INK)
    pen.limb([(11.5, -5), (15, -6.6)], 0.3, colours.WOOD)


def draw_lighthouse(pen: Pen, rng: random.Random) -> None:
    pen.shape(
        smooth([(-3.4, 0.4), (-2.6, -1.2), (0, -1.7), (2.8, -1.1), (3.4, 0.4)]), colours.STONE
    )
    for k in range(6):
        w0, w1 = 1.7 - k * 0.13, 1.57 - k * 0.13
        pen.shape([(-w0, -1 - k * 1.7), (w0, -1 - k * 1.7), (w1, -2.7 - k * 1.7), (-w1, -2.7 - k * 1.7)],
                  (colours.RED, colours.WHITE)[k % 2])  # fmt: skip
    for y in (-8.6, -5.2, -1.9):
        pen.rect(-0.3, y, 0.3, y + 0.8, rng.choice((colours.NAVY, colours.YELLOW)))
    pen.rect(-1.3, -11.6, 1.3, -11.2, colours.NAVY)
    pen.rect(-0.8, -13, 0.8, -11.6, (255, 240, 150))
    pen.shape(arc(0, -13, 1.0, 1.0, 180, 360, 8), colours.RED)


def draw_bollard(pen: Pen, rng: random.Random) -> None:
    pen.limb([(0, 0), (0, -0.8)], 0.5, colours.NAVY)
    pen.oval(0, -0.95, rng.uniform(0.38, 0.46), 0.2, colours.NAVY)


def draw_crates(pen: Pen, rng: random.Random) -> None:
    """Crates and barrels."""
    for x, y in ((-1.2, 0), (0.5, 0.1), (-0.5, -1.4)):
        pen.rect(x - 0.8, y - 1.4, x + 0.8, y, colours.WOOD)
        pen.line([(x - 0.8, y - 1.4), (x + 0.8, y)])
        pen.line([(x - 0.8, y - 0.7), (x + 0.8, y - 0.7)])
    pen.shape(smooth([(1.5, 0.1), (1.3, -0.9), (1.5, -1.8), (2.5, -1.8), (2.7, -0.9), (2.5, 0.1)]),
              (170, 108, 66))  # fmt: skip
    for y in (-1.4, -0.4):
        pen.line([(1.4, y), (2.6, y)], colours.GREY, 0.14)
    if rng.random() < 0.6:
        cat = smooth([(-1.0, -2.8), (-0.9, -3.5), (-0.5, -3.3), (-0.2, -3.6), (0.0, -2.8)])
        pen.shape(cat, colours.BLACK)
        pen.oval(-0.75, -3.2, 0.06, fill=colours.YELLOW, ink=None)
        pen.oval(-0.45, -3.2, 0.06, fill=colours.YELLOW, ink=None)
