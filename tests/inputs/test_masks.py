"""What ``--mask`` names, and what of it is not looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents import archive, document
from imagefiles import encoded
from PIL import Image

from waldo_cli.images.pages import Contents
from waldo_cli.inputs.leftout import LeftOut
from waldo_cli.inputs.masks import mask_sources

PICTURES = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]


@pytest.mark.parametrize("kind", ["gif", "webp", "apng", "avif", "mpo"])
def test_of_an_animation_the_first_frame_is_looked_for_and_the_others_are_told(
    kind: str, tmp_path: Path
) -> None:
    (tmp_path / "needle").write_bytes(document(kind, PICTURES))
    left_out = LeftOut(enters=False)
    assert len(mask_sources([str(tmp_path / "needle")], left_out)) == 1
    assert str(left_out) == (
        "2 further pictures in 1 file not looked at"
        if kind == "mpo"
        else "2 frames of 1 animation not looked at"
    )


def test_frames_beside_the_picture_to_look_for_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needle").write_bytes(b"")
    found = Contents("HEIF", 1, frames=3)
    monkeypatch.setattr("waldo_cli.inputs.masks.contents", lambda _: found)
    left_out = LeftOut(enters=False)
    assert len(mask_sources([str(tmp_path / "needle")], left_out)) == 1
    assert str(left_out).startswith("3 frames of 1 image sequence not looked at")


def test_what_is_no_picture_in_a_folder_or_an_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(encoded(PICTURES[0], "PNG"))
    (tmp_path / "two.cbz").write_bytes(
        archive({"1.png": encoded(PICTURES[1], "PNG"), "notes.txt": b""})
    )
    (tmp_path / "three.svg").write_text("<svg/>")
    (tmp_path / "more").mkdir()
    left_out = LeftOut(enters=False)
    assert [source.label for source in mask_sources([str(tmp_path)], left_out)] == ["one", "two"]
    assert str(left_out) == "2 files not looked at: 1 SVG, 1 TXT; 1 folder not entered"
