"""``waldo explain IMAGE``: a page that shows each step from an image to its answer.

This module reads the options and the image. `waldo_cli.show.explain_page` runs the search and writes the
page.
"""

from __future__ import annotations

import re

import click

from waldo_cli.cli import options
from waldo_cli.cli.faults import tell, told_masks
from waldo_cli.cli.memory import Computing
from waldo_cli.files import HTML_MARK, make_folder, refuse_foreign, show, sweep
from waldo_cli.inputs.items import stem
from waldo_cli.inputs.sources import STDIN, read_pictures


class Coordinates(click.ParamType[tuple[float, float]]):
    """``X,Y`` in pixels."""

    name = "place"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,9})?),(\d{1,7}(?:\.\d{1,9})?)", str(value))
        if match is None:
            self.fail(f"{value!r} is not X,Y in pixels, such as 724.5,537.5", param, ctx)
        return float(match[1]), float(match[2])


EXAMPLES = """\
\b
Examples:
  waldo explain page.jpg
      Writes page.explain.html, to read in a browser.
  waldo explain page.jpg --at 724,537
      He stands at 724, 537: why was he not found there?
  waldo explain --mask part.png --angles all --mirror tray.png -o pages
      How a part that lies turned is found; the page goes to the folder pages.
"""


@click.command(cls=Computing, epilog=EXAMPLES)
@options.search(options.turns, options.score, options.max_overlap)
@options.overwrite
@options.reading
@options.debug
@click.argument("image", type=options.PLACE, metavar="IMAGE")
@click.option(
    "--at",
    type=Coordinates(),
    metavar="X,Y",
    help="Explain this place as well, such as the one where he was missed.",
)
@click.option(
    "--page",
    type=click.IntRange(1),
    metavar="N",
    help="Which page of a file of several pictures.  [default: the first]",
)
@click.option(
    "-o",
    "--out",
    type=options.PLACE,
    default=".",
    show_default=True,
    metavar="DIR",
    help="Where the page goes.",
)
def explain(
    image: str,
    at: tuple[float, float] | None,
    page: int | None,
    out: str,
    max_pixels: int | None,
    max_seconds: float,
    no_orient: bool,
    allow_truncated: bool,
    overwrite: bool,
    debug: bool,  # noqa: ARG001 - read by main
    stack: str | None,
    masks: tuple[str, ...],
    labels: tuple[str, ...],
    scales: str,
    angles: str,
    mirror: bool,
    score: str,
    max_overlap: float,
    threshold: float | None,
    region: tuple[int, int, int, int] | None,
    where: str | None,
    turn: str,
) -> None:
    """Show how `waldo detect` comes to its answer for IMAGE ('-': from standard input).

    Writes STEM.explain.html (with --page STEM.page-N.explain.html), one page with its pictures in it, and
    prints its path: what is looked for, the activations at each scale, the peaks before and after
    suppression, what the closer looks were shown and said, the map after each layer, the answer. With --at,
    also how far that place came.

    Exit status: 0 the page is written, 2 an error, 130 Ctrl-C.
    """
    from pathlib import Path

    from waldo_cli.detector.search import Search
    from waldo_cli.errors import WaldoError
    from waldo_cli.images.load import load_reduced, load_weights
    from waldo_cli.images.pages import contents
    from waldo_cli.parallel import keep_freed_memory
    from waldo_cli.show.explain_page import explain as write_page

    # Everything that can be refused is checked before the work begins.
    name = "stdin" if image == STDIN else stem(image)
    target = Path(out) / f"{name}{'' if page is None else f'.page-{page}'}.explain.html"
    if not overwrite:
        refuse_foreign(target, HTML_MARK)
    keep_freed_memory()
    search = Search.of_files(
        stack, told_masks(masks), labels or None, scales, threshold, angles, mirror, score
    )
    prior = None if where is None else load_weights(where)
    source = next(read_pictures(max_pixels))[0] if image == STDIN else image
    try:
        count = contents(source).count
        if page is None and count > 1:
            tell(f"waldo: {show(image)}: the first of {count} pages (--page)")
        pixels = load_reduced(
            source,
            search.reduction,
            page=page or 1,
            max_pixels=max_pixels,
            orient=not no_orient,
            must_show=True,
            allow_truncated=allow_truncated,
        )
        make_folder(out)
        sweep(out)
        write_page(
            target,
            pixels,
            search,
            title=image if page is None else f"{image}, page {page}",
            region=region,
            where=prior,
            turn=turn,
            at=at,
            max_overlap=max_overlap,
            max_seconds=max_seconds,
        )
    except WaldoError as e:
        raise e.at(image) from None
    click.echo(show(str(target)))
