#!/usr/bin/env bash
# SimpleITK and pydicom: of a DICOM in which 0 is white, one gives the positive, the other the numbers.
#
# Versions: SimpleITK 2.5.7, pydicom 3.0.2, numpy 2.4.6.
# Most expect: two readers of DICOM give the same pixels; if a picture is MONOCHROME1, 0 is white, the caller
#   turns it.
# Seen: pydicom's `pixel_array` has the numbers of the file. SimpleITK has subtracted them from the largest
#   that their bits can tell, 4095 for 12 bits, and gives -1 - x for signed ones. It does this before the
#   rescale's slope and intercept, so that the unit is lost: a pixel of 1000 with a slope of 2 is (4095 -
#   1000) * 2. The tag still says MONOCHROME1, so that who goes by it turns the picture back. MONOCHROME2 is
#   the same with both.
# Where it matters: X-rays and mammograms, which are often MONOCHROME1: dark and bright are exchanged between
#   training with one reader and use with the other, and a mean of them is in no unit.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "simpleitk==2.5.7" "pydicom==3.0.2" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

path = sys.argv[1]


def seen(kind: str, values: list[int], *, signed: bool = False, slope: int = 1) -> tuple[list, list, str]:
    """The pixels by pydicom, those by SimpleITK, and what the tag says by SimpleITK."""
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.PatientID, made.Modality, made.PhotometricInterpretation = "1", "OT", kind
    made.Rows, made.Columns, made.SamplesPerPixel = 1, len(values), 1
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16 if signed else 12, 15 if signed else 11
    made.PixelRepresentation, made.RescaleSlope, made.RescaleIntercept = int(signed), slope, 0
    made.PixelData = np.array(values, np.int16).tobytes()
    made.save_as(path, enforce_file_format=True)
    image = sitk.ReadImage(path)
    tag = image.GetMetaData("0028|0004").strip()
    return pydicom.dcmread(path).pixel_array[0].tolist(), sitk.GetArrayFromImage(image).ravel().tolist(), tag


VALUES = [0, 100, 1000]
print("SimpleITK", sitk.Version.VersionString(), "pydicom", pydicom.__version__)
cases = {
    "MONOCHROME2": seen("MONOCHROME2", VALUES),
    "MONOCHROME1": seen("MONOCHROME1", VALUES),
    "MONOCHROME1, signed": seen("MONOCHROME1", VALUES, signed=True),
    "MONOCHROME1, slope 2": seen("MONOCHROME1", VALUES, slope=2),
}
for name, (by_pydicom, by_sitk, tag) in cases.items():
    print(f"{name}: pydicom {by_pydicom}, SimpleITK {by_sitk}, which says {tag}")
found = [by_sitk for _, by_sitk, _ in cases.values()]
turned = [VALUES, [4095 - x for x in VALUES], [-1 - x for x in VALUES], [2 * (4095 - x) for x in VALUES]]
told = all(by_pydicom == VALUES and name.startswith(tag) for name, (by_pydicom, _, tag) in cases.items())
sys.exit(not (told and found == turned))
PY
"$work/venv/bin/python" -W ignore "$work/seen.py" "$work/x-ray.dcm"
