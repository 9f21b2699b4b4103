#!/usr/bin/env bash
# pillow-jxl-plugin: a JPEG that was drawn on or thumbnailed is saved as JPEG XL without the changes.
#
# Versions: pillow-jxl-plugin 1.3.8, Pillow 13.0.0.
# Most expect: `image.save("out.jxl")` saves the pixels of the image, as it does for every other format.
# Seen: where the image was opened from a JPEG file, the plugin reads that file again and packs it without
#   loss, whatever has become of the image since. Its warning speaks of "JPEG reconstruction", not of edits
#   that are dropped. It goes by `image.format` and `image.filename`, which `paste`, ImageDraw, `putalpha` and
#   `thumbnail` leave as they are. `image.copy()`, or `lossless_jpeg=False`, saves the pixels.
# Where it matters: boxes and labels that were drawn are missing; a thumbnail has the size of the whole.
# Ends with a status other than 0 when the plugin behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pillow-jxl-plugin==1.3.8" "pillow==13.0.0"
cat >"$work/seen.py" <<'PY'
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import pillow_jxl  # noqa: F401  (makes the format known to Pillow)
from PIL import Image

folder = Path(sys.argv[1])
PAPER, INK = 200, 0
Image.new("L", (96, 64), PAPER).save(folder / "page.jpg", quality=100)


def saved(image: Image.Image, ending: str, **how: object) -> tuple[int, int, int]:
    """Columns, rows, and the grey in the middle of what is read back after saving it."""
    warnings.simplefilter("ignore")
    image.save(folder / f"out{ending}", lossless=True, **how)
    with Image.open(folder / f"out{ending}") as back:
        return (*back.size, back.convert("L").getpixel((20, 20)))


def drawn_on() -> Image.Image:
    image = Image.open(folder / "page.jpg")
    image.paste(INK, (10, 10, 40, 40))
    return image


def small() -> Image.Image:
    image = Image.open(folder / "page.jpg")
    image.thumbnail((48, 48))
    return image


seen = {
    "drawn on, PNG": saved(drawn_on(), ".png"),
    "drawn on, JXL": saved(drawn_on(), ".jxl"),
    "drawn on, JXL, lossless_jpeg=False": saved(drawn_on(), ".jxl", lossless_jpeg=False),
    "drawn on, JXL, of a copy": saved(drawn_on().copy(), ".jxl"),
    "thumbnail, PNG": saved(small(), ".png"),
    "thumbnail, JXL": saved(small(), ".jxl"),
}
print("pillow-jxl-plugin", version("pillow-jxl-plugin"), "(columns, rows, grey)")
for name, found in seen.items():
    print(f"{name}: {found}")
whole, drawn = (96, 64, PAPER), (96, 64, INK)
sys.exit(list(seen.values()) != [drawn, whole, drawn, drawn, (48, 32, PAPER), whole])
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
