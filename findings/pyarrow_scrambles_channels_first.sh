#!/usr/bin/env bash
# pyarrow: pictures in a tensor column, said to have their channels first, are read with scrambled pixels.
#
# Versions: pyarrow 26.0.1, numpy 2.4.6.
# Most expect: with shape [rows, columns, 3] and permutation [2, 0, 1] the numbers lie in memory as rows of
#   pixels, and `to_numpy_ndarray` gives (3, rows, columns), as the specification of the type says it.
# Seen: of pictures of 1080 x 1920 it gives that shape, and other pixels: from one to the next in a row it
#   goes 1080 numbers on, not 3. Of 480 x 640 it says that strides must not overrun the buffer. Where the
#   permutation exchanges two axes only, it is right. `from_numpy_ndarray` of a view with the channels in
#   front writes [1, 2, 0], the inverse order. Without a permutation, and transposed by hand, all is right.
# Where it matters: batches for networks, which want channels first. The shape is right, the picture is
#   scrambled.
# Ends with a status other than 0 when pyarrow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pyarrow==26.0.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import pyarrow

ROWS, COLS = 1080, 1920
PERMUTATIONS = {
    (0, 1, 2): "rows, columns, channels",
    (1, 0, 2): "columns, rows, channels",
    (2, 1, 0): "channels, columns, rows",
    (2, 0, 1): "channels, rows, columns",
}


def same(rows: int, cols: int, order: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    """The shape of two pictures that are read from a column, and whether the pixels are theirs."""
    pictures = np.random.default_rng(0).integers(0, 256, (2, rows, cols, 3), np.uint8)
    kind = pyarrow.fixed_shape_tensor(pyarrow.uint8(), [rows, cols, 3], permutation=list(order))
    flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(pictures.ravel()), rows * cols * 3)
    read = pyarrow.ExtensionArray.from_storage(kind, flat).to_numpy_ndarray()
    meant = pictures.transpose(0, *(1 + axis for axis in order))
    assert read.shape == meant.shape
    return read.shape, np.array_equal(read, meant)


print("pyarrow", pyarrow.__version__)
seen = []
for order, name in PERMUTATIONS.items():
    shape, right = same(ROWS, COLS, order)
    seen.append(right)
    print(f"permutation {list(order)}: {name}: read with shape {shape}, pixels are right: {right}")
try:
    same(480, 640, (2, 0, 1))
    refused = False
except pyarrow.ArrowInvalid as error:
    refused = True
    print("permutation [2, 0, 1], 480 x 640:", error)
view = np.zeros((2, ROWS, COLS, 3), np.uint8).transpose(0, 3, 1, 2)
written = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(view).type.permutation
print("channels, rows, columns, written by from_numpy_ndarray as", written)
sys.exit(not (seen == [True, True, True, False] and refused and written == [1, 2, 0]))
PY
"$work/venv/bin/python" "$work/seen.py"
