#!/usr/bin/env bash
# tifffile, and scikit-image and imageio by it: the second page of a scan is its third, and none is missed.
#
# Versions: tifffile 2026.3.3, scikit-image 0.26.0, imageio 2.38.1, numpy 2.4.6.
# Most expect: pages of unequal size cannot be one array, so `imread` gives the first, or fails.
# Seen: pages of the same size are put together wherever they lie: of nine pages, of which every second is a
#   pixel wider, `imread` gives five, and `imread(file)[1]` is page 3. The others are left out without a word.
#   scikit-image gives the same; imageio calls pages 1, 3, 5, 7 and 9 one picture, and the others the second
#   and last one. `imread(file, key=1)` is page 2.
# Where it matters: scanners crop each page by itself. Finds are noted with the number of another page.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "tifffile==2026.3.3" "scikit-image==0.26.0" "imageio==2.38.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import importlib.metadata
import sys

import imageio.v3 as iio
import numpy as np
import skimage.io
import tifffile

path = sys.argv[1]
with tifffile.TiffWriter(path) as scan:
    for number, width in enumerate((30, 31) * 4 + (30,), 1):
        scan.write(np.full((40, width), number, np.uint8), contiguous=False, metadata=None)


def pages(read: np.ndarray) -> list[int]:
    """The numbers of the pages in what was read; a page of its own is a list of one."""
    return [int(page.flat[0]) for page in (read if read.ndim == 3 else read[None])]


seen = {
    "tifffile": pages(tifffile.imread(path)),
    "scikit-image": pages(skimage.io.imread(path)),
    "imageio, index 0": pages(iio.imread(path, index=0)),
    "imageio, index 1": pages(iio.imread(path, index=1)),
    "tifffile, key=1": pages(tifffile.imread(path, key=1)),
}
print("tifffile", tifffile.__version__, "imageio", importlib.metadata.version("imageio"))
for name, found in seen.items():
    print(f"{name}: pages", *found)
odd, even = [1, 3, 5, 7, 9], [2, 4, 6, 8]
sys.exit(list(seen.values()) != [odd, odd, odd, even, [2]])
PY
"$work/venv/bin/python" "$work/seen.py" "$work/scan.tif"
