"""How the stacks of a training's folds answer on pages that they have not learned from, as people hold them.

``python docs/figures/folds.py [--others OTHERS] RUN PAGES TRUTH [KIND ...]`` prints a table: for each kind of
picture how many there are, on how many the first find is right and reported, and how many false finds the
same pictures have with what is sought painted over. RUN is the folder of ``waldo train PAGES --truth TRUTH
--others OTHERS --heads -o RUN``; each held-out page is judged with the stack of its fold, calibrated as the
release is.

The last kind is all held-out pages of a fold in one picture, in rows, searched with ``top="all"``.

Photographs are simulated, from a seed for each page: a page lies on a table, seen from the side, in the light
of a lamp with a shadow over it, out of focus, stored at a low quality; each alone, and all of them.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from waldo_cli.evaluation.judge import PageScore
from waldo_cli.evaluation.pages import refuse
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Stack
from waldo_cli.training.data import Head, TrainingPage, folds_by_artwork, painted_over, resized
from waldo_cli.training.held_out import judged, stored_fold
from waldo_cli.training.parts import Sources
from waldo_cli.training.report import calibration_of

Random = np.random.Generator
Change = Callable[[TrainingPage, Random], TrainingPage]


# What is done to a page.


def upright(page: TrainingPage, random: Random) -> TrainingPage:  # noqa: ARG001
    """The page as it is."""
    return page


def seen_from_the_side(page: TrainingPage, random: Random) -> TrainingPage:
    """On a table, with corners that lie up to 6 % of the sides off the corners of a rectangle."""
    height, width = page.pixels.shape[:2]
    margin = 0.04
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    seen = corners * (1 - 2 * margin) + margin + random.uniform(-0.06, 0.06, (4, 2))
    # `to_page` takes a point of the photograph to the page; Pillow wants this direction.
    to_page = _homography(seen * (width, height), corners * (width, height))
    to_photo = np.linalg.inv(to_page)
    there = Image.fromarray(page.pixels).transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        (to_page / to_page[2, 2]).ravel()[:8],
        Image.Resampling.BICUBIC,
    )
    covered = Image.new("L", (width, height), 255).transform(
        (width, height), Image.Transform.PERSPECTIVE, (to_page / to_page[2, 2]).ravel()[:8]
    )
    grain = ndimage.gaussian_filter1d(random.normal(0, 60, (height, width)), 30, axis=1)
    table = np.clip(np.array([120, 84, 52]) + grain[:, :, None], 0, 255).astype(np.uint8)
    pixels = np.where(np.asarray(covered)[:, :, None] > 0, np.asarray(there), table)
    return _moved(page, pixels, lambda points: _projected(to_photo, points))


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The ``(3, 3)`` map that takes four points to four others."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), target.ravel()), 1).reshape(3, 3)


def _projected(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points ``(N, 2)`` under a homography."""
    x, y, w = homography @ np.append(points, np.ones((len(points), 1)), 1).T
    return np.stack([x / w, y / w], 1)


def _moved(
    page: TrainingPage, pixels: np.ndarray, move: Callable[[np.ndarray], np.ndarray]
) -> TrainingPage:
    """The page with other pixels, and with its boxes where `move` takes their corners."""

    def moved(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = box
        corners = move(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]))
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        return float(x0), float(y0), float(x1), float(y1)

    heads = tuple(
        Head(h.label, *moved((h.left, h.top, h.right, h.bottom)), h.shape) for h in page.heads
    )
    return replace(
        page, pixels=pixels, heads=heads, ignored=tuple(moved(box) for box in page.ignored)
    )


