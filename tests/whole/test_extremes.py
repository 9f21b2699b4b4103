"""Numbers and sizes at their limits: the right answer or a refusal, never nonsense."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from folders import draw, draw_folder
from PIL import Image

from waldo_cli import Mask, Stack, detect, load_stack
from waldo_cli.__main__ import main
from waldo_cli.detector import coarse, maps
from waldo_cli.detector.passes import Trace
from waldo_cli.errors import InvalidInputError

RNG = np.random.default_rng(0)
NOISE = RNG.random((48, 64, 3), np.float32)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def waldo(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["detect", *map(str, args), "-j", "1"])
        return (int(ended.value.code or 0), *capfd.readouterr())

    return run


def patch(height: int, width: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


# --- brightness -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("stack", ["pixels", "stripes"])
def test_a_page_of_one_brightness_has_finite_scores_and_finds_no_mask(
    level: float, stack: str
) -> None:
    page = np.full((60, 80, 3), level, np.float32)
    masks = [Mask("patch", patch(9, 7))] if stack == "pixels" else None
    result = detect(page, stack=stack, masks=masks, threshold=-1e30)
    assert np.isfinite(result.activations).all()
    assert all(math.isfinite(d.score) for d in result.detections)
    if masks is not None:
        assert max((d.score for d in result.detections), default=0) <= 1e-6


@pytest.mark.parametrize("contrast", [1.0, 1e-2, 1e-3])
@pytest.mark.parametrize("base", [0.0, 0.5, 0.99])
def test_a_mask_is_found_at_any_brightness_and_contrast(contrast: float, base: float) -> None:
    """Normalised cross-correlation does not see either; float32 holds what is left of it."""
    high = min(1 - base, contrast)
    result = detect(
        NOISE * high + np.float32(base),
        masks=[Mask("cut", NOISE[20:32, 30:40])],
        scales="1",
        score="ncc",
    )
    best = result.detections[0]
    assert (best.box.left, best.box.top) == (30, 20)
    assert best.score == pytest.approx(1, abs=2e-2)
    assert best.score <= 1 + 1e-6


def test_values_far_outside_0_to_1_are_compared_or_refused_but_never_nonsense() -> None:
    for scale in (1e-30, 1e6, 1e18, 1e30):
        try:
            result = detect(
                NOISE * np.float32(scale), masks=[Mask("cut", NOISE[20:32, 30:40])], scales="1"
            )
        except InvalidInputError:
            continue
        assert np.isfinite(result.activations).all()
        assert result.activations.max() <= 1 + 1e-3


def test_a_float_tiff_with_nan_and_infinity_gives_finite_scores(
    tmp_path: Path, waldo: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples = np.random.default_rng(3).random((40, 50), np.float32)
    samples[3:5, 7] = np.nan
    samples[30, 2], samples[31, 3] = np.inf, -np.inf
    Image.fromarray(samples).save("odd.tif")
    Image.fromarray(np.uint8(samples[10:20, 20:30] * 255)).save("cut.png")
    status, out, err = waldo("odd.tif", "--mask", "cut.png", "--scales", "1", "--activations")
    assert (status, err) == (0, "")
    assert out.split("\t")[5:7] == ["20", "10"]
    assert np.isfinite(np.load("odd.activations.npy")).all()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kernel = [[1e30, 1e30]]", 2),
        ("kernel = [[1e30, -1e30], [1e30, -1e30]]", 3),
    ],
)
def test_a_stack_whose_numbers_overflow_is_refused_without_a_warning(
    text: str, named: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waldo: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    layer = f'[[layer]]\nop = "conv"\n{text}\n'
    combine = '[[layer]]\nop = "combine"\nhow = "mean"\n'
    Path("big.toml").write_text("format = 1\nobject = [5, 5]\n" + combine + layer * named)
    draw(Path("page.png"), 1)
    ended = subprocess.run(
        [sys.executable, "-m", "waldo_cli", "detect", "page.png", "--stack", "./big.toml", "-f", "jsonl"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == (
        "waldo: page.png: stack big answers with NaN or infinity: its weights are too large for float32\n"
    )
    assert not list(Path().glob("*.heatmap.png"))


# --- sizes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (1, 64), (64, 1), (1, 65_500), (65_500, 1), (3, 2)])
@pytest.mark.parametrize("stack", ["pixels", "stripes", "waldo"])
def test_a_thin_page_is_answered_or_refused_with_its_size(
    size: tuple[int, int], stack: str
) -> None:
    height, width = size
    page = np.random.default_rng(2).random((height, width, 3), np.float32)
    masks = [Mask("patch", patch(9, 7))] if stack == "pixels" else None
    with pytest.raises(InvalidInputError, match=rf"{width}x{height}|too large"):
        detect(page, stack=load_stack(stack), masks=masks, scales="1")


@pytest.mark.parametrize("size", [(1, 64), (64, 1), (1, 3000), (48, 64)])
def test_a_mask_as_large_as_the_page_has_one_place(size: tuple[int, int]) -> None:
    page = np.random.default_rng(4).random((*size, 3), np.float32)
    result = detect(page, masks=[Mask("all", page)], scales="1", top=3, threshold=0.99)
    (found,) = result.detections
    assert found.score == pytest.approx(1, abs=1e-4)
    assert (found.box.left, found.box.top, found.box.width, found.box.height) == (
        0, 0, size[1], size[0],
    )  # fmt: skip
    assert (found.x, found.y) == pytest.approx((size[1] / 2, size[0] / 2), abs=0.5)


def test_many_masks_are_many_labels() -> None:
    masks = [Mask(f"m{n}", patch(4, 5, n)) for n in range(199)] + [Mask("cut", NOISE[8:12, 20:25])]
    page = NOISE[:24, :32]
    found = detect(page, masks=masks, scales="1", threshold=-1).detections
    assert len({d.label for d in found}) == 200
    (best,) = (d for d in found if d.score > 0.9999)
    assert (best.label, best.box.left, best.box.top) == ("cut", 20, 8)


def test_masks_in_several_runs_are_found_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = [Mask(f"m{n}", NOISE[n : n + 4, 2 * n : 2 * n + 5]) for n in range(20)]
    whole = detect(NOISE, masks=masks, scales="1", threshold=-1)
    monkeypatch.setattr(maps, "MAX_ACTIVATIONS", 40_000)
    trace = Trace()
    parts = detect(NOISE, masks=masks, scales="1", threshold=-1, trace=trace)
    assert len(trace.passes) > 2
    assert parts.detections == whole.detections
    assert (parts.activations == whole.activations).all()


@pytest.mark.parametrize(
    ("stack", "scales"),
    [("stripes", "1"), ("pixels", "1"), ("pixels", "2"), ("waldo", "1")],
)
def test_what_takes_more_than_the_limit_is_refused_before_it_runs(
    stack: str, scales: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = np.random.default_rng(2).random((200, 300, 3), np.float32)
    masks = [Mask("patch", patch(9, 7))] if stack == "pixels" else None
    monkeypatch.setattr(Stack, "run_each", None)
    with pytest.raises(InvalidInputError, match=f"stack {stack} would take .* for this 300x200"):
        detect(page, stack=stack, masks=masks, scales=scales, max_seconds=1e-6)
    monkeypatch.setattr(maps, "MAX_FLOATS", 300)
    with pytest.raises(InvalidInputError, match=f"stack {stack} would hold .* of this 300x200"):
        detect(page, stack=stack, masks=masks, scales=scales)


def test_a_search_for_masks_that_takes_more_than_the_limit_is_refused_before_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = np.random.default_rng(2).random((200, 300, 3), np.float32)
    masks = [Mask("patch", patch(9, 7)), Mask("shape", np.ones((9, 9, 3)), np.eye(9))]
    monkeypatch.setattr(coarse, "_coarse_map", None)
    for mask, options in itertools.product(masks, ({"scales": "0.5,1"}, {"angles": "0,90"})):
        with pytest.raises(InvalidInputError, match=r"take about .* for this 300x200 .* --angles"):
            detect(page, masks=[mask], max_seconds=1e-6, **options)


# --- options at their limits ------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    draw_folder(tmp_path / "photos", 2)
    monkeypatch.chdir(tmp_path)
    return ["photos/page001.png", "--mask", "needle.png", "--scales", "1", "-o", "out"]


def test_more_finds_than_there_are_places_may_be_asked_for(page: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["detect", *page, "--top", "9" * 25])
    assert ended.value.code == 0


@pytest.mark.parametrize("threshold", ["nan", "inf", "-inf"])
def test_a_threshold_that_is_no_number_is_refused(
    threshold: str, page: list[str], waldo: Run
) -> None:
    status, out, err = waldo(*page, "--threshold", threshold)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "threshold" in err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("threshold", "status"), [("1e300", 1), ("1.001", 1), ("-2", 0), ("-1e300", 0)]
)
def test_any_finite_threshold_is_a_threshold(
    threshold: str, status: int, page: list[str], waldo: Run
) -> None:
    assert waldo(*page, "--threshold", threshold)[0] == status


@pytest.mark.parametrize(
    ("region", "status"),
    [
        ("-5,-5,5,5", 2), ("40,0,1,1", 2), ("0,32,1,1", 2), ("9999999,9999999,9999999,9999999", 2),
        ("-9999999,-9999999,9999999,9999999", 2), ("-5,-5,9999,9999", 0), ("39,31,1,1", 1),
    ],
)  # fmt: skip
def test_a_region_outside_is_refused_and_one_across_the_edge_is_cut(
    region: str, status: int, page: list[str], waldo: Run
) -> None:
    ended, out, err = waldo(*page, "--region", region)
    assert ended == status
    assert ("lies outside the 40x32 image" in err) == (status == 2)
    assert all("nan" not in field for field in out.split("\t"))


def test_more_finds_than_there_are_places_are_all_there_are(page: list[str], waldo: Run) -> None:
    status, out, err = waldo(*page, "--top", "1000000000", "--threshold", "-1")
    assert (status, err) == (0, "")
    assert 1 < len(out.splitlines()) < 40 * 32


# --- threads ----------------------------------------------------------------------------------------

THREADS = """
import sys, hashlib
import numpy as np
from waldo_cli import Mask, detect, load_image
page = np.random.default_rng(5).random((211, 287, 3), np.float32)
digest = hashlib.sha256()
for asked in (
    {"stack": "waldo"},
    {"stack": "stripes"},
    {"masks": [Mask("cut", page[100:163, 200:241])], "scales": "0.5:1.5"},
    {"masks": [Mask("small", page[100:105, 200:207])]},
):
    result = detect(page, top=5, threshold=-1e30, **asked)
    digest.update(result.activations.tobytes())
    digest.update(repr(result.detections).encode())
print(digest.hexdigest())
"""


def test_one_thread_and_many_give_the_same_to_the_last_bit() -> None:
    said = set()
    for count in ("1", "2"):
        env = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count)
        ended = subprocess.run(
            [sys.executable, "-c", THREADS], capture_output=True, text=True, check=True, env=env
        )
        said.add(ended.stdout)
    assert len(said) == 1


FAILS = """
import numpy as np
from waldo_cli import normalized_cross_correlate
from waldo_cli.correlate.windows import BoxSums
def broken(self, outputs):
    yield slice(0, 3), np.zeros((2, 4, self.planes.shape[2]))
BoxSums.sums = broken
page = np.random.default_rng(5).random((900, 900, 3), np.float32)
try:
    normalized_cross_correlate(page, page[:16, :16])
except ValueError:
    print("told")
"""


def test_a_thread_that_fails_leaves_no_other_waiting() -> None:
    env = os.environ | {"OMP_NUM_THREADS": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", FAILS],
        capture_output=True,
        text=True,
        check=True,
        env=env,
        timeout=60,
    )
    assert ended.stdout == "told\n"
