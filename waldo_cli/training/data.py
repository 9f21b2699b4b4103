"""Training data: pages with the heads on them, and patches that are cut out of the pages.

A spot is a place on a page with the height that a head has there. A patch is a small square of the page
around a spot, resized so that the head has a known height. All training samples are made from patches: ten
thousand of them fit into memory, and each page is read only once.

The functions follow the way of the data: `read_pages` reads pages and truth, `folds_by_artwork` divides them,
`cut_patch` and its users cut patches, and `resized` and `painted_over` make variants of held-out pages.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from waldo_cli.arrays import Bytes
from waldo_cli.evaluation.truth import TrueBox, read_truth
from waldo_cli.evaluation.turned import TruthPixels, as_shown, assumption
from waldo_cli.geometry import Size
from waldo_cli.images.load import load_image
from waldo_cli.training.network import CHARACTERS, LABELS

# Side of a patch in pixels: 6.4 heads for the proposal network, 4.4 and 3.8 heads for the closer looks. This
# is more than the networks see, because samples are shifted, rotated and reduced.
PATCH = 128

NOBODY = LABELS.index("nobody")

# Boxes, drawn by hand, of the heads of the other characters and of people who look like Waldo, on the public
# pages. The usual truth files for these pages have whole figures of these characters, or nothing.
HEADS_BY_EYE = Path(__file__).with_name("characters.csv")

# A spot on a page: x, y, height of a head there, all in page pixels.
Spot = tuple[float, float, float]


@dataclass(frozen=True)
class Head:
    """A character's head on a page, hat to chin.

    Attributes
    ----------
    label
        Index into `LABELS`; nobody for a stranger who looks like Waldo.
    left, top, right, bottom
        The box, in page pixels.
    """

    label: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def x(self) -> float:
        """Column of the centre."""
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        """Row of the centre."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """Height of a head of the usual shape, 4 wide to 5 tall, that has the area of this box.

        The box of a half-hidden head has an unusual shape; its area tells the scale better than its height.
        """
        return float(np.sqrt((self.bottom - self.top) * (self.right - self.left) / 0.8))


@dataclass(frozen=True, eq=False)
class TrainingPage:
    """A picture and what is on it.

    Attributes
    ----------
    name
        File name, relative to the folder of pages.
    artwork
        The drawing that the page shows. Pages of the same artwork go into the same fold.
    kind
        ``page``, ``other scan``, ``without`` (nobody is on it) or ``drawn``.
    pixels
        ``(H, W, 3)`` uint8.
    heads
        The heads of the characters, and of people who look like Waldo.
    ignored
        Boxes ``(left, top, right, bottom)`` that count neither as Waldo nor as something else: printed
        portraits.
    """

    name: str
    artwork: str
    kind: str
    pixels: Bytes
    heads: tuple[Head, ...] = ()
    ignored: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def head_height(self) -> float:
        """The usual height of a head on this page, in pixels; 30 where no head is known."""
        waldos = [h.height for h in self.heads if h.label == 0] or [h.height for h in self.heads]
        return float(np.median(waldos)) if waldos else 30.0

    def is_clear(self, spot: Spot, heads: float) -> bool:
        """True if no character is within `heads` head heights of a spot, and no portrait within one."""
        x, y, size = spot
        for h in self.heads:
            distance = heads * max(size, h.height)
            if abs(x - h.x) < distance and abs(y - h.y) < distance:
                return False
        return not any(
            a - size < x < c + size and b - size < y < d + size for a, b, c, d in self.ignored
        )


def read_pages(
    folder: Path,
    truth: Path,
    truth_pixels: TruthPixels | None = None,
    say: Callable[[str], object] = print,
) -> list[TrainingPage]:
    """The pages of a truth file, and the pictures in the folder ``without_waldo/`` beside them.

    Parameters
    ----------
    folder
        The folder of the pictures.
    truth
        A file as `waldo_cli.evaluation.truth.read_truth` reads it. Classes: ``waldo`` (his head),
        ``waldo_icon`` (a portrait to ignore), ``wenda``, ``odlaw``, ``wizard`` (whole figures),
        ``lookalike`` (a head).
        In a CSV file, the column ``artwork`` names the drawing that a page shows, and ``kind`` is
        ``page``, ``other scan`` or ``without``. Without these columns each page is a drawing of its own.
        For pages in `HEADS_BY_EYE`, the heads of all characters but Waldo are taken from there.
    truth_pixels
        What the boxes mean where sizes do not tell, as for `as_shown`.
    say
        Called with a line about pages for which that was assumed.

    Raises
    ------
    FileError
        The truth cannot be read or a picture cannot be opened.
    InvalidInputError
        A column is missing or a box is not four numbers in order.
    """
    boxes_by_eye = _read_boxes_by_eye()
    pages = []
    assumed = []
    for listed in read_truth(truth, folder):
        pixels = _pixels(listed.path)
        shown = as_shown(listed, Size(*pixels.shape[:2]), truth_pixels)
        entry = shown.page
        if shown.is_assumed:
            assumed.append(entry.name)
        page = TrainingPage(
            entry.name,
            entry.columns.get("artwork", entry.name),
            entry.columns.get("kind", "page"),
            pixels,
            _heads(entry.boxes, ("waldo", "lookalike")),
            _ignored(entry.boxes),
        )
        figures = [_head_of(b, page.head_height) for b in entry.boxes if b.label in CHARACTERS[1:]]
        pages.append(_with_other_heads(page, boxes_by_eye, figures))
    if assumed:
        say(assumption(assumed))
    for path in sorted((folder / "without_waldo").glob("*.jpg")):
        name = f"without_waldo/{path.name}"
        pages.append(
            _with_other_heads(TrainingPage(name, name, "without", _pixels(path)), boxes_by_eye, [])
        )
    return sorted(pages, key=lambda p: (p.kind == "without", p.name))


def _pixels(path: Path) -> Bytes:
    """The pixels of the picture as shown."""
    return np.rint(load_image(path) * 255).astype(np.uint8)


def _read_boxes_by_eye() -> dict[str, list[TrueBox]]:
    """The boxes of `HEADS_BY_EYE` for each page name."""
    boxes: dict[str, list[TrueBox]] = {}
    with HEADS_BY_EYE.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            edges = (float(row[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes.setdefault(row["filename"], []).append(TrueBox(row["class"], *edges))
    return boxes


def _with_other_heads(
    page: TrainingPage, boxes_by_eye: dict[str, list[TrueBox]], figure_heads: Sequence[Head]
) -> TrainingPage:
    """The page with the heads of the other characters added.

    They are taken from the boxes drawn by hand if these include the page, else from its whole figures.
    """
    if page.name not in boxes_by_eye:
        return replace(page, heads=(*page.heads, *figure_heads))
    boxes = boxes_by_eye[page.name]
    return replace(
        page,
        heads=(*page.heads, *_heads(boxes, (*CHARACTERS[1:], "lookalike"))),
        ignored=(*page.ignored, *_ignored(boxes)),
    )


def _heads(boxes: Sequence[TrueBox], names: Sequence[str]) -> tuple[Head, ...]:
    """The heads among the boxes that have one of these class names; a look-alike becomes nobody."""
    return tuple(
        Head(
            LABELS.index(b.label) if b.label in LABELS else NOBODY,
            b.left,
            b.top,
            b.right,
            b.bottom,
        )
        for b in boxes
        if b.label in names
    )


def _ignored(boxes: Sequence[TrueBox]) -> tuple[tuple[float, float, float, float], ...]:
    """The boxes of printed portraits."""
    return tuple((b.left, b.top, b.right, b.bottom) for b in boxes if b.label == "waldo_icon")


def _head_of(figure: TrueBox, usual: float) -> Head:
    """The head at the top of a whole figure.

    Its height is `usual`, the height of Waldo's head on the page, if that is 20 to 55 % of the figure, else
    the nearest of these limits. The lower part of a figure may be hidden.
    """
    height = float(np.clip(usual, 0.2 * figure.height, 0.55 * figure.height))
    half = min(figure.right - figure.left, 0.9 * height) / 2
    middle = (figure.left + figure.right) / 2
    label = LABELS.index(figure.label)
    return Head(label, middle - half, figure.top, middle + half, figure.top + height)


def folds_by_artwork(pages: Sequence[TrainingPage], count: int, seed: int) -> dict[str, int]:
    """The number of a fold for each artwork; each fold gets artworks with heads of all sizes.

    Artworks are sorted by the height of their heads. Of every `count` neighbours in this order, each goes
    into another fold, at random.
    """
    heights: dict[str, float] = {}
    # Pages of kind "page" come last, so that they overwrite the height from other scans of the artwork.
    for page in sorted(pages, key=lambda p: p.kind == "page"):
        heights[page.artwork] = math.inf if page.kind == "without" else page.head_height
    order = sorted(heights, key=lambda artwork: (heights[artwork], artwork))
    random = np.random.default_rng(seed)
    folds: dict[str, int] = {}
    for start in range(0, len(order), count):
        fold_order = random.permutation(count)
        for artwork, fold in zip(order[start : start + count], fold_order, strict=False):
            folds[artwork] = int(fold)
    return folds


def cut_patch(pixels: Bytes, spot: Spot, head: float, side: int = PATCH) -> Bytes:
    """A patch ``(side, side, 3)`` around a spot, resized so that its head is `head` pixels tall.

    It is resampled as in `waldo_cli.detector.pyramid`; outside the page, its edge repeats.
    """
    x, y, size = spot
    half = side / 2 * size / head  # half the side of the patch, in page pixels
    # The bilinear filter needs some pixels around the patch: `size / head` for each pixel of the result.
    margin = int(np.ceil(max(1.0, size / head))) + 1
    first_col, first_row = int(np.floor(x - half)) - margin, int(np.floor(y - half)) - margin
    # Clipped indices repeat the page's edge.
    rows = np.arange(first_row, int(np.ceil(y + half)) + margin).clip(0, pixels.shape[0] - 1)
    cols = np.arange(first_col, int(np.ceil(x + half)) + margin).clip(0, pixels.shape[1] - 1)
    piece = Image.fromarray(pixels[rows[:, None], cols[None, :]])
    left, top = x - half - first_col, y - half - first_row
    box = (left, top, left + 2 * half, top + 2 * half)
    return np.asarray(piece.resize((side, side), Image.Resampling.BILINEAR, box=box))


def random_spots(page: TrainingPage, count: int, random: np.random.Generator) -> list[Spot]:
    """Random spots without characters, 60 % of them with heads about as tall as on the page.

    On a page with little empty space there may be fewer than `count`: after 20 tries for each it stops.
    """
    height, width = page.pixels.shape[:2]
    spots: list[Spot] = []
    for _ in range(20 * count):
        if len(spots) == count:
            break
        if random.random() < 0.6:
            size = page.head_height * 2 ** random.normal(0, 0.5)
        else:
            size = float(np.exp(random.uniform(np.log(9), np.log(110))))
        spot = (random.uniform(0, width), random.uniform(0, height), size)
        if page.is_clear(spot, 2.5):
            spots.append(spot)
    return spots


@dataclass
class Patches:
    """Patches with their labels, and how often each is drawn, which training may change.

    Attributes
    ----------
    pixels
        ``(N, side, side, 3)`` uint8.
    labels
        ``(N,)`` indices into `LABELS`.
    head
        Height of a head in the patches, in pixels.
    weights
        ``(N,)`` how often each is drawn, relative to the others; all equally often if not given.
    """

    pixels: Bytes
    labels: NDArray[np.intp]
    head: float
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not len(self.weights):
            self.weights = np.ones(len(self.labels))

    def draw(
        self, count: int, random: np.random.Generator, label: int | None = None
    ) -> NDArray[np.intp]:
        """Indices of `count` random patches, of one label or of any."""
        candidates = np.arange(len(self.labels))
        if label is not None:
            candidates = candidates[self.labels == label]
        # A random number up to the sum of all weights lies in the interval of one patch of the running sum.
        total = np.cumsum(self.weights[candidates])
        position = np.searchsorted(total, random.random(count) * total[-1], side="right")
        # Rounding may give the sum itself, which is behind the last patch.
        return np.asarray(candidates[np.minimum(position, len(candidates) - 1)])


# Weight of characters on drawn scenes. They help a little, but the network is for real pages, whose
# characters have weight 1.
DRAWN_WEIGHT = 0.35


def character_patches(pages: Sequence[TrainingPage], head: float) -> Patches:
    """A patch around each character's head."""
    pairs = [(p, h) for p in pages for h in p.heads]
    return Patches(
        np.stack([cut_patch(p.pixels, (h.x, h.y, h.height), head) for p, h in pairs]),
        np.array([h.label for _, h in pairs]),
        head,
        np.array([DRAWN_WEIGHT if p.kind == "drawn" else 1.0 for p, _ in pairs]),
    )


