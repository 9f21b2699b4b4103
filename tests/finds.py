"""Records of two finds, of none and of a failure, and what they are in each format."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import strategies as st

from waldo_cli.answers.record import Record
from waldo_cli.answers.streams import make_format
from waldo_cli.geometry import Box, Detection

LABELS = ("waldo", "wenda")
FIND = Detection("waldo", 24.5, 30.25, 0.97, Box(10, 20, 30, 20), 0.5)
CUT = Detection("wenda", 1.0, 99.0, 0.5, Box(-9, 90, 20, 20), 1.0)
FOUND = Record(
    "a/page one.jpg", "f00d", (FIND, CUT), 200, 100, 0.4, "page one.heatmap.png", None, 0.1, 5, 2.5,
    output="out/page one",
)  # fmt: skip
NOTHING = Record("b.jpg", "f00d", (), 64, 48, None)
FAILED = Record("c\udcff.jpg", "f00d", error="the file is empty")
ALL = [FOUND, NOTHING, FAILED]

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1) | st.binary(
    min_size=1
).map(os.fsdecode)


def text(form: str, records: list[Record], **options: Any) -> str:
    stream = make_format(form, LABELS, **options)
    return stream.begin() + "".join(map(stream.add, records)) + stream.end()
