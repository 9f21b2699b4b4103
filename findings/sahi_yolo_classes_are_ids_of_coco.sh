#!/usr/bin/env bash
# sahi: a COCO truth exported to YOLO keeps the ids of COCO for classes, beside a list of names that counts
#   from 0.
#
# Versions: sahi 0.12.8, numpy 2.4.6.
# Most expect: `export_as_yolo` numbers the classes as its data.yml lists them, from 0, as YOLO reads them.
# Seen: the label files have COCO's category ids, whatever they are, and data.yml lists the names in order,
#   without ids. Of a truth whose ids begin with 1, as CVAT, Label Studio and COCO itself write them, every
#   cat is a dog, and the last class has no name. Ids from 0 are right; a mapping that is handed to
#   `from_coco_dict_or_path` makes them, as sahi#231 says.
# Where it matters: training runs as long as the last class is rare, and learns each class by the next one's
#   name.
# Ends with a status other than 0 when sahi behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "sahi==0.12.8" "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import yaml
from PIL import Image
from sahi.utils.coco import Coco

folder = Path(sys.argv[1])
(folder / "pages").mkdir()
Image.new("RGB", (100, 100)).save(folder / "pages" / "a.png")
NAMES = ("cat", "dog", "horse")


def exported(first: int) -> list[str]:
    """What the boxes of a cat, a dog and a horse are called in YOLO, where ids begin with `first`."""
    boxes = [
        {"id": n + 1, "image_id": 1, "category_id": first + n, "bbox": [n * 30, 10, 20, 20]}
        for n in range(3)
    ]
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 100}],
        "annotations": [{**box, "area": 400, "iscrowd": 0, "segmentation": []} for box in boxes],
        "categories": [{"id": first + n, "name": name} for n, name in enumerate(NAMES)],
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    out = folder / f"from-{first}"
    coco = Coco.from_coco_dict_or_path(str(folder / "truth.json"), image_dir=str(folder / "pages"))
    coco.export_as_yolo(str(out), train_split_rate=1, disable_symlink=True)
    names = yaml.safe_load((out / "data.yml").read_text())["names"]
    (labels,) = out.rglob("a.txt")
    classes = [int(line.split()[0]) for line in labels.read_text().splitlines()]
    return [names[n] if n < len(names) else f"class {n}, without a name" for n in classes]


seen = {first: exported(first) for first in (0, 1)}
print("sahi", version("sahi"), "boxes of", ", ".join(NAMES))
for first, names in seen.items():
    print(f"ids from {first}:", "; ".join(names))
sys.exit(seen != {0: list(NAMES), 1: ["dog", "horse", "class 3, without a name"]})
PY
TQDM_DISABLE=1 "$work/venv/bin/python" -W ignore "$work/seen.py" "$work"
