"""Truths in JSON: COCO, labelme, Create ML, VIA, VoTT, and the two exports of Label Studio."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote

from waldo_cli.answers.record import exact_path
from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.evaluation.picture_names import url_path
from waldo_cli.evaluation.rows import (
    NoBoxError,
    Row,
    around,
    around_ellipse,
    brief,
    finite_number,
    is_true,
    label_of,
    page_of,
    row_with,
    size_or_none,
    turned,
    whole_number,
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
        _refuse_records(text.partition("\n")[0])
        raise InvalidInputError(f"not JSON: {e}") from None
    first = root[0] if isinstance(root, list) and root else root
    if _is_record(first):
        raise InvalidInputError(_RECORDS)
    if isinstance(root, dict) and "shapes" in root:
        yield from labelme_rows(root, stem)
    elif isinstance(root, dict) and isinstance(root.get("data"), dict):
        yield from label_studio_rows([root], "task")  # one task by itself
    elif isinstance(root, dict) and isinstance(root.get("asset"), dict):
        yield from vott_rows([root["asset"] | {"regions": root.get("regions")}], stem)
    elif isinstance(root, dict) and isinstance(root.get("assets"), dict):
        yield from vott_rows(root["assets"].values(), stem)
    elif isinstance(root, dict) and (entries := _via_entries(root)):
        yield from via_rows(entries, stem)
    elif isinstance(root, dict):
        yield from coco_rows(root, stem)
    elif isinstance(first, dict) and "bbox" in first:
        raise InvalidInputError("COCO results, which name no picture: give the COCO truth itself")
    elif isinstance(root, list) and any(map(_is_create_ml, root)):
        yield from create_ml_rows(root, stem)
    elif isinstance(root, list):
        yield from label_studio_rows(root, "task")
    else:
        raise InvalidInputError(
            "not a truth of COCO, labelme, Create ML, VIA, VoTT or Label Studio"
        )


_RECORDS = "records of waldo detect, no truth: let it write -f coco, yolo, voc or labelme"


def _is_record(value: Any) -> bool:
    """Whether a value is what ``waldo detect -f json`` or ``jsonl`` writes of an image."""
    return isinstance(value, dict) and "detections" in value


def _refuse_records(line: str) -> None:
    """Say what the lines of ``waldo detect -f jsonl`` are, of which this is the first."""
    try:
        is_record = _is_record(json.loads(line))
    except (ValueError, RecursionError):
        return
    if is_record:
        raise InvalidInputError(_RECORDS)


def _beside(stem: str, name: str) -> tuple[str, ...]:
    """The names of a picture that a file names: in the file's own folder, and as written."""
    folder = stem.rpartition("/")[0]
    return (f"{folder}/{name}", name) if folder else (name,)


# --- COCO -----------------------------------------------------------------------------------------


def coco_rows(root: Mapping[str, Any], stem: str) -> Iterator[Row]:
    """One row for each image, so that images without annotations are pages, too; then one for each box."""
    lists = {key: _list_in(root, key) for key in ("categories", "images", "annotations")}
    classes: dict[str, str] = {}
    for n, category in enumerate(lists["categories"]):
        try:
            classes[_id(category, "id")] = label_of(_required(category, "name"))
        except InvalidInputError as e:
            yield Row(where := f"categories[{n}]", problem=f"{where}: {e.reason}")
    images: dict[str, tuple[tuple[str, ...], Size | None, dict[str, str]]] = {}
    for n, image in enumerate(lists["images"]):
        where = f"images[{n}]"
        try:
            number = _id(image, "id")
            names = _beside(stem, _file_name(image, "file_name"))
            page = page_of(image.get("page"))
            images[number] = (names, None, page)
            images[number] = (names, size_or_none(image.get("width"), image.get("height")), page)
        except InvalidInputError as e:
            yield Row(where, problem=f"{where}: {e.reason}")
        else:
            yield Row(where, names, size=images[number][1], columns=page)
    for n, annotation in enumerate(lists["annotations"]):
        where = f"annotations[{n}]"
        try:
            names, size, page = images[_known(annotation, "image_id", images)]
        except InvalidInputError as e:
            yield Row(where, problem=f"{where}: {e.reason}")
            continue

        def label(annotation: Any = annotation) -> str:
            return classes[_known(annotation, "category_id", classes)]

        def box(label: str, annotation: Any = annotation) -> TrueBox:
            return _coco_box(annotation, label)

        yield row_with(where, label, box, names, size=size, columns=page)


