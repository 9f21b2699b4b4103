"""The networks of a stack, in turn: the first from its own mistakes, the others from what it proposes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn

from waldo_cli.detector.peaks import local_maxima, suppress
from waldo_cli.detector.pyramid import level_size
from waldo_cli.geometry import Box
from waldo_cli.scales import scale_ladder
from waldo_cli.training.data import Page, Spot, character_patches, random_spots, spot_patches
from waldo_cli.training.learn import Say, optimise, save
from waldo_cli.training.lessons import ClassifierLesson, ProposalLesson
from waldo_cli.training.network import (
    CLOSER_VIEWS,
    PROPOSAL_VIEW,
    classifier_network,
    field_and_jump,
    proposal_network,
)
from waldo_cli.training.release import Release, folded

# Places per page that are learned from: by the proposal network again, and by the classifier.
MINED_PER_PAGE = 40
PROPOSED_PER_PAGE = 200
PROPOSED_PER_DRAWING = 60


@dataclass(frozen=True)
class Plan:
    """How long each part of the training takes, in steps.

    Attributes
    ----------
    random, mined
        Of the proposal network, before and after mining.
    classifier
        Of the classifier.
    """

    random: int = 1400
    mined: int = 2000
    classifier: int = 3000

    def times(self, effort: float) -> Plan:
        """A longer or shorter plan of the same proportions."""
        return Plan(
            *(max(1, round(steps * effort)) for steps in (self.random, self.mined, self.classifier))
        )


class Proposal(NamedTuple):
    """A place that a proposal network takes for somebody."""

    score: float
    spot: Spot

    @property
    def box(self) -> Box:
        """Around a head there."""
        x, y, head = self.spot
        width = head * PROPOSAL_VIEW.size.cols / PROPOSAL_VIEW.size.rows
        return Box(
            round(x - width / 2), round(y - head / 2), max(1, round(width)), max(1, round(head))
        )


@torch.no_grad()
def propose(net: nn.Sequential, page: Page, count: int) -> list[Spot]:
    """The places of a page that a proposal network takes for somebody, best first.

    The first half of `waldo_cli.detect`, in bfloat16, which is several times as fast and near enough
    for what is only learned from.
    """
    release = Release()
    field, jump = field_and_jump(net)
    reach = (field - 1) // 2
    found: list[Proposal] = []
    low, high, per_octave = release.scales
    picture = Image.fromarray(page.pixels)
    for scale in scale_ladder(low, high, per_octave):
        rows, cols = level_size(picture.height, picture.width, scale)
        level = np.asarray(picture.resize((cols, rows), Image.Resampling.BILINEAR))
        padded = np.pad(level, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
        image = torch.from_numpy(padded).permute(2, 0, 1)[None].float().div_(255)
        with torch.autocast("cpu", torch.bfloat16):
            answers = net(image.contiguous(memory_format=torch.channels_last))
        scores = answers[0].float().amax(0).numpy()
        for row, col in local_maxima(scores, 4 * count):
            spot = (
                (col * jump + 0.5) / scale,
                (row * jump + 0.5) / scale,
                PROPOSAL_VIEW.head / scale,
            )
            found.append(Proposal(float(scores[row, col]), spot))
    found.sort(reverse=True)
    kept = itertools.islice(suppress(found, max_overlap=0.5), count)
    return [proposal.spot for proposal in kept]


def learn_proposals(
    pages: Sequence[Page], folder: Path, plan: Plan, seed: int, say: Say
) -> nn.Sequential:
    """The first look, from random places and then from its own mistakes."""
    done = folder / "proposals.pt"
    net = proposal_network()
    if done.is_file():
        net.load_state_dict(torch.load(done, weights_only=True))
        return net.eval()
    head = 1.25 * PROPOSAL_VIEW.head
    random = np.random.default_rng([seed, 1])
    spots = [random_spots(p, 15 if p.kind == "drawn" else 50, random) for p in pages]
    characters = character_patches(pages, head)
    lesson = ProposalLesson(net, characters, spot_patches(pages, spots, head))
    early = folder / "proposals-early.pt"
    if early.is_file():
        net.load_state_dict(torch.load(early, weights_only=True))
    else:
        say("first look, random places")
        checkpoint = folder / "proposals-early.checkpoint"
        net = optimise(net, lesson, plan.random, seed=seed, checkpoint=checkpoint, say=say)
        save(net.state_dict(), early)
    say("first look, mining")
    quick = folded(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mined = [
        [spot for spot in propose(quick, p, MINED_PER_PAGE) if p.is_clear(spot, 2.5)] for p in pages
    ]
    lesson = ProposalLesson(
        net,
        characters,
        spot_patches(pages, [a + b for a, b in zip(spots, mined, strict=True)], head),
    )
    weights = [
        w for a, b in zip(spots, mined, strict=True) for w in [1.0] * len(a) + [3.0] * len(b)
    ]
    lesson.places.weights[:] = weights
    say(f"first look, {sum(map(len, mined))} mined places")
    net = optimise(
        net.requires_grad_(True),
        lesson,
        plan.mined,
        seed=seed + 1,
        checkpoint=folder / "proposals.checkpoint",
        say=say,
        rate=2e-3,
    )
    save(net.state_dict(), done)
    return net


def learn_closer_looks(
    pages: Sequence[Page], proposals: nn.Sequential, folder: Path, plan: Plan, seed: int, say: Say
) -> list[nn.Sequential]:
    """The closer looks, in their order, from what the first look proposes."""
    spots: list[list[Spot]] = []
    learned = []
    for number, (name, view) in enumerate(CLOSER_VIEWS.items(), 2):
        net = classifier_network()
        learned.append(net)
        done = folder / f"{name}.pt"
        if done.is_file():
            net.load_state_dict(torch.load(done, weights_only=True))
            net.eval()
            continue
        if not spots:
            say("closer looks, proposals")
            spots = _proposed(pages, proposals, np.random.default_rng([seed, 2]))
        head = 1.2 * view.head
        lesson = ClassifierLesson(
            view, character_patches(pages, head), spot_patches(pages, spots, head)
        )
        say(f"{name} look, {len(lesson.places.labels)} places")
        learned[-1] = optimise(
            net,
            lesson,
            plan.classifier,
            seed=seed + number,
            checkpoint=folder / f"{name}.checkpoint",
            say=say,
        )
        save(learned[-1].state_dict(), done)
    return learned


def _proposed(
    pages: Sequence[Page], proposals: nn.Sequential, random: np.random.Generator
) -> list[list[Spot]]:
    """Places on each page where nobody is, as proposed, and a few more."""
    quick = folded(proposals).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return [
        [
            spot
            for spot in propose(
                quick, p, PROPOSED_PER_DRAWING if p.kind == "drawn" else PROPOSED_PER_PAGE
            )
            if p.is_clear(spot, 1.1)
        ]
        + random_spots(p, 8, random)
        for p in pages
    ]
