"""Train a stack, cross-validate it, and write it: `train` does all of it.

1. The artworks are divided into folds. For each fold, a stack is trained on the pages of all other folds
   and judged on the pages of the fold (`parts.Learner`).
2. The scores of all held-out pages give the calibration and the threshold (`calibrate`).
3. The released stack is trained on all pages, with this calibration. The report says what was measured in
   step 1.

Held-out pages are judged by `waldo_cli.evaluation`, with the stack file that numpy runs, never with PyTorch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from waldo_cli.batch.finder import fingerprint
from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import Complain, refuse
from waldo_cli.files import sweep, write_atomically
from waldo_cli.training.beside import learn_beside
from waldo_cli.training.calibrate import Calibration
from waldo_cli.training.claim import MADE_BY, PAGE, REPORT, check, check_stack, claimed, file_name
from waldo_cli.training.curve import SHARES, doubled, point, told
from waldo_cli.training.data import TrainingPage
from waldo_cli.training.held_out import Fold
from waldo_cli.training.leaks import same_pictures
from waldo_cli.training.learn import memory_errors
from waldo_cli.training.parts import RELEASE, Learner, Sources, Training
from waldo_cli.training.progress import Progress
from waldo_cli.training.release import Release, write_stack
from waldo_cli.training.report import calibration_of, report_of
from waldo_cli.training.report_page import page_of

# More folds than anybody has drawings for; and seeds of which PyTorch takes some thousand times the number.
MOST_FOLDS, MOST_SEED = 1000, 10**12


@memory_errors()
def train(
    sources: Sources,
    out: Path,
    *,
    folds: int = 5,
    effort: float = 1.0,
    seed: int = 0,
    resume: bool = False,
    curve: bool = False,
    jobs: int = 1,
    say: Callable[[str], None] = print,
    show: Callable[[Progress], None] | None = None,
    complain: Complain = refuse,
) -> tuple[Path, dict[str, Any]]:
    """Train a stack on pages with known boxes.

    Parameters
    ----------
    sources
        The pages.
    out
        The folder for ``LABEL.toml``, ``LABEL.npz``, ``report.json``, ``report.html``, ``losses.json``, and
        one folder of checkpoints per fold.
    folds
        Into how many parts the artworks are divided for cross-validation. 0 for none: scores are then
        not calibrated, the threshold is 0.5, and the report has no results.
    effort
        Factor on the steps of `Steps`; at 1 a fold takes about half an hour of one core.
    seed
        The seed of all random numbers.
    resume
        Continue what an earlier run with the same settings left in `out`.
    curve
        Also learn from shares of each fold's pages, for the learning curve (`waldo_cli.training.curve`).
    jobs
        How many folds are learned side by side, each by a process of its own on its share of the cores.
    say
        Called with each line of text.
    show
        Called with how far the training is, every few steps; None: every 200 steps are a line of text.
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
        fewer drawings than folds, or a checkpoint is damaged. Where nothing was learned, `out` stays free.
    FileError
        A file cannot be read or written, or is in the way and was made by somebody else.
    MemoryError
        There is not enough memory; what is learned so far is kept.
    """
    training = Training(sources, out, folds, effort, seed, curve)
    _must_be_in_range(training, jobs)
    check(out, training.parts, resume=resume)
    learner = Learner(training, *sources.read(complain, say))
    classes = learner.classes
    _must_suffice(learner.pages, folds, sources.truth)
    check_stack(out, file_name(classes.names[0]))
    settings: dict[str, Any] = {
        "folds": folds,
        "effort": effort,
        "seed": seed,
        "classes": asdict(classes),
    }
    settings["pages"] = fingerprint((*learner.pages, *learner.drawn))[:16]
    with claimed(out, settings, training.parts):
        return _trained(learner, settings, jobs, say, show)


def _trained(
    learner: Learner,
    settings: dict[str, Any],
    jobs: int,
    say: Callable[[str], None],
    show: Callable[[Progress], None] | None,
) -> tuple[Path, dict[str, Any]]:
    """Learn and judge all parts, and write the stack and the report."""
    training, classes, real_pages = learner.training, learner.classes, learner.pages
    out, plan = training.out, training.plan
    for folder in ("", *training.parts):
        sweep(str(out / folder))
    alike = same_pictures(real_pages)
    for one, other in alike:
        say(f"{one} and {other} show the same picture: give both one artwork, or leave one out")
    steps = plan.random + plan.mined + plan.classifier * len(classes.closer_views) + plan.box
    progress = Progress(out, len(training.parts), steps, say, show)
    missing = [part for part in training.parts if not training.is_learned(part)]
    for part in training.parts:
        if part not in missing:
            progress.end_of_part(part)
    if min(jobs, len(missing)) > 1:
        learn_beside(
            training, settings["pages"], missing, jobs, progress
        )  # what follows finds all of it

    results: list[Fold] = []
    shares: dict[str, _Share] = {share: _Share() for share in (*SHARES, "all")}
    for number, fold_name in enumerate(training.fold_names):
        results.append(learner.fold(number, progress.lines(fold_name)))
        progress.end_of_part(fold_name)
        firsts = {s.name: s.rank == 1 for s in results[-1].pages.get("page", [])}
        shares["all"].add(learner.seen(number), firsts)
        progress.add_judged(sum(firsts.values()), len(firsts))
        for share in SHARES if training.curve else ():
            part = f"{fold_name}-{share}"
            firsts = learner.share(number, share, progress.lines(part))
            shares[share].add(learner.part_seen(number, share), firsts)
            progress.end_of_part(part)
    calibration = calibration_of(results) if results else Calibration()
    networks = learner.release(progress.lines(RELEASE))
    progress.end_of_part(RELEASE)
    shown = len(_shown(real_pages))
    description = f"{classes.names[0]}, learned from {shown} page{'s' * (shown != 1)}"
    release = Release(file_name(classes.names[0]), description, calibration)
    path = write_stack(out, release, classes, *networks)
    report = report_of(settings, classes, plan, results, calibration)
    report["same_pictures"] = alike
    if training.curve:
        report["curve"] = _curve(list(shares.values()), say)
    with write_atomically(out / PAGE) as file:
        file.write(page_of(report, progress.losses, real_pages, results, calibration).encode())
    with write_atomically(out / REPORT) as file:
        file.write((json.dumps(MADE_BY | report, indent=1) + "\n").encode())
    return path, report


@dataclass
class _Share:
    """What all folds gave after learning from a share of their pages."""

    drawings: list[int] = field(default_factory=list)
    firsts: dict[str, bool] = field(default_factory=dict)

    def add(self, pages: Sequence[TrainingPage], firsts: dict[str, bool]) -> None:
        self.drawings.append(len(_shown(pages)))
        self.firsts |= firsts


def _curve(shares: Sequence[_Share], say: Callable[[str], None]) -> dict[str, Any]:
    """The learning curve, told and for the report."""
    drawings = [sum(share.drawings) / len(share.drawings) for share in shares]
    points = [point(n, share.firsts) for n, share in zip(drawings, shares, strict=True)]
    twice = doubled(drawings, [share.firsts for share in shares])
    lines = told(points, twice)
    for line in lines:
        say(line)
    return {
        "points": [asdict(p) for p in points],
        "doubled": None if twice is None else asdict(twice),
        "lines": lines,
    }


def _shown(pages: Sequence[TrainingPage]) -> set[str]:
    """The drawings that show what is sought."""
    return {p.artwork for p in pages if any(h.label == 0 for h in p.heads)}


def _must_be_in_range(training: Training, jobs: int) -> None:
    """Refuse numbers that no training can have."""
    folds, effort, seed = training.folds, training.effort, training.seed
    if folds == 1 or not 0 <= folds <= MOST_FOLDS:
        raise InvalidInputError(
            f"folds is {folds}: give 2 to {MOST_FOLDS}, or 0 for no cross-validation"
        )
    if not 0 <= seed <= MOST_SEED:
        raise InvalidInputError(f"seed is {seed}: give 0 to {MOST_SEED}")
    if not 0 < effort < math.inf:
        raise InvalidInputError(f"effort is {effort}: it must be a positive number")
    if training.curve and not folds:
        raise InvalidInputError("a learning curve needs held-out pages: give --folds 2 or more")
    if jobs < 1:
        raise InvalidInputError(f"jobs is {jobs}: it must be at least 1")


def _must_suffice(pages: Sequence[TrainingPage], folds: int, truth: Path) -> None:
    """Refuse pages that cannot be learned from."""
    shown = len(_shown(pages))
    if folds > shown:
        few = f"--folds 2 to {shown}, or 0" if shown > 1 else "--folds 0"
        raise InvalidInputError(
            f"{shown} artwork{'s' * (shown != 1)} with what is sought: too few for {folds} folds: give {few}",
            path=str(truth),
        )
