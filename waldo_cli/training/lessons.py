"""What each network learns: its batches and how wrong its answers are."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from waldo_cli.training.augment import Batch, Mix, make_batch
from waldo_cli.training.data import NOBODY, Patches
from waldo_cli.training.network import CHARACTERS, PROPOSAL_VIEW, View, field_and_jump


class Lesson(Protocol):
    """What one network learns."""

    rate: float
    decay: float

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images and whatever `loss` needs, one row per sample."""

    def loss(self, answers: Tensor, *targets: Tensor) -> Tensor:
        """How wrong the answers are."""


class ProposalLesson:
    """Where is somebody's head? One answer per character and cell of a small map."""

    rate = 3e-3
    decay = 1e-3
    # A sample holds nine by nine answers, more than two heads each way.
    mix = Mix(
        size=95,
        head=PROPOSAL_VIEW.head,
        shift=13.0,
        octaves=0.45,
        real=28,
        pasted=28,
        strangers=4,
        empty=33,
        shares=(0.6, 0.14, 0.09, 0.09, 0.08),
    )

    def __init__(self, net: nn.Sequential, characters: Patches, places: Patches) -> None:
        self.characters, self.places = characters, places
        field, jump = field_and_jump(net)
        cells = (self.mix.size - field) // jump + 1
        self.centers = (np.arange(cells) - (cells - 1) / 2) * jump

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images, what each cell should answer, and how much it matters."""
        batch = make_batch(self.mix, self.characters, self.places, random)
        return (batch.images, *self._targets(batch))

    def _targets(self, batch: Batch) -> tuple[Tensor, Tensor]:
        across = np.abs(self.centers[None, :] - batch.x[:, None]) / 0.8
        down = np.abs(self.centers[None, :] - batch.y[:, None])
        away = np.maximum(across[:, None, :], down[:, :, None]) / batch.head[:, None, None]
        nearest = away.min(axis=(1, 2), keepdims=True)
        there = (away < 0.24) | (away == nearest)
        count, cells = len(batch.labels), len(self.centers)
        wanted = np.zeros((count, len(CHARACTERS), cells, cells), np.float32)
        weight = np.ones_like(wanted)
        for n in np.flatnonzero(batch.labels != NOBODY):
            label, here = batch.labels[n], there[n]
            wanted[n, label][here] = 1
            weight[n][:, (away[n] < 0.85) & ~here] = 0  # beside the head either answer will do
            # Who it is will be told by the closer looks; here it matters that it is somebody.
            weight[n, 1:][:, here] = 0.5
            if label != 0:
                weight[n, 0][here] = 0.3
        return torch.from_numpy(wanted), torch.from_numpy(weight)

    def loss(self, answers: Tensor, *targets: Tensor) -> Tensor:
        """Focal cross-entropy (Lin et al. 2017): easy cells, nearly all, count little."""
        wanted, weight = targets
        right = torch.sigmoid(torch.where(wanted > 0, answers, -answers)).detach()
        hard = (1 - right) ** 2 * (1 + wanted) * weight
        error = functional.binary_cross_entropy_with_logits(answers, wanted, reduction="none")
        return (error * hard).sum() / len(answers) / len(CHARACTERS)


def closer_mix(view: View) -> Mix:
    """What a closer look learns from: cuts as `detect` makes them, a little off in place and scale."""
    return Mix(
        size=77,
        head=view.head,
        shift=0.23 * view.head,
        octaves=0.36,
        real=38,
        pasted=38,
        strangers=7,
        empty=43,
        shares=(0.52, 0.17, 0.095, 0.095, 0.12),
    )


class ClassifierLesson:
    """Who is it? Places that are still taken for somebody come up more often than others."""

    rate = 2e-3
    decay = 2e-3

    def __init__(self, view: View, characters: Patches, places: Patches) -> None:
        self.mix, self.characters, self.places = closer_mix(view), characters, places

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images, labels, and which place each of the last images shows."""
        batch = make_batch(self.mix, self.characters, self.places, random)
        place = np.full(len(batch.labels), -1)
        place[-len(batch.places) :] = batch.places
        return batch.images, torch.from_numpy(batch.labels), torch.from_numpy(place)

    def loss(self, answers: Tensor, *targets: Tensor) -> Tensor:
        """Cross-entropy; notes on the way how wrong each empty place still is."""
        labels, place = targets
        logits = answers[:, :, 0, 0]
        with torch.no_grad():
            empty = (place >= 0).numpy()
            sure = logits.softmax(1).numpy()[empty]
            wrong = 1.05 - sure[:, NOBODY] + 2 * sure[:, 0]
            index = place.numpy()[empty]
            self.places.weights[index] = 0.6 * self.places.weights[index] + 0.4 * wrong
        return functional.cross_entropy(logits, labels, label_smoothing=0.02)
