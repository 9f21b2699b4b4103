#!/usr/bin/env bash
# imantics: a box is written to YOLO with its corner for its centre, and to COCO with half of it for outline.
#
# Versions: imantics 0.1.0, OpenCV 5.0.0.93, numpy 2.4.6, lxml 6.1.3, pycocotools 2.0.11.
# Most expect: `export` writes the box: YOLO has its centre and size, and the outline in COCO goes round its
#   four corners.
# Seen: YOLO has the top left corner, so that a box of 40 x 20 at (30, 10) is read as one at (10, 0). The
#   outline begins and ends at the bottom left, and never comes to the top left: pycocotools makes 400 pixels
#   of it, and not the 800 that "area" says. "bbox" is right.
# Where it matters: a detector that is trained on such files learns places half a box up and left, and masks
#   that are triangles.
# Ends with a status other than 0 when imantics behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "imantics==0.1.0" \
  "opencv-python-headless==5.0.0.93" "numpy==2.4.6" "lxml==6.1.3" "pycocotools==2.0.11"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from imantics import Annotation, BBox, Category, Image
from pycocotools import mask

WIDTH, HEIGHT, BOX = 200, 100, (30, 10, 70, 30)
page = Image(image_array=np.zeros((HEIGHT, WIDTH, 3), np.uint8))
thing = Annotation.from_bbox(page, Category("thing", id=1), BBox(BOX))

_, x, y, width, height = map(float, thing.export("yolo").split())
left, top = (x - width / 2) * WIDTH, (y - height / 2) * HEIGHT
read = [round(n, 2) for n in (left, top, left + width * WIDTH, top + height * HEIGHT)]
(coco,) = thing.export("coco")["annotations"]
outline = [float(n) for n in coco["segmentation"][0]]
filled = int(mask.area(mask.merge(mask.frPyObjects([outline], HEIGHT, WIDTH))))
corners = set(zip(outline[::2], outline[1::2]))

print("imantics", version("imantics"), "the box:", BOX)
print("read from YOLO:", read)
print("COCO:", {key: coco[key] for key in ("bbox", "area", "segmentation")}, "pixels:", filled)
sys.exit(
    read != [10, 0, 50, 20]
    or tuple(coco["bbox"]) != (30, 10, 40, 20)
    or coco["area"] != 800
    or len(corners) != 3
    or filled > 500
)
PY
"$work/venv/bin/python" "$work/seen.py"
