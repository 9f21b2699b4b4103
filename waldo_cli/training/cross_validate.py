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
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from waldo_cli.batch.finder import fingerprint
from waldo_cli.detector.detect import detect
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.evaluation.figures import Summary, area_under_curve, summarize
from waldo_cli.evaluation.judge import LOWEST_SCORE, PageScore, judge
from waldo_cli.evaluation.overlap import Overlaps
from waldo_cli.evaluation.pages import (
    IGNORE,
    Complain,
    Page,
    TrueBox,
    TruthPixels,
    pages_without,
    refuse,
)
from waldo_cli.evaluation.truth import read_truth
from waldo_cli.files import read_bytes, reason, write_atomically
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Stack
from waldo_cli.training.calibrate import Calibration, calibrate, calibrated
from waldo_cli.training.claim import MADE_BY, REPORT, check, check_stack, claim, file_name
from waldo_cli.training.data import (
    TrainingPage,
    classes_of,
    folds_by_artwork,
    open_pages,
    painted_over,
    resized,
    training_pages,
    with_others,
)
from waldo_cli.training.learn import Say
from waldo_cli.training.looks import Steps, learn_closer_looks, learn_proposals
from waldo_cli.training.network import Classes
from waldo_cli.training.release import Release, folded, write_stack

MAX_SCORES_BYTES = 1 << 26

# Factors: held-out pages are judged at these sizes as well.
SIZES = {"half": 0.5, "double": 2.0}

# The threshold is so high that less than this share of pages without what is sought has a false alarm: of
# pages on which it is looked for, and of pictures of anything else.
ALARM_RATE = 1 / 20
ALARM_RATE_ELSEWHERE = 1 / 300


def judged(page: TrainingPage, stack: Stack, number: int = 0) -> PageScore:
    """The finds of a class on a page, judged against the page's known boxes."""
    label = stack.labels[number]
    boxes = [
        TrueBox(label, h.left, h.top, h.right, h.bottom) for h in page.heads if h.label == number
    ]
    boxes += [TrueBox(IGNORE, *box) for box in page.ignored]
    known = Page(page.name, Path(page.name), tuple(boxes))
    image = page.pixels.astype(np.float32) / 255
    finds = detect(image, stack=stack, labels=[label], top=100, threshold=LOWEST_SCORE).detections
    return judge(known, label, finds)


@dataclass(frozen=True)
class Fold:
    """The results of one fold's stack on the pages that it was not trained on.

    Attributes
    ----------
    number
        The fold, counted from 0.
    pages
        Scores of the pages by kind, as in `TrainingPage`; ``painted``, the pages with what is sought painted
        over; ``half`` and ``double``, the pages at other sizes; and ``class NAME``
        for each other class, of the pages that show it.
    """

    number: int
    pages: dict[str, list[PageScore]]


def _score(**fields: Any) -> PageScore:
    """A page's score from its JSON, where tuples have become lists."""

    def restored(value: Any) -> Any:
        return tuple(map(restored, value)) if isinstance(value, list) else value

    fields = {k: restored(v) for k, v in fields.items()}
    overlaps = {k: restored(v) for k, v in fields["overlaps"].items()}
    return PageScore(**fields | {"overlaps": Overlaps(**overlaps)})


def _evaluated(
    pages: Sequence[TrainingPage], classes: Classes, path: Path, number: int, say: Say
) -> Fold:
    """Judge the stack at `path` on held-out `pages`.

    The results are kept in a file beside the stack. If an earlier run has written it, it is read instead.
    """
    scores_file = path.with_name("scores.json")
    if os.path.lexists(scores_file):
        return Fold(number, stored_scores(scores_file))
    stack = load_stack(path)
    scores: dict[str, list[PageScore]] = {}
    for page in pages:
        scores.setdefault(page.kind, []).append(judged(page, stack))
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
    stored = {kind: [asdict(s) for s in page_scores] for kind, page_scores in scores.items()}
    with write_atomically(scores_file) as file:
        file.write(json.dumps(stored).encode())
    held_out_scores = scores.get("page", [])
    top1 = sum(s.rank == 1 for s in held_out_scores)
    top5 = sum(s.rank is not None and s.rank <= 5 for s in held_out_scores)
    say(f"held-out pages: {top1} of {len(held_out_scores)} first, {top5} among five")
    return Fold(number, scores)


