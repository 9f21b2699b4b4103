"""A mask at all angles, as one would write it with OpenCV: the peers of job j.

    python opencv_turned.py PAGE MASK

`every_place` compares the mask, turned in steps, with every place of the page. `coarse_to_fine` does so on
a small copy of page and mask, and follows the best places up a pyramid while it halves the step.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

Image = np.ndarray[Any, np.dtype[np.float32]]

STEP = 5  # degrees
COARSEST = 16  # shorter side of the mask on the smallest copy, in pixels
KEPT = (24, 12, 6)  # candidates on the smallest copy, on the next larger, on all others


class Found(NamedTuple):
    """The best place: its centre, counter-clockwise angle and score."""

    score: float
    x: float
    y: float
    angle: float


def turned(mask: Image, angle: float) -> tuple[Image, Image]:
    """The mask turned counter-clockwise, on a canvas that holds it, and which pixels it covers."""
    height, width = mask.shape[:2]
    a = math.radians(angle)
    cols = math.ceil(abs(width * math.cos(a)) + abs(height * math.sin(a)))
    rows = math.ceil(abs(width * math.sin(a)) + abs(height * math.cos(a)))
    move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    move[:, 2] += (cols - width) / 2, (rows - height) / 2
    pixels = cv2.warpAffine(mask, move, (cols, rows), borderMode=cv2.BORDER_REPLICATE)
    covered = cv2.warpAffine(np.ones((height, width), np.float32), move, (cols, rows))
    return pixels, (covered > 0.99).astype(np.float32)


def scores_of(page: Image, mask: Image, angle: float) -> tuple[Image, tuple[int, int]]:
    """The score of every place, and the size of the turned mask as rows, columns."""
    pixels, covered = turned(mask, angle)
    if pixels.ndim == 3:
        covered = np.repeat(covered[:, :, None], pixels.shape[2], 2)
    scores = cv2.matchTemplate(page, pixels, cv2.TM_CCOEFF_NORMED, mask=covered)
    # Flat windows give infinity or NaN, and rounding more than 1.
    return np.where(np.abs(scores) <= 1.01, scores, -1), pixels.shape[:2]


def every_place(page: Image, mask: Image, angles: Sequence[float]) -> Found:
    """The best of all places and angles, without refinement."""
    best = Found(-2, 0, 0, 0)
    for angle in angles:
        scores, (rows, cols) = scores_of(page, mask, angle)
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        best = max(best, Found(score, x + cols / 2, y + rows / 2, angle))
    return best


def coarse_to_fine(page: Image, mask: Image, angles: Sequence[float]) -> Found:
    """The best place, refined to fractions of a pixel and of a degree."""
    levels = max(0, int(math.log2(min(mask.shape[:2]) / COARSEST)))
    pages, masks = [page], [mask]
    for _ in range(levels):
        for pyramid in (pages, masks):
            last = pyramid[-1]
            half = last.shape[1] // 2, last.shape[0] // 2
            pyramid.append(cv2.resize(last, half, interpolation=cv2.INTER_AREA))
    found = [c for angle in angles for c in _best_places(pages[-1], masks[-1], angle)]
    found = _apart(found, masks[-1].shape[0] / 4, KEPT[0])
    step = float(STEP)
    for n, level in enumerate(range(levels - 1, -1, -1), 1):
        step /= 2
        fx = pages[level].shape[1] / pages[level + 1].shape[1]
        fy = pages[level].shape[0] / pages[level + 1].shape[0]
        found = [
            max(
                _near(pages[level], masks[level], c.x * fx, c.y * fy, c.angle + turn)
                for turn in (-step, 0, step)
            )
            for c in found
        ]
        found = _apart(found, masks[level].shape[0] / 4, KEPT[min(n, 2)])
    best = max(found)
    step = min(step, 1.0)
    around = [_near(page, mask, best.x, best.y, best.angle + k * step) for k in (-1, 0, 1)]
    turn = step * _vertex(*(c.score for c in around))
    return max(around)._replace(angle=(best.angle + turn + 180) % 360 - 180)


def _best_places(page: Image, mask: Image, angle: float) -> list[Found]:
    """The four best places of one angle, half a mask apart."""
    scores, (rows, cols) = scores_of(page, mask, angle)
    found = []
    for _ in range(4):
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        found.append(Found(score, x + cols / 2, y + rows / 2, angle))
        j, i = rows // 4, cols // 4
        scores[max(0, y - j) : y + j + 1, max(0, x - i) : x + i + 1] = -2
    return found


def _near(page: Image, mask: Image, x: float, y: float, angle: float) -> Found:
    """The best place within three pixels, to a fraction of a pixel."""
    pixels, _ = turned(mask, angle)
    rows, cols = pixels.shape[:2]
    left = min(max(0, round(x - cols / 2) - 3), max(0, page.shape[1] - cols))
    top = min(max(0, round(y - rows / 2) - 3), max(0, page.shape[0] - rows))
    part = page[top : top + rows + 6, left : left + cols + 6]
    if part.shape[0] < rows or part.shape[1] < cols:
        return Found(-2, x, y, angle)
    scores, _ = scores_of(part, mask, angle)
    _, score, _, (i, j) = cv2.minMaxLoc(scores)
    dx = _vertex(*scores[j, i - 1 : i + 2]) if 0 < i < scores.shape[1] - 1 else 0
    dy = _vertex(*scores[j - 1 : j + 2, i]) if 0 < j < scores.shape[0] - 1 else 0
    return Found(score, left + i + cols / 2 + dx, top + j + rows / 2 + dy, angle)


def _vertex(before: float, here: float, after: float) -> float:
    """Where the parabola through three values has its maximum, from the middle one."""
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -1, 1)) if bend < 0 else 0.0


def _apart(found: list[Found], distance: float, count: int) -> list[Found]:
    """The best ones that are not the same place at a similar angle."""
    kept: list[Found] = []
    for one in sorted(found, reverse=True):
        if len(kept) < count and all(
            math.hypot(one.x - k.x, one.y - k.y) > distance
            or abs((one.angle - k.angle + 180) % 360 - 180) > 3 * STEP
            for k in kept
        ):
            kept.append(one)
    return kept


if __name__ == "__main__":
    cv2.setNumThreads(2)
    page, mask = (cv2.imread(path).astype(np.float32) / 255 for path in sys.argv[1:3])
    print(coarse_to_fine(page, mask, range(-180, 180, STEP)))
