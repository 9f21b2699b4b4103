"""The pieces of an HTML page that needs no other file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from waldo_cli.files import HTML_MARK
from waldo_cli.geometry import Box
from waldo_cli.images.png import encode_png

if TYPE_CHECKING:
    from waldo_cli.arrays import Bytes

STYLE = Path(__file__).with_name("style.css")


def data_url(picture: Bytes) -> str:
    """A picture as a PNG inside a URL."""
    return "data:image/png;base64," + b64encode(b"".join(encode_png(picture))).decode()


class Figure(NamedTuple):
    """A picture with its caption.

    Attributes
    ----------
    picture
        ``(H, W, 3)`` uint8.
    caption
        A line of text.
    kind
        Classes of the style: ``small``, ``wide``, and ``centred`` where its middle is to be ringed.
    alt
        What it is a picture of, for who does not see it; the caption, which is read to them, says the rest.
    """

    picture: Bytes
    caption: str
    kind: str = "small"
    alt: str = "map"


def figure(shown: Figure) -> str:
    """A figure as HTML, its picture in it."""
    return (
        f'<figure class="{shown.kind}"><img src="{data_url(shown.picture)}" alt="{escape(shown.alt)}">'
        f"<figcaption>{escape(shown.caption)}</figcaption></figure>"
    )


def paragraph(line: str) -> str:
    """A line of text."""
    return f"<p>{escape(line)}</p>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is its head."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows[1:])
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def moved(html: str, name: str) -> str:
    """What may be wider than a screen, in a box of its own that is moved by touch and by keys."""
    return f'<div class="moved" role="region" tabindex="0" aria-label="{escape(name)}">{html}</div>'


def rectangle(box: Box, kind: str) -> str:
    """A box as SVG; `kind` is its class in the style."""
    return f'<rect class="{kind}" x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}"/>'


# The page needs nothing from outside, and whatever a name in it says is not run.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title: str, sections: Iterable[str]) -> str:
    """The whole page."""
    body = "\n".join(sections)
    style = STYLE.read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{HTML_MARK.decode()}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{escape(title)}</title>'
        f"<style>\n{style}</style></head>\n<body>\n<header><h1>{escape(title)}</h1></header>\n"
        f"<main>\n{body}\n</main>\n</body></html>\n"
    )
