"""Pages that show a mask, changed in one way, and pages that do not, with where it is.

A case is made of its name, its number and a seed, and of nothing else.
"""

from __future__ import annotations

import functools
import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from benchmarks import pictures
from benchmarks.pictures import Element, Pixels, Rng, Screen, icons

SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)
PAGE = (480, 640)
SCREEN = (720, 1280)
LEAST_CONTRAST = 8.0  # standard deviation of a mask, of 255: no one seeks a flat one
LEAST_CELLS = 6.0  # of a mask that is to be found: below it, it is an edge or a ramp
HIDPI = (1.25, 1.5, 2.0)
# Pages without the mask: it is of the page's kind of content, or of another, or a glyph of one colour.
WITHOUT = ("same", "other", "glyph")


class Thing(NamedTuple):
    """What a page shows of a mask: its box in pixels of the page, before it was turned about its centre.

    Resized by `scale`, then mirrored left to right, then turned counter-clockwise by `angle` degrees.
    """

    left: float
    top: float
    width: float
    height: float
    scale: float = 1.0
    angle: float = 0.0
    mirrored: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """As x, y."""
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass
class Case:
    """A page, a mask, and where it is (empty: nowhere)."""

    page: Pixels
    source: Pixels  # what the page was made of: not resized, without noise, blur and the like
    mask: Pixels  # with a fourth channel where it has alpha
    things: tuple[Thing, ...]
    mask_kind: str
    # x, y of what is the same thing, in other sizes too
    twins: tuple[tuple[float, float], ...] = ()


class Task(NamedTuple):
    """A case by name, made when it is looked at."""

    change: str  # one of WITHOUT, or what was done to the page or to the thing
    page_kind: str
    size: int
    number: int
    seed: int

    @property
    def planted(self) -> bool:
        return self.change not in WITHOUT

    @property
    def name(self) -> str:
        return f"{'with' if self.planted else 'without'}/{self.change}/{self.page_kind}"

    def rng(self) -> Rng:
        return np.random.default_rng([self.seed, zlib.crc32(self.name.encode()), self.number])


# Masks.


def cells(mask: Pixels) -> float:
    """How many independent waves a mask is made of: the participation ratio of its spectrum.

    An edge or a ramp has 1 to 3, white noise of N pixels N / 4.
    """
    x = mask[..., :3].mean(2)
    power = np.abs(np.fft.fft2(x - x.mean())) ** 2
    return float(power.sum() ** 2 / max((power**2).sum(), 1e-9) / 2)


def sides(rng: Rng, size: int) -> tuple[int, int]:
    """Height and width of a mask of about this size, 16 at least."""
    shape = 2 ** rng.uniform(-0.5, 0.5)
    return max(16, round(size / math.sqrt(shape))), max(16, round(size * math.sqrt(shape)))


def spot(rng: Rng, x: Pixels, height: int, width: int, least_cells: float) -> tuple[int, int]:
    """Top and left of a piece with contrast and structure; the best of 40 where none has enough."""
    best, where = -1.0, (0, 0)
    for _ in range(40):
        top = int(rng.integers(x.shape[0] - height + 1))
        left = int(rng.integers(x.shape[1] - width + 1))
        piece = x[top : top + height, left : left + width]
        worth = min(1.0, float(piece.std((0, 1)).mean()) / LEAST_CONTRAST)
        if least_cells:
            worth *= min(1.0, cells(piece) / least_cells)
        if worth > best:
            best, where = worth, (top, left)
        if worth == 1:
            break
    return where


def element(rng: Rng, screen: Screen, size: int) -> Element:
    """Something on a screen, of a size near the one asked for."""
    order = sorted(
        screen.elements, key=lambda e: abs(math.log(math.sqrt(e.width * e.height) / size))
    )
    return order[int(rng.integers(min(4, len(order))))]


def alike(screen: Screen, one: Element, zoom: float) -> tuple[tuple[float, float], ...]:
    """Centres of what looks like an element, in any size, on the screen drawn at a zoom."""
    others = [e for e in screen.elements if e.name == one.name]
    return tuple((zoom * (e.left + e.width / 2), zoom * (e.top + e.height / 2)) for e in others)


def foreign_mask(rng: Rng, kind: str, size: int, side: int) -> Pixels:
    """A piece of a picture that is not the page."""
    if kind == "screen" and rng.random() < 0.6:
        screen = Screen([int(rng.integers(2**31))], SCREEN[1], SCREEN[0], side)
        _, left, top, width, height = element(rng, screen, size)
        return screen.pixels()[top : top + height, left : left + width]
    height, width = sides(rng, size)
    x = pages(kind)(rng, max(PAGE[0], height), max(PAGE[1], width), side)
    top, left = spot(rng, x, height, width, 0)
    return x[top : top + height, left : left + width]


def foreign_glyph(rng: Rng, size: int) -> Pixels:
    """An icon of one colour, its shape in alpha, that no page of side 0 shows."""
    name = str(rng.choice(icons.NAMES[1::2]))
    colour = (0, 0, 0) if rng.random() < 0.5 else (255, 255, 255)
    return np.asarray(icons.glyph(name, size, colour))


