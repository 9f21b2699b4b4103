"""Pages that show the same picture though the truth calls them different drawings.

One of them may be learned from while the other is judged, which is no test. They are told by content: small
grey pictures of both are compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from waldo_cli.arrays import Doubles
from waldo_cli.training.data import TrainingPage

# Side of the small pictures, and the correlation from which on two show the same. Copies of the drawn
# scenes that were resized, brightened or saved as JPEG have 0.98 and more, different scenes at most 0.5.
_SIDE = 48
_SAME = 0.97


def same_pictures(pages: Sequence[TrainingPage]) -> list[tuple[str, str]]:
    """The names of pages of different drawings that show the same picture, in pairs."""
    if not pages:
        return []
    signatures = np.stack([_signature(page) for page in pages])
    alike = signatures @ signatures.T >= _SAME
    return [
        (pages[a].name, pages[b].name)
        for a, b in zip(*np.nonzero(np.triu(alike, 1)), strict=True)
        if pages[a].artwork != pages[b].artwork
    ]


def _signature(page: TrainingPage) -> Doubles:
    """A small grey picture as a vector of mean 0 and length 1; of one colour: 0, which is like nothing."""
    grey = Image.fromarray(page.pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    values = np.asarray(grey, np.float64).ravel()
    values -= values.mean()
    length = np.linalg.norm(values)
    signature: Doubles = values / length if length > _SIDE else 0 * values
    return signature
