"""``waldo detect IMAGE...``: the main job."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from waldo_cli.cli.options import Region, Scales
from waldo_cli.files import show
from waldo_cli.records import COLUMNS, FORMATS, Record, tsv


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--stack", metavar="NAME|FILE",
              help="A built-in stack or a stack file.  [default: waldo; pixels with --mask]")
@click.option("--mask", "masks", multiple=True, metavar="FILE",
              help="The picture to look for; its transparency weighs its pixels. Repeatable, each is a"
                   " label (the file's stem).")
@click.option("--scales", type=Scales(), default="auto", show_default=True, metavar="SPEC",
              help="auto (what the stack says), one factor, a list 0.5,1,2 or a range 0.5:2.")
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Most detections for each image and label, best first.")
@click.option("--threshold", type=float, metavar="T",
              help="Below it a peak is no detection.  [default: the stack's own]")
@click.option("--label", "labels", multiple=True, metavar="NAME",
              help="Report this label of the stack. Repeatable.  [default: the stack's first]")
@click.option("--region", type=Region(), metavar="L,T,W,H", help="Only here may an answer lie.")
@click.option("--where", metavar="FILE",
              help="A grey image of the page's size: weights from black (0) to white (1) as a prior.")
@click.option("-o", "--out", default=".", show_default=True, metavar="DIR",
              help="Where pictures go.")
@click.option("--heatmap/--no-heatmap", default=True, show_default=True,
              help="Write STEM.heatmap.png, the activations over the dimmed page.")
@click.option("--activations", is_flag=True,
              help="Write STEM.activations.npy, the raw map, float32, of the image's size.")
@click.option("-f", "--format", "form", type=click.Choice(list(FORMATS)), default="tsv",
              show_default=True, help="How records are written.")
@click.option("--header", is_flag=True, help="tsv: begin with a line of column names.")
@click.option("-0", "--null", is_flag=True, help="tsv: end records with NUL, leave paths raw.")
@click.option("--max-pixels", type=click.IntRange(1), metavar="N",
              help="Refuse larger images by their header.  [default: 200000000]")
@click.option("--no-orient", is_flag=True, help="Do not apply the EXIF turn.")
@click.option("--allow-truncated", is_flag=True, help="Take what is there of files cut short.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 where nothing is found, too.")
@click.option("-q", "--quiet", is_flag=True,
              help="No records, no summary: answer by the exit status, stop at the first find.")
@click.option("-v", "--verbose", is_flag=True, help="A summary of each image, terminal or not.")
@click.option("--debug", is_flag=True, help="Show a traceback where an error ends the program.")
@click.pass_context
def detect(
    ctx: click.Context,
    images: tuple[str, ...],
    form: str,
    header: bool,
    null: bool,
    no_orient: bool,
    fail_fast: bool,
    exit_zero: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
    labels: tuple[str, ...],
    **settings: Any,
) -> None:
    """Find Waldo, or the picture given by --mask, in each IMAGE ('-': one from standard input).

    Standard output has one line for each detection: path, x, y, score, label, left, top, width, height,
    separated by tabs. x, y is the centre of what was found, then its box; pixels of the image as shown,
    from its top left corner. Larger scores are more certain.

    Exit status: 0 something was found and nothing failed, 1 nothing was found, 2 an error, 130 Ctrl-C.
    """
    if (header or null) and form != "tsv":
        raise click.UsageError(f"--header and -0 go with tsv, not with {form}", ctx)
    if sys.stdout is None:
        raise click.UsageError("standard output is closed", ctx)

    from waldo_cli.batch import Finder, Settings, plan, run

    asked = Settings(orient=not no_orient, labels=labels or None, **settings)
    items = plan(images, asked.out)
    finder = Finder(asked)
    end = "\0" if null else "\n"
    if header and not quiet:
        _write("\t".join(COLUMNS) + end)
    found = failed = False
    for record in run(finder, items):
        if record.error is not None:
            failed = True
            _say(f"waldo: {show(record.path)}: {record.error}")
        found = found or record.found
        if not quiet:
            lines = tsv(record, raw_paths=null) if form == "tsv" else FORMATS[form](record)
            _write("".join(line + end for line in lines))
            if record.error is None and (verbose or sys.stderr.isatty()):
                _say(_summary(record))
        if (quiet and found) or (failed and fail_fast):
            break
    if quiet and found:
        ctx.exit(0)
    ctx.exit(2 if failed else 0 if found or exit_zero else 1)


def _write(text: str) -> None:
    """Records leave as bytes, so that names in any encoding do, and at once."""
    sys.stdout.buffer.write(os.fsencode(text))
    sys.stdout.buffer.flush()


def _say(line: str) -> None:
    click.echo(show(line), err=True)


def _summary(record: Record) -> str:
    path = show(record.path)
    if not record.finds:
        what = f"{path}: nothing found"
    else:
        best = record.finds[0]
        what = f"{path}: {best.label} at {best.x:g}, {best.y:g}, score {best.score:.3g}"
        if len(record.finds) > 1:
            what += f" and {len(record.finds) - 1} more"
    return f"{what}, heatmap {record.heatmap}" if record.heatmap else what
