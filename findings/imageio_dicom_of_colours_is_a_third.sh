#!/usr/bin/env bash
# imageio: of a DICOM in colours it gives the upper third, three times as wide, as grey stripes.
#
# Versions: imageio 2.38.1, pydicom 3.0.2, numpy 2.4.6.
# Most expect: rows of red, green and blue, as pydicom gives them, or a word that colours are not read.
# Seen: the bytes, red, green and blue of one pixel after the other (planar configuration 0, the usual
#   one), are taken for three planes, and these for three slices, of which the first is given: a grey
#   picture of the right size, in which each pixel is three, each row three rows, and two thirds are missing.
#   With `index=1` it is the middle third. Files with planes (configuration 1) come as the red plane alone.
# Where it matters: ultrasound, endoscopy, photographs of skin: a mask of the picture fits it nowhere.
# Ends with a status other than 0 when imageio behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "imageio==2.38.1" "pydicom==3.0.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import contextlib
import io
import sys
from pathlib import Path

import imageio
import imageio.v2
import imageio.v3
import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

ROWS, COLS = 6, 4
colours = np.random.default_rng(0).integers(0, 256, (ROWS, COLS, 3), np.uint8)


def write(path: Path, planar: int) -> None:
    picture = pydicom.Dataset()
    picture.file_meta = pydicom.dataset.FileMetaDataset()
    picture.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    picture.file_meta.MediaStorageSOPClassUID = picture.SOPClassUID = SecondaryCaptureImageStorage
    picture.file_meta.MediaStorageSOPInstanceUID = picture.SOPInstanceUID = "1.2.3.4"
    picture.Rows, picture.Columns = ROWS, COLS
    picture.SamplesPerPixel, picture.PhotometricInterpretation = 3, "RGB"
    picture.PlanarConfiguration = planar
    picture.BitsAllocated, picture.BitsStored, picture.HighBit = 8, 8, 7
    picture.PixelRepresentation = 0
    picture.PixelData = (colours.transpose(2, 0, 1) if planar else colours).tobytes()
    picture.save_as(path, enforce_file_format=True)


print("imageio", imageio.__version__)
as_seen = True
for planar in (0, 1):
    path = Path(sys.argv[1], f"planar{planar}", "picture.dcm")
    path.parent.mkdir()
    write(path, planar)
    with contextlib.redirect_stdout(io.StringIO()):  # that it examines files
        by_v3, by_v2 = imageio.v3.imread(path), imageio.v2.imread(path)
        next_by_v3 = imageio.v3.imread(path, index=1)
    third, next_third, _ = (colours.transpose(2, 0, 1) if planar else colours).reshape(3, ROWS, COLS)
    print(f"planar configuration {planar}: shape {by_v3.shape}, first row", *by_v3[0], end="; ")
    print("the file's:", *colours[0].tolist())
    as_seen &= np.array_equal(by_v3, third) and np.array_equal(by_v2, third)
    as_seen &= np.array_equal(next_by_v3, next_third)
    as_seen &= np.array_equal(pydicom.dcmread(path).pixel_array, colours)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
