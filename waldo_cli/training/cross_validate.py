"""Train a stack, cross-validate it, and write it: `train` does all of it.

1. The artworks are divided into folds. For each fold, a stack is trained on the pages of all other folds
   (`looks.learn_proposals`, `looks.learn_closer_looks`) and judged on the pages of the fold.
2. The scores of all held-out pages give the calibration and the threshold (`calibrate`).
3. The released stack is trained on all pages, with this calibration. The report says what was measured in
   step 1.

Held-out pages are judged by `waldo_cli.evaluation`, with the stack file that numpy runs, never with PyTorch.
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
from waldo_cli.evaluation.judge import LOWEST_SCORE, PageScore, judge
from waldo_cli.evaluation.truth import Page, TrueBox
from waldo_cli.evaluation.turned import TruthPixels
from waldo_cli.files import reason, write_atomically
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Stack
from waldo_cli.training.calibrate import Calibration, calibrate, calibrated
from waldo_cli.training.data import (
    TrainingPage,
    folds_by_artwork,
    painted_over,
    read_pages,
    resized,
)
from waldo_cli.training.learn import Say
from waldo_cli.training.looks import Steps, learn_closer_looks, learn_proposals
from waldo_cli.training.network import CHARACTERS, LABELS
from waldo_cli.training.release import Release, folded, write_stack

# Factors: held-out pages are judged at these sizes as well.
SIZES = {"half": 0.5, "double": 2.0}


def _judged(page: TrainingPage, stack: Stack, label: str = LABELS[0]) -> PageScore:
    """The finds of a stack on a page, judged against the page's known boxes."""
    boxes = [
        TrueBox(label, h.left, h.top, h.right, h.bottom)
        for h in page.heads
        if LABELS[h.label] == label
    ]
    boxes += [TrueBox(f"{LABELS[0]}_icon", *box) for box in page.ignored]
    known = Page(page.name, Path(page.name), tuple(boxes))
    image = page.pixels.astype(np.float32) / 255
    finds = detect(image, stack=stack, labels=[label], top=100, threshold=LOWEST_SCORE).detections
    return judge(known, label, [(f.x, f.y, f.score) for f in finds])


@dataclass(frozen=True)
class Fold:
    """The results of one fold's stack on the pages that it was not trained on.

    Attributes
    ----------
    number
        The fold, counted from 0.
    pages
        Scores of the pages by kind: ``page``, ``other scan``, ``without``; ``painted``, the pages with
        Waldo painted over; ``half`` and ``double``, the pages at other sizes; and the name of each other
        character, for the pages that show this character.
    """

    number: int
    pages: dict[str, list[PageScore]]


def _score(**fields: Any) -> PageScore:
    """A page's score from its JSON, where tuples have become lists."""
    restored: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
    }
    return PageScore(**restored)


