"""Readers of one column each: fitted to training rows, they read columns of other types alike."""

from collections import Counter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.kinds import Kind, kind_of, name_of_kind
from skmlp._tables.times import DAY, Times, as_seconds, as_times
from skmlp._tables.words import as_numbers, as_words

# text is also a number if this share of the entries reads as one
_NUMBERS_IN_TEXT = 0.8
_LARGEST = float(np.finfo(np.float32).max) / 4

Words: TypeAlias = npt.NDArray[np.object_]


class ReadColumn(NamedTuple):
    """What a reader makes of a column.

    Attributes
    ----------
    numbers : ndarray of float32 of shape (n_samples, n_numbers)
        Numbers, NaN where missing; all others are finite.
    words : ndarray of object of shape (n_samples,), or None
        Text, None where missing. None if the column has no words.
    """

    numbers: FloatArray
    words: Words | None = None


class NumberReader:
    """Numbers in float32. An infinity becomes the largest or smallest number of the training rows.

    If float32 cannot tell all training numbers apart, their median is subtracted first.
    """

    kind: Kind = "number"
    largest = _LARGEST

    def __init__(self, values: npt.NDArray[Any]) -> None:
        numbers = as_numbers(values)
        finite = numbers[np.isfinite(numbers)]
        self.low_, self.high_, self.shift_ = 0.0, 0.0, 0.0
        if len(finite) > 0:
            self.low_, self.high_ = float(finite.min()), float(finite.max())
            with np.errstate(over="ignore"):
                narrow = finite.astype(np.float32)
            if len(np.unique(narrow)) < len(np.unique(finite)):
                self.shift_ = float(np.median(finite))

    def read(self, values: npt.NDArray[Any]) -> ReadColumn:
        """Return the column as numbers."""
        numbers = as_numbers(values)
        numbers = np.where(np.isposinf(numbers), self.high_, numbers)
        numbers = np.where(np.isneginf(numbers), self.low_, numbers) - self.shift_
        numbers = np.clip(numbers, -self.largest, self.largest)
        return ReadColumn(numbers.astype(np.float32)[:, np.newaxis])


class TimeReader:
    """Dates: days from the median of the training rows, and cycles of a day, a week and a year."""

    kind: Kind = "time"

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.times_ = Times(as_times(values))

    def read(self, values: npt.NDArray[Any]) -> ReadColumn:
        """Return the column as numbers."""
        return ReadColumn(self.times_.features(as_times(values)).astype(np.float32))


class DurationReader:
    """Durations in days."""

    kind: Kind = "duration"

    def __init__(self, values: npt.NDArray[Any]) -> None:
        pass

    def read(self, values: npt.NDArray[Any]) -> ReadColumn:
        """Return the column as numbers."""
        return ReadColumn((as_seconds(values) / DAY).astype(np.float32)[:, np.newaxis])


class ClockReader(DurationReader):
    """Times of day: the part of the day that has passed, with sine and cosine."""

    kind: Kind = "clock"

    def read(self, values: npt.NDArray[Any]) -> ReadColumn:
        """Return the column as numbers."""
        days = super().read(values).numbers
        angle = 2 * np.pi * days
        return ReadColumn(np.hstack([days, np.sin(angle), np.cos(angle)]))


class WordReader:
    """Text, and beside it numbers if most entries read as such.

    Attributes
    ----------
    counts_ : ndarray of shape (n_values,)
        Number of training rows with each value, the most frequent one first. A missing entry is a
        value.
    """

    kind: Kind = "words"

    def __init__(self, values: npt.NDArray[Any]) -> None:
        counted = Counter(as_words(values)).most_common()
        self.counts_ = np.array([n for _, n in counted])
        self.codes_ = {word: code for code, (word, _) in enumerate(counted) if word is not None}
        # -1 stands for values that are not known
        self.missing_code_ = next(
            (code for code, (word, _) in enumerate(counted) if word is None), -1
        )
        numbers = as_numbers(values)
        n_entries = len(values) - sum(n for word, n in counted if word is None)
        known = numbers[~np.isnan(numbers)]
        is_number = len(known) >= _NUMBERS_IN_TEXT * n_entries and len(np.unique(known)) > 2
        self.numbers_ = NumberReader(values) if is_number else None

    def read(self, values: npt.NDArray[Any]) -> ReadColumn:
        """Return the column as text, and as numbers if these are read."""
        words = as_words(values)
        if self.numbers_ is None:
            return ReadColumn(np.empty((len(values), 0), np.float32), words)
        return ReadColumn(self.numbers_.read(values).numbers, words)

    def encode(self, words: Words) -> IndexArray:
        """Return the code of each word, which is its rank by frequency; -1 if it is not known."""
        codes, missing = self.codes_, self.missing_code_
        found = [missing if word is None else codes.get(word, -1) for word in words]
        return np.array(found, dtype=np.int32)


class EmptyReader:
    """A column of missing entries: nothing can be learnt from it, so nothing is read."""

    kind: Kind = "empty"

    def __init__(self, values: npt.NDArray[Any]) -> None:
        pass

    def read(self, values: npt.NDArray[Any]) -> ReadColumn:
        """Return no features."""
        return ReadColumn(np.empty((len(values), 0), np.float32))


READERS = {
    reader.kind: reader
    for reader in (NumberReader, TimeReader, DurationReader, ClockReader, WordReader, EmptyReader)
}
# what can be read as what: text may read as numbers or dates, and everything as text
_READABLE: dict[Kind, set[Kind]] = {
    "number": {"number", "words"},
    "time": {"time", "words"},
    "duration": {"duration", "clock"},
    "clock": {"duration", "clock"},
}


def check_readable(reader: Any, values: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError if the entries are of a kind that the fitted reader cannot read."""
    allowed = _READABLE.get(reader.kind)
    if allowed is None:
        return
    kind = kind_of(values)
    if kind not in {*allowed, "empty"}:
        raise ValueError(
            f"{name} had {name_of_kind(reader.kind)} in fit, but has {name_of_kind(kind)} now. "
            f"Convert the column to {name_of_kind(reader.kind)}, or fit again."
        )
