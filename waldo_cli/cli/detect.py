"""``waldo detect IMAGE...``: find something in images, write records, heatmaps and other files.

`detect` reads from top to bottom: refuse arguments that contradict each other, collect the items (images),
then open the journal, the engine and the sinks, and pass every record of the engine through all sinks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import SIDECARS
from waldo_cli.answers.streams import FORMATS, Format, make_format
from waldo_cli.cli import options
from waldo_cli.cli.blocks import view_columns
from waldo_cli.cli.output import CLASSES, LabelFiles, Sink, StandardOutput
from waldo_cli.cli.screen import Screen
from waldo_cli.files import HTML_MARK, refuse_foreign
from waldo_cli.files import show as shown
from waldo_cli.inputs.folders import expand
from waldo_cli.inputs.items import HEATMAP, Item, in_shard, mark_collisions, refuse_collisions
from waldo_cli.inputs.sources import STDIN, read_names

if TYPE_CHECKING:
    from waldo_cli.batch.engine import Engine
    from waldo_cli.batch.finder import Extras, Query
    from waldo_cli.batch.journal import Journal


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command line, under the names that click gives them."""

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
    max_seconds: float
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
        """What the output format can be made with."""
        sidecar = SIDECARS.get(self.form)
        return FORMATS[self.form].takes if sidecar is None else sidecar.takes

    def query(self) -> Query:
        """Return the settings that can change a record."""
        from waldo_cli.batch.finder import Query

        same = {f.name: getattr(self, f.name) for f in fields(Query) if hasattr(self, f.name)}
        return Query(**same | {"labels": self.labels or None, "orient": not self.no_orient})

    def extras(self) -> Extras:
        """Return the settings for every image that change no record."""
        from waldo_cli.batch.finder import Extras

        return Extras(
            overwrite=self.overwrite,
            pictures=self.report is not None,
            view=view_columns() if self.show else 0,
            max_seconds=self.max_seconds,
            debug=self.debug,
        )


def in_words(formats: Mapping[str, type[Format]], argument: str) -> str:
    """The names of the formats that take an argument."""
    return " and ".join(name for name, kind in formats.items() if argument in kind.takes)


