"""Few wide layers or many narrow ones? Train both at the same cost on drawn scenes, and count.

``python docs/deep_or_wide.py`` (needs torch, takes minutes) draws its scenes with ``sample_images/draw.py``.
All networks see 9x9 pixels and spend about 1,400 multiply-adds a pixel. Each is trained to put its peak on
Waldo, and then looks for him in scenes that it has not seen.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sample_images"))

import draw

# Side of the kernels, channels, how many such layers; a 1x1 layer to one map follows.
NETWORKS = {"one layer": (9, 6, 1), "two layers": (5, 6, 2), "four layers": (3, 7, 4)}
REACH = 4  # pixels that each network sees to each side
HEAD = 10.0  # pixels from his hat to his chin
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
            page, boxes = draw.draw_scene(seed, (200, 160), themes[seed % len(themes)], head=HEAD)
        except ValueError:  # no room for him in so small a scene
            continue
        box = next(b for b in boxes if b.label == "waldo")
        x = torch.from_numpy(np.asarray(page, np.float32) / 255).permute(2, 0, 1)[None]
        x = nn.functional.pad(x, (REACH,) * 4, mode="replicate")  # as many answers as pixels
        scenes.append((x, ((box.ymin + box.ymax - 1) // 2, (box.xmin + box.xmax - 1) // 2)))
    return scenes


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
    asked = parser.parse_args()
    torch.set_num_threads(1)
    known, unseen = draw_scenes(1_000_000, asked.scenes), draw_scenes(0, asked.scenes)
    for name, (side, channels, layers) in NETWORKS.items():
        found = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            net = network(side, channels, layers)
            train(net, known, asked.steps, seed)
            found.append(hits(net, unseen))
        kind = f"{name}, {channels} channels {side}x{side}"
        said = ", ".join(map(str, found))
        sys.stdout.write(f"{kind:32} {multiply_adds(net):6,} a pixel: {said} of {asked.scenes}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
