"""Pages, the heads on them, and patches cut around places.

A patch is a small square of a page at the scale where a head has a known height. Everything that is
learned from comes as patches, which fit into memory by the ten thousand; pages are opened once.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from waldo_cli.evaluation.truth import TrueBox, read_truth
from waldo_cli.images.load import load_image
from waldo_cli.training.network import CHARACTERS, LABELS

Bytes = NDArray[np.uint8]

# Side of a patch in pixels: six and a half heads for the first look, four and a half for the second.
PATCH = 128

NOBODY = LABELS.index("nobody")

# Heads of the other characters and of people who look like Waldo on the public pages, boxed by eye;
# in the truth files that people have, these classes are whole figures where they are there at all.
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
        Page pixels.
    """

    label: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def x(self) -> float:
        """The centre's column."""
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        """The centre's row."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """Height of a head of this area in the usual shape, four wide to five tall.

        Half-hidden heads have odd boxes; their area tells the scale better than their height.
        """
        return float(np.sqrt((self.bottom - self.top) * (self.right - self.left) / 0.8))


@dataclass(frozen=True, eq=False)
class Page:
    """A picture and what is known to be on it.

    Attributes
    ----------
    name
        File name, relative to the folder of pages.
    artwork
        Pages with the same value show the same drawing and go into the same fold.
    kind
        ``page``, ``other scan``, ``without`` (nobody is on it) or ``drawn``.
    pixels
        ``(H, W, 3)`` uint8.
    heads
        The characters.
    ignored
        Boxes ``(left, top, right, bottom)`` that are neither him nor not him: printed portraits.
    """

    name: str
    artwork: str
    kind: str
    pixels: Bytes
    heads: tuple[Head, ...] = ()
    ignored: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def head_height(self) -> float:
        """The usual height of a head here; 30 px where no head is known."""
        waldos = [h.height for h in self.heads if h.label == 0] or [h.height for h in self.heads]
        return float(np.median(waldos)) if waldos else 30.0

    def is_clear(self, spot: Spot, heads: float) -> bool:
        """Whether no character and no portrait lies within so many heads of a spot."""
        x, y, size = spot
        for h in self.heads:
            reach = heads * max(size, h.height)
            if abs(x - h.x) < reach and abs(y - h.y) < reach:
                return False
        return not any(
            a - size < x < c + size and b - size < y < d + size for a, b, c, d in self.ignored
        )


def read_pages(folder: Path, truth: Path) -> list[Page]:
    """The pages that a truth file names, and the pictures in ``without_waldo/`` beside them.

    Parameters
    ----------
    folder
        Where the pictures are.
    truth
        As `waldo_cli.evaluation.read_truth` has it. Classes: ``waldo`` (his head), ``waldo_icon`` (a
        portrait to ignore), ``wenda``, ``odlaw``, ``wizard`` (whole figures), ``lookalike`` (a head).
        In a CSV file, ``artwork`` names the drawing that a page shows, and ``kind`` says ``page``,
        ``other scan`` or ``without``; without these columns each page is a drawing of its own.
        Pages that `HEADS_BY_EYE` knows take the heads of all but Waldo from there.

    Raises
    ------
    FileError
        The truth cannot be read or a picture cannot be opened.
    InvalidInputError
        A column is missing or a box is not four numbers in order.
    """
    by_eye = _boxes_by_eye()
    pages = []
    for known in read_truth(truth, folder):
        page = Page(
            known.name,
            known.columns.get("artwork", known.name),
            known.columns.get("kind", "page"),
            _pixels(known.path),
            _heads(known.boxes, ("waldo", "lookalike")),
            _ignored(known.boxes),
        )
        figures = [_head_of(b, page.head_height) for b in known.boxes if b.label in CHARACTERS[1:]]
        pages.append(_completed(page, by_eye, figures))
    for path in sorted((folder / "without_waldo").glob("*.jpg")):
        name = f"without_waldo/{path.name}"
        pages.append(_completed(Page(name, name, "without", _pixels(path)), by_eye, []))
    return sorted(pages, key=lambda p: (p.kind == "without", p.name))


def _pixels(path: Path) -> Bytes:
    """A page as it is stored, which is what its boxes are drawn on."""
    return np.rint(load_image(path, orient=False) * 255).astype(np.uint8)


def _boxes_by_eye() -> dict[str, list[TrueBox]]:
    boxes: dict[str, list[TrueBox]] = {}
    with HEADS_BY_EYE.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            edges = (float(row[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes.setdefault(row["filename"], []).append(TrueBox(row["class"], *edges))
    return boxes


def _completed(page: Page, by_eye: dict[str, list[TrueBox]], otherwise: Sequence[Head]) -> Page:
    """The page with what was boxed by eye on it, or else with other heads."""
    if page.name not in by_eye:
        return replace(page, heads=(*page.heads, *otherwise))
    boxes = by_eye[page.name]
    return replace(
        page,
        heads=(*page.heads, *_heads(boxes, (*CHARACTERS[1:], "lookalike"))),
        ignored=(*page.ignored, *_ignored(boxes)),
    )


def _heads(boxes: Sequence[TrueBox], names: Sequence[str]) -> tuple[Head, ...]:
    """Heads of these classes; a look-alike is nobody."""
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
    return tuple((b.left, b.top, b.right, b.bottom) for b in boxes if b.label == "waldo_icon")


def _head_of(figure: TrueBox, usual: float) -> Head:
    """The head at the top of a whole figure, as large as Waldo's on the same page if that fits."""
    height = float(np.clip(usual, 0.2 * figure.height, 0.55 * figure.height))
    half = min(figure.right - figure.left, 0.9 * height) / 2
    middle = (figure.left + figure.right) / 2
    label = LABELS.index(figure.label)
    return Head(label, middle - half, figure.top, middle + half, figure.top + height)


