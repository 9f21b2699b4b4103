"""Pages to learn from, as the documentation draws them: the same from a seed, and boxes lie on the thing."""

import csv
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(
    0, str(Path(__file__).resolve().parents[2] / "docs" / "figures")
)  # as for the script

from pages_to_learn import INKS, SUBJECTS, write_pages

from waldo_cli.evaluation.truth import read_truth

PAGES = 3


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Gives the folder of a subject's pages from a seed; each is drawn once."""

    @functools.cache
    def folder(subject: str, seed: int = 4) -> Path:
        if subject == "marks":
            pytest.importorskip("skimage", reason="the photographs are those of scikit-image")
        folder = tmp_path_factory.mktemp(subject)
        write_pages(subject, folder, PAGES, seed)
        return folder

    return folder


def cut_at_boxes(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    for page in read_truth(folder / "truth.csv", folder):
        with Image.open(page.path) as image:
            for box in page.boxes:
                cut = tuple(round(n) for n in (box.left, box.top, box.right, box.bottom))
                yield f"{page.name} {cut}", image.convert("RGB").crop(cut)


def template(folder: Path, size: tuple[int, int], degrees: float = 0) -> Any:
    with Image.open(folder / "template.png") as image:
        shape = image.getchannel("A").rotate(degrees, Image.Resampling.BICUBIC, expand=True)
        return np.asarray(shape.crop(shape.getbbox()).resize(size), float)


def alike(a: Any, b: Any) -> float:
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_seed_gives_the_same_pages_and_no_two_are_the_same(
    drawn: Any, subject: str, tmp_path: Path
) -> None:
    first = drawn(subject)
    write_pages(subject, tmp_path, PAGES, 4)
    names = [f"{n}.png" for n in range(PAGES)]
    assert {path.name for path in first.iterdir()} == {"truth.csv", "template.png", *names}
    for path in first.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    pages = {
        (folder / name).read_bytes() for folder in (first, drawn(subject, 5)) for name in names
    }
    assert len(pages) == 2 * PAGES


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_page_shows_the_thing_inside_it(drawn: Any, subject: str) -> None:
    folder = drawn(subject)
    pages = read_truth(folder / "truth.csv", folder)
    assert [page.name for page in pages] == [f"{n}.png" for n in range(PAGES)]
    for page in pages:
        with Image.open(page.path) as image:
            assert {box.label for box in page.boxes} == {SUBJECTS[subject][0]}
            for box in page.boxes:
                assert 0 <= box.left < box.right <= image.width
                assert 0 <= box.top < box.bottom <= image.height


def test_boxes_in_screenshots_lie_on_a_gear(drawn: Any) -> None:
    folder = drawn("icons")
    for place, cut in cut_at_boxes(folder):
        assert abs(alike(cut.convert("L"), template(folder, cut.size))) > 0.8, place


def test_boxes_on_maps_lie_on_a_tent(drawn: Any) -> None:
    folder = drawn("map")
    for place, cut in cut_at_boxes(folder):
        tents = [template(folder, cut.size, degrees) for degrees in range(-15, 16, 5)]
        away = [np.linalg.norm(np.asarray(cut, float) - ink, axis=2) for ink in INKS]
        upright = max(-alike(a, tent) for a in away for tent in tents)
        fallen = max(-alike(a, tent[::-1]) for a in away for tent in tents)
        assert upright > 0.5, place
        assert upright > fallen + 0.2, place


def test_boxes_on_photographs_lie_on_a_quartered_disc(drawn: Any) -> None:
    for place, cut in cut_at_boxes(drawn("marks")):
        disc = np.asarray(cut.convert("L").resize((24, 24)), float)
        y, x = (np.mgrid[:24, :24] + 0.5) / 12 - 1
        inside = (np.hypot(x, y) < 0.85) & (np.hypot(x, y) > 0.15)
        # Half a turn changes nothing, a quarter of a turn makes white of black.
        assert alike(disc[inside], np.rot90(disc, 2)[inside]) > 0.5, place
        assert alike(disc[inside], np.rot90(disc)[inside]) < -0.5, place


def test_pages_of_an_odd_seed_show_other_photographs(drawn: Any) -> None:
    shown = []
    for seed in (4, 5):
        with (drawn("marks", seed) / "truth.csv").open(newline="") as file:
            shown.append({row["artwork"] for row in csv.DictReader(file)})
    assert all(shown)
    assert not shown[0] & shown[1]
