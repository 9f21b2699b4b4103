"""The main job on the drawn scenes: he is found where he is, and not where he is not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from waldo_cli import Result, detect, load_image

SAMPLES = Path(__file__).resolve().parents[2] / "sample_images"


def heads() -> dict[str, tuple[float, float, float, float]]:
    """Waldo's head in each scene that has him: edges in pixels."""
    with (SAMPLES / "truth.csv").open(newline="") as f:
        return {
            row["filename"]: (
                float(row["xmin"]),
                float(row["ymin"]),
                float(row["xmax"]),
                float(row["ymax"]),
            )
            for row in csv.DictReader(f)
            if row["class"] == "waldo"
        }


def is_hit(result: Result, head: tuple[float, float, float, float]) -> bool:
    """The peak lies in the head's box grown by half its width and height on each side."""
    left, top, right, bottom = head
    best = result.detections[0]
    across = abs(best.x - (left + right) / 2) <= right - left
    return across and abs(best.y - (top + bottom) / 2) <= bottom - top


@pytest.mark.parametrize("name", sorted(heads()))
def test_the_default_stack_has_him_first(name: str) -> None:
    assert is_hit(detect(load_image(SAMPLES / name), threshold=0), heads()[name])


@pytest.mark.parametrize("name", sorted(heads()))
def test_the_default_stack_reports_him(name: str) -> None:
    """On `edge.png`, too, where the page cuts his face in half."""
    result = detect(load_image(SAMPLES / name))
    assert result.found
    assert is_hit(result, heads()[name])


def test_the_default_stack_finds_nobody_where_he_is_not() -> None:
    assert not detect(load_image(SAMPLES / "nobody.png")).found


@pytest.mark.parametrize("name", sorted(heads()))
def test_his_picture_as_a_mask_finds_him_first(name: str) -> None:
    left, top, right, bottom = heads()[name]
    """Each scene draws him anew: the place is right on all of them, the verdict not sure on two."""
    result = detect(load_image(SAMPLES / name), masks=[SAMPLES / "waldo.png"])
    assert result.found or name in ("edge.png", "fair.png")
    assert result.best is not None
    box = result.best.box  # of the mask: head and upper body
    assert box.left <= (left + right) / 2 <= box.left + box.width
    assert box.top <= (top + bottom) / 2 <= box.top + box.height


def test_his_picture_as_a_mask_finds_nobody_where_he_is_not() -> None:
    result = detect(load_image(SAMPLES / "nobody.png"), masks=[SAMPLES / "waldo.png"])
    assert not result.found
