"""Convert decoded samples of any depth and colour mode to float32 RGB, and alpha, in [0, 1].

`Picture` holds what `decode` has made. Its methods `rgb` and `colour_and_alpha` go through the rows in bands:
`_read_samples` gives the numbers that the file stores, `_read_band` finds alpha and the value of white, and
the division by white writes float32 into the result, which is turned upright on the way.
"""

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

# Rows are converted in bands of about this many pixels: no second copy of the whole picture is needed.
PIXELS_PER_STEP: Final = 1 << 18

# Colour `(h, w, 1 or 3)` as stored, the value of white, and alpha `(h, w)` in [0, 1]; None if it is 1.
_Band = tuple["npt.NDArray[Any]", int, "Floats | None"]


@dataclass(frozen=True)
class Picture:
    """A decoded picture, with the sample values and the row order of the decoder.

    Attributes
    ----------
    image
        The pixels; for 16-bit colour only the high byte of each sample.
    low_bytes
        The low byte of each sample, for 16-bit colour.
    rawmode
        Pillow's name for the layout of the samples in the file.
    colour_key
        The grey value, `(1,)`, or the colour, `(3,)`, that is transparent.
    inverted
        The value 0 is white.
    orientation
        The EXIF orientation that turns `image` upright.
    undo_orientation
        The EXIF orientation that turns `image` as it is stored in the file; Pillow turns some formats.
    """

    image: Image.Image
    low_bytes: Image.Image | None
    rawmode: str
    colour_key: npt.NDArray[np.int64] | None
    inverted: bool
    orientation: int
    undo_orientation: int

    def rgb(self, *, orient: bool) -> Floats:
        """Return `(H, W, 3)`, with white behind transparent pixels; `orient` turns it upright."""
        result, decoded_view = self._allocate(
            3, self.orientation if orient else self.undo_orientation
        )

        def convert(rows: slice) -> None:
            colour, white, alpha = self._read_band(rows)
            band = decoded_view[rows]
            np.divide(colour, white, out=band, dtype=np.float32)  # grey goes to all three channels
            if alpha is not None:
                # Over white, in place: alpha * colour + (1 - alpha) * 1.
                band *= alpha[..., np.newaxis]
                band += 1 - alpha[..., np.newaxis]

        spread(convert, self._row_bands())
        return result

    def colour_and_alpha(self) -> tuple[Floats, Floats | None]:
        """Return upright colour `(H, W, 3)`, not blended, and alpha `(H, W)`; None if it is 1 everywhere."""
        result, decoded_view = self._allocate(3, self.orientation)
        alpha_result, alpha_view = self._allocate(1, self.orientation)
        for rows in self._row_bands():
            colour, white, alpha = self._read_band(rows)
            np.divide(colour, white, out=decoded_view[rows], dtype=np.float32)
            alpha_view[rows, :, 0] = 1 if alpha is None else alpha
        flat_alpha = alpha_result[..., 0]
        return result, None if (flat_alpha == 1).all() else flat_alpha

    def _allocate(self, channels: int, orientation: int) -> tuple[Floats, Floats]:
        """Return an array for the turned picture, and a view of it in the row order of the decoder.

        What is written to the view appears in the array turned by `orientation`, without a second copy.
        """
        height, width = self.image.height, self.image.width
        # EXIF orientations: 5 to 8 exchange rows and columns. With 3, 4, 6 and 7 the decoded rows run
        # backwards in the result, with 2, 3, 7 and 8 the decoded columns.
        shape = (height, width) if orientation < 5 else (width, height)
        result = np.empty((*shape, channels), np.float32)
        view = result if orientation < 5 else result.swapaxes(0, 1)
        if orientation in (3, 4, 6, 7):
            view = view[::-1]
        if orientation in (2, 3, 7, 8):
            view = view[:, ::-1]
        return result, view

    def _read_band(self, rows: slice) -> _Band:
        """Return colour, the value of white, and alpha of some rows, in the row order of the decoder."""
        samples = self._read_samples(self.image, rows)
        if self.low_bytes is not None:
            samples = samples.astype(np.uint16) << 8 | self._read_samples(self.low_bytes, rows)
        if samples.ndim == 2:
            samples = samples[..., np.newaxis]
        alpha: Floats | None = None
        white = self._white()
        # Transparency comes from one of three places: NaN samples, an alpha channel, a transparent colour.
        if self._value_range is not None:
            samples, alpha = _normalised(samples, *self._value_range)
        elif samples.shape[-1] in (2, 4):  # the last channel is alpha
            alpha = np.divide(samples[..., -1], white, dtype=np.float32)
            samples = samples[..., :-1]
        elif self.colour_key is not None:
            alpha = (samples != self.colour_key).any(axis=-1).astype(np.float32)
        return white - samples if self.inverted else samples, white, alpha

    def _row_bands(self) -> Iterator[slice]:
        band_rows = max(1, PIXELS_PER_STEP // self.image.width)
        for top in range(0, self.image.height, band_rows):
            yield slice(top, min(top + band_rows, self.image.height))

    def _read_samples(self, image: Image.Image, rows: slice) -> npt.NDArray[Any]:
        """Return rows of grey `(h, w)`, or of 2, 3 or 4 channels `(h, w, c)`; uint8, uint16 or float64."""
        band = image.crop((0, rows.start, image.width, rows.stop))
        # Pillow has no mode for unsigned 32 bits: it reads them as signed. Raw modes of really signed
        # samples end with S.
        if image.mode == "I" and not self.rawmode.endswith("S"):
            return np.asarray(band).view(np.uint32).astype(np.float64)
        return np.asarray(band, np.float64 if image.mode in ("I", "F") else None)

    def _white(self) -> int:
        """Return the sample value that means white."""
        if self.rawmode == "I;12":
            return 4095
        if self._value_range is not None:
            return 1  # `_normalised` has divided already
        return 65535 if self.low_bytes is not None or self.image.mode.startswith("I;16") else 255

    @functools.cached_property
    def _value_range(self) -> tuple[float, float] | None:
        """Return the values that become 0 and 1, if no value always means white; None otherwise.

        Floats, 32-bit integers and signed integers have no such value. Their range is 0 to 1, extended to the
        smallest and the largest sample of the picture; NaN and infinity do not count.
        """
        if self.image.mode not in ("I", "F"):
            return None
        black, white = 0.0, 1.0
        for rows in self._row_bands():
            samples = self._read_samples(self.image, rows)
            finite = samples[np.isfinite(samples)]
            black = min(black, float(finite.min(initial=0.0)))
            white = max(white, float(finite.max(initial=1.0)))
        return black, white


def _normalised(
    samples: npt.NDArray[np.float64], black: float, white: float
) -> tuple[npt.NDArray[np.float64], Floats | None]:
    """Scale samples to [0, 1]; also return alpha, 0 where a sample is NaN, or None if there is no NaN."""
    is_nan = np.isnan(samples)
    # Clipping matters for infinity only: it becomes black or white.
    level = (np.clip(np.where(is_nan, black, samples), black, white) - black) / (white - black)
    return level, (~is_nan[..., 0]).astype(np.float32) if is_nan.any() else None
