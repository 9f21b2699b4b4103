"""How easily chance brings about that a place agrees with a mask.

What a score is worth depends on the mask: a blurred edge meets its like on every page, a face does not. The
evidence of a place counts four things: how well the place agrees with the mask, how well without those parts
of the mask that agree least (something may hide them), how many independent numbers have been compared, which
is few for a smooth mask, a small one, and one that the edge of the image cuts, and whether the colours are
the mask's. (A correlation's standard error falls with that number; Fisher's transform makes it the same for
all correlations.)

It also depends on the page: among lines of text, any word resembles many. So it counts how far a place leads:
how much more speaks for it than for the next place that is no copy of the mask.

The weights are those of logistic regressions over places of pages with the mask and without it; the law of
`chance_of` is an exponential fitted to the best place of each page without the mask, the tail of a maximum
(`benchmarks/verdicts.py` measures on other pages what comes of it).

References
----------
Desolneux, Moisan, Morel, "From Gestalt Theory to Image Analysis: A Probabilistic Approach", 2008.
Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 1989: the concordance is
the correlation times an accuracy, which is 1 where contrast and brightness are the same.
"""

from __future__ import annotations

import numpy as np

from waldo_cli.arrays import Doubles
from waldo_cli.detector.alignment import Agreement

# A place is a find where at most this share of pictures without the mask has one as good.
MOST_CHANCE = 0.01

# Weights of the agreement, of the trimmed agreement (both by Fisher's transform) and of the logarithm of the
# number of independent numbers; and what is added.
_AGREEMENT, _TRIMMED, _INDEPENDENT, _CONSTANT = 2.67, 2.2, 1.8, -12.95

# Weights of the logarithm of the accuracy, which is taken as at least `_LEAST_ACCURACY`, and of the lead.
_ACCURACY, _LEAD = 3.0, 1.8
_LEAST_ACCURACY = 0.05

# An agreement above this counts as this: resampling a copy of the mask leaves as much.
_BEST_AGREEMENT = 0.995

# How many times the contrast of the mask that of the image may be.
_GAIN = (1 / 6, 3.0)

# Evidence of a place of no account; no place has less. A lead of more than the other number tells no more.
_NO_EVIDENCE, _MOST_LEAD = -2.3, 4.0

# From this concordance a place is a copy of the mask, and no rival of another one.
_COPY = 0.95

# What must be left of the trimmed agreement where the finest detail of the mask is compared.
LEAST_FINE = 0.7

# Evidence with the lead that 1 of 100 pages without the mask reaches, and how much more 1 of 1,000 reaches.
_ONE_IN_100, _TEN_TIMES_LESS = 4.85, 4.5


def evidence(agreement: Agreement, *, any_contrast: bool) -> Doubles:
    """How much speaks for each place, ``(N,)``: log odds, but for a constant.

    Unless any contrast will do, nothing speaks for a place whose contrast is far from the mask's: a faint
    mask is not meant by bold strokes.
    """
    whole, trimmed = (
        np.arctanh(np.clip(a, -0.5, _BEST_AGREEMENT)) for a in (agreement.score, agreement.trimmed)
    )
    compared = np.log(np.maximum(agreement.independent * agreement.inside, 1.0))
    total: Doubles = _AGREEMENT * whole + _TRIMMED * trimmed + _INDEPENDENT * compared + _CONSTANT
    if not any_contrast:
        accuracy = agreement.concordance / np.maximum(agreement.score, 1e-3)
        total = total + _ACCURACY * np.log(np.clip(accuracy, _LEAST_ACCURACY, 1.0))
        total[(agreement.gain < _GAIN[0]) | (agreement.gain > _GAIN[1])] = _NO_EVIDENCE
    return np.maximum(total, _NO_EVIDENCE)


def leads(evidence: Doubles, agreement: Agreement, *, any_contrast: bool) -> Doubles:
    """How much more speaks for each place than for the next one that is no copy of the mask, ``(N,)``.

    The places do not overlap, and are in the order of their evidence, best first.
    """
    alike = agreement.score if any_contrast else agreement.concordance
    out = np.empty(len(evidence))
    rival = _NO_EVIDENCE
    for n in reversed(range(len(evidence))):
        out[n] = min(evidence[n] - rival, _MOST_LEAD)
        if alike[n] < _COPY:
            rival = evidence[n]
    return out


def chance_of(evidence: Doubles, lead: Doubles) -> Doubles:
    """The share of pages without the mask whose best place has at least this evidence and lead, ``(N,)``."""
    total = evidence + _LEAD * lead
    chance = np.minimum(1.0, 0.01 * 10 ** ((_ONE_IN_100 - total) / _TEN_TIMES_LESS))
    return np.where(evidence > _NO_EVIDENCE, chance, 1.0)
