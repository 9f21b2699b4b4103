"""python -m benchmarks.verdicts: how often the verdict is right, where the mask is and where it is not.

    python -m benchmarks.verdicts                              # 100 pages of each kind without, 45 with
    python -m benchmarks.verdicts --only jpeg --with 200       # one change alone
    python -m benchmarks.verdicts --dump cases.jsonl           # every case's best three places, for fitting

Pages are drawn from a seed: crowds, screenshots, textures, flat grounds, and pieces of your own pictures
where ``--pages`` names a folder of them. Without the mask a find is false. With it, a find is right whose
centre lies within 2 pixels or 5 % of the mask (the larger) of the thing's, or where the page shows the very
same again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported

import argparse
import ast
import dataclasses
import functools
import io
import json
import math
import multiprocessing
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from benchmarks import pictures
from benchmarks.pictures import Element, Pixels, Rng, Screen
from waldo_cli import WaldoError, detect, load_stack

SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)
PAGE = (480, 640)
SCREEN = (720, 1280)
LEAST_CONTRAST = 8.0  # standard deviation of a mask, of 255: no one seeks a flat one
LEAST_CELLS = 6.0  # of a mask that is to be found: below it, it is an edge or a ramp
HIDPI = (1.25, 1.5, 2.0)
FAILED = ("wrong place", "nothing", "refused")


class Thing(NamedTuple):
    """What a page shows of a mask, in pixels of the page, and the factor it was resized by."""

    left: float
    top: float
    width: float
    height: float
    scale: float = 1.0


@dataclass
class Case:
    """A page, a mask, and where it is (None: nowhere)."""

    page: Pixels
    source: Pixels  # what the page was made of: not resized, without noise, blur and the like
    mask: Pixels
    thing: Thing | None
    mask_kind: str
    twins: tuple[
        tuple[float, float], ...
    ] = ()  # x, y of what is the same thing, in other sizes too


class Task(NamedTuple):
    """A case by name, made when it is looked at."""

    change: str  # "same", "other": without the mask, of the page's kind of content or of another
    page_kind: str
    size: int
    number: int
    seed: int

    @property
    def planted(self) -> bool:
        return self.change in CHANGES

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


# Pages.

FOLDER: Path | None = None  # --pages


@functools.cache
def pages(kind: str) -> Callable[[Rng, int, int, int], Pixels]:
    """What makes pages of a kind."""
    if kind == "art":
        return pictures.Files(FOLDER or Path())
    return {
        "scene": pictures.scene,
        "screen": pictures.screen,
        "texture": pictures.texture,
        "flat": pictures.flat,
    }[kind]


def kinds() -> list[str]:
    return ["scene", *(["art"] if FOLDER else []), "screen", "texture", "flat"]


def shape_of(kind: str) -> tuple[int, int]:
    return SCREEN if kind == "screen" else PAGE


def without(task: Task) -> Case:
    """A page, and a mask that it does not show."""
    rng = task.rng()
    page = pages(task.page_kind)(rng, *shape_of(task.page_kind), 0)
    kind = task.page_kind
    if task.change == "other":
        others = [k for k in kinds() if k not in (kind, "flat")]
        kind = others[task.number % len(others)]
    mask = foreign_mask(rng, kind, task.size, 1)
    return Case(page, page, mask, None, kind)


def planted(task: Task) -> Case:
    """A page that shows the mask, changed in one way."""
    rng, kind = task.rng(), task.page_kind
    if task.change == "hidpi":
        return hidpi(task, rng)
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
    return Case(CHANGES[task.change](rng, page, thing), source, mask, thing, kind, twins)


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


def hidpi(task: Task, rng: Rng) -> Case:
    """A mask cut out of a screen at zoom 1, and that screen drawn anew with more dots."""
    zoom = HIDPI[int(rng.integers(len(HIDPI)))]
    seed, (H, W) = [int(rng.integers(2**31))], SCREEN
    plain = Screen(seed, round(W / zoom), round(H / zoom), 0)
    one = element(rng, plain, task.size)
    left, top, w, h = one[1:]
    page = Screen(seed, round(W / zoom), round(H / zoom), 0, zoom).pixels()
    mask = plain.pixels()[top : top + h, left : left + w].copy()
    thing = Thing(left * zoom, top * zoom, w * zoom, h * zoom, zoom)
    return Case(page, plain.pixels(), mask, thing, "screen", alike(plain, one, zoom))


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


CHANGES: dict[str, Callable[[Rng, Pixels, Thing], Pixels]] = {
    "exact": same,
    "resized": same,
    "jpeg": jpeg,
    "noise": noise,
    "blur": blur,
    "light": light,
    "hidden": hidden,
    "edge": same,
    "hidpi": same,
}


# Verdicts.


def is_right(case: Case, x: float, y: float) -> bool:
    """Whether a place is the thing's, or shows exactly what the thing's place shows."""
    thing, source = case.thing, case.source
    if thing is None:
        return False
    dx, dy = x - (thing.left + thing.width / 2), y - (thing.top + thing.height / 2)
    near = max(2.0, 0.05 * max(thing.width, thing.height))
    if math.hypot(dx, dy) <= near or any(math.hypot(x - i, y - j) <= near for i, j in case.twins):
        return True
    # The very same again, such as an icon in every row: compared at the mask's own scale, before any change.
    fx, fy = thing.width / case.mask.shape[1], thing.height / case.mask.shape[0]
    left, top = round(thing.left / fx), round(thing.top / fy)
    x0, y0 = max(0, left), max(0, top)  # what the page's edge leaves of it
    here = source[y0 : top + case.mask.shape[0], x0 : left + case.mask.shape[1]].astype(np.int16)
    for j in (-1, 0, 1):
        for i in (-1, 0, 1):
            y1, x1 = y0 + round(dy / fy) + j, x0 + round(dx / fx) + i
            there = source[max(0, y1) : y1 + here.shape[0], max(0, x1) : x1 + here.shape[1]]
            if there.shape == here.shape and np.abs(there - here).mean() < 3:
                return True
    return False


def made(task: Task) -> Case:
    """The case of a task."""
    return planted(task) if task.planted else without(task)


def look(task: Task, settings: dict[str, Any], dump: bool, threshold: float) -> dict[str, Any]:
    """Look for a case's mask; what came out, as one line of the dump."""
    case = made(task)
    line: dict[str, Any] = {
        "name": task.name,
        "change": task.change,
        "page_kind": task.page_kind,
        "mask_kind": case.mask_kind,
        "size": task.size,
        "number": task.number,
        "mask": case.mask.shape[:2],
        "page": case.page.shape[:2],
        "contrast": round(float(case.mask.std((0, 1)).mean()), 2),
        "cells": round(cells(case.mask), 2),
        "thing": case.thing,
    }
    image = case.page.astype(np.float32) / 255
    begin = time.process_time()
    try:
        call = {"top": 3, "threshold": -1.0, **settings} if dump else settings
        result = detect(image, masks=[case.mask], **call)
    except WaldoError as error:
        return {**line, "answer": "refused", "error": str(error)}
    line["seconds"] = round(time.process_time() - begin, 3)
    line["finds"] = [
        {**dataclasses.asdict(d), "right": is_right(case, d.x, d.y)} for d in result.detections
    ]
    if not line["finds"] or (dump and line["finds"][0]["score"] < threshold):
        line["answer"] = "nothing"
    elif task.planted:
        line["answer"] = "right" if line["finds"][0]["right"] else "wrong place"
    else:
        line["answer"] = "find"
    return line


