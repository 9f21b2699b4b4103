"""A stack learned, cross-validated and released.

For each fold, and at the end for all pages: the proposal network learns from random places, then from
the places that it takes for somebody (hard negative mining); the classifier learns from what the
proposal network proposes. Held-out pages are judged by `waldo_cli.evaluation`, with the stack file that
numpy runs, never with PyTorch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from waldo_cli.detector.detect import detect
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.evaluation.figures import Summary, area_under_curve, summarize
from waldo_cli.evaluation.judge import NO_THRESHOLD, PageScore, judge
from waldo_cli.evaluation.truth import Page as TruePage
from waldo_cli.evaluation.truth import TrueBox
from waldo_cli.files import reason, write_atomically
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Stack
from waldo_cli.training.calibrate import Calibration, calibrate, calibrated
from waldo_cli.training.data import Page, folds_by_artwork, painted_over, read_pages, resized
from waldo_cli.training.learn import Say
from waldo_cli.training.looks import Plan, learn_closer_looks, learn_proposals
from waldo_cli.training.network import CHARACTERS, LABELS
from waldo_cli.training.release import Release, folded, write_stack

# Other sizes at which held-out pages are looked at.
SIZES = {"half": 0.5, "double": 2.0}


def _judged(page: Page, stack: Stack, label: str = LABELS[0]) -> PageScore:
    """What a stack says of a page, against what is known."""
    boxes = [
        TrueBox(label, h.left, h.top, h.right, h.bottom)
        for h in page.heads
        if LABELS[h.label] == label
    ]
    boxes += [TrueBox(f"{LABELS[0]}_icon", *box) for box in page.ignored]
    known = TruePage(page.name, Path(page.name), tuple(boxes))
    image = page.pixels.astype(np.float32) / 255
    finds = detect(image, stack=stack, labels=[label], top=100, threshold=NO_THRESHOLD).detections
    return judge(known, label, [(f.x, f.y, f.score) for f in finds])


@dataclass(frozen=True)
class Fold:
    """What one fold's stack says of the pages that it has not seen.

    Attributes
    ----------
    pages
        Scores of the pages, by kind: ``page``, ``other scan``, ``without``; ``painted``, the pages with
        Waldo painted over; ``half`` and ``double``, the pages at other sizes; and the name of each
        other character, for the pages that show that one.
    """

    number: int
    pages: dict[str, list[PageScore]]


def _score(**fields: Any) -> PageScore:
    """From JSON, which knows no tuples."""
    restored: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
    }
    return PageScore(**restored)


def _evaluated(pages: Sequence[Page], path: Path, number: int, say: Say) -> Fold:
    """The fold's figures, from the file beside its stack where an earlier run has left them."""
    done = path.with_name("scores.json")
    if done.is_file():
        told = json.loads(done.read_text(encoding="utf-8"))
        return Fold(number, {kind: [_score(**s) for s in some] for kind, some in told.items()})
    stack = load_stack(path)
    scores: dict[str, list[PageScore]] = {}
    for page in pages:
        scores.setdefault(page.kind, []).append(_judged(page, stack))
        if page.kind != "page":
            continue
        scores.setdefault("painted", []).append(_judged(painted_over(page), stack))
        for name, factor in SIZES.items():
            scores.setdefault(name, []).append(_judged(resized(page, factor), stack))
        for label in sorted({LABELS[h.label] for h in page.heads} & set(CHARACTERS[1:])):
            scores.setdefault(label, []).append(_judged(page, stack, label))
    told = {kind: [asdict(s) for s in some] for kind, some in scores.items()}
    with write_atomically(done) as file:
        file.write(json.dumps(told).encode())
    seen = scores.get("page", [])
    first = sum(s.rank == 1 for s in seen)
    five = sum(s.rank is not None and s.rank <= 5 for s in seen)
    say(f"held-out pages: {first} of {len(seen)} first, {five} among five")
    return Fold(number, scores)


