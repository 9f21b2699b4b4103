"""Few wide layers or many narrow ones? Train both at the same cost on drawn scenes, and count.

``python docs/deep_or_wide.py`` (needs torch, takes minutes) draws its scenes with ``sample_images/draw.py``.
All networks see 13x13 pixels and spend about 4,700 multiply-adds a pixel. Each is trained to put its peak on
Waldo, and then looks for him in scenes it has not seen.
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
NETWORKS = {"one layer": (13, 9, 1), "two layers": (7, 8, 2), "six layers": (3, 10, 6)}
SEEDS = (0, 1, 2)
HEAD = 12.0  # pixels


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


def scene(seed: int, size: tuple[int, int]) -> tuple[torch.Tensor, tuple[float, float]]:
    """A drawn scene ``(1, 3, H, W)`` and the row and column of the centre of his head."""
    themes = sorted(draw.THEMES)
    while True:
        try:
            page, boxes = draw.draw_scene(seed, size, themes[seed % len(themes)], head=HEAD)
            break
        except ValueError:  # no room for him in so small a scene
            seed += 1_000
    box = next(b for b in boxes if b.label == "waldo")
    x = torch.from_numpy(np.asarray(page, np.float32) / 255).permute(2, 0, 1)[None]
    padded = nn.functional.pad(x, (6, 6, 6, 6), mode="replicate")  # as many answers as pixels
    return padded, ((box.ymin + box.ymax - 1) / 2, (box.xmin + box.xmax - 1) / 2)


def train(net: nn.Sequential, steps: int, seed: int) -> None:
    """One scene a step; the loss is the surprise at where he is, were the map a lottery."""
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for step in range(steps):
        x, (row, col) = scene(1_000_000 * (seed + 1) + step, (200, 160))
        scores = net(x)[0, 0]
        target = round(row) * scores.shape[1] + round(col)
        loss = nn.functional.cross_entropy(scores.reshape(1, -1), torch.tensor([target]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def hits(net: nn.Sequential, scenes: int) -> int:
    """In how many larger, unseen scenes the peak lies on his head."""
    count = 0
    with torch.inference_mode():
        for seed in range(scenes):
            x, (row, col) = scene(seed, (300, 240))
            scores = net(x)[0, 0]
            i, j = divmod(int(scores.argmax()), scores.shape[1])
            count += abs(i - row) <= HEAD / 2 and abs(j - col) <= HEAD / 2
    return count


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500, help="of training")
    parser.add_argument("--scenes", type=int, default=200, help="to look for him in")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name, (side, channels, layers) in NETWORKS.items():
        found = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            net = network(side, channels, layers)
            train(net, asked.steps, seed)
            found.append(hits(net, asked.scenes))
        kind = f"{name}, {channels} channels {side}x{side}"
        said = ", ".join(map(str, found))
        sys.stdout.write(f"{kind:30} {multiply_adds(net):6,} a pixel: {said} of {asked.scenes}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
