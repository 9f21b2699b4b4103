#!/usr/bin/env bash
# webdataset, and reportlab: a grey PNG of 16 bits is white all over.
#
# Versions: webdataset 1.0.2, reportlab 5.1.0, pypdfium2 5.15.2, Pillow 13.0.0, numpy 2.4.6.
# Most expect: `decode("l")`, `decode("rgb8")` and their like give 16 bits made smaller to 8, or as they are,
#   or refuse them.
# Seen: every number above 255 is white: of a picture from 1000 to 60000 nothing is left. Both ask Pillow to
#   `convert` the picture, which cuts off and does not scale. `decode("pil")`, which names no colours, is no
#   better: it stands for RGB. A PDF by reportlab shows a white page. Nothing is said.
# Where it matters: X-rays, depth and heights, microscopes: a network is trained on white squares with the
#   right labels. A handler of one's own, with `PIL.Image.open` and no `convert`, gives the numbers.
# Ends with a status other than 0 when they behave otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  "webdataset==1.0.2" "reportlab==5.1.0" "pypdfium2==5.15.2" "pillow==13.0.0" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import io
import sys
import tarfile
from importlib.metadata import version

import numpy as np
import pypdfium2
import webdataset
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

shard = sys.argv[1]
GREYS = np.array([[1000, 20000, 60000]], np.uint16).repeat(16, axis=1).repeat(48, axis=0)
file = io.BytesIO()
Image.fromarray(GREYS).save(file, "PNG")
with tarfile.open(shard, "w") as tar:
    member = tarfile.TarInfo("xray.png")
    member.size = len(file.getvalue())
    tar.addfile(member, io.BytesIO(file.getvalue()))


def three(picture: np.ndarray) -> list[float]:
    """One number of each of the three stripes."""
    return np.asarray(picture).reshape(48, 48, -1)[24, 8::16, 0].tolist()


seen = {}
for how in ("l8", "rgb8", "l", "rgb", "pil"):
    (sample,) = webdataset.WebDataset(shard, shardshuffle=False).decode(how)
    seen[f'webdataset, decode("{how}")'] = three(sample["png"])
page = io.BytesIO()
canvas = Canvas(page, pagesize=(48, 48))
canvas.drawImage(ImageReader(file), 0, 0, 48, 48)
canvas.save()
seen["reportlab, rendered"] = three(pypdfium2.PdfDocument(page.getvalue())[0].render(scale=1).to_numpy())
seen["Pillow"] = three(Image.open(file))
print("webdataset", version("webdataset"), "reportlab", version("reportlab"))
for name, found in seen.items():
    print(f"{name}: {found}")
kept = seen.pop("Pillow") == [1000, 20000, 60000]
sys.exit(not (kept and all(found in ([255] * 3, [1.0] * 3) for found in seen.values())))
PY
"$work/venv/bin/python" "$work/seen.py" "$work/shard.tar"
