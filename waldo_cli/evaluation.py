"""How good the finds are: pages with known boxes, what `detect` says of them, and the figures.

A find is a hit where its peak lies in a true box grown by half its width and half its height on each
side. Each box is hit once, by its best find; further finds in it are neither hits nor false alarms, nor
are finds in a box of class ``LABEL_icon``, a printed portrait. Every other find is a false alarm.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from waldo_cli.detector import detect
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.images import load_image
from waldo_cli.inputs import expand
from waldo_cli.peaks import suppress
from waldo_cli.stack import Mask, Stack

COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")

MAX_TRUTH_BYTES = 1 << 28

# Heights of true boxes, in pixels, that figures are given for apart.
HEIGHTS = (0, 16, 24, 32, 48, math.inf)

# Steps of a reliability table.
BINS = 10

# Every find is asked for, so that ranks are known below the threshold too.
NO_THRESHOLD = -sys.float_info.max


@dataclass(frozen=True, slots=True)
class TrueBox:
    """A box of the truth; edges in pixels from the page's top left corner."""

    label: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def is_hit(self, x: float, y: float) -> bool:
        """True in the box grown by half its width and half its height on each side."""
        return (
            abs(x - (self.left + self.right) / 2) <= self.right - self.left
            and abs(y - (self.top + self.bottom) / 2) <= self.bottom - self.top
        )

    def distance(self, x: float, y: float) -> float:
        """From the box's centre, in pixels."""
        return math.hypot(x - (self.left + self.right) / 2, y - (self.top + self.bottom) / 2)


@dataclass(frozen=True, slots=True)
class Page:
    """A picture whose boxes are known; `size` is its width and height, None where nobody says."""

    name: str
    path: Path
    boxes: tuple[TrueBox, ...] = ()
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PageScore:
    """What the finds on one page are worth.

    Attributes
    ----------
    scores
        Of the finds that count, best first.
    hits
        For each of them: True for a hit, False for a false alarm.
    heights, ranks
        For each true box its height, and its place among the false alarms: 1 where none is better
        than the find that hits it, None where no find does.
    seconds
        That reading the page and looking at it took.
    """

    name: str
    scores: tuple[float, ...]
    hits: tuple[bool, ...]
    heights: tuple[float, ...]
    ranks: tuple[int | None, ...]
    seconds: float = 0.0

    @property
    def rank(self) -> int | None:
        """Place of the first hit; None where there is none."""
        return min((r for r in self.ranks if r is not None), default=None)

    @property
    def best(self) -> float:
        """Score of the best find; -inf where there is none."""
        return max(self.scores, default=-math.inf)

    def found(self, threshold: float) -> bool:
        """True where a hit reaches the threshold."""
        return any(h and s >= threshold for s, h in zip(self.scores, self.hits, strict=True))

    def false_alarms(self, threshold: float) -> int:
        """How many false alarms reach the threshold."""
        return sum(not h and s >= threshold for s, h in zip(self.scores, self.hits, strict=True))


@dataclass(frozen=True)
class Summary:
    """The figures of many pages.

    Attributes
    ----------
    pages_with, pages_without
        How many pages have a box of the label, how many have none.
    top1, top5
        On how many of `pages_with` the first hit is the best find, or among the best five.
    average_precision
        Over the finds of all pages, pages without included; None where there is no box.
    auc
        `area_under_curve` between best scores of pages with and of pages without; None where either
        is missing.
    threshold, found, false_alarms, alarmed_pages_without
        At the threshold: pages with a hit, false alarms on all pages, pages without that have one. None
        where there is no threshold.
    by_height
        Rows of ``from, to, boxes, top1, top5``.
    reliability
        `reliability` of each page's best find, and of all finds; None where scores are not
        probabilities.
    """

    pages_with: int
    pages_without: int
    boxes: int
    top1: int
    top5: int
    average_precision: float | None
    auc: float | None
    threshold: float | None
    found: int | None
    false_alarms: int | None
    alarmed_pages_without: int | None
    seconds: float
    by_height: tuple[Mapping[str, float | None], ...]
    reliability: Mapping[str, Sequence[Mapping[str, float | None]]] | None = field(default=None)


