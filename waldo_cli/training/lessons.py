"""What each network learns: how its batches are made, and its loss.

`optimise` in `learn` trains a network on a `Lesson`. The proposal network has one, all classifiers have
another, each with a view of its own, and the box network has the third.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from waldo_cli.training.augment import Batch, Mix, make_batch
from waldo_cli.training.data import NOBODY, Patches
from waldo_cli.training.network import Classes, NetworkView, field_and_jump


class Lesson(Protocol):
    """What one network learns."""

    rate: float  # the largest learning rate
    decay: float  # weight decay

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images and the targets that `loss` needs, one row per sample."""

    def mirrored(self, images: Tensor, *targets: Tensor) -> tuple[Tensor, ...]:
        """The same batch mirrored, left to right."""

    def loss(self, outputs: Tensor, *targets: Tensor) -> Tensor:
        """The loss of a network's outputs, one number."""


def proposal_mix(classes: Classes) -> Mix:
    """The mix for the proposal network.

    For samples of 95 px the network has 9 x 9 cells. They cover 36 px, more than two objects, so that the
    network learns where an object is and where it is not.
    """
    return Mix(
        size=95,
        head=classes.proposal_view.head,
        shift=13.0,
        octaves=0.45,
        real=28,
        pasted=28,
        strangers=4,
        empty=33,
        shares=classes.shares(0.6, 0.08),
        shape=classes.shape,
        figures=classes.figures,
    )


class ProposalLesson:
    """The lesson of the proposal network: where are objects?

    The network gives a small map for each sample: one output per class and cell. A cell is one position
    of the network's output; cells are 4 px apart.
    """

    rate = 3e-3
    decay = 1e-3

    def __init__(
        self, net: nn.Sequential, classes: Classes, characters: Patches, places: Patches
    ) -> None:
        self.mix, self.characters, self.places = proposal_mix(classes), characters, places
        self.count = len(classes.names)
        field, jump = field_and_jump(net)
        cells = (self.mix.size - field) // jump + 1
        # Columns, and rows, of the cells' centres, in pixels from the sample's centre.
        self.centers = (np.arange(cells) - (cells - 1) / 2) * jump

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images, the wanted output of each cell, and its weight in the loss."""
        batch = make_batch(self.mix, self.characters, self.places, random)
        return (batch.images, *self._targets(batch))

    def _targets(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Wanted outputs, 0 or 1, and weights, both ``(N, classes, cells, cells)``."""
        # Distance of each cell from the centre of the object, (N, cells, cells), in objects: the larger one
        # of the distances along columns and rows.
        across = np.abs(self.centers[None, :] - batch.x[:, None]) / self.mix.shape
        down = np.abs(self.centers[None, :] - batch.y[:, None])
        distance = np.maximum(across[:, None, :], down[:, :, None]) / batch.head[:, None, None]
        nearest = distance.min(axis=(1, 2), keepdims=True)
        # Cells near the centre are positive; the nearest cell always is.
        positive = (distance < 0.24) | (distance == nearest)
        count, cells = len(batch.labels), len(self.centers)
        wanted = np.zeros((count, self.count, cells, cells), np.float32)
        weight = np.ones_like(wanted)
        for n in np.flatnonzero(batch.labels != NOBODY):
            label, on_head = batch.labels[n], positive[n]
            wanted[n, label][on_head] = 1
            # Near the head but not on its centre, both outputs are right: these cells do not count.
            weight[n][:, (distance[n] < 0.85) & ~on_head] = 0
            # The closer looks will tell the characters apart. For a proposal it is enough that some channel
            # finds the head: all channels but Waldo's count half there, Waldo's less if it is not his head.
            weight[n, 1:][:, on_head] = 0.5
            if label != 0:
                weight[n, 0][on_head] = 0.3
        return torch.from_numpy(wanted), torch.from_numpy(weight)

    def mirrored(self, images: Tensor, *targets: Tensor) -> tuple[Tensor, ...]:
        """Images and maps of targets mirrored."""
        return (images.flip(-1), *(target.flip(-1) for target in targets))

    def loss(self, outputs: Tensor, *targets: Tensor) -> Tensor:
        """Binary cross-entropy with focal weights (Lin et al. 2017).

        Almost all cells are easy negatives. A cell counts by the square of its error, so that they do not
        outweigh the few difficult cells; positive cells count twice.
        """
        wanted, weight = targets
        right = torch.sigmoid(torch.where(wanted > 0, outputs, -outputs)).detach()
        focal_weight = (1 - right) ** 2 * (1 + wanted) * weight
        error = functional.binary_cross_entropy_with_logits(outputs, wanted, reduction="none")
        return (error * focal_weight).sum() / len(outputs) / self.count


