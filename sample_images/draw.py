"""Draw the sample scenes: crowds in a picture-book manner, with one Waldo to find.

``python sample_images/draw.py`` writes the pictures, ``truth.csv`` and the mask ``waldo.png``
beside itself.  As a module, `draw_scene` draws any number of further scenes from other seeds.

Everything is drawn by this file: no picture is read.  A scene is a list of things, each with the
height on the page where it stands; they are painted from the back to the front, three times too
large, and reduced.  People are measured in *units*: one unit is the height of a face without hat
and hair, and a grown-up is 4.3 units tall.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

SUPERSAMPLING = 3
HEAD = 1.48  # Waldo's head, hat to chin, in units
TALL = 4.3  # a grown-up, in units

INK: Colour = (50, 34, 38)
WHITE: Colour = (253, 251, 245)
RED: Colour = (214, 38, 40)
BLUE: Colour = (64, 122, 190)
BROWN: Colour = (112, 70, 42)
CREAM: Colour = (250, 236, 205)
YELLOW: Colour = (250, 205, 62)
ORANGE: Colour = (240, 146, 52)
GREEN: Colour = (98, 164, 84)
MOSS: Colour = (142, 158, 74)
TEAL: Colour = (62, 160, 160)
SKY: Colour = (150, 208, 232)
PINK: Colour = (244, 160, 172)
PLUM: Colour = (142, 84, 142)
GREY: Colour = (158, 160, 166)
WOOD: Colour = (186, 132, 80)
STONE: Colour = (206, 198, 184)
NAVY: Colour = (50, 70, 122)
MINT: Colour = (164, 214, 184)
BLACK: Colour = (62, 54, 62)

CLOTHES = (
    RED, RED, BLUE, YELLOW, ORANGE, GREEN, MOSS, TEAL, SKY, PINK, PLUM, GREY, NAVY, MINT, CREAM,
    (226, 96, 78), (188, 60, 66), (120, 178, 222), (236, 196, 130), (180, 140, 200), WHITE,
)  # fmt: skip
SKINS = (
    (250, 216, 184), (246, 206, 172), (240, 194, 156), (226, 174, 130), (198, 142, 100),
    (164, 112, 78), (126, 84, 60),
)  # fmt: skip
HAIRS = (
    (70, 48, 40), (44, 36, 40), (112, 70, 42), (156, 96, 48), (222, 174, 84), (240, 210, 130),
    (196, 84, 44), (200, 196, 192), (236, 232, 226),
)  # fmt: skip


class Box(NamedTuple):
    """A labelled head on a page: pixels, right and bottom edges exclusive."""

    label: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Colour `a` at t = 0, colour `b` at t = 1."""
    return (
        round(a[0] + (b[0] - a[0]) * t),
        round(a[1] + (b[1] - a[1]) * t),
        round(a[2] + (b[2] - a[2]) * t),
    )


# ------------------------------------------------------------------------------------------ pen


def smooth(points: Sequence[Point], closed: bool = True, steps: int = 5) -> list[Point]:
    """Catmull-Rom curve through the points."""
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
    """Points on an ellipse; degrees, clockwise on the page from three o'clock."""
    angles = (math.radians(start + (end - start) * i / n) for i in range(n + 1))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def scallops(points: Sequence[Point], bulge: float, n: int = 5) -> list[Point]:
    """A closed outline whose every side bulges outwards: crowns of trees, clouds, fleeces."""
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
    """Fills and inks shapes in its own coordinates: x to the right, y down.

    `at` gives a pen for a part: moved, scaled, turned, mirrored.
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
        """Where points of this pen lie on the canvas."""
        a, b, c, d, e, f = self.matrix
        return [(a * x + b * y + e, c * x + d * y + f) for x, y in points]

    @property
    def unit(self) -> float:
        a, b, c, d, _, _ = self.matrix
        return math.sqrt(abs(a * d - b * c))

    def shape(self, points: Iterable[Point], fill: Colour | None, ink: Colour | None = INK) -> None:
        spots = self.spots(points)
        if fill is not None:
            self.canvas.polygon(spots, fill=fill)
        if ink is not None:
            self.canvas.line([*spots, spots[0], spots[1]], fill=ink, width=self.weight)

    def line(
        self, points: Iterable[Point], colour: Colour = INK, width: float | None = None
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
        ink: Colour | None = INK,
    ) -> None:
        ry = rx if ry is None else ry
        n = 10 if max(rx, ry) * self.unit < 8 else 22 if max(rx, ry) * self.unit < 90 else 64
        self.shape(arc(cx, cy, rx, ry, 0, 360, n)[:-1], fill, ink)

    def rect(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        fill: Colour | None,
        ink: Colour | None = INK,
    ) -> None:
        self.shape([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, ink)

    def limb(
        self,
        points: Sequence[Point],
        width: float,
        fill: Colour,
        stripes: tuple[Colour, float] | None = None,
    ) -> None:
        """A round-ended tube along the points; `stripes`: second colour and period."""
        spots = self.spots(points)
        wide = width * self.unit
        for colour, w in ((INK, wide + 2 * self.weight), (fill, wide)):
            self.canvas.line(spots, fill=colour, width=max(1, round(w)))
            for x, y in spots:
                self.canvas.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), fill=colour)
        if stripes:
            colour, period = stripes
            for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
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


# --------------------------------------------------------------------------------------- people

# (upper arm, forearm): degrees from hanging straight down, outwards positive
ARMS = {
    "down": (13, 6), "loose": (24, -6), "hip": (50, -55), "wave": (112, 168), "up": (152, 174),
    "out": (86, 94), "chest": (24, -84), "carry": (16, 62), "point": (76, 82), "mouth": (42, -148),
    "shrug": (34, 110), "row": (50, 20),
}  # fmt: skip

# knee and foot of the left and the right leg, hips at (±0.2, -1.62)
LEGS: dict[str, tuple[tuple[Point, Point], tuple[Point, Point]]] = {
    "stand": (((-0.24, -0.84), (-0.27, -0.1)), ((0.24, -0.84), (0.27, -0.1))),
    "wide": (((-0.42, -0.86), (-0.58, -0.1)), ((0.42, -0.86), (0.58, -0.1))),
    "walk": (((-0.1, -0.86), (-0.44, -0.14)), ((0.34, -0.92), (0.36, -0.1))),
    "run": (((-0.14, -0.86), (-0.78, -0.52)), ((0.52, -1.12), (0.5, -0.34))),
    "kick": (((-0.12, -0.84), (-0.16, -0.1)), ((0.6, -1.2), (1.2, -1.0))),
    "sit": (((-0.5, -0.62), (-0.3, -0.08)), ((0.44, -0.66), (0.86, -0.1))),
    "ride": (((-0.5, -1.1), (-0.44, -0.44)), ((0.5, -1.1), (0.44, -0.44))),
    "ski": (((-0.02, -0.98), (-0.3, -0.1)), ((0.44, -0.98), (0.14, -0.1))),
}


@dataclass
class Person:
    """How somebody looks and what they are doing."""

    skin: Colour = SKINS[0]
    hair: Colour = BROWN
    hair_style: str = "short"
    hat: str = ""
    hat_colour: Colour = RED
    hat_trim: Colour = WHITE
    top: str = "plain"
    top_colour: Colour = RED
    top_trim: Colour = WHITE
    stripe: float = 0.3
    sleeves: str = "long"
    bottom: str = "trousers"
    bottom_colour: Colour = BLUE
    shoes: Colour = BROWN
    glasses: str = ""
    mouth: str = "smile"
    beard: str = ""
    girth: float = 1.0
    size: float = 1.0
    left: str = "down"
    right: str = "down"
    legs: str = "stand"
    lean: float = 0.0
    nod: float = 0.0
    look: float = 0.3
    back: bool = False
    flip: bool = False
    scarf: Colour | None = None
    cape: Colour | None = None
    holds: str = ""
    holds_colour: Colour = YELLOW
    under: str = ""
    label: str = ""


def torso_profile(who: Person) -> tuple[list[Point], float]:
    """Half widths (t, w) from the shoulders (t = 0) to the hem (t = 1), and the hem's height."""
    belly = max(0.0, who.girth - 1) * 0.5
    if who.bottom == "robe":
        return [(0, 0.38), (0.06, 0.47), (0.35, 0.47 + belly), (1, 0.68 + belly)], -0.22
    if who.bottom == "dress":
        return [(0, 0.36), (0.08, 0.45), (0.36, 0.36 + belly), (0.5, 0.42 + belly), (1, 0.7)], -0.85
    if who.top == "tunic":
        return [(0, 0.38), (0.06, 0.48), (0.5, 0.42 + belly), (1, 0.58 + belly)], -1.2
    return [(0, 0.38), (0.08, 0.49), (0.6, 0.45 + belly), (1, 0.42 + belly * 0.8)], -1.58


def half_width(profile: Sequence[Point], t: float) -> float:
    """Half the torso's width at t, linearly between the profile's points."""
    for (t0, w0), (t1, w1) in zip(profile, profile[1:], strict=False):
        if t <= t1:
            return w0 + (w1 - w0) * (t - t0) / (t1 - t0)
    return profile[-1][1]


SHOULDER = -3.16


