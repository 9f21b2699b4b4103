"""Train a stack, cross-validate it, and write it: `train` does all of it.

1. The artworks are divided into folds. For each fold, a stack is trained on the pages of all other folds
   (`looks.learn_proposals`, `looks.learn_looks`) and judged on the pages of the fold.
2. The scores of all held-out pages give the calibration and the threshold (`calibrate`).
3. The released stack is trained on all pages, with this calibration. The report says what was measured in
   step 1.

Held-out pages are judged by `waldo_cli.evaluation`, with the stack file that numpy runs, never with PyTorch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from waldo_cli.batch.finder import fingerprint
from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import Complain, TruthPixels, pages_without, refuse
from waldo_cli.evaluation.truth import read_truth
from waldo_cli.files import write_atomically
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.training.calibrate import Calibration
from waldo_cli.training.claim import MADE_BY, PAGE, REPORT, check, check_stack, claim, file_name
from waldo_cli.training.curve import SHARES, doubled, part_of, point, told
from waldo_cli.training.data import (
    TrainingPage,
    classes_of,
    folds_by_artwork,
    open_pages,
    training_pages,
    with_others,
)
from waldo_cli.training.held_out import Fold, evaluated, first_places
from waldo_cli.training.leaks import same_pictures
from waldo_cli.training.learn import memory_errors, seeded
from waldo_cli.training.looks import Steps, learn_looks, learn_proposals
from waldo_cli.training.network import Classes
from waldo_cli.training.progress import Progress
from waldo_cli.training.release import Release, folded, write_stack
from waldo_cli.training.report import calibration_of, report_of
from waldo_cli.training.report_page import page_of


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
        self, complain: Complain, say: Callable[[str], None] = print
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
        fewer drawings than folds, or a checkpoint is damaged.
    FileError
        A file cannot be read or written, or is in the way and was made by somebody else.
    MemoryError
        There is not enough memory; what is learned so far is kept.
    """
    if folds < 0 or folds == 1:
        raise InvalidInputError(f"folds is {folds}: give 2 or more, or 0 for no cross-validation")
    if not 0 < effort < math.inf:
        raise InvalidInputError(f"effort is {effort}: it must be a positive number")
    if curve and not folds:
        raise InvalidInputError("a learning curve needs held-out pages: give --folds 2 or more")
    fold_names = [f"fold{number}" for number in range(folds)]
    part_names = [f"{fold}-{share}" for fold in fold_names for share in SHARES] if curve else []
    check(out, [*fold_names, *part_names, "all"], resume=resume)
    classes, real_pages, drawn_pages = sources.read(complain, say)
    _must_suffice(real_pages, folds, sources.truth)
    name = file_name(classes.names[0])
    check_stack(out, name)
    settings = {"folds": folds, "effort": effort, "seed": seed, "classes": asdict(classes)}
    settings["pages"] = fingerprint((*real_pages, *drawn_pages))[:16]
    claim(out, settings)
    alike = same_pictures(real_pages)
    for one, other in alike:
        say(f"{one} and {other} show the same picture: give both one artwork, or leave one out")
    plan = Steps().times(effort)
    steps = plan.random + plan.mined + plan.classifier * len(classes.closer_views) + plan.box
    progress = Progress(out, 1 + folds + len(part_names), steps, say, show)
    learner = _Learner(out, classes, plan, seed, name, drawn_pages, progress)

    fold_of_artwork = folds_by_artwork(real_pages, folds, seed) if folds else {}
    results: list[Fold] = []
    parts: dict[str, _Part] = {share: _Part() for share in (*SHARES, "all")}
    for number, fold_name in enumerate(fold_names):
        seen = [p for p in real_pages if fold_of_artwork[p.artwork] != number]
        held_out = [p for p in real_pages if fold_of_artwork[p.artwork] == number]
        path = learner.stack(seen, fold_name, number)
        results.append(evaluated(held_out, classes, path, number, progress.lines(fold_name)))
        firsts = {s.name: s.rank == 1 for s in results[-1].pages.get("page", [])}
        parts["all"].add(seen, firsts)
        progress.add_judged(sum(firsts.values()), len(firsts))
        for n, (share, size) in enumerate(SHARES.items(), 1) if curve else ():
            some = part_of(seen, size, seed)
            path = learner.stack(some, f"{fold_name}-{share}", number + n * (folds + 1))
            parts[share].add(some, first_places(held_out, path))
    calibration = calibration_of(results) if results else Calibration()
    # The released stack learns from all pages; its seed is that of a fold after the last one.
    networks = learner.networks(real_pages, "all", folds)
    shown = len(_shown(real_pages))
    description = f"{classes.names[0]}, learned from {shown} page{'s' * (shown != 1)}"
    release = Release(name, description, calibration)
    path = write_stack(out, release, classes, *networks)
    report = report_of(settings, classes, plan, results, calibration)
    report["same_pictures"] = alike
    if curve:
        report["curve"] = _curve(list(parts.values()), say)
    with write_atomically(out / PAGE) as file:
        file.write(page_of(report, progress.losses, real_pages, results, calibration).encode())
    with write_atomically(out / REPORT) as file:
        file.write((json.dumps(MADE_BY | report, indent=1) + "\n").encode())
    return path, report


@dataclass
class _Learner:
    """Learns the networks of a part of a training: of a fold, of a share of it, or of the release."""

    out: Path
    classes: Classes
    plan: Steps
    seed: int
    name: str
    drawn: list[TrainingPage]
    progress: Progress

    def networks(
        self, pages: Sequence[TrainingPage], part: str, number: int
    ) -> tuple[nn.Sequential, list[nn.Sequential], nn.Sequential]:
        """The networks as they are released; `number` is the part's, for the seeds."""
        folder, with_drawn = self.out / part, [*pages, *self.drawn]
        # Seeds of different parts lie 10 apart, since the networks of a part add small numbers to theirs.
        seed = 1000 * self.seed + 10 * number
        arguments = (folder, self.plan, seed, self.progress.part(part))
        with seeded(seed):
            proposals = learn_proposals(with_drawn, self.classes, *arguments)
        closer, box = learn_looks(with_drawn, self.classes, proposals, *arguments)
        self.progress.end_of_part()
        return folded(proposals), [folded(net) for net in closer], folded(box)

    def stack(self, pages: Sequence[TrainingPage], part: str, number: int) -> Path:
        """The stack file of a part, not calibrated."""
        networks = self.networks(pages, part, number)
        return write_stack(self.out / part, Release(self.name), self.classes, *networks)


@dataclass
class _Part:
    """What all folds gave after learning from a share of their pages."""

    drawings: list[int] = field(default_factory=list)
    firsts: dict[str, bool] = field(default_factory=dict)

    def add(self, pages: Sequence[TrainingPage], firsts: dict[str, bool]) -> None:
        self.drawings.append(len(_shown(pages)))
        self.firsts |= firsts


def _curve(parts: Sequence[_Part], say: Callable[[str], None]) -> dict[str, Any]:
    """The learning curve, told and for the report."""
    drawings = [sum(part.drawings) / len(part.drawings) for part in parts]
    points = [point(n, part.firsts) for n, part in zip(drawings, parts, strict=True)]
    twice = doubled(drawings, [part.firsts for part in parts])
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


def _must_suffice(pages: Sequence[TrainingPage], folds: int, truth: Path) -> None:
    """Refuse pages that cannot be learned from."""
    shown = len(_shown(pages))
    if folds > shown:
        raise InvalidInputError(
            f"{shown} artworks show what is sought, which is too few for {folds} folds: give --folds"
            f" up to {shown}, or 0",
            path=str(truth),
        )
