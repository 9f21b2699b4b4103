"""Which candidates of a mask are what it shows: coarse to fine, the second step, and the verdict.

The candidates of `coarse` are aligned with more and more points of the mask (`alignment`), copies of the
mask are tried near the best, and those that lie over better ones are dropped. Each is compared with the mask
part by part, and `verdict` says how easily chance brings such an agreement about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Doubles, Floats
from waldo_cli.detector.agreement import Agreement, compare
from waldo_cli.detector.alignment import align
from waldo_cli.detector.coarse import (
    ALIGNED,
    FINDS,
    Candidates,
    apart,
    compared,
    effort,
    of_each_scale,
)
from waldo_cli.detector.copies import copies_in_colour, copies_near, copies_partly_hidden
from waldo_cli.detector.maps import prior_at
from waldo_cli.detector.matcher import FINE, FIRST, SECOND, Matcher
from waldo_cli.detector.peaks import as_printed
from waldo_cli.detector.poses import ImagePyramid, Poses
from waldo_cli.detector.verdict import (
    MOST_CHANCE,
    SURE,
    chance_of,
    evidence,
    partly_hidden,
    promise,
    rivals,
)
from waldo_cli.geometry import Box, Detection, Size

# Finds among the first candidates, up to which the candidates after them are skipped: they are worse.
SEVERAL = 8

# Candidates that are aligned as finely as is reported, at least.
REFINED = 16

# Steps of an alignment: more do not change where it ends.
STEPS = 4

# Where one that agrees as well as this is known, none is sought of which a part is hidden.
_EXACT = 0.99

# Poses so near are one: share of the thing's shorter side, logarithm of the scale, degrees.
_SAME = (0.1, 0.06, 4.0)

# How near to the pixels' own grid a pose must be to be tried there: pixels, share of the scale, degrees.
_NEAR_GRID = (0.75, 0.04, 2.0)

# The template of a refinement has a few points more than the scale so far would give it.
_A_LITTLE_MORE = 1.05

# How far beyond the scales that are asked for a thing may be: half a step of a coarse ladder.
_BEYOND_SCALES = 1.15


class Match(NamedTuple):
    """A detection, and where it stands among others: smaller keys come first.

    Sort by `key` alone: detections have no order.
    """

    key: tuple[float, ...]
    detection: Detection

    @property
    def box(self) -> Box:
        return self.detection.box

    def standing(self, accepts: Callable[[Detection], bool]) -> tuple[float, ...]:
        """The key where what `accepts` takes for finds comes before all others.

        By a threshold a find may be one that chance brings about more easily than what is none.
        """
        return (not accepts(self.detection), *self.key)

    def moved(self, part: Box) -> Match:
        """The match in an image of which the one that it was found in is a part."""
        if part.left == part.top == 0:
            return self
        d = self.detection
        box = Box(d.box.left + part.left, d.box.top + part.top, d.box.width, d.box.height)
        polygon = d.polygon and tuple(
            (round(x + part.left, 2), round(y + part.top, 2)) for x, y in d.polygon
        )
        x, y = round(d.x + part.left, 2), round(d.y + part.top, 2)
        return Match(self.key, replace(d, x=x, y=y, box=box, polygon=polygon))


def finds_first(matches: Iterable[Match], accepts: Callable[[Detection], bool]) -> list[Match]:
    """The matches in their order, but those that `accepts` takes for finds before all others."""
    return sorted(matches, key=lambda match: match.standing(accepts))


def verified(
    matcher: Matcher,
    pyramid: ImagePyramid,
    candidates: Candidates,
    prior: Floats | None,
    *,
    count: int,
    max_overlap: float,
    accepts: Callable[[Detection], bool],
    first: int,
) -> list[Match]:
    """The candidates as detections, best first, at most `count`; of those that overlap only the best.

    Finds, which `accepts` tells, come first; of them those that chance would hardly bring about. Where at
    most `SEVERAL` of the `first` candidates are finds, the others are not looked at, and at most `FINDS` come
    back.
    """
    if len(candidates) > first:
        few = verified(
            matcher,
            pyramid,
            candidates[:first],
            prior,
            count=min(count, FINDS),
            max_overlap=max_overlap,
            accepts=accepts,
            first=first,
        )
        if sum(accepts(match.detection) for match in few) <= SEVERAL:
            return few
    first_side = matcher.larger * FIRST
    found = _aligned(matcher, pyramid, candidates, first_side, prior)
    agreement = compared(matcher, pyramid, found, first_side)
    order = np.argsort(-promise(agreement), kind="stable")
    found = found[order][_distinct(found.poses[order], matcher, ALIGNED * effort(count))]
    found = _aligned(matcher, pyramid, found, matcher.larger * SECOND, prior)
    found, agreement, speaks, in_colour = _with_copies(
        matcher, pyramid, found, prior, count, max_overlap
    )
    if not len(found):  # all have left the region
        return []
    weights = _weights(prior, found.poses)
    chances = chance_of(speaks, rivals(speaks, _different(found.poses, matcher)))
    # Half as likely to be there: chance is twice as likely to be what brings it about.
    chances = np.where(weights > 0, np.minimum(chances / np.maximum(weights, 1e-9), 1.0), 1.0)
    hidden = (chances <= MOST_CHANCE) & partly_hidden(agreement, any_contrast=matcher.any_contrast)
    scores = _standing(matcher, agreement, weights, hidden)
    keys = [
        _key(chances[n], scores[n], agreement[[n]], found.poses[[n]]) for n in range(len(found))
    ]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)
    # A few more than asked for, since the order may change once more. Of places that overlap the finer look
    # decides between the best two: what is fine tells scales apart.
    kept = apart(found.poses[order], matcher, max_overlap, max(count, REFINED), order)
    others = order[(chances[order] <= MOST_CHANCE) & ~np.isin(order, kept)]
    kept = np.append(kept, apart(found.poses[others], matcher, max_overlap, len(kept), others))
    poses, matches, standing = [], [], []
    for n in kept.tolist():
        pose, there, chance = found.poses[[n]], agreement[[n]], float(chances[n])
        # Nobody asks for the exact place of what is not reported; copies lie on the pixels' own grid.
        if chance <= MOST_CHANCE and not (hidden[n] or in_colour[n]):
            pose, there = _refined(matcher, pyramid, pose)
            if evidence(there, any_contrast=matcher.any_contrast)[0] == -np.inf:
                chance = 1.0
        poses.append(pose)
        score = float(_standing(matcher, there, weights[[n]], hidden[[n]])[0])
        standing.append(_key(chance, score, there, pose))
        matches.append(_as_match(matcher, pyramid.size, pose, there, chance, weights[[n]]))
    order = np.array(sorted(range(len(matches)), key=standing.__getitem__), np.intp)
    best = apart(Poses.joined([poses[n] for n in order]), matcher, max_overlap, len(order), order)
    return finds_first((matches[n] for n in best), accepts)[:count]


def _with_copies(
    matcher: Matcher,
    pyramid: ImagePyramid,
    found: Candidates,
    prior: Floats | None,
    count: int,
    max_overlap: float,
) -> tuple[Candidates, Agreement, Doubles, NDArray[np.bool_]]:
    """The candidates and copies of the mask, how well the image agrees there, and what speaks for them.

    At last, which of them are copies of a mask of one colour that were found by this colour.
    """
    copies = _inside(copies_near(matcher, pyramid, found, max_overlap), prior)
    found = Candidates.joined([found, copies])
    agreement, speaks = _evidence(matcher, pyramid, found, len(copies))
    if matcher.colour is not None:
        more, there = copies_in_colour(matcher, matcher.colour, pyramid, prior, count)
        inside = ~np.isnan(_weights(prior, more.poses))
        more, there = more[inside], there[inside]
    else:
        known = found.poses[(speaks >= SURE) & (agreement.score > _EXACT)]
        more = _inside(copies_partly_hidden(matcher, pyramid, prior, count, known), prior)
        numbers = np.full(len(more), matcher.independent)
        there = _pixel_by_pixel(matcher, pyramid, more.poses, numbers)
    in_colour = np.zeros(len(found) + len(more), bool)
    in_colour[len(found) :] = matcher.colour is not None
    return (
        Candidates.joined([found, more]),
        Agreement.joined([agreement, there]),
        np.append(speaks, evidence(there, any_contrast=matcher.any_contrast)),
        in_colour,
    )


def _inside(found: Candidates, prior: Floats | None) -> Candidates:
    """Those where the prior allows a find."""
    return found[~np.isnan(_weights(prior, found.poses))]


def _evidence(
    matcher: Matcher, pyramid: ImagePyramid, found: Candidates, copies: int
) -> tuple[Agreement, Doubles]:
    """How well the image agrees with the mask at each candidate, and what speaks for it.

    They are seen from further away, too, since noise and strong compression spoil what is fine first, and
    compared with the mask as a blurred image shows it. The last ones, so many copies, are also compared
    pixel by pixel.
    """
    side, any_contrast = matcher.larger * SECOND, matcher.any_contrast
    agreement = compared(matcher, pyramid, found, side)
    from_afar = compared(matcher, pyramid, found, matcher.half_side)
    blurred = compared(matcher, pyramid, found, side, blurred=True)
    speaks = np.max(
        [evidence(a, any_contrast=any_contrast) for a in (agreement, from_afar, blurred)], axis=0
    )
    if copies:
        last = slice(-copies, None)
        whole = _pixel_by_pixel(matcher, pyramid, found.poses[last], agreement.independent[last])
        agreement = Agreement.joined([agreement[:-copies], whole])
        speaks[last] = np.maximum(speaks[last], evidence(whole, any_contrast=any_contrast))
    return agreement, speaks


def _standing(
    matcher: Matcher, agreement: Agreement, weights: Doubles, hidden: NDArray[np.bool_]
) -> Doubles:
    """The scores by which places that overlap compete: of a copy partly hidden, that of what is left."""
    return np.where(hidden, agreement.uncovered * weights, matcher.reported(agreement, weights))


def _key(chance: float, score: float, agreement: Agreement, pose: Poses) -> tuple[float, ...]:
    """The order of places: what may be reported first, then by score, colour, what is seen, as one reads.

    What may only just be reported comes after all that is ten times surer. Scores that differ by less than a
    ten-thousandth are the same: alignment finds them no better.
    """
    unlikely = float((chance > MOST_CHANCE / 10) + (chance > MOST_CHANCE))
    alike = -round(float(agreement.concordance[0]), 3), -round(float(agreement.inside[0]), 3)
    return (unlikely, -round(score, 4), *alike, float(pose.y[0]), float(pose.x[0]))


def _refined(matcher: Matcher, pyramid: ImagePyramid, pose: Poses) -> tuple[Poses, Agreement]:
    """A pose, aligned as finely as is reported, and on the pixels' own grid where it belongs there."""
    # The first turn may have changed the scale, and with it what can be told apart.
    for _ in range(2):
        scale = float(pose.scale[0])
        template = matcher.template(FINE, scale * _A_LITTLE_MORE)
        pitch = scale * math.sqrt(template.pitch[0] * template.pitch[1])
        near = pyramid.around(pose, 0.55 * scale * math.hypot(*matcher.mask.size), pitch)
        starts = [
            pose,
            align(near, template, pose, scale, matcher.free, STEPS)[0],
            align(near, template, pose, scale, matcher.free, STEPS, trimmed=True)[0],
        ]
        # With all parts of the mask the place is the most exact, unless something hides one of them.
        all_of_them = compare(near, template, Poses.joined(starts), scale)
        best = int(np.argmax(all_of_them.score + all_of_them.trimmed))
        pose, agreement = starts[best], all_of_them[[best]]
    snapped = _on_pixels(matcher, pose)
    if snapped is not None:
        there = _pixel_by_pixel(matcher, pyramid, snapped, agreement.independent)
        # What shows another thing may be a little more like the mask beside its place.
        if there.another[0] or there.score[0] > agreement.score[0] - 1e-3:
            pose, agreement = snapped, there
    return pose, agreement