def draw_torso(pen: Pen, who: Person) -> None:
    """The upper garment with its pattern."""
    profile, hem = torso_profile(who)
    ts = [i / 8 for i in range(9)]
    ts.insert(1, 0.06)

    def y(t: float) -> float:
        return SHOULDER + (hem - SHOULDER) * t

    def band(t0: float, t1: float, colour: Colour, sag: float = 0.05) -> None:
        w0, w1 = half_width(profile, t0), half_width(profile, t1)
        pen.shape(
            [
                (-w0, y(t0)), (-w0 / 2, y(t0) + sag), (w0 / 2, y(t0) + sag), (w0, y(t0)),
                (w1, y(t1)), (w1 / 2, y(t1) + sag), (-w1 / 2, y(t1) + sag), (-w1, y(t1)),
            ],
            colour,
            None,
        )  # fmt: skip

    outline = [(half_width(profile, t), y(t)) for t in ts]
    outline += [(-w, h) for w, h in reversed(outline)]
    bare = who.top == "bare"
    pen.shape(outline, who.skin if bare else who.top_colour, None)
    length = hem - SHOULDER
    if who.top == "stripes":
        s = who.stripe * 0.42
        while s < length - 0.06:
            band(s / length, min((s + who.stripe / 2) / length, 1), who.top_trim)
            s += who.stripe
    elif who.top == "dots":
        for row in range(1, int(length / 0.3) + 1):
            t = row * 0.3 / length - 0.08
            for k in (-1, 0, 1):
                x = (k + (row % 2) * 0.5 - 0.25) * 0.3
                if abs(x) < half_width(profile, t) - 0.08:
                    pen.oval(x, y(t), 0.055, fill=who.top_trim, ink=None)
    elif who.top == "checks":
        for k in (-0.24, 0.0, 0.24):
            pen.line([(k, SHOULDER + 0.08), (k, hem)], who.top_trim, 0.07)
        for row in range(1, int(length / 0.28)):
            t = row * 0.28 / length
            w = half_width(profile, t)
            pen.line([(-w, y(t)), (w, y(t))], who.top_trim, 0.07)
    elif who.top == "bars":
        for k in (-0.3, -0.1, 0.1, 0.3):
            pen.line([(k, SHOULDER + 0.1), (k * 1.2, hem)], who.top_trim, 0.09)
    elif who.top == "coat" and not who.back:
        pen.line([(0.04, SHOULDER), (0.04, hem)])
        for row in range(3):
            pen.oval(0.13, SHOULDER + 0.4 + row * 0.36, 0.05, fill=who.top_trim, ink=None)
    elif who.top == "tunic":
        belt = (-1.75 - SHOULDER) / length
        band(belt, belt + 0.16 / length, BROWN)
    elif who.top == "apron" and not who.back:
        pen.shape([(-0.24, -2.8), (0.24, -2.8), (0.34, hem), (-0.34, hem)], WHITE)
    elif who.top == "vest":
        for side in (-1, 1):
            pen.shape(
                [(side * 0.42, SHOULDER), (side * 0.14, SHOULDER + 0.1), (side * 0.2, hem),
                 (side * 0.45, hem)],
                who.top_trim,
            )  # fmt: skip
    elif who.top == "cross":
        pen.line([(0, SHOULDER + 0.25), (0, hem - 0.2)], who.top_trim, 0.17)
        pen.line([(-0.28, -2.6), (0.28, -2.6)], who.top_trim, 0.17)
    elif who.top == "braces":
        for side in (-1, 1):
            pen.line([(side * 0.26, SHOULDER + 0.02), (side * 0.2, hem)], who.top_trim, 0.08)
    elif bare and not who.back:
        pen.line([(-0.26, -2.66), (-0.08, -2.6)], mix(who.skin, INK, 0.35))
        pen.line([(0.26, -2.66), (0.08, -2.6)], mix(who.skin, INK, 0.35))
    pen.shape(outline, None)
    if who.bottom in ("dress", "robe") and who.top in ("plain", "dots"):
        pen.line([(-0.36 * who.girth, -2.1), (0, -2.05), (0.36 * who.girth, -2.1)])


def draw_legs(pen: Pen, who: Person) -> None:
    """Legs, shoes, and what covers the legs."""
    covered = who.bottom in ("trousers", "ski")
    colour = who.bottom_colour if covered else who.skin
    if who.bottom == "tights":
        colour = who.top_colour
    if who.bottom != "robe":
        for side, (knee, foot) in zip((-1, 1), LEGS[who.legs], strict=True):
            stripes = (who.top_trim, 0.24) if who.bottom == "tights" else None
            hip = (side * 0.2, -1.62 if who.legs != "sit" else -0.34)
            toe = (foot[0] + (0.16 if who.legs != "ride" else 0.12 * side), foot[1] + 0.02)
            pen.limb([hip, knee, foot], 0.3, colour, stripes)
            if who.bottom == "shorts":
                cut = (hip[0] + (knee[0] - hip[0]) * 0.8, hip[1] + (knee[1] - hip[1]) * 0.8)
                pen.limb([hip, cut], 0.36, who.bottom_colour)
            bare_feet = who.bottom in ("swim", "shorts") and who.shoes == who.skin
            pen.limb([foot, toe], 0.17 if bare_feet else 0.2, who.shoes)
    else:
        for side in (-1, 1):
            pen.limb([(side * 0.24, -0.12), (side * 0.24 + 0.14, -0.1)], 0.2, who.shoes)


def draw_skirt(pen: Pen, who: Person) -> None:
    """What lies over the legs below a short upper garment."""
    hips = -1.62 if who.legs != "sit" else -0.34
    if who.bottom in ("skirt", "tights"):
        low, wide = (hips + 0.72, 0.66) if who.legs != "sit" else (hips + 0.36, 0.72)
        pen.shape(
            [(-0.42, hips - 0.06), (0.42, hips - 0.06), (wide, low), (0, low + 0.07), (-wide, low)],
            who.bottom_colour,
        )
    elif who.bottom in ("shorts", "trousers", "swim", "ski"):
        w = 0.4 + max(0.0, who.girth - 1) * 0.4
        pen.shape(
            [(-w, hips - 0.12), (w, hips - 0.12), (w, hips + 0.2), (0, hips + 0.34),
             (-w, hips + 0.2)],
            who.bottom_colour,
        )  # fmt: skip


def draw_arm(pen: Pen, who: Person, side: int, pose: str) -> Point:
    """One arm; returns where its hand is."""
    upper, fore = (math.radians(a) for a in ARMS[pose])
    x, y = side * 0.42 * (0.5 + who.girth / 2), SHOULDER + 0.18
    elbow = (x + side * 0.64 * math.sin(upper), y + 0.64 * math.cos(upper))
    hand = (elbow[0] + side * 0.6 * math.sin(fore), elbow[1] + 0.6 * math.cos(fore))
    bare = who.top == "bare" or who.sleeves == "none"
    striped = who.top == "stripes" and not bare
    sleeve = who.top_trim if who.top in ("cross",) else who.top_colour
    stripes = (who.top_trim, who.stripe * 0.9) if striped else None
    pen.oval(hand[0], hand[1], 0.13, fill=who.skin)
    if bare:
        pen.limb([(x, y), elbow, hand], 0.22, who.skin)
    elif who.sleeves == "short":
        pen.limb([(x, y), elbow, hand], 0.21, who.skin)
        cut = (x + (elbow[0] - x) * 0.6, y + (elbow[1] - y) * 0.6)
        pen.limb([(x, y), cut], 0.27, sleeve, stripes)
    else:
        wrist = (elbow[0] + (hand[0] - elbow[0]) * 0.82, elbow[1] + (hand[1] - elbow[1]) * 0.82)
        pen.limb([(x, y), elbow, wrist], 0.25, sleeve, stripes)
    return hand


def draw_head(pen: Pen, who: Person) -> list[Point]:
    """Head around (0, 0), chin at y = 0.5; returns the corners of hat-to-chin in pen units."""
    look = who.look
    dark = mix(who.hair, INK, 0.45)
    style = who.hair_style
    if style in ("long", "wild") and not who.back:
        w = 0.52 if style == "long" else 0.66
        pen.shape(
            smooth([(-w, 0.5), (-w, -0.1), (-0.36, -0.5), (0.36, -0.5), (w, -0.1), (w, 0.5),
                    (0.2, 0.62), (-0.2, 0.62)]),
            who.hair,
        )  # fmt: skip
    if style == "afro":
        pen.oval(0, -0.16, 0.62, 0.56, who.hair)
    if style == "tails":
        for side in (-1, 1):
            pen.shape(smooth([(side * 0.36, -0.2), (side * 0.7, -0.1), (side * 0.72, 0.42),
                              (side * 0.46, 0.2)]), who.hair)  # fmt: skip
    for side in (-1, 1):
        pen.oval(side * 0.4, 0.04, 0.09, 0.12, who.skin)
    pen.shape(
        smooth([(0, -0.5), (0.34, -0.34), (0.4, 0.02), (0.3, 0.36), (0, 0.5), (-0.3, 0.36),
                (-0.4, 0.02), (-0.34, -0.34)]),
        who.skin,
    )  # fmt: skip
    if who.back:
        if style != "bald":
            low = 0.62 if style in ("long", "wild") else 0.3
            pen.shape(
                smooth([(0, -0.54), (0.4, -0.36), (0.45, 0.06), (0.3, low), (-0.3, low),
                        (-0.45, 0.06), (-0.4, -0.36)]),
                who.hair,
            )  # fmt: skip
    else:
        draw_face(pen, who)
        if style == "bald":
            pen.line(arc(0, 0, 0.39, 0.4, 150, 200, 4), who.hair, 0.1)
            pen.line(arc(0, 0, 0.39, 0.4, -20, 30, 4), who.hair, 0.1)
        elif style == "spiky":
            xs = [-0.44, -0.4, -0.26, -0.2, -0.04, 0.04, 0.2, 0.26, 0.42, 0.44]
            ys = [-0.02, -0.56, -0.42, -0.72, -0.46, -0.74, -0.46, -0.66, -0.42, -0.02]
            pen.shape([*zip(xs, ys, strict=True), (0.32, -0.26), (0, -0.2), (-0.32, -0.26)],
                      who.hair)  # fmt: skip
        elif style == "afro":
            pen.shape([*arc(0, -0.2, 0.4, 0.34, 180, 360, 8), (0.2, -0.3), (-0.2, -0.3)],
                      who.hair, None)  # fmt: skip
        else:
            part = 0.16 * (1 if look > 0 else -1)
            low = 0.12 if style in ("long", "bob", "wild") else -0.02
            pen.shape(
                [(-0.43, low), *arc(0, -0.08, 0.43, 0.46, 184, 356, 10), (0.43, low), (0.33, -0.12),
                 (part + 0.1, -0.3), (part, -0.22), (part - 0.2, -0.24), (-0.33, -0.12)],
                who.hair,
            )  # fmt: skip
            if style == "bun":
                pen.oval(0, -0.6, 0.17, 0.15, who.hair)
            if style == "bob":
                for side in (-1, 1):
                    pen.shape(smooth([(side * 0.38, -0.2), (side * 0.5, 0.1), (side * 0.46, 0.36),
                                      (side * 0.3, 0.3), (side * 0.35, 0.0)]), who.hair)  # fmt: skip
            if style == "curly":
                crown = arc(0, -0.1, 0.44, 0.46, 170, 370, 7)
                pen.shape(scallops([*crown, (0, -0.24)], 0.9, 4), who.hair, dark)
    top = draw_hat(pen, who)
    return [(-0.46, top), (0.46, top), (0.46, 0.5), (-0.46, 0.5)]


