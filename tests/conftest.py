"""Fixtures of several rooms: folders of drawn images, a scene, and the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from commandline import MASK_AT, Ended, Waldo
from folders import COUNT, draw_folder, records, run
from PIL import Image

pytest.register_assert_rewrite("loops", "stackfiles")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("drawn") / "photos", COUNT).parent


@pytest.fixture
def place(drawn: Path, tmp_path: Path) -> Path:
    """A folder of its own with photos/ and needle.png, times of change kept."""
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="session")
def whole(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Records of an undisturbed run, one image after the other."""
    place = tmp_path_factory.mktemp("whole")
    shutil.copytree(drawn, place, dirs_exist_ok=True)
    ended = run(place, "photos", "-r", "-o", "out", "-j", 1, "-f", "jsonl")
    assert (ended.returncode, ended.stderr) == (0, b"")
    return records(ended.stdout)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise pages, a cut of one as mask, and everything that goes wrong."""
    folder = tmp_path_factory.mktemp("scene")
    rng = np.random.default_rng(0)
    page = rng.integers(0, 256, (60, 80, 3), np.uint8)
    left, top = MASK_AT
    mask = page[top : top + 12, left : left + 10]
    pictures = {
        "page.png": page,
        "other.png": rng.integers(0, 256, (60, 80, 3), np.uint8),
        "mask.png": mask,
        "big.png": rng.integers(0, 256, (90, 100, 3), np.uint8),
        "dot.png": page[:1, :1],
        "flat.png": np.full((9, 9, 3), 120, np.uint8),
        "clear.png": np.dstack([mask, np.zeros((12, 10), np.uint8)]),
        "dark.png": np.zeros((60, 80), np.uint8),
        "prior.png": np.full((60, 80), 128, np.uint8),
        "small.png": np.full((6, 8), 255, np.uint8),
    }
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / name)
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.png").touch()
    half = (folder / "page.png").read_bytes()
    (folder / "half.png").write_bytes(half[: len(half) // 2])
    np.savez(folder / "narrow.npz", k=np.ones((3, 3, 4, 1), np.float32))
    (folder / "narrow.toml").write_text(
        'format = 1\nobject = [5, 5]\nweights = "narrow.npz"\n'
        '[[layer]]\nop = "conv"\nkernel = "weights:k"\n'
    )
    (folder / "wrong.toml").write_text("format = 1\nobjekt = [5, 5]\n")
    return folder


@pytest.fixture
def waldo(scene: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Waldo:
    """Run the command line in this process, in the folder of the scene."""
    # Not above: importing it sets signals and the environment of this process.
    from waldo_cli.__main__ import main

    monkeypatch.chdir(scene)

    def run(*args: str | Path) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in args])
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run
