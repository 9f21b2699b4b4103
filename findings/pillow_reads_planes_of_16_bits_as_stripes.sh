#!/usr/bin/env bash
# Pillow: a TIFF with planes of 16 bits is its upper half, twice as wide and torn, striped with the low bytes.
#
# Versions: Pillow 13.0.0, tifffile 2026.3.3, numpy 2.4.6.
# Most expect: a colour TIFF of 16 bits is read as its high bytes, as it is when the colours of a pixel lie
#   together.
# Seen: if each colour has a plane of its own, and the file is not compressed, the bytes of a plane are taken
#   for pixels as they lie. A row of the picture fills two, its left half the one and its right half the next,
#   every second column is the low bytes, which are noise in a photograph, and the lower half of the picture
#   is missing. The size is right, and nothing is said, with either order of bytes. Compressed by Deflate the
#   same picture is right.
# Where it matters: pictures of microscopes and satellites come in planes, often uncompressed: nothing is
#   found at its place.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pillow==13.0.0" "tifffile==2026.3.3" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import numpy as np
import PIL
import tifffile
from PIL import Image

path = sys.argv[1]
picture = np.random.default_rng(0).integers(0, 65536, (6, 8, 3), dtype=np.uint16)
high = (picture >> 8).astype(np.uint8)
print("Pillow", PIL.__version__, "tifffile", tifffile.__version__)
as_seen = True
for planes in ("contig", "separate"):
    for compression in (None, "deflate"):
        for order in "<>":
            data = picture if planes == "contig" else picture.transpose(2, 0, 1)
            options = {"compression": compression, "byteorder": order}
            tifffile.imwrite(path, data, photometric="rgb", planarconfig=planes, **options)
            read = np.asarray(Image.open(path))
            assert np.array_equal(tifffile.imread(path), data)
            # The bytes of each plane, as many as it has pixels.
            bytes_of = np.ascontiguousarray(picture.transpose(2, 0, 1), f"{order}u2").view(np.uint8)
            striped = bytes_of.reshape(3, -1)[:, : picture[..., 0].size].reshape(3, *picture.shape[:2])
            how = {"right": high, "striped": striped.transpose(1, 2, 0)}
            told = [name for name, expected in how.items() if np.array_equal(read, expected)]
            print(f"{planes}, {compression}, {order}: {told}")
            as_seen &= told == (["striped"] if (planes, compression) == ("separate", None) else ["right"])
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work/planes.tif"