def draw_face(pen: Pen, who: Person) -> None:
    """Eyes, glasses, nose, cheeks, mouth, beard."""
    x = who.look * 0.16
    line = mix(who.skin, INK, 0.75)
    blush = mix(who.skin, (232, 96, 80), 0.32)
    pen.oval(x - 0.21, 0.16, 0.09, 0.07, blush, None)
    pen.oval(x + 0.21, 0.16, 0.09, 0.07, blush, None)
    if who.beard in ("full", "long"):
        low = 0.56 if who.beard == "full" else 1.15
        pen.shape(
            smooth([(-0.4, 0.06), (-0.24, 0.2), (x, 0.16), (0.24, 0.2), (0.4, 0.06), (0.34, 0.46),
                    (0.0, low), (-0.34, 0.46)]),
            who.hair,
        )  # fmt: skip
    if who.mouth == "open":
        pen.oval(x, 0.29, 0.11, 0.09, (150, 44, 44))
    elif who.mouth == "smile":
        pen.line(arc(x, 0.2, 0.17, 0.12, 20, 160, 5), line)
    elif who.mouth == "grin":
        pen.shape([(x - 0.18, 0.22), (x + 0.18, 0.22), (x + 0.08, 0.34), (x - 0.08, 0.34)], WHITE)
    elif who.mouth == "oh":
        pen.oval(x, 0.3, 0.05, 0.07, (150, 44, 44))
    else:
        pen.line([(x - 0.1, 0.28), (x + 0.12, 0.27)], line)
    eye = x * 1.1
    if who.glasses == "sun":
        for side in (-1, 1):
            pen.shape(arc(eye + side * 0.17, -0.1, 0.16, 0.17, 0, 180, 6), BLACK)
        pen.line([(eye - 0.4, -0.1), (eye + 0.4, -0.1)])
    elif who.glasses == "round":
        for side in (-1, 1):
            pen.oval(eye + side * 0.185, 0.0, 0.17, fill=WHITE)
            pen.oval(eye + side * 0.165, 0.01, 0.06, fill=INK, ink=None)
        pen.line([(-0.4, -0.04), (eye - 0.34, -0.02)])
        pen.line([(0.4, -0.04), (eye + 0.34, -0.02)])
    else:
        for side in (-1, 1):
            pen.oval(eye + side * 0.16, -0.04, 0.085, 0.1, WHITE, None)
            pen.oval(eye + side * 0.15 + who.look * 0.04, -0.03, 0.055, 0.07, INK, None)
            pen.line([(eye + side * 0.24, -0.2), (eye + side * 0.08, -0.22)], line)
    nose = mix(who.skin, (214, 110, 84), 0.25)
    pen.shape(smooth([(x * 1.7 - 0.05, 0.03), (x * 1.7 + 0.07, 0.05), (x * 1.7 + 0.09, 0.17),
                      (x * 1.7 - 0.07, 0.17)], steps=3), nose, line)  # fmt: skip
    if who.beard == "moustache":
        pen.shape(
            smooth([(x, 0.17), (x + 0.2, 0.16), (x + 0.32, 0.28), (x + 0.12, 0.27), (x, 0.24),
                    (x - 0.12, 0.27), (x - 0.32, 0.28), (x - 0.2, 0.16)], steps=3),
            who.hair,
        )  # fmt: skip


def draw_hat(pen: Pen, who: Person) -> float:
    """The hat; returns the y of its top (of the skull or the hair where there is none)."""
    colour, trim = who.hat_colour, who.hat_trim
    dome = arc(0, -0.2, 0.45, 0.46, 180, 360, 12)
    match who.hat:
        case "bobble":
            hat = pen.at(0, -0.24, turn=-5)
            hat.shape([*arc(0, -0.04, 0.44, 0.48, 180, 360, 12), (0.44, 0.0), (-0.44, 0.0)], trim)
            hat.shape([(-0.46, -0.16), (-0.2, -0.2), (0.2, -0.2), (0.46, -0.16), (0.47, 0.03),
                       (0.2, 0.07), (-0.2, 0.07), (-0.47, 0.03)], colour)  # fmt: skip
            hat.oval(0.02, -0.6, 0.18, 0.16, colour)
            return -0.98
        case "beanie":
            pen.shape([*dome, (0.45, -0.1), (-0.45, -0.1)], colour)
            pen.shape([(-0.47, -0.26), (0.47, -0.26), (0.46, -0.06), (-0.46, -0.06)], trim)
            return -0.66
        case "cap":
            pen.shape([*dome, (0.45, -0.16), (-0.45, -0.16)], colour)
            if not who.back:
                pen.shape(smooth([(-0.1, -0.2), (0.4, -0.26), (0.8, -0.12), (0.5, -0.08),
                                  (0.1, -0.1)]), trim)  # fmt: skip
            return -0.66
        case "straw" | "sunhat" | "boater":
            brim = {"straw": 0.74, "sunhat": 0.86, "boater": 0.62}[who.hat]
            pen.oval(0, -0.22, brim, 0.17, colour)
            if who.hat == "boater":
                crown = [(-0.36, -0.26), (-0.36, -0.56), (0.36, -0.56), (0.36, -0.26)]
            else:
                crown = [*arc(0, -0.26, 0.4, 0.42, 180, 360, 10)]
            pen.shape(crown, colour)
            pen.shape([(-0.38, -0.36), (0.38, -0.36), (0.4, -0.24), (-0.4, -0.24)], trim)
            return -0.68
        case "top":
            pen.oval(0, -0.26, 0.6, 0.13, colour)
            pen.shape([(-0.36, -0.26), (-0.4, -1.0), (0.4, -1.0), (0.36, -0.26)], colour)
            pen.shape([(-0.37, -0.42), (0.37, -0.42), (0.36, -0.26), (-0.36, -0.26)], trim)
            return -1.0
        case "bowler":
            pen.oval(0, -0.2, 0.6, 0.12, colour)
            pen.shape(arc(0, -0.2, 0.4, 0.5, 180, 360, 12), colour)
            return -0.7
        case "helmet":
            pen.shape([(-0.46, 0.1), *arc(0, -0.12, 0.46, 0.5, 180, 360, 12), (0.46, 0.1),
                       (0.34, 0.1), (0.34, -0.18), (-0.34, -0.18), (-0.34, 0.1)], colour)  # fmt: skip
            pen.shape(smooth([(0, -0.6), (0.14, -0.86), (-0.16, -1.0), (-0.5, -0.74),
                              (-0.2, -0.78)]), trim)  # fmt: skip
            return -0.95
        case "hood":
            pen.shape(
                [*smooth([(-0.34, 0.34), (-0.5, 0.1), (-0.42, -0.42), (-0.16, -0.72), (0.34, -0.5),
                          (0.5, -0.1), (0.4, 0.34)], closed=False), (0.3, 0.3), (0.36, -0.1),
                 (0.2, -0.3), (-0.2, -0.3), (-0.36, -0.1), (-0.3, 0.3)],
                colour,
            )  # fmt: skip
            return -0.7
        case "scarf":
            pen.shape([(-0.46, 0.0), *arc(0, -0.12, 0.46, 0.46, 184, 356, 10), (0.46, 0.0),
                       (0.2, -0.26), (-0.2, -0.26)], colour)  # fmt: skip
            for x, y in ((-0.2, -0.42), (0.05, -0.46), (0.28, -0.36)):
                pen.oval(x, y, 0.05, fill=trim, ink=None)
            return -0.6
        case "crown":
            pen.shape([(-0.4, -0.26), (-0.46, -0.72), (-0.2, -0.5), (0, -0.78), (0.2, -0.5),
                       (0.46, -0.72), (0.4, -0.26)], YELLOW)  # fmt: skip
            return -0.76
        case "cone":
            pen.shape([(-0.36, -0.26), (0.05, -1.2), (0.36, -0.26), (0, -0.2)], colour)
            pen.oval(-0.06, -0.5, 0.07, fill=trim, ink=None)
            pen.oval(0.1, -0.72, 0.06, fill=trim, ink=None)
            pen.oval(0.05, -1.2, 0.1, fill=trim)
            return -1.28
        case "chef":
            pen.shape([(-0.34, -0.24), (-0.34, -0.5), (0.34, -0.5), (0.34, -0.24)], WHITE)
            pen.shape(scallops([(-0.4, -0.5), (-0.3, -0.8), (0.3, -0.8), (0.4, -0.5)], 1.0), WHITE)
            return -1.0
        case "turban":
            pen.shape(smooth([(-0.48, -0.16), (-0.46, -0.5), (0, -0.7), (0.46, -0.5), (0.48, -0.16),
                              (0, -0.24)]), colour)  # fmt: skip
            pen.line([(-0.46, -0.26), (0.1, -0.62)])
            pen.line([(-0.2, -0.24), (0.36, -0.54)])
            return -0.68
        case "wizard":
            pen.shape(smooth([(-0.4, -0.26), (-0.1, -0.8), (-0.22, -1.3), (0.2, -0.9),
                              (0.4, -0.26)], closed=False), colour)  # fmt: skip
            pen.oval(0, -0.24, 0.66, 0.15, colour)
            return -1.3
        case "sailor":
            pen.shape([(-0.4, -0.24), (-0.46, -0.5), (0.46, -0.5), (0.4, -0.24)], WHITE)
            pen.shape(arc(0, -0.48, 0.3, 0.2, 180, 360, 6), colour)
            return -0.66
        case "captain":
            pen.shape([(-0.4, -0.3), (-0.5, -0.6), (0, -0.72), (0.5, -0.6), (0.4, -0.3)], WHITE)
            pen.shape([(-0.42, -0.34), (0.42, -0.34), (0.5, -0.14), (-0.1, -0.2)], colour)
            return -0.7
        case "bicorne":
            pen.shape(smooth([(-0.7, -0.2), (-0.44, -0.56), (0, -0.84), (0.44, -0.56),
                              (0.7, -0.2), (0, -0.32)]), colour)  # fmt: skip
            pen.oval(0, -0.54, 0.1, fill=trim, ink=None)
            return -0.8
        case "flower":
            for x, y in ((-0.3, -0.42), (-0.1, -0.52), (0.12, -0.52), (0.32, -0.42)):
                pen.oval(x, y, 0.12, fill=colour)
                pen.oval(x, y, 0.04, fill=trim, ink=None)
            return -0.62
        case "feather":
            pen.shape([*dome, (0.62, -0.14), (-0.5, -0.18)], colour)
            pen.shape(smooth([(-0.3, -0.4), (-0.62, -0.9), (-0.5, -1.0), (-0.18, -0.5)]), trim)
            return -0.66
    return {"afro": -0.72, "bun": -0.76, "spiky": -0.72, "curly": -0.66}.get(who.hair_style, -0.54)


