"""Truths in JSON, as COCO's tools, labelme, Create ML, VIA, VoTT and Label Studio write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from truths import white_pages

from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.evaluation.pages import Page, TrueBox, open_page
from waldo_cli.evaluation.truth import read_truth

BOX = TrueBox("waldo", 1, 2, 11, 12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return white_pages(tmp_path)


def read(folder: Path, root: object, name: str = "truth.json") -> list[Page]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(root))
    return read_truth(path, folder)


def read_leniently(folder: Path, root: object) -> tuple[list[Page], list[str]]:
    path = folder / "truth.json"
    path.write_text(json.dumps(root))
    faults: list[WaldoError] = []
    return read_truth(path, folder, faults.append), [f.reason for f in faults]


def opened_boxes(page: Page) -> tuple[TrueBox, ...]:
    return open_page(page)[1].boxes


# --- COCO -----------------------------------------------------------------------------------------


def coco(*annotations: dict[str, Any], **image: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 0, "file_name": "a.png", "width": 40, "height": 30} | image],
        "categories": [{"id": 0, "name": "waldo"}],
        "annotations": [{"image_id": 0, "category_id": 0} | a for a in annotations],
    }


def test_coco_sets_crowds_aside(folder: Path) -> None:
    (page,) = read(folder, coco({"bbox": [1, 2, 10, 10], "iscrowd": 1}, {"bbox": [1, 2, 10, 10]}))
    assert [b.ignored for b in page.boxes] == [True, False]
    assert page.boxes[1] == BOX


@pytest.mark.parametrize(
    "image",
    [
        {"width": None, "height": None},
        {"width": 0, "height": 0},
        {"width": -1, "height": -1},
        {"width": "40", "height": 30.0},
    ],
)
def test_coco_may_leave_the_size_out_or_write_it_as_text(
    folder: Path, image: dict[str, Any]
) -> None:
    (page,) = read(folder, coco({"bbox": [1, 2, 10, 10]}, **image))
    assert opened_boxes(page) == (BOX,)


def test_coco_without_a_bbox_has_the_box_around_its_polygons(folder: Path) -> None:
    polygons = [[1, 2, 11, 2, 5, 7], [1, 12, 2, 12, 2, 11]]
    (page,) = read(folder, coco({"segmentation": polygons}))
    assert page.boxes == (BOX,)


# A mask of 40x30 pixels down its columns: a box, and one that has a hole and reaches two columns' ends.
BOX_RUNS = [32, 10, *[20, 10] * 9, 888]


@pytest.mark.parametrize(
    ("counts", "box"),
    [
        (BOX_RUNS, (1, 2, 11, 12)),
        ([str(run) for run in BOX_RUNS], (1, 2, 11, 12)),
        ("P1:d000000000000000000Tk0", (1, 2, 11, 12)),  # as pycocotools packs them
        ([59, 2, 1139], (1, 0, 3, 30)),
        ([1199, 1], (39, 29, 40, 30)),
    ],
)
def test_coco_without_a_bbox_has_the_box_around_its_runs(
    folder: Path, counts: object, box: tuple[int, ...]
) -> None:
    (page,) = read(folder, coco({"segmentation": {"size": [30, 40], "counts": counts}}))
    assert page.boxes == (TrueBox("waldo", *box),)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [30, 40], "counts": [0, 1201]},
        {"size": [30, 40], "counts": [5, -1]},
        {"size": [30, 40], "counts": [1200]},
        {"size": [30, 40], "counts": "o" * 99},
        {"size": [30, 40], "counts": "~"},
        {"size": [30, 40]},
        {"size": [30], "counts": [0, 1]},
        {"size": [0, 40], "counts": [0, 1]},
    ],
)
def test_runs_that_are_no_mask_are_one_line(folder: Path, segmentation: object) -> None:
    root = coco({"segmentation": segmentation}, {"bbox": [1, 2, 10, 10]})
    (page,), faults = read_leniently(folder, root)
    assert page.boxes == (BOX,)
    assert len(faults) == 1
    assert faults[0].startswith("annotations[0]: ")


def test_boxes_of_cvat_in_coco_are_turned_about_their_middle(folder: Path) -> None:
    attributes = {"occluded": False, "rotation": 90.0}
    lying = {"bbox": [5, 10, 20, 4], "segmentation": [], "attributes": attributes, "ignore": 1}
    straight = {"bbox": [1, 2, 10, 10], "segmentation": [], "attributes": {"rotation": 0.0}}
    around = {
        "bbox": [1, 2, 10, 10],
        "segmentation": [[1, 2, 11, 2, 6, 12]],
        "attributes": attributes,
    }
    (page,) = read(
        folder, coco(lying, straight, around, {"bbox": [1, 2, 10, 10], "attributes": []})
    )
    assert page.boxes[1:] == (BOX, BOX, BOX)
    turned = page.boxes[0]
    edges = (turned.left, turned.top, turned.right, turned.bottom)
    assert edges == pytest.approx((13, 2, 17, 22))
    assert turned.ignored


def test_a_turn_in_coco_that_is_no_number_is_one_line(folder: Path) -> None:
    root = coco({"bbox": [1, 2, 10, 10], "attributes": {"rotation": "x"}}, {"bbox": [1, 2, 10, 10]})
    (page,), faults = read_leniently(folder, root)
    assert page.boxes == (BOX,)
    assert faults == ["annotations[0]: rotation = 'x' is not a number"]


@pytest.mark.parametrize("key", ["image_id", "category_id"])
@pytest.mark.parametrize("value", ["0", 0.0, " 0"])
def test_ids_of_coco_may_be_text_or_have_a_decimal_point(
    folder: Path, key: str, value: object
) -> None:
    assert read(folder, coco({"bbox": [1, 2, 10, 10], key: value}))[0].boxes == (BOX,)
    assert read(folder, coco({"bbox": [1, 2, 10, 10]}, id=value))[0].boxes == (BOX,)


def test_files_of_coco_name_the_pictures_beside_them(folder: Path) -> None:
    for place, label in (("train", "waldo"), ("valid", "wenda")):
        root = coco({"bbox": [1, 2, 10, 10]})
        root["categories"][0]["name"] = label
        (folder / "data" / place).mkdir(parents=True)
        (folder / "data" / place / "a.png").write_bytes((folder / "a.png").read_bytes())
        (folder / "data" / place / "_annotations.coco.json").write_text(json.dumps(root))
    pages = read_truth(folder / "data", folder / "data")
    assert [(p.path.parent.name, [b.label for b in p.boxes]) for p in pages] == [
        ("train", ["waldo"]),
        ("valid", ["wenda"]),
    ]
    with pytest.raises(InvalidInputError, match=r"a\.png may be .*train/a\.png or .*valid/a\.png"):
        read_truth(folder / "data" / "train" / "_annotations.coco.json", folder / "data")


@pytest.mark.parametrize(
    "text",
    [
        '[{"path": "a.png", "detections": []}]',
        '{"path": "a.png", "detections": []}',
        '{"path": "a.png", "detections": []}\n{"path": "b.png", "detections": []}\n',
    ],
)
def test_records_of_detect_are_no_truth_and_say_what_is_one(folder: Path, text: str) -> None:
    (folder / "truth.json").write_text(text)
    with pytest.raises(InvalidInputError, match=r"records of waldo detect, no truth.* -f coco"):
        read_truth(folder / "truth.json", folder)


@pytest.mark.parametrize(
    "name",
    [
        r"images\a.png",
        r"C:\photos\images\a.png",
        "/mnt/photos/a.png",
        "./images/../a.png",
        "images/A.PNG",
        "https://host/photos/a.png",
    ],
)
def test_a_page_is_found_by_the_last_parts_of_its_name(folder: Path, name: str) -> None:
    (folder / "images").mkdir()
    (folder / "a.png").rename(folder / "images" / "a.png")
    (page,) = read(folder, coco({"bbox": [1, 2, 10, 10]}, file_name=name))
    assert page.path == folder / "images" / "a.png"
    assert page.name == name


@pytest.mark.parametrize("key", ["bbox", "iscrowd", "segmentation", "category_id", "image_id"])
def test_what_is_nested_deeply_is_one_line(folder: Path, key: str) -> None:
    deep = "[" * 960 + "]" * 960
    root = json.dumps(coco({"bbox": [1, 2, 10, 10]} | {key: "HERE"})).replace('"HERE"', deep)
    (folder / "truth.json").write_text(root)
    faults: list[WaldoError] = []
    try:
        read_truth(folder / "truth.json", folder, faults.append)
    except WaldoError as error:
        faults.append(error)
    assert all("\n" not in fault.reason and len(fault.reason) < 200 for fault in faults)


# --- labelme --------------------------------------------------------------------------------------


def labelme(*shapes: dict[str, Any], **more: Any) -> dict[str, Any]:
    size = {"imagePath": "a.png", "imageWidth": 40, "imageHeight": 30, "imageData": None}
    return size | {"shapes": [{"label": "waldo"} | s for s in shapes]} | more


@pytest.mark.parametrize(
    "shape",
    [
        {"shape_type": "rectangle", "points": [[1, 2], [11, 12]]},
        {"shape_type": "rectangle", "points": [[11, 2], [1, 12]]},  # drawn from another corner
        {"shape_type": "polygon", "points": [[1, 2], [11, 5], [6, 12]]},
        {"shape_type": None, "points": [[1, 2], [11, 5], [6, 12]]},
        {"shape_type": "circle", "points": [[6, 7], [6, 12]]},
        {"shape_type": "mask", "points": [[1, 2], [10, 11]], "mask": "iVBORw0"},  # its last pixels
    ],
)
def test_shapes_of_labelme_have_the_box_around_them(folder: Path, shape: dict[str, Any]) -> None:
    assert read(folder, labelme(shape))[0].boxes == (BOX,)


def test_a_folder_of_labelme_files_is_a_truth_and_one_of_them_is_one(folder: Path) -> None:
    rectangle = {"shape_type": "rectangle", "points": [[1, 2], [11, 12]], "difficult": True}
    unsized = labelme(rectangle, imageWidth=None, imagePath="..\\a.png")
    assert opened_boxes(read(folder, unsized, "labels/a.json")[0])[0].ignored
    (folder / "labels" / "b.json").write_text(json.dumps(labelme(imagePath="../b.png")))
    pages = read_truth(folder / "labels", folder)
    assert [(p.path.name, len(p.boxes + p.raw)) for p in pages] == [("a.png", 1), ("b.png", 0)]


@pytest.mark.parametrize("name", [None, ""])
def test_labelme_without_a_path_means_the_picture_of_its_own_name(
    folder: Path, name: str | None
) -> None:
    rectangle = {"shape_type": "rectangle", "points": [[1, 2], [11, 12]]}
    (page,) = read(folder, labelme(rectangle, imagePath=name), "labels/b.json")
    assert (page.path.name, page.boxes) == ("b.png", (BOX,))


def test_points_of_a_class_that_has_no_boxes_are_no_fault(folder: Path) -> None:
    shapes = [
        {"shape_type": "rectangle", "points": [[1, 2], [11, 12]]},
        {"shape_type": "point", "points": [[1, 2]], "label": "nose"},
        {"shape_type": "linestrip", "points": [[1, 2], [3, 4]], "label": "arm"},
    ]
    assert read(folder, labelme(*shapes))[0].boxes == (BOX,)
    with pytest.raises(WaldoError, match="a shape of type 'point' has no box"):
        read(folder, labelme(shapes[1]))


def test_a_shape_without_a_box_is_one_line_and_the_others_are_read(folder: Path) -> None:
    shapes = (
        {"shape_type": "point", "points": [[1, 2]]},
        {"shape_type": "rectangle", "points": [[1, 2], [11, 12]]},
        {"shape_type": "rectangle", "points": [[1, "x"], [11, 12]]},
    )
    (page,), faults = read_leniently(folder, labelme(*shapes))
    assert page.boxes == (BOX,)
    assert faults == [
        "shapes[2]: y = 'x' is not a number",
        "shapes[0]: a shape of type 'point' has no box",
    ]


# --- Create ML ------------------------------------------------------------------------------------

MARKED = {"label": "waldo", "coordinates": {"x": 6, "y": 7, "width": 10, "height": 10}}


@pytest.mark.parametrize("keys", [("image", "annotations"), ("imagefilename", "annotation")])
def test_create_ml_has_the_middle_and_the_size_of_a_box(
    folder: Path, keys: tuple[str, str]
) -> None:
    image, annotations = keys
    root = [{image: "b.png", annotations: []}, {image: "a.png", annotations: [MARKED]}]
    without, page = read(folder, root)
    assert (without.path.name, without.boxes) == ("b.png", ())
    assert (page.path.name, opened_boxes(page)) == ("a.png", (BOX,))


def test_what_is_wrong_in_create_ml_is_told(folder: Path) -> None:
    root = [
        {"image": "a.png", "annotations": [MARKED, {"label": "waldo"}, 1, MARKED | {"label": ""}]},
        {"annotations": [MARKED]},
        1,
    ]
    (page,), faults = read_leniently(folder, root)
    assert opened_boxes(page) == (BOX,)
    assert faults == [
        "picture 1, annotation 2: coordinates is missing or of the wrong kind",
        "picture 1, annotation 3: label is missing or of the wrong kind",
        "picture 1, annotation 4: it has no label",
        "picture 2: it has no name",
        "picture 3: it has no name",
    ]


# --- VIA and VoTT ---------------------------------------------------------------------------------

VIA_BOX = {"name": "rect", "x": 1, "y": 2, "width": 10, "height": 10}
VOTT = {"tags": ["waldo", "hat"], "boundingBox": {"left": 1, "top": 2, "width": 10, "height": 10}}
CORNERS = {"name": "polygon", "all_points_x": [1, 11, 11, 1], "all_points_y": [2, 2, 12, 12]}


def via(shape: object, attributes: object, *, numbered: bool = False) -> dict[str, Any]:
    region = {"shape_attributes": shape, "region_attributes": attributes}
    regions = {"0": region} if numbered else [region]
    return {"a.png9": {"filename": "a.png", "size": 9, "regions": regions, "file_attributes": {}}}


@pytest.mark.parametrize(
    "root",
    [
        via(VIA_BOX, {"class": "waldo"}),
        via(CORNERS, {"colour": "red", "label": "waldo"}, numbered=True),
        via({"name": "circle", "cx": 6, "cy": 7, "r": 5}, {"who": {"odlaw": False, "waldo": True}}),
        via(
            {"name": "ellipse", "cx": 6, "cy": 7, "rx": 5, "ry": 5, "theta": 0.3},
            {"name": "waldo"},
        ),
        {"_via_settings": {}, "_via_img_metadata": via(VIA_BOX, {"type": "waldo"})},
    ],
)
def test_via_has_the_boxes_of_its_shapes(folder: Path, root: object) -> None:
    ((box,),) = map(opened_boxes, read(folder, root))
    assert box.label == "waldo"
    edges = (box.left, box.top, box.right, box.bottom)
    assert edges == pytest.approx((1, 2, 11, 12))


def test_via_in_csv(folder: Path) -> None:
    def row(name: str, shape: object, attributes: object) -> str:
        return f'{name},9,{{}},1,0,"{_cell(shape)}","{_cell(attributes)}"'

    head = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes"
    rows = [
        f"{head},region_attributes",
        row("a.png", VIA_BOX, {"class": "waldo"}),
        row("b.png", {}, {}),
        'c.png,9,{},1,0,{no json,"{}"',
    ]
    path = folder / "truth.csv"
    path.write_text("\n".join(rows) + "\n")
    faults: list[WaldoError] = []
    first, second = read_truth(path, folder, faults.append)
    assert opened_boxes(first) == (BOX,)
    assert second.boxes == ()
    assert [fault.reason for fault in faults] == [
        "line 4: shape_attributes: a cell that begins with { is not JSON"
    ]


@pytest.mark.parametrize(
    ("shape", "attributes", "reason"),
    [
        (VIA_BOX | {"x": "?"}, {"class": "waldo"}, "x = '?' is not a number"),
        (CORNERS | {"all_points_y": [2, 12]}, {"class": "waldo"}, "are no polygon"),
        (VIA_BOX, {}, "it has no label"),
        (VIA_BOX, ["waldo"], "it has no label"),
        (3, {"class": "waldo"}, "name is missing"),
    ],
)
def test_a_bad_region_of_via_is_one_line_and_the_others_are_read(
    folder: Path, shape: object, attributes: object, reason: str
) -> None:
    root = via(VIA_BOX, {"class": "waldo"})
    root["a.png9"]["regions"] += via(shape, attributes)["a.png9"]["regions"]
    root |= {"b.png9": {"filename": "b.png", "regions": 3}}
    (page,), faults = read_leniently(folder, root)
    assert opened_boxes(page) == (BOX,)
    assert len(faults) == 2
    assert faults[0].startswith("picture 1, region 2: ")
    assert reason in faults[0]
    assert faults[1] == "picture 2: regions is not a list"


def test_what_is_wrong_in_vott_is_told(folder: Path) -> None:
    boxless = {"tags": ["waldo"]}
    root = {
        "assets": {"1": {"name": "a.png", "regions": [VOTT, boxless, VOTT | {"tags": []}]}, "2": {}}
    }
    (page,), faults = read_leniently(folder, root)
    assert opened_boxes(page) == (BOX,)
    assert faults == [
        "asset 1, region 2: boundingBox is missing or of the wrong kind",
        "asset 1, region 3: it has no label",
        "asset 2: name is missing or of the wrong kind",
    ]


@pytest.mark.parametrize("whole", [False, True])
def test_vott_has_the_box_and_the_first_tag_of_a_region(folder: Path, whole: bool) -> None:
    """A file for each picture, and the export of a project."""
    asset = {"name": "a.png", "path": "file:/x/a.png", "size": {"width": 40, "height": 30}}
    root = (
        {"assets": {"9": asset | {"regions": [VOTT]}}}
        if whole
        else {"asset": asset, "regions": [VOTT]}
    )
    (page,) = read(folder, root)
    assert opened_boxes(page) == (BOX,)


# --- Label Studio ---------------------------------------------------------------------------------

# Per cent of 40x30.
REGION = {
    "x": 2.5,
    "y": 100 / 15,
    "width": 25,
    "height": 100 / 3,
    "rotation": 0,
    "rectanglelabels": ["waldo"],
}
SIZE = {"original_width": 40, "original_height": 30}


def task(*regions: dict[str, Any], image: str = "/data/upload/1/0123abcd-a.png") -> dict[str, Any]:
    result = [{"type": "rectanglelabels", "value": r, "image_rotation": 0, **SIZE} for r in regions]
    return {"id": 1, "data": {"image": image}, "annotations": [{"id": 1, "result": result}]}


def near(page: Page) -> list[tuple[str, float, float, float, float]]:
    boxes = opened_boxes(page)
    return [(b.label, *(round(v, 3) for v in (b.left, b.top, b.right, b.bottom))) for b in boxes]


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/1/0123abcd-a.png",
        "/data/local-files/?d=photos/a.png",
        "s3://bucket/photos/a.png",
        "http://localhost:8080/data/upload/a.png?token=1",
        "a.png",
    ],
)
def test_json_of_label_studio(folder: Path, image: str) -> None:
    (page,) = read(folder, [task(REGION, image=image)])
    assert near(page) == [("waldo", 1, 2, 11, 12)]


def test_json_min_of_label_studio(folder: Path) -> None:
    root = [
        {
            "image": "/data/upload/1/0123abcd-a.png",
            "id": 1,
            "label": [REGION | SIZE],
            "annotator": 1,
        },
        {"image": "/data/upload/1/0123abcd-b.png", "id": 2, "annotator": 1},
    ]
    first, second = read(folder, root)
    assert near(first) == [("waldo", 1, 2, 11, 12)]
    assert (second.path.name, second.boxes) == ("b.png", ())


def test_csv_of_label_studio(folder: Path) -> None:
    cell = json.dumps([REGION | SIZE]).replace('"', '""')
    path = folder / "export.csv"
    path.write_text(
        f'annotation_id,annotator,id,image,label\n1,1,1,/data/upload/1/0123abcd-a.png,"{cell}"\n'
    )
    assert near(read_truth(path, folder)[0]) == [("waldo", 1, 2, 11, 12)]


def test_regions_of_label_studio_that_are_no_plain_rectangles(folder: Path) -> None:
    corners = [[2.5, 100 / 15], [27.5, 100 / 15], [27.5, 40]]
    ellipse = {"x": 15, "y": 70 / 3, "radiusX": 12.5, "radiusY": 50 / 3, "ellipselabels": ["waldo"]}
    # Turned by 90 degrees about its top left corner, which is the top right one then.
    turned = REGION | {"x": 27.5, "rotation": 90}
    (page,) = read(folder, [task({"points": corners, "polygonlabels": ["waldo"]}, ellipse, turned)])
    assert near(page) == [("waldo", 1, 2, 11, 12)] * 3


@pytest.mark.parametrize(("degrees", "size"), [(0, (20, 6)), (90, (6, 20)), (-180, (20, 6))])
def test_an_ellipse_of_label_studio_is_turned_about_its_centre_in_pixels(
    folder: Path, degrees: int, size: tuple[int, int]
) -> None:
    ellipse = {"x": 50, "y": 50, "radiusX": 25, "radiusY": 10, "ellipselabels": ["waldo"]}
    (page,) = read(folder, [task(ellipse | {"rotation": degrees})])
    ((_, left, top, right, bottom),) = near(page)
    assert (right - left, bottom - top) == pytest.approx(size)
    assert (left + right, top + bottom) == pytest.approx((40, 30))


def test_tasks_without_an_annotation_are_left_out_in_one_line(folder: Path) -> None:
    def of(*annotations: object, image: str) -> dict[str, Any]:
        return task(image=image) | {"annotations": list(annotations)}

    tasks = [
        task(REGION, image="a.png"),
        of({"result": [], "was_cancelled": True}, image="b.png"),
        of(image="b.png"),
        of({"result": []}, image="c.png"),
        of({"label": "waldo"}, image="b.png"),  # of another program
    ]
    (first, second), faults = read_leniently(folder, tasks)
    assert (first.path.name, second.path.name, second.boxes) == ("a.png", "c.png", ())
    assert faults == ["task[1] and 2 more: no annotation, or only cancelled ones: left out"]


def test_shape_and_label_may_be_entries_of_their_own(folder: Path) -> None:
    shape = {k: v for k, v in REGION.items() if k != "rectanglelabels"}
    entries = [
        {"id": "r1", "type": "rectangle", "value": shape, **SIZE},
        {"id": "r1", "type": "labels", "value": shape | {"labels": ["waldo"]}, **SIZE},
        {"id": "r1", "type": "textarea", "value": shape | {"text": ["Wo?"]}, **SIZE},
        {"id": "r1", "type": "choices", "value": shape | {"choices": ["clear"]}, **SIZE},
    ]
    one = task() | {"annotations": [{"result": entries}]}
    (page,) = read(folder, [one])
    assert near(page) == [("waldo", 1, 2, 11, 12)]
    minimal = {
        "image": "a.png",
        "id": 1,
        "box": [shape | SIZE],
        "label": [entries[1]["value"] | SIZE],
    }
    assert near(read(folder, [minimal])[0]) == [("waldo", 1, 2, 11, 12)]


def test_of_several_annotations_of_a_task_the_first_counts_in_each_format(folder: Path) -> None:
    later, first = (
        {"image": "a.png", "id": 1, "annotation_id": n, "label": [REGION | {"x": x} | SIZE]}
        for n, x in ((12, 60), (9, 2.5))
    )
    other = {"image": "b.png", "id": 2, "annotation_id": 13}
    pages = read(folder, [later, first, other])
    assert [p.path.name for p in pages] == ["a.png", "b.png"]
    assert near(pages[0]) == [("waldo", 1, 2, 11, 12)]
    path = folder / "export.csv"
    rows = [f'{t["annotation_id"]},1,1,a.png,"{_cell(t["label"])}"' for t in (later, first)]
    path.write_text("annotation_id,annotator,id,image,label\n" + "\n".join(rows))
    (page,) = read_truth(path, folder)
    assert near(page) == [("waldo", 1, 2, 11, 12)]


def _cell(value: object) -> str:
    return json.dumps(value).replace('"', '""')


def test_strokes_and_points_of_other_classes_are_no_fault(folder: Path) -> None:
    stroke = {"format": "rle", "rle": [1, 2], "brushlabels": ["hair"]}
    point = {"x": 1, "y": 2, "width": 1, "keypointlabels": ["nose"]}
    (page,) = read(folder, [task(stroke, point, REGION)])
    assert near(page) == [("waldo", 1, 2, 11, 12)]


def test_of_several_annotations_the_ground_truth_counts(folder: Path) -> None:
    several = task(REGION)
    wrong = {"result": [{"value": REGION | {"x": 60}, **SIZE}]}
    right = several["annotations"][0] | {"ground_truth": True}
    for both in ([wrong, right], [wrong | {"was_cancelled": True}, right]):
        (page,) = read(folder, [several | {"annotations": both}])
        assert near(page) == [("waldo", 1, 2, 11, 12)]


def test_a_choice_about_the_picture_is_no_box(folder: Path) -> None:
    (page,) = read(folder, [task({"choices": ["good"]}, REGION)])
    assert len(page.boxes) == 1


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (REGION | {"rectanglelabels": []}, "it has no label"),
        (REGION | {"x": "left"}, "x = 'left' is not a number"),
        ({"rectanglelabels": ["waldo"], "format": "rle"}, "x is missing"),
    ],
)
def test_a_bad_region_is_one_line(folder: Path, region: dict[str, Any], reason: str) -> None:
    (page,), faults = read_leniently(folder, [task(region, REGION)])
    assert len(page.boxes) == 1
    assert len(faults) == 1
    assert reason in faults[0]


@pytest.mark.parametrize("root", [[3], [{}], [{"data": {"text": "no picture"}}], [{"image": 3}]])
def test_tasks_without_a_picture_are_no_truth(folder: Path, root: object) -> None:
    with pytest.raises(WaldoError, match=r"task\[0\]: (it names no picture|not a task)"):
        read(folder, root)