def score_pages(
    pages: Iterable[Page],
    stack: Stack,
    label: str,
    *,
    masks: Sequence[Mask] | None = None,
    scales: str = "auto",
    top: int = 100,
    max_pixels: int | None = None,
) -> Iterator[PageScore]:
    """Run `detect` over pages, one score for each as it is made.

    Parameters
    ----------
    label
        Class of the boxes sought. Finds of the stack's label of that name count; those of a stack of one
        label, and of masks, count whatever their name.
    masks
        What to look for, as in `detect`. Their finds stand in one order; of those that overlap, the
        best counts.
    top
        Most finds per page (and mask) that are ranked.

    Raises
    ------
    InvalidInputError
        The stack has no such label; or a page is not of the size that the truth says.
    FileError
        A page cannot be read.
    """
    labels = None if masks is not None or len(stack.labels) == 1 else [label]
    for page in pages:
        started = time.perf_counter()
        # Boxes are drawn on the pixels as stored, so no EXIF turn is applied.
        image = load_image(page.path, orient=False, max_pixels=max_pixels)
        height, width = image.shape[:2]
        if page.size is not None and page.size != (width, height):
            raise InvalidInputError(
                f"the truth says {page.size[0]}x{page.size[1]}, the file is {width}x{height}:"
                " the boxes belong to another copy of this page",
                path=str(page.path),
            )
        result = detect(
            image,
            stack=stack,
            masks=masks,
            scales=scales,
            top=top,
            threshold=NO_THRESHOLD,
            labels=labels,
        )
        finds = result.detections
        if masks is not None and len(masks) > 1:
            kept = suppress((f.box for f in finds), max_overlap=0.5)
            finds = tuple(finds[i] for i in kept)
        seconds = time.perf_counter() - started
        yield judge(page, label, [(f.x, f.y, f.score) for f in finds], seconds)


def judge(
    page: Page, label: str, finds: Sequence[tuple[float, float, float]], seconds: float = 0.0
) -> PageScore:
    """Compare finds with the true boxes of one page.

    Parameters
    ----------
    finds
        ``(x, y, score)``, best first.
    """
    sought = [b for b in page.boxes if b.label == label]
    icons = [b for b in page.boxes if b.label == f"{label}_icon"]
    ranks: list[int | None] = [None] * len(sought)
    scores: list[float] = []
    hits: list[bool] = []
    for x, y, score in finds:
        inside = [n for n, b in enumerate(sought) if b.is_hit(x, y)]
        fresh = [n for n in inside if ranks[n] is None]
        if fresh:
            nearest = min(fresh, key=lambda n: sought[n].distance(x, y))
            ranks[nearest] = 1 + hits.count(False)
        elif inside or any(b.is_hit(x, y) for b in icons):
            continue
        scores.append(score)
        hits.append(bool(fresh))
    heights = tuple(b.height for b in sought)
    return PageScore(page.name, tuple(scores), tuple(hits), heights, tuple(ranks), seconds)


def summarize(pages: Sequence[PageScore], threshold: float | None) -> Summary:
    """The figures of many pages at a threshold."""
    having = [p for p in pages if p.heights]
    lacking = [p for p in pages if not p.heights]
    finds = [find for p in pages for find in zip(p.scores, p.hits, strict=True)]
    best = [(p.scores[0], p.hits[0]) for p in pages if p.scores]
    probable = bool(finds) and all(0 <= s <= 1 for s, _ in finds)
    boxes = [box for p in having for box in zip(p.heights, p.ranks, strict=True)]
    limit = math.inf if threshold is None else threshold
    decided = threshold is not None
    return Summary(
        pages_with=len(having),
        pages_without=len(lacking),
        boxes=len(boxes),
        top1=_within(1, (p.rank for p in having)),
        top5=_within(5, (p.rank for p in having)),
        average_precision=average_precision(finds, len(boxes)) if boxes else None,
        auc=(
            area_under_curve([p.best for p in having], [p.best for p in lacking])
            if having and lacking
            else None
        ),
        threshold=threshold,
        found=sum(p.found(limit) for p in having) if decided else None,
        false_alarms=sum(p.false_alarms(limit) for p in pages) if decided else None,
        alarmed_pages_without=(
            sum(p.false_alarms(limit) > 0 for p in lacking) if decided else None
        ),
        seconds=sum(p.seconds for p in pages),
        by_height=tuple(_by_height(boxes)),
        reliability=({"best": reliability(best), "all": reliability(finds)} if probable else None),
    )


