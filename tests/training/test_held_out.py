"""Held-out pages are judged once, and what was judged comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")

from waldo_cli.errors import InvalidInputError
from waldo_cli.training.data import Head, TrainingPage
from waldo_cli.training.held_out import PLACES, evaluated, first_places
from waldo_cli.training.network import Classes
from waldo_cli.training.release import Release, folded, write_stack


def test_scores_of_a_fold_come_back_and_damaged_ones_are_told(
    pages: list[TrainingPage], networks: list[Any], classes: Classes, tmp_path: Path
) -> None:
    first, *closer, box = [folded(net) for net in networks]
    path = write_stack(tmp_path, Release(), classes, first, closer, box)
    fold = evaluated(pages[:1], classes, path, 0, lambda _: None)
    assert evaluated(pages[:1], classes, path, 0, lambda _: None) == fold
    for text in ("", "[", '{"page": [{"name": 1}]}', "[1]", '{"scores": {}, "places": [{}]}'):
        (tmp_path / "scores.json").write_text(text)
        with pytest.raises(InvalidInputError, match="damaged: remove it") as caught:
            evaluated(pages[:1], classes, path, 0, lambda _: None)
        assert caught.value.path == str(tmp_path / "scores.json")


def test_places_are_those_of_the_best_finds(
    pages: list[TrainingPage], networks: list[Any], classes: Classes, tmp_path: Path
) -> None:
    first, *closer, box = [folded(net) for net in networks]
    path = write_stack(tmp_path, Release(), classes, first, closer, box)
    fold = evaluated(pages[:2], classes, path, 0, lambda _: None)
    for score in fold.pages["page"]:
        places = [p for p in fold.places if p.page == score.name]
        assert 1 <= len(places) <= PLACES
        assert [p.score for p in places] == sorted((p.score for p in places), reverse=True)
        assert (places[0].score, places[0].hit) == (score.scores[0], score.hits[0])
    firsts = first_places(pages[:2], path)
    assert firsts == {s.name: s.rank == 1 for s in fold.pages["page"]}
    kept = {name: not first for name, first in firsts.items()}
    (tmp_path / "first.json").write_text(json.dumps(kept))
    assert first_places(pages[:2], path) == kept, "what was judged is not judged again"
    (tmp_path / "first.json").write_text("[")
    with pytest.raises(InvalidInputError, match="damaged: remove it"):
        first_places(pages[:2], path)


def test_a_page_smaller_than_the_object_has_no_find(
    networks: list[Any], classes: Classes, tmp_path: Path
) -> None:
    first, *closer, box = [folded(net) for net in networks]
    path = write_stack(tmp_path, Release(), classes, first, closer, box)
    # The second is too small at half its size alone; of one pixel nothing is left at half its size.
    sizes = {"dot.png": 1, "icon.png": 20}
    small = [
        TrainingPage(name, name, "page", np.zeros((n, n, 3), np.uint8), (Head(0, 0, 0, n, n),))
        for name, n in sizes.items()
    ]
    said: list[object] = []
    fold = evaluated(small, classes, path, 0, said.append)
    for kind in ("page", "half"):
        assert [s.name for s in fold.pages[kind]] == list(sizes)
        assert fold.pages[kind][0].scores == ()
    assert fold.pages["page"][1].scores
    assert fold.pages["half"][1].scores == ()
    assert fold.pages["page"][0].ranks == (None,)
    (line,) = [str(s) for s in said if "it must fit inside" in str(s)]
    assert line.startswith("dot.png: what is sought is ")
    assert line.endswith("judged as without a find")
    assert first_places(small[:1], path) == {"dot.png": False}
