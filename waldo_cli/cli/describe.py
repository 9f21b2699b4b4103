"""``waldo describe STACK``: a table of the stack's layers, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from waldo_cli.cli.memory import Computing
from waldo_cli.cli.options import ImageSize, stack_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waldo_cli.stack.stack import Stack


EXAMPLES = """\
\b
Examples:
  waldo describe waldo
      The built-in stack: labels, scales, verdict, cost, layer by layer.
  waldo describe my-stack.toml --size 2048x1251
      A stack of one's own, for an image of this size.
  waldo describe stripes --outputs 1000
      Beside a dense layer of 1000 outputs.
"""


@click.command(cls=Computing, epilog=EXAMPLES)
@click.argument("stack", shell_complete=stack_names)
@click.option("--size", type=ImageSize(), metavar="WxH", default="1000x1000", show_default=True,
              help="The image that sums are given for.")  # fmt: skip
@click.option("--outputs", type=click.IntRange(1), metavar="N",
              help="Compare with a dense layer of N outputs.  [default: the stack's own output]")  # fmt: skip
def describe(stack: str, size: tuple[int, int], outputs: int | None) -> None:
    """Show a stack layer by layer: shapes, parameters, receptive fields, multiply-adds.

    STACK is a built-in name or a stack file. The second line says what it takes for an image of
    this size: memory beside the image, as it is counted, and time, as it is expected. The last lines
    compare with a dense layer from the same input to the same output: one weight for every pair of
    numbers.
    """
    from waldo_cli.detector.maps import cost_of
    from waldo_cli.detector.search import Search
    from waldo_cli.geometry import Size
    from waldo_cli.parallel import at_most
    from waldo_cli.stack.file import load_stack

    loaded = load_stack(stack)
    click.echo(f"{loaded.name}: {loaded.description}" if loaded.description else loaded.name)
    for line in _verdict(loaded):
        click.echo(line)
    if not loaded.needs_mask and loaded.object is not None:
        width, height = size
        scales = Search.of(loaded).scales_for(Size(height, width))
        with at_most(1):
            floats, seconds = cost_of(loaded, Size(height, width), scales)
        click.echo(
            f"cost       {width}x{height} at its {len(scales)} scales, on one core: at most"
            f" {floats * 4 / 1e9:.1f} GB, about {seconds:.2g} s"
        )
    click.echo("")
    _echo_table(loaded, size, outputs)
    for closer_look in loaded.closer_looks:
        click.echo(
            f"\ncloser look: {closer_look.candidates} candidates, {len(closer_look.scales)} scales each"
            + (f", {closer_look.mirrored} of them mirrored, too" if closer_look.mirrored else "")
        )
        # A closer look runs on cut-outs of the image that are as large as its receptive field.
        rows, cols = closer_look.stack.receptive_field.size
        _echo_table(closer_look.stack, (cols, rows), None)
    if loaded.box_look is not None:
        again = loaded.box_look.candidates
        click.echo(
            "\nbox look: the finds, as they are and mirrored"
            + (
                f"; {again} candidates for the closer looks to see again in their boxes"
                if again
                else ""
            )
        )
        rows, cols = loaded.box_look.stack.receptive_field.size
        _echo_table(loaded.box_look.stack, (cols, rows), None)


def _verdict(stack: Stack) -> Iterator[str]:
    """Give the lines on what is looked for, at which scales, and how a find comes about."""
    from waldo_cli.detector.peaks import MAX_OVERLAP
    from waldo_cli.detector.verdict import MOST_CHANCE

    labels = "the names of the masks" if stack.needs_mask else ", ".join(stack.labels)
    yield f"labels     {labels}"
    yield f"object     {stack.object or 'the size of the mask'}, in pixels at scale 1"
    scales = stack.scales
    steps = f", {stack.per_octave} an octave" if len(scales) > 1 else ""
    yield f"scales     {', '.join(f'{s:.4g}' for s in scales)} of the object's size{steps}"
    yield f"boundary   {stack.boundary}"
    if stack.even_light:
        yield "light      evened: shadows and the colour of lamps are taken off a photographed page"
    by_chance = stack.needs_mask and stack.compares_pixels
    limit = "none: the best peak" if stack.threshold is None else f"{stack.threshold:g}"
    yield f"threshold  {'none, but what --threshold says' if by_chance else limit}"
    if stack.closer_looks:
        weighed = stack.evidence_weight > 0
        counts = " and ".join(str(look.candidates) for look in stack.closer_looks)
        yield (
            f"verdict    the best {counts} peaks of all scales are looked at more closely; the score of a"
            "\n           find is the geometric mean of all that was said of it, normalised over the labels"
            + ("\n           and changed by what the first look says of it" if weighed else "")
        )
        if stack.calibration != (1, 0):
            slope, offset = stack.calibration
            yield f"           and at last calibrated: log odds times {slope:g}, {offset:+g}"
    elif by_chance:
        yield (
            "verdict    a find is what chance would bring about on at most"
            f" {MOST_CHANCE:.0%} of pictures without it"
            "\n           (chance in jsonl); with --threshold, what reaches that score"
        )
    else:
        yield "verdict    the score of a find is the height of its peak, of all scales the highest"
    if stack.box_look is not None:
        yield "           the box of a find is what the box look says"
    yield (
        f"           of finds of a label that share more than {MAX_OVERLAP:.0%} of the smaller box, the best"
        " stays"
    )


def _echo_table(stack: Stack, size: tuple[int, int], outputs: int | None) -> None:
    """Print a row for each layer, then the sums and the comparison with a dense layer.

    `size` is the width and height of the image, `outputs` the option of this name.
    """
    width, height = size
    rows = [("", "layer", "output", "parameters", "field", "jump", "first", "multiply-adds/px")]
    layers = zip(
        stack.layers,
        stack.fields(),
        stack.sizes((height, width)),
        stack.channels()[1:],
        stack.multiply_adds(),
        strict=True,
    )
    for number, (layer, field, (h, w), channels, work) in enumerate(layers, 1):
        rows.append(
            (
                str(number),
                str(layer),
                f"{w}x{h}x{channels}",
                f"{layer.parameters:,}",
                "x".join(f"{v:g}" for v in field.size),
                "x".join(f"{v:g}" for v in field.jump),
                "x".join(f"{v:g}" for v in field.first),
                f"{work:,.1f}",
            )
        )
    column_widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [  # the columns "layer" and "output" are text, the others numbers
            cell.ljust(column_width) if i in (1, 2) else cell.rjust(column_width)
            for i, (cell, column_width) in enumerate(zip(row, column_widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
    work = sum(stack.multiply_adds())  # for each pixel of the input
    click.echo(
        f"sum for {width}x{height}: {stack.parameters:,} parameters,"
        f" {work * width * height:,.0f} multiply-adds"
    )
    # A dense layer has one weight for every pair of an input number and an output number. `w`, `h` and
    # `channels` are those of the last layer.
    pixels, input_channels = width * height, stack.input_channels
    output_count, output_text = w * h * channels, f"{w}x{h}x{channels}"
    if outputs is not None:
        output_count, output_text = outputs, f"{outputs:,} outputs"
    click.echo(
        f"a dense layer for {width}x{height}x{input_channels} to {output_text}:"
        f" {pixels * input_channels * output_count:,} parameters and multiply-adds"
        + (
            f", {pixels * output_count:,} for each channel in"
            if outputs and input_channels > 1
            else ""
        )
    )