def average_precision(finds: Sequence[tuple[float, bool]], boxes: int) -> float:
    """Area under the precision-recall curve, all-point interpolation.

    Precision at a recall is the best precision at that recall or beyond; the area under these steps
    is taken at every recall that occurs. Finds of equal score count as one step.

    Parameters
    ----------
    finds
        ``(score, hit)`` in any order.
    boxes
        How many there are to find; those never hit keep the recall below 1.

    References
    ----------
    Everingham, Van Gool, Williams, Winn, Zisserman, "The PASCAL Visual Object Classes (VOC)
    Challenge", IJCV 2010; interpolation at all points as in VOC 2010 and later.
    """
    if not finds:
        return 0.0
    scores = np.array([s for s, _ in finds])
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(np.array([h for _, h in finds])[order])
    last = np.append(np.diff(scores[order]) != 0, True)  # the end of each run of equal scores
    hits = hits[last]
    precision = hits / (np.flatnonzero(last) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(hits, prepend=0) * envelope) / boxes)


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """How often a positive scores above a negative, over all pairs; equal scores count half.

    The area under the ROC curve, by way of the Mann-Whitney statistic.
    """
    high, low = np.array(positives)[:, None], np.array(negatives)[None, :]
    return float(np.mean((high > low) + 0.5 * (high == low)))


def reliability(finds: Sequence[tuple[float, bool]]) -> list[Mapping[str, float | None]]:
    """How often finds of a score are hits: one row per tenth of [0, 1].

    Of calibrated scores, `hits` equals `score` in every row up to chance.
    """
    rows: list[Mapping[str, float | None]] = []
    for n in range(BINS):
        inside = [(s, h) for s, h in finds if min(int(s * BINS), BINS - 1) == n]
        count = len(inside)
        rows.append(
            {
                "from": n / BINS,
                "to": (n + 1) / BINS,
                "finds": count,
                "score": sum(s for s, _ in inside) / count if count else None,
                "hits": sum(h for _, h in inside) / count if count else None,
            }
        )
    return rows


def _within(limit: int, ranks: Iterable[int | None]) -> int:
    return sum(rank is not None and rank <= limit for rank in ranks)


def _by_height(
    boxes: Sequence[tuple[float, int | None]],
) -> Iterator[Mapping[str, float | None]]:
    for low, high in itertools.pairwise(HEIGHTS):
        ranks = [rank for height, rank in boxes if low <= height < high]
        yield {
            "from": low,
            "to": high if math.isfinite(high) else None,
            "boxes": len(ranks),
            "top1": _within(1, ranks),
            "top5": _within(5, ranks),
        }


def pages_without(folder: str | Path, listed: Iterable[Page] = ()) -> list[Page]:
    """The pictures of a folder, those already listed left out, as pages without boxes.

    Raises
    ------
    FileError
        The folder cannot be read, or holds no picture.
    """
    known = {page.path.resolve() for page in listed}
    if not os.path.isdir(folder):  # a Path raises at long names
        raise FileError("no such folder", path=str(folder))
    found = list(expand([str(folder)], ""))
    for item in found:
        if item.problem is not None:
            raise FileError(item.problem, path=item.path)
    if not found:
        raise FileError("holds no picture", path=str(folder))
    paths = (Path(item.path) for item in found)
    return [Page(str(path), path) for path in paths if path.resolve() not in known]


# --- the truth -----------------------------------------------------------------------------------


def read_truth(truth: str | Path, folder: str | Path) -> list[Page]:
    """Pages and their boxes, in the order in which the file names them.

    Parameters
    ----------
    truth
        CSV with the columns ``filename,width,height,class,xmin,ymin,xmax,ymax`` (and others, which are
        left alone; a row with an empty class lists a page without boxes), or COCO JSON.
    folder
        Where the pages lie.

    Raises
    ------
    InvalidInputError
        The file is neither; a number is none; a box lies outside its page; rows disagree.
    FileError
        The truth, or a page that it names, cannot be read.
    """
    try:
        text = _read_text(truth)
        rows = _coco(text) if text.lstrip()[:1] == "{" else _csv(text)
        pages: dict[str, Page] = {}
        boxes: dict[str, list[TrueBox]] = {}
        for where, name, size, box in rows:
            known = pages.setdefault(name, Page(name, Path(folder) / name, (), size))
            if known.size != size:
                raise InvalidInputError(f"{where}: {name} has another size than before")
            listed = boxes.setdefault(name, [])
            if box is not None:
                _must_lie_inside(box, size, where)
                listed.append(box)
    except InvalidInputError as e:
        raise e.at(str(truth)) from None
    if not pages:
        raise InvalidInputError("names no page", path=str(truth))
    for page in pages.values():
        if not os.path.isfile(page.path):
            raise FileError(f"no such page, but {truth} names it", path=str(page.path))
    return [
        Page(page.name, page.path, tuple(boxes[page.name]), page.size) for page in pages.values()
    ]


_Row = tuple[str, str, tuple[int, int], TrueBox | None]


