"""The house: imports point one way, heavy packages stay where they belong, the core has no voice."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import waldo_cli

PACKAGE = Path(waldo_cli.__file__).parent
TESTS = Path(__file__).parent

# The way of a picture, from the ground up. A room imports from rooms above its own line in this list.
ROOMS = (
    "errors",
    "arguments",
    "geometry",
    "arrays",
    "scales",
    "files",
    "parallel",
    "processes",
    "correlate",
    "images",
    "stack",
    "export",
    "inputs",
    "detector",
    "answers",
    "show",
    "evaluation",
    "batch",
    "training",
    "cli",
    "__main__",
)

# What a room may load when it is imported, beside the standard library; one module of it, by its own name.
PACKAGES = {
    "arrays": {"numpy"},
    "correlate": {"numpy"},
    "images": {"numpy", "PIL"},
    "images.archives": set(),
    "images.directory": set(),
    "images.headers": set(),
    "images.heif": set(),
    "images.jpeg": set(),
    "images.jpeg2000": set(),
    "images.jpegxl": set(),
    "images.limits": set(),
    "images.orientation": set(),
    "images.pages": set(),
    "images.pdf": set(),
    "images.tiff": set(),
    "stack": {"numpy"},
    "export": {"numpy"},
    "detector": {"numpy"},
    "show": {"numpy"},
    "show.annotated": {"numpy", "PIL"},
    "show.report": set(),
    "show.thumbnails": set(),
    "evaluation": {"numpy"},
    "evaluation.truth": set(),
    "batch.cluster": {"distributed"},
    "training": {"numpy", "PIL", "torch"},
    "cli": {"click"},
    "__main__": {"click"},
}

# What it may load beyond that when it is called.
LATER = {
    "detector.matcher": {"scipy"},
    "detector.result": {"pandas", "supervision"},
    "parallel": {"numpy"},
    "batch": {"numpy"},
    "images.decode": {"numpy", "PIL", "pillow_heif", "pillow_jxl"},
    "images.pdf": {"pypdfium2"},
    "export": {"onnx", "onnxruntime"},
    "inputs": {"fsspec"},
    "show.thumbnails": {"numpy", "PIL"},
    "cli": {"numpy"},
}

# The one way up: a result shows itself, by what lies above it, imported when its methods are called.
UPWARDS = {"detector.result": {"show"}}

# What a command may import of the package before it runs: nothing that loads numpy.
LIGHT = {"errors", "geometry", "scales", "files", "inputs", "answers", "cli", "__version__"}

SOURCES = sorted(PACKAGE.rglob("*.py"))
VOICE = {"cli", "__main__"}


def name(path: Path) -> str:
    """`cli.detect` for cli/detect.py, `cli` for cli/__init__.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def room(path: Path) -> str:
    """`cli` for cli/detect.py, `errors` for errors.py."""
    return name(path).partition(".")[0]


def packages(path: Path, of: dict[str, set[str]]) -> set[str]:
    return of.get(name(path), of.get(room(path), set()))


def nodes(tree: ast.AST, *, when_imported: bool) -> Iterator[ast.AST]:
    """All nodes; or only those that run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if when_imported and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if when_imported and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from nodes(node, when_imported=when_imported)


def imports(path: Path, *, when_imported: bool = False) -> Iterator[str]:
    """Full names of what a file imports; `from a import b` is `a.b`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in nodes(tree, when_imported=when_imported):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> Iterator[list[str]]:
    """What a file imports of this package: room, module, name, as far as there are such."""
    for full in imports(path):
        package, *parts = full.split(".")
        if package == "waldo_cli" and parts != ["__version__"]:
            yield parts


def test_every_module_has_its_room() -> None:
    assert {room(path) for path in SOURCES} == {*ROOMS, "__init__"}


