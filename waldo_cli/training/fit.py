"""The two looks learned, cross-validated and released.

For each fold, and at the end for all pages: the proposal network learns from random places, then from
the places that it takes for somebody (hard negative mining); the classifier learns from what the
proposal network proposes. Held-out pages are judged by `waldo_cli.evaluation`, with the stack file that
numpy runs, never with PyTorch.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from waldo_cli.detector import detect
from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.evaluation import (
    NO_THRESHOLD,
    PageScore,
    Summary,
    TrueBox,
    area_under_curve,
    judge,
    summarize,
)
from waldo_cli.evaluation import Page as TruePage
from waldo_cli.files import write_atomically
from waldo_cli.geometry import Box, scale_ladder
from waldo_cli.peaks import local_maxima, suppress
from waldo_cli.pyramid import level_size
from waldo_cli.stack import Stack
from waldo_cli.stackfile import load_stack
from waldo_cli.training.augment import Batch, Mix, make_batch
from waldo_cli.training.data import (
    NOBODY,
    Page,
    Patches,
    Spot,
    character_patches,
    folds_by_artwork,
    painted_over,
    random_spots,
    read_pages,
    resized,
    spot_patches,
)
from waldo_cli.training.network import (
    CHARACTERS,
    CLOSER_VIEWS,
    LABELS,
    PROPOSAL_VIEW,
    Release,
    View,
    classifier_network,
    field_and_jump,
    folded,
    proposal_network,
    write_stack,
)

Say = Callable[[str], None]

CHECKPOINT_STEPS = 200

# Places per page that are learned from: by the proposal network again, and by the classifier.
MINED_PER_PAGE = 40
PROPOSED_PER_PAGE = 200
PROPOSED_PER_DRAWING = 60

# Other sizes at which held-out pages are looked at.
SIZES = {"half": 0.5, "double": 2.0}


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


def learn(
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
            _save({**state, "optimizer": optimizer.state_dict()}, checkpoint)
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


def _save(state: dict[str, Any], path: Path) -> None:
    """All of it or nothing, whenever the power goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


@torch.no_grad()
def propose(net: nn.Sequential, page: Page, count: int) -> list[Spot]:
    """The places of a page that a proposal network takes for somebody, best first.

    The first half of `waldo_cli.detect`, in bfloat16, which is several times as fast and near enough
    for what is only learned from.
    """
    release = Release()
    field, jump = field_and_jump(net)
    reach = (field - 1) // 2
    found: list[tuple[float, Spot]] = []
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
            found.append((float(scores[row, col]), spot))
    found.sort(reverse=True)
    boxes = []
    for _, (x, y, head) in found:
        width = head * PROPOSAL_VIEW.size[0] / PROPOSAL_VIEW.size[1]
        boxes.append(
            Box(
                round(x - width / 2), round(y - head / 2), max(1, round(width)), max(1, round(head))
            )
        )
    kept = itertools.islice(suppress(boxes, max_overlap=0.5), count)
    return [found[i][1] for i in kept]


def _learn_proposals(
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
        net = learn(net, lesson, plan.random, seed=seed, checkpoint=checkpoint, say=say)
        _save(net.state_dict(), early)
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
    net = learn(
        net.requires_grad_(True),
        lesson,
        plan.mined,
        seed=seed + 1,
        checkpoint=folder / "proposals.checkpoint",
        say=say,
        rate=2e-3,
    )
    _save(net.state_dict(), done)
    return net


def _learn_closer_looks(
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
        learned[-1] = learn(
            net,
            lesson,
            plan.classifier,
            seed=seed + number,
            checkpoint=folder / f"{name}.checkpoint",
            say=say,
        )
        _save(learned[-1].state_dict(), done)
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


def _judged(page: Page, stack: Stack, label: str = LABELS[0]) -> PageScore:
    """What a stack says of a page, against what is known."""
    boxes = [
        TrueBox(label, h.left, h.top, h.right, h.bottom)
        for h in page.heads
        if LABELS[h.label] == label
    ]
    boxes += [TrueBox(f"{LABELS[0]}_icon", *box) for box in page.ignored]
    known = TruePage(page.name, Path(page.name), tuple(boxes))
    image = page.pixels.astype(np.float32) / 255
    finds = detect(image, stack=stack, labels=[label], top=100, threshold=NO_THRESHOLD).detections
    return judge(known, label, [(f.x, f.y, f.score) for f in finds])


@dataclass(frozen=True)
class Fold:
    """What one fold's stack says of the pages that it has not seen.

    Attributes
    ----------
    pages
        Scores of the pages, by kind: ``page``, ``other scan``, ``without``; ``painted``, the pages with
        Waldo painted over; ``half`` and ``double``, the pages at other sizes; and the name of each
        other character, for the pages that show that one.
    """

    number: int
    pages: dict[str, list[PageScore]]


def _score(**fields: Any) -> PageScore:
    """From JSON, which knows no tuples."""
    restored: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
    }
    return PageScore(**restored)


def _evaluated(pages: Sequence[Page], path: Path, number: int, say: Say) -> Fold:
    """The fold's figures, from the file beside its stack where an earlier run has left them."""
    done = path.with_name("scores.json")
    if done.is_file():
        told = json.loads(done.read_text(encoding="utf-8"))
        return Fold(number, {kind: [_score(**s) for s in some] for kind, some in told.items()})
    stack = load_stack(path)
    scores: dict[str, list[PageScore]] = {}
    for page in pages:
        scores.setdefault(page.kind, []).append(_judged(page, stack))
        if page.kind != "page":
            continue
        scores.setdefault("painted", []).append(_judged(painted_over(page), stack))
        for name, factor in SIZES.items():
            scores.setdefault(name, []).append(_judged(resized(page, factor), stack))
        for label in sorted({LABELS[h.label] for h in page.heads} & set(CHARACTERS[1:])):
            scores.setdefault(label, []).append(_judged(page, stack, label))
    told = {kind: [asdict(s) for s in some] for kind, some in scores.items()}
    with write_atomically(done) as file:
        file.write(json.dumps(told).encode())
    seen = scores.get("page", [])
    first = sum(s.rank == 1 for s in seen)
    five = sum(s.rank is not None and s.rank <= 5 for s in seen)
    say(f"held-out pages: {first} of {len(seen)} first, {five} among five")
    return Fold(number, scores)


@dataclass(frozen=True)
class Calibration:
    """Scores into probabilities: ``sigmoid(slope * logit(score) + offset)`` (Platt 1999)."""

    slope: float
    offset: float
    threshold: float

    def __call__(self, score: float) -> float:
        """The probability that a page's best find of this score is Waldo."""
        return float(1 / (1 + np.exp(-self.slope * _logit(score) - self.offset)))


def _logit(score: float) -> float:
    score = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(score / (1 - score))


def calibrate(
    finds: Sequence[tuple[float, bool]], absent: Sequence[float], alarm_rate: float = 0.05
) -> Calibration:
    """Fit probabilities to held-out finds.

    Parameters
    ----------
    finds
        ``(score, hit)`` of each page's best find, pages without him included.
    absent
        Best scores of pages without him. The threshold, one half or more, is such that less than
        `alarm_rate` of them reach it.
    """
    x = torch.tensor([_logit(s) for s, _ in finds], dtype=torch.float64)
    y = torch.tensor([float(hit) for _, hit in finds], dtype=torch.float64)
    # A few imagined errors of each kind keep the slope finite where the two are separable.
    y = y * (1 - 2 / (len(y) + 4)) + 1 / (len(y) + 4)
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        error = functional.binary_cross_entropy_with_logits(line[0] * x + line[1], y)
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    slope, offset = (float(v) for v in line.detach())
    known = Calibration(max(slope, 0.1), offset, 0.5)
    alarms = sorted((known(s) for s in absent), reverse=True)
    allowed = math.ceil(alarm_rate * len(alarms)) - 1
    limit = math.nextafter(alarms[max(allowed, 0)], 1.0) if alarms else 0.5
    return replace(known, threshold=math.ceil(1000 * min(max(0.5, limit), 0.99)) / 1000)


def _calibrated(classifier: nn.Sequential, calibration: Calibration) -> nn.Sequential:
    """The folded classifier whose softmax gives probabilities."""
    net = folded(classifier)
    last = net[-1]
    if not isinstance(last, nn.Conv2d) or last.bias is None:
        raise TypeError("a classifier ends in a convolution with bias")
    last.weight.data.mul_(calibration.slope)
    last.bias.data.mul_(calibration.slope)
    last.bias.data[0] += calibration.offset
    return net


def train(
    pages: Path,
    truth: Path,
    out: Path,
    *,
    folds: int = 5,
    effort: float = 1.0,
    seed: int = 0,
    drawn: Path | None = None,
    resume: bool = False,
    say: Say = print,
) -> dict[str, Any]:
    """Learn a stack from pages with boxes.

    Parameters
    ----------
    pages, truth
        As `read_pages` has them.
    out
        Gets ``waldo.toml``, ``waldo.npz``, ``report.json``, and a folder of checkpoints per fold.
    folds
        How many parts the artworks are dealt into for cross-validation; 0 for none, which leaves
        the scores as they are learned, the threshold at one half and the report empty.
    effort
        Multiplies the steps of `Plan`; at 1 a fold takes half an hour of one core.
    seed
        Of everything random.
    drawn
        A folder of drawn scenes with their ``truth.csv``, learned from beside the pages.
    resume
        Continue what an earlier run with the same settings left in `out`.
    say
        Gets a line of progress now and then.

    Returns
    -------
    report
        What ``report.json`` holds.

    Raises
    ------
    InvalidInputError
        A setting is out of range, `out` holds another training, or no page shows Waldo.
    FileError
        A file cannot be read.
    """
    if folds < 0 or folds == 1:
        raise InvalidInputError(f"folds is {folds}: give 2 or more, or 0 for no cross-validation")
    if not 0 < effort < math.inf:
        raise InvalidInputError(f"effort is {effort}: it must be a positive number")
    settings = {"folds": folds, "effort": effort, "seed": seed, "drawn": drawn is not None}
    _claim(out, settings, resume)
    known = read_pages(pages, truth)
    if not any(h.label == 0 for p in known for h in p.heads):
        raise InvalidInputError("no page shows Waldo", path=str(truth))
    further = []
    if drawn is not None:
        further = [replace(p, kind="drawn") for p in read_pages(drawn, drawn / "truth.csv")]
    plan = Plan().times(effort)

    def learned(
        seen: Sequence[Page], folder: Path, number: int
    ) -> tuple[nn.Sequential, list[nn.Sequential]]:
        def tell(line: str) -> None:
            say(f"{folder.name}: {line}")

        both = [*seen, *further]
        own = 1000 * seed + 10 * number
        proposals = _learn_proposals(both, folder, plan, own, tell)
        return proposals, _learn_closer_looks(both, proposals, folder, plan, own, tell)

    dealt = folds_by_artwork(known, folds, seed) if folds else {}
    tested = []
    for number in range(folds):
        folder = out / f"fold{number}"
        seen = [p for p in known if dealt[p.artwork] != number]
        unseen = [p for p in known if dealt[p.artwork] == number]
        proposals, closer = learned(seen, folder, number)
        path = write_stack(folder, Release(), folded(proposals), [folded(net) for net in closer])
        tested.append(_evaluated(unseen, path, number, say))
    calibration = _calibration(tested) if tested else Calibration(1.0, 0.0, 0.5)
    proposals, closer = learned(known, out / "all", folds)
    release = replace(
        Release(),
        description="Waldo, and Wenda, Odlaw and Wizard Whitebeard, learned from pages of the books",
        threshold=calibration.threshold,
    )
    write_stack(out, release, folded(proposals), [_calibrated(net, calibration) for net in closer])
    report = _report(settings, plan, tested, calibration)
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _claim(out: Path, settings: dict[str, Any], resume: bool) -> None:
    """Make `out` this training's, or refuse."""
    note = out / "settings.json"
    text = (json.dumps(settings) + "\n").encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        if note.exists():
            if not resume:
                raise InvalidInputError(
                    "holds a training already: resume it, or choose another folder", path=str(out)
                )
            if note.read_bytes() != text:
                raise InvalidInputError("was begun with other settings", path=str(out))
        note.write_bytes(text)
    except OSError as e:
        raise FileError(
            f"cannot train here: {(e.strerror or str(e)).lower()}", path=str(out)
        ) from None


def _best_finds(fold: Fold) -> list[tuple[float, bool]]:
    """The best find of each page at its own size, pages without him included."""
    kinds = ("page", "painted", "without")
    scores = [s for kind in kinds for s in fold.pages.get(kind, [])]
    return [(s.scores[0], s.hits[0]) for s in scores if s.scores]


def _calibration(tested: Sequence[Fold]) -> Calibration:
    absent = [s.best for f in tested for k in ("painted", "without") for s in f.pages.get(k, [])]
    return calibrate([find for f in tested for find in _best_finds(f)], absent)


def _report(
    settings: dict[str, Any], plan: Plan, tested: Sequence[Fold], calibration: Calibration
) -> dict[str, Any]:
    """Everything that was measured, with scores as the released stack gives them."""

    def released(score: PageScore) -> PageScore:
        return replace(score, scores=tuple(calibration(s) for s in score.scores))

    by_kind: dict[str, list[PageScore]] = {}
    rows = []
    for fold in tested:
        for kind, scores in fold.pages.items():
            by_kind.setdefault(kind, []).extend(released(s) for s in scores)
            rows += [
                {
                    "fold": fold.number,
                    "kind": kind,
                    "page": s.name,
                    "rank": s.rank,
                    "heights": s.heights,
                    "score": round(calibration(s.best), 4) if s.scores else None,
                }
                for s in scores
            ]
    report: dict[str, Any] = {
        "settings": settings,
        "steps": asdict(plan),
        "calibration": asdict(calibration),
        "pages": rows,
    }
    if tested:
        absent = [*by_kind.get("painted", []), *by_kind.get("without", [])]
        present = by_kind.get("page", [])
        summary: Summary = summarize([*present, *absent], calibration.threshold)
        report["summary"] = asdict(summary)
        for kind in ("other scan", *SIZES, *CHARACTERS[1:]):
            report[kind] = asdict(summarize(by_kind.get(kind, []), calibration.threshold))
        report["auc_painted_over"] = area_under_curve(
            [s.best for s in present], [s.best for s in by_kind.get("painted", [])]
        )
    return report
