"""Truths in JSON: COCO, labelme, and the two exports of Label Studio."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from waldo_cli.answers.record import exact_path
from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.evaluation.rows import (
    Row,
    around,
    brief,
    finite_number,
    is_true,
    label_of,
    page_of,
    row_with,
    size_or_none,
    turned,
)
from waldo_cli.geometry import Size


def json_rows(text: str, stem: str) -> Iterator[Row]:
    """The rows of a JSON file; what is in it says which tool has written it.

    Parameters
    ----------
    stem
        Path of the file without its ending, below the folder that is read.
    """
    try:
        root = json.loads(text)
    except RecursionError:
        raise InvalidInputError("nested too deeply") from None
    except ValueError as e:
        raise InvalidInputError(f"not JSON: {e}") from None
    if isinstance(root, dict) and "shapes" in root:
        yield from labelme_rows(root, stem)
    elif isinstance(root, dict) and isinstance(root.get("data"), dict):
        yield from label_studio_rows([root], "task")  # one task by itself
    elif isinstance(root, dict):
        yield from coco_rows(root)
    elif isinstance(root, list) and root and isinstance(root[0], dict) and "bbox" in root[0]:
        raise InvalidInputError("COCO results, which name no picture: give the COCO truth itself")
    elif isinstance(root, list):
        yield from label_studio_rows(root, "task")
    else:
        raise InvalidInputError("not a truth of COCO, labelme or Label Studio")


# --- COCO -----------------------------------------------------------------------------------------


def coco_rows(root: Mapping[str, Any]) -> Iterator[Row]:
    """One row for each image, so that images without annotations are pages, too; then one for each box."""
    lists = {key: _list_in(root, key) for key in ("categories", "images", "annotations")}
    classes: dict[Any, str] = {}
    for n, category in enumerate(lists["categories"]):
        try:
            classes[_required(category, "id")] = label_of(_required(category, "name"))
        except InvalidInputError as e:
            yield Row(where := f"categories[{n}]", problem=f"{where}: {e.reason}")
    images: dict[Any, tuple[str, Size | None, dict[str, str]]] = {}
    for n, image in enumerate(lists["images"]):
        where = f"images[{n}]"
        try:
            number = _required(image, "id")
            name = _file_name(image, "file_name")
            page = page_of(image.get("page"))
            images[number] = (name, None, page)
            images[number] = (name, size_or_none(image.get("width"), image.get("height")), page)
        except InvalidInputError as e:
            yield Row(where, problem=f"{where}: {e.reason}")
        else:
            yield Row(where, (name,), size=images[number][1], columns=page)
    for n, annotation in enumerate(lists["annotations"]):
        where = f"annotations[{n}]"
        try:
            name, size, page = images[_known(annotation, "image_id", images)]
        except InvalidInputError as e:
            yield Row(where, problem=f"{where}: {e.reason}")
            continue

        def box(annotation: Any = annotation) -> TrueBox:
            label = classes[_known(annotation, "category_id", classes)]
            return _coco_box(annotation, label)

        yield row_with(where, box, (name,), size=size, columns=page)


def _coco_box(annotation: Mapping[str, Any], label: str) -> TrueBox:
    crowd = is_true(annotation.get("iscrowd", 0))
    aside = crowd or is_true(annotation.get("ignore", 0))
    bbox = annotation.get("bbox")
    polygons = annotation.get("segmentation")
    if not bbox and isinstance(polygons, list) and polygons:
        numbers = [finite_number(v, "segmentation") for p in polygons for v in _list(p)]
        if len(numbers) < 6 or len(numbers) % 2:
            raise InvalidInputError("segmentation is not a list of corners")
        return around(label, zip(numbers[::2], numbers[1::2], strict=True), ignored=aside)
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise InvalidInputError("bbox must be [x, y, width, height]")
    x, y, width, height = (finite_number(v, "bbox") for v in bbox)
    return TrueBox(label, x, y, x + width, y + height, aside, crowd)


def _list_in(root: Mapping[str, Any], key: str) -> list[Any]:
    value = root.get(key)
    if not isinstance(value, list):
        raise InvalidInputError(f"no list {key!r}: COCO has images, annotations, categories")
    return value


def _required(table: Any, key: str) -> Any:
    value = table.get(key) if isinstance(table, dict) else None
    # An id becomes the key of a dictionary, so a list or an object must not get through.
    if value is None or (key.endswith("id") and not isinstance(value, int | str)):
        raise InvalidInputError(f"{key} is missing or of the wrong kind")
    return value


def _known(annotation: Any, key: str, known: Mapping[Any, Any]) -> Any:
    value = _required(annotation, key)
    if value not in known:
        raise InvalidInputError(f"no such {key}: {str(value)[:40]}")
    return value


def _file_name(table: Mapping[str, Any], key: str) -> str:
    """The name of a picture, exact where it is not UTF-8 and this program has written it."""
    name = _required(table, key)
    if not isinstance(name, str) or not name:
        raise InvalidInputError(f"{key} is not a name")
    try:
        return exact_path(key, table)
    except (TypeError, ValueError):
        raise InvalidInputError(f"{key} is not a name") from None


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInputError("a list of numbers is missing")
    return value


# --- labelme --------------------------------------------------------------------------------------


def labelme_rows(root: Mapping[str, Any], stem: str) -> Iterator[Row]:
    """One row for the page, then one for each shape; of polygons the box around them."""
    folder = stem.rpartition("/")[0]
    name = _file_name(root, "imagePath")
    names = (f"{folder}/{name}" if folder else name, name)
    size = size_or_none(root.get("imageWidth"), root.get("imageHeight"))
    page = page_of(root.get("page"))
    yield Row("the file", names, stem, size, columns=page)
    shapes = root.get("shapes")
    if not isinstance(shapes, list):
        raise InvalidInputError("shapes is not a list")
    for n, shape in enumerate(shapes):

        def box(shape: Any = shape) -> TrueBox:
            return _labelme_box(shape)

        yield row_with(f"shapes[{n}]", box, names, stem=stem, size=size, columns=page)


def _labelme_box(shape: Any) -> TrueBox:
    label = label_of(_required(shape, "label"))
    aside = is_true(shape.get("difficult", 0))
    points = [_point(p) for p in _list(_required(shape, "points"))]
    kind = shape.get("shape_type") or "polygon"
    if kind == "circle" and len(points) == 2:
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        return TrueBox(label, x - radius, y - radius, x + radius, y + radius, aside)
    if kind in ("point", "points", "line", "linestrip") or len(points) < 2:
        raise InvalidInputError(f"a shape of type {brief(kind)} has no box")
    return around(label, points, ignored=aside)


def _point(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidInputError("a point is not [x, y]")
    return finite_number(value[0], "x"), finite_number(value[1], "y")


# --- Label Studio ---------------------------------------------------------------------------------

# Uploaded pictures get eight digits before their name.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")


def label_studio_rows(tasks: Iterable[Any], word: str) -> Iterator[Row]:
    """The rows of an export: "JSON" has tasks with annotations, "JSON-MIN" one object for each annotation.

    Of several annotations of a task, the one marked as ground truth counts, else the first that was not
    cancelled.
    """
    for n, task in enumerate(tasks):
        where = f"{word}[{n}]"
        if not isinstance(task, dict):
            yield Row(where, problem=f"{where}: not a task of Label Studio")
            continue
        data = task.get("data")
        names = _label_studio_names(data if isinstance(data, dict) else task)
        if not names:
            yield Row(where, problem=f"{where}: it names no picture")
            continue
        yield Row(where, names)
        for m, region in enumerate(_label_studio_regions(task)):
            yield _label_studio_row(region, f"{where}, region {m}", names)


def _label_studio_names(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the picture of a task: its key is whatever the project calls it, mostly ``image``."""
    values = [data.get("image"), *(v for k, v in data.items() if k != "image")]
    for value in values:
        if not isinstance(value, str):
            continue
        # A file on the server's disk is /data/local-files/?d=FOLDER/NAME.
        name = unquote(value.partition("?d=")[2])
        if not name:
            name = unquote(_url_path(value)) if "://" in value else value
        if re.search(r"\.\w{2,5}$", name) is None:
            continue
        folder, _, base = name.rpartition("/")
        plain = _UPLOADED.sub("", base)
        return (name,) if plain == base else (name, f"{folder}/{plain}" if folder else plain)
    return ()