def _coco_box(annotation: Mapping[str, Any], label: str) -> TrueBox:
    crowd = is_true(annotation.get("iscrowd", 0))
    aside = crowd or is_true(annotation.get("ignore", 0))
    bbox = annotation.get("bbox")
    polygons = annotation.get("segmentation")
    if not bbox and isinstance(polygons, dict):
        left, top, right, bottom = _around_runs(polygons)
        return TrueBox(label, left, top, right, bottom, aside, crowd)
    if not bbox and isinstance(polygons, list) and polygons:
        numbers = [finite_number(v, "segmentation") for p in polygons for v in _list(p)]
        if len(numbers) < 6 or len(numbers) % 2:
            raise InvalidInputError("segmentation is not a list of corners")
        return around(label, zip(numbers[::2], numbers[1::2], strict=True), ignored=aside)
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise InvalidInputError("bbox must be [x, y, width, height]")
    x, y, width, height = (finite_number(v, "bbox") for v in bbox)
    degrees = 0.0 if polygons else _turn_by_cvat(annotation)
    box = turned(label, (x, y, x + width, y + height), degrees, ignored=aside)
    return replace(box, crowd=crowd)


def _turn_by_cvat(annotation: Mapping[str, Any]) -> float:
    """By how many degrees a box is turned about its middle.

    COCO has no turned boxes. CVAT writes them as they lay before the turn, and the turn as an attribute.
    """
    attributes = annotation.get("attributes")
    turn = attributes.get("rotation") if isinstance(attributes, dict) else None
    return finite_number(turn or 0, "rotation")