def in_a_shadow(page: TrainingPage, random: Random) -> TrainingPage:
    """In the light of a bulb, which falls off, with a shadow over a part."""
    height, width = page.pixels.shape[:2]
    angle = random.uniform(0, 2 * np.pi)
    across = np.linspace(-0.5, 0.5, width)[None, :] * np.cos(angle)
    along = across + np.linspace(-0.5, 0.5, height)[:, None] * np.sin(angle)
    light = (1 + random.uniform(0.2, 0.6) * along) * random.uniform(0.6, 0.95)
    shadow = 1 / (1 + np.exp(-(along - random.uniform(-0.2, 0.2)) * random.uniform(15, 80)))
    light *= 1 - random.uniform(0.25, 0.5) * shadow
    bulb = np.array([1.1, 1.0, random.uniform(0.65, 0.9)])
    return replace(page, pixels=_bytes(page.pixels * light[:, :, None] * bulb))


def out_of_focus(page: TrainingPage, random: Random) -> TrainingPage:
    """Blurred by 3 to 5 % of a head's height, with the noise of a sensor."""
    sigma = random.uniform(0.03, 0.05) * page.head_height
    pixels = ndimage.gaussian_filter(page.pixels.astype(np.float32), (sigma, sigma, 0))
    return replace(page, pixels=_bytes(pixels + random.normal(0, 5, pixels.shape)))


def stored_small(page: TrainingPage, random: Random) -> TrainingPage:
    """JPEG of quality 15 to 30."""
    stored = io.BytesIO()
    Image.fromarray(page.pixels).save(stored, "JPEG", quality=int(random.integers(15, 31)))
    return replace(page, pixels=np.asarray(Image.open(stored)))


def photographed(page: TrainingPage, random: Random) -> TrainingPage:
    """All of them."""
    for change in (seen_from_the_side, in_a_shadow, out_of_focus, stored_small):
        page = change(page, random)
    return page


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def turned(quarters: int) -> Change:
    """Turned counter-clockwise by quarters of a turn."""

    def change(page: TrainingPage, random: Random) -> TrainingPage:  # noqa: ARG001
        for _ in range(quarters):
            width = page.pixels.shape[1]
            page = _moved(
                page,
                np.rot90(page.pixels),
                lambda p, width=width: np.stack([p[:, 1], width - p[:, 0]], 1),
            )
        return replace(page, pixels=np.ascontiguousarray(page.pixels))

    return change


def heads_of(pixels: float) -> Change:
    """Resized until a head is so tall; around him alone, where the page would be over 24 Mpx."""

    def change(page: TrainingPage, random: Random) -> TrainingPage:
        factor = pixels / page.head_height
        if factor**2 * page.pixels.size / 3 > 24e6:
            page = _around(page, 4800 / factor, random)
        return resized(page, factor)

    return change


def filling(page: TrainingPage, random: Random) -> TrainingPage:
    """His head and shoulders alone, as in a logo: 1.6 to 2.4 heads wide."""
    return _around(page, random.uniform(1.6, 2.4) * page.head_height, random)


def _around(page: TrainingPage, side: float, random: Random) -> TrainingPage:
    """A square of the page with what is sought somewhere near its middle."""
    head = next(h for h in page.heads if h.label == 0)
    height, width = page.pixels.shape[:2]
    w, h = int(min(side, width)), int(min(side, height))
    shift = random.uniform(-0.1, 0.1, 2) * side
    left = int(np.clip(head.x + shift[0] - w / 2, 0, width - w))
    top = int(np.clip(head.y + shift[1] - h / 2, 0, height - h))
    pixels = np.ascontiguousarray(page.pixels[top : top + h, left : left + w])
    page = _moved(page, pixels, lambda points: points - (left, top))
    return replace(
        page, heads=tuple(q for q in page.heads if 0 < q.x < w and 0 < q.y < h), ignored=()
    )


KINDS: dict[str, Change] = {
    "upright": upright,
    "seen from the side": seen_from_the_side,
    "in a shadow": in_a_shadow,
    "out of focus": out_of_focus,
    "stored small": stored_small,
    "photographed": photographed,
    **{f"turned by {90 * n}": turned(n) for n in (1, 2, 3)},
    **{f"heads of {n} px": heads_of(n) for n in (8, 12, 90, 160, 240)},
    "filling the picture": filling,
}
SIDE_BY_SIDE = "side by side"


# Judging.