# Arguments that contradict each other or are missing: a test, and the error message if the test is true. The
# tests run in this order, and the first that is true ends the program.
CONTRADICTIONS: tuple[tuple[Callable[[Arguments], bool], str], ...] = (
    (
        lambda a: a.header is not None and "header" not in a.takes,
        f"--header goes with {in_words(FORMATS, 'header')}, not with {{form}}",
    ),
    (
        lambda a: a.null and a.files_from is None and "null" not in a.takes,
        f"-0 goes with --files-from or {in_words(FORMATS, 'null')}, not with {{form}}",
    ),
    (
        lambda a: a.scheduler is not None and a.jobs is not None,
        "--jobs goes without --scheduler: the cluster has its workers",
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
@options.status_and_messages
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
    arguments = Arguments(**given)
    refuse_contradictions(arguments, ctx)
    known_items, later_items = find_items(arguments, ctx)
    total = None if arguments.files_from is not None else len(known_items)
    screen = make_screen(arguments, total)
    try:
        with ExitStack() as exit_stack:
            journal = open_journal(arguments, ctx, exit_stack)
            engine = exit_stack.enter_context(make_engine(arguments, total, screen.say))
            sinks = list(open_sinks(arguments, engine, journal, screen, exit_stack))
            for record in records(arguments, engine, journal, chain(known_items, later_items)):
                for sink in sinks:
                    record = sink.add(record)  # with an error in it if this sink could not write
                if (arguments.quiet and screen.found) or (arguments.fail_fast and screen.failed):
                    break
    except KeyboardInterrupt:
        if not arguments.quiet and total != 1:
            screen.say(f"waldo: {screen.how_far()}; {_how_to_go_on(arguments.resume)}")
        raise
    if not screen.done and arguments.shard is None:
        raise click.UsageError(f"no image is named in {arguments.files_from}", ctx)
    screen.sum_up()
    if arguments.quiet and screen.found:
        ctx.exit(0)  # as grep -q: a find counts more than an error
    ctx.exit(2 if screen.failed else 0 if screen.found or arguments.exit_zero else 1)


def _how_to_go_on(resume: str | None) -> str:
    if resume is None:
        return "with --resume FILE the same command goes on next time"
    return "the same command goes on from here"


def refuse_contradictions(arguments: Arguments, ctx: click.Context) -> None:
    """Raise a usage error for the first of `CONTRADICTIONS` that is true."""
    for contradicts, message in CONTRADICTIONS:
        if contradicts(arguments):
            raise click.UsageError(message.format(form=arguments.form), ctx)


def find_items(arguments: Arguments, ctx: click.Context) -> tuple[list[Item], Iterator[Item]]:
    """Return the items of the command line, and an iterator over those that ``--files-from`` will name.

    No item writes to the files of another one: among the items of the command line this is an error, an item
    of the list gets a record with an error.

    Raises
    ------
    click.UsageError
        The command line names no image.
    """

    def items_in(paths: Iterator[str]) -> Iterator[Item]:
        return expand(
            paths, arguments.out, recursive=arguments.recursive, extensions=arguments.extensions
        )

    named = items_in(iter(arguments.images))
    later = items_in(
        iter(())
        if arguments.files_from is None
        else read_names(arguments.files_from, null=arguments.null)
    )
    sidecar = SIDECARS.get(arguments.form)
    if arguments.heatmap or arguments.activations or sidecar is not None:
        taken: dict[str, str] = {}  # path without suffix of an output -> who writes it
        if sidecar is not None and sidecar.classes:
            taken[os.path.normpath(os.path.join(arguments.out, CLASSES))] = "the list of classes"
        known = refuse_collisions(named, taken)
        later = mark_collisions(later, taken)
    else:
        known = list(named)
    if not known and arguments.files_from is None:
        raise click.UsageError(_no_image_message(arguments.images, arguments.recursive), ctx)
    if arguments.shard is None:
        return known, later
    # After the check for collisions, so that shards, which run separately, do not overwrite each other.
    number, count = arguments.shard
    known = [item for item in known if in_shard(item.path, number, count)]
    return known, (item for item in later if in_shard(item.path, number, count))


def _no_image_message(images: tuple[str, ...], recursive: bool) -> str:
    where = shown(images[0]) if len(images) == 1 else f"the {len(images)} places given"
    hint = "" if recursive else "; -r looks into the folders of folders"
    return f"no image in {where}: heatmaps and hidden files do not count{hint}"


def make_screen(arguments: Arguments, total: int | None) -> Screen:
    """Decide what appears on standard error besides errors.

    On a terminal: for one image a summary of it, for several images the progress and a last line that counts
    them. Options turn these on or off.
    """
    several = total is None or total > 1
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    enabled = not arguments.quiet
    progress = on_terminal if arguments.progress is None else arguments.progress
    return Screen(
        total,
        progress=enabled and several and progress,
        verbose=enabled and (arguments.verbose or (on_terminal and not several)),
        last_line=enabled and several and (arguments.verbose or on_terminal),
    )


def open_journal(arguments: Arguments, ctx: click.Context, exit_stack: ExitStack) -> Journal | None:
    """Open the file of ``--resume``, which `exit_stack` will close; None without this option.

    Raises
    ------
    click.UsageError
        Standard output goes to the same file.
    """
    if arguments.resume is None:
        return None
    from waldo_cli.batch.journal import Journal

    journal = exit_stack.enter_context(Journal(arguments.resume))
    if journal.is_open_as(sys.stdout.fileno()):
        raise click.UsageError(
            f"standard output goes to {arguments.resume}, too: --resume adds the records to it by itself",
            ctx,
        )
    return journal


def make_engine(arguments: Arguments, total: int | None, say: Callable[[str], None]) -> Engine:
    """Return the engine: a Dask cluster or this machine. `total` is None if it is not known yet."""
    query, extras = arguments.query(), arguments.extras()
    if arguments.scheduler is not None:
        from waldo_cli.batch.cluster import Cluster

        return Cluster(query, extras, arguments.scheduler, arguments.timeout, say)
    from waldo_cli.batch.local import local_engine

    return local_engine(query, extras, arguments.jobs, total, arguments.timeout)


def records(
    arguments: Arguments, engine: Engine, journal: Journal | None, items: Iterator[Item]
) -> Iterator[Record]:
    """Yield one record for each item, in their order; from the journal if it has a valid one."""
    from waldo_cli.batch.engine import replace_known

    def recall(item: Item) -> Record | None:
        if journal is None:
            return None
        heatmap = item.output + HEATMAP if arguments.heatmap else None
        return journal.recall(item, engine.run, engine.labels, heatmap)

    return engine.records(replace_known(items, engine.run, recall, arguments.max_pixels))


def open_sinks(
    arguments: Arguments,
    engine: Engine,
    journal: Journal | None,
    screen: Screen,
    exit_stack: ExitStack,
) -> Iterator[Sink]:
    """Yield the sinks, in the order in which a record passes through them; `exit_stack` will close them.

    The screen comes after the output, so that it also shows errors of writing.
    """
    exit_stack.enter_context(screen)
    report = _open_report(arguments, exit_stack)
    if journal is not None:
        yield journal
    if arguments.form in SIDECARS and not arguments.quiet:
        yield exit_stack.enter_context(
            LabelFiles(
                SIDECARS[arguments.form],
                engine.labels,
                arguments.out,
                null=arguments.null,
                overwrite=arguments.overwrite,
                before=screen.clear_if_shared,
            )
        )
    elif not arguments.quiet:
        form = make_format(arguments.form, engine.labels, arguments.header, arguments.null)
        yield exit_stack.enter_context(StandardOutput(form, before=screen.clear_if_shared))
    yield screen
    if report is not None:
        yield report


def _open_report(arguments: Arguments, exit_stack: ExitStack) -> Sink | None:
    if arguments.report is None:
        return None
    from waldo_cli.show.report import Report

    if not arguments.overwrite:
        refuse_foreign(arguments.report, HTML_MARK)
    return exit_stack.enter_context(
        Report(
            arguments.report,
            max_pixels=arguments.max_pixels,
            orient=not arguments.no_orient,
            allow_truncated=arguments.allow_truncated,
        )
    )
