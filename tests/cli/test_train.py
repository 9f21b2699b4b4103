"""``waldo train`` by the command line; what it learns is tested in `training`."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import limited

pytest.importorskip("torch", reason="needs the extra 'train' (PyTorch)")


def test_where_pytorch_gets_no_memory_a_training_says_so_in_one_line(scene: Path) -> None:
    """It ends the process by itself otherwise, while it is loaded."""
    ended = limited("train . --truth truth.csv -o run", scene, 500_000, 1)
    line = "waldo: memory is limited to 500000 kB, to load PyTorch takes more: raise the limit (ulimit -v)\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", line)
    assert not (scene / "run").exists()
