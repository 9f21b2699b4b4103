"""Which pages of a file are looked at."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from documents import document
from PIL import Image

from waldo_cli.errors import InvalidInputError
from waldo_cli.images.pages import Contents
from waldo_cli.inputs.items import Item, Outputs
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.pages import ByPage, page_ranges

RANGES = {
    "3": ((3, 3),),
    "1,3-5": ((1, 1), (3, 5)),
    "3-5, 1": ((1, 1), (3, 5)),
    "1,2,3": ((1, 3),),
    "2-4,3-9,7": ((2, 9),),
    "7-": ((7, None),),
    "7-,9": ((7, None),),
    "9,3-": ((3, None),),
    "all": ((1, None),),
    "1-3,4-": ((1, None),),
}


@pytest.mark.parametrize("text", RANGES)
def test_ranges_are_sorted_and_joined(text: str) -> None:
    assert page_ranges(text) == RANGES[text]


@pytest.mark.parametrize("text", ["", "0", "-3", "a", "2-1", "1;2", "ALL", "all,1", "\u0661"])
def test_what_is_no_list_of_pages_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is no list of pages, such as 1,3-5, 7- or all"):
        page_ranges(text)


@pytest.fixture
def book(tmp_path: Path) -> str:
    path = tmp_path / "book.tif"
    path.write_bytes(document("tif", [Image.new("L", (4, 4), n) for n in range(5)]))
    return str(path)


def by_page(items: list[Item], **options: object) -> ByPage:
    given = {"later": None, "wanted": None, "left_out": LeftOut(), "outputs": Outputs("")} | options
    return ByPage(items, **given)  # type: ignore[arg-type]


def test_the_total_grows_as_files_are_asked(book: str) -> None:
    items = by_page([Item("a.png", "a"), Item(book, "book"), Item("b.png", "b")])
    totals = [(items.total, item.page) for item in items]
    assert totals == [(3, None), *[(7, n) for n in (1, 2, 3, 4, 5)], (7, None)]
    assert by_page([Item("a.png", "a")], later=[]).total is None


def test_pages_have_outputs_of_their_own(book: str) -> None:
    taken = [Item("book.page-2.png", "book.page-2"), Item(book, "book")]
    outputs = Outputs("")
    items = list(by_page(outputs.of_all(taken), outputs=outputs, wanted=((1, 2),)))
    assert [item.output for item in items] == [
        "book.page-2", "book.page-1", f"{book[1:]}.page-2".replace("book.tif", "book"),
    ]  # fmt: skip
    (only,) = by_page([Item(book, "")], outputs=None, wanted=((4, 4),))
    assert (only.page, only.output) == (4, "")


def test_of_a_picture_file_with_several_the_primary_one_is_taken_and_the_others_are_told(
    tmp_path: Path,
) -> None:
    path = tmp_path / "views.jpg"
    views = [Image.new("L", (40, 30), n) for n in range(3)]
    path.write_bytes(document("mpo", views))
    left_out = LeftOut()
    assert [i.page for i in by_page([Item(str(path), "a")], left_out=left_out)] == [1]
    assert str(left_out) == "2 further pictures in 1 file not looked at (--pages all)"
    assert [i.page for i in by_page([Item(str(path), "a")], wanted=((2, None),))] == [2, 3]


@pytest.mark.parametrize("wanted", [None, ((1, None),)])
def test_frames_that_no_page_number_reaches_are_told(
    wanted: tuple[tuple[int, None]] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Contents("HEIF", 1, frames=3)
    monkeypatch.setattr("waldo_cli.inputs.pages.contents", lambda _: found)
    left_out = LeftOut()
    assert len(list(by_page([Item("a.heic", "a")], wanted=wanted, left_out=left_out))) == 1
    assert str(left_out).startswith("3 frames of 1 image sequence not looked at")


def test_what_is_attached_to_a_document_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Contents("PDF", 1, ("a.png", "b.xml"))
    monkeypatch.setattr("waldo_cli.inputs.pages.contents", lambda _: found)
    left_out = LeftOut()
    assert len(list(by_page([Item("a.pdf", "a")], left_out=left_out))) == 1
    assert str(left_out) == "2 files not looked at: 1 PNG (attached), 1 XML (attached)"


def test_a_file_of_very_many_pages_is_taken_in_parts(
    book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waldo_cli.inputs.pages._MOST_PAGES", 4)
    (refused,) = by_page([Item(book, "book")])
    assert refused.problem == "a file of 5 pages: --pages 1-4 takes a part"
    assert [item.page for item in by_page([Item(book, "book")], wanted=((1, 5),))] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert [item.page for item in by_page([Item(book, "book")], wanted=((2, None),))] == [
        2,
        3,
        4,
        5,
    ]


def test_every_page_is_in_exactly_one_shard_and_other_files_are_not_asked(
    book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Item(book, "book"), *[Item(f"{n}.jpg", f"{n}") for n in range(40)]]
    asked = []

    def ask(path: str) -> object:
        from waldo_cli.images.pages import contents

        asked.append(path)
        return contents(path)

    monkeypatch.setattr("waldo_cli.inputs.pages.contents", ask)
    parts = [by_page(items, shard=(n, 3)) for n in (1, 2, 3)]
    taken = [list(part) for part in parts]
    assert sorted((i.path, i.page or 0) for i in chain(*taken)) == sorted(
        [*[(book, n) for n in range(1, 6)], *[(f"{n}.jpg", 0) for n in range(40)]]
    )
    assert [part.total for part in parts] == [len(part) for part in taken]
    assert sorted(asked) == sorted([book] * 3 + [f"{n}.jpg" for n in range(40)])
