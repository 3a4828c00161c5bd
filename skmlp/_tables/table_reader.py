"""From a table of any type to numbers and codes of words."""

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.frames import NamedColumn, columns_of
from skmlp._tables.kinds import kind_of
from skmlp._tables.readers import READERS, ReadColumn, WordReader, Words, check_readable
from skmlp._tables.values import is_category, plain_values


class Columns(NamedTuple):
    """A table that has been read.

    Attributes
    ----------
    numbers : ndarray of float32 of shape (n_samples, n_numbers)
        Numbers, NaN where missing.
    codes : ndarray of int32 of shape (n_samples, n_words)
        Codes of the words: 0 for the most frequent value of the training rows, and so on; -1 for
        values that are not among them. A missing entry is a value.
    words : list of ndarray of object
        The words themselves, a column each; None where missing.
    """

    numbers: FloatArray
    codes: IndexArray
    words: list[Words]

    def take(self, rows: IndexArray) -> "Columns":
        """Return the columns of some rows."""
        return Columns(self.numbers[rows], self.codes[rows], [words[rows] for words in self.words])


class TableReader:
    """Reader of tables, which decides in `fit` how each column is read.

    Attributes
    ----------
    readers_ : list
        The reader of each column.
    n_numbers_ : list of int
        Number of numbers that each of them reads.
    """

    readers_: list[Any]

    def fit(self, X: Any, rows: IndexArray | None = None) -> Self:
        """Decide how columns are read, by some of the rows.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            The table.
        rows : ndarray of int or None, default=None
            The rows to decide by. If None, all.

        Returns
        -------
        self : TableReader
            The fitted reader.

        Raises
        ------
        TypeError, ValueError
            If the table is sparse, or if a column is of a kind that cannot be read.
        """
        self.readers_ = []
        for column in columns_of(X):
            values = plain_values(column)
            if rows is not None:
                values = values[rows]
            kind = kind_of(values, category=is_category(column))
            self.readers_.append(READERS[kind](values))
        empty = np.empty(0, dtype=object)
        self.n_numbers_ = [reader.read(empty).numbers.shape[1] for reader in self.readers_]
        return self

    def transform(self, X: Any) -> Columns:
        """Read a table.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_features)
            A table with the same columns as in `fit`, whose types may differ.

        Returns
        -------
        columns : Columns
            The numbers and the words.

        Raises
        ------
        TypeError, ValueError
            If the table is sparse, or if a column is of a kind that cannot be read as in `fit`.
        """
        columns = columns_of(X)
        read = [_read(*pair) for pair in zip(self.readers_, columns, strict=True)]
        codes = [
            reader.encode(column.words)
            for reader, column in zip(self.readers_, read, strict=True)
            if column.words is not None
        ]
        n_rows = len(read[0].numbers)
        return Columns(
            np.hstack([column.numbers for column in read]),
            np.stack(codes, axis=1) if codes else np.empty((n_rows, 0), np.int32),
            [column.words for column in read if column.words is not None],
        )

    def reordered(self, columns: Columns, j: int, order: IndexArray) -> Columns:
        """Return columns in which the entries of column j of the table are in another order.

        Parameters
        ----------
        columns : Columns
            Rows that this reader has read.
        j : int
            Position of the column in the table.
        order : ndarray of int of shape (n_samples,)
            The row that each entry is taken from.

        Returns
        -------
        columns : Columns
            A copy.
        """
        numbers, codes, words = columns.numbers.copy(), columns.codes.copy(), [*columns.words]
        start = sum(self.n_numbers_[:j])
        part = slice(start, start + self.n_numbers_[j])
        numbers[:, part] = numbers[order, part]
        if isinstance(self.readers_[j], WordReader):
            k = sum(isinstance(reader, WordReader) for reader in self.readers_[:j])
            codes[:, k] = codes[order, k]
            words[k] = words[k][order]
        return Columns(numbers, codes, words)

    @property
    def counts_(self) -> list[npt.NDArray[np.integer[Any]]]:
        """Number of training rows with each value, for each column of words."""
        return [reader.counts_ for reader in self.readers_ if isinstance(reader, WordReader)]


def _read(reader: Any, column: NamedColumn) -> ReadColumn:
    """Return what the reader makes of the column."""
    values = plain_values(column)
    check_readable(reader, values, column.name)
    return reader.read(values)
