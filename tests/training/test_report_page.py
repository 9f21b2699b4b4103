"""The page of a training: whole, its names escaped, its pictures those of the places."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.evaluation.judge import PageScore
from waldo_cli.evaluation.overlap import Overlaps
from waldo_cli.training.calibrate import Calibration
from waldo_cli.training.curve import doubled, point, told
from waldo_cli.training.data import Head, TrainingPage
from waldo_cli.training.held_out import Fold, Place
from waldo_cli.training.looks import Steps
from waldo_cli.training.network import Classes
from waldo_cli.training.report import report_of
from waldo_cli.training.report_page import page_of

EVIL = 'a<script>alert("1")</script>\x1b[31m.png'
LOSSES = {"fold0": {"near": [(200, 0.9), (400, 0.5)]}, "all": {"near": [(200, 0.8)]}}


def page(name: str, colour: tuple[int, int, int]) -> TrainingPage:
    pixels = np.full((120, 160, 3), 200, np.uint8)
    pixels[40:64, 60:78] = colour
    return TrainingPage(name, name, "page", pixels, (Head(0, 60, 40, 78, 64),))


def score(name: str, rank: int | None, first: float) -> PageScore:
    hits = (rank == 1,) if rank in (1, None) else (False, True)
    return PageScore(
        name, (first, 0.1)[: len(hits)], hits, (24.0,), (rank,), Overlaps((), ((),) * 10, 1)
    )


@pytest.fixture
def made() -> str:
    pages = [page(EVIL, (255, 0, 0)), page("found.png", (0, 0, 255))]
    scores = [score(EVIL, 2, 0.7), score("found.png", 1, 0.9)]
    places = [
        Place(EVIL, (5, 5, 18, 24), 0.7, False),
        Place(EVIL, (60, 40, 18, 24), 0.1, True),
        Place("found.png", (60, 40, 18, 24), 0.9, True),
    ]
    folds = [Fold(0, {"page": scores, "painted": [score("found.png", None, 0.2)]}, places)]
    calibration = Calibration()
    settings: dict[str, Any] = {"folds": 1}
    report = report_of(settings, Classes(("waldo",)), Steps(), folds, calibration)
    report["same_pictures"] = [(EVIL, "found.png")]
    firsts = {str(n): n < 7 for n in range(10)}
    points = [point(4, firsts), point(8, firsts)]
    twice = doubled([4, 8], [firsts, firsts])
    report["curve"] = {
        "points": [vars(p) for p in points], "doubled": vars(twice), "lines": told(points, twice)
    }  # fmt: skip
    return page_of(report, LOSSES, pages, folds, calibration)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tags.append(tag)
        if tag not in ("meta", "img", "rect", "path", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle"):
            assert self.open.pop() == tag


def test_it_is_one_file_with_every_tag_closed_and_every_name_escaped(made: str) -> None:
    tags = Tags()
    tags.feed(made)
    assert tags.open == []
    assert "script" not in tags.tags
    assert "\x1b" not in made
    assert "a&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;\\x1b[31m.png" in made
    assert not re.search(r"(src|href)=\"(?!data:)", made)
    assert "color-scheme: light dark" in made
    assert not re.search(r"body \{[^}]*#", made), "ground and text have the colours of the scheme"


def pictures(made: str, title: str) -> list[tuple[str, np.ndarray]]:
    part = made.partition(f"<h2>{title}</h2>")[2].partition("<h2>")[0]
    found = re.findall(r'class="place (\w+)"><img src="data:image/jpeg;base64,([^"]+)"', part)
    return [
        (kind, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), int))
        for kind, data in found
    ]


def middle(picture: np.ndarray) -> list[int]:
    rows, cols = picture.shape[:2]
    return [round(v / 255) for v in picture[rows // 2, cols // 2].tolist()]


def test_a_miss_is_shown_where_it_is_and_with_what_was_taken_for_it(made: str) -> None:
    missed, taken = pictures(made, "Held-out pages on which it did not come first")
    assert (missed[0], middle(missed[1])) == ("missed", [1, 0, 0])
    assert (taken[0], middle(taken[1])) == ("wrong", [1, 1, 1])
    ((kind, found),) = pictures(made, "Held-out pages on which it came first")
    assert (kind, middle(found)) == ("right", [0, 0, 1])


def test_what_to_label_next_begins_with_the_least_sure(made: str) -> None:
    first, second = pictures(made, "What to label next")
    assert (first[0], second[0]) == ("wrong", "right")


def test_curves_reliability_and_losses_are_drawn(made: str) -> None:
    for title in ("Would more pages help?", "First places", "Can its scores be trusted?", "Losses"):
        part = made.partition(f"<h2>{title}</h2>")[2].partition("<h2>")[0]
        assert "<polyline" in part, title
    assert "whether more help is not known" in made
    assert "near: loss against steps, of fold0<" in made, "one number is no line"


def test_without_cross_validation_it_says_so() -> None:
    report = report_of({}, Classes(("x",)), Steps(), [], Calibration())
    made = page_of(report | {"same_pictures": []}, {}, [], [], Calibration())
    assert "nothing is known of pages it has not seen" in made
    assert "its scores are no probabilities" in made
