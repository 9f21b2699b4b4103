"""A page that shows what was found in many images: one file, readable without a server or a network."""

from __future__ import annotations

import os
from base64 import b64encode
from contextlib import AbstractContextManager
from html import escape
from typing import Any, BinaryIO, Self
from urllib.parse import quote

from waldo_cli.answers.record import Pictures, Record
from waldo_cli.errors import FileError, WaldoError
from waldo_cli.files import reason, show, write_atomically
from waldo_cli.inputs.sources import STDIN, fetch, is_url
from waldo_cli.show.thumbnails import bytes_of, pictures

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="waldo">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>waldo: what was found</title>
<style>
:root { color-scheme: light dark; --line: #8885; --soft: #8882; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80 } }
body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem;
       background: Canvas; color: CanvasText }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline }
h1 { font-size: 1.3rem; margin: 0 } kbd { border: 1px solid var(--line); border-radius: 3px; padding: 0 .3em }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .5rem;
       vertical-align: top; border-top: 1px solid var(--line) }
thead th { position: sticky; top: 0; background: Canvas; border: 0 }
th button { font: inherit; font-weight: 600; background: none; color: inherit; border: 0;
       padding: .2rem 0; cursor: pointer }
th[aria-sort=ascending] button::after { content: " \\25B2" }
th[aria-sort=descending] button::after { content: " \\25BC" }
td.path { overflow-wrap: anywhere; max-width: 18rem } td.number { font-variant-numeric: tabular-nums }
td p { margin: 0; font-size: .85rem; opacity: .8 } tr.failed td.path p { color: var(--bad); opacity: 1 }
tbody tr:focus { outline: 3px solid Highlight; outline-offset: -3px; background: var(--soft) }
a { color: LinkText } img { display: block; max-width: 100%; height: auto }
:root[data-only=found] tbody tr:not(.found), :root[data-only=nothing] tbody tr:not(.nothing),
:root[data-only=failed] tbody tr:not(.failed) { display: none }
</style>
</head>
<body>
<header>
<h1>What was found</h1>
<label>Show <select id="only"><option value="">all</option><option value="found">with a find</option>
<option value="nothing">without</option><option value="failed">failed</option></select></label>
<span>Keys: <kbd>&darr;</kbd> <kbd>&uarr;</kbd> from image to image</span>
</header>
<table>
<thead><tr>
<th aria-sort="none"><button data-key="order">Image</button></th>
<th aria-sort="none"><button data-key="score" data-first="descending">Score</button></th>
<th aria-sort="none"><button data-key="margin" data-first="descending">Margin</button></th>
<th>Page</th><th>Find</th><th>Heatmap</th></tr></thead>
<tbody>
"""

_TAIL = """</tbody>
</table>
<footer><p id="sum">{sum}</p></footer>
<script>
const body = document.querySelector("tbody"), rows = [...body.rows];
rows.forEach((row, n) => row.dataset.order = n);
document.querySelector("header").append(document.getElementById("sum"));
for (const button of document.querySelectorAll("th button")) button.onclick = () => {{
  const head = button.closest("th"), first = button.dataset.first || "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const way = head.ariaSort === first ? other : first;
  for (const th of document.querySelectorAll("th[aria-sort]")) th.ariaSort = "none";
  head.ariaSort = way;
  const sign = way === "ascending" ? 1 : -1, key = button.dataset.key;
  const value = row => row.dataset[key] === "" ? NaN : Number(row.dataset[key]);
  rows.sort((a, b) => {{
    const x = value(a), y = value(b);
    return isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) : sign * (x - y) || a.dataset.order - b.dataset.order;
  }});
  body.append(...rows);
}};
document.getElementById("only").onchange = e => document.documentElement.dataset.only = e.target.value;
document.addEventListener("keydown", e => {{
  const step = {{ArrowDown: 1, ArrowUp: -1}}[e.key];
  if (!step || e.target.tagName === "SELECT") return;
  const seen = [...body.rows].filter(row => row.offsetParent !== null);
  const next = seen[seen.indexOf(document.activeElement.closest("tbody tr")) + step];
  if (next) {{ next.focus(); e.preventDefault(); }}
}});
</script>
</body>
</html>
"""


class Report:
    """The page, written image by image; it appears whole when the run ends, however it ends.

    Parameters
    ----------
    path
        Of the HTML file.
    **opening
        How `load_image` opens images, for records whose pictures must be made again.

    Raises
    ------
    FileError
        It cannot be written.
    """

    def __init__(self, path: str, **opening: Any) -> None:
        self._opening = opening
        self._path = path
        self._folder = os.path.dirname(os.path.abspath(path))
        self._whole: AbstractContextManager[BinaryIO] = write_atomically(path)
        self._counts = {"found": 0, "nothing": 0, "failed": 0}

    def __enter__(self) -> Self:
        self._file = self._whole.__enter__()
        self._put(_HEAD)
        return self

    def __exit__(self, *_: object) -> None:
        counts = self._counts
        total = (
            f"{sum(counts.values())} images: {counts['found']} with a find,"
            f" {counts['nothing']} without, {counts['failed']} failed"
        )
        try:
            self._put(_TAIL.format(sum=total))
        except FileError as e:  # nothing half written is left
            self._whole.__exit__(FileError, e, e.__traceback__)
            raise
        self._whole.__exit__(None, None, None)

    def add(self, record: Record) -> Record:
        """Add an image; what a record from an earlier run lacks in pictures is made now."""
        state = (
            "failed" if record.detections is None else "found" if record.detections else "nothing"
        )
        self._counts[state] += 1
        best = record.detections[0] if record.detections else None
        pictures = record.pictures or self._made_again(record) or Pictures(b"", b"", b"")
        score = "" if best is None else f"{best.score:.6g}"
        margin = "" if record.margin is None else f"{record.margin:.6g}"
        cells = (
            f'<td class="path">{self._link(record.path, show(record.path))}<p>{_note(record)}</p></td>'
            f'<td class="number">{score}</td><td class="number">{margin}</td>'
            f"<td>{_image(pictures.page, 'the page')}</td><td>{_image(pictures.find, 'the find')}</td>"
            f"<td>{self._link(record.heatmap, _image(pictures.heatmap, 'its heatmap'), html=True)}</td>"
        )
        row = f'<tr class="{state}" tabindex="0" data-score="{score}" data-margin="{margin}">{cells}</tr>\n'
        self._put(row)
        return record

    def _put(self, text: str) -> None:
        try:
            self._file.write(text.encode())
            self._file.flush()
        except OSError as e:
            raise FileError(f"cannot write: {reason(e)}", path=self._path) from None

    def _link(self, path: str | None, text: str, *, html: bool = False) -> str:
        inner = text if html else escape(text)
        if path is None or path == STDIN or not inner:
            return inner
        if is_url(path):
            return f'<a href="{escape(path)}">{inner}</a>' if path.startswith("http") else inner
        target = quote(os.fsencode(os.path.relpath(path, self._folder)))
        return f'<a href="{target}">{inner}</a>'

    def _made_again(self, record: Record) -> Pictures | None:
        if record.detections is None or record.heatmap is None or record.path == STDIN:
            return None
        from waldo_cli.images.load import load_image

        try:
            source: str | bytes = record.path
            if is_url(record.path):
                source = fetch(record.path, self._opening["max_pixels"])
            image = load_image(source, **self._opening)
            return pictures(image, bytes_of(load_image(record.heatmap)), record.detections)
        except WaldoError:
            return None


def _image(data: bytes, what: str) -> str:
    if not data:
        return ""
    return f'<img alt="{what}" src="data:image/jpeg;base64,{b64encode(data).decode()}">'


def _note(record: Record) -> str:
    if record.error is not None:
        return escape(show(record.error))
    size = f"{record.width} &times; {record.height}"
    if not record.detections:
        return f"nothing found, {size}"
    best = record.detections[0]
    more = f" and {len(record.detections) - 1} more" if len(record.detections) > 1 else ""
    return f"{escape(show(best.label))} at {best.x:g}, {best.y:g}{more}, {size}"
