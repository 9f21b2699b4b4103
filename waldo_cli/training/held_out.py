"""Judge the stack of a fold on the pages that it was not trained on.

It is the stack file that is judged, which numpy runs, by the rules of `waldo_cli.evaluation`; never the
network of PyTorch.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from waldo_cli.detector.detect import detect
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.evaluation.judge import LOWEST_SCORE, PageScore, judge
from waldo_cli.evaluation.overlap import MAX_FINDS, Overlaps
from waldo_cli.evaluation.pages import IGNORE, Page, TrueBox
from waldo_cli.files import read_bytes, reason, write_atomically
from waldo_cli.geometry import Detection
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Stack
from waldo_cli.training.data import TrainingPage, painted_over, resized
from waldo_cli.training.learn import Say
from waldo_cli.training.network import Classes

MAX_SCORES_BYTES = 1 << 26

# What is kept beside the stack of a fold: its results; or of a share of a fold, on which pages it came first.
SCORES, FIRSTS = "scores.json", "first.json"

# Factors: held-out pages are judged at these sizes as well.
SIZES = {"half": 0.5, "double": 2.0}

# Of a held-out page, so many finds are kept with their places.
PLACES = 3


@dataclass(frozen=True)
class Place:
    """A find on a held-out page.

    Attributes
    ----------
    page
        The page's name.
    box
        Left, top, width and height, in pixels of the page.
    score
        Not calibrated.
    hit
        Whether it is what is sought.
    """

    page: str
    box: tuple[int, int, int, int]
    score: float
    hit: bool


def judged(
    page: TrainingPage,
    stack: Stack,
    number: int = 0,
    *,
    turn: str | int = "none",
    top: int | Literal["all"] = MAX_FINDS,
) -> PageScore:
    """The finds of a class on a page, judged against the page's known boxes.

    The page is looked at as it is: whether other turns are tried depends on how sure a find is, which the
    stack of a fold cannot say before it is calibrated.
    """
    return _judged_with_places(page, stack, number, turn, top)[0]


def _judged_with_places(
    page: TrainingPage,
    stack: Stack,
    number: int = 0,
    turn: str | int = "none",
    top: int | Literal["all"] = MAX_FINDS,
    say: Say = lambda _: None,
) -> tuple[PageScore, list[Place]]:
    """The finds of a class on a page, judged against its known boxes, and where the best of them are.

    A page of a size at which the stack cannot look, such as one smaller than the object, has no find; `say`
    gets a line about it.
    """
    label = stack.labels[number]
    boxes = [
        TrueBox(label, h.left, h.top, h.right, h.bottom) for h in page.heads if h.label == number
    ]
    ignored = [TrueBox(IGNORE, *box) for box in page.ignored]
    finds: tuple[Detection, ...] = ()
    try:
        finds = detect(
            page.pixels, stack=stack, labels=[label], top=top, threshold=LOWEST_SCORE, turn=turn
        ).detections
    except InvalidInputError as e:
        say(f"{page.name}: {e.reason.partition(';')[0]}: judged as without a find")
    places = [
        Place(page.name, f.box.xywh, f.score, hit)
        for f in finds
        # As in `judge`: a hit counts, also in a place that is set aside.
        if (hit := any(b.is_hit(f.x, f.y) for b in boxes))
        or not any(b.sets_aside(label, f.x, f.y) for b in ignored)
    ]
    known = Page(page.name, Path(page.name), (*boxes, *ignored))
    return judge(known, label, finds), places[:PLACES]


@dataclass(frozen=True)
class Fold:
    """The results of one fold's stack on the pages that it was not trained on.

    Attributes
    ----------
    number
        The fold, counted from 0.
    pages
        Scores of the pages by kind, as in `TrainingPage`; ``painted``, the pages with what is sought painted
        over; ``half`` and ``double``, the pages at other sizes; and ``class NAME`` for each other class, of
        the pages that show it.
    places
        The best finds on the pages at their own size.
    """

    number: int
    pages: dict[str, list[PageScore]]
    places: list[Place]


def _score(**fields: Any) -> PageScore:
    """A page's score from its JSON, where tuples have become lists."""

    def restored(value: Any) -> Any:
        return tuple(map(restored, value)) if isinstance(value, list) else value

    fields = {k: restored(v) for k, v in fields.items()}
    overlaps = {k: restored(v) for k, v in fields["overlaps"].items()}
    return PageScore(**fields | {"overlaps": Overlaps(**overlaps)})


