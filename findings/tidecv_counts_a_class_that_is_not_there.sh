#!/usr/bin/env bash
# tidecv: one false alarm of a class of which there is nothing halves the mean average precision.
#
# Versions: tidecv 1.0.1, pycocotools 2.0.11, numpy 2.4.6.
# Most expect: TIDE computes what pycocotools does: classes without a true box have no AP, and are left out of
#   the mean.
# Seen: a class of which something is found, and nothing is there, has an AP of 0 in the mean. Of one thing
#   that is found the mAP at 0.5 is 100 %. With one false alarm of another class, of a score of 0.01, it is
#   50 %, with three of three classes 25 %. By pycocotools it is 100 %. What TIDE says is lost by false
#   alarms, 50 and 75 %, is lost by its own mean.
# Where it matters: subsets of a truth: some pictures, small boxes, a night. The more classes a detector knows
#   that the subset lacks, the lower it stands.
# Ends with a status other than 0 when tidecv behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pycocotools==2.0.11" "numpy==2.4.6" \
  "seaborn==0.13.2" "appdirs==1.4.4" "opencv-python-headless==5.0.0.93"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "tidecv==1.0.1"
cat >"$work/seen.py" <<'PY'
import contextlib
import io
import sys
from importlib.metadata import version

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tidecv import TIDE, Data

THING, NOWHERE = [10, 10, 40, 40], [100, 10, 40, 40]


def precision(others: list[int]) -> tuple[float, float, float]:
    """Mean AP at 0.5 by tidecv and pycocotools, and TIDE's dAP of false alarms; `others` are wrong ones."""
    finds = [(1, THING, 0.9), *((n, NOWHERE, 0.01) for n in others)]
    true, found = Data("true"), Data("found")
    for n in range(1, 5):
        true.add_class(n, f"class {n}")
    true.add_ground_truth(1, 1, THING)
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": 1}],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, 5)],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": THING, "area": 1600, "iscrowd": 0}
        ],
    }
    for n, box, score in finds:
        found.add_detection(1, n, score, box)
    tide = TIDE()
    run = tide.evaluate(true, found, mode=TIDE.BOX)
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        results = [{"image_id": 1, "category_id": n, "bbox": box, "score": s} for n, box, s in finds]
        judged = COCOeval(coco, coco.loadRes(results), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    (background,) = (errors["Bkg"] for errors in tide.get_main_errors().values())
    return round(float(run.ap), 1), round(100 * float(judged.stats[1]), 1), round(float(background), 1)


seen = [precision(others) for others in ([], [2], [2, 3, 4])]
print("tidecv", version("tidecv"), "(mAP by it and by pycocotools, its dAP of false alarms)")
for number, precisions in zip((0, 1, 3), seen):
    print(f"{number} false alarms of classes that are not there:", precisions)
sys.exit(seen != [(100, 100, 0), (50, 100, 50), (25, 100, 75)])
PY
"$work/venv/bin/python" -W ignore "$work/seen.py"
