"""Why an answer came out as it did: one HTML page of pictures for one image.

Nothing is computed here a second time in another way. `detect` takes down what it saw in a `Trace`; the
page shows its maps, and asks `find_peaks`, `extend`, `cuts` and the layers themselves, which `detect`
is made of, for what it did not keep.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.detector import (
    MAX_OVERLAP,
    Detection,
    Grid,
    Look,
    Result,
    Trace,
    cuts,
    detect,
    extend,
    find_peaks,
)
from waldo_cli.errors import InvalidInputError
from waldo_cli.files import HTML_MARK, show, write_atomically
from waldo_cli.geometry import Box
from waldo_cli.heatmap import inferno, render_heatmap
from waldo_cli.images import encode_png
from waldo_cli.pyramid import cut, levels
from waldo_cli.stack import Mask, MaskLayer, Stack

Floats = NDArray[np.float32]
Point = tuple[float, float]  # x, y
Span = tuple[int, int]  # from, to

PAGE_WIDTH = 1000  # of pictures of the whole image, in pixels
MAP_WIDTH = 320  # of the map of one scale
CHANNELS = 4  # shown of each layer, the strongest
CANDIDATES = 16  # whose cuts are shown
PEAKS = 100  # shown before suppression, and searched for the place that was asked about
RANKED = 12  # listed after suppression

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
h2 { border-top: 1px solid #ccc; padding-top: 1rem }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100% }
figure img, figure svg { display: block; max-width: 100%; height: auto; background: #888 }
figure.small img { width: 12rem; image-rendering: pixelated }
figcaption { font-size: .85rem; max-width: 12rem }
figure.wide figcaption { max-width: none }
table { border-collapse: collapse; margin-bottom: 1rem }
td, th { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
rect { fill: none; vector-effect: non-scaling-stroke }
rect.all { stroke: #08f; stroke-width: 1 }
rect.kept { stroke: #f60; stroke-width: 2 }
circle { fill: none; stroke: #0b0; stroke-width: 3; vector-effect: non-scaling-stroke }
"""


def explain(
    path: str | os.PathLike[str],
    image: NDArray[Any],
    *,
    title: str = "image",
    stack: str | Path | Stack | None = None,
    masks: Sequence[Mask | NDArray[Any]] | None = None,
    scales: str | float | Sequence[float] = "auto",
    threshold: float | None = None,
    labels: Sequence[str] | None = None,
    region: tuple[int, int, int, int] | None = None,
    where: NDArray[Any] | None = None,
    at: Point | None = None,
) -> Result:
    """Write a page that shows how `detect` came to its answer.

    It shows what is looked for, the activations at every scale, the map after each layer around the best
    peak, the peaks before and after non-maximum suppression, what each closer look was shown and what it
    said, and the answer. The page is one HTML file that needs no other.

    Parameters
    ----------
    path
        The file to write, whole or not at all.
    image
        ``(H, W, 3)`` in [0, 1].
    title
        What the page calls the image.
    stack, masks, scales, threshold, labels, region, where
        As for `detect`.
    at
        ``(x, y)``, a place to explain as well, such as the one where he was missed.

    Returns
    -------
    result
        What `detect` answers.

    Raises
    ------
    InvalidInputError
        As `detect`, and where `at` lies outside the image.
    StackError
        As `detect`.
    FileError
        The file cannot be written.
    """
    trace = Trace()
    result = detect(
        image,
        stack=stack,
        masks=masks,
        scales=scales,
        threshold=threshold,
        labels=labels,
        region=region,
        where=where,
        trace=trace,
    )
    image = np.asarray(image, dtype=np.float32)
    if at is not None and not (0 <= at[0] < result.width and 0 <= at[1] < result.height):
        raise InvalidInputError(
            f"the place {at[0]:g},{at[1]:g} lies outside the {result.width}x{result.height} image"
        )
    page = _Page(image, result, trace, at)
    with write_atomically(path) as file:
        file.write(_document(f"Why: {show(title)}", page.sections()).encode())
    return result


@dataclass(frozen=True, eq=False)
class _Ranking:
    """The peaks of one map over all scales."""

    look: Look
    label: str
    before: list[Detection]
    after: list[Detection]


