"""Weights beside a stack file: read as stored, from its folder alone, refused where damaged."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stackfiles import NAMED, loaded, refused, written

from waldo_cli import load_stack
from waldo_cli.stack import weights

# --- what is stored is what runs ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [">f4", "<f8", "<f2", "<i8", "|u1", ">i2"])
def test_weights_may_be_stored_as_any_numbers(kind: str, tmp_path: Path) -> None:
    kernel = np.arange(1, 13).reshape(2, 2, 3, 1)
    text = 'weights = "mine.npz"\n[[layer]]\nop = "conv"\nkernel = "weights:k"\n'
    stack = loaded(tmp_path, text, k=kernel.astype(kind))
    stored = stack.layers[0].kernel  # type: ignore[attr-defined]
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, kernel)


def test_weights_in_the_order_of_fortran_are_the_same(tmp_path: Path) -> None:
    kernel = np.arange(12, dtype="f4").reshape(2, 2, 3, 1)
    text = 'weights = "mine.npz"\n[[layer]]\nop = "conv"\nkernel = "weights:k"\n'
    stack = loaded(tmp_path, text, k=np.asfortranarray(kernel))
    np.testing.assert_array_equal(stack.layers[0].kernel, kernel)  # type: ignore[attr-defined]


# --- what cannot be used --------------------------------------------------------------------------

GOOD = np.ones((1, 1, 3, 1), np.float32)


def npz(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


def header(text: str) -> bytes:
    """An .npy of 12 bytes whose header says what it likes."""
    line = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + bytes(12)


def shaped(shape: str, kind: str = "'<f4'") -> bytes:
    return header(f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}")


SPRUNG = []


def spring() -> None:
    SPRUNG.append("a pickle was opened")


class Trap:
    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return (spring, ())


def flagged(data: bytes) -> bytes:
    """The same archive, its members marked as encrypted."""
    out = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        out[out.index(signature) + offset] |= 1
    return bytes(out)


def with_method(data: bytes, method: int) -> bytes:
    out = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = out.index(signature) + offset
        out[at : at + 2] = struct.pack("<H", method)
    return bytes(out)


def flipped(data: bytes) -> bytes:
    out = bytearray(data)
    out[out.index(npy(GOOD)[-12:]) + 3] ^= 0x40
    return bytes(out)


WHOLE = npz(("k.npy", npy(GOOD)), method=zipfile.ZIP_STORED)
BAD_WEIGHTS = {
    "empty": b"",
    "text": b"no weights",
    "half": WHOLE[: len(WHOLE) // 2],
    "last byte gone": WHOLE[:-1],
    "a flipped bit": flipped(WHOLE),
    "an .npy": npy(GOOD),
    "a pickle": pickle.dumps(Trap()),
    "a pickle inside": npz(("k.npy", npy(np.array([Trap()], object), allow_pickle=True))),
    "a huge shape": npz(("k.npy", shaped("(1000000, 1000000)"))),
    "a negative shape": npz(("k.npy", shaped("(-1, 3)"))),
    "a shape that lies": npz(("k.npy", shaped("(1, 1, 3, 2)"))),
    "code in the header": npz(("k.npy", header("__import__('os').abort()"))),
    "an open bracket": npz(("k.npy", header("{'descr': '<f4', 'shape': ("))),
    "a header of names": npz(("k.npy", shaped("(3,)", "[('a', '<f4')]"))),
    "no numpy file inside": npz(("k.npy", b"three")),
    "another file inside": npz(("k.npy", npy(GOOD)), ("readme.txt", b"hello")),
    "two members of one name": npz(("k.npy", npy(GOOD)), ("j.npy", npy(GOOD))).replace(
        b"j.npy", b"k.npy"
    ),
    "a member that climbs out": npz(("k.npy", npy(GOOD)), ("../evil.npy", npy(GOOD))),
    "text in an array": npz(("k.npy", npy(np.array(["one"])))),
    "complex numbers": npz(("k.npy", npy(GOOD.astype(complex)))),
    "truths": npz(("k.npy", npy(GOOD.astype(bool)))),
    "dates": npz(("k.npy", npy(np.zeros((1, 1, 3, 1), "M8[s]")))),
    "NaN": npz(("k.npy", npy(GOOD * np.nan))),
    "infinity": npz(("k.npy", npy(GOOD * np.inf))),
    "more than float32 holds": npz(("k.npy", npy(GOOD.astype(float) * 1e300))),
    "an empty array": npz(("k.npy", npy(GOOD[:0]))),
    "a single number": npz(("k.npy", npy(np.array(3.0)))),
    "five dimensions": npz(("k.npy", npy(GOOD[None]))),
    "encrypted": flagged(WHOLE),
    "an unknown method": with_method(WHOLE, 99),
    "an array too many": npz(("k.npy", npy(GOOD)), ("left_over.npy", npy(GOOD))),
    "no such array": npz(("v.npy", npy(GOOD))),
    "no array": npz(),
    "a shape that does not fit": npz(("k.npy", npy(np.ones((3, 3, 4, 1), np.float32)))),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_bad_weights_are_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(BAD_WEIGHTS[name])
    assert refused(written(tmp_path, NAMED))
    assert not SPRUNG


def test_good_weights_made_in_the_same_way_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(WHOLE)
    assert load_stack(written(tmp_path, NAMED)).parameters == 3


def test_weights_that_unpack_to_more_than_the_limit_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "MAX_WEIGHT_BYTES", 1 << 20)
    bomb = npz(("k.npy", npy(np.zeros((1, 1, 1 << 19, 1), np.float32))))
    assert len(bomb) < 1 << 16
    (tmp_path / "mine.npz").write_bytes(bomb)
    assert "unpacks to more than 1,048,576 bytes" in refused(written(tmp_path, NAMED))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/dev/zero.npz", "must lie in the stack file's folder"),
        ("../mine.npz", "must lie in the stack file's folder"),
        ("below/../../mine.npz", "must lie in the stack file's folder"),
        ("/etc/passwd", "must name an .npz file"),
        ("gone.npz", "no such file"),
        ("a\\u0000.npz", "must be a line of text"),
        ("link.npz", "is a link out of the stack file's folder"),
        ("out/mine.npz", "is a link out of the stack file's folder"),
        ("pipe.npz", "not a regular file"),
    ],
)
def test_weights_lie_in_the_stack_files_folder(name: str, reason: str, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    for place in (tmp_path, outside):
        (place / "mine.npz").write_bytes(WHOLE)
    (folder / "link.npz").symlink_to(outside / "mine.npz")
    (folder / "out").symlink_to(outside)
    os.mkfifo(folder / "pipe.npz")
    assert reason in refused(written(folder, NAMED.replace("mine.npz", name)))


def test_weights_may_lie_in_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "mine.npz").write_bytes(WHOLE)
    assert load_stack(written(tmp_path, NAMED.replace("mine.npz", "below/mine.npz")))