def _evaluated(pages: Sequence[TrainingPage], path: Path, number: int, say: Say) -> Fold:
    """Judge the stack at `path` on held-out `pages`.

    The results are kept in a file beside the stack. If an earlier run has written it, it is read instead.
    """
    scores_file = path.with_name("scores.json")
    if scores_file.is_file():
        stored = json.loads(scores_file.read_text(encoding="utf-8"))
        return Fold(
            number,
            {
                kind: [_score(**fields) for fields in page_scores]
                for kind, page_scores in stored.items()
            },
        )
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
    stored = {kind: [asdict(s) for s in page_scores] for kind, page_scores in scores.items()}
    with write_atomically(scores_file) as file:
        file.write(json.dumps(stored).encode())
    held_out_scores = scores.get("page", [])
    top1 = sum(s.rank == 1 for s in held_out_scores)
    top5 = sum(s.rank is not None and s.rank <= 5 for s in held_out_scores)
    say(f"held-out pages: {top1} of {len(held_out_scores)} first, {top5} among five")
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
    truth_pixels: TruthPixels | None = None,
    resume: bool = False,
    say: Say = print,
) -> dict[str, Any]:
    """Train a stack on pages with known boxes.

    Parameters
    ----------
    pages, truth
        The folder of pages and the truth file, as in `read_pages`.
    out
        The folder for ``waldo.toml``, ``waldo.npz``, ``report.json``, and one folder of checkpoints per
        fold.
    folds
        Into how many parts the artworks are divided for cross-validation. 0 for none: scores are then
        not calibrated, the threshold is 0.5, and the report has no results.
    effort
        Factor on the steps of `Steps`; at 1 a fold takes half an hour of one core.
    seed
        The seed of all random numbers.
    drawn
        A folder of drawn scenes with their ``truth.csv``, which are added to the training pages.
    truth_pixels
        What the boxes mean where sizes do not tell, as for `as_shown`.
    resume
        Continue what an earlier run with the same settings left in `out`.
    say
        Called with each line of progress.

    Returns
    -------
    report
        The content of ``report.json``.

    Raises
    ------
    InvalidInputError
        A setting is out of range, `out` contains another training, or no page shows Waldo.
    FileError
        A file cannot be read.
    """
    if folds < 0 or folds == 1:
        raise InvalidInputError(f"folds is {folds}: give 2 or more, or 0 for no cross-validation")
    if not 0 < effort < math.inf:
        raise InvalidInputError(f"effort is {effort}: it must be a positive number")
    settings: dict[str, Any] = {
        "folds": folds,
        "effort": effort,
        "seed": seed,
        "drawn": drawn is not None,
    }
    if truth_pixels is not None:
        settings["truth_pixels"] = truth_pixels
    _claim(out, settings, resume)
    real_pages = read_pages(pages, truth, truth_pixels, say)
    if not any(h.label == 0 for p in real_pages for h in p.heads):
        raise InvalidInputError("no page shows Waldo", path=str(truth))
    drawn_pages = []
    if drawn is not None:
        drawn_pages = [replace(p, kind="drawn") for p in read_pages(drawn, drawn / "truth.csv")]
    plan = Steps().times(effort)

    def learn_networks(
        training_pages: Sequence[TrainingPage], folder: Path, number: int
    ) -> tuple[nn.Sequential, list[nn.Sequential]]:
        """The proposal network and the closer looks; `number` is the fold's, for the seeds."""

        def say_for_fold(line: str) -> None:
            say(f"{folder.name}: {line}")

        with_drawn = [*training_pages, *drawn_pages]
        # Seeds of different folds lie 10 apart, since the networks of a fold add small numbers to theirs.
        fold_seed = 1000 * seed + 10 * number
        proposals = learn_proposals(with_drawn, folder, plan, fold_seed, say_for_fold)
        return proposals, learn_closer_looks(
            with_drawn, proposals, folder, plan, fold_seed, say_for_fold
        )

    fold_of_artwork = folds_by_artwork(real_pages, folds, seed) if folds else {}
    results = []
    for number in range(folds):
        folder = out / f"fold{number}"
        training_pages = [p for p in real_pages if fold_of_artwork[p.artwork] != number]
        held_out = [p for p in real_pages if fold_of_artwork[p.artwork] == number]
        proposals, closer = learn_networks(training_pages, folder, number)
        path = write_stack(folder, Release(), folded(proposals), [folded(net) for net in closer])
        results.append(_evaluated(held_out, path, number, say))
    calibration = _calibration(results) if results else Calibration(1.0, 0.0, 0.5)
    # The released stack learns from all pages; its seed is that of a fold after the last one.
    proposals, closer = learn_networks(real_pages, out / "all", folds)
    release = replace(
        Release(),
        description="Waldo, and Wenda, Odlaw and Wizard Whitebeard, learned from pages of the books",
        threshold=calibration.threshold,
    )
    write_stack(out, release, folded(proposals), [calibrated(net, calibration) for net in closer])
    report = _report(settings, plan, results, calibration)
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _claim(out: Path, settings: dict[str, Any], resume: bool) -> None:
    """Reserve the folder `out` for a training with these settings.

    A file in the folder notes the settings. If it is there already, the training must be resumed, and with
    the same settings.
    """
    settings_file = out / "settings.json"
    text = (json.dumps(settings) + "\n").encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        if settings_file.exists():
            if not resume:
                raise InvalidInputError(
                    "holds a training already: resume it, or choose another folder", path=str(out)
                )
            if settings_file.read_bytes() != text:
                raise InvalidInputError("was begun with other settings", path=str(out))
        settings_file.write_bytes(text)
    except OSError as e:
        raise FileError(f"cannot train here: {reason(e)}", path=str(out)) from None


def _best_finds(fold: Fold) -> list[tuple[float, bool]]:
    """Score of the best find, and whether it is Waldo, of each page at its own size.

    Includes pages without Waldo, but not those without any find.
    """
    kinds = ("page", "painted", "without")
    scores = [s for kind in kinds for s in fold.pages.get(kind, [])]
    return [(s.scores[0], s.hits[0]) for s in scores if s.scores]


def _calibration(folds: Sequence[Fold]) -> Calibration:
    """The calibration from the held-out pages of all folds together."""
    absent = [s.best for f in folds for k in ("painted", "without") for s in f.pages.get(k, [])]
    return calibrate([find for f in folds for find in _best_finds(f)], absent)


def _report(
    settings: dict[str, Any], plan: Steps, folds: Sequence[Fold], calibration: Calibration
) -> dict[str, Any]:
    """The content of ``report.json``: settings, and results with calibrated scores."""

    def calibrated_score(score: PageScore) -> PageScore:
        return replace(score, scores=tuple(calibration(s) for s in score.scores))

    by_kind: dict[str, list[PageScore]] = {}
    rows = []
    for fold in folds:
        for kind, scores in fold.pages.items():
            by_kind.setdefault(kind, []).extend(calibrated_score(s) for s in scores)
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
    if folds:
        absent = [*by_kind.get("painted", []), *by_kind.get("without", [])]
        present = by_kind.get("page", [])
        summary: Summary = summarize([*present, *absent], calibration.threshold)
        report["summary"] = asdict(summary)
        for kind in ("other scan", *SIZES, *CHARACTERS[1:]):
            report[kind] = asdict(summarize(by_kind.get(kind, []), calibration.threshold))
        # How well scores separate pages from the same pages without Waldo.
        report["auc_painted_over"] = area_under_curve(
            [s.best for s in present], [s.best for s in by_kind.get("painted", [])]
        )
    return report
