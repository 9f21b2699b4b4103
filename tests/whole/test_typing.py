"""Type checkers see from outside what the package takes and gives."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import waldo_cli

# A program as its users write it. `reveal_type` says what a checker has understood.
PROGRAM = """\
from pathlib import Path

import numpy as np
from PIL import Image

from waldo_cli import Box, Detection, Mask, Result, Size, WaldoError, detect, find_all, load_image, load_mask

pixels = np.zeros((40, 30, 3), np.uint8)
for image in ("page.png", Path("page.png"), b"bytes", Image.new("RGB", (30, 40)), pixels, pixels / 255):
    reveal_type(detect(image))
with open("page.png", "rb") as file:
    detect(file, masks="hat.png", scales="0.5:2", top="all", threshold=0.5, region=(0, 0, 30, 40))
colours, weights = load_mask("hat.png")
result: Result = detect(load_image("page.png"), masks=[Mask("hat", colours, weights), pixels, "hat.png"])
try:
    found: tuple[Detection, ...] = find_all(Image.new("RGB", (30, 40)), Path("hat.png"))
except WaldoError as error:
    print(error.reason, error.path)
for one in result.detections:
    left, top, width, height = one.box
    reveal_type(left)
    reveal_type(one.box.xyxy)
    reveal_type(one.polygon)
reveal_type(result.best)
reveal_type(result.to_dict())
Image.fromarray(result.annotated()).save("found.png")
print(len(result.to_pandas()), len(result.to_supervision()), Box(1, 2, 3, 4).area, Size(3, 4).rows)
"""
REVEALED = ["Result", "int", "tuple[int, int, int, int]", "tuple[tuple[float, float], ...] | None",
            "Detection | None", "dict[str, Any]"]  # fmt: skip
# Each line is an error, which a checker that takes the package for untyped does not see.
WRONG = """\
from waldo_cli import Size, detect

detect(3)
detect("page.png", top="each")
detect("page.png", masks=[4])
detect("page.png", nonsense=True)
detect("page.png").detections[0].box.right
"""
ERRORS = [3, 4, 5, 6, 7]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter in which the package is installed as by a wheel: its files lie among the packages."""
    place = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "waldo_cli").symlink_to(Path(waldo_cli.__file__).parent)
    ours = [p for p in sys.path if p.endswith("-packages")] or [sysconfig.get_path("purelib")]
    (packages / "others.pth").write_text("".join(f"{p}\n" for p in ours))
    return str(place / "bin" / "python")


def plain(kind: str) -> str:
    """A type as `reveal_type` says it, without modules."""
    kind = kind.replace("builtins.", "").replace("typing.", "")
    return re.sub(r"waldo_cli\.(\w+\.)*", "", kind)


def test_mypy_checks_a_program_that_uses_the_package(tmp_path: Path, python: str) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")

    def checked(text: str) -> list[str]:
        (tmp_path / "program.py").write_text(text)
        args = ["--strict", "--no-error-summary", "--cache-dir", tmp_path / "cache"]
        ended = subprocess.run(
            [sys.executable, "-m", "mypy", *args, "--python-executable", python, "program.py"],
            cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert not ended.stderr
        return ended.stdout.splitlines()

    said = checked(PROGRAM)
    assert [line for line in said if " error: " in line] == []
    kinds = [plain(line.split('"')[1]) for line in said]
    assert kinds == REVEALED
    wrong = [line for line in checked(WRONG) if " error: " in line]
    assert sorted({int(line.split(":")[1]) for line in wrong}) == ERRORS


def test_pyright_checks_a_program_that_uses_the_package(tmp_path: Path, python: str) -> None:
    """By basedpyright: pyright as one package, which fetches nothing when it runs."""
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")

    def checked(text: str) -> list[dict[str, object]]:
        (tmp_path / "program.py").write_text(text)
        (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
        ended = subprocess.run(
            [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", python, "program.py"],
            cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        said: list[dict[str, object]] = json.loads(ended.stdout)["generalDiagnostics"]
        return said

    said = checked(PROGRAM)
    assert [one for one in said if one["severity"] != "information"] == []
    kinds = [plain(str(one["message"]).split('"')[-2]) for one in said]
    assert kinds == REVEALED
    lines = {
        one["range"]["start"]["line"] + 1  # type: ignore[index]
        for one in checked(WRONG)
        if one["severity"] == "error"
    }
    assert sorted(lines) == ERRORS
