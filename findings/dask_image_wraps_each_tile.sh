#!/usr/bin/env bash
# dask-image: with mode="wrap" a filter takes what lies beyond the edge from the same tile, not from the other
#   side.
#
# Versions: dask-image 2026.5.0, dask 2026.8.0, scipy 1.17.1, numpy 2.4.6.
# Most expect: `dask_image.ndfilters` gives what scipy.ndimage gives, however the array is cut into tiles.
# Seen: so it is for the other modes, and for `convolve` and `correlate`, which were mended once
#   (dask-image#242). All others (gaussian, uniform, median, maximum, minimum, Sobel, Laplace, percentile,
#   rank) hand "wrap" on to each tile: at the left edge of the picture they see the right edge of the first
#   tile. With one tile all is right, so that a small test does not show it.
# Where it matters: panoramas of 360 degrees and textures that repeat: finds across the seam, and only there,
#   are gone or false, and depend on the size of the tiles.
# Ends with a status other than 0 when dask-image behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "dask-image==2026.5.0" "dask==2026.8.0" "scipy==1.17.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import dask.array
import numpy as np
from dask_image import ndfilters
from scipy import ndimage

picture = np.random.default_rng(0).random((40, 60))
FILTERS = {
    "gaussian_filter": (2,),
    "uniform_filter": (5,),
    "median_filter": (3,),
    "maximum_filter": (5,),
    "sobel": (),
    "laplace": (),
    "convolve": (np.ones((5, 5)) / 25,),
}


def error(name: str, mode: str, tile: int) -> float:
    """The largest difference from scipy."""
    tiled = dask.array.from_array(picture, chunks=(40, tile))
    made = getattr(ndfilters, name)(tiled, *FILTERS[name], mode=mode).compute()
    return float(np.abs(made - getattr(ndimage, name)(picture, *FILTERS[name], mode=mode)).max())


print("dask-image", version("dask-image"), "(largest difference from scipy)")
as_seen = True
for name in FILTERS:
    tiles, reflected, one = (
        error(name, "wrap", 20),
        error(name, "reflect", 20),
        error(name, "wrap", 60),
    )
    print(f"{name}: wrap {tiles:.2g}, reflect {reflected:.1g}, wrap of one tile {one:.1g}")
    as_seen &= max(reflected, one) < 1e-12 and (
        tiles < 1e-12 if name == "convolve" else tiles > 0.01
    )
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