# Pages.

_folder: list[Path] = []  # of the page kind art: one, or none


def use_folder(folder: Path | None) -> None:
    """Take the pictures of a folder as one more kind of page."""
    _folder[:] = [folder] if folder else []
    pages.cache_clear()


def files() -> pictures.Files:
    """The pictures of that folder."""
    return pictures.Files(_folder[0])


@functools.cache
def pages(kind: str) -> Callable[[Rng, int, int, int], Pixels]:
    """What makes pages of a kind."""
    if kind == "art":
        return files()
    return {
        "scene": pictures.scene,
        "screen": pictures.screen,
        "texture": pictures.texture,
        "flat": pictures.flat,
    }[kind]


def kinds() -> list[str]:
    return ["scene", *(["art"] if _folder else []), "screen", "texture", "flat"]


def shape_of(kind: str) -> tuple[int, int]:
    return SCREEN if kind == "screen" else PAGE


def without(task: Task) -> Case:
    """A page, and a mask that it does not show."""
    rng = task.rng()
    page = pages(task.page_kind)(rng, *shape_of(task.page_kind), 0)
    kind = task.page_kind
    if task.change == "glyph":
        return Case(page, page, foreign_glyph(rng, task.size), (), "glyph")
    if task.change == "other":
        others = [k for k in kinds() if k not in (kind, "flat")]
        kind = others[task.number % len(others)]
    mask = foreign_mask(rng, kind, task.size, 1)
    return Case(page, page, mask, (), kind)


def changed(task: Task) -> Case:
    """A page that shows the mask, changed in one of the ways of `PAGE_CHANGES`."""
    rng, kind = task.rng(), task.page_kind
    scale = (
        float(2 ** rng.uniform(math.log2(0.6), math.log2(1.8))) if task.change == "resized" else 1.0
    )
    H, W = shape_of(kind)
    height, width = math.ceil(H / scale), math.ceil(W / scale)
    screen, twins = None, ()
    if kind == "screen":
        screen = Screen([int(rng.integers(2**31))], width, height, 0)
        source = screen.pixels()
    else:
        source = pages(kind)(rng, height, width, 0)
    if kind == "flat":
        source, (left, top, w, h) = pasted(rng, source, task.size)
    elif screen is not None and screen.elements and rng.random() < 0.6:
        one = element(rng, screen, task.size)
        left, top, w, h = one[1:]
        twins = alike(screen, one, scale)
    else:
        h, w = (min(a, b) for a, b in zip(sides(rng, task.size), source.shape[:2], strict=True))
        top, left = spot(rng, source, h, w, LEAST_CELLS)
    mask = source[top : top + h, left : left + w].copy()
    page = source
    if scale != 1:
        how = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
        page = np.asarray(Image.fromarray(source).resize((W, H), how[int(rng.integers(3))]))
    fx, fy = page.shape[1] / source.shape[1], page.shape[0] / source.shape[0]
    thing = Thing(left * fx, top * fy, w * fx, h * fy, math.sqrt(fx * fy))
    if task.change == "edge":
        page, thing = cut(rng, page, thing)
        source, twins = page, ()
    page = PAGE_CHANGES[task.change](rng, page, thing)
    return Case(page, source, mask, (thing,), kind, twins)


def pasted(rng: Rng, ground: Pixels, size: int) -> tuple[Pixels, tuple[int, int, int, int]]:
    """A thing and some others on flat ground; the first one's left, top, width, height."""
    page, taken = ground.copy(), []
    for n in range(4):
        kind = [k for k in kinds() if k != "flat"][int(rng.integers(len(kinds()) - 1))]
        h, w = sides(rng, size if n == 0 else int(rng.integers(24, 120)))
        h, w = min(h, page.shape[0] - 2), min(w, page.shape[1] - 2)
        x = pages(kind)(rng, max(PAGE[0], h), max(PAGE[1], w), 0)
        y0, x0 = spot(rng, x, h, w, LEAST_CELLS)
        for _ in range(30):
            top = int(rng.integers(page.shape[0] - h + 1))
            left = int(rng.integers(page.shape[1] - w + 1))
            if all(
                left >= x1 + w1 or x1 >= left + w or top >= y1 + h1 or y1 >= top + h
                for x1, y1, w1, h1 in taken
            ):
                page[top : top + h, left : left + w] = x[y0 : y0 + h, x0 : x0 + w]
                taken.append((left, top, w, h))
                break
    return page, taken[0]


def hidpi(task: Task) -> Case:
    """A mask cut out of a screen at zoom 1, and that screen drawn anew with more dots."""
    rng = task.rng()
    zoom = HIDPI[int(rng.integers(len(HIDPI)))]
    seed, (H, W) = [int(rng.integers(2**31))], SCREEN
    plain = Screen(seed, round(W / zoom), round(H / zoom), 0)
    one = element(rng, plain, task.size)
    left, top, w, h = one[1:]
    page = Screen(seed, round(W / zoom), round(H / zoom), 0, zoom).pixels()
    mask = plain.pixels()[top : top + h, left : left + w].copy()
    thing = Thing(left * zoom, top * zoom, w * zoom, h * zoom, zoom)
    return Case(page, plain.pixels(), mask, (thing,), "screen", alike(plain, one, zoom))


