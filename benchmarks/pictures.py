"""Pages to look for things in: scenes, screenshots, textures and flat grounds from a seed; pieces of files.

Each kind gives ``(H, W, 3)`` uint8. Equal arguments give equal pictures.
"""

from __future__ import annotations

import csv
import functools
import math
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

SAMPLES = Path(__file__).resolve().parents[1] / "sample_images"
sys.path[:0] = [str(SAMPLES / "scenes"), str(SAMPLES / "screens")]

import draw  # noqa: E402
import icons  # noqa: E402

Pixels = NDArray[np.uint8]
Rng = np.random.Generator
Colour = tuple[int, int, int]


# Drawn crowds.


@functools.lru_cache(32)
def _scene(seed: int) -> Pixels:
    theme = draw.THEMES[seed % len(draw.THEMES)]
    head = 14 + 4 * (seed // len(draw.THEMES) % 6)
    return np.asarray(draw.draw_scene(seed, (1120, 840), theme, False, head=head)[0])


def scene(rng: Rng, height: int, width: int, side: int) -> Pixels:
    """A piece of a drawn crowd. The two sides, 0 and 1, share no theme."""
    seed = 2 * int(rng.integers(12)) + side
    return _piece(rng, _scene(seed), height, width)


def _piece(rng: Rng, x: Pixels, height: int, width: int) -> Pixels:
    if x.shape[0] < height or x.shape[1] < width:
        return mirrored_on(x, height, width)
    top = int(rng.integers(x.shape[0] - height + 1))
    left = int(rng.integers(x.shape[1] - width + 1))
    return np.ascontiguousarray(x[top : top + height, left : left + width])


def mirrored_on(x: Pixels, height: int, width: int) -> Pixels:
    """Mirrored at its edges until it has this size; what has it stays as it is."""
    rows, cols = (
        np.abs((np.arange(n) + m) % (2 * m) - m).clip(0, m - 1)
        for n, m in ((height, x.shape[0]), (width, x.shape[1]))
    )
    return np.ascontiguousarray(x[rows][:, cols])


# Pictures of a folder.


class Files:
    """Pieces of a folder's pictures. With a ``boxes.csv`` that names artworks, the sides share no artwork."""

    def __init__(self, folder: Path) -> None:
        artworks: dict[str, str] = {}
        if (folder / "boxes.csv").exists():
            with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
                artworks = {row["filename"]: row["artwork"] for row in csv.DictReader(file)}
        endings = {".jpg", ".jpeg", ".png", ".webp"}
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in endings)
        self.paths = paths
        self.sides: tuple[list[tuple[Path, int, int]], ...] = ([], [])
        for path in paths:
            with Image.open(path) as image:
                of_file = artworks.get(path.name, path.name)
                self.sides[zlib.crc32(of_file.encode()) % 2].append((path, *image.size))

    def __call__(self, rng: Rng, height: int, width: int, side: int) -> Pixels:
        fit = [p for p, w, h in self.sides[side] if w >= width and h >= height]
        if not fit:
            fit = [max(self.sides[side], key=lambda one: one[1] * one[2])[0]]
        return _piece(rng, whole_file(fit[int(rng.integers(len(fit)))]), height, width)


