"""The jobs h to m: masks over small pictures, at all scales and angles, in a region; folders; large pages."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import pasted, peers
from benchmarks.cases import Thing
from benchmarks.jobs import HERE, MEGAPIXELS, Settings, crop, page, save
from benchmarks.measure import OURS, Row, compare, compare_processes, compares_commits
from waldo_cli import cross_correlate, detect, load_image, load_stack, normalized_cross_correlate

# Where masks for a page that does not show them come from.
OTHER_SCENE = HERE.parent / "sample_images" / "harbour.png"
SCREENS = {"1280x720": (720, 1280), "2560x1440": (1440, 2560), "3840x2160": (2160, 3840)}


def small(settings: Settings) -> Iterator[Row]:
    """Masks of every size over 0.3 Mpx, raw and ncc."""
    cv2 = peers.load("cv2")
    x = page(settings, *MEGAPIXELS[0.3])
    sides = (8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448)
    for side in sides[::4] if settings.quick else sides:
        V = crop(x, side)
        raw = {OURS: lambda V=V: cross_correlate(x, V[..., None])[:, :, 0]}
        ncc = {OURS: lambda V=V: normalized_cross_correlate(x, V)[:, :, 0]}
        if cv2:
            raw |= peers.opencv(cv2, x, V, "TM_CCORR")
            ncc |= peers.opencv(cv2, x, V, "TM_CCOEFF_NORMED")
        yield compare("h", f"raw, mask {side} px, 0.3 Mpx", raw, runs=settings.runs)
        yield compare("h", f"ncc, mask {side} px, 0.3 Mpx", ncc, runs=settings.runs)


def scales(settings: Settings) -> Iterator[Row]:
    """A mask at its default scales, the whole process, without a picture."""
    has_cv2 = peers.load("cv2") is not None
    factors = ",".join(f"{1 / s:g}" for s in load_stack("pixels").scales)
    sizes = ((20, 20), (200, 200)) if settings.quick else (
        (20, 20), (40, 40), (80, 80), (160, 160), (300, 300), (400, 600),
    )  # fmt: skip
    names = list(SCREENS)[:1] if settings.quick else list(SCREENS)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            x = page(settings, *SCREENS[name])
            picture, mask = Path(folder, f"{name}.jpg"), Path(folder, "mask.png")
            save(x, picture)
            for height, width in sizes:
                save(crop(x, height, width), mask)
                script = [sys.executable, str(HERE / "opencv_script.py"), str(picture), str(mask)]
                commands = {OURS: _waldo(picture, mask)}
                if has_cv2:
                    commands["opencv TM_CCOEFF_NORMED"] = [*script, factors, "--no-picture"]
                what = f"default scales, mask {width}x{height}, {name}"
                yield compare_processes("i", what, commands, runs=min(settings.runs, 5))


def _waldo(picture: Path, mask: Path) -> list[str]:
    command = [sys.executable, "-m", "waldo_cli", "detect", "--no-heatmap", "--mask", str(mask)]
    return [*command, str(picture)]


def turns(settings: Settings) -> Iterator[Row]:
    """A mask at all angles, one scale; OpenCV at the same angles, over every place and coarse to fine."""
    cv2 = peers.load("cv2")
    ground = page(settings, *MEGAPIXELS[0.3 if settings.quick else 3])
    scene = load_image(OTHER_SCENE)
    for side in (64,) if settings.quick else (64, 256):
        V = np.ascontiguousarray(scene[300 : 300 + side, 200 : 200 + side])
        height, width = ground.shape[:2]
        thing = Thing(0.61 * width - side / 2, 0.46 * height - side / 2, side, side, angle=37.3)
        x = pasted.paste(_levels(ground), _levels(V), thing).astype(np.float32) / 255
        calls: dict[str, Callable[[], Any]] = {OURS: lambda x=x, V=V: _found(x, V)}
        if cv2:
            calls |= _opencv_turns(cv2, x, V)
        what = f"all angles, mask {side} px, {height * width / 1e6:.1f} Mpx"
        row = compare("j", what, calls, runs=min(settings.runs, 5), check=False)
        row.note = "off by " + ", ".join(
            f"{np.hypot(x - thing.centre[0], y - thing.centre[1]):.2f} px"
            f" {abs((angle - thing.angle + 180) % 360 - 180):.2f} deg"
            for _, x, y, angle in (call() for name, call in calls.items() if "every" not in name)
        )
        yield row


def _opencv_turns(cv2: Any, x: np.ndarray, V: np.ndarray) -> dict[str, Callable[[], Any]]:
    from benchmarks import opencv_turned as peer

    angles = range(-180, 180, peer.STEP)
    grey, grey_V = (cv2.cvtColor(a, cv2.COLOR_RGB2GRAY) for a in (x, V))
    return {
        "opencv, coarse to fine": lambda: np.array(peer.coarse_to_fine(x, V, angles)),
        "the same in grey": lambda: np.array(peer.coarse_to_fine(grey, grey_V, angles)),
        "opencv, every place": lambda: np.array(peer.every_place(x, V, angles)),
    }


def _levels(x: np.ndarray) -> pasted.Pixels:
    return np.round(255 * x).astype(np.uint8)


def _found(x: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Score, centre and angle of the best find; NaN where there is none."""
    found = detect(x, masks=[V], scales=1, angles="all").detections
    return np.array([(d.score, d.x, d.y, d.angle) for d in found] or [(np.nan,) * 4])[0]


