"""``waldo evaluate PAGES --truth boxes.csv``: how good the finds are.

In the formats table and csv the row of each page is printed as soon as it is known; the table ends with a
summary. JSON is one object, printed after the last page.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from waldo_cli.answers.streams import escape_formula
from waldo_cli.cli import options
from waldo_cli.cli.faults import Faults, tell, told_masks
from waldo_cli.cli.memory import Computing
from waldo_cli.files import show

if TYPE_CHECKING:
    from waldo_cli.detector.search import Search
    from waldo_cli.evaluation.figures import Summary
    from waldo_cli.evaluation.judge import PageScore
    from waldo_cli.evaluation.pages import Page, TruthPixels

PAGE_COLUMNS = ("page", "rank", "score", "found", "false_alarms", "seconds")

EXAMPLES = """\
\b
Examples:
  waldo evaluate pages --truth boxes.csv
      Ranks, average precision and false alarms of the built-in stack.
  waldo evaluate pages --truth boxes.csv --stack run/waldo.toml -f json
      The same of a stack that was learned, for a program.
  waldo evaluate shots --truth shots.coco.json --mask icons --label trash
      How well the pictures of trash in the folder icons are found.
"""


@click.command(cls=Computing, epilog=EXAMPLES)
@click.argument("pages", type=options.PLACE, metavar="PAGES")
@click.option(
    "--truth",
    required=True,
    type=options.PLACE,
    metavar="FILE|DIR",
    help=options.TRUTH_HELP,
)
@click.option(
    "--without",
    multiple=True,
    type=options.PLACE,
    metavar="DIR",
    help="A folder of further pages that show no one who is sought. Repeatable.",
)
@click.option(
    "--unlisted",
    is_flag=True,
    help="Pictures in PAGES that the truth does not name are pages without him, too.",
)
@click.option(
    "--label", metavar="NAME", help="Class of the boxes sought.  [default: the stack's first label]"
)
@options.stack
@options.mask(
    "The picture to look for, or a folder of them. Repeatable: where some have the class that is sought as"
    " their LABEL (the file's stem), those are looked for, else all; the best of overlapping finds counts."
)
@options.scales
@options.turns
@options.score
@options.max_overlap
@options.top(100, click.IntRange(1))
@options.threshold("For what is found and for false alarms.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="csv has a row for each page; json has everything.",
)
@options.truth_pixels
@options.max_pixels
@options.max_seconds
@options.allow_truncated
@options.debug
@click.pass_context
def evaluate(
    ctx: click.Context,
    pages: str,
    truth: str,
    without: tuple[str, ...],
    unlisted: bool,
    label: str | None,
    stack: str | None,
    masks: tuple[str, ...],
    scales: str,
    angles: str,
    mirror: bool,
    score: str,
    max_overlap: float,
    top: int,
    threshold: float | None,
    form: str,
    truth_pixels: TruthPixels | None,
    max_pixels: int | None,
    max_seconds: float,
    allow_truncated: bool,
    debug: bool,  # noqa: ARG001 - read by main
) -> None:
    """Look for him on the pages of the folder PAGES, whose boxes are known, and say how well it went.

    A find is a hit where its peak lies in the true box grown by half its width and half its height on
    each side. Finds in boxes of class LABEL_icon (printed portraits) or ignore, and in boxes that the truth
    sets aside (iscrowd of COCO, difficult of Pascal VOC), are neither hits nor false alarms. A page without
    a box of the class counts as a page without him.

    The rank is the place of the first hit, the score that of the best find: with --mask and without
    --threshold 1 less its chance, since that decides. Average precision is taken over the finds of all
    pages, with all-point interpolation; COCO's counts by the overlap (IoU) of the boxes; AUC compares the
    best scores of pages with him and pages without.

    What is wrong with a row of the truth or with a page is one line on standard error, and it is left out;
    files in the folders of --without and --unlisted that are no pictures are counted in one line.

    Exit status: 0 the pages were looked at, 2 an error or something left out, 130 Ctrl-C.
    """
    from waldo_cli.detector.search import Search
    from waldo_cli.errors import InvalidInputError, WaldoError
    from waldo_cli.evaluation.judge import score_page
    from waldo_cli.evaluation.pages import add_pages_without, assumption
    from waldo_cli.evaluation.truth import read_truth
    from waldo_cli.parallel import keep_freed_memory

    with Faults() as faults:
        listed = read_truth(truth, pages, faults.add)
        keep_freed_memory()
        given = Search.of_files(
            stack, told_masks(masks), None, scales, threshold, angles, mirror, score
        )
        sought = label or given.labels[0]
        _refuse_unknown_label(listed, sought, truth)
        search = given.for_class(sought)
        if label is None and len(search.labels) < len(given.labels):
            several = f"of {len(given.labels)} labels only {show(sought)} is sought"
            tell(f"waldo: {several} (--label)")
        threshold = search.limit  # the one given, or else the stack's own, or that of the verdict
        further = (*without, *([pages] if unlisted else []))
        add_pages_without(listed, further, lambda line: tell(f"waldo: {line}"))
        scored: list[PageScore] = []
        width = max(len(show(page.name)) for page in listed)  # of the first column
        if form != "json":
            click.echo(_row(PAGE_COLUMNS, form, width))
        for page in listed:
            try:
                judged = score_page(
                    page,
                    search,
                    sought,
                    top=top,
                    max_overlap=max_overlap,
                    max_pixels=max_pixels,
                    allow_truncated=allow_truncated,
                    max_seconds=max_seconds,
                    complain=faults.add,
                    truth_pixels=truth_pixels,
                )
            except WaldoError as e:
                e = e.at(str(page.path))
                if len(listed) == 1:
                    raise e from None  # this line says it all
                faults.add(e)
                continue
            scored.append(judged)
            if form != "json":
                click.echo(_row(_cells(judged, threshold), form, width))
    if assumed := [score.name for score in scored if score.is_turn_assumed]:
        tell(f"waldo: {assumption(assumed)}")
    if not scored:
        raise InvalidInputError("no page of it could be looked at", path=truth)
    _write_summary(scored, search, sought, top, threshold, form)
    ctx.exit(2 if faults.count else 0)


def _write_summary(
    scored: Sequence[PageScore],
    search: Search,
    sought: str,
    top: int,
    threshold: float | None,
    form: str,
) -> None:
    """Write what comes after the rows of the pages; in JSON that is everything."""
    from waldo_cli.evaluation.figures import summarize

    summary = summarize(scored, threshold)
    if form == "table":
        click.echo("\n" + _summary_text(summary, sought, top))
    elif form == "json":
        settings = {"schema": 1, "stack": search.stack.name, "label": sought, "top": top}
        rows = [dict(zip(PAGE_COLUMNS, _cells(score, threshold), strict=True)) for score in scored]
        click.echo(json.dumps(settings | asdict(summary) | {"pages": rows}, allow_nan=False))


def _refuse_unknown_label(listed: Sequence[Page], sought: str, truth: str) -> None:
    """Raise if the truth has no box of the class that is sought."""
    from waldo_cli.errors import InvalidInputError

    # Boxes that wait for the size of their page have a class as well.
    classes = {box.label for page in listed for box in page.boxes}
    classes |= {raw.box.label for page in listed for raw in page.raw}
    if sought not in classes:
        raise InvalidInputError(
            f"no box of class {sought!r}, there are {', '.join(sorted(classes)) or 'none'}: use --label",
            path=truth,
        )


def _cells(score: PageScore, threshold: float | None) -> tuple[Any, ...]:
    """Return the values of `PAGE_COLUMNS` for one page; None where a value is not defined."""
    return (
        score.name,
        score.rank,
        score.scores[0] if score.scores else None,
        None if threshold is None or not score.heights else score.found(threshold),
        None if threshold is None else score.false_alarms(threshold),
        round(score.seconds, 3),
    )


def _row(cells: Sequence[Any], form: str, width: int) -> str:
    """Return one line of CSV or of the table: column names or the values of a page."""
    if form == "csv":
        line = io.StringIO()
        # Booleans as true and false, as in JSON.
        csv.writer(line, lineterminator="").writerow(
            [
                escape_formula(c)
                if isinstance(c, str)
                else str(c).lower()
                if isinstance(c, bool)
                else c
                for c in cells
            ]
        )
        return show(line.getvalue())
    words = ["-" if c is None else ("no", "yes")[c] if isinstance(c, bool) else c for c in cells]
    name, *others = (f"{w:.3g}" if isinstance(w, float) else show(str(w)) for w in words)
    name = name.ljust(width)
    return "  ".join(
        [name, *(w.rjust(len(c)) for w, c in zip(others, PAGE_COLUMNS[1:], strict=True))]
    )


def _summary_text(s: Summary, label: str, top: int) -> str:
    """Return the summary as lines for a person; figures that are not defined are left out."""
    lines = [
        f"{s.pages_with} pages with {show(label)} ({s.boxes} boxes), {s.pages_without} without",
        f"top-1              {_share(s.top1, s.pages_with)}",
        f"top-5              {_share(s.top5, s.pages_with)}",
    ]
    if s.average_precision is not None:
        lines.append(f"average precision  {s.average_precision:.3f} (up to {top} finds a page)")
    if s.coco_ap50 is not None and s.coco_ap is not None:
        lines.append(
            f"COCO AP            {s.coco_ap50:.3f} at IoU 0.5, {s.coco_ap:.3f} at 0.5:0.95"
        )
    if s.mean_iou is not None:
        lines.append(f"IoU of first hits  {s.mean_iou:.3f} on average")
    if s.threshold is not None and s.false_alarms is not None:
        pages = s.pages_with + s.pages_without
        lines.append(f"found at {s.threshold:<8.3g}  {_share(s.found or 0, s.pages_with)}")
        lines.append(f"false alarms       {s.false_alarms}, {s.false_alarms / pages:.2f} a page")
        if s.pages_without:
            lines.append(
                f"  on pages without {_share(s.alarmed_pages_without or 0, s.pages_without)}"
            )
    if s.auc is not None:
        lines.append(f"AUC with/without   {s.auc:.3f}")
    lines.append(f"seconds            {s.seconds:.1f}")
    lines += ["", "height of box  boxes  top-1  top-5"]
    for row in s.by_height:
        span = f"{row['from']:g}-{row['to']:g} px" if row["to"] else f"{row['from']:g} px up"
        lines.append(f"{span:13}  {row['boxes']:5}  {row['top1']:5}  {row['top5']:5}")
    return "\n".join(lines)


def _share(count: int, of: int) -> str:
    return f"{count} of {of}, {count / of:.1%}" if of else "no page"
