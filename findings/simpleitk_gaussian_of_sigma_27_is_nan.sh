#!/usr/bin/env bash
# SimpleITK: a Gaussian of 27 pixels leaves NaN everywhere, and one of 20 is a Gaussian of 15.8.
#
# Versions: SimpleITK 2.5.7, numpy 2.4.6.
# Most expect: `DiscreteGaussian` with a variance of 400 blurs by 20 pixels, and with more it blurs more.
# Seen: the kernel is never wider than 32 pixels to each side: `maximumKernelWidth` is 32 if it is not given.
#   A point that was blurred by 20 pixels has a deviation of 15.8, one blurred by 14 has 13.1. From a variance
#   of 710 on, 26.7 pixels, all of the picture is NaN, whatever the width, also where the picture is flat:
#   exp(710) is beyond the largest number. A picture of bytes is 0. Nothing is said.
#   `SmoothingRecursiveGaussian` blurs by nearly what it is asked for.
# Where it matters: grounds that are taken off by a wide blur, and pyramids; the variance counts in
#   millimetres, so that it is large where pixels are small.
# Ends with a status other than 0 when SimpleITK behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "simpleitk==2.5.7" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import SimpleITK as sitk

SIDE = 401
point = np.zeros((SIDE, SIDE), np.float32)
point[SIDE // 2, SIDE // 2] = 1
flat = np.full((SIDE, SIDE), 200, np.float32)


def deviation(blurred: sitk.Image) -> float:
    """The deviation of what a point became, in pixels."""
    across = sitk.GetArrayFromImage(blurred).sum(0)
    from_middle = np.arange(SIDE) - SIDE // 2
    return round(float(np.sqrt((across * from_middle**2).sum() / across.sum())), 1)


def is_lost(picture: np.ndarray, sigma: float, width: int) -> bool:
    """Whether nothing but NaN is left, or in a picture of bytes nothing but 0."""
    blurred = sitk.GetArrayFromImage(sitk.DiscreteGaussian(sitk.GetImageFromArray(picture), sigma**2, width))
    return bool((np.isnan(blurred) if picture.dtype == np.float32 else blurred == 0).all())


print("SimpleITK", sitk.Version.VersionString())
seen = {}
for sigma in (5, 14, 20):
    image = sitk.GetImageFromArray(point)
    seen[sigma] = deviation(sitk.DiscreteGaussian(image, sigma**2))
    print(f"asked for {sigma}: {seen[sigma]},", end=" ")
    print("recursive:", deviation(sitk.SmoothingRecursiveGaussian(image, sigma)))
lost = {sigma: [is_lost(flat, sigma, width) for width in (32, 1000)] for sigma in (26, 27, 40)}
for sigma, by_width in lost.items():
    print(f"a flat picture, {sigma}: all NaN {by_width}")
bytes_lost = is_lost(flat.astype(np.uint8), 27, 32)
print("of bytes, 27: all 0", bytes_lost)
right = deviation(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(point), 20)) > 19
as_seen = lost == {26: [False, False], 27: [True, True], 40: [True, True]} and bytes_lost
sys.exit(not (right and as_seen and seen[5] > 4.7 and seen[14] < 13.2 and seen[20] < 16))
PY
"$work/venv/bin/python" "$work/seen.py"
