"""``waldo detect IMAGE...``: the main job."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import SIDECARS
from waldo_cli.answers.streams import FORMATS, make_format
from waldo_cli.cli import options
from waldo_cli.cli.blocks import view_columns
from waldo_cli.cli.options import Extensions, Region, Shard
from waldo_cli.cli.output import CLASSES, Output, Quiet, Sidecars, Stream
from waldo_cli.cli.screen import Screen
from waldo_cli.files import HTML_MARK, refuse_foreign
from waldo_cli.files import show as shown
from waldo_cli.inputs.items import (
    EXTENSIONS,
    HEATMAP,
    Item,
    expand,
    in_shard,
    mark_collisions,
    refuse_collisions,
)
from waldo_cli.inputs.sources import STDIN, listed

if TYPE_CHECKING:
    from waldo_cli.batch.engine import Engine
    from waldo_cli.batch.finder import Settings


@click.command()
@click.argument("images", nargs=-1, type=options.PLACE, metavar="IMAGE...")
@options.stack
@click.option(
    "--mask",
    "masks",
    multiple=True,
    type=options.PLACE,
    metavar="FILE",
    help="The picture to look for; its transparency weighs its pixels. Repeatable, each is a"
    " label (the file's stem).",
)
@options.scales
@options.top(1)
@click.option(
    "--threshold",
    type=float,
    metavar="T",
    help="Below it a peak is no detection.  [default: the stack's own]",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME",
    help="Report this label of the stack. Repeatable.  [default: the stack's first]",
)
@click.option("--region", type=Region(), metavar="L,T,W,H", help="Only here may an answer lie.")
@click.option(
    "--where",
    type=options.PLACE,
    metavar="FILE",
    help="A grey image of the page's size: weights from black (0) to white (1) as a prior.",
)
@click.option("-r", "--recursive", is_flag=True, help="Look into the folders of folders, too.")
@click.option(
    "--ext",
    "extensions",
    type=Extensions(),
    metavar="LIST",
    help="Endings of the files in folders that are images, such as jpg,png."
    "  [default: " + ",".join(sorted(EXTENSIONS)) + "]",
)
@click.option(
    "--files-from",
    type=options.PLACE,
    metavar="FILE",
    help="Look at the images that FILE names, one a line ('-': standard input), each as soon"
    " as its line has come.",
)
@click.option(
    "-0",
    "--null",
    is_flag=True,
    help="Names in --files-from end in NUL; so do records of tsv and written paths, which"
    " are left raw.",
)
@click.option(
    "-o",
    "--out",
    default=".",
    show_default=True,
    type=options.PLACE,
    metavar="DIR",
    help="Where files go: below it the tree of a folder is kept.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace files that are there, whoever made them.  [default: only heatmaps, activations and"
    " reports that this program made]",
)
@click.option(
    "--heatmap/--no-heatmap",
    default=True,
    show_default=True,
    help="Write STEM.heatmap.png, the activations over the dimmed page.",
)
@click.option(
    "--activations",
    is_flag=True,
    help="Write STEM.activations.npy, the raw map, float32, of the image's size.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice([*FORMATS, *SIDECARS]),
    default="tsv",
    show_default=True,
    help="How records are written. yolo, voc and labelme write STEM.txt, .xml or .json for"
    " each image below --out, and its path to standard output.",
)
@click.option(
    "--header/--no-header",
    default=None,
    help="Begin with a line of column names.  [default: for csv, not for tsv]",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Images looked at side by side, each on one core by a process of its own.  [default: the"
    " cores there are]",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 86_400),
    metavar="SECONDS",
    help="Give up an image that takes longer, with one line as for a broken one; the others are still"
    " done.",
)
@click.option(
    "--resume",
    type=options.PLACE,
    metavar="FILE",
    help="Keep records in FILE (as jsonl), too; images that it has from an earlier run, and"
    " that have not changed, are not looked at again.",
)
@click.option(
    "--shard",
    type=Shard(),
    metavar="I/N",
    help="Of N parts of the images take the I-th; parts go by the path, as it is given.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Look at images on the Dask cluster at ADDRESS, such as tcp://10.0.0.1:8786.",
)
@click.option(
    "--report",
    type=options.PLACE,
    metavar="FILE.html",
    help="Write a page with every image, its find, heatmap and score, to read in a browser.",
)
@click.option(
    "--show", is_flag=True, help="Draw each find on standard error, where that is a terminal."
)
@options.max_pixels
@click.option("--no-orient", is_flag=True, help="Do not apply the EXIF turn.")
@click.option("--allow-truncated", is_flag=True, help="Take what is there of files cut short.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 where nothing is found, too.")
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="No records, no summary: answer by the exit status, stop at the first find.",
)
@click.option("-v", "--verbose", is_flag=True, help="A summary of each image, terminal or not.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Tell on standard error how far it is.  [default: on a terminal]",
)
@options.debug
@click.pass_context
def detect(
    ctx: click.Context,
    /,
    images: tuple[str, ...],
    recursive: bool,
    extensions: frozenset[str] | None,
    files_from: str | None,
    null: bool,
    out: str,
    form: str,
    header: bool | None,
    jobs: int | None,
    timeout: int | None,
    resume: str | None,
    shard: tuple[int, int] | None,
    scheduler: str | None,
    report: str | None,
    show: bool,
    no_orient: bool,
    fail_fast: bool,
    exit_zero: bool,
    quiet: bool,
    verbose: bool,
    progress: bool | None,
    labels: tuple[str, ...],
    **settings: Any,
) -> None:
    """Find Waldo, or the picture given by --mask, in images.

    IMAGE is a file, a folder, or '-' for one image from standard input; with --files-from it may be left
    out.

    Standard output has one line for each detection: path, x, y, score, label, left, top, width, height,
    separated by tabs. x, y is the centre of what was found, then its box; pixels of the image as shown,
    from its top left corner. Larger scores are more certain.

    In folders hidden files, links to folders and files with other endings are left out; what this
    program has written (*.heatmap.png, *.activations.npy) is so everywhere. Records come in the order
    of the images, those of a folder by their names, whatever --jobs says.

    Exit status: 0 something was found and nothing failed, 1 nothing was found, 2 an error, 130 Ctrl-C.
    """
    takes = FORMATS[form].takes if form in FORMATS else {"null"}  # of written paths
    if header is not None and "header" not in takes:
        raise click.UsageError(f"--header goes with tsv and csv, not with {form}", ctx)
    if null and files_from is None and "null" not in takes:
        raise click.UsageError(f"-0 goes with --files-from or tsv, not with {form}", ctx)
    if scheduler is not None and jobs is not None:
        raise click.UsageError("--jobs goes without --scheduler: the cluster has its workers", ctx)
    if scheduler is not None and timeout is not None:
        raise click.UsageError("--timeout goes without --scheduler: Dask cannot end a task", ctx)
    if not images and files_from is None:
        raise click.UsageError("Missing argument 'IMAGE...'.", ctx)
    if [*images, files_from].count(STDIN) > 1:
        raise click.UsageError("standard input ('-') can be read only once", ctx)
    if report is not None and not report.endswith((".html", ".htm")):
        raise click.UsageError("--report writes HTML: name it FILE.html", ctx)
    if quiet and (progress or show or report):
        raise click.UsageError("--progress, --show and --report go without --quiet", ctx)

    from waldo_cli.batch.engine import known_first
    from waldo_cli.batch.finder import Settings
    from waldo_cli.batch.journal import Journal

    asked = Settings(
        orient=not no_orient,
        labels=labels or None,
        pictures=report is not None,
        view=view_columns() if show else 0,
        **settings,
    )
    writes = asked.heatmap or asked.activations or form in SIDECARS
    planned, more = _items(
        images, files_from, null, recursive, extensions or EXTENSIONS, out,
        writes=writes, classes=form in SIDECARS and SIDECARS[form].classes,
    )  # fmt: skip
    if not planned and files_from is None:
        raise click.UsageError(_no_image(images, recursive), ctx)
    if shard is not None:
        planned = [item for item in planned if in_shard(item.path, *shard)]
        more = (item for item in more if in_shard(item.path, *shard))

    total = len(planned) if files_from is None else None
    several = total is None or total > 1
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    screen = Screen(
        total,
        progress=not quiet and several and (on_terminal if progress is None else progress),
        verbose=not quiet and (verbose or (on_terminal and not several)),
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup means it
            signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    with ExitStack() as stack:
        journal = None
        if resume is not None:
            journal = stack.enter_context(Journal(resume))
            if journal.is_open_as(sys.stdout.fileno()):
                raise click.UsageError(
                    f"standard output goes to {resume}, too: --resume adds the records to it by"
                    " itself",
                    ctx,
                )
        engine = stack.enter_context(_engine(asked, scheduler, jobs, total, timeout))

        def recall(item: Item) -> Record | None:
            if journal is None:
                return None
            return journal.recall(
                item, engine.run, engine.labels, item.output + HEATMAP if asked.heatmap else None
            )

        stack.callback(screen.clear)
        page = None
        if report is not None:
            from waldo_cli.show.report import Report

            if not asked.overwrite:
                refuse_foreign(report, HTML_MARK)
            page = stack.enter_context(
                Report(
                    report,
                    max_pixels=asked.max_pixels,
                    orient=asked.orient,
                    allow_truncated=asked.allow_truncated,
                )
            )
        output: Output = stack.enter_context(
            Quiet() if quiet else Sidecars(form, engine.labels, out, null, asked.overwrite)
            if form in SIDECARS else Stream(make_format(form, engine.labels, header, null))
        )  # fmt: skip
        items = known_first(chain(planned, more), engine.run, recall, asked.max_pixels)
        for record in engine.records(items):
            if journal is not None:
                journal.add(record)
            screen.make_way()
            record = output.add(record)
            screen.add(record)
            if page is not None:
                page.add(record)
            if (quiet and screen.found) or (fail_fast and screen.failed):
                break
    if not screen.done and shard is None:
        raise click.UsageError(f"no image is named in {files_from}", ctx)
    if several and not quiet and (verbose or on_terminal):
        screen.sum_up()
    if quiet and screen.found:
        ctx.exit(0)
    ctx.exit(2 if screen.failed else 0 if screen.found or exit_zero else 1)


def _items(
    images: tuple[str, ...],
    files_from: str | None,
    null: bool,
    recursive: bool,
    extensions: frozenset[str],
    out: str,
    *,
    writes: bool,
    classes: bool,
) -> tuple[list[Item], Iterator[Item]]:
    """The images known now, none of which overwrites another's files, and those that a list will name."""

    def found(names: Iterator[str]) -> Iterator[Item]:
        return expand(names, out, recursive=recursive, extensions=extensions)

    names = iter(()) if files_from is None else listed(files_from, null=null)
    if not writes:
        return list(found(iter(images))), found(names)
    taken = {os.path.normpath(os.path.join(out, CLASSES)): "the list of classes"} if classes else {}
    planned = refuse_collisions(found(iter(images)), taken)
    return planned, mark_collisions(found(names), taken)


def _no_image(images: tuple[str, ...], recursive: bool) -> str:
    where = shown(images[0]) if len(images) == 1 else f"the {len(images)} places given"
    hint = "" if recursive else "; -r looks into the folders of folders"
    return f"no image in {where}: heatmaps and hidden files do not count{hint}"


def _engine(
    settings: Settings,
    scheduler: str | None,
    jobs: int | None,
    total: int | None,
    timeout: int | None,
) -> Engine:
    if scheduler is not None:
        from waldo_cli.batch.cluster import Cluster

        return Cluster(settings, scheduler)
    from waldo_cli.batch.engine import Here
    from waldo_cli.parallel import available_cores

    processes = jobs or available_cores()
    if total is not None:
        processes = min(processes, max(total, 1))
    threads = 1 if processes > 1 else None if jobs is None else min(jobs, available_cores())
    if processes == 1 and timeout is None:  # only another process can be ended
        return Here(settings, threads)
    from waldo_cli.batch.workers import Workers

    return Workers(settings, processes, threads, timeout)
