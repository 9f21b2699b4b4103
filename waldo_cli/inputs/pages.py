"""One item for each picture of a file that has several, and which of them are wanted.

`ByPage` replaces the items of files of several pictures (TIFF, PDF, archives, animations, pictures one after
the other on standard input) by an item for each page. It asks the files only when their turn comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.images.pages import Contents, contents
from waldo_cli.inputs.items import Item, Outputs, in_shard
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.sources import STDIN, fetch, is_url, read_pictures

#: First and last page of each range, in order and apart from each other; the last may have no end.
PageRanges = tuple[tuple[int, int | None], ...]

# As many pages of a file are looked at unless --pages says more: files may claim millions.
_MOST_PAGES = 10_000

# A name with one of these endings may be a file of several pictures whose pages go to several shards; of
# others all pages go to one. URLs are asked for their pages only if their name ends in one of these.
_DOCUMENTS = (".pdf", ".tif", ".tiff", ".cbz", ".zip", ".gif", ".webp", ".apng", ".avif")
# Documents that are archives, by an entry that each has.
_DOCUMENTS_IN_ZIP = {
    "META-INF/container.xml": "an e-book (EPUB: a PDF or CBZ of it is looked into)",
    "word/document.xml": "a Word document (a PDF of it is looked into)",
    "ppt/presentation.xml": "a PowerPoint document (a PDF of it is looked into)",
    "xl/workbook.xml": "an Excel document (a PDF of it is looked into)",
    "content.xml": "an OpenDocument file (a PDF of it is looked into)",
}


def page_ranges(text: str) -> PageRanges:
    """Return the ranges that a text such as ``1,3-5``, ``7-`` or ``all`` names, sorted and joined.

    Raises
    ------
    InvalidInputError
        It names none.
    """
    ranges: list[tuple[int, int | None]] = []
    for part in ("1-" if text == "all" else text).split(","):
        match = re.fullmatch(r"([1-9]\d{0,5})(?:(-)([1-9]\d{0,5})?)?", part.strip())
        first = int(match[1]) if match else 0
        last = None if match is None or (match[2] and not match[3]) else int(match[3] or first)
        if match is None or (last is not None and last < first):
            raise InvalidInputError(f"{text!r} is no list of pages, such as 1,3-5, 7- or all")
        ranges.append((first, last))
    joined: list[tuple[int, int | None]] = []
    for first, last in sorted(ranges, key=lambda r: r[0]):
        before = joined[-1] if joined else (0, -1)
        if before[1] is None or first <= before[1] + 1:
            end = None if before[1] is None or last is None else max(before[1], last)
            joined[-1] = (before[0], end)
        else:
            joined.append((first, last))
    return tuple(joined)


class ByPage:
    """The items of a run, one for each page.

    Parameters
    ----------
    known
        Items whose number is known.
    later
        Further items, of a list; None if there is no list.
    wanted
        Which pages; None for all of a document, the first of an animation, and the primary one of a picture
        file with several.
    left_out
        Counts what is in a file and not looked at.
    outputs
        Names the output files of pages; None if no files are written.
    shard
        Number of the part of the items that is taken, and of the parts; None for all.
    max_pixels
        As for `load_image`.

    Attributes
    ----------
    total
        Number of items that there will be, as far as it is known now; None if nothing is known of it.
    """

    def __init__(
        self,
        known: list[Item],
        later: Iterable[Item] | None,
        wanted: PageRanges | None,
        left_out: LeftOut,
        *,
        outputs: Outputs | None = None,
        shard: tuple[int, int] | None = None,
        max_pixels: int | None = None,
    ) -> None:
        self._known, self._later = known, later
        self._wanted = wanted
        self._left_out = left_out
        self._outputs = outputs
        self._shard = shard
        self._max_pixels = max_pixels
        self.total = None if later is not None else sum(map(self._is_mine, known))

    def __iter__(self) -> Iterator[Item]:
        for item in chain(self._known, self._later or ()):
            mine = self._is_mine(item)
            may_be_shared = item.path.lower().endswith(_DOCUMENTS)
            if item.path == STDIN and mine:
                yield from self._streamed(item)
            elif mine or (may_be_shared and item.problem is None):
                pages = self._asked(item)
                if may_be_shared:
                    pages = [page for page in pages if self._is_mine(page)]
                if self.total is not None:
                    self.total += len(pages) - mine
                yield from pages

    def _is_mine(self, item: Item) -> bool:
        return self._shard is None or in_shard(item.path, *self._shard, page=item.page)

    def _asked(self, item: Item) -> list[Item]:
        """Return the pages of a file, or the item itself if its file has one picture."""
        try:
            if item.problem is not None:
                return [item]
            if is_url(item.path):
                if not item.path.lower().endswith(_DOCUMENTS):
                    return [item]
                item = replace(item, data=fetch(item.path, self._max_pixels))
            return self._chosen(item, contents(item.path if item.data is None else item.data))
        except WaldoError as e:
            return [replace(item, problem=e.reason)]

    def _chosen(self, item: Item, found: Contents) -> list[Item]:
        """Return the pages that are wanted; a range that lies behind the last page is a problem."""
        for name in found.others:
            self._left_out.add_file(name, "attached" if found.kind == "PDF" else "")
        self._left_out.add_sequence(found.frames)
        if not found.count:
            named = (what for entry, what in _DOCUMENTS_IN_ZIP.items() if entry in found.others)
            problem = f"{next(named, 'an archive')} without pictures"
            return [replace(item, problem=problem)]
        wanted = self._wanted
        if wanted is None and found.is_led_by_first:
            wanted = ((1, 1),)
            self._left_out.add_further(found.kind, found.count - 1)
        pages: list[Item] = []
        for first, last in wanted or ((1, None),):
            if first > found.count:
                problem = f"no page {first}: the file has {found.count}"
            elif last is None and found.count - first >= _MOST_PAGES:
                end = first + _MOST_PAGES - 1
                problem = f"a file of {found.count} pages: --pages {first}-{end} takes a part"
            else:
                numbers = range(first, min(last or found.count, found.count) + 1)
                pages += [self._page(item, n) if found.count > 1 else item for n in numbers]
                continue
            pages.append(replace(item, problem=problem))
        return pages

    def _page(self, item: Item, number: int) -> Item:
        page = replace(item, page=number, output=item.output and f"{item.output}.page-{number}")
        return page if self._outputs is None else next(self._outputs.of_each([page]))

    def _streamed(self, item: Item) -> Iterator[Item]:
        """Give the pictures on standard input, each as soon as it has come."""
        wanted = self._wanted or ((1, None),)
        number = 0
        try:
            for number, (data, more) in enumerate(read_pictures(self._max_pixels), 1):
                picture = replace(item, data=data)
                if number == 1 and not more:
                    pages = self._chosen(picture, contents(data))
                    if self.total is not None:
                        self.total += len(pages) - 1
                    yield from pages
                    return
                self.total = None
                if any(first <= number <= (last or number) for first, last in wanted):
                    yield self._page(replace(picture, alone=True), number)
                if wanted[-1][1] is not None and number >= wanted[-1][1]:
                    return
        except WaldoError as e:
            yield replace(item, problem=e.reason)
            return
        for first, _ in wanted:
            if first > number:
                yield replace(item, problem=f"no page {first}: the file has {number}")
