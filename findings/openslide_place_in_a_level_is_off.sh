#!/usr/bin/env bash
# OpenSlide, and tiffslide: in the smaller levels of a long and narrow slide places are off by tens of pixels.
#
# Versions: openslide-python 1.4.7 (openslide-bin 4.0.1.2), tiffslide 3.0.1, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: `read_region(place, level, size)`, with the place in pixels of level 0, gives in every level
#   what lies at that place; a level of half the columns has half of the column's number.
# Seen: the place is divided by one number for both axes, the mean of the ratio of the columns and that of the
#   rows. Levels have whole numbers of pixels: 10000 x 151 at a half is 5000 x 75, ratios 2 and 2.013, mean
#   2.0067. At column 9000 what is read lies 15 pixels beside it in level 1, 22 in level 2 (89 of the slide);
#   at the left end all is right. With the ratio of the columns alone it would be exact. large_image corrects
#   for it (large_image#1944).
# Where it matters: strips of tissue, panoramas, scans of long sheets: a search in a coarse level cuts the
#   place out of the fine one, and what was found is not there.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "openslide-python==1.4.7" "openslide-bin==4.0.1.2" "tiffslide==3.0.1" "tifffile==2026.3.3" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import openslide
import tifffile
import tiffslide

path = sys.argv[1]
ROWS, COLS, MARKS, ASK = 151, 10000, (1000, 9000), 200  # asked for from ASK pixels left of each mark
slide = np.zeros((ROWS, COLS, 3), np.uint8)
for mark in MARKS:
    slide[:, mark : mark + 40] = 255
with tifffile.TiffWriter(path) as file:
    for step in (1, 2, 4):
        level = slide[::step, ::step][: ROWS // step, : COLS // step]
        file.write(level, tile=(256, 256), photometric="rgb", subfiletype=int(step > 1))


def beside(opened: openslide.OpenSlide | tiffslide.TiffSlide, level: int, mark: int) -> int:
    """By how many pixels of the level the mark lies too far right in what is read."""
    region = opened.read_region((mark - ASK, 0), level, (300, 4)).convert("L")
    return int(np.flatnonzero(np.asarray(region)[1] > 128)[0]) - ASK // 2**level


print("openslide-python", version("openslide-python"), "tiffslide", version("tiffslide"))
as_seen = True
for name, opened in (("OpenSlide", openslide.OpenSlide(path)), ("tiffslide", tiffslide.TiffSlide(path))):
    print(name, opened.level_dimensions, *(f"{ratio:.4f}" for ratio in opened.level_downsamples))
    off = {mark: [beside(opened, level, mark) for level in range(3)] for mark in MARKS}
    for mark, pixels in off.items():
        print(f"  mark at column {mark}: pixels beside it in the levels 0, 1, 2:", *pixels)
    near, far = off.values()
    as_seen &= near[0] == far[0] == 0 and max(near) <= 3 and 14 <= far[1] <= 15 and 21 <= far[2] <= 23
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/slide.tif"
