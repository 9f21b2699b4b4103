#!/usr/bin/env bash
# Linux, seen through CPython: ru_maxrss of a new program starts at the peak of whoever started it.
#
# Versions: numpy 2.4.6, CPython 3.11, Linux 6.18.
# Most expect: `getrusage(RUSAGE_SELF).ru_maxrss`, read in a fresh process, is the peak of that process.
# Seen: the kernel carries the peak of the address space that `exec` replaces over into ru_maxrss, and
#   `subprocess` starts programs by vfork, in the address space of the parent. A program that needs 10 MB
#   reports hundreds where the parent holds an array of hundreds; VmHWM in /proc/self/status does not.
# Where it matters: limits of memory in tests, and benchmarks that run peers from one large process.
# Ends with a status other than 0 when it is otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "numpy==2.4.6"
cat >"$work/seen.py" <<'PY'
import platform
import subprocess
import sys

import numpy as np

CHILD = """
import re, resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def child() -> tuple[int, int]:
    """What a fresh Python says of its peak, in MB: by getrusage, and by /proc."""
    told = subprocess.run([sys.executable, "-S", "-c", CHILD], capture_output=True, text=True, check=True)
    by_rusage, by_proc = (int(line) // 1024 for line in told.stdout.split())
    return by_rusage, by_proc


small = child()
held = np.ones(400 << 20, np.uint8)  # 400 MB
large = child()
print("numpy", np.__version__, "CPython", platform.python_version(), "Linux", platform.release())
print("child of a small parent: ru_maxrss, VmHWM in MB:", small)
print("the same child of a parent that holds 400 MB:", large)
sys.exit(not (large[0] >= 400 and large[1] < 60 and held[0] == 1))
PY
"$work/venv/bin/python" "$work/seen.py"