def draw_held(pen: Pen, who: Person, hand: Point) -> None:
    """What the right hand holds."""
    c = who.holds_colour
    at = pen.at(*hand)
    match who.holds:
        case "icecream":
            at.shape([(-0.1, -0.1), (0.1, -0.1), (0.0, 0.24)], (226, 170, 96))
            at.oval(0, -0.2, 0.15, fill=c)
        case "balloon":
            at.line(smooth([(0, 0), (0.1, -0.8), (0.0, -1.5)], closed=False))
            at.oval(0, -1.95, 0.4, 0.48, c)
            at.line(arc(0, -1.95, 0.26, 0.34, 200, 250, 4), mix(c, WHITE, 0.7), 0.07)
        case "flag":
            at.line([(0, 0.5), (0, -1.7)], WOOD, 0.09)
            at.shape(
                [(0, -1.7), (0.5, -1.8), (1.0, -1.62), (1.0, -1.0), (0.5, -1.14), (0, -1.0)], c
            )
        case "parasol":
            at.line([(0, 0.4), (0, -1.6)], BROWN, 0.07)
            canopy(at, 0, -1.5, 1.15, 0.7, (c, WHITE))
        case "basket":
            at.line(arc(0, 0.25, 0.26, 0.34, 180, 360, 8), BROWN, 0.07)
            at.oval(-0.1, 0.2, 0.14, fill=c)
            at.oval(0.14, 0.2, 0.12, fill=ORANGE)
            at.shape([(-0.32, 0.22), (0.32, 0.22), (0.24, 0.6), (-0.24, 0.6)], WOOD)
        case "book":
            at.shape([(-0.3, -0.2), (0, -0.12), (0.3, -0.2), (0.3, 0.2), (0, 0.28), (-0.3, 0.2)], c)
        case "camera":
            at.rect(-0.26, -0.18, 0.26, 0.16, BLACK)
            at.oval(0, 0, 0.11, fill=SKY)
        case "stick":
            at.line([(0.05, -0.5), (0.0, 1.9)], BROWN, 0.09)
        case "spear":
            at.line([(0, 1.5), (0, -2.2)], WOOD, 0.09)
            at.shape([(-0.13, -2.1), (0, -2.65), (0.13, -2.1)], GREY)
        case "sword":
            at.shape([(-0.06, -0.1), (-0.06, -1.3), (0, -1.5), (0.06, -1.3), (0.06, -0.1)], STONE)
            at.line([(-0.22, -0.1), (0.22, -0.1)], YELLOW, 0.1)
        case "shield":
            at.shape(smooth([(-0.42, -0.5), (0.42, -0.5), (0.4, 0.15), (0, 0.6), (-0.4, 0.15)]), c)
            at.line([(0, -0.45), (0, 0.5)], WHITE, 0.12)
            at.line([(-0.36, -0.1), (0.36, -0.1)], WHITE, 0.12)
        case "rod":
            at.line(smooth([(0, 0.2), (0.9, -1.4), (1.9, -2.0)], closed=False), BROWN, 0.07)
            at.line([(1.9, -2.0), (2.0, 0.4)], GREY)
            at.shape(smooth([(2.0, 0.4), (2.16, 0.66), (2.0, 0.95), (1.84, 0.66)]), SKY)
        case "bag":
            at.line(arc(0, 0.16, 0.16, 0.24, 180, 360, 6))
            at.shape([(-0.28, 0.14), (0.28, 0.14), (0.32, 0.7), (-0.32, 0.7)], c)
        case "drum":
            at.rect(-0.5, -0.06, 0.5, 0.42, c)
            at.oval(0, -0.06, 0.5, 0.14, CREAM)
            for x in (-0.5, -0.25, 0.0, 0.25):
                at.line([(x, 0.05), (x + 0.12, 0.42), (x + 0.25, 0.05)], WHITE)
        case "trumpet":
            at.line([(-0.3, 0), (0.5, -0.12)], YELLOW, 0.12)
            at.shape([(0.45, -0.2), (0.95, -0.46), (0.95, 0.16), (0.5, -0.04)], YELLOW)
        case "candyfloss":
            at.line([(0, 0.3), (0, -0.2)], CREAM, 0.07)
            at.shape(scallops(arc(0, -0.5, 0.3, 0.36, 0, 360, 6)[:-1], 0.8), PINK)
        case "ball":
            at.oval(0, -0.22, 0.32, fill=c)
            at.line(arc(0, -0.22, 0.14, 0.32, -80, 80, 6))
            at.line(arc(0, -0.22, 0.14, 0.32, 100, 260, 6))
        case "bucket":
            at.line(arc(0, 0.2, 0.22, 0.3, 180, 360, 6))
            at.shape([(-0.26, 0.18), (0.26, 0.18), (0.19, 0.6), (-0.19, 0.6)], c)
        case "snowball":
            at.oval(0, -0.12, 0.17, fill=WHITE)
        case "fish":
            fish = at.at(0, 0.1, turn=70)
            fish.shape(smooth([(0, 0), (0.4, -0.2), (0.85, 0), (0.4, 0.2)]), c)
            fish.shape([(0.8, 0), (1.05, -0.2), (1.05, 0.2)], c)
        case "pole":
            at.line([(0, -0.15), (-0.5, 1.3)], GREY, 0.06)
        case "broom":
            at.line([(0.1, -1.2), (-0.1, 1.1)], WOOD, 0.08)
            at.shape([(-0.2, 1.0), (0.06, 1.02), (0.16, 1.6), (-0.5, 1.58)], YELLOW)
        case "lute":
            at.line([(0.1, -0.1), (0.75, -0.6)], BROWN, 0.12)
            at.oval(-0.1, 0.06, 0.36, 0.28, WOOD)
            at.oval(-0.1, 0.04, 0.1, fill=INK, ink=None)


def draw_person(pen: Pen, who: Person) -> list[Point]:
    """Somebody standing at the pen's origin; returns head corners on the canvas."""
    pen = pen.at(0, 0, who.size, flip=who.flip)
    body = pen.at(0, 0, turn=who.lean)
    drop = {"sit": 1.28}.get(who.legs, 0.0)
    if who.under == "ski":
        for x in (-0.34, 0.1):
            pen.limb([(x - 0.9, 0.1), (x + 0.95, -0.04), (x + 1.2, -0.22)], 0.1, who.holds_colour)
    elif who.under == "sledge":
        pen.limb([(-0.9, -0.1), (0.9, -0.1), (1.15, -0.4)], 0.14, WOOD)
    elif who.under == "board":
        pen.shape(smooth([(-1.4, 0), (0, -0.16), (1.4, -0.1), (0, 0.16)]), who.holds_colour)
    if who.cape:
        body.shape(
            smooth([(-0.36, -3.1), (0.36, -3.1), (0.7, -0.8), (0, -0.6), (-0.8, -0.8)]), who.cape
        )
    draw_legs(pen if who.legs in ("sit", "ski") else body, who)
    upper = body.at(0, drop)
    if who.bottom not in ("dress", "robe"):
        draw_skirt(body, who)
    upper.limb([(0, SHOULDER), (0, SHOULDER - 0.2)], 0.24, who.skin)
    draw_torso(upper, who)
    draw_arm(upper, who, -1, who.left)
    hand = draw_arm(upper, who, 1, who.right)
    if who.scarf:
        upper.limb([(-0.26, -3.1), (0.26, -3.1)], 0.2, who.scarf)
        upper.limb([(0.2, -3.05), (0.3, -2.5)], 0.18, who.scarf)
    head = upper.at(0, -3.72, turn=who.nod)
    corners = head.spots(draw_head(head, who))
    if who.holds:
        draw_held(upper, who, hand)
    return corners


def canopy(
    pen: Pen, cx: float, cy: float, rx: float, ry: float, colours: Sequence[Colour], n: int = 6
) -> None:
    """An open umbrella from the side: gores of alternating colours with a scalloped rim."""
    xs = [-math.cos(math.pi * i / n) for i in range(n + 1)]
    for i in range(n):
        left = [(cx + rx * xs[i] * math.sin(a), cy - ry * math.cos(a))
                for a in (math.pi / 2 * k / 5 for k in range(6))]  # fmt: skip
        right = [(cx + rx * xs[i + 1] * math.sin(a), cy - ry * math.cos(a))
                 for a in (math.pi / 2 * k / 5 for k in range(5, -1, -1))]  # fmt: skip
        mid = ((left[-1][0] + right[0][0]) / 2, cy + ry * 0.1)
        pen.shape([*left, mid, *right], colours[i % len(colours)])
    pen.line([(cx, cy - ry), (cx, cy - ry * 1.15)], INK, 0.08)


