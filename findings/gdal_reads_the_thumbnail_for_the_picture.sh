#!/usr/bin/env bash
# GDAL, seen through rasterio: a JPEG read at a small size is its thumbnail, not the picture.
#
# Versions: rasterio 1.4.4 (GDAL 3.10.3), Pillow 13.0.0, numpy 2.4.6.
# Most expect: `read(out_shape=...)` makes the picture smaller, by the resampling that is asked for. The
#   thumbnail in a photograph's EXIF is metadata.
# Seen: GDAL takes the thumbnail for an overview, and reads it wherever so few pixels are asked for, also for
#   a part of the picture (`window`), and also if `resampling=average`. It may have another shape: cameras put
#   160x120, with black bars, beside pictures of 3:2. What an editor has not renewed is shown as it was
#   before. `rasterio.open(..., USE_INTERNAL_OVERVIEWS="NO")` gives the picture.
# Where it matters: coarse looks at large photographs. Places are off by the bars, and pixels are of another
#   file.
# Ends with a status other than 0 when GDAL behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "rasterio==1.4.4" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import struct
import sys
import warnings

import rasterio
from PIL import Image
from rasterio.enums import Resampling

warnings.simplefilter("ignore")  # that it has no place on the earth
PICTURE, THUMBNAIL = 200, 10  # grey values


def photograph(thumbnail: tuple[int, int]) -> bytes:
    """A JPEG of 1500x1000 with a thumbnail in the second directory of its EXIF."""
    small = io.BytesIO()
    Image.new("L", thumbnail, THUMBNAIL).convert("RGB").save(small, "JPEG")
    data = small.getvalue()
    place = 14 + 2 + 3 * 12 + 4
    tags = ((0x103, 3, 6), (0x201, 4, place), (0x202, 4, len(data)))  # JPEG; where; how long
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    exif = b"II*\0" + struct.pack("<IHI", 8, 0, 14) + struct.pack("<H", 3) + entries + bytes(4) + data
    file = io.BytesIO()
    picture = Image.new("L", (1500, 1000), PICTURE).convert("RGB")
    picture.save(file, "JPEG", exif=b"Exif\0\0" + exif)
    return file.getvalue()


def grey(data: bytes, width: int, options: dict[str, str] | None = None, **how: object) -> int:
    with rasterio.MemoryFile(data) as file, file.open(**(options or {})) as picture:
        return round(float(picture.read(1, out_shape=(width * 2 // 3, width), **how).mean()))


same, bars = photograph((160, 107)), photograph((160, 120))
seen = {
    "375 columns": grey(same, 375),
    "150 columns": grey(same, 150),
    "150 columns, average": grey(same, 150, resampling=Resampling.average),
    "75 columns of the left upper quarter": grey(same, 75, window=((0, 500), (0, 750))),
    "150 columns, thumbnail of another shape": grey(bars, 150),
    "150 columns, without overviews": grey(same, 150, {"USE_INTERNAL_OVERVIEWS": "NO"}),
}
print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
print(f"the picture is {PICTURE}, the thumbnail {THUMBNAIL}")
for what, value in seen.items():
    print(f"{what}: {value}")
sys.exit(list(seen.values()) != [PICTURE, THUMBNAIL, THUMBNAIL, THUMBNAIL, THUMBNAIL, PICTURE])
PY
"$work/venv/bin/python" "$work/seen.py"
