#!/usr/bin/env bash
# ensemble-boxes: soft_nms gives back the scores as they were, so that its duplicates are where they were,
#   too.
#
# Versions: ensemble-boxes 1.0.9, numba 0.68.1, numpy 2.4.6.
# Most expect: Soft-NMS lowers the score of a find by how much it overlaps a better one, and gives the lowered
#   scores: an evaluation then meets duplicates late.
# Seen: lowered scores decide which finds are left (`thresh`) and in which order they are listed, but the
#   scores that are returned are those that were handed in. Sorted by them, as every evaluation does, the
#   duplicate of 0.8 comes before the other thing of 0.7; it was lowered to 0.08. With the default of
#   `thresh=0.001` hardly a find is left out, and Soft-NMS does nothing at all.
# Where it matters: average precision "with Soft-NMS" is that without, for every method and threshold.
# Ends with a status other than 0 when ensemble-boxes behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "ensemble-boxes==1.0.9" "numba==0.68.1" "pandas==3.1.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

from ensemble_boxes import soft_nms

thing, again, other = (0.1, 0.1, 0.3, 0.3), (0.1, 0.1, 0.3, 0.28), (0.6, 0.6, 0.8, 0.8)
OVERLAP = 0.9  # IoU of the first two
given = {thing: 0.9, again: 0.8, other: 0.7}
lowered = round(given[again] * (1 - OVERLAP), 6)


def scores(thresh: float) -> dict[tuple[float, ...], float]:
    """Finds in the order in which they are listed, with their scores, after linear Soft-NMS."""
    boxes, found, _ = soft_nms(
        [list(given)], [list(given.values())], [[0] * 3], method=1, iou_thr=0.5, thresh=thresh
    )
    return {
        tuple(box.round(6).tolist()): round(float(score), 6) for box, score in zip(boxes, found)
    }


names = {thing: "thing", again: "its duplicate", other: "other thing"}
print("ensemble-boxes", version("ensemble-boxes"), f"the duplicate's score is lowered to {lowered}")
seen = {thresh: scores(thresh) for thresh in (0.001, 0.07, 0.09)}
for thresh, found in seen.items():
    print(f"thresh {thresh}:", ", ".join(f"{names[box]} {score}" for box, score in found.items()))
as_seen = list(seen[0.07]) == [thing, other, again] and list(seen[0.09]) == [thing, other]
sys.exit(not (as_seen and seen[0.001] == given))
PY
"$work/venv/bin/python" "$work/seen.py"
