"""What a training has measured: the tables of docs/accuracy.md, in Markdown.

``python docs/figures/accuracy.py RUN`` reads what ``waldo train -o RUN`` keeps of its folds. Every figure is
of held-out pages, with scores calibrated as those of the release are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from waldo_cli.evaluation.figures import area_under_curve, reliability, summarize
from waldo_cli.evaluation.judge import PageScore
from waldo_cli.training.held_out import SIZES, stored_fold
from waldo_cli.training.report import calibration_of

WITHOUT = ("painted", "without", "picture")  # kinds of pages that do not show what is sought
NAMES = {"page": "pages", "painted": "pages, painted over", "without": "pages without him"}


def main() -> None:
    """Print all tables."""
    run = Path(sys.argv[1])
    folds = [
        stored_fold(path, int(path.parent.name[4:]))
        for path in sorted(run.glob("fold*/scores.json"))
    ]
    calibration = calibration_of(folds)
    by_kind: dict[str, list[PageScore]] = {}
    rows = []
    for fold in folds:
        for kind, scores in fold.pages.items():
            for score in scores:
                told = replace(score, scores=tuple(map(calibration, score.scores)))
                by_kind.setdefault(kind, []).append(told)
                rows.append((fold.number, kind, told))
    out = sys.stdout.write
    out(f"{len(folds)} folds, {calibration}\n\n")
    out(_table(_kinds(by_kind, calibration.threshold)))
    out("\n" + _table(_reliabilities(by_kind)))
    out("\n" + _table(_heights(by_kind["page"], calibration.threshold)))
    out("\n" + _table(_pages(rows)))


def _table(rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; the first row is its head."""
    head, *body = [[str(cell) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _kinds(by_kind: dict[str, list[PageScore]], threshold: float) -> Iterable[Sequence[object]]:
    yield "held out", "pictures", "first", "among five", "found", "false finds", "AP50", "mean IoU"
    for kind, scores in by_kind.items():
        s = summarize(scores, threshold)
        name = NAMES.get(kind, kind)
        if kind in WITHOUT:
            yield name, len(scores), "", "", "", s.alarmed_pages_without, "", ""
            continue
        ap, iou = (f"{v:.2f}" if v is not None else "" for v in (s.coco_ap50, s.mean_iou))
        yield name, len(scores), s.top1, s.top5, s.found, s.false_alarms, ap, iou
    pages, painted = by_kind["page"], by_kind["painted"]
    auc = area_under_curve([s.best for s in pages], [s.best for s in painted])
    yield f"page against painted page: AUC {auc:.3f}", *[""] * 7


def _reliabilities(by_kind: dict[str, list[PageScore]]) -> Iterable[Sequence[object]]:
    """Mean score and share of hits of each tenth, and the mean difference, of the best finds."""
    own_size = {k: v for k, v in by_kind.items() if k not in SIZES and not k.startswith("class ")}
    groups = {
        "pages and scans": [
            *(own_size[k] for k in own_size if k not in (*WITHOUT, "phone photo")),
            own_size.get("painted", []),
            own_size.get("without", []),
        ],
        "all kinds": list(own_size.values()),
    }
    tables = {
        name: reliability([(s.scores[0], s.hits[0]) for g in group for s in g if s.scores])
        for name, group in groups.items()
    }
    yield "score", *(f"{name}: best finds, of them hits" for name in tables)
    for rows in zip(*tables.values(), strict=True):
        cells = [
            f"{r['finds']}, {round(r['finds'] * r['hits'])}" if r["finds"] else "0" for r in rows
        ]
        yield f"{rows[0]['from']:.1f} to {rows[0]['to']:.1f}", *cells
    yield "mean error", *(f"{_error(table):.3f}" for table in tables.values())


def _error(table: Sequence[dict[str, float]]) -> float:
    """Expected calibration error: the mean of the bins' differences, weighted by their finds."""
    filled = [row for row in table if row["finds"]]
    total = sum(row["finds"] for row in filled)
    return sum(row["finds"] * abs(row["score"] - row["hits"]) for row in filled) / total


def _heights(pages: list[PageScore], threshold: float) -> Iterable[Sequence[object]]:
    yield "head, px", "boxes", "first", "among five"
    for row in summarize(pages, threshold).by_height:
        to = "and more" if row["to"] is None else f"to {row['to']}"
        yield f"{row['from']} {to}", row["boxes"], row["top1"], row["top5"]


def _pages(rows: Sequence[tuple[int, str, PageScore]]) -> Iterable[Sequence[object]]:
    yield "fold", "page", "kind", "rank", "score of the best find"
    for number, kind, score in rows:
        if kind in SIZES or kind.startswith("class ") or (kind in WITHOUT and score.best < 0.1):
            continue
        best = f"{score.best:.2f}" if math.isfinite(score.best) else ""
        yield number, score.name, NAMES.get(kind, kind), score.rank or "", best


if __name__ == "__main__":
    main()
