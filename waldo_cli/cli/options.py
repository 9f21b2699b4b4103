"""Options that several commands have, and kinds of values; checked before anything heavy is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from waldo_cli.errors import InvalidInputError
from waldo_cli.scales import resolve_scales

F = TypeVar("F", bound=Callable[..., Any])


class Size(click.ParamType[tuple[int, int]]):
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


class Scales(click.ParamType[str]):
    """``auto``, one factor, a list, or a range."""

    name = "scales"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        try:
            resolve_scales(str(value), (1.0,), 1)
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


# What shells complete as a name of a file; whether it can be used is the command's to say.
PLACE = click.Path(readable=False)


def stack_names(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The built-in stacks that begin like this, or else files."""
    built_in = sorted(p.stem for p in Path(__file__).parents[1].glob("stack/builtin/*.toml"))
    names = [CompletionItem(name) for name in built_in if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


stack = click.option(
    "--stack",
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
    help="auto (what the stack says), one factor, a list 0.5,1,2 or a range 0.5:2.",
)


def top(default: int) -> Callable[[F], F]:
    """``--top N``; commands differ in how many finds they want by themselves."""
    return click.option(
        "--top",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        metavar="N",
        help="Most detections for each image and label, best first.",
    )


max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    metavar="N",
    help="Refuse larger images by their header.  [default: 200000000]",
)

debug = click.option(
    "--debug", is_flag=True, help="Show a traceback where an error ends the program."
)
