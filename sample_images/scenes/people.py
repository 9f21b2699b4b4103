"""People: how they look, how they are drawn, and who is who.

Lengths are in units: one unit is the height of a face without hat and hair, and a grown-up is 4.3
units tall.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pen import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    GREEN,
    GREY,
    INK,
    MINT,
    MOSS,
    NAVY,
    ORANGE,
    PINK,
    PLUM,
    RED,
    SKY,
    STONE,
    TEAL,
    WHITE,
    WOOD,
    YELLOW,
    Colour,
    Pen,
    Point,
    arc,
    mix,
    scallops,
    smooth,
)

HEAD = 1.48  # Waldo's head, hat to chin, in units

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
    for (t0, w0), (t1, w1) in pairwise(profile):
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
            if who.hair_style == "short" and not who.back:
                for side in (-1, 1):
                    pen.shape(
                        [(side * 0.45, -0.24), (side * 0.46, 0.06), (side * 0.37, 0.0),
                         (side * 0.34, 0.1), (side * 0.28, -0.14), (side * 0.1, -0.06),
                         (side * 0.04, -0.24)],
                        who.hair, None,
                    )  # fmt: skip
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


def waldo(rng: random.Random, ease: float = 0.25) -> Person:
    """Waldo.  `ease` 0 is the mask's stiff pose; 1 moves, leans, nods and turns
    as anybody does.
    """
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
        flip=ease > 0.5 and rng.random() < 0.5,
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
    if who.hat == "scarf" and not female:
        who.hat = "beanie"
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
