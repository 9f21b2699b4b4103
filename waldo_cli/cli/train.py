"""``waldo train PAGES --truth boxes.csv -o DIR``: learn a stack from pages with known boxes.

This module reads the options; `waldo_cli.training.cross_validate` does the work. Its messages go to standard
error, the path of the new stack to standard output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from waldo_cli.cli import options
from waldo_cli.cli.faults import Faults, tell
from waldo_cli.cli.memory import Learning
from waldo_cli.files import show

if TYPE_CHECKING:
    from waldo_cli.evaluation.pages import TruthPixels

EXAMPLES = """\
\b
Examples:
  waldo train pages --truth boxes.csv -o run
      Cross-validates, then learns from all pages; see run for the report.
  waldo train photos --truth labels --label cat --without empty -o cats
      Another class; the folder empty shows none of it.
  waldo train pages --truth boxes.csv -o try --effort 0.01 --folds 0
      A try whether all fits, in a small part of the time.
"""


@click.command(cls=Learning, epilog=EXAMPLES)
@click.argument("pages", type=options.PLACE, metavar="PAGES")
@click.option(
    "--truth",
    required=True,
    type=options.PLACE,
    metavar="FILE|DIR",
    help=f"{options.TRUTH_HELP} A CSV may have a column artwork where several pages show one drawing, and a"
    " column kind: see docs/training-data.md.",
)
@click.option(
    "-o",
    "--out",
    type=options.PLACE,
    required=True,
    metavar="DIR",
    help="Where stack, weights and report go.",
)
@click.option(
    "--label",
    metavar="NAME",
    help="Class of the boxes sought; the other classes are told apart from it, and boxes of class lookalike"
    " are learned as what it is not.  [default: the only class, or waldo]",
)
@click.option(
    "--heads",
    is_flag=True,
    help="The boxes are heads of figures: the body below a head belongs to it.",
)
@click.option(
    "--others",
    type=options.PLACE,
    metavar="FILE",
    help="A truth of the other classes: on the pages that it names, its boxes replace those of --truth.",
)
@click.option(
    "--without",
    multiple=True,
    type=options.PLACE,
    metavar="DIR",
    help="A folder of further pages that do not show what is sought. Repeatable.",
)
@click.option(
    "--folds",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Parts the artworks are dealt into for cross-validation; 0 for none: scores are no probabilities"
    " then, and the threshold is 0.5, which may give many false alarms.",
)
@click.option(
    "--effort",
    type=options.FiniteNumber(0, 1000),
    default=1.0,
    show_default=True,
    help="Longer or shorter; at 1 each fold, and the release, take about half an hour of one core.",
)
@click.option(
    "--drawn",
    type=options.PLACE,
    metavar="DIR",
    help="Drawn scenes with their truth.csv, learned from beside the pages.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Where the random numbers start.",
)
@click.option(
    "--curve",
    is_flag=True,
    help="Also learn from a quarter and from half of the pages, and say what twice as many would give; it"
    " takes three times as long.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Folds learned side by side, each by a process of its own on its share of the cores; each takes"
    " memory of its own for the pages, as the program does, and for what is cut out of them.",
)
@options.truth_pixels
@options.max_pixels
@options.allow_truncated
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Tell on standard error how far it is.  [default: on a terminal]",
)
@click.option("--resume", is_flag=True, help="Continue the training that DIR holds.")
@options.debug
@click.pass_context
def train(
    ctx: click.Context,
    pages: str,
    truth: str,
    out: str,
    label: str | None,
    heads: bool,
    others: str | None,
    without: tuple[str, ...],
    folds: int,
    effort: float,
    drawn: str | None,
    seed: int,
    curve: bool,
    jobs: int,
    truth_pixels: TruthPixels | None,
    max_pixels: int | None,
    allow_truncated: bool,
    progress: bool | None,
    resume: bool,
    debug: bool,  # noqa: ARG001 - read by main
) -> None:
    """Learn to find something from the pages of the folder PAGES, whose boxes are known.

    Writes LABEL.toml and LABEL.npz, a stack that detect takes, and report.json and report.html: how often
    the stacks of the folds had it first on pages of artworks that they had not seen, the finds and misses
    there, and where they were least sure. The classes, and the shape and the sizes of what is sought, come
    from the boxes. Needs the extra "train".

    What is wrong with a row of the truth or with a page is one line, and it is left out. Nothing is written
    before all is read, and nothing over files that a training has not made.

    Exit status: 0 it was learned, 2 an error, or it was learned without something, 130 Ctrl-C.
    """
    from importlib.util import find_spec
    from pathlib import Path

    from waldo_cli.cli.screen import TrainingScreen
    from waldo_cli.errors import MissingExtraError

    # Checked without importing PyTorch, which takes seconds.
    if find_spec("torch") is None:
        raise MissingExtraError("training needs PyTorch: pip install 'waldo-cli[train]'")
    from waldo_cli.training.cross_validate import train as run_training
    from waldo_cli.training.parts import Sources

    sources = Sources(
        Path(pages),
        Path(truth),
        label,
        heads,
        None if others is None else Path(others),
        tuple(map(Path, without)),
        None if drawn is None else Path(drawn),
        truth_pixels,
        max_pixels,
        allow_truncated,
    )
    with Faults() as faults, TrainingScreen(progress=progress) as screen:
        path, report = run_training(
            sources,
            Path(out),
            folds=folds,
            effort=effort,
            seed=seed,
            resume=resume,
            curve=curve,
            jobs=jobs,
            say=screen.say,
            show=screen.update if screen.progress else None,
            complain=faults.add,
        )
    click.echo(show(path))
    if "summary" in report:  # only with cross-validation
        summary = report["summary"]
        tell(
            f"held-out pages: {summary['top1']} of {summary['pages_with']} first,"
            f" {summary['top5']} among five"
        )
    ctx.exit(2 if faults.count else 0)
