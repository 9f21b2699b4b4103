"""Convert decoded samples of any depth and colour mode to float32 RGB, and alpha, in [0, 1].

`Picture` holds what `decode` has made. Its methods `rgb` and `colour_and_alpha` go through the rows in bands
(`stored_rgb` does, too, for pictures of bytes that are converted later):
`_read_samples` gives the numbers that the file stores, `_read_band` finds alpha and the value of white, and
the division by white writes float32 into the result, which is turned upright on the way.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from waldo_cli.errors import ImageError
from waldo_cli.images.orientation import shown_size
from waldo_cli.images.reduced import ReducedImage
from waldo_cli.parallel import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    from PIL import ImageFile

    from waldo_cli.arrays import Bytes, Floats, Pixels
    from waldo_cli.geometry import Size
    from waldo_cli.images.directory import Layout

    Floats64 = npt.NDArray[np.float64]

Sample = TypeVar("Sample", bound=np.generic)

# Rows are converted in bands of about this many pixels: no second copy of the whole picture is needed.
PIXELS_PER_STEP: Final = 1 << 18

# Colour `(h, w, 1 or 3)` as stored, the value of white, and alpha `(h, w)` in [0, 1]; None if it is 1.
_Band = tuple["npt.NDArray[Any]", int, "Floats | None"]

# Samples without a value for white: one of so many may be a broken pixel or a glint, if it is more than so
# many times the range of the others away from them. In pictures of fewer pixels all samples count.
_ONE_OF: Final = 20_000
_FAR: Final = 16
_LEAST_PIXELS: Final = 1000
# Values that programs write for missing data without naming them. The usual ones are fills where they are
# half the range of the others away from them; other fills are large, repeated, and far away indeed.
_USUAL_FILLS: Final = frozenset({-9999.0, -99999.0, -32767.0, -32768.0})
_LEAST_FILL: Final = 1e9
_FILL_DISTANCE: Final = 1000


class _Range(NamedTuple):
    """The values that become 0 and 1, and those that stand for missing data."""

    black: float
    white: float
    fills: tuple[float, ...]


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
    samples
        `(H, W, C)` from `raw_samples`, instead of the pixels of `image`; None for most pictures.
    inverted
        The value 0 is white.
    orientation
        The EXIF orientation that turns `image` upright.
    undo_orientation
        The EXIF orientation that turns `image` as it is stored in the file; Pillow turns some formats.
    whole
        Rows and columns that the picture has, in the row order of the decoder.
    factor
        How many of them lie along a side of a pixel of `image`: more than 1 where it was reduced.
    """

    image: Image.Image
    low_bytes: Image.Image | None
    rawmode: str
    colour_key: npt.NDArray[np.int64] | None
    samples: npt.NDArray[Any] | None
    inverted: bool
    orientation: int
    undo_orientation: int
    whole: Size
    factor: int = 1

    def rgb(self, *, orient: bool, must_show: bool) -> Floats:
        """Return `(H, W, 3)`, with white behind transparent pixels; `orient` turns it upright.

        `must_show` refuses a picture that is transparent everywhere.
        """
        turn = self.orientation if orient else self.undo_orientation
        result, decoded_view = self._allocate(3, turn, np.float32)
        visible: list[bool] = []  # for each band, whether anything of it can be seen

        def convert(rows: slice) -> None:
            colour, white, alpha = self._read_band(rows)
            band = decoded_view[rows]
            np.divide(colour, white, out=band, dtype=np.float32)  # grey goes to all three channels
            if alpha is not None:
                # Over white, in place: alpha * colour + (1 - alpha) * 1.
                band *= alpha[..., np.newaxis]
                band += 1 - alpha[..., np.newaxis]
            visible.append(alpha is None or bool(alpha.any()))

        spread(convert, self._row_bands())
        if must_show and not any(visible):
            raise ImageError("the picture is transparent everywhere: nothing to look at")
        return result

    @property
    def is_plain(self) -> bool:
        """Whether all samples are bytes, opaque, and 255 is white."""
        return (
            self.image.mode in ("L", "RGB")
            and self.samples is None
            and self.low_bytes is None
            and self.colour_key is None
            and self._white() == 255
            and not self.inverted
        )

    def pixels(self, *, orient: bool, must_show: bool) -> Pixels:
        """Return `stored_rgb` of a picture that `is_plain`, `rgb` of any other."""
        if self.is_plain:
            return self.stored_rgb(orient=orient)
        return self.rgb(orient=orient, must_show=must_show)

    def stored_rgb(self, *, orient: bool) -> Bytes:
        """Return the samples of a picture that `is_plain`, `(H, W, 3)`; `orient` turns it upright."""
        turn = self.orientation if orient else self.undo_orientation
        result, decoded_view = self._allocate(3, turn, np.uint8)

        def copy(rows: slice) -> None:
            samples = self._read_samples(rows)
            # Grey goes to all three channels.
            decoded_view[rows] = samples if samples.ndim == 3 else samples[..., np.newaxis]

        spread(copy, self._row_bands())
        return result

    def reduced(self, whole: Callable[[], Pixels], *, orient: bool) -> ReducedImage:
        """Return a picture that was reduced and `is_plain`; `whole` reads it at its own size."""
        turn = self.orientation if orient else self.undo_orientation
        size = shown_size(self.whole, turn)
        # The last row and the last column may reach beyond the picture. They come first where a turn has
        # rows or columns run backwards; see `_allocate`.
        below, beside = (n * self.factor - m for n, m in zip(self._shape, self.whole, strict=True))
        origin = (-below if turn in (3, 4, 6, 7) else 0, -beside if turn in (2, 3, 7, 8) else 0)
        return ReducedImage(
            self.stored_rgb(orient=orient),
            self.factor,
            size,
            origin if turn < 5 else origin[::-1],
            whole,
        )

    def colour_and_alpha(self) -> tuple[Floats, Floats | None]:
        """Return upright colour `(H, W, 3)`, not blended, and alpha `(H, W)`; None if it is 1 everywhere."""
        result, decoded_view = self._allocate(3, self.orientation, np.float32)
        alpha_result, alpha_view = self._allocate(1, self.orientation, np.float32)
        for rows in self._row_bands():
            colour, white, alpha = self._read_band(rows)
            np.divide(colour, white, out=decoded_view[rows], dtype=np.float32)
            alpha_view[rows, :, 0] = 1 if alpha is None else alpha
        flat_alpha = alpha_result[..., 0]
        return result, None if (flat_alpha == 1).all() else flat_alpha

    def _allocate(
        self, channels: int, orientation: int, dtype: type[Sample]
    ) -> tuple[npt.NDArray[Sample], npt.NDArray[Sample]]:
        """Return an array for the turned picture, and a view of it in the row order of the decoder.

        What is written to the view appears in the array turned by `orientation`, without a second copy.
        """
        height, width = self._shape
        # EXIF orientations: 5 to 8 exchange rows and columns. With 3, 4, 6 and 7 the decoded rows run
        # backwards in the result, with 2, 3, 7 and 8 the decoded columns.
        shape = (height, width) if orientation < 5 else (width, height)
        result: npt.NDArray[Sample] = np.empty((*shape, channels), dtype)
        view = result if orientation < 5 else result.swapaxes(0, 1)
        if orientation in (3, 4, 6, 7):
            view = view[::-1]
        if orientation in (2, 3, 7, 8):
            view = view[:, ::-1]
        return result, view

    def _read_band(self, rows: slice) -> _Band:
        """Return colour, the value of white, and alpha of some rows, in the row order of the decoder."""
        samples = self._read_samples(rows)
        if samples.ndim == 2:
            samples = samples[..., np.newaxis]
        alpha: Floats | None = None
        white = self._white()
        # Transparency comes from one of three places: NaN samples, an alpha channel, a transparent colour.
        if self._value_range is not None:
            if samples.shape[-1] in (2, 4):  # the last channel is alpha
                alpha = np.clip(np.nan_to_num(samples[..., -1]), 0, 1).astype(np.float32)
                samples = samples[..., :-1]
            samples, is_number = _normalised(samples, self._value_range)
            if is_number is not None:
                alpha = is_number if alpha is None else alpha * is_number
        elif samples.shape[-1] in (2, 4):  # the last channel is alpha
            alpha = np.divide(samples[..., -1], white, dtype=np.float32)
            samples = samples[..., :-1]
        elif self.colour_key is not None:
            alpha = (samples != self.colour_key).any(axis=-1).astype(np.float32)
        return white - samples if self.inverted else samples, white, alpha

    @property
    def _shape(self) -> tuple[int, int]:
        if self.samples is not None:
            return self.samples.shape[0], self.samples.shape[1]
        return self.image.height, self.image.width

    def _row_bands(self) -> Iterator[slice]:
        height, width = self._shape
        band_rows = max(1, PIXELS_PER_STEP // width)
        for top in range(0, height, band_rows):
            yield slice(top, min(top + band_rows, height))

    def _read_samples(self, rows: slice) -> npt.NDArray[Any]:
        """Return rows of grey `(h, w)`, or of 2, 3 or 4 channels `(h, w, c)`; uint8, uint16 or floats."""
        if self.samples is not None:
            return self.samples[rows]
        samples = _crop(self.image, rows)
        if self.low_bytes is not None:
            samples = samples.astype(np.uint16)
            samples <<= 8
            samples |= _crop(self.low_bytes, rows)
        return samples

    def _white(self) -> int:
        """Return the sample value that means white."""
        if self._value_range is not None:
            return 1  # `_normalised` has divided already
        if self.samples is not None:
            return int(np.iinfo(self.samples.dtype).max)
        return 65535 if self.low_bytes is not None or self.image.mode.startswith("I;16") else 255

    @functools.cached_property
    def _value_range(self) -> _Range | None:
        """Return the values that become 0 and 1, if no value always means white; None otherwise.

        Floats, 32-bit integers and signed integers have no such value. Their range is 0 to 1, extended to the
        smallest and the largest sample of the picture; NaN and infinity do not count. Where all of them are
        more than half of the largest, as heights above the sea are, the smallest is black. Fills do not
        count, nor do a few samples far beyond all others.
        """
        is_float = self.samples is not None and self.samples.dtype == np.float32
        if self.image.mode != "F" and not is_float:
            return None
        lowest, highest = self._extremes(())
        if not lowest.size:
            return _Range(0, 1, ())
        ends = {lowest[0]: lowest[-1], highest[0]: highest[-1]}
        suspects = tuple(
            float(value)
            for value, inner in ends.items()
            if value in _USUAL_FILLS or (abs(value) >= _LEAST_FILL and value == inner)
        )
        fills: tuple[float, ...] = ()
        if suspects:
            rest = self._extremes(suspects)
            if rest[0].size and rest[0][0] < rest[1][0]:
                black, white = _range_of(*rest)
                fills = tuple(v for v in suspects if _is_apart(v, black, white))
            if fills:
                lowest, highest = rest if fills == suspects else self._extremes(fills)
        return _Range(*_range_of(lowest, highest), fills)

    def _extremes(self, fills: tuple[float, ...]) -> tuple[Floats64, Floats64]:
        """Return the smallest samples, in order, and the largest, the largest first; fills do not count.

        They are so many that the last of them are the ends of what is there without a few samples.
        """
        height, width = self._shape
        few = 0
        lowest = highest = np.empty(0)  # `highest` with the other sign
        for rows in self._row_bands():
            samples = self._read_samples(rows)
            if samples.ndim == 3 and samples.shape[-1] in (2, 4):
                samples = samples[..., :-1]
            channels = samples.shape[2] if samples.ndim == 3 else 1
            if height * width >= _LEAST_PIXELS:
                few = max(channels, height * width * channels // _ONE_OF)
            numbers = samples[np.isfinite(samples)]
            for fill in fills:
                numbers = numbers[numbers != fill]
            lowest = _smallest(lowest, numbers, few + 1)
            highest = _smallest(highest, -numbers, few + 1)
        return lowest, -highest


def _crop(image: Image.Image, rows: slice) -> npt.NDArray[Any]:
    return np.asarray(image.crop((0, rows.start, image.width, rows.stop)))


def _smallest(known: Floats64, more: npt.NDArray[Any], count: int) -> Floats64:
    """Return the `count` smallest of the numbers that are known and some more, in order."""
    if known.size == count:
        more = more[more < known[-1]]
    joined = np.concatenate((known, more))
    if joined.size > count:
        joined = np.partition(joined, count - 1)[:count]
    return np.sort(joined)


def _range_of(lowest: Floats64, highest: Floats64) -> tuple[float, float]:
    """Return black and white by the smallest and largest samples, without those far beyond all others."""
    black, white = _black_and_white(lowest[-1], highest[-1])
    reach = _FAR * (white - black)
    return _black_and_white(
        lowest[lowest >= black - reach][0], highest[highest <= white + reach][0]
    )


def _black_and_white(smallest: float, largest: float) -> tuple[float, float]:
    if 1 < largest < 2 * smallest and smallest < largest:
        return float(smallest), float(largest)
    return min(0.0, float(smallest)), max(1.0, float(largest))


def _is_apart(fill: float, black: float, white: float) -> bool:
    """Return whether a value is so far from the range of the others that it stands for missing data."""
    distance = max(black - fill, fill - white) / (white - black)
    return distance >= (0.5 if fill in _USUAL_FILLS else _FILL_DISTANCE)


def _normalised(samples: npt.NDArray[Any], scale: _Range) -> tuple[npt.NDArray[Any], Floats | None]:
    """Scale samples to [0, 1]; also return alpha, 0 where one is NaN or a fill, or None if there is none."""
    samples = samples.astype(np.float64)  # the range of float32 may be wider than a float32
    black, white = scale.black, scale.white
    is_nan = np.isnan(samples)
    for fill in scale.fills:
        is_nan |= samples == fill
    # Clipping matters for infinity, which becomes black or white, and for what is far beyond all others.
    level = (np.clip(np.where(is_nan, black, samples), black, white) - black) / (white - black)
    return level, (~is_nan.any(axis=-1)).astype(np.float32) if is_nan.any() else None


def _blank_no_data(samples: npt.NDArray[Any], stored: np.dtype[Any], no_data: float | None) -> None:
    """Replace samples that are no data by NaN.

    Parameters
    ----------
    samples
        float64, changed in place.
    stored
        The type of the samples in the file.
    no_data
        The value that the file names, or None.
    """
    if stored.kind == "f":
        if no_data is not None:  # its text may have more digits than a sample
            with np.errstate(over="ignore"):
                no_data = float(np.asarray(no_data).astype(stored))
        # For missing data, programs write the lowest or the highest float without naming it. That of 32 bits
        # is in files of 64 bits, too, and some round it to 3.4e38.
        most = 3.399e38 if stored.itemsize >= 4 else float(np.finfo(stored).max)
        samples[np.isfinite(samples) & (np.abs(samples) >= most)] = np.nan
    if no_data is not None:
        samples[samples == no_data] = np.nan


def raw_samples(
    image: ImageFile.ImageFile, layout: Layout, no_data: float | None
) -> npt.NDArray[Any]:
    """Give the bytes of rows the meaning that a TIFF's layout says.

    Parameters
    ----------
    image
        Bytes of rows as grey pixels; its pages are the planes.
    layout
        From `directory.read`.
    no_data
        The value of samples that are none.

    Returns
    -------
    ndarray, `(H, W, C)`
        uint8 and uint16 as stored, float32 for everything else. C is 1 or 3, and one more with alpha, which
        is in [0, 1] for floats.
    """
    width, height = layout.size
    stored = np.dtype(layout.kind)
    channels = layout.colours + (layout.alpha is not None)
    has_white = stored.kind == "u" and stored.itemsize <= 2
    result = np.empty(
        (height, width, channels), stored.newbyteorder("=") if has_white else np.float32
    )
    for plane in range(layout.planes):
        image.seek(plane)
        image.load()
        step = max(1, 4 * PIXELS_PER_STEP // image.width)
        for top in range(0, height, step):
            rows = image.crop((0, top, image.width, min(top + step, height)))
            unpack = _unpacked if layout.bits % 8 else _without_predictor
            band = unpack(np.asarray(rows), layout, stored)[:, :width, :channels]
            target = result[top : top + step]
            if layout.planes > 1:
                target = target[..., plane : plane + 1]
            if not has_white:
                band = band.astype(np.float64)
                _blank_no_data(band, stored, no_data)
                if stored.kind != "f" and layout.alpha is not None and layout.planes == 1:
                    band[..., layout.colours :] /= np.iinfo(stored).max
            target[...] = band
    if layout.alpha:  # the colours are multiplied by alpha
        step = max(1, PIXELS_PER_STEP // width)
        for top in range(0, height, step):
            _divide_by_alpha(result[top : top + step])
    if layout.colour_map:
        palette = np.array(layout.colour_map, np.uint16).reshape(3, -1).T
        return palette[result[..., 0]]
    return _cmyk_as_rgb(result) if layout.colours == 4 else result


def _cmyk_as_rgb(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return RGB, and alpha if there is one, of CMYK: what the inks leave of white, as Pillow does."""
    most = 1 if samples.dtype == np.float32 else np.iinfo(samples.dtype).max
    result = np.delete(samples, 3, axis=-1)
    step = max(1, PIXELS_PER_STEP // samples.shape[1])
    for top in range(0, len(samples), step):
        left = 1 - samples[top : top + step, :, :4] / np.float64(most)
        result[top : top + step, :, :3] = left[..., :3] * left[..., 3:] * most + (most > 1) / 2
    return result


def _divide_by_alpha(pixels: npt.NDArray[Any]) -> None:
    """Undo the multiplication of colours by alpha, in place."""
    most = 1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    alpha = pixels[..., -1:].astype(np.float64) / most
    colours = pixels[..., :-1] / np.where(alpha > 0, alpha, 1)
    pixels[..., :-1] = np.minimum(colours, most) if most > 1 else colours


def _unpacked(
    rows: npt.NDArray[np.uint8], layout: Layout, stored: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Return samples `(h, w, c)` of less than 8 or 16 bits, colours scaled to these, from rows `(h, n)`."""
    height, bits = len(rows), layout.bits
    count = layout.block * layout.samples
    blocks = np.ascontiguousarray(rows).reshape(height, -1, (count * bits + 7) // 8)
    values = np.zeros((height, blocks.shape[1], count), np.uint32)
    # The first bit of a sample is the highest (TIFF 6.0, FillOrder 1).
    digits = np.unpackbits(blocks, axis=2)
    for bit in range(bits):
        values <<= 1
        values |= digits[..., bit : count * bits : bits]
    if not layout.colour_map:  # its samples are numbers of colours
        most, white = (1 << bits) - 1, np.iinfo(stored).max
        values = (values * white + most // 2) // most
    return values.reshape(height, -1, layout.samples)


def _without_predictor(
    rows: npt.NDArray[np.uint8], layout: Layout, stored: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Return samples `(h, w, c)` from the bytes of rows `(h, n)`; each block of a row is on its own."""
    height = len(rows)
    size, samples = stored.itemsize, layout.samples
    blocks = np.ascontiguousarray(rows).reshape(height, -1, layout.block * samples * size)
    if layout.predictor == 3:
        # Differences of bytes, then the bytes of all samples by their weight, the highest first
        # (TIFF Technical Note 3).
        steps = blocks.reshape(height, blocks.shape[1], -1, samples)
        sums = np.cumsum(steps, axis=2, dtype=np.uint8)
        planes = sums.reshape(height, blocks.shape[1], size, -1)
        whole = np.ascontiguousarray(planes.swapaxes(2, 3)).view(stored.newbyteorder(">"))
        return whole.reshape(height, -1, samples)
    values = blocks.view(stored).reshape(height, blocks.shape[1], layout.block, samples)
    if layout.predictor == 2:  # differences of whole numbers, whatever the samples are
        order = layout.kind[0]
        steps = values.view(f"{order}u{size}").astype(f"=u{size}")
        values = np.cumsum(steps, axis=2, dtype=steps.dtype).view(stored.newbyteorder("="))
    return values.reshape(height, -1, samples)
