"""The hats.

Each function draws a hat on a head around (0, 0) and returns the y of the hat's top: the box around
a head reaches up to there.
"""

from __future__ import annotations

from collections.abc import Callable

import colours
from pen import Pen, arc, scallops, smooth
from people import Person

DOME = arc(0, -0.2, 0.45, 0.46, 180, 360, 12)  # the upper half of a hat that fits closely


def draw_hat(pen: Pen, who: Person) -> float:
    """Draw the hat, if any; return the y of its top, or of the top of the hair."""
    if who.hat in HATS:
        return HATS[who.hat](pen, who)
    return {"afro": -0.72, "bun": -0.76, "spiky": -0.72, "curly": -0.66}.get(who.hair_style, -0.54)


def bobble_hat(pen: Pen, who: Person) -> float:
    hat = pen.at(0, -0.24, turn=-5)
    if who.hair_style == "short" and not who.back:
        for side in (-1, 1):
            pen.shape(
                [(side * 0.45, -0.24), (side * 0.46, 0.06), (side * 0.37, 0.0),
                 (side * 0.34, 0.1), (side * 0.28, -0.14), (side * 0.1, -0.06),
                 (side * 0.04, -0.24)],
                who.hair, None,
            )  # fmt: skip
    hat.shape([*arc(0, -0.04, 0.44, 0.48, 180, 360, 12), (0.44, 0.0), (-0.44, 0.0)], who.hat_trim)
    hat.shape([(-0.46, -0.16), (-0.2, -0.2), (0.2, -0.2), (0.46, -0.16), (0.47, 0.03),
               (0.2, 0.07), (-0.2, 0.07), (-0.47, 0.03)], who.hat_colour)  # fmt: skip
    hat.oval(0.02, -0.6, 0.18, 0.16, who.hat_colour)
    return -0.98


def beanie(pen: Pen, who: Person) -> float:
    pen.shape([*DOME, (0.45, -0.1), (-0.45, -0.1)], who.hat_colour)
    pen.shape([(-0.47, -0.26), (0.47, -0.26), (0.46, -0.06), (-0.46, -0.06)], who.hat_trim)
    return -0.66


def cap(pen: Pen, who: Person) -> float:
    pen.shape([*DOME, (0.45, -0.16), (-0.45, -0.16)], who.hat_colour)
    if not who.back:
        pen.shape(smooth([(-0.1, -0.2), (0.4, -0.26), (0.8, -0.12), (0.5, -0.08),
                          (0.1, -0.1)]), who.hat_trim)  # fmt: skip
    return -0.66


def brimmed_hat(pen: Pen, who: Person) -> float:
    brim = {"straw": 0.74, "sunhat": 0.86, "boater": 0.62}[who.hat]
    pen.oval(0, -0.22, brim, 0.17, who.hat_colour)
    if who.hat == "boater":
        top = [(-0.36, -0.26), (-0.36, -0.56), (0.36, -0.56), (0.36, -0.26)]
    else:
        top = [*arc(0, -0.26, 0.4, 0.42, 180, 360, 10)]
    pen.shape(top, who.hat_colour)
    pen.shape([(-0.38, -0.36), (0.38, -0.36), (0.4, -0.24), (-0.4, -0.24)], who.hat_trim)
    return -0.68


def top_hat(pen: Pen, who: Person) -> float:
    pen.oval(0, -0.26, 0.6, 0.13, who.hat_colour)
    pen.shape([(-0.36, -0.26), (-0.4, -1.0), (0.4, -1.0), (0.36, -0.26)], who.hat_colour)
    pen.shape([(-0.37, -0.42), (0.37, -0.42), (0.36, -0.26), (-0.36, -0.26)], who.hat_trim)
    return -1.0


def bowler(pen: Pen, who: Person) -> float:
    pen.oval(0, -0.2, 0.6, 0.12, who.hat_colour)
    pen.shape(arc(0, -0.2, 0.4, 0.5, 180, 360, 12), who.hat_colour)
    return -0.7


def helmet(pen: Pen, who: Person) -> float:
    pen.shape([(-0.46, 0.1), *arc(0, -0.12, 0.46, 0.5, 180, 360, 12), (0.46, 0.1),
               (0.34, 0.1), (0.34, -0.18), (-0.34, -0.18), (-0.34, 0.1)], who.hat_colour)  # fmt: skip
    pen.shape(smooth([(0, -0.6), (0.14, -0.86), (-0.16, -1.0), (-0.5, -0.74),
                      (-0.2, -0.78)]), who.hat_trim)  # fmt: skip
    return -0.95


def hood(pen: Pen, who: Person) -> float:
    pen.shape(
        [*smooth([(-0.34, 0.34), (-0.5, 0.1), (-0.42, -0.42), (-0.16, -0.72), (0.34, -0.5),
                  (0.5, -0.1), (0.4, 0.34)], closed=False), (0.3, 0.3), (0.36, -0.1),
         (0.2, -0.3), (-0.2, -0.3), (-0.36, -0.1), (-0.3, 0.3)],
        who.hat_colour,
    )  # fmt: skip
    return -0.7