def whole(task: Task) -> Case:
    """One whole picture of the folder, and a crop of it."""
    return _whole(task, task.size, 1.0)


def whole_resized(task: Task) -> Case:
    """The same, the picture resized by 0.5 to 1.8 after the crop of 32 pixels or more was taken."""
    return _whole(task, max(32, task.size), 2 ** task.rng().uniform(-1, math.log2(1.8)))


def _whole(task: Task, size: int, scale: float) -> Case:
    rng, paths = task.rng(), files().paths
    source = pictures.whole_file(paths[task.number % len(paths)])
    H, W = source.shape[:2]
    h, w = (min(a, b) for a, b in zip(sides(rng, size), (H, W), strict=True))
    top, left = spot(rng, source, h, w, LEAST_CELLS)
    mask = source[top : top + h, left : left + w].copy()
    page = source
    if scale != 1:
        new = round(W * scale), round(H * scale)
        page = np.asarray(Image.fromarray(source).resize(new, Image.Resampling.BICUBIC))
    fx, fy = page.shape[1] / W, page.shape[0] / H
    thing = Thing(left * fx, top * fy, w * fx, h * fy, math.sqrt(fx * fy))
    return Case(page, source, mask, (thing,), "art")


# Changes: of a page that shows the thing.


def cut(rng: Rng, page: Pixels, thing: Thing) -> tuple[Pixels, Thing]:
    """The page cut so that its edge takes up to a third of the thing's area."""
    share = rng.uniform(0.1, 1 / 3)
    across, down = [(share, 0.0), (0.0, share), (1 - math.sqrt(1 - share),) * 2][
        int(rng.integers(3))
    ]
    left, top, right, bottom = 0, 0, page.shape[1], page.shape[0]
    if rng.random() < 0.5:
        left = math.floor(thing.left + across * thing.width) if across else 0
    elif across:
        right = math.ceil(thing.left + (1 - across) * thing.width)
    if rng.random() < 0.5:
        top = math.floor(thing.top + down * thing.height) if down else 0
    elif down:
        bottom = math.ceil(thing.top + (1 - down) * thing.height)
    page = np.ascontiguousarray(page[top:bottom, left:right])
    return page, thing._replace(left=thing.left - left, top=thing.top - top)


def same(rng: Rng, page: Pixels, thing: Thing) -> Pixels:  # noqa: ARG001 - as the others
    return page


def jpeg(rng: Rng, page: Pixels, thing: Thing) -> Pixels:  # noqa: ARG001
    data = io.BytesIO()
    Image.fromarray(page).save(data, "jpeg", quality=30)
    return np.asarray(Image.open(data))


def noise(rng: Rng, page: Pixels, thing: Thing) -> Pixels:  # noqa: ARG001
    return _bytes(page + 255 * rng.uniform(0.05, 0.1) * rng.standard_normal(page.shape))


def blur(rng: Rng, page: Pixels, thing: Thing) -> Pixels:  # noqa: ARG001
    return pictures.blurred(page, rng.uniform(1, 2))


def light(rng: Rng, page: Pixels, thing: Thing) -> Pixels:  # noqa: ARG001
    """Contrast and brightness, and the curve between, changed."""
    curve = 255 * (page / 255) ** (2 ** rng.uniform(-0.5, 0.5))
    gain = 2 ** rng.uniform(-1, 0.3)
    return _bytes(127 + gain * (curve - 127) + rng.uniform(-1, 1) * max(15, 110 * (1 - gain)))


def hidden(rng: Rng, page: Pixels, thing: Thing) -> Pixels:
    """A quarter of the thing under another texture: a corner, the middle, or a strip at a side."""
    page = page.copy()
    left, top, w, h = (round(n) for n in thing[:4])
    boxes = [
        (0, 0, w // 2, h // 2),
        (w - w // 2, 0, w // 2, h // 2),
        (w - w // 2, h - h // 2, w // 2, h // 2),
        (w // 4, h // 4, w // 2, h // 2),
        (0, 0, w // 4, h),
        (0, h - h // 4, w, h // 4),
    ]
    dx, dy, width, height = boxes[int(rng.integers(len(boxes)))]
    kind = ("scene", "texture")[int(rng.integers(2))]
    cover = pages(kind)(rng, max(64, height), max(64, width), 1)[:height, :width]
    page[top + dy : top + dy + height, left + dx : left + dx + width] = cover
    return page


def _bytes(x: Any) -> Pixels:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


PAGE_CHANGES: dict[str, Callable[[Rng, Pixels, Thing], Pixels]] = {
    "exact": same,
    "resized": same,
    "jpeg": jpeg,
    "noise": noise,
    "blur": blur,
    "light": light,
    "hidden": hidden,
    "edge": same,
}