def side_by_side(pages: Sequence[TrainingPage], across: int = 4) -> TrainingPage:
    """All pages in one picture, in rows of so many."""
    rows = [pages[n : n + across] for n in range(0, len(pages), across)]
    heights = [max(page.pixels.shape[0] for page in row) for row in rows]
    width = max(sum(page.pixels.shape[1] for page in row) for row in rows)
    pixels = np.full((sum(heights), width, 3), 255, np.uint8)
    moved: list[TrainingPage] = []
    for row, top in zip(rows, np.cumsum([0, *heights]), strict=False):
        left = 0
        for page in row:
            h, w, _ = page.pixels.shape
            pixels[top : top + h, left : left + w] = page.pixels
            moved.append(_moved(page, pixels, lambda p, by=(left, int(top)): p + by))
            left += w
    return replace(
        moved[0],
        heads=tuple(head for page in moved for head in page.heads),
        ignored=tuple(box for page in moved for box in page.ignored),
    )


def fold_stacks(run: Path) -> dict[int, Stack]:
    """The stacks of the folds that are judged, each with the calibration of all of them."""
    stored = {int(path.parent.name[4:]): path for path in sorted(run.glob("fold*/scores.json"))}
    fitted = calibration_of([stored_fold(path, n) for n, path in stored.items()])
    return {
        number: replace(
            load_stack(next(path.parent.glob("*.toml"))),
            calibration=(fitted.slope, fitted.offset),
            threshold=fitted.threshold,
        )
        for number, path in stored.items()
    }


def line(kind: str, scores: list[PageScore], absent: list[PageScore], threshold: float) -> str:
    """A line of the table."""
    first = sum(s.rank == 1 for s in scores)
    found = sum(s.rank == 1 and s.best >= threshold for s in scores)
    false = sum(s.best >= threshold for s in absent)
    return f"| {kind} | {len(scores)} | {first} | {found} | {false} of {len(absent)} |"


def line_of_many(scores: list[PageScore], threshold: float) -> str:
    """The line of pictures that show many pages each: all finds count, not the first alone."""
    finds = [
        hit
        for s in scores
        for score, hit in zip(s.scores, s.hits, strict=True)
        if score >= threshold
    ]
    shown = sum(len(s.heights) for s in scores)
    return f"| {SIDE_BY_SIDE} | {shown} | | {sum(finds)} | {finds.count(False)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--others", type=Path, help="as the training had it: folds depend on it")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join([*KINDS, SIDE_BY_SIDE]))
    options = parser.parse_args()
    settings = json.loads((options.run / "settings.json").read_text())
    sources = Sources(options.pages, options.truth, "waldo", figures=True, others=options.others)
    _, pages, _ = sources.read(refuse)
    folds = folds_by_artwork(pages, settings["folds"], settings["seed"])
    shown = [page for page in pages if page.kind == "page"]
    sys.stdout.write(
        "| pages, as | | first | found | false finds, painted over |\n|---|---|---|---|---|\n"
    )
    stacks = fold_stacks(options.run)
    threshold = next(iter(stacks.values())).threshold or 0.5
    for kind in options.kinds or [*KINDS, SIDE_BY_SIDE]:
        if kind == SIDE_BY_SIDE:
            scores = [
                judged(side_by_side([p for p in shown if folds[p.artwork] == n]), stack, top="all")
                for n, stack in stacks.items()
            ]
            sys.stdout.write(line_of_many(scores, threshold) + "\n")
            continue
        scores, absent = [], []
        for page in shown:
            stack = stacks.get(folds[page.artwork])
            if stack is None:
                continue
            seed = zlib.crc32(f"{kind} {page.name}".encode())
            changed = KINDS[kind](page, np.random.default_rng(seed))
            scores.append(judged(changed, stack, turn="auto"))
            without = None if kind == "filling the picture" else painted_over(changed, figures=True)
            if without is not None:
                absent.append(judged(without, stack, turn="auto"))
        sys.stdout.write(line(kind, scores, absent, threshold) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
