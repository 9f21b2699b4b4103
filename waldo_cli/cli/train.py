"""``waldo train PAGES --truth boxes.csv -o DIR``: learn a stack from pages with known boxes.

This module reads the options; `waldo_cli.training.cross_validate` does the work. Its messages go to standard
error, the path of the new stack to standard output.
"""

from __future__ import annotations

import click

from waldo_cli.cli import options
from waldo_cli.files import show


@click.command()
@click.argument("pages", type=options.PLACE, metavar="PAGES")
@click.option(
    "--truth",
    required=True,
    type=options.PLACE,
    metavar="FILE",
    help="Boxes: CSV with filename,width,height,class,xmin,ymin,xmax,ymax, and artwork where"
    " several pages show one drawing; or COCO JSON. Names are relative to PAGES.",
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
    "--folds",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Parts the artworks are dealt into for cross-validation; 0 for none.",
)
@click.option(
    "--effort",
    type=options.FiniteNumber(0, 1000),
    default=1.0,
    show_default=True,
    help="Longer or shorter; at 1 each fold, and the release, take 20 minutes of one core.",
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
@click.option("--resume", is_flag=True, help="Continue the training that DIR holds.")
@options.debug
def train(
    pages: str,
    truth: str,
    out: str,
    folds: int,
    effort: float,
    drawn: str | None,
    seed: int,
    resume: bool,
    debug: bool,  # noqa: ARG001 - read by main
) -> None:
    """Learn to find Waldo from the pages of the folder PAGES, whose boxes are known.

    Writes waldo.toml and waldo.npz, a stack that detect takes, and report.json: how often the stacks of
    the folds had him first on pages of artworks that they had not seen. Needs the extra "train".
    """
    from importlib.util import find_spec
    from pathlib import Path

    from waldo_cli.errors import MissingExtraError

    # Checked without importing PyTorch, which takes seconds.
    if find_spec("torch") is None:
        raise MissingExtraError("training needs PyTorch: pip install 'waldo-cli[train]'")
    from waldo_cli.training.cross_validate import train as run_training

    report = run_training(
        Path(pages),
        Path(truth),
        Path(out),
        folds=folds,
        effort=effort,
        seed=seed,
        drawn=None if drawn is None else Path(drawn),
        resume=resume,
        say=lambda line: click.echo(show(line), err=True),
    )
    click.echo(show(Path(out) / "waldo.toml"))
    if "summary" in report:  # only with cross-validation
        summary = report["summary"]
        click.echo(
            f"held-out pages: {summary['top1']} of {summary['pages_with']} first,"
            f" {summary['top5']} among five",
            err=True,
        )
