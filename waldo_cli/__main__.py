"""Entry point of ``waldo`` and ``python -m waldo_cli``: runs the command, prints errors, exits with a status.

Each error is printed as one line on stderr. Exit status:

0    something was found and nothing failed
1    nothing was found
2    a usage error, or some input could not be used
130  Ctrl-C
"""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def _exit_interrupted(*_: object) -> None:
    os._exit(INTERRUPTED)


# Ctrl-C during the imports below: exit silently. Python's default handler would print a traceback.
# `main` sets another handler while it can catch KeyboardInterrupt.
# Only replace Python's default handler: a shell that starts a background job ignores SIGINT on purpose.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _exit_interrupted)

# ruff: noqa: E402
import _thread
import atexit
import errno
import gc
import re
import sys
import time
import warnings
from collections.abc import Callable
from typing import NoReturn

import click

from waldo_cli.cli import waldo
from waldo_cli.cli.faults import tell
from waldo_cli.errors import WaldoError, library_fault
from waldo_cli.files import reason, show

# Run the garbage collector less often. Imports create little garbage, and searching for it took 5 % of
# the time of a whole run on one page.
gc.set_threshold(100_000)

COMPLETE = "_WALDO_COMPLETE"  # environment variable set by the scripts of `waldo completion`

# `waldo_cli.parallel` already runs one thread on each core. A BLAS with threads of its own would compete
# with them for the cores. Set before numpy is imported. A value that the user has set is kept.
for _library in ("OPENBLAS", "MKL", "BLIS"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# Error numbers that writing to standard output can give: disk full, terminal gone, descriptor closed.
_STDOUT_ERRNOS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EBADF,
    errno.EINVAL,
    errno.ENXIO,
}

FAILED = 2

# Seconds for cleaning up after a signal; then the process ends, whatever it is waiting for.
CLEAN_UP = 5.0


def _clean_up_and_exit(caught: int, _: object) -> None:
    """Handle SIGINT, SIGTERM and SIGHUP: raise, so that half-written files are removed, and end soon.

    The exception may hit the main thread where it holds a lock of a library, and the clean-up may then wait
    for that lock for ever. So a second thread ends the process. It is started without `threading`, which
    has locks itself.
    """
    # A second Ctrl-C must not disturb the clean-up. Not SIG_IGN: Python complains of a signal that has come
    # before it is set.
    signal.signal(caught, _do_nothing)
    status = 128 + caught  # as shells count

    def end() -> None:
        time.sleep(CLEAN_UP)
        os._exit(status)

    _thread.start_new_thread(end, ())
    if caught == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(status)


def _do_nothing(*_: object) -> None:
    """Handle a signal by going on."""


