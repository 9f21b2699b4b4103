"""How easily chance brings about that a place agrees with a mask.

What a score is worth depends on the mask: a blurred edge meets its like on every page, a face does not. The
evidence of a place counts how well it agrees with the mask; how many independent numbers have been compared,
which is few for a smooth mask, a grey one, and a small one (a correlation's standard error falls with that
number less 3; Fisher's transform makes it the same for all correlations); whether contrast and colours are
the mask's own, which chance seldom brings about; and how much of the mask lies inside the image, for there
are many ways to hang over its edge.

Something may hide a part of a copy. It is in one place, and all the rest is the same, pixel by pixel: where
all but a rectangle is the same, that counts instead. Parts that disagree here and there are not forgiven:
without them a bell is a house.

It depends on the page, too: on a page full of words each word has many that are nearly it, on a photograph
nothing comes near. So a place is held against the other places of the page that look most like the mask, its
rivals.

The weights are those of logistic regressions over places of pages with the mask and without it; the law of
`chance_of` is an exponential fitted to the best place of each page without the mask, the tail of a maximum
(`benchmarks/verdicts.py` measures on other pages what comes of it).

References
----------
Desolneux, Moisan, Morel, "From Gestalt Theory to Image Analysis: A Probabilistic Approach", 2008.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles
from waldo_cli.detector.agreement import Agreement

# A place is a find where at most this share of pictures without the mask has one as good.
MOST_CHANCE = 0.01

# Weights of the agreement (by Fisher's transform), of the logarithm of the number of independent numbers less
# 3, of sameness, and of the logarithm of the share inside; what is added.
_AGREEMENT, _INDEPENDENT, _SAME, _INSIDE = 4.5, 1.6, 2.5, 5.0
_CONSTANT = -12.7

# Sameness falls as a Gaussian does: with the logarithm of the gain, and with the difference of the colours.
# That of a mask of one colour, which may have any, is always this.
_SPREADS, _OF_SHAPES = (0.2, 0.06), 0.17

# An agreement above this counts as this: resampling a copy of the mask leaves as much.
_BEST_AGREEMENT = 0.995

# Of a copy of which something hides a part, beside these: the weight of sameness, what is added, the spreads
# of sameness, and the best agreement. Of less sameness than this nothing is a copy.
_COPY_SAME, _COPY_CONSTANT, _COPY_SPREADS, _BEST_COPY = 5.8, -8.8, (0.05, 0.02), 0.999
_LEAST_COPY_SAME = 0.1

# Independent numbers less 3 count as so many at least.
_FEWEST = 0.2

# How many times the contrast of the mask that of the image may be.
_GAIN = (1 / 6, 3.0)

# What the evidence of the rival takes away, as a share of it, and the limits of that evidence.
_OF_RIVAL = 0.45
_RIVAL_LIMITS = (-6.0, 4.0)
# Which of the other places is the rival: the third, so that a thing that is faint may be there three times.
_RIVAL = 3

# Evidence beyond the rival's share that 1 of 100 pages without the mask reaches, and how much more evidence
# 1 of 1,000 reaches.
_ONE_IN_100, _TEN_TIMES_LESS = 1.6, 2.4

# A place with this evidence is a find whatever its rival, and no rival itself: the thing may be there often.
SURE = _ONE_IN_100 + _OF_RIVAL * _RIVAL_LIMITS[1]


def evidence(agreement: Agreement, *, any_contrast: bool) -> Doubles:
    """How much speaks for each place, ``(N,)``: log odds, but for a constant.

    Unless any contrast will do, nothing does where that of the image is far from the mask's (minus infinity):
    a faint mask is not meant by bold strokes. Where a part may be hidden (`compare`), what is left counts if
    more speaks for that. Nothing speaks for a place that shows another thing on the mask's ground.
    """
    speaks = np.maximum(*_whole_and_left(agreement, any_contrast))
    return np.where(agreement.another, -np.inf, speaks)


def partly_hidden(agreement: Agreement, *, any_contrast: bool) -> NDArray[np.bool_]:
    """Whether more speaks for a copy of which something hides a part, ``(N,)``."""
    whole, left = _whole_and_left(agreement, any_contrast)
    return np.asarray(left > whole)


def _whole_and_left(agreement: Agreement, any_contrast: bool) -> tuple[Doubles, Doubles]:
    """What speaks for the mask as it is, and for what is left of it if something hides a part."""
    whole = _of_whole(agreement, _fisher(agreement.score, _BEST_AGREEMENT))
    numbers = agreement.independent * agreement.seen
    left = _log_odds(_fisher(agreement.uncovered, _BEST_COPY), numbers, agreement.inside)
    same = _sameness(agreement.uncovered_gain, agreement.uncovered_offset, _COPY_SPREADS)
    left += _COPY_CONSTANT + _COPY_SAME * same
    if not any_contrast:
        least, most = _GAIN
        whole[(agreement.gain < least) | (agreement.gain > most)] = -np.inf
    # Of other colours it is no copy. (NaN where it was not asked for.)
    return whole, np.where(same > _LEAST_COPY_SAME, left, -np.inf)


def promise(agreement: Agreement) -> Doubles:
    """The order of places that are still to be looked at more closely, ``(N,)``.

    As the evidence, but half forgives the parts that agree least, wherever they are: something may hide them,
    and the place is not exact yet.
    """
    whole, trimmed = (_fisher(a, _BEST_AGREEMENT) for a in (agreement.score, agreement.trimmed))
    return _of_whole(agreement, (whole + trimmed) / 2)


def _of_whole(agreement: Agreement, z: Doubles) -> Doubles:
    """What an agreement, by Fisher's transform, says where nothing is hidden."""
    same = _sameness(agreement.kept_gain, agreement.kept_offset, _SPREADS)
    of_numbers = _log_odds(z, agreement.independent, agreement.inside)
    return of_numbers + _SAME * np.nan_to_num(same, nan=_OF_SHAPES)


