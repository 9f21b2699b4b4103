"""Draw pages that show one kind of thing, and say where it is: something to learn from.

    python docs/figures/pages_to_learn.py SUBJECT DIR --pages 60 --seed 0

writes DIR/0.png ... and DIR/truth.csv, and the thing alone as DIR/template.png. Subjects:

  icons  screenshots of made-up programs; a gear among seven other icons, text, buttons and pictures
  map    topographic maps, as if scanned; a campsite among eight other symbols, contour lines, roads and names
  marks  photographs of scikit-image (which must be installed); a quartered disc, as surveyors lay out as a
         target, among other black and white discs, turned, tilted, lit and blurred

Each page has a theme, a layout and a size of its own, and shows the thing once or more. In the truth, artwork
is the photograph; pages of an even seed show other photographs than those of an odd one.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import pictures
from benchmarks.pictures import icons

Random = np.random.Generator
Array = NDArray[np.float64]
Box = tuple[int, int, int, int]  # left, top, right, bottom


COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax", "artwork")


class Page(NamedTuple):
    """A picture, the boxes of what is sought on it, and what it is a picture of, if pages share that."""

    image: Image.Image
    boxes: list[Box]
    artwork: str = ""


def noise(random: Random, height: int, width: int, *waves: float) -> Array:
    """Smooth noise of mean 0 and deviation 1, of waves of these lengths in pixels; longer ones are higher."""
    total = np.zeros((height, width))
    for wave in waves:
        # One number for each wave, and smooth between them.
        few = random.standard_normal((math.ceil(height / wave) + 3, math.ceil(width / wave) + 3))
        left, top = random.uniform(1, 2, 2)
        part = (left, top, left + width / wave, top + height / wave)
        layer = Image.fromarray(few.astype(np.float32))
        total += wave * np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC, part))
    return np.asarray((total - total.mean()) / total.std())


def free_place(random: Random, size: tuple[int, int], side: int, taken: list[Box]) -> Box:
    """A square on the page that touches none of those taken; it is added to them."""
    while True:
        left, top = (int(random.integers(4, n - side - 4)) for n in size)
        box = (left, top, left + side, top + side)
        if not any(a < box[2] and box[0] < c and b < box[3] and box[1] < d for a, b, c, d in taken):
            taken.append(box)
            return box


# Icons in screenshots.

ZOOMS = (1.0, 1.25, 1.5, 2.0)


def screenshot(random: Random, side: int) -> Page:  # noqa: ARG001 - icons come in two sets, the gear is in one
    """The first screenshot that shows a gear."""
    while True:
        zoom = float(random.choice(ZOOMS))
        screen = pictures.Screen([int(random.integers(2**31))], 800, 600, 1, zoom)
        boxes = []
        for element in screen.elements:
            if element.name == "gear":
                # It has a margin of two pixels, in which the next one may not lie.
                left, top = round((element.left + 2) * zoom), round((element.top + 2) * zoom)
                size = round((element.width - 4) * zoom)
                boxes.append((left, top, left + size, top + size))
        if boxes:
            return Page(screen.image, boxes)


# Symbols on maps, on the grid of 24 by 24 that icons have.


def _campsite(nib: icons.Nib) -> None:
    nib.line(13.5, 3, 3, 20.5)
    nib.line(10.5, 3, 21, 20.5)
    nib.line(2, 20.5, 22, 20.5)
    nib.shape(12, 10, 16, 20, 8, 20)


def _summit(nib: icons.Nib) -> None:
    nib.shape(12, 3, 22, 21, 2, 21)


def _survey_point(nib: icons.Nib) -> None:
    nib.line(12, 3.5, 21.5, 20.5, 2.5, 20.5, 12, 3.5)
    nib.disc(12, 14.5, 2.2)


def _hut(nib: icons.Nib) -> None:
    nib.shape(12, 3, 22, 11, 22, 21, 2, 21, 2, 11)
    nib.box(9.5, 13, 14.5, 21, ink=0)


def _fir(nib: icons.Nib) -> None:
    nib.shape(12, 2, 18, 11, 6, 11)
    nib.shape(12, 8, 20, 18, 4, 18)
    nib.line(12, 18, 12, 22)


def _church(nib: icons.Nib) -> None:
    nib.disc(12, 16.5, 5)
    nib.line(12, 2, 12, 12)
    nib.line(8.5, 5.5, 15.5, 5.5)


def _viewpoint(nib: icons.Nib) -> None:
    for k in range(7):
        x, y = math.cos(math.pi * k / 6), math.sin(math.pi * k / 6)
        nib.line(12 + 4 * x, 17 - 4 * y, 12 + 10 * x, 17 - 10 * y, width=1.8)


def _car_park(nib: icons.Nib) -> None:
    nib.box(2, 2, 22, 22, 3)
    nib.disc(12, 9.5, 4.3, 0)
    nib.disc(12, 9.5, 1.8)
    nib.line(9, 6.5, 9, 18.5, width=2.4, ink=0)


def _spring(nib: icons.Nib) -> None:
    nib.ring(8, 8, 5)
    nib.line(11.5, 11.5, 15, 13, 15.5, 17, 21, 21)


OTHER_SYMBOLS = (
    _summit, _survey_point, _hut, _fir, _church, _viewpoint, _car_park, _spring,
)  # fmt: skip
INKS = ((20, 20, 25), (150, 20, 40), (20, 60, 150), (110, 55, 20), (90, 20, 110), (10, 95, 60))


def symbol(draw: Callable[[icons.Nib], None], size: int, degrees: float = 0) -> Image.Image:
    """How much of each pixel a symbol covers: ``L``, cropped to it."""
    nib = icons.Nib(size)
    draw(nib)
    turned = nib.canvas.rotate(degrees, Image.Resampling.BICUBIC)
    shape = turned.reduce(icons.SUPERSAMPLING)
    return shape.crop(shape.point(lambda v: 255 * (v > 40)).getbbox())


def _sheet(random: Random, width: int, height: int, side: int) -> Image.Image:
    """A map without symbols: woods, lakes, contour lines, roads, paths, names and heights."""
    land = noise(random, height, width, 400, 160, 60)
    sheet = np.full((height, width, 3), 255.0) - random.uniform(0, [12, 18, 40])

    def print_in(colour: Any, cover: Array) -> None:
        sheet[:] += (np.asarray(colour, float) - sheet) * np.clip(cover, 0, 1)[..., None]

    green = random.uniform((185, 215, 160), (215, 235, 190))
    print_in(green, 6 * (noise(random, height, width, 240, 90) - random.uniform(0.1, 1)))
    # A line is where the height is a whole number of steps: how far, in pixels, says the slope.
    steps = land * random.uniform(4, 9)
    slope = np.hypot(*np.gradient(steps)) + 1e-3
    brown = random.uniform((150, 90, 40), (205, 150, 110))
    for interval, wide in ((1, 1.2), (5, 2.2)):
        off = np.abs((steps / interval + 0.5) % 1 - 0.5) * interval
        print_in(brown, wide + 0.5 - off / slope)
    blue = random.uniform((150, 195, 225), (190, 220, 245))
    print_in(blue, 20 * (np.quantile(land, random.uniform(0, 0.12)) - land))
    image = Image.fromarray(sheet.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    ways = [((60, 60, 60), w, tuple(random.integers((200, 130, 60), 256))) for w in (14, 10)]
    for edge, wide, fill in [*ways, (None, 4, (90, 60, 50)), (None, 3, (60, 60, 60))]:
        ends = (
            random.uniform((-50, 0), (0, height)),
            random.uniform((width, 0), (width + 50, height)),
        )
        spots = np.linspace(*ends, 6)
        spots[1:-1] += random.normal(0, 90, (4, 2))
        line = ndimage.zoom(spots, (40, 1), order=3, mode="nearest", grid_mode=True)
        if random.random() < 0.5:
            line = line[:, ::-1] * (width / height, height / width)
        points = [tuple(p) for p in line.tolist()]
        if edge is None:  # a path, in dashes
            for k in range(0, len(points) - 4, 7):
                pen.line(points[k : k + 4], fill, wide)
        else:
            pen.line(points, edge, wide, "curve")
            pen.line(points, fill, wide - 4, "curve")
    for word in pictures.words(random, 14, side):
        text = word.title() if random.random() < 0.6 else str(random.integers(200, 2400))
        at = tuple(random.uniform(0, (width - 120, height - 40)).tolist())
        pen.text(at, text, (30, 30, 30), ImageFont.load_default(float(random.integers(22, 42))))
    return image.reduce(2)


def map_sheet(random: Random, side: int) -> Page:
    """A map with one to three campsites among other symbols, all in one ink, a little turned."""
    image = _sheet(random, 1440, 1080, side)
    boxes, taken = [], list[Box]()
    ink, usual = INKS[random.integers(len(INKS))], random.uniform(16, 40)
    campsites = int(random.integers(1, 4))
    others = random.choice(len(OTHER_SYMBOLS), 20)
    for draw in [*[_campsite] * campsites, *(OTHER_SYMBOLS[k] for k in others)]:
        size = round(usual * random.uniform(0.85, 1.15))
        shape = symbol(draw, size, random.normal(0, 6))
        left, top = free_place(random, image.size, size + 4, taken)[:2]
        image.paste(ink, (left, top), shape)
        if draw is _campsite:
            boxes.append((left, top, left + shape.width, top + shape.height))
    scanned = np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.9))), float)
    scanned += random.normal(0, random.uniform(0, 6), scanned.shape)
    return Page(Image.fromarray(np.clip(scanned, 0, 255).astype(np.uint8)), boxes)


# Marks on photographs.

# Pages of an even seed show the first ones, those of an odd seed the others.
PHOTOGRAPHS = (
    ("astronaut", "brick", "camera", "coffee", "grass", "immunohistochemistry", "moon",
     "stereo_motorcycle"),
    ("cat", "clock", "coins", "gravel", "hubble_deep_field", "retina", "rocket"),
)  # fmt: skip

OTHER_DISCS = ("half", "dot", "band", "cross", "sectors", "rim")


def black(kind: str, x: Array, y: Array) -> Any:
    """What is black of a disc, by places on it: x and y from -1 to 1."""
    radius = np.hypot(x, y)
    return {
        "target": x * y > 0,
        "half": x > 0,
        "dot": radius < 0.45,
        "band": np.abs(radius - 0.6) < 0.18,
        "cross": np.minimum(np.abs(x), np.abs(y)) < 0.2,
        "sectors": np.sin(4 * np.arctan2(y, x)) > 0,
        "rim": radius > 0.75,
    }[kind]


def disc(kind: str, size: int, turned: float = 0, tilt: float = 1) -> tuple[Array, Array]:
    """How much of each pixel of a square a disc covers, and how much of this is white; from 0 to 1."""
    fine = 4 * size
    y, x = (np.mgrid[:fine, :fine] + 0.5) * 2 / fine - 1
    x /= tilt
    inside = np.hypot(x, y) < 1
    cos, sin = math.cos(turned), math.sin(turned)
    white = inside & ~black(kind, cos * x + sin * y, cos * y - sin * x)
    cover, bright = (a.reshape(size, 4, size, 4).mean((1, 3)) for a in (inside, white))
    return cover, bright / np.maximum(cover, 1e-9)


def photograph(random: Random, side: int) -> Page:
    """A piece of a photograph with one or two targets among other discs."""
    try:
        import skimage.data
    except ImportError:
        sys.exit("marks needs the photographs of scikit-image: pip install scikit-image")
    name = str(random.choice(PHOTOGRAPHS[side]))
    whole = getattr(skimage.data, name)()
    whole = Image.fromarray(whole[0] if isinstance(whole, tuple) else whole).convert("RGB")
    width, height = 560, 420
    across = random.uniform(0.55, 1) * min(whole.width, whole.height * width / height)
    down = across * height / width
    left, top = random.uniform(0, (whole.width - across, whole.height - down))
    piece = whole.resize(
        (width, height), Image.Resampling.BICUBIC, (left, top, left + across, top + down)
    )
    scene = np.asarray(piece, float)
    light = ndimage.gaussian_filter(scene, (8, 8, 0))
    boxes, taken = [], list[Box]()
    targets = int(random.integers(1, 3))
    others = random.choice(len(OTHER_DISCS), 7)
    for kind in [*["target"] * targets, *(OTHER_DISCS[k] for k in others)]:
        size = round(12 * 2 ** random.uniform(0, 1.7))
        tilt = random.uniform(0.7, 1)
        cover, white = disc(kind, size, random.uniform(0, 2 * math.pi), tilt)
        if random.random() < 0.5:
            cover, white = cover.T, white.T
        x0, y0, x1, y1 = free_place(random, (width, height), size, taken)
        here = (slice(y0, y1), slice(x0, x1))
        # Paint is lit as what is around it, and what it lies on shows a little.
        paint = random.uniform(20, 60) + white[..., None] * random.uniform(150, 190)
        lit = paint * (0.45 + 0.6 * light[here] / 255) + 0.3 * (scene[here] - light[here])
        scene[here] += (lit - scene[here]) * cover[..., None]
        if kind == "target":
            rows, cols = (np.flatnonzero(cover.max(axis) > 0.3) for axis in (1, 0))
            boxes.append((x0 + int(cols[0]), y0 + int(rows[0]),
                          x0 + int(cols[-1]) + 1, y0 + int(rows[-1]) + 1))  # fmt: skip
    blur = random.uniform(0, 1.0)
    scene = ndimage.gaussian_filter(scene, (blur, blur, 0))
    scene += random.normal(0, random.uniform(0, 6), scene.shape)
    return Page(Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)), boxes, name)


def _target_alone(size: int) -> Image.Image:
    cover, white = (np.uint8(255 * a) for a in disc("target", size))
    return Image.merge("LA", [Image.fromarray(a) for a in (white, cover)])


def _in_black(shape: Image.Image) -> Image.Image:
    return Image.merge("LA", [Image.new("L", shape.size), shape])


# Of each subject: the class, how a page is drawn, and the thing alone.
SUBJECTS: dict[str, tuple[str, Callable[[Random, int], Page], Callable[[], Image.Image]]] = {
    "icons": ("gear", screenshot, lambda: _in_black(icons.shape("gear", 32))),
    "map": ("campsite", map_sheet, lambda: _in_black(symbol(_campsite, 32))),
    "marks": ("target", photograph, lambda: _target_alone(32)),
}


def write_pages(subject: str, folder: Path, pages: int, seed: int) -> None:
    """Draw the pages of a subject, with their truth, and the thing alone."""
    folder.mkdir(parents=True, exist_ok=True)
    label, draw, alone = SUBJECTS[subject]
    alone().save(folder / "template.png")
    rows: list[tuple[object, ...]] = []
    for number in range(pages):
        page = draw(np.random.default_rng(1000 * seed + number), seed % 2)
        name = f"{number}.png"
        page.image.save(folder / name)
        rows += [(name, *page.image.size, label, *box, page.artwork or name) for box in page.boxes]
    with (folder / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def main() -> None:
    """Draw the pages that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("subject", choices=SUBJECTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    write_pages(asked.subject, asked.folder, asked.pages, asked.seed)


if __name__ == "__main__":
    main()
