"""Training data: pages with the objects on them, and patches that are cut out of the pages.

A head is what the box of an object holds: of a figure its head, of anything else the whole. A spot is a place
on a page with the height that a head has there. A patch is a small square of the page around a spot, resized
so that the head has a known height. All training samples are made from patches: ten thousand of them fit into
memory, and each page is read only once.

The functions follow the way of the data: `open_pages` reads the pictures of a truth, `classes_of` says what
is on them, `training_pages` puts both together, `folds_by_artwork` divides them, `cut_patch` and its users
cut patches, and `resized` and `painted_over` make variants of held-out pages.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from waldo_cli.arrays import Bytes
from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import (
    IGNORE,
    Complain,
    Page,
    TrueBox,
    TruthPixels,
    open_page,
    placed,
    refuse,
    refuse_without,
)
from waldo_cli.geometry import Size
from waldo_cli.training.network import Classes

# Side of a patch in pixels: 6.4 heads for the proposal network, 4.4 and 3.8 heads for the closer looks. This
# is more than the networks see, because samples are shifted, rotated and reduced.
PATCH = 128

# The label of what is none of the classes.
NOBODY = -1

# Boxes of this class in a truth are look-alikes: they are learned as `NOBODY`.
LOOK_ALIKE = "lookalike"

# Kinds of pages that are not like those on which it is looked for: drawn scenes, and pictures of anything
# else. Less is learned from each.
OTHER_KINDS = ("drawn", "picture")

# What a column `kind` may say; a column of this name may be about something else.
KINDS = frozenset(("page", "other scan", "phone photo", "without", *OTHER_KINDS))

# A spot on a page: x, y, height of a head there, all in page pixels.
Spot = tuple[float, float, float]


@dataclass(frozen=True)
class Head:
    """An object on a page.

    Attributes
    ----------
    label
        Number of its class; `NOBODY` for a look-alike.
    left, top, right, bottom
        The box, in page pixels.
    shape
        Usual width of an object divided by its height.
    """

    label: int
    left: float
    top: float
    right: float
    bottom: float
    shape: float = 0.8

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
        """Height of a head of the usual shape that has the area of this box.

        The box of a half-hidden head has an unusual shape; its area tells the scale better than its height.
        """
        return float(np.sqrt((self.bottom - self.top) * (self.right - self.left) / self.shape))


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
        One of `KINDS`: ``page``, ``other scan``, ``phone photo`` show what is sought; ``without``, a page of
        the same kind on which it is not; ``picture``, something else without it; ``drawn``.
    pixels
        ``(H, W, 3)`` uint8.
    heads
        The objects of all classes, and look-alikes.
    ignored
        Boxes ``(left, top, right, bottom)`` that count neither as what is sought nor as something else.
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
        sought = [h.height for h in self.heads if h.label == 0] or [h.height for h in self.heads]
        return float(np.median(sought)) if sought else 30.0

    def is_clear(self, spot: Spot, heads: float) -> bool:
        """True if no head is within `heads` head heights of a spot, and nothing ignored within one."""
        x, y, size = spot
        for h in self.heads:
            distance = heads * max(size, h.height)
            if abs(x - h.x) < distance and abs(y - h.y) < distance:
                return False
        return not any(
            a - size < x < c + size and b - size < y < d + size for a, b, c, d in self.ignored
        )


# A page of a truth with its pixels, ``(H, W, 3)`` uint8.
Opened = tuple[Bytes, Page]


def open_pages(
    listed: Sequence[Page],
    complain: Complain = refuse,
    *,
    truth_pixels: TruthPixels | None = None,
    max_pixels: int | None = None,
    allow_truncated: bool = False,
) -> list[Opened]:
    """The pages of a truth, with their pixels and with their boxes on them.

    `complain` gets what is wrong with a row, and pages that cannot be used: their picture cannot be read,
    has another size than the truth says, or none of their boxes on it. They are left out. What else may be
    given is for `open_page`.
    """
    opened = []
    for listed_page in listed:
        try:
            image, page = open_page(
                listed_page,
                complain=complain,
                truth_pixels=truth_pixels,
                max_pixels=max_pixels,
                allow_truncated=allow_truncated,
            )
        except WaldoError as e:
            complain(e.at(str(listed_page.path)))
            continue
        opened.append((np.rint(image * 255).astype(np.uint8), page))
    return opened


def without_lost(opened: Sequence[Opened], sought: str, complain: Complain) -> list[Opened]:
    """The pages without those of which no box of the class is left, though the truth has one on them."""
    kept = []
    for pixels, page in opened:
        try:
            refuse_without(page, sought)
        except InvalidInputError as e:
            complain(e)
        else:
            kept.append((pixels, page))
    return kept


def with_others(
    opened: Sequence[Opened], others: Sequence[Page], sought: str, complain: Complain = refuse
) -> list[Opened]:
    """The pages with the boxes of other classes that another truth has.

    On a page that `others` names, its boxes replace those of all classes but the one sought, and what it
    ignores is added. `complain` gets the boxes that do not lie on their page.
    """
    by_path = {(os.path.realpath(page.path), page.number): page for page in others}
    out = []
    for pixels, page in opened:
        other = by_path.get((os.path.realpath(page.path), page.number))
        if other is not None:
            own = tuple(b for b in page.boxes if b.label == sought or b.is_ignored(sought))
            if other.raw:
                other = placed(other, Size(*pixels.shape[:2]), complain)
            page = replace(page, boxes=(*own, *(b for b in other.boxes if b.label != sought)))
        out.append((pixels, page))
    return out


def classes_of(opened: Sequence[Opened], sought: str | None, *, figures: bool = False) -> Classes:
    """What is on the pages of a truth: the classes, and the shape and sizes of what is sought.

    Parameters
    ----------
    sought
        The class that is sought. None: the only one, or ``waldo`` if it is among several.
    figures
        The boxes hold the heads of figures.

    Raises
    ------
    InvalidInputError
        No page shows it, or there are several and none is chosen.
    """
    boxes = [box for _, page in opened for box in page.boxes if not box.ignored]
    icons = {f"{box.label}_icon" for box in boxes}
    names = sorted({box.label for box in boxes} - icons - {IGNORE, LOOK_ALIKE})
    if sought is None:
        if len(names) > 1 and "waldo" not in names:
            raise InvalidInputError(
                f"there are boxes of {', '.join(names)}: choose the one that is sought by --label"
            )
        sought = names[0] if len(names) == 1 else "waldo"
    if sought not in names:
        raise InvalidInputError(
            f"no page shows a box of class {sought!r}, there are {', '.join(names) or 'none'}: use --label"
        )
    for name in names:
        if not name.isprintable():
            raise InvalidInputError(f"the class {name!r} is not a printable name")
    mine = [box for box in boxes if box.label == sought]
    shape = float(np.median([(b.right - b.left) / b.height for b in mine]))
    shape = float(np.clip(shape, 0.25, 4.0))
    classes = Classes((sought, *(n for n in names if n != sought)), shape, figures)
    heights = [math.sqrt(b.area / shape) for b in mine]
    smallest, largest = np.percentile(heights, (2, 98))
    view = classes.proposal_view.head
    # A quarter of an octave smaller to twice as large as what was seen, in half octaves; a page of heads may
    # be a thumbnail, and a head may fill the picture.
    low, high = (
        2 ** (round(2 * math.log2(scale)) / 2)
        for scale in (smallest / view / 2**0.25, 2 * largest / view)
    )
    low = 0.5 if figures else min(max(low, 0.5), 64.0)
    high = 256.0 if figures else min(max(high, low), 64.0)
    return replace(classes, scales=(low, high, 2))


def training_pages(opened: Sequence[Opened], classes: Classes) -> list[TrainingPage]:
    """The pages of a truth as pages to learn from.

    In a CSV truth, the column ``artwork`` names the drawing that a page shows, and ``kind`` is a kind as in
    `TrainingPage`. Without these columns each page is a drawing of its own, and of kind ``page`` or
    ``without`` by its boxes; so it is where ``kind`` is another word.
    """
    pages = []
    for pixels, page in opened:
        heads = _heads(page.boxes, classes)
        said = page.columns.get("kind", "").strip().lower()
        by_boxes = "page" if any(h.label == 0 for h in heads) else "without"
        pages.append(
            TrainingPage(
                page.name,
                page.columns.get("artwork", page.name),
                said if said in KINDS else by_boxes,
                pixels,
                heads,
                _ignored(page.boxes, classes),
            )
        )
    return sorted(pages, key=lambda p: (p.kind == "without", p.name))


def _heads(boxes: Sequence[TrueBox], classes: Classes) -> tuple[Head, ...]:
    """The objects among the boxes; a look-alike becomes nobody."""
    labels = {name: n for n, name in enumerate(classes.names)} | {LOOK_ALIKE: NOBODY}
    return tuple(
        Head(labels[b.label], b.left, b.top, b.right, b.bottom, classes.shape)
        for b in boxes
        if b.label in labels and not b.ignored
    )


def _ignored(
    boxes: Sequence[TrueBox], classes: Classes
) -> tuple[tuple[float, float, float, float], ...]:
    """The boxes of printed portraits, and all that the truth sets aside."""
    return tuple(
        (b.left, b.top, b.right, b.bottom)
        for b in boxes
        if b.ignored or any(b.is_ignored(label) for label in classes.names)
    )


def folds_by_artwork(pages: Sequence[TrainingPage], count: int, seed: int) -> dict[str, int]:
    """The number of a fold for each artwork; each fold gets artworks with heads of all sizes.

    Artworks are sorted by the height of their heads. Of every `count` neighbours in this order, each goes
    into another fold, at random.
    """
    heights: dict[str, float] = {}
    # Pages of kind "page" come last, so that they overwrite the height from other scans of the artwork.
    for page in sorted(pages, key=lambda p: p.kind == "page"):
        heights[page.artwork] = page.head_height if page.heads else math.inf
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
    last_col, last_row = int(np.ceil(x + half)) + margin, int(np.ceil(y + half)) + margin
    height, width = pixels.shape[:2]
    # What of it lies on the page, at least its edge; beyond, the edge repeats.
    top, bottom = min(max(first_row, 0), height - 1), max(min(last_row, height), 1)
    left, right = min(max(first_col, 0), width - 1), max(min(last_col, width), 1)
    piece = pixels[top:bottom, left:right]
    beyond = ((top - first_row, last_row - bottom), (left - first_col, last_col - right), (0, 0))
    if np.any(beyond):
        piece = np.pad(piece, np.maximum(beyond, 0), mode="edge")
    left, top = x - half - first_col, y - half - first_row
    box = (left, top, left + 2 * half, top + 2 * half)
    image = Image.fromarray(piece)
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))


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
        ``(N,)`` numbers of classes, or `NOBODY`.
    head
        Height of a head in the patches, in pixels.
    weights
        ``(N,)`` how often each is drawn, relative to the others; all equally often if not given.
    boxes
        ``(N, 2)`` width and height of the box of each object, in heights of its head; of what is none, 0.
    """

    pixels: Bytes
    labels: NDArray[np.intp]
    head: float
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    boxes: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))

    def __post_init__(self) -> None:
        if not len(self.weights):
            self.weights = np.ones(len(self.labels))
        if not len(self.boxes):
            self.boxes = np.zeros((len(self.labels), 2))

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


