"""What `detect` writes for labelling tools is a truth that `evaluate` takes as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from waldo_cli.cli import waldo
from waldo_cli.evaluation.truth import read_truth

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise with the mask on it, in folders that hold pictures of one name; one picture without it."""
    folder = tmp_path_factory.mktemp("album")
    rng = np.random.default_rng(8)
    mask = rng.integers(0, 256, (12, 10, 3), np.uint8)
    Image.fromarray(mask).save(folder / "thing.png")
    places = {"one.png": (20, 30), "a/one.png": (5, 7), "a/b/two é.png": (48, 70), "none.png": None}
    for name, at in places.items():
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        page = rng.integers(0, 256, (60, 80, 3), np.uint8)
        if at is not None:
            page[at[0] : at[0] + 12, at[1] : at[1] + 10] = mask
        Image.fromarray(page).save(path)
    return folder


def run(album: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(
        waldo,
        [*arguments, "--mask", str(album / "thing.png"), "--scales", "1", "--threshold", "0.9"],
    )
    assert result.exit_code == 0, result.stderr
    return result


def detect(album: Path, form: str, *options: str) -> Result:
    return run(album, "detect", "photos", "-r", "--no-heatmap", "-j", "1", "-f", form, *options)


def must_agree(album: Path, pages: str, truth: str) -> None:
    said = json.loads(run(album, "evaluate", pages, "--truth", truth, "-f", "json").stdout)
    assert (said["pages_with"], said["pages_without"], said["top1"]) == (3, 1, 3)
    assert said["mean_iou"] == pytest.approx(1, abs=1e-6)
    assert (said["coco_ap50"], said["coco_ap"]) == (1, 1)
    assert said["false_alarms"] == 0


@pytest.mark.parametrize("form", ["yolo", "voc", "labelme"])
@pytest.mark.parametrize("out", ["labels", "photos", "deep/labels"])
def test_label_files_are_a_truth(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, out: str
) -> None:
    shutil.copytree(album / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    detect(album, form, "-o", out)
    must_agree(album, "photos", out)
    must_agree(album, str(tmp_path / "photos"), str(tmp_path / out))


def test_yolo_is_a_truth_with_its_data_yaml_and_with_confidences(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(album)
    detect(album, "yolo", "-o", str(tmp_path), "--confidence")
    must_agree(album, "photos", str(tmp_path / "data.yaml"))
    (line,) = (tmp_path / "a" / "one.txt").read_text().splitlines()
    assert [len(line.split()), float(line.split()[5])] == [6, pytest.approx(1)]
    for folder in ("", "a", "a/b"):
        assert (tmp_path / folder / "classes.txt").read_text() == "thing\n"


def test_labels_of_two_pictures_of_one_stem_are_a_truth(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(album / "photos", "photos")
    Image.open("photos/none.png").save("photos/one.bmp")
    Path("photos/none.png").unlink()
    detect(album, "yolo", "-o", "labels")
    assert Path("labels/one.png.txt").exists()
    must_agree(album, "photos", "labels")


@pytest.mark.parametrize("root", [None, "photos", "."])
def test_coco_is_a_truth_whatever_its_names_are_relative_to(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str | None
) -> None:
    monkeypatch.chdir(album)
    truth = tmp_path / "finds.json"
    options = [] if root is None else ["--relative-to", root]
    truth.write_text(detect(album, "coco", "-o", str(tmp_path), *options).stdout)
    names = {image["file_name"] for image in json.loads(truth.read_text())["images"]}
    assert ("one.png" in names) == (root == "photos")
    must_agree(album, "photos", str(truth))
    if root != "photos":
        must_agree(album, ".", str(truth))


def test_a_name_that_is_not_utf8_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(page).save("page.png")
    Image.fromarray(page[10:20, 10:22]).save("thing.png")
    Path("photos").mkdir()
    name = b"photos/\xff.png"
    shutil.copy(b"page.png", name)
    arguments = ["detect", "photos", "--mask", "thing.png", "--scales", "1", "--no-heatmap", "-f"]
    coco = CliRunner().invoke(waldo, [*arguments, "coco"]).stdout_bytes
    Path("finds.json").write_bytes(coco)
    assert len(read_truth("finds.json", "photos")[0].boxes) == 1
    for form in ("labelme", "yolo", "voc"):
        assert CliRunner().invoke(waldo, [*arguments, form, "-o", form]).exit_code == 0
        (read,) = read_truth(form, "photos")
        assert len(read.boxes + read.raw) == 1


def test_cocos_program_gives_the_figures_of_evaluate_for_drawn_scenes(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    samples, script = ROOT / "sample_images", ROOT / "docs" / "figures" / "coco_ap.py"
    head, *rows = (samples / "truth.csv").read_text().splitlines()
    names = ("beach.png", "edge.png", "nobody.png")
    for name in names:
        shutil.copy(samples / name, tmp_path)
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join([head, *(r for r in rows if r.startswith(names))]) + "\n")
    done = subprocess.run(
        [sys.executable, script, tmp_path, truth, "waldo"],
        capture_output=True,
        text=True,
        check=True,  # it ends with 1 where they differ
    )
    theirs, ours = (line.partition("AP ")[2] for line in done.stdout.splitlines())
    assert theirs == ours
    assert float(ours.split()[0]) > 0.5
