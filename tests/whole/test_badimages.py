"""The corpus of odd, broken and hostile images: each opens, or is refused with a reason.

The corpus is other people's work and lies beside the checkout; without it these tests are skipped,
and the tests in tests/images hold the same kinds of damage in files that they make themselves.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "badimages"
MANIFEST = CORPUS / "MANIFEST.csv"

pytestmark = pytest.mark.skipif(
    not MANIFEST.exists(), reason="the corpus of bad images is not beside the checkout"
)

# Opened although the manifest says that an error is enough.
OPENED_NEVERTHELESS = {
    "pillow_foreign/hopper.ppm": "PNM is opened",
    "image_tiff/minisblack-2c-8b-alpha.tiff": "premultiplied grey and alpha, which Pillow can undo",
    "image_tiff/cmyk-3c-32b-float.tiff": "inks of floats, whose numbers all have a meaning",
    "pillow/apng__chunk_no_fctl.png": "the first picture is sound, only the animation is not",
    "pillow/truncated_end_chunk.png": "all pixels are there",
    "pillow/truncated_jpeg.jpg": "all pixels are there, only the mark of the end is missing",
    "selfmade/trunc_noeoi.jpg": "all pixels are there, only the mark of the end is missing",
    "pillow/png_decompression_dos.png": "metadata are not unpacked",
    "selfmade/bomb_iccp.png": "metadata are not unpacked",
    "selfmade/bomb_ztxt.png": "metadata are not unpacked",
    "selfmade/bomb_many_ztxt.png": "metadata are not unpacked",
    "selfmade/bomb_deflate_13000.tif": "a flat picture below 200 Mpx",
    "selfmade/heavy_13000_rgb.png": "a flat picture below 200 Mpx",
    "selfmade/heavy_9400_rgb.png": "a flat picture below 200 Mpx",
    "selfmade/heavy_9400_rgba16.png": "a flat picture below 200 Mpx",
}

# What the reason must say of a file that was made to be broken in one way.
REASONS = {
    "zero-size": ("empty", "no pixels"),
    "not-an-image": ("needed: PNG, JPEG, GIF, WEBP, TIFF, BMP",),
    "truncated": ("truncated", "cut short", "not a picture"),
    "bomb": ("too large", "too long", "segments"),
    "corrupt": ("damaged", "samples a pixel"),
}

# All in one process, as a library user would, with the figures that need one: warnings, noise from
# the C libraries on stderr, peak memory.
OPEN_ALL = """
import json, re, resource, sys, time
from pathlib import Path
from waldo_cli.errors import ImageError
from waldo_cli.images.load import load_image

def peak():
    # In ru_maxrss Linux counts what the process that started this one held, too.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

for path in sys.stdin.read().splitlines():
    started = time.monotonic()
    try:
        image = load_image(path)
        outcome = {"opened": [*image.shape], "range": [float(image.min()), float(image.max())]}
        del image
    except ImageError as error:
        outcome = {"reason": error.reason, "named": error.path == path}
    outcome |= {"path": path, "seconds": time.monotonic() - started, "peak": peak() * 1024}
    print(json.dumps(outcome), flush=True)
"""


def manifest() -> list[dict[str, str]]:
    if not MANIFEST.exists():
        return []
    with MANIFEST.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


ROWS = manifest()
OPENING = [row for row in ROWS if row["expected"] == "open"]
REFUSED = [row for row in ROWS if row["expected"] == "error"]


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    paths = "\n".join(str(CORPUS / row["file"]) for row in ROWS)
    command = [sys.executable, "-W", "always", "-c", OPEN_ALL]
    return subprocess.run(
        command, input=paths, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def outcomes(run: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    lines = map(json.loads, run.stdout.splitlines())
    return {str(Path(line["path"]).relative_to(CORPUS)): line for line in lines}


def test_one_process_opens_them_all_and_nothing_reaches_stderr(
    run: subprocess.CompletedProcess[str], outcomes: dict[str, dict]
) -> None:
    assert run.stderr == ""
    assert run.returncode == 0
    assert len(outcomes) == len(ROWS)


def test_memory_is_a_gigabyte_or_20_bytes_a_pixel_and_no_file_takes_ten_seconds(
    outcomes: dict[str, dict],
) -> None:
    most = 1 << 30  # of all files so far: the peak of a process does not go down again
    for outcome in outcomes.values():
        height, width, _ = outcome.get("opened", (0, 0, 3))
        most = max(most, 20 * height * width)
        assert outcome["peak"] < most, outcome
        assert outcome["seconds"] < 10 * max(1, height * width / 24e6), outcome


@pytest.mark.parametrize("row", OPENING, ids=[row["file"] for row in OPENING])
def test_what_should_open_opens(row: dict[str, str], outcomes: dict[str, dict]) -> None:
    outcome = outcomes[row["file"]]
    assert "opened" in outcome, outcome
    height, width, channels = outcome["opened"]
    assert height >= 1
    assert width >= 1
    assert channels == 3
    assert 0 <= outcome["range"][0] <= outcome["range"][1] <= 1


@pytest.mark.parametrize("row", REFUSED, ids=[row["file"] for row in REFUSED])
def test_what_should_be_refused_is_refused_with_a_reason(
    row: dict[str, str], outcomes: dict[str, dict]
) -> None:
    outcome = outcomes[row["file"]]
    if row["file"] in OPENED_NEVERTHELESS:
        assert "opened" in outcome
        return
    assert "reason" in outcome, outcome
    reason = outcome["reason"]
    assert outcome["named"]
    assert len(reason) < 200
    assert reason.isprintable()
    assert row["file"] not in reason
    if row["corpus"] == "selfmade":
        assert any(word in reason for word in REASONS.get(row["kind"], ("",)))