@pytest.mark.parametrize("path", [p for p in SOURCES if room(p) != "__init__"], ids=name)
def test_imports_point_down(path: Path) -> None:
    own = room(path)
    above = UPWARDS.get(name(path), set())
    assert not any(
        f"waldo_cli.{other}." in full
        for other in above
        for full in imports(path, when_imported=True)
    )
    for other, *_ in ours(path):
        if other in above:
            continue
        assert other == own or ROOMS.index(other) < ROOMS.index(own), f"{own} imports {other}"
        assert other != "training" or own in ("training", "cli"), f"{own} imports training"


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {name(path) for path in SOURCES}
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        found = {".".join(parts[:n]) for parts in ours(path) for n in (1, 2)}
        graph[name(path)] = (found & modules) - {name(path)}
    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "__init__.py"], ids=name)
def test_entering_a_room_loads_nothing_of_it(path: Path) -> None:
    loaded = {full.split(".")[0] for full in imports(path, when_imported=True)}
    assert loaded <= {"__future__", "importlib", "os", "typing", "click", "waldo_cli"}
    assert not [parts for parts in ours(path) if parts] or room(path) == "__init__"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_packages_stay_where_they_belong(path: Path) -> None:
    now = {full.split(".")[0] for full in imports(path, when_imported=True)}
    later = {full.split(".")[0] for full in imports(path)}
    free = {"waldo_cli", "__future__", *sys.stdlib_module_names}
    assert now - free <= packages(path, PACKAGES)
    assert later - free <= packages(path, PACKAGES) | packages(path, LATER)


@pytest.mark.parametrize("path", [p for p in SOURCES if room(p) == "cli"], ids=name)
def test_commands_load_nothing_heavy_when_imported(path: Path) -> None:
    """What a command needs is imported inside it, so that help and usage errors are quick."""
    found = {
        full.split(".")[1]
        for full in imports(path, when_imported=True)
        if full.startswith("waldo_cli.")
    }
    assert found <= LIGHT


@pytest.mark.parametrize("path", [p for p in SOURCES if room(p) not in VOICE], ids=name)
def test_the_core_neither_speaks_nor_exits_nor_runs_foreign_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    forbidden = {
        "print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "exit", "quit",
        "sys.exit", "os._exit", "os.system", "os.popen", "sys.stdout.write", "sys.stderr.write",
    }  # fmt: skip
    # Starts processes of this program; and what runs in them.
    if name(path) in ("processes", "batch.workers", "training.beside"):
        return
    assert not calls & forbidden
    found = {full.split(".")[0] for full in imports(path)}
    assert not found & {"subprocess", "pickle", "marshal", "shelve", "dill", "cloudpickle"}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_function_is_longer_than_a_page(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None
            lines = node.end_lineno - node.lineno + 1  # type: ignore[operator]
            doc = node.body[0].end_lineno - node.body[0].lineno + 1  # type: ignore[operator]
            assert lines - documented * doc <= 80, f"{path.name}: {node.name}"


def loaded(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded("import waldo_cli") & {"click", "PIL", "torch", "numpy", "scipy"}


def test_public_names_load_on_first_use_and_only_what_they_need() -> None:
    modules = loaded("from waldo_cli import cross_correlate, WaldoError")
    assert "numpy" in modules
    assert not modules & {"click", "PIL", "torch"}


def test_every_public_name_is_there() -> None:
    for public in waldo_cli.__all__:
        assert getattr(waldo_cli, public) is not None
    assert set(waldo_cli.__all__) <= set(dir(waldo_cli))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        waldo_cli.nonsense  # noqa: B018


def test_the_tests_of_a_module_lie_in_its_room() -> None:
    """tests/ROOM/test_MODULE.py; those of the ground floor in tests/ground, of the whole in tests/whole."""
    rooms = {path.parent.name for path in SOURCES if path.parent != PACKAGE}
    folders = {path.parent.name for path in TESTS.rglob("test_*.py")} - {TESTS.name}
    assert folders == rooms | {"ground", "whole"}
    for path in TESTS.glob("*/test_*.py"):
        own, module = path.parent.name, path.stem.removeprefix("test_")
        if own == "ground":
            assert (PACKAGE / f"{module}.py").exists(), path
        elif own != "whole":
            assert (PACKAGE / own / f"{module}.py").exists(), path
