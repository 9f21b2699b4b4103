"""Truths in XML, as labelImg, CVAT and LabelMe write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from truths import white_pages

from waldo_cli.errors import WaldoError
from waldo_cli.evaluation.pages import Page, TrueBox, open_page
from waldo_cli.evaluation.truth import read_truth

BOX = TrueBox("waldo", 1, 2, 11, 12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return white_pages(tmp_path)


def read(folder: Path, text: str, name: str = "truth.xml", encoding: str = "utf-8") -> list[Page]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)
    return read_truth(path, folder)


VOC_BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>11</xmax><ymax>12</ymax></bndbox>"
SIZE = "<size><width>40</width><height>30</height><depth>3</depth></size>"


def voc(objects: str, name: str = "a.png", size: str = SIZE) -> str:
    return f"<annotation><folder>x</folder><filename>{name}</filename>{size}{objects}</annotation>"


def thing(box: str = VOC_BOX, more: str = "") -> str:
    return f"<object><name>waldo</name>{more}{box}</object>"


def test_voc_counts_from_one_and_difficult_is_set_aside(folder: Path) -> None:
    (page,) = read(folder, voc(thing() + thing(more="<difficult>1</difficult>")))
    assert page.boxes[0] == BOX
    assert [b.ignored for b in page.boxes] == [False, True]


def test_voc_of_a_tool_that_counts_from_zero_is_clipped(folder: Path) -> None:
    corner = "<bndbox><xmin>0</xmin><ymin>0.0</ymin><xmax>40.4</xmax><ymax>30</ymax></bndbox>"
    assert read(folder, voc(thing(corner)))[0].boxes == (TrueBox("waldo", 0, 0, 40, 30),)


def test_boxes_of_cvat_in_voc_are_turned_about_their_middle(folder: Path) -> None:
    box = "<bndbox><xmin>6.0</xmin><ymin>11.0</ymin><xmax>25.0</xmax><ymax>14.0</ymax></bndbox>"
    turn = "<attribute><name>rotation</name><value>90.0</value></attribute>"
    more = f"<difficult>1</difficult><attributes><attribute/>{turn}</attributes>"
    (box_as_shown,) = read(folder, voc(thing(box, more)))[0].boxes
    edges = (box_as_shown.left, box_as_shown.top, box_as_shown.right, box_as_shown.bottom)
    assert edges == pytest.approx((13, 2, 17, 22))
    assert box_as_shown.ignored
    unturned = thing(more=f"<attributes>{turn.replace('90.0', '0.0')}</attributes>")
    assert read(folder, voc(unturned))[0].boxes == (BOX,)


@pytest.mark.parametrize("size", ["", "<size><width>0</width><height>0</height></size>"])
def test_voc_may_lack_the_size(folder: Path, size: str) -> None:
    (page,) = read(folder, voc(thing(), size=size))
    assert open_page(page)[1].boxes == (BOX,)


@pytest.mark.parametrize("name", ["a", "elsewhere.jpg", "", r"C:\photos\a.png"])
def test_voc_finds_the_picture_of_its_own_name_where_it_names_no_other(
    folder: Path, name: str
) -> None:
    assert read(folder, voc(thing(), name=name), "a.xml")[0].path.name == "a.png"


def test_xml_in_other_encodings_is_read(folder: Path) -> None:
    for encoding in ("utf-16", "latin-1", "utf-8-sig"):
        said = encoding.removesuffix("-sig")
        text = f'<?xml version="1.0" encoding="{said}"?>' + voc(thing()).replace("waldo", "wäldo")
        (page,) = read(folder, text, encoding=encoding)
        assert page.boxes[0].label == "wäldo"


def test_folders_of_voc_are_read_by_their_places(folder: Path) -> None:
    for place in ("x", "y"):
        (folder / "pages" / place).mkdir(parents=True)
        (folder / "pages" / place / "a.png").write_bytes((folder / "a.png").read_bytes())
    labels = folder / "labels"
    for place, objects in (("x", thing()), ("y", "")):
        (labels / place).mkdir(parents=True)
        (labels / place / "a.xml").write_text(voc(objects))
    pages = read_truth(labels, folder / "pages")
    assert [(p.path.parent.name, len(p.boxes)) for p in pages] == [("x", 1), ("y", 0)]


def test_labelme_xml_has_polygons_and_keeps_what_was_deleted(folder: Path) -> None:
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((1, 2), (11, 2), (11, 12)))
    objects = (
        f"<object><name>waldo\n</name><deleted>0</deleted><polygon>{points}</polygon></object>"
        f"<object><name>waldo</name><deleted>1</deleted><polygon>{points}</polygon></object>"
    )
    size = "<imagesize><nrows>30</nrows><ncols>40</ncols></imagesize>"
    (page,) = read(folder, voc(objects, name="\na.png\n", size=size))
    assert page.boxes == (BOX,)
    assert page.size is not None


def cvat(*images: str) -> str:
    return f"<annotations><version>1.1</version><meta/>{''.join(images)}</annotations>"


def image(shapes: str, name: str = "a.png") -> str:
    return f'<image id="0" name="{name}" width="40" height="30">{shapes}</image>'


@pytest.mark.parametrize(
    "shape",
    [
        '<box label="waldo" occluded="0" xtl="1.00" ytl="2.00" xbr="11.00" ybr="12.00" z_order="0"/>',
        '<box label="waldo" xtl="1" ytl="2" xbr="11" ybr="12" rotation="90.0"><attribute/></box>',
        '<polygon label="waldo" points="1,2;11,2;11,12.0"/>',
        '<ellipse label="waldo" cx="6" cy="7" rx="5" ry="5"/>',
        '<box label="waldo" xtl="1" ytl="2" xbr="11" ybr="12"/><points label="nose" points="3,4"/>',
        '<mask label="waldo" rle="1, 2" left="1" top="2" width="10" height="10"/>',
        '<tag label="day"/><box label="waldo" xtl="1" ytl="2" xbr="11" ybr="12"/>',
    ],
)
def test_shapes_of_cvat(folder: Path, shape: str) -> None:
    first, second = read(folder, cvat(image(shape), image("", "b.png")))
    (box,) = first.boxes
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((1, 2, 11, 12))
    assert second.boxes == ()


@pytest.mark.parametrize(
    ("degrees", "width", "height"), [(0, 20, 8), (90, 8, 20), (180, 20, 8), (45, 15.232, 15.232)]
)
def test_an_ellipse_of_cvat_is_turned_about_its_centre(
    folder: Path, degrees: int, width: float, height: float
) -> None:
    shape = f'<ellipse label="waldo" cx="20" cy="15" rx="10" ry="4" rotation="{degrees}.0"/>'
    ((box,),) = (page.boxes for page in read(folder, cvat(image(shape))))
    assert (box.right - box.left, box.height) == pytest.approx((width, height), abs=0.001)
    assert (box.left + box.right, box.top + box.bottom) == pytest.approx((40, 30))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (voc(thing("")), "object 1: it has no box"),
        (voc(thing().replace("waldo", " ")), "object 1: it has no label"),
        (voc(thing().replace(">2<", ">two<")), "object 1: xmin = 'two' is not a number"),
        (cvat("<track/>"), "tracks of a video"),
        (
            cvat(image('<polyline label="waldo" points="1,2;3,4"/>')),
            "shape 1: a polyline has no box",
        ),
        (cvat("<image/>"), "image 1: it has no name"),
        ('<?xml version="1.0" encoding="gone"?><annotation/>', "not XML"),
    ],
)
def test_bad_xml_is_one_line_that_names_the_place(folder: Path, text: str, reason: str) -> None:
    with pytest.raises(WaldoError) as caught:
        read(folder, text)
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason
