"""The loop of learning, and the states that it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.errors import FileError, InvalidInputError  # noqa: E402
from waldo_cli.training import learn  # noqa: E402
from waldo_cli.training.data import (  # noqa: E402
    TrainingPage,
    character_patches,
    random_spots,
    spot_patches,
)
from waldo_cli.training.lessons import ProposalLesson  # noqa: E402
from waldo_cli.training.network import Classes, classifier_network, proposal_network  # noqa: E402

CLASSES = Classes(("waldo", "wenda"), figures=True)


@pytest.fixture(scope="module")
def lesson(pages: list[TrainingPage]) -> ProposalLesson:
    head = 1.25 * CLASSES.proposal_view.head
    random = np.random.default_rng(1)
    places = spot_patches(pages, [random_spots(p, 6, random) for p in pages], head)
    return ProposalLesson(
        proposal_network(CLASSES), CLASSES, character_patches(pages, head), places
    )


def stopped(lesson: ProposalLesson, checkpoint: Path, said: list[str]) -> None:
    """A training of six steps that is interrupted after four."""

    def stop(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn.optimise(
            proposal_network(CLASSES), lesson, 6, seed=0, checkpoint=checkpoint, say=stop
        )


def resumed(lesson: ProposalLesson, checkpoint: Path, say: Callable[[str], None]) -> None:
    learn.optimise(proposal_network(CLASSES), lesson, 6, seed=0, checkpoint=checkpoint, say=say)


@pytest.fixture(autouse=True)
def frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "CHECKPOINT_STEPS", 2)


def test_a_training_cut_short_goes_on_where_it_stopped(
    lesson: ProposalLesson, tmp_path: Path
) -> None:
    checkpoint, said = tmp_path / "proposals.checkpoint", []
    stopped(lesson, checkpoint, said)
    resumed(lesson, checkpoint, said.append)
    assert [str(line).split(",")[0] for line in said] == [f"step {n} of 6" for n in (2, 4, 6)]
    assert not checkpoint.exists()


def damage(path: Path, kind: str) -> None:
    """Change a checkpoint."""
    state = torch.load(path, weights_only=True)
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:5000])
        case "text":
            path.write_text("no checkpoint\n")
        case "no keys":
            torch.save({"step": 4}, path)
        case "no dictionary":
            torch.save([1, 2], path)
        case "another network":
            torch.save(state | {"net": classifier_network(CLASSES).state_dict()}, path)
        case "NaN":
            state["average"]["0.weight"][0] = float("nan")
            torch.save(state, path)
        case "folder":
            path.unlink()
            path.mkdir()
        case "pipe":
            path.unlink()
            os.mkfifo(path)
        case "link to nothing":
            path.unlink()
            path.symlink_to("nowhere")


@pytest.mark.parametrize(
    "kind",
    ["empty", "cut", "text", "no keys", "no dictionary", "another network", "NaN", "folder", "pipe",
     "link to nothing"],
)  # fmt: skip
def test_a_damaged_checkpoint_is_one_line_that_names_it(
    lesson: ProposalLesson, tmp_path: Path, kind: str
) -> None:
    checkpoint = tmp_path / "proposals.checkpoint"
    stopped(lesson, checkpoint, [])
    damage(checkpoint, kind)
    with pytest.raises((InvalidInputError, FileError)) as caught:
        resumed(lesson, checkpoint, lambda _: None)
    assert caught.value.path == str(checkpoint)
    assert "\n" not in caught.value.reason
    assert len(caught.value.reason) < 250


@pytest.mark.parametrize("kind", ["empty", "cut", "text", "no dictionary", "folder", "pipe"])
def test_a_damaged_network_is_one_line_that_names_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "proposals.pt"
    learn.save(proposal_network(CLASSES).state_dict(), path)
    learn.load(proposal_network(CLASSES), path)
    damage(path, kind)
    with pytest.raises((InvalidInputError, FileError)) as caught:
        learn.load(proposal_network(CLASSES), path)
    assert caught.value.path == str(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30])
def test_a_network_with_numbers_that_none_has_is_not_taken(tmp_path: Path, value: float) -> None:
    """A bit of an exponent is enough for the last one."""
    state = proposal_network(CLASSES).state_dict()
    state["0.weight"][0] = value
    learn.save(state, tmp_path / "net.pt")
    with pytest.raises(InvalidInputError, match="it holds NaN or infinity"):
        learn.load(proposal_network(CLASSES), tmp_path / "net.pt")


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_last_checkpoint(
    lesson: ProposalLesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tmp_path / "proposals.checkpoint"
    stopped(lesson, checkpoint, [])
    before = checkpoint.read_bytes()
    monkeypatch.setattr(lesson, "loss", lambda outputs, *_: outputs.sum() * float("nan"))
    with pytest.raises(InvalidInputError, match="the loss is nan at step 5"):
        resumed(lesson, checkpoint, lambda _: None)
    assert checkpoint.read_bytes() == before


def test_a_full_disk_is_one_line_and_the_last_state_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.pt"
    learn.save(proposal_network(CLASSES).state_dict(), path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="no space left on the disk"):
        learn.save(proposal_network(CLASSES).state_dict(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.pt"]


def test_a_state_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("mine")
    (tmp_path / "net.pt").symlink_to("theirs")
    with pytest.raises(FileError, match="this is a link"):
        learn.save(proposal_network(CLASSES).state_dict(), tmp_path / "net.pt")
    assert (tmp_path / "theirs").read_text() == "mine"


def test_short_memory_is_one_error_whoever_lacks_it() -> None:
    with pytest.raises(MemoryError), learn.memory_errors():
        torch.empty(1 << 60, dtype=torch.uint8)  # more than any machine has
    with pytest.raises(RuntimeError, match="must match"), learn.memory_errors():
        torch.ones(2) + torch.ones(3)


# No byte more than what is mapped: a convolution needs some.
WITHOUT_ROOM = """
import resource, torch
from waldo_cli.training import learn
maps, kernel = torch.ones(1, 64, 32, 32), torch.ones(64, 1, 9, 1)
mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped,) * 2)
try:
    with learn.memory_errors():
        torch.nn.functional.conv2d(maps, kernel, groups=64)
except MemoryError as e:
    print(e.__cause__)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_short_memory_of_a_convolution_is_this_error_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM], capture_output=True, text=True, check=False
    )
    assert "could not create a primitive" in ended.stdout or "allocate memory" in ended.stdout


def test_a_network_is_not_called_damaged_where_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = classifier_network(CLASSES)
    learn.save(net.state_dict(), tmp_path / "net.pt")
    monkeypatch.setattr(torch, "load", lambda *_, **__: torch.empty(1 << 60, dtype=torch.uint8))
    with pytest.raises(MemoryError):
        learn.load(net, tmp_path / "net.pt")
