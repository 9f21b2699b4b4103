"""Scores into probabilities, and the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from waldo_cli.training.release import folded


@dataclass(frozen=True)
class Calibration:
    """Scores into probabilities: ``sigmoid(slope * logit(score) + offset)`` (Platt 1999)."""

    slope: float
    offset: float
    threshold: float

    def __call__(self, score: float) -> float:
        """The probability that a page's best find of this score is Waldo."""
        return float(1 / (1 + np.exp(-self.slope * _logit(score) - self.offset)))


def _logit(score: float) -> float:
    score = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(score / (1 - score))


def calibrate(
    finds: Sequence[tuple[float, bool]], absent: Sequence[float], alarm_rate: float = 0.05
) -> Calibration:
    """Fit probabilities to held-out finds.

    Parameters
    ----------
    finds
        ``(score, hit)`` of each page's best find, pages without him included.
    absent
        Best scores of pages without him. The threshold, one half or more, is such that less than
        `alarm_rate` of them reach it.
    """
    x = torch.tensor([_logit(s) for s, _ in finds], dtype=torch.float64)
    y = torch.tensor([float(hit) for _, hit in finds], dtype=torch.float64)
    # A few imagined errors of each kind keep the slope finite where the two are separable.
    y = y * (1 - 2 / (len(y) + 4)) + 1 / (len(y) + 4)
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        error = functional.binary_cross_entropy_with_logits(line[0] * x + line[1], y)
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    slope, offset = (float(v) for v in line.detach())
    known = Calibration(max(slope, 0.1), offset, 0.5)
    alarms = sorted((known(s) for s in absent), reverse=True)
    allowed = math.ceil(alarm_rate * len(alarms)) - 1
    limit = math.nextafter(alarms[max(allowed, 0)], 1.0) if alarms else 0.5
    return replace(known, threshold=math.ceil(1000 * min(max(0.5, limit), 0.99)) / 1000)


def calibrated(classifier: nn.Sequential, calibration: Calibration) -> nn.Sequential:
    """The folded classifier whose softmax gives probabilities."""
    net = folded(classifier)
    last = net[-1]
    if not isinstance(last, nn.Conv2d) or last.bias is None:
        raise TypeError("a classifier ends in a convolution with bias")
    last.weight.data.mul_(calibration.slope)
    last.bias.data.mul_(calibration.slope)
    last.bias.data[0] += calibration.offset
    return net