@functools.lru_cache(8)
def whole_file(path: Path) -> Pixels:
    """A picture as it is."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


# Textures as in photographs.


def texture(rng: Rng, height: int, width: int, side: int) -> Pixels:  # noqa: ARG001 - no two are alike
    """One of: 1/f noise, soft blobs with grain, dead leaves, dead leaves below a sky."""
    kind = int(rng.integers(4))
    if kind == 0:
        x = _power_law(rng, height, width, rng.uniform(0.9, 1.5))
    elif kind == 1:
        x = _blobs(rng, height, width)
    else:
        x = _leaves(rng, height, width)
        if kind == 3:
            sky = _gradient(rng, height, width)
            edge = height * rng.uniform(0.2, 0.6)
            line = edge + 20 * ndimage.gaussian_filter1d(rng.standard_normal(width), 15) * 5
            x = np.where(np.arange(height)[:, None, None] < line[None, :, None], sky, x)
    x = ndimage.gaussian_filter(x, (0.6, 0.6, 0)) + rng.uniform(1, 4) * rng.standard_normal(x.shape)
    return _bytes(x)


def _bytes(x: NDArray[Any]) -> Pixels:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


def _coloured(rng: Rng, planes: NDArray[Any]) -> NDArray[Any]:
    """Planes of mean 0 and deviation 1 as brightness and two weaker colours."""
    light, contrast = rng.uniform(90, 160), rng.uniform(25, 50)
    tint = rng.uniform(-1, 1, (2, 3)) * rng.uniform(0.1, 0.5)
    mixed = planes[..., :1] + planes[..., 1:2] * tint[0] + planes[..., 2:] * tint[1]
    return light + contrast * mixed + 20 * rng.uniform(-1, 1, 3)


def _power_law(rng: Rng, height: int, width: int, slope: float) -> NDArray[Any]:
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    f[0, 0] = 1
    planes = []
    for _ in range(3):
        spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / f**slope
        spectrum[0, 0] = 0
        plane = np.fft.irfft2(spectrum, (height, width))
        planes.append(plane / plane.std())
    return _coloured(rng, np.stack(planes, 2))


def _blobs(rng: Rng, height: int, width: int) -> NDArray[Any]:
    planes = np.zeros((height, width, 3))
    for sigma in 2 ** rng.uniform(1, 4.5, 3):
        layer = ndimage.gaussian_filter(rng.standard_normal((height, width, 3)), (sigma, sigma, 0))
        planes += layer / layer.std()
    return _coloured(rng, planes / planes.std())


def _leaves(rng: Rng, height: int, width: int) -> NDArray[Any]:
    """Discs that cover each other, many small and few large: the statistics of photographs.

    Lee, Mumford, Huang, "Occlusion models for natural images", IJCV 2001.
    """
    image = Image.new("RGB", (width, height))
    pen = ImageDraw.Draw(image)
    palette = rng.uniform(30, 226, (8, 1)) + rng.uniform(-40, 40, (8, 3))
    # Density of the radius r^-3 between the two ends.
    low, high, count = 4.0, 0.35 * min(height, width), height * width // 60
    radii = 1 / np.sqrt(rng.uniform(1 / high**2, 1 / low**2, count))
    spots = rng.uniform((-20, -20), (height + 20, width + 20), (count, 2))
    colours = np.clip(palette[rng.integers(8, size=count)] + rng.normal(0, 18, (count, 3)), 0, 255)
    for r, (y, x), colour in zip(radii, spots, colours.astype(int).tolist(), strict=True):
        pen.ellipse((x - r, y - r, x + r, y + r), tuple(colour))
    x = np.asarray(image).astype(np.float64)
    shade = _power_law(rng, height, width, 1.2)[..., :1]
    return x * (1 + 0.12 * (shade - shade.mean()) / shade.std())


# Flat grounds.


def flat(rng: Rng, height: int, width: int, side: int) -> Pixels:  # noqa: ARG001 - as textures
    """One of: one colour, a gradient, either with grain, paper with a few lines."""
    kind = int(rng.integers(5))
    x = np.empty((height, width, 3))
    x[:] = rng.uniform(0, 255, 3) if kind in (0, 2) else 0
    if kind in (1, 3):
        x = _gradient(rng, height, width)
    if kind == 4:
        paper = Image.new("RGB", (width, height), tuple(rng.integers(225, 256, 3).tolist()))
        pen = ImageDraw.Draw(paper)
        step = int(rng.integers(14, 40))
        for y in range(step, height, step):
            pen.line((0, y, width, y), tuple(rng.integers(120, 220, 3).tolist()), 1)
        x = np.asarray(paper).astype(np.float64)
    if kind >= 2:
        x = x + rng.uniform(1, 6) * rng.standard_normal(x.shape)
    return _bytes(x)


def _gradient(rng: Rng, height: int, width: int) -> NDArray[Any]:
    angle = rng.uniform(0, 2 * math.pi)
    y, x = np.mgrid[:height, :width] / max(height, width)
    ramp = np.clip(x * math.cos(angle) + y * math.sin(angle), -1, 1)[..., None]
    return rng.uniform(60, 200, 3) + ramp * rng.uniform(-90, 90, 3)


# Screenshots.

_SYLLABLES = "ba ce di fo gu ha ki lo mu na pe ri so tu va wo xe yi zo da el in or st un am".split()  # noqa: SIM905


class Element(NamedTuple):
    """Something on a screen that one would look for: pixels at zoom 1. What has one name looks alike."""

    name: str
    left: int
    top: int
    width: int
    height: int


def words(rng: Rng, count: int, side: int) -> list[str]:
    """Made-up words; the two sides share none."""
    made: list[str] = []
    while len(made) < count:
        parts = [_SYLLABLES[int(k)] for k in rng.integers(len(_SYLLABLES), size=rng.integers(2, 5))]
        word = "".join(parts)
        if zlib.crc32(word.encode()) % 2 == side:
            made.append(word)
    return made


@functools.cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


class Screen:
    """A window with menu, tools, a list, text and buttons, drawn at a zoom; `elements` says where things are.

    The same seed at another zoom gives the same layout drawn anew, as a screen of more dots does.
    """

    def __init__(
        self, seed: Sequence[int], width: int, height: int, side: int, zoom: float = 1
    ) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.zoom, self.side, self.width, self.height = zoom, side, width, height
        self.icons = icons.NAMES[side::2]
        dark = rng.random() < 0.35
        ground = rng.integers(18, 50) if dark else rng.integers(225, 256)
        self.ground = _shifted((int(ground),) * 3, int(rng.integers(-5, 1)))
        self.raised = _shifted(self.ground, 14 if dark else -14)
        self.line = _shifted(self.ground, 40 if dark else -45)
        self.ink = _shifted((228,) * 3 if dark else (35,) * 3, int(rng.integers(-15, 16)))
        self.accent: Colour = tuple(rng.permutation([40, int(rng.integers(80, 150)), 210]).tolist())
        self.text_size = int(rng.integers(11, 16))
        self.elements: list[Element] = []
        size = (round(width * zoom), round(height * zoom))
        self.image = Image.new("RGB", size, self.ground)
        self.pen = ImageDraw.Draw(self.image)
        self._draw()

    def pixels(self) -> Pixels:
        return np.asarray(self.image)

    def _at(self, *numbers: float) -> list[int]:
        return [round(n * self.zoom) for n in numbers]

    def _box(self, left: float, top: float, width: float, height: float, fill: Colour | None,
             outline: Colour | None = None, radius: float = 0) -> None:  # fmt: skip
        x0, y0, x1, y1 = self._at(left, top, left + width, top + height)
        line = max(1, round(self.zoom))
        self.pen.rounded_rectangle(
            (x0, y0, x1 - 1, y1 - 1), radius * self.zoom, fill, outline, line
        )

    def _write(
        self, x: float, y: float, text: str, colour: Colour | None = None, size: int = 0
    ) -> float:
        """Text with its left middle at x, y; its width at zoom 1."""
        size = size or self.text_size
        font = _font(max(6, round(size * self.zoom)))
        self.pen.text(self._at(x, y), text, colour or self.ink, font, anchor="lm")
        return float(_font(size).getlength(text))

    def _icon(self, x: float, y: float, size: int, name: str, colour: Colour | None = None) -> None:
        shape = icons.shape(name, round(size * self.zoom))
        self.image.paste(colour or self.ink, tuple(self._at(x, y)), shape)
        self._mark(name, x - 2, y - 2, size + 4, size + 4)

    def _mark(self, name: str, *box: float) -> None:
        left, top, width, height = (round(n) for n in box)
        if left >= 0 <= top and left + width <= self.width and top + height <= self.height:
            self.elements.append(Element(name, left, top, width, height))

    def _some(self, count: int) -> str:
        return " ".join(words(self.rng, count, self.side))

    def _button(self, x: float, y: float) -> float:
        text = self._some(1).title()
        width, height = _font(self.text_size).getlength(text) + 28, self.text_size * 2 + 4
        main = self.rng.random() < 0.4
        self._box(x, y, width, height, self.accent if main else self.raised, self.line, 5)
        self._write(x + 14, y + height / 2, text, (255,) * 3 if main else None)
        self._mark(text, x - 2, y - 2, width + 4, height + 4)
        return width + 12

    def _draw(self) -> None:
        rng, W, H, row = self.rng, self.width, self.height, self.text_size * 2 + 8
        self._box(0, 0, W, row, self.raised)
        x = 12.0
        for word in words(rng, 7, self.side):
            x += self._write(x, row / 2, word.title()) + 18
        size, x, top = int(rng.integers(16, 33)), 12.0, row + 8
        for name in rng.permutation(self.icons)[: rng.integers(4, 9)].tolist():
            self._icon(x, top, size, name, self.accent if rng.random() < 0.2 else None)
            x += size + 16
        top += size + 10
        self._box(0, top, W, 1, self.line)
        side = int(W * rng.uniform(0.16, 0.24))
        self._box(0, top + 1, side, H, self.raised)
        small = int(rng.integers(14, 21))
        for y in range(top + 10, H - row, row):
            self._icon(12, y + (row - small) // 2, small, str(rng.choice(self.icons)))
            self._write(20 + small, y + row / 2, self._some(1).title())
        self._body(side + 24, top + 16, W - side - 48, H - top - 32, row)

    def _body(self, left: float, top: float, width: float, height: float, row: int) -> None:
        """Panels below each other: text, a table, a dialog, a picture."""
        y, end, rng = top, top + height, self.rng
        while y < end - 3 * row:
            kind = int(rng.integers(4))
            tall = int(rng.integers(3, 8)) * row
            if kind == 0:
                self._write(left, y + row / 2, self._some(3).title(), size=self.text_size + 8)
                for line in range(1, tall // row):
                    self._write(
                        left, y + (line + 0.5) * row, self._some(int(width / 70))[: int(width / 8)]
                    )
                self._mark(f"text {y:.0f}", left, y, min(width, 240), tall)
            elif kind == 1:
                mark = str(rng.choice(self.icons))
                for line in range(tall // row):
                    self._box(left, y + line * row, width, 1, self.line)
                    for cell in range(4):
                        self._write(
                            left + 8 + cell * width / 5, y + (line + 0.5) * row, self._some(1)
                        )
                    self._icon(left + width - 30, y + line * row + 6, 18, mark)
            elif kind == 2:
                self._box(left, y, min(width, 380), tall, self.raised, self.line, 8)
                self._write(
                    left + 16, y + row * 0.7, self._some(2).title(), size=self.text_size + 3
                )
                self._write(left + 16, y + row * 1.6, self._some(4))
                x = left + 16
                for _ in range(2):
                    x += self._button(x, y + tall - row - 8)
                self._mark(f"panel {y:.0f}", left - 4, y - 4, min(width, 380) + 8, tall + 8)
            else:
                wide = int(min(width, rng.integers(120, 400)))
                picture = texture(rng, tall, wide, 0)
                size = (round(wide * self.zoom), round(tall * self.zoom))
                shown = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
                self.image.paste(shown, tuple(self._at(left, y)))
                x = left + wide + 16
                while x < left + width - 120:
                    x += self._button(x, y + 6)
            y += tall + 16


def _shifted(colour: Sequence[int], by: int) -> Colour:
    r, g, b = (min(255, max(0, int(c) + by)) for c in colour)
    return r, g, b


def screen(rng: Rng, height: int, width: int, side: int) -> Pixels:
    """A screenshot. The two sides, 0 and 1, share no icon and no word."""
    return Screen([int(rng.integers(2**31))], width, height, side).pixels()


def blurred(x: Pixels, sigma: float) -> Pixels:
    return np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(sigma)))
