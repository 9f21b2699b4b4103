#!/usr/bin/env bash
# OpenCV: of the six hashes of img_hash, compare gives 0 for like pictures with five, and 1 with the sixth.
#
# Versions: OpenCV 5.0.0.93 with its contrib modules, numpy 2.4.6.
# Most expect: `compare` of all hashes of one interface is a distance: 0 is the same, and more is less alike.
# Seen: that of RadialVarianceHash is a correlation. A picture with a little noise has 0.999, others have 0.3
#   to 0.6, so that the smallest is the least alike. The negative has 1.000, which is as unlike as can be by
#   PHash and AverageHash: 64 of 64 bits.
# Where it matters: a search to which the hash is a parameter, as the common interface invites to, and which
#   takes what is nearest: with this one it gives the most unlike picture, and a limit for duplicates lets all
#   others pass.
# Ends with a status other than 0 when OpenCV behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "opencv-contrib-python-headless==5.0.0.93" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import cv2
import numpy as np

HASHES = "AverageHash", "PHash", "MarrHildrethHash", "BlockMeanHash", "ColorMomentHash", "RadialVarianceHash"


def picture(seed: int) -> np.ndarray:
    """Soft blots of all colours."""
    noise = np.random.default_rng(seed).random((200, 200, 3))
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 5), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


mine = picture(0)
noise = np.random.default_rng(9).normal(0, 5, mine.shape)
others = {"copy with noise": np.clip(mine + noise, 0, 255).astype(np.uint8)}
others |= {f"another, {n}": picture(n) for n in range(1, 5)}
nearest, negatives = {}, {}
print("OpenCV", cv2.__version__)
for name in HASHES:
    hash_ = getattr(cv2.img_hash, name).create()
    own = hash_.compute(mine)
    found = {which: hash_.compare(own, hash_.compute(other)) for which, other in others.items()}
    nearest[name] = min(found, key=found.get)
    negatives[name] = hash_.compare(own, hash_.compute(255 - mine))
    print(f"{name}: smallest of {nearest[name]};", [round(n, 3) for n in found.values()], end="; ")
    print("negative:", round(negatives[name], 3))
*five, sixth = nearest.values()
sys.exit(
    set(five) != {"copy with noise"}
    or sixth == "copy with noise"
    or not negatives["RadialVarianceHash"] > 0.999
    or {negatives["PHash"], negatives["AverageHash"]} != {64}
)
PY
"$work/venv/bin/python" "$work/seen.py"
