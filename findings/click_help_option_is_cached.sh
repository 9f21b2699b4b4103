#!/usr/bin/env bash
# click: the help of a command depends on who asked for it first.
#
# Version: click 8.5.1.
# Most expect: `help_option_names=["-h", "--help"]` of a group's context settings holds for its commands
#   whenever they are called through the group.
# Seen: a command makes its help option once and keeps it. Where the command was called alone first (as test
#   runners do), its help through the group lists `--help` without `-h`, and `-h` is no such option. Asked
#   through the group first, it has both, even when it is called alone afterwards.
# Where it matters: references that are derived from `--help`, and tests of them, depend on the order of tests.
# Ends with a status other than 0 when click behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "click==8.5.1"
cat >"$work/seen.py" <<'PY'
import sys
from importlib.metadata import version

import click
from click.testing import CliRunner


def program() -> tuple[click.Group, click.Command]:
    group = click.Group("group", context_settings={"help_option_names": ["-h", "--help"]})
    command = click.Command("command", callback=lambda: None)
    group.add_command(command)
    return group, command


def helps(group: click.Group) -> tuple[bool, int]:
    """Whether the help through the group lists -h, and how `group command -h` ends."""
    told = CliRunner().invoke(group, ["command", "--help"]).output
    return "-h, --help" in told, CliRunner().invoke(group, ["command", "-h"]).exit_code


group, command = program()
through_the_group_first = helps(group)
alone_afterwards = "-h, --help" in CliRunner().invoke(command, ["--help"]).output

group, command = program()
CliRunner().invoke(command, ["--help"])
alone_first = helps(group)

print("click", version("click"))
print("asked through the group first: -h is listed, status of -h:", through_the_group_first)
print("and alone afterwards: -h is listed:", alone_afterwards)
print("asked alone first, then through the group:", alone_first)
as_seen = (through_the_group_first, alone_afterwards, alone_first) == ((True, 0), True, (False, 2))
sys.exit(not as_seen)
PY
"$work/venv/bin/python" "$work/seen.py"
