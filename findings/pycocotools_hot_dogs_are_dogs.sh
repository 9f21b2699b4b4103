#!/usr/bin/env bash
# pycocotools: asked for hot dogs, `getCatIds` gives the dogs as well.
#
# Versions: pycocotools 2.0.11, numpy 2.4.6.
# Most expect: `getCatIds(catNms="hot dog")` is the same as `getCatIds(catNms=["hot dog"])`, as with numbers,
#   of which one or a list can be given.
# Seen: a text counts as the list of names, and a category is taken if its name is a part of it. `catNms="hot
#   dog"` gives dog and hot dog, "teddy bear" gives bear and teddy bear, and "cattle" the cat. It is the same
#   with `supNms`. With most names, person or car, one does not see it. A list is right.
# Where it matters: parts of COCO for training or evaluation: the pictures and boxes of another class are
#   counted in, and `getCatIds(...)[0]` is the other one.
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

NAMES = {1: "person", 17: "cat", 18: "dog", 23: "bear", 58: "hot dog", 88: "teddy bear"}
truth = COCO()
truth.dataset = {
    "images": [],
    "annotations": [],
    "categories": [{"id": n, "name": name, "supercategory": "all"} for n, name in NAMES.items()],
}
with contextlib.redirect_stdout(io.StringIO()):
    truth.createIndex()
print("pycocotools", version("pycocotools"))


def named(asked: str | list[str]) -> list[str]:
    """The names of the categories that it finds."""
    return [NAMES[n] for n in truth.getCatIds(catNms=asked)]


as_text = {name: named(name) for name in (*NAMES.values(), "cattle")}
as_list = {name: named([name]) for name in as_text}
for name in as_text:
    print(f"{name!r}: {as_text[name]}; as a list: {as_list[name]}")
right = all(as_list[name] == [name] for name in NAMES.values()) and as_list["cattle"] == []
as_seen = as_text["hot dog"] == ["dog", "hot dog"] and as_text["teddy bear"] == ["bear", "teddy bear"]
sys.exit(not (right and as_seen and as_text["cattle"] == ["cat"] and as_text["person"] == ["person"]))
PY
"$work/venv/bin/python" "$work/seen.py"
