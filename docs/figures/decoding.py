"""Measure how long pictures take to decode, against what `waldo_cli.images` estimates from their headers.

    python docs/figures/decoding.py [MEGAPIXELS]

Prints a table in Markdown: for each format and compression the estimate, and the time of one core to load
noise, a drawn scene and a flat picture. Of AVIF, HEIC, JPEG 2000 and JPEG XL there are also the settings of
their encoders that take the longest to decode. The costs in `directory`, `jpeg`, `heif`, `jpeg2000` and
`jpegxl` are chosen with a margin, so that slower cores and harder pictures stay below the estimate.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image, ImageFile

from waldo_cli.images import headers
from waldo_cli.images.load import load_image

SCENE = Path(__file__).parents[2] / "sample_images" / "beach.png"


def scene(side: int) -> np.ndarray:
    """Return a drawn scene, repeated and cut to a square."""
    with Image.open(SCENE) as image:
        drawn = np.asarray(image.convert("RGB"))
    times = [-(-side // n) for n in drawn.shape[:2]]
    return np.tile(drawn, (*times, 1))[:side, :side]


def pictures(megapixels: float) -> Iterator[tuple[str, str, bytes]]:
    """Give the name of a coding, what is drawn, and the file."""
    ImageFile.MAXBLOCK = 1 << 28  # a progressive JPEG is written in one piece
    side = round((megapixels * 1e6) ** 0.5)
    rng = np.random.default_rng(0)
    drawn = {
        "noise": Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)),
        "scene": Image.fromarray(scene(side)),
        "flat": Image.new("RGB", (side, side), (200, 180, 160)),
    }
    wide = rng.integers(0, 65536, (side, side), np.uint16)
    codings: list[tuple[str, str, str, dict[str, object]]] = [
        ("JPEG", "RGB", "JPEG", {"quality": 95, "subsampling": 0}),
        (
            "JPEG, progressive",
            "RGB",
            "JPEG",
            {"quality": 95, "progressive": True, "subsampling": 0},
        ),
        ("PNG", "RGB", "PNG", {"compress_level": 1}),
        ("WebP", "RGB", "WEBP", {"quality": 90, "method": 0}),
        ("WebP, lossless", "RGB", "WEBP", {"lossless": True, "quality": 0, "method": 0}),
        ("AVIF", "RGB", "AVIF", {"quality": 90, "speed": 10}),
        ("AVIF, lossless", "RGB", "AVIF", {"quality": 100, "subsampling": "4:4:4", "speed": 8}),
        ("JPEG 2000", "RGB", "JPEG2000", {}),
        ("JPEG 2000, blocks of 4x4", "RGB", "JPEG2000", {"codeblock_size": (4, 4)}),
        ("JPEG 2000, tiles of 64x64", "RGB", "JPEG2000", {"tile_size": (64, 64)}),
        ("PPM", "RGB", "PPM", {}),
        ("TIFF, deflate", "RGB", "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF, LZW", "RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("TIFF, PackBits", "RGB", "TIFF", {"compression": "packbits"}),
        ("TIFF, LZMA", "RGB", "TIFF", {"compression": "lzma"}),
        ("TIFF, Zstandard", "RGB", "TIFF", {"compression": "zstd"}),
        ("TIFF, JPEG", "RGB", "TIFF", {"compression": "jpeg", "quality": 95}),
        ("TIFF, group 3", "1", "TIFF", {"compression": "group3"}),
        ("TIFF, group 4", "1", "TIFF", {"compression": "group4"}),
    ]
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
        codings.append(("HEIC", "RGB", "HEIF", {"quality": 90}))
        codings.append(("HEIC, lossless, 4:4:4", "RGB", "HEIF", {"quality": -1, "chroma": 444}))
    except ImportError:
        pass
    try:
        import pillow_jxl  # noqa: F401

        codings.append(("JPEG XL", "RGB", "JXL", {"quality": 90, "effort": 3}))
        codings.extend(
            (f"JPEG XL, lossless, effort {n}", "RGB", "JXL", {"lossless": True, "effort": n})
            for n in (1, 7, 9)
        )
    except ImportError:
        pass
    for name, mode, kind, options in codings:
        for what, image in drawn.items():
            file = io.BytesIO()
            image.convert(mode).save(file, kind, **options)
            yield name, what, file.getvalue()
    for name in ("tiff_adobe_deflate", "lzma"):
        file = io.BytesIO()
        Image.fromarray(wide).save(file, "TIFF", compression=name)
        yield f"TIFF, {name.removeprefix('tiff_adobe_')}, 16 bits of grey", "noise", file.getvalue()


def estimated(data: bytes) -> float | None:
    """Return the seconds that the headers promise, or None for formats without an estimate."""
    seen: list[float] = []
    holders = [
        module
        for name, module in sys.modules.items()
        if name.startswith("waldo_cli.images.") and hasattr(module, "check_seconds")
    ]
    with contextlib.ExitStack() as stack:
        for module in holders:
            replaced = mock.patch.object(module, "check_seconds", lambda _, s, __: seen.append(s))
            stack.enter_context(replaced)
        headers.screen(data, headers.sniff(data), 1, None)
    return sum(seen) if seen else None


def main() -> None:
    """Print the table."""
    megapixels = float(sys.argv[1]) if len(sys.argv) > 1 else 24
    sys.stdout.write(
        f"| coding, {megapixels:g} Mpx | picture | file | estimate | measured |\n|---|---|---|---|---|\n"
    )
    for name, what, data in pictures(megapixels):
        guess = estimated(data)
        started = time.process_time()
        load_image(data)
        took = time.process_time() - started
        told = "-" if guess is None else f"{guess:.2f} s"
        size = len(data) / 1e6
        sys.stdout.write(f"| {name} | {what} | {size:.1f} MB | {told} | {took:.2f} s |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
