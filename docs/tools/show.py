"""Two helpers for the examples in these pages: open a drawn scene, and draw arrays side by side."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from waldo_cli import load_image
from waldo_cli.show.heatmap import inferno

SCENES = Path("sample_images")
PICTURES = Path("docs/pictures")
CAPTION = 15  # pixels
GAP = 8


def scene(name: str) -> tuple[NDArray[np.float32], tuple[int, int, int, int]]:
    """A drawn scene ``(H, W, 3)`` and where Waldo's head is: top, left, bottom, right."""
    with (SCENES / "truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["class"] == "waldo" and Path(row["filename"]).stem == name:
                box = tuple(int(row[key]) for key in ("ymin", "xmin", "ymax", "xmax"))
                return load_image(SCENES / row["filename"]), (box[0], box[1], box[2], box[3])
    raise LookupError(f"{name} is no scene with a Waldo")


def peak(h: NDArray[Any]) -> tuple[int, int]:
    """Row and column of the largest value of a map."""
    row, col = np.unravel_index(int(h.argmax()), h.shape[:2])
    return int(row), int(col)


def show(name: str, panels: dict[str, NDArray[Any]], *, zoom: int = 1, columns: int = 9) -> None:
    """Write ``docs/pictures/NAME.png``: the panels side by side, each under its caption.

    Panels ``(H, W, 3)`` are pictures in [0, 1]. Panels ``(H, W)`` or ``(H, W, 1)`` are maps: dark where
    small, bright where large, a ring around the largest value. `zoom` enlarges each pixel.
    """
    tiles = [_tile(caption, np.asarray(panel), zoom) for caption, panel in panels.items()]
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    width = max(sum(t.width + GAP for t in row) - GAP for row in rows)
    sheet = Image.new(
        "RGB", (width, sum(max(t.height for t in row) + GAP for row in rows)), "white"
    )
    top = 0
    for row in rows:
        left = 0
        for tile in row:
            sheet.paste(tile, (left, top))
            left += tile.width + GAP
        top += max(t.height for t in row) + GAP
    PICTURES.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128).save(PICTURES / f"{name}.png", optimize=True)


def _tile(caption: str, panel: NDArray[Any], zoom: int) -> Image.Image:
    ring = None
    if panel.ndim == 2 or panel.shape[2] == 1:
        values = panel.reshape(panel.shape[:2])
        span = max(float(values.max() - values.min()), 1e-12)
        pixels = inferno()[((values - values.min()) * (255 / span)).astype(int)]
        ring = peak(values)
    else:
        pixels = np.clip(panel * 255 + 0.5, 0, 255)
    picture = Image.fromarray(pixels.astype(np.uint8))
    picture = picture.resize(
        (picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST
    )
    font = ImageFont.load_default(CAPTION - 3)
    tile = Image.new(
        "RGB",
        (max(picture.width, int(font.getlength(caption)) + 1), picture.height + CAPTION + 2),
        "white",
    )
    tile.paste(picture, (0, CAPTION + 2))
    draw = ImageDraw.Draw(tile)
    draw.text((0, 0), caption, fill="black", font=font)
    if ring is not None:
        y, x = ((at + 0.5) * zoom for at in ring)
        y += CAPTION + 2
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), outline=(0, 200, 255), width=2)
    return tile
