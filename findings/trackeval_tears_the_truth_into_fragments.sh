#!/usr/bin/env bash
# trackeval: a track that is the truth itself has fragmentations, and a torn one may have none.
#
# Versions: trackeval 1.3.0, motmetrics 1.4.0, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1.
# Most expect: a track is torn where somebody who is there is not found, as in motmetrics, whoever else is in
#   the picture. Judged against itself the truth has no fragmentations.
# Seen: `CLEAR` counts each time that somebody is found who was not found in the picture before, less one. It
#   does not ask whether they were there; and pictures in which nobody is, or nobody is found, are passed
#   over. Somebody who leaves twice and comes back, always found, has a Frag of 2 if a second person stays,
#   though MOTA is 1. Somebody who is missed twice has 2, and 0 if nobody else is there. By motmetrics who
#   leaves has 0, and who is missed has 2.
# Where it matters: Frag tells how much coming and going there is, also for a perfect tracker, and shows no
#   gap in a video of one person, one ball, one animal.
# Ends with a status other than 0 when trackeval or motmetrics behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "trackeval==1.3.0" "motmetrics==1.4.0" "numpy==2.4.6" "scipy==1.17.1" "pandas==3.1.1"
cat >"$work/seen.py" <<'PY'
import contextlib
import io
import sys
from importlib.metadata import version

import motmetrics
import numpy as np
from trackeval.metrics import CLEAR

ALL, SEEN = set(range(9)), {0, 1, 2, 4, 5, 8}  # pictures; those in which the first person is found


def judged(present: set[int], *, company: bool) -> tuple[float, int, int]:
    """MOTA and fragmentations by trackeval, fragmentations by motmetrics; company is always found."""
    true = [np.array([0] * (n in present) + [1] * company, int) for n in sorted(ALL)]
    found = [np.array([0] * (n in SEEN) + [1] * company, int) for n in sorted(ALL)]
    likeness = [np.equal.outer(here, there).astype(float) for here, there in zip(true, found)]
    with contextlib.redirect_stdout(io.StringIO()):
        clear = CLEAR().eval_sequence(
            {
                "gt_ids": true,
                "tracker_ids": found,
                "similarity_scores": likeness,
                "num_gt_ids": 1 + company,
                "num_tracker_ids": 1 + company,
                "num_gt_dets": sum(map(len, true)),
                "num_tracker_dets": sum(map(len, found)),
                "num_timesteps": len(ALL),
            }
        )
    events = motmetrics.MOTAccumulator(auto_id=True)
    for here, there, alike in zip(true, found, likeness):
        events.update(here.tolist(), there.tolist(), np.where(alike > 0, 1 - alike, np.nan))
    name = "num_fragmentations"
    by_mot = motmetrics.metrics.create().compute(events, [name], return_dataframe=False)
    return round(float(clear["MOTA"]), 2), int(clear["Frag"]), int(by_mot[name])


print("trackeval", version("trackeval"), "motmetrics", version("motmetrics"))
print("(MOTA and Frag by trackeval, fragmentations by motmetrics)")
seen = []
for present, told in ((SEEN, "leaves twice, always found"), (ALL, "stays, missed twice")):
    for company in (True, False):
        seen.append(judged(present, company=company))
        print(told, "- a second person is there:" if company else "- alone:", seen[-1])
sys.exit(seen != [(1, 2, 0), (1, 0, 0), (0.83, 2, 2), (0.67, 0, 2)])
PY
"$work/venv/bin/python" -W ignore "$work/seen.py"
