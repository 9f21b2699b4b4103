"""Why an answer came out as it did: one HTML page of pictures for one image.

What there is to tell is data: `detector.explanation`. Here it becomes sentences and pictures, and these a
page; whoever wants the sentences or pictures without the page takes `answer_lines`, `place_lines` and
`place_figures`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Bytes, Floats, as_floats
from waldo_cli.detector.detect import detect_with
from waldo_cli.detector.explanation import Place, Ranking, rankings, window_around
from waldo_cli.detector.light import LitImage, Searched, as_shown
from waldo_cli.detector.maps import MAX_SECONDS, Grid, Maps
from waldo_cli.detector.matcher import COARSE, Matcher, Turn, as_it_lies
from waldo_cli.detector.passes import RANKED, Pass, Trace
from waldo_cli.detector.peaks import MAX_OVERLAP
from waldo_cli.detector.result import Result
from waldo_cli.detector.search import Search
from waldo_cli.detector.turn import box_back, point_back, turned, turned_image
from waldo_cli.detector.verdict import MOST_CHANCE
from waldo_cli.errors import InvalidInputError
from waldo_cli.files import show, write_atomically
from waldo_cli.geometry import Box, Detection, Point, Size, Span
from waldo_cli.images.reduced import AnyPixels, ReducedImage
from waldo_cli.show.heatmap import Heatmap
from waldo_cli.show.html import (
    Figure,
    data_url,
    document,
    figure,
    moved,
    paragraph,
    rectangle,
    table,
)
from waldo_cli.show.map_pictures import (
    colour_range,
    coloured,
    fitted,
    flat,
    inside_spans,
    map_surroundings,
    rgb,
    shrunk,
    surroundings,
)
from waldo_cli.stack.layers import MaskLayer
from waldo_cli.stack.stack import Stack

PAGE_WIDTH = 1000  # of pictures of the whole image, in pixels
MAP_WIDTH = 320  # of the map of one scale
CHANNELS = 4  # shown of each layer, the strongest
CANDIDATES = 16  # whose cuts are shown
NEAR = 8  # pixels around a place that was asked about, in which a mask's best place is told


def explain(
    path: str | os.PathLike[str],
    image: NDArray[Any] | ReducedImage,
    search: Search,
    *,
    title: str = "image",
    region: tuple[int, int, int, int] | None = None,
    where: NDArray[Any] | None = None,
    turn: str | int = "auto",
    at: Point | None = None,
    max_overlap: float = MAX_OVERLAP,
    max_seconds: float = MAX_SECONDS,
) -> Result:
    """Write a page that shows how `detect` came to its answer.

    It shows the answer, what is looked for, the activations at every scale, the peaks before and after
    non-maximum suppression, what the closer looks were shown and said, and the map after each
    layer of all of them around the best place. The page is one HTML file that needs no other. Where the
    answer comes from a turned image, the page shows that one, and places are in its pixels. Masks that are
    sought coarse to fine have no layers to show; each is shown as it lies at its best place.

    Parameters
    ----------
    path
        The file to write, whole or not at all.
    image
        ``(H, W, 3)`` in [0, 1].
    search
        What is looked for.
    title
        What the page calls the image.
    region, where, turn, max_overlap
        As for `detect`.
    at
        ``(x, y)`` in pixels of the image, a place to explain as well, such as the one where he was
        missed: how far it came at each scale and in each look, and what came before it.
    max_seconds
        As for `detect`.

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
    result = detect_with(
        image,
        search,
        region=region,
        where=where,
        max_overlap=max_overlap,
        turn=turn,
        max_seconds=max_seconds,
        trace=trace,
    )
    if at is not None and not (0 <= at[0] < result.width and 0 <= at[1] < result.height):
        raise InvalidInputError(
            f"the place {at[0]:g},{at[1]:g} lies outside the {result.width}x{result.height} image"
        )
    image = image if isinstance(image, ReducedImage) else as_floats(np.asarray(image))
    shown = result
    if result.turned:
        # The whole page is about the turned image, in its own pixels: search that one as it is.
        image, trace = turned_image(image, result.turned), Trace()
        back, size = 360 - result.turned, Size(*image.shape[:2])
        at = at and point_back(*at, back, size)
        region = region and astuple(box_back(Box(*region), back, size))
        where = None if where is None else turned(np.asarray(where), result.turned)
        shown = detect_with(
            image,
            search,
            region=region,
            where=where,
            max_overlap=max_overlap,
            turn="none",
            max_seconds=max_seconds,
            trace=trace,
        )
        shown = replace(shown, turned=result.turned)
    near = None
    if at is not None and search.matches_pixels:
        near = _best_near(image, search, at, where, max_seconds)
    pixels = as_floats(
        turned(result.image, result.turned) if isinstance(image, ReducedImage) else image
    )
    page = _Page(as_shown(search.stack, image), pixels, shown, trace, at, near)
    text = document(f"Why: {show(title)}", page.sections())
    with write_atomically(path) as file:
        file.write(text.encode(errors="backslashreplace"))
    return result


