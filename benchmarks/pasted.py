"""Cases whose thing is drawn onto a page it was not part of: turned, mirrored, through alpha, several times.

The page lies behind the thing's corners and where it is transparent. Things and pages share no content.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from benchmarks import pictures
from benchmarks.cases import (
    LEAST_CELLS,
    LEAST_CONTRAST,
    SCREEN,
    Case,
    Task,
    Thing,
    alike,
    cells,
    foreign_mask,
    kinds,
    pages,
)
from benchmarks.pictures import Pixels, Rng, Screen, icons

MEGAPIXELS = (1, 3, 12)  # of pages with turned things
LARGEST_DRAWN = (1200, 1600)  # pages beyond it are mirrored on
# A thing that resembles itself so much when it is turned or mirrored has no one angle.
MOST_LIKENESS = 0.7


def turned(task: Task) -> Case:
    """A thing at any angle."""
    rng = task.rng()
    ground = _ground(task, rng)
    mask, kind = _distinct(rng, task)
    (thing,) = _places(rng, ground, mask, 1)
    page = paste(ground, mask, thing)
    return Case(page, page, mask, (thing,), kind)


def several(task: Task) -> Case:
    """A thing three to six times, each at an angle of its own, and others of the same content."""
    rng = task.rng()
    ground = _ground(task, rng)
    mask, kind = _distinct(rng, task)
    things = _places(rng, ground, mask, int(rng.integers(3, 7)))
    page = ground
    for thing in things:
        page = paste(page, mask, thing)
    return Case(page, page, mask, tuple(things), kind)


def mirrored(task: Task) -> Case:
    """A thing as a mirror shows it, upright."""
    rng = task.rng()
    ground = pages(task.page_kind)(rng, 720, 960, 0)
    mask, kind = _distinct(rng, task)
    thing = _upright(rng, ground, mask)._replace(mirrored=True)
    page = paste(ground, mask, thing)
    return Case(page, page, mask, (thing,), kind)


def through_alpha(task: Task) -> Case:
    """A thing with a shape of its own, cut out: the mask has the shape in alpha."""
    rng = task.rng()
    ground = pages(task.page_kind)(rng, 720, 960, 0)
    opaque, kind = _distinct(rng, task)
    mask = np.dstack([opaque, _shape(rng, *opaque.shape[:2])])
    thing = _upright(rng, ground, mask)
    page = paste(ground, mask, thing)
    return Case(page, page, mask, (thing,), kind)


def on_light(task: Task) -> Case:
    """An icon of a light screen; the mask is its file, black or white, with the shape in alpha."""
    return _icon(task, dark=False)


def on_dark(task: Task) -> Case:
    """The same on a dark screen."""
    return _icon(task, dark=True)


def _icon(task: Task, *, dark: bool) -> Case:
    rng = task.rng()
    while True:
        screen = Screen([int(rng.integers(2**31))], SCREEN[1], SCREEN[0], 0)
        found = [e for e in screen.elements if e.name in icons.NAMES]
        if found and (screen.ground[0] < 128) == dark:
            break
    one = found[int(rng.integers(len(found)))]
    size = one.width - 4  # an icon's element has two pixels more on each side
    colour = (0, 0, 0) if rng.random() < 0.5 else (255, 255, 255)
    mask = np.asarray(icons.glyph(one.name, size, colour))
    thing = Thing(one.left + 2, one.top + 2, size, size)
    page = screen.pixels()
    return Case(page, page, mask, (thing,), "glyph", alike(screen, one, 1))


def _ground(task: Task, rng: Rng) -> Pixels:
    """A page of one of the sizes."""
    height = round(math.sqrt(MEGAPIXELS[task.number % len(MEGAPIXELS)] * 1e6 * 3 / 4))
    width = round(height * 4 / 3)
    drawn = [min(n, most) for n, most in zip((height, width), LARGEST_DRAWN, strict=True)]
    return pictures.mirrored_on(pages(task.page_kind)(rng, drawn[0], drawn[1], 0), height, width)


def _distinct(rng: Rng, task: Task) -> tuple[Pixels, str]:
    """A mask with contrast and structure that looks otherwise in every other turn, and its kind."""
    kind = task.page_kind
    if kind == "flat":
        others = [k for k in kinds() if k != "flat"]
        kind = others[int(rng.integers(len(others)))]
    best: tuple[float, Pixels] | None = None
    for _ in range(60):
        mask = foreign_mask(rng, kind, task.size, 1)
        lacks = max(0.0, 1 - mask.std((0, 1)).mean() / LEAST_CONTRAST)
        lacks += max(0.0, 1 - cells(mask) / LEAST_CELLS) + max(0.0, likeness(mask) - MOST_LIKENESS)
        if best is None or lacks < best[0]:
            best = lacks, mask.copy()
        if lacks == 0:
            break
    assert best is not None  # noqa: S101 - the loop has run
    return best[1], kind


def likeness(mask: Pixels) -> float:
    """How much a mask's inner disc correlates with itself, mirrored or turned by 30 degrees or more."""
    side, (height, width) = min(mask.shape[:2]), mask.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(mask[top : top + side, left : left + side]).convert("L")
    square = square.resize(
        (48, 48), Image.Resampling.BOX if side >= 48 else Image.Resampling.BICUBIC
    )
    y, x = np.mgrid[:48, :48] - 23.5
    disc = np.hypot(y, x) < 23
    plain = np.asarray(square, np.float64)[disc]
    flipped = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    others = [(square, angle) for angle in range(30, 331, 15)]
    others += [(flipped, angle) for angle in range(0, 360, 15)]
    return max(
        _correlation(
            plain, np.asarray(one.rotate(angle, Image.Resampling.BILINEAR), np.float64)[disc]
        )
        for one, angle in others
    )


