"""``waldo describe STACK``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from waldo_cli.cli.options import Size

if TYPE_CHECKING:
    from waldo_cli.stack import Stack


@click.command()
@click.argument("stack")
@click.option("--size", type=Size(), metavar="WxH", default="1000x1000", show_default=True,
              help="The image that sums are given for.")  # fmt: skip
def describe(stack: str, size: tuple[int, int]) -> None:
    """Show a stack layer by layer: shapes, parameters, receptive fields, multiply-adds.

    STACK is a built-in name or a stack file. The last lines compare with a dense layer from the same
    input to the same output: one weight for every pair of numbers.
    """
    from waldo_cli.stackfile import load_stack

    loaded = load_stack(stack)
    click.echo(f"{loaded.name}: {loaded.description}" if loaded.description else loaded.name)
    _table(loaded, size)
    if loaded.second_look is not None:
        second = loaded.second_look
        click.echo(
            f"\nsecond look: {second.candidates} candidates, {len(second.scales)} scales each"
            + (", mirrored too" if second.mirror else "")
        )
        rows, cols = second.stack.receptive_field.size
        _table(second.stack, (cols, rows))


def _table(stack: Stack, size: tuple[int, int]) -> None:
    width, height = size
    rows = [("", "layer", "output", "parameters", "field", "jump", "first", "multiply-adds/px")]
    layers = zip(
        stack.layers, stack.fields(), stack.channels()[1:], stack.multiply_adds(), strict=True
    )
    for number, (layer, field, channels, work) in enumerate(layers, 1):
        out = _output(field.size, field.jump, field.first, size)
        rows.append(
            (
                str(number),
                str(layer),
                "x".join(map(str, (*out, channels))),
                f"{layer.parameters:,}",
                "x".join(f"{v:g}" for v in field.size),
                "x".join(f"{v:g}" for v in field.jump),
                "x".join(f"{v:g}" for v in field.first),
                f"{work:,.1f}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(w) if i in (1, 2) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
    field, channels = stack.receptive_field, stack.channels()[-1]
    out = _output(field.size, field.jump, field.first, size)
    work = sum(stack.multiply_adds())
    click.echo(
        f"sum for {width}x{height}: {stack.parameters:,} parameters,"
        f" {work * width * height:,.0f} multiply-adds"
    )
    entering, leaving = width * height * stack.input_channels, out[0] * out[1] * channels
    click.echo(
        f"a dense layer for {width}x{height}x{stack.input_channels} to"
        f" {out[0]}x{out[1]}x{channels}: {entering * leaving:,} parameters and multiply-adds"
    )


def _output(
    field: tuple[int, int],
    jump: tuple[float, float],
    first: tuple[float, float],
    size: tuple[int, int],
) -> tuple[int, int]:
    """Width and height of the activations: positions whose window lies inside, or is padded to."""
    counts = []
    for n, s, j, f in zip((size[1], size[0]), field, jump, first, strict=True):
        padded = max(0.0, s - 1 - 2 * f)  # what the layers add around the image themselves
        counts.append(max(0, int((n + padded - s) // j) + 1))
    return counts[1], counts[0]
