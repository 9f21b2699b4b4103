"""COCO's average precision, against COCO's own program."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from waldo_cli.evaluation.overlap import LEFT_OUT, MATCH, MISS, average_precisions, match
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.geometry import Box, Detection

Pages = list[tuple[list[Detection], list[TrueBox]]]


def random_pages(seed: int, *, crowds: bool) -> Pages:
    """Boxes, with finds near them and elsewhere; many scores are equal."""
    rng = np.random.default_rng(seed)
    pages: Pages = []
    for _ in range(int(rng.integers(1, 8))):
        boxes, finds = [], []
        for _ in range(int(rng.integers(0, 5))):
            left, top = rng.integers(0, 160, 2)
            width, height = rng.integers(8, 40, 2)
            aside = crowds and rng.random() < 0.3
            boxes.append(
                TrueBox(
                    "waldo",
                    float(left),
                    float(top),
                    float(left + width),
                    float(top + height),
                    aside,
                )
            )
            for _ in range(int(rng.integers(0, 4))):
                move = rng.integers(-6, 7, 4)
                box = Box(
                    int(left + move[0]),
                    int(top + move[1]),
                    int(width + move[2]),
                    int(height + move[3]),
                )
                finds.append(box)
        finds += [Box(*map(int, rng.integers(1, 100, 4))) for _ in range(int(rng.integers(0, 4)))]
        scored = [Detection("waldo", 0, 0, float(rng.integers(0, 12)) / 12, b, 1) for b in finds]
        pages.append((sorted(scored, key=lambda f: -f.score), boxes))
    return pages


def by_coco(pages: Pages) -> list[float]:
    """The same by pycocotools, at each threshold."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    cocoeval = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    annotations, results = [], []
    for n, (finds, boxes) in enumerate(pages, 1):
        for b in boxes:
            bbox = [b.left, b.top, b.right - b.left, b.bottom - b.top]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": n, "category_id": 1, "bbox": bbox,
                 "area": b.area, "iscrowd": int(b.ignored)}
            )  # fmt: skip
        results += [
            {"image_id": n, "category_id": 1, "score": f.score,
             "bbox": [f.box.left, f.box.top, f.box.width, f.box.height]}
            for f in finds
        ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "info": {}, "annotations": annotations, "categories": [{"id": 1, "name": "waldo"}],
            "images": [{"id": n, "width": 300, "height": 300} for n in range(1, len(pages) + 1)],
        }  # fmt: skip
        truth.createIndex()
        judged = cocoeval.COCOeval(truth, truth.loadRes(results), "bbox")
        judged.evaluate()
        judged.accumulate()
    return [float(p.mean()) for p in judged.eval["precision"][:, :, 0, 0, 2]]


@pytest.mark.parametrize("crowds", [False, True])
def test_the_figures_are_those_of_cocos_program(crowds: bool) -> None:
    compared = 0
    for seed in range(120):
        pages = random_pages(seed, crowds=crowds)
        ours = average_precisions([match(f, b, "waldo") for f, b in pages])
        if ours is None or not any(f for f, _ in pages):
            continue
        compared += 1
        np.testing.assert_allclose(ours, by_coco(pages), atol=1e-12, err_msg=f"seed {seed}")
    assert compared > 90


def find(box: Box, score: float = 1.0) -> Detection:
    return Detection("waldo", 0, 0, score, box, 1)


def test_a_box_is_taken_once_and_an_ignored_one_takes_any_number() -> None:
    boxes = [TrueBox("waldo", 0, 0, 10, 10), TrueBox("ignore", 50, 50, 90, 90)]
    finds = [
        find(Box(0, 0, 10, 10)),
        find(Box(1, 0, 10, 10)),
        find(Box(60, 60, 9, 9)),
        find(Box(70, 70, 9, 9)),
    ]
    overlaps = match(finds, boxes, "waldo")
    assert overlaps.boxes == 1
    assert overlaps.outcomes[0] == (MATCH, MISS, LEFT_OUT, LEFT_OUT)


def test_perfect_finds_have_precision_1_and_no_box_has_no_figure() -> None:
    boxes = [TrueBox("waldo", 0, 0, 10, 10)]
    assert average_precisions([match([find(Box(0, 0, 10, 10))], boxes, "waldo")]) == (1.0,) * 10
    assert average_precisions([match([], boxes, "waldo")]) == (0.0,) * 10
    assert average_precisions([match([find(Box(0, 0, 10, 10))], [], "waldo")]) is None
