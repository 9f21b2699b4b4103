#!/usr/bin/env bash
# ImageHash: one icon, saved by two programs, has hashes that differ in all 64 bits.
#
# Versions: ImageHash 4.3.2, Pillow 13.0.0, numpy 2.4.6, scipy 1.17.1.
# Most expect: perceptual hashes are alike where pictures look alike; of 64 bits 5 or 10 may differ.
# Seen: transparency is dropped, and the colours below it count. Some programs leave black there, others
#   white. The same red disc on nothing differs by 64 bits in average_hash and whash, 62 in phash and 51 in
#   dhash: as unlike as can be. Laid on one ground before, both hashes are equal.
# Where it matters: duplicates among icons, stickers and masks are kept, and an index of them finds nothing;
#   the same way two unlike icons with one shape below the transparency are one.
# Ends with a status other than 0 when ImageHash behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "imagehash==4.3.2" "pillow==13.0.0" "numpy==2.4.6" "scipy==1.17.1"
cat >"$work/seen.py" <<'PY'
import sys

import imagehash
import PIL
from PIL import Image, ImageDraw


def icon(hidden: tuple[int, int, int]) -> Image.Image:
    """A red disc on a ground that cannot be seen, whose colour is `hidden`."""
    picture = Image.new("RGBA", (64, 64), (*hidden, 0))
    ImageDraw.Draw(picture).ellipse((10, 10, 54, 54), fill=(200, 0, 0, 255))
    return picture


def on_grey(picture: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", picture.size, (128, 128, 128, 255)), picture)


black, white = icon((0, 0, 0)), icon((255, 255, 255))
assert on_grey(black).tobytes() == on_grey(white).tobytes()  # they look alike
hashes = imagehash.average_hash, imagehash.whash, imagehash.phash, imagehash.dhash
apart = {f.__name__: int(f(black) - f(white)) for f in hashes}
laid = {f.__name__: int(f(on_grey(black)) - f(on_grey(white))) for f in hashes}
print("ImageHash", imagehash.__version__, "Pillow", PIL.__version__, "bits of 64 that differ:")
print("as they are:", apart)
print("laid on grey:", laid)
unlike = apart["average_hash"] == apart["whash"] == 64 and min(apart.values()) > 40
sys.exit(not (unlike and set(laid.values()) == {0}))
PY
"$work/venv/bin/python" "$work/seen.py"
