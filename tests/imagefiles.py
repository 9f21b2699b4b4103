"""Image files of every kind, made byte by byte or by Pillow."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

WHITE = (1.0, 1.0, 1.0)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(samples: np.ndarray, *extra: bytes, rows: int | None = None) -> bytes:
    """Write `(H, W, 1 to 4)` uint8 or big-endian uint16; `extra` chunks come before the data."""
    height, width, channels = samples.shape
    depth = 8 * samples.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, PNG_COLOUR_TYPES[channels], 0, 0, 0)
    data = b"".join(
        b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in samples[:rows]
    )
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(data))
    return PNG_SIGNATURE + body + chunk(b"IEND", b"")


def tiff(
    samples: np.ndarray,
    photometric: int,
    *,
    order: str = "<",
    deflate: bool = False,
    tags: dict[int, tuple[int, list[int]]] | None = None,
) -> bytes:
    """Write `(H, W, C)` of any numpy type as one strip; `tags` are `{number: (type, values)}`."""
    height, width, channels = samples.shape
    strip = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    strip = zlib.compress(strip) if deflate else strip
    entries = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8 * samples.dtype.itemsize] * channels),
        259: (3, [8 if deflate else 1]),
        262: (3, [photometric]),
        273: (4, [8]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(strip)]),
        339: (3, [{"u": 1, "i": 2, "f": 3}[samples.dtype.kind]] * channels),
        **(tags or {}),
    }
    if photometric in (0, 1) and channels == 2 and 338 not in entries:
        entries[338] = (3, [2])
    strip += b"\0" * (len(strip) % 2)
    directory, outside = b"", b""
    after = 8 + len(strip) + 2 + 12 * len(entries) + 4
    for number, (kind, values) in sorted(entries.items()):
        packed = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values)
        if len(packed) > 4:
            outside, packed = outside + packed, struct.pack(order + "I", after + len(outside))
        directory += struct.pack(order + "HHI", number, kind, len(values)) + packed.ljust(4, b"\0")
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8 + len(strip))
    return head + strip + struct.pack(order + "H", len(entries)) + directory + b"\0" * 4 + outside


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def as_float(samples: np.ndarray) -> np.ndarray:
    return np.divide(samples, np.iinfo(samples.dtype).max, dtype=np.float32)


SOUND = {
    "PNG": png(noise(24, 32)),
    "JPEG": encoded(Image.fromarray(noise(24, 32)), "JPEG", quality=95, subsampling=0),
    "progressive JPEG": encoded(Image.fromarray(noise(24, 32)), "JPEG", progressive=True),
    "GIF": encoded(Image.fromarray(noise(24, 32)).quantize(64), "GIF", interlace=0),
    "WEBP": encoded(Image.fromarray(noise(24, 32)), "WEBP"),
    "lossless WEBP": encoded(Image.fromarray(noise(24, 32)), "WEBP", lossless=True),
    "TIFF": encoded(Image.fromarray(noise(24, 32)), "TIFF"),
    "LZW TIFF": encoded(Image.fromarray(noise(24, 32)), "TIFF", compression="tiff_lzw"),
    "BMP": encoded(Image.fromarray(noise(24, 32)), "BMP"),
}
