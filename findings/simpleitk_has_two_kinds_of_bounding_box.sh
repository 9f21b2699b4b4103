#!/usr/bin/env bash
# SimpleITK: GetBoundingBox(label) is x, y, width, height of one filter, and x, last x, y, last y of another.
#
# Versions: SimpleITK 2.5.7, numpy 2.4.6.
# Most expect: methods of one name in one library give one thing, and four numbers are a corner and a size, or
#   two corners.
# Seen: LabelShapeStatistics and LabelIntensityStatistics give corner and size. LabelStatistics gives the
#   first and the last column, then the first and the last row, both inclusive. No error tells them apart: of
#   a box of 25x10 at (5, 10) one says 5, 10, 25, 10, the other 5, 29, 10, 19. Read as corner and size the
#   second is 10x19 at (5, 29): no pixel of the thing lies in it.
# Where it matters: who changes the filter because it also has the mean or the sum, has other boxes.
# Ends with a status other than 0 when SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "simpleitk==2.5.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import SimpleITK as sitk

labels = np.zeros((60, 80), np.uint8)
labels[10:20, 5:30] = 1
image = sitk.GetImageFromArray(labels)
shape, brightness, statistics = (
    sitk.LabelShapeStatisticsImageFilter(),
    sitk.LabelIntensityStatisticsImageFilter(),
    sitk.LabelStatisticsImageFilter(),
)
shape.Execute(image)
brightness.Execute(image, image)
statistics.Execute(image, image)
filters = {
    "LabelShapeStatistics": shape,
    "LabelIntensityStatistics": brightness,
    "LabelStatistics": statistics,
}
seen = {name: filter.GetBoundingBox(1) for name, filter in filters.items()}
x, y, width, height = seen["LabelStatistics"]
inside = int(labels[y : y + height, x : x + width].sum())
print("SimpleITK", sitk.Version.VersionString(), "a box of 25x10 at (5, 10):")
for name, box in seen.items():
    print(f"{name}: {box}")
print("pixels of the thing in the last, read as corner and size:", inside)
sys.exit(list(seen.values()) != [(5, 10, 25, 10), (5, 10, 25, 10), (5, 29, 10, 19)] or inside > 0)
PY
"$work/venv/bin/python" "$work/seen.py"
