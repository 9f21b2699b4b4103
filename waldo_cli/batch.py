"""Many images, one record each, in the order they came; a bad one never stops the others."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from waldo_cli.errors import FileError, InvalidInputError, WaldoError
from waldo_cli.records import Find, Record

STDIN = "-"


@dataclass(frozen=True)
class Settings:
    """What `detect` is asked to do for every image, as plain values that cross process borders."""

    stack: str | None = None
    masks: tuple[str, ...] = ()
    scales: str = "auto"
    top: int = 1
    threshold: float | None = None
    labels: tuple[str, ...] | None = None
    region: tuple[int, int, int, int] | None = None
    where: str | None = None
    out: str = "."
    heatmap: bool = True
    activations: bool = False
    max_pixels: int | None = None
    orient: bool = True
    allow_truncated: bool = False


class Finder:
    """Stack, masks and prior, loaded once; then one record for each image.

    Raises
    ------
    WaldoError
        At once, where the stack, a mask or the prior cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        # Imported here, so that usage errors are told before numpy is loaded.
        from waldo_cli.images import load_mask, load_weights
        from waldo_cli.stack import Mask
        from waldo_cli.stackfile import load_stack

        self.settings = settings
        self.stack = load_stack(settings.stack or ("pixels" if settings.masks else "waldo"))
        self.masks: list[Mask] | None = None
        if settings.masks:
            self.masks = [Mask(_stem(p), *load_mask(p)) for p in settings.masks]
            doubled = {m.label for m in self.masks if [n.label for n in self.masks].count(m.label) > 1}
            if doubled:
                raise InvalidInputError(f"two masks are named {doubled.pop()!r}: labels must differ")
            for mask, path in zip(self.masks, settings.masks, strict=True):
                try:
                    self.stack.with_masks([mask])
                except WaldoError as e:
                    raise e.at(path) from None
        elif self.stack.needs_mask:
            raise InvalidInputError(
                f"stack {self.stack.name} looks for a mask: give one with --mask FILE"
            )
        self.where = None if settings.where is None else load_weights(settings.where)
        self.run = self._fingerprint()

    def _fingerprint(self) -> str:
        """Changes whenever the same image could get another record."""
        from waldo_cli import __version__
        from waldo_cli.stack import fingerprint

        asked = replace(self.settings, masks=(), where=None, stack=None, out="")
        parts = (__version__, self.stack, tuple(self.masks or ()), self.where, repr(asked))
        return fingerprint(parts)[:16]

    def look(self, path: str, heatmap: Path) -> Record:
        """The record of one image; its pictures are written first."""
        started = time.perf_counter()
        try:
            record = self._look(path, heatmap)
        except WaldoError as e:
            reason = e.reason if e.path in (None, path) else str(e)
            record = Record(path, self.run, error=reason)
        except MemoryError:
            record = Record(path, self.run, error="not enough memory for this image")
        return replace(record, seconds=round(time.perf_counter() - started, 3))

    def _look(self, path: str, heatmap: Path) -> Record:
        import numpy as np

        from waldo_cli.detector import detect
        from waldo_cli.files import write_atomically
        from waldo_cli.heatmap import save_heatmap
        from waldo_cli.images import load_image

        s = self.settings
        image = load_image(
            io.BytesIO(sys.stdin.buffer.read()) if path == STDIN else path,
            max_pixels=s.max_pixels,
            orient=s.orient,
            allow_truncated=s.allow_truncated,
        )
        result = detect(
            image,
            stack=self.stack,
            masks=self.masks,
            scales=s.scales,
            top=s.top,
            threshold=s.threshold,
            labels=s.labels,
            region=s.region,
            where=self.where,
        )
        if s.heatmap or s.activations:
            _make_folder(heatmap.parent)
        if s.activations:
            with write_atomically(heatmap.with_name(_swap(heatmap.name))) as file:
                np.save(file, result.activations, allow_pickle=False)
        if s.heatmap:
            save_heatmap(heatmap, image, result.activations, result.detections)
        finds = tuple(
            Find(d.label, d.x, d.y, d.score, (d.box.left, d.box.top, d.box.width, d.box.height), d.scale)
            for d in result.detections
        )
        return Record(
            path,
            self.run,
            finds,
            result.width,
            result.height,
            result.margin,
            str(heatmap) if s.heatmap else None,
        )


def plan(paths: Iterable[str], out: str) -> list[tuple[str, Path]]:
    """Each input with the path of its heatmap.

    Raises
    ------
    InvalidInputError
        Two inputs would write one heatmap.
    """
    planned: list[tuple[str, Path]] = []
    taken: dict[Path, str] = {}
    for path in paths:
        stem = "stdin" if path == STDIN else _stem(path)
        heatmap = Path(out) / f"{stem}.heatmap.png"
        if heatmap in taken:
            raise InvalidInputError(
                f"{taken[heatmap]} and {path} would both write {heatmap}:"
                " run them apart, or with --no-heatmap"
            )
        taken[heatmap] = path
        planned.append((path, heatmap))
    return planned


def run(finder: Finder, items: Iterable[tuple[str, Path]]) -> Iterator[Record]:
    """Records in the order of the items."""
    for path, heatmap in items:
        yield finder.look(path, heatmap)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0] or "image"  # noqa: PTH119, PTH122 - bytes survive


def _swap(name: str) -> str:
    return name.removesuffix(".heatmap.png") + ".activations.npy"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise FileError((e.strerror or str(e)).lower(), path=str(folder)) from None
