"""A training from its start to a stack that finds, also one that was cut short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.errors import InvalidInputError
from waldo_cli.stack.file import load_stack
from waldo_cli.training import cross_validate
from waldo_cli.training.data import TrainingPage, read_pages
from waldo_cli.training.release import Release, folded, write_stack


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


def short_run(folder: Path, out: Path, **options: Any) -> None:
    cross_validate.train(
        folder, folder / "truth.csv", out, folds=0, effort=0.001, say=lambda _: None, **options
    )


@pytest.fixture
def folder(pages: list[TrainingPage], tmp_path: Path) -> Path:
    """The pages as files."""
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for page in pages:
        Image.fromarray(page.pixels).save(tmp_path / page.name)
        for h in page.heads:
            label = ("waldo", "wenda", "", "", "lookalike")[h.label]
            edges = f"{h.left},{h.top},{h.right},{h.bottom}"
            rows.append(f"{page.name},300,220,{label},{edges}")
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_folder_is_claimed_once_everything_is_read_and_resumed(folder: Path) -> None:
    out = folder / "run"
    sound = (folder / "truth.csv").read_text()
    (folder / "truth.csv").write_text(sound.replace("300,220", "301,220"))
    with pytest.raises(InvalidInputError, match="the truth says 301x220"):
        short_run(folder, out)
    assert not out.exists(), "nothing is claimed before everything is read"
    (folder / "truth.csv").write_text(sound)
    short_run(folder, out)
    made = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert {p.name for p in made} >= {"settings.json", "waldo.toml", "waldo.npz", "report.json"}
    with pytest.raises(InvalidInputError, match="holds a training already"):
        short_run(folder, out)
    short_run(folder, out, resume=True)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == made
    with pytest.raises(InvalidInputError, match="other settings or pages"):
        short_run(folder, out, resume=True, seed=1)
    (folder / "truth.csv").write_text("\n".join(sound.splitlines()[:-3]) + "\n")
    with pytest.raises(InvalidInputError, match="other settings or pages"):
        short_run(folder, out, resume=True)


def test_more_folds_than_drawings_are_refused(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="4 drawings show Waldo, which is too few for 5"):
        cross_validate.train(folder, folder / "truth.csv", folder / "run", folds=5)
    assert not (folder / "run").exists()


def test_scores_of_a_fold_come_back_and_damaged_ones_are_told(
    pages: list[TrainingPage], networks: list[Any], tmp_path: Path
) -> None:
    first, *closer = [folded(net) for net in networks]
    path = write_stack(tmp_path, Release(), first, closer)
    fold = cross_validate._evaluated(pages[:1], path, 0, lambda _: None)
    assert cross_validate._evaluated(pages[:1], path, 0, lambda _: None) == fold
    for text in ("", "[", '{"page": [{"name": 1}]}', "[1]"):
        (tmp_path / "scores.json").write_text(text)
        with pytest.raises(InvalidInputError, match="damaged: remove it") as caught:
            cross_validate._evaluated(pages[:1], path, 0, lambda _: None)
        assert caught.value.path == str(tmp_path / "scores.json")
