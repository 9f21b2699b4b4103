"""One image at a time: a bad one costs itself alone, and a run is told from another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from folders import records, run
from stacks import IMAGE, STACKS, kernel

from waldo_cli.batch.finder import fingerprint
from waldo_cli.stack.layers import Conv
from waldo_cli.stack.stack import Mask, Stack


@pytest.mark.parametrize("jobs", [1, 3])
def test_bad_images_cost_themselves_alone(
    place: Path, whole: list[dict[str, object]], jobs: int
) -> None:
    (place / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (place / "photos" / "deeper" / "gone.jpg").symlink_to("nowhere")
    ended = run(place, "photos", "-r", "-o", "out", "-j", jobs, "-f", "jsonl")
    assert ended.returncode == 2
    got = records(ended.stdout)
    bad = [r for r in got if r["error"] is not None]
    assert [r["path"] for r in bad] == ["photos/broken.png", "photos/deeper/gone.jpg"]
    assert all(r["detections"] is None for r in bad)
    assert [r for r in got if r["error"] is None] == whole
    lines = ended.stderr.decode().splitlines()
    assert [line.split(": ")[1] for line in lines] == [r["path"] for r in bad]


def test_a_fingerprint_depends_on_content_alone() -> None:
    assert fingerprint(Stack("conv", STACKS["conv"])) == fingerprint(
        Stack("conv", (Conv(kernel(3, 4, 3, 2)),))
    )
    others = [
        Stack("conv", (Conv(kernel(3, 4, 3, 2, seed=9)),)),
        Stack("conv", (Conv(kernel(3, 4, 3, 2), padding="zero"),)),
        Stack("conv", STACKS["conv"], threshold=0.5),
        Stack("conv", STACKS["conv"], scales=(2.0,)),
        Stack("conv", STACKS["strides"]),
        Mask("conv", IMAGE),
        (IMAGE, None),
        (IMAGE.T, None),
        (IMAGE.astype(np.float64), None),
    ]
    prints = {fingerprint(o) for o in [Stack("conv", STACKS["conv"]), *others]}
    assert len(prints) == len(others) + 1
