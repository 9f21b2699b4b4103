"""Nothing is left out without a word."""

from __future__ import annotations

from waldo_cli.inputs.leftout import LeftOut


def test_nothing_left_out_is_no_word() -> None:
    assert str(LeftOut()) == ""


def test_files_are_counted_by_kind_the_commonest_first() -> None:
    left_out = LeftOut()
    for name in ("a.pdf", "B.HEIC", "c.heic", "README", "a.b.long-ending", "x.t\x1bt"):
        left_out.add_file(name, "pip install it" if name.lower().endswith("heic") else "")
    left_out.add_folder()
    assert str(left_out) == (
        "6 files not looked at: 2 HEIC (pip install it), 1 PDF, 1 T\\x1bT, 2 of other kinds;"
        " 1 folder not entered (-r)"
    )


def test_frames_and_further_pictures_are_told_apart() -> None:
    left_out = LeftOut()
    left_out.add_further("GIF", 2)
    left_out.add_further("GIF", 0)
    left_out.add_further("HEIF", 1)
    left_out.add_sequence(0)
    left_out.add_sequence(9)
    assert str(left_out) == (
        "2 frames of 1 animation not looked at (--pages all);"
        " 1 further picture in 1 file not looked at (--pages all);"
        " 9 frames of 1 image sequence not looked at (ffmpeg makes pictures of them)"
    )


def test_the_line_stays_short() -> None:
    left_out = LeftOut()
    for n in range(1000):
        left_out.add_file(f"x.{n % 100}")
    assert str(left_out).endswith(", 920 of other kinds")
    assert len(str(left_out)) < 200
