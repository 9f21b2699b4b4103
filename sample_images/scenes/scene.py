"""Scenes and their themes: the ground, and what stands on it before the people come."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from pen import (
    BROWN,
    GREY,
    INK,
    PINK,
    SKY,
    STONE,
    WHITE,
    YELLOW,
    Colour,
    Pen,
    arc,
    mix,
    scallops,
    smooth,
)
from people import Person, draw_person, stranger
from props import (
    draw_balloons,
    draw_band,
    draw_bench,
    draw_bicycle,
    draw_boat,
    draw_bollard,
    draw_bunting,
    draw_buried,
    draw_bus,
    draw_bush,
    draw_car,
    draw_carousel,
    draw_cart,
    draw_castle,
    draw_chase,
    draw_coaster,
    draw_crates,
    draw_dog,
    draw_dragon,
    draw_fin,
    draw_fountain,
    draw_gull,
    draw_horse,
    draw_hot_air_balloon,
    draw_house,
    draw_hut,
    draw_igloo,
    draw_juggler,
    draw_kite,
    draw_lamp,
    draw_lifeguard,
    draw_lift,
    draw_lighthouse,
    draw_palm,
    draw_parade,
    draw_picnic,
    draw_pigeon,
    draw_pine,
    draw_pyramid,
    draw_sandcastle,
    draw_serpent,
    draw_ship,
    draw_slide,
    draw_snowman,
    draw_stall,
    draw_sunbather,
    draw_swimmer,
    draw_tent,
    draw_town_hall,
    draw_tree,
    draw_tug,
    draw_umbrella,
    draw_volleyball,
    draw_wheel,
)

Painter = Callable[[Pen, random.Random], object]


@dataclass
class Thing:
    """Something that stands at (x, y) on the page and is painted in the order of y."""

    x: float
    y: float
    paint: Painter
    seed: float
    view: tuple[float, float, float, float]  # what it may cover on the page
    shadow: float = 0.0  # half its width on the ground
    person: Person | None = None


@dataclass
class Scene:
    """A page in the making; lengths in pixels of the page, `unit` pixels to the unit."""

    rng: random.Random
    theme: str
    width: int
    height: int
    unit: float
    pen: Pen
    top: float = 0.0  # nobody stands above this height
    shade: Colour = GREY  # the ground in shadow
    things: list[Thing] = field(default_factory=list)
    blocks: list[tuple[float, float, float, float]] = field(default_factory=list)

    def area(self) -> float:
        """The ground that people can stand on, in hundreds of square units."""
        return self.width * (self.height - self.top) / self.unit**2 / 100

    def free(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        return not any(x0 < b[2] and x1 > b[0] and y0 < b[3] and y1 > b[1] for b in self.blocks)

    def hides(self, view: tuple[float, float, float, float], y: float) -> bool:
        """Whether something at y with this view would hide most of a large thing behind it."""
        for thing in self.things:
            x0, y0, x1, y1 = thing.view
            if thing.y < y and x1 - x0 > 5 * self.unit:
                across = min(x1, view[2]) - max(x0, view[0])
                down = min(y1, view[3]) - max(y0, view[1])
                if across > 0 and down > 0 and across * down > 0.3 * (x1 - x0) * (y1 - y0):
                    return True
        return False

    def add(
        self,
        x: float,
        y: float,
        paint: Painter,
        wide: float = 2.0,
        high: float = 4.5,
        deep: float = 1.2,
        front: float = 0.6,
        person: Person | None = None,
    ) -> None:
        """Stand something at (x, y); `wide`, `high` and its `deep` footprint in units."""
        u = self.unit
        view = (x - wide * u / 2, y - high * u, x + wide * u / 2, y + 0.5 * u)
        shadow = min(wide * 0.46, 4.0) if deep else 0.0
        self.things.append(Thing(x, y, paint, self.rng.random(), view, shadow, person))
        if deep > 0:
            self.blocks.append((view[0], y - deep * u, view[2], y + front * u))

    def scatter(
        self,
        paint: Painter,
        count: float,
        wide: float,
        high: float,
        deep: float = 1.2,
        low: float = 0.0,
        front: float = 0.6,
    ) -> None:
        """Stand about `count` of something where the ground is free."""
        u = self.unit
        whole = int(count) + (self.rng.random() < count % 1)
        for _ in range(whole):
            for _ in range(40):
                x = self.rng.uniform(wide * u * 0.3, self.width - wide * u * 0.3)
                y = self.rng.uniform(self.top + low * u + deep * u * 0.6, self.height + u)
                left, right = x - wide * u / 2, x + wide * u / 2
                if self.free(left, y - deep * u, right, y + front * u) and not self.hides(
                    (left, y - high * u, right, y), y
                ):
                    self.add(x, y, paint, wide, high, deep, front)
                    break


def person_painter(who: Person) -> Painter:
    return lambda pen, _: draw_person(pen, who)


def distant(paint: Painter, scale: float = 0.72) -> Painter:
    """The same thing smaller, as far out at sea."""
    return lambda pen, rng: paint(pen.at(0, 0, scale), rng)


def strip(
    scene: Scene,
    y: float,
    wave: float,
    colour: Colour,
    ink: Colour | None = INK,
    period: float = 9.0,
) -> None:
    """Fill the page below a wavy line at height y."""
    u, rng = scene.unit, scene.rng
    a, b = rng.uniform(0, 6.28), rng.uniform(0, 6.28)
    line = [
        (
            x,
            y
            + wave * u * (math.sin(x / u / period + a) + 0.6 * math.sin(x / u / period * 2.3 + b)),
        )
        for x in np.arange(-2 * u, scene.width + 4 * u, u).tolist()
    ]
    scene.pen.shape(
        [*line, (scene.width + u, scene.height + u), (-u, scene.height + u)], colour, None
    )
    if ink:
        scene.pen.line(line, ink)


def speckle(
    scene: Scene, y0: float, y1: float, density: float, mark: Callable[[Pen, random.Random], None]
) -> None:
    """Small marks over the ground, `density` to a hundred square units."""
    rng, u = scene.rng, scene.unit
    for _ in range(int(density * scene.width * (y1 - y0) / u**2 / 100)):
        mark(scene.pen.at(rng.uniform(0, scene.width), rng.uniform(y0, y1), u), rng)


def pebble(colour: Colour) -> Callable[[Pen, random.Random], None]:
    def mark(pen: Pen, rng: random.Random) -> None:
        r = rng.uniform(0.12, 0.3)
        pen.line(arc(0, 0, r, r * 0.55, 160, 400, 6), colour)

    return mark


def dash(colour: Colour) -> Callable[[Pen, random.Random], None]:
    def mark(pen: Pen, rng: random.Random) -> None:
        w = rng.uniform(0.3, 1.1)
        pen.line(smooth([(-w, 0), (-w / 3, -0.14), (w / 3, 0.1), (w, 0)], False, 3), colour)

    return mark


def tuft(colour: Colour) -> Callable[[Pen, random.Random], None]:
    def mark(pen: Pen, rng: random.Random) -> None:
        for x in (-0.2, 0.0, 0.2):
            pen.line([(x * 0.5, 0), (x * 1.4, -rng.uniform(0.3, 0.5))], colour)

    return mark


def clouds(scene: Scene, y: float, count: int) -> None:
    rng, u = scene.rng, scene.unit
    for _ in range(count):
        pen = scene.pen.at(rng.uniform(0, scene.width), rng.uniform(0.2, 1) * y, u)
        w = rng.uniform(1.6, 3)
        puffs = scallops([(-w, 0), (-w * 0.6, -0.7), (0, -1.0), (w * 0.6, -0.6), (w, 0)], 0.9, 8)
        pen.shape([p for p in puffs if p[1] <= 0.01], WHITE, mix(SKY, INK, 0.25))


def balloons(scene: Scene, y: float, count: float) -> None:
    """Hot-air balloons in the sky, their baskets above height y."""
    rng, u, w = scene.rng, scene.unit, scene.width
    for k in range(int(count)):
        x = w * (k + rng.uniform(0.25, 0.75)) / int(count)
        distant(draw_hot_air_balloon, 0.62)(scene.pen.at(x, rng.uniform(0.85, 1) * y, u), rng)


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
    speckle(
        scene,
        shore + 2.4 * u,
        h,
        50,
        lambda pen, _: pen.oval(0, 0, 0.05, fill=(196, 152, 96), ink=None),
    )
    for k in range(int(w / u / 11)):
        x = (k + rng.uniform(0.2, 0.8)) * 11 * u
        scene.add(x, h * rng.uniform(0.14, 0.2), distant(draw_boat), 6, 8, 0)
    sea = (shore - h * 0.13) * w / u**2 / 100
    for paint, wide in ((draw_serpent, 13), (draw_fin, 4)):
        x, y = rng.uniform(0.2, 0.8) * w, rng.uniform(h * 0.2, shore - 1.5 * u)
        if scene.free(x - wide * u / 2, y - 2 * u, x + wide * u / 2, y + u):
            scene.add(x, y, distant(paint, 0.9), wide, 5, 2.0)
            scene.things[-1].shadow = 0.0
    for _ in range(int(sea * 11)):
        x, y = rng.uniform(0, w), rng.uniform(h * 0.17, shore - 1.2 * u)
        if scene.free(x - 1.1 * u, y - 1.1 * u, x + 1.1 * u, y + 0.2 * u):
            scene.add(x, y, partial(draw_swimmer, water=water), 2, 2.2, 1.0)
    for _ in range(5):
        scene.add(rng.uniform(0, w), rng.uniform(h * 0.06, h * 0.14), draw_gull, 2, 1, 0)
    scene.top = shore + 2.2 * u
    scene.shade = mix((250, 224, 164), BROWN, 0.24)
    area = scene.area()
    scene.scatter(draw_hut, area * 0.12, 4.4, 6.3, 1.6)
    scene.scatter(draw_cart, 1 + area * 0.06, 4.5, 6.5, 1.4, front=2)
    scene.scatter(draw_palm, area * 0.1, 2, 8, 0.8)
    scene.scatter(draw_pyramid, 1, 6.5, 10, 1.5, 4, front=3)
    scene.scatter(partial(draw_volleyball, theme="beach"), 1, 15, 7, 1.5, 2, front=2.6)
    scene.scatter(draw_lifeguard, 1, 4, 8.2, 1.0, 0, front=2)
    scene.scatter(draw_buried, area * 0.1, 6, 4, 1.8, 1, front=2.2)
    scene.scatter(draw_umbrella, area * 0.6, 3.4, 6, 1.0)
    scene.scatter(draw_sunbather, area * 0.55, 5.4, 1.8, 1.8, front=2.2)
    scene.scatter(draw_sandcastle, area * 0.25, 4, 2.6, 1.3, front=2)
    scene.scatter(partial(draw_picnic, theme="beach"), area * 0.08, 8, 4, 2.4, front=2.4)
    scene.scatter(partial(draw_tug, theme="beach"), min(1, area * 0.06), 18, 4.5, 1.5, front=2.4)
    scene.scatter(draw_kite, 1 + area * 0.04, 5, 9.5, 0.8, 5)
    scene.scatter(draw_dog, area * 0.14, 2.6, 1.6, 0.8)


def road(scene: Scene, y: float) -> None:
    """A road across the page with its traffic and two zebra crossings."""
    rng, u, w = scene.rng, scene.unit, scene.width
    grey, edge = (202, 198, 196), (222, 210, 190)
    pen = scene.pen.at(0, y, u)
    for low, high, colour in ((-2.7, 2.7, edge), (-2.2, 2.2, grey)):
        pen.rect(-1, low, w / u + 1, high, colour)
    for k in range(int(w / u / 3) + 1):
        pen.rect(k * 3, -0.12, k * 3 + 1.5, 0.12, WHITE, None)
    crossings = [w / u * rng.uniform(0.2, 0.35), w / u * rng.uniform(0.62, 0.8)]
    for x in crossings:
        for k in range(5):
            pen.rect(x - 2.4 + k, -2.1, x - 1.85 + k, 2.1, WHITE, None)
    x, traffic = rng.uniform(-2, 3), [draw_bus, draw_car, draw_bicycle, draw_car, draw_bicycle]
    while x < w / u:
        vehicle = rng.choice(traffic)
        wide = {"draw_bus": 12, "draw_car": 8}.get(vehicle.__name__, 4.4)
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
    pen.shape(edge, grass, mix(grass, INK, 0.45))
    for _ in range(46):
        a, r = rng.uniform(0, 6.28), math.sqrt(rng.random()) * 0.9
        tuft((148, 166, 88))(pen.at(rx * r * math.cos(a), ry * r * math.sin(a)), rng)
    things: tuple[tuple[float, float, Painter, float, float], ...] = (
        (-0.62, -0.6, draw_tree, 3, 9), (0.66, -0.5, draw_tree, 3, 9),
        (0.0, 0.45, partial(draw_picnic, theme="town"), 8.6, 4),
        (-0.8, 0.25, draw_bush, 3.2, 1.8), (0.84, 0.3, draw_bush, 3.2, 1.8),
    )  # fmt: skip
    for dx, dy, paint, wide, high in things:
        scene.add(
            x + dx * rx * u, y + dy * ry * u, paint, wide, high, 1.2, 1.6 if high == 4 else 0.6
        )


def build_town(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (198, 226, 236), None)
    clouds(scene, h * 0.05, 6)
    large = h > 46 * u
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
        paint: Painter = partial(draw_house, wide=wide, high=high, shop=shop)
        if large and hall < x:
            paint, wide, high, hall = draw_town_hall, 14.4, 14, w
        scene.add(x + wide * u / 2, base, paint, wide, high + 5, 1.0)
        x += (wide + 0.2) * u
    scene.top = base + 0.8 * u
    scene.shade = mix((244, 230, 204), BROWN, 0.24)
    area = scene.area()
    centre = h * (0.53 if large else 0.62)
    scene.add(w * rng.uniform(0.4, 0.6), centre, draw_fountain, 9.4, 6.5, 3.2, 3.4)
    if large:
        road(scene, h * 0.74)
        green(scene, w * rng.uniform(0.14, 0.24), h * 0.52)
        green(scene, w * rng.uniform(0.76, 0.86), h * 0.44)
        scene.scatter(draw_carousel, 1, 12, 12, 2.4, 8, front=3)
        scene.scatter(partial(draw_parade, theme="town", count=10), 1, 23, 5, 1.2, 2, front=2.2)
    else:
        scene.scatter(draw_bus, min(1.6, area * 0.06), 12, 7.8, 1.6, 5, front=2.6)
    scene.scatter(draw_pyramid, min(1, area * 0.05), 6.5, 10, 1.5, 6, front=3)
    scene.scatter(draw_stall, area * 0.24, 6.6, 6.5, 1.8, 3)
    scene.scatter(draw_tree, area * 0.14, 2.0, 9, 1.0, 5)
    scene.scatter(draw_cart, area * 0.07, 4.5, 6.5, 1.4, 3)
    scene.scatter(draw_band, area * 0.05, 7, 5, 1.2, front=2)
    scene.scatter(partial(draw_bunting, length=13), area * 0.09, 13, 7, 0.0, 5)
    scene.scatter(draw_lamp, area * 0.14, 1.4, 8, 0.7)
    scene.scatter(draw_bench, area * 0.14, 5, 4, 1.2)
    scene.scatter(draw_bicycle, area * 0.14, 4.2, 5, 1.0)
    scene.scatter(partial(draw_chase, theme="town"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(draw_balloons, area * 0.05, 4, 8.6, 0.9, 3)
    scene.scatter(draw_dog, area * 0.15, 2.6, 1.6, 0.8)
    scene.scatter(draw_pigeon, area * 0.5, 1.4, 0.9, 0.5)


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
        scene.pen.shape(tip, WHITE)
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
            smooth([(-1, 0), (0, -0.3), (1, 0.2)], False), WHITE)  # fmt: skip
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
        partial(draw_house, wide=8, high=5.2, snow=True), 1 + area * 0.08, 9.6, 9.5, 1.4, 4
    )
    lift = rng.choice((-1, 1))
    scene.add(w * (0.5 + 0.42 * lift), h * 0.66,
              partial(draw_lift, dx=-lift * w / u * 0.5, dy=-h * 0.48 / u), 2, 9, 0)  # fmt: skip
    scene.scatter(draw_pine, area * 0.7, 3.6, 8.4, 1.0)
    scene.scatter(draw_igloo, 1 + area * 0.03, 6, 3.2, 1.2, 1, front=2)
    scene.scatter(draw_snowman, area * 0.3, 3, 5.2, 1.0)
    scene.scatter(partial(draw_tug, theme="snow"), min(1, area * 0.05), 18, 4.5, 1.5, front=2.4)
    scene.scatter(draw_dog, area * 0.15, 2.6, 1.6, 0.8)
    scene.scatter(partial(draw_chase, theme="snow"), 1, 9, 5, 1.0, front=2.2)


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
            scene.add(
                x + r * u,
                base + 2 * u,
                partial(draw_wheel, r=r),
                r * 1.6,
                2 * r + 4,
                1,
            )
            x += 2.2 * r * u
        elif ride == "tent":
            wide, high = rng.uniform(10, 14), bu * rng.uniform(0.68, 0.88)
            scene.add(x + wide * u / 2, base,
                      partial(draw_tent, wide=wide, high=high), wide, high + 2, 1)  # fmt: skip
            x += (wide + 1.5) * u
        elif ride == "slide":
            scene.add(x + 3 * u, base + u, draw_slide, 6, 16, 1)
            x += 7 * u
        else:
            for wide in (5.5, 7):
                scene.add(x + wide * u / 2, base + 0.6 * u,
                          partial(draw_tent, wide=wide, high=wide * 1.2), wide, 9, 1)  # fmt: skip
                x += (wide + 0.8) * u
    scene.top = base + 1.2 * u
    scene.shade = mix((200, 212, 140), BROWN, 0.24)
    area = scene.area()
    scene.scatter(draw_carousel, 1 + min(1.4, area * 0.04), 12, 12, 2.4, 6, front=3)
    scene.scatter(draw_pyramid, min(1.5, area * 0.07), 6.5, 10, 1.5, 5, front=3)
    scene.scatter(draw_stall, area * 0.26, 6.6, 6.5, 1.8, 3)
    scene.scatter(partial(draw_tent, wide=5.5, high=7), area * 0.1, 6, 8, 1.4, 4)
    scene.scatter(draw_cart, area * 0.08, 4.5, 6.5, 1.4, 3)
    scene.scatter(partial(draw_bunting, length=12), area * 0.14, 12, 7, 0.0, 5)
    scene.scatter(draw_band, area * 0.07, 7, 5, 1.2, front=2)
    scene.scatter(draw_balloons, area * 0.12, 4, 8.6, 0.9, 3)
    scene.scatter(draw_juggler, area * 0.1, 4.4, 6.5, 0.9, front=2.4)
    scene.scatter(draw_bench, area * 0.08, 5, 4, 1.2)
    scene.scatter(partial(draw_chase, theme="fair"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(draw_dog, area * 0.12, 2.6, 1.6, 0.8)


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
    speckle(
        scene,
        base,
        h,
        8,
        lambda pen, r: pen.oval(0, 0, 0.13, fill=r.choice((WHITE, YELLOW, PINK)), ink=None),
    )
    scene.add(
        w / 2,
        base,
        partial(draw_castle, wide=min(46, wu * 0.72)),
        min(46, wu * 0.72) + 3,
        18,
        0.6,
    )
    for side in (0.05, 0.95):
        scene.add(w * side, base + u, draw_tree, 4, 9, 1)
    scene.top = base + 0.8 * u
    scene.shade = mix((206, 214, 140), BROWN, 0.24)
    area = scene.area()
    scene.scatter(draw_tent, area * 0.16, 8.6, 11, 1.8, 4)
    scene.scatter(partial(draw_tent, wide=5.5, high=7), area * 0.1, 6, 8, 1.4, 4)
    scene.scatter(draw_dragon, 1, 15, 7.5, 1.6, 3, front=2.6)
    scene.scatter(draw_horse, area * 0.34, 6.4, 6.5, 1.4, 1, front=1.8)
    scene.scatter(draw_stall, area * 0.14, 6.6, 6.5, 1.8, 3)
    scene.scatter(draw_tree, area * 0.12, 2.0, 9, 1.0, 5)
    scene.scatter(draw_bush, area * 0.2, 3.2, 1.8, 0.9)
    scene.scatter(partial(draw_tug, theme="castle"), min(1, area * 0.06), 18, 4.5, 1.5, front=2.4)
    scene.scatter(partial(draw_picnic, theme="castle"), area * 0.08, 8, 4, 2.4, front=2.4)
    scene.scatter(partial(draw_bunting, length=12), area * 0.08, 12, 7, 0.0, 5)
    scene.scatter(partial(draw_chase, theme="castle"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(draw_juggler, area * 0.05, 4.4, 6.5, 0.9, front=2.4)
    scene.scatter(draw_kite, 1, 5, 9.5, 0.8, 5)
    scene.scatter(draw_dog, area * 0.14, 2.6, 1.6, 0.8)


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
        scene.add(
            (k + rng.uniform(0.2, 0.8)) * 14 * u,
            rng.uniform(h * 0.14, h * 0.2),
            distant(draw_boat),
            6,
            8,
            0,
        )
    scene.add(w * rng.uniform(0.3, 0.7), quay - 3.4 * u, draw_serpent, 13, 5, 0)
    ships = max(1, int(w / u / 36))
    for k in range(ships):
        scene.add(
            w * (k + 0.5) / ships + rng.uniform(-2, 2) * u, quay - 1.6 * u, draw_ship, 26, 17, 0
        )
    for _ in range(7):
        scene.add(rng.uniform(0, w), rng.uniform(h * 0.05, h * 0.28), draw_gull, 2, 1, 0)
    strip(scene, quay - 0.9 * u, 0.0, (188, 168, 146))
    strip(scene, quay + 0.6 * u, 0.0, (246, 222, 178))
    for x in np.arange(0, w, 2.2 * u).tolist():
        scene.pen.line([(x, quay - 0.9 * u), (x, quay + 0.6 * u)], mix(STONE, INK, 0.5))
    speckle(scene, quay + u, h, 70, pebble((212, 178, 128)))
    for x in np.arange(4 * u, w, 11 * u).tolist():
        scene.add(x, quay + u, draw_bollard, 1, 1.2, 0.5)
    scene.top = quay + 1.2 * u
    scene.shade = mix((246, 222, 178), BROWN, 0.24)
    area = scene.area()
    scene.scatter(partial(draw_stall, goods="fish"), area * 0.1, 6.6, 6.5, 1.8, 2)
    scene.scatter(draw_stall, area * 0.16, 6.6, 6.5, 1.8, 2)
    scene.scatter(draw_crates, area * 0.5, 5, 3.6, 1.3)
    scene.scatter(draw_lamp, area * 0.14, 1.4, 8, 0.7)
    scene.scatter(draw_umbrella, area * 0.16, 3.4, 6, 1.0, 2)
    scene.scatter(draw_bicycle, area * 0.1, 4.2, 5, 1.0)
    scene.scatter(draw_band, area * 0.1, 7, 5, 1.2, front=2)
    scene.scatter(partial(draw_tug, theme="harbour"), min(1, area * 0.08), 18, 4.5, 1.5, front=2.4)
    scene.scatter(partial(draw_chase, theme="harbour"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(partial(draw_bunting, length=12), area * 0.08, 12, 7, 0.0, 4)
    scene.scatter(draw_dog, area * 0.14, 2.6, 1.6, 0.8)
    scene.scatter(draw_pigeon, area * 0.3, 1.4, 0.9, 0.5)


BUILD: dict[str, Callable[[Scene], None]] = {
    "beach": build_beach,
    "town": build_town,
    "snow": build_snow,
    "fair": build_fair,
    "castle": build_castle,
    "harbour": build_harbour,
}
THEMES = tuple(BUILD)
