#!/usr/bin/env bash
# OpenCV: matchTemplate gives the exact copy of a faint mark a score of 0, and places far off 1.
#
# Versions: opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: TM_CCOEFF_NORMED of a part cut out of the picture is 1 at its place, to a few digits, and less
#   elsewhere.
# Seen: on white paper (255) with a ring of 254 the scores at its own place are anything from -1 to 1, mostly
#   0, as the size of the part happens to be, and 1 where a bit of the ring shows, 100 pixels off. The products
#   of the pixels are added up in float32, before their means are taken off; then a correlation a little above
#   1 is called 1, and one far above it 0. With 255 less the picture and the part, all is as expected.
# Where it matters: watermarks, pencil and stamps on scans. Take off the ground before matching.
# Ends with a status other than 0 when OpenCV behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np


def scores(side: int, *, inverted: bool) -> tuple[float, float]:
    """The score of a part at its own place, and the best one further off than the ring is wide."""
    page = np.full((600, 1000), 255, np.uint8)
    cv2.circle(page, (700, 300), 20, 254, 2)
    if inverted:
        page = 255 - page
    top, left = 300 - side // 2, 700 - side // 2
    part = page[top : top + side, left : left + side].copy()
    found = cv2.matchTemplate(page, part, cv2.TM_CCOEFF_NORMED)
    own = float(found[top, left])
    found[top - 45 : top + 46, left - 45 : left + 46] = -1
    return own, float(found.max())


seen = {side: scores(side, inverted=False) for side in range(150, 351, 20)}
inverted = {side: scores(side, inverted=True) for side in seen}
print("OpenCV", cv2.__version__)
for side, (own, far) in seen.items():
    turned = "{:.2f} and {:.2f}".format(*inverted[side])
    print(f"part of {side}: {own:.2f} at its place, {far:.2f} far off; 255 less the pixels: {turned}")
wrong = min(own for own, _ in seen.values()) < 0.1 and sum(far > own for own, far in seen.values()) >= 3
right = all(own > 0.999 > 0.5 > far for own, far in inverted.values())
sys.exit(not (wrong and right))
PY
"$work/venv/bin/python" "$work/seen.py"