def _as_match(
    matcher: Matcher,
    image: Size,
    pose: Poses,
    agreement: Agreement,
    chance: float,
    weights: Doubles,
) -> Match:
    score = float(matcher.reported(agreement, weights)[0])
    key = _key(chance, score, agreement, pose)
    return Match(key, _as_detection(matcher, image, pose, score, chance, agreement))


def _on_pixels(matcher: Matcher, pose: Poses) -> Poses | None:
    """A pose that lies within a hair of the pixels' own grid, on it; None for others.

    A copy of the mask is then compared pixel for pixel.
    """
    turn = np.round(pose.angle / 90) * 90
    across = bool(turn[0] // 90 % 2)
    half = [n % 2 / 2 for n in (matcher.mask.size if across else matcher.mask.size[::-1])]
    x, y = (np.round(at - h) + h for at, h in zip((pose.x, pose.y), half, strict=True))
    place, growth, degrees = _NEAR_GRID
    off = (abs(x - pose.x) / place, abs(y - pose.y) / place, abs(pose.scale - 1) / growth)
    if max(map(float, (*(a[0] for a in off), abs(turn - pose.angle)[0] / degrees))) > 1:
        return None
    return Poses(x, y, np.ones(1), turn, pose.mirrored)


def _aligned(
    matcher: Matcher,
    pyramid: ImagePyramid,
    found: Candidates,
    side: float,
    prior: Floats | None,
) -> Candidates:
    """The candidates, aligned with about `side`² points of the mask; not those that have left the prior."""
    parts = [found[[]]]
    for some, template in of_each_scale(matcher, found, side):
        scale = float(some.scales[0])
        poses, scores = align(
            pyramid, template, some.poses, scale, matcher.free, STEPS, trimmed=True
        )
        parts.append(Candidates(poses, scores, some.scales))
    aligned = Candidates.joined(parts)
    inside = ~np.isnan(_weights(prior, aligned.poses))
    inside &= (aligned.poses.scale > min(matcher.scales) / _BEYOND_SCALES) & (
        aligned.poses.scale < max(matcher.scales) * _BEYOND_SCALES
    )
    for at, size in ((aligned.poses.x, pyramid.size.cols), (aligned.poses.y, pyramid.size.rows)):
        inside &= (at >= 0) & (at <= size)
    return aligned[inside]


def _pixel_by_pixel(
    matcher: Matcher, pyramid: ImagePyramid, poses: Poses, independent: Doubles
) -> Agreement:
    """How well the image agrees with all of the mask's pixels at its own size.

    How many independent numbers these are is told, see `Matcher.independent`.
    """
    return compare(pyramid, matcher.template(math.inf, 1.0), poses, 1.0, independent, hidden=True)


def _weights(prior: Floats | None, poses: Poses) -> Doubles:
    """The prior at the centres of poses; 1 where there is none."""
    if prior is None:
        return np.ones(len(poses))
    return prior_at(prior, poses.y, poses.x).astype(np.float64)


def _distinct(poses: Poses, matcher: Matcher, count: int) -> NDArray[np.intp]:
    """At most `count` rows of poses, which come best first: those not nearly the same as a better one."""
    side = min(matcher.mask.size) * poses.scale
    kept: list[int] = []
    for n in range(len(poses)):
        if len(kept) == count:
            break
        better = poses[kept]
        same = np.hypot(better.x - poses.x[n], better.y - poses.y[n]) < _SAME[0] * side[n]
        same &= np.abs(np.log(better.scale / poses.scale[n])) < _SAME[1]
        same &= np.abs((better.angle - poses.angle[n] + 180) % 360 - 180) < _SAME[2]
        if not (same & (better.mirrored == poses.mirrored[n])).any():
            kept.append(n)
    return np.array(kept, np.intp)


def _different(poses: Poses, matcher: Matcher) -> NDArray[np.bool_]:
    """Whether each two poses are different places, ``(N, N)``: further apart than half the thing's side."""
    side = min(matcher.mask.size) * np.minimum(poses.scale[:, None], poses.scale)
    away = np.hypot(poses.x[:, None] - poses.x, poses.y[:, None] - poses.y)
    return away > side / 2


def _as_detection(
    matcher: Matcher,
    image: Size,
    pose: Poses,
    score: float,
    chance: float,
    agreement: Agreement,
) -> Detection:
    """A pose as it is reported: to a hundredth of a pixel and of a degree."""
    x, y, scale = float(pose.x[0]), float(pose.y[0]), float(pose.scale[0])
    angle = round(-((180 - float(pose.angle[0])) % 360 - 180), 2) + 0.0
    rows, cols = matcher.mask.frame
    corners = np.array([(-cols, -rows), (cols, -rows), (cols, rows), (-cols, rows)]) / 2
    at = corners @ pose.matrices()[0].T + (x, y)
    left, top = at.min(axis=0)
    right, bottom = at.max(axis=0)
    box = Box(
        round(left), round(top), max(1, round(right - left)), max(1, round(bottom - top))
    ).clipped(image.cols, image.rows)
    lies_turned = angle != 0 or bool(pose.mirrored[0])
    return Detection(
        matcher.mask.label,
        round(min(max(x, 0.0), image.cols), 2),
        round(min(max(y, 0.0), image.rows), 2),
        as_printed(round(score, 6)),
        box,
        round(scale, 4),
        angle=angle,
        mirrored=bool(pose.mirrored[0]),
        polygon=tuple((round(float(a), 2), round(float(b), 2)) for a, b in at)
        if lies_turned
        else None,
        chance=float(f"{chance:.3g}"),
        gain=round(float(agreement.gain[0]), 4),
        offset=round(float(agreement.offset[0]), 4),
    )
