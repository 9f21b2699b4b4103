"""``waldo detect IMAGE...``: find something in images, write records, heatmaps and other files.

`detect` reads from top to bottom: refuse arguments that contradict each other, collect the items (images),
then open the journal, the engine and the sinks, and pass every record of the engine through all sinks.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import click

from waldo_cli.answers.record import Record
from waldo_cli.answers.sidecars import SIDECARS, Sidecar
from waldo_cli.answers.streams import FORMATS, Format, make_format
from waldo_cli.cli import options
from waldo_cli.cli.blocks import view_columns
from waldo_cli.cli.faults import told_masks
from waldo_cli.cli.memory import Computing
from waldo_cli.cli.output import CLASSES, LabelFiles, Sink, StandardOutput
from waldo_cli.cli.screen import Screen
from waldo_cli.files import HTML_MARK, refuse_foreign
from waldo_cli.files import show as shown
from waldo_cli.inputs.folders import expand
from waldo_cli.inputs.items import ANNOTATED, HEATMAP, Item, Outputs
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.pages import ByPage, PageRanges
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
    angles: str
    mirror: bool
    score: str
    top: int | Literal["all"]
    max_overlap: float
    threshold: float | None
    labels: tuple[str, ...]
    region: tuple[int, int, int, int] | None
    where: str | None
    turn: str
    recursive: bool
    extensions: frozenset[str]
    pages: PageRanges | None
    files_from: str | None
    null: bool
    out: str
    overwrite: bool
    heatmap: bool | None
    annotated: bool
    activations: bool
    form: str
    header: bool | None
    relative_to: str | None
    confidence: bool
    paged: bool
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

    @property
    def draws(self) -> bool:
        """Whether heatmaps are written."""
        return not self.quiet if self.heatmap is None else self.heatmap

    def query(self) -> Query:
        """Return the settings that can change a record."""
        from waldo_cli.batch.finder import Query

        same = {f.name: getattr(self, f.name) for f in fields(Query) if hasattr(self, f.name)}
        changed = {
            "masks": told_masks(self.masks, quiet=self.quiet),
            "labels": self.labels or None,
            "heatmap": self.draws,
            "orient": not self.no_orient,
        }
        return Query(**same | changed)

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


def in_words(formats: Mapping[str, type[Format]] | Mapping[str, Sidecar], argument: str) -> str:
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
        lambda a: a.paged and "paged" not in a.takes,
        f"--page-number goes with {in_words(FORMATS, 'paged')}, not with {{form}}",
    ),
    (
        lambda a: a.null and a.files_from is None and "null" not in a.takes,
        f"-0 goes with --files-from or {in_words(FORMATS, 'null')}, not with {{form}}",
    ),
    (
        lambda a: a.relative_to is not None and "relative_to" not in a.takes,
        f"--relative-to goes with {in_words(FORMATS, 'relative_to')}, not with {{form}}",
    ),
    (
        lambda a: a.confidence and "confidence" not in a.takes,
        f"--confidence goes with {in_words(SIDECARS, 'confidence')}, not with {{form}}",
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
        lambda a: (
            [*a.images, a.files_from, *(m.rpartition("=")[2] for m in a.masks)].count(STDIN) > 1
        ),
        "standard input ('-') can be read only once",
    ),
    (
        lambda a: a.report is not None and not a.report.endswith((".html", ".htm")),
        "--report writes HTML: name it FILE.html",
    ),
    (
        lambda a: (
            a.quiet
            and bool(a.progress or a.show or a.report or a.heatmap or a.annotated or a.activations)
        ),
        "--progress, --show, --report, --heatmap, --annotated and --activations go without --quiet",
    ),
)

EXAMPLES = """\
\b
Examples:
  waldo detect page.jpg
      Where is he? Writes page.heatmap.png, too.
  waldo detect --mask icon.png --top all --no-heatmap screenshot.png
      Every place of an icon, of any size.
  waldo detect --mask part.png --angles all --mirror --annotated tray.png
      A part that may lie turned, or mirrored; tray.annotated.png shows where.
  waldo detect -r photos -o found -f jsonl --resume found.jsonl
      A folder; given again after a stop, it goes on.
  waldo detect -q page.jpg && echo "he is here"
      The exit status is an answer.
  find . -name '*.png' -print0 | waldo detect --files-from - -0 --no-heatmap
      Pictures that another program names.
  ffmpeg -i clip.mp4 -vf fps=1 -f image2pipe -c:v png - | waldo detect -n -
      One picture of each second of a film.
  waldo detect -r photos -o labels -f yolo --no-heatmap
      Label files for a training program.
