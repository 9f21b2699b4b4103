"""What a training measured: the calibration, and the content of ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from waldo_cli.evaluation.figures import Summary, area_under_curve, summarize
from waldo_cli.evaluation.judge import PageScore
from waldo_cli.training.calibrate import Calibration, calibrate
from waldo_cli.training.held_out import SIZES, Fold
from waldo_cli.training.looks import Steps
from waldo_cli.training.network import Classes

# How many of the places that it was least sure of are told.
LEAST_SURE = 24


# The threshold is so high that less than this share of pages without what is sought has a false alarm: of
# pages on which it is looked for, and of pictures of anything else.
ALARM_RATE = 1 / 20
ALARM_RATE_ELSEWHERE = 1 / 300


def calibration_of(folds: Sequence[Fold]) -> Calibration:
    """The calibration from the held-out pages of all folds together."""

    def best_scores(*kinds: str) -> list[float]:
        return [s.best for f in folds for kind in kinds for s in f.pages.get(kind, [])]

    absent = [
        (best_scores("painted", "without"), ALARM_RATE),
        (best_scores("picture"), ALARM_RATE_ELSEWHERE),
    ]
    return calibrate([find for f in folds for find in _best_finds(f)], absent)


def _best_finds(fold: Fold) -> list[tuple[float, bool]]:
    """Score of the best find, and whether it is what is sought, of each page at its own size.

    Includes pages without Waldo, but not those without any find.
    """
    pages = [
        s
        for kind, scores in fold.pages.items()
        if kind not in SIZES and not kind.startswith("class ")
        for s in scores
    ]
    return [(s.scores[0], s.hits[0]) for s in pages if s.scores]


def report_of(
    settings: dict[str, Any],
    classes: Classes,
    plan: Steps,
    folds: Sequence[Fold],
    calibration: Calibration,
) -> dict[str, Any]:
    """The content of ``report.json``: settings, and results with calibrated scores."""

    def calibrated_score(score: PageScore) -> PageScore:
        return replace(score, scores=tuple(calibration(s) for s in score.scores))

    by_kind: dict[str, list[PageScore]] = {}
    rows = []
    for fold in folds:
        for kind, scores in fold.pages.items():
            by_kind.setdefault(kind, []).extend(calibrated_score(s) for s in scores)
            rows += [
                {
                    "fold": fold.number,
                    "kind": kind,
                    "page": s.name,
                    "rank": s.rank,
                    "heights": s.heights,
                    "score": round(calibration(s.best), 4) if s.scores else None,
                }
                for s in scores
            ]
    report: dict[str, Any] = {
        "settings": settings,
        "classes": asdict(classes),
        "steps": asdict(plan),
        "calibration": asdict(calibration),
        "pages": rows,
    }
    if folds:
        absent = [*by_kind.get("painted", []), *by_kind.get("without", [])]
        present = by_kind.get("page", [])
        summary: Summary = summarize([*present, *absent], calibration.threshold)
        report["summary"] = asdict(summary)
        for kind in sorted(by_kind.keys() - {"page", "painted", "without"}):
            report[kind] = asdict(summarize(by_kind[kind], calibration.threshold))
        # How well scores separate pages from the same pages without what is sought.
        report["auc_painted_over"] = area_under_curve(
            [s.best for s in present], [s.best for s in by_kind.get("painted", [])]
        )
        report["least_sure"] = least_sure(folds, calibration)
    return report


def least_sure(folds: Sequence[Fold], calibration: Calibration) -> list[dict[str, Any]]:
    """The places of held-out pages whose probability is nearest to one half: pages like these to label next.

    One place for each page.
    """
    unsure: dict[str, tuple[float, dict[str, Any]]] = {}
    for fold in folds:
        for place in fold.places:
            score = calibration(place.score)
            row = {"page": place.page, "box": list(place.box), "score": round(score, 4)}
            apart = abs(score - 0.5)
            if apart < unsure.get(place.page, (1.0, {}))[0]:
                unsure[place.page] = apart, row | {"hit": place.hit}
    ordered = sorted(unsure.values(), key=lambda pair: (pair[0], pair[1]["page"]))
    return [row for _, row in ordered[:LEAST_SURE]]
