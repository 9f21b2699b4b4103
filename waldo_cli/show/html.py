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
    """

    picture: Bytes
    caption: str
    kind: str = "small"


def figure(shown: Figure) -> str:
    """A figure as HTML, its picture in it."""
    return (
        f'<figure class="{shown.kind}"><img src="{data_url(shown.picture)}" alt="">'
        f"<figcaption>{escape(shown.caption)}</figcaption></figure>"
    )


def paragraph(line: str) -> str:
    """A line of text."""
    return f"<p>{escape(line)}</p>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is its head."""
    head, *body = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><tr>{head.replace('td>', 'th>')}</tr>{lines}</table>"


def rectangle(box: Box, kind: str) -> str:
    """A box as SVG; `kind` is its class in the style."""
    return f'<rect class="{kind}" x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}"/>'


def document(title: str, sections: Iterable[str]) -> str:
    """The whole page."""
    body = "\n".join(sections)
    style = STYLE.read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{HTML_MARK.decode()}'
        f"<title>{escape(title)}</title>"
        f"<style>\n{style}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
