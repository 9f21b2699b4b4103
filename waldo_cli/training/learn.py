"""Training one network: the loop over its batches, with checkpoints."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from waldo_cli.training.lessons import Lesson

Say = Callable[[str], None]

CHECKPOINT_STEPS = 200


class _Echo:
    """Each batch is used twice: fresh, and later as mixed and mirrored rows of the last ten.

    Making a batch costs as much as learning from it.
    """

    def __init__(self, lesson: Lesson, random: np.random.Generator) -> None:
        self.lesson, self.random = lesson, random
        self.kept: list[tuple[Tensor, ...]] = []
        self.turn = 0

    def __call__(self) -> tuple[Tensor, ...]:
        self.turn += 1
        if len(self.kept) < 2 or self.turn % 2 == 0:
            fresh = self.lesson.batch(self.random)
            self.kept = [*self.kept[-9:], fresh]
            return fresh
        count = len(self.kept[0][0])
        source = self.random.integers(0, len(self.kept), count)
        mirror = self.random.random() < 0.5
        mixed: list[Tensor] = []
        for column in range(len(self.kept[0])):
            out = torch.empty_like(self.kept[0][column])
            for number, batch in enumerate(self.kept):
                rows = np.flatnonzero(source == number)
                out[rows] = batch[column][rows]
            mixed.append(out.flip(-1) if mirror and out.dim() == 4 else out)
        tint = self.random.normal(1, 0.08, (count, 3, 1, 1)).astype(np.float32)
        mixed[0] = (mixed[0] * torch.from_numpy(tint)).clamp_(0, 1)
        return tuple(mixed)


def optimise(
    net: nn.Sequential,
    lesson: Lesson,
    steps: int,
    *,
    seed: int,
    checkpoint: Path,
    say: Say,
    rate: float | None = None,
) -> nn.Sequential:
    """Train a network and give the running average of its weights.

    AdamW, one cosine of the learning rate after a short warm-up, bfloat16 in the forward pass.
    Continues from `checkpoint` where there is one, and removes it at the end.
    """
    random = np.random.default_rng([seed, 0])
    net = net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(net).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=lesson.decay)
    start = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        start = int(state["step"])
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        random = np.random.default_rng([seed, start])
    next_batch = _Echo(lesson, random)
    losses: list[float] = []
    for step in range(start, steps):
        for group in optimizer.param_groups:
            group["lr"] = (rate or lesson.rate) * _schedule(step / steps)
        images, *targets = next_batch()
        with torch.autocast("cpu", torch.bfloat16):
            answers = net(images)
        loss = lesson.loss(answers.float(), *targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        _follow(average, net, min(0.997, (step + 2) / (step + 11)))
        losses.append(loss.item())
        if (step + 1) % CHECKPOINT_STEPS == 0:
            state = {"step": step + 1, "net": net.state_dict(), "average": average.state_dict()}
            save({**state, "optimizer": optimizer.state_dict()}, checkpoint)
            say(f"step {step + 1} of {steps}, loss {np.mean(losses[-CHECKPOINT_STEPS:]):.4f}")
    checkpoint.unlink(missing_ok=True)
    return average


def _schedule(done: float) -> float:
    return min(1.0, (done + 1e-3) / 0.05) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if a.dtype.is_floating_point:
                a.mul_(decay).add_(b, alpha=1 - decay)
            else:
                a.copy_(b)


def save(state: dict[str, Any], path: Path) -> None:
    """All of it or nothing, whenever the power goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