def evaluated(
    pages: Sequence[TrainingPage], classes: Classes, path: Path, number: int, say: Say
) -> Fold:
    """Judge the stack at `path` on held-out `pages`.

    The results are kept in a file beside the stack. If an earlier run has written it, it is read instead.
    """
    scores_file = path.with_name(SCORES)
    if os.path.lexists(scores_file):
        return stored_fold(scores_file, number)
    stack = load_stack(path)
    scores: dict[str, list[PageScore]] = {}
    places: list[Place] = []
    for page in pages:
        score, found = _judged_with_places(page, stack, say=say)
        scores.setdefault(page.kind, []).append(score)
        places += found
        if page.kind != "page":
            continue
        painted = painted_over(page, figures=classes.figures)
        if painted is None:
            say(f"{page.name}: no piece of it to paint over what is sought; not judged without it")
        else:
            scores.setdefault("painted", []).append(judged(painted, stack))
        for name, factor in SIZES.items():
            scores.setdefault(name, []).append(judged(resized(page, factor), stack))
        for other in sorted({h.label for h in page.heads if h.label > 0}):
            kind = f"class {classes.names[other]}"
            scores.setdefault(kind, []).append(judged(page, stack, other))
    stored = {
        "scores": {kind: [asdict(s) for s in of_kind] for kind, of_kind in scores.items()},
        "places": [asdict(place) for place in places],
    }
    with write_atomically(scores_file) as file:
        file.write(json.dumps(stored).encode())
    held_out_scores = scores.get("page", [])
    top1 = sum(s.rank == 1 for s in held_out_scores)
    top5 = sum(s.rank is not None and s.rank <= 5 for s in held_out_scores)
    say(f"held-out pages: {top1} of {len(held_out_scores)} first, {top5} among five")
    return Fold(number, scores, places)


def first_places(pages: Sequence[TrainingPage], path: Path) -> dict[str, bool]:
    """Whether the stack at `path` has what is sought first, for each of the pages that show it.

    Kept in a file beside the stack, as by `evaluated`.
    """
    file_of_firsts = path.with_name(FIRSTS)
    if os.path.lexists(file_of_firsts):
        with _readable(file_of_firsts):
            stored = json.loads(read_bytes(file_of_firsts, MAX_SCORES_BYTES))
            return {str(name): bool(first) for name, first in stored.items()}
    stack = load_stack(path)
    firsts = {p.name: judged(p, stack).rank == 1 for p in pages if p.kind == "page"}
    with write_atomically(file_of_firsts) as file:
        file.write(json.dumps(firsts).encode())
    return firsts


def stored_fold(path: Path, number: int) -> Fold:
    """What an earlier run has written of a fold, its ``scores.json``."""
    with _readable(path):
        stored = json.loads(read_bytes(path, MAX_SCORES_BYTES))
        scores = {
            kind: [_score(**fields) for fields in of_kind]
            for kind, of_kind in stored["scores"].items()
        }
        places = [Place(**fields | {"box": tuple(fields["box"])}) for fields in stored["places"]]
        return Fold(number, scores, places)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with a file of scores into one line."""
    try:
        yield
    except OSError as e:
        raise FileError(f"cannot read: {reason(e)}", path=str(path)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidInputError(
            "damaged: remove it, and --resume judges this fold again", path=str(path)
        ) from None