@dataclass(frozen=True, eq=False)
class _Page:
    image: Floats
    result: Result
    trace: Trace
    at: Point | None

    def sections(self) -> Iterator[str]:
        rankings = [r for look in self.trace.looks for r in self._rankings(look)]
        yield from self._answer(rankings)
        yield from self._sought()
        if self.at is not None:
            yield "<h2>The place you asked about</h2>"
            yield from (self._place(r, self.at) for r in rankings)
        yield from self._scales()
        for ranking in rankings:
            yield from self._peaks(ranking)
            yield from self._closer_looks(ranking.look)
        for ranking in rankings:
            if ranking.after:
                best = ranking.after[0]
                yield from self._layers(ranking, (best.x, best.y), best.scale)
            if self.at is not None:
                grid = max(ranking.look.grids, key=lambda g: self._strength(ranking, g))
                yield from self._layers(ranking, self.at, grid.scale)

    def _rankings(self, look: Look) -> Iterator[_Ranking]:
        size = (self.result.width, self.result.height)
        one = ("",) if look.scores is not None else look.stack.labels
        for k, label in enumerate(one):
            before = find_peaks(look.stack, look.grids, k, label, PEAKS, 1.0, *size)
            after = list(look.candidates)
            if look.scores is None:
                after = find_peaks(look.stack, look.grids, k, label, RANKED, MAX_OVERLAP, *size)
            yield _Ranking(look, label, before, after)

    def _answer(self, rankings: Sequence[_Ranking]) -> Iterator[str]:
        bar = self.trace.threshold
        must = "" if bar is None else f", threshold {bar:g}"
        for found in self.result.detections:
            yield _text(
                f"Found: {found.label} at {found.x:g}, {found.y:g}, score {found.score:.3f}{must}."
            )
        if not self.result.found:
            best = max(self._final_scores(rankings), default=None)
            yield _text(
                "Nothing was found: there is no peak at all."
                if best is None
                else f"Nothing was found: the best score is {best:.3f}{must}."
            )
        if self.result.margin is not None:
            yield _text(f"The next best place elsewhere scores {self.result.margin:.3f} less.")
        picture = render_heatmap(self.image, self.result.activations, self.result.detections)
        yield _figure(
            _fitted(picture, PAGE_WIDTH), "The answer: activations over the dimmed page.", "wide"
        )

    def _final_scores(self, rankings: Sequence[_Ranking]) -> Iterator[float]:
        for r in rankings:
            if r.look.scores is None:
                yield from (p.score for p in r.after if r.label in self.trace.labels)
            else:
                wanted = [r.look.stack.labels.index(label) for label in self.trace.labels]
                yield from map(float, r.look.scores[:, wanted].ravel())

    def _sought(self) -> Iterator[str]:
        yield "<h2>What is looked for</h2>"
        for look in self.trace.looks:
            for layer in look.stack.layers:
                if not isinstance(layer, MaskLayer) or layer.features is None:
                    continue
                features = layer.features
                for k in range(features.shape[3]):
                    picture = features[:, :, :, k]
                    caption = f"The mask {look.stack.labels[min(k, len(look.stack.labels) - 1)]}"
                    if features.shape[2] == 3:
                        yield _figure(
                            _rgb(picture), f"{caption}, {picture.shape[1]}x{picture.shape[0]} px"
                        )
                    else:
                        for c in range(features.shape[2]):
                            yield _figure(
                                _coloured(picture[:, :, c]),
                                f"{caption} after the layers above it, channel {c + 1}",
                            )
                    if layer.weights is not None:
                        weights = layer.weights[:, :, min(k, layer.weights.shape[2] - 1)]
                        yield _figure(
                            _coloured(weights, 0, 1), "Its weights: what is dark does not count"
                        )
            yield f"<pre>{escape(repr(look.stack))}</pre>"

    def _scales(self) -> Iterator[str]:
        yield "<h2>The scales</h2>"
        yield _text(
            "The layers know what they look for in one size, so the image is resized by each of"
            " these factors. The maps share one scale of colours."
        )
        for look in self.trace.looks:
            maps = [_flat(g) for g in look.grids]
            low = float(np.median(np.concatenate([m.ravel()[::7] for m in maps])))
            high = max(float(m.max()) for m in maps)
            w, h = look.stack.object or (1, 1)
            for grid, values in zip(look.grids, maps, strict=True):
                i, j = np.unravel_index(int(values.argmax()), values.shape)
                yield _figure(
                    _coloured(_shrunk(values, MAP_WIDTH), low, high),
                    f"scale {grid.scale:.3g}: finds objects of {w / grid.factor[1]:.0f}x"
                    f"{h / grid.factor[0]:.0f} px. Largest activation {values.max():.3f}"
                    f" at {grid.centers(1)[j]:.0f}, {grid.centers(0)[i]:.0f}",
                )

    def _layers(self, ranking: _Ranking, place: Point, scale: float) -> Iterator[str]:
        """The map after each layer, in a window around a place, as the whole level has it there."""
        stack = ranking.look.stack
        grid = next(g for g in ranking.look.grids if g.scale == scale)
        yield f"<h2>Layer by layer at scale {scale:.3g}, around {place[0]:g}, {place[1]:g}</h2>"
        window, right = _window(stack, self.image, ranking.look.grids, grid, place)
        yield _figure(_rgb(_inside(window, (0, 0), (1, 1), right)), "What goes in")
        x = window
        for number, (layer, field) in enumerate(zip(stack.layers, stack.fields(), strict=True), 1):
            x = layer.run(x)
            inner = _inside(x, field.first, field.jump, right)
            order = np.argsort(-inner.std(axis=(0, 1)), kind="stable")[:CHANNELS]
            shown = "" if x.shape[2] <= CHANNELS else f", {len(order)} of {x.shape[2]} channels"
            yield f"<h3>{number}. {escape(str(layer))}{shown}</h3>"
            for c in order:
                values = inner[:, :, c]
                yield _figure(
                    _coloured(values),
                    f"channel {c + 1}: {values.min():.3g} (dark) to {values.max():.3g} (bright)",
                )

    def _peaks(self, ranking: _Ranking) -> Iterator[str]:
        name = f" of {ranking.label}" if ranking.label else ""
        yield f"<h2>Peaks{escape(name)}, before and after suppression</h2>"
        yield _text(
            f"Thin boxes: the {len(ranking.before)} best local maxima of all scales. Thick boxes: what stays"
            f" when of boxes that overlap by more than {MAX_OVERLAP:.0%} of the smaller one only the best"
            " may stay; the number is the rank."
        )
        backdrop = _fitted(
            np.clip(self.image * np.float32(127) + np.float32(128), 0, 255).astype(np.uint8),
            PAGE_WIDTH,
        )
        yield self._drawing(backdrop, ranking.before, ())
        yield self._drawing(backdrop, (), ranking.after)
        rows = [("rank", "x", "y", "scale", "box", "score")]
        for n, p in enumerate(ranking.after[:RANKED], 1):
            box = f"{p.box.width}x{p.box.height}"
            rows.append((f"{n}", f"{p.x:g}", f"{p.y:g}", f"{p.scale:.3g}", box, f"{p.score:.3f}"))
        yield _table(rows)

    def _closer_looks(self, look: Look) -> Iterator[str]:
        if look.scores is None:
            return
        yield "<h2>The closer looks</h2>"
        yield _text(
            f"The {len(look.candidates)} best peaks, cut out of the image again for each closer look, how"
            " sure each is of every label, and what they come to together; the best first."
        )
        wanted = [look.stack.labels.index(label) for label in self.trace.labels]
        order = np.argsort(-look.scores[:, wanted].max(axis=1), kind="stable")[:CANDIDATES]
        for n in order:
            yield from self._candidate(look, int(n))

    def _candidate(self, look: Look, n: int) -> Iterator[str]:
        """What each closer look was shown of a candidate, and said of it."""
        assert look.scores is not None  # noqa: S101 - for the type checker; the callers have looked
        found = look.candidates[n]
        place = f"{n + 1}. at {found.x:g}, {found.y:g}, scale {found.scale:.3g}"
        for number, (closer, answers) in enumerate(
            zip(look.stack.closer_looks, look.answers, strict=True), 1
        ):
            if np.isnan(answers[n]).any():  # it was not among the best by then
                continue
            view = cuts(closer, self.image, found, look.stack.object or (1, 1))[0]
            yield _figure(
                _rgb(view),
                f"{place}: first look {found.score:.3f}, closer look {number}: "
                + _said(answers[n], look.stack.labels)
                + f"; together: {_said(look.scores[n], look.stack.labels)}",
            )

    def _place(self, ranking: _Ranking, at: Point) -> str:
        """How far a place came, and where it was left behind."""
        look = ranking.look
        strength, grid = max(
            ((self._strength(ranking, g), g) for g in look.grids), key=lambda pair: pair[0]
        )
        name = f"{ranking.label}: " if ranking.label else ""
        lines = [
            f"{name}the largest activation there is {strength:.3f}, at scale {grid.scale:.3g}."
        ]
        here = [n for n, p in enumerate(ranking.before, 1) if _holds(p.box, at)]
        if here:
            lines.append(f"Before suppression it is peak number {here[0]}.")
        else:
            lines.append(f"No peak among the {len(ranking.before)} best has its box there.")
        kept = [n for n, p in enumerate(ranking.after) if _holds(p.box, at)]
        picture = ""
        if look.scores is None:
            bar = self.trace.threshold
            if kept:
                score = ranking.after[kept[0]].score
                verdict = "" if bar is None else f", threshold {bar:g}"
                lines.append(f"After it, number {kept[0] + 1} with {score:.3f}{verdict}.")
            else:
                lines.append(f"After it, none of the {len(ranking.after)} best has its box there.")
        elif kept:
            labels = [look.stack.labels.index(label) for label in self.trace.labels]
            final = look.scores[:, labels].max(axis=1)
            best = max(kept, key=lambda n: float(final[n]))
            rank = 1 + int((final > final[best]).sum())
            lines.append(
                f"The closer looks were asked about it, as candidate {kept[0] + 1}, and rank it {rank} with"
                f" {final[best]:.3f}."
            )
            picture = "".join(self._candidate(look, best))
        else:
            weakest = look.candidates[-1].score if look.candidates else 0.0
            lines.append(
                f"The closer looks were never asked about it: the weakest of their {len(look.candidates)}"
                f" candidates had {weakest:.3f} in the first look."
            )
        return _text(" ".join(lines)) + picture

    def _strength(self, ranking: _Ranking, grid: Grid) -> float:
        """The largest activation within half an object of the place asked about, at one scale."""
        assert self.at is not None  # noqa: S101 - for the type checker; the callers have looked
        w, h = ranking.look.stack.object or (1, 1)
        k = ranking.look.stack.labels.index(ranking.label) if ranking.label else 0
        near = [
            np.abs(grid.centers(axis) - middle)
            <= max(extent / grid.factor[axis], grid.step[axis]) / 2
            for axis, middle, extent in ((0, self.at[1], h), (1, self.at[0], w))
        ]
        values = grid.values[:, :, k][near[0]][:, near[1]]
        return float(values.max(initial=-np.inf))

    def _drawing(
        self, backdrop: NDArray[np.uint8], every: Iterable[Detection], kept: Iterable[Detection]
    ) -> str:
        """Boxes over the page."""
        width, height = self.result.width, self.result.height
        shapes = [_rect(p.box, "all") for p in every]
        for n, p in enumerate(kept, 1):
            shapes.append(_rect(p.box, "kept"))
            shapes.append(
                f'<text x="{p.box.left}" y="{p.box.top - height / 300:g}" font-size="{height / 45:g}">'
                f"{n}</text>"
            )
        if self.at is not None:
            x, y = self.at
            shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="{height / 30:g}"/>')
        return (
            f'<figure class="wide"><svg viewBox="0 0 {width} {height}" width="{backdrop.shape[1]}">'
            f'<image href="{_data(backdrop)}" width="{width}" height="{height}"/>{"".join(shapes)}</svg>'
            "</figure>"
        )


