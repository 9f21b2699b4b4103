"""Arguments of wrong kinds, in Python: each is an error of this package that names the parameter."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagefiles import encoded
from PIL import Image

import waldo_cli
from waldo_cli.detector.passes import Trace
from waldo_cli.errors import InvalidInputError, WaldoError

IMAGE = np.random.default_rng(3).random((24, 30, 3)).astype(np.float32)
MASK = IMAGE[4:14, 6:16]
KERNELS = np.ones((3, 3, 3, 2), np.float32)
PICTURE = encoded(Image.new("RGB", (3, 3)), "PNG")

# What each function is called with, all but one of them right.
RIGHT: dict[str, dict[str, Any]] = {
    "cross_correlate": {"x": IMAGE, "V": KERNELS},
    "detect": {"image": IMAGE, "masks": MASK, "scales": 1.0},
    "find_all": {"image": IMAGE, "mask": MASK},
    "load_image": {"path_or_file": PICTURE},
    "load_mask": {"path_or_file": PICTURE},
    "load_stack": {"name_or_path": "pixels"},
    "Mask": {"label": "a", "pixels": MASK},
    "normalized_cross_correlate": {"x": IMAGE, "V": MASK},
    "save_heatmap": {"image": IMAGE, "activations": IMAGE[:, :, 0]},
}


class Unknown:
    """Of no use for anything."""


WRONG: dict[str, Callable[[], object]] = {
    "None": lambda: None,
    "a number": lambda: -5,
    "a fraction": lambda: 2.5,
    "a huge number": lambda: 10**30,
    "a complex number": lambda: 1j,
    "NaN": lambda: float("nan"),
    "text": lambda: "quux",
    "NUL": lambda: "a\0b",
    "bytes": lambda: b"quux",
    "a list of nothing": lambda: [None],
    "a list of texts": lambda: ["a", "b", "c", "d"],
    "a list of lists": lambda: [[1, 2], [3]],
    "no list": list,
    "a dictionary": dict,
    "an object": Unknown,
    "a class": lambda: int,
    "a file of text": lambda: io.StringIO("x"),
    "an array of no dimension": lambda: np.array(3.0),
    "an empty array": lambda: np.zeros((0, 0, 3)),
    "an array of one dimension": lambda: np.arange(3),
    "an array of text": lambda: np.array(["a", "b"]),
    "an array of objects": lambda: np.full((4, 5), None),
    "a structured array": lambda: np.zeros((24, 30), [("a", int)]),
    "dates": lambda: np.zeros((24, 30, 3), "M8[s]"),
    "two channels": lambda: np.zeros((24, 30, 2)),
    "complex pixels": lambda: np.zeros((24, 30, 3), complex),
    "broken pixels": lambda: np.full((24, 30, 3), np.nan),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.filterwarnings("ignore:Casting complex values")
def test_an_argument_of_a_wrong_kind_is_an_error_of_this_package(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # any text is the name of a file to write
    function = getattr(waldo_cli, name)
    right = RIGHT[name]
    if name == "save_heatmap":
        right = {**right, "path": "heatmap.png"}
    function(**right)
    for parameter in inspect.signature(function).parameters:
        for what, make in WRONG.items():
            try:
                function(**{**right, parameter: make()})
            except WaldoError as e:
                told = str(e)
            except Exception as e:  # noqa: BLE001 - what should not come
                told = f"\n{e!r}"
            else:
                told = ""
            assert "\n" not in told, f"{parameter} as {what}: {told}"


def test_every_public_function_is_asked() -> None:
    records = {"Box", "Detection", "Result", "Size", "Stack", "WaldoError"}  # made by the functions
    assert set(waldo_cli.__all__) == RIGHT.keys() | records


@pytest.mark.parametrize(
    ("parameter", "wrong", "told"),
    [
        ("scales", None, "scales None: each must be a positive number"),
        ("angles", [None], r"angles \[None\]: give all, one number"),
        ("masks", 12, "masks is 12: give a picture"),
        ("region", 5, "region is 5: give left, top, width, height"),
        ("labels", 5, "labels is 5: give one label, or a list of them"),
        ("threshold", "0.5", "threshold is '0.5': give a number, or None"),
        ("mirror", "no", "mirror is 'no': give True or False"),
        ("top", None, "top is None: give a whole number of at least 1, or 'all'"),
        ("max_overlap", None, "max_overlap is None: give a number"),
        ("max_seconds", "60", "max_seconds is '60': give a number"),
        ("turn", np.zeros(3), r"turn is array\(\[0., 0., 0.\]\): give auto, none, 90, 180 or 270"),
        ("score", np.zeros(3), r"score is array\(\[0., 0., 0.\]\): give text"),
        ("where", "page.png", "where has dtype <U8; give real numbers"),
        ("trace", True, "trace is True: give a Trace, or None"),
    ],
)
def test_detect_tells_which_argument_is_wrong_and_what_it_takes(
    parameter: str, wrong: object, told: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"^{told}"):
        waldo_cli.detect(**{**RIGHT["detect"], parameter: wrong})


def test_what_numpy_makes_of_right_arguments_is_right() -> None:
    found = waldo_cli.detect(
        IMAGE,
        masks=MASK,
        scales=np.array([1.0, 2.0]),
        angles=np.float32(0),
        mirror=np.bool_(False),
        top=np.int64(2),
        threshold=np.float32(0.5),
        region=np.array([0, 0, 30, 24]),
        where=np.ones((24, 30), np.uint8),
        labels=np.array(["mask1"]),
        turn=np.int64(0),
        trace=Trace(),
    )
    assert found.detections[0].box.xywh == (6, 4, 10, 10)
    with pytest.raises(InvalidInputError, match="image has dtype object"):
        waldo_cli.load_stack("stripes").run(np.full((40, 40, 3), None))
