"""``waldo detect IMAGE...``: the main job."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import SIDECARS
from waldo_cli.answers.streams import FORMATS, make_format
from waldo_cli.cli import options
from waldo_cli.cli.blocks import view_columns
from waldo_cli.cli.output import CLASSES, LabelFiles, Sink, StandardOutput
from waldo_cli.cli.screen import Screen
from waldo_cli.files import HTML_MARK, refuse_foreign
from waldo_cli.files import show as shown
from waldo_cli.inputs.items import (
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
    from waldo_cli.batch.finder import Extras, Query
    from waldo_cli.batch.journal import Journal


@dataclass(frozen=True)
class Asked:
    """The command line as it was typed, each name as click has it."""

    images: tuple[str, ...]
    stack: str | None
    masks: tuple[str, ...]
    scales: str
    top: int
    threshold: float | None
    labels: tuple[str, ...]
    region: tuple[int, int, int, int] | None
    where: str | None
    recursive: bool
    extensions: frozenset[str]
    files_from: str | None
    null: bool
    out: str
    overwrite: bool
    heatmap: bool
    activations: bool
    form: str
    header: bool | None
    jobs: int | None
    timeout: int | None
    resume: str | None
    shard: tuple[int, int] | None
    scheduler: str | None
    report: str | None
    show: bool
    max_pixels: int | None
    no_orient: bool
    allow_truncated: bool
    fail_fast: bool
    exit_zero: bool
    quiet: bool
    verbose: bool
    progress: bool | None
    debug: bool

    @property
    def takes(self) -> frozenset[str]:
        """What the format can be made with; of label files the paths can end in NUL."""
        return FORMATS[self.form].takes if self.form in FORMATS else frozenset(("null",))

    def query(self) -> Query:
        """What is asked of every image."""
        from waldo_cli.batch.finder import Query

        return Query(
            stack=self.stack,
            masks=self.masks,
            scales=self.scales,
            top=self.top,
            threshold=self.threshold,
            labels=self.labels or None,
            region=self.region,
            where=self.where,
            heatmap=self.heatmap,
            activations=self.activations,
            max_pixels=self.max_pixels,
            orient=not self.no_orient,
            allow_truncated=self.allow_truncated,
        )

    def extras(self) -> Extras:
        """What else is done with every image."""
        from waldo_cli.batch.finder import Extras

        return Extras(
            overwrite=self.overwrite,
            pictures=self.report is not None,
            view=view_columns() if self.show else 0,
            debug=self.debug,
        )


# What cannot be asked together, and the sentence that says so.
CONTRADICTIONS: tuple[tuple[Callable[[Asked], bool], str], ...] = (
    (
        lambda a: a.header is not None and "header" not in a.takes,
        "--header goes with tsv and csv, not with {form}",
    ),
    (
        lambda a: a.null and a.files_from is None and "null" not in a.takes,
        "-0 goes with --files-from or tsv, not with {form}",
    ),
    (
        lambda a: a.scheduler is not None and a.jobs is not None,
        "--jobs goes without --scheduler: the cluster has its workers",
    ),
    (
        lambda a: a.scheduler is not None and a.timeout is not None,
        "--timeout goes without --scheduler: Dask cannot end a task",
    ),
    (
        lambda a: not a.images and a.files_from is None,
        "Missing argument 'IMAGE...'.",
    ),
    (
        lambda a: [*a.images, a.files_from].count(STDIN) > 1,
        "standard input ('-') can be read only once",
    ),
    (
        lambda a: a.report is not None and not a.report.endswith((".html", ".htm")),
        "--report writes HTML: name it FILE.html",
    ),
    (
        lambda a: a.quiet and bool(a.progress or a.show or a.report),
        "--progress, --show and --report go without --quiet",
    ),
)


@click.command()
@click.argument("images", nargs=-1, type=options.PLACE, metavar="IMAGE...")
@options.search(options.top(1))
@options.inputs
@options.writing
@options.running
@options.showing
@options.reading
@options.telling
@options.debug
@click.pass_context
def detect(ctx: click.Context, /, **given: Any) -> None:
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
    asked = Asked(**given)
    refuse_contradictions(asked, ctx)
    named, listed_later = items_of(asked, ctx)
    total = None if asked.files_from is not None else len(named)
    screen = screen_for(asked, total)
    end_tidily_when_told_to()
    with ExitStack() as stack:
        journal = open_journal(asked, ctx, stack)
        engine = stack.enter_context(engine_for(asked, total))
        sinks = list(sinks_of(asked, engine, journal, screen, stack))
        for record in records(asked, engine, journal, chain(named, listed_later)):
            for sink in sinks:
                record = sink.add(record)
            if (asked.quiet and screen.found) or (asked.fail_fast and screen.failed):
                break
    if not screen.done and asked.shard is None:
        raise click.UsageError(f"no image is named in {asked.files_from}", ctx)
    screen.sum_up()
    if asked.quiet and screen.found:
        ctx.exit(0)
    ctx.exit(2 if screen.failed else 0 if screen.found or asked.exit_zero else 1)


def refuse_contradictions(asked: Asked, ctx: click.Context) -> None:
    """Raise a usage error for the first of `CONTRADICTIONS` that holds."""
    for holds, sentence in CONTRADICTIONS:
        if holds(asked):
            raise click.UsageError(sentence.format(form=asked.form), ctx)


def items_of(asked: Asked, ctx: click.Context) -> tuple[list[Item], Iterator[Item]]:
    """The images known now, and those that a list will name; none overwrites another's files.

    Raises
    ------
    click.UsageError
        What is named holds no image.
    """

    def found(names: Iterator[str]) -> Iterator[Item]:
        return expand(names, asked.out, recursive=asked.recursive, extensions=asked.extensions)

    named = found(iter(asked.images))
    later = found(
        iter(()) if asked.files_from is None else listed(asked.files_from, null=asked.null)
    )
    sidecar = SIDECARS.get(asked.form)
    if asked.heatmap or asked.activations or sidecar is not None:
        taken: dict[str, str] = {}
        if sidecar is not None and sidecar.classes:
            taken[os.path.normpath(os.path.join(asked.out, CLASSES))] = "the list of classes"
        known = refuse_collisions(named, taken)
        later = mark_collisions(later, taken)
    else:
        known = list(named)
    if not known and asked.files_from is None:
        raise click.UsageError(_no_image(asked.images, asked.recursive), ctx)
    if asked.shard is None:
        return known, later
    # Only now: what lies in another shard may not be overwritten either.
    number, of = asked.shard
    known = [item for item in known if in_shard(item.path, number, of)]
    return known, (item for item in later if in_shard(item.path, number, of))


def _no_image(images: tuple[str, ...], recursive: bool) -> str:
    where = shown(images[0]) if len(images) == 1 else f"the {len(images)} places given"
    hint = "" if recursive else "; -r looks into the folders of folders"
    return f"no image in {where}: heatmaps and hidden files do not count{hint}"


def screen_for(asked: Asked, total: int | None) -> Screen:
    """What is told on standard error: of one image a summary, of several how far it is and a last line."""
    several = total is None or total > 1
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    talks = not asked.quiet
    progress = on_terminal if asked.progress is None else asked.progress
    return Screen(
        total,
        progress=talks and several and progress,
        verbose=talks and (asked.verbose or (on_terminal and not several)),
        last_line=talks and several and (asked.verbose or on_terminal),
    )


def end_tidily_when_told_to() -> None:
    """Let SIGTERM and SIGHUP unwind the program, so that no file stays half written."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP: keep it so
            signal.signal(number, lambda caught, _: sys.exit(128 + caught))