# ---------------------------------------------------------------------------------------- who is who


def waldo(rng: random.Random, ease: float = 0.25) -> Person:
    """Waldo.  `ease` 0 is the mask's stiff pose; 1 moves, leans and nods as anybody does."""
    arms = ("down", "loose", "hip", "wave", "carry") if ease else ("down",)
    return Person(
        skin=SKINS[0],
        hair=BROWN,
        hat="bobble",
        top="stripes",
        top_colour=WHITE,
        top_trim=RED,
        glasses="round",
        stripe=0.36,
        left=rng.choice(arms[:3]),
        right=rng.choice(arms),
        legs=rng.choice(("stand", "walk", "wide")),
        lean=rng.uniform(-7, 7) * ease,
        nod=rng.uniform(-9, 9) * ease,
        look=0.35 + rng.uniform(-1, 0.4) * ease,
        girth=0.92,
        label="waldo",
    )


def wenda(rng: random.Random) -> Person:
    """Stripes and bobble hat, no glasses: long hair, skirt, striped tights."""
    return replace(
        stranger(rng, "town"), skin=SKINS[0], hair=(170, 104, 52), hair_style="long", hat="bobble",
        hat_colour=RED, hat_trim=WHITE, top="stripes", top_colour=RED, top_trim=WHITE,
        stripe=0.24, sleeves="long", bottom="tights", bottom_colour=BLUE, glasses="", beard="",
        girth=0.9, size=0.95, look=-0.5, nod=rng.uniform(-8, 8), back=False, label="wenda",
    )  # fmt: skip


def odlaw(rng: random.Random) -> Person:
    """Bobble hat and round glasses, but yellow and black throughout, and a moustache."""
    return replace(
        stranger(rng, "town"), skin=SKINS[1], hair=BLACK, hair_style="short", hat="bobble",
        hat_colour=BLACK, hat_trim=YELLOW, top="stripes", top_colour=YELLOW, top_trim=BLACK,
        sleeves="long", bottom="trousers", bottom_colour=BLACK, glasses="round",
        beard="moustache", mouth="flat", girth=0.95, size=1.0, nod=rng.uniform(-8, 8), back=False,
        label="odlaw",
    )  # fmt: skip


def wizard(rng: random.Random) -> Person:
    """Red robe with white hem, blue pointed hat, long white beard, a staff."""
    return replace(
        stranger(rng, "town"), skin=SKINS[0], hair=(238, 236, 232), hair_style="long", hat="wizard",
        hat_colour=BLUE, top="plain", top_colour=RED, top_trim=WHITE, sleeves="long",
        bottom="robe", glasses="", beard="long", left="down", right="carry", legs="stand",
        holds="stick", girth=1.0, size=1.0, lean=0.0, back=False, label="wizard",
    )  # fmt: skip


def lookalike(rng: random.Random, theme: str) -> Person:
    """Somebody with exactly two of Waldo's three marks: red stripes, bobble hat, round glasses."""
    who = replace(stranger(rng, theme), back=False, beard="", label="lookalike", holds="")
    kind = rng.choice(("no glasses", "no hat", "no stripes"))
    if kind != "no stripes":
        who.top, who.sleeves = "stripes", rng.choice(("long", "short"))
        who.top_colour, who.top_trim = rng.choice(((RED, WHITE), (WHITE, RED)))
        who.stripe = rng.choice((0.2, 0.44, 0.54))
        if who.bottom in ("dress", "robe"):
            who.bottom = "skirt"
    else:
        who.top = rng.choice(("plain", "dots", "checks", "coat", "braces"))
        who.top_colour = rng.choice((BLUE, GREEN, YELLOW, PLUM, TEAL, NAVY, ORANGE))
    if kind == "no hat":
        who.hat = ""
        who.hair_style = rng.choice(("curly", "bald", "spiky", "afro", "bun", "tails", "bob"))
    else:
        who.hat, who.hat_colour, who.hat_trim = "bobble", RED, WHITE
        who.hair_style = rng.choice(("long", "curly", "tails", "bob", "wild"))
    if kind == "no glasses":
        who.glasses = ""
        who.beard = rng.choice(("", "full", "moustache")) if who.hair_style == "curly" else ""
    else:
        who.glasses = "round"
    who.look = rng.choice((-0.8, -0.5, 0.9))
    return who


def stranger(rng: random.Random, theme: str) -> Person:
    """Anybody from the crowd, dressed for the theme."""
    child = rng.random() < 0.16
    female = rng.random() < 0.48
    skin = rng.choice(SKINS + SKINS[:3])
    hair = rng.choice(HAIRS[:7] if child else HAIRS)
    if SKINS.index(skin) > 3:
        hair = rng.choice(HAIRS[:2])
    styles = ("long", "bob", "bun", "tails", "curly", "wild", "long", "bob", "afro")
    plain = ("short", "short", "bald", "curly", "spiky", "afro", "short")
    arms = ("down", "down", "down", "loose", "loose", "loose", "hip", "hip", "wave", "up", "out",
            "chest", "carry", "carry", "point", "mouth", "shrug")  # fmt: skip
    who = Person(
        skin=skin,
        hair=hair,
        hair_style=rng.choice(styles if female else plain),
        hat_colour=rng.choice(CLOTHES),
        hat_trim=rng.choice(CLOTHES),
        top=rng.choice(
            (
                "plain",
                "plain",
                "plain",
                "plain",
                "stripes",
                "dots",
                "checks",
                "bars",
                "coat",
                "vest",
                "braces",
                "apron",
            )
        ),
        top_colour=rng.choice(CLOTHES),
        top_trim=rng.choice(CLOTHES),
        stripe=rng.choice((0.2, 0.26, 0.4)),
        sleeves=rng.choice(("long", "long", "short")),
        bottom=rng.choice(
            ("dress", "skirt", "trousers", "tights")
            if female
            else ("trousers", "trousers", "shorts")
        ),
        bottom_colour=rng.choice(CLOTHES),
        shoes=rng.choice((BROWN, BLACK, (150, 76, 44), NAVY)),
        glasses="round" if rng.random() < 0.05 else "",
        mouth=rng.choice(("smile", "smile", "smile", "open", "flat", "grin", "oh")),
        beard=rng.choice(("", "", "", "full", "moustache")) if not (female or child) else "",
        girth=rng.choice((0.88, 0.95, 1.0, 1.0, 1.08, 1.3, 1.55)),
        size=rng.uniform(0.62, 0.78) if child else rng.uniform(0.93, 1.07),
        left=rng.choice(arms),
        right=rng.choice(arms),
        legs=rng.choice(("stand", "stand", "walk", "walk", "wide", "run")),
        lean=rng.uniform(-6, 6),
        nod=rng.uniform(-10, 10),
        look=rng.choice((-1, -0.6, 0.3, 0.6, 1.0)),
        back=rng.random() < 0.12,
        flip=rng.random() < 0.5,
        holds_colour=rng.choice(CLOTHES),
    )
    if who.legs == "run":
        who.lean = 9.0
        who.left, who.right = "out", "carry"
    DRESS[theme](rng, who, female)
    if who.top == "stripes" and {who.top_colour, who.top_trim} == {RED, WHITE}:
        who.top_trim = BLUE
    return who


def dress_beach(rng: random.Random, who: Person, female: bool) -> None:
    who.hat = rng.choice(("", "", "", "straw", "sunhat", "cap", "scarf"))
    who.glasses = rng.choice(("", "", "sun")) or who.glasses
    who.shoes = rng.choice((who.skin, who.skin, BROWN))
    if female:
        who.bottom, who.sleeves = rng.choice(
            (("swim", "none"), ("dress", "none"), ("skirt", "short"))
        )
        if who.bottom == "swim":
            who.bottom_colour = who.top_colour
    else:
        who.bottom = rng.choice(("shorts", "shorts", "swim"))
        who.sleeves = "short"
        if rng.random() < 0.55:
            who.top = "bare"
    if who.top in ("coat", "apron"):
        who.top = "dots"
    who.holds = rng.choice(("", "", "", "icecream", "ball", "bucket", "bag", "book", "parasol"))
    settle(rng, who)


def dress_town(rng: random.Random, who: Person, female: bool) -> None:
    who.hat = (
        rng.choice(("", "", "", "cap", "bowler", "top", "beanie", "boater"))
        if not female
        else (rng.choice(("", "", "", "sunhat", "flower", "scarf", "straw")))
    )
    who.holds = rng.choice(("", "", "", "", "bag", "basket", "book", "balloon", "stick", "camera",
                            "icecream", "parasol", "broom"))  # fmt: skip
    settle(rng, who)


def dress_snow(rng: random.Random, who: Person, female: bool) -> None:
    who.hat = rng.choice(("beanie", "beanie", "bobble", "scarf", "cap", "hood", ""))
    if who.hat == "bobble":
        who.hat_colour = rng.choice((BLUE, GREEN, YELLOW, PLUM, ORANGE, TEAL))
        who.hat_trim = rng.choice((CREAM, PINK, SKY, MINT))
        who.glasses = ""
    who.sleeves = "long"
    who.bottom = "trousers" if who.bottom in ("shorts", "dress") else who.bottom
    who.scarf = rng.choice((None, RED, YELLOW, GREEN, ORANGE))
    who.glasses = rng.choice(("", "", "", "sun")) or who.glasses
    act = rng.random()
    if act < 0.38:
        who.under, who.legs, who.lean = "ski", "ski", rng.uniform(4, 14)
        who.bottom = "trousers"
        who.left = who.right = rng.choice(("carry", "shrug"))
        who.holds = "pole"
    elif act < 0.48:
        who.under, who.legs, who.bottom = "sledge", "sit", "trousers"
        who.left = who.right = rng.choice(("up", "carry"))
    elif act < 0.66:
        who.holds, who.right = "snowball", rng.choice(("up", "wave"))
    settle(rng, who)


