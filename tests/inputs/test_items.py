"""Where the files of an image go, and which machine looks at it."""

from __future__ import annotations

from itertools import chain

import pytest

from waldo_cli.inputs.items import Item, Outputs, in_shard, join, stem


def items(*paths: str, out: str = "out") -> list[Item]:
    return [Item(path, join(out, stem(path))) for path in paths]


# Paths of images, and the outputs that they get below ``out``: all known, and as a stream.
NAMES = {
    "apart already": (["x.jpg", "a/y.png"], ["x", "y"], ["x", "y"]),
    "folders": (["a/x.png", "b/x.png", "y.png"], ["a/x", "b/x", "y"], ["x", "b/x", "y"]),
    "one of them here": (["x.png", "a/x.png"], ["x", "a/x"], ["x", "a/x"]),
    "above and absolute": (["../a/x.png", "/d/x.png"], ["a/x", "d/x"], ["x", "d/x"]),
    "endings": (["a/x.jpg", "a/x.png"], ["x.jpg", "x.png"], ["x", "x.png"]),
    "both": (["a/x.jpg", "a/x.png", "b/x.png"], ["x.jpg", "x.png", "b/x"], ["x", "x.png", "b/x"]),
    "twice": (["x.png", "./x.png", "x.png"], ["x", "x", "x"], ["x", "x", "x"]),
    "all names taken": (
        ["../x.png", "x.png", "../../x.png"],
        ["x", "x.png", "x.png-2"],
        ["x", "x.png", "x.png-2"],
    ),
    "URLs": (
        ["http://h/a/x.png", "http://h/b/x.png"],
        ["h/a/x", "h/b/x"],
        ["x", "h/b/x"],
    ),
    "the list of classes": (["classes.png"], ["classes.png"], ["classes.png"]),
}


@pytest.mark.parametrize("case", NAMES)
def test_no_image_writes_over_the_files_of_another(case: str) -> None:
    paths, together, streamed = NAMES[case]
    for names, method in ((together, "of_all"), (streamed, "of_each")):
        outputs = Outputs("out", "classes")
        given = list(getattr(outputs, method)(items(*paths)))
        assert [i.output for i in given] == [f"out/{name}" for name in names]
        assert [i.path for i in given] == paths


def test_below_the_current_folder_names_have_no_dot() -> None:
    placed = Outputs(".").of_all(items("a/x.png", "b/x.png", out="."))
    assert [i.output for i in placed] == ["a/x", "b/x"]


def test_a_stream_goes_on_from_the_images_that_are_known() -> None:
    outputs = Outputs("out")
    outputs.of_all(items("a/x.png"))
    assert [i.output for i in outputs.of_each(items("b/x.png", "a/x.png"))] == ["out/b/x", "out/x"]


def test_an_item_without_outputs_stays_as_it_is() -> None:
    broken = Item("folder", "", problem="cannot read this folder")
    assert Outputs("out").of_all([broken, broken]) == [broken, broken]


def test_every_path_is_in_exactly_one_shard() -> None:
    names = [f"photos/{n}.jpg" for n in range(1000)]
    shards = [[n for n in names if in_shard(n, i, 4)] for i in (1, 2, 3, 4)]
    assert sorted(chain(*shards)) == sorted(names)
    assert all(200 < len(shard) < 300 for shard in shards)


def test_shards_are_the_same_on_every_machine() -> None:
    assert [in_shard("photos/ä.jpg", i, 5) for i in (1, 2, 3, 4, 5)].index(True) == 2
