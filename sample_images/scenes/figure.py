"""How a person is drawn, from the legs to the hat.

A person stands at (0, 0) of the pen. Lengths are in units, as in `people`; y is counted downwards,
so a point above the ground has a negative y.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import colours
from colours import Colour, mix
from hats import draw_hat
from held import draw_held
from pen import Pen, Point, arc, scallops, smooth
from people import Person

SHOULDER = -3.16  # y of the shoulders

# Degrees of upper arm and forearm: 0 hangs straight down, positive points away from the body.
ARMS = {
    "down": (13, 6), "loose": (24, -6), "hip": (50, -55), "wave": (112, 168), "up": (152, 174),
    "out": (86, 94), "chest": (24, -84), "carry": (16, 62), "point": (76, 82), "mouth": (42, -148),
    "shrug": (34, 110), "row": (50, 20),
}  # fmt: skip

# Where knee and foot of the left and of the right leg are; the hips are at (-0.2, -1.62) and
# (0.2, -1.62).
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


def draw_person(pen: Pen, who: Person) -> list[Point]:
    """Draw a person who stands at (0, 0); return the corners of the head's box on the canvas."""
    pen = pen.at(0, 0, who.size, flip=who.flip)
    body = pen.at(0, 0, turn=who.lean)
    drop = {"sit": 1.28}.get(who.legs, 0.0)
    if who.under == "ski":
        for x in (-0.34, 0.1):
            pen.limb([(x - 0.9, 0.1), (x + 0.95, -0.04), (x + 1.2, -0.22)], 0.1, who.holds_colour)
    elif who.under == "sledge":
        pen.limb([(-0.9, -0.1), (0.9, -0.1), (1.15, -0.4)], 0.14, colours.WOOD)
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


def torso_profile(who: Person) -> tuple[list[Point], float]:
    """The upper garment's outline, points (t, half width), and the y of its hem.

    t is 0 at the shoulders and 1 at the hem.
    """
    belly = max(0.0, who.girth - 1) * 0.5
    if who.bottom == "robe":
        return [(0, 0.38), (0.06, 0.47), (0.35, 0.47 + belly), (1, 0.68 + belly)], -0.22
    if who.bottom == "dress":
        return [(0, 0.36), (0.08, 0.45), (0.36, 0.36 + belly), (0.5, 0.42 + belly), (1, 0.7)], -0.85
    if who.top == "tunic":
        return [(0, 0.38), (0.06, 0.48), (0.5, 0.42 + belly), (1, 0.58 + belly)], -1.2
    return [(0, 0.38), (0.08, 0.49), (0.6, 0.45 + belly), (1, 0.42 + belly * 0.8)], -1.58


def half_width(profile: Sequence[Point], t: float) -> float:
    """Half the width at t, interpolated linearly between the profile's points."""
    for (t0, w0), (t1, w1) in pairwise(profile):
        if t <= t1:
            return w0 + (w1 - w0) * (t - t0) / (t1 - t0)
    return profile[-1][1]


def draw_torso(pen: Pen, who: Person) -> None:
    """Draw the upper garment and its pattern."""
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
        for x in (-0.24, 0.0, 0.24):
            pen.line([(x, SHOULDER + 0.08), (x, hem)], who.top_trim, 0.07)
        for row in range(1, int(length / 0.28)):
            t = row * 0.28 / length
            w = half_width(profile, t)
            pen.line([(-w, y(t)), (w, y(t))], who.top_trim, 0.07)
    elif who.top == "bars":
        for x in (-0.3, -0.1, 0.1, 0.3):
            pen.line([(x, SHOULDER + 0.1), (x * 1.2, hem)], who.top_trim, 0.09)
    elif who.top == "coat" and not who.back:
        pen.line([(0.04, SHOULDER), (0.04, hem)])
        for row in range(3):
            pen.oval(0.13, SHOULDER + 0.4 + row * 0.36, 0.05, fill=who.top_trim, ink=None)
    elif who.top == "tunic":
        belt = (-1.75 - SHOULDER) / length
        band(belt, belt + 0.16 / length, colours.BROWN)
    elif who.top == "apron" and not who.back:
        pen.shape([(-0.24, -2.8), (0.24, -2.8), (0.34, hem), (-0.34, hem)], colours.WHITE)
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
        pen.line([(-0.26, -2.66), (-0.08, -2.6)], mix(who.skin, colours.INK, 0.35))
        pen.line([(0.26, -2.66), (0.08, -2.6)], mix(who.skin, colours.INK, 0.35))
    pen.shape(outline, None)
    if who.bottom in ("dress", "robe") and who.top in ("plain", "dots"):
        pen.line([(-0.36 * who.girth, -2.1), (0, -2.05), (0.36 * who.girth, -2.1)])


def draw_legs(pen: Pen, who: Person) -> None:
    """Draw the legs in trousers, tights or bare, and the shoes."""
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
    """Draw what covers the hips: a skirt, or the upper part of trousers and shorts."""
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
    """Draw the left (`side` -1) or right (1) arm; return where its hand is."""
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
    """Draw a head around (0, 0), its chin at y = 0.5.

    Returns the corners of its box, from the top of the hat to the chin, in coordinates of the pen.
    """
    look = who.look
    dark = mix(who.hair, colours.INK, 0.45)
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
    """Draw cheeks, beard, mouth, eyes with glasses, and nose."""
    x = who.look * 0.16
    line = mix(who.skin, colours.INK, 0.75)
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
        pen.shape(
            [(x - 0.18, 0.22), (x + 0.18, 0.22), (x + 0.08, 0.34), (x - 0.08, 0.34)], colours.WHITE
        )
    elif who.mouth == "oh":
        pen.oval(x, 0.3, 0.05, 0.07, (150, 44, 44))
    else:
        pen.line([(x - 0.1, 0.28), (x + 0.12, 0.27)], line)
    eye = x * 1.1
    if who.glasses == "sun":
        for side in (-1, 1):
            pen.shape(arc(eye + side * 0.17, -0.1, 0.16, 0.17, 0, 180, 6), colours.BLACK)
        pen.line([(eye - 0.4, -0.1), (eye + 0.4, -0.1)])
    elif who.glasses == "round":
        for side in (-1, 1):
            pen.oval(eye + side * 0.185, 0.0, 0.17, fill=colours.WHITE)
            pen.oval(eye + side * 0.165, 0.01, 0.06, fill=colours.INK, ink=None)
        pen.line([(-0.4, -0.04), (eye - 0.34, -0.02)])
        pen.line([(0.4, -0.04), (eye + 0.34, -0.02)])
    else:
        for side in (-1, 1):
            pen.oval(eye + side * 0.16, -0.04, 0.085, 0.1, colours.WHITE, None)
            pen.oval(eye + side * 0.15 + who.look * 0.04, -0.03, 0.055, 0.07, colours.INK, None)
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
