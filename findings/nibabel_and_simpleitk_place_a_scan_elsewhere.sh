#!/usr/bin/env bash
# nibabel and SimpleITK: of a NIfTI with two places one takes the one, the other the other.
#
# Versions: nibabel 5.4.2, SimpleITK 2.5.7, numpy 2.4.6.
# Most expect: a file of a scan lies at one place, whoever reads it, but for the signs of x and y.
# Seen: a NIfTI has two fields for its place, the qform and the sform. nibabel takes the sform if it has a
#   code at all. SimpleITK takes it only if its code is 1, scanner, or if the qform has no code; with 2, 3, 4
#   or 5, aligned, Talairach, MNI, other, it takes the qform. Where the two differ, the voxels lie elsewhere,
#   and nothing is said.
# Where it matters: a scan that was moved to a template has its first place in the qform and the new one in
#   the sform, with the code 2 to 4. A mask made with one library lies beside what the other sees.
# Ends with a status other than 0 when nibabel or SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "nibabel==5.4.2" "simpleitk==2.5.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import nibabel
import numpy as np
import SimpleITK as sitk

path = sys.argv[1]
QFORM, SFORM = [10, 20, 30], [-50, -60, -70]  # where the first voxel lies by each, in millimetres


def places(qform_code: int, sform_code: int) -> tuple[list[float], list[float]]:
    """Where the first voxel lies by nibabel and by SimpleITK, both with x to the right and y to the front."""
    image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.float32), None)
    image.set_qform(nibabel.affines.from_matvec(np.eye(3), QFORM), qform_code)
    image.set_sform(nibabel.affines.from_matvec(np.eye(3), SFORM), sform_code)
    nibabel.save(image, path)
    x, y, z = sitk.ReadImage(path).GetOrigin()
    return nibabel.load(path).affine[:3, 3].tolist(), [-x, -y, z]


print("nibabel", nibabel.__version__, "SimpleITK", sitk.Version.VersionString())
as_seen = True
for qform_code in (0, 1, 2):
    for sform_code in (1, 2, 3, 4, 5):
        by_nibabel, by_sitk = places(qform_code, sform_code)
        print(f"codes {qform_code}, {sform_code}: nibabel {by_nibabel}, SimpleITK {by_sitk}")
        as_seen &= by_nibabel == SFORM
        as_seen &= by_sitk == (SFORM if sform_code == 1 or qform_code == 0 else QFORM)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/scan.nii"
