"""The kind of a column, decided by its training rows."""

import datetime as dt
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from skmlp._tables.times import as_times, is_duration, is_time
from skmlp._tables.values import missing_entries
from skmlp._tables.words import is_number

Kind: TypeAlias = Literal["empty", "number", "time", "duration", "clock", "words"]
# share of the entries that must read as dates, since a few may be misspelt
_DATES = 0.95
_FIRST = 100


def kind_of(values: npt.NDArray[Any], *, category: bool = False) -> Kind:
    """Return the kind of a column.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        The entries, as `plain_values` returns them.
    category : bool, default=False
        Whether the column is of a type of categories, which are words even if they are numbers.

    Returns
    -------
    kind : str
        "empty" if all entries are missing; "clock" for times of day; "words" for text, and for
        entries of several kinds.
    """
    values = values[~missing_entries(values)]
    if len(values) == 0:
        return "empty"
    if category:
        return "words"
    if values.dtype.kind != "O":
        return {"f": "number", "M": "time", "m": "duration"}[values.dtype.kind]  # type: ignore[return-value]
    if all(map(is_number, values)):
        return "number"
    if all(isinstance(value, dt.time) for value in values):
        return "clock"
    if all(map(is_duration, values)):
        return "duration"
    return "time" if _are_dates(values) else "words"


def name_of_kind(kind: Kind) -> str:
    """Return how messages name the entries of a kind."""
    return {
        "empty": "missing entries",
        "number": "numbers",
        "time": "dates",
        "duration": "durations",
        "clock": "times of day",
        "words": "text",
    }[kind]


def _are_dates(values: npt.NDArray[Any]) -> bool:
    """Return whether objects are dates, as such or as text, but for a few."""
    if not all(isinstance(value, str) or is_time(value) for value in values):
        return False
    # most columns of text are told by their first entries
    return all(_share_of_dates(part) >= _DATES for part in (values[:_FIRST], values))


def _share_of_dates(values: npt.NDArray[Any]) -> float:
    return 1 - float(np.mean(np.isnat(as_times(values))))