def _best_near(
    image: AnyPixels, search: Search, at: Point, where: NDArray[Any] | None, max_seconds: float
) -> Detection | None:
    """The best place that a mask has near a place, by the search of `detect` itself."""
    reach = NEAR
    left, top = max(0, int(at[0]) - reach), max(0, int(at[1]) - reach)
    region = (left, top, int(at[0]) + reach + 1 - left, int(at[1]) + reach + 1 - top)
    return detect_with(
        image, search, region=region, where=where, turn="none", max_seconds=max_seconds
    ).best


def pose(found: Detection) -> str:
    """How a find lies, beside its mask: its size, and whether it is turned or mirrored."""
    parts = [f"{found.scale:.3g} times as large"]
    if found.mirrored:
        parts.append("mirrored")
    if found.angle:
        parts.append(f"turned by {found.angle:g} degrees")
    return ", ".join(parts)


def near_lines(near: Detection | None) -> Iterator[str]:
    """The best place near the one that was asked about, and what would make it a find."""
    if near is None:
        return
    chance = (
        ""
        if near.chance is None
        else (
            f"; chance brings about one as good on {near.chance:.2%} of pictures without it, and a find on at"
            f" most {MOST_CHANCE:.0%}"
        )
    )
    yield (
        f"Within {NEAR} pixels the best place for {near.label} is {near.x:g}, {near.y:g}, {pose(near)}: score"
        f" {near.score:.3f}{chance}."
    )


def answer_lines(result: Result, trace: Trace) -> Iterator[str]:
    """What was found, or the best score where nothing was, and how far ahead it is."""
    must = _threshold(trace)
    if result.turned:
        yield (
            f"The image was turned by {result.turned} degrees clockwise. This page shows it so, and places"
            " are in its pixels."
        )
    for found in result.detections:
        lies = f", {pose(found)}" if found.angle or found.mirrored else ""
        yield f"Found: {found.label} at {found.x:g}, {found.y:g}{lies}, score {found.score:.3f}{must}."
    if not result.found:
        best = result.best
        if best is None:
            yield "Nothing was found: there is no peak at all."
        else:
            yield (
                f"Nothing was found: the best score is {best.score:.3f}, at {best.x:g}, {best.y:g}{must}."
            )
    if result.margin is not None:
        if result.margin >= 0:
            yield f"The next best place elsewhere scores {result.margin:.3f} less."
        else:
            yield (
                f"The next best place elsewhere scores {-result.margin:.3f} more, but chance brings about"
                " its like more often."
            )


def place_lines(ranking: Ranking, place: Place, trace: Trace) -> Iterator[str]:
    """How far a place came, and where it was left behind."""
    if place.strength == -np.inf:
        yield (
            "No answer may lie there: the region leaves the place out, or it is so near to the edge"
            " that no window is centred there."
        )
        return
    name = f"{ranking.label}: the" if ranking.label else "The"
    yield (
        f"{name} largest activation there is {place.strength:.3f}, at scale {place.grid.scale:.3g}, where"
        f" objects of {_size_sought(ranking.seen.maps, place.grid)} are found."
    )
    if place.before is not None:
        yield f"Before suppression it is peak number {place.before}."
    else:
        parts = "; a mask is also compared part by part" if ranking.seen.matches else ""
        yield (
            f"No peak among the {len(ranking.before)} best before suppression has its box there{parts}."
        )
    must = _threshold(trace)
    yield from _after_lines(ranking, place, must)
    first = ranking.first()
    if first is not None and first != place.after:
        best = ranking.after[first]
        yield f"The best place is {best.x:g}, {best.y:g} with {ranking.final[first]:.3f}{must}."


