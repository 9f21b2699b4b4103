"""A training from its start to a stack that finds, also one that was cut short."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import refuse
from waldo_cli.stack.file import load_stack
from waldo_cli.training import cross_validate
from waldo_cli.training.held_out import judged
from waldo_cli.training.parts import Sources


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
    seen = Sources(learned_from, learned_from / "truth.csv", "waldo", figures=True)
    path, _ = cross_validate.train(seen, tmp_path / "run", folds=0, effort=0.05, say=lambda _: None)
    assert path == tmp_path / "run" / "waldo.toml"
    stack = load_stack(path)
    _, unseen, _ = Sources(tested_on, tested_on / "truth.csv", "waldo").read(refuse)
    scores = [judged(page, stack) for page in unseen]
    assert sum(s.rank == 1 for s in scores) >= 9
    # The network of boxes has had 30 steps; without it the mean is below 0.75.
    assert np.mean([s.first_iou or 0 for s in scores]) > 0.8


def short_run(folder: Path, out: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
    return cross_validate.train(
        Sources(folder, folder / "truth.csv"),
        out,
        folds=0,
        effort=0.001,
        say=lambda _: None,
        **options,
    )


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


def test_the_same_seed_gives_the_same_networks_and_another_one_others(folder: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        short_run(folder, folder / name, seed=seed)
    one, two, other = (
        np.load(folder / name / "waldo.npz") for name in ("one", "two", "other")
    )  # fmt: skip
    for name in one.files:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
        assert name.endswith("bias") or not np.array_equal(one[name], other[name])


def test_the_stack_looks_at_boxes_also_without_folds(folder: Path) -> None:
    path, report = short_run(folder, folder / "run")
    stack = load_stack(path)
    assert stack.box_look is not None
    assert (folder / "run" / "all" / "box.pt").exists()
    assert (stack.calibration, stack.threshold) == ((1.0, 0.0), 0.5)
    assert report["steps"]["box"] >= 1


def test_cross_validation_says_what_it_is_unsure_of_and_what_more_pages_would_give(
    folder: Path,
) -> None:
    for scan in ("1.png", "3.png"):  # the pages of this folder are noise of their own: copy one
        (folder / scan).write_bytes((folder / "0.png").read_bytes())
    out, said, shown = folder / "run", [], []
    sources = Sources(folder, folder / "truth.csv")

    def run(*, resume: bool = False) -> dict[str, Any]:
        _, report = cross_validate.train(
            sources, out, folds=2, effort=0.001, curve=True, resume=resume,
            say=said.append, show=lambda p: shown.append((p.share, p.judged)),
        )  # fmt: skip
        return report

    report = run()
    assert report["same_pictures"] == [("0.png", "1.png"), ("0.png", "3.png"), ("1.png", "3.png")]
    assert sum("show the same picture" in line for line in said) == 3
    assert [p["judged"] for p in report["curve"]["points"]] == [4, 4, 4]
    assert [p["drawings"] for p in report["curve"]["points"]] == [2, 2, 2]
    assert report["curve"]["doubled"] is None, "two drawings are the least that is learned from"
    assert said[-3:] == report["curve"]["lines"]
    assert {row["page"] for row in report["least_sure"]} == {f"{n}.png" for n in range(4)}
    assert [share for share, _ in shown] == sorted(share for share, _ in shown)
    assert shown[-1] == (1.0, 4)
    made = (out / "report.html").read_text()
    assert '<meta name="generator" content="waldo">' in made
    assert made.count("<figure") > 8
    assert json.loads((out / "report.json").read_text())["curve"]["points"]
    assert run(resume=True) == report


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"folds": 10**30}, "give 2 to 1000, or 0"),
        ({"folds": -1}, "give 2 to 1000, or 0"),
        ({"folds": 0, "seed": 2**63}, "give 0 to 1000000000000"),
        ({"folds": 0, "seed": -1}, "give 0 to"),
        ({"folds": 2, "jobs": 0}, "at least 1"),
    ],
)
def test_numbers_out_of_range_are_refused_at_once(
    folder: Path, options: dict[str, int], line: str
) -> None:
    with pytest.raises(InvalidInputError, match=line):
        cross_validate.train(Sources(folder, folder / "truth.csv"), folder / "run", **options)
    assert not (folder / "run").exists()


def test_the_largest_seed_is_taken(folder: Path) -> None:
    short_run(folder, folder / "run", seed=cross_validate.MOST_SEED)


def test_a_picture_that_cannot_be_read_is_told_and_left_out(folder: Path) -> None:
    (folder / "2.png").unlink()
    (folder / "2.png").symlink_to("2.png")
    told: list[str] = []
    path, _ = short_run(folder, folder / "run", complain=lambda e: told.append(str(e)))
    assert len(told) == 1
    assert told[0].startswith(f"{folder / '2.png'}: cannot read: ")
    assert load_stack(path).description == "waldo, learned from 3 pages"


def test_leftovers_of_a_killed_training_are_removed_by_the_next(folder: Path) -> None:
    short_run(folder, folder / "run")
    left = [folder / "run" / part / ".waldo-1-deadbeef.tmp" for part in ("", "all")]
    for path in left:
        path.write_bytes(b"half of it")
        os.utime(path, (0, 0))
    short_run(folder, folder / "run", resume=True)
    assert not any(path.exists() for path in left)


def test_pages_that_show_nothing_but_the_thing_are_refused(tmp_path: Path) -> None:
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for n in range(3):
        Image.new("RGB", (50, 60), (200, 20, n)).save(tmp_path / f"{n}.png")
        rows.append(f"{n}.png,50,60,cat,2,2,48,58")
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(InvalidInputError, match="no page has a place where nothing is"):
        short_run(tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists(), "nothing was learned, so nothing is claimed"


def test_a_curve_needs_held_out_pages(folder: Path) -> None:
    with pytest.raises(InvalidInputError, match="give --folds 2 or more"):
        cross_validate.train(
            Sources(folder, folder / "truth.csv"), folder / "run", folds=0, curve=True
        )
    assert not (folder / "run").exists()


def test_more_folds_than_drawings_are_refused(folder: Path) -> None:
    truth = folder / "truth.csv"
    rows = truth.read_text().splitlines()
    for several, line in (
        (rows, "4 artworks with what is sought: too few for 5 folds: give --folds 2 to 4, or 0"),
        (rows[:4], "1 artwork with what is sought: too few for 5 folds: give --folds 0"),
    ):
        truth.write_text("\n".join(several) + "\n")
        with pytest.raises(InvalidInputError, match=line):
            cross_validate.train(Sources(folder, truth), folder / "run", folds=5)
    assert not (folder / "run").exists()


def test_any_class_can_be_sought(folder: Path) -> None:
    sources = Sources(folder, folder / "truth.csv", "wenda")
    path, report = cross_validate.train(
        sources, folder / "run", folds=0, effort=0.001, say=lambda _: None
    )
    assert path == folder / "run" / "wenda.toml"
    stack = load_stack(path)
    assert stack.labels == ("wenda", "waldo", "nothing")
    assert stack.description == "wenda, learned from 4 pages"
    assert report["classes"]["names"] == ("wenda", "waldo")