def dress_fair(rng: random.Random, who: Person, female: bool) -> None:
    dress_town(rng, who, female)
    who.hat = rng.choice((who.hat, who.hat, "cone", "boater", ""))
    who.holds = rng.choice(("", "", "balloon", "candyfloss", "icecream", "flag", "ball", "trumpet"))
    settle(rng, who)


def dress_castle(rng: random.Random, who: Person, female: bool) -> None:
    who.glasses = ""
    if female:
        who.bottom = rng.choice(("dress", "robe", "dress"))
        who.hat = rng.choice(("", "scarf", "hood", "flower", "cone", "crown"))
        who.top = rng.choice(("plain", "plain", "apron", "dots"))
        who.holds = rng.choice(("", "", "basket", "bucket", "lute"))
    else:
        who.top = rng.choice(("tunic", "tunic", "tunic", "cross", "stripes"))
        who.bottom = "trousers"
        who.hat = rng.choice(("", "hood", "helmet", "helmet", "feather", "feather", "cap"))
        if who.hat == "helmet":
            who.hat_colour = GREY
        who.cape = rng.choice((None, None, None, RED, NAVY, GREEN))
        who.holds = rng.choice(("", "", "spear", "sword", "shield", "flag", "lute", "stick"))
    settle(rng, who)


def dress_harbour(rng: random.Random, who: Person, female: bool) -> None:
    dress_town(rng, who, female)
    if not female:
        if rng.random() < 0.4:
            who.hat, who.top, who.top_colour, who.top_trim = "sailor", "stripes", WHITE, NAVY
            who.hat_colour = NAVY
        else:
            who.hat = rng.choice(("captain", "scarf", "cap", "bicorne", ""))
            who.hat_colour = NAVY if who.hat in ("captain", "bicorne") else who.hat_colour
        who.holds = rng.choice(("", "", "fish", "rod", "bag", "bucket", "stick", "flag"))
    settle(rng, who)


def settle(rng: random.Random, who: Person) -> None:
    """Put the right arm where what it holds can be seen."""
    poses = {"balloon": ("carry", "wave"), "flag": ("carry", "wave"), "parasol": ("carry", "wave"),
             "icecream": ("chest", "carry"), "book": ("chest",), "camera": ("mouth",),
             "trumpet": ("carry",), "drum": ("chest",), "lute": ("chest",), "ball": ("up", "carry"),
             "snowball": ("up", "wave"), "shield": ("chest",)}  # fmt: skip
    if who.holds:
        who.right = rng.choice(poses.get(who.holds, ("carry", "shrug")))


DRESS: dict[str, Callable[[random.Random, Person, bool], None]] = {
    "beach": dress_beach,
    "town": dress_town,
    "snow": dress_snow,
    "fair": dress_fair,
    "castle": dress_castle,
    "harbour": dress_harbour,
}


# ----------------------------------------------------------------------------------------- things
# Each stands at the pen's origin and is measured in units; people are 4.3 units tall.


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
        awning(pen, -w + 0.1, w - 0.1, -4.4, -3.0,
               *rng.choice(((RED, WHITE), (GREEN, WHITE), (BLUE, CREAM), (RED, CREAM))), int(wide))  # fmt: skip
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
    pen.oval(rng.choice((-0.9, 0.9)), -5.4, 0.5, fill=rng.choice((RED, PINK, YELLOW)))


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
    pen.shape(smooth([(0, -high), (side * 0.8, -high + 0.1), (side * 1.7, -high + 0.35)], False)
              + [(0, -high + 0.8)], c)  # fmt: skip


def draw_bunting(pen: Pen, rng: random.Random, length: float, high: float = 6.0) -> None:
    """A string of little flags between two poles, its middle at the origin."""
    for x in (-length / 2, length / 2):
        pen.limb([(x, 0), (x, -high)], 0.14, WOOD)
    n = int(length / 0.9)
    rope = [
        (-length / 2 + length * i / n, -high + 1.1 * math.sin(math.pi * i / n))
        for i in range(n + 1)
    ]
    pen.line(rope)
    for i, ((x0, y0), (x1, y1)) in enumerate(zip(rope, rope[1:], strict=False)):
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
    pen.shape([(0.8 * (1 if i % 2 else 0.4) * math.cos(math.pi * i / 5),
                cy + 0.8 * (1 if i % 2 else 0.4) * math.sin(math.pi * i / 5)) for i in range(10)], RED)  # fmt: skip
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
    hull = smooth([(-11, -4.6), (-8, -3), (0, -2.6), (8, -3.2), (12.5, -5.6)], False) + [
        (9.5, 0.4), (-9, 0.4)]  # fmt: skip
    pen.shape(hull, (170, 108, 66))
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
    pen.rect(-1.3, -11.6, 1.3, -11.2, NAVY)
    pen.rect(-0.8, -13, 0.8, -11.6, (255, 240, 150))
    pen.shape(arc(0, -13, 1.0, 1.0, 180, 360, 8), RED)


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
    """A chair lift from the origin to (dx, dy), riders in its chairs."""
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


# ----------------------------------------------------------------------------------------- scenes


