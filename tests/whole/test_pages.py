"""Real pages: a crop of a page finds its own place on that page.

The pages are others' art and are not shipped; they are read from beside the checkout where they are.
`python -m benchmarks` has no part in this: here it is about being right.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waldo_cli import detect, load_image

PAGES = Path(__file__).resolve().parents[3] / "shared" / "pages"

pytestmark = pytest.mark.skipif(
    not PAGES.is_dir(), reason="the real pages are not shipped with the project"
)


def truth() -> list[tuple[str, tuple[int, int, int, int]]]:
    """Name and Waldo's box of every listed page, the first box where there are two."""
    if not PAGES.is_dir():
        return []
    with (PAGES / "boxes.csv").open(newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["class"] == "waldo" and r["kind"] == "page"]
    boxes = {}
    for r in rows:
        box = tuple(int(r[k]) for k in ("xmin", "ymin", "xmax", "ymax"))
        boxes.setdefault(r["filename"], box)
    return sorted(boxes.items())


@pytest.mark.parametrize(("name", "box"), truth()[::3], ids=[name for name, _ in truth()[::3]])
def test_a_crop_finds_its_own_place_exactly(name: str, box: tuple[int, int, int, int]) -> None:
    """Every third page keeps the suite short; on the whole list each crop is found."""
    left, top, right, bottom = box
    page = load_image(PAGES / name)
    result = detect(page, masks=[page[top:bottom, left:right]], scales=1)
    found = result.detections[0]
    assert (found.box.left, found.box.top) == (left, top)
    assert (found.box.width, found.box.height) == (right - left, bottom - top)
    assert found.score == pytest.approx(1, abs=1e-5)
    row, col = np.unravel_index(result.activations.argmax(), result.activations.shape)
    assert abs(row + 0.5 - found.y) <= 1
    assert abs(col + 0.5 - found.x) <= 1


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_resized_crop_still_finds_its_place_in_nine_of_ten(factor: float) -> None:
    """Every sixth page keeps the suite short; the whole list gives the same share."""
    some = truth()[::6]
    hits = 0
    for name, (left, top, right, bottom) in some:
        page = load_image(PAGES / name)
        # A window of the page around him is as good a page, and ten times as fast.
        rows = slice(max(0, top - 300), bottom + 300)
        cols = slice(max(0, left - 300), right + 300)
        crop = Image.fromarray(np.uint8(page[top:bottom, left:right] * 255 + 0.5))
        size = (round((right - left) * factor), round((bottom - top) * factor))
        mask = np.asarray(crop.resize(size, Image.Resampling.LANCZOS), np.float32) / 255
        found = detect(page[rows, cols], masks=[mask], threshold=-1).detections[0]
        x, y = found.x + cols.start, found.y + rows.start
        hits += left <= x <= right and top <= y <= bottom
    assert hits >= 0.9 * len(some)
