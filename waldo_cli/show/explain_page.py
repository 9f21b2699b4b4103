"""Why an answer came out as it did: one HTML page of pictures for one image.

Nothing is computed here a second time in another way. `detect` takes down what it saw in a `Trace`; the
page shows its maps, and asks `find_peaks`, `extend`, `cuts` and the layers themselves, which `detect`
is made of, for what it did not keep.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waldo_cli.arrays import Floats
from waldo_cli.detector.closer import cuts
from waldo_cli.detector.detect import Result, detect
from waldo_cli.detector.explanation import Look, Ranking, Trace, window_around
from waldo_cli.detector.maps import Grid
from waldo_cli.detector.peaks import MAX_OVERLAP, find_peaks
from waldo_cli.errors import InvalidInputError
from waldo_cli.files import show, write_atomically
from waldo_cli.geometry import Box, Detection, Point, Size, Span
from waldo_cli.show.heatmap import render_heatmap
from waldo_cli.show.html import data_url, document, figure, paragraph, rectangle, table
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
from waldo_cli.stack.stack import CloserLook, Mask, Stack

PAGE_WIDTH = 1000  # of pictures of the whole image, in pixels
MAP_WIDTH = 320  # of the map of one scale
CHANNELS = 4  # shown of each layer, the strongest
CANDIDATES = 16  # whose cuts are shown
PEAKS = 100  # shown before suppression, and searched for the place that was asked about
RANKED = 12  # listed after suppression


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
        file.write(document(f"Why: {show(title)}", page.sections()).encode())
    return result


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

    def _rankings(self, look: Look) -> Iterator[Ranking]:
        size = (self.result.width, self.result.height)
        one = ("",) if look.scores is not None else look.stack.labels
        for k, label in enumerate(one):
            before = find_peaks(look.stack, look.grids, k, label, PEAKS, 1.0, *size)
            after = list(look.candidates)
            if look.scores is None:
                after = find_peaks(look.stack, look.grids, k, label, RANKED, MAX_OVERLAP, *size)
            yield Ranking(look, label, before, after)

    def _final(self, ranking: Ranking) -> list[float]:
        """What each peak that stayed after suppression is worth in the end."""
        look = ranking.look
        if look.scores is None:
            return [p.score for p in ranking.after]
        wanted = [look.stack.labels.index(label) for label in self.trace.labels]
        return [float(s) for s in look.scores[:, wanted].max(axis=1)]

    def _answer(self, rankings: Sequence[Ranking]) -> Iterator[str]:
        bar = self.trace.threshold
        must = "" if bar is None else f", threshold {bar:g}"
        for found in self.result.detections:
            yield paragraph(
                f"Found: {found.label} at {found.x:g}, {found.y:g}, score {found.score:.3f}{must}."
            )
        if not self.result.found:
            reported = [r for r in rankings if r.label in ("", *self.trace.labels)]
            best = max(
                ((s, p) for r in reported for s, p in zip(self._final(r), r.after, strict=True)),
                key=lambda pair: pair[0],
                default=None,
            )
            yield paragraph(
                "Nothing was found: there is no peak at all."
                if best is None
                else f"Nothing was found: the best score is {best[0]:.3f}, at {best[1].x:g}, {best[1].y:g}"
                f"{must}."
            )
        if self.result.margin is not None:
            yield paragraph(f"The next best place elsewhere scores {self.result.margin:.3f} less.")
        picture = render_heatmap(self.image, self.result.activations, self.result.detections)
        yield figure(
            fitted(picture, PAGE_WIDTH), "The answer: activations over the dimmed page.", "wide"
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
                        yield figure(
                            rgb(picture), f"{caption}, {picture.shape[1]}x{picture.shape[0]} px"
                        )
                    else:
                        for c in range(features.shape[2]):
                            yield figure(
                                coloured(picture[:, :, c]),
                                f"{caption} after the layers above it, channel {c + 1}",
                            )
                    if layer.weights is not None:
                        weights = layer.weights[:, :, min(k, layer.weights.shape[2] - 1)]
                        yield figure(
                            coloured(weights, 0, 1), "Its weights: what is dark does not count"
                        )
            yield f"<pre>{escape(repr(look.stack))}</pre>"

    def _scales(self) -> Iterator[str]:
        yield "<h2>The scales</h2>"
        yield paragraph(
            "The layers know what they look for in one size, so the image is resized by each of"
            " these factors. The maps share one scale of colours."
        )
        for look in self.trace.looks:
            maps = [flat(g) for g in look.grids]
            low, high = colour_range(maps)
            for grid, values in zip(look.grids, maps, strict=True):
                i, j = np.unravel_index(int(values.argmax()), values.shape)
                yield figure(
                    coloured(shrunk(values, MAP_WIDTH), low, high),
                    f"scale {grid.scale:.3g}: finds objects of {_sought_size(look, grid)}. Largest"
                    f" activation {values.max():.3f} at {grid.centers(1)[j]:.0f}, {grid.centers(0)[i]:.0f}",
                )

    def _layers(self, ranking: Ranking, place: Point, scale: float) -> Iterator[str]:
        """The map after each layer, in a window around a place, as the whole level has it there."""
        stack = ranking.look.stack
        grid = next(g for g in ranking.look.grids if g.scale == scale)
        yield f"<h2>Layer by layer at scale {scale:.3g}, around {place[0]:g}, {place[1]:g}</h2>"
        window, right = window_around(stack, self.image, ranking.look.grids, grid, place)
        yield figure(rgb(inside_spans(window, (0, 0), (1, 1), right)), "What goes in")
        yield from _steps(stack, window, right)

    def _peaks(self, ranking: Ranking) -> Iterator[str]:
        name = f" of {ranking.label}" if ranking.label else ""
        yield f"<h2>Peaks{escape(name)}, before and after suppression</h2>"
        yield paragraph(
            f"Thin boxes: the {len(ranking.before)} best local maxima of all scales. Thick boxes: what stays"
            f" when of boxes that overlap by more than {MAX_OVERLAP:.0%} of the smaller one only the best"
            " may stay; the number is the rank."
        )
        backdrop = fitted(
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
        yield table(rows)

    def _closer_looks(self, ranking: Ranking) -> Iterator[str]:
        look = ranking.look
        if look.scores is None:
            return
        yield "<h2>The closer looks</h2>"
        yield paragraph(
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
            yield figure(rgb(view), "What goes in")
            yield from _steps(closer.stack, view)

    def _candidate(self, look: Look, n: int) -> Iterator[str]:
        """What each closer look was shown of a candidate, and said of it."""
        assert look.scores is not None  # noqa: S101 - for the type checker; the callers have looked
        found = look.candidates[n]
        for number, _, view in self._shown(look, n):
            yield figure(
                rgb(view),
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
                view = cuts(
                    closer, self.image, look.candidates[n], look.stack.object or Size(1, 1)
                )[0]
                yield number, closer, view

    def _place(self, ranking: Ranking, at: Point) -> Iterator[str]:
        """How far a place came, and where it was left behind."""
        look, final = ranking.look, self._final(ranking)
        bar = "" if self.trace.threshold is None else f", threshold {self.trace.threshold:g}"
        strength, grid = max(
            ((self._strength(ranking, g), g) for g in look.grids), key=lambda pair: pair[0]
        )
        if strength == -np.inf:
            yield paragraph(
                "No answer may lie there: the region leaves the place out, or it is so near to the edge"
                " that no window is centred there."
            )
            return
        name = f"{ranking.label}: the" if ranking.label else "The"
        yield paragraph(
            f"{name} largest activation there is {strength:.3f}, at scale {grid.scale:.3g}, where objects of"
            f" {_sought_size(look, grid)} are found."
        )
        here = [n for n, p in enumerate(ranking.before, 1) if _holds(p.box, at)]
        yield paragraph(
            f"Before suppression it is peak number {here[0]}."
            if here
            else f"No peak among the {len(ranking.before)} best before suppression has its box there."
        )
        best = max(range(len(final)), key=final.__getitem__, default=None)
        kept = [n for n, p in enumerate(ranking.after) if _holds(p.box, at)]
        shown = max(kept, key=final.__getitem__, default=None)
        if shown is None:
            yield paragraph(f"After it, none of the {len(ranking.after)} best has its box there.")
            if look.scores is not None:
                weakest = min((p.score for p in look.candidates), default=0.0)
                yield paragraph(
                    "The closer looks were never asked about it: the weakest of their"
                    f" {len(look.candidates)} candidates had {weakest:.3f} in the first look."
                    + (" What is larger there belongs to a peak beside it." * (strength > weakest))
                )
        elif look.scores is None:
            yield paragraph(f"After it, number {shown + 1} with {final[shown]:.3f}{bar}.")
        else:
            rank = 1 + sum(score > final[shown] for score in final)
            yield paragraph(
                f"The closer looks were asked about it, as candidate {shown + 1}, at scale"
                f" {ranking.after[shown].scale:.3g}, and rank it {rank} with {final[shown]:.3f}{bar}."
            )
        if best is not None and best != shown:
            first = ranking.after[best]
            yield paragraph(
                f"The best place is {first.x:g}, {first.y:g} with {final[best]:.3f}{bar}."
            )

        yield figure(rgb(surroundings(self.image, at)), "the page there", "small centred")
        if look.scores is not None:
            for n in dict.fromkeys(n for n in (shown, best) if n is not None):
                yield from self._candidate(look, n)
        low, high = colour_range([flat(g) for g in look.grids])
        for g in look.grids:
            yield figure(
                coloured(map_surroundings(g, at, self.image), low, high),
                f"scale {g.scale:.3g}, objects of {_sought_size(look, g)}:"
                f" {self._strength(ranking, g):.3f} there",
                "small centred",
            )

    def _strength(self, ranking: Ranking, grid: Grid) -> float:
        """The largest activation within half an object of the place asked about, at one scale."""
        assert self.at is not None  # noqa: S101 - for the type checker; the callers have looked
        h, w = ranking.look.stack.object or Size(1, 1)
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
            f'<figure class="wide"><svg viewBox="0 0 {width} {height}" width="{backdrop.shape[1]}">'
            f'<image href="{data_url(backdrop)}" width="{width}" height="{height}"/>{"".join(shapes)}</svg>'
            "</figure>"
        )


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
            yield figure(
                coloured(values),
                f"{name}: {values.min():.3g} (dark) to {values.max():.3g} (bright)",
            )


def _sought_size(look: Look, grid: Grid) -> str:
    """What an object measures on the image that has the layers' size at this scale."""
    h, w = look.stack.object or Size(1, 1)
    return f"{w / grid.factor[1]:.0f}x{h / grid.factor[0]:.0f} px"


def _said(answers: Floats, labels: Sequence[str]) -> str:
    """Labels with their probabilities, the likeliest first."""
    ranked = sorted(zip(answers, labels, strict=True), reverse=True)
    return ", ".join(f"{label} {score:.3f}" for score, label in ranked)


def _holds(box: Box, at: Point) -> bool:
    return box.left <= at[0] <= box.left + box.width and box.top <= at[1] <= box.top + box.height
