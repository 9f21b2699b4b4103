#!/usr/bin/env bash
# OpenCV: of whole numbers of 64 bits it takes the lower 32, so that the largest is negative.
#
# Versions: opencv-python-headless 5.0.0.93, numpy 2.4.6.
# Most expect: an array of int64, numpy's own type of whole numbers, is taken as it is, since OpenCV 5 has
#   matrices of that type; or it is refused, as unknown types are.
# Seen: it becomes int32, the higher bits are dropped, and the answer is int32, too. Of 1, 3e9 and 5e9
#   `minMaxLoc` has 705032704 at the place of 5e9 for the largest, and -1294967296 at that of 3e9 for the
#   least; `norm`, `mean` and `add` follow, `absdiff` of 2**40 and 0 is 0. uint64 is the same. Without large
#   numbers one sees it at the type only. int32 and floating point numbers are right.
# Where it matters: sums of pixels, integral pictures, times in nanoseconds, and scores that were counted with
#   numpy's whole numbers.
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

NUMBERS = np.array([[1, 3_000_000_000, 5_000_000_000]])
cut = NUMBERS.astype(np.uint32).view(np.int32)
print("OpenCV", cv2.__version__)
as_seen = True
for dtype in (np.int64, np.uint64, np.float64):
    numbers = NUMBERS.astype(dtype)
    least, largest, at_least, at_largest = cv2.minMaxLoc(numbers)
    added = cv2.add(numbers, np.zeros_like(numbers))
    mean = cv2.mean(numbers)[0]
    print(f"{dtype.__name__}: least {least:.0f} at {at_least[0]}, largest {largest:.0f} at {at_largest[0]}")
    print(f"  mean {mean:.0f}; plus 0: {added[0].tolist()}, {added.dtype}")
    expected = NUMBERS if dtype is np.float64 else cut
    as_seen &= (least, largest) == (expected.min(), expected.max()) and np.array_equal(added, expected)
    as_seen &= abs(mean - expected.mean()) < 1
    as_seen &= added.dtype == (np.float64 if dtype is np.float64 else np.int32)
lost = cv2.absdiff(np.array([[2**40]]), np.array([[0]])).item()
print("the difference of 2**40 and 0 is", lost)
sys.exit(not (as_seen and lost == 0 and cut.min() < 0))
PY
"$work/venv/bin/python" "$work/seen.py"
