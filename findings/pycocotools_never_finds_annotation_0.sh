#!/usr/bin/env bash
# pycocotools: the box whose annotation has the id 0 cannot be found, and the find of it is a false alarm.
#
# Versions: pycocotools 2.0.11, numpy 2.4.6.
# Most expect: ids are names, whatever they are. Four finds that are exactly the four true boxes have an AP of
#   1.
# Seen: numbered from 1 they have 1, numbered from 0 they have 0.564, and a truth of one box has 0. The
#   evaluation notes the id of the box that a find has taken, and reads 0 as none. Pictures and classes may be
#   0.
# Where it matters: truths that programs number from 0, as Label Studio's export to COCO does. One box of many
#   is a small loss that nobody sees; in a test of a few pictures it is a large one.
# Ends with a status other than 0 when pycocotools behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pycocotools==2.0.11" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import contextlib
import importlib.metadata
import io
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

BOX = [10, 10, 20, 20]


def precision(pictures: int, first: int, other: int = 1) -> float:
    """AP at 0.5 of finds that are the true boxes, one a picture; `first` is the least id of an annotation."""
    truth = COCO()
    place = {"category_id": other, "bbox": BOX}
    numbers = range(other, other + pictures)
    truth.dataset = {
        "info": {},
        "images": [{"id": n} for n in numbers],
        "categories": [{"id": other, "name": "thing"}],
        "annotations": [
            {"id": first + n - other, "image_id": n, "area": 400, "iscrowd": 0, **place} for n in numbers
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes([{"image_id": n, "score": 0.9, **place} for n in numbers])
        judged = COCOeval(truth, found, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return round(float(judged.stats[1]), 3)


seen = {
    "4 boxes from 1": precision(4, 1),
    "4 boxes from 0": precision(4, 0),
    "1 box, 1": precision(1, 1),
    "1 box, 0": precision(1, 0),
    "4 boxes from 1, pictures and class from 0": precision(4, 1, 0),
}
print("pycocotools", importlib.metadata.version("pycocotools"), seen)
sys.exit(list(seen.values()) != [1, 0.564, 1, 0, 1])
PY
"$work/venv/bin/python" "$work/seen.py"
