"""What is looked for: masks and their labels, and arguments that are checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted import BRIGHT, MASK, PAGE, planted

from waldo_cli import Box, Mask, Size, Stack, detect
from waldo_cli.detector import maps
from waldo_cli.detector.cuts import magnification
from waldo_cli.detector.detect import detect_with
from waldo_cli.detector.passes import Trace
from waldo_cli.detector.pyramid import level_size
from waldo_cli.detector.search import Search
from waldo_cli.errors import FileError, InvalidInputError, StackError
from waldo_cli.stack.layers import Combine, Conv, MaskLayer


def test_the_sizes_in_which_an_image_is_searched_are_those_that_are_run() -> None:
    size, blank = Size(90, 120), np.zeros((90, 120, 3), np.float32)
    for search in (
        Search.of(masks=[Mask("hat", MASK)], scales=[0.5, 1, 2, 100]),
        Search.of("stripes"),
        Search.of("waldo"),
    ):
        trace = Trace()
        detect_with(blank, search, trace=trace, turn="none")
        run = {
            # Coarse to fine, an image is made smaller than the scale says.
            level_size(*size, 1 / grid.scale)
            if one.matcher
            else tuple(round(n * f) for n, f in zip(size, grid.factor, strict=True))
            for one in trace.passes
            for grid in one.maps.grids
        }
        levels = search.levels_for(size)
        assert levels == sorted(levels, reverse=True)
        assert run == set(levels)


def test_two_masks_are_two_labels() -> None:
    other = np.random.default_rng(9).random((8, 8, 3), np.float32)
    image = planted(50, 40, mask=other, page=planted(10, 5))
    masks = [Mask("hat", MASK), Mask("stick", other)]
    result = detect(image, masks=masks, scales=1)
    assert {d.label: d.box for d in result.detections} == {
        "hat": Box(10, 5, 10, 13),
        "stick": Box(50, 40, 8, 8),
    }
    (only,) = detect(image, masks=masks, scales=1, labels=["stick"]).detections
    assert only.label == "stick"


def test_many_masks_give_what_each_gives_alone() -> None:
    masks = [Mask(f"m{n}", PAGE[n : n + 9, 3 * n : 3 * n + 9 + n % 2]) for n in range(5)]
    together = detect(PAGE, masks=masks, scales=1)
    alone = [d for m in masks for d in detect(PAGE, masks=[m], scales=1).detections]
    assert {(d.label, d.box) for d in together.detections} == {(d.label, d.box) for d in alone}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"top": 0}, "top is 0"),
        ({"top": 1.5}, "top is 1.5: give a whole number"),
        ({"top": "every"}, "top is 'every'"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"max_overlap": 1.5}, "max_overlap is 1.5"),
        ({"labels": ["odlaw"]}, "no label 'odlaw': bright has bright"),
        ({"scales": "100"}, "must fit inside"),
        ({"scales": 1e-4}, "use a larger one"),
        ({"region": (80, 0, 5, 5)}, "lies outside the 80x60 image"),
        ({"region": (0, 0, 0, 5)}, "region is 0x5"),
        ({"region": (0, 0, 5)}, r"region is \(0, 0, 5\): give left, top, width, height"),
        ({"region": (0.5, 0, 5, 5)}, "in whole pixels"),
        ({"where": np.ones((60, 81))}, "where is 81x60, the image 80x60"),
        ({"where": np.ones((60, 80, 3))}, r"where is \(60, 80, 3\), the image 80x60"),
        ({"where": np.full((60, 80), 1.5)}, "outside 0 to 1"),
        ({"where": np.full((60, 80), np.nan)}, "outside 0 to 1"),
        ({"masks": []}, "masks is empty"),
        ({"masks": [np.zeros((4, 4, 2))]}, "a mask is"),
        ({"masks": np.zeros((4, 4, 3), np.int64)}, "a mask holds floats in"),
        ({"masks": [None]}, "a mask is a path, bytes, a picture or an array, not NoneType"),
    ],
)
def test_an_argument_out_of_range_is_an_error_that_says_it(
    asked: dict[str, object], reason: str
) -> None:
    stack = None if "masks" in asked else BRIGHT
    with pytest.raises(InvalidInputError, match=reason):
        detect(PAGE, stack=stack, **asked)  # type: ignore[arg-type]


def test_a_stack_that_wants_a_mask_or_none_says_so() -> None:
    with pytest.raises(InvalidInputError, match="looks for a mask"):
        detect(PAGE, stack="pixels")
    with pytest.raises(StackError, match="no mask layer"):
        detect(PAGE, stack=BRIGHT, masks=[MASK])


def pictures(folder: Path, *names: str) -> list[str]:
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((MASK * 255).astype(np.uint8)).save(path)
    return [str(folder / name) for name in names]


def test_a_search_reports_the_first_label_all_masks_or_what_is_asked() -> None:
    assert Search.of("waldo").labels == ("waldo",)
    masks = [Mask("a", MASK), Mask("b", MASK), Mask("a", MASK)]
    search = Search.of(masks=masks)
    assert search.labels == ("a", "b")
    assert search.reporting(iter(["b", "b"])).labels == ("b",)  # type: ignore[arg-type]
    assert Search.of(masks=(m for m in masks), labels=(n for n in "a")).labels == ("a",)  # type: ignore[arg-type]
    assert Search.of("waldo", labels="odlaw").labels == ("odlaw",)
    with pytest.raises(InvalidInputError, match="no label 'c': pixels has a, b"):
        search.reporting(["c"])
    with pytest.raises(InvalidInputError, match="labels is empty"):
        search.reporting([])


def test_a_search_takes_threshold_and_scales_of_the_stack_where_none_are_given() -> None:
    stack = replace(BRIGHT, scales=(0.5, 2.0), per_octave=1)
    assert (Search.of(stack).threshold, Search.of(stack).scales) == (0.5, (0.5, 2.0))
    asked = Search.of(stack, threshold=-1, scales="0.5:2")
    assert (asked.threshold, asked.scales) == (-1, (0.5, 1.0, 2.0))


def test_the_scales_of_a_stack_follow_the_page_and_given_ones_do_not() -> None:
    stack = replace(BRIGHT, scales=(0.5, 1.0, 2.0, 4.0), level_pixels=100 * 100)
    search = Search.of(stack)
    assert search.scales_for(Size(50, 50)) == (0.5, 1.0, 2.0, 4.0)
    assert search.scales_for(Size(100, 100)) == (1.0, 2.0, 4.0)
    assert search.scales_for(Size(200, 101)) == (2.0, 4.0)
    assert search.scales_for(Size(9000, 9000)) == (4.0,)
    assert search.scales_for(Size(200, 200), several=True) == (0.5, 1.0, 2.0, 4.0)
    assert Search.of(stack, scales="0.5,1").scales_for(Size(9000, 9000)) == (0.5, 1.0)
    image = np.zeros((200, 200, 3), np.float32)
    image[90:110, 90:110] = 1
    assert detect(image, stack=stack).detections[0].scale == 2
    assert detect(image, stack=stack, top="all").detections[0].scale < 2


@pytest.mark.parametrize("ops", ["mask", "mask, combine"])
def test_one_search_serves_images_of_every_size(ops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = (Combine("max"),) if "combine" in ops else ()
    stack = Stack("s", (MaskLayer(), *rest), scales=(1.0,))
    masks = [Mask(f"m{n}", PAGE[n : n + 9, 3 * n : 3 * n + 9]) for n in range(5)]
    search = Search.of(stack, masks)
    monkeypatch.setattr(maps, "MAX_ACTIVATIONS", 3 * 2 * PAGE[..., 0].size)
    for image in (PAGE, PAGE[:40, :60], PAGE, PAGE[:20, :30]):
        bound = search.stacks(Size(*image.shape[:2]))
        assert [label for one, _ in bound for label in one.labels] == [m.label for m in masks]
        assert search.stacks(Size(*image.shape[:2])) is bound
        together = detect_with(image, search).detections
        alone = [d for m in masks for d in detect(image, stack=stack, masks=[m]).detections]
        assert {(d.label, d.box) for d in together} == {(d.label, d.box) for d in alone}
    counts = {len(search.stacks(Size(*s))) for s in ((90, 120), (20, 30))}
    assert len(counts) == (1 if rest else 2)


def test_pictures_of_one_label_are_pictures_of_one_thing(tmp_path: Path) -> None:
    paths = pictures(tmp_path, "a/hat.png", "b/hat.jpg")
    assert Search.of(masks=paths).labels == ("hat",)
    search = Search.of_files(None, [("hat", paths[0], None), ("hat", paths[1], None)])
    assert search.labels == ("hat",)
    assert search.masks is not None
    assert len(search.masks) == 2
    other = np.random.default_rng(9).random((13, 10, 3), np.float32)
    both = [Mask("hat", MASK), Mask("hat", np.roll(MASK, 3, axis=0))]
    (found,) = detect(planted(50, 20), masks=both, scales=1, top="all").detections
    assert found.box == Box(50, 20, 10, 13)
    assert not detect(planted(50, 20), masks=[Mask("hat", other)], scales=1).found
    with pytest.raises(InvalidInputError, match="pixels looks for a mask: give one with --mask"):
        Search.of_files("pixels", [])
    assert Search.of_files("", [], None).stack.name == "waldo"


def test_a_folder_of_masks_is_the_pictures_in_it(tmp_path: Path) -> None:
    paths = pictures(tmp_path, "coat.png", "hat.png")
    assert Search.of(masks=tmp_path).labels == Search.of(masks=paths).labels == ("coat", "hat")
    (tmp_path / "none").mkdir()
    with pytest.raises(FileError, match="no picture in this folder to look for"):
        Search.of(masks=[str(tmp_path / "none")])


def test_an_error_of_a_mask_names_its_file(tmp_path: Path) -> None:
    (path,) = pictures(tmp_path, "hat.png")
    wide = Stack("wide", (Conv(np.ones((40, 40, 3, 1), np.float32)), MaskLayer()))
    with pytest.raises(InvalidInputError) as caught:
        Search.of(wide, [path])
    assert caught.value.path == path
    with pytest.raises(InvalidInputError, match="does not say the size of its object"):
        Search.of(Stack("no size", (Combine("mean"),)))


def test_an_image_is_reduced_by_no_more_than_its_finest_level_and_cuts_allow() -> None:
    search = Search.of()
    sides = [1700, 4900, 6300, 10_000, 14_000, 32_000]  # 3, 24, 40, 100, 196 Mpx, 1 Gpx
    factors = [search.reduction(Size(side, side)) for side in sides]
    assert factors == [1, 1, 2, 2, 4, 8]
    looks = search.stack.closer_looks
    for side, factor in zip(sides, factors, strict=True):
        finest = search.scales_for(Size(side, side))[0]
        shares = [1, *(magnification(k, search.stack.object_size) for k in looks)]
        assert factor == 1 or max(shares) / finest <= 1 / factor


@pytest.mark.parametrize(
    "search", [Search.of(scales=8), Search.of(scales="4:16"), Search.of(masks=MASK, scales=8)]
)
def test_an_image_is_not_reduced_for_masks_given_scales_or_many_finds(search: Search) -> None:
    assert search.reduction(Size(20_000, 20_000)) == 1
    assert Search.of().reduction(Size(20_000, 20_000), several=True) == 1
