"""The documentation is true: its code runs, its outputs hold, its references are whole, its links lead on."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import waldo_cli
from waldo_cli import cross_correlate
from waldo_cli.cli import waldo

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "tools" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = load_generator()
PAGES = generate.pages()
ALL_PAGES = [*PAGES, *(DOCS / name for name in generate.DERIVED)]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def assert_alike(new: Image.Image, stored: Image.Image, name: str) -> None:
    assert new.size == stored.size, name
    apart = np.subtract(new.convert("RGB"), stored.convert("RGB"), dtype=np.float64)
    assert np.abs(apart).mean() < 4, name


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_block_runs_and_prints_what_the_page_shows(page: Path) -> None:
    with generate.workshop() as folder:
        now = generate.executed(page, folder)
        assert now.splitlines() == page.read_text(encoding="utf-8").splitlines(), (
            "python docs/tools/generate.py writes the page as it runs now"
        )
        for drawn in (folder / "docs" / "pictures").iterdir():
            with Image.open(drawn) as new, Image.open(DOCS / "pictures" / drawn.name) as stored:
                assert_alike(new, stored, drawn.name)


def test_the_first_screen_of_the_readme_is_what_its_command_gives() -> None:
    (shown,) = re.findall(
        r"^ {4}(\S+\.png\t.*\n)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M
    )
    image = shown.partition("\t")[0]
    with generate.workshop() as folder:
        done = generate.subprocess.run(
            [sys.executable, "-m", "waldo_cli", "detect", image],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert generate.same(shown, done.stdout), done.stdout
        name = f"{Path(image).stem}.heatmap.png"
        with Image.open(folder / name) as new, Image.open(DOCS / "pictures" / name) as stored:
            assert_alike(new, stored, name)


def test_the_stack_file_of_the_readme_finds_what_it_says(tmp_path: Path) -> None:
    (shown,) = re.findall(
        r"^```toml\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    path = tmp_path / "red-corners.toml"
    path.write_text(shown, encoding="utf-8")
    page = np.full((60, 80, 3), 0.5, np.float32)
    page[40:50, 20:30] = 1, 0, 0
    (found,) = waldo_cli.detect(page, stack=path).detections
    assert abs(found.x - 25) < 5
    assert abs(found.y - 45) < 5


def test_outputs_may_differ_in_last_digits_only() -> None:
    assert generate.same("peak 0.8661 at 12\n", "peak 0.8662 at 12\n")
    assert not generate.same("peak 0.8661 at 12\n", "peak 0.8761 at 12\n")
    assert not generate.same("peak 0.8661 at 12\n", "peak 0.8661 at 13\n")
    assert not generate.same("found True\n", "found False\n")


def test_a_block_that_prints_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1)\n```\n\n```text\n2\n```\n\n```console\n$ echo 3\n4\n```\n")
    assert "```text\n1\n```" in generate.executed(page, tmp_path)
    assert "$ echo 3\n3\n" in generate.executed(page, tmp_path)


@pytest.mark.parametrize(
    ("page", "derived"),
    [(DOCS / name, derive) for name, derive in generate.DERIVED.items()],
    ids=list(generate.DERIVED),
)
def test_references_are_what_the_program_says(page: Path, derived: object) -> None:
    assert callable(derived)
    assert page.read_text(encoding="utf-8").splitlines() == derived().splitlines(), (
        "python docs/tools/generate.py writes it anew"
    )


def commands() -> list[str]:
    return waldo.list_commands(click.Context(waldo))


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_has_help_and_is_in_the_reference(name: str) -> None:
    command = waldo.get_command(click.Context(waldo), name)
    assert command is not None
    assert command.help
    assert f"## waldo {name}\n" in (DOCS / "commands.md").read_text(encoding="utf-8")
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.opts


@pytest.mark.parametrize("name", waldo_cli.__all__)
def test_every_public_name_is_explained_and_in_the_reference(name: str) -> None:
    thing = getattr(waldo_cli, name)
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    assert thing.__doc__
    assert f"## {name}\n" in text
    for member, doc, _ in generate.members(thing):
        assert doc, f"{name}.{member} has no docstring"
        assert f"### {name}.{member}\n" in text


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_that_are_only_shown_exist_with_their_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = [
        line
        for kind, body in re.findall(r"^```(sh|console)\n(.*?)^```$", text, re.M | re.S)
        for line in body.splitlines()
        if kind == "sh" or line.startswith("$ ")
    ]
    shown += re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    for line in shown:
        for name, rest in re.findall(r"\bwaldo +([a-z]+)(?![.\w])((?: [^|;&#]*)?)", line):
            command = waldo.get_command(click.Context(waldo), name)
            assert command is not None, line
            known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
            assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= known, line


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub and mkdocs make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", t).strip().lower()) for t in titles}


@pytest.mark.parametrize("page", ALL_PAGES, ids=relative)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def test_every_stored_picture_is_shown_and_all_are_small() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    stored = list((DOCS / "pictures").iterdir())
    assert [p.name for p in stored if p.name not in text] == []
    assert sum(p.stat().st_size for p in stored) < 1_500_000


def full(f: np.ndarray, g: np.ndarray, *, flip: bool) -> np.ndarray:
    """All places where f and g touch."""
    kernel = g[:, :, None, None]
    return cross_correlate(
        f[:, :, None], kernel, flip=flip, padding=(g.shape[0] - 1, g.shape[1] - 1)
    )[:, :, 0]


numbers = st.floats(-100, 100, width=32, allow_subnormal=False)
grids = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=numbers)
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(f=grids, g=grids)
def test_convolution_commutes_and_cross_correlation_mirrors(f: np.ndarray, g: np.ndarray) -> None:
    scale = max(1.0, float(np.abs(f).sum()) * float(np.abs(g).max()))
    one, other = full(f, g, flip=True), full(g, f, flip=True)
    assert np.abs(one - other).max() <= 1e-5 * scale
    one, other = full(f, g, flip=False), full(g, f, flip=False)[::-1, ::-1]
    assert np.abs(one - other).max() <= 1e-5 * scale


def test_the_scenes_shown_as_failures_are_failures() -> None:
    shown = (DOCS / "accuracy.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\$ python docs/figures/failures.py \w+ \d+$", shown, re.M)) >= 3
    assert "does not err" not in shown, "python docs/figures/failures.py CASE finds another seed"


def test_the_crossover_chart_can_be_drawn_again(tmp_path: Path) -> None:
    chart = tmp_path / "crossover.png"
    generate.subprocess.run(
        [
            sys.executable,
            DOCS / "figures" / "crossover.py",
            *("--side", "48", "--repeats", "1", "--out", chart),
        ],
        check=True,
        capture_output=True,
    )
    with Image.open(chart) as drawn, Image.open(DOCS / "pictures" / "crossover.png") as stored:
        assert drawn.size == stored.size


def test_the_comparison_of_networks_can_be_run_again() -> None:
    pytest.importorskip("torch", reason="the networks are trained with torch")
    done = generate.subprocess.run(
        [sys.executable, DOCS / "figures" / "deep_or_wide.py", "--steps", "2", "--scenes", "2"],
        check=True,
        capture_output=True,
        text=True,
    )
    shown = (DOCS / "from-dense-to-conv.md").read_text(encoding="utf-8")
    for line in done.stdout.splitlines():  # the same networks at the same cost
        assert line.rpartition(":")[0] in shown


def test_every_promise_of_security_names_the_tests_that_hold_it() -> None:
    tests = Path(__file__).parents[1]
    known = {
        name
        for path in tests.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    promises = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(promises) >= 6
    for _, what, _, held_by, _ in promises:
        named = re.findall(r"`(test_\w+)`", held_by)
        assert named, what
        assert set(named) <= known, what
    assert set(re.findall(r"`(test_\w+)`", text)) <= known
