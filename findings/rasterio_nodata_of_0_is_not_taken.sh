#!/usr/bin/env bash
# rasterio: `reproject` with `dst_nodata=0` marks what is missing by the number of the source.
#
# Versions: rasterio 1.4.4, numpy 2.4.6.
# Most expect: with `src_nodata=255, dst_nodata=0` what is 255 in the source, and what lies outside, is 0 in
#   the result, as it is 7 with `dst_nodata=7`.
# Seen: 0 counts as not given, and `dst_nodata` becomes `src_nodata`. Pixels of 255 stay 255, and what lies
#   outside is 255, even where the result was 0 before. With every other number, 1 or 254, it is as asked. If
#   the source has none, `dst_nodata=0` is right. Nothing is said.
# Where it matters: pictures whose missing pixels are to be black: a white frame, and white places that the
#   next step, which knows of 0 only, takes for bright ground.
# Ends with a status other than 0 when rasterio behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "rasterio==1.4.4" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import reproject

SOURCE = np.array([[100, 255, 50, 0]], np.uint8)  # 255 is missing


def moved(src_nodata: int | None, dst_nodata: int | None) -> list[int]:
    """The source in a frame that begins two pixels further left."""
    result = np.zeros((1, 6), np.uint8)
    reproject(
        SOURCE,
        result,
        src_transform=from_origin(0, 1, 1, 1),
        dst_transform=from_origin(-2, 1, 1, 1),
        src_crs="EPSG:3857",
        dst_crs="EPSG:3857",
        src_nodata=src_nodata,
        dst_nodata=dst_nodata,
    )
    return result[0].tolist()


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
as_seen = True
for dst_nodata in (0, 1, 7, 254):
    found = moved(255, dst_nodata)
    print(f"255 is missing, dst_nodata={dst_nodata}: {found}")
    mark = dst_nodata or 255
    as_seen &= found == [mark, mark, 100, mark, 50, 0]
none_missing = moved(None, 0)
print(f"none is missing, dst_nodata=0: {none_missing}")
sys.exit(not (as_seen and none_missing == [0, 0, 100, 255, 50, 0]))
PY
"$work/venv/bin/python" -W ignore "$work/seen.py"