def headscarf(pen: Pen, who: Person) -> float:
    pen.shape([(-0.46, 0.0), *arc(0, -0.12, 0.46, 0.46, 184, 356, 10), (0.46, 0.0),
               (0.2, -0.26), (-0.2, -0.26)], who.hat_colour)  # fmt: skip
    for x, y in ((-0.2, -0.42), (0.05, -0.46), (0.28, -0.36)):
        pen.oval(x, y, 0.05, fill=who.hat_trim, ink=None)
    return -0.6


def crown(pen: Pen, _: Person) -> float:
    pen.shape([(-0.4, -0.26), (-0.46, -0.72), (-0.2, -0.5), (0, -0.78), (0.2, -0.5),
               (0.46, -0.72), (0.4, -0.26)], colours.YELLOW)  # fmt: skip
    return -0.76


def party_hat(pen: Pen, who: Person) -> float:
    pen.shape([(-0.36, -0.26), (0.05, -1.2), (0.36, -0.26), (0, -0.2)], who.hat_colour)
    pen.oval(-0.06, -0.5, 0.07, fill=who.hat_trim, ink=None)
    pen.oval(0.1, -0.72, 0.06, fill=who.hat_trim, ink=None)
    pen.oval(0.05, -1.2, 0.1, fill=who.hat_trim)
    return -1.28


def cooks_hat(pen: Pen, _: Person) -> float:
    pen.shape([(-0.34, -0.24), (-0.34, -0.5), (0.34, -0.5), (0.34, -0.24)], colours.WHITE)
    pen.shape(scallops([(-0.4, -0.5), (-0.3, -0.8), (0.3, -0.8), (0.4, -0.5)], 1.0), colours.WHITE)
    return -1.0


def turban(pen: Pen, who: Person) -> float:
    pen.shape(smooth([(-0.48, -0.16), (-0.46, -0.5), (0, -0.7), (0.46, -0.5), (0.48, -0.16),
                      (0, -0.24)]), who.hat_colour)  # fmt: skip
    pen.line([(-0.46, -0.26), (0.1, -0.62)])
    pen.line([(-0.2, -0.24), (0.36, -0.54)])
    return -0.68


def wizards_hat(pen: Pen, who: Person) -> float:
    pen.shape(smooth([(-0.4, -0.26), (-0.1, -0.8), (-0.22, -1.3), (0.2, -0.9),
                      (0.4, -0.26)], closed=False), who.hat_colour)  # fmt: skip
    pen.oval(0, -0.24, 0.66, 0.15, who.hat_colour)
    return -1.3


def sailors_cap(pen: Pen, who: Person) -> float:
    pen.shape([(-0.4, -0.24), (-0.46, -0.5), (0.46, -0.5), (0.4, -0.24)], colours.WHITE)
    pen.shape(arc(0, -0.48, 0.3, 0.2, 180, 360, 6), who.hat_colour)
    return -0.66


def captains_cap(pen: Pen, who: Person) -> float:
    pen.shape([(-0.4, -0.3), (-0.5, -0.6), (0, -0.72), (0.5, -0.6), (0.4, -0.3)], colours.WHITE)
    pen.shape([(-0.42, -0.34), (0.42, -0.34), (0.5, -0.14), (-0.1, -0.2)], who.hat_colour)
    return -0.7


def bicorne(pen: Pen, who: Person) -> float:
    pen.shape(smooth([(-0.7, -0.2), (-0.44, -0.56), (0, -0.84), (0.44, -0.56),
                      (0.7, -0.2), (0, -0.32)]), who.hat_colour)  # fmt: skip
    pen.oval(0, -0.54, 0.1, fill=who.hat_trim, ink=None)
    return -0.8


def flowers(pen: Pen, who: Person) -> float:
    for x, y in ((-0.3, -0.42), (-0.1, -0.52), (0.12, -0.52), (0.32, -0.42)):
        pen.oval(x, y, 0.12, fill=who.hat_colour)
        pen.oval(x, y, 0.04, fill=who.hat_trim, ink=None)
    return -0.62


def feathered_hat(pen: Pen, who: Person) -> float:
    pen.shape([*DOME, (0.62, -0.14), (-0.5, -0.18)], who.hat_colour)
    pen.shape(smooth([(-0.3, -0.4), (-0.62, -0.9), (-0.5, -1.0), (-0.18, -0.5)]), who.hat_trim)
    return -0.66


HATS: dict[str, Callable[[Pen, Person], float]] = {
    "bobble": bobble_hat,
    "beanie": beanie,
    "cap": cap,
    "straw": brimmed_hat,
    "sunhat": brimmed_hat,
    "boater": brimmed_hat,
    "top": top_hat,
    "bowler": bowler,
    "helmet": helmet,
    "hood": hood,
    "scarf": headscarf,
    "crown": crown,
    "cone": party_hat,
    "chef": cooks_hat,
    "turban": turban,
    "wizard": wizards_hat,
    "sailor": sailors_cap,
    "captain": captains_cap,
    "bicorne": bicorne,
    "flower": flowers,
    "feather": feathered_hat,
}
