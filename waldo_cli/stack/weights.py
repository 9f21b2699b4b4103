"""Read the ``.npz`` beside a stack file: each array is checked before it is unpacked, none is unpickled.

An ``.npz`` is a zip archive of ``.npy`` files. The sizes in its headers may be false, so both what the
headers say and what is really unpacked are limited.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from waldo_cli.arguments import brief
from waldo_cli.arrays import Floats
from waldo_cli.errors import StackError
from waldo_cli.files import read_bytes, reason

# Of the .npz file itself, and of all that it unpacks to.
MAX_WEIGHT_BYTES = 1 << 26


@dataclass
class Weights:
    """The arrays of a weights file, and which of them the layers use."""

    arrays: dict[str, Floats]
    file: str

    def __post_init__(self) -> None:
        self.used: set[str] = set()

    def take(self, name: str) -> Floats:
        """The array that ``weights:NAME`` in a stack file means; it counts as used from now on."""
        kind, _, key = name.partition(":")
        if kind != "weights" or key not in self.arrays:
            available = ", ".join(sorted(self.arrays)) or "none"
            raise StackError(
                f"{brief(name)} is not an array of the weights file (it has: {available[:100]})"
            )
        self.used.add(key)
        return self.arrays[key]

    def must_all_be_used(self) -> None:
        """Raise StackError if an array was never taken: most often a layer has a wrong name."""
        unused = sorted(set(self.arrays) - self.used)
        if unused:
            raise StackError(
                f"{self.file} holds arrays that no layer names: {', '.join(unused)[:100]}"
            )

    @classmethod
    def read(cls, folder: Path, name: str) -> Weights:
        """Read the file `name`, which must lie in the stack file's `folder` or below it."""
        relative = Path(name)
        if not name.endswith(".npz") or "\0" in name:
            raise StackError(f"weights = {brief(name)}: must name an .npz file")
        if relative.is_absolute() or ".." in relative.parts:
            raise StackError(f"weights = {brief(name)}: must lie in the stack file's folder")
        path = folder / relative
        # Symbolic links must not lead out of the folder either.
        if not path.resolve().is_relative_to(folder.resolve()):
            raise StackError(f"weights = {brief(name)}: is a link out of the stack file's folder")
        try:
            return cls(_read_npz(read_file(path, MAX_WEIGHT_BYTES)), name)
        except StackError as e:
            raise StackError(f"weights = {brief(name)}: {e.reason}") from None


def read_file(path: Path, limit: int) -> bytes:
    """`files.read_bytes`, with its errors turned into StackError."""
    try:
        return read_bytes(path, limit)
    except OSError as e:
        raise StackError(reason(e)) from None
    except ValueError:  # a NUL character in the name
        raise StackError("not a file name") from None


def _read_npz(data: bytes) -> dict[str, Floats]:
    """The arrays of an ``.npz`` by their names, as float32."""
    arrays: dict[str, Floats] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(m.file_size for m in members) > MAX_WEIGHT_BYTES:
                raise StackError(f"unpacks to more than {MAX_WEIGHT_BYTES:,} bytes")
            for member in members:
                key = member.filename.removesuffix(".npy")
                if key == member.filename:
                    raise StackError(f"holds {member.filename!r}, which is not an array")
                if key in arrays:
                    raise StackError(f"holds two arrays {key!r}")
                if member.flag_bits & 1:  # bit 0 of a zip member's flags
                    raise StackError("is encrypted")
                with archive.open(member) as packed:
                    raw = packed.read(MAX_WEIGHT_BYTES + 1)
                arrays[key] = _read_npy(raw, key)
    except StackError:
        raise
    except MemoryError:
        raise StackError("needs more memory than there is") from None
    except Exception as e:  # noqa: BLE001 - zipfile and zlib raise a dozen kinds for damaged files
        raise StackError(f"not a whole .npz file ({type(e).__name__})") from None
    return arrays


def _read_npy(raw: bytes, key: str) -> Floats:
    """One array from the bytes of an ``.npy``; `key` is its name for error messages."""
    stream = io.BytesIO(raw)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read_header(stream)
    except Exception:  # noqa: BLE001 - numpy raises several kinds for a bad header
        raise StackError(f"array {key!r} has no readable header") from None
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise StackError(f"array {key!r} holds {dtype}, not numbers")
    if not shape or min(shape) < 1 or len(shape) > 4:  # a kernel (A, B, C, K) has the most axes
        raise StackError(f"array {key!r} has the shape {shape}")
    # Checked before numpy allocates an array of the size that the header says.
    if math.prod(shape) * dtype.itemsize != len(raw) - stream.tell():
        raise StackError(f"array {key!r} is not as long as its header says")
    stream.seek(0)
    array = np.lib.format.read_array(stream, allow_pickle=False)
    with np.errstate(over="ignore"):  # too large for float32: infinite, and refused below
        floats = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(floats).all():
        raise StackError(f"array {key!r} holds NaN or infinity")
    return floats
