"""Keep the documentation true: run what it shows, and write what can be derived.

``python docs/tools/generate.py`` runs every block of every page and of the README, puts the true outputs and
pictures in, and writes ``api.md`` from the docstrings, ``commands.md`` from the commands' help,
``records.md`` from the schema of records, ``stack-keys.md`` from the tables of the stack file's reader, and
the man pages in ``man``. With ``--check`` nothing is written; what differs is told, and the exit status is 1.

A page runs from its first line to its last, in a folder of its own that holds ``sample_images``:

- ```` ```python ```` blocks share one namespace; what they print is the ```` ```text ```` block that follows;
- in ```` ```console ```` blocks, lines that begin with ``$`` are given to bash, the rest is what came out.

Blocks in other languages, and what stands in `` `code` ``, are only shown.

Numbers with a decimal point may differ by a thousandth of themselves: processors round differently.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import inspect
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import waldo_cli
from waldo_cli.cli import waldo
from waldo_cli.stack import file, values
from waldo_cli.stack.layers import Combine, Conv, MaskLayer, Normalize, Pointwise, Pool, Upsample
from waldo_cli.stack.weights import MAX_WEIGHT_BYTES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOLERANCE = 1e-3

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(r"\n*```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)
_ITEM = re.compile(r"^(\S[^\n]*)\n((?:(?:[ ]+[^\n]*)?\n|[ ]+[^\n]*$)*)", re.MULTILINE)
_HELP_WIDTH = 92

# ``waldo`` and ``python`` are those that run this script, installed as commands or not.
_PRELUDE = f'waldo() {{ "{sys.executable}" -m waldo_cli "$@"; }}; python() {{ "{sys.executable}" "$@"; }}; '


def pages() -> list[Path]:
    """The pages that are written by hand."""
    derived = {DOCS / name for name in DERIVED}
    readme = [ROOT / "README.md"] if (ROOT / "README.md").exists() else []
    return [*readme, *(p for p in sorted(DOCS.glob("*.md")) if p not in derived)]


def executed(page: Path, folder: Path) -> str:
    """A page with the outputs that its blocks have now; outputs that still hold stay as they are."""
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": "__main__"}
    out: list[str] = []
    at = 0
    while (block := _BLOCK.search(text, at)) is not None:
        language, body = block[1], block[2]
        if language == "console":
            out += [text[at : block.start()], f"```console\n{_console(body, folder)}```"]
            at = block.end()
        elif language == "python":
            line = text.count("\n", 0, block.start(2))
            printed = _python("\n" * line + body, page.name, namespace)
            out.append(text[at : block.end()])
            at = block.end()
            shown = _OUTPUT.match(text, at)
            if shown is not None:
                at = shown.end()
            if printed:
                kept = shown[1] if shown is not None and same(shown[1], printed) else printed
                out.append(f"\n\n```text\n{kept}```")
        else:
            out.append(text[at : block.end()])
            at = block.end()
    return "".join(out) + text[at:]


def _python(body: str, name: str, namespace: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(body, name, "exec"), namespace)  # noqa: S102 - our own pages
    return printed.getvalue()


def _console(body: str, folder: Path) -> str:
    lines: list[str] = []
    for command, shown in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", body, re.MULTILINE):
        done = subprocess.run(  # noqa: S603 - our own pages
            ["bash", "-c", _PRELUDE + command],  # noqa: S607
            cwd=folder,
            env={**os.environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        lines.append(f"$ {command}\n{shown if same(shown, done.stdout) else done.stdout}")
    return "".join(lines)


def same(shown: str, now: str) -> bool:
    """True where two outputs differ in the last digits of decimal numbers at most."""
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", now):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(now), strict=True)
    return all(abs(float(a) - float(b)) <= TOLERANCE * max(1, abs(float(a))) for a, b in pairs)


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A folder for one page to run in, as if it were the repository's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "docs" / "pictures").mkdir(parents=True)
        (folder / "sample_images").symlink_to(ROOT / "sample_images")
        for scripts in ("tools", "figures"):
            (folder / "docs" / scripts).symlink_to(DOCS / scripts)
        with contextlib.chdir(folder):
            sys.path.insert(0, name)
            try:
                yield folder
            finally:
                sys.path.remove(name)
                for module in [m for m in sys.modules if m.partition(".")[0] == "docs"]:
                    del sys.modules[module]


def commands() -> str:
    """The command reference: every command's help."""
    parts = [
        "# Commands",
        "",
        "Written by `python docs/tools/generate.py` from `waldo COMMAND --help`.",
        "",
    ]
    settings = {**waldo.context_settings, "terminal_width": _HELP_WIDTH}
    top = click.Context(waldo, info_name="waldo", **settings)
    parts += ["```text", waldo.get_help(top), "```", ""]
    for name in waldo.list_commands(top):
        command = waldo.get_command(top, name)
        if command is None:
            raise LookupError(f"waldo lists {name}, and has no such command")
        context = click.Context(command, top, info_name=name, **settings)
        parts += [f"## waldo {name}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(parts)


def api() -> str:
    """The reference of the Python names: signatures and docstrings."""
    parts = [
        "# Python names",
        "",
        "Written by `python docs/tools/generate.py` from the docstrings.",
        "",
    ]
    for name in waldo_cli.__all__:
        thing = getattr(waldo_cli, name)
        parts += [f"## {name}", "", *_signature(name, thing), *_markdown(thing.__doc__ or "")]
        for member, doc, shown in members(thing):
            parts += [f"### {name}.{member}", "", *shown, *_markdown(doc)]
    return "\n".join(parts)


def records() -> str:
    """The table of a record's fields, from the schema that is shipped."""
    path = Path(waldo_cli.__file__).parent / "answers" / "record.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    detection = schema["$defs"]["detection"]
    return "\n".join(
        [
            "# Fields of a record",
            "",
            "Written by `python docs/tools/generate.py` from `waldo_cli/answers/record.schema.json`, a JSON"
            " Schema that comes with the program; the tests hold every record to it.",
            "",
            schema["description"] + " Strict JSON: no NaN, no Infinity.",
            "",
            *_fields(schema),
            "## A detection",
            "",
            "An element of `detections`.",
            "",
            *_fields(detection),
        ]
    )


def _fields(schema: dict[str, Any]) -> list[str]:
    """The rows of a table: name, type, meaning."""
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for name, about in schema["properties"].items():
        values = about.get("enum", [about.get("const")])
        kind = about.get("type", "object" if "$ref" in about else ", ".join(map(repr, values)))
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        optional = "" if name in schema["required"] else ", optional"
        rows.append(f"| `{name}` | {kind}{optional} | {about['description']} |")
    return [*rows, ""]


_LAYERS: dict[str, type] = {
    "conv": Conv,
    "max-pool": Pool,
    "normalize": Normalize,
    "upsample": Upsample,
    "mask": MaskLayer,
    "combine": Combine,
}


def stack_keys() -> str:
    """The reference of the stack file, from the tables that its reader checks files against."""
    parts = [
        "# Keys of the stack file",
        "",
        "Written by `python docs/tools/generate.py` from the tables of `waldo_cli/stack/file.py`. What a"
        " stack file is, and how to make one, is in [The stack file](stack-file.md).",
        "",
        "## The stack",
        "",
        *_keys(file.STACK_KEYS),
        "## [[layer]]",
        "",
        "`op` says what the layer does; the other keys depend on it.",
        "",
    ]
    tables: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for op, (_, keys) in file.READERS.items():
        tables.setdefault(tuple(keys.items()), []).append(op)
    for keys, ops in tables.items():
        parts += [f"### {', '.join(ops)}", ""]
        parts += [_first_sentence(_LAYERS.get(ops[0], Pointwise).__doc__ or ""), ""]
        parts += _keys(dict(keys)) if keys else ["No further key.", ""]
    parts += ["## Named kernels", "", "Each works on every channel by itself.", ""]
    for name, rows in file.NAMED_KERNELS.items():
        parts.append(f"- `{name}`: `{rows}`")
    parts += [
        f"- `box:N`: N by N numbers of 1/N², N up to {values.MAX_KERNEL}",
        "- `gaussian:SIGMA`: a Gaussian of sum 1, cut at three SIGMA; SIGMA up to 64",
        "",
        "## [[closer_look]]",
        "",
        *_keys(file.CLOSER_KEYS),
        "## Limits",
        "",
        "Stack files may come from strangers; what goes beyond these numbers is refused before memory is"
        " taken for it.",
        "",
        "| what | at most |",
        "|---|---|",
        *(f"| {what} | {limit:,} |" for what, limit in _limits()),
        "",
    ]
    return "\n".join(parts)


def _keys(keys: dict[str, str]) -> list[str]:
    return [
        "| key | meaning |",
        "|---|---|",
        *(f"| `{k}` | {said} |" for k, said in keys.items()),
        "",
    ]


def _first_sentence(doc: str) -> str:
    return inspect.cleandoc(doc).partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def _limits() -> Iterator[tuple[str, int]]:
    yield "bytes of the TOML file", values.MAX_FILE_BYTES
    yield "bytes of the `.npz`, and of all that it unpacks to", MAX_WEIGHT_BYTES
    yield "layers", values.MAX_LAYERS
    yield "closer looks", values.MAX_CLOSER_LOOKS
    yield "numbers in all kernels", values.MAX_NUMBERS
    yield "channels of a layer", values.MAX_CHANNELS
    yield "activations of a layer for each pixel of the image", values.MAX_PER_PIXEL
    yield "rows or columns of a kernel, of a mask, of the object", values.MAX_KERNEL
    yield "stride, dilation, window of a pool, factor", values.MAX_STEP
    yield "rows or columns of the receptive field, and of explicit padding", values.MAX_FIELD
    yield (
        "activations for one pixel after upsampling, along rows and along columns",
        values.MAX_UPSAMPLED,
    )


def members(thing: object) -> Iterator[tuple[str, str, list[str]]]:
    """Public methods and properties that a class defines: name, docstring, signature."""
    if not inspect.isclass(thing) or issubclass(thing, BaseException):
        return
    for member, value in vars(thing).items():
        if member.startswith("_"):
            continue
        if isinstance(value, property | functools.cached_property):
            yield member, inspect.getdoc(value) or "", []
        elif inspect.isfunction(value):
            yield (
                member,
                inspect.getdoc(value) or "",
                _signature(f"{thing.__name__}.{member}", value),
            )


def _signature(name: str, thing: object) -> list[str]:
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return []
    parameters = inspect.signature(thing).parameters.values()  # type: ignore[arg-type]
    words: list[str] = []
    for p in parameters:
        if p.name == "self":
            continue
        if p.kind is p.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(p.name if p.default is p.empty else f"{p.name}={p.default!r}")
    line = f"{name}({', '.join(words)})"
    if len(line) > 90:
        line = f"{name}(\n    " + ",\n    ".join(words) + ",\n)"
    return ["```python", line, "```", ""]


def _markdown(doc: str) -> list[str]:
    """A numpydoc docstring: its sections under bold headings, what they list as points."""
    text = inspect.cleandoc(doc)
    head, *rest = _SECTION.split(text)
    parts = [head.strip(), ""]
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        parts += [f"**{title}**", ""]
        if re.search(r"^ +\S", body, re.MULTILINE) and title not in ("Notes", "References"):
            for term, said in _ITEM.findall(body + "\n"):
                first, *others = inspect.cleandoc("\n" + said).splitlines() or [""]
                parts.append(f"- {term if '`' in term else f'`{term}`'}: {first}")
                parts += [f"    {line}" if line else "" for line in others]
        else:
            parts.append(body.strip())
        parts.append("")
    return parts


def manual() -> dict[str, str]:
    """The man pages, by the names of their files."""
    pages: dict[str, str] = runpy.run_path(str(DOCS / "tools" / "man.py"))["manual"]()
    return pages


# The pages that nobody writes by hand, and what writes them.
DERIVED: dict[str, Callable[[], str]] = {
    "api.md": api,
    "commands.md": commands,
    "records.md": records,
    "stack-keys.md": stack_keys,
}


def main() -> int:
    """Write everything, or tell what differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    parser.add_argument("pages", nargs="*", help="only these, such as from-dense-to-conv.md")
    asked = parser.parse_args()
    stale: list[Path] = []

    def put(path: Path, text: str) -> None:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if not asked.check:
                path.write_text(text, encoding="utf-8")

    if not asked.pages:
        for name, derive in DERIVED.items():
            put(DOCS / name, derive())
        (DOCS / "man").mkdir(exist_ok=True)
        for name, text in manual().items():
            put(DOCS / "man" / name, text)
    for page in pages():
        if asked.pages and page.name not in asked.pages:
            continue
        with workshop() as folder:
            put(page, executed(page, folder))
            if not asked.check:
                for picture in (folder / "docs" / "pictures").iterdir():
                    shutil.copy(picture, DOCS / "pictures")
    for path in stale:
        what = "differs from what runs now" if asked.check else "written"
        print(f"{path}: {what}")  # noqa: T201 - a script's own voice
    return int(asked.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