def _ignore_ctrl_c() -> None:
    """At exit: keep the status of the work that is done.

    At its very end the interpreter gives signals with a Python handler their default action, which would end
    the process by the signal; it leaves those that are ignored. To block SIGINT is not enough: the kernel
    gives it to another thread, such as one that read the list of images. It is blocked first, so that where
    there is no other thread none comes while the handler is replaced, of which Python would complain.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its status.

    Parameters
    ----------
    args
        Arguments without the program's name; by default those of the process.
    """
    arguments = sys.argv[1:] if args is None else args
    _reopen_closed_streams()
    if sys.stdout is None:
        sys.exit(_complain("waldo: standard output is closed"))
    if any("\0" in str(argument) for argument in arguments):  # possible from Python only
        sys.exit(_complain("waldo: an argument holds a NUL, which no name of a file does"))
    if os.environ.get(COMPLETE):
        _complete(arguments)
    if not sys.warnoptions:
        # Python's warnings are for developers. Numbers that are not usable are rejected elsewhere.
        warnings.simplefilter("ignore")
    # Keep what the caller has set: nohup ignores SIGHUP, a shell ignores SIGINT for a background job.
    at_once: dict[signal.Signals, Callable[..., object] | signal.Handlers] = {
        signal.SIGINT: _exit_interrupted,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    for number, handler in at_once.items():
        if signal.getsignal(number) == handler:
            signal.signal(number, _clean_up_and_exit)
    try:
        status = _run(arguments, debug="--debug" in arguments)
        for number, handler in at_once.items():  # nothing is left to clean up
            if signal.getsignal(number) is _clean_up_and_exit:
                signal.signal(number, handler)
    except KeyboardInterrupt:
        # The commands have cleaned up on the way here. Not `sys.exit`: the interpreter would wait for
        # threads of libraries, which may wait for a lock that the interrupted thread has kept.
        os._exit(INTERRUPTED)
    atexit.register(_ignore_ctrl_c)
    sys.exit(status)


def _complete(arguments: list[str]) -> NoReturn:
    """Print what a shell asks for to complete a line, and exit."""
    try:
        waldo.main(arguments, prog_name="waldo", complete_var=COMPLETE)
    except (KeyError, ValueError):  # click takes them for granted
        variables = "COMP_WORDS or COMP_CWORD is"
    except SystemExit as e:
        if not e.code:
            raise
        variables = f"{COMPLETE} is"  # click says nothing where it names no shell that it knows
    sys.exit(_complain(f"waldo: {variables} not as a shell sets it for completions"))


def _run(arguments: list[str], *, debug: bool) -> int:
    """Run the command and return the exit status; errors become one line on stderr."""
    try:
        # Not `waldo.main`: it exits with 1 when the pipe is closed, and prints a line at Ctrl-C.
        with waldo.make_context("waldo", list(arguments)) as context:
            status: int | None = waldo.invoke(context)
        sys.stdout.flush()  # here, so that a full disk is reported below and not at interpreter exit
    except BrokenPipeError:  # the reader has closed the pipe, as `| head -1` does: no error
        _discard_stdout()
        status = 0
    except click.exceptions.Exit as e:
        status = e.exit_code
    except click.exceptions.NoArgsIsHelpError as e:
        tell(e.format_message())
        status = FAILED
    except click.UsageError as e:
        command = e.ctx.command_path if e.ctx else "waldo"
        # Choices stand on lines of their own.
        message = re.sub(r"\s*\n\s*", " ", e.format_message())
        status = _complain(f"{command}: {message} (see {command} --help)")
    except click.ClickException as e:
        status = _complain(f"waldo: {e.format_message()}")
    except WaldoError as e:
        line = f"waldo: {show(e.path) + ': ' if e.path else ''}{e.reason}"
        status = _show_traceback() if debug else _complain(line)
    except OSError as e:
        # Writing to standard output failed. Errors of all other files are a FileError, handled above.
        # One exception: what asks for the current folder.
        _discard_stdout()
        cause = "standard output" if e.errno in _STDOUT_ERRNOS else "unexpected"
        if e.errno in (errno.EMFILE, errno.ENFILE):
            cause = "no further file can be opened, see `ulimit -n`"
        elif _current_folder_is_gone():
            cause = "the current folder is gone, change to another one"
        status = _complain(f"waldo: {cause}: {reason(e)}")
    except MemoryError:
        status = _complain("waldo: there is not enough memory")
    except (ImportError, SystemError) as e:
        line = "a library cannot be loaded, memory is short or it must be installed again"
        status = _complain(f"waldo: {line}: {library_fault(e)}")
    except Exception as e:  # noqa: BLE001 - Python would exit with 1, which means "nothing found"
        first_line = f"{type(e).__name__}: {e}".splitlines()[0]
        line = f"unexpected {first_line} (--debug shows where; please report it)"
        if "can't start new thread" in str(e):
            line = "no further thread can be started, see `ulimit -v` and `ulimit -u`"
        status = _show_traceback() if debug else _complain(f"waldo: {line}")
    return status or 0


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _complain(line: str) -> int:
    """Print one line on stderr, safe for a terminal, and return the exit status of a failure."""
    tell(show(line))
    return FAILED


def _show_traceback() -> int:
    """Print where the error that is handled now came from, and return the exit status of a failure."""
    from traceback import format_exc

    tell("\n".join(map(show, format_exc().rstrip().split("\n"))))
    return FAILED


def _reopen_closed_streams() -> None:
    """Connect stdin and stderr to the null device if the caller has closed them.

    Otherwise the next file that is opened, such as a heatmap, would get descriptor 0 or 2, and the
    messages that libraries write to stderr would end up in that file. A closed stdout is not reopened:
    the records would be lost silently, so `main` refuses it.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115 - stays open until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _discard_stdout() -> None:
    """Send what is still buffered for a broken stdout to the null device.

    Otherwise the interpreter would print an error when it flushes stdout at exit.
    """
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError:  # no further file can be opened
        sys.stdout = None


if __name__ == "__main__":
    main()
