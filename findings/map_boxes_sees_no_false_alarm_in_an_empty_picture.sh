#!/usr/bin/env bash
# map-boxes: whatever is found in pictures without a true box does not count, though it says that it does.
#
# Versions: map-boxes 1.0.6, numpy 2.4.6, pandas 3.1.1, pycocotools 2.0.11.
# Most expect: a find in a picture in which there is nothing is a false alarm. `exclude_not_in_annotations`,
#   False if it is not given, leaves such pictures out for those who want that.
# Seen: only pictures that have a true box are looked at, whether the parameter is True or False. One thing
#   that is found and nine false alarms with higher scores have an AP of 0.1 if all are in one picture, and of
#   1 if the nine are in pictures of their own. By pycocotools both have 0.1.
# Where it matters: a detector that finds something everywhere looks perfect as soon as it is judged on
#   pictures of which most are empty: wildlife cameras, inspection, searching in a pile.
# Ends with a status other than 0 when map-boxes behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "map-boxes==1.0.6" "numpy==2.4.6" "pandas==3.1.1" "pycocotools==2.0.11"
cat >"$work/seen.py" <<'PY'
import contextlib
import io
import sys
from importlib.metadata import version

import numpy as np
from map_boxes import mean_average_precision_for_boxes
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

THING, OTHER = (10, 10, 40, 40), (100, 10, 40, 40)


def row(picture: int, box: tuple, *score: float) -> list:
    x, y, width, height = box
    return [str(picture), "thing", *score, x, x + width, y, y + height]


def by_map_boxes(finds: list, *, exclude: bool) -> float:
    truth = np.array([row(1, THING)], object)
    found = np.array([row(picture, box, score) for picture, box, score in finds], object)
    ap, _ = mean_average_precision_for_boxes(truth, found, exclude_not_in_annotations=exclude, verbose=False)
    return round(float(ap), 2)


def by_pycocotools(finds: list) -> float:
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": n} for n in range(1, 11)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": list(THING), "area": 1600, "iscrowd": 0}
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        results = [{"image_id": n, "category_id": 1, "bbox": list(box), "score": s} for n, box, s in finds]
        judged = COCOeval(truth, truth.loadRes(results), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return round(float(judged.stats[1]), 2)


print("map-boxes", version("map-boxes"), "(AP by it, by it without such pictures, by pycocotools)")
seen = []
for others in ([1] * 9, range(2, 11)):
    finds = [(1, THING, 0.5), *((picture, OTHER, 0.9) for picture in others)]
    seen.append((*(by_map_boxes(finds, exclude=e) for e in (False, True)), by_pycocotools(finds)))
    print(f"nine false alarms in the pictures {sorted(set(others))}:", seen[-1])
sys.exit(seen != [(0.1, 0.1, 0.1), (1, 1, 0.1)])
PY
"$work/venv/bin/python" "$work/seen.py"
