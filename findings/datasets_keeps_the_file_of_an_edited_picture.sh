#!/usr/bin/env bash
# datasets (Hugging Face): of a picture that was drawn on, or made small in place, the file is stored.
#
# Versions: datasets 5.2.0, pyarrow 26.0.1, Pillow 12.3.0, numpy 2.4.6.
# Most expect: a Pillow image handed to `Dataset.from_dict`, or returned from `map`, is stored as it is then.
# Seen: of an image that came from `Image.open(path)` only the path is stored, so that reading it back gives
#   the file, without the edits. What makes a new image (`resize`, `crop`, `convert`) is stored; what changes
#   the image itself (`thumbnail`, `paste`, ImageDraw, `putpixel`) is lost. Nothing is said.
# Where it matters: what was drawn, painted over or pasted is missing in the data set; boxes computed
#   for the thumbnail lie on the large picture. `image.copy()` before the edit helps.
# Ends with a status other than 0 when datasets behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "datasets==5.2.0" "pyarrow==26.0.1" "pillow==12.3.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys

import datasets
from PIL import Image, ImageDraw

path = sys.argv[1]
PAPER, INK = 200, 0
Image.new("L", (96, 64), PAPER).save(path)


def drawn_on(image: Image.Image) -> Image.Image:
    ImageDraw.Draw(image).rectangle((10, 10, 40, 40), fill=INK)
    return image


def small(image: Image.Image) -> Image.Image:
    image.thumbnail((48, 48))
    return image


def facts(image: Image.Image) -> tuple[int, int, int]:
    """Columns, rows, and what is at the place that was drawn on."""
    return (*image.size, image.getpixel((20, 20)))


features = datasets.Features({"image": datasets.Image()})
edited = {
    "drawn on": drawn_on(Image.open(path)),
    "thumbnail": small(Image.open(path)),
    "copied, drawn on": drawn_on(Image.open(path).copy()),
    "copied, thumbnail": small(Image.open(path).copy()),
}
stored = datasets.Dataset.from_dict({"image": list(edited.values())}, features=features)
print("datasets", datasets.__version__, "(columns, rows, grey)")
kept = []
for (name, image), row in zip(edited.items(), stored, strict=True):
    print(f"{name}: given {facts(image)}, read back {facts(row['image'])}")
    kept.append(facts(image) == facts(row["image"]))
sys.exit(kept != [False, False, True, True] or facts(stored[1]["image"]) != (96, 64, PAPER))
PY
HF_HOME="$work/cache" "$work/venv/bin/python" "$work/seen.py" "$work/page.png"
