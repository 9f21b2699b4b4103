#!/usr/bin/env bash
# mapcalc: the mean average precision is the same whatever the scores are; the order of the list counts.
#
# Versions: mapcalc 0.2.2, numpy 2.4.6.
# Most expect: `calculate_map` takes the finds by their scores, highest first: that is what average precision
#   is.
# Seen: it takes them in the order in which they stand, and never reads "scores", which it demands to be as
#   many as the boxes. A find of 0.9 that is right and one of 0.1 that is wrong have 1, and 1 if the scores
#   are exchanged. Listed the other way round both have 0.5. Nine wrong ones of 0.1 before it make 0.1 of it.
# Where it matters: a detector that lists its finds from left to right, or several classes or tiles one after
#   another, gets a figure that says nothing about its scores.
# Ends with a status other than 0 when mapcalc behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "mapcalc==0.2.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

from mapcalc import calculate_map


def box(column: int, row: int) -> list[int]:
    return [100 * column, 100 * row, 100 * column + 50, 100 * row + 50]


def precision(true: list, boxes: list, scores: list[float]) -> float:
    """Mean AP at 0.5 of one class."""
    truth = {"boxes": true, "labels": [1] * len(true)}
    finds = {"boxes": boxes, "labels": [1] * len(boxes), "scores": scores}
    return round(float(calculate_map(truth, finds, 0.5)), 2)


here, nowhere = box(0, 0), box(1, 1)
seen = {
    "right 0.9, wrong 0.1": precision([here], [here, nowhere], [0.9, 0.1]),
    "right 0.1, wrong 0.9": precision([here], [here, nowhere], [0.1, 0.9]),
    "wrong 0.1, right 0.9": precision([here], [nowhere, here], [0.1, 0.9]),
    "wrong 0.9, right 0.1": precision([here], [nowhere, here], [0.9, 0.1]),
}
seen["9 wrong 0.1, right 0.9"] = precision([here], [*[nowhere] * 9, here], [*[0.1] * 9, 0.9])
print("mapcalc", version("mapcalc"))
for listed, ap in seen.items():
    print(f"{listed}: {ap}")
sys.exit(list(seen.values()) != [1, 1, 0.5, 0.5, 0.1])
PY
"$work/venv/bin/python" "$work/seen.py"
