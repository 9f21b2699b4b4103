#!/usr/bin/env bash
# nibabel: labels that are saved with the header of the picture come back as 0.988, 2.004 and 7.00000006.
#
# Versions: nibabel 5.4.2, numpy 2.4.6.
# Most expect: `Nifti1Image(array, affine, header)` saves the array; the header brings sizes and units. Labels
#   0, 1, 2, 7 are read as 0, 1, 2, 7, as they were in the image before it was saved.
# Seen: the file has the type that the header has. Floating point numbers are stretched over all values of it,
#   with the header of bytes from the smallest to the largest in 255 steps, and a label that falls between two
#   steps is moved. Label 1 is 0.98824, and `== 1` is true nowhere. Probabilities have 256 levels. One outlier
#   of 1e6 makes all others 0. With the header of a float picture, without a header, or from an array of whole
#   numbers all is exact. Nothing is said.
# Where it matters: masks and maps are floating point numbers after a resampling or a network, and are saved
#   with the header of the scan that they belong to.
# Ends with a status other than 0 when nibabel behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "nibabel==5.4.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import nibabel
import numpy as np

path = sys.argv[1]


def header(dtype: type) -> nibabel.Nifti1Header:
    """The header of a picture of this type."""
    return nibabel.Nifti1Image(np.zeros((2, 2, 1), dtype), np.eye(4)).header


def saved(array: np.ndarray, of: nibabel.Nifti1Header | None) -> np.ndarray:
    """What is read after the array was saved with this header."""
    image = nibabel.Nifti1Image(array, np.eye(4), of)
    assert np.array_equal(image.get_fdata(), array)
    nibabel.save(image, path)
    return nibabel.load(path, mmap=False).get_fdata()


labels = np.array([0.0, 1, 2, 7]).reshape(2, 2, 1)
outlier = np.array([0.0, 1, 2, 1e6]).reshape(2, 2, 1)
likely = np.random.default_rng(0).random((16, 16, 16))
print("nibabel", nibabel.__version__)
lost = saved(labels, header(np.uint8))
print("labels, header of bytes:", lost.ravel().round(8).tolist())
exact = [
    saved(labels, header(np.float32)),
    saved(labels, None),
    saved(labels.astype(np.uint8), header(np.uint8)),
]
print("header of floats, no header, labels of bytes:", *(found.ravel().tolist() for found in exact))
beside = saved(outlier, header(np.uint8))
print("beside an outlier:", beside.ravel().round(8).tolist())
levels = len(np.unique(saved(likely, header(np.uint8))))
print(f"{likely.size} probabilities have {levels} levels")
as_seen = not (lost == 1).any() and abs(lost.ravel()[1] - 0.98824) < 1e-5 and levels <= 256
sys.exit(not (as_seen and all(np.array_equal(e, labels) for e in exact) and not beside.ravel()[:3].any()))
PY
"$work/venv/bin/python" "$work/seen.py" "$work/labels.nii"
