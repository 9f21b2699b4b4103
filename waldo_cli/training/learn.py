"""Train one network: `optimise` is the loop over its batches, with checkpoints.

`save` and `load` write and read the states of networks. A state may be cut short, or belong to another
network; then it is refused with a line that names the file.
"""

from __future__ import annotations

import contextlib
import copy
import io
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.files import make_folder, read_bytes, reason, write_atomically
from waldo_cli.training.lessons import Lesson
from waldo_cli.training.progress import Step

Say = Callable[[str | Step], None]  # gets a line of text, or how far a network is

# A state of the networks here has some megabytes.
MAX_STATE_BYTES = 1 << 28
# No number in it is as large, unless a few bits of the file have changed.
LARGEST = 1e9

# Steps from one checkpoint to the next, and from one `Step` that is told to the next.
CHECKPOINT_STEPS = 200
TOLD_STEPS = 20


class _EchoedBatches:
    """Batches for training, of which every second one is made from samples of the last ten.

    Making a batch costs as much as learning from it, so each sample is used about twice (data echoing,
    Choi et al. 2019). To look different the second time, the samples are put together in a new way, and are
    mirrored and tinted at random.
    """

    def __init__(self, lesson: Lesson, random: np.random.Generator) -> None:
        self.lesson, self.random = lesson, random
        self.recent: list[tuple[Tensor, ...]] = []  # the last ten fresh batches
        self.calls = 0

    def __call__(self) -> tuple[Tensor, ...]:
        """The next batch: images, and the targets of the lesson."""
        self.calls += 1
        if len(self.recent) < 2 or self.calls % 2 == 0:
            fresh = self.lesson.batch(self.random)
            self.recent = [*self.recent[-9:], fresh]
            return fresh
        count = len(self.recent[0][0])
        # Sample n of the new batch is sample n of one of the recent batches, drawn at random.
        source = self.random.integers(0, len(self.recent), count)
        mirror = self.random.random() < 0.5
        mixed: list[Tensor] = []
        for part in range(len(self.recent[0])):
            out = torch.empty_like(self.recent[0][part])
            for number, batch in enumerate(self.recent):
                rows = np.flatnonzero(source == number)
                out[rows] = batch[part][rows]
            mixed.append(out)
        if mirror:
            mixed = list(self.lesson.mirrored(*mixed))
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
    """Train a network, and return a network with the running average of its weights.

    AdamW; the learning rate rises in a short warm-up and then falls along half a cosine; the forward pass
    is in bfloat16. `rate` replaces the learning rate of the lesson. Training continues from the file
    `checkpoint` if it exists; the file is removed at the end.

    Raises
    ------
    InvalidInputError
        The checkpoint cannot be used, or the loss is no longer a number; then the last checkpoint is kept.
    FileError
        A checkpoint cannot be read or written; the one before is kept.
    """
    random = np.random.default_rng([seed, 0])
    net = net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(net).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=lesson.decay)
    start = 0
    if os.path.lexists(checkpoint):
        with _usable(checkpoint):
            state = _read(checkpoint)
            start = int(state["step"])
            net.load_state_dict(state["net"])
            average.load_state_dict(state["average"])
            optimizer.load_state_dict(state["optimizer"])
        # The state of the generator is not stored: start another sequence of random numbers.
        random = np.random.default_rng([seed, start])
    next_batch = _EchoedBatches(lesson, random)
    losses: list[float] = []
    for step in range(start, steps):
        for group in optimizer.param_groups:
            group["lr"] = (rate or lesson.rate) * _rate_factor(step / steps)
        images, *targets = next_batch()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = net(images)
        loss = lesson.loss(outputs.float(), *targets)
        if not math.isfinite(loss.item()):
            raise InvalidInputError(
                f"the loss is {loss.item()} at step {step + 1}: --resume goes on from the last checkpoint,"
                " or choose another --seed",
                path=str(checkpoint.parent),
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)  # one bad batch must not undo the training
        optimizer.step()
        # The average covers about the last 300 steps. At the beginning it covers fewer, so that it forgets
        # the random start quickly.
        _update_average(average, net, min(0.997, (step + 2) / (step + 11)))
        losses.append(loss.item())
        saved = (step + 1) % CHECKPOINT_STEPS == 0
        if saved:
            state = {"step": step + 1, "net": net.state_dict(), "average": average.state_dict()}
            save({**state, "optimizer": optimizer.state_dict()}, checkpoint)
        if saved or (step + 1) % TOLD_STEPS == 0:
            mean = float(np.mean(losses[-CHECKPOINT_STEPS:]))
            say(Step(checkpoint.stem, step + 1, steps, mean, saved))
    checkpoint.unlink(missing_ok=True)
    return average