def _fisher(score: Doubles, most: float) -> Doubles:
    return np.asarray(np.arctanh(np.clip(score, -0.5, most)))


def _log_odds(z: Doubles, independent: Doubles, inside: Doubles) -> Doubles:
    """What the agreement of so many numbers says, whatever contrast and colours are."""
    inside = np.maximum(inside, 1e-3)
    numbers = np.log(np.maximum(independent * inside - 3, _FEWEST))
    return np.asarray(
        _AGREEMENT * z + _INDEPENDENT * numbers + _INSIDE * np.log(inside) + _CONSTANT
    )


def _sameness(gain: Doubles, offset: Doubles, spreads: tuple[float, float]) -> Doubles:
    """1 where contrast and colours are the mask's, down to 0, ``(N,)``; NaN for a mask of one colour."""
    apart = np.log(np.maximum(gain, 1e-6)) / spreads[0], offset / spreads[1]
    return np.asarray(np.exp(-(np.square(apart[0]) + np.square(apart[1])) / 2))


def rivals(evidence: Doubles, apart: NDArray[np.bool_]) -> Doubles:
    """The evidence of each place's rival, ``(N,)``; minus infinity where there are too few other places.

    `apart` says for each two places whether they are different ones, ``(N, N)``: of some that are the same
    only the best counts. Sure finds are no rivals.
    """
    different: list[int] = []
    for n in np.argsort(-evidence, kind="stable"):
        if apart[n, different].all():
            different.append(int(n))
    different = [n for n in different if evidence[n] < SURE]
    others = np.where(apart[:, different], evidence[different], -np.inf)
    if others.shape[1] < _RIVAL:
        return np.full(len(evidence), -np.inf)
    third: Doubles = -np.partition(-others, _RIVAL - 1, axis=1)[:, _RIVAL - 1]
    return third


def chance_of(evidence: Doubles, rivals: Doubles) -> Doubles:
    """The share of pages without the mask whose best place has at least this evidence, ``(N,)``."""
    beyond = evidence - _OF_RIVAL * np.clip(rivals, *_RIVAL_LIMITS)
    chance: Doubles = np.minimum(1.0, 0.01 * 10 ** ((_ONE_IN_100 - beyond) / _TEN_TIMES_LESS))
    return chance