def open_journal(asked: Asked, ctx: click.Context, stack: ExitStack) -> Journal | None:
    """The file of ``--resume``, which `stack` closes; None where there is none.

    Raises
    ------
    click.UsageError
        Standard output goes to it, too.
    """
    if asked.resume is None:
        return None
    from waldo_cli.batch.journal import Journal

    journal = stack.enter_context(Journal(asked.resume))
    if journal.is_open_as(sys.stdout.fileno()):
        raise click.UsageError(
            f"standard output goes to {asked.resume}, too: --resume adds the records to it by itself",
            ctx,
        )
    return journal


def engine_for(asked: Asked, total: int | None) -> Engine:
    """What looks at the images: a cluster, or this machine; `total` is None where nobody knows it yet."""
    query, extras = asked.query(), asked.extras()
    if asked.scheduler is not None:
        from waldo_cli.batch.cluster import Cluster

        return Cluster(query, extras, asked.scheduler)
    from waldo_cli.batch.workers import local_engine

    return local_engine(query, extras, asked.jobs, total, asked.timeout)


def records(
    asked: Asked, engine: Engine, journal: Journal | None, items: Iterator[Item]
) -> Iterator[Record]:
    """One record for each item, those of an earlier run where they still hold."""
    from waldo_cli.batch.engine import replace_known

    def recall(item: Item) -> Record | None:
        if journal is None:
            return None
        heatmap = item.output + HEATMAP if asked.heatmap else None
        return journal.recall(item, engine.run, engine.labels, heatmap)

    return engine.records(replace_known(items, engine.run, recall, asked.max_pixels))


def sinks_of(
    asked: Asked, engine: Engine, journal: Journal | None, screen: Screen, stack: ExitStack
) -> Iterator[Sink]:
    """Where a record goes, in this order; `stack` closes what is opened for it."""
    stack.enter_context(screen)
    report = _report(asked, stack)
    if journal is not None:
        yield journal
    if asked.form in SIDECARS and not asked.quiet:
        yield stack.enter_context(
            LabelFiles(
                SIDECARS[asked.form],
                engine.labels,
                asked.out,
                null=asked.null,
                overwrite=asked.overwrite,
                before=screen.make_way,
            )
        )
    elif not asked.quiet:
        form = make_format(asked.form, engine.labels, asked.header, asked.null)
        yield stack.enter_context(StandardOutput(form, before=screen.make_way))
    yield screen
    if report is not None:
        yield report


def _report(asked: Asked, stack: ExitStack) -> Sink | None:
    if asked.report is None:
        return None
    from waldo_cli.show.report import Report

    if not asked.overwrite:
        refuse_foreign(asked.report, HTML_MARK)
    return stack.enter_context(
        Report(
            asked.report,
            max_pixels=asked.max_pixels,
            orient=not asked.no_orient,
            allow_truncated=asked.allow_truncated,
        )
    )
