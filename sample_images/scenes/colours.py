"""The colours of the pictures: red, green and blue, from 0 to 255."""

from __future__ import annotations

Colour = tuple[int, int, int]

INK: Colour = (50, 34, 38)  # of all outlines
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


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Mix two colours: only `a` at t = 0, only `b` at t = 1."""
    return (
        round(a[0] + (b[0] - a[0]) * t),
        round(a[1] + (b[1] - a[1]) * t),
        round(a[2] + (b[2] - a[2]) * t),
    )