def stored_scores(path: Path) -> dict[str, list[PageScore]]:
    """The scores of a fold that an earlier run has written."""
    try:
        stored = json.loads(read_bytes(path, MAX_SCORES_BYTES))
        return {kind: [_score(**fields) for fields in scores] for kind, scores in stored.items()}
    except OSError as e:
        raise FileError(f"cannot read: {reason(e)}", path=str(path)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidInputError(
            "damaged: remove it, and --resume judges this fold again", path=str(path)
        ) from None


@dataclass(frozen=True)
class Sources:
    """Where a training learns from.

    Attributes
    ----------
    pages, truth
        The folder of pages, and the truth of them as `waldo_cli.evaluation.truth.read_truth` reads it.
    label
        The class that is sought; None: the only one, or ``waldo``.
    figures
        The boxes hold the heads of figures.
    others
        A truth of the other classes, whose boxes replace those of `truth` on the pages that it names.
    without
        Folders of further pages that do not show what is sought.
    drawn
        A folder of drawn scenes with their ``truth.csv``, which are added to the training pages.
    truth_pixels
        What the boxes mean where sizes do not tell, as for `waldo_cli.evaluation.pages.open_page`.
    """

    pages: Path
    truth: Path
    label: str | None = None
    figures: bool = False
    others: Path | None = None
    without: tuple[Path, ...] = ()
    drawn: Path | None = None
    truth_pixels: TruthPixels | None = None

    def read(
        self, complain: Complain, say: Say = print
    ) -> tuple[Classes, list[TrainingPage], list[TrainingPage]]:
        """The classes, the pages, and the drawn scenes; `say` gets what is left out of the folders."""
        listed = read_truth(self.truth, self.pages, complain)
        left_out = LeftOut(enters=False)
        for folder in self.without:
            listed += pages_without(folder, listed, left_out)
        if str(left_out):
            say(str(left_out))
        opened = open_pages(listed, complain, self.truth_pixels)
        try:
            sought = classes_of(opened, self.label).names[0]
            if self.others is not None:
                opened = with_others(opened, read_truth(self.others, self.pages, complain), sought)
            classes = classes_of(opened, sought, figures=self.figures)
        except InvalidInputError as e:
            raise e.at(str(self.truth)) from None
        drawn: list[TrainingPage] = []
        if self.drawn is not None:
            scenes = read_truth(self.drawn / "truth.csv", self.drawn, complain)
            drawn = training_pages(open_pages(scenes, complain), classes)
        return (
            classes,
            training_pages(opened, classes),
            [replace(page, kind="drawn") for page in drawn],
        )


def train(
    sources: Sources,
    out: Path,
    *,
    folds: int = 5,
    effort: float = 1.0,
    seed: int = 0,
    resume: bool = False,
    say: Say = print,
    complain: Complain = refuse,
) -> tuple[Path, dict[str, Any]]:
    """Train a stack on pages with known boxes.

    Parameters
    ----------
    sources
        The pages.
    out
        The folder for ``LABEL.toml``, ``LABEL.npz``, ``report.json``, and one folder of checkpoints per
        fold.
    folds
        Into how many parts the artworks are divided for cross-validation. 0 for none: scores are then
        not calibrated, the threshold is 0.5, and the report has no results.
    effort
        Factor on the steps of `Steps`; at 1 a fold takes about half an hour of one core.
    seed
        The seed of all random numbers.
    resume
        Continue what an earlier run with the same settings left in `out`.
    say
        Called with each line of progress.
    complain
        Gets what is wrong with a row of the truth, which is then left out. By default the first is raised.

    Returns
    -------
    path, report
        The stack file, and the content of ``report.json``.

    Raises
    ------
    InvalidInputError
        A setting is out of range, `out` contains another training, no page shows what is sought, there are
        fewer drawings than folds, or a checkpoint is damaged.
    FileError
        A file cannot be read or written, or is in the way and was made by somebody else.
    """
    if folds < 0 or folds == 1:
        raise InvalidInputError(f"folds is {folds}: give 2 or more, or 0 for no cross-validation")
    if not 0 < effort < math.inf:
        raise InvalidInputError(f"effort is {effort}: it must be a positive number")
    fold_names = [f"fold{number}" for number in range(folds)]
    check(out, [*fold_names, "all"], resume=resume)
    classes, real_pages, drawn_pages = sources.read(complain, say)
    _must_suffice(real_pages, folds, sources.truth)
    name = file_name(classes.names[0])
    check_stack(out, name)
    settings = {"folds": folds, "effort": effort, "seed": seed, "classes": asdict(classes)}
    settings["pages"] = fingerprint((*real_pages, *drawn_pages))[:16]
    claim(out, settings)
    plan = Steps().times(effort)

    def learn_networks(
        training_pages: Sequence[TrainingPage], folder: Path, number: int
    ) -> tuple[nn.Sequential, list[nn.Sequential]]:
        """The proposal network and the closer looks; `number` is the fold's, for the seeds."""

        def say_for_fold(line: str) -> None:
            say(f"{folder.name}: {line}")

        with_drawn = [*training_pages, *drawn_pages]
        # Seeds of different folds lie 10 apart, since the networks of a fold add small numbers to theirs.
        arguments = (folder, plan, 1000 * seed + 10 * number, say_for_fold)
        proposals = learn_proposals(with_drawn, classes, *arguments)
        return proposals, learn_closer_looks(with_drawn, classes, proposals, *arguments)

    fold_of_artwork = folds_by_artwork(real_pages, folds, seed) if folds else {}
    results = []
    for number, fold_name in enumerate(fold_names):
        folder = out / fold_name
        seen = [p for p in real_pages if fold_of_artwork[p.artwork] != number]
        held_out = [p for p in real_pages if fold_of_artwork[p.artwork] == number]
        proposals, closer = learn_networks(seen, folder, number)
        nets = folded(proposals), [folded(net) for net in closer]
        path = write_stack(folder, Release(name), classes, *nets)
        results.append(_evaluated(held_out, classes, path, number, say))
    calibration = calibration_of(results) if results else Calibration(1.0, 0.0, 0.5)
    size = _size_of_objects(results)
    # The released stack learns from all pages; its seed is that of a fold after the last one.
    proposals, closer = learn_networks(real_pages, out / "all", folds)
    shown = len({p.artwork for p in real_pages if any(h.label == 0 for h in p.heads)})
    description = f"{classes.names[0]}, learned from {shown} page{'s' * (shown != 1)}"
    release = Release(name, description, calibration.threshold, size=size)
    nets = folded(proposals), [calibrated(net, calibration) for net in closer]
    path = write_stack(out, release, classes, *nets)
    report = _report(settings, classes, plan, results, calibration, size)
    with write_atomically(out / REPORT) as file:
        file.write((json.dumps(MADE_BY | report, indent=1) + "\n").encode())
    return path, report


def _must_suffice(pages: Sequence[TrainingPage], folds: int, truth: Path) -> None:
    """Refuse pages that cannot be learned from."""
    shown = {p.artwork for p in pages if any(h.label == 0 for h in p.heads)}
    if folds > len(shown):
        raise InvalidInputError(
            f"{len(shown)} drawings show what is sought, which is too few for {folds} folds: give --folds"
            f" up to {len(shown)}, or 0",
            path=str(truth),
        )


def _best_finds(fold: Fold) -> list[tuple[float, bool]]:
    """Score of the best find, and whether it is Waldo, of each page at its own size.

    Includes pages without Waldo, but not those without any find.
    """
    pages = [
        s
        for kind, scores in fold.pages.items()
        if kind not in SIZES and not kind.startswith("class ")
        for s in scores
    ]
    return [(s.scores[0], s.hits[0]) for s in pages if s.scores]


def calibration_of(folds: Sequence[Fold]) -> Calibration:
    """The calibration from the held-out pages of all folds together."""

    def best_scores(*kinds: str) -> list[float]:
        return [s.best for f in folds for kind in kinds for s in f.pages.get(kind, [])]

    absent = [
        (best_scores("painted", "without"), ALARM_RATE),
        (best_scores("picture"), ALARM_RATE_ELSEWHERE),
    ]
    return calibrate([find for f in folds for find in _best_finds(f)], absent)


def _size_of_objects(folds: Sequence[Fold]) -> float:
    """How much larger objects are than the finds of the folds' stacks on held-out pages, in the middle."""
    pages = [s for fold in folds for s in fold.pages.get("page", [])]
    sizes = [s.first_size for s in pages if s.first_size is not None]
    return 1 / float(np.median(sizes)) if sizes else 1.0


def _report(
    settings: dict[str, Any],
    classes: Classes,
    plan: Steps,
    folds: Sequence[Fold],
    calibration: Calibration,
    size: float,
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
        "classes": asdict(classes),
        "steps": asdict(plan),
        "calibration": asdict(calibration),
        "size": size,
        "pages": rows,
    }
    if folds:
        absent = [*by_kind.get("painted", []), *by_kind.get("without", [])]
        present = by_kind.get("page", [])
        summary: Summary = summarize([*present, *absent], calibration.threshold)
        report["summary"] = asdict(summary)
        for kind in sorted(by_kind.keys() - {"page", "painted", "without"}):
            report[kind] = asdict(summarize(by_kind[kind], calibration.threshold))
        # How well scores separate pages from the same pages without what is sought.
        report["auc_painted_over"] = area_under_curve(
            [s.best for s in present], [s.best for s in by_kind.get("painted", [])]
        )
    return report
