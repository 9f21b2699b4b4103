"""Few wide layers or many narrow ones? Train both at the same cost on drawn scenes, and count.

``python docs/figures/deep_or_wide.py`` (needs torch, takes minutes) draws its scenes with
``sample_images/scenes/draw.py``. All networks see 9x9 pixels and spend about 1,400 multiply-adds a pixel.
Each is trained to put its peak on Waldo, and then looks for him in scenes that it has not seen.

With ``--pages PAGES --truth boxes.csv`` the scenes are pieces of pages, as large as the drawn ones, his head
as tall. Half of the drawings are learned from and the other half is looked at, then the other way round.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_images" / "scenes"))

import draw

# Side of the kernels, channels, how many such layers; a 1x1 layer to one map follows.
NETWORKS = {"one layer": (9, 6, 1), "two layers": (5, 6, 2), "four layers": (3, 7, 4)}
REACH = 4  # pixels that each network sees to each side
HEAD = 10.0  # pixels from his hat to his chin
SIZE = (200, 160)  # of a scene
SEEDS = (0, 1)


def network(side: int, channels: int, layers: int) -> nn.Sequential:
    """Convolutions without padding, each with a leaky ReLU, and one map at the end."""
    entering = [3] + [channels] * (layers - 1)
    parts: list[nn.Module] = []
    for c in entering:
        parts += [nn.Conv2d(c, channels, side), nn.LeakyReLU(0.1)]
    return nn.Sequential(*parts, nn.Conv2d(channels, 1, 1))


def multiply_adds(net: nn.Sequential) -> int:
    """For one pixel of the map."""
    return sum(p.weight.numel() for p in net if isinstance(p, nn.Conv2d))


Scene = tuple[torch.Tensor, tuple[int, int]]


def draw_scenes(first: int, count: int) -> list[Scene]:
    """Scenes ``(1, 3, H, W)``, and row and column of the centre of his head in each."""
    themes, scenes = sorted(draw.THEMES), []
    seed = first
    while len(scenes) < count:
        seed += 1
        try:
            page, boxes = draw.draw_scene(seed, SIZE, themes[seed % len(themes)], head=HEAD)
        except ValueError:  # no room for him in so small a scene
            continue
        box = next(b for b in boxes if b.label == "waldo")
        scenes.append(as_scene(page, box[1:]))
    return scenes


def as_scene(picture: Image.Image, box: tuple[int, ...]) -> Scene:
    """A picture and the box of his head: left, top, right, bottom."""
    left, top, right, bottom = box
    x = torch.from_numpy(np.asarray(picture, np.float32) / 255).permute(2, 0, 1)[None]
    x = nn.functional.pad(x, (REACH,) * 4, mode="replicate")  # as many answers as pixels
    return x, ((top + bottom - 1) // 2, (left + right - 1) // 2)


def cut_pages(pages: Path, truth: Path) -> tuple[list[Scene], list[Scene]]:
    """A piece of each page with him somewhere in it; all scans of a drawing are in one half."""
    with truth.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] == "waldo"]
    drawings = sorted({row.get("artwork") or row["filename"] for row in rows})
    rng = np.random.default_rng(0)
    halves: tuple[list[Scene], list[Scene]] = ([], [])
    for row in rows:
        box = np.array([int(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")])
        zoom = HEAD / (box[3] - box[1])
        with Image.open(pages / row["filename"]) as page:
            size = [max(1, round(side * zoom)) for side in page.size]
            small = page.convert("RGB").resize((size[0], size[1]), Image.Resampling.BOX)
        head = np.rint(box * zoom).astype(int)
        at: list[int] = []
        for axis in (0, 1):
            low = max(0, head[2 + axis] - SIZE[axis])
            high = max(low, min(head[axis], size[axis] - SIZE[axis]))
            at.append(int(rng.integers(low, high + 1)))
        piece = small.crop(
            (at[0], at[1], min(size[0], at[0] + SIZE[0]), min(size[1], at[1] + SIZE[1]))
        )
        half = drawings.index(row.get("artwork") or row["filename"]) % 2
        halves[half].append(as_scene(piece, tuple(int(n) for n in head - [*at, *at])))
    return halves


def train(net: nn.Sequential, scenes: list[Scene], steps: int, seed: int) -> None:
    """One scene a step; the loss is the surprise at where he is, were the map a lottery."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        x, (row, col) = scenes[rng.integers(len(scenes))]
        if rng.random() < 0.5:  # mirrored
            x, col = x.flip(3), x.shape[3] - 2 * REACH - 1 - col
        scores = net(x)[0, 0]
        target = torch.tensor([row * scores.shape[1] + col])
        loss = nn.functional.cross_entropy(scores.reshape(1, -1), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def hits(net: nn.Sequential, scenes: list[Scene]) -> int:
    """In how many scenes the peak lies on his head."""
    count = 0
    with torch.inference_mode():
        for x, (row, col) in scenes:
            scores = net(x)[0, 0]
            i, j = divmod(int(scores.argmax()), scores.shape[1])
            count += abs(i - row) <= HEAD / 2 and abs(j - col) <= HEAD / 2
    return count


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400, help="of training")
    parser.add_argument("--scenes", type=int, default=100, help="to learn from, and to look in")
    parser.add_argument("--pages", type=Path, help="a folder of pages instead of drawn scenes")
    parser.add_argument("--truth", type=Path, help="their boxes, as for `waldo evaluate`")
    asked = parser.parse_args()
    if (asked.pages is None) != (asked.truth is None):
        parser.error("--pages and --truth go together")
    torch.set_num_threads(1)
    if asked.pages is None:
        courses = [(draw_scenes(1_000_000, asked.scenes), draw_scenes(0, asked.scenes))]
    else:
        one, other = cut_pages(asked.pages, asked.truth)
        courses = [(one, other), (other, one)]
    looked = sum(len(unseen) for _, unseen in courses)
    for name, (side, channels, layers) in NETWORKS.items():
        found = []
        for seed in SEEDS:
            right = 0
            for known, unseen in courses:
                torch.manual_seed(seed)
                net = network(side, channels, layers)
                train(net, known, asked.steps, seed)
                right += hits(net, unseen)
            found.append(right)
        kind = f"{name}, {channels} channels {side}x{side}"
        said = ", ".join(map(str, found))
        sys.stdout.write(f"{kind:32} {multiply_adds(net):6,} a pixel: {said} of {looked}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