def _url_path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _label_studio_regions(task: Mapping[str, Any]) -> list[Any]:
    annotations = task.get("annotations", task.get("completions"))
    if not isinstance(annotations, list):
        # JSON-MIN: the regions are a list under the name of the labelling tag.
        lists = [
            v
            for v in task.values()
            if isinstance(v, list)
            and v
            and all(isinstance(r, dict) and {"x", "points"} & set(r) for r in v)
        ]
        return [region for regions in lists for region in regions]
    kept = [a for a in annotations if isinstance(a, dict) and not a.get("was_cancelled")]
    chosen = next((a for a in kept if a.get("ground_truth")), kept[0] if kept else {})
    result = chosen.get("result")
    return result if isinstance(result, list) else []


def _label_studio_row(region: Any, where: str, names: tuple[str, ...]) -> Row:
    if not isinstance(region, dict):
        return Row(where, names, problem=f"{where}: not a region of Label Studio")
    inner = region.get("value")
    value: Mapping[str, Any] = inner if isinstance(inner, dict) else region
    labels = next((v for k, v in value.items() if k.endswith("labels") and v), None)
    if labels is None and not {"x", "points"} & set(value):
        return Row(where, names)  # a choice or a text about the whole picture
    try:
        size = size_or_none(region.get("original_width"), region.get("original_height"))
    except InvalidInputError as e:
        return Row(where, names, problem=f"{where}: {e.reason}")

    def box() -> TrueBox:
        label = label_of(labels[0] if isinstance(labels, list) and labels else None)
        if region.get("image_rotation"):
            raise InvalidInputError("drawn on a picture that was turned in Label Studio")
        return _label_studio_box(value, label, size)

    return row_with(where, box, names, size=size, shares=True)


def _label_studio_box(value: Mapping[str, Any], label: str, size: Size | None) -> TrueBox:
    """The box of a region, in shares of the picture; Label Studio writes per cent."""

    def share(key: str) -> float:
        return finite_number(_required(value, key), key) / 100

    if "points" in value:
        points = [_point(p) for p in _list(value["points"])]
        if len(points) < 3:
            raise InvalidInputError("fewer than three points")
        return around(label, [(x / 100, y / 100) for x, y in points])
    x, y = share("x"), share("y")
    if "radiusX" in value:
        across, down = share("radiusX"), share("radiusY")
        return TrueBox(label, x - across, y - down, x + across, y + down)
    corners = (x, y, x + share("width"), y + share("height"))
    degrees = finite_number(value.get("rotation") or 0, "rotation")
    if not degrees:
        return TrueBox(label, *corners)
    if size is None:
        raise InvalidInputError("a turned box needs original_width and original_height")
    # Turned about its top left corner, in pixels: a share is not as long across as it is down.
    wide, high = size.cols, size.rows
    pixels = (corners[0] * wide, corners[1] * high, corners[2] * wide, corners[3] * high)
    box = turned(label, pixels, degrees, (x * wide, y * high))
    return TrueBox(label, box.left / wide, box.top / high, box.right / wide, box.bottom / high)
