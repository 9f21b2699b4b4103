#!/usr/bin/env bash
# OpenCV: `bitwise_not` of a mask that is True and False is True everywhere.
#
# Versions: opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: OpenCV 5 takes arrays of `bool`, which 4 refused, and gives them back as such; `bitwise_not` of
#   one is `~mask`.
# Seen: it turns all eight bits of each byte. True, which is 1, becomes 254, and False 255: an array of bool
#   that prints True everywhere, and whose bytes are neither 0 nor 1. As an index it selects everything, and
#   `np.count_nonzero` counts all. `bitwise_and`, `bitwise_or` and `bitwise_xor` of bool are right.
# Where it matters: the ground of a mask that numpy made, `picture > 100`: whatever is done to the ground is
#   done to all.
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

mask = np.array([[True, False, False, True]])
other = np.array([[True, True, False, False]])
turned = cv2.bitwise_not(mask)
print("OpenCV", cv2.__version__)
print("mask:       ", mask[0])
print("bitwise_not:", turned[0], turned.dtype, "of the bytes", turned.view(np.uint8)[0])
selected = np.arange(4)[turned[0]]
print(f"as an index it selects {selected}; count_nonzero {np.count_nonzero(turned)}; ~mask {~mask[0]}")
right = (
    np.array_equal(cv2.bitwise_and(mask, other), mask & other)
    and np.array_equal(cv2.bitwise_or(mask, other), mask | other)
    and np.array_equal(cv2.bitwise_xor(mask, other), mask ^ other)
)
print("and, or, xor are right:", right)
as_seen = turned.dtype == bool and turned.view(np.uint8)[0].tolist() == [254, 255, 255, 254]
sys.exit(not (right and as_seen and len(selected) == 4))
PY
"$work/venv/bin/python" "$work/seen.py"
