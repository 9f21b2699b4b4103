"""What other tools find of icons and parts, each used as its documentation shows.

``python docs/figures/other_tools.py`` looks for six icons, cut out of a drawn screenshot, in that screenshot,
in other renderings of it and in a picture without them, and for a part that lies turned. It prints the table
of docs/other-tools.md. Needs OpenCV, scikit-image, Multi-Template-Matching and PyScreeze, by which pyautogui
looks; visgrep, of the Debian package xautomation, is used where it is in the path. A tool that is absent is
told, and has no row.

A place is right where its centre lies within a quarter of the box's size of the true one's. Seconds are of
processor time for one icon in one picture, all pictures loaded.
"""

from __future__ import annotations

import csv
import importlib
import io
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from waldo_cli import detect

SCREENS = Path(__file__).resolve().parents[2] / "sample_images" / "screens"
ICONS = ("trash", "pencil", "star", "gear", "mail", "save")

Bytes = np.ndarray
Place = tuple[float, float]  # x, y of the centre
Box = tuple[float, float, float, float]  # left, top, right, bottom
Tool = Callable[[Bytes, Bytes], Iterable[Place]]  # picture and icon, (H, W, 3) uint8


def load(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: no row", file=sys.stderr)  # noqa: T201
        return None


def by_waldo(**how: Any) -> Tool:
    def find(picture: Bytes, icon: Bytes) -> Iterable[Place]:
        mask = icon.astype(np.float32) / 255
        return [(d.x, d.y) for d in detect(picture, masks=[mask], top="all", **how).detections]

    return find


def by_opencv(cv2: ModuleType) -> Tool:
    """Its tutorial: TM_CCOEFF_NORMED, all places of 0.8 and more; of neighbours the best one."""

    def find(picture: Bytes, icon: Bytes) -> Iterable[Place]:
        scores = cv2.matchTemplate(picture, icon, cv2.TM_CCOEFF_NORMED)
        height, width = icon.shape[:2]
        peak = scores == cv2.dilate(scores, np.ones((height, width), np.uint8))
        for y, x in np.argwhere(peak & (scores >= 0.8)):
            yield x + width / 2, y + height / 2

    return find


def by_skimage() -> Tool:
    """`match_template` on grey pictures, and the peaks of 0.8 and more."""
    from skimage.color import rgb2gray
    from skimage.feature import match_template, peak_local_max

    def find(picture: Bytes, icon: Bytes) -> Iterable[Place]:
        scores = match_template(rgb2gray(picture), rgb2gray(icon))
        height, width = icon.shape[:2]
        distance = min(height, width) // 2
        for y, x in peak_local_max(scores, distance, 0.8, exclude_border=False):
            yield x + width / 2, y + height / 2

    return find


def by_mtm(mtm: ModuleType) -> Tool:
    """Its defaults: every place of 0.5 and more, of those that overlap the best one."""

    def find(picture: Bytes, icon: Bytes) -> Iterable[Place]:
        for _, (x, y, width, height), _ in mtm.matchTemplates([("icon", icon)], picture):
            yield x + width / 2, y + height / 2

    return find


def by_pyscreeze(pyscreeze: ModuleType, confidence: float) -> Tool:
    def find(picture: Bytes, icon: Bytes) -> Iterable[Place]:
        whole, part = Image.fromarray(picture), Image.fromarray(icon)
        try:
            for box in pyscreeze.locateAll(part, whole, confidence=confidence):
                yield box.left + box.width / 2, box.top + box.height / 2
        except pyscreeze.ImageNotFoundException:
            return

    return find


def by_visgrep(program: str) -> Tool:
    def find(picture: Bytes, icon: Bytes) -> Iterable[Place]:
        with tempfile.TemporaryDirectory() as folder:
            for name, pixels in (("picture", picture), ("icon", icon)):
                Image.fromarray(pixels).save(f"{folder}/{name}.png")
            part = f"{folder}/icon.png"
            told = subprocess.run(  # noqa: S603
                [program, f"{folder}/picture.png", part, part],
                capture_output=True, text=True, check=False,
            ).stdout  # fmt: skip
        height, width = icon.shape[:2]
        for x, y in re.findall(r"^(\d+),(\d+) ", told, re.M):
            yield int(x) + width / 2, int(y) + height / 2

    return find


def tools() -> dict[str, Tool]:
    cv2, mtm, pyscreeze = load("cv2"), load("MTM"), load("pyscreeze")
    known = {"waldo": by_waldo(), "waldo, `--scales 1`": by_waldo(scales=1)}
    if cv2 is not None:
        known["OpenCV, 0.8"] = by_opencv(cv2)
    if load("skimage") is not None:
        known["scikit-image, 0.8"] = by_skimage()
    if mtm is not None:
        known["MTM, its defaults"] = by_mtm(mtm)
    if pyscreeze is not None:
        known["pyautogui, its defaults"] = by_pyscreeze(pyscreeze, 0.999)
        known["pyautogui, confidence 0.9"] = by_pyscreeze(pyscreeze, 0.9)
    visgrep = shutil.which("visgrep")
    if visgrep is None:
        print("visgrep is not installed: no row", file=sys.stderr)  # noqa: T201
    else:
        known["visgrep"] = by_visgrep(visgrep)
    return known


def truth() -> dict[tuple[str, str], list[Box]]:
    boxes: dict[tuple[str, str], list[Box]] = {}
    with (SCREENS / "truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sides = [float(row[side]) for side in ("xmin", "ymin", "xmax", "ymax")]
            box = (sides[0], sides[1], sides[2], sides[3])
            boxes.setdefault((row["filename"], row["class"]), []).append(box)
    return boxes


def pixels(name: str) -> Bytes:
    with Image.open(SCREENS / name) as picture:
        return np.asarray(picture.convert("RGB"))


def as_jpeg(picture: Bytes) -> Bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


def part() -> Bytes:
    """The key of the tray as it lies in its own picture, on the tray's colour."""
    with Image.open(SCREENS / "masks" / "key.png") as key:
        tray = Image.new("RGBA", key.size, tuple(int(v) for v in pixels("parts.png")[2, 2]))
        return np.asarray(Image.alpha_composite(tray, key.convert("RGBA")).convert("RGB"))


TURNED = "a part that lies turned"
Task = tuple[Bytes, Bytes, list[Box]]  # picture, icon, where it is


def jobs() -> dict[str, list[Task]]:
    boxes, light = truth(), pixels("light.png")
    icons: dict[str, Bytes] = {}
    for name in ICONS:
        left, top, right, bottom = map(int, boxes["light.png", name][0])
        icons[name] = light[top:bottom, left:right]

    def on(screen: str, picture: Bytes) -> list[Task]:
        return [(picture, icons[name], boxes[screen, name]) for name in ICONS]

    keys = boxes["parts.png", "key"] + boxes["parts.png", "key-turned-over"]
    return {
        "the same screenshot": on("light.png", light),
        "saved as JPEG, quality 50": on("light.png", as_jpeg(light)),
        "1.5 times as large": on("hidpi.png", pixels("hidpi.png")),
        "dark theme": on("dark.png", pixels("dark.png")),
        "a picture without them": [(pixels("parts.png"), icon, []) for icon in icons.values()],
        TURNED: [(pixels("parts.png"), part(), keys)],
    }


def judged(found: Iterable[Place], boxes: list[Box]) -> tuple[int, int]:
    """How many of the boxes are found, and how many places are wrong."""
    left, wrong = list(boxes), 0
    for x, y in found:
        near = [
            b
            for b in left
            if abs(x - (b[0] + b[2]) / 2) <= (b[2] - b[0]) / 4
            and abs(y - (b[1] + b[3]) / 2) <= (b[3] - b[1]) / 4
        ]
        if near:
            left.remove(near[0])
        else:
            wrong += 1
    return len(boxes) - len(left), wrong


def processor_time() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Print the table, in Markdown."""
    tasks = jobs()
    print("| tool | " + " | ".join(tasks) + " | seconds |")  # noqa: T201
    print("|---|" + "---|" * (len(tasks) + 1))  # noqa: T201
    for name, find in tools().items():
        cells, seconds, count = [], 0.0, 0
        find(pixels("parts.png")[:60, :60], pixels("light.png")[:20, :20])  # what is loaded once
        for what, job in tasks.items():
            if what == TURNED and name == "waldo":
                find = by_waldo(angles="all", mirror=True)
            right = wrong = there = 0
            for picture, icon, boxes in job:
                started = processor_time()
                found = list(find(picture, icon))
                seconds += processor_time() - started
                count += 1
                hits, misses = judged(found, boxes)
                right, wrong, there = right + hits, wrong + misses, there + len(boxes)
            cells.append(f"{right} of {there}, {wrong} wrong" if there else f"{wrong} wrong")
        print(f"| {name} | " + " | ".join(cells) + f" | {seconds / count:.2g} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