@dataclass
class Thing:
    """Something that stands at (x, y) on the page and is painted in the order of y."""

    x: float
    y: float
    paint: Callable[[Pen, random.Random], object]
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

    def add(
        self,
        x: float,
        y: float,
        paint: Callable[[Pen, random.Random], object],
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
        paint: Callable[[Pen, random.Random], object],
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
                if self.free(x - wide * u / 2, y - deep * u, x + wide * u / 2, y + front * u):
                    self.add(x, y, paint, wide, high, deep, front)
                    break


def person_painter(who: Person) -> Callable[[Pen, random.Random], object]:
    return lambda pen, _: draw_person(pen, who)


def distant(
    paint: Callable[[Pen, random.Random], object], scale: float = 0.72
) -> Callable[[Pen, random.Random], object]:
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
    for _ in range(int(sea * 11)):
        x, y = rng.uniform(0, w), rng.uniform(h * 0.17, shore - 1.2 * u)
        if scene.free(x - 1.1 * u, y - 1.1 * u, x + 1.1 * u, y + 0.2 * u):
            scene.add(x, y, lambda pen, r: draw_swimmer(pen, r, water), 2, 2.2, 1.0)
    for _ in range(5):
        scene.add(rng.uniform(0, w), rng.uniform(h * 0.06, h * 0.14), draw_gull, 2, 1, 0)
    scene.top = shore + 2.2 * u
    scene.shade = mix((250, 224, 164), BROWN, 0.24)
    area = scene.area()
    scene.scatter(draw_hut, area * 0.12, 4.4, 6.3, 1.6)
    scene.scatter(draw_cart, 1 + area * 0.06, 4.5, 6.5, 1.4, front=2)
    scene.scatter(draw_palm, area * 0.1, 2, 8, 0.8)
    scene.scatter(draw_pyramid, 1, 6.5, 10, 1.5, 4, front=3)
    scene.scatter(draw_umbrella, area * 0.6, 3.4, 6, 1.0)
    scene.scatter(draw_sunbather, area * 0.55, 5.4, 1.8, 1.8, front=2.2)
    scene.scatter(draw_sandcastle, area * 0.25, 4, 2.6, 1.3, front=2)
    scene.scatter(lambda p, r: draw_picnic(p, r, "beach"), area * 0.08, 8, 4, 2.4, front=2.4)
    scene.scatter(
        lambda p, r: draw_tug(p, r, "beach"), min(1, area * 0.06), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(draw_dog, area * 0.14, 2.6, 1.6, 0.8)


def build_town(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (198, 226, 236), None)
    clouds(scene, h * 0.05, 6)
    base = max(12.5 * u, h * 0.2)
    ground = (244, 230, 204)
    strip(scene, base - 0.6 * u, 0.0, ground)
    speckle(scene, base, h, 75, pebble((206, 184, 150)))
    x = -rng.uniform(1, 5) * u
    while x < w:
        wide, high = rng.uniform(7, 11.5), rng.uniform(7, 10.5)
        high = min(high, base / u - 3.2)
        shop = rng.random() < 0.6
        scene.add(
            x + wide * u / 2, base,
            lambda p, r, wide=wide, high=high, shop=shop: draw_house(p, r, wide, high, shop=shop),
            wide, high + 5, 1.0,
        )  # fmt: skip
        x += (wide + 0.2) * u
    scene.top = base + 0.8 * u
    scene.shade = mix((244, 230, 204), BROWN, 0.24)
    area = scene.area()
    scene.add(w * rng.uniform(0.4, 0.6), h * 0.62, draw_fountain, 9.4, 6.5, 3.2, 3.4)
    scene.scatter(draw_bus, min(1.6, area * 0.06), 12, 7.8, 1.6, 5, front=2.6)
    scene.scatter(draw_pyramid, min(1, area * 0.05), 6.5, 10, 1.5, 6, front=3)
    scene.scatter(draw_stall, area * 0.24, 6.6, 6.5, 1.8, 3)
    scene.scatter(draw_tree, area * 0.14, 2.0, 9, 1.0, 5)
    scene.scatter(draw_cart, area * 0.07, 4.5, 6.5, 1.4, 3)
    scene.scatter(draw_band, area * 0.05, 7, 5, 1.2, front=2)
    scene.scatter(lambda p, r: draw_bunting(p, r, 13), area * 0.09, 13, 7, 0.0, 5)
    scene.scatter(draw_lamp, area * 0.14, 1.4, 8, 0.7)
    scene.scatter(draw_bench, area * 0.14, 5, 4, 1.2)
    scene.scatter(draw_bicycle, area * 0.14, 4.2, 5, 1.0)
    scene.scatter(lambda p, r: draw_chase(p, r, "town"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(draw_balloons, area * 0.05, 4, 8.6, 0.9, 3)
    scene.scatter(draw_dog, area * 0.15, 2.6, 1.6, 0.8)
    scene.scatter(draw_pigeon, area * 0.5, 1.4, 0.9, 0.5)


def build_snow(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (168, 208, 232), None)
    x = -4 * u
    while x < w + 6 * u:
        wide, peak = rng.uniform(9, 15) * u, rng.uniform(0.0, 0.08) * h
        y = h * 0.2
        scene.pen.shape([(x - wide, y), (x, peak), (x + wide, y)], (206, 216, 232))
        tip = [(x, peak), (x + wide * 0.3, peak + (y - peak) * 0.3), (x + wide * 0.12, peak + (y - peak) * 0.24),
               (x, peak + (y - peak) * 0.36), (x - wide * 0.12, peak + (y - peak) * 0.24),
               (x - wide * 0.3, peak + (y - peak) * 0.3)]  # fmt: skip
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
    pond.shape(smooth([(-pr, 0), (-pr * 0.6, -2.9), (pr * 0.2, -3.2), (pr, -1), (pr * 0.8, 2), (-pr * 0.3, 2.7)]),
               (186, 220, 236))  # fmt: skip
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
        lambda p, r: draw_house(p, r, 8, 5.2, snow=True), 1 + area * 0.08, 9.6, 9.5, 1.4, 4
    )
    lift = rng.choice((-1, 1))
    scene.add(w * (0.5 + 0.42 * lift), h * 0.66,
              lambda p, r: draw_lift(p.at(0, -9), r, -lift * w / u * 0.5, -h * 0.48 / u), 2, 9, 0)  # fmt: skip
    scene.scatter(draw_pine, area * 0.7, 3.6, 8.4, 1.0)
    scene.scatter(draw_snowman, area * 0.3, 3, 5.2, 1.0)
    scene.scatter(lambda p, r: draw_tug(p, r, "snow"), min(1, area * 0.05), 18, 4.5, 1.5, front=2.4)
    scene.scatter(draw_dog, area * 0.15, 2.6, 1.6, 0.8)
    scene.scatter(lambda p, r: draw_chase(p, r, "snow"), 1, 9, 5, 1.0, front=2.2)


def build_fair(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (255, 232, 190), None)
    clouds(scene, h * 0.08, 5)
    base = min(max(16 * u, h * 0.22), h * 0.4)
    strip(scene, base - 3.4 * u, 0.5, (168, 196, 128))
    strip(scene, base - 1.2 * u, 0.3, (238, 222, 160))
    speckle(scene, base, h, 26, tuft((176, 168, 96)))
    speckle(scene, base, h, 30, pebble((204, 182, 120)))
    x, k = rng.uniform(1, 5) * u, rng.randrange(4)
    while x < w:
        kind = k % 4
        if kind == 0:
            r = min(9.0, (base / u - 2.4) / 2)
            scene.add(
                x + r * u,
                base + 2 * u,
                lambda p, rr, r=r: draw_wheel(p, rr, r),
                r * 1.6,
                2 * r + 4,
                1,
            )
            x += 2.2 * r * u
        elif kind == 1:
            wide = rng.uniform(10, 14)
            scene.add(x + wide * u / 2, base, lambda p, r, wide=wide: draw_tent(p, r, wide, base / u * 0.85),
                      wide, base / u, 1)  # fmt: skip
            x += (wide + 1.5) * u
        elif kind == 2:
            scene.add(x + 3 * u, base + u, draw_slide, 6, 16, 1)
            x += 7 * u
        else:
            scene.add(x + 4 * u, base, lambda p, r: draw_tent(p, r, 7, 8), 7, 8, 1)
            x += 8.5 * u
        k += 1
    scene.top = base + 1.2 * u
    scene.shade = mix((238, 222, 160), BROWN, 0.24)
    area = scene.area()
    scene.scatter(draw_carousel, 1 + min(1.4, area * 0.04), 12, 12, 2.4, 6, front=3)
    scene.scatter(draw_pyramid, min(1.5, area * 0.07), 6.5, 10, 1.5, 5, front=3)
    scene.scatter(draw_stall, area * 0.26, 6.6, 6.5, 1.8, 3)
    scene.scatter(lambda p, r: draw_tent(p, r, 5.5, 7), area * 0.1, 6, 8, 1.4, 4)
    scene.scatter(draw_cart, area * 0.08, 4.5, 6.5, 1.4, 3)
    scene.scatter(lambda p, r: draw_bunting(p, r, 12), area * 0.14, 12, 7, 0.0, 5)
    scene.scatter(draw_band, area * 0.07, 7, 5, 1.2, front=2)
    scene.scatter(draw_balloons, area * 0.12, 4, 8.6, 0.9, 3)
    scene.scatter(draw_juggler, area * 0.1, 4.4, 6.5, 0.9, front=2.4)
    scene.scatter(draw_bench, area * 0.08, 5, 4, 1.2)
    scene.scatter(lambda p, r: draw_chase(p, r, "fair"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(draw_dog, area * 0.12, 2.6, 1.6, 0.8)


def build_castle(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    scene.pen.rect(0, 0, w, h, (204, 228, 232), None)
    clouds(scene, h * 0.08, 5)
    base = min(max(19.5 * u, h * 0.25), h * 0.42)
    strip(scene, base - 7 * u, 1.2, (186, 206, 140), period=12)
    strip(scene, base - 4.5 * u, 0.8, (172, 198, 124), period=9)
    strip(scene, base - 0.4 * u, 0.2, (206, 214, 140))
    path = scene.pen.at(0, 0, u)
    wu, hu, bu = w / u, h / u, base / u
    path.shape(
        smooth([(wu * 0.5 - 2.2, bu), (wu * 0.5 + 2.2, bu), (wu * 0.56, bu + (hu - bu) * 0.35), (wu * 0.78, hu * 0.8),
                (wu * 0.9, hu + 3), (wu * 0.5, hu + 3), (wu * 0.46, hu * 0.75), (wu * 0.4, bu + (hu - bu) * 0.3)]),
        (244, 228, 184), (196, 176, 120),
    )  # fmt: skip
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
        lambda p, r: draw_castle(p, r, min(46, wu * 0.72)),
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
    scene.scatter(lambda p, r: draw_tent(p, r, 5.5, 7), area * 0.1, 6, 8, 1.4, 4)
    scene.scatter(draw_horse, area * 0.34, 6.4, 6.5, 1.4, 1, front=1.8)
    scene.scatter(draw_stall, area * 0.14, 6.6, 6.5, 1.8, 3)
    scene.scatter(draw_tree, area * 0.12, 2.0, 9, 1.0, 5)
    scene.scatter(draw_bush, area * 0.2, 3.2, 1.8, 0.9)
    scene.scatter(
        lambda p, r: draw_tug(p, r, "castle"), min(1, area * 0.06), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(lambda p, r: draw_picnic(p, r, "castle"), area * 0.08, 8, 4, 2.4, front=2.4)
    scene.scatter(lambda p, r: draw_bunting(p, r, 12), area * 0.08, 12, 7, 0.0, 5)
    scene.scatter(lambda p, r: draw_chase(p, r, "castle"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(draw_juggler, area * 0.05, 4.4, 6.5, 0.9, front=2.4)
    scene.scatter(draw_dog, area * 0.14, 2.6, 1.6, 0.8)


def build_harbour(scene: Scene) -> None:
    rng, u, w, h = scene.rng, scene.unit, scene.width, scene.height
    water = (110, 182, 200)
    scene.pen.rect(0, 0, w, h, (252, 226, 190), None)
    clouds(scene, h * 0.08, 5)
    strip(scene, h * 0.12, 0.0, water)
    quay = min(max(h * 0.36, 21 * u), h * 0.48)
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
        scene.add(x, quay + u, lambda p, _: (p.limb([(0, 0), (0, -0.8)], 0.5, NAVY), p.oval(0, -0.95, 0.42, 0.2, NAVY)),
                  1, 1.2, 0.5)  # fmt: skip
    scene.top = quay + 1.2 * u
    scene.shade = mix((246, 222, 178), BROWN, 0.24)
    area = scene.area()
    scene.scatter(lambda p, r: draw_stall(p, r, "fish"), area * 0.1, 6.6, 6.5, 1.8, 2)
    scene.scatter(draw_stall, area * 0.16, 6.6, 6.5, 1.8, 2)
    scene.scatter(draw_crates, area * 0.5, 5, 3.6, 1.3)
    scene.scatter(draw_lamp, area * 0.14, 1.4, 8, 0.7)
    scene.scatter(draw_umbrella, area * 0.16, 3.4, 6, 1.0, 2)
    scene.scatter(draw_bicycle, area * 0.1, 4.2, 5, 1.0)
    scene.scatter(draw_band, area * 0.1, 7, 5, 1.2, front=2)
    scene.scatter(
        lambda p, r: draw_tug(p, r, "harbour"), min(1, area * 0.08), 18, 4.5, 1.5, front=2.4
    )
    scene.scatter(lambda p, r: draw_chase(p, r, "harbour"), 1, 9, 5, 1.0, front=2.2)
    scene.scatter(lambda p, r: draw_bunting(p, r, 12), area * 0.08, 12, 7, 0.0, 4)
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


def covers(thing: Thing, zone: tuple[float, float, float, float], y: float) -> bool:
    """Whether a thing is painted after y and may reach into the zone."""
    v = thing.view
    return thing.y >= y and v[0] < zone[2] and v[2] > zone[0] and v[1] < zone[3] and v[3] > zone[1]


def face_zone(x: float, y: float, unit: float) -> tuple[float, float, float, float]:
    """Head and chest of somebody who stands at (x, y): what nobody may cover."""
    return (x - 0.8 * unit, y - 4.8 * unit, x + 0.8 * unit, y - 2.1 * unit)


def stand_cast(scene: Scene, who: Person, at_edge: bool = False) -> Thing | None:
    """Stand one of the cast where the face stays in sight; None where no place was found."""
    u, rng = scene.unit, scene.rng
    for _ in range(400):
        x = rng.uniform(1.2 * u, scene.width - 1.2 * u)
        if at_edge:
            x = rng.choice((0.08 * u, scene.width - 0.08 * u))
        y = rng.uniform(max(scene.top, 5 * u), scene.height - 0.4 * u)
        zone = face_zone(x, y, u * who.size)
        if not scene.free(x - 0.8 * u, y - 0.7 * u, x + 0.8 * u, y + 0.6 * u):
            continue
        if any(covers(t, zone, y) for t in scene.things):
            continue
        if any(t.person and t.y <= y + 5 * u
               and covers(Thing(x, y, t.paint, 0, (x - u, y - 5 * u, x + u, y)), face_zone(t.x, t.y, u), t.y)
               for t in scene.things):  # fmt: skip
            continue
        scene.add(x, y, person_painter(who), 2, 4.8, 0.7, person=who)
        return scene.things[-1]
    return None


def fill_crowd(scene: Scene, crowd: float) -> None:
    """Fill the free ground with strangers, denser here, looser there."""
    u, rng = scene.unit, scene.rng
    cast = [(t, face_zone(t.x, t.y, u)) for t in scene.things if t.person]
    spots: list[Point] = []
    cell = 4 * u / math.sqrt(crowd)
    grid: dict[tuple[int, int], list[Point]] = {}
    a, b, c = (rng.uniform(0, 6.28) for _ in range(3))
    tries = int(scene.area() * 100 * 1.4 * crowd)
    for _ in range(tries):
        x, y = (
            rng.uniform(-0.4 * u, scene.width + 0.4 * u),
            rng.uniform(scene.top, scene.height + 3 * u),
        )
        loose = 1 + 0.28 * (
            math.sin(x / u / 7 + a) + math.sin(y / u / 6 + b) * math.sin(x / u / 4 + c)
        )
        gap = 2.0 * u * loose / math.sqrt(crowd)
        i, j = int(x // cell), int(y // cell)
        near = (p for di in (-1, 0, 1) for dj in (-1, 0, 1) for p in grid.get((i + di, j + dj), ()))
        if any(((x - px) / 0.96) ** 2 + ((y - py) / 1.2) ** 2 < gap * gap for px, py in near):
            continue
        if not scene.free(x - 0.6 * u, y - 0.3 * u, x + 0.6 * u, y + 0.3 * u):
            continue
        who = stranger(rng, scene.theme)
        tall = (
            5.0 + (1.8 if who.holds in ("balloon", "flag", "parasol", "spear") else 0)
        ) * who.size
        wide = 3.6 if who.under or who.holds in ("parasol", "flag", "rod") else 2.0
        thing = Thing(x, y, person_painter(who), 0.0,
                      (x - wide * u / 2, y - tall * u, x + wide * u / 2, y + 0.3 * u), 0.6)  # fmt: skip
        if any(covers(thing, zone, star.y) for star, zone in cast):
            continue
        grid.setdefault((i, j), []).append((x, y))
        spots.append((x, y))
        scene.things.append(thing)


def draw_scene(
    seed: int,
    size: tuple[int, int] = (1000, 700),
    theme: str = "town",
    waldo_in: bool | str = True,
    *,
    head: float = 20.0,
    crowd: float = 1.0,
    lookalikes: int = 4,
    ease: float = 0.25,
) -> tuple[Image.Image, list[Box]]:
    """Draw a crowd, and say where its heads to look for are.

    Parameters
    ----------
    seed : int
        The same arguments give the same picture.
    size : (int, int)
        Width and height of the page in pixels.
    theme : str
        One of `THEMES`.
    waldo_in : bool or "edge"
        Whether Waldo is there; ``"edge"``: half of him outside the page.
    head : float
        Height of Waldo's head, hat to chin, in pixels; all else is drawn to that scale.
    crowd : float
        1 fills the ground; less leaves gaps.
    lookalikes : int
        How many people share exactly two of Waldo's three marks (stripes, bobble hat, glasses).
    ease : float
        How freely Waldo moves: 0 as stiff as in ``waldo.png``, 1 like anybody.

    Returns
    -------
    image : PIL.Image.Image
        RGB.
    boxes : list of Box
        Heads, hat to chin, clipped to the page: ``waldo`` first, then ``wenda``, ``odlaw``,
        ``wizard`` and ``lookalike``, as far as most of the head is in sight.
    """
    rng = random.Random(f"{theme} {seed}")
    width, height = size
    s, unit = SUPERSAMPLING, head / HEAD
    canvas = Image.new("RGB", (width * s, height * s), CREAM)
    weight = max(2, round(0.062 * unit * s))
    pen = Pen(ImageDraw.Draw(canvas), weight, (s, 0, 0, s, 0, 0))
    scene = Scene(rng, theme, width, height, unit, pen)
    BUILD[theme](scene)

    if waldo_in:
        hero = stand_cast(scene, waldo(rng, ease), at_edge=waldo_in == "edge")
        if hero is None:
            raise ValueError(
                f"no room for Waldo on {width}x{height} at head {head}: enlarge the page"
            )
        front = replace(stranger(rng, theme), size=0.72, holds="", under="", hat="", lean=0)
        if waldo_in != "edge":
            scene.add(
                hero.x + rng.choice((-0.6, 0.6)) * unit,
                hero.y + 0.8 * unit,
                person_painter(front),
                2,
                3,
                0.5,
            )
    for who in (wenda(rng), odlaw(rng), wizard(rng)):
        stand_cast(scene, who)
    for _ in range(lookalikes):
        stand_cast(scene, lookalike(rng, theme))
    fill_crowd(scene, crowd)

    heads: list[tuple[str, list[Point], tuple[int, int, int, int], np.ndarray]] = []
    for thing in sorted(scene.things, key=lambda t: t.y):
        at = pen.at(thing.x, thing.y, unit)
        if thing.shadow:
            at.oval(0.15, 0.0, thing.shadow + 0.1, min(0.3, thing.shadow * 0.3), scene.shade, None)
        corners = thing.paint(at, random.Random(thing.seed))
        if thing.person and isinstance(corners, list):
            xs, ys = zip(*corners, strict=True)
            crop = (max(0, int(min(xs))), max(0, int(min(ys))),
                    min(width * s, int(max(xs))), min(height * s, int(max(ys))))  # fmt: skip
            heads.append((thing.person.label, corners, crop, np.array(canvas.crop(crop))))

    boxes = []
    for label, corners, crop, painted in heads:
        if painted.size == 0:
            continue
        seen = float((np.array(canvas.crop(crop)) == painted).all(axis=2).mean())
        if seen > 0.6 or label == "waldo":
            xs, ys = zip(*corners, strict=True)
            box = Box(label, max(0, round(min(xs) / s)), max(0, round(min(ys) / s)),
                      min(width, round(max(xs) / s)), min(height, round(max(ys) / s)))  # fmt: skip
            if box.xmax > box.xmin and box.ymax > box.ymin:
                boxes.append(box)
    order = ("waldo", "wenda", "odlaw", "wizard", "lookalike")
    boxes.sort(key=lambda b: (order.index(b.label), b.ymin, b.xmin))
    return canvas.reduce(s), boxes


# ---------------------------------------------------------------------------------------- samples


def draw_mask(head: float = 26.0) -> Image.Image:
    """Waldo's head and chest with alpha, as the picture to look for.

    Drawn on black and on white: where the two agree, he is.  Alpha falls off towards his arms and
    his belt, which the crowd hides.
    """
    s, u = SUPERSAMPLING, head / HEAD
    width, height = round(1.5 * u), round(2.5 * u)
    faces = []
    for ground in ((0, 0, 0), (255, 255, 255)):
        page = Image.new("RGB", (width * s, height * s), ground)
        pen = Pen(ImageDraw.Draw(page), max(2, round(0.062 * u * s)), (s, 0, 0, s, 0, 0))
        draw_person(pen.at(width / 2, 4.78 * u, u), waldo(random.Random(0), ease=0.0))
        faces.append(np.asarray(page.reduce(s), dtype=np.float64))
    alpha = 1 - (faces[1] - faces[0]).mean(axis=2) / 255
    colour = np.where(alpha[..., None] > 0.05, faces[0] / np.maximum(alpha[..., None], 0.05), 255)
    y, x = np.mgrid[0:height, 0:width]
    fade = np.clip((height - 0.5 - y) / (0.5 * u), 0, 1) * np.clip(
        (0.68 * u - abs(x + 0.5 - width / 2)) / (0.25 * u), 0, 1
    )
    rgba = np.dstack([np.clip(colour, 0, 255), 255 * alpha * fade])
    return Image.fromarray(np.rint(rgba).astype(np.uint8), "RGBA")


class Sample(NamedTuple):
    """One picture of this folder."""

    filename: str
    theme: str
    seed: int
    size: tuple[int, int]
    head: float
    waldo_in: bool | str = True
    lookalikes: int = 4
    crowd: float = 1.0

    def draw(self) -> tuple[Image.Image, list[Box]]:
        return draw_scene(
            self.seed, self.size, self.theme, self.waldo_in,
            head=self.head, lookalikes=self.lookalikes, crowd=self.crowd,
        )  # fmt: skip


SAMPLES = (
    Sample("beach.jpg", "beach", 1, (1120, 780), 22),
    Sample("town.jpg", "town", 1, (2000, 1500), 26, lookalikes=9),
    Sample("snow.jpg", "snow", 1, (960, 680), 43),
    Sample("fair.jpg", "fair", 1, (1000, 720), 15.5, lookalikes=6),
    Sample("castle.jpg", "castle", 1, (1400, 960), 31),
    Sample("harbour.jpg", "harbour", 1, (1200, 840), 18.4, lookalikes=6),
    Sample("edge.jpg", "town", 2, (900, 640), 26, waldo_in="edge"),
    Sample("nobody.jpg", "fair", 2, (1000, 700), 22, waldo_in=False, lookalikes=16),
)


def main() -> None:
    """Write the pictures, the boxes and the mask into this folder."""
    folder = Path(__file__).resolve().parent
    draw_mask().save(folder / "waldo.png", optimize=True)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"))
        for sample in SAMPLES:
            page, boxes = sample.draw()
            page.save(folder / sample.filename, quality=88, optimize=True, progressive=True)
            table.writerows((sample.filename, *sample.size, *box) for box in boxes)
            print(f"{sample.filename}: {len(boxes)} boxes")


if __name__ == "__main__":
    main()
