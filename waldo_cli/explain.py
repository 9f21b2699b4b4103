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
from waldo_cli.stack import CloserLook, Mask, MaskLayer, Stack

Floats = NDArray[np.float32]
Point = tuple[float, float]  # x, y
Span = tuple[int, int]  # from, to

PAGE_WIDTH = 1000  # of pictures of the whole image, in pixels
MAP_WIDTH = 320  # of the map of one scale
CHANNELS = 4  # shown of each layer, the strongest
CANDIDATES = 16  # whose cuts are shown
PEAKS = 100  # shown before suppression, and searched for the place that was asked about
RANKED = 12  # listed after suppression
SURROUNDINGS = 48  # pixels to each side of the place asked about, at least

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
h2 { border-top: 1px solid #ccc; padding-top: 1rem }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100% }
figure img, figure svg { display: block; max-width: 100%; height: auto; background: #888 }
figure.small img { width: 12rem; image-rendering: pixelated }
figcaption { font-size: .85rem; max-width: 12rem }
figure.wide figcaption { max-width: none }
figure.centred { position: relative }
figure.centred::after { content: ""; position: absolute; left: 5rem; top: 5rem; width: 2rem; height: 2rem;
                        box-sizing: border-box; border: 2px solid #0c0; border-radius: 50% }
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

    It shows the answer, what is looked for, the activations at every scale, the peaks before and after
    non-maximum suppression, what the closer looks were shown and said, and the map after each
    layer of all of them around the best place. The page is one HTML file that needs no other.

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
        ``(x, y)`` in pixels of the image, a place to explain as well, such as the one where he was
        missed: how far it came at each scale and in each look, and what came before it.

    Returns
    -------
    Result
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
            yield f"<h2>The place you asked about: {self.at[0]:g}, {self.at[1]:g}</h2>"
            for ranking in rankings:
                yield from self._place(ranking, self.at)
        yield from self._scales()
        for ranking in rankings:
            yield from self._peaks(ranking)
            yield from self._closer_looks(ranking)
        for ranking in rankings:
            if ranking.after:
                n = int(np.argmax(self._final(ranking)))
                best = ranking.after[n]
                yield from self._layers(ranking, (best.x, best.y), best.scale)
                yield from self._closer_layers(ranking.look, n)
            if self.at is not None:
                strongest = max(ranking.look.grids, key=lambda g: self._strength(ranking, g))
                yield from self._layers(ranking, self.at, strongest.scale)

    def _rankings(self, look: Look) -> Iterator[_Ranking]:
        size = (self.result.width, self.result.height)
        one = ("",) if look.scores is not None else look.stack.labels
        for k, label in enumerate(one):
            before = find_peaks(look.stack, look.grids, k, label, PEAKS, 1.0, *size)
            after = list(look.candidates)
            if look.scores is None:
                after = find_peaks(look.stack, look.grids, k, label, RANKED, MAX_OVERLAP, *size)
            yield _Ranking(look, label, before, after)

    def _final(self, ranking: _Ranking) -> list[float]:
        """What each peak that stayed after suppression is worth in the end."""
        look = ranking.look
        if look.scores is None:
            return [p.score for p in ranking.after]
        wanted = [look.stack.labels.index(label) for label in self.trace.labels]
        return [float(s) for s in look.scores[:, wanted].max(axis=1)]

    def _answer(self, rankings: Sequence[_Ranking]) -> Iterator[str]:
        bar = self.trace.threshold
        must = "" if bar is None else f", threshold {bar:g}"
        for found in self.result.detections:
            yield _text(
                f"Found: {found.label} at {found.x:g}, {found.y:g}, score {found.score:.3f}{must}."
            )
        if not self.result.found:
            reported = [r for r in rankings if r.label in ("", *self.trace.labels)]
            best = max(
                ((s, p) for r in reported for s, p in zip(self._final(r), r.after, strict=True)),
                key=lambda pair: pair[0],
                default=None,
            )
            yield _text(
                "Nothing was found: there is no peak at all."
                if best is None
                else f"Nothing was found: the best score is {best[0]:.3f}, at {best[1].x:g}, {best[1].y:g}"
                f"{must}."
            )
        if self.result.margin is not None:
            yield _text(f"The next best place elsewhere scores {self.result.margin:.3f} less.")
        picture = render_heatmap(self.image, self.result.activations, self.result.detections)
        yield _figure(
            _fitted(picture, PAGE_WIDTH), "The answer: activations over the dimmed page.", "wide"
        )

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
            low, high = _range(maps)
            for grid, values in zip(look.grids, maps, strict=True):
                i, j = np.unravel_index(int(values.argmax()), values.shape)
                yield _figure(
                    _coloured(_shrunk(values, MAP_WIDTH), low, high),
                    f"scale {grid.scale:.3g}: finds objects of {_sought_size(look, grid)}. Largest"
                    f" activation {values.max():.3f} at {grid.centers(1)[j]:.0f}, {grid.centers(0)[i]:.0f}",
                )

    def _layers(self, ranking: _Ranking, place: Point, scale: float) -> Iterator[str]:
        """The map after each layer, in a window around a place, as the whole level has it there."""
        stack = ranking.look.stack
        grid = next(g for g in ranking.look.grids if g.scale == scale)
        yield f"<h2>Layer by layer at scale {scale:.3g}, around {place[0]:g}, {place[1]:g}</h2>"
        window, right = _window(stack, self.image, ranking.look.grids, grid, place)
        yield _figure(_rgb(_inside(window, (0, 0), (1, 1), right)), "What goes in")
        yield from _steps(stack, window, right)

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
        again = ranking.look.scores is not None
        rows = [("rank", "x", "y", "scale", "box", "score", *(["in the end"] if again else []))]
        for n, (p, final) in enumerate(
            zip(ranking.after[:RANKED], self._final(ranking), strict=False), 1
        ):
            box = f"{p.box.width}x{p.box.height}"
            line = (f"{n}", f"{p.x:g}", f"{p.y:g}", f"{p.scale:.3g}", box, f"{p.score:.3f}")
            rows.append((*line, *([f"{final:.3f}"] if again else [])))
        yield _table(rows)

    def _closer_looks(self, ranking: _Ranking) -> Iterator[str]:
        look = ranking.look
        if look.scores is None:
            return
        yield "<h2>The closer looks</h2>"
        yield _text(
            f"The {len(look.candidates)} best peaks, cut out of the image again for each closer look, how"
            " sure each is of every label, and what they come to together; the best first."
        )
        for n in np.argsort(-np.array(self._final(ranking)), kind="stable")[:CANDIDATES]:
            yield from self._candidate(look, int(n))

    def _closer_layers(self, look: Look, n: int) -> Iterator[str]:
        """The map after each layer of each closer look at one candidate."""
        for number, closer, view in self._shown(look, n):
            found = look.candidates[n]
            yield f"<h2>Closer look {number} layer by layer, at {found.x:g}, {found.y:g}</h2>"
            yield _figure(_rgb(view), "What goes in")
            yield from _steps(closer.stack, view)

    def _candidate(self, look: Look, n: int) -> Iterator[str]:
        """What each closer look was shown of a candidate, and said of it."""
        assert look.scores is not None  # noqa: S101 - for the type checker; the callers have looked
        found = look.candidates[n]
        for number, _, view in self._shown(look, n):
            yield _figure(
                _rgb(view),
                f"{n + 1}. at {found.x:g}, {found.y:g}: first look {found.score:.3f}, closer look {number}: "
                + _said(look.answers[number - 1][n], look.stack.labels)
                + f"; together {_said(look.scores[n], look.stack.labels)}",
            )

    def _shown(self, look: Look, n: int) -> Iterator[tuple[int, CloserLook, Floats]]:
        """Number, closer look and cut of each one that was shown a candidate."""
        for number, (closer, answers) in enumerate(
            zip(look.stack.closer_looks, look.answers, strict=True), 1
        ):
            if not np.isnan(answers[n]).any():
                view = cuts(closer, self.image, look.candidates[n], look.stack.object or (1, 1))[0]
                yield number, closer, view

    def _place(self, ranking: _Ranking, at: Point) -> Iterator[str]:
        """How far a place came, and where it was left behind."""
        look, final = ranking.look, self._final(ranking)
        bar = "" if self.trace.threshold is None else f", threshold {self.trace.threshold:g}"
        strength, grid = max(
            ((self._strength(ranking, g), g) for g in look.grids), key=lambda pair: pair[0]
        )
        if strength == -np.inf:
            yield _text(
                "No answer may lie there: the region leaves the place out, or it is so near to the edge"
                " that no window is centred there."
            )
            return
        name = f"{ranking.label}: the" if ranking.label else "The"
        yield _text(
            f"{name} largest activation there is {strength:.3f}, at scale {grid.scale:.3g}, where objects of"
            f" {_sought_size(look, grid)} are found."
        )
        here = [n for n, p in enumerate(ranking.before, 1) if _holds(p.box, at)]
        yield _text(
            f"Before suppression it is peak number {here[0]}."
            if here
            else f"No peak among the {len(ranking.before)} best before suppression has its box there."
        )
        best = max(range(len(final)), key=final.__getitem__, default=None)
        kept = [n for n, p in enumerate(ranking.after) if _holds(p.box, at)]
        shown = max(kept, key=final.__getitem__, default=None)
        if shown is None:
            yield _text(f"After it, none of the {len(ranking.after)} best has its box there.")
            if look.scores is not None:
                weakest = min((p.score for p in look.candidates), default=0.0)
                yield _text(
                    "The closer looks were never asked about it: the weakest of their"
                    f" {len(look.candidates)} candidates had {weakest:.3f} in the first look."
                    + (" What is larger there belongs to a peak beside it." * (strength > weakest))
                )
        elif look.scores is None:
            yield _text(f"After it, number {shown + 1} with {final[shown]:.3f}{bar}.")
        else:
            rank = 1 + sum(score > final[shown] for score in final)
            yield _text(
                f"The closer looks were asked about it, as candidate {shown + 1}, at scale"
                f" {ranking.after[shown].scale:.3g}, and rank it {rank} with {final[shown]:.3f}{bar}."
            )
        if best is not None and best != shown:
            first = ranking.after[best]
            yield _text(f"The best place is {first.x:g}, {first.y:g} with {final[best]:.3f}{bar}.")

        yield _figure(_rgb(_around(self.image, at)), "the page there", "small centred")
        if look.scores is not None:
            for n in dict.fromkeys(n for n in (shown, best) if n is not None):
                yield from self._candidate(look, n)
        low, high = _range([_flat(g) for g in look.grids])
        for g in look.grids:
            yield _figure(
                _coloured(_map_around(g, at, self.image), low, high),
                f"scale {g.scale:.3g}, objects of {_sought_size(look, g)}:"
                f" {self._strength(ranking, g):.3f} there",
                "small centred",
            )

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


def _steps(stack: Stack, x: Floats, spans: tuple[Span, Span] | None = None) -> Iterator[str]:
    """The map after each layer, its strongest channels; of a window only what lies in the spans."""
    for number, (layer, field) in enumerate(zip(stack.layers, stack.fields(), strict=True), 1):
        x = layer.run(x)
        inner = x if spans is None else _inside(x, field.first, field.jump, spans)
        if inner.shape[:2] == (1, 1):  # one cell: its channels side by side
            inner = inner.transpose(0, 2, 1).repeat(-(-inner.shape[2] // 8), axis=0)
            names = [f"all {x.shape[2]} channels"]
        else:
            order = np.argsort(-inner.std(axis=(0, 1)), kind="stable")[:CHANNELS]
            names = [f"channel {c + 1}" for c in order]
            inner = inner[:, :, order]
        few = len(names) > 1 and len(names) < x.shape[2]
        shown = f", {len(names)} of {x.shape[2]} channels" if few else ""
        yield f"<h3>{number}. {escape(str(layer))}{shown}</h3>"
        for c, name in enumerate(names):
            values = inner[:, :, c]
            yield _figure(
                _coloured(values),
                f"{name}: {values.min():.3g} (dark) to {values.max():.3g} (bright)",
            )


def _sought_size(look: Look, grid: Grid) -> str:
    """What an object measures on the image that has the layers' size at this scale."""
    w, h = look.stack.object or (1, 1)
    return f"{w / grid.factor[1]:.0f}x{h / grid.factor[0]:.0f} px"


def _range(maps: Sequence[Floats]) -> tuple[float, float]:
    """The values that are dark and bright in maps that share their colours: median and maximum."""
    middle = np.median(np.concatenate([m.ravel()[::7] for m in maps]))
    return float(middle), max(float(m.max()) for m in maps)


def _reach(image: Floats) -> int:
    """How many pixels to each side of a place its surroundings are shown."""
    return max(SURROUNDINGS, int(min(image.shape[:2])) // 10)


def _around(image: Floats, at: Point) -> Floats:
    """A square with the place in its middle; beyond the image's edge it is grey."""
    reach, col, row = _reach(image), int(at[0]), int(at[1])
    top, left = max(0, row - reach), max(0, col - reach)
    inside = image[top : row + reach, left : col + reach]
    square = np.full((2 * reach, 2 * reach, 3), 0.5, np.float32)
    rows = slice(top - row + reach, top - row + reach + inside.shape[0])
    cols = slice(left - col + reach, left - col + reach + inside.shape[1])
    square[rows, cols] = inside
    return square


def _map_around(grid: Grid, at: Point, image: Floats) -> Floats:
    """The same square of a map, at each pixel of the image the value of the nearest cell."""
    values, reach = _flat(grid), _reach(image)
    cells: list[NDArray[np.intp]] = []
    outside: list[NDArray[np.bool_]] = []
    for axis, middle in ((0, at[1]), (1, at[0])):
        pixels = int(middle) + np.arange(-reach, reach)
        nearest = np.rint((pixels + 0.5 - grid.origin[axis]) / grid.step[axis])
        cells.append(np.clip(nearest, 0, values.shape[axis] - 1).astype(np.intp))
        outside.append((pixels < 0) | (pixels >= image.shape[axis]))
    square: Floats = values[cells[0][:, None], cells[1]]
    square[outside[0][:, None] | outside[1]] = values.min()
    return square


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
