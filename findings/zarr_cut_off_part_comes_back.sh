#!/usr/bin/env bash
# zarr: what was cut off an array comes back when the array grows again.
#
# Versions: zarr 3.1.6, h5py 3.16.0, numpy 2.4.6.
# Most expect: an array that is made smaller and then larger again has the fill value where it grew, as with
#   HDF5.
# Seen: `resize` to the smaller size drops the chunks that lie beyond it, and keeps the one through which the
#   new end goes as it is. Of 1 to 10 in chunks of 8, resized to 4 and back to 10, there are 1 to 8 and two
#   zeros: four numbers are back, two are lost. With chunks of 4 all six are zero. It is the same in the
#   formats 2 and 3.
# Where it matters: arrays that are cut and filled anew, frames, scores or positions: where the new run leaves
#   something out, the numbers of the old one are between those of the new one.
# Ends with a status other than 0 when zarr or h5py behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "zarr==3.1.6" "h5py==3.16.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from pathlib import Path

import h5py
import numpy as np
import zarr

folder = Path(sys.argv[1])
NUMBERS = np.arange(1, 11)
print("zarr", zarr.__version__, "h5py", h5py.__version__)
seen = {}
for zarr_format in (2, 3):
    for chunk in (8, 4):
        path = folder / f"{zarr_format}-{chunk}.zarr"
        array = zarr.create_array(path, data=NUMBERS, chunks=(chunk,), zarr_format=zarr_format)
        array.resize((4,))
        array.resize((10,))
        seen[zarr_format, chunk] = zarr.open_array(path, mode="r")[:].tolist()
        print(f"zarr format {zarr_format}, chunks of {chunk}: {seen[zarr_format, chunk]}")
with h5py.File(folder / "array.h5", "w") as file:
    data = file.create_dataset("numbers", data=NUMBERS, chunks=(8,), maxshape=(None,))
    data.resize((4,))
    data.resize((10,))
    by_hdf5 = data[:].tolist()
print("HDF5, chunks of 8:", by_hdf5)
kept = [1, 2, 3, 4]
right = all(now == kept + 6 * [0] for now in (by_hdf5, seen[2, 4], seen[3, 4]))
sys.exit(not (right and seen[2, 8] == seen[3, 8] == [*range(1, 9), 0, 0]))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
