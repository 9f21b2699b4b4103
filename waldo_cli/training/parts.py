"""The parts of a training: the folds, shares of their pages for a learning curve, and the release.

Each part leaves what it has learned and judged in a folder of its own, and finds there what is done. So parts
may be learned in any order, by one process or by several (`waldo_cli.training.beside`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from torch import nn

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import Complain, Page, TruthPixels, add_pages_without
from waldo_cli.evaluation.truth import read_truth
from waldo_cli.training.claim import file_name
from waldo_cli.training.curve import SHARES, part_of
from waldo_cli.training.data import (
    Opened,
    TrainingPage,
    classes_of,
    folds_by_artwork,
    open_pages,
    training_pages,
    with_others,
    without_lost,
)
from waldo_cli.training.held_out import FIRSTS, SCORES, Fold, evaluated, first_places
from waldo_cli.training.learn import Say, seeded
from waldo_cli.training.looks import LOOKS, Steps, learn_looks, learn_proposals, learned_file
from waldo_cli.training.network import Classes
from waldo_cli.training.release import Release, folded, write_stack

# The networks as they are released: the first look, the closer looks, the box look.
Networks = tuple[nn.Sequential, list[nn.Sequential], nn.Sequential]

# The part of the release, which learns from all pages.
RELEASE = "all"


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
    max_pixels, allow_truncated
        As for `waldo_cli.images.load.load_image`.
    """

    pages: Path
    truth: Path
    label: str | None = None
    figures: bool = False
    others: Path | None = None
    without: tuple[Path, ...] = ()
    drawn: Path | None = None
    truth_pixels: TruthPixels | None = None
    max_pixels: int | None = None
    allow_truncated: bool = False

    def read(
        self, complain: Complain, say: Callable[[str], None] = print
    ) -> tuple[Classes, list[TrainingPage], list[TrainingPage]]:
        """The classes, the pages, and the drawn scenes; `say` gets what is left out of the folders."""
        listed = read_truth(self.truth, self.pages, complain)
        add_pages_without(listed, self.without, say)
        opened = self._opened(listed, complain)
        try:
            sought = classes_of(opened, self.label).names[0]
            opened = without_lost(opened, sought, complain)
            if self.others is not None:
                others = read_truth(self.others, self.pages, complain)
                opened = with_others(opened, others, sought, complain)
            classes = classes_of(opened, sought, figures=self.figures)
        except InvalidInputError as e:
            raise e.at(str(self.truth)) from None
        drawn: list[TrainingPage] = []
        if self.drawn is not None:
            scenes = read_truth(self.drawn / "truth.csv", self.drawn, complain)
            drawn = training_pages(self._opened(scenes, complain), classes)
        return (
            classes,
            training_pages(opened, classes),
            [replace(page, kind="drawn") for page in drawn],
        )

    def _opened(self, listed: Sequence[Page], complain: Complain) -> list[Opened]:
        return open_pages(
            listed,
            complain,
            truth_pixels=self.truth_pixels,
            max_pixels=self.max_pixels,
            allow_truncated=self.allow_truncated,
        )


@dataclass(frozen=True)
class Training:
    """What a training is asked for; see `waldo_cli.training.cross_validate.train`."""

    sources: Sources
    out: Path
    folds: int = 5
    effort: float = 1.0
    seed: int = 0
    curve: bool = False

    @property
    def plan(self) -> Steps:
        """The steps of each network."""
        return Steps().times(self.effort)

    @property
    def fold_names(self) -> list[str]:
        """The parts that are folds."""
        return [f"fold{number}" for number in range(self.folds)]

    @property
    def parts(self) -> list[str]:
        """The names of all parts, in the order in which they are learned; they are those of their folders."""
        shares = SHARES if self.curve else ()
        folds = ((fold, *(f"{fold}-{share}" for share in shares)) for fold in self.fold_names)
        return [*(part for parts in folds for part in parts), RELEASE]

    def is_learned(self, part: str) -> bool:
        """Whether everything of a part is done."""
        last = FIRSTS if "-" in part else learned_file(LOOKS[-1]) if part == RELEASE else SCORES
        return (self.out / part / last).is_file()


@dataclass
class Learner:
    """Learns the parts of a training.

    Attributes
    ----------
    training
        What is asked for.
    classes, pages, drawn
        What its sources hold.
    """

    training: Training
    classes: Classes
    pages: list[TrainingPage]
    drawn: list[TrainingPage]

    def learn(self, part: str, say: Say) -> None:
        """Learn and judge a part, of any kind."""
        fold, _, share = part.partition("-")
        if part == RELEASE:
            self.release(say)
        elif share:
            self.share(self.training.fold_names.index(fold), share, say)
        else:
            self.fold(self.training.fold_names.index(fold), say)

    def seen(self, number: int) -> list[TrainingPage]:
        """The pages that a fold learns from."""
        return [p for p in self.pages if self._fold_of_artwork[p.artwork] != number]

    def part_seen(self, number: int, share: str) -> list[TrainingPage]:
        """The pages that a share of a fold learns from."""
        return part_of(self.seen(number), SHARES[share], self.training.seed)

    def fold(self, number: int, say: Say) -> Fold:
        """What the stack of a fold says of its held-out pages."""
        part = self.training.fold_names[number]
        path = self._stack(self.seen(number), part, number, say)
        return evaluated(self._held_out(number), self.classes, path, number, say)

    def share(self, number: int, share: str, say: Say) -> dict[str, bool]:
        """Whether a stack that has learned from a share of a fold's pages has it first on those held out."""
        part = f"{self.training.fold_names[number]}-{share}"
        n = 1 + list(SHARES).index(share)
        seed = number + n * (self.training.folds + 1)
        path = self._stack(self.part_seen(number, share), part, seed, say)
        return first_places(self._held_out(number), path)

    def release(self, say: Say) -> Networks:
        """The networks of the stack that learns from all pages; its seed is of a fold after the last one."""
        return self._networks(self.pages, RELEASE, self.training.folds, say)

    @cached_property
    def _fold_of_artwork(self) -> dict[str, int]:
        return folds_by_artwork(self.pages, self.training.folds, self.training.seed)

    def _held_out(self, number: int) -> list[TrainingPage]:
        return [p for p in self.pages if self._fold_of_artwork[p.artwork] == number]

    def _stack(self, pages: Sequence[TrainingPage], part: str, number: int, say: Say) -> Path:
        """The stack file of a part, not calibrated."""
        networks = self._networks(pages, part, number, say)
        release = Release(file_name(self.classes.names[0]))
        return write_stack(self.training.out / part, release, self.classes, *networks)

    def _networks(
        self, pages: Sequence[TrainingPage], part: str, number: int, say: Say
    ) -> Networks:
        """What a part learns; `number` is its own, for the seeds."""
        learned_from = [*pages, *self.drawn]
        # Seeds of different parts lie 10 apart, since the networks of a part add small numbers to theirs.
        seed = 1000 * self.training.seed + 10 * number
        arguments = (self.training.out / part, self.training.plan, seed, say)
        with seeded(seed):
            proposals = learn_proposals(learned_from, self.classes, *arguments)
        closer, box = learn_looks(learned_from, self.classes, proposals, *arguments)
        return folded(proposals), [folded(net) for net in closer], folded(box)