def _rate_factor(progress: float) -> float:
    """Factor on the learning rate at a `progress` from 0 to 1.

    A linear warm-up over the first 5 %, times half a cosine that falls from 1 to 0.01.
    """
    return min(1.0, (progress + 1e-3) / 0.05) * (
        0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
    )


def _update_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the weights of `average` towards those of `net`: an exponential moving average, in place."""
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if a.dtype.is_floating_point:
                a.mul_(decay).add_(b, alpha=1 - decay)
            else:  # the number of batches that a normalisation has counted
                a.copy_(b)


def save(state: dict[str, Any], path: Path) -> None:
    """Write a state; whatever happens, `path` holds either the old state or the new one.

    Raises
    ------
    FileError
        It cannot be written.
    """
    # Into memory first: PyTorch would turn a full disk into an error of its own.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    make_folder(str(path.parent))
    with write_atomically(path) as file:
        file.write(buffer.getbuffer())


def load(net: nn.Sequential, path: Path) -> nn.Sequential:
    """Give a network the weights that `save` has written, and return it, ready for inference.

    Raises
    ------
    InvalidInputError
        The file is damaged, or of another network.
    FileError
        It cannot be read.
    """
    with _usable(path):
        net.load_state_dict(_read(path))
    return net.eval()


def _read(path: Path) -> dict[str, Any]:
    state = torch.load(io.BytesIO(read_bytes(path, MAX_STATE_BYTES)), weights_only=True)
    if not all(bool((t.abs() < LARGEST).all()) for t in _tensors(state) if t.is_floating_point()):
        raise ValueError("it holds NaN or infinity, or numbers nearly as large")
    return dict(state)


def _tensors(state: Any) -> Iterator[Tensor]:
    """All tensors in nested dictionaries and lists."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict | list | tuple):
        for value in state.values() if isinstance(state, dict) else state:
            yield from _tensors(value)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it, PyTorch's own random numbers (first weights, dropout) come from this seed."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        yield


# What PyTorch and oneDNN say where the processor's memory is short.
_SHORT = ("can't allocate memory", "could not create a primitive")


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Where memory is short, raise MemoryError, as Python does; PyTorch has a RuntimeError for it."""
    try:
        yield
    except RuntimeError as e:
        # An accelerator's error has a class of its own, the processor's only its words.
        if isinstance(e, torch.OutOfMemoryError) or any(words in str(e) for words in _SHORT):
            raise MemoryError from e
        raise


@contextlib.contextmanager
def _usable(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a state into one line that names its file."""
    try:
        with memory_errors():
            yield
    except MemoryError:  # nothing is wrong with the file
        raise
    except OSError as e:
        raise FileError(f"cannot read: {reason(e)}", path=str(path)) from None
    except Exception as e:  # noqa: BLE001 - PyTorch raises many kinds of errors for damaged files
        first_line = str(e).strip().partition("\n")[0][:80]
        raise InvalidInputError(
            f"damaged, or of another network ({first_line or type(e).__name__}): remove it, and --resume"
            " learns this part again",
            path=str(path),
        ) from None
