"""COCO's average precision by COCO's own program, beside the figures of ``waldo evaluate``.

    python docs/figures/coco_ap.py sample_images sample_images/truth.csv waldo

`waldo detect -f coco` writes the finds, the truth becomes a file of COCO, pycocotools compares them. Exit
status 1 where the figures differ.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from waldo_cli.evaluation.pages import open_page  # noqa: E402
from waldo_cli.evaluation.truth import read_truth  # noqa: E402

TOP = 100  # finds of a page, as COCO counts


def waldo(*arguments: str) -> Any:
    """What a command prints, as JSON."""
    command = [sys.executable, "-m", "waldo_cli", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 2:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def by_pycocotools(pages: str, truth: str, label: str) -> tuple[float, float]:
    """AP at 0.5 and at 0.5:0.95."""
    listed = read_truth(Path(truth), Path(pages))
    paths = [str(page.path) for page in listed]
    asked = ["--label", label, "--top", str(TOP), "--threshold", "0", "--no-heatmap", "-f", "coco"]
    found = waldo("detect", *paths, "--relative-to", pages, *asked)
    numbers = {image["file_name"]: image["id"] for image in found["images"]}
    annotations = []
    for listed_page in listed:
        _, page = open_page(listed_page)
        at = numbers[os.path.relpath(page.path, pages)]
        for box in page.boxes:
            left_out = box.is_ignored(label)
            if left_out or box.counts_for(label):
                bbox = [box.left, box.top, box.right - box.left, box.bottom - box.top]
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": at, "category_id": 1, "bbox": bbox,
                     "area": box.area, "iscrowd": int(left_out)}
                )  # fmt: skip
    results = [
        {key: find[key] for key in ("image_id", "bbox", "score")} | {"category_id": 1}
        for find in found["annotations"]
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # it talks
        known = COCO()
        known.dataset = {
            "info": {}, "images": found["images"], "annotations": annotations,
            "categories": [{"id": 1, "name": label}],
        }  # fmt: skip
        known.createIndex()
        judged = COCOeval(known, known.loadRes(results), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return float(judged.stats[1]), float(judged.stats[0])


def main() -> int:
    """Print both, a line each."""
    pages, truth, label = sys.argv[1:]
    theirs = by_pycocotools(pages, truth, label)
    ours = waldo(
        "evaluate", pages, "--truth", truth, "--label", label, "--top", str(TOP), "-f", "json"
    )
    rows = {"pycocotools": theirs, "waldo evaluate": (ours["coco_ap50"], ours["coco_ap"])}
    for name, (at_half, mean) in rows.items():
        print(f"{name:15} AP {at_half:.4f} at IoU 0.5, {mean:.4f} at 0.5:0.95")  # noqa: T201
    return int(max(abs(a - b) for a, b in zip(*rows.values(), strict=True)) > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
