"""An answer in a notebook: the image with its boxes, and a table of the finds."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from waldo_cli.files import show
from waldo_cli.geometry import Detection
from waldo_cli.show.html import paragraph, table
from waldo_cli.show.thumbnails import jpeg

if TYPE_CHECKING:
    from waldo_cli.arrays import Bytes

PICTURE = 640  # longest side of the picture, in pixels
MOST_ROWS = 20  # of the table


def result_html(
    picture: Bytes,
    detections: Sequence[Detection],
    best: Detection | None,
    labels: Sequence[str],
) -> str:
    """The answer for an image as a piece of HTML that needs nothing else.

    Parameters
    ----------
    picture
        ``(H, W, 3)`` uint8, the image with its finds drawn in.
    detections
        Best first.
    best
        The best place, for an answer without finds.
    labels
        What was looked for.
    """
    height, width = picture.shape[:2]
    if detections:
        count = len(detections)
        line = "1 find" if count == 1 else f"{count} finds"
    else:
        line = f"nothing found of {', '.join(map(show, labels))}"
        if best is not None:
            line += (
                f"; best is {show(best.label)} at {best.x:g}, {best.y:g}, score {best.score:.4g}"
            )
    line = f"{width} × {height} pixels: {line}"
    data = jpeg(picture, (0, 0, width, height), min(PICTURE, max(width, height)))
    source = f"data:image/jpeg;base64,{b64encode(data).decode()}"
    rows: list[tuple[str, ...]] = [("label", "score", "x", "y", "left", "top", "width", "height")]
    for d in detections[:MOST_ROWS]:
        box = map(str, d.box)
        rows.append((show(d.label), f"{d.score:.4f}", f"{d.x:g}", f"{d.y:g}", *box))
    pieces = [f'<img src="{source}" alt="{escape(line)}">', paragraph(line)]
    if detections:
        pieces.append(table(rows))
    if len(detections) > MOST_ROWS:
        pieces.append(paragraph(f"and {len(detections) - MOST_ROWS} more"))
    return f"<div>{''.join(pieces)}</div>"
