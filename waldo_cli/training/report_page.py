"""``report.html`` of a training: curves, held-out finds and misses, and how far scores can be trusted.

One file with its pictures in it. Pictures are cut out of the pages, which a training holds in memory.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from waldo_cli.files import show
from waldo_cli.show.html import document, paragraph, table
from waldo_cli.show.thumbnails import jpeg
from waldo_cli.training.calibrate import Calibration
from waldo_cli.training.data import Head, TrainingPage
from waldo_cli.training.held_out import Fold, Place
from waldo_cli.training.progress import Losses

# Side of a picture of a place, in pixels; how much of the page it shows, in sizes of the object; and how many
# pictures the page has at most, so that a browser opens it within seconds.
_CROP, _AROUND = 128, 3.0
_MOST_PICTURES = 400

# Up to which place finds are counted.
_RANKS = 10

# Size of a chart, and the room around it for numbers, in units of its SVG.
_WIDE, _HIGH, _ROOM = 420, 220, 45

Points = Sequence[tuple[float, float]]


def page_of(
    report: Mapping[str, Any],
    losses: Losses,
    pages: Sequence[TrainingPage],
    folds: Sequence[Fold],
    calibration: Calibration,
) -> str:
    """The page, from the content of ``report.json`` and what it was made of."""
    by_name = {page.name: page for page in pages}
    label = report["classes"]["names"][0]
    sections = [*_sum(report)]
    if report.get("curve"):
        sections += _learning_curve(report["curve"])
    if folds:
        sections += _first_places(folds)
        sections += _reliability(report["summary"]["reliability"])
        sections += _least_sure(report["least_sure"], by_name)
        sections += _held_out(folds, by_name, calibration)
    sections += _losses(losses)
    return document(f"How {show(label)} was learned", sections)


def _sum(report: Mapping[str, Any]) -> Iterator[str]:
    rows = [("", "pages")]
    if "summary" in report:
        summary = report["summary"]
        rows += [
            ("held out", f"{summary['pages_with']}"),
            ("it came first", f"{summary['top1']}"),
            ("among the first five", f"{summary['top5']}"),
            ("threshold", f"{summary['threshold']:g}"),
            ("found at the threshold", f"{summary['found']}"),
            ("false alarms", f"{summary['false_alarms']}"),
            ("pages without it, or with it painted over", f"{summary['pages_without']}"),
            ("of these with a false alarm", f"{summary['alarmed_pages_without']}"),
        ]
        yield table(rows)
    else:
        yield paragraph(
            "There was no cross-validation, so nothing is known of pages it has not seen: its order of the"
            " finds holds, but its scores are no probabilities, and the threshold of 0.5 was not chosen by"
            " false alarms."
        )
    for one, other in report["same_pictures"]:
        yield paragraph(
            f"{show(one)} and {show(other)} show the same picture:"
            " where one is learned from, the other is no test."
        )


def _learning_curve(curve: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Would more pages help?</h2>"
    rates = [(p["drawings"], p["first"] / max(1, p["judged"])) for p in curve["points"]]
    between = [[(p["drawings"], p["low"]), (p["drawings"], p["high"])] for p in curve["points"]]
    twice = curve["doubled"]
    lines = {"": rates}
    if twice is not None:
        between.append([(twice["drawings"], twice["low"]), (twice["drawings"], twice["high"])])
        lines["expected"] = [rates[-1], (twice["drawings"], twice["share"])]
    yield _chart("Share of held-out pages on which it came first, against the artworks learned from",
                 lines, top=1.0, bars=between)  # fmt: skip
    for line in curve["lines"]:
        yield paragraph(line)


def _first_places(folds: Sequence[Fold]) -> Iterator[str]:
    ranks = [s.rank for fold in folds for s in fold.pages.get("page", [])]
    if not ranks:
        return
    shares = [
        (float(k), sum(r is not None and r <= k for r in ranks) / len(ranks))
        for k in range(1, _RANKS + 1)
    ]
    yield "<h2>First places</h2>"
    yield _chart(f"Share of {len(ranks)} held-out pages on which it is among the best so many finds",
                 {"": shares}, top=1.0)  # fmt: skip


def _reliability(tables: Mapping[str, Sequence[Mapping[str, Any]]] | None) -> Iterator[str]:
    if tables is None:
        return
    rows = [row for row in tables["best"] if row["finds"]]
    yield "<h2>Can its scores be trusted?</h2>"
    yield _chart(
        "Share of best finds that were right, against their score; on the line both are equal",
        {"equal": [(0.0, 0.0), (1.0, 1.0)]},
        top=1.0,
        dots=[(row["score"], row["hits"], math.sqrt(row["finds"])) for row in rows],
    )
    yield table(
        [
            ("score", "finds", "right"),
            *(
                (f"{row['from']:.1f} to {row['to']:.1f}", f"{row['finds']}", f"{row['hits']:.0%}")
                for row in rows
            ),
        ]
    )


def _least_sure(
    rows: Sequence[Mapping[str, Any]], pages: Mapping[str, TrainingPage]
) -> Iterator[str]:
    if not rows:
        return
    yield "<h2>What to label next</h2>"
    yield paragraph("Pages like these: at these places it was least sure, the least sure first.")
    for row in rows:
        said = "right" if row["hit"] else "wrong"
        yield _picture(
            pages[row["page"]], row["box"], f"{show(row['page'])}: {row['score']:.2f}, {said}", said
        )


def _held_out(
    folds: Sequence[Fold], pages: Mapping[str, TrainingPage], calibration: Calibration
) -> Iterator[str]:
    """The misses, then the finds, the least sure first."""
    best: dict[str, Place] = {}
    right: dict[str, Place] = {}
    for place in (place for fold in folds for place in fold.places):
        best.setdefault(place.page, place)
        if place.hit:
            right.setdefault(place.page, place)
    scores = [s for fold in folds for s in fold.pages.get("page", [])]
    missed = [s for s in scores if s.rank != 1]
    found = sorted(
        (s for s in scores if s.rank == 1 and s.name in right), key=lambda s: (s.best, s.name)
    )
    left = _MOST_PICTURES
    yield "<h2>Held-out pages on which it did not come first</h2>"
    if not missed:
        yield paragraph("None.")
    told = missed[: _MOST_PICTURES // 2]
    for score in told:
        page = pages[score.name]
        rank = "not found" if score.rank is None else f"place {score.rank}"
        for head in (h for h in page.heads if h.label == 0):
            yield _picture(page, _box_of(head), f"{show(score.name)}: here, {rank}", "missed")
            left -= 1
        if score.name in best:
            place = best[score.name]
            yield _picture(
                page, place.box, f"taken for it, {calibration(place.score):.2f}", "wrong"
            )
            left -= 1
    yield "<h2>Held-out pages on which it came first</h2>"
    shown = found[: max(0, left)]
    for score in shown:
        place = right[score.name]
        yield _picture(
            pages[score.name],
            place.box,
            f"{show(score.name)}: {calibration(place.score):.2f}",
            "right",
        )
    hidden = len(found) - len(shown) + len(missed) - len(told)
    if hidden > 0:
        yield paragraph(f"{hidden} more are not shown, to keep this page small.")


def _losses(losses: Losses) -> Iterator[str]:
    """A chart for each network, with a line for each part of the training."""
    charts: dict[str, dict[str, Points]] = {}
    for part, networks in losses.items():
        for network, rows in networks.items():
            if len(rows) > 1:
                charts.setdefault(network, {})[part] = [(float(s), loss) for s, loss in rows]
    if charts:
        yield "<h2>Losses</h2>"
    for network, lines in charts.items():
        yield _chart(f"{network}: loss against steps, of {', '.join(lines)}", lines)


def _box_of(head: Head) -> tuple[float, float, float, float]:
    return head.left, head.top, head.right - head.left, head.bottom - head.top


def _picture(page: TrainingPage, box: Sequence[float], caption: str, kind: str) -> str:
    """A place of a page with its surroundings, and a line of text."""
    left, top, width, height = box
    half = _AROUND * max(width, height, 8.0) / 2
    x, y = left + width / 2, top + height / 2
    rows, cols = page.pixels.shape[:2]
    seen = (
        max(0, math.floor(x - half)),
        max(0, math.floor(y - half)),
        min(cols, math.ceil(x + half)),
        min(rows, math.ceil(y + half)),
    )
    data = b64encode(jpeg(page.pixels, seen, _CROP)).decode()
    return (
        f'<figure class="place {kind}"><img src="data:image/jpeg;base64,{data}" alt="">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _chart(
    caption: str,
    lines: Mapping[str, Points],
    *,
    top: float | None = None,
    bars: Sequence[Points] = (),
    dots: Sequence[tuple[float, float, float]] = (),
) -> str:
    """Lines over numbers as SVG, with vertical bars and dots of a radius; the left and lower ends are 0."""
    every = [p for line in (*lines.values(), *bars) for p in line] + [(x, y) for x, y, _ in dots]
    right = max(x for x, _ in every) or 1.0
    top = top or max(y for _, y in every) or 1.0

    def at(point: tuple[float, float]) -> str:
        return f"{_ROOM + point[0] / right * _WIDE:.1f},{_HIGH - point[1] / top * _HIGH + 10:.1f}"

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = at((share * right, share * top)).split(",")
        parts.append(f'<path class="grid" d="M{_ROOM},{y}h{_WIDE}"/>')
        parts.append(f'<text x="{_ROOM - 5}" y="{y}" text-anchor="end">{share * top:.3g}</text>')
        parts.append(
            f'<text x="{x}" y="{_HIGH + 28}" text-anchor="middle">{share * right:.3g}</text>'
        )
    for line in bars:
        parts.append(f'<polyline class="bar" points="{" ".join(map(at, line))}"/>')
    for name, line in lines.items():
        corners, title = " ".join(map(at, line)), f"<title>{escape(name)}</title>"
        parts.append(f'<polyline class="line" points="{corners}">{title}</polyline>')
    for x_, y_, radius in dots:
        cx, cy = at((x_, y_)).split(",")
        parts.append(f'<circle class="dot" cx="{cx}" cy="{cy}" r="{min(14.0, 2 + radius):.1f}"/>')
    return (
        f'<figure class="wide chart"><svg viewBox="0 0 {_WIDE + _ROOM + 15} {_HIGH + 35}" role="img">'
        f"{''.join(parts)}</svg><figcaption>{escape(caption)}</figcaption></figure>"
    )
