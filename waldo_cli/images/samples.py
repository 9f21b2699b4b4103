"""From decoded samples of any depth and colour mode to float32 RGB, and alpha, in [0, 1]."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from waldo_cli.parallel import spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from waldo_cli.arrays import Floats

# Rows are brought to float32 in bands of about this many pixels, so that no second copy is needed.
BAND_PIXELS: Final = 1 << 18

# Colour `(h, w, 1 or 3)`, the value of white, and alpha `(h, w)` in [0, 1].
_Band = tuple["npt.NDArray[Any]", int, "Floats | None"]


@dataclass(frozen=True)
class Picture:
    """A decoded picture, its pixels still as the file had them.

    Attributes
    ----------
    image
        The pixels; of 16-bit colour their higher bytes.
    low
        The lower bytes of 16-bit colour.
    rawmode
        Pillow's name for how the file lays its samples out.
    key
        The grey value or the colour that stands for transparent.
    inverted
        0 is white.
    turn, turn_back
        The EXIF orientations that bring the pixels upright, and as they are stored.
    """

    image: Image.Image
    low: Image.Image | None
    rawmode: str
    key: npt.NDArray[np.int64] | None
    inverted: bool
    turn: int
    turn_back: int

    def rgb(self, *, orient: bool) -> Floats:
        """Return `(H, W, 3)` with white behind what is transparent."""
        result, stored = self._new(3, self.turn if orient else self.turn_back)

        def convert(rows: slice) -> None:
            colour, white, alpha = self._band(rows)
            band = stored[rows]
            np.divide(colour, white, out=band, dtype=np.float32)
            if alpha is not None:
                band *= alpha[..., np.newaxis]
                band += 1 - alpha[..., np.newaxis]

        spread(convert, self._rows())
        return result

    def colour_and_alpha(self) -> tuple[Floats, Floats | None]:
        """Return `(H, W, 3)` with nothing put behind, and `(H, W)` alpha; None if it is 1."""
        result, stored = self._new(3, self.turn)
        result_alpha, stored_alpha = self._new(1, self.turn)
        for rows in self._rows():
            colour, white, alpha = self._band(rows)
            np.divide(colour, white, out=stored[rows], dtype=np.float32)
            stored_alpha[rows, :, 0] = 1 if alpha is None else alpha
        flat = result_alpha[..., 0]
        return result, None if (flat == 1).all() else flat

    def _new(self, channels: int, orientation: int) -> tuple[Floats, Floats]:
        """Return a new array, and the view of it in which the decoded rows are rows."""
        height, width = self.image.height, self.image.width
        shape = (height, width) if orientation < 5 else (width, height)
        result = np.empty((*shape, channels), np.float32)
        view = result if orientation < 5 else result.swapaxes(0, 1)
        if orientation in (3, 4, 6, 7):
            view = view[::-1]
        if orientation in (2, 3, 7, 8):
            view = view[:, ::-1]
        return result, view

    def _band(self, rows: slice) -> _Band:
        samples = self._samples(self.image, rows)
        if self.low is not None:
            samples = samples.astype(np.uint16) << 8 | self._samples(self.low, rows)
        if samples.ndim == 2:
            samples = samples[..., np.newaxis]
        alpha: Floats | None = None
        white = self._white()
        if self._span is not None:
            samples, alpha = _stretched(samples, *self._span)
        elif samples.shape[-1] in (2, 4):
            alpha = np.divide(samples[..., -1], white, dtype=np.float32)
            samples = samples[..., :-1]
        elif self.key is not None:
            alpha = (samples != self.key).any(axis=-1).astype(np.float32)
        return white - samples if self.inverted else samples, white, alpha

    def _rows(self) -> Iterator[slice]:
        step = max(1, BAND_PIXELS // self.image.width)
        for top in range(0, self.image.height, step):
            yield slice(top, min(top + step, self.image.height))

    def _samples(self, image: Image.Image, rows: slice) -> npt.NDArray[Any]:
        """Return rows as grey `(h, w)`, grey and alpha, RGB or RGBA; uint8, uint16 or float64."""
        band = image.crop((0, rows.start, image.width, rows.stop))
        if image.mode == "I" and not self.rawmode.endswith("S"):  # Pillow knows no unsigned 32 bits
            return np.asarray(band).view(np.uint32).astype(np.float64)
        return np.asarray(band, np.float64 if image.mode in ("I", "F") else None)

    def _white(self) -> int:
        if self.rawmode == "I;12":
            return 4095
        if self._span is not None:
            return 1
        return 65535 if self.low is not None or self.image.mode.startswith("I;16") else 255

    @functools.cached_property
    def _span(self) -> tuple[float, float] | None:
        """Return the values that become 0 and 1, where the samples have no natural white.

        They are 0 and 1, unless a sample lies beyond.
        """
        if self.image.mode not in ("I", "F"):
            return None
        black, white = 0.0, 1.0
        for rows in self._rows():
            samples = self._samples(self.image, rows)
            finite = samples[np.isfinite(samples)]
            black = min(black, float(finite.min(initial=0.0)))
            white = max(white, float(finite.max(initial=1.0)))
        return black, white


def _stretched(
    samples: npt.NDArray[np.float64], black: float, white: float
) -> tuple[npt.NDArray[np.float64], Floats | None]:
    """Return samples in [0, 1], and alpha: 0 where they are NaN, None where none is."""
    hole = np.isnan(samples)
    level = (np.clip(np.where(hole, black, samples), black, white) - black) / (white - black)
    return level, (~hole[..., 0]).astype(np.float32) if hole.any() else None