def spot_patches(
    pages: Sequence[TrainingPage], spots: Sequence[Sequence[Spot]], head: float
) -> Patches:
    """A patch around each spot of each page, all with the label nobody; `spots` has one list per page."""
    cuts = [
        cut_patch(p.pixels, spot, head)
        for p, page_spots in zip(pages, spots, strict=True)
        for spot in page_spots
    ]
    return Patches(np.stack(cuts), np.full(len(cuts), NOBODY), head)


def resized(page: TrainingPage, factor: float) -> TrainingPage:
    """The page with its pixels and boxes resized by `factor`."""
    height, width = page.pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    pixels = np.asarray(Image.fromarray(page.pixels).resize(size, Image.Resampling.BICUBIC))

    def scaled(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = box
        return left * factor, top * factor, right * factor, bottom * factor

    heads = [Head(h.label, *scaled((h.left, h.top, h.right, h.bottom))) for h in page.heads]
    return replace(
        page, pixels=pixels, heads=tuple(heads), ignored=tuple(scaled(b) for b in page.ignored)
    )


def painted_over(page: TrainingPage, seed: int = 0) -> TrainingPage:
    """The page without Waldo: another piece of the page is pasted over his head and body, with soft edges.

    Finds on it are false alarms, and everything but him is as on the true page.
    """
    random = np.random.default_rng(seed)
    height, width = page.pixels.shape[:2]
    pixels = page.pixels.copy()
    for head in (h for h in page.heads if h.label == 0):
        # What is covered: 2.6 heads wide, and from above the head to 2.2 heads below it, with the body.
        size = max(head.right - head.left, head.bottom - head.top)
        left, right = max(0, int(head.x - 1.3 * size)), min(width, int(head.x + 1.3 * size))
        top = max(0, int(head.top - 0.6 * size))
        bottom = min(height, int(head.bottom + 2.2 * size))
        w, h = right - left, bottom - top
        # Try random pieces of this size, whose top left corner is column u and row v, until one has no
        # character in or near it. If none has been found, the last one is taken.
        for _ in range(1000):
            u, v = int(random.integers(0, width - w + 1)), int(random.integers(0, height - h + 1))
            if all(
                u >= q.x + 3 * q.height
                or u + w <= q.x - 3 * q.height
                or v >= q.y + 4 * q.height
                or v + h <= q.y - 3 * q.height
                for q in page.heads
            ):
                break
        # At the page's edge the piece ends with the page; there it needs no soft end.
        across = _soft_ends(w, left > 0, right < width, 0.25 * size)
        down = _soft_ends(h, top > 0, bottom < height, 0.25 * size)
        opacity = np.minimum(down[:, None], across[None, :])[:, :, None]  # (h, w, 1)
        old = pixels[top:bottom, left:right]
        new = page.pixels[v : v + h, u : u + w]
        pixels[top:bottom, left:right] = (old * (1 - opacity) + new * opacity).astype(np.uint8)
    return replace(page, pixels=pixels, heads=tuple(h for h in page.heads if h.label))


def _soft_ends(length: int, soft_start: bool, soft_end: bool, margin: float) -> NDArray[np.float64]:
    """A line of `length` values: 1 in the middle, falling to 0 over `margin` values at each soft end."""
    distance = np.full(length, margin)
    if soft_start:
        distance = np.minimum(distance, np.arange(length))
    if soft_end:
        distance = np.minimum(distance, np.arange(length)[::-1])
    return np.asarray(distance / margin)
