"""Where exactly a mask lies: place, scale and angle, refined together for many candidates at once.

`align` moves poses until the pixels of the image under the points of the mask's template agree with it as
well as they can (`agreement`).

References
----------
Baker, Matthews, "Lucas-Kanade 20 Years On: A Unifying Framework", IJCV 2004; Evangelidis, Psarakis,
"Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", PAMI 2008.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from waldo_cli.arrays import Doubles
from waldo_cli.detector.agreement import Fit, TrimmedFit, fitted, groups, sampled, trimmed_fit
from waldo_cli.detector.poses import ANGLE, FIELDS, SCALE, ImagePyramid, Poses
from waldo_cli.detector.template import Equations, Template

# What one step may change at most: grid points, and the logarithm of the scale or radians.
_MAX_SHIFT = 1.5
_MAX_TURN = 0.12


def align(
    pyramid: ImagePyramid,
    template: Template,
    poses: Poses,
    scale: float,
    free: tuple[str, ...],
    steps: int,
    *,
    trimmed: bool = False,
) -> tuple[Poses, Doubles]:
    """Move each pose to where the image agrees best with the template, and the scores there.

    At most `steps` steps; of all poses on the way the best one counts. `free` names what may change
    (`Template.equations`). With `trimmed`, the parts of the mask that agree least have no say in a step
    (`Agreement`), and a score is the mean of that with them and without them.
    """
    equations = template.equations(free)
    moved: list[Poses] = []
    scores: list[Doubles] = []
    for some in groups(template, len(poses)):
        here = best = poses[some]
        best_score = np.full(len(here), -np.inf)
        for step in range(steps + 1):
            pixels, inside = sampled(pyramid, template, here, scale)
            fit = fitted(template, pixels, inside)
            rest = trimmed_fit(fit) if trimmed else None
            score = fit.score if rest is None else (fit.score + rest.score) / 2
            better = score > best_score
            best_score = np.where(better, score, best_score)
            best = Poses(
                *(np.where(better, getattr(here, name), getattr(best, name)) for name in FIELDS)
            )
            if step < steps:
                here = _moved(template, here, equations, fit, rest, free)
        moved.append(best)
        scores.append(best_score)
    return Poses.joined(moved), np.concatenate(scores)


def _moved(
    template: Template,
    poses: Poses,
    equations: Equations,
    fit: Fit,
    rest: TrimmedFit | None,
    free: tuple[str, ...],
) -> Poses:
    """The poses after one step. What lies outside is taken to agree, what is left out has no say."""
    gain, offset = fit.gain, np.zeros(fit.sums.Wx.shape[:2])
    kept = np.ones((len(poses), equations.normal.shape[0]))
    ignored = (fit.window.weights == 0) & (template.weights > 0)
    if rest is not None:
        gain, offset, kept = rest.gain, rest.offset, rest.kept
        ignored = ignored | (kept == 0)[:, template.part]
    error = fit.centred - gain.astype(np.float32)[:, None] * fit.window.values.astype(np.float32)
    error -= offset.astype(np.float32)[:, :, None]
    if ignored.any():
        error = np.where(ignored, np.float32(0), error)
    solved = equations.solved(error, kept)
    total = gain + solved[:, 0]
    change = solved[:, 1:] / np.where(total > 1e-6, total, np.inf)[:, None]
    limit = _MAX_SHIFT * template.pitch[0]
    place = np.clip(change[:, :2], -limit, limit)
    others = [np.clip(c, -_MAX_TURN, _MAX_TURN) for c in change[:, 2:].T]
    growth = others.pop(0) if SCALE in free else np.zeros(len(poses))
    turn = others.pop(0) if ANGLE in free else np.zeros(len(poses))
    shift = (poses.matrices() @ place[:, :, None])[:, :, 0]
    clockwise = np.degrees(np.arctan2(turn, 1 + growth))
    return replace(
        poses,
        x=poses.x + shift[:, 0],
        y=poses.y + shift[:, 1],
        scale=poses.scale * np.hypot(1 + growth, turn),
        angle=poses.angle - np.where(poses.mirrored, -clockwise, clockwise),
    )
