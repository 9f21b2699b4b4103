#!/usr/bin/env bash
# pycocotools: asked for the boxes of no picture, `getAnnIds` gives those of all pictures.
#
# Versions: pycocotools 2.0.11, numpy 2.4.6.
# Most expect: of an empty list of pictures or categories the boxes are none.
# Seen: an empty list is no condition at all. `getAnnIds(imgIds=[])` gives every box that there is, and so do
#   `getAnnIds(catIds=[])`, with the categories of a name that is not there, and `loadAnns` of it. `getImgIds`
#   and `getCatIds` give all pictures and all categories. And of two categories `getAnnIds` takes the boxes of
#   either, `getImgIds` only the pictures in which both are: none, if each has a picture of its own.
# Where it matters: a class without an example, or a part of the pictures that turns out empty: what is
#   counted, trained or evaluated is all.
# Ends with a status other than 0 when pycocotools behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pycocotools==2.0.11" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import contextlib
import io
import sys
from importlib.metadata import version

from pycocotools.coco import COCO

truth = COCO()
box = {"bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0}
truth.dataset = {
    "images": [{"id": 1}, {"id": 2}, {"id": 3}],
    "annotations": [
        {"id": 11, "image_id": 1, "category_id": 5, **box},
        {"id": 12, "image_id": 2, "category_id": 6, **box},
    ],
    "categories": [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}],
}
with contextlib.redirect_stdout(io.StringIO()):
    truth.createIndex()
print("pycocotools", version("pycocotools"))
unknown = truth.getCatIds(catNms=["unicorn"])
of_three = truth.getAnnIds(imgIds=[3])
seen = {
    "boxes of no picture": truth.getAnnIds(imgIds=[]),
    "boxes of unicorns": truth.getAnnIds(catIds=unknown),
    "pictures of unicorns": sorted(truth.getImgIds(catIds=unknown)),
    "boxes of cats and dogs": truth.getAnnIds(catIds=[5, 6]),
    "pictures of cats and dogs": truth.getImgIds(catIds=[5, 6]),
}
print(f"unicorns are the categories {unknown}; boxes of picture 3, which has none: {of_three}")
for name, ids in seen.items():
    print(f"{name}: {ids}")
right = unknown == [] and of_three == []
sys.exit(not (right and list(seen.values()) == [[11, 12], [11, 12], [1, 2, 3], [11, 12], []]))
PY
"$work/venv/bin/python" "$work/seen.py"
