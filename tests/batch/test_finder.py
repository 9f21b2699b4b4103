"""One image at a time: a bad one costs itself alone, and a run is told from another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from folders import records, run
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from stacks import IMAGE, STACKS, kernel

from waldo_cli.batch.finder import Extras, Finder, Query, fingerprint
from waldo_cli.inputs.masks import MaskSource
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


QUERIES = [
    Query(stack="stripes"),
    Query(stack="stripes", region=(1, 11, 21, 21)),
    Query(stack="stripes", region=(11, 1, 21, 21)),
    Query(stack="stripes", region=(100, 50, 30, 40)),
    Query(stack="stripes", region=(1005, 0, 30, 40)),
    Query(stack="stripes", top=11),
    Query(stack="stripes", threshold=1.0),
    Query(stack="stripes", labels=("stripes",)),
    Query(stack="stripes", scales="1"),
    Query(stack="stripes", max_pixels=1),
    Query(stack="stripes", heatmap=False),
    Query(stack="stripes", annotated=True),
    Query(stack="stripes", activations=True),
    Query(stack="stripes", orient=False),
    Query(stack="stripes", allow_truncated=True),
    Query(stack="pixels", masks=(MaskSource("mask", "MASK"),)),
]


def test_queries_that_differ_are_different_runs(tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    Image.fromarray((IMAGE[:9, :9] * 255).astype(np.uint8)).save(mask)
    queries = [
        replace(q, masks=(MaskSource("mask", str(mask)),)) if q.masks else q for q in QUERIES
    ]
    assert len({Finder(query, Extras()).run for query in queries}) == len(queries)
    everything = Extras(overwrite=True, pictures=True, view=9, debug=True)
    assert Finder(queries[1], everything).run == Finder(queries[1], Extras()).run


values = st.recursive(
    st.integers(-20, 200) | st.text(max_size=2) | st.none() | st.floats(-9, 9, width=16),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(values, values)
def test_different_values_have_different_fingerprints(a: object, b: object) -> None:
    assert (fingerprint(a) == fingerprint(b)) == (repr(a) == repr(b))