def _window(
    stack: Stack, image: Floats, grids: Sequence[Grid], grid: Grid, place: Point
) -> tuple[Floats, tuple[Span, Span]]:
    """The part of a level that decides the maps around a place.

    Returns its pixels, and the rows and columns of it in which every map is what it is on the whole
    level; the rest is there to be seen by the layers.
    """
    level = next(x for scale, x in levels(image, [g.scale for g in grids]) if scale == grid.scale)
    extended = extend(stack, level)
    fields = list(stack.fields())
    w, h = stack.object or (1, 1)
    parts: list[slice] = []
    right: list[Span] = []
    for axis, middle, extent in ((0, place[1], h), (1, place[0], w)):
        center = int(middle * grid.factor[axis]) + extended.margin[axis][0]
        reach = max(3 * extent, 48)
        seen = reach + fields[-1].size[axis]
        # Strided layers meet the same pixels only when the window starts in step with them.
        step = max(1, int(max(f.jump[axis] for f in fields)))
        start = max(0, center - seen) // step * step
        stop = min(extended.shape[axis], center + seen)
        parts.append(slice(start, stop))
        right.append((max(start, center - reach) - start, min(stop, center + reach) - start))
    return extended[parts[0]][:, parts[1]], (right[0], right[1])


def _inside(
    x: Floats, first: tuple[float, float], jump: tuple[float, float], spans: tuple[Span, Span]
) -> Floats:
    """The cells of a map whose centres lie within the spans of the window it was made from."""
    rows, cols = (
        (first[axis] + np.arange(x.shape[axis]) * jump[axis] >= spans[axis][0])
        & (first[axis] + np.arange(x.shape[axis]) * jump[axis] < spans[axis][1])
        for axis in (0, 1)
    )
    return x[rows][:, cols]


