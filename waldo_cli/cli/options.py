"""Options that several commands share, and the types of their values.

Values are checked while the command line is parsed, which imports neither numpy nor Pillow, so that a wrong
value is reported at once. An option is a decorator; `group` joins several of them into one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
from click.shell_completion import CompletionItem

from waldo_cli.answers.sidecars import SIDECARS
from waldo_cli.answers.streams import FORMATS
from waldo_cli.errors import InvalidInputError
from waldo_cli.inputs.folders import EXTENSIONS
from waldo_cli.inputs.pages import PageRanges, page_ranges
from waldo_cli.scales import resolve_angles, resolve_scales

F = TypeVar("F", bound=Callable[..., Any])


class ImageSize(click.ParamType[tuple[int, int]]):
    """``WxH`` in pixels."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", str(value))
        if match is None:
            self.fail(f"{value!r} is not WIDTHxHEIGHT, such as 2048x1251", param, ctx)
        return int(match[1]), int(match[2])


class Region(click.ParamType[tuple[int, int, int, int]]):
    """``L,T,W,H`` in pixels."""

    name = "region"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        match = re.fullmatch(r"(-?\d{1,7}),(-?\d{1,7}),([1-9]\d{0,6}),([1-9]\d{0,6})", str(value))
        if match is None:
            self.fail(f"{value!r} is not LEFT,TOP,WIDTH,HEIGHT in pixels", param, ctx)
        return int(match[1]), int(match[2]), int(match[3]), int(match[4])


class FiniteNumber(click.ParamType[float]):
    """A number, greater than `above` and less than `below`; NaN and infinity never are."""

    name = "number"

    def __init__(self, above: float = -math.inf, below: float = math.inf) -> None:
        self._above, self._below = above, below

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        if not self._above < number < self._below:
            most = f" and less than {self._below:g}" if math.isfinite(self._below) else ""
            self.fail(f"{value!r} is not more than {self._above:g}{most}", param, ctx)
        return number


class Share(FiniteNumber):
    """A number from 0 to 1."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        share = super().convert(value, param, ctx)
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is not a share from 0 to 1", param, ctx)
        return share


class Scales(click.ParamType[str]):
    """``auto``, one factor, a list, or a range. Only checked here: `Search.of` resolves it."""

    name = "scales"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            # What a stack would say for "auto" plays no part in the check.
            resolve_scales(str(value), (1.0,), 1)
        except InvalidInputError as e:
            self.fail(e.reason, param, ctx)
        return str(value)


class Angles(click.ParamType[str]):
    """A value of ``--angles``, checked here, so that a slip is told at once."""

    name = "angles"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            resolve_angles(str(value))
        except InvalidInputError as e:
            self.fail(e.reason, param, ctx)
        return str(value)


class Shard(click.ParamType[tuple[int, int]]):
    """``I/N``, I from 1 to N."""

    name = "shard"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        match = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", str(value))
        if match is None or int(match[1]) > int(match[2]):
            self.fail(f"{value!r} is not I/N with I from 1 to N, such as 1/4", param, ctx)
        return int(match[1]), int(match[2])


class Pages(click.ParamType[PageRanges]):
    """``1,3-5``, ``7-`` or ``all``."""

    name = "pages"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> PageRanges:
        try:
            return page_ranges(str(value))
        except InvalidInputError as e:
            self.fail(e.reason, param, ctx)


class Extensions(click.ParamType[frozenset[str]]):
    """Endings of file names, separated by commas, with or without their dots."""

    name = "extensions"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[str]:
        endings = frozenset(e.strip().lower().removeprefix(".") for e in str(value).split(","))
        if "" in endings or any("/" in e for e in endings):
            self.fail(f"{value!r} is no list of endings, such as jpg,png", param, ctx)
        return endings


class Place(click.Path):
    """A path, which is not empty."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("an empty name", param, ctx)
        return super().convert(value, param, ctx)


# Shells complete it as a file name. click must not check that it exists and can be read: "-" and URLs are no
# files, and the command reports such errors itself.
PLACE = Place(readable=False)

# What ``--truth`` takes, for the commands that have it.
TRUTH_HELP = (
    "Boxes: CSV with filename,width,height,class,xmin,ymin,xmax,ymax; COCO, Label Studio, Create ML, VIA,"
    " VoTT or labelme JSON; XML of Pascal VOC, LabelMe or CVAT; a folder of such files; YOLO's data.yaml"
    " or folder of labels; what detect writes as coco, csv, yolo, voc or labelme. Names are looked for in"
    " PAGES, by their last parts, too."
)


