"""The pen that draws everything, and the curves that it draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from PIL import ImageDraw

import colours
from colours import Colour

Point = tuple[float, float]


def smooth(points: Sequence[Point], closed: bool = True, steps: int = 5) -> list[Point]:
    """A smooth (Catmull-Rom) curve through the points, with `steps` points from one to the next."""
    n = len(points)
    curve: list[Point] = []
    for i in range(n if closed else n - 1):
        if closed:
            p, q, r, s = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        else:
            p, q, r, s = (points[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            a, b = -t * (1 - t) ** 2 / 2, (2 + t * t * (3 * t - 5)) / 2
            c, d = t * (1 + t * (4 - 3 * t)) / 2, -t * t * (1 - t) / 2
            curve.append(
                (
                    a * p[0] + b * q[0] + c * r[0] + d * s[0],
                    a * p[1] + b * q[1] + c * r[1] + d * s[1],
                )
            )
    if not closed:
        curve.append(points[-1])
    return curve


def arc(
    cx: float, cy: float, rx: float, ry: float, start: float, end: float, n: int = 12
) -> list[Point]:
    """Points on an ellipse from `start` to `end`: degrees, clockwise, 0 at three o'clock."""
    angles = (math.radians(start + (end - start) * i / n) for i in range(n + 1))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def scallops(points: Sequence[Point], bulge: float, n: int = 5) -> list[Point]:
    """A closed outline with an arc over each side, as for clouds and the crowns of trees.

    `bulge` is the height of an arc relative to half its side.
    """
    outline: list[Point] = []
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        cx, cy, r = (x0 + x1) / 2, (y0 + y1) / 2, math.hypot(x1 - x0, y1 - y0) / 2
        start = math.degrees(math.atan2(y0 - cy, x0 - cx))
        for x, y in arc(0, 0, r, r * bulge, 180, 360, n)[:-1]:
            turn = math.radians(start + 180)
            outline.append(
                (
                    cx + x * math.cos(turn) - y * math.sin(turn),
                    cy + x * math.sin(turn) + y * math.cos(turn),
                )
            )
    return outline


class Pen:
    """Fills shapes and draws their outlines, in coordinates of its own: x to the right, y down.

    `matrix` (a, b, c, d, e, f) takes a point (x, y) to (ax + by + e, cx + dy + f) on the canvas.
    `weight` is the width of the outlines in pixels of the canvas, the same at every scale.
    """

    def __init__(
        self,
        canvas: ImageDraw.ImageDraw,
        weight: int,
        matrix: tuple[float, float, float, float, float, float],
    ) -> None:
        self.canvas = canvas
        self.weight = weight
        self.matrix = matrix

    def at(
        self, x: float, y: float, scale: float = 1.0, turn: float = 0.0, flip: bool = False
    ) -> Pen:
        """A pen for a part: its origin at (x, y), mirrored, scaled, turned clockwise by degrees."""
        a, b, c, d, e, f = self.matrix
        co, si = math.cos(math.radians(turn)) * scale, math.sin(math.radians(turn)) * scale
        s = -1 if flip else 1
        return Pen(
            self.canvas,
            self.weight,
            (
                (a * co + b * si) * s,
                b * co - a * si,
                (c * co + d * si) * s,
                d * co - c * si,
                a * x + b * y + e,
                c * x + d * y + f,
            ),
        )

    def spots(self, points: Iterable[Point]) -> list[Point]:
        """Where the pen's points lie on the canvas."""
        a, b, c, d, e, f = self.matrix
        return [(a * x + b * y + e, c * x + d * y + f) for x, y in points]

    @property
    def unit(self) -> float:
        """The pixels of the canvas that one unit of the pen takes."""
        a, b, c, d, _, _ = self.matrix
        return math.sqrt(abs(a * d - b * c))

    def shape(
        self, points: Iterable[Point], fill: Colour | None, ink: Colour | None = colours.INK
    ) -> None:
        spots = self.spots(points)
        if fill is not None:
            self.canvas.polygon(spots, fill=fill)
        if ink is not None:
            self.canvas.line([*spots, spots[0], spots[1]], fill=ink, width=self.weight)

    def line(
        self, points: Iterable[Point], colour: Colour = colours.INK, width: float | None = None
    ) -> None:
        wide = self.weight if width is None else max(1, round(width * self.unit))
        self.canvas.line(
            self.spots(points), fill=colour, width=wide, joint="curve" if wide > 5 else None
        )

    def oval(
        self,
        cx: float,
        cy: float,
        rx: float,
        ry: float | None = None,
        fill: Colour | None = None,
        ink: Colour | None = colours.INK,
    ) -> None:
        ry = rx if ry is None else ry
        # A larger oval needs more corners to look round.
        n = 10 if max(rx, ry) * self.unit < 8 else 22 if max(rx, ry) * self.unit < 90 else 64
        self.shape(arc(cx, cy, rx, ry, 0, 360, n)[:-1], fill, ink)

    def rect(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        fill: Colour | None,
        ink: Colour | None = colours.INK,
    ) -> None:
        self.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, ink)

    def limb(
        self,
        points: Sequence[Point],
        width: float,
        fill: Colour,
        stripes: tuple[Colour, float] | None = None,
    ) -> None:
        """A tube with round ends along the points. `stripes`: a second colour, and their period."""
        spots = self.spots(points)
        wide = width * self.unit
        for colour, w in ((colours.INK, wide + 2 * self.weight), (fill, wide)):
            self.canvas.line(spots, fill=colour, width=max(1, round(w)))
            for x, y in spots:
                self.canvas.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), fill=colour)
        if stripes:
            colour, period = stripes
            for (x0, y0), (x1, y1) in pairwise(points):
                length = math.hypot(x1 - x0, y1 - y0)
                dx, dy = (x1 - x0) / length, (y1 - y0) / length
                px, py = -dy * width / 2, dx * width / 2
                s = period * 0.35
                while s < length:
                    e = min(s + period / 2, length)
                    self.shape(
                        [
                            (x0 + dx * s + px, y0 + dy * s + py),
                            (x0 + dx * s - px, y0 + dy * s - py),
                            (x0 + dx * e - px, y0 + dy * e - py),
                            (x0 + dx * e + px, y0 + dy * e + py),
                        ],
                        colour,
                        None,
                    )
                    s += period