def _after_lines(ranking: Ranking, place: Place, must: str) -> Iterator[str]:
    """What became of a place after suppression, and in the closer looks."""
    closer = ranking.seen.scores is not None
    if place.after is None:
        yield f"After it, none of the {len(ranking.after)} best has its box there."
        if closer:
            candidates = ranking.seen.candidates
            weakest = min((p.score for p in candidates), default=0.0)
            yield (
                "The closer looks were never asked about it: the weakest of their"
                f" {len(candidates)} candidates had {weakest:.3f} in the first look."
                + " What is larger there belongs to a peak beside it."
                * (place.strength > weakest)
            )
    elif closer:
        yield (
            f"The closer looks were asked about it, as candidate {place.after + 1}, at scale"
            f" {ranking.after[place.after].scale:.3g}, and rank it {place.rank} with"
            f" {place.final:.3f}{must}."
        )
    else:
        yield f"After it, number {place.after + 1} with {place.final:.3f}{must}."


def place_figures(
    ranking: Ranking, place: Place, at: Point, image: Floats, searched: Searched
) -> Iterator[Figure]:
    """The page around a place, what closer looks were shown there and at the best place, and the maps.

    `image` shows what was `searched`.
    """
    if place.strength == -np.inf:
        return
    yield Figure(
        rgb(surroundings(image, at)), "the page there", "small centred", "piece of the page"
    )
    seen = ranking.seen
    if seen.scores is not None:
        for n in dict.fromkeys(n for n in (place.after, ranking.first()) if n is not None):
            yield from _candidate(seen, n, searched)
    low, high = colour_range([flat(g) for g in seen.maps.grids])
    for grid, strength in zip(seen.maps.grids, place.strengths, strict=True):
        yield Figure(
            coloured(map_surroundings(grid, at, image), low, high),
            f"scale {grid.scale:.3g}, objects of {_size_sought(seen.maps, grid)}: {strength:.3f} there",
            "small centred",
        )


def _candidate(seen: Pass, n: int, image: Searched) -> Iterator[Figure]:
    """What each closer look was shown of a candidate, and said of it."""
    if seen.scores is None:
        return
    found, labels = seen.candidates[n], seen.stack.labels
    for number, _, view in seen.shown(image, n):
        yield Figure(
            rgb(view),
            f"{n + 1}. at {found.x:g}, {found.y:g}: first look {found.score:.3f}, closer look {number}: "
            + _said(seen.answers[number - 1][n], labels)
            + f"; together {_said(seen.scores[n], labels)}",
            alt="cut of the page",
        )


def _threshold(trace: Trace) -> str:
    if trace.by_verdict:
        return f", chance at most {MOST_CHANCE:g}"
    return "" if trace.threshold is None else f", threshold {trace.threshold:g}"


def _size_sought(maps: Maps, grid: Grid) -> str:
    """What an object measures on the image that has the layers' size at this scale."""
    height, width = maps.extent(grid)
    return f"{width:.0f}x{height:.0f} px"


def _said(answers: Floats, labels: Sequence[str]) -> str:
    """Labels with their probabilities, the likeliest first."""
    ranked = sorted(zip(answers, labels, strict=True), reverse=True)
    return ", ".join(f"{label} {score:.3f}" for score, label in ranked)