# Weight of objects on drawn scenes. They help a little, but the network is for real pages, whose
# characters have weight 1.
DRAWN_WEIGHT = 0.35


def character_patches(pages: Sequence[TrainingPage], head: float) -> Patches:
    """A patch around each object."""
    pairs = [(p, h) for p in pages for h in p.heads]
    return Patches(
        _cut([(p, (h.x, h.y, h.height)) for p, h in pairs], head),
        np.array([h.label for _, h in pairs]),
        head,
        np.array([DRAWN_WEIGHT if p.kind == "drawn" else 1.0 for p, _ in pairs]),
        np.array(
            [((h.right - h.left) / h.height, (h.bottom - h.top) / h.height) for _, h in pairs]
        ),
    )


def spot_patches(
    pages: Sequence[TrainingPage], spots: Sequence[Sequence[Spot]], head: float
) -> Patches:
    """A patch around each spot of each page, all with the label nobody; `spots` has one list per page."""
    pairs = [(p, spot) for p, of_page in zip(pages, spots, strict=True) for spot in of_page]
    return Patches(_cut(pairs, head), np.full(len(pairs), NOBODY), head)


def _cut(spots: Sequence[tuple[TrainingPage, Spot]], head: float) -> Bytes:
    """The patches of spots, ``(N, side, side, 3)``; never twice in memory, where they have gigabytes."""
    patches = np.empty((len(spots), PATCH, PATCH, 3), np.uint8)
    for patch, (page, spot) in zip(patches, spots, strict=True):
        patch[...] = cut_patch(page.pixels, spot, head)
    return patches