def _flat(grid: Grid) -> Floats:
    """The largest channel; where no answer may lie (-inf), the smallest value there is."""
    values: Floats = grid.values.max(axis=2)
    finite = np.isfinite(values)
    lowest = values[finite].min() if finite.any() else np.float32(0)
    return np.where(finite, values, lowest)


def _shrunk(values: Floats, width: int) -> Floats:
    """At most about `width` columns, each cell the largest of those it stands for: peaks survive."""
    step = -(-values.shape[1] // width)
    pads = [(0, -n % step) for n in values.shape]
    blocks = np.pad(values, pads, mode="edge")
    rows = blocks.shape[0] // step
    largest: Floats = blocks.reshape(rows, step, -1, step).max(axis=(1, 3))
    return largest


def _fitted(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    if picture.shape[1] <= width:
        return picture
    rows = max(1, round(picture.shape[0] * width / picture.shape[1]))
    middle, scale = (picture.shape[1] / 2, picture.shape[0] / 2), width / picture.shape[1]
    fitted = cut(picture.astype(np.float32), middle, scale, (rows, width))
    return fitted.astype(np.uint8)


def _coloured(
    values: Floats, low: float | None = None, high: float | None = None
) -> NDArray[np.uint8]:
    """A map in colours, from dark at `low` to bright at `high`: its own range where not given."""
    low = float(values.min()) if low is None else low
    span = (float(values.max()) if high is None else high) - low
    steps = np.clip((values - low) * (255 / span if span > 0 else 0), 0, 255)
    colours: NDArray[np.uint8] = inferno().astype(np.uint8)
    return np.asarray(colours[steps.astype(np.intp)])


def _rgb(picture: Floats) -> NDArray[np.uint8]:
    shown: NDArray[np.uint8] = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return shown


def _said(answers: Floats, labels: Sequence[str]) -> str:
    """Labels with their probabilities, the likeliest first."""
    ranked = sorted(zip(answers, labels, strict=True), reverse=True)
    return ", ".join(f"{label} {score:.3f}" for score, label in ranked)


def _holds(box: Box, at: Point) -> bool:
    return box.left <= at[0] <= box.left + box.width and box.top <= at[1] <= box.top + box.height


def _data(picture: NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + b64encode(b"".join(encode_png(picture))).decode()


def _figure(picture: NDArray[np.uint8], caption: str, kind: str = "small") -> str:
    return (
        f'<figure class="{kind}"><img src="{_data(picture)}" alt="">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _text(line: str) -> str:
    return f"<p>{escape(line)}</p>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><tr>{head.replace('td>', 'th>')}</tr>{lines}</table>"


def _rect(box: Box, kind: str) -> str:
    return f'<rect class="{kind}" x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}"/>'


def _document(title: str, sections: Iterable[str]) -> str:
    body = "\n".join(sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{HTML_MARK.decode()}'
        f"<title>{escape(title)}</title>"
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )
