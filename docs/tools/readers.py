"""Open what ``waldo detect`` writes for other tools with those tools, and tell their versions.

``python docs/tools/readers.py`` looks at a drawn scene in every format of labelling tools and lets each
reader that is installed read it: pycocotools, faster-coco-eval, supervision, datumaro, globox, labelme,
labelImg, ultralytics. Each must give back the box of the record. A reader that is not installed is told, and
not counted; the exit status is 1 if one failed.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Box = tuple[float, float, float, float]  # left, top, right, bottom


def detect(*options: str) -> str:
    """Run ``waldo detect images`` in the current folder; return its standard output."""
    command = [sys.executable, "-m", "waldo_cli", "detect", "images", "--no-heatmap", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def export() -> Box:
    """Write the labels of one picture in every format; return the box that is found in it."""
    Path("images").mkdir()
    shutil.copy(ROOT / "sample_images" / "beach.png", "images")
    (record,) = map(json.loads, detect("-f", "jsonl").splitlines())
    for form in ("voc", "labelme"):
        detect("-f", form, "-o", form)
    detect("-f", "yolo", "-o", "labels")
    Path("annotations").mkdir()
    Path("annotations/instances_default.json").write_text(
        detect("-f", "coco", "--relative-to", "images")
    )
    left, top, width, height = record["detections"][0]["box"]
    return left, top, left + width, top + height


def by_pycocotools() -> Box:
    """`info`, `loadRes`, `annToMask`, and `showAnns` where there is matplotlib."""
    from pycocotools.coco import COCO

    coco = COCO("annotations/instances_default.json")
    coco.info()
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    coco.loadRes([{k: annotation[k] for k in ("image_id", "category_id", "bbox", "score")}])
    x, y, width, height = annotation["bbox"]
    if int(coco.annToMask(annotation).sum()) != width * height:
        raise ValueError("the mask is not the box")
    if importlib.util.find_spec("matplotlib"):
        import matplotlib

        matplotlib.use("Agg")
        coco.showAnns([annotation], draw_bbox=True)
    return x, y, x + width, y + height


def by_faster_coco_eval() -> Box:
    """The other program for COCO's figures."""
    from faster_coco_eval import COCO

    coco = COCO("annotations/instances_default.json")
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    x, y, width, height = annotation["bbox"]
    return x, y, x + width, y + height


def by_supervision(form: str) -> Callable[[], Box]:
    """Supervision's data sets."""

    def read() -> Box:
        from supervision import DetectionDataset as Set

        if form == "coco":
            data = Set.from_coco("images", "annotations/instances_default.json")
        elif form == "yolo":
            data = Set.from_yolo("images", "labels", "labels/data.yaml")
        else:
            data = Set.from_pascal_voc("images", "voc")
        ((_, _, found),) = data
        left, top, right, bottom = (float(v) for v in found.xyxy[0])
        return left, top, right, bottom

    return read


def by_datumaro(form: str) -> Callable[[], Box]:
    """Datumaro's importers, for which pictures and labels are put as they expect them."""

    def read() -> Box:
        import datumaro

        folder = Path(f"datumaro-{form}")
        if form == "coco":
            shutil.copytree("images", folder / "images" / "default")
            shutil.copytree("annotations", folder / "annotations")
            data = datumaro.Dataset.import_from(str(folder), "coco_instances")
        else:
            shutil.copytree("images", folder / "images" / "train")
            shutil.copytree(
                "labels", folder / "labels" / "train", ignore=shutil.ignore_patterns("classes.txt")
            )
            (folder / "data.yaml").write_text(
                Path("labels/data.yaml").read_text().replace("../images", "images/train")
            )
            data = datumaro.Dataset.import_from(str(folder), "yolo")
        (item,) = data
        found = next(a for a in item.annotations if a.type.name in ("bbox", "polygon"))
        x, y, width, height = found.get_bbox()
        return x, y, x + width, y + height

    return read


def by_globox(form: str) -> Callable[[], Box]:
    """Globox's annotation sets."""

    def read() -> Box:
        from globox import AnnotationSet

        if form == "coco":
            found = AnnotationSet.from_coco("annotations/instances_default.json")
        elif form == "labelme":
            found = AnnotationSet.from_labelme("labelme")
        else:
            found = AnnotationSet.from_pascal_voc("voc")
        ((box,),) = (annotation.boxes for annotation in found)
        # It keeps the numbers of VOC, which count pixels from 1, as they are.
        shift = 1 if form == "voc" else 0
        return box.xmin - shift, box.ymin - shift, box.xmax, box.ymax

    return read


