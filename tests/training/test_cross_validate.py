"""A training from its start to a stack that finds, also one that was cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.errors import FileError, InvalidInputError
from waldo_cli.stack.file import load_stack
from waldo_cli.training import cross_validate, learn
from waldo_cli.training.data import (
    TrainingPage,
    character_patches,
    random_spots,
    read_pages,
    spot_patches,
)
from waldo_cli.training.lessons import ProposalLesson
from waldo_cli.training.network import proposal_network


def test_a_training_cut_short_goes_on_where_it_stopped(
    pages: list[TrainingPage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "CHECKPOINT_STEPS", 2)
    head = 1.25 * ProposalLesson.mix.head
    random = np.random.default_rng(1)
    places = spot_patches(pages, [random_spots(p, 6, random) for p in pages], head)
    lesson = ProposalLesson(proposal_network(), character_patches(pages, head), places)
    checkpoint = tmp_path / "proposals.checkpoint"
    said: list[str] = []

    def stop(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn.optimise(proposal_network(), lesson, 6, seed=0, checkpoint=checkpoint, say=stop)
    learn.optimise(proposal_network(), lesson, 6, seed=0, checkpoint=checkpoint, say=said.append)
    assert [line.split(",")[0] for line in said] == [f"step {n} of 6" for n in (2, 4, 6)]
    assert not checkpoint.exists()


def test_a_folder_with_another_training_is_refused(tmp_path: Path) -> None:
    cross_validate._claim(tmp_path / "run", {"seed": 0}, resume=False)
    with pytest.raises(InvalidInputError, match="holds a training already"):
        cross_validate._claim(tmp_path / "run", {"seed": 0}, resume=False)
    cross_validate._claim(tmp_path / "run", {"seed": 0}, resume=True)
    with pytest.raises(InvalidInputError, match="other settings"):
        cross_validate._claim(tmp_path / "run", {"seed": 1}, resume=True)
    with pytest.raises(FileError, match="cannot train here: not a directory"):
        cross_validate._claim(tmp_path / "run" / "settings.json" / "run", {"seed": 0}, resume=True)


def test_a_short_training_finds_drawn_waldos_of_other_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "sample_images" / "scenes")
    draw_scene = __import__("draw").draw_scene

    def scenes(name: str, seeds: range) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
        for n, seed in enumerate(seeds):
            picture, boxes = draw_scene(seed, (560, 400), ("town", "beach", "fair")[n % 3], head=18)
            picture.save(folder / f"{seed}.png")
            rows += [
                f"{seed}.png,560,400,{b.label},{b.xmin},{b.ymin},{b.xmax},{b.ymax}" for b in boxes
            ]
        (folder / "truth.csv").write_text("\n".join(rows) + "\n")
        return folder

    learned_from, tested_on = scenes("seen", range(500, 520)), scenes("unseen", range(900, 910))
    cross_validate.train(
        learned_from, learned_from / "truth.csv", tmp_path / "run", folds=0, effort=0.06,
        say=lambda _: None,
    )  # fmt: skip
    stack = load_stack(tmp_path / "run" / "waldo.toml")
    unseen = read_pages(tested_on, tested_on / "truth.csv")
    assert sum(cross_validate._judged(page, stack).rank == 1 for page in unseen) >= 9
