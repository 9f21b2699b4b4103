"""Truths in XML: Pascal VOC, LabelMe (the older one, of folders of XML), and CVAT's own format.

Documents with a type declaration are refused: that is where XML has its entities, and no tool for boxes
writes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from waldo_cli.errors import InvalidInputError
from waldo_cli.evaluation.pages import TrueBox
from waldo_cli.evaluation.rows import (
    NoBoxError,
    Row,
    around,
    around_ellipse,
    finite_number,
    is_true,
    label_of,
    page_of,
    row_with,
    size_or_none,
    turned,
)


def xml_rows(data: bytes, stem: str) -> Iterator[Row]:
    """The rows of an XML file; `stem` as for `waldo_cli.evaluation.truth_json.json_rows`."""
    root = _parsed(data)
    if root.tag == "annotation":
        yield from _annotation_rows(root, stem)
    elif root.tag == "annotations":
        yield from _cvat_rows(root)
    else:
        raise InvalidInputError(f"<{root.tag[:40]}> is not XML of Pascal VOC, LabelMe or CVAT")


def _parsed(data: bytes) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise InvalidInputError("XML with a document type: no truth has one")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, LookupError, ValueError) as e:
        if isinstance(e, InvalidInputError):
            raise
        raise InvalidInputError(f"not XML: {str(e)[:120]}") from None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _number(element: Element, path: str) -> float:
    text = _text(element, path)
    return finite_number(text, path.rpartition("/")[2])


# --- Pascal VOC, and LabelMe ----------------------------------------------------------------------


def _annotation_rows(root: Element, stem: str) -> Iterator[Row]:
    """One row for the page, then one for each object of Pascal VOC or LabelMe."""
    folder = stem.rpartition("/")[0]
    name = _text(root, "filename")
    names = [f"{folder}/{name}" if folder else name, _text(root, "path"), name]
    found_by = tuple(dict.fromkeys(n for n in names if n and not n.endswith("/")))
    size = size_or_none(
        _text(root, "size/width") or _text(root, "imagesize/ncols"),
        _text(root, "size/height") or _text(root, "imagesize/nrows"),
    )
    page = page_of(_text(root, "page"))
    yield Row("the file", found_by, stem, size, columns=page)
    for n, thing in enumerate(root.iterfind("object")):
        if is_true(_text(thing, "deleted")):  # LabelMe keeps what was taken back
            continue

        def label(thing: Element = thing) -> str:
            return label_of(_text(thing, "name"))

        def box(label: str, thing: Element = thing) -> TrueBox:
            return _object_box(thing, label)

        where = f"object {n + 1}"
        yield row_with(where, label, box, found_by, stem=stem, size=size, columns=page)


def _object_box(thing: Element, label: str) -> TrueBox:
    aside = is_true(_text(thing, "difficult"))
    if thing.find("bndbox") is not None:
        left, top, right, bottom = (
            _number(thing, f"bndbox/{k}") for k in ("xmin", "ymin", "xmax", "ymax")
        )
        # Pixels count from 1, and the last one belongs to the box: its left edge is one less. A tool that
        # counts from 0 writes a 0 at the page's edge, where the box is clipped.
        left, top = left - 1, top - 1
        # CVAT writes a turned box as it lay before the turn about its middle, and the turn as an attribute.
        turns = (
            a for a in thing.iterfind("attributes/attribute") if _text(a, "name") == "rotation"
        )
        turn = next((_text(a, "value") for a in turns), "")
        degrees = finite_number(turn or 0, "rotation")
        return turned(label, (left, top, right, bottom), degrees, ignored=aside)
    if thing.find("segm/box") is not None:
        left, top, right, bottom = (
            _number(thing, f"segm/box/{k}") for k in ("xmin", "ymin", "xmax", "ymax")
        )
        return TrueBox(label, left, top, right, bottom, aside)
    points = [(_number(p, "x"), _number(p, "y")) for p in thing.iterfind("polygon/pt")]
    if len(points) < 2:
        raise InvalidInputError("it has no box")
    return around(label, points, ignored=aside)


# --- CVAT -----------------------------------------------------------------------------------------


def _cvat_rows(root: Element) -> Iterator[Row]:
    """The rows of "CVAT for images": one for each image, and one for each shape on it."""
    if root.find("track") is not None:
        raise InvalidInputError(
            "tracks of a video, which name no pictures: export 'CVAT for images'"
        )
    for n, image in enumerate(root.iterfind("image")):
        where = f"image {n + 1}"
        name = image.get("name") or ""
        if not name:
            yield Row(where, problem=f"{where}: it has no name")
            continue
        try:
            size = size_or_none(image.get("width"), image.get("height"))
        except InvalidInputError as e:
            yield Row(where, (name,), problem=f"{where}: {e.reason}")
            continue
        yield Row(where, (name,), size=size)
        for m, shape in enumerate(image):
            if shape.tag == "tag":  # about the whole picture
                continue

            def label(shape: Element = shape) -> str:
                return label_of(shape.get("label"))

            def box(label: str, shape: Element = shape) -> TrueBox:
                return _cvat_box(shape, label)

            yield row_with(f"{where}, shape {m + 1}", label, box, (name,), size=size)


def _cvat_box(shape: Element, label: str) -> TrueBox:
    def number(key: str) -> float:
        return finite_number(shape.get(key), key)

    degrees = finite_number(shape.get("rotation") or 0, "rotation")
    if shape.tag == "box":
        left, top, right, bottom = (number(k) for k in ("xtl", "ytl", "xbr", "ybr"))
        return turned(label, (left, top, right, bottom), degrees)
    if shape.tag == "ellipse":
        x, y, across, down = (number(k) for k in ("cx", "cy", "rx", "ry"))
        return around_ellipse(label, (x, y), (across, down), degrees)
    if shape.tag == "mask":
        left, top = number("left"), number("top")
        return TrueBox(label, left, top, left + number("width"), top + number("height"))
    if shape.tag == "polygon":
        pairs = [p.split(",") for p in (shape.get("points") or "").split(";")]
        if len(pairs) < 3 or any(len(pair) != 2 for pair in pairs):
            raise InvalidInputError("points are not x,y;x,y;x,y")
        return around(label, [(finite_number(x, "x"), finite_number(y, "y")) for x, y in pairs])
    raise NoBoxError(f"a {shape.tag[:40]} has no box")
