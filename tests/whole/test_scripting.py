"""What docs/scripting.md tells people to type does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from folders import WALDO, draw_folder

ROOT = Path(__file__).parents[2]
COUNT = 6
BLOCKS = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/scripting.md").read_text(), re.M | re.S)
TOOLS = ("jq", "parallel", "xargs", "find", "cut")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("scripting") / "photos", COUNT).parent


def shell(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which `waldo detect` looks for the needle."""
    (place / "bin").mkdir(exist_ok=True)
    program = place / "bin" / "waldo"
    look = f"--mask {shlex.quote(str(place / 'needle.png'))} --scales 1"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(WALDO)} "$@" {look}\n')
    program.chmod(0o755)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=place, capture_output=True, text=True,
        timeout=120, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | {"PATH": f"{place / 'bin'}:{os.environ['PATH']}"},
    )  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS, ids=[b.splitlines()[0][:60] for b in BLOCKS])
def test_recipes_run_as_they_stand(drawn: Path, tmp_path: Path, block: str) -> None:
    for tool in TOOLS:
        if re.search(rf"\b{tool}\b", block) and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    ended = shell(tmp_path, block)
    assert (ended.returncode, ended.stderr) == (0, "")
    if "sort_by" in block:
        scores = [float(line.split("\t")[0]) for line in ended.stdout.splitlines()]
        assert len(scores) == 4
        assert scores == sorted(scores, reverse=True)
    elif "cp -t" in block:
        assert len(list((tmp_path / "found").iterdir())) == 4
    elif "parallel" in block:
        lines = (tmp_path / "whole.jsonl").read_text().splitlines()
        assert len({json.loads(line)["path"] for line in lines}) == len(lines) == COUNT
    elif "-f yolo" in block:
        assert len(list((tmp_path / "labels").rglob("page*.txt"))) == COUNT
    elif "images | length" in block:
        assert ended.stdout == f"{COUNT}\n"


def test_make_makes_what_is_missing(drawn: Path, tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    (rule,) = re.findall(
        r"^```make\n(.*?)^```", (ROOT / "docs/scripting.md").read_text(), re.M | re.S
    )
    (tmp_path / "Makefile").write_text(rule)
    (tmp_path / "out").mkdir()
    assert shell(tmp_path, "make out/page001.tsv").returncode == 0
    assert (tmp_path / "out" / "page001.tsv").read_text().startswith("photos/page001.png\t")
    assert (tmp_path / "out" / "page001.heatmap.png").exists()
    assert "up to date" in shell(tmp_path, "make out/page001.tsv").stdout