@dataclass(frozen=True, eq=False)
class _Page:
    """The sections of the page, in their order; `image` shows what was `searched`."""

    searched: Searched
    image: Floats
    result: Result
    trace: Trace
    at: Point | None
    near: Detection | None

    @cached_property
    def rankings(self) -> list[Ranking]:
        return list(rankings(self.trace))

    def sections(self) -> Iterator[str]:
        yield from self._answer()
        yield from self._sought()
        if self.at is not None:
            yield f"<h2>The place you asked about: {self.at[0]:g}, {self.at[1]:g}</h2>"
            yield from map(paragraph, near_lines(self.near))
            for ranking in self.rankings:
                place = ranking.place(self.at)
                yield from map(paragraph, place_lines(ranking, place, self.trace))
                figures = place_figures(ranking, place, self.at, self.image, self.searched)
                yield from map(figure, figures)
        yield from self._scales()
        for ranking in self.rankings:
            yield from self._peaks(ranking)
            yield from self._closer_looks(ranking)
        for ranking in self.rankings:
            first = ranking.first()
            if first is not None:
                best = ranking.after[first]
                yield from self._layers(ranking, (best.x, best.y), best.scale)
                yield from self._closer_layers(ranking.seen, first)
            if self.at is not None:
                yield from self._layers(ranking, self.at, ranking.place(self.at).grid.scale)

    def _answer(self) -> Iterator[str]:
        yield from map(paragraph, answer_lines(self.result, self.trace))
        if isinstance(self.searched, LitImage):
            yield paragraph(
                "The brightest places are not white everywhere. So the stack was shown the picture with its"
                " light evened, and so are the pieces below that show what goes into a look."
            )
        picture = Heatmap(self.image, self.result.overlay, self.result.detections).whole()
        caption = "The answer: activations over the dimmed page."
        yield figure(Figure(fitted(picture, PAGE_WIDTH), caption, "wide", "heatmap"))

    def _sought(self) -> Iterator[str]:
        yield "<h2>What is looked for</h2>"
        for seen in self.trace.passes:
            for layer in seen.stack.layers:
                if isinstance(layer, MaskLayer) and layer.features is not None:
                    for k in range(layer.features.shape[3]):
                        label = seen.stack.labels[min(k, len(seen.stack.labels) - 1)]
                        yield from map(figure, _mask_figures(layer, k, f"The mask {label}"))
            if seen.matcher is None:
                yield moved(f"<pre>{escape(repr(seen.stack))}</pre>", "The layers")
            else:
                yield from _turns_and_shape(seen.matcher, next(iter(seen.matches[0]), None))

    def _scales(self) -> Iterator[str]:
        yield "<h2>The scales</h2>"
        how = (
            "The layers know what they look for in one size, so the image is resized by one over each"
            " of these scales: at scale 2 it is twice as large."
        )
        if any(seen.matcher is not None for seen in self.trace.passes):
            how = (
                f"For each of these scales mask and image are made so small that the mask has about {COARSE}"
                f" x {COARSE} pixels, and compared in every turn: the best places are looked at more closely."
            )
        yield paragraph(f"{how} The maps share one scale of colours.")
        for seen in self.trace.passes:
            maps = [flat(g) for g in seen.maps.grids]
            low, high = colour_range(maps)
            for grid, values in zip(seen.maps.grids, maps, strict=True):
                i, j = np.unravel_index(int(values.argmax()), values.shape)
                caption = (
                    f"scale {grid.scale:.3g}: finds objects of {_size_sought(seen.maps, grid)}, the image has"
                    f" {self._level(grid)} px there. Largest activation {values.max():.3f} at"
                    f" {grid.centers(1)[j]:.0f}, {grid.centers(0)[i]:.0f}"
                )
                yield figure(Figure(coloured(shrunk(values, MAP_WIDTH), low, high), caption))

    def _level(self, grid: Grid) -> Size:
        """Size of the resized image at one scale."""
        rows, cols = (round(n * f) for n, f in zip(self.image.shape[:2], grid.factor, strict=True))
        return Size(rows, cols)

    def _peaks(self, ranking: Ranking) -> Iterator[str]:
        name = f" of {ranking.label}" if ranking.label else ""
        yield f"<h2>Peaks{escape(name)}, before and after suppression</h2>"
        yield paragraph(
            f"Thin boxes: the {len(ranking.before)} best local maxima of all scales. Thick boxes: what stays"
            f" when of boxes that overlap by more than {self.trace.max_overlap:.0%} of the smaller one only"
            " the best may stay; the number is the rank."
            + (" The answer's box is what the box look saw." if ranking.seen.stack.box_look else "")
        )
        yield self._drawing(ranking.before, (), "before suppression")
        yield self._drawing((), ranking.after, "after suppression")
        closer = ranking.seen.scores is not None
        rows = [("rank", "x", "y", "scale", "box", "score", *(["in the end"] if closer else []))]
        for n, (p, final) in enumerate(zip(ranking.after[:RANKED], ranking.final, strict=False), 1):
            box = f"{p.box.width}x{p.box.height}"
            line = (f"{n}", f"{p.x:g}", f"{p.y:g}", f"{p.scale:.3g}", box, f"{p.score:.3f}")
            rows.append((*line, *([f"{final:.3f}"] if closer else [])))
        yield moved(table(rows), "The peaks after suppression")

    @cached_property
    def _backdrop(self) -> Bytes:
        """The page, pale, for boxes to be drawn over."""
        pale = np.clip(self.image * np.float32(127) + np.float32(128), 0, 255).astype(np.uint8)
        return fitted(pale, PAGE_WIDTH)

    def _drawing(self, every: Iterable[Detection], kept: Iterable[Detection], when: str) -> str:
        """Boxes over the page."""
        backdrop = self._backdrop
        width, height = self.result.width, self.result.height
        shapes = [rectangle(p.box, "all") for p in every]
        for n, p in enumerate(kept, 1):
            shapes.append(rectangle(p.box, "kept"))
            shapes.append(
                f'<text x="{p.box.left}" y="{p.box.top - height / 300:g}" font-size="{height / 45:g}">'
                f"{n}</text>"
            )
        if self.at is not None:
            x, y = self.at
            shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="{height / 30:g}"/>')
        return (
            f'<figure class="wide"><svg role="img" aria-label="The page with the peaks {when} framed"'
            f' viewBox="0 0 {width} {height}" width="{backdrop.shape[1]}">'
            f'<image href="{data_url(backdrop)}" width="{width}" height="{height}"/>{"".join(shapes)}</svg>'
            f"<figcaption>Peaks {when}</figcaption></figure>"
        )

    def _closer_looks(self, ranking: Ranking) -> Iterator[str]:
        seen = ranking.seen
        if seen.scores is None:
            return
        yield "<h2>The closer looks</h2>"
        yield paragraph(
            f"The {len(seen.candidates)} best peaks, cut out of the image again for each closer look, how"
            " sure each is of every label, and what they come to together; the best first."
            + " The best were shown again in the boxes that the box look saw, which counts, too."
            * bool(seen.stack.box_look and seen.stack.box_look.candidates)
        )
        for n in np.argsort(-np.array(ranking.final), kind="stable")[:CANDIDATES]:
            yield from map(figure, _candidate(seen, int(n), self.searched))

    def _layers(self, ranking: Ranking, place: Point, scale: float) -> Iterator[str]:
        """The map after each layer, in a window around a place, as the whole level has it there."""
        if ranking.seen.matcher is not None:  # its layers have not run
            return
        stack, maps = ranking.seen.stack, ranking.seen.maps
        # A mask's find lies between the scales that were looked at: the nearest map shows it.
        grid = min(maps.grids, key=lambda g: abs(math.log(g.scale / scale)))
        yield f"<h2>Layer by layer at scale {grid.scale:.3g}, around {place[0]:g}, {place[1]:g}</h2>"
        window, right = window_around(stack, self.searched, maps, grid, place)
        entering = rgb(inside_spans(window, (0, 0), (1, 1), right))
        yield figure(Figure(entering, "What goes in", alt="piece of the page"))
        yield from _steps(stack, window, right)

    def _closer_layers(self, seen: Pass, n: int) -> Iterator[str]:
        """The map after each layer of each closer look at one candidate."""
        for number, look, view in seen.shown(self.searched, n):
            found = seen.candidates[n]
            yield f"<h2>Closer look {number} layer by layer, at {found.x:g}, {found.y:g}</h2>"
            yield figure(Figure(rgb(view), "What goes in", alt="cut of the page"))
            yield from _steps(look.stack, view)


