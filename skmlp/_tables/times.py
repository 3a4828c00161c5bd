"""Dates, times of day and durations as numbers: a linear part, and sines and cosines of cycles."""

import datetime as dt
import re
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp._tables.values import cached, is_missing

DAY = 86_400.0
# seconds of each cycle, and the span that training rows must have for the cycle to matter
_CYCLES = {"day": (DAY, 0.0), "week": (7 * DAY, 7 * DAY), "year": (365.2425 * DAY, 365 * DAY)}
_ISO_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d\S*)?\s*$")
_NAT = np.datetime64("NaT", "us")


def is_time(value: Any) -> bool:
    """Return whether an object is a date, with or without a time of day, or a period."""
    return isinstance(value, dt.date | np.datetime64) or type(value).__name__ == "Period"


def is_duration(value: Any) -> bool:
    """Return whether an object is a duration or a time of day, which is one since midnight."""
    return isinstance(value, dt.timedelta | dt.time | np.timedelta64)


def as_times(values: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
    """Return dates in UTC as datetime64[us]; entries that are no dates become NaT.

    Text is a date if it reads like 2024-01-31, with or without a time after it. A period is the
    time of its start.
    """
    if values.dtype.kind == "M":
        return values
    if values.dtype.kind != "O":
        return np.full(len(values), _NAT)
    known: dict[Any, np.datetime64] = {}
    return np.array([cached(known, value, _time) for value in values], dtype="M8[us]")


def as_seconds(values: npt.NDArray[Any]) -> FloatArray:
    """Return durations in seconds; entries that are no durations become NaN."""
    if values.dtype.kind == "m":
        seconds = values.astype(np.float64) / 1e6
        seconds[np.isnat(values)] = np.nan
        return seconds
    if values.dtype.kind != "O":
        return np.full(len(values), np.nan)
    known: dict[Any, float] = {}
    return np.array([cached(known, value, _seconds) for value in values], dtype=np.float64)


class Times:
    """Features of a column of dates: days from the median, and cycles that occur in training.

    Parameters
    ----------
    times : ndarray of datetime64[us]
        The training rows, of which at least one is not missing.

    Attributes
    ----------
    center_ : int
        Median of the training rows, in microseconds since 1970.
    cycles_ : list of str
        Of "day", "week" and "year", those within which the training rows differ.
    """

    def __init__(self, times: npt.NDArray[np.datetime64]) -> None:
        known = times[~np.isnat(times)].astype(np.int64)
        self.center_ = int(np.median(known))
        seconds = known / 1e6
        span = np.ptp(seconds)
        self.cycles_ = [
            name
            for name, (length, least) in _CYCLES.items()
            if span >= least and np.ptp(seconds % length) > 0
        ]

    def features(self, times: npt.NDArray[np.datetime64]) -> FloatArray:
        """Return a column of days, and two columns for each cycle; missing entries are NaN."""
        microseconds = times.astype(np.int64)
        seconds = (microseconds - self.center_) / 1e6
        columns = [seconds / DAY]
        for name in self.cycles_:
            angle = 2 * np.pi * (microseconds / 1e6) / _CYCLES[name][0]
            columns += [np.sin(angle), np.cos(angle)]
        features = np.stack(columns, axis=1)
        features[np.isnat(times)] = np.nan
        return features


def _time(value: Any) -> np.datetime64:
    """Return one date as datetime64[us], NaT if the value is none."""
    if is_missing(value):
        return _NAT
    if type(value).__name__ == "Period":
        value = value.to_timestamp()
    if isinstance(value, str) and _ISO_DATE.match(value):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            return _NAT
    if isinstance(value, dt.datetime):
        return np.datetime64(_in_utc(value), "us")
    return np.datetime64(value).astype("M8[us]") if is_time(value) else _NAT


def _in_utc(value: dt.datetime) -> dt.datetime:
    """Return a time without a zone, in UTC if it has one."""
    if value.tzinfo is not None:
        with suppress(OverflowError, ValueError):  # on the first and the last day that there is
            value = value.astimezone(dt.UTC)
    return value.replace(tzinfo=None)


def _seconds(value: Any) -> float:
    """Return one duration or time of day in seconds, NaN if the value is none."""
    if is_missing(value):
        return np.nan
    if isinstance(value, dt.time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    if isinstance(value, np.timedelta64):
        return float(value.astype("m8[us]").astype(np.int64)) / 1e6  # months cannot be divided
    return value.total_seconds() if isinstance(value, dt.timedelta) else np.nan
