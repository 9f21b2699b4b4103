"""Large JPEGs are searched at a part of their size, and the answers are those of the whole.

The stack is the built-in one with a small `level_pixels`: with it a picture of 1.7 Mpx is a large one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from commandline import Waldo
from PIL import Image

from waldo_cli import Result, detect, load_image
from waldo_cli.arrays import as_floats
from waldo_cli.errors import FileError, ImageError
from waldo_cli.images import decode
from waldo_cli.images.orientation import ORIENTATION
from waldo_cli.stack import file as stackfile

ROOT = Path(__file__).resolve().parents[2]
BUILTIN = Path(stackfile.__file__).parent / "builtin"

# A part of the scene and where he is in it, enlarged: a head of 81 pixels.
PART, LARGER = (1500, 1116, 2000, 1500), 3
HEAD = [LARGER * n for n in (1787 - 1500, 1368 - 1116, 1805 - 1500, 1395 - 1116)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    text = (BUILTIN / "waldo.toml").read_text()
    assert "level_pixels = 4_000_000" in text
    path = folder / "small.toml"
    path.write_text(text.replace("level_pixels = 4_000_000", "level_pixels = 108_000"))
    shutil.copy(BUILTIN / "waldo.npz", folder)
    return path


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    part = Image.open(ROOT / "sample_images" / "town.png").convert("RGB").crop(PART)
    return part.resize((LARGER * part.width + 3, LARGER * part.height + 1))


@pytest.fixture(scope="module")
def page(picture: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "page.jpg"
    picture.save(path, quality=90)
    return path


@pytest.fixture
def factors(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """By what JPEGs are reduced."""
    seen: list[int] = []

    def reduce(image: object, factor: int) -> int:
        seen.append(original(image, factor))
        return seen[-1]

    original = decode._reduce
    monkeypatch.setattr(decode, "_reduce", reduce)
    return seen


def is_in_head(x: float, y: float) -> bool:
    left, top, right, bottom = HEAD
    return left <= x <= right and top <= y <= bottom


def test_a_large_jpeg_gives_the_answer_of_the_whole_picture(
    page: Path, stack: Path, factors: list[int]
) -> None:
    reduced, whole = detect(page, stack=stack), detect(load_image(page), stack=stack)
    assert factors == [2]
    assert reduced.best is not None
    assert whole.best is not None
    assert reduced.found
    assert (reduced.width, reduced.height) == (whole.width, whole.height) == (1503, 1153)
    assert is_in_head(reduced.best.x, reduced.best.y)
    assert reduced.best.x == pytest.approx(whole.best.x, abs=2)  # half a pixel of the finest level
    assert reduced.best.y == pytest.approx(whole.best.y, abs=2)
    assert reduced.best.score == pytest.approx(whole.best.score, abs=0.02)
    assert reduced.best.scale == whole.best.scale
    assert reduced.activations.shape == (1153, 1503)
    for ours, theirs in zip(reduced.best.box, whole.best.box, strict=True):
        assert ours == pytest.approx(theirs, abs=4)
    np.testing.assert_array_equal(as_floats(reduced.image), load_image(page))


@pytest.mark.parametrize("turn", [3, 6])
def test_the_answer_is_in_pixels_of_the_picture_as_shown(
    turn: int, picture: Image.Image, stack: Path, tmp_path: Path, factors: list[int]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[turn]
    picture.transpose(undo).save(tmp_path / "turned.jpg", quality=90, exif=exif)
    found = detect(tmp_path / "turned.jpg", stack=stack).detections[0]
    assert factors == [2]
    assert is_in_head(found.x, found.y)


def test_a_page_on_its_side_is_found_in_a_reduced_picture(
    picture: Image.Image, stack: Path, tmp_path: Path, factors: list[int]
) -> None:
    picture.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "page.jpg", quality=90)
    (found,) = detect(tmp_path / "page.jpg", stack=stack, turn=180).detections
    assert factors == [2]
    assert is_in_head(1503 - found.x, 1153 - found.y)


def test_pictures_beside_the_answer_change_nothing_in_it_and_are_whole(
    page: Path, stack: Path, waldo: Waldo, tmp_path: Path, factors: list[int]
) -> None:
    answers = []
    for options in (["--no-heatmap"], ["--annotated", "--report", tmp_path / "report.html"]):
        ended = waldo(
            "detect", page, "--stack", stack, "-f", "jsonl", "-o", tmp_path, "-j", "1", *options
        )
        assert ended.status == 0, ended.err
        answers.append(json.loads(ended.out))
    assert 2 in factors
    assert answers[0]["detections"] == answers[1]["detections"] != []
    assert answers[0]["margin"] == answers[1]["margin"]
    for name in ("page.heatmap.png", "page.annotated.png"):
        with Image.open(tmp_path / name) as written:
            assert written.size == (1503, 1153)


def test_python_and_the_command_line_give_the_same(page: Path, stack: Path, waldo: Waldo) -> None:
    ended = waldo("detect", page, "--stack", stack, "-f", "jsonl", "--no-heatmap", "-j", "1")
    record = json.loads(ended.out)
    answer = detect(page, stack=stack).to_dict()
    assert {key: record[key] for key in answer} == answer


def test_masks_and_given_scales_are_sought_in_the_whole_picture(
    page: Path, picture: Image.Image, stack: Path, factors: list[int]
) -> None:
    head = np.asarray(picture.crop(HEAD))
    for given in ({"masks": head, "scales": 1}, {"stack": stack, "scales": "4:8"}):
        detect(page, **given)
    assert factors == [1, 1]


def test_a_file_that_has_changed_or_gone_since_is_told(
    page: Path, stack: Path, tmp_path: Path
) -> None:
    def searched() -> Result:
        shutil.copy(page, tmp_path)
        return detect(tmp_path / "page.jpg", stack=stack)

    result = searched()
    Image.new("RGB", (64, 48)).save(tmp_path / "page.jpg")
    with pytest.raises(ImageError, match="has another size than when it was searched"):
        _ = result.image
    result = searched()
    (tmp_path / "page.jpg").unlink()
    with pytest.raises(FileError, match="No such file"):
        _ = result.image