def _correlation(a: Pixels, b: Pixels) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(math.sqrt((a * a).sum() * (b * b).sum()), 1e-9))


def _shape(rng: Rng, height: int, width: int) -> Pixels:
    """An alpha channel with soft edges: an ellipse, or a blob; both cover more than half."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = (y + 0.5) / height * 2 - 1, (x + 0.5) / width * 2 - 1
    radius = np.full((height, width), 0.95)
    if rng.random() < 0.5:
        turn = np.arctan2(y, x)
        for waves in (2, 3, 5):
            radius -= rng.uniform(0.02, 0.09) * (1 + np.sin(waves * turn + rng.uniform(0, 7)))
    return _bytes(127.5 + 255 * (radius - np.hypot(y, x)) * min(height, width) / 2)


def _upright(rng: Rng, ground: Pixels, mask: Pixels) -> Thing:
    """Somewhere on a page, on whole pixels."""
    height, width = mask.shape[:2]
    left = int(rng.integers(ground.shape[1] - width + 1))
    return Thing(left, int(rng.integers(ground.shape[0] - height + 1)), width, height)


def _places(rng: Rng, ground: Pixels, mask: Pixels, count: int) -> list[Thing]:
    """Up to so many places, at any angle, that do not touch each other or the page's edge; one at least."""
    height, width = mask.shape[:2]
    reach = math.hypot(height, width) / 2 + 2
    things: list[Thing] = []
    for _ in range(200):
        x, y = (rng.uniform(reach, n - reach) for n in (ground.shape[1], ground.shape[0]))
        if all(math.hypot(x - t.centre[0], y - t.centre[1]) > 2 * reach for t in things):
            angle = float(rng.uniform(-180, 180))
            things.append(Thing(x - width / 2, y - height / 2, width, height, angle=angle))
        if len(things) == count:
            break
    return things


def paste(page: Pixels, mask: Pixels, thing: Thing) -> Pixels:
    """The page with a mask drawn where the thing is, as its angle and mirror say, at the mask's own size.

    Colours are interpolated by cubic, alpha by linear functions; whole pixels, upright, stay as they are.
    """
    border = 3
    colours = np.pad(mask[..., :3], ((border,) * 2, (border,) * 2, (0, 0)), "edge")
    alpha = mask[..., 3] if mask.shape[2] == 4 else np.full(mask.shape[:2], 255, np.uint8)
    alpha = np.pad(alpha, border)
    if thing.mirrored:
        colours, alpha = colours[:, ::-1], alpha[:, ::-1]
    (x, y), (height, width) = thing.centre, alpha.shape
    side = math.ceil(math.hypot(height, width)) + 2
    left, top = math.floor(x - side / 2), math.floor(y - side / 2)
    # From pixels of the page, counted from left and top, to pixels of the mask: turned clockwise.
    cos, sin = math.cos(math.radians(thing.angle)), math.sin(math.radians(thing.angle))
    u, v = left - x, top - y
    inverse = (
        cos, -sin, cos * u - sin * v + width / 2,
        sin, cos, sin * u + cos * v + height / 2,
    )  # fmt: skip
    drawn, share = (
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).transform(
                (side, side), Image.Transform.AFFINE, inverse, how
            ),
            np.float64,
        )
        for plane, how in (
            (colours, Image.Resampling.BICUBIC),
            (alpha, Image.Resampling.BILINEAR),
        )
    )
    # The part that lies on the page.
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(page.shape[0], top + side), min(page.shape[1], left + side)
    inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    weight = share[inside][..., None] / 255
    page = page.copy()
    page[y0:y1, x0:x1] = _bytes(page[y0:y1, x0:x1] * (1 - weight) + drawn[inside] * weight)
    return page


def _bytes(x: np.ndarray) -> Pixels:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)
