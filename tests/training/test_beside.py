"""Parts of a training in processes of their own: the same results, and nothing left when one ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from waldo_cli.errors import InvalidInputError, WaldoError  # noqa: E402
from waldo_cli.processes import Child  # noqa: E402
from waldo_cli.training import beside, cross_validate, parts  # noqa: E402
from waldo_cli.training.network import Classes  # noqa: E402
from waldo_cli.training.parts import Sources  # noqa: E402


def trained(
    folder: Path, out: str, show: Callable[[Any], None] | None = None, **options: Any
) -> dict[str, Any]:
    sources = Sources(folder, folder / "truth.csv")
    _, report = cross_validate.train(
        sources, folder / out, folds=2, effort=0.001, say=lambda _: None, show=show, **options
    )
    return report


@pytest.fixture
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, as in the processes: more of them round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """The processes that are started."""
    started: list[Child] = []

    class Noted(Child):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            started.append(self)

    monkeypatch.setattr(beside, "Child", Noted)
    return started


def temporary(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.usefixtures("one_thread")
def test_two_processes_learn_what_one_does(
    folder: Path, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # of which each process gets one
    report = trained(folder, "one")
    assert not children
    shares: list[float] = []
    assert trained(folder, "two", lambda p: shares.append(p.share), jobs=2)
    assert len(children) == 2
    assert all(child.process.returncode is not None for child in children)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    for name in ("waldo.npz", "fold0/waldo.npz", "fold1/waldo.npz"):
        one, two = (np.load(folder / out / name) for out in ("one", "two"))
        for key in one.files:
            np.testing.assert_array_equal(one[key], two[key], err_msg=f"{name} {key}")
    again = trained(folder, "two", jobs=2, resume=True)
    assert len(children) == 2, "nothing is left to be learned"
    assert again == report


def test_a_part_is_learned_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    for kind in ("fold", "share", "release"):
        monkeypatch.setattr(
            parts.Learner, kind, lambda _, *given, kind=kind: asked.append((kind, *given[:-1]))
        )
    training = parts.Training(Sources(Path("pages"), Path("truth.csv")), Path("out"), 2, curve=True)
    learner = parts.Learner(training, Classes(("waldo",)), [], [])
    for part in training.parts:
        learner.learn(part, print)
    folds = [
        (("fold", n), *(("share", n, share) for share in ("quarter", "half"))) for n in range(2)
    ]
    assert asked == [*folds[0], *folds[1], ("release",)]


def test_what_ends_a_process_is_told_and_the_rest_can_be_resumed(
    folder: Path, children: list[Child]
) -> None:
    def kill(_: Any) -> None:
        children[0].process.kill()

    with pytest.raises(
        WaldoError, match=r"process of \w+ was ended by SIGKILL: out of memory\?; --resume"
    ):
        trained(folder, "run", kill, jobs=2)
    assert all(child.process.returncode is not None for child in children)
    assert not temporary(folder)
    assert trained(folder, "run", jobs=2, resume=True)["summary"]["pages_with"] == 4
    for fold in ("fold0", "fold1"):
        (folder / "run" / fold / "scores.json").unlink()
    damaged = folder / "run" / "fold1" / "near.pt"
    damaged.write_bytes(b"no network")
    with pytest.raises(InvalidInputError, match="damaged, or of another network") as caught:
        trained(folder, "run", jobs=2, resume=True)
    assert caught.value.path == str(damaged)


def test_who_interrupts_leaves_no_process_behind(folder: Path, children: list[Child]) -> None:
    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(folder, "run", interrupt, jobs=2)
    assert len(children) == 2
    assert all(child.process.returncode is not None for child in children)
    assert not temporary(folder)


@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (MemoryError("no room"), MemoryError, "no room"),
        (ImportError("no libtorch.so"), WaldoError, "cannot load a library (no libtorch.so);"),
    ],
)
def test_a_process_that_cannot_begin_says_why(
    error: Exception, kind: type[Exception], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise error

    monkeypatch.setattr(Sources, "read", read)
    monkeypatch.setattr("waldo_cli.processes.leave_with_parent", lambda: None)
    monkeypatch.setattr(beside.signal, "signal", lambda *_: None)
    here, there = Pipe()
    here.send((parts.Training(Sources(Path("pages"), Path("truth.csv")), Path("out")), ""))
    beside.serve(os.dup(there.fileno()))
    answer = here.recv()
    assert isinstance(answer, kind)
    assert line in str(answer)


def test_a_page_that_changes_meanwhile_ends_the_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Child.__init__

    def changed(self: Child, *arguments: Any) -> None:
        (folder / "2.png").unlink(missing_ok=True)
        begun(self, *arguments)

    monkeypatch.setattr(Child, "__init__", changed)
    with pytest.raises(WaldoError, match="pages have changed, or cannot be read"):
        trained(folder, "run", jobs=2)
