"""The answer in the forms in which other libraries want it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from planted import BRIGHT, MASK, PAGE, dots, planted

import waldo_cli
from waldo_cli import Mask, Result, detect
from waldo_cli.cli import waldo
from waldo_cli.errors import MissingExtraError, WaldoError

SCHEMA = Path(waldo_cli.__file__).parent / "answers" / "record.schema.json"
OTHER = np.random.default_rng(9).random((8, 8, 3), np.float32)


@pytest.fixture(scope="module")
def two() -> Result:
    image = planted(50, 40, mask=OTHER, page=planted(10, 5))
    return detect(image, masks=[Mask("hat", MASK), Mask("stick", OTHER)], scales=1)


@pytest.fixture(scope="module")
def turned() -> Result:
    image = planted(30, 20, mask=np.rot90(MASK))
    return detect(image, masks=MASK, scales=1, angles="all")


@pytest.fixture(scope="module")
def nothing() -> Result:
    return detect(PAGE, masks=MASK, scales=1)


@pytest.fixture(params=["two", "turned", "nothing", "no mask"])
def result(request: pytest.FixtureRequest) -> Result:
    if request.param == "no mask":
        return detect(dots((20, 30, 1.0)), stack=BRIGHT, threshold=0.1)
    found: Result = request.getfixturevalue(request.param)
    return found


def test_a_result_has_what_was_looked_for_and_where(two: Result) -> None:
    assert two.labels == ("hat", "stick")
    assert two.image.shape == (60, 80, 3)
    np.testing.assert_array_equal(two.image[5:18, 10:20], MASK)
    assert "image" not in repr(two)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_the_image_of_a_result_is_the_one_that_was_given(turn: int) -> None:
    result = detect(dots((20, 30, 1.0)), stack=BRIGHT, threshold=0.1, turn=turn)
    assert (result.turned, result.labels) == (turn, ("bright",))
    np.testing.assert_array_equal(result.image, dots((20, 30, 1.0)))
    assert (result.height, result.width) == result.activations.shape == (40, 50)


def test_a_dictionary_has_the_fields_of_a_record_and_nothing_else(result: Result) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    told = result.to_dict()
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator(schema | {"required": sorted(told)}).validate(told)
    assert set(schema["required"]) - set(told) == {
        "schema", "path", "heatmap", "error", "seconds", "run", "bytes", "modified",
    }  # fmt: skip
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert ("best" in told) is (not result.found)


@pytest.mark.parametrize("planting", [(50, 40, MASK), (30, 20, np.rot90(MASK)), (0, 0, PAGE)])
def test_a_dictionary_says_what_the_command_line_says(
    planting: tuple[int, int, Any], tmp_path: Path
) -> None:
    left, top, mask = planting
    page, sought = tmp_path / "page.png", tmp_path / "hat.png"
    for path, pixels in ((page, planted(left, top, mask=mask)), (sought, MASK)):
        Image.fromarray((pixels * 255).round().astype(np.uint8)).save(path)
    args = ["--scales", "1", "--angles", "all", "--no-heatmap", "-f", "jsonl", "-j", "1"]
    ended = CliRunner().invoke(waldo, ["detect", str(page), "--mask", str(sought), *args])
    record = json.loads(ended.stdout)
    told = detect(page, masks=sought, scales=1, angles="all").to_dict()
    assert told == {key: record[key] for key in told}
    assert ("best" in told) is ("best" in record)


def test_a_frame_has_a_row_for_each_detection(result: Result) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = result.to_pandas()
    assert list(frame.columns[:8]) == ["label", "x", "y", "score", "left", "top", "width", "height"]
    assert len(frame) == len(result.detections)
    for row, found in zip(frame.to_dict("records"), result.detections, strict=True):
        assert [row[name] for name in ("left", "top", "width", "height")] == list(found.box)
        for name in ("label", "x", "y", "score", "scale", "angle", "mirrored"):
            assert row[name] == getattr(found, name)
        for name in ("chance", "gain", "offset"):
            if (value := getattr(found, name)) is None:
                assert np.isnan(row[name])
            else:
                assert row[name] == value
    # Whatever was found, the columns have the same types, so that frames of many images go together.
    kinds = dict.fromkeys(frame.columns, "float64") | {"label": "object", "mirrored": "bool"}
    kinds |= dict.fromkeys(("left", "top", "width", "height"), "int64")
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == kinds
    assert len(pandas.concat([frame, frame])) == 2 * len(frame)


def test_supervision_gets_boxes_scores_and_labels(result: Result) -> None:
    pytest.importorskip("supervision", reason="supervision is not installed")
    found = result.to_supervision()
    assert len(found) == len(result.detections)
    for n, one in enumerate(result.detections):
        assert tuple(found.xyxy[n]) == one.box.xyxy
        assert found.confidence[n] == np.float32(one.score)
        assert result.labels[found.class_id[n]] == found.data["class_name"][n] == one.label
    assert len(found[:0]) == 0


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("pandas", "supervision"):
        monkeypatch.setitem(sys.modules, name, None)
    return


@pytest.mark.usefixtures("without_packages")
@pytest.mark.parametrize("name", ["pandas", "supervision"])
def test_a_missing_package_is_one_line_that_says_how_to_get_it(name: str, two: Result) -> None:
    with pytest.raises(MissingExtraError, match=rf"needs {name}: pip install {name}$") as caught:
        getattr(two, f"to_{name}")()
    assert isinstance(caught.value, WaldoError)
    assert "\n" not in str(caught.value)
