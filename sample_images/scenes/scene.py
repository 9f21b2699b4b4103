"""A page while it is filled, and the sky and the ground that themes share."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import colours
import props
from colours import Colour, mix
from figure import draw_person
from pen import Pen, arc, scallops, smooth
from people import Person

Painter = Callable[[Pen, random.Random], object]


@dataclass
class Thing:
    """Something that stands at (x, y) on the page and is painted in the order of y."""

    x: float
    y: float
    paint: Painter
    seed: float  # of the random numbers that `paint` is given
    view: tuple[float, float, float, float]  # left, top, right and bottom of what it may cover
    shadow: float = 0.0  # half the width of its shadow in units; 0 for none
    person: Person | None = None


@dataclass
class Scene:
    """A page while it is filled. Lengths are in pixels of the page; one unit is `unit` pixels."""

    rng: random.Random
    theme: str
    width: int
    height: int
    unit: float
    pen: Pen
    top: float = 0.0  # people stand below this y only
    shade: Colour = colours.GREY  # of shadows on the ground
    things: list[Thing] = field(default_factory=list)
    # Parts of the ground that are taken: left, top, right and bottom.
    blocks: list[tuple[float, float, float, float]] = field(default_factory=list)

    def area(self) -> float:
        """The area that people can stand on, in hundreds of square units."""
        return self.width * (self.height - self.top) / self.unit**2 / 100

    def free(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether nothing has taken any of this ground."""
        return not any(x0 < b[2] and x1 > b[0] and y0 < b[3] and y1 > b[1] for b in self.blocks)

    def hides(self, view: tuple[float, float, float, float], y: float) -> bool:
        """Whether a thing at y with this view would hide much of a large one behind it."""
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
        """Put a thing at (x, y); all its sizes are in units.

        It takes the ground from `deep` behind it to `front` before it, or none if `deep` is 0.
        """
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
        """Put `count` copies of a thing at random places where the ground is free.

        A fraction of `count` is the chance of one more. They stand at least `low` units below the
        top of the ground. A copy for which 40 tries find no place is left out.
        """
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
    """The same thing, smaller because it is far away."""
    return lambda pen, rng: paint(pen.at(0, 0, scale), rng)


def strip(
    scene: Scene,
    y: float,
    wave: float,
    colour: Colour,
    ink: Colour | None = colours.INK,
    period: float = 9.0,
) -> None:
    """Fill the page below a wavy line at height y; `wave` and `period` are in units."""
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
    """Draw small marks between y0 and y1, `density` of them on a hundred square units."""
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
        pen.shape(
            [p for p in puffs if p[1] <= 0.01], colours.WHITE, mix(colours.SKY, colours.INK, 0.25)
        )


def balloons(scene: Scene, y: float, count: float) -> None:
    """Hot-air balloons in the sky, their baskets above height y."""
    rng, u, w = scene.rng, scene.unit, scene.width
    for k in range(int(count)):
        x = w * (k + rng.uniform(0.25, 0.75)) / int(count)
        distant(props.draw_hot_air_balloon, 0.62)(scene.pen.at(x, rng.uniform(0.85, 1) * y, u), rng)
