"""What is looked for: a stack with its masks, the labels to report, scales and threshold, checked once."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

from waldo_cli.arguments import FLAG, NUMBER, TEXT, Kind, brief, elements, must_be
from waldo_cli.detector import maps
from waldo_cli.detector.cuts import magnification
from waldo_cli.detector.matcher import Matcher, Turn, is_one_colour
from waldo_cli.detector.pyramid import level_size
from waldo_cli.detector.verdict import MOST_CHANCE
from waldo_cli.errors import InvalidInputError, WaldoError
from waldo_cli.geometry import Detection, Size
from waldo_cli.images.given import AnyImage, as_mask, is_picture
from waldo_cli.images.load import load_mask
from waldo_cli.inputs.masks import label_of, mask_sources
from waldo_cli.scales import resolve_angles, resolve_scales
from waldo_cli.stack.file import load_stack
from waldo_cli.stack.stack import Mask, Stack

#: What `detect` reports for masks: Lin's concordance correlation, or normalised cross-correlation.
SCORES = ("ccc", "ncc")

#: What `detect` takes for masks.
Masks = Mask | AnyImage | Sequence[Mask | AnyImage]


_STACK = Kind(
    "a name, a path, or a Stack", lambda given: isinstance(given, str | os.PathLike | Stack)
)


class BoundStack(NamedTuple):
    """A stack, and the masks in it: one for each of its channels."""

    stack: Stack
    masks: tuple[Mask, ...]


@dataclass(frozen=True, eq=False)
class Search:
    """What to look for in any number of images. `Search.of` makes one of what people give.

    Attributes
    ----------
    stack
        As it was given, without the masks.
    masks
        What to look for instead of the stack's own; None where it is the stack's own.
    labels
        What to report.
    scales
        How large the thing may be in the image, beside its mask or the stack's object; smallest first.
    threshold
        A peak below it is no detection; None: the best peak is one, whatever its score. (`Search.of` and
        `detect` take None for the stack's own threshold.)
    turns
        How a mask may lie.
    score
        What is reported for masks: one of `SCORES`.
    by_verdict
        For masks: a find is what chance hardly brings about (`verdict`), since no threshold was given.
    level_pixels
        Scales at which the resized image would have more pixels are left out; None where none is, since
        the scales were given.
    """

    stack: Stack
    masks: tuple[Mask, ...] | None
    labels: tuple[str, ...]
    scales: tuple[float, ...]
    threshold: float | None
    turns: tuple[Turn, ...] = (Turn(),)
    score: str = SCORES[0]
    by_verdict: bool = False
    level_pixels: int | None = None
    _bound: dict[int, list[BoundStack]] = field(init=False, repr=False, default_factory=dict)

    @classmethod
    def of(
        cls,
        stack: str | Path | Stack | None = None,
        masks: Masks | None = None,
        labels: Sequence[str] | None = None,
        scales: str | float | Sequence[float] = "auto",
        threshold: float | None = None,
        angles: str | float | Sequence[float] = 0.0,
        mirror: bool = False,
        score: str = SCORES[0],
    ) -> Self:
        """A search for what `detect` takes in these words.

        Raises
        ------
        InvalidInputError
            There is no mask where the stack needs one, or no such label, scale or threshold.
        StackError
            The stack cannot be used, or not with masks.
        FileError
            A mask cannot be read.
        """
        must_be(_STACK, or_none=True, stack=stack)
        must_be(NUMBER, or_none=True, threshold=threshold)
        must_be(FLAG, mirror=mirror)
        must_be(TEXT, score=score)
        stack = stack_for(stack, with_masks=masks is not None)
        given = None if masks is None else _checked_masks(stack, _listed(masks))
        if given is None and stack.needs_mask:
            raise InvalidInputError(f"stack {stack.name} looks for a mask: give one")
        if given is None and stack.object is None:
            raise InvalidInputError(f"stack {stack.name} does not say the size of its object")
        if threshold is not None and not math.isfinite(threshold):
            raise InvalidInputError(f"threshold is {threshold}: it must be a finite number")
        sizes = resolve_scales(scales, stack.scales, stack.per_octave)
        limit = stack.threshold if threshold is None else threshold
        known = stack.labels[:1] if given is None else tuple(dict.fromkeys(m.label for m in given))
        turns = tuple(
            Turn(angle, flipped)
            for flipped in ((False, True) if mirror else (False,))
            for angle in resolve_angles(angles)
        )
        if score not in SCORES:
            raise InvalidInputError(f"score {score!r} is not one of {', '.join(SCORES)}")
        most = stack.level_pixels if isinstance(scales, str) and scales == "auto" else None
        search = cls(stack, given, known, sizes, limit, turns, score, level_pixels=most)
        if search.matches_pixels:
            # What is transparent all round tells nothing, and would count as the size of the thing.
            given = tuple(mask.trimmed() for mask in given or ())
            search = replace(search, masks=given, by_verdict=threshold is None)
            for mask in given:
                is_one_colour(mask)  # refuses a mask that nothing tells from its surroundings
        elif turns != (Turn(),) or score != SCORES[0]:
            raise InvalidInputError(
                "angles, mirror and score are for masks that are compared pixel by pixel: give a mask, and no"
                " other stack than pixels"
            )
        return search if labels is None else search.reporting(labels)

    @property
    def matches_pixels(self) -> bool:
        """True where masks are given and compared with the image itself, not with what layers make of it."""
        return self.masks is not None and self.stack.compares_pixels

    @property
    def limit(self) -> float | None:
        """What a score must reach, or for masks that go by the verdict, 1 less its chance."""
        return 1 - MOST_CHANCE if self.by_verdict else self.threshold

    @property
    def is_one_pass(self) -> bool:
        """True where masks are sought at one scale, as they are, all of them by their colours."""
        one = len(self.scales) == 1 and self.turns == (Turn(),)
        return one and not any(is_one_colour(mask) for mask in self.masks or ())

    @property
    def reach(self) -> int:
        """How far from its centre a thing that is sought by a mask may reach, in pixels."""
        turned = any(turn.angle % 90 for turn in self.turns)
        sides = (math.hypot(*m.frame) if turned else max(m.frame) for m in self.masks or ())
        return math.ceil(max(sides) * max(self.scales) / 2) + 2

    def matcher(self, mask: Mask) -> Matcher:
        """How one of the masks is sought."""
        return Matcher(mask, self.scales, self.turns, self.score)

    def accepts(self, place: Detection) -> bool:
        """Whether a place is a find."""
        if self.by_verdict:
            return place.chance is not None and place.chance <= MOST_CHANCE
        return self.threshold is None or place.score >= self.threshold

    @classmethod
    def of_files(
        cls,
        stack: str | None,
        masks: Sequence[tuple[str, str, bytes | None]],
        labels: Sequence[str] | None = None,
        scales: str = "auto",
        threshold: float | None = None,
        angles: str = "0",
        mirror: bool = False,
        score: str = SCORES[0],
    ) -> Self:
        """`of` for what a command line names; masks are given as label, path, and bytes or None.

        Raises
        ------
        WaldoError
            As by `of`.
        """
        loaded = stack_for(stack or None, with_masks=bool(masks))
        if loaded.needs_mask and not masks:
            raise InvalidInputError(
                f"stack {loaded.name} looks for a mask: give one with --mask FILE"
            )
        opened = [_opened(*mask) for mask in masks]
        return cls.of(loaded, opened or None, labels, scales, threshold, angles, mirror, score)

    def reporting(self, labels: Sequence[str]) -> Self:
        """The same search that reports other labels.

        Raises
        ------
        InvalidInputError
            There is no such label, or none at all is given.
        """
        given = (labels,) if isinstance(labels, str) else elements(labels)
        if given is None or not all(isinstance(label, str) for label in given):
            raise InvalidInputError(f"labels is {brief(labels)}: give one label, or a list of them")
        labels = tuple(dict.fromkeys(given))
        if not labels:
            raise InvalidInputError("labels is empty: give at least one, or None")
        known = self.stack.labels if self.masks is None else [m.label for m in self.masks]
        for label in labels:
            if label not in known:
                have = ", ".join(dict.fromkeys(known))
                raise InvalidInputError(f"no label {label!r}: {self.stack.name} has {have}")
        return replace(self, labels=labels)

    def for_class(self, name: str) -> Self:
        """The same search for what a truth calls `name`.

        That is the label of a stack with several labels, and of masks those with this label; where none has
        it, all of them are taken for pictures of it.

        Raises
        ------
        InvalidInputError
            The stack has several labels, and this is none of them.
        """
        if self.masks is None:
            return self if len(self.stack.labels) == 1 else self.reporting([name])
        chosen = tuple(mask for mask in self.masks if mask.label == name)
        if len(chosen) == len(self.masks):
            return self
        return replace(self, masks=chosen, labels=(name,)) if chosen else self

    def scales_for(self, image: Size, *, several: bool = False) -> tuple[float, ...]:
        """The scales at which to search an image of this size, smallest first.

        `level_pixels` counts only where one page fills the image, not where there may be `several`.
        """
        if self.level_pixels is None or several:
            return self.scales
        limit = image.rows * image.cols / self.level_pixels
        return tuple(s for s in self.scales if s**2 >= limit) or self.scales[-1:]

    def reduction(self, image: Size, *, several: bool = False) -> int:
        """How much an image of this size may be reduced while it is read: 1, 2, 4 or 8.

        Never so much that a level, or the cut of a find at its scale, would have to be enlarged. The whole
        picture is searched for masks, at scales that were given, and where there may be `several` pages.
        """
        if self.masks is not None or self.level_pixels is None or several:
            return 1
        shown = [1.0] + [
            magnification(look, self.stack.object_size) * max(look.scales)
            for look in self.stack.looks
        ]
        most = self.scales_for(image)[0] / max(shown)
        return max(factor for factor in (1, 2, 4, 8) if factor <= max(most, 1))

    def levels_for(self, image: Size, *, several: bool = False) -> list[Size]:
        """Sizes of the image at which it is searched, largest first.

        That of scale 1 is its own; where things twice as large are sought, it is halved.
        """
        if self.matches_pixels:
            matchers = [self.matcher(mask) for mask in self.masks or ()]
            scales = {scale for matcher in matchers for scale in matcher.scales_for(image)}
            return [level_size(*image, 1 / scale) for scale in sorted(scales)]
        scales_here = self.scales_for(image, several=several)
        sizes = {
            size
            for stack, _ in self.stacks(image)
            for size in maps.fitting_sizes(stack, image, scales_here)
        }
        return sorted(sizes, reverse=True)

    def stacks(self, image: Size) -> list[BoundStack]:
        """The stacks to run over an image of this size, with the masks in them.

        Masks of one size share a stack, as many as their maps of all scales leave room for. Layers below the
        mask layer may merge the masks' channels, so there each mask has a stack of its own.
        """
        if self.masks is None:
            return [BoundStack(self.stack, ())]
        area = image.rows * image.cols
        room = int(maps.MAX_ACTIVATIONS / 2 / sum(area / s**2 for s in self.scales))
        # Where each mask has a stack of its own, `together` makes no difference.
        together = 1 if self._merges_masks else min(max(1, room), len(self.masks))
        stacks = self._bound.get(together)
        if stacks is None:
            stacks = self._with_masks(self.masks, together)
            self._bound.clear()  # images of a folder are mostly of one size: the last one is enough
            self._bound[together] = stacks
        return stacks

    @property
    def _merges_masks(self) -> bool:
        """True if layers below the mask layer may merge the channels of several masks."""
        return self.stack.layers[-1].op != "mask"

    def _with_masks(self, masks: Sequence[Mask], together: int) -> list[BoundStack]:
        merged = self._merges_masks
        groups: dict[Any, list[Mask]] = {}
        for n, mask in enumerate(masks):
            groups.setdefault((mask.size, n if merged else n // together), []).append(mask)
        bound = [
            BoundStack(self.stack.with_masks(group), tuple(group)) for group in groups.values()
        ]
        if not merged:
            return bound
        return [BoundStack(replace(s, labels=(group[0].label,)), group) for s, group in bound]


def stack_for(stack: str | Path | Stack | None, *, with_masks: bool) -> Stack:
    """The stack that is given, loaded; the usual one for masks, or without them, where it is None."""
    if stack is None:
        stack = "pixels" if with_masks else "waldo"
    return stack if isinstance(stack, Stack) else load_stack(stack)


def open_mask(path: str | os.PathLike[str]) -> Mask:
    """A mask from a picture: its transparency weighs its pixels, its name without suffix is the label.

    Raises
    ------
    FileError
        As by `load_mask`.
    """
    return _opened(label_of(os.fspath(path)), os.fspath(path), None)


def _opened(label: str, path: str, data: bytes | None) -> Mask:
    """A mask from a file or from its bytes; whatever is wrong with it is said of `path`."""
    try:
        mask = Mask(label, *load_mask(path if data is None else BytesIO(data)))
        is_one_colour(mask)
    except WaldoError as e:
        raise e.at(path) from None
    return mask


def _listed(masks: Masks) -> list[Mask | AnyImage]:
    """Masks as a list; a single one need not be in one."""
    if isinstance(masks, Mask) or is_picture(masks):
        return [cast(Mask | AnyImage, masks)]
    listed = elements(masks)
    if listed is None:
        raise InvalidInputError(
            f"masks is {brief(masks)}: give a picture (a path, bytes, an array, a Mask), or a list of them"
        )
    return list(listed)


def _checked_masks(stack: Stack, masks: Sequence[Mask | AnyImage]) -> tuple[Mask, ...]:
    """The masks, each of which can be used with the stack; an error names its file."""
    masks = [each for mask in masks for each in _in_folder(mask)]
    if not masks:
        raise InvalidInputError("masks is empty: give at least one, or None")
    checked = tuple(_as_mask(mask, number) for number, mask in enumerate(masks, 1))
    for mask, given in zip(checked, masks, strict=True):
        try:
            stack.with_masks([mask])
        except WaldoError as e:
            raise (e.at(str(given)) if isinstance(given, str | os.PathLike) else e) from None
    return checked


def _in_folder(mask: Mask | AnyImage) -> list[Mask | AnyImage]:
    """The pictures in a folder; a mask that is none alone."""
    if isinstance(mask, str | os.PathLike) and os.path.isdir(mask):
        return [_opened(*source) for source in mask_sources([os.fspath(mask)])]
    return [mask]


def _as_mask(mask: Mask | AnyImage, number: int) -> Mask:
    if isinstance(mask, Mask):
        return mask
    if isinstance(mask, str | os.PathLike):
        return open_mask(mask)
    return Mask(f"mask{number}", *as_mask(mask))
