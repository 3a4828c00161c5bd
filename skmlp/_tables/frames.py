"""A table of any type as a list of columns, each with the name by which messages refer to it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
from scipy.sparse import issparse

from skmlp._data.inputs import check_not_masked


class NamedColumn(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
        How messages refer to the column: "column 'age'", or "column 3".
    data : ndarray or Series
        The entries, as the table holds them.
    """

    name: str
    data: Any


def columns_of(X: Any) -> list[NamedColumn]:
    """Return the columns of a table.

    Parameters
    ----------
    X : {DataFrame, array-like} of shape (n_samples, n_features)
        A frame of pandas or polars, a table of pyarrow, an array, or a list of rows.

    Returns
    -------
    columns : list of NamedColumn
        The columns, from left to right.

    Raises
    ------
    TypeError
        If the table is sparse.
    ValueError
        If the table is not 2-dimensional, has no rows or no columns, has masked values, or if two
        columns have the same name.
    """
    if issparse(X):
        raise TypeError("Sparse data was passed as the table, which must be dense: use X.toarray()")
    check_not_masked(X, "X")
    X = as_table(X)
    _check_shape(X.shape)
    if not hasattr(X, "columns"):
        return [NamedColumn(f"column {j}", X[:, j]) for j in range(X.shape[1])]
    names = [str(name) for name in X.columns]
    _check_distinct(names)
    # far faster than taking them one by one
    data = X.get_columns() if hasattr(X, "get_columns") else (column for _, column in X.items())
    return [
        NamedColumn(f"column {name!r}", column) for name, column in zip(names, data, strict=True)
    ]


def as_table(X: Any) -> Any:
    """Return an array or a data frame, from which columns can be taken by position."""
    if hasattr(X, "dask") and hasattr(X, "columns"):
        raise ValueError("X is a frame of dask, whose rows are not known yet: pass X.compute().")
    if getattr(getattr(X, "dtype", None), "names", None) is not None:
        _refuse_records("a structured array")
    if isinstance(X, np.ndarray) or hasattr(X, "iloc"):
        return np.asarray(X) if isinstance(X, np.ndarray) else X
    if hasattr(X, "get_columns"):  # polars; a lazy frame has no columns yet
        return X
    if hasattr(X, "collect"):
        raise ValueError("X is a lazy frame, whose rows are not known yet: pass X.collect().")
    _check_not_records(X)
    if hasattr(X, "column_names") and hasattr(X, "to_pandas"):
        return X.to_pandas()
    if hasattr(X, "__array__") or not hasattr(X, "__len__"):
        return np.asarray(X)
    rows = np.array(X, dtype=object)
    if rows.ndim == 1 and any(isinstance(row, list | tuple) for row in rows):
        raise ValueError("The rows of X have different lengths. Fill what is missing with None.")
    return rows


def _check_not_records(X: Any) -> None:
    """Raise ValueError if the columns of X are the keys of dicts."""
    if isinstance(X, Mapping):
        _refuse_records("a dict")
    if isinstance(X, list | tuple) and any(isinstance(row, Mapping) for row in X):
        _refuse_records("a list of dicts")


def _refuse_records(kind: str) -> NoReturn:
    raise ValueError(f"X is {kind}. Pass a data frame, for example pandas.DataFrame(X).")


def _check_shape(shape: tuple[int, ...]) -> None:
    """Raise ValueError if the table is not 2-dimensional, or empty."""
    if len(shape) != 2:
        raise ValueError(
            f"The table must be 2-dimensional, got shape {shape}. Reshape your data: a single "
            "column with X.reshape(-1, 1), a single row with X.reshape(1, -1)."
        )
    for size, kind in zip(shape, ("sample", "feature"), strict=True):
        if size == 0:
            raise ValueError(
                f"Found a table with 0 {kind}(s) (shape={shape}) while a minimum of 1 is required."
            )


def _check_distinct(names: list[str]) -> None:
    """Raise ValueError if two columns have the same name."""
    if len(set(names)) < len(names):
        repeated = [name for name, n in Counter(names).items() if n > 1]
        raise ValueError(
            f"X has several columns named {', '.join(map(repr, repeated))}. Rename them, or leave "
            "out all but one."
        )
