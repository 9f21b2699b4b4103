#!/usr/bin/env bash
# rioxarray: of a picture of which every second pixel was taken the pixels are as small as before.
#
# Versions: rioxarray 0.19.0, rasterio 1.4.4, xarray 2026.9.0, numpy 2.4.6.
# Most expect: `picture[:, ::2, ::2]` and `picture.coarsen(x=2, y=2).mean()` cover the same ground with pixels
#   of twice the size, since their coordinates say so.
# Seen: `rio.resolution()`, `rio.transform()` and `rio.bounds()` go on with the size that the file had, 1
#   metre. Of 8 x 8 metres the means of 2 x 2 pixels cover 7 x 7, half a metre is missing at each side.
#   `rio.to_raster` writes the right size, and `rio.transform(recalc=True)` is right, too. Of a picture that
#   is cut, not thinned out, all are right, and so are they without the coordinate `spatial_ref`, where the
#   size of the file is kept.
# Where it matters: overviews and means of a map: bounds, areas and whatever is looked up by place.
# Ends with a status other than 0 when rioxarray behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "rioxarray==0.19.0" "rasterio==1.4.4" "xarray==2026.9.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from pathlib import Path

import numpy as np
import rasterio
import rioxarray
from rasterio.transform import from_origin

folder = Path(sys.argv[1])
profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "float32", "crs": "EPSG:3857"}
with rasterio.open(folder / "map.tif", "w", transform=from_origin(0, 8, 1, 1), **profile) as file:
    file.write(np.arange(64, dtype=np.float32).reshape(8, 8), 1)
whole = rioxarray.open_rasterio(folder / "map.tif")
print("rioxarray", rioxarray.__version__)
seen = {}
for name, picture in (
    ("the whole", whole),
    ("cut", whole[:, 2:6, 2:6]),
    ("every second", whole[:, ::2, ::2]),
    ("means of 2 x 2", whole.coarsen(x=2, y=2).mean()),
    ("means, no spatial_ref", whole.coarsen(x=2, y=2).mean().drop_vars("spatial_ref")),
):
    picture.rio.to_raster(folder / "saved.tif")
    with rasterio.open(folder / "saved.tif") as saved:
        seen[name] = picture.rio.resolution()[0], picture.rio.bounds(), tuple(saved.bounds)
    assert picture.rio.transform(recalc=True).a == picture.x[1] - picture.x[0]
    print(f"{name}: pixels of {seen[name][0]}, bounds {seen[name][1]}, saved with {seen[name][2]}")
right = all(seen[name][0] == 1 and seen[name][1] == seen[name][2] for name in ("the whole", "cut"))
every_second = seen["every second"] == (1, (0, 1, 7, 8), (-0.5, 0.5, 7.5, 8.5))
means = seen["means of 2 x 2"] == (1, (0.5, 0.5, 7.5, 7.5), (0, 0, 8, 8))
sys.exit(not (right and every_second and means and seen["means, no spatial_ref"][:2] == (2, (0, 0, 8, 8))))
PY
"$work/venv/bin/python" -W ignore "$work/seen.py" "$work"
