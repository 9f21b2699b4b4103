"""`waldo describe`: what a stack looks for, and how a find comes about."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from waldo_cli.cli import waldo
from waldo_cli.stack.file import load_stack


def described(name: str) -> str:
    return CliRunner().invoke(waldo, ["describe", name]).stdout


@pytest.mark.parametrize("name", ["waldo", "pixels", "stripes"])
def test_it_tells_labels_object_scales_and_threshold(name: str) -> None:
    stack, said = load_stack(name), described(name)
    by_chance = "none, but what --threshold says"
    assert f"\nthreshold  {by_chance if name == 'pixels' else f'{stack.threshold:g}'}\n" in said
    assert f"\nobject     {stack.object or 'the size of the mask'}, " in said
    scales = re.search(r"^scales     (.*) of the object's size", said, re.M)
    assert scales is not None
    assert [float(s) for s in scales[1].split(", ")] == pytest.approx(stack.scales, rel=1e-3)
    labels = "the names of the masks" if name == "pixels" else ", ".join(stack.labels)
    assert f"\nlabels     {labels}\n" in said


def test_it_tells_how_the_verdict_is_made() -> None:
    looks = load_stack("waldo").closer_looks
    counts = " and ".join(str(look.candidates) for look in looks)
    assert f"\nverdict    the best {counts} peaks" in described("waldo")
    assert "\nverdict    the score of a find is the height of its peak" in described("stripes")
    assert "\nverdict    a find is what chance would bring about" in described("pixels")
