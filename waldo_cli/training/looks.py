"""Train the networks of a stack, one after the other.

1. `learn_proposals` trains the proposal network on random empty places. Then it mines hard negatives: it runs
   this network over all pages and trains it again with the places that the network wrongly proposes.
2. `learn_looks` trains a classifier for each closer look on the places that the proposal network proposes,
   and then the network of the box look, which starts from the last of them.

Each finished network is a file in the fold's folder. A training that was interrupted finds these files and
skips what is done.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn

from waldo_cli.detector.peaks import local_maxima, suppress
from waldo_cli.detector.pyramid import level_size
from waldo_cli.errors import InvalidInputError
from waldo_cli.geometry import Box
from waldo_cli.scales import scale_ladder
from waldo_cli.training.data import (
    OTHER_KINDS,
    Spot,
    TrainingPage,
    character_patches,
    random_spots,
    spot_patches,
)
from waldo_cli.training.learn import Say, load, optimise, save, seeded
from waldo_cli.training.lessons import BoxLesson, ClassifierLesson, ProposalLesson
from waldo_cli.training.network import (
    CLOSER_ZOOMS,
    Classes,
    NetworkView,
    box_network,
    classifier_network,
    field_and_jump,
    proposal_network,
)
from waldo_cli.training.release import folded

# The looks, in the order in which they are learned.
LOOKS = (*CLOSER_ZOOMS, "box")

# Hard negatives per page for the proposal network, and negatives per page, and per drawn scene or picture of
# another kind, for the classifiers.
MINED_PER_PAGE = 40
PROPOSED_PER_PAGE = 200
PROPOSED_PER_OTHER = 60


@dataclass(frozen=True)
class Steps:
    """How many steps each part of the training has.

    Attributes
    ----------
    random, mined
        Steps of the proposal network, before and after mining.
    classifier
        Steps of each classifier.
    box
        Steps of the box network.
    """

    random: int = 1400
    mined: int = 2000
    classifier: int = 3000
    box: int = 600

    def times(self, effort: float) -> Steps:
        """A plan with all steps multiplied by `effort`."""
        return Steps(
            *(
                max(1, round(steps * effort))
                for steps in (self.random, self.mined, self.classifier, self.box)
            )
        )


class Proposal(NamedTuple):
    """A place where a proposal network sees an object; `shape` is its width divided by its height."""

    score: float
    spot: Spot
    shape: float

    @property
    def box(self) -> Box:
        """The box of an object at this place, in page pixels."""
        x, y, head = self.spot
        width = head * self.shape
        return Box(
            round(x - width / 2), round(y - head / 2), max(1, round(width)), max(1, round(head))
        )


@torch.no_grad()
def propose(net: nn.Sequential, classes: Classes, page: TrainingPage, count: int) -> list[Spot]:
    """The `count` best places of a page where a proposal network sees an object, best first.

    This does what `waldo_cli.detect` does before the closer looks: it runs the network over a pyramid of the
    page and takes the peaks. It runs in bfloat16, which is several times as fast; small differences do not
    matter for training.
    """
    view = classes.proposal_view
    field, jump = field_and_jump(net)
    margin = (field - 1) // 2
    proposals: list[Proposal] = []
    low, high, per_octave = classes.scales
    picture = Image.fromarray(page.pixels)
    for scale in scale_ladder(low, high, per_octave):
        size = level_size(picture.height, picture.width, 1 / scale)
        rows, cols = size
        # `detect` leaves the same levels out: they show no more than the others, or no whole head.
        if rows * cols > (classes.level_pixels or math.inf) or not size.holds(view.size):
            continue
        level = np.asarray(picture.resize((cols, rows), Image.Resampling.BILINEAR))
        # With this margin, output (0, 0) is centred at pixel (0, 0) of the level.
        padded = np.pad(level, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        image = torch.from_numpy(padded).permute(2, 0, 1)[None].float().div_(255)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = net(image.contiguous(memory_format=torch.channels_last))
        scores = outputs[0].float().amax(0).numpy()  # of the best character at each position
        # More than `count`, because overlapping ones are dropped below.
        for row, col in local_maxima(scores, 4 * count):
            # From outputs to pixels of the level, and times the scale to pixels of the page; the
            # centre of pixel i is at i + 0.5.
            spot = (
                (col * jump + 0.5) * scale,
                (row * jump + 0.5) * scale,
                view.head * scale,
            )
            score = float(scores[row, col])
            proposals.append(Proposal(score, spot, view.size.cols / view.size.rows))
    proposals.sort(reverse=True)
    best = itertools.islice(suppress(proposals, max_overlap=0.5), count)
    return [proposal.spot for proposal in best]


def learn_proposals(
    pages: Sequence[TrainingPage],
    classes: Classes,
    folder: Path,
    plan: Steps,
    seed: int,
    say: Say,
) -> nn.Sequential:
    """The trained proposal network: trained on random places, and then on its own mistakes."""
    final_file = folder / "proposals.pt"
    net = proposal_network(classes)
    if os.path.lexists(final_file):
        return load(net, final_file)
    # Patches show heads larger than the network sees them, so that samples are mostly made by reducing.
    head = 1.25 * classes.proposal_view.head
    random = np.random.default_rng([seed, 1])
    spots = [random_spots(p, 15 if p.kind in OTHER_KINDS else 50, random) for p in pages]
    if not any(spots):
        raise InvalidInputError(
            "no page has a place where nothing is: give pages that show more than the objects, or other"
            " pictures by --without"
        )
    characters = character_patches(pages, head)
    lesson = ProposalLesson(net, classes, characters, spot_patches(pages, spots, head))
    early_file = folder / "proposals-early.pt"  # the network before mining
    if os.path.lexists(early_file):
        load(net, early_file)
    else:
        say("first look, random places")
        checkpoint = folder / "proposals-early.checkpoint"
        net = optimise(net, lesson, plan.random, seed=seed, checkpoint=checkpoint, say=say)
        save(net.state_dict(), early_file)
    say("first look, mining")
    folded_net = folded(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mined = [
        [spot for spot in propose(folded_net, classes, p, MINED_PER_PAGE) if p.is_clear(spot, 2.5)]
        for p in pages
    ]
    lesson = ProposalLesson(
        net,
        classes,
        characters,
        spot_patches(pages, [a + b for a, b in zip(spots, mined, strict=True)], head),
    )
    # In the order of the patches: for each page first the random spots, then the mined ones, which are
    # drawn three times as often.
    weights = [
        w for a, b in zip(spots, mined, strict=True) for w in [1.0] * len(a) + [3.0] * len(b)
    ]
    lesson.places.weights[:] = weights
    say(f"first look, {sum(map(len, mined))} mined places")
    # `optimise` returns an average of the weights, which has no gradients: switch them on again.
    net = optimise(
        net.requires_grad_(True),
        lesson,
        plan.mined,
        seed=seed + 1,
        checkpoint=folder / "proposals.checkpoint",
        say=say,
        rate=2e-3,
    )
    save(net.state_dict(), final_file)
    return net


def learn_looks(
    pages: Sequence[TrainingPage],
    classes: Classes,
    proposals: nn.Sequential,
    folder: Path,
    plan: Steps,
    seed: int,
    say: Say,
) -> tuple[list[nn.Sequential], nn.Sequential]:
    """The trained networks of the closer looks, in their order, and that of the box look.

    They learn from the characters, and from places that the proposal network wrongly proposes.
    """
    spots: list[list[Spot]] = []

    def learned(
        name: str,
        start: Callable[[], nn.Sequential],
        lesson_of: type[ClassifierLesson | BoxLesson],
        view: NetworkView,
        steps: int,
    ) -> nn.Sequential:
        final_file = folder / learned_file(name)
        if os.path.lexists(final_file):
            return load(start(), final_file)
        if not spots:  # once for all looks, and only if one of them is not trained yet
            say("closer looks, proposals")
            spots[:] = _proposed(pages, classes, proposals, np.random.default_rng([seed, 2]))
        head = 1.2 * view.head
        lesson = lesson_of(
            view, classes, character_patches(pages, head), spot_patches(pages, spots, head)
        )
        say(f"{name} look, {len(lesson.places.labels)} places")
        checkpoint = folder / f"{name}.checkpoint"
        own = seed + 2 + LOOKS.index(name)  # the first two seeds belong to the proposal network
        with seeded(own):
            net = optimise(start(), lesson, steps, seed=own, checkpoint=checkpoint, say=say)
        save(net.state_dict(), final_file)
        return net

    closer = [
        learned(name, lambda: classifier_network(classes), ClassifierLesson, view, plan.classifier)
        for name, view in classes.closer_views.items()
    ]
    box = learned("box", lambda: box_network(closer[-1]), BoxLesson, classes.box_view, plan.box)
    return closer, box


def learned_file(look: str) -> str:
    """The name of the file that keeps a finished look."""
    return f"{look}.pt"


def _proposed(
    pages: Sequence[TrainingPage],
    classes: Classes,
    proposals: nn.Sequential,
    random: np.random.Generator,
) -> list[list[Spot]]:
    """For each page, the proposed places where nothing is, and eight random ones."""
    folded_net = folded(proposals).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    out = []
    for page in pages:
        count = PROPOSED_PER_OTHER if page.kind in OTHER_KINDS else PROPOSED_PER_PAGE
        proposed = propose(folded_net, classes, page, count)
        clear = [spot for spot in proposed if page.is_clear(spot, 1.1)]
        out.append(clear + random_spots(page, 8, random))
    return out
