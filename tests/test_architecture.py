"""The house: imports point one way, heavy packages stay where they belong, the core has no voice."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import waldo_cli

PACKAGE = Path(waldo_cli.__file__).parent

# Lowest first. A module imports from rungs below its own, and private modules (_x) of its own rung.
RUNGS = (
    {"errors"},
    {"geometry", "files"},
    {"correlation", "_gemm", "_winograd", "_fft", "_scores", "_threads"},
    {"stack", "pyramid", "peaks"},
    {"stackfile", "images", "_headers"},
    {"detector"},
    {"heatmap"},
    {"records", "inputs"},
    {"report"},
    {"batch", "evaluation", "explain"},
    {"resume", "workers", "cluster"},
    {"training"},
    {"cli", "__main__"},
)

# What a module may load when it is imported, beside the standard library.
PACKAGES = {
    "correlation": {"numpy", "scipy"},
    "_gemm": {"numpy"},
    "_winograd": {"numpy"},
    "_fft": {"numpy", "scipy"},
    "_scores": {"numpy", "scipy"},
    "_threads": {"numpy", "scipy"},
    "stack": {"numpy", "scipy"},
    "pyramid": {"numpy"},
    "peaks": {"numpy", "scipy"},
    "stackfile": {"numpy"},
    "images": {"numpy", "PIL"},
    "_headers": {"PIL"},
    "detector": {"numpy", "scipy"},
    "heatmap": {"numpy"},
    "evaluation": {"numpy"},
    "explain": {"numpy"},
    "training": {"numpy", "scipy", "PIL", "torch"},
    "cluster": {"distributed"},
    "cli": {"click"},
    "__main__": {"click"},
}

# What it may load beyond that when it is called.
LATER = {"batch": {"numpy"}, "inputs": {"fsspec"}, "report": {"numpy", "PIL"}}

SOURCES = sorted(PACKAGE.rglob("*.py"))
VOICE = {"cli", "__main__"}


def home(path: Path) -> str:
    """`cli` for cli/detect.py, `stack` for stack.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rung(module: str) -> int:
    return next(n for n, modules in enumerate(RUNGS) if module in modules)


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


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_module_has_its_rung() -> None:
    known = {name for modules in RUNGS for name in modules} | {"__init__"}
    assert {home(path) for path in SOURCES} <= known


@pytest.mark.parametrize("path", [p for p in SOURCES if home(p) != "__init__"], ids=named)
def test_imports_point_down(path: Path) -> None:
    own = home(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "waldo_cli" or parts[1] == "__version__" or parts[1] == own:
            continue
        beside = rung(parts[1]) == rung(own) and parts[1].startswith("_")
        entry = own == "__main__" and parts[1] == "cli"
        called = own == "cli" and parts[1] == "training"
        assert rung(parts[1]) < rung(own) or beside or entry, f"{own} imports {parts[1]}"
        assert parts[1] != "training" or called, f"{own} imports training"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_packages_stay_where_they_belong(path: Path) -> None:
    own = home(path)
    now = {name.split(".")[0] for name in imports(path, when_imported=True)}
    later = {name.split(".")[0] for name in imports(path)}
    ours = {"waldo_cli", "__future__", *sys.stdlib_module_names}
    assert now - ours <= PACKAGES.get(own, set())
    assert later - ours <= PACKAGES.get(own, set()) | LATER.get(own, set()) | (
        {"numpy"} if own in VOICE else set()
    )


@pytest.mark.parametrize("path", [p for p in SOURCES if home(p) == "cli"], ids=named)
def test_commands_load_nothing_heavy_when_imported(path: Path) -> None:
    """What a command needs is imported inside it, so that help and usage errors are quick."""
    light = {"cli", "errors", "geometry", "files", "records", "inputs", "__version__"}
    ours = {
        n.split(".")[1] for n in imports(path, when_imported=True) if n.startswith("waldo_cli.")
    }
    assert ours <= light


@pytest.mark.parametrize("path", [p for p in SOURCES if home(p) not in VOICE], ids=named)
def test_the_core_neither_speaks_nor_exits_nor_runs_foreign_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    forbidden = {
        "print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "exit", "quit",
        "sys.exit", "os._exit", "os.system", "os.popen", "sys.stdout.write", "sys.stderr.write",
    }  # fmt: skip
    if home(path) == "workers":  # starts processes of this program and is one of them
        return
    assert not calls & forbidden
    packages = {name.split(".")[0] for name in imports(path)}
    assert not packages & {"subprocess", "pickle", "marshal", "shelve", "dill", "cloudpickle"}


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
    for name in waldo_cli.__all__:
        assert getattr(waldo_cli, name) is not None
    assert set(waldo_cli.__all__) <= set(dir(waldo_cli))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        waldo_cli.nonsense  # noqa: B018
