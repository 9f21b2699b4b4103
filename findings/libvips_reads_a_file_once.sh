#!/usr/bin/env bash
# libvips: a file that has been replaced is read as it was before.
#
# Versions: pyvips 3.2.0, pyvips-binary 8.18.7, Pillow 13.0.0, numpy 2.4.6.
# Most expect: each `new_from_file` opens the file, and gives what is in it now.
# Seen: in one process a file is read once. `new_from_file` of the same name gives the first picture again, in
#   any format, though the file has another size and another picture of other width and height. The last
#   operations are kept, by their arguments, and the name is all that is looked at. It is the same if pyvips
#   itself has written the new file. `revalidate=True` reads again, and so does `new_from_buffer` of the
#   bytes.
# Where it matters: servers, watch folders and tests, in which a name comes again: the answer is right the
#   first time, and then that of another picture.
# Ends with a status other than 0 when libvips behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "pyvips==3.2.0" "pyvips-binary==8.18.7" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import sys
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

folder = Path(sys.argv[1])
print("pyvips", pyvips.__version__, "libvips", *(pyvips.version(n) for n in range(3)))


def shown(image: pyvips.Image) -> tuple[int, int, float]:
    """Width, height and mean."""
    return image.width, image.height, round(image.avg())


as_seen = True
for suffix in ("png", "jpg", "tif", "webp"):
    path = folder / f"again.{suffix}"
    Image.fromarray(np.full((20, 30), 50, np.uint8)).save(path)
    first = shown(pyvips.Image.new_from_file(path))
    path.unlink()
    Image.fromarray(np.full((60, 40), 200, np.uint8)).save(path)
    second = shown(pyvips.Image.new_from_file(path))
    of_bytes = shown(pyvips.Image.new_from_buffer(path.read_bytes(), ""))
    again = shown(pyvips.Image.new_from_file(path, revalidate=True))
    pyvips.Image.new_from_array(np.full((20, 30), 100, np.uint8)).write_to_file(path)
    own = shown(pyvips.Image.new_from_file(path))
    print(f"{suffix}: {first}; replaced: {second}, from its bytes {of_bytes}, revalidated {again};", end=" ")
    print(f"replaced by pyvips: {own}")
    as_seen &= second == first == (30, 20, 50) and own == of_bytes == again == (40, 60, 200)
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py" "$work"
