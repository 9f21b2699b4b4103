#!/usr/bin/env bash
# imageio: asked for one DICOM file, `imageio.v3.imread` gives another one of the same folder.
#
# Versions: imageio 2.38.1, pydicom 3.0.2, numpy 2.4.6.
# Most expect: `imread("b.dcm")` gives what is in b.dcm.
# Seen: where the folder, or a folder below it, has pictures of more than one series, it gives the series of
#   the smallest UID, for every file of the folder. With one series, and by `imageio.v2.imread`, it is the
#   file that was asked for; `pydicom.dcmread` reads the one file. By a comment in the plugin the index counts
#   the series then; nothing is said when a file is asked for.
# Where it matters: all finds of a folder of X-rays are those of one and the same picture.
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

GREYS = {"a.dcm": 10, "b.dcm": 20, "c.dcm": 30}


def write(path: Path, grey: int, series: int) -> None:
    """A picture of 4 x 6 pixels, all of them `grey`."""
    picture = pydicom.Dataset()
    picture.file_meta = pydicom.dataset.FileMetaDataset()
    picture.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    picture.file_meta.MediaStorageSOPClassUID = picture.SOPClassUID = SecondaryCaptureImageStorage
    picture.file_meta.MediaStorageSOPInstanceUID = picture.SOPInstanceUID = f"1.2.3.{grey}"
    picture.SeriesInstanceUID, picture.InstanceNumber = f"1.2.4.{series}", grey
    picture.Rows, picture.Columns = 4, 6
    picture.SamplesPerPixel, picture.PhotometricInterpretation = 1, "MONOCHROME2"
    picture.BitsAllocated, picture.BitsStored, picture.HighBit, picture.PixelRepresentation = 16, 16, 15, 0
    picture.PixelData = np.full((4, 6), grey, np.uint16).tobytes()
    picture.save_as(path, enforce_file_format=True)


def seen(folder: Path) -> dict[str, list[int]]:
    """The grey of each file, by each reader."""
    with contextlib.redirect_stdout(io.StringIO()):  # that it examines files
        return {
            name: [
                int(imageio.v3.imread(folder / name).flat[0]),
                int(imageio.v2.imread(folder / name).flat[0]),
                int(pydicom.dcmread(folder / name).pixel_array.flat[0]),
            ]
            for name in GREYS
        }


several, one = Path(sys.argv[1], "several"), Path(sys.argv[1], "one")
for folder in (several, one):
    folder.mkdir()
    for name, grey in GREYS.items():
        write(folder / name, grey, series=grey if folder is several else 0)
print("imageio", imageio.__version__)
as_seen = True
for folder in (several, one):
    print(f"{folder.name} series in the folder:")
    by_v3 = set()
    for name, (v3, v2, pydicoms) in seen(folder).items():
        print(f"  {name} is {GREYS[name]}: imageio.v3 {v3}, imageio.v2 {v2}, pydicom {pydicoms}")
        as_seen &= v2 == pydicoms == GREYS[name] and (folder is several or v3 == GREYS[name])
        by_v3.add(v3)
    as_seen &= len(by_v3) == (1 if folder is several else 3)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
