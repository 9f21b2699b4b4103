"""One image in a report: its name, what was found, and small pictures with the finds framed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from html import escape

from waldo_cli.answers.record import Pictures, Record
from waldo_cli.files import show
from waldo_cli.geometry import Box, Detection
from waldo_cli.show.thumbnails import WHOLE, around

# More finds than these are listed behind a line that opens the list.
OPEN_LIST = 5

# A find is framed at no smaller size in the picture of the whole image: so many of its pixels.
LEAST_FRAME = 8


def state_of(record: Record) -> str:
    """What the page filters by."""
    if record.detections is None:
        return "failed"
    return "found" if record.detections else "nothing"


def entry(
    record: Record, small: Pictures, name: str, to_heatmap: Callable[[str], str], listed: int
) -> str:
    """An image as an element of the list.

    Parameters
    ----------
    record
        What is told.
    small
        Its pictures; empty ones are left out.
    name
        The name of the image, as HTML.
    to_heatmap
        Makes a piece of HTML a link to the heatmap.
    listed
        At most so many finds are framed and listed; the others are counted.
    """
    finds = (record.detections or ())[:listed]
    best = finds[0] if finds else None
    score = "" if best is None else f"{best.score:.6g}"
    margin = "" if record.margin is None else f"{record.margin:.6g}"
    return (
        f'<li class="{state_of(record)}" tabindex="-1" data-score="{score}" data-margin="{margin}">\n'
        f"<h2>{name}</h2>\n{_notes(record)}{_pictures(record, small, to_heatmap, finds)}"
        f"{_list(finds, len(record.detections or ()))}</li>\n"
    )


def _notes(record: Record) -> str:
    """Size, turn and outcome; what went wrong."""
    notes = []
    if record.detections is not None:
        notes.append(f"{record.width} × {record.height} pixels")
        if record.turned:
            notes.append(f"searched turned by {record.turned} degrees clockwise")
        if not record.detections:
            notes.append("nothing found" + _best_place(record.best))
        if record.margin is not None:
            notes.append(f"margin {record.margin:.4g}")
    lines = f"<p>{escape('; '.join(notes))}</p>\n" if notes else ""
    if record.error is not None:
        lines += f'<p class="error">{escape(show(record.error))}</p>\n'
    return lines


def _best_place(best: Detection | None) -> str:
    if best is None:
        return ""
    return f", best is {show(best.label)} at {best.x:g}, {best.y:g} with score {best.score:.4g}"


def _pictures(
    record: Record,
    small: Pictures,
    to_heatmap: Callable[[str], str],
    finds: tuple[Detection, ...],
) -> str:
    """The image, its best find and its heatmap."""
    width, height = record.width or 1, record.height or 1
    whole = (0, 0, width, height)
    figures = []
    if small.page:
        frames = _frames(whole, finds, LEAST_FRAME * max(width, height) / WHOLE)
        what = f"The image, {_count(len(finds))} framed" if finds else "The image"
        figures.append(_figure(_image(small.page, what) + frames, "Image"))
    if small.find and finds:
        what = f"The best find, {show(finds[0].label)}, and what is around it"
        frames = _frames(around(finds[0], whole), finds, 0)
        figures.append(_figure(_image(small.find, what) + frames, "Best find"))
    if small.heatmap:
        linked = to_heatmap(_image(small.heatmap, "Its heatmap"))
        figures.append(_figure(linked, "Heatmap"))
    elif record.heatmap is not None:
        figures.append(f"<p>{to_heatmap('heatmap')}</p>\n")
    return f'<div class="pictures">\n{"".join(figures)}</div>\n' if figures else ""


def _figure(drawn: str, caption: str) -> str:
    return f'<figure><div class="drawn">{drawn}</div><figcaption>{caption}</figcaption></figure>\n'


def _image(data: bytes, what: str) -> str:
    source = f"data:image/jpeg;base64,{b64encode(data).decode()}"
    return f'<img loading="lazy" decoding="async" alt="{escape(what)}" src="{source}">'


def _frames(part: tuple[int, int, int, int], finds: Iterable[Detection], least: float) -> str:
    """The finds in a part of the image (left, top, right, bottom), each at least so large."""
    left, top, right, bottom = part
    shapes = [_frame(found, least, "first" if n == 0 else "") for n, found in enumerate(finds)]
    if not shapes:
        return ""
    # The best lies on top.
    return (
        f'<svg aria-hidden="true" preserveAspectRatio="none" viewBox="{left} {top} {right - left}'
        f' {bottom - top}">{"".join(reversed(shapes))}</svg>'
    )


def _frame(found: Detection, least: float, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    if found.polygon is not None and min(found.box.width, found.box.height) >= least:
        corners = " ".join(f"{x:g},{y:g}" for x, y in found.polygon)
        return f'<polygon{named} points="{corners}"/>'
    box = _grown(found.box, least)
    return "<rect{} x='{:g}' y='{:g}' width='{:g}' height='{:g}'/>".format(named, *box)


def _grown(box: Box, least: float) -> tuple[float, float, float, float]:
    width, height = max(least, box.width), max(least, box.height)
    return (
        box.left - (width - box.width) / 2,
        box.top - (height - box.height) / 2,
        width,
        height,
    )


def _count(number: int) -> str:
    return "1 find" if number == 1 else f"{number} finds"


def _list(finds: tuple[Detection, ...], count: int) -> str:
    """All finds as a table: label, score, place, size, and how they lie."""
    if not finds:
        return ""
    columns: list[tuple[str, Callable[[Detection], str]]] = [
        ("Label", lambda d: show(d.label)),
        ("Score", lambda d: f"{d.score:.4f}"),
        ("Place", lambda d: f"{d.x:g}, {d.y:g}"),
        ("Size", lambda d: f"{d.box.width} × {d.box.height}"),
    ]
    if any(d.polygon is not None for d in finds):
        columns.append(("Turned", _lie))
    head = "".join(f'<th scope="col">{name}</th>' for name, _ in columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(text(d))}</td>' for _, text in columns)}</tr>\n" for d in finds
    )
    table = (
        f'<table aria-label="Finds"><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n'
    )
    if len(finds) > OPEN_LIST:
        table = f"<details><summary>{_count(len(finds))}</summary>\n{table}</details>\n"
    if count > len(finds):
        table += (
            f"<p>and {_count(count - len(finds))} more, not listed to keep this page small</p>\n"
        )
    return table


def _lie(found: Detection) -> str:
    return f"{found.angle:g}°" + ", mirrored" * found.mirrored
