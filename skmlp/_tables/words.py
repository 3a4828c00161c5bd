"""Entries of any kind as text, the same for the same value of another type."""

import datetime as dt
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._tables.values import cached, is_missing

_TRUTH = {"true": 1.0, "false": 0.0}


def as_words(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return entries as text, missing ones as None.

    Equal numbers are the same text, whatever their type: 3 and 3.0 are "3", True and 1 are "1".
    """
    words = np.empty(len(values), dtype=object)
    known: dict[Any, str | None] = {}
    for i, value in enumerate(values.tolist()):
        words[i] = value if type(value) is str else cached(known, value, _word)
    return words


def as_numbers(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return entries as numbers; those that are none, and text that does not read as one, as NaN.

    The text "true" and "false", in any case, reads as 1 and 0.
    """
    if values.dtype.kind == "f":
        return values
    if values.dtype.kind != "O":
        return np.full(len(values), np.nan)
    known: dict[Any, float] = {}
    numbers = np.empty(len(values))
    for i, value in enumerate(values):
        numbers[i] = cached(known, value, _number)
    return numbers


def is_number(value: Any) -> bool:
    """Return whether an object is a number or a boolean."""
    if isinstance(value, np.timedelta64):  # an integer to NumPy
        return False
    return isinstance(value, Real | np.bool_) or type(value).__name__ == "Decimal"


def _number(value: Any) -> float:
    """Return one entry as a number, NaN if the entry is none."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        value = _TRUTH.get(value.strip().lower(), value)
    elif not is_number(value) or is_missing(value):
        return np.nan
    try:
        return float(value)
    except ValueError:
        return np.nan
    except OverflowError:  # an integer of more than 308 digits
        return np.inf if value > 0 else -np.inf


def _word(value: Any) -> str | None:
    """Return one entry as text, None if the entry is missing."""
    if is_missing(value):
        return None
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return str(int(value)) if is_number(value) and _is_whole(value) else str(value)


def _is_whole(value: Any) -> bool:
    """Return whether a number is an integer within the range of float64."""
    try:
        return float(value).is_integer()
    except OverflowError:
        return False
