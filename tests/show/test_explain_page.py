"""The explanation shows what detect computed, in one file that is safe to open."""

from __future__ import annotations

import base64
import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import BEYOND, CONTRASTS, browser
from explained import MASK, Floats, learned_like, page
from PIL import Image

from waldo_cli import Mask, Result, Stack, detect
from waldo_cli.detector.maps import Grid
from waldo_cli.detector.matcher import Turn, as_it_lies
from waldo_cli.detector.passes import Trace
from waldo_cli.detector.search import Search
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.geometry import Size
from waldo_cli.show import explain_page
from waldo_cli.show.map_pictures import map_surroundings, surroundings
from waldo_cli.stack.layers import Combine


def explain(path: Path, image: Floats, **given: Any) -> Result:
    """What is looked for is given as to `detect`."""
    others = {k: given.pop(k) for k in ("title", "region", "where", "turn", "at") if k in given}
    return explain_page.explain(path, image, Search.of(**given), **others)


class Outline(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_result_is_what_detect_gives(tmp_path: Path) -> None:
    image = page()
    said = explain(tmp_path / "a.html", image, masks=[Mask("him", MASK)], scales=[1, 0.5])
    result = detect(image, masks=[Mask("him", MASK)], scales=[1, 0.5])
    # The page shows the maps of every scale in full; `detect` needs them only where there is one.
    assert [(d.label, d.box, d.score) for d in said.detections] == [
        (d.label, d.box, d.score) for d in result.detections
    ]
    one_scale = {"masks": [Mask("him", MASK)], "scales": 1}
    said = explain(tmp_path / "b.html", image, **one_scale)
    assert (said.activations == detect(image, **one_scale).activations).all()
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    best = result.detections[0]
    assert f"him at {best.x:g}, {best.y:g}, score {best.score:.3f}" in text


def test_uneven_light_is_told(tmp_path: Path) -> None:
    stack = Stack("plain", (Combine("max"),), object=Size(9, 9), even_light=True)
    said = {}
    for name, image in (("white", np.ones((60, 80, 3), np.float32)), ("dark", 0.6 * page())):
        explain(tmp_path / "a.html", image.astype(np.float32), stack=stack)
        text = Outline((tmp_path / "a.html").read_text("utf-8")).text
        said[name] = "with its light evened" in text
    assert said == {"white": False, "dark": True}


def test_a_turned_image_is_shown_turned_and_places_are_in_its_pixels(tmp_path: Path) -> None:
    image = np.ascontiguousarray(np.rot90(page()))  # to be turned clockwise by 90 degrees again
    him: dict[str, Any] = {"masks": [Mask("him", MASK)], "scales": 1}
    where = {"at": (36, 120 - 64), "region": (20, 40, 40, 40), "turn": 90}
    said = explain(tmp_path / "a.html", image, **him, **where)
    assert said.turned == 90
    (found,) = said.detections
    (upright,) = detect(page(), **him).detections
    assert (found.x, found.y) == (upright.y, 120 - upright.x)
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    assert "The image was turned by 90 degrees clockwise." in text
    assert f"him at {upright.x:g}, {upright.y:g}" in text
    assert "The place you asked about: 64, 36" in text


@pytest.mark.parametrize(("angle", "mirrored"), [(90, False), (180, True), (35, False)])
def test_a_mask_that_lies_turned_is_found_as_detect_finds_it_and_shown_as_it_lies(
    tmp_path: Path, angle: int, mirrored: bool
) -> None:
    mask = Mask("him", np.kron(MASK, np.ones((3, 3, 1), np.float32)))
    lies = as_it_lies(mask, Turn(angle, mirrored))
    image = np.random.default_rng(1).random((120, 140, 3), np.float32) * np.float32(0.3)
    rows, cols = lies.size
    weight = 1 if lies.weights is None else lies.weights[:, :, None]
    spot = image[20 : 20 + rows, 50 : 50 + cols]
    spot += (lies.pixels - spot) * weight
    search: dict[str, Any] = {"masks": [mask], "scales": 1, "angles": "all", "mirror": True}
    at = (50 + cols / 2, 20 + rows / 2)
    said = explain(tmp_path / "a.html", image, **search, at=at)
    (found,) = detect(image, **search).detections
    assert said.detections == (found,)
    assert (abs(found.angle - angle) < 1, found.mirrored) == (True, mirrored)
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    turned = f"turned by {found.angle:g} degrees, score {found.score:.3f}"
    assert turned in text
    ((x, y),) = re.findall(r"Within 8 pixels the best place for him is (\S+), (\S+), ", text)
    assert (float(x), float(y)) == pytest.approx((found.x, found.y), abs=0.1)
    assert "As it lies at its best place" in text
    (score,) = re.findall(r"After it, number 1 with (\d\.\d+)", text)
    assert score == f"{found.score:.3f}"
    assert "It is sought in 144 turns." in text


def test_a_mask_of_one_colour_is_explained_as_detect_finds_it(tmp_path: Path) -> None:
    shape = np.zeros((24, 24), np.float32)
    shape[4:20, 10:14] = shape[10:14, 4:20] = 1
    mask = Mask("plus", np.zeros((24, 24, 3), np.float32), shape)
    image = np.random.default_rng(2).random((150, 200, 3), np.float32) * np.float32(0.2)
    image[60:84, 90:114] += shape[:, :, None] * (0.9 - image[60:84, 90:114])
    result = explain(tmp_path / "a.html", image, masks=[mask], at=(102, 72))
    (found,) = detect(image, masks=[mask]).detections
    assert result.detections == (found,)
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    assert "its shape is sought, in any colour" in text
    assert "After it, number 1 with" in text


def test_the_place_asked_about_is_told_of_at_each_station(tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    explain(out, page(), masks=[Mask("him", MASK)], scales=1, at=(64, 36))
    text = Outline(out.read_text("utf-8")).text
    assert "the largest activation there is 1.000, at scale 1" in text
    assert "Before suppression it is peak number 1." in text
    assert "After it, number 1 with 1.000, chance at most 0.01." in text
    explain(out, page(), stack=learned_like(), at=(5, 5))
    assert "The closer looks were" in Outline(out.read_text("utf-8")).text


def test_layers_are_shown_where_the_answer_is_surest_not_where_the_first_look_was(
    tmp_path: Path,
) -> None:
    image, trace = page(), Trace()
    result = detect(image, stack=learned_like(), threshold=-1, labels=["wenda"], trace=trace)
    (best,), first = result.detections, trace.passes[0].candidates[0]
    assert (best.x, best.y) != (first.x, first.y)
    explain(tmp_path / "a.html", image, stack=learned_like(), labels=["wenda"])
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    assert f"Layer by layer at scale {best.scale:.3g}, around {best.x:g}, {best.y:g}" in text
    assert f"Closer look 1 layer by layer, at {best.x:g}, {best.y:g}" in text


def test_what_was_preferred_to_the_place_is_told_with_its_score(tmp_path: Path) -> None:
    best = detect(page(), masks=[Mask("him", MASK)], scales=1).detections[0]
    explain(tmp_path / "a.html", page(), masks=[Mask("him", MASK)], scales=1, at=(20, 80))
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    assert f"The best place is {best.x:g}, {best.y:g} with {best.score:.3f}" in text
    explain(tmp_path / "a.html", page(), masks=[Mask("him", MASK)], scales=1, at=(64, 36))
    assert "The best place is" not in Outline((tmp_path / "a.html").read_text("utf-8")).text


@pytest.mark.parametrize("at", [(0.0, 0.0), (119.9, 89.9), (64.5, 36.0), (3.0, 80.0)])
def test_surroundings_have_the_place_in_their_middle_and_maps_lie_over_them(
    at: tuple[float, float],
) -> None:
    image = page()
    row, col = int(at[1]), int(at[0])
    there, middle = surroundings(image, at), len(surroundings(image, at)) // 2
    assert (there[middle, middle] == image[row, col]).all()
    grid = Grid(image[::4, ::4, :1], (2.0, 2.0), (4.0, 4.0), 0.25, (0.25, 0.25))
    square = map_surroundings(grid, at, image)
    assert square.shape == there.shape[:2]
    assert square[middle, middle] == grid.values[min(row // 4, 22), min(col // 4, 29), 0]
    outside = (there == np.float32(0.5)).all(axis=2)
    assert (square[outside] == grid.values.min()).all()


def test_nothing_found_is_said_with_the_best_score(tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    result = explain(out, page(), masks=[Mask("him", MASK[::-1])], scales=1)
    assert not result.found
    assert "Nothing was found: the best score is" in Outline(out.read_text("utf-8")).text


def test_the_page_is_one_file_with_whole_pictures_and_no_script(tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    name = 'x"><script>alert(1)</script>\u202e&.png'
    label = "<b>him</b>"
    explain(out, page(), title=name, masks=[Mask(label, MASK)], scales=[1, 0.5], at=(64, 36))
    html = out.read_text("utf-8")
    outline = Outline(html)
    tags = {tag for tag, _ in outline.tags}
    assert "script" not in tags
    assert "b" not in tags
    assert "\u202e" not in html
    assert label in outline.text
    sources = [a.get("src") or a.get("href") for t, a in outline.tags if t in ("img", "image")]
    assert len(sources) > 6
    for source in sources:
        assert source is not None
        kind, _, data = source.partition(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            picture.load()
    assert not re.search(r"(src|href)=\"(?!data:)", html)


@pytest.fixture
def long_page(tmp_path: Path) -> Path:
    """A page with everything that one can have, under a title without a blank."""
    out = tmp_path / "a.html"
    explain(out, page(), stack=learned_like(), threshold=0, at=(64, 36), title="scan" * 40 + ".png")
    return out


def test_who_does_not_see_the_page_is_told_what_is_on_it(long_page: Path) -> None:
    outline = Outline(long_page.read_text("utf-8"))
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert [tag for tag, _ in outline.tags if tag in ("header", "main")] == ["header", "main"]
    assert outline.tags[0] == ("html", {"lang": "en"})
    assert {a["alt"] for tag, a in outline.tags if tag == "img"} >= {
        "map",
        "heatmap",
        "cut of the page",
    }
    assert all(
        a["aria-label"] for tag, a in outline.tags if tag == "svg" or a.get("role") == "region"
    )
    assert all(a == {"scope": "col"} for tag, a in outline.tags if tag == "th")


def test_the_page_fits_a_phone_and_follows_the_colour_scheme(
    long_page: Path, tmp_path: Path
) -> None:
    with browser(tmp_path / "profile") as shown:
        backgrounds = set()
        for dark in (False, True):
            for width in (390, 1280):
                shown.show(long_page, width=width, dark=dark)
                assert shown.run(BEYOND) == []
                assert shown.run("document.documentElement.scrollWidth") <= width
            assert {k: v for k, v in shown.run(CONTRASTS).items() if v < 4.5} == {}
            backgrounds.add(shown.run("getComputedStyle(document.body).backgroundColor"))
        assert len(backgrounds) == 2
        told = shown.tree()
        assert {"banner", "main", "heading", "image", "table", "columnheader"} <= {
            r for r, _ in told
        }
        assert all(name for role, name in told if role == "image")
        # The keyboard reaches what may be wider than the screen, and nothing else stands in the way.
        reached = []
        for _ in range(3):
            shown.press("Tab")
            reached.append(shown.run("document.activeElement.getAttribute('aria-label')"))
        assert reached[:2] == ["The layers", "The peaks after suppression"]


def test_where_and_region_are_part_of_the_explanation(tmp_path: Path) -> None:
    image = page()
    where = np.zeros(image.shape[:2], np.float32)
    where[50:] = 1
    common = {"masks": [Mask("him", MASK)], "scales": [1.0, 0.5]}
    assert not explain(tmp_path / "a.html", image, where=where, **common).found
    assert not explain(tmp_path / "b.html", image, region=(0, 0, 2, 2), **common).found


def test_a_place_outside_the_region_is_said_to_be_left_out(tmp_path: Path) -> None:
    common = {"masks": [Mask("him", MASK)], "scales": [1.0, 0.5], "at": (64, 36)}
    explain(tmp_path / "a.html", page(), region=(0, 0, 30, 30), **common)
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    assert "No answer may lie there" in text
    assert "inf" not in text.partition("Layer by layer")[0]
    explain(tmp_path / "a.html", page(), region=(30, 0, 60, 60), **common)
    text = Outline((tmp_path / "a.html").read_text("utf-8")).text
    assert "No answer may lie there" not in text


def test_a_place_outside_the_image_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="500,2 lies outside the 120x90 image"):
        explain(tmp_path / "a.html", page(), masks=[MASK], at=(500, 2))
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="folder does not exist"):
        explain(tmp_path / "no" / "a.html", page(), masks=[MASK], scales=1)
