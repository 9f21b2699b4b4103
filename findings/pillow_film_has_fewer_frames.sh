#!/usr/bin/env bash
# Pillow: a film of six frames is saved as three, if frames beside each other are equal.
#
# Versions: Pillow 13.0.0, imageio 2.38.1, numpy 2.4.6.
# Most expect: six frames that are saved with `save_all=True` are six when they are read, and the fourth is
#   the fourth.
# Seen: of frames that are the same as the one before, one is left, with the sum of the durations; as GIF, PNG
#   and WebP. Frames of the greys 10, 10, 10, 200, 200, 10 are three, and frame 2 shows what was saved as the
#   last. In AVIF and TIFF there are six. imageio, which writes GIF by Pillow, does the same. If all frames
#   are equal, the file is a still picture, `is_animated` False.
# Where it matters: what belongs to a frame by its number, boxes, labels, times, belongs to another after a
#   pause in the film; two films that were compared frame by frame no longer fit.
# Ends with a status other than 0 when Pillow or imageio behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pillow==13.0.0" "imageio==2.38.1" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys
from importlib.metadata import version
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import PIL
from PIL import Image, ImageSequence

folder = Path(sys.argv[1])
GREYS = [10, 10, 10, 200, 200, 10]


def read(file: io.BytesIO | Path) -> list[int]:
    """The grey of each frame, nearly."""
    with Image.open(file) as film:
        return [round(frame.convert("L").getpixel((4, 4)), -1) for frame in ImageSequence.Iterator(film)]


def saved(greys: list[int], suffix: str) -> list[int]:
    """What is read of frames of these greys."""
    first, *others = (Image.new("L", (16, 16), grey) for grey in greys)
    file = io.BytesIO()
    timed = {} if suffix == "TIFF" else {"duration": 100}
    first.save(file, suffix, save_all=True, append_images=others, **timed)
    return read(file)


print("Pillow", PIL.__version__, "imageio", version("imageio"))
seen = {suffix: saved(GREYS, suffix) for suffix in ("GIF", "PNG", "WEBP", "AVIF", "TIFF")}
frames = np.repeat(np.uint8(GREYS), 16 * 16).reshape(-1, 16, 16)
iio.imwrite(folder / "film.gif", frames, duration=100)
seen["GIF by imageio"] = read(folder / "film.gif")
for name, greys in seen.items():
    print(f"{name}: {len(greys)} frames, {greys}")
still = saved([10] * 6, "GIF")
print("six equal frames as GIF:", len(still))
merged = all(seen[name] == [10, 200, 10] for name in ("GIF", "PNG", "WEBP", "GIF by imageio"))
sys.exit(not (merged and still == [10] and seen["AVIF"] == seen["TIFF"] == GREYS))
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