def regions(settings: Settings) -> Iterator[Row]:
    """A region of one part in a hundred, beside the whole page: in Python, and the whole process."""
    name = next(iter(SCREENS)) if settings.quick else "3840x2160"
    height, width = SCREENS[name]
    x = page(settings, height, width)
    top, left = height // 3, width // 3
    region = (left, top, width // 10, height // 10)
    V = np.ascontiguousarray(x[top + 10 : top + 58, left + 20 : left + 68])

    def call(**where: Any) -> np.ndarray:
        found = detect(x, masks=[V], **where).detections
        return np.array([d.score for d in found])

    calls = {OURS: lambda: call(region=region), "whole page": call}
    what = f"region of 1 %, mask 48 px, {name}"
    if not compares_commits():
        yield compare("k", what, calls, runs=min(settings.runs, 5), check=False)
    with tempfile.TemporaryDirectory() as folder:
        picture, mask = Path(folder, "page.jpg"), Path(folder, "mask.png")
        save(x, picture)
        save(V, mask)
        whole = _waldo(picture, mask)
        commands = {OURS: [*whole, "--region", ",".join(map(str, region))], "whole page": whole}
        yield compare_processes("k", f"{what}, process", commands, runs=min(settings.runs, 5))


def folders(settings: Settings) -> Iterator[Row]:
    """A folder of pictures of 0.3 to 1 Mpx, default stack, two processes."""
    count = 4 if settings.quick else 12
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "pictures")
        pictures.mkdir()
        for n in range(count):
            height, width = (480 + 320 * n // count, 640 + 640 * n // count)
            save(page(settings, height, width), pictures / f"{n:02}.jpg")
        command = [sys.executable, "-m", "waldo_cli", "detect", "-j", "2", str(pictures)]
        commands = {OURS: [*command, "-o", folder]}
        row = compare_processes(
            "l", f"folder of {count}, -j 2", commands, runs=min(settings.runs, 5)
        )
        row.note += f" {count / row.seconds[OURS]:.1f} pictures a second"
        yield row


def sizes(settings: Settings) -> Iterator[Row]:
    """The default stack over pages of 3, 24 and 100 Mpx, the whole process, with its picture and without."""
    pages = {3: (1536, 2048), 24: (4000, 6000), 100: (10_000, 10_000)}
    for megapixels in (3,) if settings.quick else pages:
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder, "page.jpg")
            save(page(settings, *pages[megapixels]), picture)
            detect = [sys.executable, "-m", "waldo_cli", "detect", str(picture), "-o", folder]
            for options in ([], ["--no-heatmap"]):
                what = " ".join([f"default stack, {megapixels} Mpx", *options])
                runs = 1 if megapixels == 100 else min(settings.runs, 5)
                yield compare_processes("m", what, {OURS: [*detect, *options]}, runs=runs)


JOBS: dict[str, list[Callable[[Settings], Iterator[Row]]]] = {
    "h": [small],
    "i": [scales],
    "j": [turns],
    "k": [regions],
    "l": [folders],
    "m": [sizes],
}
