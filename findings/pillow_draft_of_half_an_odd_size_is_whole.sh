#!/usr/bin/env bash
# Pillow: asked for exactly the size that a JPEG has at a half, draft mode reads it whole.
#
# Version: Pillow 13.0.0.
# Most expect: `draft(None, size)` takes the size nearest to the one asked for. Decoders make 202x151 of a JPEG
#   of 403x301 at a half, rounded up; so asking for 202x151 gives that.
# Seen: it gives 403x301. Pillow divides 403 by 202, rounds down to 1, and does not reduce. Asking for 201x150
#   gives 202x151.
# Where it matters: who rounds up, as decoders do, reads four times the pixels of every picture of an odd
#   size, without a word. Rounding down gives what was meant for every size.
# Ends with a status other than 0 when Pillow behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "pillow==13.0.0"
cat >"$work/seen.py" <<'PY'
import io
import sys

import PIL
from PIL import Image

file = io.BytesIO()
Image.new("RGB", (403, 301)).save(file, "JPEG")


def read(asked: tuple[int, int]) -> tuple[int, int]:
    """The size that is decoded where one is asked for."""
    image = Image.open(io.BytesIO(file.getvalue()))
    image.draft(None, asked)
    image.load()
    return image.size


seen = {asked: read(asked) for asked in ((202, 151), (201, 150))}
print("Pillow", PIL.__version__, seen)
sys.exit(seen != {(202, 151): (403, 301), (201, 150): (202, 151)})
PY
"$work/venv/bin/python" "$work/seen.py"