def tasks(options: argparse.Namespace) -> Iterator[Task]:
    sizes = options.sizes
    for kind in kinds():
        relations = ("other",) if kind == "flat" else ("same", "other")
        for n in range(options.without):
            relation = relations[n % len(relations)]
            size = sizes[n // len(relations) % len(sizes)]
            yield Task(relation, kind, size, n, options.seed)
    for change in CHANGES:
        of = ["screen"] if change == "hidpi" else kinds()
        for n in range(options.planted):
            size = sizes[n // len(of) % len(sizes)]
            yield Task(change, of[n % len(of)], size, n, options.seed)


def answers(options: argparse.Namespace, wanted: list[Task]) -> Iterator[dict[str, Any]]:
    limit = load_stack("pixels").threshold if options.threshold is None else options.threshold
    one = functools.partial(look, settings=options.set, dump=bool(options.dump), threshold=limit)
    if options.jobs == 1:
        yield from map(one, wanted)
        return
    with multiprocessing.Pool(options.jobs, _begin, (options.pages,)) as pool:
        yield from pool.imap(one, wanted, 4)


def _begin(folder: Path | None) -> None:
    global FOLDER
    FOLDER = folder


def report(lines: Iterable[dict[str, Any]], sizes: Iterable[int]) -> None:
    """The counts by change and page kind, and by size."""
    groups: dict[tuple[bool, str], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["change"] in CHANGES, line["name"]].append(line)
    print(f"{'without the mask':28} finds    of   size: finds")
    for (with_it, name), group in groups.items():
        if not with_it:
            count = Counter(line["answer"] for line in group)
            print(f"{name:28} {count['find']:5} {len(group):5}   {_by_size(group, sizes, 'find')}")
    print(f"\n{'with the mask':28} right wrong none   of   size: not right")
    totals: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (with_it, name), group in groups.items():
        if with_it:
            totals[f"{name.split('/')[1]}, all pages"] += group
            _row(name, group, sizes)
    for name, group in totals.items():
        _row(name, group, sizes)


def _row(name: str, group: list[dict[str, Any]], sizes: Iterable[int]) -> None:
    count = Counter(line["answer"] for line in group)
    none = count["nothing"] + count["refused"]
    share = f"{100 * count['right'] / len(group):.1f} %"
    print(
        f"{name:28} {count['right']:5} {count['wrong place']:5} {none:4} {len(group):4}   {share:>7}  "
        f"{_by_size(group, sizes, 'right', other=True)}"
    )


def _by_size(
    group: list[dict[str, Any]], sizes: Iterable[int], answer: str, other: bool = False
) -> str:
    """Of each size with any: how many have this answer (or another)."""
    counts = Counter(line["size"] for line in group if (line["answer"] == answer) != other)
    return " ".join(f"{size}:{counts[size]}" for size in sizes if counts[size])


def setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE of --set; a value that is no Python literal is a word."""
    key, _, value = text.partition("=")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.verdicts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--without", type=int, default=100, help="pages of each kind without the mask"
    )
    parser.add_argument(
        "--with", type=int, default=45, dest="planted", help="pages with it, each change"
    )
    parser.add_argument(
        "--only", action="append", help="names that hold this, as without/same/scene"
    )
    parser.add_argument("--sizes", type=lambda s: [int(n) for n in s.split(",")], default=SIZES)
    parser.add_argument("--pages", type=Path, help="a folder of pictures, for the page kind art")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--set", type=setting, action="append", default=[], help="KEY=VALUE for detect"
    )
    parser.add_argument(
        "--dump", type=Path, help="one line of JSON for each case: detect(top=3, threshold=-1)"
    )
    parser.add_argument(
        "--threshold", type=float, help="of the score, where --dump counts; default: the stack's"
    )
    parser.add_argument("--wrong", action="store_true", help="show each case that is not right")
    options = parser.parse_args()
    options.set = dict(options.set)
    _begin(options.pages)
    wanted = [
        t for t in tasks(options) if not options.only or any(o in t.name for o in options.only)
    ]
    lines, seconds = [], 0.0
    out = options.dump.open("w", encoding="utf-8") if options.dump else None
    for line in answers(options, wanted):
        lines.append(line)
        seconds += line.get("seconds", 0)
        if out:
            print(json.dumps(line), file=out, flush=True)
        failed = line["answer"] in (("find",) if line["change"] not in CHANGES else FAILED)
        if options.wrong and failed:
            print(
                json.dumps(
                    {k: line.get(k) for k in ("name", "number", "size", "answer", "thing", "finds")}
                )
            )
    if out:
        out.close()
    report(lines, options.sizes)
    print(f"\n{len(lines)} cases, {seconds:.0f} s of processor time in detect")


if __name__ == "__main__":
    main()
