"""The beach: swimmers and boats on the sea; huts, umbrellas and games on the sand."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from functools import partial

import colours
import props
from colours import Colour, mix
from figure import SHOULDER, draw_arm, draw_head, draw_person
from pen import Pen, arc, smooth
from people import stranger
from scene import Scene, clouds, dash, distant, pebble, speckle, strip


def build_beach(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    water = (120, 196, 214)
    scene.pen.rect(0, 0, w, h, (190, 226, 238), None)
    clouds(scene, h * 0.07, 5)
    strip(scene, h * 0.1, 0.0, water)
    speckle(scene, h * 0.11, h * 0.32, 22, dash((232, 246, 246)))
    shore = h * 0.33
    strip(scene, shore - 0.9 * u, 0.45, (244, 248, 244))
    strip(scene, shore, 0.45, (226, 196, 140), None)
    strip(scene, shore + 0.8 * u, 0.5, (250, 224, 164))
    speckle(scene, shore + 2.4 * u, h, 36, pebble((214, 172, 110)))
    speckle(scene, shore + 2.4 * u, h, 50, sand_grain)
    for k in range(int(w / u / 11)):
        x = (k + rng.uniform(0.2, 0.8)) * 11 * u
        scene.add(x, h * rng.uniform(0.14, 0.2), distant(props.draw_boat), 6, 8, 0)
    sea = (shore - h * 0.13) * w / u**2 / 100
    for paint, wide in ((props.draw_serpent, 13), (draw_fin, 4)):
        x, y = rng.uniform(0.2, 0.8) * w, rng.uniform(h * 0.2, shore - 1.5 * u)
        if scene.free(x - wide * u / 2, y - 2 * u, x + wide * u / 2, y + u):
            scene.add(x, y, distant(paint, 0.9), wide, 5, 2.0)
            scene.things[-1].shadow = 0.0
    for _ in range(int(sea * 11)):
        x, y = rng.uniform(0, w), rng.uniform(h * 0.17, shore - 1.2 * u)
        if scene.free(x - 1.1 * u, y - 1.1 * u, x + 1.1 * u, y + 0.2 * u):
            scene.add(x, y, partial(draw_swimmer, water=water), 2, 2.2, 1.0)
    for _ in range(5):
        scene.add(rng.uniform(0, w), rng.uniform(h * 0.06, h * 0.14), props.draw_gull, 2, 1, 0)
    scene.top = shore + 2.2 * u
    scene.shade = mix((250, 224, 164), colours.BROWN, 0.24)
    area = scene.area()
    scene.scatter(draw_hut, area * 0.12, 4.4, 6.3, 1.6)
    scene.scatter(props.draw_cart, 1 + area * 0.06, 4.5, 6.5, 1.4, front=2)
    scene.scatter(draw_palm, area * 0.1, 2, 8, 0.8)
    scene.scatter(props.draw_pyramid, 1, 6.5, 10, 1.5, 4, front=3)
    scene.scatter(partial(draw_volleyball, theme="beach"), 1, 15, 7, 1.5, 2, front=2.6)
    scene.scatter(draw_lifeguard, 1, 4, 8.2, 1.0, 0, front=2)
    scene.scatter(draw_buried, area * 0.1, 6, 4, 1.8, 1, front=2.2)
    scene.scatter(props.draw_umbrella, area * 0.6, 3.4, 6, 1.0)
    scene.scatter(draw_sunbather, area * 0.55, 5.4, 1.8, 1.8, front=2.2)
    scene.scatter(draw_sandcastle, area * 0.25, 4, 2.6, 1.3, front=2)
    scene.scatter(partial(props.draw_picnic, theme="beach"), area * 0.08, 8, 4, 2.4, front=2.4)
    scene.scatter(
        partial(props.draw_tug, theme="beach"), min(1, area * 0.06), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(props.draw_kite, 1 + area * 0.04, 5, 9.5, 0.8, 5)
    scene.scatter(props.draw_dog, area * 0.14, 2.6, 1.6, 0.8)


def sand_grain(pen: Pen, _: random.Random) -> None:
    pen.oval(0, 0, 0.05, fill=(196, 152, 96), ink=None)


def draw_hut(pen: Pen, rng: random.Random) -> None:
    """A striped beach hut, 4 wide and 6 high."""
    a, b = rng.choice(
        (
            (colours.RED, colours.WHITE),
            (colours.BLUE, colours.WHITE),
            (colours.YELLOW, colours.WHITE),
            (colours.GREEN, colours.WHITE),
            (colours.PINK, colours.WHITE),
        )
    )
    for k in range(8):
        x = -1.8 + k * 0.45
        pen.rect(x, -4, x + 0.45, 0, (a, b)[k % 2], None)
    pen.shape([(-2.1, -3.8), (0, -5.6), (2.1, -3.8)], a)
    pen.rect(-1.8, -4, 1.8, 0, None)
    pen.rect(-0.7, -2.9, 0.7, 0, mix(a, colours.INK, 0.35))
    pen.shape(
        [(-2.3, -3.7), (0, -5.9), (2.3, -3.7), (2.3, -4.1), (0, -6.3), (-2.3, -4.1)], colours.WHITE
    )


def draw_palm(pen: Pen, rng: random.Random) -> None:
    lean = rng.choice((-1.2, 1.2))
    trunk = smooth([(0, 0), (lean * 0.2, -2.5), (lean, -5.5)], closed=False, steps=4)
    pen.limb(trunk, 0.5, colours.WOOD, (mix(colours.WOOD, colours.INK, 0.35), 0.6))
    for angle in (-170, -140, -100, -60, -25, 5, 180):
        a = math.radians(angle)
        x, y = lean + 2.6 * math.cos(a), -5.6 + 1.9 * math.sin(a)
        mx, my = lean + 1.4 * math.cos(a), -6.3 + 1.5 * math.sin(a)
        pen.shape(
            smooth([(lean, -5.6), (mx, my - 0.25), (x, y + 0.5), (mx, my + 0.45)]), colours.GREEN
        )
        pen.line([(lean, -5.6), (mx, my + 0.1)])
    for dx in (-0.25, 0.2):
        pen.oval(lean + dx, -5.3, 0.25, fill=colours.BROWN)


def draw_lifeguard(pen: Pen, rng: random.Random) -> None:
    """A high chair with a guard, 3 wide and 8 high."""
    for x in (-1.1, 1.1):
        pen.limb([(x * 1.2, 0.1), (x * 0.8, -4)], 0.16, colours.WHITE)
    for y in (-0.9, -1.8, -2.7):
        pen.line([(-1.1, y), (1.1, y)], colours.WOOD, 0.16)
    pen.rect(-1.0, -5.8, 1.0, -3.6, colours.RED)
    guard = replace(stranger(rng, "beach"), legs="sit", top="plain", top_colour=colours.YELLOW,
                    hat="cap", hat_colour=colours.RED, glasses="sun", bottom="shorts",
                    bottom_colour=colours.RED, back=False, right="point", holds="", lean=0,
                    flip=False)  # fmt: skip
    draw_person(pen.at(0, -3.5), guard)
    pen.rect(-1.3, -3.8, 1.3, -3.4, colours.WHITE)


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
        pen.limb([(x, -0.8 if x < 0 else 0.3), (x, -4.8)], 0.14, colours.WOOD)
    for y in (-4.6, -4.1, -3.6, -3.1):
        pen.line([(-0.2, y), (0.2, y + 0.2)], colours.WHITE, 0.12)
    pen.oval(-1.3, -6.2, 0.42, fill=colours.WHITE)
    pen.line(arc(-1.3, -6.2, 0.2, 0.42, -80, 80, 6), colours.RED)
    for dx in (0.5, 0.9):
        pen.line(arc(-1.3 - dx, -6.1 + dx * 0.3, 0.3, 0.4, 130, 220, 4), colours.GREY)


def draw_buried(pen: Pen, rng: random.Random) -> None:
    """Somebody buried in the sand, and a child with a bucket."""
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


def draw_towel(pen: Pen, rng: random.Random) -> None:
    a, b = rng.sample((colours.RED, colours.WHITE, colours.BLUE, colours.YELLOW, colours.TEAL,
                       colours.PINK, colours.ORANGE, colours.MINT), 2)  # fmt: skip
    pen.shape([(-2.4, 0.5), (-2.1, -0.75), (2.6, -0.75), (2.3, 0.5)], a)
    for k in range(4):
        x = -1.9 + k * 1.1
        pen.shape([(x, 0.5), (x + 0.25, -0.75), (x + 0.7, -0.75), (x + 0.45, 0.5)], b, None)
    pen.shape([(-2.4, 0.5), (-2.1, -0.75), (2.6, -0.75), (2.3, 0.5)], None)


def draw_sunbather(pen: Pen, rng: random.Random) -> None:
    draw_towel(pen, rng)
    who = replace(stranger(rng, "beach"), legs=rng.choice(("stand", "wide")), holds="", back=False,
                  lean=0, hat=rng.choice(("", "straw")), glasses="sun", size=0.95,
                  bottom=rng.choice(("swim", "shorts")))  # fmt: skip
    draw_person(pen.at(-2.0, -0.1, turn=84), replace(who, flip=False))


def draw_sandcastle(pen: Pen, rng: random.Random) -> None:
    sand = (232, 190, 120)
    for x, w, h in ((-0.9, 0.45, 1.3), (0.9, 0.45, 1.3), (0, 0.7, 1.8)):
        pen.shape([(x - w * 1.1, 0), (x - w, -h), (x + w, -h), (x + w * 1.1, 0)], sand)
        for k in range(3):
            pen.rect(x - w + k * w * 0.8, -h - 0.25, x - w + k * w * 0.8 + w * 0.4, -h, sand)
    pen.shape(arc(0, 0, 0.28, 0.7, 180, 360, 6), mix(sand, colours.INK, 0.6))
    props.draw_pennant(pen.at(0, -2.0, 0.6), rng)
    pen.shape([(1.6, 0.1), (1.5, -0.6), (2.2, -0.6), (2.1, 0.1)], colours.RED)


def draw_swimmer(pen: Pen, rng: random.Random, water: Colour) -> None:
    """Somebody in the water up to the chest, some with a swim ring."""
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
        ring = rng.choice((colours.RED, colours.YELLOW, colours.PINK, colours.GREEN))
        for k in range(8):
            pen.shape([*arc(0, -0.1, 0.95, 0.36, k * 22.5, k * 22.5 + 22.5, 3),
                       *arc(0, -0.2, 0.6, 0.1, k * 22.5 + 22.5, k * 22.5, 3)],
                      (ring, colours.WHITE)[k % 2])  # fmt: skip
        return
    pen.shape(smooth([(-0.8, 0.1), (-0.4, -0.06), (0, 0.06), (0.4, -0.06), (0.8, 0.1), (0.5, 0.34),
                      (-0.5, 0.34)]), water, None)  # fmt: skip
    pen.line(smooth([(-0.9, 0.1), (-0.4, -0.06), (0, 0.08), (0.4, -0.06), (0.9, 0.1)], False), colours.WHITE,
             0.12)  # fmt: skip


def draw_fin(pen: Pen, rng: random.Random) -> None:
    """A shark's fin above the water."""
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    pen.shape(
        smooth([(-0.8, 0), (-0.1, -0.7), (0.75, -1.25), (0.6, -0.6), (0.8, 0)], False), colours.GREY
    )
    for k in range(3):
        pen.line(smooth([(-1.6 - k * 0.3, 0.1 + k * 0.2), (0, 0.22 + k * 0.1), (1.5, 0.05)], False),
                 colours.WHITE, 0.12)  # fmt: skip
