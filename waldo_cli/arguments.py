"""Arguments that callers in Python give: one of a wrong kind is told by its name, with what it takes.

Public functions ask this first. A value of the right kind that cannot be used is refused where it is used.
Only the standard library is imported here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

from waldo_cli.errors import InvalidInputError


class Kind(NamedTuple):
    """What a parameter takes.

    Attributes
    ----------
    words
        As an error message says it.
    holds
        Whether a value is of this kind.
    """

    words: str
    holds: Callable[[Any], bool]


def _is_flag(value: object) -> bool:
    # numpy's is found by its name, so that numpy is not loaded; 0 and 1 are what C programmers write.
    known = isinstance(value, Integral) or type(value).__name__ in ("bool", "bool_")
    return known and value in (0, 1)


def _is_number(value: object) -> bool:
    if not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:  # a whole number that no float holds
        return False
    return True


FLAG = Kind("True or False", _is_flag)
NUMBER = Kind("a number", _is_number)
WHOLE_NUMBER = Kind("a whole number", lambda value: isinstance(value, Integral))
TEXT = Kind("text", lambda value: isinstance(value, str))
PATH = Kind("a path", lambda value: isinstance(value, str | bytes | os.PathLike))


def must_be(kind: Kind, /, *, or_none: bool = False, **given: object) -> None:
    """Refuse arguments, each under its own name, that are not of a kind.

    Raises
    ------
    InvalidInputError
        One is not; None is of every kind where `or_none` says so.
    """
    for name, value in given.items():
        if not (kind.holds(value) or (or_none and value is None)):
            words = f"{kind.words}, or None" if or_none else kind.words
            raise InvalidInputError(f"{name} is {brief(value)}: give {words}")


def elements(value: Any) -> tuple[Any, ...] | None:
    """What is in a list, a tuple, an array or anything else that can be gone through; None if it cannot."""
    try:
        return tuple(value)
    except TypeError:
        return None


def brief(value: Any) -> str:
    """A value for an error message: as Python writes it, in one line, cut to 60 characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python refuses to write integers of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
