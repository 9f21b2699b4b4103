#!/usr/bin/env bash
# PyScreeze (pyautogui): `locate` gives the topmost place that is good enough, not the best one.
#
# Versions: PyScreeze 1.0.1, opencv-python-headless 5.0.0.93, pillow 13.0.0, numpy 2.4.6.
# Most expect: `locate(part, picture, confidence=0.9)` is where the part fits best, if it fits by 0.9 there.
# Seen: all places above 0.9 count, and the first in reading order is given. Of a soft picture a part that was
#   cut out at (120, 90) is found at (117, 88), with 0.8 at (116, 87): the lower the confidence, the further
#   off, and where something else reaches it further up, that is given. `step=2`, meant for speed, takes 5 %
#   off as well.
# Where it matters: who lowers the confidence until something is found clicks beside it, or on something else.
# Ends with a status other than 0 when PyScreeze behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pyscreeze==1.0.1" "opencv-python-headless==5.0.0.93" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import importlib.metadata
import sys

import cv2
import numpy as np
import pyscreeze
from PIL import Image

noise = np.random.default_rng(0).random((200, 300))
smooth = cv2.GaussianBlur(noise, (0, 0), 6)
smooth = np.uint8(255 * (smooth - smooth.min()) / np.ptp(smooth))
picture = Image.fromarray(np.dstack([smooth] * 3))
part = picture.crop((120, 90, 160, 130))


def place(confidence: float) -> tuple[int, int]:
    box = pyscreeze.locate(part, picture, confidence=confidence)
    return int(box.left), int(box.top)


scores = cv2.matchTemplate(np.asarray(picture), np.asarray(part), cv2.TM_CCOEFF_NORMED)
best = np.unravel_index(scores.argmax(), scores.shape)[::-1]
seen = {confidence: place(confidence) for confidence in (0.999, 0.99, 0.95, 0.9, 0.8)}
print("PyScreeze", importlib.metadata.version("pyscreeze"))
print("best place by OpenCV:", tuple(map(int, best)))
for confidence, found in seen.items():
    print(f"confidence {confidence}: {found}, where the part fits by {scores[found[::-1]]:.3f}")
first = all(
    found[::-1] == tuple(np.argwhere(scores > confidence)[0]) for confidence, found in seen.items()
)
sys.exit(not (first and tuple(best) == (120, 90) == seen[0.999] and seen[0.9] != (120, 90)))
PY
"$work/venv/bin/python" "$work/seen.py"
