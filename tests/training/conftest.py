"""Pages to learn from, and networks that look as if they had learnt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    import torch

    from waldo_cli.training.data import TrainingPage
    from waldo_cli.training.network import Classes

# PyTorch is imported by fixtures alone: without it, this file is read all the same.


def _lived_in(net: torch.nn.Sequential, seed: int) -> torch.nn.Sequential:
    """The network with normalisation statistics as training leaves them, not all ones."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for layer in net:
        if isinstance(layer, torch.nn.BatchNorm2d):
            for values, low in (
                (layer.weight.data, 0.5),
                (layer.bias.data, -0.5),
                (layer.running_mean, -0.5),
                (layer.running_var, 0.5),
            ):
                values.copy_(torch.rand(values.shape, generator=generator) + low)
    return net.eval()


@pytest.fixture(scope="module")
def classes() -> Classes:
    from waldo_cli.training.network import Classes

    return Classes(("waldo", "wenda"), figures=True)


@pytest.fixture(scope="module")
def networks(classes: Classes) -> list[torch.nn.Sequential]:
    import torch

    from waldo_cli.training.network import box_network, classifier_network, proposal_network

    torch.manual_seed(0)
    nets = [proposal_network(classes), classifier_network(classes), classifier_network(classes)]
    box = box_network()
    torch.nn.init.normal_(box[-1].weight)
    return [_lived_in(net, seed) for seed, net in enumerate([*nets, box])]


@pytest.fixture(scope="module")
def pages() -> list[TrainingPage]:
    """Noise with a coloured square for every head: Waldo's red, Wenda's blue, a stranger's green."""
    from waldo_cli.training.data import NOBODY, Head, TrainingPage

    random = np.random.default_rng(5)
    out = []
    for n in range(4):
        pixels = random.integers(120, 255, (220, 300, 3)).astype(np.uint8)
        heads = []
        for label, colour, x in (
            (0, (220, 20, 20), 60),
            (1, (20, 20, 220), 150),
            (NOBODY, (0, 160, 0), 240),
        ):
            top = 40 + 25 * n
            pixels[top : top + 24, x : x + 18] = colour
            heads.append(Head(label, x, top, x + 18, top + 24))
        out.append(TrainingPage(f"{n}.png", f"art{n // 2}", "page", pixels, tuple(heads)))
    return out


@pytest.fixture
def folder(pages: list[TrainingPage], tmp_path: Path) -> Path:
    """The pages as files."""
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for page in pages:
        Image.fromarray(page.pixels).save(tmp_path / page.name)
        for h in page.heads:
            label = ("waldo", "wenda", "lookalike")[h.label]
            edges = f"{h.left},{h.top},{h.right},{h.bottom}"
            rows.append(f"{page.name},300,220,{label},{edges}")
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    return tmp_path
