#!/usr/bin/env bash
# click: a FloatRange lets NaN through, whatever its limits.
#
# Version: click 8.5.1.
# Most expect: `type=click.FloatRange(0, 1)` gives the command a number from 0 to 1, or is a usage error.
# Seen: `nan` is taken. click refuses what is smaller than the least or larger than the largest value, and NaN
#   is neither. Infinity is refused.
# Where it matters: every option that is a share, a probability or a limit; NaN then spreads through the
#   numbers, or makes every comparison false, far from the command line.
# Ends with a status other than 0 when click behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "click==8.5.1"
cat >"$work/seen.py" <<'PY'
import importlib.metadata
import math
import sys

import click


def taken(value: str) -> float | None:
    """What a command gets for a value of FloatRange(0, 1); None where it is refused."""
    try:
        return click.FloatRange(0, 1).convert(value, None, None)
    except click.BadParameter:
        return None


seen = {value: taken(value) for value in ("0.5", "2", "inf", "nan")}
print("click", importlib.metadata.version("click"), seen)
nan = seen.pop("nan")
sys.exit(not (seen == {"0.5": 0.5, "2": None, "inf": None} and nan is not None and math.isnan(nan)))
PY
"$work/venv/bin/python" "$work/seen.py"
