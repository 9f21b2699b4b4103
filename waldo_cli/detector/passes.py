"""What a pass of `detect` saw: the maps, the candidates, and what the closer looks answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from waldo_cli.arrays import Floats
from waldo_cli.detector.cuts import cuts
from waldo_cli.detector.light import Searched
from waldo_cli.detector.maps import Maps
from waldo_cli.detector.matcher import Matcher
from waldo_cli.detector.peaks import MAX_OVERLAP, as_printed
from waldo_cli.geometry import Detection
from waldo_cli.stack.stack import CloserLook, Stack

RANKED = 12  # places that are explained after suppression, where there are no closer looks


@dataclass(frozen=True, eq=False)
class Pass:
    """What `detect` saw with one stack.

    Attributes
    ----------
    stack
        With its masks in it.
    maps
        The stack's activations at each scale, weighed by the prior. Closer looks are asked about the peaks
        of one map, the largest of all channels.
    candidates
        The peaks that the closer looks were asked about; empty where there are none.
    evidence
        What the first pass says of them, log odds, ``(N,)``; None where it gives no probabilities.
    answers
        Of each closer look, ``(N, labels)``; NaN for candidates that it was not shown.
    scores
        What they come to together, ``(N, labels)``; None where there is no closer look.
    matches
        Where masks are verified, for each of them its best places after that; else empty.
    matcher
        Where a mask was sought coarse to fine, how; the stack's layers have not run then.
    """

    stack: Stack
    maps: Maps
    candidates: tuple[Detection, ...] = ()
    evidence: Floats | None = None
    answers: tuple[Floats, ...] = ()
    scores: Floats | None = None
    matches: tuple[tuple[Detection, ...], ...] = ()
    matcher: Matcher | None = None

    def scored(self, label: str) -> list[Detection]:
        """The candidates with what the closer looks say of them for a label."""
        return [
            replace(candidate, label=label, score=as_printed(score))
            for candidate, score in zip(self.candidates, self.best([label]), strict=True)
        ]

    def best(self, labels: Sequence[str]) -> Floats:
        """The best score of each candidate among these labels, ``(N,)``.

        Raises
        ------
        ValueError
            There was no closer look.
        """
        best: Floats = self._scores_of(labels).max(axis=1)
        return best

    def together(self, labels: Sequence[str]) -> float:
        """The score of the candidate that is most surely one of these labels; 0 where there is none.

        Raises
        ------
        ValueError
            There was no closer look.
        """
        return float(self._scores_of(labels).sum(axis=1).max(initial=0.0))

    def _scores_of(self, labels: Sequence[str]) -> Floats:
        if self.scores is None:
            raise ValueError("no closer look was taken")
        return self.scores[:, [self.stack.labels.index(label) for label in labels]]

    def shown(self, image: Searched, n: int) -> Iterator[tuple[int, CloserLook, Floats]]:
        """Number, closer look and cut of each one that was shown candidate `n`."""
        looks = zip(self.stack.closer_looks, self.answers, strict=True)
        for number, (look, answers) in enumerate(looks, 1):
            if not np.isnan(answers[n]).any():
                yield number, look, cuts(look, image, self.candidates[n], self.maps.object_size)[0]


@dataclass(eq=False)
class Trace:
    """The way to a `Result`. `detect` fills it in where it is given one, `waldo explain` shows it.

    Attributes
    ----------
    passes
        One for each stack that ran: masks of different sizes take one each, and so does each mask that is
        sought coarse to fine.
    labels
        What was reported.
    threshold
        What a peak had to reach; None where the best one counts whatever its score.
    max_overlap
        What two finds of one label could share at most.
    by_verdict
        Whether the chance of a place decided instead of the threshold.
    """

    passes: list[Pass] = field(default_factory=list)
    labels: tuple[str, ...] = ()
    threshold: float | None = None
    max_overlap: float = MAX_OVERLAP
    by_verdict: bool = False
