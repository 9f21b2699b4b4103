"""Measure where the Fourier transform overtakes the matrix product, and draw it.

``python docs/figures/crossover.py`` writes ``docs/pictures/crossover.png`` and prints the ratios. Times are
the processor's, of all cores, the best of several runs; only their ratio is shown, for it depends least
on the machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from waldo_cli import cross_correlate

SIDES = (3, 5, 7, 9, 11, 15, 21, 31, 45)
BANKS = {(3, 1): (214, 38, 40), (3, 16): (64, 122, 190), (16, 16): (60, 140, 70)}  # (C, K): colour


def seconds(x: np.ndarray, V: np.ndarray, method: str, repeats: int) -> float:
    """The best time of one correlation."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        cross_correlate(x, V, method=method)
        best = min(best, time.process_time() - start)
    return best


def measure(side: int, repeats: int) -> dict[tuple[int, int], list[float]]:
    """Time of the product over time of the transform, for every bank and kernel side."""
    rng = np.random.default_rng(0)
    ratios: dict[tuple[int, int], list[float]] = {}
    for C, K in BANKS:
        x = rng.random((side, side, C), np.float32)
        ratios[C, K] = []
        for A in SIDES:
            V = rng.normal(size=(A, A, C, K)).astype(np.float32)
            product, transform = (seconds(x, V, method, repeats) for method in ("gemm", "fft"))
            ratios[C, K].append(product / transform)
    return ratios


def draw(ratios: dict[tuple[int, int], list[float]]) -> Image.Image:
    """A chart, both axes logarithmic; above the line at 1 the transform is quicker."""
    width, height, left, bottom, top, right = 640, 380, 60, 40, 20, 150
    low, high = 0.05, 50.0
    chart = Image.new("RGB", (width, height), "white")
    pen, font = ImageDraw.Draw(chart), ImageFont.load_default(12)

    def at(side: float, ratio: float) -> tuple[float, float]:
        x = np.log(side / SIDES[0]) / np.log(SIDES[-1] / SIDES[0])
        y = np.log(min(max(ratio, low), high) / low) / np.log(high / low)
        return left + x * (width - left - right), height - bottom - y * (height - bottom - top)

    for ratio in (0.1, 1, 10):
        pen.line(
            [at(SIDES[0], ratio), at(SIDES[-1], ratio)], fill="black" if ratio == 1 else "#ccc"
        )
        pen.text((8, at(3, ratio)[1] - 7), f"{ratio:g}", fill="black", font=font)
    for side in SIDES:
        x = at(side, 1)[0]
        pen.text((x - 6, height - bottom + 6), f"{side}", fill="black", font=font)
    pen.text((left, height - 18), "side of the kernel, pixels", fill="black", font=font)
    pen.text((8, 2), "time of the product / time of the transform", fill="black", font=font)
    free = float(height)  # labels go from the lowest curve up, none over another
    for (C, K), row in sorted(ratios.items(), key=lambda pair: pair[1][-1]):
        pen.line([at(s, r) for s, r in zip(SIDES, row, strict=True)], fill=BANKS[C, K], width=3)
        x, y = at(SIDES[-1], row[-1])
        free = min(y - 7, free - 15)
        pen.text((x + 8, free), f"{C} in, {K} out", fill=BANKS[C, K], font=font)
    return chart


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=192, help="of the image, in pixels")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/crossover.png"))
    asked = parser.parse_args()
    ratios = measure(asked.side, asked.repeats)
    sys.stdout.write("kernel side   " + "".join(f"{s:7}" for s in SIDES) + "\n")
    for (C, K), row in ratios.items():
        sys.stdout.write(f"{C:2} in, {K:2} out " + "".join(f"{r:7.2f}" for r in row) + "\n")
    draw(ratios).quantize(32).save(asked.out, optimize=True)


if __name__ == "__main__":
    main()