def _turns_and_shape(matcher: Matcher, best: Detection | None) -> Iterator[str]:
    """What is said of a mask that is sought coarse to fine, and its picture as it lies at its best place."""
    if matcher.one_colour:
        yield paragraph("It has one colour, so that its shape is sought, in any colour.")
    if len(matcher.turns) > 1:
        yield paragraph(f"It is sought in {len(matcher.turns)} turns.")
    if best is not None and (best.angle or best.mirrored):
        lies = as_it_lies(matcher.mask, Turn(best.angle, best.mirrored))
        yield figure(
            Figure(rgb(lies.pixels), f"As it lies at its best place, {pose(best)}", alt="mask")
        )


def _mask_figures(layer: MaskLayer, k: int, caption: str) -> Iterator[Figure]:
    """Mask number `k` of a layer as the layer has it, and its weights."""
    if layer.features is None:
        return
    features = layer.features[:, :, :, k]
    if features.shape[2] == 3:
        size = f"{features.shape[1]}x{features.shape[0]} px"
        yield Figure(rgb(features), f"{caption}, {size}", alt="mask")
    else:
        for c in range(features.shape[2]):
            after = f"{caption} after the layers above it, channel {c + 1}"
            yield Figure(coloured(features[:, :, c]), after)
    if layer.weights is not None:
        weights = layer.weights[:, :, min(k, layer.weights.shape[2] - 1)]
        caption = "Its weights: what is dark does not count"
        yield Figure(coloured(weights, 0, 1), caption, alt="weights")


def _steps(stack: Stack, x: Floats, spans: tuple[Span, Span] | None = None) -> Iterator[str]:
    """The map after each layer, its strongest channels; of a window only what lies in the spans."""
    for number, (layer, field) in enumerate(zip(stack.layers, stack.fields(), strict=True), 1):
        x = layer.run(x)
        inner = x if spans is None else inside_spans(x, field.first, field.jump, spans)
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
            caption = f"{name}: {values.min():.3g} (dark) to {values.max():.3g} (bright)"
            yield figure(Figure(coloured(values), caption))