def closer_mix(view: NetworkView, classes: Classes) -> Mix:
    """The mix for a closer look: cuts as `detect` makes them, a little off in place and scale.

    `detect` examines only certain places and scales, and true heads lie between them.
    """
    return Mix(
        size=77,
        head=view.head,
        shift=0.23 * view.head,
        octaves=0.36,
        real=38,
        pasted=38,
        strangers=7,
        empty=43,
        shares=classes.shares(0.52, 0.12),
        shape=classes.shape,
        figures=classes.figures,
    )


class ClassifierLesson:
    """The lesson of a closer look: what is it, or is it nothing?

    Empty places that the network still takes for a character are drawn more often than others.
    """

    rate = 2e-3
    decay = 2e-3

    def __init__(
        self, view: NetworkView, classes: Classes, characters: Patches, places: Patches
    ) -> None:
        self.mix, self.characters, self.places = closer_mix(view, classes), characters, places
        self.count = len(classes.labels)

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images, labels, and for images of empty places the index of the place; -1 for all others."""
        batch = make_batch(self.mix, self.characters, self.places, random)
        place = np.full(len(batch.labels), -1)
        place[-len(batch.places) :] = batch.places  # they are the last images of the batch
        # `NOBODY` becomes the last label.
        return batch.images, torch.from_numpy(batch.labels % self.count), torch.from_numpy(place)

    def mirrored(self, images: Tensor, *targets: Tensor) -> tuple[Tensor, ...]:
        """Images mirrored; what they show stays the same."""
        return (images.flip(-1), *targets)

    def loss(self, outputs: Tensor, *targets: Tensor) -> Tensor:
        """Cross-entropy; also updates how often each empty place is drawn, by the network's error there."""
        labels, place = targets
        logits = outputs[:, :, 0, 0]  # one position: the cut is as large as the receptive field
        with torch.no_grad():
            empty = (place >= 0).numpy()
            probabilities = logits.softmax(1).numpy()[empty]
            # From 0.05, where the network is sure that nothing is there, to 3.05, where it is sure of what is
            # sought.
            wrong = 1.05 - probabilities[:, NOBODY] + 2 * probabilities[:, 0]
            index = place.numpy()[empty]
            self.places.weights[index] = 0.6 * self.places.weights[index] + 0.4 * wrong
        return functional.cross_entropy(logits, labels, label_smoothing=0.02)


def box_mix(view: NetworkView, classes: Classes) -> Mix:
    """The mix for a box look: no empty places, and objects a little farther off than for a closer look."""
    mix = closer_mix(view, classes)
    return replace(
        mix,
        shift=0.35 * view.head,
        octaves=0.5,
        real=mix.real + mix.empty // 2,
        strangers=0,
        empty=0,
        shares=classes.shares(0.5, 0.0),
    )


class BoxLesson:
    """The lesson of a box look: where does the box lie?

    The targets are those of bounding-box regression (`waldo_cli.stack.stack.BoxLook`).
    """

    rate = 1e-3
    decay = 2e-3

    def __init__(
        self, view: NetworkView, classes: Classes, characters: Patches, places: Patches
    ) -> None:
        self.mix, self.characters, self.places = box_mix(view, classes), characters, places
        self.sides = np.array([view.size.cols, view.size.rows])

    def batch(self, random: np.random.Generator) -> tuple[Tensor, ...]:
        """Images, and for each the four numbers of its box."""
        batch = make_batch(self.mix, self.characters, self.places, random)
        shift = np.stack([batch.x, batch.y], axis=1) / self.sides
        wanted = np.concatenate([shift, np.log(batch.boxes / self.sides)], axis=1)
        return batch.images, torch.from_numpy(wanted.astype(np.float32))

    def mirrored(self, images: Tensor, *targets: Tensor) -> tuple[Tensor, ...]:
        """Images mirrored, and boxes as far left of the centre as they were right of it."""
        return (images.flip(-1), *(target * torch.tensor([-1.0, 1, 1, 1]) for target in targets))

    def loss(self, outputs: Tensor, *targets: Tensor) -> Tensor:
        """Smooth L1 (Girshick, "Fast R-CNN", 2015): absolute errors, squared where they are below 0.05."""
        return functional.smooth_l1_loss(outputs[:, :, 0, 0], targets[0], beta=0.05)
