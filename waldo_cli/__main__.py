"""``waldo`` and ``python -m waldo_cli``: errors become one line each, and the exit status.

0: something was found and nothing failed. 1: nothing was found. 2: a usage error, or something could
not be used. 130: Ctrl-C.
"""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130


def _leave(*_: object) -> None:
    os._exit(INTERRUPTED)


# Until `main` can catch it: Python's own handler would show where in the imports that follow Ctrl-C came.
# In its place only, for a shell that starts us with `&` has it ignored and means it.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)

# ruff: noqa: E402
import errno
import gc
import sys
import warnings

import click

from waldo_cli.cli import waldo
from waldo_cli.errors import WaldoError
from waldo_cli.files import reason, show

# Little of what is made while modules load is garbage: looking for it took a twentieth of a page's time.
gc.set_threshold(100_000)

COMPLETE = "_WALDO_COMPLETE"  # set by the scripts of `waldo completion`

# Bands and tiles go over the cores by our own threads; a BLAS that spreads as well waits for them, and
# they for it. To be set before numpy is loaded; who has set it otherwise means it.
for _library in ("OPENBLAS", "MKL", "BLIS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# What goes wrong with a standard output.
_WRITING = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EBADF,
    errno.EINVAL,
    errno.ENXIO,
}

FAILED = 2


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    given = sys.argv[1:] if args is None else args
    debug = "--debug" in given
    _open_what_was_closed()
    if sys.stdout is None:
        sys.exit(_complain("waldo: standard output is closed"))
    if COMPLETE in os.environ:
        waldo.main(given, prog_name="waldo", complete_var=COMPLETE)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they speak to who writes code; numbers are checked
    try:
        if signal.getsignal(signal.SIGINT) is _leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # Not `waldo.main`, which ends a closed pipe with 1 and puts a line on stderr at Ctrl-C.
        with waldo.make_context("waldo", list(given)) as context:
            status = waldo.invoke(context)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head -1` has what it wanted
        _silence()
        status = 0
    except click.exceptions.Exit as e:
        status = e.exit_code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is tidy: what is left takes no time
        status = INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.format_message(), err=True)
        status = FAILED
    except click.UsageError as e:
        command = e.ctx.command_path if e.ctx else "waldo"
        status = _complain(f"{command}: {e.format_message()} (see {command} --help)")
    except click.ClickException as e:
        status = _complain(f"waldo: {e.format_message()}")
    except WaldoError as e:
        if debug:
            raise
        status = _complain(f"waldo: {show(e.path) + ': ' if e.path else ''}{e.reason}")
    except OSError as e:  # standard output is full or gone; what else fails is told by a FileError
        _silence()
        what = "standard output" if e.errno in _WRITING else "unexpected"
        status = _complain(f"waldo: {what}: {reason(e)}")
    except Exception as e:  # Python's own status for it, 1, would say "nothing found"
        if debug:
            raise
        first = f"{type(e).__name__}: {e}".splitlines()[0]
        status = _complain(f"waldo: unexpected {first} (--debug shows where; please report it)")
    sys.exit(status)


def _complain(line: str) -> int:
    print(show(line), file=sys.stderr)  # noqa: T201 - this is the command line's voice
    return FAILED


def _open_what_was_closed() -> None:
    """Give a closed stdin and stderr an empty device.

    Otherwise the next file to be opened, a heatmap perhaps, would take their number, and whatever
    libraries say on stderr would land in it. A closed stdout stays closed: records would be lost.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115 - open as long as the program
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _silence() -> None:
    """Keep the interpreter from complaining about a broken standard output when it leaves."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)


if __name__ == "__main__":
    main()