def _read_text(truth: str | Path) -> str:
    try:
        if not stat.S_ISREG(
            Path(truth).stat().st_mode
        ):  # opening a pipe would wait for its other end
            raise InvalidInputError("not a regular file")
        with Path(truth).open("rb") as file:
            data = file.read(MAX_TRUTH_BYTES + 1)
    except OSError as e:
        raise FileError((e.strerror or str(e)).lower(), path=str(truth)) from None
    except InvalidInputError:
        raise
    except ValueError:  # a NUL in the name
        raise InvalidInputError("not a file name") from None
    if len(data) > MAX_TRUTH_BYTES:
        raise InvalidInputError(f"more than {MAX_TRUTH_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError("not UTF-8 text") from None


def _csv(text: str) -> Iterator[_Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise InvalidInputError(
                f"no column {missing[0]!r} in line 1: a truth has {','.join(COLUMNS)}"
            )
        for row in reader:
            where = f"line {reader.line_num}"
            if any(row[c] is None for c in COLUMNS):
                raise InvalidInputError(f"{where}: fewer fields than line 1 names")
            if not row["filename"]:
                raise InvalidInputError(f"{where}: filename is empty")
            size = (_pixels(row["width"], "width", where), _pixels(row["height"], "height", where))
            box = None
            if row["class"]:
                edges = (_finite(row[c], c, where) for c in COLUMNS[4:])
                box = TrueBox(row["class"], *edges)
            yield where, row["filename"], size, box
    except csv.Error as e:
        raise InvalidInputError(f"after line {reader.line_num}: {e}") from None


def _coco(text: str) -> Iterator[_Row]:
    try:
        root = json.loads(text)
    except RecursionError:
        raise InvalidInputError("nested too deeply") from None
    except ValueError as e:
        raise InvalidInputError(f"not JSON: {e}") from None
    classes = {
        _key(c, "id", f"categories[{n}]"): str(_key(c, "name", f"categories[{n}]"))
        for n, c in enumerate(_listed(root, "categories"))
    }
    images: dict[Any, tuple[str, tuple[int, int]]] = {}
    for n, image in enumerate(_listed(root, "images")):
        where = f"images[{n}]"
        name = _key(image, "file_name", where)
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"{where}: file_name is not a name")
        width, height = (_pixels(_key(image, k, where), k, where) for k in ("width", "height"))
        images[_key(image, "id", where)] = (name, (width, height))
        yield where, name, (width, height), None
    for n, annotation in enumerate(_listed(root, "annotations")):
        where = f"annotations[{n}]"
        image_id, category = (_key(annotation, k, where) for k in ("image_id", "category_id"))
        if image_id not in images or category not in classes:
            raise InvalidInputError(f"{where}: no such image_id or category_id")
        bbox = _key(annotation, "bbox", where)
        if not isinstance(bbox, list) or len(bbox) != 4:
            raise InvalidInputError(f"{where}: bbox must be [x, y, width, height]")
        x, y, w, h = (_finite(v, "bbox", where) for v in bbox)
        name, size = images[image_id]
        yield where, name, size, TrueBox(classes[category], x, y, x + w, y + h)


def _listed(root: Any, key: str) -> list[Any]:
    value = root.get(key)
    if not isinstance(value, list):
        raise InvalidInputError(f"no list {key!r}: COCO has images, annotations, categories")
    return value


def _key(table: Any, key: str, where: str) -> Any:
    value = table.get(key) if isinstance(table, dict) else None
    if value is None or (key.endswith("id") and not isinstance(value, int | str)):
        raise InvalidInputError(f"{where}: {key} is missing or of the wrong kind")
    return value


def _finite(value: Any, key: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise InvalidInputError(f"{where}: {key} = {str(value)[:40]!r} is not a number")
    return number


def _pixels(value: Any, key: str, where: str) -> int:
    number = _finite(value, key, where)
    if not number.is_integer() or not 1 <= number < 2**31:
        raise InvalidInputError(f"{where}: {key} = {str(value)[:40]!r} is not a number of pixels")
    return int(number)


def _must_lie_inside(box: TrueBox, size: tuple[int, int], where: str) -> None:
    width, height = size
    text = f"box {box.left:g},{box.top:g} to {box.right:g},{box.bottom:g}"
    if box.right <= box.left or box.bottom <= box.top:
        raise InvalidInputError(f"{where}: {text} is empty or turned around")
    if box.left < 0 or box.top < 0 or box.right > width or box.bottom > height:
        raise InvalidInputError(f"{where}: {text} lies outside the {width}x{height} page")
