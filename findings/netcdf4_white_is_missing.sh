#!/usr/bin/env bash
# netCDF4: the white pixels of a picture are missing when it is read.
#
# Versions: netCDF4 1.7.5.1.post1, xarray 2026.9.0, numpy 2.4.6.
# Most expect: a picture of bytes or of 16 bits that is written to a variable is read as it was; where nothing
#   was said of missing values none are missing.
# Seen: what is read is a masked array, and each pixel of 255, or of 65535 at 16 bits, is masked: the value
#   with which a file is filled before it is written is white. The mean of a picture that is half white is
#   that of the other half, `max()` is 254 at most, and by `np.asarray` or `filled()` white is back, so that
#   it depends on the way. Of signed numbers -127 and -32767 are missing. xarray reads the same file with
#   white. `set_auto_mask(False)` gives all.
# Where it matters: means, histograms and maxima of pictures with white or burnt-out places, and masks of 255.
# Ends with a status other than 0 when netCDF4 or xarray behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "netCDF4==1.7.5.1.post1" "xarray==2026.9.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import netCDF4
import numpy as np
import xarray

path = sys.argv[1]
WHITE = {"u1": 255, "u2": 65535, "i1": -127, "i2": -32767}
with netCDF4.Dataset(path, "w") as made:
    made.createDimension("row", 2)
    made.createDimension("column", 2)
    for dtype, value in WHITE.items():
        variable = made.createVariable(dtype, dtype, ("row", "column"))
        variable[:] = np.array([[value, 100], [100, value]], dtype)
print("netCDF4", netCDF4.__version__, "xarray", xarray.__version__)
as_seen = True
with netCDF4.Dataset(path) as file, xarray.open_dataset(path) as by_xarray:
    for dtype, value in WHITE.items():
        read = file[dtype][:]
        print(f"{dtype}: {read.tolist()}, mean {read.mean():g}; filled {read.filled().tolist()};", end=" ")
        print(f"by xarray {by_xarray[dtype].values.tolist()}")
        as_seen &= read.tolist() == [[None, 100], [100, None]] and read.mean() == 100
        as_seen &= read.filled().tolist() == by_xarray[dtype].values.tolist() == [[value, 100], [100, value]]
        file[dtype].set_auto_mask(False)
        as_seen &= file[dtype][:].tolist() == [[value, 100], [100, value]]
sys.exit(not as_seen)
PY
"$work/venv/bin/python" -W ignore "$work/seen.py" "$work/picture.nc"