"""


@click.command(cls=Computing, epilog=EXAMPLES)
@click.argument("images", nargs=-1, type=options.PLACE, metavar="IMAGE...")
@options.search(options.turns, options.score, options.top(1), options.max_overlap)
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

    IMAGE is a file, a folder, or '-' for standard input, which may hold several pictures one after the
    other; with --files-from it may be left out. Each page of a TIFF, a PDF (extra pdf) or an archive (cbz,
    zip) is an image of its own; of an animation the first frame is, unless --pages says otherwise.

    Standard output has one line for each detection: path, x, y, score, label, left, top, width, height,
    separated by tabs. x, y is the centre of what was found, then its box; pixels of the image as shown,
    from its top left corner. Larger scores are more certain.

    In folders hidden files, links to folders and files with other endings are left out; a line on
    standard error counts them. What this program has written (*.heatmap.png, *.annotated.png,
    *.activations.npy) is left out everywhere. Records come in the order of the images, those of a folder
    by their names, whatever --jobs says.

    Exit status: 0 something was found and nothing failed, 1 nothing was found, 2 an error, 130 Ctrl-C.
    """
    arguments = Arguments(**given)
    refuse_contradictions(arguments, ctx)
    left_out = LeftOut()
    items = find_items(arguments, left_out, ctx)
    first_items, later_items = ask_first(arguments, items)
    screen = make_screen(arguments, items)
    try:
        with ExitStack() as exit_stack:
            journal = open_journal(arguments, ctx, exit_stack)
            engine = exit_stack.enter_context(make_engine(arguments, items.total, screen.say))
            sinks = list(open_sinks(arguments, engine, journal, screen, left_out, exit_stack))
            for record in records(arguments, engine, journal, chain(first_items, later_items)):
                left_out.add_inner(record.others)
                for sink in sinks:
                    record = sink.add(record)  # with an error in it if this sink could not write
                if (arguments.quiet and screen.found) or (arguments.fail_fast and screen.failed):
                    break
    except KeyboardInterrupt:
        if not arguments.quiet and items.total != 1:
            screen.say(f"waldo: {screen.how_far()}; {_how_to_go_on(arguments.resume)}")
        raise
    if not screen.done and arguments.shard is None:
        raise click.UsageError(f"no image is named in {arguments.files_from}", ctx)
    if not arguments.quiet and str(left_out):
        screen.say(f"waldo: {left_out}")
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


def find_items(arguments: Arguments, left_out: LeftOut, ctx: click.Context) -> ByPage:
    """Return the items of the command line, and those that ``--files-from`` will name, one for each page.

    No item writes to the files of another one. `left_out` counts what is not looked at.

    Raises
    ------
    click.UsageError
        The command line names no image.
    """

    def items_in(paths: Iterator[str]) -> Iterator[Item]:
        return expand(
            paths,
            arguments.out,
            recursive=arguments.recursive,
            extensions=arguments.extensions,
            left_out=left_out,
        )

    named = items_in(iter(arguments.images))
    later = items_in(
        iter(())
        if arguments.files_from is None
        else read_names(arguments.files_from, null=arguments.null)
    )
    sidecar = SIDECARS.get(arguments.form)
    outputs = None
    if arguments.draws or arguments.annotated or arguments.activations or sidecar is not None:
        classes = sidecar is not None and sidecar.classes
        outputs = Outputs(arguments.out, CLASSES if classes else "")
        known = outputs.of_all(named)
        later = outputs.of_each(later)
    else:
        known = list(named)
    if not known and arguments.files_from is None:
        raise click.UsageError(_no_image_message(arguments.images, left_out), ctx)
    # Shards are taken after the outputs are named: they run separately, and must not overwrite each other.
    return ByPage(
        known,
        None if arguments.files_from is None else later,
        arguments.pages,
        left_out,
        outputs=outputs,
        shard=arguments.shard,
        max_pixels=arguments.max_pixels,
    )