def by_labelme() -> Box:
    """Labelme's own reader of its files."""
    from labelme._label_file import LabelFile

    shape = LabelFile("labelme/beach.json").shapes[0]
    (left, top), (right, bottom) = shape["points"]
    return left, top, right, bottom


def by_labelimg(form: str) -> Callable[[], Box]:
    """LabelImg's readers, which are modules named ``libs``."""

    def read() -> Box:
        if form == "voc":
            from libs.pascal_voc_io import PascalVocReader

            ((_, points, *_),) = PascalVocReader("voc/beach.xml").get_shapes()
            (left, top), (right, _), (_, bottom), _ = points
            return left - 1, top - 1, right, bottom
        import numpy as np
        from libs.yolo_io import YoloReader

        class Picture:
            """As much of Qt's image as the reader asks for."""

            def height(self) -> int:
                return 780

            def width(self) -> int:
                return 1120

            def isGrayscale(self) -> bool:  # noqa: N802 - Qt's name
                return False

        ((label, points, *_),) = YoloReader("labels/beach.txt", Picture()).get_shapes()
        if label != "waldo":
            raise ValueError(label)
        (left, top), _, (right, bottom), _ = np.asarray(points, float).tolist()
        return left, top, right, bottom

    return read


def by_ultralytics() -> Box:
    """Ultralytics' own check of a data set, its loader, and one epoch of training on it."""
    from ultralytics import YOLO
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    checked = check_det_dataset(str(Path("labels/data.yaml").resolve()), autodownload=False)
    if checked["names"] != {0: "waldo"}:
        raise ValueError(checked["names"])
    data = YOLODataset(img_path=checked["train"], data=checked, task="detect", augment=False)
    (label,) = data.get_labels()
    # From random weights, on small pictures: that it runs to its end is what is asked.
    YOLO("yolo11n.yaml").train(
        data=str(Path("labels/data.yaml").resolve()), epochs=1, imgsz=64, batch=1, workers=0,
        device="cpu", plots=False, pretrained=False, amp=False, project=str(Path("runs").resolve()),
    )  # fmt: skip
    if not list(Path("runs").rglob("last.pt")):
        raise ValueError("the training has left no weights")
    x, y, width, height = (float(v) for v in label["bboxes"][0])
    rows, cols = label["shape"]
    return (
        (x - width / 2) * cols,
        (y - height / 2) * rows,
        (x + width / 2) * cols,
        (y + height / 2) * rows,
    )


READERS: tuple[tuple[str, str, str, Callable[[], Box]], ...] = (
    ("coco", "pycocotools", "pycocotools", by_pycocotools),
    ("coco", "faster-coco-eval", "faster_coco_eval", by_faster_coco_eval),
    *((f, "supervision", "supervision", by_supervision(f)) for f in ("coco", "yolo", "voc")),
    *((f, "datumaro", "datumaro", by_datumaro(f)) for f in ("coco", "yolo")),
    *((f, "globox", "globox", by_globox(f)) for f in ("coco", "voc", "labelme")),
    ("labelme", "labelme", "labelme", by_labelme),
    *((f, "labelImg", "libs", by_labelimg(f)) for f in ("voc", "yolo")),
    ("yolo", "ultralytics", "ultralytics", by_ultralytics),
)


def main() -> int:
    """Write the exports, let every reader read them, print a line for each."""
    failed = 0
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        box = export()
        print(f"the find is at {box}")  # noqa: T201 - a script's own voice
        for form, package, module, read in READERS:
            if importlib.util.find_spec(module) is None:
                print(f"{form:8} {package:17} is not installed")  # noqa: T201
                continue
            version = importlib.metadata.version(package)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    found = read()
                wrong = max(abs(a - b) for a, b in zip(found, box, strict=True)) > 0.01
                said = f"reads another box: {found}" if wrong else "reads it"
            except Exception as e:  # noqa: BLE001 - whatever a reader raises is what is to be told
                wrong, said = True, f"{type(e).__name__}: {e}"
            failed += wrong
            print(f"{form:8} {package:17} {version:9} {said}")  # noqa: T201
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
