#!/usr/bin/env bash
# globox: a crowd of COCO is one more box to be found, and whoever is found in it is a false alarm.
#
# Versions: globox 2.9.0, pycocotools 2.0.11, numpy 2.4.6.
# Most expect: `COCOEvaluator` gives what pycocotools gives: `iscrowd` marks a region that is left out, in
#   which finds are neither hits nor false alarms.
# Seen: `AnnotationSet.from_coco` does not read `iscrowd`. One thing that is found and a crowd in which three
#   more are found have an AP of 1 by pycocotools, and of 0.126 by globox: the crowd is missed, and the three
#   are wrong. Without the crowd both give 1.
# Where it matters: truths of streets, shelves and herds, and every AP that is compared with one of COCO's
#   own.
# Ends with a status other than 0 when globox behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "globox==2.9.0" "pycocotools==2.0.11" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import contextlib
import importlib.metadata
import io
import json
import sys
from pathlib import Path

from globox import Annotation, AnnotationSet, BoundingBox, BoxFormat, COCOEvaluator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

path = Path(sys.argv[1]) / "truth.json"
THING, CROWD = (10, 10, 40, 40), (100, 10, 200, 80)
INSIDE = [((110, 15, 40, 40), 0.9), ((160, 20, 40, 40), 0.8), ((230, 30, 40, 40), 0.7)]
FINDS = [*INSIDE, (THING, 0.6)]


def precision(*, crowd: bool) -> tuple[float, float]:
    """AP at 0.5 by pycocotools and by globox, of all finds; without a crowd, of the thing alone."""
    boxes = [(THING, 0)] + [(CROWD, 1)] * crowd
    here = {"image_id": 1, "category_id": 1}
    truth = {
        "info": {},
        "images": [{"id": 1, "file_name": "a.png", "width": 400, "height": 100}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": n, **here, "bbox": box, "area": box[2] * box[3], "iscrowd": is_crowd}
            for n, (box, is_crowd) in enumerate(boxes, 1)
        ],
    }
    finds = FINDS if crowd else FINDS[-1:]
    path.write_text(json.dumps(truth))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(path)
        results = coco.loadRes([{**here, "bbox": list(box), "score": s} for box, s in finds])
        judged = COCOeval(coco, results, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    page = Annotation(image_id="a.png", image_size=(400, 100))
    for box, s in finds:
        page.add(
            BoundingBox.create(label="thing", coords=box, box_format=BoxFormat.LTWH, confidence=s)
        )
    evaluator = COCOEvaluator(
        ground_truths=AnnotationSet.from_coco(path), predictions=AnnotationSet([page])
    )
    return round(float(judged.stats[1]), 3), round(float(evaluator.ap_50()), 3)


without, within = precision(crowd=False), precision(crowd=True)
print("globox", importlib.metadata.version("globox"), "(AP at 0.5 by pycocotools, by globox)")
print("without a crowd:", without)
print("with a crowd:", within)
sys.exit(not (without == (1, 1) and within[0] == 1 and within[1] < 0.2))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