def _around_runs(mask: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """The box around a mask that is written as the lengths of its runs, down one column after the other.

    The first run is of what is outside, the second of what is inside, and so on.
    """
    size, counts = _list(mask.get("size")), mask.get("counts")
    if len(size) != 2:
        raise InvalidInputError("size of a segmentation is not [height, width]")
    rows, cols = (whole_number(n, "size", "pixels") for n in size)
    runs = _unpacked(counts) if isinstance(counts, str) else _list(counts)
    left, top, right, bottom = cols, rows, 0, 0
    start = 0
    for n, value in enumerate(runs):
        length = finite_number(value, "counts")
        if not length.is_integer() or not 0 <= length <= rows * cols - start:
            raise InvalidInputError(f"counts do not fill a mask of {cols}x{rows} pixels")
        end = start + int(length)
        if n % 2 and end > start:
            (first, above), (last, below) = divmod(start, rows), divmod(end - 1, rows)
            if last > first:  # it goes on at the top of the next column
                above, below = 0, rows - 1
            left, top = min(left, first), min(top, above)
            right, bottom = max(right, last + 1), max(bottom, below + 1)
        start = end
    return left, top, right, bottom


def _unpacked(text: str) -> list[int]:
    """The runs in COCO's own letters: five bits of a number each, and whether more of it follow.

    From the fourth on, a number is what is to be added to the last but one.
    """
    runs: list[int] = []
    number = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64 or shift > 30:
            raise InvalidInputError("counts is not what COCO writes")
        number |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    return runs


def _list_in(root: Mapping[str, Any], key: str) -> list[Any]:
    value = root.get(key)
    if not isinstance(value, list):
        raise InvalidInputError(
            f"no list {key!r}: COCO has images, annotations, categories. (Read are COCO, labelme, Create ML,"
            " VIA, VoTT and Label Studio: export one of them)"
        )
    return value


def _required(table: Any, key: str) -> Any:
    value = table.get(key) if isinstance(table, dict) else None
    if value is None:
        raise InvalidInputError(f"{key} is missing or of the wrong kind")
    return value


def _id(table: Any, key: str) -> str:
    """An id as text: programs write 1 as 1.0 or "1" where it has passed a table or a database."""
    value = _required(table, key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int | str):
        raise InvalidInputError(f"{key} is missing or of the wrong kind")
    return str(value).strip()


def _known(annotation: Any, key: str, known: Mapping[str, Any]) -> str:
    value = _id(annotation, key)
    if value not in known:
        raise InvalidInputError(f"no such {key}: {value[:40]}")
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


def _label_in(marked: Any) -> str:
    return label_of(_required(marked, "label"))


def _numbers_in(table: Any, key: str, names: Sequence[str]) -> tuple[float, ...]:
    """Numbers of a table in a table."""
    inner = _required(table, key)
    return tuple(finite_number(_required(inner, name), name) for name in names)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInputError("a list of numbers is missing")
    return value


# --- labelme --------------------------------------------------------------------------------------


def labelme_rows(root: Mapping[str, Any], stem: str) -> Iterator[Row]:
    """One row for the page, then one for each shape; of polygons the box around them."""
    unnamed = root.get("imagePath") in (None, "")  # its picture has the name of the file
    names = () if unnamed else _beside(stem, _file_name(root, "imagePath"))
    size = size_or_none(root.get("imageWidth"), root.get("imageHeight"))
    page = page_of(root.get("page"))
    yield Row("the file", names, stem, size, columns=page)
    shapes = root.get("shapes")
    if not isinstance(shapes, list):
        raise InvalidInputError("shapes is not a list")
    for n, shape in enumerate(shapes):
        label, box = partial(_label_in, shape), partial(_labelme_box, shape)
        yield row_with(f"shapes[{n}]", label, box, names, stem=stem, size=size, columns=page)


def _labelme_box(shape: Any, label: str) -> TrueBox:
    aside = is_true(shape.get("difficult", 0))
    points = [_point(p) for p in _list(_required(shape, "points"))]
    kind = shape.get("shape_type") or "polygon"
    if kind == "circle" and len(points) == 2:
        (x, y), edge = points
        radius = math.dist((x, y), edge)
        return TrueBox(label, x - radius, y - radius, x + radius, y + radius, aside)
    if kind == "mask" and len(points) == 2:
        (left, top), (right, bottom) = points  # its last pixels, which belong to it
        return TrueBox(label, left, top, right + 1, bottom + 1, aside)
    if kind in ("point", "points", "line", "linestrip"):
        raise NoBoxError(f"a shape of type {brief(kind)} has no box")
    # Of an ellipse, which labelme has not, two points may be anything.
    if len(points) < (3 if kind == "ellipse" else 2):
        raise InvalidInputError(f"a shape of type {brief(kind)} has no box")
    return around(label, points, ignored=aside)


def _point(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidInputError("a point is not [x, y]")
    return finite_number(value[0], "x"), finite_number(value[1], "y")


# --- Create ML ------------------------------------------------------------------------------------


def _create_ml_boxes(entry: Any) -> list[Any]:
    """What is marked on a picture; nothing where an entry is not of Create ML."""
    marked = entry.get("annotations", entry.get("annotation")) if isinstance(entry, dict) else None
    return marked if isinstance(marked, list) else []


def _is_create_ml(entry: Any) -> bool:
    return any(isinstance(m, dict) and "coordinates" in m for m in _create_ml_boxes(entry))


def create_ml_rows(root: Sequence[Any], stem: str) -> Iterator[Row]:
    """One row for each picture, then one for each box, which is written as its middle and its size."""
    for n, entry in enumerate(root):
        where = f"picture {n + 1}"
        try:
            key = "imagefilename" if "imagefilename" in entry else "image"
            names = _beside(stem, _file_name(entry, key))
        except (InvalidInputError, TypeError):
            yield Row(where, problem=f"{where}: it has no name")
            continue
        yield Row(where, names)
        for m, marked in enumerate(_create_ml_boxes(entry)):
            label, box = partial(_label_in, marked), partial(_create_ml_box, marked)
            yield row_with(f"{where}, annotation {m + 1}", label, box, names)


def _create_ml_box(marked: Any, label: str) -> TrueBox:
    x, y, width, height = _numbers_in(marked, "coordinates", ("x", "y", "width", "height"))
    return TrueBox(label, x - width / 2, y - height / 2, x + width / 2, y + height / 2)


# --- VIA ------------------------------------------------------------------------------------------

# Attributes of a region that are its class, first come first; without them the first attribute is.
_CLASS_ATTRIBUTES = ("class", "label", "name", "type", "category")


def _via_entries(root: Mapping[str, Any]) -> list[Any]:
    """The pictures of the VGG Image Annotator, from its annotations or a project; none in other files."""
    table = root.get("_via_img_metadata", root)
    entries = list(table.values()) if isinstance(table, dict) else []
    is_via = all(isinstance(e, dict) and "filename" in e and "regions" in e for e in entries)
    return entries if is_via else []


def via_rows(entries: Iterable[Any], stem: str) -> Iterator[Row]:
    """One row for each picture, then one for each region; of polygons the box around them.

    Early versions number the regions of a picture, later ones list them.
    """
    for n, entry in enumerate(entries):
        where = f"picture {n + 1}"
        try:
            names = _beside(stem, _file_name(entry, "filename"))
        except InvalidInputError as e:
            yield Row(where, problem=f"{where}: {e.reason}")
            continue
        yield Row(where, names)
        regions = entry["regions"] or []
        if not isinstance(regions, list | dict):
            yield Row(where, names, problem=f"{where}: regions is not a list")
            continue
        for m, region in enumerate(regions.values() if isinstance(regions, dict) else regions):
            label, box = partial(_via_label, region), partial(_via_box, region)
            yield row_with(f"{where}, region {m + 1}", label, box, names)


def _via_label(region: Any) -> str:
    """The class of a region; of boxes to tick it is the first that is ticked."""
    attributes = _required(region, "region_attributes")
    if not isinstance(attributes, dict):
        raise InvalidInputError("it has no label")
    named = next((attributes[k] for k in _CLASS_ATTRIBUTES if k in attributes), None)
    value = named if named is not None else next(iter(attributes.values()), None)
    if isinstance(value, dict):
        value = next((k for k, ticked in value.items() if is_true(ticked)), None)
    return label_of(value)


def _via_box(region: Any, label: str) -> TrueBox:
    shape = _required(region, "shape_attributes")

    def number(key: str) -> float:
        return finite_number(_required(shape, key), key)

    kind = _required(shape, "name")
    if kind == "rect":
        left, top = number("x"), number("y")
        return TrueBox(label, left, top, left + number("width"), top + number("height"))
    if kind in ("circle", "ellipse"):
        radii = ("r", "r") if kind == "circle" else ("rx", "ry")
        turn = math.degrees(finite_number(shape.get("theta") or 0, "theta"))
        centre = (number("cx"), number("cy"))
        return around_ellipse(label, centre, (number(radii[0]), number(radii[1])), turn)
    if kind == "polygon":
        xs, ys = (_list(shape.get(f"all_points_{axis}")) for axis in "xy")
        if len(xs) < 3 or len(xs) != len(ys):
            raise InvalidInputError("all_points_x and all_points_y are no polygon")
        points = zip(xs, ys, strict=True)
        return around(label, [(finite_number(x, "x"), finite_number(y, "y")) for x, y in points])
    raise NoBoxError(f"a shape of type {brief(kind)} has no box")


# --- VoTT -----------------------------------------------------------------------------------------


def vott_rows(assets: Iterable[Any], stem: str) -> Iterator[Row]:
    """One row for each picture of Microsoft's VoTT, then one for each region, with its first tag."""
    for n, asset in enumerate(assets):
        where = f"asset {n + 1}"
        try:
            names = _beside(stem, _file_name(asset, "name"))
            given = asset.get("size") if isinstance(asset.get("size"), dict) else {}
            size = size_or_none(given.get("width"), given.get("height"))
        except InvalidInputError as e:
            yield Row(where, problem=f"{where}: {e.reason}")
            continue
        yield Row(where, names, size=size)
        regions = asset.get("regions")
        for m, region in enumerate(regions if isinstance(regions, list) else []):
            label, box = partial(_vott_label, region), partial(_vott_box, region)
            yield row_with(f"{where}, region {m + 1}", label, box, names, size=size)


def _vott_label(region: Any) -> str:
    return label_of(next(iter(_list(_required(region, "tags"))), None))


def _vott_box(region: Any, label: str) -> TrueBox:
    left, top, width, height = _numbers_in(
        region, "boundingBox", ("left", "top", "width", "height")
    )
    return TrueBox(label, left, top, left + width, top + height)


# --- Label Studio ---------------------------------------------------------------------------------


def label_studio_rows(tasks: Iterable[Any], word: str) -> Iterator[Row]:
    """The rows of an export: "JSON" has tasks with annotations, "JSON-MIN" one object for each annotation.

    Of several annotations of a task, the one marked as ground truth counts, else the first that was not
    cancelled. Tasks without one are told in one line.
    """
    tasks = list(tasks)
    others = _other_annotations(tasks)
    unlabelled: list[str] = []
    for n, task in enumerate(tasks):
        where = f"{word}[{n}]"
        if n in others:
            continue
        if not isinstance(task, dict):
            yield Row(where, problem=f"{where}: not a task of Label Studio")
            continue
        data = task.get("data")
        names = _label_studio_names(data if isinstance(data, dict) else task)
        if not names:
            yield Row(where, problem=f"{where}: it names no picture")
            continue
        regions = _label_studio_regions(task)
        if regions is None:
            unlabelled.append(where)
            continue
        yield Row(where, names)
        for m, region in _joined(regions):
            yield _label_studio_row(region, f"{where}, region {m}", names)
    if unlabelled:
        more = f" and {len(unlabelled) - 1:,} more" if len(unlabelled) > 1 else ""
        problem = f"{unlabelled[0]}{more}: no annotation, or only cancelled ones: left out"
        yield Row(unlabelled[0], problem=problem)


def _other_annotations(tasks: Sequence[Any]) -> set[int]:
    """Which objects of JSON-MIN are of a task that has an earlier annotation, which counts."""
    numbers: dict[str, list[tuple[float, int]]] = {}
    for n, task in enumerate(tasks):
        if not isinstance(task, dict) or not {"annotations", "completions"}.isdisjoint(task):
            continue
        try:
            number = finite_number(task.get("annotation_id"), "annotation_id")
            numbers.setdefault(_id(task, "id"), []).append((number, n))
        except InvalidInputError:  # nothing says that it is one of several
            continue
    return {n for several in numbers.values() for _, n in sorted(several)[1:]}


def _label_studio_names(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the picture of a task: its key is whatever the project calls it, mostly ``image``."""
    values = [data.get("image"), *(v for k, v in data.items() if k != "image")]
    for value in values:
        if not isinstance(value, str):
            continue
        # A file on the server's disk is /data/local-files/?d=FOLDER/NAME.
        name = unquote(value.partition("?d=")[2])
        if not name:
            name = unquote(url_path(value)) if "://" in value else value
        if re.search(r"\.\w{2,5}$", name) is not None:
            return (name,)
    return ()


def _label_studio_regions(task: Mapping[str, Any]) -> list[Any] | None:
    """The regions of the annotation that counts; None if there is no such annotation."""
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
    kept = [
        a
        for a in annotations
        if isinstance(a, dict) and not (a.get("was_cancelled") or a.get("skipped"))
    ]
    if not kept:
        return None
    chosen = next((a for a in kept if a.get("ground_truth")), kept[0])
    result = chosen.get("result")
    return result if isinstance(result, list) else None


def _joined(regions: Sequence[Any]) -> list[tuple[int, Any]]:
    """The regions, each with the number of its first entry.

    Where the shape, its label and further answers about it come from tags of their own, they are entries of
    their own, which have the same ``id``; in JSON-MIN, which has none, the same shape.
    """
    joined: dict[object, tuple[int, Any]] = {}
    for n, region in enumerate(regions):
        value = _value_of(region)
        key: object = n
        if isinstance(region, dict) and isinstance(region.get("id"), str):
            key = region["id"]
        elif all(isinstance(value.get(k), int | float) for k in ("x", "y", "width", "height")):
            key = tuple(value[k] for k in ("x", "y", "width", "height"))
        first, known = joined.get(key, (n, {}))
        if known and _has_labels(_value_of(known)) and _has_labels(value):
            joined[n] = n, region  # two that lie alike
        elif known:
            joined[key] = first, known | {"value": {**_value_of(known), **value}}
        else:
            joined[key] = n, region
    return list(joined.values())


def _value_of(region: Any) -> Mapping[str, Any]:
    """What an entry says of its region; JSON-MIN has it in the entry itself."""
    if not isinstance(region, dict):
        return {}
    inner = region.get("value")
    return inner if isinstance(inner, dict) else region


def _has_labels(value: Mapping[str, Any]) -> bool:
    return any(key.endswith("labels") for key in value)


def _labels_of(value: Mapping[str, Any]) -> Any:
    return next((v for k, v in value.items() if k.endswith("labels") and v), None)


def _label_studio_row(region: Any, where: str, names: tuple[str, ...]) -> Row:
    if not isinstance(region, dict):
        return Row(where, names, problem=f"{where}: not a region of Label Studio")
    value = _value_of(region)
    labels = _labels_of(value)
    if labels is None and not {"x", "points"} & set(value):
        return Row(where, names)  # a choice or a text about the whole picture
    try:
        size = size_or_none(region.get("original_width"), region.get("original_height"))
    except InvalidInputError as e:
        return Row(where, names, problem=f"{where}: {e.reason}")

    def label() -> str:
        return label_of(labels[0] if isinstance(labels, list) and labels else None)

    def box(label: str) -> TrueBox:
        if region.get("image_rotation"):
            raise InvalidInputError("drawn on a picture that was turned in Label Studio")
        return _label_studio_box(value, label, size)

    return row_with(where, label, box, names, size=size, shares=True)


def _label_studio_box(value: Mapping[str, Any], label: str, size: Size | None) -> TrueBox:
    """The box of a region, in shares of the picture; Label Studio writes per cent."""

    def share(key: str) -> float:
        return finite_number(_required(value, key), key) / 100

    if "points" in value:
        points = [_point(p) for p in _list(value["points"])]
        if len(points) < 3:
            raise InvalidInputError("fewer than three points")
        return around(label, [(x / 100, y / 100) for x, y in points])
    if "rle" in value:
        raise NoBoxError("a stroke of the brush has no box")
    x, y = share("x"), share("y")
    is_ellipse = "radiusX" in value
    if not is_ellipse and "height" not in value:
        raise NoBoxError("a point has no box")
    across, down = (
        share(k) for k in (("radiusX", "radiusY") if is_ellipse else ("width", "height"))
    )
    degrees = finite_number(value.get("rotation") or 0, "rotation")
    if degrees and size is None:
        raise InvalidInputError("a turned box needs original_width and original_height")
    # Turned in pixels, for a share is not as long across as it is down: an ellipse about its centre, which is
    # its x and y, a rectangle about its top left corner.
    wide, high = (1, 1) if size is None else (size.cols, size.rows)
    at, far = (x * wide, y * high), (across * wide, down * high)
    if is_ellipse:
        box = around_ellipse(label, at, far, degrees)
    else:
        box = turned(label, (*at, at[0] + far[0], at[1] + far[1]), degrees, at)
    return TrueBox(label, box.left / wide, box.top / high, box.right / wide, box.bottom / high)
