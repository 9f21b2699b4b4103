#!/usr/bin/env bash
# label-studio-sdk: a box that was turned in Label Studio is elsewhere in COCO, and unturned in VOC and YOLO.
#
# Version: label-studio-sdk 2.1.2.
# Most expect: formats without turned boxes get the straight box around the turned one, or an error.
# Seen: COCO gets a box around corners that were turned in per cent of the picture, where a step across is as
#   long as a step down only if the picture is square: its IoU with the true box is 0.14 here. Pascal VOC and
#   YOLO get the box as it was before the turn about its top left corner: it shares no pixel with what was
#   drawn.
# Where it matters: training and evaluation on these exports, which tell nothing. "JSON" and YOLO OBB are
#   right.
# Ends with a status other than 0 when label-studio-sdk behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "label-studio-sdk==2.1.2"
cat >"$work/seen.py" <<'PY'
import importlib.metadata
import json
import logging
import sys
from pathlib import Path
from xml.etree import ElementTree

from label_studio_sdk.converter import Converter

logging.disable()
CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="label" toName="image"><Label value="thing"/></RectangleLabels></View>"""
W, H = 1000, 250
# 200 x 50 pixels, turned by 90 degrees about the top left corner at (400, 50).
value = {"x": 40, "y": 20, "width": 20, "height": 20, "rotation": 90, "rectanglelabels": ["thing"]}
TRUE = (350, 50, 400, 250)
names = {"id": "a", "type": "rectanglelabels", "from_name": "label", "to_name": "image"}
region = {**names, "original_width": W, "original_height": H, "image_rotation": 0, "value": value}
annotation = {"id": 1, "completed_by": 1, "result": [region]}
folder = Path(sys.argv[1])
(folder / "a.png").touch()
task = {"id": 1, "data": {"image": "a.png"}, "annotations": [annotation]}
(folder / "export.json").write_text(json.dumps([task]))
converter = Converter(CONFIG, project_dir=str(folder), download_resources=False)
for kind in ("coco", "voc", "yolo"):
    to = getattr(converter, f"convert_to_{kind}")
    to(str(folder / "export.json"), str(folder / kind), output_image_dir=str(folder), is_dir=False)

x, y, w, h = json.loads((folder / "coco" / "result.json").read_text())["annotations"][0]["bbox"]
(voc,) = (folder / "voc").rglob("*.xml")
box = ElementTree.parse(voc).find("object/bndbox")
(yolo,) = (folder / "yolo" / "labels").glob("*.txt")
cx, cy, across, down = map(float, yolo.read_text().split()[1:])
seen = {
    "COCO": (x, y, x + w, y + h),
    "VOC": tuple(float(box.findtext(k)) for k in ("xmin", "ymin", "xmax", "ymax")),
    "YOLO": ((cx - across / 2) * W, (cy - down / 2) * H, (cx + across / 2) * W, (cy + down / 2) * H),
}
print("label-studio-sdk", importlib.metadata.version("label-studio-sdk"), "drawn:", TRUE)
for kind, edges in seen.items():
    print(f"{kind:4}:", tuple(round(edge) for edge in edges))
rounded = {kind: tuple(map(round, edges)) for kind, edges in seen.items()}
lying = (400, 50, 600, 100)
sys.exit(rounded != {"COCO": (200, 50, 400, 100), "VOC": lying, "YOLO": lying})
PY
"$work/venv/bin/python" -W ignore "$work/seen.py" "$work"
