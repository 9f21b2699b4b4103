"""One picture under two names is noticed by its content; different pictures of one kind are not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.training.data import TrainingPage
from waldo_cli.training.leaks import same_pictures

SAMPLES = Path(__file__).resolve().parents[2] / "sample_images"


def pages() -> list[TrainingPage]:
    out = []
    for path in sorted(SAMPLES.glob("*.png")):
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        out.append(TrainingPage(path.name, path.stem, "page", pixels))
    return out


def jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=30)
    return Image.open(file)


@pytest.mark.parametrize("change", [
    lambda picture: picture,
    jpeg,
    lambda picture: picture.resize((picture.width // 3, picture.height // 3)),
    lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    lambda picture: picture.convert("L").convert("RGB"),
], ids=["copy", "jpeg", "smaller", "darker", "grey"])  # fmt: skip
def test_a_copy_is_noticed_and_other_pictures_are_not(change) -> None:  # type: ignore[no-untyped-def]
    known = pages()
    beach = next(p for p in known if p.artwork == "beach")
    copy = np.asarray(change(Image.fromarray(beach.pixels)))
    found = same_pictures([*known, TrainingPage("copy.png", "copy", "page", copy)])
    assert found == [("beach.png", "copy.png")]


def test_pages_of_one_drawing_are_no_leak() -> None:
    first = pages()[0]
    assert same_pictures([first, replace(first, name="scan.png")]) == []


def test_pages_of_one_colour_are_like_nothing() -> None:
    plain = [
        TrainingPage(str(n), str(n), "without", np.full((60, 60, 3), 200 + n, np.uint8))
        for n in range(3)
    ]
    assert same_pictures(plain) == []
    assert same_pictures([]) == []