def ask_first(arguments: Arguments, items: ByPage) -> tuple[list[Item], Iterator[Item]]:
    """Return the first items, and the others, once it is known whether there are enough for all processes."""
    from waldo_cli.parallel import available_cores

    if STDIN in arguments.images:
        return [], iter(items)  # the header of the output comes before the first picture
    enough = max(2, arguments.jobs or available_cores())
    first: list[Item] = []
    iterator = iter(items)
    while items.total is not None and len(first) < items.total < enough:
        item = next(iterator, None)
        if item is None:
            break
        first.append(item)
    return first, iterator


def _no_image_message(images: tuple[str, ...], left_out: LeftOut) -> str:
    where = shown(images[0]) if len(images) == 1 else f"the {len(images)} places given"
    others = str(left_out)
    return f"no image in {where}: heatmaps and hidden files do not count{others and '; ' + others}"


def make_screen(arguments: Arguments, items: ByPage) -> Screen:
    """Decide what appears on standard error besides errors.

    On a terminal: for one image a summary of it, for several images the progress and a last line that counts
    them. Options turn these on or off.
    """
    several = items.total is None or items.total > 1
    on_terminal = sys.stderr is not None and sys.stderr.isatty()
    enabled = not arguments.quiet
    progress = on_terminal if arguments.progress is None else arguments.progress
    return Screen(
        lambda: items.total,
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
        heatmap = item.output + HEATMAP if arguments.draws else None
        annotated = item.output + ANNOTATED if arguments.annotated else None
        return journal.recall(item, engine.run, engine.labels, heatmap, annotated)

    return engine.records(replace_known(items, engine.run, recall))


def open_sinks(
    arguments: Arguments,
    engine: Engine,
    journal: Journal | None,
    screen: Screen,
    left_out: LeftOut,
    exit_stack: ExitStack,
) -> Iterator[Sink]:
    """Yield the sinks, in the order in which a record passes through them; `exit_stack` will close them.

    The screen comes after the output, so that it also shows errors of writing.
    """
    exit_stack.enter_context(screen)
    report = _open_report(arguments, engine.labels, left_out, exit_stack)
    if journal is not None:
        yield journal
    if arguments.form in SIDECARS and not arguments.quiet:
        yield exit_stack.enter_context(
            LabelFiles(
                SIDECARS[arguments.form],
                engine.labels,
                arguments.out,
                scores=arguments.confidence,
                null=arguments.null,
                overwrite=arguments.overwrite,
                before=screen.clear_if_shared,
            )
        )
    elif not arguments.quiet:
        form = make_format(
            arguments.form,
            engine.labels,
            arguments.header,
            arguments.null,
            relative_to=arguments.relative_to,
            paged=arguments.paged,
        )
        yield exit_stack.enter_context(StandardOutput(form, before=screen.clear_if_shared))
    yield screen
    if report is not None:
        yield report


def _open_report(
    arguments: Arguments, labels: tuple[str, ...], left_out: LeftOut, exit_stack: ExitStack
) -> Sink | None:
    if arguments.report is None:
        return None
    from waldo_cli.show.report import Report

    if not arguments.overwrite:
        refuse_foreign(arguments.report, HTML_MARK)
    return exit_stack.enter_context(
        Report(
            arguments.report,
            left_out,
            facts(arguments, labels),
            max_pixels=arguments.max_pixels,
            orient=not arguments.no_orient,
            allow_truncated=arguments.allow_truncated,
        )
    )


def facts(arguments: Arguments, labels: tuple[str, ...]) -> dict[str, str]:
    """What a report says at its top: what was looked for, how, when, and by which command."""
    from waldo_cli.detector.search import stack_for
    from waldo_cli.detector.verdict import MOST_CHANCE

    stack = stack_for(arguments.stack or None, with_masks=bool(arguments.masks))
    limit = stack.threshold if arguments.threshold is None else arguments.threshold
    find = (
        "the best place, whatever its score" if limit is None else f"a score of at least {limit:g}"
    )
    if arguments.threshold is None and arguments.masks and stack.compares_pixels:
        find = f"what chance brings about in at most {MOST_CHANCE:.0%} of pictures without it"
    by = f"masks {', '.join(arguments.masks)}" if arguments.masks else f"stack {stack.name}"
    return {
        "Looked for": f"{', '.join(labels)} (by {by})",
        "A find is": find,
        "Date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "Command": shlex.join(["waldo", *sys.argv[1:]]),
    }
