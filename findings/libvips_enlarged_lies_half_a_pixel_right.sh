#!/usr/bin/env bash
# libvips, seen through pyvips: a picture enlarged by `resize` lies half a pixel too far right and down.
#
# Versions: pyvips 3.2.0 (pyvips-binary 8.18.7), Pillow 13.0.0, numpy 2.4.6.
# Most expect: a picture made larger by n has at n (x + 0.5) - 0.5 what was at x, as by Pillow, and as
#   `resize` itself has it where it makes pictures smaller.
# Seen: by 2, 3, 4 and 8 alike, with linear, cubic and Lanczos kernels, and by `thumbnail`, it lies half a
#   pixel of the large picture beside that. The kernel "nearest" and `zoom` are right, and so is `resize` by 1
#   / 2. `affine` puts x at n x, so that it lies (n - 1) / 2 to the left and up: a picture enlarged by 8 with
#   both differs by 4 pixels. The authors mean it so ("centre convention", libvips#943, libvips#4841).
# Where it matters: small marks that are searched in an enlarged picture; differences of an enlarged picture
#   and a large one; masks enlarged by "nearest" beside their picture.
# Ends with a status other than 0 when libvips behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pyvips==3.2.0" "pyvips-binary==8.18.7" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import pyvips
from PIL import Image

SIZE, MIDDLE = 64, 31.5
across = np.exp(-((np.arange(SIZE) - MIDDLE) ** 2) / (2 * 6**2))
spot = np.rint(255 * np.outer(across, across)).astype(np.uint8)
by_vips = pyvips.Image.new_from_array(spot)


def beside(large: np.ndarray) -> tuple[float, float]:
    """By how many of its pixels the spot lies too far right and too far down."""
    rows, cols = (large.sum(axis=axis, dtype=float) for axis in (1, 0))
    assert len(rows) == len(cols)
    true = len(cols) / SIZE * (MIDDLE + 0.5) - 0.5
    x, y = (float((w * np.arange(len(w))).sum() / w.sum()) - true for w in (cols, rows))
    return round(x, 1) + 0.0, round(y, 1) + 0.0


print("libvips", ".".join(str(pyvips.version(part)) for part in range(3)))
as_seen = True
for n in (2, 3, 4, 8):
    kernels = ("linear", "cubic", "lanczos3", "nearest")
    large = {kernel: by_vips.resize(n, kernel=kernel) for kernel in kernels}
    large |= {"thumbnail": by_vips.thumbnail_image(n * SIZE), "zoom": by_vips.zoom(n, n)}
    large["affine"] = by_vips.affine([n, 0, 0, n], interpolate=pyvips.Interpolate.new("bicubic"))
    off = {name: beside(image.numpy()) for name, image in large.items()}
    off["Pillow"] = beside(np.asarray(Image.fromarray(spot).resize((n * SIZE, n * SIZE))))
    print(f"times {n}, pixels right and down:", ", ".join(f"{name} {at}" for name, at in off.items()))
    as_seen &= {off[name] for name in ("linear", "cubic", "lanczos3", "thumbnail")} == {(0.5, 0.5)}
    as_seen &= {off[name] for name in ("nearest", "zoom", "Pillow")} == {(0.0, 0.0)}
    as_seen &= off["affine"] == ((1 - n) / 2, (1 - n) / 2)
half = beside(by_vips.resize(0.5).numpy())
print("a half, pixels right and down:", half)
sys.exit(not (as_seen and half == (0.0, 0.0)))
PY
"$work/venv/bin/python" "$work/seen.py"
