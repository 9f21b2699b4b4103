"""Turn scores into probabilities, and choose the threshold, from finds on held-out pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Calibration:
    """Platt scaling: a score becomes the probability ``sigmoid(slope * logit(score) + offset)``.

    The threshold is a probability, too.

    References
    ----------
    Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood
    Methods", Advances in Large Margin Classifiers 1999.
    """

    slope: float = 1.0
    offset: float = 0.0
    threshold: float = 0.5

    def __call__(self, score: float) -> float:
        """The probability that the best find of a page is what is sought, if it has this score."""
        return float(1 / (1 + np.exp(-self.slope * _logit(score) - self.offset)))


def _logit(score: float) -> float:
    """``log(p / (1 - p))``, finite for scores of 0 and 1, too."""
    score = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(score / (1 - score))


def calibrate(
    finds: Sequence[tuple[float, bool]], absent: Sequence[tuple[Sequence[float], float]]
) -> Calibration:
    """Fit slope and offset to held-out finds, and choose the threshold.

    Parameters
    ----------
    finds
        ``(score, hit)`` of the best find of each page, including pages without what is sought.
    absent
        For each kind of pages without it, the best score of each page, and a share: a find there is a
        false alarm, and the threshold is so high that less than this share of each kind reaches it. It is at
        least 0.5.
    """
    x = torch.tensor([_logit(s) for s, _ in finds], dtype=torch.float64)
    y = torch.tensor([float(hit) for _, hit in finds], dtype=torch.float64)
    # Targets a little inside 0 and 1, as if there were a few wrong answers of each kind. Otherwise the slope
    # would grow without limit where scores separate hits from misses perfectly.
    y = y * (1 - 2 / (len(y) + 4)) + 1 / (len(y) + 4)
    # Slope and offset; logistic regression with one variable, which LBFGS solves in a few steps.
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        error = functional.binary_cross_entropy_with_logits(line[0] * x + line[1], y)
        error.backward()  # type: ignore[no-untyped-call]
        return error

    if finds:
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    slope, offset = (float(v) for v in line.detach())
    # A slope of 0 or less would make all scores equal, or turn their order around.
    fitted = Calibration(max(slope, 0.1), offset, 0.5)
    limit = 0.5
    for scores, rate in absent:
        alarms = sorted((fitted(s) for s in scores), reverse=True)
        # The largest whole number below rate * len(alarms). So many alarms may reach the threshold; the next
        # one, alarms[allowed], must stay just below it.
        allowed = math.ceil(rate * len(alarms)) - 1
        if alarms:
            limit = max(limit, math.nextafter(alarms[max(allowed, 0)], 1.0))
    # Rounded up to three digits, and at most 0.99.
    return replace(fitted, threshold=math.ceil(1000 * min(limit, 0.99)) / 1000)