def folds_by_artwork(pages: Sequence[Page], count: int, seed: int) -> dict[str, int]:
    """A fold for each artwork, heads of all sizes in each."""
    heights: dict[str, float] = {}
    for page in sorted(pages, key=lambda p: p.kind == "page"):  # where there is one, it decides
        heights[page.artwork] = math.inf if page.kind == "without" else page.head_height
    order = sorted(heights, key=lambda artwork: (heights[artwork], artwork))
    random = np.random.default_rng(seed)
    folds: dict[str, int] = {}
    for start in range(0, len(order), count):
        turn = random.permutation(count)
        for artwork, fold in zip(order[start : start + count], turn, strict=False):
            folds[artwork] = int(fold)
    return folds


def cut_patch(pixels: Bytes, spot: Spot, head: float, side: int = PATCH) -> Bytes:
    """A ``(side, side, 3)`` patch around a spot, its head shown `head` pixels tall.

    Resampled as `waldo_cli.pyramid` does it; the page's edge repeats outside.
    """
    x, y, size = spot
    half = side / 2 * size / head
    reach = int(np.ceil(max(1.0, size / head))) + 1
    first_col, first_row = int(np.floor(x - half)) - reach, int(np.floor(y - half)) - reach
    rows = np.arange(first_row, int(np.ceil(y + half)) + reach).clip(0, pixels.shape[0] - 1)
    cols = np.arange(first_col, int(np.ceil(x + half)) + reach).clip(0, pixels.shape[1] - 1)
    piece = Image.fromarray(pixels[rows[:, None], cols[None, :]])
    left, top = x - half - first_col, y - half - first_row
    box = (left, top, left + 2 * half, top + 2 * half)
    return np.asarray(piece.resize((side, side), Image.Resampling.BILINEAR, box=box))


def random_spots(page: Page, count: int, random: np.random.Generator) -> list[Spot]:
    """Places without characters, most of them at the scale of the people on the page."""
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
    """Patches with their labels, drawn with probabilities that training may change.

    Attributes
    ----------
    pixels
        ``(N, side, side, 3)`` uint8.
    labels
        ``(N,)`` indices into `LABELS`.
    head
        Height of a head in the patches, pixels.
    weights
        ``(N,)`` how often each is drawn, relative.
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
        """Indices of patches, of one label or of any."""
        among = np.arange(len(self.labels))
        if label is not None:
            among = among[self.labels == label]
        total = np.cumsum(self.weights[among])
        at = np.searchsorted(total, random.random(count) * total[-1], side="right")
        return np.asarray(among[np.minimum(at, len(among) - 1)])


# Drawn scenes teach a little; the real pages are what counts.
DRAWN_WEIGHT = 0.35


def character_patches(pages: Sequence[Page], head: float) -> Patches:
    """A patch around each character's head."""
    known = [(p, h) for p in pages for h in p.heads]
    return Patches(
        np.stack([cut_patch(p.pixels, (h.x, h.y, h.height), head) for p, h in known]),
        np.array([h.label for _, h in known]),
        head,
        np.array([DRAWN_WEIGHT if p.kind == "drawn" else 1.0 for p, _ in known]),
    )


def spot_patches(pages: Sequence[Page], spots: Sequence[Sequence[Spot]], head: float) -> Patches:
    """A patch around each spot of each page; nobody is there."""
    cuts = [
        cut_patch(p.pixels, spot, head)
        for p, some in zip(pages, spots, strict=True)
        for spot in some
    ]
    return Patches(np.stack(cuts), np.full(len(cuts), NOBODY), head)


def resized(page: Page, factor: float) -> Page:
    """The page at another size, its boxes with it."""
    height, width = page.pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    pixels = np.asarray(Image.fromarray(page.pixels).resize(size, Image.Resampling.BICUBIC))

    def moved(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = box
        return left * factor, top * factor, right * factor, bottom * factor

    heads = [Head(h.label, *moved((h.left, h.top, h.right, h.bottom))) for h in page.heads]
    return replace(
        page, pixels=pixels, heads=tuple(heads), ignored=tuple(moved(b) for b in page.ignored)
    )


def painted_over(page: Page, seed: int = 0) -> Page:
    """The page without Waldo: head and body covered by a piece of the page from elsewhere."""
    random = np.random.default_rng(seed)
    height, width = page.pixels.shape[:2]
    pixels = page.pixels.copy()
    for head in (h for h in page.heads if h.label == 0):
        size = max(head.right - head.left, head.bottom - head.top)
        left, right = max(0, int(head.x - 1.3 * size)), min(width, int(head.x + 1.3 * size))
        top = max(0, int(head.top - 0.6 * size))
        bottom = min(height, int(head.bottom + 2.2 * size))
        w, h = right - left, bottom - top
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
        across = _soft_ends(w, left > 0, right < width, 0.25 * size)
        down = _soft_ends(h, top > 0, bottom < height, 0.25 * size)
        share = np.minimum(down[:, None], across[None, :])[:, :, None]
        under = pixels[top:bottom, left:right]
        over = page.pixels[v : v + h, u : u + w]
        pixels[top:bottom, left:right] = (under * (1 - share) + over * share).astype(np.uint8)
    return replace(page, pixels=pixels, heads=tuple(h for h in page.heads if h.label))


def _soft_ends(length: int, first: bool, last: bool, reach: float) -> NDArray[np.float64]:
    """1 in the middle, falling to 0 within `reach` of those ends that are soft."""
    distance = np.full(length, reach)
    if first:
        distance = np.minimum(distance, np.arange(length))
    if last:
        distance = np.minimum(distance, np.arange(length)[::-1])
    return np.asarray(distance / reach)