def resized(page: TrainingPage, factor: float) -> TrainingPage:
    """The page with its pixels and boxes resized by `factor`."""
    height, width = page.pixels.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    pixels = np.asarray(Image.fromarray(page.pixels).resize(size, Image.Resampling.BICUBIC))

    def scaled(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = box
        return left * factor, top * factor, right * factor, bottom * factor

    heads = [
        Head(h.label, *scaled((h.left, h.top, h.right, h.bottom)), h.shape) for h in page.heads
    ]
    return replace(
        page, pixels=pixels, heads=tuple(heads), ignored=tuple(scaled(b) for b in page.ignored)
    )


def painted_over(
    page: TrainingPage, seed: int = 0, *, figures: bool = False
) -> TrainingPage | None:
    """The page without what is sought: another piece of the page is pasted over it, with soft edges.

    Finds on it are false alarms, and everything else is as on the true page. With `figures`, the body below a
    head is covered, too. None if none of a thousand random pieces of this size is without it.
    """
    random = np.random.default_rng(seed)
    height, width = page.pixels.shape[:2]
    pixels = page.pixels.copy()
    for head in (h for h in page.heads if h.label == 0):
        size = max(head.right - head.left, head.bottom - head.top)
        # What is covered: three tenths more on each side; or 2.6 heads wide, and from above the head to 2.2
        # heads below it.
        above, below = (0.6, 2.2) if figures else (0.3, 0.3)
        half = 1.3 * size if figures else (head.right - head.left) / 2 + 0.3 * size
        left, right = max(0, int(head.x - half)), min(width, int(head.x + half))
        top = max(0, int(head.top - above * size))
        bottom = min(height, int(head.bottom + below * size))
        w, h = right - left, bottom - top
        corner = _piece_without(page, w, h, random)
        if corner is None:
            return None
        u, v = corner
        # At the page's edge the piece ends with the page; there it needs no soft end.
        across = _soft_ends(w, left > 0, right < width, 0.25 * size)
        down = _soft_ends(h, top > 0, bottom < height, 0.25 * size)
        opacity = np.minimum(down[:, None], across[None, :])[:, :, None]  # (h, w, 1)
        old = pixels[top:bottom, left:right]
        new = page.pixels[v : v + h, u : u + w]
        pixels[top:bottom, left:right] = (old * (1 - opacity) + new * opacity).astype(np.uint8)
    return replace(page, pixels=pixels, heads=tuple(h for h in page.heads if h.label))


def _piece_without(
    page: TrainingPage, w: int, h: int, random: np.random.Generator
) -> tuple[int, int] | None:
    """Column and row of a random piece of a page: no object in or near it, else none that is sought."""
    height, width = page.pixels.shape[:2]
    second_best = None
    for _ in range(1000):
        u, v = int(random.integers(0, width - w + 1)), int(random.integers(0, height - h + 1))
        if all(
            u >= q.x + 3 * q.height
            or u + w <= q.x - 3 * q.height
            or v >= q.y + 4 * q.height
            or v + h <= q.y - 3 * q.height
            for q in page.heads
        ):
            return u, v
        if second_best is None and all(
            u >= q.right or u + w <= q.left or v >= q.bottom or v + h <= q.top
            for q in page.heads
            if q.label == 0
        ):
            second_best = u, v
    return second_best


def _soft_ends(length: int, soft_start: bool, soft_end: bool, margin: float) -> NDArray[np.float64]:
    """A line of `length` values: 1 in the middle, falling to 0 over `margin` values at each soft end."""
    distance = np.full(length, margin)
    if soft_start:
        distance = np.minimum(distance, np.arange(length))
    if soft_end:
        distance = np.minimum(distance, np.arange(length)[::-1])
    return np.asarray(distance / margin)
