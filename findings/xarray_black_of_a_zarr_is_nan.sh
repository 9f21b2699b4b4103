#!/usr/bin/env bash
# xarray: the black pixels of a picture in zarr format 2 are NaN, in format 3 they are black.
#
# Versions: xarray 2026.9.0, zarr 3.1.6, numpy 2.4.6.
# Most expect: a picture of bytes that zarr has written is read as it was, with 0 where it is black.
# Seen: of an array in zarr format 2 xarray takes the fill value, which is 0 unless another was asked for, for
#   the mark of a missing pixel. The picture becomes float32, black is NaN, and the mean is that of the rest:
#   1.5 where it is 0.94. zarr itself reads 0. In format 3 the same picture is read as bytes, with black.
#   `mask_and_scale=False` helps.
# Where it matters: masks and labels, of which 0 is the ground: all ground is missing, and `labels == 0` is
#   true nowhere. Files that are rewritten in the newer format give other means.
# Ends with a status other than 0 when xarray or zarr behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "xarray==2026.9.0" "zarr==3.1.6" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from pathlib import Path

import numpy as np
import xarray
import zarr

folder = Path(sys.argv[1])
labels = np.arange(16, dtype=np.uint8).reshape(4, 4) % 3
print("xarray", xarray.__version__, "zarr", zarr.__version__, f"(mean {labels.mean()})")
seen = {}
for zarr_format in (2, 3):
    path = folder / f"{zarr_format}.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    names = {"dimension_names": ("row", "column")} if zarr_format == 3 else {}
    array = group.create_array("labels", data=labels, **names)
    if zarr_format == 2:
        array.attrs["_ARRAY_DIMENSIONS"] = ["row", "column"]
    assert np.array_equal(zarr.open_group(path, mode="r")["labels"][:], labels)
    read = xarray.open_zarr(path, consolidated=False)["labels"]
    plain = xarray.open_zarr(path, consolidated=False, mask_and_scale=False)["labels"]
    seen[zarr_format] = read
    print(f"format {zarr_format}: {read.dtype}, mean {float(read.mean()):.4f}, first row {read.values[0]}")
    assert np.array_equal(plain.values, labels)
right = seen[3].dtype == np.uint8 and np.array_equal(seen[3].values, labels)
as_seen = seen[2].dtype == np.float32 and np.array_equal(np.isnan(seen[2].values), labels == 0)
sys.exit(not (right and as_seen and float(seen[2].mean()) > 1.4))
PY
"$work/venv/bin/python" -W ignore "$work/seen.py" "$work"
