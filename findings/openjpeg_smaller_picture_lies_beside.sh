#!/usr/bin/env bash
# OpenJPEG, seen through Pillow: a JPEG 2000 read at an eighth of its size lies 3.5 pixels beside the picture.
#
# Versions: Pillow 13.0.0 (OpenJPEG 2.5.4), numpy 2.4.6.
# Most expect: pixel i of a picture at an eighth is the mean of pixels 8i to 8i + 7, so that what lies at x
#   there is at 8 (x + 0.5) - 0.5 in the whole, as it is where a decoder of JPEG does the same (`draft`).
# Seen: pixel i stands for pixel 8i alone. The wavelets of JPEG 2000 keep the even samples, at every level, so
#   a mark in the middle of the picture is found 0.5 pixels too far right and down from a half, 1.5 from a
#   quarter, 3.5 from an eighth, 7.5 from a sixteenth: (n - 1) / 2 for one in n.
# Where it matters: who looks at a small picture first and cuts the place out of the large one. Multiply by n
#   without the half pixels, and it is exact.
# Ends with a status other than 0 when it is otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys

import numpy as np
import PIL
from PIL import Image, features

MIDDLE = 127.5
across = np.exp(-((np.arange(256) - MIDDLE) ** 2) / (2 * 24**2))
spot = Image.fromarray(np.rint(255 * np.outer(across, across)).astype(np.uint8))


def centre(part: int, kind: str) -> float:
    """Where the spot's centre is found in a file that is read at one in `part` of its size."""
    file = io.BytesIO()
    spot.save(file, kind, **({"quality": 100} if kind == "JPEG" else {"irreversible": False}))
    image = Image.open(file)
    if kind == "JPEG":
        image.draft(None, (256 // part, 256 // part))
    elif part > 1:
        image.reduce = part.bit_length() - 1
    weights = np.asarray(image).sum(axis=0, dtype=float)
    assert len(weights) == 256 // part
    return float((weights * np.arange(len(weights))).sum() / weights.sum())


print(
    "Pillow", PIL.__version__, "OpenJPEG", features.version("jpg_2000"), "the spot lies at", MIDDLE
)
as_seen = True
for part in (1, 2, 4, 8, 16):
    small = centre(part, "JPEG2000")
    halves, plain = part * (small + 0.5) - 0.5, part * small
    print(
        f"JPEG 2000, one in {part}: at {halves:.1f} by the halves, at {plain:.1f} without them",
        end="; ",
    )
    as_seen &= abs(halves - MIDDLE - (part - 1) / 2) < 0.1 and abs(plain - MIDDLE) < 0.1
    if part <= 8:
        by_jpeg = part * (centre(part, "JPEG") + 0.5) - 0.5
        as_seen &= abs(by_jpeg - MIDDLE) < 0.1
        print(f"JPEG: at {by_jpeg:.1f}", end="")
    print()
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
