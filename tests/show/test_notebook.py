"""What a notebook shows of an answer."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from planted import MASK, PAGE, planted

from waldo_cli import Mask, Result, detect
from waldo_cli.show.notebook import MOST_ROWS, PICTURE

HOSTILE = "<script>alert('&\"')</script>\u202e"


def found(label: str = "hat") -> Result:
    return detect(planted(10, 5), masks=Mask(label, MASK), scales=1)


class Shown(HTMLParser):
    """Text, tags and pictures of a piece of HTML whose tags are closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.alts = "", list[str](), list[str]()
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.alts.append(dict(attrs)["alt"] or "")
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "|"


def picture_of(html: str) -> Image.Image:
    (data,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return Image.open(io.BytesIO(b64decode(data)))


def test_a_notebook_shows_the_page_with_its_box_and_a_row_for_the_find() -> None:
    result = found()
    html = result._repr_html_()
    shown = Shown(html)
    assert shown.alts == ["80 × 60 pixels: 1 find"]
    assert "|hat|1.0000|15|11.5|10|5|10|13|" in shown.text
    picture = picture_of(html)
    assert picture.size == (80, 60)
    plain = result.annotated()
    light = [np.asarray(p.convert("L"), float).ravel() for p in (picture, Image.fromarray(plain))]
    assert np.corrcoef(light)[0, 1] > 0.8
    assert (plain != (result.image * 255 + 0.5).astype(np.uint8)).any()


def test_what_a_label_says_is_no_markup() -> None:
    shown = Shown(found(HOSTILE)._repr_html_())
    assert "script" not in shown.tags
    assert "<script>alert('&\"')</script>\\u202e" in shown.text


@pytest.mark.parametrize("count", [0, 1, MOST_ROWS, MOST_ROWS + 5])
def test_a_long_list_ends_with_how_many_there_are(count: int) -> None:
    result = found()
    result = replace(result, detections=result.detections * count)
    shown = Shown(result._repr_html_())
    assert shown.text.count("|hat|") == min(count, MOST_ROWS)
    assert ("and 5 more" in shown.text) is (count > MOST_ROWS)


def test_a_large_page_is_small_and_nothing_found_names_the_best_place() -> None:
    page = np.tile(PAGE, (30, 20, 1))
    result = detect(page, masks=Mask("hat", MASK[:, ::-1]), scales=1)
    assert not result.found
    html = result._repr_html_()
    assert max(picture_of(html).size) == PICTURE
    best = result.best
    assert best is not None
    assert f"nothing found of hat; best is hat at {best.x:g}, {best.y:g}" in Shown(html).text


def test_values_beyond_white_and_black_are_drawn_as_white_and_black() -> None:
    image = planted(10, 5) * 1.4 - 0.2
    result = detect(image, masks=MASK, scales=1, threshold=2)  # no find, no box
    expected = (image.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    np.testing.assert_allclose(result.annotated().astype(int), expected, atol=1)