def stack_names(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of a built-in stack; if none begins with `incomplete`, complete a file name."""
    built_in = sorted(p.stem for p in Path(__file__).parents[1].glob("stack/builtin/*.toml"))
    names = [CompletionItem(name) for name in built_in if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


Command = Callable[[F], F]


def group(*options: Command[Any]) -> Command[Any]:
    """Join several options into one decorator; the help lists them in this order."""

    def add(command: F) -> F:
        for option in reversed(options):  # decorators apply from the bottom up
            command = option(command)
        return command

    return add


stack = click.option(
    "--stack",
    callback=lambda _ctx, _param, value: value or None,  # "" if a script passes an unset "$STACK"
    shell_complete=stack_names,
    metavar="NAME|FILE",
    help="A built-in stack or a stack file.  [default: waldo; pixels with --mask]",
)

scales = click.option(
    "--scales",
    type=Scales(),
    default="auto",
    show_default=True,
    metavar="SPEC",
    help="How large it is beside the mask or the stack's object, 2 = twice as large: auto (0.5:2 for a"
    " mask, else what the stack says), one number, a list 0.5,1,2, or a range 0.5:2, with steps 0.5:2/8.",
)


def mask(text: str) -> Command[Any]:
    """``--mask FILE``. The help is a parameter: what several masks mean depends on the command."""
    return click.option(
        "--mask", "masks", multiple=True, type=PLACE, metavar="[LABEL=]FILE", help=text
    )


class Top(click.ParamType[int | Literal["all"]]):
    """A whole number of at least 1, or ``all``."""

    name = "top"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["all"]:
        if value == "all":
            return "all"
        if re.fullmatch(r"0*[1-9]\d{0,99}", str(value)) is None:
            self.fail(f"{value!r} is neither a whole number of at least 1 nor all", param, ctx)
        return int(str(value))


def top(default: int, kind: click.ParamType[Any] | None = None) -> Command[Any]:
    """``--top N``. The default depends on the command."""
    kind = kind or Top()
    return click.option(
        "--top",
        type=kind,
        default=default,
        show_default=True,
        metavar="N|all" if isinstance(kind, Top) else "N",
        help="Most detections for each image and label, best first.",
    )


turns = group(
    click.option(
        "--angles",
        type=Angles(),
        default="0",
        show_default=True,
        metavar="SPEC",
        help="Degrees by which the mask may be turned, counter-clockwise as seen: one number, a list"
        " 0,90,180,270, a range -20:20, with its step -20:20/2, or all.",
    ),
    click.option("--mirror", is_flag=True, help="Look for the mask mirrored left to right, too."),
)

score = click.option(
    "--score",
    type=click.Choice(["ccc", "ncc"]),
    default="ccc",
    show_default=True,
    help="What a mask's score is. ccc: concordance, 1 only where shape, contrast and colours are the same;"
    " ncc: normalised cross-correlation, blind to brightness and contrast.",
)

max_overlap = click.option(
    "--max-overlap",
    type=Share(),
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Of finds of one label that share more than this part of the smaller one, only the best stays.",
)


def threshold(text: str) -> Command[Any]:
    """``--threshold T``. The help is a parameter: what the threshold decides depends on the command."""
    return click.option(
        "--threshold",
        type=FiniteNumber(),
        metavar="T",
        help=f"{text}  [default: the stack's own]",
    )


def search(*more: Command[Any]) -> Command[Any]:
    """Options for what to look for, and where in the image; `more` options go before the threshold."""
    return group(
        stack,
        mask(
            "The picture to look for, or a folder of them, or '-'; transparency weighs its pixels, and of"
            " one colour its shape counts. Repeatable; pictures of one LABEL (the file's stem) are pictures"
            " of one thing."
        ),
        scales,
        *more,
        threshold(
            "Below it a peak is no detection; without it, with --mask, a find is what chance would bring"
            " about on at most 1 of 100 such pictures."
        ),
        click.option(
            "--label",
            "labels",
            multiple=True,
            metavar="NAME",
            help="Report this label of the stack. Repeatable.  [default: the stack's first]",
        ),
        click.option(
            "--region", type=Region(), metavar="L,T,W,H", help="Only here may an answer lie."
        ),
        click.option(
            "--where",
            type=PLACE,
            metavar="FILE",
            help="A grey image of the page's size: weights from black (0) to white (1) as a prior.",
        ),
        click.option(
            "--turn",
            type=click.Choice(["auto", "none", "90", "180", "270"]),
            default="auto",
            show_default=True,
            help="Degrees clockwise by which to turn the image before it is searched; answers stay in"
            " pixels of the image as shown. auto: waldo tries all where it is not sure, other stacks"
            " none.",
        ),
    )


max_seconds = click.option(
    "--max-seconds",
    type=FiniteNumber(0),
    default=3600,
    show_default=True,
    metavar="S",
    help="Refuse an image for which the search would need longer on one core, by an estimate.",
)

# Which images.
inputs = group(
    click.option("-r", "--recursive", is_flag=True, help="Look into the folders of folders, too."),
    click.option(
        "--ext",
        "extensions",
        type=Extensions(),
        default=", ".join(sorted(EXTENSIONS)),
        show_default=True,
        metavar="LIST",
        help="Endings of the files in folders that are images, such as jpg,png.",
    ),
    click.option(
        "--pages",
        type=Pages(),
        metavar="LIST",
        help="Of files of several pictures look at these, such as 1,3-5, 7- or all.  [default: all of a"
        " TIFF, a PDF, an archive and standard input, the first of an animation]",
    ),
    click.option(
        "--files-from",
        type=PLACE,
        metavar="FILE",
        help="Look at the images that FILE names, one a line ('-': standard input), each as soon"
        " as its line has come.",
    ),
    click.option(
        "-0",
        "--null",
        is_flag=True,
        help="Names in --files-from end in NUL; so do records of tsv and written paths, which"
        " are left raw.",
    ),
)

overwrite = click.option(
    "--overwrite",
    is_flag=True,
    help="Replace files that are there, whoever made them.  [default: only pictures, activations and"
    " reports that this program made]",
)

# Which files are written, where, and the format of the records.
writing = group(
    click.option(
        "-o",
        "--out",
        default=".",
        show_default=True,
        type=PLACE,
        metavar="DIR",
        help="Where files go: below it the tree of a folder is kept.",
    ),
    overwrite,
    click.option(
        "--heatmap/--no-heatmap",
        default=None,
        help="Write STEM.heatmap.png, the activations over the dimmed page.  [default: heatmap, but for -q]",
    ),
    click.option(
        "--annotated",
        is_flag=True,
        help="Write STEM.annotated.png, the page with a box, label and score for each find.",
    ),
    click.option(
        "--activations",
        is_flag=True,
        help="Write STEM.activations.npy, the raw map, float32, of the image's size.",
    ),
    click.option(
        "-f",
        "--format",
        "form",
        type=click.Choice([*FORMATS, *SIDECARS]),
        default="tsv",
        show_default=True,
        help="How records are written. yolo, voc and labelme write STEM.txt, .xml or .json for"
        " each image below --out, and its path to standard output.",
    ),
    click.option(
        "--header/--no-header",
        default=None,
        help="Begin with a line of column names.  [default: for csv, not for tsv]",
    ),
    click.option(
        "--relative-to",
        type=PLACE,
        metavar="DIR",
        help="For coco: file names relative to DIR.  [default: as images are named]",
    ),
    click.option(
        "--confidence",
        is_flag=True,
        help="For yolo: the score as a sixth column, which training programs may not take.",
    ),
    click.option(
        "-n",
        "--page-number",
        "paged",
        is_flag=True,
        help="Add a tenth column to tsv and csv: the page, 1 for a file of one picture.",
    ),
)

# How the work is distributed and continued.
running = group(
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 1000),
        metavar="N",
        help="Images looked at side by side, each on one core by a process of its own.  [default: the"
        " cores there are]",
    ),
    click.option(
        "--timeout",
        type=click.IntRange(1, 86_400),
        metavar="SECONDS",
        help="Give up an image that takes longer, with one line as for a broken one; the others are still"
        " done.",
    ),
    click.option(
        "--resume",
        type=PLACE,
        metavar="FILE",
        help="Keep records in FILE (as jsonl), too; images that it has from an earlier run, and"
        " that have not changed, are not looked at again.",
    ),
    click.option(
        "--shard",
        type=Shard(),
        metavar="I/N",
        help="Of N parts of the images take the I-th; parts go by the path, as it is given.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Look at images on the Dask cluster at ADDRESS, such as tcp://10.0.0.1:8786. Where all"
        " workers are lost, others are waited for, 60 seconds long.",
    ),
)

# Pictures for people, in addition to the heatmaps.
showing = group(
    click.option(
        "--report",
        type=PLACE,
        metavar="FILE.html",
        help="Write a page with every image, its find, heatmap and score, to read in a browser.",
    ),
    click.option(
        "--show",
        is_flag=True,
        help="Draw each find on standard error, where that is a terminal.",
    ),
)

max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Refuse larger images by their header.  [default: 200000000]",
)

allow_truncated = click.option(
    "--allow-truncated", is_flag=True, help="Take what is there of files cut short."
)

truth_pixels = click.option(
    "--truth-pixels",
    type=click.Choice(["shown", "stored"]),
    help="Which pixels the boxes mean on pages that EXIF mirrors or turns upside down. Otherwise the size in"
    " the truth tells.  [default: shown, and a word about it]",
)

# How image files are read, and what is refused.
reading = group(
    max_pixels,
    max_seconds,
    click.option("--no-orient", is_flag=True, help="Do not apply the EXIF turn."),
    allow_truncated,
)

# The exit status, and what appears on standard error.
status_and_messages = group(
    click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails."),
    click.option("--exit-zero", is_flag=True, help="Exit with 0 where nothing is found, too."),
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        help="No records, no files, no summary: answer by the exit status, stop at the first find.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="A summary of each image, terminal or not."),
    click.option(
        "--progress/--no-progress",
        default=None,
        help="Tell on standard error how far it is.  [default: on a terminal]",
    ),
)

debug = click.option(
    "--debug", is_flag=True, help="Show a traceback where an error ends the program."
)
