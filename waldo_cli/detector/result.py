"""The answer for one image, and the forms in which people and other libraries want it.

The rooms below draw it: this module alone imports from one of them, within the methods that need it, so that
a result can show itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from waldo_cli.arrays import Bytes, Floats, Pixels
from waldo_cli.detector.overlay import Overlay
from waldo_cli.errors import ImageError, MissingExtraError
from waldo_cli.geometry import Detection
from waldo_cli.images.reduced import AnyPixels, ReducedImage

if TYPE_CHECKING:
    import pandas
    import supervision

# What `Result.to_pandas` tells of each detection beside its box, in the order of the columns.
_BEFORE_BOX = ("label", "x", "y", "score")
_AFTER_BOX = ("scale", "angle", "mirrored", "chance", "gain", "offset")


@dataclass(frozen=True, eq=False)
class Result:
    """The answer for one image.

    Attributes
    ----------
    detections
        What reached the threshold, best first.
    overlay
        Makes rows of `activations`, for those who do not need them all at once.
    margin
        Best score minus the next best one elsewhere in the image; None where there is no other peak.
    width, height
        Of the image, in pixels.
    best
        The best place, whether it is a find or not; None where there is no peak at all.
    turned
        By how many degrees clockwise the image was turned to find this: 0, 90, 180 or 270. Everything else
        is told in pixels of the image as it was given.
    labels
        What was looked for.
    source
        The image, or what reads it.
    """

    detections: tuple[Detection, ...]
    overlay: Overlay = field(repr=False)
    margin: float | None
    width: int
    height: int
    best: Detection | None = None
    turned: int = 0
    labels: tuple[str, ...] = field(kw_only=True)
    source: Pixels | Callable[[], Pixels] = field(kw_only=True, repr=False)

    @cached_property
    def image(self) -> Pixels:
        """``(H, W, 3)``, the image: floats, or bytes as they are in its file.

        Of a JPEG that was searched at a part of its size, the file is read again when this is first asked
        for.

        Raises
        ------
        FileError
            The file has gone, or has another size now.
        """
        if isinstance(self.source, np.ndarray):
            return self.source
        image = self.source()
        if image.shape[:2] != (self.height, self.width):
            raise ImageError("the file has another size than when it was searched: search it again")
        return image

    @cached_property
    def activations(self) -> Floats:
        """``(H, W)`` float32, the largest activation over scales and labels at every pixel of the image.

        Its maximum is at the best detection's peak. Made when it is first asked for.
        """
        return self.overlay.whole()

    @property
    def found(self) -> bool:
        """True where anything reached the threshold."""
        return bool(self.detections)

    def annotated(self) -> Bytes:
        """Return the image with a box around every find, its label and its score.

        Returns
        -------
        ndarray, ``(H, W, 3)`` uint8
            RGB: ``Image.fromarray(result.annotated()).save("found.png")``.
        """
        from waldo_cli.show.annotated import annotated

        shown = self.image if self.image.dtype == np.uint8 else self.image.clip(0, 1)
        return annotated(shown, self.detections, self.labels)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a small picture with boxes, and a table of the finds."""
        from waldo_cli.show.notebook import result_html

        return result_html(self.annotated(), self.detections, self.best, self.labels)

    def to_dict(self) -> dict[str, Any]:
        """Return what a record of ``-f jsonl`` says of an answer, under the same names, ready for ``json``.

        The fields of a record that are about the file and the run (``path``, ``seconds`` and others) are not
        in it. docs/records.md says what each field is.
        """
        fields: dict[str, Any] = {"width": self.width, "height": self.height, "found": self.found}
        fields |= {"detections": [found.to_dict() for found in self.detections]}
        fields |= {"margin": self.margin, "turned": self.turned}
        if self.best is not None and not self.found:
            fields |= {"best": self.best.to_dict()}
        return fields

    def to_pandas(self) -> pandas.DataFrame:
        """Return a row for each detection, best first.

        The columns are those of the command line (``label, x, y, score, left, top, width, height``), then
        ``scale, angle, mirrored, chance, gain, offset``, of which the last three are missing where no mask
        was looked for. Corners of what lies turned are in `to_dict` only.

        Raises
        ------
        MissingExtraError
            pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas needs pandas: pip install pandas") from None
        box = ("left", "top", "width", "height")
        columns = {name: [getattr(d, name) for d in self.detections] for name in _BEFORE_BOX}
        columns |= {name: [getattr(d.box, name) for d in self.detections] for name in box}
        columns |= {name: [getattr(d, name) for d in self.detections] for name in _AFTER_BOX}
        kinds = {"label": "object", "mirrored": "bool", **dict.fromkeys(box, "int64")}
        return pandas.DataFrame(
            {
                name: pandas.Series(values, dtype=kinds.get(name, "float64"))
                for name, values in columns.items()
            }
        )

    def to_supervision(self) -> supervision.Detections:
        """Return the finds as ``supervision.Detections``, best first.

        ``class_id`` counts `labels`, and ``data["class_name"]`` has the labels themselves.

        Raises
        ------
        MissingExtraError
            supervision is not installed.
        """
        try:
            import supervision
        except ImportError:
            raise MissingExtraError(
                "to_supervision needs supervision: pip install supervision"
            ) from None
        names = [found.label for found in self.detections]
        boxes = [found.box.xyxy for found in self.detections]
        return supervision.Detections(
            xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            confidence=np.array([found.score for found in self.detections], np.float32),
            class_id=np.array([self.labels.index(name) for name in names], np.int64),
            data={"class_name": np.array(names, np.str_)},
        )


def source_of(image: AnyPixels) -> Pixels | Callable[[], Pixels]:
    """An image for a `Result`: one that was reduced is not held."""
    return image.whole if isinstance(image, ReducedImage) else image