def train(
    pages: Path,
    truth: Path,
    out: Path,
    *,
    folds: int = 5,
    effort: float = 1.0,
    seed: int = 0,
    drawn: Path | None = None,
    resume: bool = False,
    say: Say = print,
) -> dict[str, Any]:
    """Learn a stack from pages with boxes.

    Parameters
    ----------
    pages, truth
        As `read_pages` has them.
    out
        Gets ``waldo.toml``, ``waldo.npz``, ``report.json``, and a folder of checkpoints per fold.
    folds
        How many parts the artworks are dealt into for cross-validation; 0 for none, which leaves
        the scores as they are learned, the threshold at one half and the report empty.
    effort
        Multiplies the steps of `Plan`; at 1 a fold takes half an hour of one core.
    seed
        Of everything random.
    drawn
        A folder of drawn scenes with their ``truth.csv``, learned from beside the pages.
    resume
        Continue what an earlier run with the same settings left in `out`.
    say
        Gets a line of progress now and then.

    Returns
    -------
    report
        What ``report.json`` holds.

    Raises
    ------
    InvalidInputError
        A setting is out of range, `out` holds another training, or no page shows Waldo.
    FileError
        A file cannot be read.
    """
    if folds < 0 or folds == 1:
        raise InvalidInputError(f"folds is {folds}: give 2 or more, or 0 for no cross-validation")
    if not 0 < effort < math.inf:
        raise InvalidInputError(f"effort is {effort}: it must be a positive number")
    settings = {"folds": folds, "effort": effort, "seed": seed, "drawn": drawn is not None}
    _claim(out, settings, resume)
    known = read_pages(pages, truth)
    if not any(h.label == 0 for p in known for h in p.heads):
        raise InvalidInputError("no page shows Waldo", path=str(truth))
    further = []
    if drawn is not None:
        further = [replace(p, kind="drawn") for p in read_pages(drawn, drawn / "truth.csv")]
    plan = Plan().times(effort)

    def learned(
        seen: Sequence[Page], folder: Path, number: int
    ) -> tuple[nn.Sequential, list[nn.Sequential]]:
        def tell(line: str) -> None:
            say(f"{folder.name}: {line}")

        both = [*seen, *further]
        own = 1000 * seed + 10 * number
        proposals = learn_proposals(both, folder, plan, own, tell)
        return proposals, learn_closer_looks(both, proposals, folder, plan, own, tell)

    dealt = folds_by_artwork(known, folds, seed) if folds else {}
    tested = []
    for number in range(folds):
        folder = out / f"fold{number}"
        seen = [p for p in known if dealt[p.artwork] != number]
        unseen = [p for p in known if dealt[p.artwork] == number]
        proposals, closer = learned(seen, folder, number)
        path = write_stack(folder, Release(), folded(proposals), [folded(net) for net in closer])
        tested.append(_evaluated(unseen, path, number, say))
    calibration = _calibration(tested) if tested else Calibration(1.0, 0.0, 0.5)
    proposals, closer = learned(known, out / "all", folds)
    release = replace(
        Release(),
        description="Waldo, and Wenda, Odlaw and Wizard Whitebeard, learned from pages of the books",
        threshold=calibration.threshold,
    )
    write_stack(out, release, folded(proposals), [calibrated(net, calibration) for net in closer])
    report = _report(settings, plan, tested, calibration)
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _claim(out: Path, settings: dict[str, Any], resume: bool) -> None:
    """Make `out` this training's, or refuse."""
    note = out / "settings.json"
    text = (json.dumps(settings) + "\n").encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        if note.exists():
            if not resume:
                raise InvalidInputError(
                    "holds a training already: resume it, or choose another folder", path=str(out)
                )
            if note.read_bytes() != text:
                raise InvalidInputError("was begun with other settings", path=str(out))
        note.write_bytes(text)
    except OSError as e:
        raise FileError(f"cannot train here: {reason(e)}", path=str(out)) from None


def _best_finds(fold: Fold) -> list[tuple[float, bool]]:
    """The best find of each page at its own size, pages without him included."""
    kinds = ("page", "painted", "without")
    scores = [s for kind in kinds for s in fold.pages.get(kind, [])]
    return [(s.scores[0], s.hits[0]) for s in scores if s.scores]


def _calibration(tested: Sequence[Fold]) -> Calibration:
    absent = [s.best for f in tested for k in ("painted", "without") for s in f.pages.get(k, [])]
    return calibrate([find for f in tested for find in _best_finds(f)], absent)


def _report(
    settings: dict[str, Any], plan: Plan, tested: Sequence[Fold], calibration: Calibration
) -> dict[str, Any]:
    """Everything that was measured, with scores as the released stack gives them."""

    def released(score: PageScore) -> PageScore:
        return replace(score, scores=tuple(calibration(s) for s in score.scores))

    by_kind: dict[str, list[PageScore]] = {}
    rows = []
    for fold in tested:
        for kind, scores in fold.pages.items():
            by_kind.setdefault(kind, []).extend(released(s) for s in scores)
            rows += [
                {
                    "fold": fold.number,
                    "kind": kind,
                    "page": s.name,
                    "rank": s.rank,
                    "heights": s.heights,
                    "score": round(calibration(s.best), 4) if s.scores else None,
                }
                for s in scores
            ]
    report: dict[str, Any] = {
        "settings": settings,
        "steps": asdict(plan),
        "calibration": asdict(calibration),
        "pages": rows,
    }
    if tested:
        absent = [*by_kind.get("painted", []), *by_kind.get("without", [])]
        present = by_kind.get("page", [])
        summary: Summary = summarize([*present, *absent], calibration.threshold)
        report["summary"] = asdict(summary)
        for kind in ("other scan", *SIZES, *CHARACTERS[1:]):
            report[kind] = asdict(summarize(by_kind.get(kind, []), calibration.threshold))
        report["auc_painted_over"] = area_under_curve(
            [s.best for s in present], [s.best for s in by_kind.get("painted", [])]
        )
    return report
