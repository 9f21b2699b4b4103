"""The town: a row of houses, a square with a fountain and, on a tall page, a road and lawns."""

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
from scene import Painter, Scene, balloons, clouds, pebble, speckle, strip, tuft


def build_town(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (198, 226, 236), None)
    clouds(scene, h * 0.05, 6)
    large = h > 46 * u  # there is room for a town hall, a road and lawns
    base = (20.8 if large else 12.5) * u
    ground = (244, 230, 204)
    if large:
        balloons(scene, 7.6 * u, w / u / 26)
    strip(scene, base - 0.6 * u, 0.0, ground)
    speckle(scene, base, h, 75, pebble((206, 184, 150)))
    x, hall = -rng.uniform(1, 5) * u, w * rng.uniform(0.25, 0.65)
    while x < w:
        wide, high = rng.uniform(7, 11.5), min(rng.uniform(7, 10.5), base / u - 3.2)
        shop = rng.random() < 0.6
        paint: Painter = partial(props.draw_house, wide=wide, high=high, shop=shop)
        if large and hall < x:
            paint, wide, high, hall = draw_town_hall, 14.4, 14, w
        scene.add(x + wide * u / 2, base, paint, wide, high + 5, 1.0)
        x += (wide + 0.2) * u
    scene.top = base + 0.8 * u
    scene.shade = mix((244, 230, 204), colours.BROWN, 0.24)
    area = scene.area()
    centre = h * (0.53 if large else 0.62)
    scene.add(w * rng.uniform(0.4, 0.6), centre, draw_fountain, 9.4, 6.5, 3.2, 3.4)
    if large:
        road(scene, h * 0.74)
        green(scene, w * rng.uniform(0.14, 0.24), h * 0.52)
        green(scene, w * rng.uniform(0.76, 0.86), h * 0.44)
        scene.scatter(props.draw_carousel, 1, 12, 12, 2.4, 8, front=3)
        scene.scatter(partial(draw_parade, theme="town", count=10), 1, 23, 5, 1.2, 2, front=2.2)
    else:
        scene.scatter(draw_bus, min(1.6, area * 0.06), 12, 7.8, 1.6, 5, front=2.6)
    scene.scatter(props.draw_pyramid, min(1, area * 0.05), 6.5, 10, 1.5, 6, front=3)
    scene.scatter(props.draw_stall, area * 0.24, 6.6, 6.5, 1.8, 3)
    scene.scatter(props.draw_tree, area * 0.14, 2.0, 9, 1.0, 5)
    scene.scatter(props.draw_cart, area * 0.07, 4.5, 6.5, 1.4, 3)
    scene.scatter(props.draw_band, area * 0.05, 7, 5, 1.2, front=2)
    scene.scatter(partial(props.draw_bunting, length=13), area * 0.09, 13, 7, 0.0, 5)
    scene.scatter(props.draw_lamp, area * 0.14, 1.4, 8, 0.7)
    scene.scatter(props.draw_bench, area * 0.14, 5, 4, 1.2)
    scene.scatter(props.draw_bicycle, area * 0.14, 4.2, 5, 1.0)
    scene.scatter(partial(props.draw_chase, theme="town"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(props.draw_balloons, area * 0.05, 4, 8.6, 0.9, 3)
    scene.scatter(props.draw_dog, area * 0.15, 2.6, 1.6, 0.8)
    scene.scatter(props.draw_pigeon, area * 0.5, 1.4, 0.9, 0.5)


def road(scene: Scene, y: float) -> None:
    """A road across the page, with traffic and two zebra crossings."""
    rng, u, w = scene.rng, scene.unit, scene.width
    grey, edge = (202, 198, 196), (222, 210, 190)
    pen = scene.pen.at(0, y, u)
    for low, high, colour in ((-2.7, 2.7, edge), (-2.2, 2.2, grey)):
        pen.rect(-1, low, w / u + 1, high, colour)
    for k in range(int(w / u / 3) + 1):
        pen.rect(k * 3, -0.12, k * 3 + 1.5, 0.12, colours.WHITE, None)
    crossings = [w / u * rng.uniform(0.2, 0.35), w / u * rng.uniform(0.62, 0.8)]
    for x in crossings:
        for k in range(5):
            pen.rect(x - 2.4 + k, -2.1, x - 1.85 + k, 2.1, colours.WHITE, None)
    x = rng.uniform(-2, 3)
    traffic = [draw_bus, draw_car, props.draw_bicycle, draw_car, props.draw_bicycle]
    while x < w / u:
        vehicle = rng.choice(traffic)
        wide = {draw_bus: 12, draw_car: 8}.get(vehicle, 4.4)
        if not any(abs(x + wide / 2 - c) < wide / 2 + 2.6 for c in crossings):
            high = 8 if vehicle is draw_bus else 5
            scene.add((x + wide / 2) * u, y + rng.uniform(0.6, 1.6) * u, vehicle, wide, high, 1.2)
            x += wide
        x += rng.uniform(0.6, 2.5)
    edges = [0.0, *((c + side * 2.6) * u for c in crossings for side in (-1, 1)), float(w)]
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        scene.blocks.append((left, y - 2.2 * u, right, y + 2.3 * u))


def green(scene: Scene, x: float, y: float) -> None:
    """A lawn with trees, bushes and a picnic."""
    rng, u = scene.rng, scene.unit
    grass = (196, 212, 136)
    rx, ry = min(11, scene.width / u * 0.14), 5.2
    pen = scene.pen.at(x, y, u)
    ring = ((math.cos(math.pi * k / 5), math.sin(math.pi * k / 5)) for k in range(10))
    edge = smooth(
        [(rx * c * rng.uniform(0.92, 1.08), ry * s * rng.uniform(0.9, 1.1)) for c, s in ring]
    )
    pen.shape(edge, grass, mix(grass, colours.INK, 0.45))
    for _ in range(46):
        a, r = rng.uniform(0, 6.28), math.sqrt(rng.random()) * 0.9
        tuft((148, 166, 88))(pen.at(rx * r * math.cos(a), ry * r * math.sin(a)), rng)
    things: tuple[tuple[float, float, Painter, float, float], ...] = (
        (-0.62, -0.6, props.draw_tree, 3, 9), (0.66, -0.5, props.draw_tree, 3, 9),
        (0.0, 0.45, partial(props.draw_picnic, theme="town"), 8.6, 4),
        (-0.8, 0.25, props.draw_bush, 3.2, 1.8), (0.84, 0.3, props.draw_bush, 3.2, 1.8),
    )  # fmt: skip
    for dx, dy, paint, wide, high in things:
        scene.add(
            x + dx * rx * u, y + dy * ry * u, paint, wide, high, 1.2, 1.6 if high == 4 else 0.6
        )


def draw_town_hall(pen: Pen, rng: random.Random) -> None:
    """A town hall, 13 wide and 19 high with its clock tower."""
    wall, roof = (240, 214, 170), (112, 148, 140)
    pen.rect(-2, -15, 2, 0, wall)
    pen.shape([(-2.5, -14.6), (0, -19.4), (2.5, -14.6)], roof)
    props.draw_pennant(pen.at(0, -19.2), rng, 1.4)
    pen.rect(-2.3, -14.9, 2.3, -14.4, colours.WHITE)
    pen.oval(0, -12.6, 1.35, fill=colours.WHITE)
    for k in range(12):
        a = math.pi * k / 6
        pen.oval(1.08 * math.cos(a), -12.6 + 1.08 * math.sin(a), 0.08, fill=colours.INK, ink=None)
    pen.line([(0.55, -13.1), (0, -12.6), (-0.15, -13.5)], colours.INK, 0.14)
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
            pen.line([(x, y - 0.4), (x, y + 1.6)], colours.WHITE, 0.1)
    pen.rect(-1.6, -7.6, 1.6, -5.2, (150, 186, 206))
    for x in (-0.75, 0.75):
        speaker = stranger(rng, "town")
        speaker = replace(
            speaker, hat="top", top="coat", right="wave", back=False, lean=0, size=0.85
        )
        draw_person(pen.at(x, -3.3), replace(speaker, holds="", legs="stand", mouth="open"))
    pen.rect(-2.3, -5.4, 2.3, -4.2, colours.WHITE)
    for k in range(9):
        pen.line([(-2 + k * 0.5, -5.3), (-2 + k * 0.5, -4.3)])
    pen.shape(
        [(-1.1, 0), (-1.1, -2.4), *arc(0, -2.4, 1.1, 1.0, 180, 360, 8), (1.1, 0)], colours.BROWN
    )
    pen.line([(0, -3.3), (0, 0)])
    for k in range(3):
        pen.rect(-2.6 - k * 0.4, -0.35 + k * 0.3, 2.6 + k * 0.4, -0.05 + k * 0.3, colours.STONE)


def draw_fountain(pen: Pen, rng: random.Random) -> None:
    """A round fountain, 8 wide and 6 high."""
    water = (150, 204, 226)
    pen.oval(0, -0.8, 4.0, 1.3, colours.STONE)
    pen.shape([(-4, -1.9), (4, -1.9), (4, -0.8), (-4, -0.8)], colours.STONE, None)
    pen.line([(-4, -1.9), (-4, -0.8)])
    pen.line([(4, -1.9), (4, -0.8)])
    pen.oval(0, -1.9, 4.0, 1.2, colours.STONE)
    pen.oval(0, -1.9, 3.5, 0.95, water)
    for k in range(9):
        x = -3.5 + k * 0.85
        pen.line([(x, -0.6 + 0.35 * math.cos(x / 2.4)), (x, -1.0 + 0.4 * math.cos(x / 2.4))],
                 mix(colours.STONE, colours.INK, 0.4))  # fmt: skip
    pen.shape([(-0.5, -1.6), (-0.3, -4), (0.3, -4), (0.5, -1.6)], colours.STONE)
    pen.oval(0, -4, 1.6, 0.5, colours.STONE)
    pen.oval(0, -4.05, 1.3, 0.32, water)
    for side in (-1, 1):
        for reach in (1.0, 2.1, 2.8):
            pen.line(smooth([(0, -5.8), (side * reach * 0.5, -5.6), (side * reach, -2.2)],
                            closed=False), colours.WHITE, 0.13)  # fmt: skip
    pen.shape(smooth([(0, -6.2), (0.3, -5.4), (0, -4.2), (-0.3, -5.4)]), colours.WHITE)
    for _ in range(6):
        x = rng.uniform(-2.8, 2.8)
        pen.line(arc(x, -1.7 + rng.uniform(-0.3, 0.3), 0.4, 0.12, 0, 180, 6), colours.WHITE, 0.1)


def draw_bus(pen: Pen, rng: random.Random) -> None:
    """A double-decker bus, 11 wide and 7.5 high."""
    pen.shape(smooth([(-5.4, -0.7), (-5.5, -7), (-5, -7.6), (5, -7.6), (5.5, -7), (5.4, -0.7)], False),
              colours.RED)  # fmt: skip
    for y in (-6.9, -3.6):
        for k in range(6):
            x = -4.9 + k * 1.66
            if y == -3.6 and k == 5:
                pen.rect(x, y, x + 1.5, -0.8, colours.SKY)
                continue
            pen.rect(x, y, x + 1.45, y + 1.7, colours.SKY)
            if rng.random() < 0.75:
                guest = replace(stranger(rng, "town"), back=False)
                draw_head(pen.at(x + 0.75, y + 1.1, 0.85), guest)
                pen.rect(x, y + 1.62, x + 1.45, y + 1.78, colours.RED, None)
            pen.rect(x, y, x + 1.45, y + 1.7, None)
    pen.rect(-5.45, -4.9, 5.45, -4.3, colours.CREAM)
    for k in range(14):
        pen.line([(-4.6 + k * 0.7, -4.6), (-4.3 + k * 0.7, -4.6)], colours.NAVY, 0.22)
    for x in (-3.4, 3.0):
        pen.oval(x, -0.7, 1.0, fill=colours.BLACK)
        pen.oval(x, -0.7, 0.45, fill=colours.GREY)


def draw_car(pen: Pen, rng: random.Random) -> None:
    """An open car, 7 wide, with two people and their luggage."""
    c = rng.choice(
        (colours.YELLOW, colours.TEAL, colours.GREEN, colours.PINK, colours.BLUE, colours.ORANGE)
    )
    pen = pen.at(0, 0, flip=rng.random() < 0.5)
    for x in (-1.1, 0.7):
        rider = stranger(rng, "town")
        draw_person(
            pen.at(x, 0.7), replace(rider, legs="stand", holds="", back=False, lean=0, size=0.85)
        )
    pen.shape([(1.5, -1.9), (2.0, -2.9), (2.2, -2.9), (1.9, -1.9)], colours.SKY)
    body = [(-3.4, -0.6), (-3.3, -1.7), (-2.2, -1.95), (1.6, -1.9), (3.1, -1.6), (3.5, -0.6)]
    pen.shape([*smooth(body, False), (3.5, -0.4), (-3.4, -0.4)], c)
    pen.rect(-3.2, -2.6, -2.0, -1.85, colours.BROWN)
    pen.line([(-0.2, -1.85), (-0.2, -0.5)])
    pen.oval(3.2, -1.25, 0.25, fill=colours.YELLOW)
    for x in (-2.1, 2.1):
        pen.oval(x, -0.5, 0.75, fill=colours.BLACK)
        pen.oval(x, -0.5, 0.34, fill=colours.GREY)


def draw_parade(pen: Pen, rng: random.Random, theme: str, count: int) -> None:
    """`count` people who march with flags, trumpets and drums, 2.2 wide for each."""
    c = rng.choice((colours.RED, colours.BLUE, colours.GREEN, colours.PLUM))
    for k in range(count):
        x = (k - (count - 1) / 2) * 2.2
        who = replace(stranger(rng, theme), legs="walk", flip=False, back=False, lean=0, size=1.0, under="",
                      hat="captain" if k % 3 else "top", hat_colour=c, top="coat", top_colour=c,
                      top_trim=colours.YELLOW, bottom="trousers", bottom_colour=colours.WHITE,
                      look=0.8)  # fmt: skip
        item = ("flag", "trumpet", "drum", "flag", "trumpet")[k % 5]
        pose = "chest" if item == "drum" else "carry"
        draw_person(
            pen.at(x, -0.2 * (k % 2)),
            replace(who, holds=item, right=pose, holds_colour=colours.YELLOW),
        )
