#!/usr/bin/env bash
# ome-zarr: in the smaller levels the labels lie beside the picture that they belong to, by 3.5 pixels at an
#   eighth.
#
# Versions: ome-zarr 0.18.0, zarr 3.1.6, numpy 2.4.6.
# Most expect: a mask written by `write_labels` beside its picture by `write_image`, with the defaults, covers
#   it in every level, as the coordinates that both are given say.
# Seen: of a picture each pixel of a level is the mean of its block, and the level is said to begin at (n - 1)
#   / 2. Of labels it is the last pixel of the block, and the level is said to begin at (n - 1) / 2 all the
#   same. By its own coordinates a disc is found 0.5 pixels too far left and up at a half, 1.5 at a quarter,
#   3.5 at an eighth.
# Where it matters: places taken from the masks of a coarse level; measures of overlap of label and picture.
# Ends with a status other than 0 when ome-zarr behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "ome-zarr==0.18.0" "zarr==3.1.6" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import zarr
from ome_zarr.writer import write_image, write_labels

warnings.simplefilter("ignore")
path = sys.argv[1]
MIDDLE = 255.5
ys, xs = np.mgrid[:512, :512]
disc = (np.hypot(ys - MIDDLE, xs - MIDDLE) < 220).astype(np.uint8)
write_image(disc * 200, path, axes="yx")
write_labels(disc, path, name="disc", axes="yx")


def centres(group: zarr.Group) -> list[tuple[float, float]]:
    """The centre of the disc in each level, by the level's own coordinates."""
    found = []
    for level in group.attrs["ome"]["multiscales"][0]["datasets"]:
        pixels = group[level["path"]][:].astype(float)
        place = [float((grid * pixels).sum() / pixels.sum()) for grid in np.indices(pixels.shape)]
        for change in level["coordinateTransformations"]:
            if change["type"] == "scale":
                place = [at * by for at, by in zip(place, change["scale"], strict=True)]
            else:
                place = [at + by for at, by in zip(place, change["translation"], strict=True)]
        found.append((place[1], place[0]))
    return found


group = zarr.open_group(path, mode="r")
picture, labels = centres(group), centres(group["labels/disc"])
print("ome-zarr", version("ome-zarr"), f"the disc lies at {MIDDLE}, {MIDDLE}")
as_seen = True
for n, level, seen, label in zip((1, 2, 4, 8), ("s0", "s1", "s2", "s3"), picture, labels, strict=False):
    print(f"one in {n}: picture at {seen[0]:.2f}, {seen[1]:.2f}; label at {label[0]:.2f}, {label[1]:.2f}")
    as_seen &= np.abs(np.subtract(seen, MIDDLE)).max() < 0.1
    as_seen &= np.abs(np.subtract(label, MIDDLE - (n - 1) / 2)).max() < 0.2
    as_seen &= np.array_equal(group[f"labels/disc/{level}"], disc[n - 1 :: n, n - 1 :: n])
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/disc.zarr"
